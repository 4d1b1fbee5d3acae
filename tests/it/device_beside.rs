//! Logins with a device code beside others, and on a machine that sleeps.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::device::{DeviceFake, DeviceServer, Poll, GRANT};
use crate::support::fake::{Fake, Gate};
use crate::support::program::Program;
use crate::support::{visit, wait_for};

use Poll::{Error, Tokens, TokensAfter};

const PENDING: Poll = Error("authorization_pending");

fn login(server: &DeviceFake) -> Program {
    Program::login(&server.fake).arg("--device")
}

/// Waits until so much time has passed; it is what a stopped process misses.
fn pass(since: Instant, seconds: f64) {
    wait_for("time to pass", || {
        (since.elapsed() > Duration::from_secs_f64(seconds)).then_some(())
    });
}

/// A code of two seconds expires while the process is stopped.
#[apply(waiting_test)]
fn dv13_a_code_that_expires_in_a_pause_is_polled_no_more() {
    let server = DeviceServer::polled([Tokens])
        .response(json!({"expires_in": 2, "interval": 1}))
        .start();
    let mut running = login(&server).start();
    running.event("device_code");
    let since = Instant::now();
    running.process().stop();
    server.fake.wait_until_noted();
    let polls = server.polls().len();
    pass(since, 2.5);
    running.process().signal(Signal::CONT);
    let finished = running.finish();
    // On a busy machine the first poll may have been before the stop.
    match polls {
        0 => drop(finished.expect_error(4, "device_code_expired")),
        _ => drop(finished.expect(0)),
    }
    server.fake.wait_until_idle();
    assert_eq!(server.polls().len(), polls);
}

/// The process is stopped for two intervals, between polls that wait for one.
#[apply(long_test)]
fn dv13_polls_that_were_missed_in_a_pause_are_not_made_up_for() {
    let approval = Gate::default();
    let server = DeviceServer::polled([TokensAfter(approval.clone())]).start();
    let mut running = login(&server).start();
    running.event("device_code");
    let polled = |count| wait_for("polls", || (server.polls().len() >= count).then_some(()));
    polled(1);
    running.process().stop();
    server.fake.wait_until_noted();
    let before = server.polls().len();
    pass(Instant::now(), 2.2);
    assert_eq!(server.polls().len(), before, "it is stopped");
    running.process().signal(Signal::CONT);
    polled(before + 2);
    approval.open();
    running.finish().expect(0);
    let pauses = server.pauses();
    assert!(pauses.iter().all(|pause| *pause >= 0.98), "{pauses:?}");
    assert!(pauses[before - 1] >= 2.0, "{pauses:?}");
}

/// A login by browser and one with a device code, for one server and store: both succeed, and the last one is stored.
/// The device code is polled before and after the person has approved.
#[apply(long_test)]
fn dv14_a_device_code_and_a_callback_for_one_server() {
    for device_ends_first in [true, false] {
        let approval = Gate::default();
        let server = DeviceServer::polled([PENDING, TokensAfter(approval.clone())]).start();
        let mut callback = Program::login(&server.fake).start();
        let url = callback.authorization_url();
        let good = callback.redirect(&url);
        let mut device = login(&server).at_home(callback.home()).start();
        device.event("device_code");
        let (by_code, callback) = match device_ends_first {
            true => {
                approval.open();
                let by_code = device.finish().expect(0);
                assert_eq!(visit(&good).status, 200);
                (by_code, callback.finish().expect(0))
            }
            false => {
                assert_eq!(visit(&good).status, 200);
                let callback = callback.finish().expect(0);
                approval.open();
                (device.finish().expect(0), callback)
            }
        };
        assert_eq!(by_code.event("logged_in")["server"], server.fake.mcp());
        let kept = callback.kept(&server.fake.mcp());
        let grant = match device_ends_first {
            true => json!("authorization_code"),
            false => json!(GRANT),
        };
        assert_eq!(kept["grant"], grant);
        assert_ne!(kept["needs_login"], true);
        let token = Program::new()
            .at_home(callback.home())
            .args(["token", &server.fake.mcp()])
            .run()
            .expect(0);
        assert_eq!(kept["access_token"], token.stdout.as_str());
    }
}

/// 32 servers with device codes in one terminal and eight by browser in another one, into one store.
#[apply(long_test)]
fn dv14_thirty_two_device_codes_beside_callbacks() {
    let devices: Vec<_> = (0..32)
        .map(|number| match number % 2 {
            0 => DeviceServer::polled([PENDING, Tokens]).start(),
            _ => DeviceServer::polled([Tokens]).start(),
        })
        .collect();
    let fakes: Vec<_> = (0..8).map(|_| Fake::start()).collect();
    let others = |urls: Vec<String>| urls.into_iter().skip(1);
    let mut callbacks = Program::login(&fakes[0])
        .args(others(fakes.iter().map(Fake::mcp).collect()))
        .start();
    let urls: Vec<_> = fakes
        .iter()
        .map(|_| callbacks.authorization_url())
        .collect();
    let by_code = login(&devices[0])
        .at_home(callbacks.home())
        .args(others(devices.iter().map(|it| it.fake.mcp()).collect()))
        .start();
    for url in &urls {
        let good = callbacks.redirect(url);
        assert_eq!(visit(&good).status, 200);
    }
    let finished = callbacks.finish().expect(0);
    by_code.finish().expect(0);
    for server in devices.iter().map(|it| it.fake.mcp()) {
        assert_eq!(finished.kept(&server)["grant"], GRANT);
    }
    for fake in &fakes {
        assert!(finished.kept(&fake.mcp())["refresh_token"].is_string());
    }
    assert!(devices.iter().all(|it| it.polls().len() <= 2));
}
