//! What the commands that use a login do when the keyring is not what it was; and keyring and file side by side.

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{json, Value};

use super::bed::{Bed, Part};
use super::session::{Kept, Session, BUS};
use crate::support::fake::Reply;
use crate::support::program::{until_done, Finished, Program, Running};
use crate::support::rotating::{login, Rotating};
use crate::support::{each, repeat, wait_for};

/// The limit of a command, and what a start and an end take.
pub const LIMIT: Duration = Duration::from_millis(8500);

/// The commands that use a login.
const COMMANDS: [&[&str]; 4] = [
    &["token"],
    &["headers"],
    &["token", "--refresh"],
    &["logout"],
];

/// What happens to a keyring, with the exit codes of the commands and of a logout then, and what they say.
type Fault = (&'static str, fn(&mut Kept), [i32; 2], &'static str);

const FAULTS: [Fault; 9] = [
    (
        "k1 no bus",
        |kept| kept.reach("unix:path=/nonexistent"),
        [7, 7],
        "no keyring service",
    ),
    ("k2 a silent bus", |kept| be_silent(kept), [7, 7], SILENT),
    (
        "k2 a stopped keyring",
        |kept| kept.signal(Signal::STOP),
        [7, 7],
        SILENT,
    ),
    (
        "k1 a keyring that has gone",
        gone,
        [7, 7],
        "no keyring service",
    ),
    (
        "k3 a locked keyring",
        |kept| kept.session.lock(),
        [7, 7],
        "is locked",
    ),
    (
        "k7 an entry that is no login",
        |kept| alter(kept, "{}"),
        [7, 0],
        "is not a login",
    ),
    ("k7 an entry that was cut", cut, [7, 0], "is not a login"),
    (
        "k7 two entries of one name",
        double,
        [7, 0],
        "several entries",
    ),
    (
        "k8 an entry that somebody removed",
        |kept| kept.session.clear(&kept.servers.fake.mcp()),
        [3, 0],
        "needs a login",
    ),
];

fn be_silent(kept: &mut Kept) {
    let path = kept.home.path().join("silent");
    // It is never closed, and never served.
    std::mem::forget(UnixListener::bind(&path).expect("a socket"));
    kept.reach(&format!("unix:path={}", path.display()));
}

fn gone(kept: &mut Kept) {
    let keyring = kept.session.keyring();
    keyring.signal(Signal::KILL);
    wait_for("its end", || {
        (keyring.state() == 'X' || keyring.state() == 'Z').then_some(())
    });
}

fn alter(kept: &Kept, text: &str) {
    kept.session.put_text(&kept.servers.fake.mcp(), text, &[]);
}

fn cut(kept: &mut Kept) {
    let text = kept.stored().to_string();
    alter(kept, &text[..text.len() / 2]);
}

fn double(kept: &mut Kept) {
    let text = kept.stored().to_string();
    kept.session
        .put_text(&kept.servers.fake.mcp(), &text, &["another", "attribute"]);
}

/// What is said of a keyring that does not answer.
const SILENT: &str = "did not answer in time";

/// Runs a command and requires this exit code and words, in time, with a hint and without a product or a secret if it fails. It
/// runs again where a busy machine kept a keyring from answering.
#[track_caller]
fn in_time(program: impl Fn() -> Program, (code, words): (i32, &str), what: &str) -> Finished {
    let finished = repeat(what, || {
        let started = Instant::now();
        let finished = program().run();
        let is_silent = finished.stderr.contains(SILENT) && !(code == 7 && words == SILENT);
        let is_in_time = started.elapsed() < LIMIT;
        (is_in_time && !is_silent).then_some(finished)
    });
    let said = &finished.stderr;
    assert_eq!(
        finished.code,
        Some(code),
        "{what}: {} {said}",
        finished.stdout
    );
    if code != 0 {
        assert!(said.contains(words), "{what}: {said}");
        assert!(
            said.contains("hint: ") && finished.stdout.is_empty(),
            "{what}: {} {said}",
            finished.stdout
        );
        assert!(
            !said.contains("access-") && !said.contains("refresh-"),
            "{what}: {said}"
        );
    }
    finished
}

