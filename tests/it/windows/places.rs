//! Files that other programs hold, and what the program says about its own.

use std::path::Path;

use serde_json::json;

use super::{at, login, windows};
use crate::support::fake::Fake;
use crate::support::program::{Finished, Program};
use crate::support::rotating::Home;

/// Runs a program while another one has a file open, and shares it with nobody.
#[cfg(windows)]
fn run_beside_a_holder(program: Program, path: &Path) -> Finished {
    use std::os::windows::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let held = options.read(true).share_mode(0).open(path).expect("a file");
    let finished = program.run();
    drop(held);
    finished
}

/// Runs a program while the one that starts it has a file open, and shares it with nobody.
#[cfg(unix)]
fn run_beside_a_holder(program: Program, path: &Path) -> Finished {
    let path = format!("Z:{}", path.display()).replace('/', "\\");
    program.env("MCP_LOGIN_TEST_HELD", path).run()
}

/// A virus scanner opens files in this way, but not for long.
#[apply(test)]
fn win5_a_store_that_another_program_holds_is_named() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"expires_at": "2999-01-01T00:00:00Z"}));
    let before = home.text();
    let program = at(&home, "token", &fake);
    let finished = run_beside_a_holder(program, &home.credentials()).expect(7);
    let said = &finished.stderr;
    assert!(said.contains("credentials.json"), "{said}");
    assert!(said.contains("another program has it open"), "{said}");
    assert_eq!(home.text(), before);
    at(&home, "token", &fake).run().expect(0);
}

#[apply(test)]
fn win6_messages_name_the_places_of_windows() {
    let doctor = windows().args(["doctor", "--store", "file"]).run();
    let said = doctor.stdout.replace("\n                       ", "");
    assert!(said.contains(r".local\share\mcp-login"), "{said}");
}

#[apply(test)]
fn win6_help_names_the_places_of_windows() {
    let help = windows().args(["token", "--help"]).run().expect(0).stdout;
    let words: Vec<_> = help.split_whitespace().collect();
    let help = words.join(" ");
    for place in [
        r"(%LOCALAPPDATA%\mcp-login\credentials.json)",
        r"Usually %LOCALAPPDATA%\mcp-login.",
    ] {
        assert!(help.contains(place), "{help}");
    }
    assert!(!help.contains("~/"), "{help}");
}

/// With a quote, characters that PowerShell takes for its own, and more of them than old interfaces took.
#[apply(test)]
fn win6_a_hint_names_any_directory_for_powershell() {
    let fake = Fake::start();
    let home = Home::new();
    let directory = format!("Ann's data & $x;{}", "y".repeat(100));
    let path = format!("{}/{directory}/{directory}/z", home.path().display());
    let path = match cfg!(windows) {
        true => path.replace('/', "\\"),
        false => format!("Z:{path}").replace('/', "\\"),
    };
    let token = |url: &str| {
        let words = ["token", "--store", "file", "--data-dir", &path, url];
        windows().at_home(home.path()).args(words).run()
    };
    let url = format!("{}?a=1&b=2", fake.mcp());
    let said = token(&url).expect(3).stderr;
    let quoted = path.replace('\'', "''");
    let hint = format!("mcp-login '{url}' --store file --data-dir '{quoted}'");
    assert!(said.contains(&hint), "{said}");
    let words = ["--data-dir", &path];
    let login = login(&fake).at_home(home.path()).args(words);
    login.agree().expect(0);
    let token = token(&fake.mcp()).expect(0);
    assert_eq!(token.stdout.trim_end(), "access-1");
}
