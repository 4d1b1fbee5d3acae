//! What is handed out: `token`, `headers` and `exec`, as scripts and MCP clients call them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Output, Stdio};

use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::rotating::{login_to, Home};
use crate::support::skip::needs;
use crate::support::strace::traced;

const TOKEN: &str = "c4nary-access-Zq81xW";

/// A home with a live login.
fn live(fake: &Fake) -> Home {
    Home::with(
        fake,
        json!({"access_token": TOKEN, "expires_at": "2999-01-01T00:00:00Z"}),
    )
}

/// Runs it, and returns every byte of its output.
fn output(mut program: Program) -> Output {
    program.command().output().expect("running")
}

#[apply(test)]
fn cp1_each_product_is_exactly_that() {
    let fake = Fake::start();
    let home = live(&fake);
    let url = fake.mcp();
    let headers = format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}\n");
    for (words, expected) in [
        (&["token"][..], format!("{TOKEN}\n")),
        (&["headers"], headers.clone()),
        (&["headers", "--json"], headers),
    ] {
        for server in [Some(url.as_str()), None] {
            let got = output(home.command(words[0], &words[1..]).args(server));
            assert_eq!(
                String::from_utf8_lossy(&got.stdout),
                expected,
                "{words:?} {server:?}"
            );
            assert!(
                got.status.success() && got.stderr.is_empty(),
                "{words:?}: {}",
                String::from_utf8_lossy(&got.stderr)
            );
        }
    }
    let got = output(home.command("token", &["--json", &url]));
    let expected = json!({"access_token": TOKEN, "token_type": "Bearer", "expires_at": "2999-01-01T00:00:00Z", "server": url});
    assert_eq!(
        serde_json::from_slice::<Value>(&got.stdout).expect("JSON"),
        expected
    );
    assert_eq!(got.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(fake.seen().len(), 0, "a live token costs no request");
}

#[apply(test)]
fn cp2_cp10_a_failure_leaves_stdout_empty_and_is_json_where_asked() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"refresh_token": null, "access_token": TOKEN}));
    let url = fake.mcp();
    for command in ["token", "headers", "exec"] {
        let tail: &[&str] = if command == "exec" {
            &["--", "true"]
        } else {
            &[]
        };
        let got = output(home.command(command, &["--json", &url]).args(tail));
        assert_eq!(got.status.code(), Some(3), "{command}");
        assert!(got.stdout.is_empty(), "{command}");
        let error: Value = serde_json::from_slice(&got.stderr).expect("one JSON object");
        assert_eq!(
            (&error["event"], &error["exit"]),
            (&json!("error"), &json!(3)),
            "{error}"
        );
        assert_eq!(
            error["hint"],
            format!("mcp-login {url} --store file"),
            "{error}"
        );
        assert!(!error.to_string().contains(TOKEN));
        let got = output(
            home.command(command, &["https://unknown.example/mcp"])
                .args(tail),
        );
        assert_eq!(
            (got.status.code(), got.stdout.is_empty()),
            (Some(3), true),
            "{command}"
        );
    }
}

#[apply(test)]
fn cp7_cp8_headers_in_the_environment_that_codex_gives() {
    let fake = Fake::start();
    let home = live(&fake);
    let mut program = home.command("headers", &[&fake.mcp()]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    program
        .command()
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", path)
        .current_dir("/");
    for (name, value) in [
        ("LANG", "C"),
        ("LOGNAME", "u"),
        ("PWD", "/"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
        ("USER", "u"),
    ] {
        program.command().env(name, value);
    }
    let got = output(program);
    assert_eq!(
        String::from_utf8_lossy(&got.stdout),
        format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}\n")
    );
}

#[apply(test)]
fn cp8_headers_finds_the_login_where_no_store_and_no_bus_is_named() {
    let fake = Fake::start();
    let home = live(&fake);
    let mut program = Program::new()
        .at_home(home.path())
        .args(["headers", &fake.mcp()]);
    program.command().env_remove("DBUS_SESSION_BUS_ADDRESS");
    let got = output(program);
    assert!(
        got.status.success(),
        "{}",
        String::from_utf8_lossy(&got.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&got.stdout),
        format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}\n")
    );
}

