//! Crashes and faults at every step of what is done with a login in the keyring: it keeps the promises of the file.

use std::thread;

use serde_json::Value;

use super::bed::{Bed, Part};
use super::proxy::{Accident, Proxy};
use super::session::{Kept, Session};
use crate::support::program::{until_done, Finished, Program};
use crate::support::rotating::Rotating;
use crate::support::skip::needs;
use crate::support::strace::{calls, inject};
use crate::support::{each, joined, repeat, sample, visit};

/// How many runs are counted.
const RUNS: usize = 4;

/// No message has this number: nothing happens.
const NEVER: usize = usize::MAX;

/// The calls by which the lock, the journal and the index are changed.
const CALLS: &str = "openat,fsync,rename,renameat,renameat2,unlink,unlinkat,flock,mkdir,exit_group";

/// Where these files are.
const DATA: &str = "/.local/share/mcp-login";

/// Kills at each message, in turns.
const KILLS: &[Accident] = &[Accident::KillBefore, Accident::KillAfter];

fn text<'a>(login: &'a Value, name: &str) -> &'a str {
    login[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {login}"))
}

/// Checks what has to hold after any accident: the other login is untouched, and this one is the old one or a good new
/// one. Then that the next run works, or says why only a login helps.
#[track_caller]
fn check(kept: &Kept, old: &Value, what: &str) {
    let now = kept.stored();
    let is_good = kept.servers.is_good(text(&now, "refresh_token"));
    assert!(
        is_good || text(&now, "refresh_token") == text(old, "refresh_token"),
        "{what}: {now}"
    );
    let finished = kept.token();
    if is_good {
        assert_eq!(finished.code, Some(0), "{what}: {}", finished.stderr);
        assert_eq!(
            text(&kept.stored(), "access_token"),
            finished.stdout,
            "{what}"
        );
    } else {
        assert_eq!(finished.code, Some(3), "{what}: {}", finished.stderr);
        assert!(
            finished.stdout.is_empty() && finished.stderr.contains("interrupted"),
            "{what}: {}",
            finished.stderr
        );
        assert_eq!(
            text(&kept.stored(), "refresh_token"),
            text(old, "refresh_token"),
            "{what}"
        );
    }
}

/// Returns a login in the keyring whose way to it has an accident, and that way.
fn on_the_way<'a>(session: &'a Session<'a>, at: usize, accident: Accident) -> (Kept<'a>, Proxy) {
    let mut kept = Kept::expired(session, Rotating::start());
    let proxy = Proxy::open(session.bus(), kept.home.path(), at, accident);
    kept.reach(&proxy.address());
    (kept, proxy)
}

/// Counts the messages of a good run. A key that not all keyrings read alike is agreed on anew, so that some have a few more:
/// the least of several counts.
fn messages(session: &Session, run: impl Fn(&Kept)) -> usize {
    let count = |_| {
        let (kept, proxy) = on_the_way(session, NEVER, Accident::Cut);
        run(&kept);
        proxy.messages()
    };
    (0..RUNS).map(count).min().expect("a count")
}

/// Runs something with a login once for each of these messages, with one of the accidents in turns there.
fn at_each_message(
    session: &Session,
    messages: Vec<usize>,
    accidents: &[Accident],
    run: impl Fn(&mut Kept, &str) + Sync,
) {
    assert!(messages.len() >= 4, "only at {messages:?}");
    let cases: Vec<_> = messages.into_iter().zip(accidents.iter().cycle()).collect();
    each(&cases, |_, (number, accident)| {
        let what = format!("{accident:?} at message {number}");
        // On a busy machine a command may give up before it has come that far.
        repeat(&what, || {
            let (mut kept, proxy) = on_the_way(session, *number, **accident);
            run(&mut kept, &what);
            (proxy.messages() >= *number).then_some(())
        });
    });
    session.other_is_untouched("other logins");
}

/// The token came, or it is told why not; and never an old one. Returns the exit code, and whether that is all that a busy
/// machine leaves to be known.
#[track_caller]
fn token_with_an_accident(kept: &mut Kept, what: &str) -> (Option<i32>, bool) {
    let finished = kept.at(&["token"], "keyring").run();
    let code = finished.code;
    kept.reach(kept.session.bus());
    assert_eq!(
        finished.stdout.is_empty(),
        code != Some(0),
        "{what}: {}",
        finished.stdout
    );
    assert!(
        code != Some(0) || finished.stdout == text(&kept.stored(), "access_token"),
        "{what}: {}",
        finished.stdout
    );
    assert_ne!(finished.stdout, "access-0", "{what}");
    (code, finished.has_given_up())
}

