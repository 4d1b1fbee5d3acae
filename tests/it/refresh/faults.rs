//! Crashes and broken disks at every step of a refresh and of a logout.

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::json;

use super::signal;
use crate::support::program::Program;
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::needs;
use crate::support::strace::{self, Call};
use crate::support::{each, wait_for};

/// The calls that touch files or the network.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,linkat,mkdir,flock,fchmod,ftruncate,sendto,recvfrom,exit_group";

/// The process that refreshes, started by itself with the lock of the login, so that calls can be counted.
fn refresher(home: &Home, servers: &Rotating) -> Program {
    refresher_without_lock(home, servers).with_stdin_of(&home.lock_of(&servers.fake))
}

fn refresher_without_lock(home: &Home, servers: &Rotating) -> Program {
    let key = json!({"server": servers.fake.mcp(), "profile": "default"});
    let job = json!({"key": key, "store": "file", "data_dir": home.data(), "ca_file": null});
    Program::new()
        .at_home(home.path())
        .args(["__refresh", &job.to_string()])
}

/// Returns the calls of a good run, and the place among them of the first that touches our data and of the request.
fn calls(program: Program, home: &Home) -> (Vec<Call>, usize, usize) {
    let calls = strace::calls(program, CALLS, home.path());
    let place = |text: &str| {
        calls
            .iter()
            .position(|call| call.line.contains(text))
            .unwrap_or(calls.len())
    };
    let (data, request) = (place("/.local/share/mcp-login"), place("\"POST "));
    (calls, data, request)
}

/// Checks what has to hold after any fault: the file is whole, the other login untouched, and the token the old one or a
/// good new one. Then that the next run works, or says why only a login helps.
fn check(home: &Home, servers: &Rotating, old: &str, what: &str) {
    let logins = home.logins();
    assert!(logins.contains_key("https://other.example/mcp"), "{what}");
    let kept = home.kept(&servers.fake)["refresh_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{what}: lost"))
        .to_owned();
    assert!(kept == old || servers.is_good(&kept), "{what}: {kept}");
    let is_good = servers.is_good(&kept) || has_renewed(home);
    let finished = home.token(&servers.fake);
    if is_good {
        assert_eq!(finished.code, Some(0), "{what}: {}", finished.stderr);
        assert_eq!(
            home.kept(&servers.fake)["access_token"],
            finished.stdout.as_str(),
            "{what}"
        );
    } else {
        assert_eq!(finished.code, Some(3), "{what}: {}", finished.stderr);
        assert!(
            finished.stdout.is_empty() && finished.stderr.contains("interrupted"),
            "{what}: {}",
            finished.stderr
        );
        assert_eq!(home.kept(&servers.fake)["refresh_token"], old, "{what}");
    }
    // A login that is marked is written too, and whoever writes sweeps.
    home.command("logout", &[&servers.fake.mcp()]).run();
    assert_eq!(
        home.files_with("credentials.json."),
        home.files_with("credentials.json.lock"),
        "{what}"
    );
}

/// Tells whether a file holds what the server has answered and the store has not.
fn has_renewed(home: &Home) -> bool {
    home.files_with(".renewed")
        .iter()
        .any(|path| path.extension().is_some_and(|ending| ending == "renewed"))
}

fn other_line(home: &Home) -> String {
    let text = home.text();
    let line = text
        .lines()
        .find(|line| line.starts_with("\"https://other.example/mcp\""))
        .expect("the other login");
    line.trim_end_matches(',').to_owned()
}

/// It runs a refresh for each call that is one.
/// Runs a program as in a file system of FUSE in which another process replaces or removes a file at this moment.
fn run_on_fuse(program: Program, path: &Path) -> String {
    let directory = path.parent().expect("a directory").to_string_lossy();
    let mut strace = vec!["strace", "-f", "-qq", "-o", "/dev/null"];
    strace.extend(["-P", path.to_str().expect("a path"), "-P", &directory]);
    strace.extend(["-e", "inject=?open,openat:error=ENOENT:when=1..3"]);
    strace.extend(["-e", "inject=statfs:poke_exit=@arg2=4655736500000000"]);
    program.through(&strace).run().expect(0).stdout
}

