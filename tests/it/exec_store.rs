//! Logins that a program of the user's choice keeps: `--store exec:COMMAND`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::engine::{machine, Engine, HELPER};
use crate::support::fake::Fake;
use crate::support::program::{until_done, Finished, Program};
use crate::support::rotating::Rotating;
use crate::support::{leaks, write_program};

/// Runs `token` on a new machine with this store, until it is done.
fn token(store: &str, fake: &Fake) -> Finished {
    let machine = machine();
    until_done(|| token_at(machine.path(), store, fake))
}

fn token_at(machine: &Path, store: &str, fake: &Fake) -> Program {
    let words = ["token", "--json", "--store", store, &fake.mcp()];
    Program::new().at_home(machine).args(words)
}

/// Returns the error that a command wrote to stderr as JSON.
fn error(finished: &Finished) -> Value {
    let lines = finished.stderr.lines().rev();
    let mut values = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = values.find(|value| value["event"] == "error");
    found.unwrap_or_else(|| panic!("no error: {}", finished.stderr))
}

#[apply(test)]
fn es1_machines_share_a_login_through_a_helper() {
    let servers = Rotating::start();
    let engine = Engine::new();
    let (one, other) = (machine(), machine());
    let login = Program::new()
        .at_home(one.path())
        .args(["--json", "--no-browser", "--store", &engine.store("")])
        .arg(servers.fake.mcp())
        .agree()
        .expect(0);
    assert_eq!(login.event("logged_in")["store"], "exec");
    let given = until_done(|| engine.on(other.path(), "token", &servers.fake)).expect(0);
    assert_eq!(engine.login()["access_token"], given.stdout.as_str());
    assert!(given.stderr.is_empty(), "{}", given.stderr);
    assert_eq!(servers.refreshes(), 0);
    let status = || {
        let words = ["status", "--json", "--store", &engine.store("")];
        Program::new().at_home(other.path()).args(words)
    };
    let status = until_done(status).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(status["logins"][0]["server"], servers.fake.mcp().as_str());
    assert_eq!(status["logins"][0]["store"], "exec");
    engine.expire();
    let given = until_done(|| engine.on(other.path(), "token", &servers.fake)).expect(0);
    assert_eq!(engine.login()["access_token"], given.stdout.as_str());
    let refreshed = until_done(|| engine.on(one.path(), "token", &servers.fake)).expect(0);
    assert_eq!(refreshed.stdout, given.stdout);
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
    engine
        .on(one.path(), "logout", &servers.fake)
        .run()
        .expect(0);
    assert_eq!(engine.value(), Value::Null);
    let none = until_done(|| engine.on(other.path(), "token", &servers.fake)).expect(3);
    assert!(none.stderr.contains("--store 'exec:"), "{}", none.stderr);
}

#[apply(test)]
fn es1_a_store_needs_a_command_that_is_there() {
    let fake = Fake::start();
    for store in ["exec", "exec:", "exec: "] {
        token(store, &fake).expect(2);
    }
    for (store, words) in [
        (
            "exec:mcp-login-nosuch it",
            "there is no program mcp-login-nosuch",
        ),
        (
            "exec:/nonexistent/it",
            "there is no program /nonexistent/it",
        ),
        ("exec:/", "/ cannot be run"),
        ("exec:''", "there is no program"),
    ] {
        let refused = token(store, &fake).expect(7);
        let error = error(&refused);
        assert_eq!(error["code"], "store_unusable");
        assert!(
            error["message"].as_str().expect("it").contains(words),
            "{error}"
        );
    }
    // What is there under the whole name may hold spaces, and a command means the same in every directory.
    let engine = Engine::with_login(&fake);
    let directory = machine();
    fs::create_dir(directory.path().join("my stores")).expect("a directory");
    let helper = directory.path().join("my stores/it");
    std::os::unix::fs::symlink(HELPER, &helper).expect("a link");
    let store = format!("exec:./my\\ stores/it '{}'", engine.path().display());
    let mut program = Program::new().args(["token", "--store", &store, &fake.mcp()]);
    program.command().current_dir(directory.path());
    program.run().expect(0);
    let store = format!("exec:{} {}", helper.display(), engine.path().display());
    token(&store, &fake).expect(0);
}