#[apply(test)]
fn cp7_headers_of_the_server_that_claude_code_names() {
    let fake = Fake::start();
    let home = Home::new();
    let member = |token: &str| json!({"access_token": token, "expires_at": "2999-01-01T00:00:00Z"});
    home.put(&[
        login_to(&fake.mcp(), &fake, member("access-url")),
        login_to("work", &fake, member("access-name")),
    ]);
    for (url, name, expected) in [
        (Some(fake.mcp()), Some("work"), Some("access-url")),
        (None, Some("work"), Some("access-name")),
        (Some(String::new()), Some("work"), Some("access-name")),
        (None, None, None),
    ] {
        let mut program = home.command("headers", &[]);
        if let Some(url) = &url {
            program = program.env("CLAUDE_CODE_MCP_SERVER_URL", url);
        }
        if let Some(name) = name {
            program = program.env("CLAUDE_CODE_MCP_SERVER_NAME", name);
        }
        let got = output(program);
        let expected = expected.map_or(String::new(), |token| {
            format!("{{\"Authorization\":\"Bearer {token}\"}}\n")
        });
        assert_eq!(
            String::from_utf8_lossy(&got.stdout),
            expected,
            "{url:?} {name:?}"
        );
        assert_eq!(got.status.success(), !expected.is_empty());
    }
}

#[apply(test)]
fn cp1_a_closed_pipe_does_not_panic() {
    let fake = Fake::start();
    let home = live(&fake);
    let got = output(
        home.at("token", &fake)
            .through_shell("exec 3>&1; true", "1>/dev/full"),
    );
    assert_eq!(
        got.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&got.stderr)
    );
    // The other end of the pipe is closed before anything is written.
    for command in ["token", "headers"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut program = home.at(command, &fake);
        program.command().stdout(writer);
        let got = output(program);
        assert_eq!(
            (got.status.code(), got.stderr.is_empty()),
            (Some(0), true),
            "{command}"
        );
    }
}

