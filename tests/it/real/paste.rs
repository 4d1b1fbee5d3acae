//! Logins at oidc-provider where the browser is on another machine and the user pastes its last address.

use expectrl::process::unix::WaitStatus;
use expectrl::{Expect, Regex, Session};

use super::bed::{Bed, Part};
use super::running::Run;
use super::user_agent::UserAgent;
use crate::support::{parameter, PATIENCE};

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
    let mut command = bed.command(env!("CARGO_BIN_EXE_mcp-login"));
    command.args([
        "--no-browser",
        "--timeout",
        "180s",
        "--store",
        &bed.file_store(),
    ]);
    command
        .arg("--data-dir")
        .arg(bed.path("data"))
        .arg(&server.url)
        .env("TERM", "xterm");
    let mut terminal = Session::spawn(command).expect("a terminal");
    terminal.set_expect_timeout(Some(PATIENCE));
    let found = terminal
        .expect(Regex("http://127\\.0\\.0\\.1:\\d+/auth\\?[^\\s\\x1b]+"))
        .expect("the address to open");
    let start =
        String::from_utf8(found.get(0).expect("the address").to_vec()).expect("an address is text");
    let address = UserAgent::default().agree(&start);
    terminal
        .send(format!("{address}\r"))
        .expect("the terminal takes a paste");
    terminal.expect(expectrl::Eof).expect("the end");
    let status = terminal.get_process().wait().expect("the exit status");
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    assert!(bed.read("credentials.json").contains("refresh_token"));
}