#[apply(test)]
fn d15_a_file_that_is_not_there_for_a_moment() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let token = || home.at("token", &servers.fake);
    let first = run_on_fuse(token(), &home.lock_of(&servers.fake));
    assert_eq!(first, home.kept(&servers.fake)["access_token"]);
    assert_eq!(run_on_fuse(token(), &home.credentials()), first);
    assert_eq!(servers.refreshes(), 1);
}

#[apply(long_test)]
fn c3_d1_killed_at_each_call_of_a_refresh() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let (found, data, request) = calls(refresher(&home, &servers), &home);
    assert!(data < request && request < found.len(), "{found:#?}");
    let answer = found
        .iter()
        .position(|call| call.line.contains("\"HTTP/1.1 200"))
        .expect("an answer");
    let spent = std::sync::atomic::AtomicUsize::new(0);
    let points = strace::kill_points(&found, data);
    each(&points, |_, &number| {
        let servers = Rotating::start();
        let home = Home::expired(&servers);
        let (old, other) = (
            home.kept(&servers.fake)["refresh_token"]
                .as_str()
                .expect("a token")
                .to_owned(),
            other_line(&home),
        );
        let killed = strace::inject(refresher(&home, &servers), &found[number], "signal=KILL");
        let what = format!("killed at {:?}", found[number]);
        assert!(
            killed.signal == Some(9) || killed.code == Some(137),
            "not {what}: {:?}",
            killed.code
        );
        assert_eq!(other_line(&home), other, "{what}");
        if number >= answer {
            // The request is on its way, and the server may be slow to look at it.
            wait_for("the request", || (servers.refreshes() == 1).then_some(()));
        }
        if !servers.is_good(
            home.kept(&servers.fake)["refresh_token"]
                .as_str()
                .expect("a token"),
        ) && !has_renewed(&home)
        {
            spent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        check(&home, &servers, &old, &what);
    });
    let spent = spent.into_inner();
    // Each read of the answer, the write and the fsync; and the rename itself, for it is not done yet.
    let reads = found[request..]
        .iter()
        .filter(|call| call.name == "recvfrom")
        .count();
    assert!(spent <= reads + 3, "a20: {spent} points of {reads} reads");
}

/// It runs 24 refreshes.
#[apply(long_test)]
fn c3_d1_killed_at_any_moment() {
    // From before the refresh to after it, in steps: the whole family of processes at once.
    each(&(0..24).collect::<Vec<usize>>(), |_, &number| {
        let servers = Rotating::start();
        let home = Home::expired(&servers);
        let old = home.kept(&servers.fake)["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let running = home.at("token", &servers.fake).start();
        thread::sleep(std::time::Duration::from_millis(number as u64 * 6));
        // The first one goes first: it cannot start another one then. All of them name the server.
        signal(running.pid(), rustix::process::Signal::KILL);
        running.finish();
        wait_for("the end of all processes", || {
            let all = fs::read_dir("/proc").expect("processes").flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let is_ours = |pid: &i32| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains(&servers.fake.mcp())
            };
            let left: Vec<_> = pids.filter(is_ours).collect();
            for pid in &left {
                let pid = rustix::process::Pid::from_raw(*pid).expect("a pid");
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            left.is_empty().then_some(())
        });
        // A request that was under way reaches the server all the same.
        servers.fake.wait_until_idle();
        check(
            &home,
            &servers,
            &old,
            &format!("killed after {} ms", number * 6),
        );
    });
}

/// It runs a refresh for each call.
#[apply(long_test)]
fn d2_each_call_of_a_refresh_fails_once() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let (found, data, _) = calls(refresher(&home, &servers), &home);
    let on_files = |call: &Call| {
        !["sendto", "recvfrom", "exit_group"].contains(&call.name.as_str())
            && (!call.name.starts_with("rename") || call.line.contains(".json"))
    };
    let numbers = (data..found.len()).filter(|number| on_files(&found[*number]));
    each(&numbers.collect::<Vec<_>>(), |_, &number| {
        let error = ["ENOSPC", "EIO", "EROFS"][number % 3];
        let servers = Rotating::start();
        let home = Home::expired(&servers);
        let (old, other) = (
            home.kept(&servers.fake)["refresh_token"]
                .as_str()
                .expect("a token")
                .to_owned(),
            other_line(&home),
        );
        let finished = strace::inject(
            refresher(&home, &servers),
            &found[number],
            &format!("error={error}"),
        );
        let what = format!(
            "{error} at {:?}: {:?} {}",
            found[number], finished.code, finished.stdout
        );
        assert!(matches!(finished.code, Some(0 | 1 | 5 | 7)), "{what}");
        assert_eq!(other_line(&home), other, "{what}");
        let kept = home.kept(&servers.fake)["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        assert!(
            servers.is_good(&kept) || has_renewed(&home),
            "what was spent is stored: {what}"
        );
        check(&home, &servers, &old, &what);
    });
}

