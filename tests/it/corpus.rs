//! Runs every input of `tests/corpus`, found by fuzzing, through the function of its fuzz target.

use std::fs;
use std::path::Path;

use crate::properties::TARGETS;

#[apply(test)]
fn every_input_of_the_corpus_keeps_the_guarantees() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for (name, target) in TARGETS {
        let inputs = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|err| panic!("tests/corpus/{name}: {err}"));
        let mut count = 0;
        for input in inputs {
            let path = input.expect("a directory entry").path();
            // Shown only if the target panics.
            println!("{}", path.display());
            target(&fs::read(&path).expect("a readable input"));
            count += 1;
        }
        assert!(count > 0, "tests/corpus/{name} is empty");
    }
}

#[apply(test)]
fn every_corpus_has_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for directory in fs::read_dir(corpus).expect("tests/corpus") {
        let name = directory.expect("a directory entry").file_name();
        assert!(
            TARGETS.iter().any(|(known, _)| *known == name),
            "tests/corpus/{} has no target",
            name.display()
        );
    }
}
