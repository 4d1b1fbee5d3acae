//! Streams that take nothing and a system that gives no threads: every wait ends, and what was accepted is not lost.

use std::fs::File;
use std::io::{PipeReader, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{fcntl_getfl, fcntl_setfl, OFlags};
use rustix::process::{Pid, Signal};
use rustix::termios::{tcflow, Action};

use super::{ended_by, signals};
use crate::support::fake::{Fake, Gate, Reply};
use crate::support::program::{Program, Running};
use crate::support::pty::Pty;
use crate::support::skip::{needs, needs_root};
use crate::support::{in_time, visit, wait_for};

/// Longest time that a login may take beyond its own deadline, and what a busy machine may add.
const MARGIN: Duration = Duration::from_secs(8);

/// Returns a pipe that is full, and its other end, which nobody reads.
fn full_pipe() -> (PipeReader, OwnedFd) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let writer = OwnedFd::from(writer);
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("a pipe that does not block");
    while rustix::io::write(&writer, &[b'x'; 4096]).is_ok() {}
    while rustix::io::write(&writer, b"x").is_ok() {}
    fcntl_setfl(&writer, flags).expect("a pipe that blocks");
    (reader, writer)
}

/// Returns what the flags of the open file are, which other programs share.
fn is_blocking(file: &OwnedFd) -> bool {
    !fcntl_getfl(file).expect("flags").contains(OFlags::NONBLOCK)
}

/// A login of which one stream, or both, take nothing from the beginning.
struct Blocked {
    fake: Fake,
    login: Running,
    _stuck: Vec<(PipeReader, OwnedFd)>,
}

impl Blocked {
    fn start(stdout: bool, stderr: bool, arguments: &[&str]) -> Self {
        let fake = Fake::start();
        let mut program = Program::login(&fake).args(arguments);
        let mut stuck = Vec::new();
        let mut stream = || {
            let (reader, writer) = full_pipe();
            let stdio = Stdio::from(writer.try_clone().expect("a clone"));
            stuck.push((reader, writer));
            stdio
        };
        if stdout {
            program.command().stdout(stream());
        }
        if stderr {
            program.command().stderr(stream());
        }
        Self {
            fake,
            login: program.start(),
            _stuck: stuck,
        }
    }

    /// Returns the authorization URL from whichever stream can be read.
    fn url(&mut self, stdout: bool) -> String {
        if stdout {
            return self.login.said("/authorize?");
        }
        self.login.authorization_url()
    }
}

#[apply(test)]
fn p55_a_login_is_stored_although_a_stream_is_blocked() {
    for (stdout, code) in [(true, 7), (false, 0)] {
        let mut blocked = Blocked::start(stdout, !stdout, &["-vv"]);
        let url = blocked.url(stdout);
        assert!(
            blocked._stuck.iter().all(|(_, writer)| is_blocking(writer)),
            "others share this open file"
        );
        // However much there is to say.
        let good = blocked.login.redirect(&url);
        for number in 0..50 {
            assert_eq!(
                visit(&good.replace("state=", &format!("state={number}"))).status,
                400
            );
        }
        assert_eq!(visit(&good).status, 200);
        let started = Instant::now();
        let finished = blocked.login.finish();
        in_time("the end", started, MARGIN);
        assert_eq!(
            (finished.code, finished.signal),
            (Some(code), None),
            "{}",
            finished.stderr
        );
        assert_eq!(
            finished.kept(&blocked.fake.mcp())["refresh_token"],
            "refresh-1"
        );
    }
}

/// It waits for the end of three logins, 2 s each.
#[apply(waiting_test)]
fn p55_a_blocked_stream_prolongs_no_deadline() {
    for (stdout, stderr) in [(true, false), (false, true), (true, true)] {
        let started = Instant::now();
        let blocked = Blocked::start(stdout, stderr, &["--timeout", "2s", "-vv"]);
        let finished = blocked.login.finish();
        assert_eq!(
            (finished.code, finished.signal),
            (Some(4), None),
            "{stdout} {stderr}: {}",
            finished.stderr
        );
        in_time("the end", started, MARGIN);
    }
}

#[apply(test)]
fn p55_a_signal_ends_a_login_with_a_blocked_stream() {
    for (signal, number) in signals() {
        let blocked = Blocked::start(true, true, &[]);
        wait_for("the registration", || {
            blocked.fake.seen_at("/register").pop()
        });
        let started = Instant::now();
        blocked.login.process().signal(signal);
        ended_by(&blocked.login.finish(), number);
        in_time("the end", started, MARGIN);
    }
}