#[apply(test)]
fn d2_on_an_unwritable_disk_no_token_is_used() {
    needs(&["strace"]);
    for (calls, error) in [
        ("write", "ENOSPC"),
        ("fsync", "EIO"),
        ("rename,renameat,renameat2", "EROFS"),
        ("flock", "EIO"),
    ] {
        let servers = Rotating::start();
        let home = Home::expired(&servers);
        let before = home.text();
        let inject = format!("{calls}:error={error}");
        let finished = strace::traced(
            refresher(&home, &servers),
            CALLS,
            "/dev/null",
            Some(&inject),
        );
        let what = format!(
            "{error} of {calls}: {:?} {} {}",
            finished.code, finished.stdout, finished.stderr
        );
        // What it says goes through `write` as well. What cannot be locked is not refreshed by this process.
        let expected = if calls == "flock" { 0 } else { 7 };
        assert!(finished.code == Some(expected), "{what}");
        assert_eq!(servers.refreshes(), 0, "{what}");
        assert_eq!(home.text(), before, "{what}");
        home.token(&servers.fake).expect(0);
    }
}

#[apply(test)]
fn d2_d4_a_disk_that_fails_after_the_answer_leaves_an_emergency_file_or_a_note() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let (found, _, request) = calls(refresher(&home, &servers), &home);
    let renamed = |to: &str| {
        let renames = |call: &&Call| {
            call.name.starts_with("rename") && call.line.contains(&format!("{to}\""))
        };
        found[request..]
            .iter()
            .find(renames)
            .expect("a rename")
            .number
    };
    let name = &found[request..]
        .iter()
        .find(|call| call.name.starts_with("rename"))
        .expect("a rename")
        .name;
    let (first, before) = (renamed(".renewed"), renamed("credentials.json"));
    // The store fails, also when it is tried again; a file of its own works.
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let inject = format!("{name}:error=EIO:when={before}..{}", before + 1);
    let finished = strace::traced(
        refresher(&home, &servers),
        CALLS,
        "/dev/null",
        Some(&inject),
    )
    .expect(7);
    let rescued = home.files_with("rescued");
    assert_eq!(rescued.len(), 1, "{}", finished.stdout);
    assert!(
        finished
            .stdout
            .contains(rescued[0].to_str().expect("a path")),
        "{}",
        finished.stdout
    );
    let store = format!("file:{}", rescued[0].display());
    let token = Program::new()
        .at_home(home.path())
        .args(["token", "--store", &store, &servers.fake.mcp()])
        .run()
        .expect(0);
    assert!(token.stdout.starts_with("access-"));
    // The next run does not spend the old token again, but brings the new one home.
    let next = home.token(&servers.fake).expect(0).stdout;
    assert_eq!(home.kept(&servers.fake)["access_token"], next.as_str());
    assert!(!servers.was_reused() && home.files_with("rescued").is_empty());
    home.command("token", &["--refresh", &servers.fake.mcp()])
        .run()
        .expect(0);
    // The answer has its own file already when nothing works any more: the next run finds it there.
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let inject = format!("{name}:error=EIO:when={before}+");
    let finished = strace::traced(
        refresher(&home, &servers),
        CALLS,
        "/dev/null",
        Some(&inject),
    )
    .expect(7);
    assert!(
        finished.stdout.contains(".renewed") && has_renewed(&home),
        "{}",
        finished.stdout
    );
    let next = home.token(&servers.fake).expect(0).stdout;
    assert_eq!(home.kept(&servers.fake)["access_token"], next.as_str());
    assert!(!servers.was_reused() && !has_renewed(&home));
    // Nothing works at all: the note tells.
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let inject = format!("{name}:error=EIO:when={first}+");
    strace::traced(
        refresher(&home, &servers),
        CALLS,
        "/dev/null",
        Some(&inject),
    )
    .expect(7);
    for path in home.files_with("rescued") {
        let _ = fs::remove_file(path);
    }
    let finished = home.token(&servers.fake).expect(3);
    assert!(
        finished.stderr.contains("interrupted"),
        "{}",
        finished.stderr
    );
}

