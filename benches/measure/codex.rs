//! The login of codex, in turns with ours.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::login::{browser, with_browser};
use crate::runs::{children_cpu, Runs};
use crate::support::fake::Fake;

const CODEX_LOGINS: usize = 15;

/// The login of codex, in turns with ours, if codex is there.
pub fn codex() {
    let codex = std::env::var("CODEX").unwrap_or_else(|_| "codex".to_owned());
    if Command::new(&codex)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        return println!("| codex | not on the path | | | |");
    }
    let (mut ours, mut theirs, mut ratios, mut their_requests) =
        (Runs::new(), Runs::new(), Vec::new(), 0);
    let (mut our_cpu, mut their_cpu) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..CODEX_LOGINS {
        let before = children_cpu();
        ours.time(|| with_browser(&Fake::start()).run().expect(0));
        our_cpu += children_cpu() - before;

        let fake = Fake::start();
        let home = tempfile::tempdir().expect("a directory");
        let config = format!(
            "mcp_oauth_credentials_store = \"file\"\n[mcp_servers.fake]\nurl = \"{}\"\n",
            fake.mcp()
        );
        fs::write(home.path().join("config.toml"), config).expect("a configuration");
        let mut command = Command::new(&codex);
        command
            .args(["mcp", "login", "fake"])
            .env("CODEX_HOME", home.path())
            .env("BROWSER", browser());
        command
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let before = children_cpu();
        let status = theirs.time(|| command.status().expect("codex"));
        their_cpu += children_cpu() - before;
        assert!(status.success(), "codex could not log in");
        their_requests = fake
            .seen()
            .iter()
            .filter(|seen| seen.path != "/authorize")
            .count();
        ratios.push(ours.last().as_secs_f64() / theirs.last().as_secs_f64());
    }
    ours.print("our login, in turns with codex", our_cpu);
    theirs.print("login of codex", their_cpu);
    ratios.sort_by(f64::total_cmp);
    println!(
        "| our time / time of codex; its requests | {:.2} | {their_requests} | | |",
        ratios[ratios.len() / 2]
    );
}
