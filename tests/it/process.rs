//! The process: signals, streams that are gone, the browser as a child, several logins at once, exit codes.

mod blocked;
mod browser;
mod several;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::browser::FakeBrowser;
use crate::support::fake::{Fake, Gate, Reply};
use crate::support::program::{Finished, Program, Running, LOGIN_LIMIT};
use crate::support::pty::Pty;
use crate::support::skip::{is_root, needs_container, needs_root, needs_signal, CONTAINER};
use crate::support::{in_time, repeat, visit, wait_for};

/// Returns the signals that end a program, with their numbers.
fn signals() -> impl Iterator<Item = (Signal, i32)> {
    let all = [
        (Signal::INT, 2),
        (Signal::TERM, 15),
        (Signal::HUP, 1),
        (Signal::QUIT, 3),
    ];
    all.into_iter().inspect(|(signal, _)| needs_signal(*signal))
}

/// Checks that a signal ended it, and that it left nothing behind.
#[track_caller]
fn ended_by(finished: &Finished, number: i32) {
    assert_eq!(
        (finished.code, finished.signal),
        (None, Some(number)),
        "{}",
        finished.stderr
    );
    let left = files_below(finished.home());
    assert!(left.iter().all(|name| !name.ends_with(".tmp")), "{left:?}");
}

fn files_below(directory: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => found.extend(files_below(&entry.path())),
            false => found.push(entry.path().display().to_string()),
        }
    }
    found
}

/// A fake that holds requests to a path until the test lets them go.
fn fake_that_holds(path: &'static str) -> (Fake, Gate) {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        if seen.path == path {
            held.pass();
        }
        None
    });
    (fake, gate)
}

#[apply(test)]
fn r1_a_signal_ends_each_phase_before_the_answer() {
    let phases = [
        "/mcp",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/register",
    ];
    for phase in phases {
        for (signal, number) in signals() {
            let (fake, gate) = fake_that_holds(phase);
            let login = Program::login(&fake).start();
            wait_for(phase, || fake.seen_at(phase).pop());
            login.process().signal(signal);
            ended_by(&login.finish(), number);
            gate.open();
        }
    }
}

#[apply(test)]
fn r1_a_signal_ends_the_wait() {
    for (signal, number) in signals() {
        let fake = Fake::start();
        let mut login = Program::login(&fake).start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        login.process().signal(signal);
        let finished = login.finish();
        ended_by(&finished, number);
        assert!(!finished.credentials_path().exists());
        let address = url::Url::parse(&good)
            .expect("a URL")
            .socket_addrs(|| None)
            .expect("an address")[0];
        std::net::TcpStream::connect(address).expect_err("the listener is closed");
    }
}

/// The first process of a container is ended by no signal that it leaves to the system.
#[apply(test)]
fn r1_a_signal_ends_the_wait_in_a_container() {
    needs_container();
    for (signal, number) in signals() {
        let fake = Fake::start();
        let mut login = Program::login(&fake).through(&CONTAINER).start();
        login.authorization_url();
        login.process().child().signal(signal);
        let finished = login.finish().expect(128 + number);
        assert_eq!(finished.event("cancelled")["server"], fake.mcp());
        assert!(!finished.credentials_path().exists());
    }
}

