//! A keyring that has to ask its user, played by a test: what it is asked, in which order, and what becomes of its
//! user's answer.

use std::env;
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

/// Tells the player what the user answers.
const DISMISSED: &str = "MCP_LOGIN_TEST_DISMISSED";

/// Not a test, but a process of its own: a keyring that is locked until its user has agreed. It prints what it is asked.
#[test]
fn player() {
    let Ok(dismissed) = env::var(DISMISSED) else { return };
    let dismissed = dismissed == "true";
    let connection = Connection::new_session().expect("the bus");
    connection.request_name("org.freedesktop.secrets", false, false, true).expect("the name");
    let mut locked = true;
    let answer = move |message: Message, connection: &Connection| {
        let method = message.member().expect("a method").to_string();
        let first = message.get1::<String>().unwrap_or_default();
        println!("asked {method} {first}");
        let path = |path: &str| Path::new(path).expect("a path").into_static();
        let reply = message.method_return();
        let reply = match (method.as_str(), first.as_str()) {
            ("ReadAlias", "default") => reply.append1(path("/collection/login")),
            ("ReadAlias", _) => reply.append1(path("/")),
            ("Get", _) => reply.append1(Variant(locked)),
            ("Unlock", _) => reply.append2(Vec::<Path>::new(), path("/prompt/1")),
            ("Prompt", _) => reply,
            _ => message.error(&"org.freedesktop.DBus.Error.NotSupported".into(), c"not here"),
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
    println!("\nready {}", env::var(BUS).expect("the bus"));
    while connection.process(Duration::from_secs(1)).is_ok() {}
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
        command.arg("nodaemon").arg(env::current_exe().expect("this program")).env(DISMISSED, dismissed.to_string());
        let keyring = Server::start(command.args(["--exact", "--nocapture", "real::prompt::player"]));
        let (fake, mut pty) = (Fake::start(), Pty::open());
        let words = ["--store", "keyring", "--no-browser", &fake.mcp()];
        let program = Program::new().args(words).env(BUS, &keyring.url).env("DISPLAY", display).on(&pty);
        let finished = program.start().finish();
        let shown = pty.wait_for(said);
        assert_eq!(finished.code, Some(7), "{shown}");
        assert_eq!(shown.contains("waiting for the keyring to be unlocked"), asked, "{shown}");
        let log = keyring.log();
        let was_asked = |method: &str| log.contains(&format!("asked {method} "));
        let order = (was_asked("Unlock"), was_asked("Prompt"), was_asked("OpenSession"));
        assert_eq!(order, (asked, asked, session), "{log}");
        // The first question is one whose answer does not matter: GNOME Keyring may not know the client yet.
        let first = log.lines().find(|line| line.starts_with("asked "));
        assert_eq!(first, Some("asked ReadAlias mcp-login"), "{log}");
        assert!(fake.seen_at("/authorize").is_empty());
    }
}