/// It runs a logout for each call, and for each again.
#[apply(long_test)]
fn d1_d2_each_call_of_a_logout_fails_or_ends_it() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let (found, data, _) = calls(home.at("logout", &servers.fake), &home);
    assert!(home.kept(&servers.fake).is_null());
    let points = strace::kill_points(&found, data);
    each(&(data..found.len()).collect::<Vec<_>>(), |_, &number| {
        for how in [
            "signal=KILL",
            ["error=ENOSPC", "error=EIO", "error=EROFS"][number % 3],
        ] {
            let is_of_files =
                !["sendto", "recvfrom", "exit_group"].contains(&found[number].name.as_str());
            let is_tried = match how {
                "signal=KILL" => points.contains(&number),
                _ => is_of_files,
            };
            if !is_tried {
                continue;
            }
            let servers = Rotating::start();
            let home = Home::expired(&servers);
            let (before, other) = (home.kept(&servers.fake), other_line(&home));
            let finished = strace::inject(home.at("logout", &servers.fake), &found[number], how);
            let what = format!(
                "{how} at {:?}: {:?} {}",
                found[number], finished.code, finished.stderr
            );
            assert_eq!(other_line(&home), other, "{what}");
            let after = home.kept(&servers.fake);
            assert!(after.is_null() || after == before, "{what}: {after}");
            if how != "signal=KILL" {
                assert!(matches!(finished.code, Some(0 | 5 | 7)), "{what}");
                assert!(finished.code != Some(0) || after.is_null(), "{what}");
            }
            let finished = home.at("logout", &servers.fake).run();
            assert_eq!(finished.code, Some(0), "{what}: then {}", finished.stderr);
            assert!(home.kept(&servers.fake).is_null(), "{what}");
            assert_eq!(
                home.at("status", &servers.fake).run().code,
                Some(3),
                "{what}"
            );
        }
    });
}

/// Interrupts a refresh after its answer had a file and before the store had it.
fn interrupted(servers: &Rotating) -> Home {
    let home = Home::expired(servers);
    let (found, ..) = calls(refresher(&home, servers), &home);
    let name = found
        .iter()
        .position(|call| call.line.contains(".renewed\""))
        .expect("the rename");
    let home = Home::expired(servers);
    let killed = strace::inject(refresher(&home, servers), &found[name + 1], "signal=KILL");
    assert!(
        killed.signal == Some(9) || killed.code == Some(137),
        "{:?}",
        killed.code
    );
    wait_for("the file", || has_renewed(&home).then_some(()));
    home
}