/// It waits for keyrings that do not answer, as long as each command does.
#[apply(waiting_test)]
fn k1_k2_k3_k7_k8_each_command_reports_what_is_wrong_with_the_keyring() {
    let bed = Bed::with(&[Part::Keyring]);
    each(
        &FAULTS,
        |_, &(name, happens, [code, logout_code], words)| {
            let session = Session::start(&bed);
            let mut kept = Kept::expired(&session, Rotating::start());
            // From now on the index says that the login is in the keyring.
            kept.token().expect(0);
            happens(&mut kept);
            let (kept, refreshes) = (&kept, kept.servers.refreshes());
            thread::scope(|scope| {
                for (words_of_command, store) in COMMANDS
                    .iter()
                    .flat_map(|words| [(words, "keyring"), (words, "auto")])
                {
                    // One at a time where one changes what the others find.
                    let is_logout = words_of_command[0] == "logout";
                    let run = move || {
                        let what = format!("{name}: {words_of_command:?} --store {store}");
                        let expected = if is_logout { logout_code } else { code };
                        let command = || kept.at(words_of_command, store);
                        in_time(command, (expected, words), &what);
                    };
                    if is_logout && logout_code == 0 {
                        continue;
                    }
                    scope.spawn(run);
                }
            });
            if logout_code == 0 {
                in_time(|| kept.at(&["logout"], "auto"), (0, ""), name);
            }
            assert_eq!(
                kept.servers.refreshes(),
                refreshes,
                "{name}: nothing is spent"
            );
            assert_eq!(kept.servers.fake.seen_at("/revoke").len(), 0, "{name}");
            if name.starts_with("k2 a stopped") {
                kept.signal(Signal::CONT);
                assert_eq!(
                    kept.token().expect(0).stdout,
                    kept.stored()["access_token"].as_str().expect("a token")
                );
            }
        },
    );
}

/// It waits for keyrings that do not answer, as long as a refresh does.
#[apply(waiting_test)]
fn k2_k3_k7_k8_the_keyring_changes_during_a_refresh() {
    let bed = Bed::with(&[Part::Keyring]);
    type Case = (&'static str, fn(&Kept), &'static str, i32, bool);
    let cases: [Case; 6] = [
        (
            "stopped",
            |kept| kept.signal(Signal::STOP),
            "keyring",
            7,
            true,
        ),
        (
            "stopped",
            |kept| kept.signal(Signal::STOP),
            "auto",
            0,
            false,
        ),
        ("locked", |kept| kept.session.lock(), "keyring", 7, true),
        ("locked", |kept| kept.session.lock(), "auto", 0, false),
        ("altered", |kept| alter(kept, "{}"), "keyring", 0, false),
        (
            "removed",
            |kept| kept.session.clear(&kept.servers.fake.mcp()),
            "keyring",
            3,
            false,
        ),
    ];
    let run = |&(name, happens, store, code, rescued): &Case| {
        let what = format!("{name} --store {store}");
        let session = Session::start(&bed);
        let (servers, gate) = Rotating::behind_a_gate();
        let kept = Kept::expired(&session, servers);
        let running = kept.at(&["token"], store).start();
        wait_for("the refresh", || {
            (kept.servers.refreshes() == 1).then_some(())
        });
        happens(&kept);
        gate.open();
        let finished = running.finish();
        if finished.code == Some(5) {
            return None;
        }
        let finished = finished.expect(code);
        let files = kept.home.files_with("rescued");
        assert_eq!(
            files.len(),
            usize::from(rescued),
            "{what}: {}",
            finished.stderr
        );
        match code {
            7 => {
                assert!(
                    finished.stderr.contains(files[0].to_str().expect("a path")),
                    "{what}: {}",
                    finished.stderr
                );
                let store = format!("file:{}", files[0].display());
                let token = until_done(|| kept.at(&["token", "--refresh"], &store))
                    .expect(0)
                    .stdout;
                assert!(token.starts_with("access-"), "{what}");
                if name == "stopped" {
                    kept.signal(Signal::CONT);
                    let next = kept.token().expect(0).stdout;
                    assert!(
                        kept.stored()["access_token"] == next.as_str() && kept.is_good(),
                        "{what}"
                    );
                    assert!(!files[0].exists(), "{what}: it is brought home");
                }
            }
            0 if store == "auto" => moved_to_the_file(&kept, name, &finished),
            0 => assert_eq!(
                kept.stored()["access_token"],
                finished.stdout.as_str(),
                "{what}"
            ),
            _ => assert!(
                kept.stored().is_null() && finished.stdout.is_empty(),
                "{what}: it is not brought back"
            ),
        }
        assert!(!kept.servers.was_reused(), "{what}");
        Some(())
    };
    each(&cases, |_, case| repeat("a refresh in time", || run(case)));
}

