//! The rules of the house: layers, one place for each outside thing, purposes, pure rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layer of each module. A module may name modules of lower layers, and those of [`NEIGHBOURS`].
const LAYERS: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "digest",
            "failure",
            "mcp",
            "oauth",
            "os",
            "providers",
            "warning",
        ],
    ),
    ("adapters", &["callback", "clients", "http", "store"]),
    (
        "flows",
        &[
            "bridge",
            "context",
            "discovery",
            "error",
            "login",
            "refresh",
            "registration",
            "token_endpoint",
        ],
    ),
    ("surface", &["cli", "commands", "output"]),
];

/// Which modules of one layer may name each other, in this direction.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    ("failure", &["providers"]),
    ("warning", &["failure"]),
    ("oauth", &["digest", "failure", "os"]),
    ("mcp", &["os"]),
    ("os", &["failure", "oauth", "warning"]),
    ("clients", &["store"]),
    ("bridge", &["context", "error", "refresh"]),
    ("context", &["error"]),
    ("error", &["discovery", "registration", "token_endpoint"]),
    (
        "login",
        &[
            "context",
            "discovery",
            "error",
            "refresh",
            "registration",
            "token_endpoint",
        ],
    ),
    (
        "refresh",
        &["context", "error", "registration", "token_endpoint"],
    ),
    ("commands", &["cli", "output"]),
    ("registration", &["token_endpoint"]),
];

/// Files outside the layers: they may name anything, and only `main` and tests name them.
const OUTSIDE: [&str; 2] = ["lib", "main"];

/// Outside things, and the only places that may name them.
const ONLY_IN: [(&str, &[&str]); 14] = [
    ("ureq::", &["src/http/"]),
    ("httparse::", &["src/callback/request/"]),
    (
        "tiny_http::",
        &["src/callback/pages.rs", "src/commands/demo/"],
    ),
    (
        "console::",
        &[
            "src/os/terminal/mod.rs",
            "src/os/terminal/qr.rs",
            "src/os/terminal/text.rs",
        ],
    ),
    ("qrcodegen::", &["src/os/terminal/qr.rs"]),
    ("webbrowser::", &["src/os/browser/mod.rs"]),
    ("keyring_core::", &["src/store/keyring"]),
    (
        "keyring_secret_service::",
        &["src/store/keyring/secret_service.rs"],
    ),
    ("chrono::", &["src/os/clock.rs"]),
    ("clap::", &["src/cli/", "src/commands/"]),
    (
        "tempfile::",
        &["src/os/files/", "src/commands/demo/", "src/store/"],
    ),
    ("signal_hook::", &["src/os/signals/"]),
    ("ring::", &["src/digest.rs", "src/oauth/jwt/"]),
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
    sources_below("src")
}

fn sources_below(directory: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.join(directory)];
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
    let mut text = text;
    for tests in [
        "\n#[cfg(test)]\nmod tests {",
        "\n#[cfg(test)]\npub mod tests {",
    ] {
        text = text.split(tests).next().unwrap_or(text);
    }
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs")
}

fn layer(module: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

fn is_neighbour(own: &str, named: &str) -> bool {
    let allowed = NEIGHBOURS.iter().find(|(module, _)| *module == own);
    allowed.is_some_and(|(_, named_too)| named_too.contains(&named))
}

/// Returns the modules at the top that some code names.
fn named_modules(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|it| it.is_ascii_alphanumeric() || *it == '_')
            .collect()
    };
    code.split("crate::").skip(1).map(word).collect()
}

#[apply(test)]
fn modules_name_lower_layers_only() {
    let mut used = BTreeSet::new();
    for (file, text) in sources().iter().filter(|(file, _)| !is_test(file)) {
        let own = module(file);
        if OUTSIDE.contains(&own.as_str()) {
            continue;
        }
        let own_layer = layer(&own).unwrap_or_else(|| panic!("{file}: in which layer is {own}?"));
        for named in named_modules(&code(text))
            .into_iter()
            .filter(|named| *named != own)
        {
            let named_layer = layer(&named).unwrap_or_else(|| panic!("{file} names {named}"));
            if named_layer < own_layer {
                continue;
            }
            assert!(is_neighbour(&own, &named), "{file} names {named}");
            used.insert((own.clone(), named));
        }
    }
    for (own, neighbours) in NEIGHBOURS {
        for named in *neighbours {
            let pair = ((*own).to_owned(), (*named).to_owned());
            assert!(used.contains(&pair), "{own} does not name {named} any more");
        }
    }
}

#[apply(test)]
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

/// What differs between operating systems is in `os/`, where both sides stand next to each other.
#[apply(test)]
fn nothing_above_os_knows_the_operating_system() {
    // The keyring's own libraries are chosen there.
    let is_exempt = |file: &str| {
        file.starts_with("src/os/") || file == "src/store/keyring/mod.rs" || is_test(file)
    };
    let words = [
        "cfg(unix",
        "cfg(windows",
        "cfg(not(unix",
        "cfg(not(windows",
        "cfg!(unix",
        "cfg!(windows",
        "target_os",
        "target_vendor",
        "std::os::",
        "rustix::",
        "nix::",
    ];
    for (file, text) in sources().iter().filter(|(file, _)| !is_exempt(file)) {
        for word in words {
            assert!(!code(text).contains(word), "{file} names {word}");
        }
    }
}

#[apply(test)]
fn the_rules_are_pure() {
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| file.starts_with("src/oauth/") && !is_test(file))
    {
        for word in IMPURE {
            // Most signatures need random numbers.
            let is_signing = (file.as_str(), word) == ("src/oauth/jwt/key.rs", "rand::");
            let is_known = code(text).contains(word);
            assert!(!is_known || is_signing, "{file} knows {word}");
        }
    }
}

#[apply(test)]
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
#[apply(test)]
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

#[apply(test)]
fn l0_the_callback_socket_is_served_by_our_own_loop() {
    let server = ["tiny_http", "Server"].join("::");
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| !file.starts_with("src/commands/demo/"))
    {
        assert!(!code(text).contains(&server), "{file} uses {server}");
    }
}

/// The runner of these tests knows only what is registered; anything else would never run, and nobody would notice.
#[apply(test)]
fn every_test_is_registered() {
    for (file, text) in sources_below("tests/it") {
        let usual = text.lines().find(|line| line.trim() == "#[test]");
        assert_eq!(usual, None, "{file}: write #[apply(test)]");
    }
}

#[apply(test)]
fn warnings_have_a_code() {
    for (file, text) in sources() {
        for sentence in ["log::warn!", "log::error!"] {
            assert!(
                !code(&text).contains(sentence),
                "{file}: a warning is an event with a code"
            );
        }
    }
}

#[apply(test)]
fn exit_statuses_are_classes() {
    for (file, text) in sources().iter().filter(|(file, _)| !is_test(file)) {
        for number in code(text).split("ExitCode::from(").skip(1) {
            let is_literal = number.starts_with(|it: char| it.is_ascii_digit());
            assert!(!is_literal, "{file}: an exit status is a class");
        }
    }
}