#[apply(test)]
fn c1_a_refresher_without_the_lock_uses_no_token() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let before = home.text();
    let is_refused = |program: Program, what: &str| {
        let finished = program.run().expect(0);
        assert_eq!(finished.stdout.trim(), "{\"refreshed\":null}", "{what}");
        assert_eq!(servers.refreshes(), 0, "{what}");
        assert_eq!(home.text(), before, "{what}");
    };
    is_refused(refresher_without_lock(&home, &servers), "no lock");
    let other = home.path().join("other.lock");
    is_refused(
        refresher_without_lock(&home, &servers).with_stdin_of(&other),
        "another file",
    );
    let lock = home.lock_of(&servers.fake);
    fs::create_dir_all(lock.parent().expect("a directory")).expect("a directory");
    let held = fs::File::create(&lock).expect("the lock");
    held.lock().expect("the lock");
    is_refused(
        refresher(&home, &servers),
        "a lock that another process holds",
    );
    drop(held);
    refresher(&home, &servers).run().expect(0);
    assert_eq!(servers.refreshes(), 1);
}

/// The lock is not passed on to the process that refreshes: the first call of each process for a lock fails.
#[apply(test)]
fn c1_a_caller_whose_refresher_gets_no_lock_refreshes_itself() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let trace = home.path().join("trace");
    let token = strace::traced(
        home.at("token", &servers.fake),
        "flock,execve",
        trace.to_str().expect("a path"),
        Some("flock:error=EAGAIN:when=1"),
    )
    .expect(0);
    let trace = fs::read_to_string(&trace).expect("a trace");
    assert!(trace.contains("__refresh"), "{trace}");
    assert_eq!(trace.matches("(INJECTED)").count(), 2, "{trace}");
    assert_eq!(
        home.kept(&servers.fake)["access_token"],
        token.stdout.as_str()
    );
    assert_eq!(servers.refreshes(), 1);
    assert!(!servers.was_reused());
}

/// Whatever fails on the way to a process of its own, one refresh is made, and its tokens are stored.
#[apply(test)]
fn c1_p55_a_caller_that_can_start_no_process_refreshes_itself() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let starts = "clone3,clone,?vfork";
    for (calls, error) in [(starts, "EAGAIN"), (starts, "EPERM"), ("pipe2", "EMFILE")] {
        let home = Home::expired(&servers);
        let before = servers.refreshes();
        let inject = format!("{calls}:error={error}");
        let token = home.at("token", &servers.fake);
        let token = strace::traced(token, calls, "/dev/null", Some(&inject)).expect(0);
        assert_eq!(
            home.kept(&servers.fake)["access_token"],
            token.stdout.as_str()
        );
        assert_eq!(servers.refreshes(), before + 1, "{inject}");
    }
    assert!(!servers.was_reused());
}

/// The system lets no request out: that is said, and not that the server is down.
#[apply(test)]
fn r11_what_this_machine_forbids_is_no_fault_of_the_server() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    for (error, advice) in [
        ("EPERM", "a sandbox or a firewall of this machine"),
        ("EACCES", "a sandbox or a firewall of this machine"),
        ("EMFILE", "ulimit -n"),
        ("ENFILE", "end some programs"),
    ] {
        let inject = format!("socket:error={error}");
        let token = home.at("token", &servers.fake);
        let failed = strace::traced(token, "socket", "/dev/null", Some(&inject)).expect(1);
        assert!(failed.stderr.contains(advice), "{}", failed.stderr);
        assert!(!failed.stderr.contains("trying again"), "{}", failed.stderr);
    }
    assert_eq!(servers.refreshes(), 0);
    home.at("token", &servers.fake).run().expect(0);
}

/// A limit of the process stops it at a file: the hint names the limit, and no other place for the login.
#[apply(test)]
fn r11_a_limit_on_open_files_is_named() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let logout = home.at("logout", &servers.fake);
    let failed = logout.through_shell("ulimit -n 4", "").run().expect(7);
    assert!(
        failed.stderr.contains("Too many open files"),
        "{}",
        failed.stderr
    );
    assert!(
        failed
            .stderr
            .contains("hint: this process may open no more files"),
        "{}",
        failed.stderr
    );
}