/// A full disk is told by whatever prints, and a reader that has enough is no fault.
#[apply(test)]
fn r6_what_stdout_does_not_take_is_told() {
    let fake = Fake::start();
    let home = live(&fake);
    let server = fake.mcp().to_string();
    for command in [
        vec!["token", &server],
        vec!["headers", &server],
        vec!["status"],
        vec!["status", "--json"],
        vec!["whoami", &server],
        vec!["providers"],
        vec!["completion", "bash"],
        vec!["handover", &server, "--to", "any"],
        vec!["status", "--json", &server],
        vec!["--help"],
        vec!["token", "-h"],
        vec!["login", "--help"],
        vec!["--version"],
    ] {
        let to = |out: Stdio| {
            let mut program = home.command(command[0], &command[1..]);
            program.command().stdout(out);
            output(program)
        };
        let full = std::fs::File::options().write(true).open("/dev/full");
        let got = to(full.expect("a device").into());
        let said = String::from_utf8_lossy(&got.stderr).into_owned();
        assert_eq!(got.status.code(), Some(7), "{command:?}: {said}");
        let why = "error: cannot write to stdout: No space left on device\n";
        assert!(said.contains(why), "{command:?}: {said}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let said = String::from_utf8_lossy(&to(writer.into()).stderr).into_owned();
        assert!(!said.contains("error"), "{command:?}: {said}");
    }
}

/// Runs a shell text by `exec`.
fn shell(home: &Home, fake: &Fake, text: &str) -> Program {
    home.command("exec", &[&fake.mcp(), "--", "/bin/sh", "-c", text])
}

#[apply(test)]
fn sec1_exec_hands_the_token_on_by_the_environment_only() {
    let fake = Fake::start();
    let home = live(&fake);
    let text = "printf '%s|' \"$MCP_LOGIN_BEARER\"; tr '\\0' ' ' < /proc/$$/cmdline; echo; env";
    let got = String::from_utf8(output(shell(&home, &fake, text)).stdout).expect("text");
    let (token, rest) = got.split_once('|').expect("two parts");
    let (line, environment) = rest.split_once('\n').expect("a line");
    assert_eq!(token, TOKEN);
    assert!(!line.contains(TOKEN), "{line}");
    assert_eq!(environment.matches(TOKEN).count(), 1, "{environment}");
    assert!(!environment.contains("refresh-0"));
    let named = home.command(
        "exec",
        &[
            "--env",
            "MINE",
            &fake.mcp(),
            "--",
            "/bin/sh",
            "-c",
            "echo \"$MINE/$MCP_LOGIN_BEARER\"",
        ],
    );
    assert_eq!(named.run().expect(0).stdout, format!("{TOKEN}/"));
}

#[apply(test)]
fn exec_passes_status_signals_and_stdin_on() {
    let fake = Fake::start();
    let home = live(&fake);
    for code in [0, 1, 3, 42, 255] {
        assert_eq!(
            output(shell(&home, &fake, &format!("exit {code}")))
                .status
                .code(),
            Some(code)
        );
    }
    assert_eq!(
        output(shell(&home, &fake, "kill -TERM $$")).status.signal(),
        Some(15)
    );
    // It is the same process: whoever signals the one that was started reaches the command.
    let mut running = shell(
        &home,
        &fake,
        "trap 'echo caught; exit 9' USR1; echo \"{\\\"event\\\":\\\"ready\\\"}\"; while :; do sleep 0.05; done",
    )
    .start();
    running.event("ready");
    running.process().signal(rustix::process::Signal::USR1);
    let finished = running.finish();
    assert_eq!(
        (finished.code, finished.stdout.contains("caught")),
        (Some(9), true)
    );
    let mut running = shell(&home, &fake, "cat").with_stdin().start();
    running.type_in("through\n");
    assert_eq!(running.finish().expect(0).stdout, "through");
    let pty = Pty::open();
    shell(&home, &fake, "test -t 0 && test -t 2")
        .on(&pty)
        .run()
        .expect(0);
    for (program, code) in [
        ("/nonexistent/program", 127),
        ("no-such-program-anywhere", 127),
        ("/etc/passwd", 126),
        ("/tmp", 126),
    ] {
        let got = output(home.command("exec", &[&fake.mcp(), "--", program]));
        assert_eq!(
            (got.status.code(), got.stdout.is_empty()),
            (Some(code), true),
            "{program}"
        );
        assert!(!String::from_utf8_lossy(&got.stderr).contains(TOKEN));
    }
}

#[apply(test)]
fn sec4_exec_gives_the_command_its_core_limit_back() {
    let fake = Fake::start();
    let home = live(&fake);
    let plain = Program::new()
        .through(&["sh", "-c", "ulimit -Sc; ulimit -Hc"])
        .run()
        .stdout;
    assert_eq!(
        shell(&home, &fake, "ulimit -Sc; ulimit -Hc")
            .run()
            .expect(0)
            .stdout,
        plain
    );
}

#[apply(test)]
fn a_near_miss_of_a_login_is_named() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"profile": "work"}));
    for server in [fake.mcp(), format!("{}/other", fake.origin())] {
        let refused = home.command("token", &[&server]).run().expect(3);
        let hint = format!(
            "did you mean --profile work {}, which is logged in? If not: mcp-login {server}",
            fake.mcp()
        );
        assert!(refused.stderr.contains(&hint), "{}", refused.stderr);
    }
    let refused = home
        .command("token", &["https://elsewhere.example"])
        .run()
        .expect(3);
    assert!(
        refused
            .stderr
            .contains("hint: mcp-login https://elsewhere.example"),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn a13_the_variable_of_exec_has_a_name() {
    let fake = Fake::start();
    let home = live(&fake);
    for name in ["", "A=B", "a b", "1A", "A-B", "\u{1b}[2J", "\u{e9}"] {
        let refused = home
            .command("exec", &["--env", name, &fake.mcp(), "--", "env"])
            .run()
            .expect(2);
        assert!(
            refused.stdout.is_empty() && !refused.stderr.contains(TOKEN),
            "{name:?}: {}",
            refused.stderr
        );
    }
    let told = home
        .command(
            "exec",
            &["--env", "_A1", &fake.mcp(), "--", "sh", "-c", "echo $_A1"],
        )
        .run()
        .expect(0);
    assert_eq!(told.stdout, TOKEN);
}

#[apply(test)]
fn min_ttl_may_be_the_whole_lifetime_of_a_token() {
    let fake = Fake::start();
    let left = chrono::Utc::now() + chrono::Duration::seconds(50);
    let expires_at = left.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let home = Home::with(
        &fake,
        json!({"access_token": TOKEN, "expires_at": expires_at}),
    );
    for none in ["0", "0s"] {
        let finished = home
            .command("token", &["--min-ttl", none, &fake.mcp()])
            .run()
            .expect(0);
        assert_eq!(finished.stdout, TOKEN);
    }
    assert_eq!(fake.seen().len(), 0);
    home.command("token", &["--min-ttl", "-1", &fake.mcp()])
        .run()
        .expect(2);
}

#[apply(test)]
fn c53_a_login_of_another_profile_is_not_the_requested_one() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({}));
    let url = fake.mcp();
    let refused = home
        .command("token", &["--profile", "work", &url])
        .run()
        .expect(3);
    let hint =
        format!("did you mean {url} without --profile, which is logged in? If not: mcp-login --profile work {url}");
    assert!(refused.stderr.contains(&hint), "{}", refused.stderr);
    let other = format!("{}/other", fake.origin());
    let refused = home
        .command("token", &["--profile", "work", &other])
        .run()
        .expect(3);
    assert!(
        refused
            .stderr
            .contains(&format!("did you mean {url} without --profile")),
        "{}",
        refused.stderr
    );
}

