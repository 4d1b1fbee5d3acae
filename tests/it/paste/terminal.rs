//! Pasting on a terminal that is ours.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::fake::Fake;
use crate::support::program::{Program, Running};
use crate::support::pty::Pty;
use crate::support::skip::{needs_root, needs_signal};
use crate::support::{parameter, visit, wait_for, PATIENCE};

/// A login in the foreground of a terminal.
struct OnTerminal {
    fake: Fake,
    pty: Pty,
    before: String,
    login: Running,
    good: String,
}

impl OnTerminal {
    fn new() -> Self {
        Self::through(&[])
    }

    /// Starts the login through another program, which has to start it on the same terminal.
    fn through(wrapper: &[&str]) -> Self {
        let (fake, mut pty) = (Fake::start(), Pty::open());
        let before = pty.settings();
        let program = Program::login(&fake);
        let program = if wrapper.is_empty() {
            program
        } else {
            program.through(wrapper)
        };
        let mut login = program.on(&pty).start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        pty.wait_until_raw(true);
        Self {
            fake,
            pty,
            before,
            login,
            good,
        }
    }

    /// Waits for the good end, and checks that the terminal is as it was.
    #[track_caller]
    fn succeeds(mut self) -> String {
        let finished = self.login.finish();
        let shown = self.pty.shown();
        assert_eq!((finished.code, finished.signal), (Some(0), None), "{shown}");
        assert_eq!(
            self.pty.settings(),
            self.before,
            "the terminal is not as it was"
        );
        assert_eq!(self.fake.seen_at("/token").len(), 1);
        shown
    }
}

#[apply(test)]
fn p12_an_address_of_any_length_is_read_whole() {
    for (length, open, close) in [
        (1023, "", "\r"),
        (1024, "", "\n"),
        (4095, "", "\n"),
        (4096, "", "\r"),
        (5558, "", "\r"),
        (65_536, "", "\r"),
        (65_536, "\u{1b}[200~", "\u{1b}[201~"),
    ] {
        let mut on = OnTerminal::new();
        let (place, query) = on.good.split_once('?').expect("a query");
        let filler = "f".repeat(length - on.good.len() - "x=&".len());
        let long = format!("{place}?x={filler}&{query}");
        assert_eq!(long.len(), length);
        on.pty.type_in(&format!("{open}{long}{close}"));
        on.succeeds();
    }
}

#[apply(test)]
fn p12_sec7_what_is_pasted_is_not_shown() {
    let mut on = OnTerminal::new();
    on.pty
        .type_in("http://127.0.0.1/callback?code=CANARY1&state=CANARY2\n");
    on.login.event("rejected");
    let good = on.good.clone();
    on.pty.type_in(&format!("{good}\n"));
    let shown = on.succeeds();
    assert!(!shown.contains("CANARY"), "{shown}");
    assert!(
        !shown.contains(&parameter(&good, "code").expect("a code")),
        "{shown}"
    );
}

#[apply(test)]
fn p3_p2_bracketed_and_wrapped_pastes_are_accepted() {
    let forms = [
        "\u{1b}[200~URL\u{1b}[201~",
        "\u{1b}[200~URL\u{1b}[201~\r",
        "URL\r",
        "CUT\r\n",
    ];
    for form in forms {
        let mut on = OnTerminal::new();
        let cut: Vec<_> = on
            .good
            .as_bytes()
            .chunks(40)
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        on.pty.type_in(
            &form
                .replace("URL", &on.good)
                .replace("CUT", &cut.join("\r\n")),
        );
        on.succeeds();
    }
}

#[apply(test)]
fn p2_typed_keys_are_edited() {
    let mut on = OnTerminal::new();
    let good = on.good.clone();
    on.pty
        .type_in(&format!("rubbish\u{15}{good}xyz\u{7f}\u{7f}\u{7f}\r"));
    on.succeeds();
}

#[apply(test)]
fn p10_ctrl_d_ends_only_the_pasting() {
    let mut on = OnTerminal::new();
    on.pty.type_in("\u{4}");
    on.pty.wait_until_raw(false);
    assert_eq!(on.pty.settings(), on.before);
    assert_eq!(visit(&on.good).status, 200);
    on.succeeds();
}

