//! One keyring that is used from several data directories and homes, as by snaps, Flatpaks and cron; and entries of the
//! keyring that are not what they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{json, Value};

use super::bed::{Bed, Part};
use super::running::Server;
use super::session::{Kept, Session};
use crate::support::program::{until_done, Program, Running, LOCK_DIR};
use crate::support::rotating::Rotating;
use crate::support::skip::needs_root;

/// What the caller of each number has set: nothing, another data directory, or another home too.
fn elsewhere(kept: &Kept, program: Program, number: usize) -> Program {
    let other = kept.home.path().join(format!("snap-{number}"));
    let mut program = program;
    program.command().env_remove(LOCK_DIR);
    match number % 4 {
        0 => program,
        1 => program.env("XDG_DATA_HOME", other),
        2 => program.env("MCP_LOGIN_DATA_DIR", other),
        _ => program
            .env("HOME", &other)
            .env("XDG_DATA_HOME", other.join("data")),
    }
}

/// It runs more than 50 commands at one keyring.
#[apply(long_test)]
fn a3_p57_several_data_directories_with_one_keyring_use_each_refresh_token_once() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    for round in 1..=6 {
        kept.expire();
        let token = |number: usize| {
            let store = ["keyring", "auto"][(number / 4 + round) % 2];
            elsewhere(&kept, kept.at(&["token"], store), number)
        };
        let running: Vec<_> = (0..8).map(|number| token(number).start()).collect();
        let finish = |(number, running): (usize, Running)| running.finish_or(|| token(number));
        let finished = running.into_iter().enumerate().map(finish);
        let tokens: Vec<_> = finished.map(|finished| finished.expect(0).stdout).collect();
        let stored = kept.stored();
        assert!(
            tokens
                .iter()
                .all(|token| stored["access_token"] == token.as_str()),
            "round {round}: {tokens:?}"
        );
        assert_eq!(
            (kept.servers.refreshes(), kept.servers.was_reused()),
            (round, false),
            "round {round}"
        );
    }
    // A login, refreshes and a logout from everywhere take turns too.
    let refresh = |number| {
        let refresh = kept.at(&["token", "--refresh"], "keyring");
        elsewhere(&kept, refresh, number)
    };
    let forced: Vec<_> = (0..8).map(|number| refresh(number).start()).collect();
    kept.login("keyring").agree().expect(0);
    for (number, running) in forced.into_iter().enumerate() {
        running.finish_or(|| refresh(number)).expect(0);
    }
    assert!(!kept.servers.was_reused() && kept.is_good());
    session.other_is_untouched("several data directories");
}

/// A refresh that was interrupted under one data directory is known under the other.
#[apply(test)]
fn p57_the_journal_of_the_keyring_is_one() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let (servers, gate) = Rotating::behind_a_gate();
    let kept = Kept::expired(&session, servers);
    let doctor = |number: usize| {
        let program = Program::new()
            .at_home(kept.home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", session.bus());
        let doctor = elsewhere(
            &kept,
            program.args(["doctor", "--json", "--store", "keyring"]),
            number,
        )
        .run();
        doctor
            .stdout
            .contains(&format!("a refresh of {} started", kept.servers.fake.mcp()))
    };
    let running = elsewhere(&kept, kept.at(&["token"], "keyring"), 3).start();
    crate::support::wait_for("the refresh", || {
        (kept.servers.refreshes() == 1).then_some(())
    });
    assert_eq!([0, 1, 2, 3].map(doctor), [true; 4]);
    gate.open();
    running
        .finish_or(|| kept.at(&["token"], "keyring"))
        .expect(0);
    assert_eq!([0, 1, 2, 3].map(doctor), [false; 4]);
}

/// Makes a second entry, or one that is no login.
type Spoil = fn(&Kept);

/// The spoils, and what the status has to say of each.
const SPOILS: [(&str, Spoil, &str); 3] = [
    (
        "two of one name",
        |kept| {
            kept.session
                .put_text(&kept.servers.fake.mcp(), "{}", &["a", "b"])
        },
        "several entries",
    ),
    (
        "no login",
        |kept| {
            kept.session
                .put_text(&kept.servers.fake.mcp(), "a password", &[])
        },
        "is not a login",
    ),
    (
        "the login to another server",
        |kept| {
            let mut other = kept.stored();
            other["server"] = "https://other.example/mcp".into();
            kept.session
                .put_text(&kept.servers.fake.mcp(), &other.to_string(), &[]);
        },
        "is the login to https://other.example/mcp",
    ),
];