#[apply(test)]
fn es3_what_a_helper_can_do_wrong() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    for (fault, words) in [
        (
            "fail=get",
            "failed at `get` (exit status: 3): no luck\\u{7} today; nor tomorrow",
        ),
        ("kill=get", "failed at `get` (signal: 9"),
        ("conflict=get", "failed at `get` (exit status: 10"),
        (
            "huge=get",
            "the answer of the store helper to `get` is too long",
        ),
        (
            "garbage=get",
            "answered `get` with something that is no JSON object",
        ),
        ("silence=get", "answered `get` with nothing"),
        ("version=get", "speaks version 7 of the protocol, not 1"),
    ] {
        let refused = token(&engine.store(fault), &servers.fake).expect(7);
        assert!(refused.stdout.is_empty());
        let error = error(&refused);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(words), "{fault}: {message}");
        assert_eq!(error["code"], "store_unusable");
        assert!(error["hint"].is_string(), "{error}");
    }
    assert_eq!(servers.refreshes(), 0);
}

#[apply(waiting_test)]
fn es2_a_helper_that_hangs_is_ended() {
    let fake = Fake::start();
    let engine = Engine::with_login(&fake);
    let started = Instant::now();
    let machine = machine();
    let token = token_at(machine.path(), &engine.store("hang=get"), &fake);
    let refused = token.run().expect(7);
    assert!(started.elapsed() > Duration::from_secs(4));
    let error = error(&refused);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("did not end `get` within 5 s"),
        "{message}"
    );
}

#[apply(test)]
fn es4_no_secret_is_an_argument_or_in_the_environment() {
    let servers = Rotating::start();
    let engine = Engine::new();
    let seen = machine();
    // Writes down how it was started, and hands on to the helper.
    let spy = seen.path().join("spy");
    let text = format!(
        "#!/bin/sh\n{{ echo \"$*\"; env; }} >>'{}'\nexec {HELPER} '{}' \"$@\"\n",
        seen.path().join("seen").display(),
        engine.path().display()
    );
    write_program(&spy, &text);
    let store = format!("exec:{}", spy.display());
    let home = machine();
    let run = |words: &[&str]| {
        Program::new()
            .at_home(home.path())
            .env("MCP_LOGIN_CLIENT_SECRET", "client-secret-canary")
            .args(["--store", &store, "-vv"])
            .args(words)
            .arg(servers.fake.mcp())
    };
    let login = ["--json", "--no-browser", "--client-id", "by-hand"];
    run(&login).agree().expect(0);
    let kept = engine.login();
    engine.expire();
    let given = until_done(|| run(&["token"])).expect(0);
    let renewed = engine.login();
    run(&["logout"]).run().expect(0);
    let seen = fs::read_to_string(seen.path().join("seen")).expect("what it saw");
    assert!(
        seen.contains("\nput\n") || seen.starts_with("put\n"),
        "{seen}"
    );
    for login in [kept, renewed] {
        for name in ["access_token", "refresh_token", "client_secret"] {
            let secret = login[name].as_str().expect("a secret");
            for (form, text) in leaks::forms(secret) {
                assert!(!seen.contains(&text), "{name} as {form}: {seen}");
                assert!(
                    !given.stderr.contains(&text),
                    "{name} as {form}: {}",
                    given.stderr
                );
            }
        }
    }
}

#[apply(test)]
fn es5_a_conflict_at_each_put() {
    let servers = Rotating::start();
    for conflicts in [0, 1, 3, 5] {
        let engine = Engine::with_login(&servers.fake);
        engine.expire();
        let refreshes = servers.refreshes();
        let store = engine.store(&format!("conflicts={conflicts}"));
        let given = token(&store, &servers.fake).expect(0);
        let given: Value = serde_json::from_str(&given.stdout).expect("JSON");
        assert_eq!(engine.login()["access_token"], given["access_token"]);
        assert_eq!(servers.refreshes(), refreshes + 1, "{conflicts} conflicts");
    }
    assert!(!servers.was_reused());
}

#[apply(test)]
fn es5_a_store_that_takes_nothing_is_found_before_the_browser() {
    let fake = Fake::start();
    for fault in [
        "conflict=put",
        "fail=put",
        "lose=put",
        "version=put",
        "conflict=delete",
    ] {
        let engine = Engine::new();
        let refused = Program::new()
            .args(["--json", "--no-browser", "--store", &engine.store(fault)])
            .arg(fake.mcp())
            .run()
            .expect_error(7, "store_unusable");
        assert!(!refused.stdout.contains("authorization_url"), "{fault}");
    }
}