#[apply(test)]
fn a_refresh_connects_to_the_keyring_twice() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let (kept, proxy) = on_the_way(session, NEVER, Accident::Cut);
    kept.token().expect(0);
    assert_eq!(kept.servers.refreshes(), 1);
    assert_eq!(proxy.connections(), 2, "who asks, and who refreshes");
    kept.token().expect(0);
    assert_eq!(proxy.connections(), 3, "a live token needs one");
}

#[apply(long_test)]
fn c3_d1_killed_at_each_message_of_a_refresh() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let count = messages(session, |kept| drop(kept.token().expect(0)));
    at_each_message(session, (1..=count).collect(), KILLS, |kept, what| {
        let old = kept.stored();
        let (code, has_given_up) = token_with_an_accident(kept, what);
        // It was this process, or the one that refreshes, which is told. After the last message all is done.
        let is_told = matches!(code, None | Some(0 | 5)) || has_given_up;
        assert!(is_told, "{what}: {code:?}");
        check(kept, &old, what);
    });
}

/// Checks that what was spent is stored, if only in an emergency file, and that the next run brings it home.
fn settles(kept: &Kept, old: &Value, what: &str) {
    let rescued = kept.home.files_with("rescued");
    let is_good = kept.is_good();
    assert!(
        is_good || rescued.len() == 1,
        "what was spent is stored: {what}"
    );
    // Who stored it may not have been told, and then made the file too.
    if rescued.is_empty() || is_good {
        return check(kept, old, what);
    }
    let finished = kept.token().expect(0);
    assert_eq!(
        text(&kept.stored(), "access_token"),
        finished.stdout,
        "{what}"
    );
    assert!(kept.is_good() && !kept.servers.was_reused(), "{what}");
    assert!(kept.home.files_with("rescued").is_empty(), "{what}");
}

#[apply(test)]
fn d2_a_connection_cut_in_a_refresh() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let count = messages(session, |kept| drop(kept.token().expect(0)));
    at_each_message(
        session,
        (1..=count).step_by(3).collect(),
        &[Accident::Cut],
        |kept, what| {
            let old = kept.stored();
            let (code, has_given_up) = token_with_an_accident(kept, what);
            let is_told = matches!(code, Some(0 | 7)) || has_given_up;
            assert!(is_told, "{what}: {code:?}");
            settles(kept, &old, what);
        },
    );
}

#[apply(waiting_test)]
fn k2_a_keyring_that_falls_silent_during_a_refresh() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let count = messages(session, |kept| drop(kept.token().expect(0)));
    // All at once, for each waits.
    thread::scope(|scope| {
        let attempt = |number| {
            let (mut kept, _proxy) = on_the_way(session, number, Accident::Silence);
            let what = format!("silence from message {number} on");
            let old = kept.stored();
            let started = std::time::Instant::now();
            let (code, _) = token_with_an_accident(&mut kept, &what);
            let is_in_time = started.elapsed() < super::states::LIMIT;
            assert!(matches!(code, Some(5 | 7)), "{what}: {code:?}");
            settles(&kept, &old, &what);
            is_in_time.then_some(())
        };
        // Of so many at once a busy machine makes one or the other late.
        let check = move |number| repeat("an end in time", || attempt(number));
        let numbers = sample((1..=count).step_by(count.div_ceil(12)), 2);
        let start = |number| scope.spawn(move || check(number));
        let started: Vec<_> = numbers.into_iter().map(start).collect();
        started.into_iter().for_each(joined);
    });
}

#[apply(long_test)]
fn d1_d2_each_message_of_a_logout_is_cut_or_ends_it() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let logout = |kept: &Kept| kept.at(&["logout"], "keyring").run();
    let count = messages(session, |kept| {
        drop(until_done(|| kept.at(&["logout"], "keyring")).expect(0))
    });
    at_each_message(
        session,
        (1..=count).collect(),
        &[
            Accident::KillBefore,
            Accident::Cut,
            Accident::KillAfter,
            Accident::Cut,
        ],
        |kept, what| {
            let old = kept.stored();
            let finished = logout(kept);
            kept.reach(session.bus());
            let what = format!("{what}: {:?} {}", finished.code, finished.stderr);
            let left = kept.stored();
            assert!(left.is_null() || left == old, "{what}: {left}");
            match finished.code {
                None => {}
                Some(code) => assert!(code == 7 || code == 0 && left.is_null(), "{what}"),
            }
            until_done(|| kept.at(&["logout"], "keyring")).expect(0);
            assert!(kept.stored().is_null(), "{what}");
            kept.token().expect(3);
        },
    );
}

