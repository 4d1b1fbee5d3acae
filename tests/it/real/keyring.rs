//! Logins with a real keyring in every state that a machine can have it in.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::bed::{script, Bed, Part};
use super::running::{Finished, Run};
use super::session::{Session, BUS};
use crate::support::fake::Fake;
use crate::support::program::{until_done, Program};
use crate::support::rotating::{login, Home, Rotating};
use crate::support::{each, sample};

/// The longest delay by a keyring that does not answer: three seconds of waiting, and half of one for a busy machine.
const DELAY: Duration = Duration::from_millis(3500);

/// Every state in which there is no use in the keyring; `absent`, `dead` and `silent` are made here, the others by
/// `tests/real/keyring`.
const UNUSABLE: [&str; 10] = [
    "locked",
    "volatile",
    "unanswered",
    "empty",
    "stopped",
    "blackhole",
    "nodaemon",
    "absent",
    "dead",
    "silent",
];

/// Runs a shell text in a session whose keyring is in this state; `"$@"` is our program with its options.
pub fn in_session(bed: &Bed, state: &str, text: &str, words: &[&str], browser: &Path) -> Finished {
    let mut command: Command = match state {
        "absent" | "dead" | "silent" => bed.command("/bin/sh"),
        _ => {
            let mut command = bed.command(script("keyring"));
            command.args([state, "/bin/sh"]);
            command
        }
    };
    command
        .args(["-c", text, "sh", env!("CARGO_BIN_EXE_mcp-login")])
        .args(words)
        .env("BROWSER", browser);
    // The keyring of one state is not that of another.
    command.env("XDG_DATA_HOME", bed.path("xdg-data").join(state));
    let _ = std::fs::remove_file(bed.path("bus"));
    let silent =
        (state == "silent").then(|| UnixListener::bind(bed.path("bus")).expect("a silent bus"));
    if matches!(state, "dead" | "silent") {
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", bed.path("bus").display()),
        );
    }
    let finished = Run::start(&mut command).finish();
    drop(silent);
    finished
}

/// Logs in with this store, for the first time in this state. The time that it took is that of our program alone.
fn log_in(bed: &Bed, server: &str, state: &str, store: &str) -> Finished {
    let data = bed.path("data").join(state).display().to_string();
    let words = [
        "--json",
        "--timeout",
        "180s",
        "--data-dir",
        &data,
        "--store",
        store,
        server,
    ];
    let text = "start=$(date +%s%N)
        \"$@\" || status=$?
        echo \"took $(($(date +%s%N) - start)) ns\" >&2
        exit ${status:-0}";
    let mut finished = in_session(bed, state, text, &words, &bed.curl());
    let took = finished.stderr.rsplit_once("took ");
    let (took, _) = took
        .and_then(|(_, took)| took.split_once(" ns"))
        .expect("a time");
    finished.took = Duration::from_nanos(took.parse().expect("a number"));
    finished
}

/// How often a login is tried that other work of this machine may slow down.
const TRIES: usize = 10;

/// Logs in as [`log_in`] does, and again with nothing stored while it takes longer than `limit`. Returns the last time.
fn log_in_within(bed: &Bed, server: &str, state: &str, store: &str, limit: Duration) -> Finished {
    let mut finished = log_in(bed, server, state, store);
    for _ in 1..TRIES {
        if finished.took < limit {
            break;
        }
        let _ = std::fs::remove_dir_all(bed.path("data").join(state));
        finished = log_in(bed, server, state, store);
    }
    finished
}

#[apply(test)]
fn an_unlocked_keyring_keeps_and_finds() {
    let bed = Bed::with(&[Part::FastMcp, Part::Curl, Part::Keyring]);
    let server = bed.fastmcp();
    let text = format!(
        "set -e
        \"$1\" {options} --timeout 180s '{url}'
        secret-tool lookup service mcp-login username '{url}' > stored
        \"$1\" check {options} '{url}' > check",
        options = format_args!(
            "--json --data-dir '{}' --store keyring",
            bed.path("data").display()
        ),
        url = server.url,
    );
    let finished = in_session(&bed, "unlocked", &text, &[], &bed.curl()).exits(0);
    let event = finished.event("logged_in");
    assert_eq!(event["store"], "keyring", "{event}");
    assert!(
        bed.read("stored").contains("test_refresh_token_"),
        "{}",
        bed.read("stored")
    );
    assert_no_token_in_files(&bed);
}