#[apply(test)]
fn es6_a_live_token_is_given_while_the_engine_is_down() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    let home = machine();
    let run = |words: &[&str]| {
        engine
            .on(home.path(), words[0], &servers.fake)
            .args(&words[1..])
            .run()
    };
    let live = run(&["token"]).expect(0).stdout;
    engine.set_down(true);
    let copy = run(&["token"]).expect(0);
    assert_eq!(copy.stdout, live);
    assert!(
        copy.stderr
            .contains("the engine is down; the copy of the token on this machine is used"),
        "{}",
        copy.stderr
    );
    // More life than it has is not to be had now, but it lives.
    assert_eq!(run(&["token", "--min-ttl", "2h"]).expect(0).stdout, live);
    // A refresh is: nothing is spent.
    run(&["token", "--refresh"]).expect(7);
    // Another machine has no copy, and nobody takes an engine that is down for an empty one.
    let other = machine();
    until_done(|| engine.on(other.path(), "token", &servers.fake)).expect(7);
    run(&["status"]).expect(7);
    run(&["logout"]).expect(7);
    assert_eq!(servers.refreshes(), 0);
    for file in walk(home.path()) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for secret in ["refresh-", "refresh_token\":\""] {
            assert!(!text.contains(secret), "{}: {text}", file.display());
        }
    }
    engine.set_down(false);
    engine.expire();
    run(&["token"]).expect(0);
    // Nothing of it stays when everything is to go; what the engine has stays.
    assert!(!walk(home.path()).is_empty());
    let forget = ["logout", "--all", "--forget"];
    Program::new()
        .at_home(home.path())
        .args(forget)
        .run()
        .expect(0);
    assert!(walk(home.path()).is_empty(), "{:?}", walk(home.path()));
    run(&["token"]).expect(0);
    // A copy of what was logged out elsewhere is none.
    engine
        .on(other.path(), "logout", &servers.fake)
        .run()
        .expect(0);
    run(&["token"]).expect(3);
    engine.set_down(true);
    run(&["token"]).expect(7);
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

#[apply(test)]
fn es6_an_expired_copy_is_none() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    let home = machine();
    let token = || until_done(|| engine.on(home.path(), "token", &servers.fake));
    let live = token().expect(0).stdout;
    engine.set_down(true);
    assert_eq!(token().expect(0).stdout, live);
    let is_copy = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "copy");
    let path = walk(home.path()).into_iter().find(is_copy).expect("a copy");
    let mut copy: Value = serde_json::from_slice(&fs::read(&path).expect("it")).expect("JSON");
    assert_eq!(copy["refresh_token"], Value::Null);
    copy["obtained_at"] = "2020-01-01T00:00:00Z".into();
    copy["expires_at"] = "2020-01-01T01:00:00Z".into();
    fs::write(&path, copy.to_string()).expect("writing");
    token().expect(7);
    assert_eq!(servers.refreshes(), 0);
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let (mut files, mut waiting) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(path) = waiting.pop() {
        match path.is_dir() {
            true => waiting.extend(
                fs::read_dir(path)
                    .expect("it")
                    .flatten()
                    .map(|it| it.path()),
            ),
            false => files.push(path),
        }
    }
    files
}

#[apply(test)]
fn es7_doctor_tests_a_helper() {
    let examine = |fault: &str| {
        let engine = Engine::new();
        let finished = Program::new()
            .args(["doctor", "--json", "--store", &engine.store(fault)])
            .run();
        let diagnosis: Value = serde_json::from_str(&finished.stdout).expect("JSON");
        let findings = diagnosis["findings"].as_array().expect("findings").clone();
        let of_helper: Vec<_> = findings
            .into_iter()
            .filter(|it| it["topic"] == "exec")
            .collect();
        (finished.code, of_helper)
    };
    let (code, findings) = examine("");
    assert_eq!((code, findings.len()), (Some(0), 10), "{findings:?}");
    assert!(
        findings.iter().all(|it| it["state"] == "ok"),
        "{findings:?}"
    );
    for (fault, words) in [
        (
            "blind=put",
            "accepted a `put` that replaces nothing, though there is a value",
        ),
        ("blind=delete", "accepted a `delete` of an earlier revision"),
        ("lose=put", "has lost a value"),
        ("lose=delete", "accepted a `delete` of an earlier revision"),
        (
            "conflict=put",
            "reported a conflict at `put` where there was none",
        ),
        (
            "conflict=delete",
            "reported a conflict at `delete` where there was none",
        ),
        ("lose=get", "has lost a value"),
        ("silence=list", "answered `list` with nothing"),
        ("lose=list", "answered `list` with no list of keys"),
        ("fail=list", "failed at `list` (exit status: 3): no luck"),
    ] {
        let (code, findings) = examine(fault);
        let last = findings.last().expect("a finding");
        assert_eq!(
            (code, &last["state"]),
            (Some(7), &"failure".into()),
            "{fault}"
        );
        assert!(
            last["what"].as_str().expect("it").contains(words),
            "{fault}: {last}"
        );
    }
}