/// A code that was accepted is exchanged and kept before the signal ends the program.
#[apply(test)]
fn r1_a_signal_during_the_exchange_waits_for_it() {
    for (signal, number) in signals() {
        repeat("an exchange that ends soon after a signal", || {
            let (fake, gate) = fake_that_holds("/token");
            let mut login = Program::login(&fake).start();
            let url = login.authorization_url();
            let good = login.redirect(&url);
            let address = url::Url::parse(&good)
                .expect("a URL")
                .socket_addrs(|| None)
                .expect("an address")[0];
            let visitor = std::thread::spawn(move || visit(&good));
            wait_for("the exchange", || fake.seen_at("/token").pop());
            let signalled = Instant::now();
            login.process().signal(signal);
            // The loop has seen the signal when it answers what came after it.
            crate::support::send(address, b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
            gate.open();
            let page = visitor.join().expect("a visit");
            let finished = login.finish();
            ended_by(&finished, number);
            // The exchange is waited for no longer than this.
            if signalled.elapsed() > Duration::from_secs(2) {
                return None;
            }
            assert!(page.body.contains("You are logged in"), "{page:?}");
            assert_eq!(finished.kept(&fake.mcp())["refresh_token"], "refresh-1");
            Some(())
        });
    }
}

#[apply(test)]
fn r1_a_signal_does_not_wait_long_for_an_exchange() {
    let (fake, gate) = fake_that_holds("/token");
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let visitor = std::thread::spawn(move || visit(&good));
    wait_for("the exchange", || fake.seen_at("/token").pop());
    let started = Instant::now();
    login.process().signal(Signal::TERM);
    let finished = login.finish();
    in_time("the end", started, Duration::from_secs(6));
    ended_by(&finished, 15);
    assert!(!visitor
        .join()
        .expect("a visit")
        .body
        .contains("You are logged in"));
    gate.open();
}

#[apply(test)]
fn r2_a_signal_that_is_ignored_stays_ignored() {
    let fake = Fake::start();
    let mut login = Program::login(&fake)
        .through_shell("trap '' INT QUIT HUP", "")
        .start();
    let url = login.authorization_url();
    for signal in [Signal::INT, Signal::QUIT, Signal::HUP, Signal::INT] {
        login.process().signal(signal);
    }
    let good = login.redirect(&url);
    assert_eq!(visit(&good.replace("state=", "state=x")).status, 400);
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);

    // The others still end it.
    let mut login = Program::login(&fake)
        .arg("--force")
        .through_shell("trap '' INT QUIT", "")
        .start();
    login.authorization_url();
    login.process().signal(Signal::TERM);
    ended_by(&login.finish(), 15);
}

#[apply(test)]
fn r4_the_end_of_the_parent_does_not_end_the_login() {
    let fake = Fake::start();
    let home = tempfile::tempdir().expect("a directory");
    let mut parent = Program::login(&fake)
        .at_home(home.path())
        .through(&["sh", "-c", "\"$@\" & wait", "sh"])
        .start();
    let url = parent.authorization_url();
    let good = parent.redirect(&url);
    parent.process().signal(Signal::KILL);
    parent.child.wait().expect("the end of the parent");
    assert_eq!(visit(&good).status, 200);
    parent.event("logged_in");
    let finished = parent.finish();
    assert_eq!(finished.signal, Some(9), "the parent was killed");
    assert!(home
        .path()
        .join(".local/share/mcp-login/credentials.json")
        .exists());
}

/// What is done to one of the three streams.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stream {
    Closed,
    Full,
    Broken,
    Null,
}

impl Stream {
    fn redirection(self, number: u8) -> String {
        match self {
            Self::Closed => format!("{number}>&-"),
            Self::Full => format!("{number}>/dev/full"),
            Self::Null => format!("{number}>/dev/null"),
            Self::Broken => String::new(),
        }
    }

    /// Returns a pipe or a terminal that nobody listens to any more.
    fn broken(terminal: bool) -> Stdio {
        if terminal {
            let pty = Pty::open();
            let end = pty.stdio();
            pty.close();
            return end;
        }
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer.into()
    }
}

#[apply(long_test)]
fn r6_r7_a_login_is_stored_although_streams_are_closed() {
    use Stream::{Broken, Closed, Full, Null};
    for (stdin_closed, stdout, stderr) in [
        (false, Broken, Null),
        (false, Null, Broken),
        (false, Broken, Broken),
        (true, Closed, Closed),
        (true, Full, Full),
        (false, Full, Null),
        (false, Closed, Full),
        (true, Null, Closed),
        (true, Broken, Closed),
    ] {
        for json in [false, true] {
            let what = format!("stdin closed: {stdin_closed}, stdout: {stdout:?}, stderr: {stderr:?}, json: {json}");
            let (fake, browser) = (Fake::start(), FakeBrowser::new(""));
            let mut program = Program::new()
                .args(["--store", "file"])
                .env("MCP_LOGIN_TIMEOUT", LOGIN_LIMIT)
                .arg(fake.mcp());
            if json {
                program = program.arg("--json");
            }
            program = program.env("BROWSER", browser.path());
            let stdin = if stdin_closed { "<&-" } else { "" };
            let redirections = format!(
                "{stdin} {} {}",
                stdout.redirection(1),
                stderr.redirection(2)
            );
            let mut program = program.through_shell("", &redirections);
            if stdout == Broken {
                program.command().stdout(Stream::broken(json));
            }
            if stderr == Broken {
                program.command().stderr(Stream::broken(!json));
            }
            let login = program.start();
            let url = browser.url();
            if is_root() {
                let first =
                    std::fs::read_link(format!("/proc/{}/fd/0", login.pid())).expect("stdin");
                assert!(
                    !first.to_string_lossy().contains("socket"),
                    "{what}: {first:?}"
                );
            }
            let landed = login.redirect(&url);
            assert_eq!(visit(&landed).status, 200, "{what}");
            let finished = login.finish();
            let lost = json && matches!(stdout, Broken | Full);
            assert_eq!(
                (finished.code, finished.signal),
                (Some(if lost { 7 } else { 0 }), None),
                "{what}"
            );
            assert_eq!(
                finished.kept(&fake.mcp())["refresh_token"],
                "refresh-1",
                "{what}"
            );
        }
    }
    // Without it, the streams of the program could not be looked at.
    needs_root();
}

