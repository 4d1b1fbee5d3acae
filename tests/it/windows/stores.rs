//! Logins that a helper keeps on Windows: a program, or a script that starts one. `tests/windows/build` makes it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{waiting, windows};
use crate::support::engine::Engine;
use crate::support::fake::{Fake, Reply};
use crate::support::program::{Finished, Program};
use crate::support::{visit, wait_for};

/// A directory with a name that needs quotes, in which a helper is, as a program and as a script.
pub(super) fn helpers() -> TempDir {
    let place = tempfile::tempdir().expect("a directory");
    let directory = place.path().join("Ann's (own) helpers");
    fs::create_dir(&directory).expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = root.join("target/windows/helper.exe");
    fs::copy(built, directory.join("helper.exe")).expect("the helper");
    let script = "@echo off\r\n\"%~dp0helper.exe\" %*\r\n";
    fs::write(directory.join("script.cmd"), script).expect("a script");
    place
}

pub(super) fn on_windows(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// Runs a command with a store in the directory of the helpers.
fn run(helpers: &TempDir, store: &str, words: &[&str]) -> Finished {
    program(helpers, store, words).run()
}

fn program(helpers: &TempDir, store: &str, words: &[&str]) -> Program {
    let mut program = windows().args(words).args(["--store", store]);
    program.command().current_dir(helpers.path());
    program.at_home(helpers.path())
}

#[apply(test)]
fn win10_a_helper_keeps_logins() {
    let fake = Fake::with(|seen, _| (seen.path == "/revoke").then(|| Reply::status(200)));
    let helpers = helpers();
    let directory = on_windows(&helpers.path().join("Ann's (own) helpers"));
    // As a person may write it: a whole path with spaces, in quotes, below the working directory, without its ending.
    for command in [
        format!("{directory}\\helper.exe"),
        format!("\"{directory}\\script.cmd\""),
        "\".\\Ann's (own) helpers\\script\"".to_owned(),
    ] {
        let engine = Engine::new();
        let store = format!("exec:{command} \"{}\"", on_windows(engine.path()));
        let words = ["--json", "--no-browser", "--timeout", "60s", &fake.mcp()];
        let (login, good) = waiting(program(&helpers, &store, &words));
        visit(&good);
        login.finish().expect(0);
        let token = token(&helpers, &store, &fake).expect(0);
        let kept = engine.login();
        assert_eq!(kept["access_token"], token.stdout.trim_end(), "{store}");
        let status = run(&helpers, &store, &["status", "--json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
        assert_eq!(status["logins"][0]["store"], "exec", "{store}");
        run(&helpers, &store, &["logout", &fake.mcp()]).expect(0);
        assert_eq!(engine.value(), Value::Null);
        // The command of the hint works in every directory.
        let none = self::token(&helpers, &store, &fake).expect(3).stderr;
        assert!(none.contains(&directory.replace('\'', "''")), "{none}");
    }
}

/// Asks for the token, again if the helper did not answer within 5 s: Wine is slow on a busy machine.
fn token(helpers: &TempDir, store: &str, fake: &Fake) -> Finished {
    wait_for("an answer of the helper", || {
        let token = run(helpers, store, &["token", &fake.mcp()]);
        let is_late = token.code == Some(7) && token.stderr.contains("did not end");
        (!is_late).then_some(token)
    })
}

/// Conflicts, long values, and eight writers at once.
#[apply(test)]
fn win10_doctor_tests_a_helper() {
    let (engine, helpers) = (Engine::new(), helpers());
    let engine_path = on_windows(engine.path());
    let store = format!("exec:.\\Ann's (own) helpers\\helper.exe {engine_path}");
    let doctor = run(&helpers, &store, &["doctor", "--json"]);
    let diagnosis: Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let findings = diagnosis["findings"].as_array().expect("findings");
    let of_helper = findings.iter().filter(|it| it["topic"] == "exec");
    let states: Vec<_> = of_helper.map(|it| &it["state"]).collect();
    assert_eq!(states, ["ok"; 10], "{findings:?}");
}

#[apply(test)]
fn win10_a_helper_that_fails_or_hangs() {
    let (fake, helpers) = (Fake::start(), helpers());
    for name in ["helper.exe", "script.cmd"] {
        let engine = Engine::new();
        let command = format!(
            ".\\Ann's (own) helpers\\{name} {}",
            on_windows(engine.path())
        );
        for (fault, said) in [
            (
                "fail=get",
                "the store helper failed at `get` (exit code: 3): no luck today",
            ),
            ("hang=get", "the store helper did not end `get` within 5 s"),
        ] {
            let store = format!("exec:{command} {fault}");
            let token = run(&helpers, &store, &["token", &fake.mcp()]).expect(7);
            assert!(token.stderr.contains(said), "{}", token.stderr);
        }
        // What the helper has started is gone too.
        let own = engine.path().file_name().expect("a name").to_string_lossy();
        wait_for("the end of the helper", || {
            (!is_running(&own)).then_some(())
        });
    }
}

/// Tells whether a process has this in its command line.
fn is_running(word: &str) -> bool {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    all.filter_map(|it| fs::read(it.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(word))
}
