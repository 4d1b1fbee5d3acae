//! `docs/threats.md` and the names of the tests: each id of a test has its row, each row has its test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The cells of a row: id, threat or fault, what is done about it, source.
const CELLS: usize = 4;

/// The first line of each table with rows.
const HEADER: &str = "| id | threat or fault | what mcp-login does | source |";

/// Tells whether a word has the form of an id: lower-case letters, digits, and at most one more letter.
fn is_id(word: &str) -> bool {
    let letter = |it: char| it.is_ascii_lowercase();
    let rest = word.trim_start_matches(letter);
    let last = rest.trim_start_matches(|it: char| it.is_ascii_digit());
    rest.len() < word.len()
        && last.len() < rest.len()
        && last.len() <= 1
        && last.chars().all(letter)
}

/// Splits the name of a test into its ids and its other words.
fn split(name: &str) -> (Vec<&str>, Vec<&str>) {
    let words: Vec<_> = name.split('_').collect();
    let ids = words.iter().take_while(|word| is_id(word)).count();
    (words[..ids].to_vec(), words[ids..].to_vec())
}

/// Reads the names of the test functions in a source.
fn tests_in(text: &str) -> Vec<String> {
    let is_test = |line: &str| {
        line == "#[test]"
            || line.ends_with("::test]")
            || (line.starts_with("#[apply(") && line.ends_with("test)]"))
    };
    let name = |line: &str| {
        let rest = &line[line.find("fn ")? + "fn ".len()..];
        rest.split(['(', '<']).next().map(str::to_owned)
    };
    let mut lines = text.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("#[") && is_test(line) {
            found.push(
                lines
                    .by_ref()
                    .filter(|line| !line.starts_with("//"))
                    .find_map(name)
                    .expect("the function below #[test]"),
            );
        }
    }
    found
}

/// Finds all tests, as `file: name`, with their names.
fn tests() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut left = vec![root.join("src"), root.join("tests")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(root).expect("below the root").display();
            for name in tests_in(&fs::read_to_string(&path).expect("a source")) {
                found.insert(format!("{file}: {name}"), name);
            }
        }
    }
    found
}

/// Reads the rows of the document: the cells of each line of a table below [`HEADER`].
fn rows() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/threats.md");
    let text = fs::read_to_string(path).expect("the document");
    let mut rows = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line == HEADER) {
        let table = lines.by_ref().take_while(|line| line.starts_with('|'));
        // The line below the header rules it off.
        rows.extend(table.skip(1).map(|line| {
            let line = line.trim_start_matches('|').trim_end_matches('|');
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        }));
    }
    rows
}

/// Reads the ids of the rows.
fn ids() -> BTreeSet<String> {
    let unquoted = |row: Vec<String>| row[0].trim_matches('`').to_owned();
    rows().into_iter().map(unquoted).collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[apply(test)]
fn each_id_of_a_test_has_its_row() {
    let known = ids();
    let mut wrong = Vec::new();
    for (place, name) in tests() {
        let (own, others) = split(&name);
        for id in own.iter().filter(|id| !known.contains(**id)) {
            wrong.push(format!(
                "{place}: there is no row for {id} in docs/threats.md (is it no id? then begin the name with another word)"
            ));
        }
        for id in others.iter().filter(|word| known.contains(**word)) {
            wrong.push(format!(
                "{place}: {id} belongs to the ids at the start of the name"
            ));
        }
        if others.is_empty() {
            wrong.push(format!("{place}: says nothing but ids"));
        }
    }
    assert_none(&wrong);
}

#[apply(test)]
fn each_row_has_its_test() {
    let tests = tests();
    let carried: BTreeSet<_> = tests.values().flat_map(|name| split(name).0).collect();
    let wrong: Vec<_> = ids()
        .iter()
        .filter(|id| !carried.contains(id.as_str()))
        .map(|id| format!("docs/threats.md: no test carries {id}"))
        .collect();
    assert_none(&wrong);
}

#[apply(test)]
fn rows_are_whole_and_each_id_occurs_once() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in rows() {
        let id = row[0]
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix('`'))
            .unwrap_or_default();
        if row.len() != CELLS || row.iter().any(String::is_empty) || !is_id(id) {
            wrong.push(format!(
                "docs/threats.md: not {CELLS} cells, or no id: {row:?}"
            ));
        }
        if !seen.insert(id.to_owned()) {
            wrong.push(format!("docs/threats.md: {id} is there twice"));
        }
    }
    assert!(seen.len() > 200, "rows that could be read: {}", seen.len());
    assert_none(&wrong);
}

#[apply(test)]
fn what_an_id_is() {
    for (name, ids) in [
        ("l5_l6_idle_connections", "l5 l6"),
        ("m2a_a_header", "m2a"),
        ("sec4_no_core", "sec4"),
        ("u1_hermes_34260_the_port", "u1"),
        ("c5_32_logins", "c5"),
        // These have the form of ids: a row is demanded for them.
        ("v6_addresses", "v6"),
        ("ipv6_addresses", "ipv6"),
        ("x509_names", "x509"),
        ("m2a_token68_is_read", "m2a token68"),
        // And these do not.
        ("a_machine_without_ipv6", ""),
        ("conforms_to_2026_07_28", ""),
        ("m2ab_is_none", ""),
        ("2a_is_none", ""),
        ("l_5_is_none", ""),
        ("oauth2x5_is_none", ""),
    ] {
        assert_eq!(split(name).0.join(" "), ids, "{name}");
    }
}

#[apply(test)]
fn how_tests_are_found() {
    let text = "
        #[apply(test)]
        fn l1_one() {}

        /// Words.
        #[cfg(unix)]
        #[apply(test)]
        #[should_panic]
        // More words, with fn in them.
        pub fn l2_two() {}

        #[tokio::test]
        async fn l3_three() {}

        #[apply(waiting_test)]
        fn l6_six() {}

        fn l4_no_test() {}
        #[cfg(test)]
        fn l5_no_test() {}
    ";
    assert_eq!(tests_in(text), ["l1_one", "l2_two", "l3_three", "l6_six"]);
    let own = format!("{}: how_tests_are_found", file!().replace('\\', "/"));
    assert!(tests().contains_key(&own), "{own} is among them");
}
