//! The program for Windows, run under Wine: only `tests/windows/run` runs these tests. What Wine cannot prove is in
//! `docs/windows.md`.

#[cfg(unix)]
mod browser;
mod clients;
mod connect;
mod keyring;
mod places;
#[cfg(unix)]
mod stores;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::fake::Fake;
use crate::support::process::Process;
use crate::support::program::{Finished, Program, Running};
use crate::support::rotating::{Home, Rotating};
use crate::support::{late, parameter, send, visit, wait_for, PATIENCE};

/// Prepares a run of the Windows program.
#[cfg(windows)]
fn windows() -> Program {
    Program::new()
}

/// Prepares a run of the Windows program under Wine.
#[cfg(unix)]
#[track_caller]
fn windows() -> Program {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_built = root.join("target/windows/mcp-login.exe").is_file();
    assert!(is_built, "tests/windows/run builds the program for Windows");
    Program::of(root.join("tests/windows/program"))
}

/// Prepares a login to a fake, as [`Program::login`] does.
fn login(fake: &Fake) -> Program {
    windows()
        .args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--timeout",
            "60s",
        ])
        .arg(fake.mcp())
}

/// Prepares a command in this home, with the file as the store.
fn at(home: &Home, command: &str, fake: &Fake) -> Program {
    windows()
        .at_home(home.path())
        .args([command, "--store", "file", &fake.mcp()])
}

/// Returns the login that waits for its answer, and the good answer.
fn waiting(program: Program) -> (Running, String) {
    let mut login = program.start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    (login, good)
}

#[apply(test)]
fn win1_the_demo_ends_well() {
    let finished = windows().arg("demo").run().expect(0);
    let said = &finished.stderr;
    assert!(said.contains("works: the server lists 3 tools"), "{said}");
}

#[apply(test)]
fn win1_a_login_by_callback() {
    let fake = Fake::start();
    let finished = login(&fake).agree().expect(0);
    assert_eq!(finished.kept(&fake.mcp())["access_token"], "access-1");
    let place = finished.event("logged_in").to_string();
    assert!(place.contains("credentials.json"), "{place}");
    let left = fs::read_dir(finished.home().join(".local/share/mcp-login")).expect("a directory");
    let left: Vec<_> = left.flatten().map(|it| it.file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains(".tmp")),
        "{left:?}"
    );
}

#[apply(test)]
fn win1_what_is_no_answer_changes_nothing() {
    let fake = Fake::start();
    let (mut login, good) = waiting(login(&fake));
    let url = url::Url::parse(&good).expect("a URL");
    let address = url.socket_addrs(|| None).expect("an address")[0];
    let state = parameter(&good, "state").expect("a state");
    for junk in [
        "",
        "\r\n\r\n",
        "\u{16}\u{3}\u{1}",
        "GET / HTTP/1.1\r\n\r\n",
        "NONSENSE",
    ] {
        send(address, junk.as_bytes());
    }
    for (query, reason) in [
        ("code=stolen&state=wrong".to_owned(), "state_mismatch"),
        (format!("code=a&code=b&state={state}"), "ambiguous"),
        (
            format!("code=a&state={state}&iss=https://evil.example"),
            "issuer_mismatch",
        ),
    ] {
        visit(&format!(
            "{}?{query}",
            good.split_once('?').expect("a query").0
        ));
        let rejected = login.event("rejected");
        assert_eq!(rejected["reason"], reason, "{query}: {rejected}");
        assert_eq!(fake.seen_at("/token").len(), 0, "{query}");
    }
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
}

#[apply(test)]
fn win3_a_paste_through_a_pipe() {
    let fake = Fake::start();
    let (mut login, good) = waiting(login(&fake).arg("--paste").with_stdin());
    login.type_in("http://127.0.0.1/callback?code=a&state=wrong\n");
    login.event("rejected");
    login.type_in(&format!("{good}\n"));
    login.finish().expect(0);
}

/// A console in its usual mode would cut a long line.
#[cfg(unix)]
#[apply(test)]
fn win3_a_paste_of_six_thousand_characters_in_a_console() {
    use crate::support::pty::Pty;

    let fake = Fake::start();
    let mut pty = Pty::open();
    let (login, good) = waiting(login(&fake).on(&pty));
    pty.wait_for("paste");
    pty.type_in(&format!("{good}&unknown={}\r", "x".repeat(6_000)));
    let finished = login.finish();
    assert_eq!(finished.code, Some(0), "{}", pty.shown());
}

#[apply(test)]
fn win4_sixteen_processes_refresh_once() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let running: Vec<_> = (0..16)
        .map(|_| at(&home, "token", &servers.fake).start())
        .collect();
    let finished: Vec<_> = running.into_iter().map(Running::finish).collect();
    // On a busy machine all callers may give up after their 8 seconds; a later one gets what was refreshed meanwhile.
    let again = || {
        let again = at(&home, "token", &servers.fake).run();
        (again.code != Some(5)).then_some(again)
    };
    let tokens: Vec<_> = finished
        .into_iter()
        .map(|it| match it.code {
            Some(5) => wait_for("a token", again),
            _ => it,
        })
        .map(|it| it.expect(0).stdout)
        .collect();
    let kept = home.kept(&servers.fake);
    for token in tokens {
        assert_eq!(kept["access_token"], token.trim_end());
    }
    assert_eq!(servers.refreshes(), 1);
    assert!(!servers.was_reused());
}

