//! The size of the program: production code without comments, blank lines and unit tests, as rustfmt formats it by default.
//!
//! `cargo test --test it budget -- --nocapture` prints the figures. Whoever needs more raises a limit here, and says in the
//! commit why the program is worth it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of code.
const MAX_CODE: usize = 40_265;

/// Most structs and enums.
const MAX_TYPES: usize = 415;

/// Most lines of code of one file.
const MAX_FILE: usize = 405;

/// Most direct dependencies on Linux, without those of the tests.
const MAX_DEPENDENCIES: usize = 47;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the production sources.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root().join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && name != "tests" {
                directories.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    found
}

/// Returns the lines of code of a source, without its unit tests.
fn code(text: &str) -> Vec<&str> {
    let (mut code, mut end_of_tests) = (Vec::new(), None);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (start, next) = (line.trim_start(), lines.peek().unwrap_or(&""));
        let is_of_tests = start.starts_with("#[cfg(") && start.contains("test");
        if is_of_tests && next.contains("mod ") && next.ends_with('{') {
            end_of_tests = Some(line.replace(start, "}"));
        }
        if end_of_tests.is_none() && !start.is_empty() && !start.starts_with("//") {
            code.push(line);
        }
        end_of_tests.take_if(|end| end == line);
    }
    code
}

/// Returns the name of the type that a line of code defines.
fn type_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let name = line
        .strip_prefix("struct ")
        .or_else(|| line.strip_prefix("enum "))?;
    let end = name.find(|it: char| !it.is_alphanumeric() && it != '_');
    Some(&name[..end.unwrap_or(name.len())])
}

/// Returns the direct dependencies that a build for Linux has.
fn dependencies() -> usize {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut count = 0;
    let mut is_counted = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_counted = line.ends_with("dependencies]")
                && !line.contains("dev-dependencies")
                && !line.contains("cfg(target_os = \"macos\")");
        } else if is_counted && line.contains('=') && !line.starts_with('#') {
            count += 1;
        }
    }
    count
}

#[apply(test)]
fn the_program_stays_in_its_budget() {
    let (mut lines, mut types, mut longest) =
        (0, BTreeMap::<String, usize>::new(), (0, PathBuf::new()));
    for path in sources() {
        let text = fs::read_to_string(&path).expect("a source");
        let code = code(&text);
        lines += code.len();
        longest = longest.max((code.len(), path));
        for name in code.iter().filter_map(|line| type_name(line)) {
            *types.entry(name.to_owned()).or_default() += 1;
        }
    }
    let doubled: Vec<_> = types
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(name, _)| name)
        .collect();
    let count: usize = types.values().sum();
    println!(
        "{lines} lines of code, {count} structs and enums, {} names doubled {doubled:?}",
        doubled.len()
    );
    println!(
        "{} direct dependencies; longest file {longest:?}",
        dependencies()
    );
    assert!(lines <= MAX_CODE, "{lines} lines of code");
    assert!(count <= MAX_TYPES, "{count} structs and enums");
    assert!(doubled.is_empty(), "defined more than once: {doubled:?}");
    assert!(longest.0 <= MAX_FILE, "too long: {longest:?}");
    assert!(
        dependencies() <= MAX_DEPENDENCIES,
        "{} dependencies",
        dependencies()
    );
}

#[apply(test)]
fn what_counts_as_a_type() {
    for (line, name) in [
        ("pub struct Deadline(Instant);", Some("Deadline")),
        ("    pub(super) enum Stage {", Some("Stage")),
        ("struct Handover<'a> {", Some("Handover")),
        ("impl Stage {", None),
        ("    structure: u8,", None),
    ] {
        assert_eq!(type_name(line), name, "{line}");
    }
}
