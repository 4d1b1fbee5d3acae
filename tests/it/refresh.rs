//! One refresh per expiry, whoever asks and however many: in parallel, refused, interrupted, on a broken disk.

mod faults;
mod parallel;
mod refused;

use std::time::{Duration, Instant};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use rustix::process::Signal;
use serde_json::{json, Value};

use crate::support::fake::{Fake, Gate, Reply};
use crate::support::process::Process;
use crate::support::program::{Finished, Program, Running};
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::{needs_a_system, needs_container, CONTAINER};
use crate::support::{in_time, repeat, visit, wait_for, PATIENCE};

/// The limit of `token`, and what a start and an end take.
const LIMIT: Duration = Duration::from_millis(8500);

fn refused(error: &str) -> Reply {
    Reply::json(400, &json!({"error": error}))
}

/// Returns tokens that do not expire for an hour, with these further members.
fn tokens(members: Value) -> Reply {
    let mut answer =
        json!({"access_token": "access-new", "token_type": "Bearer", "expires_in": 3600});
    for (name, value) in members.as_object().expect("members") {
        answer[name] = value.clone();
    }
    Reply::json(200, &answer)
}

#[apply(test)]
fn c1_from_login_to_logout() {
    let servers = Rotating::start();
    let finished = Program::login(&servers.fake).agree().expect(0);
    let run = |words: &[&str]| {
        Program::new()
            .at_home(finished.home())
            .args(words)
            .args(["--store", "file", &servers.fake.mcp()])
            .run()
    };
    let first = run(&["token"]).expect(0).stdout;
    assert_eq!(servers.refreshes(), 0, "it is live");
    let second = run(&["token", "--refresh"]).expect(0).stdout;
    assert_ne!(first, second);
    assert_eq!(
        run(&["token", "--min-ttl", "50m"]).expect(0).stdout,
        second,
        "no more than half its life is asked for"
    );
    assert_eq!(run(&["token"]).expect(0).stdout, second);
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
    run(&["logout"]).expect(0);
    let after = run(&["token"]).expect(3);
    assert!(
        after.stdout.is_empty()
            && after
                .stderr
                .contains(&format!("mcp-login {}", servers.fake.mcp())),
        "{}",
        after.stderr
    );
}

#[apply(test)]
fn c1_what_a_refresh_sends_is_what_the_login_sent() {
    let secret = "s3cret:with/odd chars";
    let basic = format!(
        "Basic {}",
        STANDARD.encode("my+id:s3cret%3Awith%2Fodd+chars")
    );
    for (auth, secret, header, in_body) in [
        ("none", None, None, None),
        ("client_secret_basic", Some(secret), Some(basic), None),
        ("client_secret_post", Some(secret), None, Some(secret)),
    ] {
        let fake = Fake::answering("/token", tokens(json!({})));
        let members = json!({"client_auth": auth, "client_secret": secret, "client_id": "my id", "resource": "urn:Example:A"});
        let home = Home::with(&fake, members);
        assert_eq!(home.token(&fake).expect(0).stdout, "access-new");
        let seen = fake.seen();
        assert_eq!(
            seen.len(),
            1,
            "the token endpoint is asked, and nothing else"
        );
        let seen = &seen[0];
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            ("POST", "/token")
        );
        let value = |name: &str| seen.parameter(name);
        assert_eq!(value("grant_type").as_deref(), Some("refresh_token"));
        assert_eq!(value("refresh_token").as_deref(), Some("refresh-0"));
        assert_eq!(value("resource").as_deref(), Some("urn:Example:A"));
        assert_eq!(value("client_id").as_deref(), Some("my id"), "{auth}");
        assert_eq!(seen.header("authorization"), header.as_deref(), "{auth}");
        assert_eq!(value("client_secret").as_deref(), in_body, "{auth}");
        assert_eq!(value("scope"), None, "the scopes stay as they are");
    }
    let fake = Fake::answering("/token", tokens(json!({})));
    let home = Home::with(&fake, json!({"resource": null}));
    home.token(&fake).expect(0);
    assert_eq!(fake.seen()[0].parameter("resource"), None);
}

