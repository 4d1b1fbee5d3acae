//! The browser as a child: what it is given, and what it cannot do to us.

use rustix::process::Signal;

use crate::support::browser::FakeBrowser;
use crate::support::fake::Fake;
use crate::support::program::{Program, LOGIN_LIMIT};
use crate::support::pty::Pty;
use crate::support::skip::needs_signal;
use crate::support::{copy_program, visit, wait_for};

fn login(fake: &Fake) -> Program {
    Program::new()
        .args(["--json", "--store", "file"])
        .env("MCP_LOGIN_TIMEOUT", LOGIN_LIMIT)
        .arg(fake.mcp())
}

#[apply(test)]
fn r8_the_browser_has_its_own_session_and_no_file_of_ours() {
    let (fake, browser, pty) = (
        Fake::start(),
        FakeBrowser::new("echo noise; echo noise >&2"),
        Pty::open(),
    );
    let program = login(&fake)
        .env("BROWSER", browser.path())
        .env("MCP_LOGIN_CLIENT_SECRET", "CANARY");
    let program = program.args(["--client-id", "by-hand"]);
    // As under `flock`, whose lock ends with the last process that has its file open.
    let mut login = program.through_shell("", "9</").on(&pty).start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url, "the URL is one argument");
    let stat = browser.note("stat").expect("a note");
    let fields: Vec<i64> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .skip(1)
        .map_while(|it| it.parse().ok())
        .collect();
    let [_, group, session, terminal, ..] = fields[..] else {
        panic!("{stat}")
    };
    assert_ne!(
        session,
        i64::from(login.pid()),
        "a session of its own: {stat}"
    );
    assert_ne!(group, i64::from(login.pid()), "{stat}");
    assert_eq!(terminal, 0, "no terminal: {stat}");
    assert!(
        browser.note("tty").is_none(),
        "our terminal cannot be opened"
    );
    let fds = browser.note("fds").expect("a note");
    let sockets: Vec<_> = fds
        .lines()
        .filter(|line| line.contains("socket:"))
        .collect();
    assert!(sockets.is_empty(), "no socket of ours: {fds}");
    assert!(!fds.contains("/dev/pts/"), "none of our streams: {fds}");
    assert!(!fds.contains(" 9 -> /"), "no file that we inherited: {fds}");
    let env = browser.note("env").expect("a note");
    assert!(
        !env.contains("CANARY") && !env.contains("MCP_LOGIN_CLIENT_SECRET"),
        "{env}"
    );
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
    let mut pty = pty;
    assert!(!pty.shown().contains("noise"), "{}", pty.shown());
}

#[apply(test)]
fn r8_a_browser_that_hangs_or_talks_or_dies_changes_nothing() {
    for what in [
        "exec sleep 60",
        "head -c 1000000 /dev/zero",
        "exit 0",
        "exit 7",
        "kill -9 $$",
    ] {
        let (fake, browser) = (Fake::start(), FakeBrowser::new(what));
        let mut login = login(&fake).env("BROWSER", browser.path()).start();
        let url = login.authorization_url();
        browser.url();
        assert_eq!(visit(&login.redirect(&url)).status, 200, "{what}");
        login.finish().expect(0);
        if let Some(stat) = browser.note("stat").filter(|_| what.starts_with("exec")) {
            // The browser lives on without us; the test ends it.
            let pid = stat
                .split(' ')
                .next()
                .and_then(|pid| pid.parse().ok())
                .expect("a process id");
            let hanging = crate::support::process::Process(pid);
            assert!(hanging.stat().is_some(), "{what}");
            hanging.signal(Signal::KILL);
        }
    }
}

#[apply(test)]
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
            std::fs::read_to_string(task.path().join("children"))
                .is_ok_and(|children| children.trim().is_empty())
        });
        (none || !std::path::Path::new(&children).exists()).then_some(())
    });
    login.process().signal(Signal::TERM);
    login.finish();
}