#[apply(test)]
fn p12_the_callback_gives_the_terminal_back() {
    let on = OnTerminal::new();
    assert_eq!(visit(&on.good).status, 200);
    on.succeeds();
}

#[apply(test)]
fn p12_r1_a_signal_gives_the_terminal_back() {
    for (signal, number) in [
        (Signal::INT, 2),
        (Signal::TERM, 15),
        (Signal::HUP, 1),
        (Signal::QUIT, 3),
    ] {
        needs_signal(signal);
        let on = OnTerminal::new();
        on.login.process().signal(signal);
        let finished = on.login.finish();
        assert_eq!(finished.signal, Some(number), "{}", finished.stderr);
        assert_eq!(on.pty.settings(), on.before, "after signal {number}");
    }
    needs_signal(Signal::INT);
    let mut on = OnTerminal::new();
    on.pty.type_in("\u{3}");
    let finished = on.login.finish();
    assert_eq!(finished.signal, Some(2), "{}", finished.stderr);
    assert_eq!(on.pty.settings(), on.before, "after Ctrl-C");
}

/// Signals from the very beginning on: whenever the terminal is changed, it is also given back.
#[apply(test)]
fn p12_r1_an_early_signal_gives_the_terminal_back() {
    let fake = Fake::start();
    for _ in 0..30 {
        let mut pty = Pty::open();
        let before = pty.settings();
        let login = Program::login(&fake).on(&pty).start();
        pty.wait_until_raw(true);
        login.process().signal(Signal::TERM);
        assert_eq!(login.finish().signal, Some(15));
        assert_eq!(pty.settings(), before);
    }
}

#[apply(test)]
fn r3_a_closed_terminal_ends_the_login() {
    let on = OnTerminal::new();
    on.pty.close();
    let finished = on.login.finish();
    assert_eq!(finished.signal, Some(1), "{:?}", finished.code);
}

/// Where nobody could continue it, Ctrl-Z stops nothing: there is no shell with jobs around this terminal. In a container
/// the session and the group of the terminal can be ones that the login cannot name.
#[apply(test)]
fn r5_ctrl_z_without_a_shell_does_not_stop_the_login() {
    does_not_stop(OnTerminal::new());
    needs_root();
    does_not_stop(OnTerminal::through(&[
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
    ]));
}

fn does_not_stop(mut on: OnTerminal) {
    on.pty.type_in("\u{1a}");
    // Typed again, as a person would: the terminal may drop what comes together with a Ctrl-Z.
    let mut typed = None;
    wait_for("the rejection, or the stop", || {
        let stopped = on.login.process().state() == 'T';
        assert!(!stopped, "it is stopped, and nobody will continue it");
        if typed.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(1)) {
            on.pty.type_in("x\n");
            typed = Some(Instant::now());
        }
        on.pty.shown().contains("not accepted").then_some(())
    });
    assert_eq!(visit(&on.good).status, 200);
    on.succeeds();
}

/// A terminal that was halted with Ctrl-S takes no output; the browser is answered all the same.
#[apply(test)]
fn l19_r3_a_halted_terminal_does_not_halt_the_login() {
    let mut on = OnTerminal::new();
    on.pty.type_in("\u{13}");
    let address = url::Url::parse(&on.good)
        .expect("a URL")
        .socket_addrs(|| None)
        .expect("an address")[0];
    // The countdown would be written in this time.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1500) {
        let mut stream = TcpStream::connect(address).expect("connecting");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
            .write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .expect("writing");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer while the terminal is halted");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(visit(&on.good).status, 200);
    on.login.event("logged_in");
    on.pty.type_in("\u{11}");
    let shown = on.succeeds();
    let (_, end) = shown.split_once("answer received").expect(&shown);
    assert!(!end.contains("waiting for"), "it waits no more: {shown}");
}

#[apply(test)]
fn p12_blank_lines_and_junk_come_first() {
    let mut on = OnTerminal::new();
    for junk in ["junk\r", "http://127.0.0.1/callback?code=c&state=wrong\r"] {
        on.pty.type_in(junk);
        on.login.event("rejected");
    }
    let good = on.good.clone();
    on.pty.type_in("\r\r\r");
    on.pty.type_in(&format!("\r\r{good}\r"));
    let shown = on.succeeds();
    assert_eq!(
        shown.matches("not accepted").count(),
        2,
        "blank lines are nothing to complain about: {shown}"
    );
}
