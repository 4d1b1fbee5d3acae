//! A keyring that has to ask its user, played by a test: what it is asked, in which order, and what becomes of its
//! user's answer.

use std::env;
use std::process::Command;
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

/// Tells the player that it is unlocked, and whether the prompt for a new item is answered by itself.
const OPEN: &str = "MCP_LOGIN_TEST_OPEN";

/// The player's half of an agreement on a key: the generator of the group, as long as all public keys.
const PUBLIC: [u8; 128] = {
    let mut public = [0; 128];
    public[127] = 2;
    public
};

/// Plays a keyring that is locked until its user has agreed, if this is the process that a test started for it; otherwise
/// returns. It prints what it is asked.
pub fn play_if_asked() {
    let Ok(dismissed) = env::var(DISMISSED) else {
        return;
    };
    let dismissed = dismissed == "true";
    let connection = Connection::new_session().expect("the bus");
    connection
        .request_name("org.freedesktop.secrets", false, false, true)
        .expect("the name");
    let open = env::var(OPEN).ok();
    let mut locked = open.is_none();
    let mut answered = open.as_deref() == Some("true");
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
            ("Prompt" | "Answer" | "Dismiss", _) => reply,
            ("OpenSession", _) if open.is_some() => {
                reply.append2(Variant(PUBLIC.to_vec()), path("/session/1"))
            }
            ("SearchItems", _) => reply.append2(Vec::<Path>::new(), Vec::<Path>::new()),
            ("CreateItem", _) => reply.append2(path("/"), path("/prompt/1")),
            _ => message.error(
                &"org.freedesktop.DBus.Error.NotSupported".into(),
                c"not here",
            ),
        };
        let _ = connection.send(reply);
        answered |= method == "Answer";
        if method == "Answer" || (method == "Prompt" && answered) {
            locked = dismissed;
            let path = path("/prompt/1");
            let signal = Message::signal(
                &path,
                &"org.freedesktop.Secret.Prompt".into(),
                &"Completed".into(),
            );
            let _ = connection.send(signal.append2(dismissed, Variant(Vec::<Path>::new())));
        }
        true
    };
    connection.start_receive(MatchRule::new_method_call(), Box::new(answer));
    println!("\nready {}", env::var(BUS).expect("the bus"));
    while connection.process(Duration::from_secs(1)).is_ok() {}
}

/// Lets the user of the player answer. By another process: this one may have more files open than libdbus can handle.
fn answer(bus: &str) {
    let words = [
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/",
        "com.example.Player.Answer",
    ];
    let output = Command::new("dbus-send")
        .args(words)
        .env(BUS, bus)
        .output()
        .expect("dbus-send");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[apply(test)]
fn k3_k4_the_users_answer_to_a_prompt_counts() {
    let bed = Bed::with(&[Part::Keyring]);
    for (display, dismissed, said, asked, session) in [
        (":7", true, "it refused access", true, false),
        (":7", false, "NotSupported", true, true),
        ("", false, "it is locked", false, false),
    ] {
        let mut command = bed.command(script("keyring"));
        command
            .arg("nodaemon")
            .arg(env::current_exe().expect("this program"))
            .env(DISMISSED, dismissed.to_string());
        let keyring = Server::start(&mut command);
        let (fake, mut pty) = (Fake::start(), Pty::open());
        let words = ["--store", "keyring", "--no-browser", &fake.mcp()];
        let program = Program::new()
            .args(words)
            .env(BUS, &keyring.url)
            .env("DISPLAY", display)
            .on(&pty);
        let running = program.start();
        if asked {
            pty.wait_for("waiting for the keyring to be unlocked");
            answer(&keyring.url);
        }
        let finished = running.finish();
        let shown = pty.wait_for(said);
        assert_eq!(finished.code, Some(7), "{shown}");
        assert_eq!(
            shown.contains("waiting for the keyring to be unlocked"),
            asked,
            "{shown}"
        );
        // It answers one after another, so all that came before this is written.
        answer(&keyring.url);
        keyring.wait_for_count("asked Answer ", 1 + usize::from(asked));
        let log = keyring.log();
        let was_asked = |method: &str| log.contains(&format!("asked {method} "));
        let order = (
            was_asked("Unlock"),
            was_asked("Prompt"),
            was_asked("OpenSession"),
        );
        assert_eq!(order, (true, asked, session), "{log}");
        // The first question is one whose answer does not matter: GNOME Keyring may not know the client yet.
        let first = log.lines().find(|line| line.starts_with("asked "));
        assert_eq!(
            first,
            Some("asked ReadAlias keyring-secret-service"),
            "{log}"
        );
        assert!(fake.seen_at("/authorize").is_empty());
    }
}

#[apply(test)]
fn k3_a_prompt_that_asks_nobody_needs_no_display() {
    let bed = Bed::with(&[Part::Keyring]);
    // What was created cannot be found: that far comes only who saw the prompt through.
    for (by_itself, said) in [
        ("true", "reading back gave something else"),
        ("false", "it is locked"),
    ] {
        let mut command = bed.command(script("keyring"));
        command
            .arg("nodaemon")
            .arg(env::current_exe().expect("this program"))
            .env(DISMISSED, "false");
        let keyring = Server::start(command.env(OPEN, by_itself));
        let fake = Fake::start();
        let words = ["--store", "keyring", "--no-browser", &fake.mcp()];
        let finished = Program::new()
            .args(words)
            .env(BUS, &keyring.url)
            .env("DISPLAY", "")
            .run();
        assert_eq!(finished.code, Some(7), "{}", finished.stderr);
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
        answer(&keyring.url);
        keyring.wait_for_count("asked Answer ", 1);
        let log = keyring.log();
        let was_asked = |method: &str| log.contains(&format!("asked {method} "));
        assert!(was_asked("CreateItem") && was_asked("Prompt"), "{log}");
        assert_eq!(
            (was_asked("Unlock"), was_asked("Dismiss")),
            (false, by_itself == "false"),
            "{log}"
        );
    }
}