#[apply(test)]
fn r8_keys_of_our_terminal_do_not_reach_the_browser() {
    needs_signal(Signal::INT);
    let (fake, browser, mut pty) = (
        Fake::start(),
        FakeBrowser::new("trap 'echo >hit' INT HUP; sleep 60 & wait"),
        Pty::open(),
    );
    let mut login = login(&fake).env("BROWSER", browser.path()).on(&pty).start();
    login.authorization_url();
    browser.url();
    pty.wait_until_raw(true);
    pty.type_in("\u{3}");
    assert_eq!(login.finish().signal, Some(2));
    pty.close();
    let pid = browser
        .note("stat")
        .and_then(|stat| stat.split(' ').next()?.parse().ok())
        .expect("a process id");
    let process = crate::support::process::Process(pid);
    assert!(process.stat().is_some() && browser.note("hit").is_none());
    process.signal(Signal::KILL);
}

/// A browser that draws on a terminal would fight with us over ours.
#[apply(test)]
fn r9_a_text_browser_has_no_terminal() {
    let pty = Pty::open();
    let (fake, browser) = (Fake::start(), FakeBrowser::new("cat >input"));
    let w3m = browser.path().with_file_name("w3m");
    copy_program(browser.path(), &w3m);
    let mut login = login(&fake).env("BROWSER", w3m).on(&pty).start();
    let url = login.authorization_url();
    browser.url();
    assert!(
        browser.note("tty").is_none(),
        "our terminal cannot be opened"
    );
    assert!(
        !browser.note("fds").expect("a note").contains("/dev/pts/"),
        "{:?}",
        browser.note("fds")
    );
    wait_for("the end of its input", || {
        browser.note("input").filter(String::is_empty)
    });
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}

#[apply(test)]
fn r9_without_a_display_the_address_is_printed() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
    copy_program(
        browser.path(),
        browser.path().with_file_name("x-www-browser"),
    );
    // What this machine has for a browser is not started.
    browser.beside("xdg-settings", "");
    let path = format!(
        "{}:{}",
        browser.path().parent().expect("a directory").display(),
        std::env::var("PATH").expect("PATH")
    );
    for variable in ["", "CI", "SSH_CONNECTION"] {
        let mut program = login(&fake).arg("--force").env("PATH", &path);
        if !variable.is_empty() {
            program = program
                .env(variable, "10.0.0.1 1 10.0.0.2 22")
                .env("DISPLAY", ":0");
        }
        let mut login = program.start();
        let url = login.authorization_url();
        assert_eq!(login.said("/authorize?"), url, "alone on its line");
        assert_eq!(visit(&login.redirect(&url)).status, 200);
        login.finish().expect(0);
        assert!(!browser.was_started(), "{variable}");
    }
    // With a display the same program is started.
    let mut login = login(&fake)
        .arg("--force")
        .env("PATH", &path)
        .env("DISPLAY", ":0")
        .start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url);
    login.process().signal(Signal::TERM);
    login.finish();
}