#[apply(test)]
fn c1_a_server_that_does_not_rotate() {
    let mut last = None;
    let absent = json!({"scope": "read write"});
    let odd = [json!("  \n"), json!(""), json!(null), json!(7)];
    let odd = odd.map(|odd| json!({"scope": "read write", "refresh_token": odd}));
    for members in odd.into_iter().chain([absent]) {
        let fake = Fake::answering("/token", tokens(members.clone()));
        let home = Home::with(&fake, json!({}));
        home.token(&fake).expect(0);
        let kept = home.kept(&fake);
        assert_eq!(
            (&kept["refresh_token"], &kept["access_token"]),
            (&json!("refresh-0"), &json!("access-new")),
            "{members}"
        );
        last = Some(kept);
    }
    let kept = last.expect("a login");
    assert_eq!(
        (&kept["scopes"], &kept["scopes_requested"]),
        (&json!(["read", "write"]), &json!(["read"]))
    );
    assert_eq!(kept["generation"], 2);
    let fake = Fake::answering(
        "/token",
        tokens(json!({"refresh_token": "refresh-new", "expires_in": null})),
    );
    let home = Home::with(&fake, json!({"later": {"kept": 1}}));
    home.token(&fake).expect(0);
    let kept = home.kept(&fake);
    assert_eq!(
        (&kept["refresh_token"], &kept["expires_at"]),
        (&json!("refresh-new"), &Value::Null)
    );
    assert_eq!(
        kept["later"],
        json!({"kept": 1}),
        "what a newer version wrote survives"
    );
}

#[apply(test)]
fn c1_without_a_refresh_token_the_access_token_serves_until_it_expires() {
    let fake = Fake::start();
    for (expires_at, code) in [("2999-01-01T00:00:00Z", 0), ("2020-01-01T01:00:00Z", 3)] {
        let home = Home::with(
            &fake,
            json!({"refresh_token": null, "expires_at": expires_at}),
        );
        // What cannot be done is not done silently.
        for (words, code) in [(&["token"][..], code), (&["token", "--refresh"], 3)] {
            let finished = home
                .command(words[0], &words[1..])
                .arg(fake.mcp())
                .run()
                .expect(code);
            assert_eq!(finished.stdout.is_empty(), code != 0);
            // As long as the token lives, only --force makes a login of it.
            let force = if expires_at.starts_with("2999") {
                "--force "
            } else {
                ""
            };
            let hint = format!("hint: mcp-login {force}{}", fake.mcp());
            assert_eq!(
                finished.stderr.contains(&hint),
                code != 0,
                "{}",
                finished.stderr
            );
        }
    }
    assert_eq!(fake.seen().len(), 0);
}