#[apply(test)]
fn d1_killed_at_each_message_of_storing_a_login() {
    let bed = Bed::with(&[Part::Keyring]);
    let session = &Session::start(&bed);
    let count = |_| {
        let (kept, proxy) = on_the_way(session, NEVER, Accident::Cut);
        let mut login = kept.login("keyring").start();
        let url = login.authorization_url();
        let proven = proxy.messages();
        visit(&login.redirect(&url));
        login.finish().expect(0);
        (proxy.messages(), proven)
    };
    let (all, proven) = (0..RUNS).map(count).min().expect("a count");
    at_each_message(
        session,
        (proven + 1..=all).collect(),
        KILLS,
        |kept, what| {
            let old = kept.stored();
            let finished = kept.login("keyring").agree();
            kept.reach(session.bus());
            assert_eq!(finished.signal, Some(9), "{what}: {}", finished.stderr);
            assert!(kept.is_good(), "{what}: nothing was spent");
            check(kept, &old, what);
        },
    );
}

/// Does something with a login at each of the calls of a good run that change files of ours; again if it gives `None`, because
/// on a busy machine the run has given up before it came to the call.
fn at_each_call(
    session: &Session,
    prepare: impl Fn(&Kept) -> Program + Sync,
    work: impl Fn(&Kept, &dyn Fn(&str) -> Finished, &str, usize) -> Option<()> + Sync,
) {
    let good = Kept::expired(session, Rotating::start());
    let mut found = calls(prepare(&good), CALLS, good.home.path());
    let first = found
        .iter()
        .position(|call| call.line.contains(DATA))
        .expect("a file of ours");
    found.drain(..first);
    found.retain(|call| call.name != "openat" || call.line.contains(DATA));
    assert!(found.len() > 4, "{found:#?}");
    each(&found, |number, call| {
        repeat(&call.line, || {
            let kept = Kept::expired(session, Rotating::start());
            work(
                &kept,
                &|how| inject(prepare(&kept), call, how),
                &call.line,
                number,
            )
        });
    });
    session.other_is_untouched("other logins");
}

#[apply(long_test)]
fn c3_d1_killed_at_each_call_on_files_of_a_refresh() {
    let bed = Bed::with(&[Part::Keyring]);
    needs(&["strace"]);
    let session = &Session::start(&bed);
    at_each_call(
        session,
        |kept| kept.refresher(),
        |kept, run, call, _| {
            let old = kept.stored();
            let killed = run("signal=KILL");
            check(kept, &old, &format!("killed at {call}"));
            (killed.signal == Some(9)).then_some(())
        },
    );
}

#[apply(long_test)]
fn d2_each_call_on_files_of_a_refresh_fails_once() {
    let bed = Bed::with(&[Part::Keyring]);
    needs(&["strace"]);
    let session = &Session::start(&bed);
    at_each_call(
        session,
        |kept| kept.refresher(),
        |kept, run, call, number| {
            if call.contains("exit_group") {
                return Some(());
            }
            let (old, error) = (kept.stored(), ["ENOSPC", "EIO", "EROFS"][number % 3]);
            let finished = run(&format!("error={error}"));
            let what = format!("{error} at {call}: {:?} {}", finished.code, finished.stdout);
            assert!(matches!(finished.code, Some(0 | 7)), "{what}");
            assert!(kept.is_good(), "what was spent is stored: {what}");
            assert_eq!(
                kept.servers.refreshes() > 0,
                finished.code == Some(0),
                "what cannot be noted is not spent: {what}"
            );
            check(kept, &old, &what);
            Some(())
        },
    );
}

#[apply(test)]
fn d1_d2_each_call_on_files_of_a_logout_fails_or_ends_it() {
    let bed = Bed::with(&[Part::Keyring]);
    needs(&["strace"]);
    let session = &Session::start(&bed);
    let logout = |kept: &Kept| kept.at(&["logout"], "keyring");
    at_each_call(session, logout, |kept, run, call, number| {
        let how = ["signal=KILL", "error=EIO", "error=EROFS"][number % 3];
        let is_killed = how == "signal=KILL" || call.contains("exit_group");
        let old = kept.stored();
        let finished = run(if is_killed { "signal=KILL" } else { how });
        let left = kept.stored();
        let what = format!("{how} at {call}: {:?} {}", finished.code, finished.stderr);
        assert!(left.is_null() || left == old, "{what}: {left}");
        assert!(
            is_killed || finished.code == Some(7) || left.is_null(),
            "{what}"
        );
        until_done(|| logout(kept)).expect(0);
        assert!(kept.stored().is_null(), "{what}");
        (finished.signal.is_some() == is_killed).then_some(())
    });
}