/// The keyring did not take the login any more, and the file did: its copy there is never used again.
fn moved_to_the_file(kept: &Kept, name: &str, finished: &Finished) {
    assert!(
        finished.stderr.contains("logins are stored in"),
        "{name}: {}",
        finished.stderr
    );
    let in_file = |token: &str| {
        assert_eq!(
            kept.home.kept(&kept.servers.fake)["access_token"],
            token,
            "{name}"
        )
    };
    in_file(&finished.stdout);
    if name == "stopped" {
        kept.signal(Signal::CONT);
        for words in [&["token"][..], &["token", "--refresh"]] {
            in_time(|| kept.at(words, "keyring"), (3, ""), "the old copy");
        }
    }
    let next = until_done(|| kept.at(&["token", "--refresh"], "auto"))
        .expect(0)
        .stdout;
    in_file(&next);
    assert_ne!(next, finished.stdout, "{name}");
    if name == "stopped" {
        assert!(
            kept.stored().is_null(),
            "the old copy is removed when the keyring can be reached"
        );
    }
}

#[apply(test)]
fn k8_keyring_and_file_side_by_side() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    let in_file = Rotating::start();
    kept.home.put(&[login(
        &in_file.fake,
        json!({"refresh_token": in_file.family()}),
    )]);
    let run = |words: &[&str], store: &str, servers: &Rotating| {
        let program = Program::new()
            .at_home(kept.home.path())
            .env(BUS, session.bus())
            .args(words);
        program
            .args(["--store", store])
            .arg(servers.fake.mcp())
            .run()
    };
    // Each is refreshed where it is.
    let tokens =
        [&kept.servers, &in_file].map(|servers| run(&["token"], "auto", servers).expect(0).stdout);
    assert_eq!(kept.stored()["access_token"], tokens[0].as_str());
    assert_eq!(
        kept.home.kept(&in_file.fake)["access_token"],
        tokens[1].as_str()
    );
    assert!(
        kept.home.kept(&kept.servers.fake).is_null()
            && session.text(&in_file.fake.mcp()).is_empty()
    );
    // Who names one store finds nothing of the other, and takes nothing from it.
    for (servers, other_store) in [(&kept.servers, "file"), (&in_file, "keyring")] {
        in_time_at(run(&["token"], other_store, servers), 3);
        run(&["logout"], other_store, servers).expect(0);
        run(&["token"], "auto", servers).expect(0);
    }
    let places = places(&kept, &session);
    assert_eq!(
        places,
        [
            (kept.servers.fake.mcp(), "keyring".to_owned()),
            (in_file.fake.mcp(), "file".to_owned())
        ]
        .into()
    );
    // Of the one that goes, the other knows nothing.
    run(&["logout"], "auto", &kept.servers).expect(0);
    run(&["token"], "auto", &kept.servers).expect(3);
    run(&["token"], "auto", &in_file).expect(0);
    session.other_is_untouched("side by side");
}

fn in_time_at(finished: Finished, code: i32) {
    let finished = finished.expect(code);
    assert!(
        finished.stdout.is_empty() && finished.stderr.contains("hint: "),
        "{}",
        finished.stderr
    );
}

/// Returns which login is kept where.
fn places(kept: &Kept, session: &Session) -> std::collections::BTreeMap<String, String> {
    let status = Program::new()
        .at_home(kept.home.path())
        .env(BUS, session.bus())
        .args(["status", "--json"]);
    let status: Value = serde_json::from_str(&status.run().expect(0).stdout).expect("JSON");
    let logins = status["logins"].as_array().expect("logins").clone();
    let text = |login: &Value, name: &str| login[name].as_str().expect("text").to_owned();
    logins
        .iter()
        .map(|login| (text(login, "server"), text(login, "store")))
        .collect()
}