#[apply(test)]
fn c2_invalid_grant_marks_and_never_deletes_and_a_login_repairs() {
    let servers = Rotating::with(|_, _| Some(refused("invalid_grant")));
    let home = Home::expired(&servers);
    let before = home.kept(&servers.fake);
    let finished = home.token(&servers.fake).expect(3);
    assert!(finished.stdout.is_empty());
    assert!(
        finished
            .stderr
            .contains(&format!("hint: mcp-login {}", servers.fake.mcp())),
        "{}",
        finished.stderr
    );
    let after = home.kept(&servers.fake);
    assert_eq!(after["needs_login"], true);
    for name in ["refresh_token", "access_token", "client_id", "expires_at"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    // What is known is not asked again, but by who says so.
    home.token(&servers.fake).expect(3);
    assert_eq!(servers.refreshes(), 1);
    home.command("token", &["--refresh", &servers.fake.mcp()])
        .run()
        .expect(3);
    assert_eq!(servers.refreshes(), 2);
    let status = home
        .command("status", &["--json", &servers.fake.mcp()])
        .run()
        .expect(3);
    assert!(
        status.stdout.contains("\"state\":\"needs_login\""),
        "{}",
        status.stdout
    );

    Program::login(&servers.fake)
        .at_home(home.path())
        .agree()
        .expect(0);
    assert_eq!(home.kept(&servers.fake).get("needs_login"), None);
    home.token(&servers.fake).expect(0);
    home.command("status", &[&servers.fake.mcp()])
        .run()
        .expect(0);
}

#[apply(test)]
fn c2_of_two_forced_refreshes_that_are_refused_neither_prints_an_old_token() {
    repeat("two refreshes in time", || {
        let gate = Gate::default();
        let held = gate.clone();
        let servers = Rotating::with(move |_, _| {
            held.pass();
            Some(refused("invalid_grant"))
        });
        let home = Home::expired(&servers);
        let start = || {
            let words = ["--refresh", &servers.fake.mcp()];
            home.command("token", &words).start()
        };
        let first = start();
        wait_for("the first", || (servers.refreshes() == 1).then_some(()));
        let second = start();
        // Both know the login as it was before the refusal: the second tries the lock again and again.
        wait_for("the second at the lock", || {
            let is_there = Process(second.pid()).status("voluntary_ctxt_switches") >= 20;
            (is_there || second.started.elapsed() > LIMIT / 2).then_some(())
        });
        gate.open();
        let both = [first, second].map(Running::finish);
        if both.iter().any(Finished::has_given_up) {
            return None;
        }
        for finished in both {
            assert!(finished.expect(3).stdout.is_empty());
        }
        // A second refresh says that the second program began after the refusal.
        (servers.refreshes() == 1).then_some(())
    });
}

#[apply(test)]
fn c2_a_refusal_is_not_believed_when_somebody_else_has_stored_another_token() {
    let gate = Gate::default();
    let held = gate.clone();
    let servers = Rotating::with(move |_, _| {
        held.pass();
        Some(refused("invalid_grant"))
    });
    let home = Home::expired(&servers);
    let running = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    // Another program that shares the file, and not the lock.
    let mut login = home.kept(&servers.fake);
    for (name, value) in [
        ("access_token", json!("access-theirs")),
        ("refresh_token", json!("refresh-theirs")),
        ("generation", json!(2)),
    ] {
        login[name] = value;
    }
    login["expires_at"] = "2999-01-01T00:00:00Z".into();
    home.put(&[login.clone()]);
    gate.open();
    let finished = running.finish_or(|| home.at("token", &servers.fake));
    assert_eq!(finished.expect(0).stdout, "access-theirs");
    assert_eq!(home.kept(&servers.fake), login);
}

/// It waits for the end of all attempts to reach a server that is not there, 8 s.
#[apply(waiting_test)]
fn c2_other_failures_keep_everything() {
    let big = "x".repeat(3 << 20);
    for (reply, code) in [
        (Reply::status(503), 5),
        (Reply::status(429), 5),
        (Reply::Raw(Vec::new()), 5),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"acc".to_vec()),
            5,
        ),
        (Reply::text(200, "text/html", "<html>a portal</html>"), 5),
        (Reply::text(200, "application/json", big), 5),
        (refused("temporarily_unavailable"), 5),
        (Reply::json(500, &json!({"error": "invalid_grant"})), 5),
        (Reply::redirect(307, "http://127.0.0.1:9/token"), 6),
        (Reply::redirect(302, "/other"), 6),
        (
            Reply::json(200, &json!({"access_token": "a", "token_type": "DPoP"})),
            1,
        ),
    ] {
        let fake = Fake::answering("/token", reply.clone());
        let home = Home::with(&fake, json!({}));
        let before = home.text();
        let finished = home.token(&fake);
        let shown = format!("{reply:.80?}: {:?} {}", finished.code, finished.stderr);
        assert_eq!(finished.code, Some(code), "{shown}");
        assert!(
            finished.stdout.is_empty() && home.text() == before,
            "{shown}"
        );
        assert_eq!(
            fake.seen().len(),
            1,
            "it is not sent again, and nowhere else: {shown}"
        );
    }
    // A server that cannot be reached at all has taken nothing, and no note is left.
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"token_endpoint": "http://127.0.0.1:1/token"}));
    let finished = home.at("token", &fake).arg("--json").run().expect(5);
    // The process that refreshes hands its warnings to the one that asked.
    let warning = json!({"event": "warning", "code": "retrying", "message": "the token endpoint does not answer; trying again"});
    let lines: Vec<Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines.contains(&warning), "{}", finished.stderr);
    assert!(home
        .files_with(".json")
        .iter()
        .all(|path| !path.starts_with(home.data().join("refresh"))));
}