/// With --quiet the command for ssh and the address are still told apart.
#[apply(test)]
fn r9_the_command_for_ssh_has_its_sentence_even_if_quiet() {
    let fake = Fake::start();
    let mut login = login(&fake)
        .arg("--quiet")
        .env("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
        .start();
    login.agree();
    let finished = login.finish().expect(0);
    let lines: Vec<_> = finished
        .stderr
        .lines()
        .filter(|it| !it.is_empty())
        .collect();
    let [first, url, then, command] = lines[..] else {
        panic!("{lines:?}")
    };
    assert!(first.ends_with("open this address:"), "{first}");
    assert!(url.starts_with("http"), "{url}");
    assert!(
        then.ends_with("run this on your own computer before you sign in:"),
        "{then}"
    );
    assert!(
        command.starts_with("ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:"),
        "{command}"
    );
}

/// `ssh HOST mcp-login SERVER` has no terminal to paste into; once stdin has ended, --paste is not advised again.
#[apply(test)]
fn r9_over_ssh_without_a_terminal_the_way_to_one_is_named() {
    for (option, is_named) in [("-v", true), ("--paste", false)] {
        let fake = Fake::start();
        let mut login = login(&fake)
            .arg(option)
            .env("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
            .start();
        login.agree();
        let finished = login.finish().expect(0);
        let said = finished.stderr.contains("run this in a terminal (ssh -t)");
        assert_eq!(said, is_named, "{}", finished.stderr);
    }
}

#[apply(test)]
fn r8_a_browser_that_cannot_be_started_is_reported() {
    let fake = Fake::start();
    let mut login = login(&fake)
        .args(["--browser", "/nonexistent/browser"])
        .env("PATH", "/nonexistent")
        .start();
    let url = login.authorization_url();
    login.said("there is no browser /nonexistent/browser");
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}

/// Whatever names a browser: a path with spaces and parentheses, quoted words, a list.
#[apply(test)]
fn p56_p63_every_form_of_a_named_browser() {
    for (name, form) in [
        ("Program Files (x86)/chrome.exe", "BROWSER"),
        ("Program Files (x86)/chrome.exe", "BROWSER %s"),
        ("Program Files (x86)/chrome.exe", "'BROWSER'"),
        ("my browser", "\"BROWSER\" '%s'"),
        ("plain", "nosuch-browser:BROWSER"),
        ("plain", "FAILS:BROWSER"),
        ("a b", "FAILS:'BROWSER':never"),
    ] {
        let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
        let path = browser.path().with_file_name(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        copy_program(browser.path(), &path);
        let failing = browser.beside("firefox", "exit 3");
        let value = form
            .replace("BROWSER", &path.display().to_string())
            .replace("FAILS", &failing.display().to_string());
        let mut login = login(&fake).env("BROWSER", &value).start();
        let url = login.authorization_url();
        assert_eq!(browser.url(), url, "{value}");
        if form.starts_with("nosuch") {
            login.said("there is no browser nosuch-browser");
        }
        if form.starts_with("FAILS") {
            login.said("firefox failed (exit status 3)");
        }
        assert_eq!(visit(&login.redirect(&url)).status, 200);
        login.finish().expect(0);
    }
}

/// `--browser` is one command; it is not a list, and nothing else is opened in its place.
#[apply(test)]
fn p56_the_option_is_one_command() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
    let odd = browser.path().with_file_name("my: browser");
    copy_program(browser.path(), &odd);
    let mut login = login(&fake)
        .arg("--browser")
        .arg(format!("'{}' %s", odd.display()))
        .start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url);
    login.agree_at(&url);
    login.finish().expect(0);
}

#[apply(test)]
fn p63_a_missing_browser_is_reported() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
    copy_program(browser.path(), browser.path().with_file_name("xdg-open"));
    let directory = browser.path().parent().expect("a directory").to_owned();
    // Without a display nothing else could open a window.
    let mut login = login(&fake)
        .env("BROWSER", "nosuch-browser")
        .env("PATH", &directory)
        .start();
    login.said("there is no browser nosuch-browser");
    login.said("no browser could be started; open the address yourself");
    assert!(!browser.was_started());
    login.agree();
    login.finish().expect(0);
}

/// Windows Explorer, which opens the browser of Windows in WSL, ends with 1 after it has done so.
#[apply(test)]
fn p63_the_status_of_explorer_exe_says_nothing() {
    let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
    let explorer = browser.beside("explorer.exe", "exit 1");
    let value = format!("{}:{}", explorer.display(), browser.path().display());
    let mut login = login(&fake).arg("-v").env("BROWSER", value).start();
    login.said("the browser was told to open the address");
    login.agree();
    let finished = login.finish().expect(0);
    assert!(!browser.was_started(), "{}", finished.stderr);
    assert!(!finished.stderr.contains("failed"), "{}", finished.stderr);
}

/// In a toolbox there is nothing else in the path.
#[apply(test)]
fn p56_the_programs_that_only_open_are_tried() {
    for opener in ["xdg-open", "wslview"] {
        for variable in ["", "nosuch-browser"] {
            let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
            let directory = browser.path().with_file_name("bin");
            std::fs::create_dir(&directory).expect("a directory");
            copy_program(browser.path(), directory.join(opener));
            for tool in ["sh", "cat", "ls", "env", "mv"] {
                let found =
                    ["/bin", "/usr/bin"].map(|place| std::path::Path::new(place).join(tool));
                let found = found.into_iter().find(|path| path.exists()).expect(tool);
                std::os::unix::fs::symlink(found, directory.join(tool)).expect("a link");
            }
            let mut login = login(&fake)
                .env("DISPLAY", ":0")
                .env("BROWSER", variable)
                .env("PATH", &directory)
                .start();
            let url = login.authorization_url();
            assert_eq!(browser.url(), url, "{opener}");
            login.agree_at(&url);
            login.finish().expect(0);
        }
    }
}
