//! Logins at oidc-provider where the browser is on another machine and the user pastes its last address.

use super::bed::{Bed, Part};
use super::running::Run;
use super::user_agent::UserAgent;
use crate::support::parameter;
use crate::support::pty::Pty;

#[apply(test)]
fn oidc_provider_by_paste_from_a_pipe() {
    let bed = Bed::with(&[Part::Npm]);
    let server = bed.oidc_provider();
    let mut command = bed.program();
    command.args([
        "--no-browser",
        "--paste",
        "--timeout",
        "180s",
        "--store",
        &bed.file_store(),
        &server.url,
    ]);
    let mut run = Run::start(&mut command);
    let event = run.wait_for_event("authorization_url");
    let address = UserAgent::default().agree(event["url"].as_str().expect("a URL"));
    run.type_line(&address);
    let finished = run.finish().exits(0);
    assert_eq!(finished.event("logged_in")["refreshable"], true);
    let code = parameter(&address, "code").expect("a code");
    assert!(
        !finished.stdout.contains(&code) && !finished.stderr.contains(&code),
        "the code was printed"
    );
}

#[apply(test)]
fn oidc_provider_by_paste_on_a_terminal() {
    let bed = Bed::with(&[Part::Npm]);
    let server = bed.oidc_provider();
    let mut pty = Pty::open();
    let mut login = bed
        .command("setsid")
        .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_mcp-login")])
        .args(["--no-browser", "--timeout", "180s", "--store"])
        .arg(bed.file_store())
        .arg("--data-dir")
        .arg(bed.path("data"))
        .arg(&server.url)
        .env("TERM", "xterm")
        .stdin(pty.stdio())
        .stdout(pty.stdio())
        .stderr(pty.stdio())
        .spawn()
        .expect("setsid");
    pty.wait_for("/auth?");
    pty.wait_until_raw(true);
    let shown = pty.shown();
    let mut words = shown.split(|end: char| end.is_whitespace() || end == '\u{1b}');
    let start = words.find(|word| word.contains("/auth?"));
    let address = UserAgent::default().agree(start.expect("the address to open"));
    pty.type_in(&format!("{address}\r"));
    assert!(
        login.wait().expect("the exit status").success(),
        "{}",
        pty.shown()
    );
    assert!(bed.read("credentials.json").contains("refresh_token"));
}
