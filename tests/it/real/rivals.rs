//! What Codex would use in place of a login that it is given, where only the keyring shows it.

use std::fs;
use std::process::Command;

use super::bed::{script, Bed, Part};
use super::bus;
use super::running::Run;
use crate::support::fake::Fake;
use crate::support::program::Program;

/// Keeps an older login of Codex's for the server `lab`, as Codex does, and then replaces itself.
const WITH_AN_OLDER_LOGIN: &str = r#"
    key="lab|$(printf '{"type":"http","url":"%s","headers":{}}' "$1" | sha256sum | cut -c1-16)"
    printf old | secret-tool store --label=older service 'Codex MCP Credentials' username "$key" && shift && exec "$@"
"#;

/// Returns a hand-over in a session whose keyring holds such a login.
fn hand_over(bed: &Bed, fake: &Fake, mode: &str) -> Command {
    let mut command = bed.command(script("keyring"));
    command.args([
        "--user-bus",
        "unlocked",
        "/bin/sh",
        "-c",
        WITH_AN_OLDER_LOGIN,
        "sh",
        &fake.mcp(),
    ]);
    command.args([
        env!("CARGO_BIN_EXE_mcp-login"),
        "handover",
        "--store",
        "file",
        &fake.mcp(),
        "--to",
        "codex",
    ]);
    command.args(["--mode", mode]);
    for name in [
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(name);
    }
    command
}

#[apply(test)]
fn f2_an_older_login_of_codex_in_the_keyring_is_named() {
    let bed = Bed::with(&[Part::Keyring]);
    bus::needs_bus(&bed);
    let fake = Fake::start();
    Program::login(&fake).at_home(bed.home()).agree().expect(0);
    let server = format!("[mcp_servers.lab]\nurl = \"{}\"\n", fake.mcp());
    fs::create_dir(bed.path(".codex")).expect("a home for Codex");
    fs::write(bed.path(".codex/config.toml"), &server).expect("a configuration");
    for mode in ["access", "move"] {
        let refused = Run::start(&mut hand_over(&bed, &fake, mode))
            .finish()
            .exits(2);
        assert!(
            refused
                .stderr
                .contains("the keyring holds an older login of Codex to lab"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("codex mcp logout lab"),
            "{}",
            refused.stderr
        );
    }
    let in_file = format!("mcp_oauth_credentials_store = \"file\"\n{server}");
    fs::write(bed.path(".codex/config.toml"), in_file).expect("a configuration");
    Run::start(&mut hand_over(&bed, &fake, "access"))
        .finish()
        .exits(0);
}