/// A pipe that is read late gets all of it, in order.
#[apply(test)]
fn p55_a_late_reader_gets_everything() {
    let fake = Fake::start();
    let (reader, writer) = full_pipe();
    let mut program = Program::login(&fake);
    program.command().stdout(writer);
    let mut login = program.start();
    let url = login.said("/authorize?");
    let mut file = File::from(OwnedFd::from(reader));
    let text = std::thread::spawn(move || {
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map(|_| text)
            .expect("reading")
    });
    assert_eq!(visit(&login.redirect(&url)).status, 200);
    login.finish().expect(0);
    let text = text.join().expect("the reader");
    let events: Vec<_> = text
        .trim_start_matches('x')
        .lines()
        .filter_map(|line| line.split('"').nth(3))
        .collect();
    assert_eq!(
        events,
        [
            "listening",
            "authorization_url",
            "answer_received",
            "logged_in"
        ],
        "{text}"
    );
}

/// Other commands wait for their reader, and a signal ends that.
#[apply(test)]
fn p55_a_signal_ends_every_command_that_waits_for_its_reader() {
    for (signal, number) in signals() {
        for arguments in [
            &["providers"][..],
            &["doctor"],
            &["--help"],
            &["--nonsense"],
        ] {
            let (_reader, writer) = full_pipe();
            let mut program = Program::new().args(arguments);
            program
                .command()
                .stdout(writer.try_clone().expect("a clone"))
                .stderr(writer);
            let running = program.start();
            let process = running.process();
            wait_for("the write", || (process.state() == 'S').then_some(()));
            process.signal(signal);
            ended_by(&running.finish(), number);
        }
    }
}

/// Ctrl-S at a terminal.
fn halt(pty: &Pty) {
    tcflow(pty.end(), Action::OOff).expect("halting the terminal");
}

fn on_a_terminal(fake: &Fake, pty: &Pty) -> Program {
    Program::login(fake).env("TERM", "xterm").on(pty)
}

#[apply(test)]
fn p55_a_halted_terminal_costs_no_login() {
    for halted_from_the_start in [true, false] {
        let (fake, pty) = (Fake::start(), Pty::open());
        if halted_from_the_start {
            halt(&pty);
        }
        let mut login = on_a_terminal(&fake, &pty).start();
        let url = login.authorization_url();
        halt(&pty);
        let good = login.redirect(&url);
        for number in 0..50 {
            assert_eq!(
                visit(&good.replace("state=", &format!("state={number}"))).status,
                400
            );
        }
        assert_eq!(visit(&good).status, 200);
        let started = Instant::now();
        let finished = login.finish().expect(0);
        in_time("the end", started, MARGIN);
        assert_eq!(finished.kept(&fake.mcp())["refresh_token"], "refresh-1");
    }
}

#[apply(test)]
fn p55_a_stopped_terminal_delays_neither_deadline_nor_signal() {
    let (fake, pty) = (Fake::start(), Pty::open());
    halt(&pty);
    let started = Instant::now();
    let finished = on_a_terminal(&fake, &pty)
        .args(["--timeout", "2s", "-vv"])
        .start()
        .finish();
    assert_eq!((finished.code, finished.signal), (Some(4), None));
    in_time("the end", started, MARGIN);
    for (signal, number) in signals() {
        let pty = Pty::open();
        halt(&pty);
        let mut login = on_a_terminal(&fake, &pty).start();
        login.authorization_url();
        login.process().signal(signal);
        ended_by(&login.finish(), number);
    }
}

/// A terminal that is let go again shows what was said meanwhile.
#[apply(test)]
fn p55_a_resumed_terminal_shows_all_messages() {
    let (fake, mut pty) = (Fake::start(), Pty::open());
    halt(&pty);
    let mut login = on_a_terminal(&fake, &pty).start();
    let url = login.authorization_url();
    assert_eq!(
        visit(&login.redirect(&url).replace("state=", "state=x")).status,
        400
    );
    assert_eq!(pty.shown(), "");
    tcflow(pty.end(), Action::OOn).expect("letting it go on");
    pty.wait_for("/authorize?");
    pty.wait_for("still waiting");
    login.agree_at(&url);
    login.finish().expect(0);
}

