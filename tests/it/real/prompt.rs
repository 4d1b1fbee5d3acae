//! A keyring that has to ask its user, played by this test: what it is asked, in which order, and what becomes of its
//! user's answer.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use dbus::arg::Variant;
use dbus::blocking::Connection;
use dbus::channel::{MatchingReceiver as _, Sender as _};
use dbus::message::MatchRule;
use dbus::{Message, Path};

use super::bed::{script, Bed, Part};
use super::running::Server;
use super::session::BUS;
use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::PATIENCE;

/// Starts a keyring that is locked until its user has agreed, and returns what it is asked: the method and the first
/// argument. It lives as long as the bus.
fn start_keyring(bus: &str, dismissed: bool) -> Receiver<(String, String)> {
    let (sender, heard) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let bus = bus.to_owned();
    thread::spawn(move || {
        let connection = Connection::new_address(&bus).expect("the bus");
        connection.request_name("org.freedesktop.secrets", false, false, true).expect("the name");
        let mut locked = true;
        let answer = move |message: Message, connection: &Connection| {
            let method = message.member().expect("a method").to_string();
            let first = message.get1::<String>().unwrap_or_default();
            let _ = sender.send((method.clone(), first.clone()));
            let path = |path: &str| Path::new(path).expect("a path").into_static();
            let reply = message.method_return();
            let reply = match (method.as_str(), first.as_str()) {
                ("ReadAlias", "default") => reply.append1(path("/collection/login")),
                ("ReadAlias", _) => reply.append1(path("/")),
                ("Get", _) => reply.append1(Variant(locked)),
                ("Unlock", _) => reply.append2(Vec::<Path>::new(), path("/prompt/1")),
                ("Prompt", _) => reply,
                _ => message.error(
                    &"org.freedesktop.DBus.Error.NotSupported".into(),
                    &std::ffi::CString::new("not here").expect("text"),
                ),
            };
            let _ = connection.send(reply);
            if method == "Prompt" {
                locked = dismissed;
                let path = path("/prompt/1");
                let signal = Message::signal(&path, &"org.freedesktop.Secret.Prompt".into(), &"Completed".into());
                let _ = connection.send(signal.append2(dismissed, Variant(Vec::<Path>::new())));
            }
            true
        };
        connection.start_receive(MatchRule::new_method_call(), Box::new(answer));
        ready.send(()).expect("somebody waits");
        while connection.process(Duration::from_secs(1)).is_ok() {}
    });
    is_ready.recv_timeout(PATIENCE).expect("the keyring of this test");
    heard
}

#[test]
fn k3_k4_the_users_answer_to_a_prompt_counts() {
    let Some(bed) = Bed::with(&[Part::Keyring]) else { return };
    for (display, dismissed, said, asked, session) in [
        (":7", true, "it refused access", true, false),
        (":7", false, "NotSupported", true, true),
        ("", false, "it is locked", false, false),
    ] {
        let mut command = bed.command(script("keyring"));
        let words = ["nodaemon", "/bin/sh", "-c", "echo \"ready $DBUS_SESSION_BUS_ADDRESS\"; exec cat"];
        let bus = Server::start(command.args(words));
        let heard = start_keyring(&bus.url, dismissed);
        let (fake, mut pty) = (Fake::start(), Pty::open());
        let words = ["--store", "keyring", "--no-browser", &fake.mcp()];
        let program = Program::new().args(words).env(BUS, &bus.url).env("DISPLAY", display).on(&pty);
        let finished = program.start().finish();
        let shown = pty.shown();
        assert_eq!(finished.code, Some(7), "{shown}");
        assert!(shown.contains(said), "{shown}");
        assert_eq!(shown.contains("waiting for the keyring to be unlocked"), asked, "{shown}");
        let heard: Vec<_> = heard.try_iter().collect();
        let was_heard = |method: &str| heard.iter().any(|(it, _)| it == method);
        assert_eq!(
            (was_heard("Unlock"), was_heard("Prompt"), was_heard("OpenSession")),
            (asked, asked, session),
            "{heard:?}"
        );
        // The first question is one whose answer does not matter: GNOME Keyring may not know the client yet.
        assert_eq!(heard[0], ("ReadAlias".to_owned(), "mcp-login".to_owned()), "{heard:?}");
        assert!(fake.seen_at("/authorize").is_empty());
    }
}