#[apply(test)]
fn c1_processes_at_once_refresh_once_in_the_keyring_too() {
    refreshes_once(&Bed::with(&[Part::Curl, Part::Keyring]), "unlocked");
}

#[apply(test)]
fn k3_an_open_wallet_serves_programs_that_nobody_watches() {
    let parts = [Part::Curl, Part::Keyring, Part::Wallets];
    refreshes_once(&Bed::with(&parts), "kwallet");
    let server = Fake::start().mcp();
    let bed = Bed::with(&parts);
    let closed = log_in(&bed, &server, "closed", "keyring").exits(7);
    assert_eq!(closed.event("error")["code"], "keyring_locked");
    assert!(!bed.browser_started());
}

#[apply(test)]
fn c1_keepassxc_keeps_a_login() {
    refreshes_once(
        &Bed::with(&[Part::Curl, Part::Keyring, Part::Wallets]),
        "keepassxc",
    );
}

/// Lets eight processes refresh at once a login that a keyring keeps, and logs out.
fn refreshes_once(bed: &Bed, state: &str) {
    let servers = Rotating::start();
    servers.shorten_logins();
    let text = format!(
        "set -e
        \"$1\" {options} --timeout 180s '{url}' >&2
        until \"$1\" status {options} | grep -q 'refresh due'; do sleep 0.1; done
        # A busy machine may give up waiting, which changes nothing.
        token() {{
            until \"$1\" token {options} '{url}'; do test $? = 5 || exit; done
        }}
        for number in 1 2 3 4 5 6 7 8; do token \"$1\" & done
        wait
        \"$1\" status {options} '{url}' >&2
        \"$1\" logout {options} '{url}' >&2
        \"$1\" token {options} '{url}' || test $? = 3",
        options = format_args!(
            "--data-dir '{}' --store keyring",
            bed.path("data").display()
        ),
        url = servers.fake.mcp(),
    );
    let finished = in_session(bed, state, &text, &[], &bed.curl()).exits(0);
    let tokens: Vec<_> = finished.stdout.lines().collect();
    assert!(
        tokens.len() == 8 && tokens.iter().all(|token| *token == tokens[0]),
        "{tokens:?} {}",
        finished.stderr
    );
    assert_eq!(
        (servers.refreshes(), servers.was_reused()),
        (1, false),
        "{}",
        finished.stderr
    );
    assert_no_token_in_files(bed);
}

#[apply(test)]
fn auto_uses_the_keyring_that_works() {
    let bed = Bed::with(&[Part::FastMcp, Part::Curl, Part::Keyring]);
    let server = bed.fastmcp();
    let event = log_in(&bed, &server.url, "unlocked", "auto")
        .exits(0)
        .event("logged_in");
    assert_eq!(event["store"], "keyring", "{event}");
    assert_no_token_in_files(&bed);
}

/// It waits 3 s for each keyring that does not answer.
#[apply(waiting_test)]
fn k1_k5_auto_falls_back_to_the_file_with_one_line_and_little_delay() {
    let bed = Bed::with(&[Part::Curl, Part::Keyring]);
    let server = Fake::start().mcp();
    let usual = log_in(&bed, &server, "absent", &bed.file_store())
        .exits(0)
        .took;
    let in_each_state = UNUSABLE.iter().filter_map(|state| {
        let Finished {
            status,
            stdout,
            stderr,
            took,
            ..
        } = log_in_within(&bed, &server, state, "auto", usual + DELAY);
        let notices = stderr
            .lines()
            .filter(|line| line.contains("keyring"))
            .count();
        let in_file =
            stdout.contains("\"event\":\"logged_in\"") && stdout.contains("\"store\":\"file\"");
        let good = status.success() && in_file && notices == 1 && took < usual + DELAY;
        (!good).then(|| {
            format!("{state}: {status} in {took:?}, {notices} notices\n{stdout}\n{stderr}\n")
        })
    });
    let wrong: String = in_each_state.collect();
    assert!(wrong.is_empty(), "usually in {usual:?}, but\n{wrong}");
}