/// Starts a program as a user of its own who may have this many threads. Processes count for each user.
fn limited(program: Program, user: u32, threads: u32) -> Program {
    let home = program.home().to_owned();
    std::os::unix::fs::chown(&home, Some(user), Some(user)).expect("giving the home away");
    let (reuid, regid) = (format!("--reuid={user}"), format!("--regid={user}"));
    let limit = format!("prlimit --nproc={threads} -- \"$@\"");
    program.through(&[
        "setpriv",
        &reuid,
        &regid,
        "--clear-groups",
        "sh",
        "-c",
        &format!("exec {limit}"),
        "sh",
    ])
}

fn needs_limits() {
    needs_root();
    needs(&["setpriv", "prlimit"]);
}

/// From the first thread on, or from the second: a login needs none.
#[apply(test)]
fn p55_a4_a_login_without_any_thread() {
    needs_limits();
    for threads in 1..=3 {
        let fake = Fake::start();
        let mut login = limited(Program::login(&fake), 64207, threads).start();
        assert!(
            login.agree().body.contains("You are logged in"),
            "{threads}"
        );
        let finished = login.finish().expect(0);
        assert_eq!(
            finished.kept(&fake.mcp())["refresh_token"],
            "refresh-1",
            "{threads}"
        );
    }
}

/// The threads run out after the page was shown: the accepted code is exchanged all the same.
#[apply(test)]
fn p55_a4_an_accepted_code_needs_no_thread() {
    needs_limits();
    let fake = Fake::start();
    let mut login = limited(Program::login(&fake), 64208, 8).start();
    let url = login.authorization_url();
    // The user's other programs, which have no such limit.
    let many = "i=0; while [ $i -lt 10 ]; do sleep 60 & i=$((i + 1)); done; echo; wait";
    let mut others = Command::new("setpriv")
        .args([
            "--reuid=64208",
            "--regid=64208",
            "--clear-groups",
            "sh",
            "-c",
            many,
        ])
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("other programs");
    others
        .stdout
        .as_mut()
        .map(|stdout| stdout.read_exact(&mut [0]))
        .expect("a pipe")
        .expect("all of them");
    let page = login.agree_at(&url);
    let group = Pid::from_raw(others.id().try_into().expect("a pid")).expect("a pid");
    rustix::process::kill_process_group(group, Signal::KILL).expect("ending them");
    others.wait().expect("their end");
    assert!(page.body.contains("You are logged in"), "{page:?}");
    let finished = login.finish().expect(0);
    assert_eq!(finished.kept(&fake.mcp())["refresh_token"], "refresh-1");
}

/// The exchange hangs in the one thread that there is: a signal ends it, and so does the deadline for what comes before.
#[apply(test)]
fn p55_a4_without_threads_signals_and_deadlines_hold() {
    needs_limits();
    for path in ["/register", "/token"] {
        let gate = Gate::default();
        let held = gate.clone();
        let fake = Fake::with(move |seen, _| {
            (seen.path == path).then(|| {
                held.pass();
                Reply::status(500)
            })
        });
        for (signal, number) in signals() {
            let known = fake.seen_at(path).len();
            let mut login = limited(Program::login(&fake), 64209, 1).start();
            if path == "/token" {
                let url = login.authorization_url();
                let good = login.redirect(&url);
                std::thread::spawn(move || visit(&good));
            }
            wait_for(path, || (fake.seen_at(path).len() > known).then_some(()));
            login.process().signal(signal);
            ended_by(&login.finish(), number);
        }
        if path == "/register" {
            let started = Instant::now();
            limited(Program::login(&fake).args(["--timeout", "2s"]), 64209, 1)
                .run()
                .expect_error(4, "timed_out");
            in_time("the end", started, MARGIN);
        }
        gate.open();
    }
}

/// The store takes nothing any more: that is what is said, and no signal ends the program.
#[apply(test)]
fn p55_a_file_size_limit_is_reported() {
    let fake = Fake::start();
    let finished = Program::login(&fake)
        .through_shell("ulimit -f 0", "")
        .agree();
    assert_eq!(
        (finished.code, finished.signal),
        (Some(7), None),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("File too large"),
        "{}",
        finished.stderr
    );
}

/// No process can be started that refreshes: the one that needs the token refreshes by itself.
#[apply(test)]
fn p55_a_refresh_needs_no_process_of_its_own() {
    needs_limits();
    let fake = Fake::with(|seen, fake| {
        let is_refresh = seen.path == "/token"
            && seen.parameter("grant_type").as_deref() == Some("refresh_token");
        is_refresh.then(|| Reply::json(200, &fake.tokens(7, None)))
    });
    let finished = limited(Program::login(&fake), 64210, 64).agree().expect(0);
    for most_processes in [1, 2] {
        let token = Program::new()
            .args(["--store", "file", "token", "--refresh", &fake.mcp()])
            .at_home(finished.home());
        let before = fake.seen_at("/token").len();
        let token = limited(token, 64210, most_processes).run().expect(0);
        assert_eq!(
            (token.stdout.as_str(), token.stderr.as_str()),
            ("access-7", "")
        );
        assert_eq!(fake.seen_at("/token").len(), before + 1, "one refresh");
    }
}

