//! What needs no keyring: each test runs once more in a child process that finds no bus, or one that never answers.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use super::super::tests::sample;
use super::*;

/// Tells a test that runs again in a child process what it will find there.
const CHILD: &str = "MCP_LOGIN_TEST_KEYRING_IS";

/// How long a call and the end of its process may take when the keyring is silent, and what a busy machine may add. D-Bus
/// itself would wait for 25 s.
const BOUND: Duration = Duration::from_millis(3500);

/// Returns the command that runs one of these tests again, with nothing of this session but what `home` holds.
fn child(wrapper: &[&str], test: &str, finds: &str, home: &Path) -> Command {
    let test = format!("store::keyring::tests::{test}");
    let program = std::env::current_exe().unwrap();
    let mut words = wrapper
        .iter()
        .map(std::ffi::OsString::from)
        .collect::<Vec<_>>();
    words.extend([
        program.into(),
        "--exact".into(),
        "--nocapture".into(),
        test.into(),
    ]);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env(CHILD, finds)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home);
    for name in [
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XDG_DATA_HOME",
    ] {
        command.env_remove(name);
    }
    command
}

fn must_succeed(output: &Output) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}{}", text[0], text[1]);
    print!("{}{}", text[0], text[1]);
}

fn fault_of<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> Fault {
    match outcome.unwrap_err() {
        StoreError::Backend { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn k3_k4_the_answer_to_a_prompt_is_waited_for() {
    for (answer, accepted) in [(Ok(7), true), (Err(KeyringFault::Refused), false)] {
        let (sender, receiver) = mpsc::channel();
        sender.send(CallEvent::Prompt).unwrap();
        sender.send(CallEvent::Done(answer)).unwrap();
        assert_eq!(
            KeyringBackend::wait(&receiver, true).is_ok_and(|found| found == 7),
            accepted
        );
    }
    let (sender, receiver) = mpsc::channel::<CallEvent<u8>>();
    drop(sender);
    assert!(matches!(
        KeyringBackend::wait(&receiver, false),
        Err(KeyringFault::Other(_))
    ));
}

/// Tells whether something takes less than this, however busy the machine is: the shortest of several times counts.
#[cfg(not(target_os = "macos"))]
fn is_quick(limit: Duration, work: impl Fn()) -> bool {
    (0..20).any(|_| {
        let started = Instant::now();
        work();
        started.elapsed() < limit
    })
}

#[cfg(not(target_os = "macos"))]
#[test]
fn k1_without_a_bus_there_is_no_keyring() {
    if std::env::var_os(CHILD).is_some() {
        return assert!(is_quick(Duration::from_secs(1), || {
            let store = KeyringBackend::new(Interaction::Allowed, Path::new(""));
            assert!(matches!(fault_of(store.prove()), Fault::Absent));
            assert!(matches!(
                fault_of(store.read(&sample("a", 1).key())),
                Fault::Absent
            ));
        }));
    }
    let home = tempfile::tempdir().unwrap();
    must_succeed(
        &child(
            &[],
            "k1_without_a_bus_there_is_no_keyring",
            "nothing",
            home.path(),
        )
        .output()
        .unwrap(),
    );
}

#[cfg(not(target_os = "macos"))]
#[test]
fn k2_a_bus_that_never_answers_is_given_up() {
    if std::env::var_os(CHILD).is_some() {
        let store = KeyringBackend::new(Interaction::None, Path::new(""));
        assert!(matches!(fault_of(store.prove()), Fault::Silent));
        let is_quick = is_quick(Duration::from_millis(100), || {
            let written = store.write(&sample("a", 1), None);
            assert!(matches!(fault_of(written), Fault::Silent));
        });
        return assert!(is_quick, "it is not asked again");
    }
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("bus");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut child = child(
        &[],
        "k2_a_bus_that_never_answers_is_given_up",
        "silence",
        home.path(),
    );
    child.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", socket.display()),
    );
    // A busy machine may hold it up once.
    let is_in_time = (0..4).any(|_| {
        let started = Instant::now();
        must_succeed(&child.output().unwrap());
        let took = started.elapsed();
        assert!(took >= ANSWER_LIMIT, "{took:?}");
        took < BOUND
    });
    assert!(is_in_time, "the thread left alone must not delay the exit");
}
