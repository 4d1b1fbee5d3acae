//! Machines that share a login through a store helper: one of them refreshes, and the others wait for it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};

use crate::support::engine::{machine, Engine};
use crate::support::program::{self, Finished, Program};
use crate::support::rotating::Rotating;
use crate::support::skip::needs;
use crate::support::{each, repeat, sample, strace, wait_for};

/// How many machines there are, and how often the token expires.
const MACHINES: usize = 8;
const EXPIRIES: usize = 3;

/// The calls that touch files, the network or other processes.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,linkat,flock,ftruncate,sendto,recvfrom,pipe2,wait4,waitid,exit_group";

fn hash(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Puts the lease of another machine beside the login.
fn lease(engine: &Engine, seconds: u64) {
    engine.change(|value| {
        let token = value["login"]["refresh_token"].as_str().expect("a token");
        value["lease"] =
            json!({"id": "of another machine", "seconds": seconds, "spends": hash(token)});
    });
}

/// Asks for a token as a job does that is started again as long as trying again is sensible: a busy machine may give up
/// waiting, and has spent nothing.
fn until_done(engine: &Engine, home: &Path, servers: &Rotating) -> Finished {
    repeat("a token of the engine", || {
        let given = program::until_done(|| engine.on(home, "token", &servers.fake));
        (!is_copy(&given)).then_some(given)
    })
}

/// Tells whether a machine has given its own copy of the token, because the helper was held up: it does not expire with the
/// engine's.
fn is_copy(given: &Finished) -> bool {
    given
        .stderr
        .contains("the copy of the token on this machine")
}

#[apply(long_test)]
fn es10_one_of_many_machines_refreshes() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    let machines: Vec<_> = (0..MACHINES).map(|_| machine()).collect();
    for expiry in 1..=EXPIRIES {
        engine.expire();
        let ask = |machine: &tempfile::TempDir| engine.on(machine.path(), "token", &servers.fake);
        let running: Vec<_> = machines
            .iter()
            .map(|machine| ask(machine).start())
            .collect();
        for (running, machine) in running.into_iter().zip(&machines) {
            let mut given = running.finish_or(|| ask(machine)).expect(0);
            if is_copy(&given) {
                given = until_done(&engine, machine.path(), &servers).expect(0);
            }
            assert_eq!(engine.login()["access_token"], given.stdout.as_str());
        }
        assert_eq!(servers.refreshes(), expiry);
        assert_eq!(engine.value()["lease"], Value::Null);
    }
    assert!(!servers.was_reused());
}

#[apply(test)]
fn es10_what_another_machine_has_refreshed_is_not_refreshed_again() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    let home = machine();
    let seen = engine.login()["generation"].as_u64().expect("a number");
    // It is asked for by a caller that saw an earlier one.
    let job = |seen: u64| refresher_of(&engine, home.path(), &servers, &json!(seen));
    let given = job(seen - 1).run().expect(0);
    assert!(given.stdout.contains("\"refreshed\""), "{}", given.stdout);
    assert_eq!(servers.refreshes(), 0);
    // The other machine was refused.
    engine.change(|value| value["login"]["needs_login"] = true.into());
    job(seen - 1).run().expect(3);
    assert_eq!(servers.refreshes(), 0);
    job(seen).run().expect(0);
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

#[apply(waiting_test)]
fn es11_a_lease_of_another_machine_is_waited_for() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    engine.expire();
    lease(&engine, 600);
    let home = machine();
    let started = Instant::now();
    let busy = engine
        .on(home.path(), "token", &servers.fake)
        .run()
        .expect(5);
    assert!(busy.stdout.is_empty() && started.elapsed() > Duration::from_secs(6));
    // Nor does anything else begin meanwhile.
    engine
        .on(home.path(), "token", &servers.fake)
        .arg("--refresh")
        .run()
        .expect(5);
    assert_eq!(servers.refreshes(), 0);
    // The other machine stores what it has received: it is given without a request.
    let before = engine.count("get");
    let mut waiting = engine.on(home.path(), "token", &servers.fake).start();
    wait_for("a look at the lease", || {
        let has_given_up = waiting.child.try_wait().expect("its state").is_some();
        (has_given_up || engine.count("get") > before + 2).then_some(())
    });
    engine.change(|value| {
        value["login"]["access_token"] = "from-elsewhere".into();
        value["login"]["generation"] = 7.into();
        value["login"]["expires_at"] = "2999-01-01T00:00:00Z".into();
        value.as_object_mut().expect("an object").remove("lease");
    });
    let given = waiting.finish_or(|| engine.on(home.path(), "token", &servers.fake));
    assert_eq!(given.expect(0).stdout, "from-elsewhere");
    assert_eq!(servers.refreshes(), 0);
}

