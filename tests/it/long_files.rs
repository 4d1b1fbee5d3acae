//! Configurations of clients that hold much else: Claude Code keeps its history beside the servers.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use serde_json::json;

use crate::names::live;
use crate::support::fake::Fake;
use crate::support::rotating::Home;

/// A megabyte.
const MB: usize = 1024 * 1024;

/// The address space of the program, in KiB: too little for itself and a text of 24 MB.
const MEMORY_KIB: usize = 40 * 1024;

/// Writes a `.claude.json` with a long history, and the server `lab` at its end.
fn configure(home: &Home, fake: &Fake, before: &str, bytes: usize) {
    let mut file = BufWriter::new(File::create(home.path().join(".claude.json")).expect("a file"));
    let prompt = json!({"display": "a prompt \"with\" // marks \u{e9}", "pastedContents": {"1": [null, 1.5, "x".repeat(900)]}});
    let prompt = prompt.to_string();
    let history = vec![prompt.as_str(); bytes / prompt.len()].join(",\n");
    let servers = json!({"lab": {"type": "http", "url": fake.mcp()}});
    write!(
        file,
        "{before}{{\"projects\": {{\"/elsewhere\": {{\"history\": [{history}]}}}}, \"mcpServers\": {servers}}}"
    )
    .and_then(|()| file.flush())
    .expect("a file");
}

#[apply(test)]
fn n8_names_are_found_in_a_file_of_any_size() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[live(&fake)]);
    let limit = format!("ulimit -v {MEMORY_KIB}");
    for (before, bytes) in [("", 24 * MB), ("// mine\n", 2 * MB)] {
        configure(&home, &fake, before, bytes);
        let token = home
            .command("token", &["claude-code:lab"])
            .through_shell(&limit, "")
            .run()
            .expect(0);
        assert_eq!(
            (token.stdout.as_str(), token.stderr.as_str()),
            ("access-live", "")
        );
    }
}

#[apply(test)]
fn n8_a_long_file_is_left_as_it_is() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[live(&fake)]);
    configure(&home, &fake, "", 17 * MB);
    let path = home.path().join(".claude.json");
    let before = std::fs::metadata(&path)
        .and_then(|found| found.modified())
        .expect("a time");
    for write in [
        &["--to", "claude-code", "--write"][..],
        &["--to", "claude-code"],
    ] {
        let shown = home
            .command("handover", &[&fake.mcp()])
            .args(write)
            .run()
            .expect(0);
        assert!(
            shown.stdout.contains("\"headersHelper\": ") && shown.stdout.contains("\"lab\""),
            "{}",
            shown.stdout
        );
        assert_eq!(
            shown.stderr.contains("is too large to be changed here"),
            write.len() == 3,
            "{}",
            shown.stderr
        );
        assert!(
            !shown.stderr.contains("again with --write"),
            "{}",
            shown.stderr
        );
    }
    assert_eq!(
        std::fs::metadata(&path)
            .and_then(|found| found.modified())
            .expect("a time"),
        before
    );
}
