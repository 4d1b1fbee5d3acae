//! Several logins in one run, and several runs for one server.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::fake::{Fake, Reply};
use crate::support::program::{Program, Running};
use crate::support::{repeat, visit, wait_for};

/// Starts one run for all fakes and waits for the addresses; returns where each is sent, in the order of the fakes.
fn start(fakes: &[Fake], prepare: impl FnOnce(Program) -> Program) -> (Running, Vec<String>) {
    let mut program = prepare(Program::login(&fakes[0]));
    for fake in &fakes[1..] {
        program = program.arg(fake.mcp());
    }
    let mut login = program.start();
    let mut goods = vec![String::new(); fakes.len()];
    for _ in fakes {
        let event = login.event("authorization_url");
        let index = fakes
            .iter()
            .position(|fake| event["server"] == fake.mcp())
            .expect("one of the servers");
        goods[index] = login.redirect(event["url"].as_str().expect("a URL"));
    }
    (login, goods)
}

fn logged_in(events: &[Value]) -> Vec<&str> {
    let all = events.iter().filter(|event| event["event"] == "logged_in");
    all.filter_map(|event| event["server"].as_str()).collect()
}

#[apply(test)]
fn several_logins_wait_side_by_side() {
    let fakes: Vec<_> = (0..3).map(|_| Fake::start()).collect();
    let (login, goods) = start(&fakes, |program| program);
    // Those that prepared the logins end after they have said so.
    wait_for("the threads of a wait", || {
        (login.process().status("Threads") <= 4).then_some(())
    });
    // The answer for one is not taken at the socket of another.
    let query = goods[0].split_once('?').expect("a query").1;
    let place = goods[1].split_once('?').expect("a query").0;
    assert_eq!(visit(&format!("{place}?{query}")).status, 400);
    for good in [&goods[2], &goods[0], &goods[1]] {
        assert_eq!(visit(good).status, 200);
    }
    let finished = login.finish().expect(0);
    for fake in &fakes {
        assert_eq!(fake.seen_at("/token").len(), 1);
        assert_eq!(finished.kept(&fake.mcp())["refresh_token"], "refresh-1");
    }
}

/// A reload of the page of a finished login gets the same page while others are waited for.
#[apply(test)]
fn l15_a_reload_is_answered_while_others_wait() {
    repeat("a reload in time", || {
        let fakes: Vec<_> = (0..2).map(|_| Fake::start()).collect();
        let (mut login, goods) = start(&fakes, |program| program);
        assert_eq!(visit(&goods[0]).status, 200);
        login.event("logged_in");
        // The page is there for two seconds more.
        let ended = Instant::now();
        let again = std::panic::catch_unwind(|| visit(&goods[0]));
        if ended.elapsed() > Duration::from_secs(1) {
            return None;
        }
        let again = again.expect("an open port");
        assert!(again.body.contains("You are logged in"), "{again:?}");
        // After that its port is closed, and the other is still open.
        let address = url::Url::parse(&goods[0])
            .expect("a URL")
            .socket_addrs(|| None)
            .expect("an address")[0];
        wait_for("the end of the port", || {
            std::net::TcpStream::connect(address).is_err().then_some(())
        });
        assert_eq!(visit(&goods[1]).status, 200);
        login.finish().expect(0);
        assert_eq!(fakes[0].seen_at("/token").len(), 1);
        Some(())
    });
}

#[apply(test)]
fn p6_a_paste_finds_its_login_by_its_state() {
    let fakes: Vec<_> = (0..3).map(|_| Fake::start()).collect();
    let (mut login, goods) = start(&fakes, |program| program.arg("--paste").with_stdin());
    login.type_in(&format!("{}\n", goods[1]));
    assert_eq!(login.event("logged_in")["server"], fakes[1].mcp());
    // Both others at once, a line each.
    login.type_in(&format!("{}\n{}\n", goods[2], goods[0]));
    let finished = login.finish().expect(0);
    assert_eq!(logged_in(&finished.events).len(), 3, "{}", finished.stdout);
    assert!(fakes.iter().all(|fake| fake.seen_at("/token").len() == 1));
}