#[apply(waiting_test)]
fn es11_a_lease_that_ends_is_taken_over_and_told() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    let home = machine();
    // The other machine was gone before it spent anything.
    engine.expire();
    lease(&engine, 2);
    let given = until_done(&engine, home.path(), &servers).expect(0);
    assert_eq!(engine.login()["access_token"], given.stdout.as_str());
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
    // It was gone after it spent the token: nobody guesses, and what is known is said.
    let refused = repeat("the answer to who asks", || {
        engine.expire();
        lease(&engine, 2);
        engine.change(|value| {
            value["login"]["needs_login"] = false.into();
            value["login"]["refresh_token"] = "refresh-of-nobody".into();
            value["lease"]["spends"] = hash("refresh-of-nobody").into();
        });
        let refused = until_done(&engine, home.path(), &servers).expect(3);
        let came_too_late = refused.stderr.contains("refused it before");
        (!came_too_late).then_some(refused)
    });
    let refreshes = servers.refreshes();
    assert!(
        refused
            .stderr
            .contains("a refresh on another machine was interrupted, and its token is lost"),
        "{}",
        refused.stderr
    );
    assert_eq!(engine.login()["needs_login"], true);
    let other = machine();
    engine
        .on(other.path(), "token", &servers.fake)
        .run()
        .expect(3);
    assert_eq!(servers.refreshes(), refreshes);
}

#[apply(waiting_test)]
fn es11_a_logout_waits_for_another_machine() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    lease(&engine, 2);
    let home = machine();
    let started = Instant::now();
    engine
        .on(home.path(), "logout", &servers.fake)
        .run()
        .expect(0);
    assert!(started.elapsed() > Duration::from_secs(1));
    assert_eq!(engine.value(), Value::Null);
}

#[apply(waiting_test)]
fn es12_an_engine_that_is_away_for_a_moment_costs_nothing() {
    let (servers, gate) = Rotating::behind_a_gate();
    let engine = Engine::with_login(&servers.fake);
    engine.expire();
    let home = machine();
    let running = engine.on(home.path(), "token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    engine.set_down(true);
    gate.open();
    let failed = engine.count("put");
    wait_for("a failed write", || {
        (engine.count("get") > failed + 2).then_some(())
    });
    // Whatever the first one says by then: the copy has what came, and it is stored when the engine is back.
    wait_for("a token", || {
        (engine.on(home.path(), "token", &servers.fake).run().code == Some(0)).then_some(())
    });
    assert!(engine.value()["lease"].is_object());
    engine.set_down(false);
    wait_for("the new login", || {
        engine.value()["lease"].is_null().then_some(())
    });
    drop(running);
    let other = machine();
    let given = engine
        .on(other.path(), "token", &servers.fake)
        .run()
        .expect(0);
    assert_eq!(engine.login()["access_token"], given.stdout.as_str());
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

/// The process that refreshes, started by itself with the lock of the login, so that calls can be counted.
fn refresher(engine: &Engine, home: &Path, servers: &Rotating) -> Program {
    refresher_of(engine, home, servers, &Value::Null)
}

fn refresher_of(engine: &Engine, home: &Path, servers: &Rotating, seen: &Value) -> Program {
    let data = home.join(".local/share/mcp-login");
    let key = json!({"server": servers.fake.mcp(), "profile": "default"});
    let store = engine.store("");
    let job = json!({"key": key, "seen": seen, "store": store, "data_dir": data, "ca_file": null});
    let words = store.trim_start_matches("exec:").replace(' ', "\0");
    let name = &hash(&servers.fake.mcp())[..16];
    let lock = data.join(format!("exec/{}/{name}.lock", &hash(&words)[..16]));
    Program::new()
        .at_home(home)
        .args(["__refresh", &job.to_string()])
        .with_stdin_of(&lock)
}

/// It runs a refresh for each call of a sample.
#[apply(long_test)]
fn es13_a_holder_of_the_lease_is_killed_at_each_call() {
    needs(&["strace"]);
    let begin = || {
        let servers = Rotating::start();
        let engine = Engine::with_login(&servers.fake);
        engine.expire();
        (servers, engine, machine())
    };
    let (servers, engine, home) = begin();
    let found = strace::calls(
        refresher(&engine, home.path(), &servers),
        CALLS,
        home.path(),
    );
    assert_eq!(servers.refreshes(), 1, "{found:#?}");
    let data = found
        .iter()
        .position(|call| call.line.contains("/.local/share/mcp-login"));
    let points = strace::kill_points(&found, data.expect("a call"));
    let lost = std::sync::atomic::AtomicUsize::new(0);
    each(&sample(points, 6), |_, &number| {
        let (servers, engine, home) = begin();
        let what = format!("killed at {:?}", found[number]);
        strace::inject(
            refresher(&engine, home.path(), &servers),
            &found[number],
            "signal=KILL",
        );
        servers.fake.wait_until_idle();
        // The same machine, which takes its own lease up at once.
        let next = until_done(&engine, home.path(), &servers);
        if next.code == Some(0) {
            assert!(!servers.was_reused(), "{what}");
            assert_eq!(
                engine.login()["access_token"],
                next.stdout.as_str(),
                "{what}"
            );
            let token = engine.login()["refresh_token"]
                .as_str()
                .expect("a token")
                .to_owned();
            assert!(servers.is_good(&token), "{what}");
        } else {
            // The answer was on its way: nobody has what it brought, and that is said.
            assert_eq!(next.code, Some(3), "{what}: {}", next.stderr);
            assert!(
                next.stderr.contains("interrupted"),
                "{what}: {}",
                next.stderr
            );
            lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let request = found
        .iter()
        .position(|call| call.line.contains("\"POST "))
        .expect("a request");
    let reads = found[request..]
        .iter()
        .filter(|call| call.name == "recvfrom")
        .count();
    assert!(lost.into_inner() <= reads + 3);
}