#[apply(long_test)]
fn k8_a_login_moves_between_keyring_and_file() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    let fake = &kept.servers.fake;
    kept.token().expect(0);
    for store in ["file", "keyring", "file", "keyring"] {
        kept.login(store).agree().expect(0);
        let copies = [kept.stored(), kept.home.kept(fake)];
        assert_eq!(
            copies.each_ref().map(Value::is_null),
            [store == "file", store == "keyring"],
            "{store}: {copies:?}"
        );
        assert_eq!(
            places(&kept, &session),
            [(fake.mcp(), store.to_owned())].into()
        );
        let token = until_done(|| kept.at(&["token", "--refresh"], "auto"))
            .expect(0)
            .stdout;
        assert_eq!(
            until_done(|| kept.at(&["token"], store)).expect(0).stdout,
            token
        );
    }
    assert!(!kept.servers.was_reused());
    until_done(|| kept.at(&["logout"], "auto")).expect(0);
    assert!(kept.stored().is_null() && kept.home.kept(fake).is_null());
    session.other_is_untouched("moving");
}

/// It runs 62 commands at one keyring.
#[apply(long_test)]
fn c1_k8_processes_at_once_refresh_once_wherever_they_look() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    for (round, count) in (1..).zip([2, 4, 8, 16, 32]) {
        kept.expire();
        let token = |number: usize| kept.at(&["token"], ["keyring", "auto"][number % 2]);
        let running: Vec<_> = (0..count).map(|number| token(number).start()).collect();
        let finish = |(number, running): (usize, Running)| running.finish_or(|| token(number));
        let finished = running.into_iter().enumerate().map(finish);
        let tokens: Vec<_> = finished.map(|finished| finished.expect(0).stdout).collect();
        let stored = kept.stored();
        assert!(
            tokens
                .iter()
                .all(|token| stored["access_token"] == token.as_str()),
            "{count}: {tokens:?}"
        );
        assert_eq!(
            (kept.servers.refreshes(), kept.servers.was_reused()),
            (round, false),
            "{count}"
        );
    }
    session.other_is_untouched("many at once");
}

/// It runs more than 50 commands at one keyring.
#[apply(long_test)]
fn c1_login_refresh_logout_status_and_token_at_once_in_the_keyring() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    const ALL: [&[&str]; 5] = [
        &["token", "--refresh"],
        &["logout"],
        &["status"],
        &["token"],
        &["headers"],
    ];
    for round in 0..5 {
        thread::scope(|scope| {
            scope.spawn(|| kept.login("keyring").agree().expect(0));
            for words in ALL.iter().flat_map(|words| [words, words]) {
                let kept = &kept;
                scope.spawn(move || {
                    let finished = kept.at(words, "keyring").run();
                    let documented: &[i32] = if words[0] == "logout" {
                        &[0]
                    } else {
                        &[0, 3, 5]
                    };
                    let code = finished.code.expect("an exit code");
                    assert!(
                        documented.contains(&code) || finished.has_given_up(),
                        "round {round}, {words:?}: {code} {}",
                        finished.stderr
                    );
                });
            }
        });
        assert!(!kept.servers.was_reused(), "round {round}");
        session.other_is_untouched("all at once");
    }
    kept.login("keyring").agree().expect(0);
    until_done(|| kept.at(&["token", "--refresh"], "keyring")).expect(0);
}

#[apply(test)]
fn k6_long_tokens_are_stored_whole() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let long = "x".repeat(200_000);
    let tokens =
        json!({"access_token": long, "token_type": "Bearer", "refresh_token": "refresh-long"});
    let servers = Rotating::with(move |_, _| Some(Reply::json(200, &tokens)));
    let kept = Kept::expired(&session, servers);
    assert!(kept.token().expect(0).stdout == long);
    assert!(
        kept.token().expect(0).stdout == long && kept.stored()["access_token"] == long.as_str()
    );
    assert!(
        kept.home.files_with("credentials").is_empty(),
        "nothing went to a file"
    );
}