#[apply(test)]
fn one_that_fails_harms_no_other_and_gives_the_exit_code() {
    let good = Fake::start();
    let broken = Fake::with(|seen, _| (seen.path != "/authorize").then(|| Reply::status(500)));
    let refusing = Fake::start();
    let mut login = Program::login(&good)
        .arg(broken.mcp())
        .arg(refusing.mcp())
        .start();
    let mut goods = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let event = login.event("authorization_url");
        let redirect = login.redirect(event["url"].as_str().expect("a URL"));
        goods.insert(
            event["server"].as_str().expect("a server").to_owned(),
            redirect,
        );
    }
    let (place, query) = goods[&refusing.mcp()].split_once("?code=").expect("a code");
    let state = query.split_once('&').expect("a state").1;
    assert_eq!(
        visit(&format!("{place}?error=access_denied&{state}")).status,
        200
    );
    assert_eq!(visit(&goods[&good.mcp()]).status, 200);
    let finished = login.finish();
    assert_eq!(logged_in(&finished.events), [good.mcp()]);
    let failed: Vec<_> = finished
        .events
        .iter()
        .filter(|event| event["event"] == "error")
        .collect();
    assert_eq!(failed.len(), 2, "{}", finished.stdout);
    // The first in the order of the command line counts, not the first in time.
    let of_broken = failed
        .iter()
        .find(|event| event["server"] == broken.mcp())
        .expect("its error");
    assert_eq!(
        finished.code.map(Value::from),
        Some(of_broken["exit"].clone()),
        "{}",
        finished.stderr
    );
    assert_ne!(finished.code, Some(3));
    assert_eq!(finished.kept(&good.mcp())["refresh_token"], "refresh-1");
}

/// It waits for the end of a login, 15 s: what comes before has to be in time.
#[apply(waiting_test)]
fn the_deadline_ends_only_those_without_an_answer() {
    let fakes: Vec<_> = (0..2).map(|_| Fake::start()).collect();
    let (login, goods) = start(&fakes, |program| program.args(["--timeout", "15s"]));
    assert_eq!(visit(&goods[0]).status, 200);
    let finished = login.finish().expect_error(4, "timed_out");
    assert_eq!(logged_in(&finished.events), [fakes[0].mcp()]);
    assert_eq!(finished.event("error")["server"], fakes[1].mcp());
}

#[apply(test)]
fn more_logins_than_workers_are_all_completed() {
    let fakes: Vec<_> = (0..12).map(|_| Fake::start()).collect();
    let (login, goods) = start(&fakes, |program| program);
    for good in goods.iter().rev() {
        assert_eq!(visit(good).status, 200);
    }
    let finished = login.finish().expect(0);
    assert_eq!(logged_in(&finished.events).len(), 12);
}

#[apply(test)]
fn two_runs_for_one_server_do_not_disturb_each_other() {
    let fake = Fake::start();
    let home = tempfile::tempdir().expect("a directory");
    let mut one = Program::login(&fake).at_home(home.path()).start();
    let first = one.authorization_url();
    let mut two = Program::login(&fake).at_home(home.path()).start();
    let second = two.authorization_url();
    let (first, second) = (one.redirect(&first), two.redirect(&second));
    assert_ne!(
        first.split('?').next(),
        second.split('?').next(),
        "each has a port of its own"
    );
    assert_eq!(visit(&second).status, 200);
    two.finish().expect(0);
    assert_eq!(visit(&first).status, 200);
    one.finish().expect(0);
    let kept = std::fs::read_to_string(home.path().join(".local/share/mcp-login/credentials.json"))
        .expect("a file");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert!(
        kept["logins"][fake.mcp()]["refresh_token"].is_string(),
        "{kept}"
    );
    assert_eq!(fake.seen_at("/token").len(), 2);
}
