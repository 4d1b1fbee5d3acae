//! Logins in the Credential Manager, which takes 2,560 bytes an entry.

use std::path::Path;

use super::windows;
use crate::support::fake::{Fake, Reply};
use crate::support::program::{Finished, Program};

/// Starts servers whose access tokens are as long.
fn with_tokens_of(length: usize) -> Fake {
    Fake::with(move |seen, fake| {
        if seen.path == "/revoke" {
            return Some(Reply::status(200));
        }
        (seen.path == "/token").then(|| {
            let mut answer = fake.tokens(1, seen.parameter("scope"));
            answer["access_token"] = "t".repeat(length).into();
            Reply::json(200, &answer)
        })
    })
}

fn login(fake: &Fake) -> Program {
    windows()
        .args(["--json", "--store", "keyring", "--no-browser"])
        .args(["--timeout", "60s", &fake.mcp()])
}

fn run(command: &str, home: &Path, fake: &Fake) -> Finished {
    let words = [command, "--store", "keyring", &fake.mcp()];
    windows().at_home(home).args(words).run()
}

#[apply(test)]
fn win2_a_login_longer_than_an_entry_of_the_keyring() {
    let fake = with_tokens_of(9_000);
    let finished = login(&fake).agree().expect(0);
    let home = finished.home();
    let token = run("token", home, &fake).expect(0).stdout;
    assert_eq!(token.trim_end(), "t".repeat(9_000));
    run("logout", home, &fake).expect(0);
    run("token", home, &fake).expect(3);
}

#[apply(test)]
fn win2_doctor_tests_the_credential_manager() {
    let doctor = windows().args(["doctor", "--store", "keyring"]).run();
    let words: Vec<_> = doctor.stdout.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains("a write, a read and a delete work"), "{said}");
}

/// Runs a command of Wine itself.
#[cfg(unix)]
fn wine(words: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = std::process::Command::new("/usr/lib/wine/wine64")
        .args(words)
        .env("WINEPREFIX", root.join("target/windows/prefix"))
        .env("WINEDEBUG", "-all")
        .output()
        .expect("Wine");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Anything may remove entries one by one; Wine has them in its registry.
#[cfg(unix)]
#[apply(test)]
fn win2_a_login_that_lacks_a_part_is_none() {
    let registry = r"HKCU\Software\Wine\Credential Manager";
    let fake = with_tokens_of(9_000);
    let finished = login(&fake).agree().expect(0);
    let home = finished.home();
    let entries = || {
        let listed = wine(&["reg", "query", registry]);
        let lines = listed.lines().map(|line| line.trim().to_owned());
        // A slash in a name would divide keys.
        let port = fake.origin().rsplit_once(':').expect("a port").1.to_owned();
        lines
            .filter(|line| line.contains(&port))
            .collect::<Vec<_>>()
    };
    let before = entries();
    let part = before.iter().find(|entry| entry.contains("#0#2"));
    let part = part.unwrap_or_else(|| panic!("no third part: {before:?}"));
    wine(&["reg", "delete", part, "/f"]);
    assert_eq!(entries().len(), before.len() - 1);
    let token = run("token", home, &fake).expect(7);
    assert_eq!(token.stdout, "");
    // A new login mends it.
    let again = login(&fake).arg("--force").at_home(home);
    again.agree().expect(0);
    run("token", home, &fake).expect(0);
    run("logout", home, &fake).expect(0);
    assert_eq!(entries(), [""; 0]);
}