/// It waits 3 s for each keyring that does not answer.
#[apply(waiting_test)]
fn k1_k5_keyring_alone_fails_before_the_browser() {
    let bed = Bed::with(&[Part::Curl, Part::Keyring]);
    let server = Fake::start().mcp();
    let in_each_state = UNUSABLE.iter().filter_map(|state| {
        let Finished {
            status,
            stdout,
            stderr,
            took,
            ..
        } = log_in_within(&bed, &server, state, "keyring", DELAY);
        let told = stdout.contains("\"event\":\"error\"") && stdout.contains("\"exit\":7");
        let good = status.code() == Some(7) && told && !bed.browser_started() && took < DELAY;
        (!good).then(|| format!("{state}: {status} in {took:?}\n{stdout}\n{stderr}\n"))
    });
    let wrong: String = in_each_state.collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// It waits 3 s for each keyring that does not answer.
#[apply(waiting_test)]
fn the_doctor_tells_every_state_of_the_keyring() {
    let bed = Bed::with(&[Part::Curl, Part::Keyring]);
    let examine = |state: &str, store: &str| {
        let data = bed.path("data").join(state).display().to_string();
        let words = ["doctor", "--json", "--data-dir", &data, "--store", store];
        let finished = in_session(&bed, state, "\"$@\"", &words, &bed.curl());
        let object: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
        let findings = object["findings"].as_array().expect("findings").clone();
        let keyring = findings
            .into_iter()
            .find(|finding| finding["topic"] == "keyring")
            .expect("a finding");
        (
            finished.status.code(),
            keyring["state"].as_str().expect("a state").to_owned(),
            keyring["what"].to_string(),
        )
    };
    let (code, state, what) = examine("unlocked", "keyring");
    assert!(
        code == Some(0) && state == "ok" && what.contains("logins are stored here"),
        "{code:?} {state} {what}"
    );
    for keyring in UNUSABLE {
        let (code, state, what) = examine(keyring, "auto");
        assert!(
            code == Some(0) && state == "warning",
            "{keyring}: {code:?} {state} {what}"
        );
        let words = match keyring {
            "locked" => "it is locked",
            "blackhole" | "silent" | "stopped" => "did not answer in time",
            "absent" | "dead" | "nodaemon" => "no keyring service is running",
            _ => "cannot use the keyring",
        };
        assert!(what.contains(words), "{keyring}: {what}");
    }
    assert_eq!(examine("locked", "keyring").0, Some(7));
}

/// GNOME Keyring can abort when clients come and go quickly; it may not do so because of us.
#[apply(long_test)]
fn k1_many_short_connections_do_not_crash_the_keyring() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let (keyring, fake) = (session.keyring(), Fake::start());
    let live = json!({"obtained_at": "2026-01-01T00:00:00Z", "expires_at": "2126-01-01T00:00:00Z"});
    session.put(&login(&fake, live));
    let home = Home::new();
    let visit = |_, _: &u32| {
        let token = || {
            let program = Program::new().at_home(home.path()).env(BUS, session.bus());
            program.args(["token", "--store", "keyring", &fake.mcp()])
        };
        assert_eq!(until_done(token).expect(0).stdout, "access-0");
    };
    each(&sample(0..600, 4), visit);
    let at_once: Vec<_> = (0..64).collect();
    thread::scope(|scope| {
        at_once
            .iter()
            .for_each(|number| drop(scope.spawn(move || visit(0, number))))
    });
    assert_eq!(session.keyring().0, keyring.0, "it is the same process");
}