/// Kills the process that refreshes the login to a fake, or the one that called it. Under Wine a test starts neither itself.
fn kill(fake: &Fake, is_refresher: bool) {
    let process = wait_for("the process", || find(&fake.mcp(), is_refresher));
    process.kill();
}

/// Waits for the request that the refresher of this caller sends, which may have given up by then on a busy machine.
#[track_caller]
fn wait_for_the_refresh(servers: &Rotating, caller: &mut Running) {
    let started = Instant::now();
    while servers.refreshes() == 0 {
        if started.elapsed() > PATIENCE {
            let ended = caller.child.try_wait();
            let said = caller.stderr_so_far();
            late(format_args!("no request; {ended:?}: {said:?}"));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(windows)]
fn find(server: &str, is_refresher: bool) -> Option<Process> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let is_it = |process: &&sysinfo::Process| {
        let words: Vec<_> = process
            .cmd()
            .iter()
            .map(|it| it.to_string_lossy())
            .collect();
        words.first().is_some_and(|it| it.contains("mcp-login"))
            && words.iter().any(|it| it.contains(server))
            && words.iter().any(|it| it == "__refresh") == is_refresher
    };
    let found = system.processes().values().find(is_it)?;
    Some(Process(found.pid().as_u32()))
}

#[cfg(unix)]
fn find(server: &str, is_refresher: bool) -> Option<Process> {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_it = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("mcp-login.exe")
            && line.contains(server)
            && line.contains("__refresh") == is_refresher
    };
    pids.into_iter().find(is_it).map(Process)
}

#[apply(test)]
fn win4_the_refresher_outlives_its_caller() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let mut caller = at(&home, "token", &servers.fake).arg("-vv").start();
    wait_for_the_refresh(&servers, &mut caller);
    if caller.child.try_wait().expect("waiting").is_none() {
        kill(&servers.fake, false);
    }
    gate.open();
    wait_for("the stored login", || {
        (home.kept(&servers.fake)["access_token"] != "access-0").then_some(())
    });
    caller.finish();
    assert_eq!(servers.refreshes(), 1);
}

#[apply(test)]
fn win4_a_killed_refresher_leaves_the_login_usable() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let mut caller = at(&home, "token", &servers.fake).arg("-vv").start();
    wait_for_the_refresh(&servers, &mut caller);
    kill(&servers.fake, true);
    let finished = caller.finish();
    assert!(
        [3, 5].contains(&finished.code.unwrap_or(0)),
        "{:?} {}",
        finished.code,
        finished.stderr
    );
    gate.open();
    wait_for("the end of the refresher", || {
        find(&servers.fake.mcp(), true).is_none().then_some(())
    });
    assert_eq!(home.logins().len(), 2, "no login is lost");
}

#[apply(test)]
fn win5_a_damaged_store_is_left_as_it_is() {
    let fake = Fake::start();
    for text in ["{", "{\"version\":1,\"logins\":{", "\0\0\0\0", "[]"] {
        let home = Home::new();
        fs::create_dir_all(home.data()).expect("a directory");
        fs::write(home.credentials(), text).expect("a file");
        let finished = login(&fake).at_home(home.path()).run().expect(7);
        assert!(finished
            .events
            .iter()
            .all(|it| it["event"] != "authorization_url"));
        assert_eq!(home.text(), text, "{}", finished.stderr);
    }
}

#[apply(test)]
fn win8_exit_codes() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"expires_at": "2999-01-01T00:00:00Z"}));
    let code = |program: Program| -> Finished { program.run() };
    code(windows().arg("--nonsense")).expect(2);
    code(windows().args(["token", "--store", "file", "https://none.example/mcp"])).expect(3);
    code(at(&home, "token", &fake)).expect(0);
    let closed = format!("http://{}/mcp", crate::support::closed_address());
    code(windows().args(["--json", "--store", "file", "--no-browser", &closed])).expect(5);
    for (command, expected) in [
        (&["cmd", "/c", "exit 7"][..], 7),
        (&["cmd", "/c", "if not %TOKEN%==access-0 exit 9"], 0),
        (&["nonexistent-program"], 127),
    ] {
        let program = at(&home, "exec", &fake)
            .args(["--env", "TOKEN", "--"])
            .args(command);
        code(program).expect(expected);
    }
}

/// `tests/windows/run` takes the right to low ports away, so that Wine answers for them as Windows does for reserved ones.
#[cfg(unix)]
#[apply(test)]
fn win8_a_port_that_the_system_has_reserved() {
    let fake = Fake::start();
    let finished = login(&fake).args(["--port", "80"]).run();
    let finished = finished.expect_error(8, "port_taken");
    let said = &finished.stderr;
    assert!(said.contains("Windows may have reserved it"), "{said}");
}
