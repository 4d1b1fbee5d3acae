//! Runs every kept input of the fuzz targets through the functions that the targets call.

use std::fs;
use std::path::Path;

use mcp_login::fuzzing::TARGETS;

#[apply(test)]
fn every_kept_input_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in TARGETS {
        let inputs = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|err| panic!("fuzz/corpus/{name}: {err}"));
        let mut count = 0;
        for input in inputs {
            let path = input.expect("a directory entry").path();
            // Shown only if the target panics.
            println!("{}", path.display());
            target(&fs::read(&path).expect("a readable input"));
            count += 1;
        }
        assert!(count > 0, "fuzz/corpus/{name} is empty");
    }
}

#[apply(test)]
fn every_corpus_has_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for directory in fs::read_dir(corpus).expect("fuzz/corpus") {
        let name = directory.expect("a directory entry").file_name();
        assert!(
            TARGETS.iter().any(|(known, _)| *known == name),
            "fuzz/corpus/{} has no target",
            name.display()
        );
    }
}