#[apply(test)]
fn c5_servers_in_one_run_are_all_stored_in_the_keyring() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let fakes: Vec<_> = (0..16).map(|_| Fake::start()).collect();
    let program = Program::new()
        .args(["--json", "--store", "keyring", "--no-browser"])
        .env(BUS, session.bus());
    let mut login = program.args(fakes.iter().map(Fake::mcp)).start();
    let pages: Vec<_> = fakes.iter().map(|_| login.authorization_url()).collect();
    let answers: Vec<_> = pages.iter().map(|page| login.redirect(page)).collect();
    thread::scope(|scope| {
        answers
            .iter()
            .for_each(|answer| drop(scope.spawn(|| crate::support::visit(answer))))
    });
    login.finish().expect(0);
    for fake in &fakes {
        assert!(
            session.text(&fake.mcp()).contains("access-"),
            "{}",
            fake.mcp()
        );
    }
}

/// The library below writes past the end of a table for a file number above 1023.
#[apply(test)]
fn l18_more_than_a_thousand_open_files() {
    let bed = Bed::with(&[Part::Keyring, Part::Curl]);
    for (files, code, said) in [
        (900, 3, "no login to"),
        (1100, 7, "too many files are open"),
    ] {
        let open = format!(
            "ulimit -n 4096; for file in $(seq 3 {files}); do eval \"exec $file</dev/null\"; done"
        );
        let text = format!("exec bash -c '{open}; exec \"$@\"' sh \"$@\"");
        let words = ["token", "--store", "keyring", "https://files.example/mcp"];
        let finished = in_session(&bed, "unlocked", &text, &words, &bed.curl()).exits(code);
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
    }
}

/// Whoever watches the bus sees neither token, when a login is stored, refreshed and read.
#[apply(test)]
fn sec5_no_secret_crosses_the_bus_in_clear() {
    let bed = Bed::with(&[Part::Curl, Part::Keyring]);
    let servers = Rotating::start();
    let text = format!(
        "set -e
        dbus-monitor --session > monitored &
        until grep -q NameAcquired monitored; do sleep 0.05; done
        \"$1\" {options} --timeout 180s '{url}' >&2
        \"$1\" token {options} '{url}'
        \"$1\" token --refresh {options} '{url}'
        dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner string:the.last.word >&2 || true
        until grep -q the.last.word monitored; do sleep 0.05; done",
        options = format_args!("--data-dir '{}' --store keyring", bed.path("data").display()),
        url = servers.fake.mcp(),
    );
    let finished = in_session(&bed, "unlocked", &text, &[], &bed.curl()).exits(0);
    let seen = bed.read("monitored");
    assert!(
        seen.contains("OpenSession") && seen.contains("SetSecret") && seen.contains("GetSecret"),
        "{seen}"
    );
    let tokens: Vec<_> = finished.stdout.lines().collect();
    assert!(tokens.len() == 2 && tokens[0] != tokens[1], "{tokens:?}");
    // Bytes are shown as text, or as numbers on several lines.
    let numbers = seen.split_whitespace().collect::<String>();
    for secret in [tokens[0], tokens[1], "access-", "refresh-"] {
        let bytes: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(
            !seen.contains(secret) && !numbers.contains(&bytes),
            "{secret} was seen"
        );
    }
}

/// Requires that no file of the data directories holds a token.
fn assert_no_token_in_files(bed: &Bed) {
    let mut left = vec![bed.path("data"), bed.path("xdg-data/unlocked/mcp-login")];
    while let Some(path) = left.pop() {
        if let Ok(entries) = std::fs::read_dir(&path) {
            left.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        } else if let Ok(text) = std::fs::read(&path) {
            let text = String::from_utf8_lossy(&text);
            let found = ["test_access_token_", "test_refresh_token_"]
                .iter()
                .any(|token| text.contains(token));
            assert!(!found, "a token in {}", path.display());
        }
    }
}