/// A login looks at its store in a thread of its own meanwhile. Whichever finds the mode says so before another reads on.
#[apply(test)]
fn a_warning_is_said_before_the_end_whichever_thread_sends_it() {
    needs(&["strace"]);
    let fake = Fake::start();
    let home = live(&fake);
    for _ in 0..4 {
        fs::set_permissions(home.credentials(), Permissions::from_mode(0o644)).expect("a file");
        let login = home.command("login", &["--json", &fake.mcp()]);
        let delay = Some("fchmod:delay_exit=300000");
        let finished = traced(login, "fchmod", "/dev/null", delay).expect(0);
        assert_eq!(finished.event("warning")["code"], "file_readable");
        assert_eq!(finished.event("logged_in")["already"], true);
        assert_eq!(finished.stderr.matches("others could read").count(), 1);
    }
}

/// As in a mount of `rclone`, where setting a mode succeeds and does nothing.
#[apply(test)]
fn d8_a_file_system_that_keeps_a_mode() {
    needs(&["strace"]);
    let fake = Fake::start();
    let home = live(&fake);
    fs::set_permissions(home.credentials(), Permissions::from_mode(0o644)).expect("a file");
    let kept = |program| traced(program, "fchmod", "/dev/null", Some("fchmod:retval=0"));
    let finished = kept(home.at("token", &fake)).expect(0);
    let warning = format!(
        "mcp-login: warning: others can read {} (mode 0644), and that cannot be changed: the file system keeps its mode",
        home.credentials().display()
    );
    assert_eq!(finished.stderr, warning);
    let doctor = kept(home.command("doctor", &["--json"])).expect(0).stdout;
    assert!(
        doctor.contains("is open to others (mode 0644): its file system keeps that"),
        "{doctor}"
    );
}

#[apply(test)]
fn warnings_are_events_with_a_code() {
    let fake = Fake::start();
    let home = live(&fake);
    let url = fake.mcp();
    let path = home.credentials();
    let sentence = format!(
        "others could read {} (mode 0644); now only you can",
        path.display()
    );
    let event = json!({"event": "warning", "code": "file_readable", "message": sentence});
    let run = |command: &str, args: &[&str]| {
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a file");
        let got = output(home.command(command, args).arg(&url));
        assert!(got.status.success(), "{command} {args:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&got.stdout), text(&got.stderr))
    };
    let json = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    // As a sentence, unless quiet was asked for.
    let (stdout, stderr) = run("token", &[]);
    assert_eq!(stdout, format!("{TOKEN}\n"));
    assert_eq!(stderr, format!("mcp-login: warning: {sentence}\n"));
    assert_eq!(run("token", &["-q"]).1, "");
    // Where stdout carries one result, as a line on stderr.
    for command in ["token", "headers", "status"] {
        let (stdout, stderr) = run(command, &["--json"]);
        assert_eq!((stdout.lines().count(), json(&stderr)), (1, event.clone()));
    }
    // Else beside the other events.
    for (options, is_said) in [(&["--json"][..], true), (&["--json", "-q"], false)] {
        let (stdout, stderr) = run("login", options);
        let events: Vec<_> = stdout.lines().map(json).collect();
        let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
        assert_eq!(names, ["warning", "logged_in"], "{stdout}");
        assert_eq!(events[0], event);
        assert_eq!(stderr.contains(&sentence), is_said, "{stderr}");
    }
}