/// It runs nine commands for each of six cases.
#[apply(long_test)]
fn p60_unusable_keyring_entries_are_named_and_replaced() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    for (name, spoil, words) in SPOILS {
        for store in ["keyring", "auto"] {
            let what = format!("{name} --store {store}");
            let kept = Kept::expired(&session, Rotating::start());
            let server = kept.servers.fake.mcp();
            kept.token().expect(0);
            spoil(&kept);
            let status = kept.at(&["status", "--json"], store).run().expect(3);
            assert!(status.stderr.contains(words), "{what}: {}", status.stderr);
            assert!(
                status
                    .stderr
                    .contains(&format!("mcp-login --force {server}")),
                "{what}: {}",
                status.stderr
            );
            let listed: Value = serde_json::from_str(&status.stdout).expect("JSON");
            assert_eq!(
                listed["logins"][0]["state"],
                json!("needs_login"),
                "{what}: {listed}"
            );
            let doctor = Program::new()
                .at_home(kept.home.path())
                .env("DBUS_SESSION_BUS_ADDRESS", session.bus());
            let doctor = doctor.args(["doctor", "--json", "--store", store]).run();
            assert!(doctor.stdout.contains(words), "{what}: {}", doctor.stdout);
            let refused = kept.at(&["token"], store).run().expect(7);
            assert!(
                refused.stderr.contains(words) && refused.stdout.is_empty(),
                "{what}: {}",
                refused.stderr
            );
            // A login takes the place of all of that name, and works.
            kept.login(store).agree().expect(0);
            assert_eq!(
                until_done(|| kept.at(&["token"], store)).expect(0).stdout,
                kept.stored()["access_token"].as_str().expect("it")
            );
            assert!(
                kept.at(&["status"], store)
                    .run()
                    .expect(0)
                    .stdout
                    .contains("live"),
                "{what}"
            );
            // And a logout removes all of it.
            spoil(&kept);
            until_done(|| kept.at(&["logout"], store)).expect(0);
            assert!(kept.stored().is_null(), "{what}");
            kept.at(&["token"], store).run().expect(3);
            session.other_is_untouched(&what);
        }
    }
}

/// The locks of the keyring are files of the user's own, and none of them stays.
#[apply(test)]
fn p57_no_lock_of_a_refresh_stays() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = Session::start(&bed);
    let kept = Kept::expired(&session, Rotating::start());
    let data = kept.home.path().join("data");
    for (store, place) in [
        ("keyring".to_owned(), None),
        (
            format!("file:{}", data.join("a.json").display()),
            Some("a.json.refresh"),
        ),
    ] {
        kept.login(&store).agree().expect(0);
        until_done(|| kept.at(&["token", "--refresh"], &store)).expect(0);
        let Some(place) = place else { continue };
        assert_eq!(
            fs::read_dir(data.join(place))
                .expect("the directory")
                .count(),
            0,
            "{store}"
        );
    }
    assert!(kept
        .home
        .files_with(".lock")
        .iter()
        .all(|path| !path.to_string_lossy().contains("refresh/")));
}

/// The bus of another user, as plain `su` and `sudo -E` leave its address in the environment.
#[apply(test)]
fn p62_the_bus_of_another_user_is_reported() {
    let bed = Bed::with(&[Part::Keyring]);
    needs_root();
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let address = format!("unix:path={}/bus", place.path().display());
    let text = format!(
        "dbus-daemon --session --nofork --address='{address}' & until [ -S '{}/bus' ]; do sleep 0.1; done
        echo \"ready {address}\"; exec cat",
        place.path().display(),
    );
    let mut command = bed.command("setpriv");
    command.args([
        "--reuid",
        "4711",
        "--regid",
        "4711",
        "--clear-groups",
        "sh",
        "-c",
        &text,
    ]);
    let bus = Server::start(command.env("HOME", place.path()).current_dir("/"));
    let at_bus = |words: &[&str]| {
        Program::new()
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.url)
            .args(words)
            .run()
    };
    let refused = at_bus(&["token", "--store", "keyring", "https://mcp.example/mcp"]).expect(7);
    assert!(
        refused
            .stderr
            .contains("the session bus belongs to another user"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("hint: ") && !refused.stderr.contains("in time"),
        "{}",
        refused.stderr
    );
    let doctor = at_bus(&["doctor", "--json"]).expect(0);
    assert!(
        doctor
            .stdout
            .contains("the session bus belongs to another user"),
        "{}",
        doctor.stdout
    );
    at_bus(&["token", "https://mcp.example/mcp"]).expect(3);
}
