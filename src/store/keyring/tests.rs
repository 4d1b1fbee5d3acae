//! The real keyring is tried in sessions of its own, if `MCP_LOGIN_TEST_KEYRING` is set: `dbus-run-session` starts a bus,
//! and this program runs one test again inside.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use super::super::tests::sample;
use super::*;

/// Tells a test that runs again in a child process what it will find there.
const CHILD: &str = "MCP_LOGIN_TEST_KEYRING_IS";

/// How long a call and the end of its process may take when the keyring is silent.
const BOUND: Duration = Duration::from_millis(3500);

/// Returns the command that runs one of these tests again, with nothing of this session but what `home` holds.
fn child(wrapper: &[&str], test: &str, finds: &str, home: &Path) -> Command {
    let test = format!("store::keyring::tests::{test}");
    let program = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    words.extend([program.into(), "--exact".into(), "--nocapture".into(), test.into()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(CHILD, finds).env("HOME", home).env("XDG_RUNTIME_DIR", home);
    for name in ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_DATA_HOME"] {
        command.env_remove(name);
    }
    command
}

fn must_succeed(output: &Output) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}{}", text[0], text[1]);
    print!("{}{}", text[0], text[1]);
}

fn fault_of<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> KeyringFault {
    match outcome.unwrap_err() {
        StoreError::Keyring(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn k3_k4_the_answer_to_a_prompt_is_waited_for() {
    for (answer, accepted) in [(Ok(7), true), (Err(KeyringFault::Refused), false)] {
        let (sender, receiver) = mpsc::channel();
        sender.send(Report::Prompt).unwrap();
        sender.send(Report::Done(answer)).unwrap();
        assert_eq!(KeyringStore::wait(&receiver, true).is_ok_and(|found| found == 7), accepted);
    }
    let (sender, receiver) = mpsc::channel::<Report<u8>>();
    drop(sender);
    assert!(matches!(KeyringStore::wait(&receiver, false), Err(KeyringFault::Other(_))));
}

#[cfg(not(target_os = "macos"))]
#[test]
fn k1_without_a_bus_there_is_no_keyring() {
    if std::env::var_os(CHILD).is_some() {
        let store = KeyringStore::new(Patience::Person);
        let started = Instant::now();
        assert!(matches!(fault_of(store.prove()), KeyringFault::Absent));
        assert!(matches!(fault_of(store.get(&sample("a", 1).key())), KeyringFault::Absent));
        return assert!(started.elapsed() < Duration::from_secs(1));
    }
    let home = tempfile::tempdir().unwrap();
    must_succeed(&child(&[], "k1_without_a_bus_there_is_no_keyring", "nothing", home.path()).output().unwrap());
}

#[cfg(not(target_os = "macos"))]
#[test]
fn k2_a_bus_that_never_answers_is_given_up() {
    if std::env::var_os(CHILD).is_some() {
        let store = KeyringStore::new(Patience::Strict);
        assert!(matches!(fault_of(store.prove()), KeyringFault::Silent));
        let started = Instant::now();
        assert!(matches!(fault_of(store.write(&sample("a", 1))), KeyringFault::Silent));
        return assert!(started.elapsed() < Duration::from_millis(100), "it is not asked again");
    }
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("bus");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut child = child(&[], "k2_a_bus_that_never_answers_is_given_up", "silence", home.path());
    let started = Instant::now();
    must_succeed(&child.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display())).output().unwrap());
    let took = started.elapsed();
    assert!(took >= ANSWER_LIMIT && took < BOUND, "the thread left alone must not delay the exit: {took:?}");
}

#[cfg(not(target_os = "macos"))]
#[test]
fn k1_k2_k3_k5_the_real_keyring() {
    if let Ok(finds) = std::env::var(CHILD) {
        return inside_a_session(&finds);
    }
    if std::env::var_os("MCP_LOGIN_TEST_KEYRING").is_none() {
        return;
    }
    let bus = "dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus";
    let appears = format!("until {bus}.GetNameOwner string:org.freedesktop.secrets; do :; done");
    let unlock = format!("printf password | gnome-keyring-daemon --unlock --components=secrets; {appears}");
    let service = "dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets";
    let collection = "objpath:/org/freedesktop/secrets/collection";
    let lock = format!("{service} org.freedesktop.Secret.Service.Lock array:{collection}/login");
    let volatile = format!("{service} org.freedesktop.Secret.Service.SetAlias string:default {collection}/session");
    let black_hole = format!("dbus-test-tool black-hole --name=org.freedesktop.secrets & {appears}");
    let pid = format!("{bus}.GetConnectionUnixProcessID string:org.freedesktop.secrets | awk '{{print $2}}'");
    let stop = format!("pid=$({pid}); trap \"kill -KILL $pid\" EXIT; kill -STOP $pid");
    // Each session is a bus of its own that ends, and takes its services with it, when the test inside is done.
    for (finds, preparation) in [
        ("unlocked", unlock.clone()),
        ("locked", format!("{unlock}; {lock}")),
        ("volatile", format!("{unlock}; {volatile}")),
        ("empty", "gnome-keyring-daemon --start --components=secrets".to_owned()),
        ("silent", black_hole),
        ("silent", format!("{unlock}; {stop}")),
        ("activated", "true".to_owned()),
    ] {
        let home = tempfile::tempdir().unwrap();
        let script = format!("{{ {preparation}; }} >/dev/null 2>&1; \"$@\"; exit $?");
        let wrapper = ["dbus-run-session", "--", "sh", "-c", &script, "sh"];
        let output = child(&wrapper, "k1_k2_k3_k5_the_real_keyring", finds, home.path()).output().unwrap();
        println!("--- {finds}");
        must_succeed(&output);
    }
}

/// Checks every call against what this session is known to hold.
fn inside_a_session(finds: &str) {
    let store = KeyringStore::new(Patience::Person);
    let started = Instant::now();
    let proof = store.prove();
    println!("{finds}: prove took {:?}: {proof:?}", started.elapsed());
    assert!(started.elapsed() < BOUND);
    match finds {
        "unlocked" => {
            proof.unwrap();
            return every_call(&store);
        }
        "locked" => assert!(matches!(fault_of(proof), KeyringFault::Locked)),
        "volatile" => assert!(matches!(fault_of(proof), KeyringFault::Volatile)),
        "silent" => assert!(matches!(fault_of(proof), KeyringFault::Silent)),
        _ => assert!(matches!(fault_of(proof), KeyringFault::Absent | KeyringFault::Other(_) | KeyringFault::Refused)),
    }
    let key = sample("https://mcp.example/mcp", 1).key();
    match finds {
        "locked" => assert!(matches!(fault_of(store.get(&key)), KeyringFault::Locked)),
        "silent" => assert!(matches!(fault_of(store.get(&key)), KeyringFault::Silent)),
        _ => println!("{finds}: get gives {:?}", store.get(&key).map(|found| found.is_some())),
    }
    assert!(store.put(&sample("https://mcp.example/mcp", 1)).is_err());
}

fn every_call(store: &KeyringStore) {
    let timed = |name, call: &dyn Fn()| {
        let started = Instant::now();
        call();
        println!("unlocked: {name} took {:?}", started.elapsed());
    };
    let mut credentials = sample("https://mcp.example/mcp", 1);
    let key = credentials.key();
    timed("get of nothing", &|| assert_eq!(store.get(&key).unwrap(), None));
    timed("put", &|| store.put(&credentials).unwrap());
    timed("get", &|| assert_eq!(store.get(&key).unwrap().as_ref(), Some(&credentials)));
    credentials.access_token = crate::oauth::secret::Secret::new("x".repeat(20_000));
    timed("put of 20 kB", &|| store.put(&credentials).unwrap());
    let mut lookup = Command::new("secret-tool");
    lookup.args(["lookup", "service", SERVICE, "username", &key.account()]);
    let seen = lookup.output().unwrap().stdout;
    assert_eq!(serde_json::from_slice::<Credentials>(&seen).unwrap(), credentials, "other programs can read it");
    timed("delete", &|| assert!(store.delete(&key).unwrap()));
    assert!(!store.delete(&key).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| KeyringStore::new(Patience::Strict).put(&sample("https://other.example/mcp", 1)).unwrap());
        }
    });
}