#[apply(test)]
fn c3_after_a_lost_answer_the_old_token_is_tried_once_more() {
    // The first answer is lost on its way; a server with a grace gives the same once more.
    let servers = Rotating::with(|_, number| match number {
        1 => Some(Reply::Raw(Vec::new())),
        _ => Some(tokens(json!({"refresh_token": "refresh-new"}))),
    });
    let home = Home::expired(&servers);
    home.token(&servers.fake).expect(5);
    assert_eq!(home.token(&servers.fake).expect(0).stdout, "access-new");
    // A server without one refuses, and the reason is told.
    let servers = Rotating::with(|_, number| match number {
        1 => Some(Reply::Raw(Vec::new())),
        _ => Some(refused("invalid_grant")),
    });
    let home = Home::expired(&servers);
    home.token(&servers.fake).expect(5);
    let finished = home.token(&servers.fake).expect(3);
    assert!(
        finished.stderr.contains("interrupted"),
        "{}",
        finished.stderr
    );
    assert_eq!(home.kept(&servers.fake)["needs_login"], true);
}

/// It waits for the longest time that a caller waits, 8 s.
#[apply(waiting_test)]
fn c1_cp4_a_server_that_hangs_is_answered_in_time_and_nothing_is_lost() {
    needs_a_system();
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let started = Instant::now();
    // Who called waits for the end of our streams, not only for our own.
    let first = home.command("token", &["-vv", &servers.fake.mcp()]).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let second = home.at("headers", &servers.fake).start();
    let first = first.finish().expect(5);
    in_time("the first", started, LIMIT);
    let asked = second.started;
    let second = second.finish().expect(5);
    in_time("the second", asked, LIMIT);
    for finished in [first, second] {
        assert!(
            finished.stdout.is_empty() && finished.stderr.contains("in time"),
            "{}",
            finished.stderr
        );
    }
    assert_eq!(servers.refreshes(), 1, "the second waits for the first");
    gate.open();
    // The refresher lives on; the next one waits for it and takes what it brought.
    let token = home.token(&servers.fake).expect(0).stdout;
    assert_eq!(home.kept(&servers.fake)["access_token"], token.as_str());
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

/// Lets a caller wait for longer than elsewhere, whose end would end the refresh.
fn check_that_it_waits(place: impl Fn(Program) -> Program) {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let mut running = place(home.command("token", &["-v", &servers.fake.mcp()])).start();
    running.said("waiting for the end of a refresh");
    gate.open();
    let finished = running.finish().expect(0);
    let kept = home.kept(&servers.fake);
    assert_eq!(kept["access_token"], finished.stdout.as_str());
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

/// It waits for the longest time that a caller waits elsewhere, 8 s.
#[apply(waiting_test)]
fn c10_cp4_a_ci_job_waits_for_the_refresh() {
    check_that_it_waits(|program| program.env("CI", "true"));
}

/// It waits for the longest time that a caller waits elsewhere, 8 s.
#[apply(waiting_test)]
fn c10_cp4_a_command_in_a_container_waits_for_the_refresh() {
    needs_container();
    // As a tool of an agent runs: the sandbox ends with the shell.
    let shell = ["sh", "-c", "(\"$@\"; exit $?); exit $?", "sh"];
    check_that_it_waits(|program| program.through(&[&CONTAINER[..], &shell].concat()));
}

#[apply(test)]
fn c10_a_signal_ends_the_first_process_of_a_container_after_the_refresh() {
    needs_container();
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let running = home.at("token", &servers.fake).through(&CONTAINER).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    running.process().child().signal(Signal::TERM);
    gate.open();
    let finished = running.finish().expect(128 + Signal::TERM.as_raw());
    assert_eq!(finished.stdout, "");
    let kept = home.kept(&servers.fake);
    let token = kept["refresh_token"].as_str().expect("a token");
    assert!(servers.is_good(token) && !servers.was_reused());
}

/// The process that refreshes for this home.
pub fn refresher(home: &Home) -> u32 {
    let data = home.data().display().to_string();
    wait_for("the refresher", || {
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let mut pids =
            processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = line
                .split(|byte| *byte == 0)
                .map(String::from_utf8_lossy)
                .collect();
            words.get(1).is_some_and(|word| word == "__refresh") && words[2].contains(&data)
        })
    })
}

