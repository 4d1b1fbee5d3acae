//! The browser as a child: what it is given, and what it cannot do to us.

use rustix::process::Signal;

use crate::support::browser::FakeBrowser;
use crate::support::fake::Fake;
use crate::support::process::is_ignored;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::{visit, wait_for};

fn login(fake: &Fake) -> Program {
    Program::new().args(["--json", "--store", "file"]).env("MCP_LOGIN_TIMEOUT", "60s").arg(fake.mcp())
}

#[test]
fn r8_the_browser_has_a_session_of_its_own_and_nothing_of_ours() {
    let (fake, browser, pty) = (Fake::start(), FakeBrowser::new("echo noise; echo noise >&2"), Pty::open());
    let program = login(&fake).env("BROWSER", browser.path()).env("MCP_LOGIN_CLIENT_SECRET", "CANARY");
    let mut login = program.args(["--client-id", "by-hand"]).on(&pty).start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url, "the URL is one argument");
    let stat = browser.note("stat").expect("a note");
    let fields: Vec<i64> =
        stat.rsplit(") ").next().expect("fields").split(' ').skip(1).map_while(|it| it.parse().ok()).collect();
    let [_, group, session, terminal, ..] = fields[..] else { panic!("{stat}") };
    assert_ne!(session, i64::from(login.pid()), "a session of its own: {stat}");
    assert_ne!(group, i64::from(login.pid()), "{stat}");
    assert_eq!(terminal, 0, "no terminal: {stat}");
    assert!(browser.note("tty").is_none(), "our terminal cannot be opened");
    let fds = browser.note("fds").expect("a note");
    let sockets: Vec<_> = fds.lines().filter(|line| line.contains("socket:")).collect();
    assert!(sockets.is_empty(), "no socket of ours: {fds}");
    assert!(!fds.contains("/dev/pts/"), "none of our streams: {fds}");
    let env = browser.note("env").expect("a note");
    assert!(!env.contains("CANARY") && !env.contains("MCP_LOGIN_CLIENT_SECRET"), "{env}");
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
    let mut pty = pty;
    assert!(!pty.shown().contains("noise"), "{}", pty.shown());
}

#[test]
fn r8_a_browser_that_hangs_or_talks_or_dies_changes_nothing() {
    for what in ["exec sleep 60", "head -c 1000000 /dev/zero", "exit 0", "exit 7", "kill -9 $$"] {
        let (fake, browser) = (Fake::start(), FakeBrowser::new(what));
        let mut login = login(&fake).env("BROWSER", browser.path()).start();
        let url = login.authorization_url();
        browser.url();
        assert_eq!(visit(&login.redirect(&url)).status, 200, "{what}");
        login.finish().expect(0);
        if let Some(stat) = browser.note("stat").filter(|_| what.starts_with("exec")) {
            // The browser lives on without us; the test ends it.
            let pid = stat.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id");
            let hanging = crate::support::process::Process(pid);
            assert!(hanging.stat().is_some(), "{what}");
            hanging.signal(Signal::KILL);
        }
    }
}

#[test]
fn r8_no_zombie_is_left() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new("exit 0"));
    let mut login = login(&fake).env("BROWSER", browser.path()).start();
    login.authorization_url();
    browser.url();
    let children = format!("/proc/{0}/task/{0}/children", login.pid());
    wait_for("the end of the opener", || {
        // The child belongs to the thread that started it; all of them are looked at.
        let tasks = std::fs::read_dir(format!("/proc/{}/task", login.pid())).ok()?;
        let none = tasks.flatten().all(|task| {
            std::fs::read_to_string(task.path().join("children")).is_ok_and(|children| children.trim().is_empty())
        });
        (none || !std::path::Path::new(&children).exists()).then_some(())
    });
    login.process().signal(Signal::TERM);
    login.finish();
}

#[test]
fn r8_keys_of_our_terminal_do_not_reach_the_browser() {
    if is_ignored(Signal::INT, "Ctrl-C") {
        return;
    }
    let (fake, browser, mut pty) =
        (Fake::start(), FakeBrowser::new("trap 'echo >hit' INT HUP; sleep 60 & wait"), Pty::open());
    let mut login = login(&fake).env("BROWSER", browser.path()).on(&pty).start();
    login.authorization_url();
    browser.url();
    pty.wait_until_raw(true);
    pty.type_in("\u{3}");
    assert_eq!(login.finish().signal, Some(2));
    pty.close();
    let pid = browser.note("stat").and_then(|stat| stat.split(' ').next()?.parse().ok()).expect("a process id");
    let process = crate::support::process::Process(pid);
    assert!(process.stat().is_some() && browser.note("hit").is_none());
    process.signal(Signal::KILL);
}

/// A browser that draws on a terminal would fight with us over ours.
#[test]
fn r9_a_text_browser_has_no_terminal() {
    let pty = Pty::open();
    let (fake, browser) = (Fake::start(), FakeBrowser::new("cat >input"));
    let w3m = browser.path().with_file_name("w3m");
    std::fs::copy(browser.path(), &w3m).expect("a copy");
    let mut login = login(&fake).env("BROWSER", w3m).on(&pty).start();
    let url = login.authorization_url();
    browser.url();
    assert!(browser.note("tty").is_none(), "our terminal cannot be opened");
    assert!(!browser.note("fds").expect("a note").contains("/dev/pts/"), "{:?}", browser.note("fds"));
    wait_for("the end of its input", || browser.note("input").filter(String::is_empty));
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}

#[test]
fn r9_without_a_display_the_address_is_printed() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
    std::fs::copy(browser.path(), browser.path().with_file_name("x-www-browser")).expect("a copy");
    // What this machine has for a browser is not started.
    browser.beside("xdg-settings", "");
    let path =
        format!("{}:{}", browser.path().parent().expect("a directory").display(), std::env::var("PATH").expect("PATH"));
    for variable in ["", "CI", "SSH_CONNECTION"] {
        let mut program = login(&fake).arg("--force").env("PATH", &path);
        if !variable.is_empty() {
            program = program.env(variable, "10.0.0.1 1 10.0.0.2 22").env("DISPLAY", ":0");
        }
        let mut login = program.start();
        let url = login.authorization_url();
        assert_eq!(login.said("/authorize?"), url, "alone on its line");
        assert_eq!(visit(&login.redirect(&url)).status, 200);
        login.finish().expect(0);
        assert!(!browser.was_started(), "{variable}");
    }
    // With a display the same program is started.
    let mut login = login(&fake).arg("--force").env("PATH", &path).env("DISPLAY", ":0").start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url);
    login.process().signal(Signal::TERM);
    login.finish();
}

#[test]
fn r8_a_browser_that_cannot_be_started_is_told() {
    let fake = Fake::start();
    let mut login = login(&fake).args(["--browser", "/nonexistent/browser"]).env("PATH", "/nonexistent").start();
    let url = login.authorization_url();
    login.said("there is no browser /nonexistent/browser");
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}