#[apply(test)]
fn r6_help_to_a_closed_pipe_is_not_an_error() {
    for arguments in [&["--help"][..], &["--version"], &["demo", "--help"]] {
        let mut program = Program::new().args(arguments);
        program.command().stdout(Stream::broken(false));
        program.run().expect(0);
    }
    let mut program = Program::new().arg("--nonsense");
    program.command().stderr(Stream::broken(false));
    program.run().expect(2);
}

/// The reader of stderr goes away in the middle: the login goes on.
#[apply(test)]
fn r6_r3_a_reader_that_leaves_changes_nothing() {
    let fake = Fake::start();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut program = Program::login(&fake);
    program.command().stderr(writer);
    let mut login = program.start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let mut some = [0; 16];
    (&reader).read_exact(&mut some).expect("some words");
    drop(reader);
    for _ in 0..20 {
        assert_eq!(visit(&good.replace("state=", "state=x")).status, 400);
    }
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
}

/// A terminal that was closed, in a session whose leader is gone: no signal comes, only errors.
#[apply(test)]
fn r3_a_closed_terminal_does_not_spin() {
    let fake = Fake::start();
    let pty = Pty::open();
    let mut program = Program::login(&fake);
    program.command().stdin(pty.stdio()).stderr(pty.stdio());
    let mut login = program.start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let process = login.process();
    pty.close();
    let before = process.ticks();
    for _ in 0..100 {
        assert_eq!(visit(&good.replace("state=", "state=x")).status, 400);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let used = process.ticks() - before;
    assert!(used < 25, "{used} ticks");
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
}

/// Ends a login that waits, in a way that gives one exit code.
fn end(
    prepare: impl FnOnce(Program) -> Program,
    then: impl FnOnce(&mut Running, &Fake),
) -> Option<i32> {
    let fake = Fake::start();
    let mut login = prepare(Program::login(&fake)).start();
    then(&mut login, &fake);
    login.finish().code
}

#[apply(test)]
fn the_exit_codes_of_the_ways_a_wait_can_end() {
    let taken = || {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port().to_string();
        (socket, port)
    };
    let (holder, port) = taken();
    let mut codes = BTreeMap::new();
    codes.insert(
        "agreed",
        end(|program| program, |login, _| drop(login.agree())),
    );
    codes.insert(
        "usage",
        end(|program| program.args(["--paste", "--no-paste"]), |_, _| {}),
    );
    codes.insert(
        "a port that is none",
        end(|program| program.args(["--port", "70000"]), |_, _| {}),
    );
    let deny = |login: &mut Running, _: &Fake| {
        let url = login.authorization_url();
        let (place, query) = {
            let good = login.redirect(&url);
            let (place, query) = good.split_once("?code=").expect("a code").to_owned();
            (
                place.to_owned(),
                query.split_once('&').expect("a state").1.to_owned(),
            )
        };
        assert_eq!(
            visit(&format!("{place}?error=access_denied&{query}")).status,
            200
        );
    };
    codes.insert("refused", end(|program| program, deny));
    codes.insert(
        "late",
        end(|program| program.args(["--timeout", "1s"]), |_, _| {}),
    );
    codes.insert(
        "port taken",
        end(|program| program.args(["--port", &port]), |_, _| {}),
    );
    codes.insert(
        "nothing left",
        end(
            |program| program.args(["--port", &port, "--paste"]),
            |_, _| {},
        ),
    );
    drop(holder);
    let unwritable = |program: Program| {
        let mut program = program.through_shell("", ">/dev/full");
        program.command().stdout(Stdio::null());
        program
    };
    let by_hand = |login: &mut Running, _: &Fake| {
        let url = login.said("/authorize?");
        assert_eq!(visit(&login.redirect(&url)).status, 200);
    };
    codes.insert("stdout full", end(unwritable, by_hand));
    let busy = Fake::with(|seen, _| (seen.path == "/token").then(|| Reply::status(503)));
    let mut login = Program::login(&busy).start();
    login.agree();
    codes.insert("server busy", login.finish().code);
    let expected = [
        ("agreed", 0),
        ("usage", 2),
        ("a port that is none", 2),
        ("refused", 3),
        ("late", 4),
        ("server busy", 5),
        ("stdout full", 7),
        ("port taken", 8),
        ("nothing left", 9),
    ];
    assert_eq!(
        codes,
        expected
            .map(|(what, code)| (what, Some(code)))
            .into_iter()
            .collect()
    );
}

#[apply(test)]
fn a_deadline_is_announced_and_kept() {
    let fake = Fake::start();
    let started = Instant::now();
    let finished = Program::login(&fake)
        .args(["--timeout", "1s"])
        .run()
        .expect_error(4, "timed_out");
    assert!(started.elapsed().as_millis() >= 1000);
    in_time("the end", started, Duration::from_secs(10));
    let error = finished.event("error");
    assert_eq!(error["server"], fake.mcp());
    assert!(
        finished.stderr.contains("within 1 s"),
        "{}",
        finished.stderr
    );

    // A server that never answers does not prolong it.
    let (fake, gate) = fake_that_holds("/register");
    let finished = Program::login(&fake)
        .args(["--timeout", "1s"])
        .run()
        .expect_error(4, "timed_out");
    assert!(!finished.credentials_path().exists());
    gate.open();
}

/// What happens between the answer and the end is said, and what a signal has cut off.
#[apply(test)]
fn an_accepted_response_and_a_cancelled_login_are_reported() {
    let (fake, gate) = fake_that_holds("/token");
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let visitor = std::thread::spawn(move || visit(&good));
    assert_eq!(login.event("answer_received")["server"], fake.mcp());
    login.said("answer received, getting tokens");
    gate.open();
    visitor.join().expect("a visit");
    login.finish().expect(0);

    needs_signal(Signal::INT);
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    login.authorization_url();
    login.process().signal(Signal::INT);
    let finished = login.finish();
    ended_by(&finished, 2);
    assert_eq!(finished.event("cancelled")["server"], fake.mcp());
    assert!(
        finished.stderr.contains("cancelled; nothing was stored"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn p17_a_refused_paste_is_counted_without_what_the_terminal_adds() {
    let (fake, mut pty) = (Fake::start(), Pty::open());
    let mut login = Program::login(&fake).env("TERM", "xterm").on(&pty).start();
    let url = login.authorization_url();
    pty.wait_until_raw(true);
    pty.type_in("hello");
    pty.wait_for(": 5 characters so far");
    pty.type_in("\r");
    let refused = "(5 bytes were pasted)";
    pty.wait_for(refused);
    pty.type_in("\u{1b}[200~hello!\u{1b}[201~");
    let shown = pty.wait_for("(6 bytes were pasted)");
    let (_, after) = shown.split_once(refused).expect("the refusal");
    // The line end was counted, too.
    for stale in [": 5 characters so far", ": 6 characters so far"] {
        assert!(!after.contains(stale), "{after}");
    }
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}

/// Nothing that is typed is echoed, so it is counted.
#[apply(test)]
fn what_is_typed_is_counted() {
    let (fake, mut pty) = (Fake::start(), Pty::open());
    let mut login = Program::login(&fake).env("TERM", "xterm").on(&pty).start();
    let url = login.authorization_url();
    pty.wait_until_raw(true);
    pty.type_in("hello");
    pty.wait_for(": 5 characters so far, Enter sends them");
    pty.type_in("\u{15}");
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
}