fn signal(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, signal).expect("sending a signal");
}

#[apply(test)]
fn c3_c4_killing_the_caller_loses_nothing() {
    needs_a_system();
    for by in [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP] {
        let gate = Gate::default();
        let held = gate.clone();
        let servers = Rotating::with(move |_, _| {
            held.pass();
            None
        });
        let home = Home::expired(&servers);
        let running = home.at("token", &servers.fake).start();
        wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
        signal(running.pid(), by);
        let finished = running.finish();
        assert_eq!(finished.signal, Some(by.as_raw()), "{}", finished.stderr);
        let waiting = home.at("token", &servers.fake).start();
        gate.open();
        let waiting = waiting.finish_or(|| home.at("token", &servers.fake));
        let token = waiting.expect(0).stdout;
        let kept = home.kept(&servers.fake);
        assert_eq!(kept["access_token"], token.as_str());
        assert!(
            servers.is_good(kept["refresh_token"].as_str().expect("a token")),
            "{by:?}"
        );
        assert_eq!(
            (servers.refreshes(), servers.was_reused()),
            (1, false),
            "{by:?}"
        );
    }
}

#[apply(test)]
fn c4_signals_to_the_refresher_wait() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let running = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let pid = refresher(&home);
    for by in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        signal(pid, by);
    }
    gate.open();
    let finished = running.finish_or(|| home.at("token", &servers.fake));
    let token = finished.expect(0).stdout;
    assert_eq!(home.kept(&servers.fake)["access_token"], token.as_str());
}

#[apply(test)]
fn c3_a_killed_refresher_is_reported_and_no_old_token_is_printed() {
    let gate = Gate::default();
    let held = gate.clone();
    let servers = Rotating::with(move |_, number| {
        if number == 1 {
            held.pass();
        }
        None
    });
    let home = Home::expired(&servers);
    let running = home
        .command("token", &["--json", &servers.fake.mcp()])
        .start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    signal(refresher(&home), Signal::KILL);
    let finished = running.finish().expect(5);
    assert!(
        finished.stdout.is_empty() && finished.stderr.contains("\"code\":\"interrupted\""),
        "{}",
        finished.stderr
    );
    gate.open();
    // The server had taken it meanwhile, or not: the next run finds out, and says so.
    wait_for("the server", || {
        (!servers.is_good(home.kept(&servers.fake)["refresh_token"].as_str()?)).then_some(())
    });
    let finished = home.token(&servers.fake).expect(3);
    assert!(
        finished.stderr.contains("interrupted"),
        "{}",
        finished.stderr
    );
    Program::login(&servers.fake)
        .at_home(home.path())
        .agree()
        .expect(0);
    home.token(&servers.fake).expect(0);
}

#[apply(test)]
fn c1_a_new_login_is_not_overwritten_by_a_refresh_of_the_old_one() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let running = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let login = Program::login(&servers.fake)
        .arg("--force")
        .at_home(home.path())
        .agree()
        .expect(0);
    let stored = home.kept(&servers.fake);
    assert_eq!(login.event("logged_in")["already"], Value::Null);
    gate.open();
    let finished = running.finish_or(|| home.at("token", &servers.fake));
    let token = finished.expect(0).stdout;
    assert_eq!(
        stored["access_token"],
        token.as_str(),
        "the new login is printed"
    );
    assert_eq!(home.kept(&servers.fake), stored);
    assert!(PATIENCE > LIMIT);
}

