//! The rules of the house: floors, one place for each outside thing, purposes, pure rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each module; a module may name lower floors only. `fuzzing` and `main` stand outside.
const FLOORS: &[(&str, u8)] = &[
    ("clock", 0),
    ("digest", 0),
    ("disk", 0),
    ("mcp", 0),
    ("oauth", 0),
    ("providers", 0),
    ("browser", 1),
    ("http", 1),
    ("listener", 1),
    ("peers", 1),
    ("signals", 1),
    ("store", 1),
    ("surroundings", 0),
    ("terminal", 1),
    ("discover", 2),
    ("register", 2),
    ("authorize", 2),
    ("exchange", 2),
    ("revoke", 2),
    ("clients", 2),
    ("wait", 2),
    ("error", 3),
    ("check", 4),
    ("exec", 4),
    ("handover", 4),
    ("logout", 4),
    ("status", 4),
    ("token", 4),
    ("tools", 4),
    ("demo", 4),
    ("doctor", 4),
    ("login", 4),
    ("app", 5),
    ("cli", 5),
    ("report", 5),
];

/// Modules beside the floors: they may name anything, and only `main` and tests name them.
const OUTSIDE: [&str; 4] = ["fuzzing", "guard", "lib", "main"];

/// On these floors modules may name each other: the rules, and the surface.
const OPEN_FLOORS: [u8; 3] = [0, 4, 5];

/// Outside things, and the only places that may name them.
const ONLY_IN: [(&str, &[&str]); 13] = [
    ("ureq::", &["src/http/"]),
    ("httparse::", &["src/listener/request.rs"]),
    ("tiny_http::", &["src/listener/page.rs", "src/demo/"]),
    ("console::", &["src/terminal/mod.rs"]),
    ("webbrowser::", &["src/browser.rs"]),
    ("keyring::", &["src/store/keyring"]),
    ("dbus::", &["src/store/keyring"]),
    ("chrono::", &["src/clock.rs"]),
    ("clap::", &["src/cli/", "src/app/"]),
    ("tempfile::", &["src/disk", "src/demo/", "src/store/"]),
    ("signal_hook::", &["src/signals.rs"]),
    ("ring::", &["src/digest.rs", "src/store/keyring/cipher.rs"]),
    ("println!", &[]),
];

/// What the pure rules must not know.
const IMPURE: [&str; 12] = [
    "std::fs",
    "std::net::Tcp",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "Utc::now",
    "Instant",
    "SystemTime",
    "rand::",
    "println!",
    "eprintln!",
];

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.join("src")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .expect("a directory")
                    .map(|entry| entry.expect("an entry").path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix(root)
                .expect("below the root")
                .to_string_lossy()
                .into_owned();
            found.insert(name, fs::read_to_string(&path).expect("a source"));
        }
    }
    found
}

/// Returns the module at the top that a file belongs to.
fn module(file: &str) -> String {
    let path = PathBuf::from(file);
    let below = path.strip_prefix("src").expect("below src");
    let first = below
        .components()
        .next()
        .expect("a name")
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Returns the code of a file: without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or(text);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs")
}

fn floor(module: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

#[test]
fn modules_name_lower_floors_only() {
    for (file, text) in sources().iter().filter(|(file, _)| !is_test(file)) {
        let own = module(file);
        if OUTSIDE.contains(&own.as_str()) {
            continue;
        }
        let own_floor = floor(&own).unwrap_or_else(|| panic!("{file}: on which floor is {own}?"));
        for part in code(text).split("crate::").skip(1) {
            let named: String = part
                .chars()
                .take_while(|it| it.is_ascii_alphanumeric() || *it == '_')
                .collect();
            let Some(named_floor) = floor(&named) else {
                continue;
            };
            let same =
                named == own || (named_floor == own_floor && OPEN_FLOORS.contains(&own_floor));
            assert!(
                named_floor < own_floor || same,
                "{file} (floor {own_floor}) names {named} (floor {named_floor})"
            );
        }
    }
}

#[test]
fn every_outside_thing_has_one_place() {
    for (file, text) in sources().iter().filter(|(file, _)| !is_test(file)) {
        for (thing, places) in ONLY_IN {
            let named = code(text).match_indices(thing).any(|(at, _)| {
                !code(text)[..at].ends_with(|before: char| {
                    before.is_ascii_alphanumeric() || before == '_' || before == ':'
                })
            });
            let allowed = places.iter().any(|place| file.starts_with(place));
            assert!(allowed || !named, "{file} names {thing}");
        }
    }
}

#[test]
fn the_rules_are_pure() {
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| file.starts_with("src/oauth/") && !is_test(file))
    {
        for word in IMPURE {
            assert!(!code(text).contains(word), "{file} knows {word}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{file} does not begin with its purpose"
        );
    }
}

/// The name of the server type is put together so that this file does not hold it.
/// What is printed passes a filter that shows anything but ASCII as an escape.
#[test]
fn f5_our_own_words_are_ascii() {
    for (file, text) in sources() {
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let odd = |line: &&str| {
            ['\u{2026}', '\u{2013}', '\u{2014}']
                .iter()
                .any(|it| line.contains(*it))
        };
        if is_test(&file) {
            continue;
        }
        assert_eq!(own.lines().filter(is_code).find(odd), None, "{file}");
    }
}

#[test]
fn l0_the_callback_socket_is_served_by_our_own_loop() {
    let server = ["tiny_http", "Server"].join("::");
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| !file.starts_with("src/demo/"))
    {
        assert!(!code(text).contains(&server), "{file} uses {server}");
    }
}