#[apply(test)]
fn d4_a_logout_keeps_an_emergency_file_that_it_cannot_read() {
    needs(&["strace"]);
    let servers = Rotating::start();
    let home = interrupted(&servers);
    let renewed = home
        .files_with(".renewed")
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "renewed"))
        .expect("the file");
    let text = fs::read_to_string(&renewed).expect("the file");
    fs::write(&renewed, text.replace("\"client_id\":", "\"client\":")).expect("writing");
    let finished = home.at("logout", &servers.fake).run().expect(0);
    assert!(
        finished.stderr.contains(renewed.to_str().expect("a path"))
            && finished.stderr.contains("not revoked"),
        "{}",
        finished.stderr
    );
    assert!(renewed.exists() && home.kept(&servers.fake).is_null());
    // A login that replaces what was lost removes it.
    Program::login(&servers.fake)
        .args(["--client-id", "mine"])
        .at_home(home.path())
        .agree()
        .expect(0);
    assert!(!renewed.exists());
}

/// Returns the lines of a trace of all calls of the process that refreshes, between the last piece of the answer and the
/// name of the file that holds it.
fn window(trace: &str) -> Vec<&str> {
    let lines: Vec<&str> = trace.lines().collect();
    let is_end = |line: &&str| line.contains("rename") && line.contains(".renewed\"");
    let end = lines
        .iter()
        .position(is_end)
        .unwrap_or_else(|| panic!("no rename: {trace}"));
    let is_read = |line: &&str| {
        line.contains("recvfrom(") || line.contains("read(") || line.contains("recvmsg(")
    };
    let start = lines[..end]
        .iter()
        .rposition(is_read)
        .expect("a read of the answer");
    lines[start + 1..end].to_vec()
}

#[apply(test)]
fn a20_at_most_four_calls_between_the_response_and_its_rename() {
    needs(&["strace"]);
    for long in [0, 3000, 10_000] {
        let servers = Rotating::with(move |seen, _| {
            (long > 0).then(|| {
                let refresh = format!("{}-{}", seen.parameter("refresh_token").unwrap_or_default(), "r".repeat(long));
                let tokens = json!({"access_token": "long", "token_type": "Bearer", "refresh_token": refresh});
                crate::support::fake::Reply::json(200, &tokens)
            })
        });
        let home = Home::expired(&servers);
        let trace = home.path().join("trace");
        strace::traced(
            refresher(&home, &servers),
            "all",
            trace.to_str().expect("a path"),
            None,
        )
        .expect(0);
        let trace = fs::read_to_string(&trace).expect("a trace");
        let window = window(&trace);
        assert!(
            window.len() <= 3,
            "with the rename there are more than four: {window:#?}"
        );
        assert!(
            window.iter().any(|line| line.contains("write("))
                && window.iter().any(|line| line.contains("fsync("))
        );
    }
}

/// The refresh was killed after its answer had a file and before the store had it: whoever comes next uses that.
#[apply(test)]
fn a20_the_next_command_uses_the_tokens_of_an_interrupted_refresh() {
    needs(&["strace"]);
    for next in ["token", "logout", "login", "login without a refresh token"] {
        let servers = Rotating::start();
        let home = interrupted(&servers);
        let fake = &servers.fake;
        match next {
            "token" => {
                assert_eq!(
                    home.token(fake).expect(0).stdout,
                    home.kept(fake)["access_token"].as_str().expect("it")
                )
            }
            "logout" => {
                home.at("logout", fake).run().expect(0);
                assert!(!fake.seen_at("/revoke").is_empty());
            }
            _ => {
                if next != "login" {
                    servers.withhold_refresh_tokens();
                }
                Program::login(fake)
                    .args(["--force", "--client-id", "mine"])
                    .at_home(home.path())
                    .agree()
                    .expect(0);
                let refresh_token = home.kept(fake)["refresh_token"]
                    .as_str()
                    .expect("a refresh token")
                    .to_owned();
                assert!(servers.is_good(&refresh_token), "{next}: {refresh_token}");
            }
        }
        assert!(!servers.was_reused() && !has_renewed(&home), "{next}");
        let doctor = home.command("doctor", &[]).run();
        assert!(
            doctor.stdout.contains("none was interrupted"),
            "{next}: {}",
            doctor.stdout
        );
    }
}