/// A worker wakes the main thread with a byte. Where the system has no memory for it, the login ends all the same.
#[apply(test)]
fn p55_each_send_of_a_login_fails_once_and_none_makes_it_wait() {
    needs(&["strace"]);
    let fake = Fake::start();
    for number in 1..=6 {
        for error in ["ENOBUFS", "EAGAIN"] {
            let inject = format!("inject=sendto:error={error}:when={number}");
            let wrapper = [
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                "trace=sendto",
                "-e",
                &inject,
            ];
            let started = Instant::now();
            let login = Program::login(&fake)
                .env("MCP_LOGIN_TIMEOUT", "10s")
                .through(&wrapper)
                .agree();
            assert!(
                matches!(login.code, Some(0 | 3 | 4 | 5)),
                "{error} {number}: {:?} {}",
                login.code,
                login.stderr
            );
            let stored = login.credentials_path().exists();
            assert!(
                login.code == Some(0) || !stored,
                "{error} {number}: {:?} {}",
                login.code,
                login.stderr
            );
            let what = format_args!("{error} {number}");
            in_time(what, started, Duration::from_secs(20));
        }
    }
}

/// What another user opened cannot be opened once more: the stream is asked before each write.
#[apply(test)]
fn p55_streams_of_another_user_block_nothing() {
    needs_limits();
    for is_terminal in [true, false] {
        let (fake, pty) = (Fake::start(), Pty::open());
        halt(&pty);
        let (_reader, writer) = full_pipe();
        let mut program = limited(Program::login(&fake).arg("-vv"), 64211, 64);
        match is_terminal {
            true => program.command().stderr(pty.stdio()),
            false => program
                .command()
                .stderr(writer.try_clone().expect("a clone")),
        };
        let mut login = program.start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        for number in 0..50 {
            assert_eq!(
                visit(&good.replace("state=", &format!("state={number}"))).status,
                400
            );
        }
        assert_eq!(visit(&good).status, 200);
        let started = Instant::now();
        login.finish().expect(0);
        in_time(is_terminal, started, MARGIN);
        assert!(is_blocking(&writer) && is_blocking(pty.end()));
    }
}

/// Nobody reads what a refresh has to say: the token comes in time.
#[apply(test)]
fn p55_a_token_is_printed_although_stderr_is_blocked() {
    let fake = Fake::with(|seen, fake| {
        let is_refresh = seen.path == "/token"
            && seen.parameter("grant_type").as_deref() == Some("refresh_token");
        is_refresh.then(|| Reply::json(200, &fake.tokens(7, None)))
    });
    let finished = Program::login(&fake).agree().expect(0);
    let (_reader, writer) = full_pipe();
    let arguments = ["--store", "file", "token", "--refresh", "-vv", &fake.mcp()];
    let mut program = Program::new().args(arguments).at_home(finished.home());
    program.command().stderr(writer);
    let started = Instant::now();
    assert_eq!(program.run().expect(0).stdout, "access-7");
    in_time("the end", started, MARGIN);
}

/// The demo serves with threads of a library that panics without them.
#[apply(test)]
fn p55_a_demo_without_threads_is_reported() {
    needs_limits();
    let finished = limited(Program::new().args(["demo", "--auto"]), 64212, 1)
        .run()
        .expect(1);
    assert!(
        finished.stderr.contains("cannot start the demo"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("temporarily unavailable"),
        "{}",
        finished.stderr
    );
}

/// What the client sent is no message, and it does not read that either.
#[apply(test)]
fn p55_br3_a_bridge_whose_stdout_is_blocked_is_ended() {
    let fake = Fake::start();
    let (_reader, writer) = full_pipe();
    let program = Program::new().with_stdin();
    let mut program = program.args(["connect", "--store", "file", &fake.mcp()]);
    program.command().stdout(Stdio::from(writer));
    let mut bridge = program.start();
    bridge.type_in("no message\n");
    bridge.said("no JSON-RPC message");
    bridge.process().signal(Signal::TERM);
    bridge.finish().expect(0);
}