#[apply(test)]
fn the_refresher_reports_to_a_verbose_caller() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let line = format!("POST {}/token: 200 in ", servers.fake.origin());
    for (words, is_told) in [
        (&["-v"][..], true),
        (&["-vv"], true),
        (&[], false),
        (&["-q"], false),
    ] {
        let finished = home
            .command("token", words)
            .args(["--refresh", &servers.fake.mcp()])
            .run()
            .expect(0);
        assert_eq!(
            finished.stderr.contains(&line),
            is_told,
            "{words:?}: {}",
            finished.stderr
        );
        assert!(is_told || finished.stderr.is_empty(), "{}", finished.stderr);
        assert!(
            !finished.stderr.contains(&finished.stdout),
            "no secret: {}",
            finished.stderr
        );
    }
    // Nor does a reader who goes away end it.
    home.expire();
    let token = home
        .command("token", &["-vv", &servers.fake.mcp()])
        .through_shell("", "2>&-")
        .run()
        .expect(0)
        .stdout;
    assert_eq!(home.kept(&servers.fake)["access_token"], token.as_str());
}

/// Logs in, so that the next login is of the same client; and from now on servers give no refresh token with a login.
fn then_without_refresh_token(servers: &Rotating) -> Home {
    let home = Home::new();
    Program::login(&servers.fake)
        .at_home(home.path())
        .agree()
        .expect(0);
    servers.withhold_refresh_tokens();
    home
}

#[apply(test)]
fn c1_a_login_without_refresh_token_keeps_the_one_that_is_stored_at_its_end() {
    let servers = Rotating::start();
    let home = then_without_refresh_token(&servers);
    let mut login = Program::login(&servers.fake)
        .arg("--force")
        .at_home(home.path())
        .start();
    let url = login.authorization_url();
    home.command("token", &["--refresh", &servers.fake.mcp()])
        .run()
        .expect(0);
    let rotated = home.kept(&servers.fake);
    visit(&login.redirect(&url));
    let said = login.finish().expect(0).stderr;
    assert!(said.contains("the previous one is stored again"), "{said}");
    let kept = home.kept(&servers.fake);
    assert_eq!(kept["refresh_token"], rotated["refresh_token"]);
    assert_ne!(kept["access_token"], rotated["access_token"]);
    home.command("token", &["--refresh", &servers.fake.mcp()])
        .run()
        .expect(0);
    assert!(!servers.was_reused());
}

#[apply(test)]
fn c1_a_login_without_refresh_token_gets_that_of_a_refresh_which_ends_after_it() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = then_without_refresh_token(&servers);
    let refresh = home
        .command("token", &["--refresh", &servers.fake.mcp()])
        .start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    Program::login(&servers.fake)
        .arg("--force")
        .at_home(home.path())
        .agree()
        .expect(0);
    let login = home.kept(&servers.fake);
    gate.open();
    let finished = refresh.finish_or(|| home.at("token", &servers.fake));
    let token = finished.expect(0).stdout;
    let kept = home.kept(&servers.fake);
    assert_eq!(
        (&kept["access_token"], token.as_str()),
        (
            &login["access_token"],
            login["access_token"].as_str().expect("a token")
        )
    );
    assert_ne!(
        kept["refresh_token"], login["refresh_token"],
        "that one is spent"
    );
    home.command("token", &["--refresh", &servers.fake.mcp()])
        .run()
        .expect(0);
    assert!(!servers.was_reused());
}

#[apply(test)]
fn c1_a_logout_during_a_login_is_not_undone() {
    let servers = Rotating::start();
    let home = then_without_refresh_token(&servers);
    let mut login = Program::login(&servers.fake)
        .arg("--force")
        .at_home(home.path())
        .start();
    let url = login.authorization_url();
    home.at("logout", &servers.fake).run().expect(0);
    visit(&login.redirect(&url));
    login.finish().expect(0);
    assert_eq!(home.kept(&servers.fake)["refresh_token"], Value::Null);
}
