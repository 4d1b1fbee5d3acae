//! Browsers that the program starts on Windows, and whose answers they bring. `tests/windows/build` makes one of them.

use std::fs;

use super::stores::{helpers, on_windows};
use super::windows;
use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::{visit, wait_for, write_program};

/// Prepares a login to a fake, with a browser.
fn login(fake: &Fake) -> Program {
    windows()
        .args(["--json", "--store", "file", "--timeout", "60s"])
        .arg(fake.mcp())
}

/// The answer comes from another process of the same user, of which Windows tells the owner.
#[apply(test)]
fn win1_a_browser_of_the_user_brings_the_answer() {
    let (fake, helpers) = (Fake::start(), helpers());
    let browser = on_windows(&helpers.path().join("Ann's (own) helpers/helper.exe"));
    let finished = login(&fake)
        .args(["-vv", "--browser", &format!("\"{browser}\" visit %s")])
        .run()
        .expect(0);
    assert_eq!(finished.kept(&fake.mcp())["access_token"], "access-1");
    let peer = finished.stderr.split("is that of process Some(").nth(1);
    let pid = peer.and_then(|it| it.split(')').next()?.parse::<u32>().ok());
    assert!(pid.is_some_and(|pid| pid != 0), "{}", finished.stderr);
}

/// Wine hands what its default browser is to open to `xdg-open`.
#[apply(test)]
fn win1_the_default_browser_gets_the_whole_address() {
    let fake = Fake::start();
    let place = tempfile::tempdir().expect("a directory");
    let (opener, opened) = (place.path().join("xdg-open"), place.path().join("opened"));
    let script = format!(
        "#!/bin/sh\nprintf %s \"$1\" >{0}.new && mv {0}.new {0}\n",
        opened.display()
    );
    write_program(&opener, &script);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut login = login(&fake)
        .env("PATH", format!("{}:{path}", place.path().display()))
        .start();
    let url = login.authorization_url();
    let got = wait_for("the browser", || fs::read_to_string(&opened).ok());
    assert_eq!(got, url);
    assert_eq!(visit(&login.redirect(&got)).status, 200);
    login.finish().expect(0);
}
