//! What holds for the program as a whole: what it starts, what it depends on, what it does without random numbers, what
//! file times and the clipboard have to do with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::fake::{Fake, Reply};
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::{needs, skip};
use crate::support::strace;

/// A browser that agrees.
const BROWSER: &str = "curl -sL -o /dev/null %s";

/// The least version of a dependency that is free of a published hole.
const FIXED: [(&str, &str); 6] = [
    ("anyhow", "1.0.103"),         // RUSTSEC-2026-0190
    ("idna", "1.0.3"),             // RUSTSEC-2024-0421
    ("rand", "0.8.6"),             // RUSTSEC-2026-0097
    ("ring", "0.17.12"),           // RUSTSEC-2025-0009
    ("rustls-webpki", "0.103.13"), // RUSTSEC-2026-0104
    ("webbrowser", "1.2.6"),       // GHSA-j2mc-vg6q-w75p
];

fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().expect("a release");
    let number = |part: &str| part.parse().expect("a number");
    release.split('.').map(number).collect()
}

#[apply(test)]
fn v17_no_locked_version_has_a_known_hole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: toml_edit::DocumentMut = fs::read_to_string(path)
        .expect("the lock file")
        .parse()
        .expect("TOML");
    let packages = lock["package"].as_array_of_tables().expect("packages");
    for (name, fixed) in FIXED {
        let versions: Vec<_> = packages
            .iter()
            .filter(|package| package["name"].as_str() == Some(name))
            .map(|package| package["version"].as_str().expect("a version"))
            .collect();
        assert!(!versions.is_empty(), "{name} is no dependency any more");
        for version in versions {
            assert!(numbers(version) >= numbers(fixed), "{name} {version}");
        }
    }
}

/// A configuration may name commands: those that run a server, and those that make its headers.
#[apply(test)]
fn v16_a_login_starts_the_browser_and_nothing_else() {
    needs(&["strace", "curl"]);
    let fake = Fake::start();
    let home = Home::new();
    let touch = |name: &str| json!({"command": "touch", "args": [home.path().join(name)]});
    let mut lab = touch("started");
    lab["type"] = "http".into();
    lab["url"] = fake.mcp().into();
    let servers = json!({"mcpServers": {"lab": lab, "local": touch("local")}});
    fs::write(home.path().join(".claude.json"), servers.to_string()).expect("writing");
    let login = home
        .command("login", &["--json", "--timeout", "60s"])
        .env("BROWSER", BROWSER)
        .arg("claude-code:lab");
    let trace = home.path().join("trace");
    let path = trace.to_str().expect("a path");
    strace::traced(login, "execve,execveat", path, None).expect(0);
    let trace = fs::read_to_string(&trace).expect("a trace");
    // Where a program is looked for in several directories, each try is a call.
    let started: BTreeSet<_> = trace
        .lines()
        .filter(|line| line.contains("execve"))
        .filter_map(|line| line.split('"').nth(1)?.rsplit('/').next())
        .collect();
    // It starts itself once more, by /proc/self/exe.
    let expected = BTreeSet::from(["curl", "exe", "mcp-login"]);
    assert_eq!(started, expected, "{trace}");
}

/// The panic comes out of a library; nothing is shown of it but constant text and its place.
#[apply(test)]
fn a17_r10_sec11_without_random_numbers_the_login_fails() {
    needs(&["strace", "curl"]);
    let fake = Fake::start();
    let login = |home: &Path| {
        Program::new()
            .at_home(home)
            .env("BROWSER", BROWSER)
            .args(["--json", "--store", "file", "--force", "--timeout", "90s"])
            .arg(fake.mcp())
    };
    let home = tempfile::tempdir().expect("a directory");
    let calls = strace::calls(login(home.path()), "getrandom", home.path());
    // Where the C library serves them without asking the kernel, there is nothing to fail.
    if !calls.iter().any(|call| call.line.contains(", 32, ")) {
        skip("random numbers come without a system call here");
    }
    let mut bugs = 0;
    for call in &calls {
        let home = tempfile::tempdir().expect("a directory");
        let finished = strace::inject(login(home.path()), call, "error=EAGAIN");
        if finished.code == Some(0) {
            continue;
        }
        bugs += 1;
        assert_eq!(finished.code, Some(70), "{call:?}: {}", finished.stderr);
        let mut said = finished.stderr.lines().rev();
        assert_eq!(
            said.next(),
            Some("mcp-login: hint: please report it, with what you did; nothing that was stored is lost")
        );
        let bug = said.next().expect("a line");
        let place = bug.strip_prefix("mcp-login: error: this is a bug in mcp-login at ");
        let line = place.and_then(|place| place.rsplit_once(".rs:")?.1.parse::<u32>().ok());
        assert!(line.is_some(), "{bug}");
        for text in ["panicked", "EAGAIN", "Resource temporarily"] {
            assert!(!finished.stderr.contains(text), "{}", finished.stderr);
        }
    }
    assert!(bugs > 0, "a login needs random numbers: {calls:#?}");
}

#[apply(test)]
fn sec9_nothing_that_is_printed_writes_the_clipboard() {
    // The text that a terminal would put into the clipboard, in each form of the sequence.
    let copies = [
        "\u{1b}]52;c;Y2FuYXJ5\u{7}",
        "\u{9d}52;c;Y2FuYXJ5\u{1b}\\",
        "\u{1b}]52;p;Y2FuYXJ5",
    ];
    let words = format!("{}refused{}{}", copies[0], copies[1], copies[2]);
    let fake = Fake::with(move |seen, _| {
        let refusal = json!({"error": "invalid_grant", "error_description": words});
        (seen.path == "/token").then(|| Reply::json(400, &refusal))
    });
    let mut pty = Pty::open();
    let mut login = Program::login(&fake).on(&pty).start();
    login.agree();
    let finished = login.finish().expect_error(3, "invalid_grant");
    let shown = pty.shown();
    assert!(shown.contains("refused"), "{shown}");
    for text in [&shown, &finished.stdout] {
        assert!(
            !text.contains("\u{1b}]") && !text.contains('\u{9d}'),
            "{text:?}"
        );
    }
    assert!(!shown.contains("Y2FuYXJ5"), "{shown:?}");
}

#[apply(test)]
fn d13_times_of_files_decide_nothing() {
    let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    for time in [SystemTime::UNIX_EPOCH, SystemTime::now() + century] {
        let servers = Rotating::start();
        let home = Home::expired(&servers);
        let set_times = || {
            for path in home.all_files() {
                let file = fs::File::options().write(true).open(&path).expect("a file");
                file.set_modified(time).expect("setting a time");
            }
        };
        set_times();
        let first = home.token(&servers.fake).expect(0).stdout;
        set_times();
        let second = home.token(&servers.fake).expect(0).stdout;
        assert_eq!((servers.refreshes(), &first), (1, &second), "{time:?}");
        home.expire();
        set_times();
        let third = home.token(&servers.fake).expect(0).stdout;
        assert_ne!(third, second, "{time:?}");
        assert_eq!((servers.refreshes(), servers.was_reused()), (2, false));
        assert!(home.logins().contains_key("https://other.example/mcp"));
    }
}

#[apply(test)]
fn d14_the_manual_keeps_the_files_out_of_backups() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/mcp-login.1");
    let manual = fs::read_to_string(path).expect("the manual page");
    let files = manual.split(".SH FILES").nth(1).expect("its files");
    let files = files.split(".SH").next().expect("a section");
    for word in ["credentials.json", "backups", "synchronised"] {
        assert!(files.contains(word), "{word}: {files}");
    }
}