/// Locks, the copy and what a refresh receives are on the machine.
#[apply(test)]
fn es7_es16_a_machine_that_can_write_nothing_refreshes_nothing() {
    let (servers, engine) = (Rotating::start(), Engine::new());
    let (one, other) = (machine(), machine());
    Program::new()
        .at_home(one.path())
        .args(["--json", "--no-browser", "--store", &engine.store("")])
        .arg(servers.fake.mcp())
        .agree()
        .expect(0);
    fs::write(other.path().join("exec"), "").expect("a file");
    let data_dir = other.path().display().to_string();
    let on_other = |command| {
        let program = engine.on(other.path(), command, &servers.fake);
        program.args(["--data-dir", &data_dir])
    };
    let given = until_done(|| on_other("token")).expect(0);
    assert_eq!(engine.login()["access_token"], given.stdout.as_str());
    engine.expire();
    let refused = on_other("token").run().expect(7);
    assert!(refused.stderr.contains("/exec"), "{}", refused.stderr);
    assert_eq!(servers.refreshes(), 0);
    let words = ["doctor", "--json", "--store", &engine.store("")];
    let finished = Program::new()
        .args(words)
        .args(["--data-dir", &data_dir])
        .run()
        .expect(0);
    let diagnosis: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let mut findings = diagnosis["findings"].as_array().expect("findings").iter();
    let found = findings.find(|it| it["state"] == "warning" && it["topic"] == "refreshes");
    let what = found.expect("a warning")["what"].to_string();
    assert!(
        what.contains("no login there can be refreshed")
            && what.contains("/exec")
            && !what.contains("os error"),
        "{what}"
    );
}

#[apply(test)]
fn es8_what_a_helper_says_is_shown_without_its_power() {
    let fake = Fake::start();
    let engine = Engine::with_login(&fake);
    let talking = engine.store("talk=get");
    let home = machine();
    let given = Program::new()
        .at_home(home.path())
        .args(["token", "--store", &talking, &fake.mcp()])
        .run()
        .expect(0);
    assert_eq!(
        given.stderr,
        "mcp-login: warning: the store helper says: I say\\u{7} so"
    );
    let refused = token(&engine.store("fail=get"), &fake).expect(7);
    assert!(
        !refused.stderr.contains(['\u{1b}', '\u{7}']),
        "{}",
        refused.stderr
    );
    // A helper may say whatever it likes.
    let loud = format!(
        "exec:sh -c 'yes | head -c 1000000 >&2; exec \"$0\" \"$@\"' {HELPER} {}",
        engine.path().display()
    );
    let given = token(&loud, &fake).expect(0);
    assert!(given.stderr.len() < 4096, "{} bytes", given.stderr.len());
}

#[apply(test)]
fn es9_a_value_that_is_no_login() {
    let servers = Rotating::start();
    let engine = Engine::with_login(&servers.fake);
    engine.put_text("hello");
    let refused = token(&engine.store(""), &servers.fake).expect(7);
    assert_eq!(error(&refused)["code"], "store_corrupt");
    let status = Program::new()
        .args(["status", "--json", "--store", &engine.store("")])
        .run();
    assert!(status.stdout.contains("needs_login"), "{}", status.stdout);
    // A new login takes its place.
    engine.log_in(&servers.fake);
    token(&engine.store(""), &servers.fake).expect(0);
    engine.change(|value| value["format"] = 2.into());
    let refused = token(&engine.store(""), &servers.fake).expect(7);
    assert_eq!(error(&refused)["code"], "store_newer");
    // That of another login is not this one.
    engine.change(|value| {
        value["format"] = 1.into();
        value["login"]["server"] = "https://other.example/mcp".into();
    });
    let refused = token(&engine.store(""), &servers.fake).expect(7);
    assert_eq!(error(&refused)["code"], "store_corrupt");
    assert_eq!(servers.refreshes(), 0);
}

/// Its helper sleeps for half a minute.
#[apply(long_test)]
fn es15_an_engine_that_is_slow_or_has_many_logins() {
    let fake = Fake::start();
    let engine = Engine::with_login(&fake);
    engine.multiply(11);
    let run = |command: &str, fault: &str| {
        let words = [command, "--json", "--store", &engine.store(fault)];
        Program::new().args(words).run()
    };
    // One after the other, they would take ten seconds, and there are seven and a half.
    let begun = engine.count("get");
    let status = run("status", "delay=0.8").expect(0);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(status["logins"].as_array().map(Vec::len), Some(12));
    assert_eq!(engine.count("get") - begun, 12, "each is read once");
    let slow = run("status", "delay=4").expect(7);
    assert!(
        slow.stdout
            .contains("used up the time for all its calls, at `get`"),
        "{}",
        slow.stdout
    );
    // The tests of the helper take nine seconds, and leave time to list the logins.
    let doctor = run("doctor", "delay=0.3").expect(0);
    assert!(doctor.stdout.contains("12 logins"), "{}", doctor.stdout);
}
