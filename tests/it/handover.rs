//! The hand-over of a login: what each client gets, who owns the refresh token then, and that nothing is lost on the way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::{Finished, Program};
use crate::support::rotating::{login_to, Home, Rotating};
use crate::support::skip::needs;
use crate::support::{strace, wait_for, write_program};

/// A home with a login whose access token is live.
fn live(fake: &Fake) -> Home {
    Home::with(fake, json!({"expires_at": "2999-01-01T00:00:00Z"}))
}

/// What the helper prints.
const HEADERS: &str = "{\"Authorization\":\"Bearer access-0\"}";

fn hand_over(home: &Home, fake: &Fake, args: &[&str]) -> Program {
    home.command("handover", &[&fake.mcp()]).args(args)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// Runs a helper as Codex does: with next to nothing in its environment, in another directory.
fn run_helper(home: &Home, helper: &str) -> Finished {
    let mut program = Program::new()
        .at_home(home.path())
        .through(&["sh", "-c", helper]);
    program
        .command()
        .current_dir("/")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    program.run()
}

#[apply(test)]
fn cm1_codex_asks_us_by_a_command_that_works_anywhere() {
    let fake = Fake::start();
    let home = live(&fake);
    let shown = hand_over(&home, &fake, &["--to", "codex", "--name", "x"])
        .run()
        .expect(0);
    let config = home.path().join(".codex/config.toml");
    assert!(
        shown.stdout.starts_with("[mcp_servers.x]\nurl = "),
        "{}",
        shown.stdout
    );
    assert!(
        !config.exists() && shown.stderr.contains(".codex/config.toml"),
        "{}",
        shown.stderr
    );

    let old = "# mine\nmodel = \"m\"\n\n[mcp_servers.y]\ncommand = \"c\"\n";
    write(&config, old);
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("a mode");
    hand_over(&home, &fake, &["--to", "codex", "--name", "x", "--write"])
        .run()
        .expect(0);
    let text = fs::read_to_string(&config).expect("the configuration");
    assert_eq!(
        text,
        format!("{old}\n{}\n", shown.stdout),
        "what is written is what was shown"
    );
    assert_eq!(mode(&config), 0o644);
    let helper = text
        .split("http_headers_helper = ")
        .nth(1)
        .expect("a helper")
        .trim();
    let helper: String = serde_json::from_str(helper).expect("a string");
    assert!(
        helper.ends_with(&format!("--store file headers {}", fake.mcp())),
        "{helper}"
    );
    assert_eq!(run_helper(&home, &helper).expect(0).stdout, HEADERS);
    assert_eq!(
        home.kept(&fake)["refresh_token"],
        "refresh-0",
        "we stay the owner"
    );
}

#[apply(test)]
fn cp7_each_setting_is_in_the_command() {
    let fake = Fake::start();
    let home = live(&fake);
    let elsewhere = home.path().join("o'ther dir");
    write(&elsewhere.join("ca.pem"), "");
    fs::rename(home.data(), elsewhere.join("data")).expect("moved");
    let shown = Program::new()
        .at_home(home.path())
        .args([
            "handover",
            "--store",
            "file",
            "--json",
            &fake.mcp(),
            "--to",
            "claude-code",
            "--data-dir",
            "data",
        ])
        .through_shell(&format!("cd \"{}\"", elsewhere.display()), "");
    let shown = shown.run().expect(0);
    let event = shown.event("handed_over");
    assert_eq!(
        (&event["client"], &event["mode"], &event["name"]),
        (&json!("claude-code"), &json!("access"), &json!("127.0.0.1"))
    );
    let setting: Value =
        serde_json::from_str(event["setting"].as_str().expect("a setting")).expect("JSON");
    let server = &setting["mcpServers"]["127.0.0.1"];
    assert_eq!(
        (&server["type"], &server["url"]),
        (&json!("http"), &json!(fake.mcp()))
    );
    let helper = server["headersHelper"].as_str().expect("a helper");
    assert_eq!(
        run_helper(&home, helper).expect(0).stdout,
        HEADERS,
        "{helper}"
    );
}

#[apply(test)]
fn cm1_claude_code_keeps_all_the_rest_of_its_configuration() {
    let fake = Fake::start();
    let home = live(&fake);
    let config = home.path().join(".claude.json");
    let old = json!({
        "numStartups": 7,
        "oauthAccount": {"emailAddress": "ann@example.com"},
        "mcpServers": {"x": {"type": "sse", "url": fake.mcp(), "headers": {"X-A": "b"}}, "y": {"command": "c"}},
    });
    write(&config, &serde_json::to_string_pretty(&old).expect("JSON"));
    hand_over(
        &home,
        &fake,
        &["--to", "claude-code", "--name", "x", "--write"],
    )
    .run()
    .expect(0);
    let mut new: Value =
        serde_json::from_slice(&fs::read(&config).expect("the configuration")).expect("JSON");
    let server = new["mcpServers"]["x"].as_object_mut().expect("the server");
    assert!(server
        .remove("headersHelper")
        .is_some_and(|helper| helper.as_str().unwrap_or_default().contains("headers")));
    assert_eq!(new, old);
    let refused = hand_over(&home, &fake, &["--to", "claude-code", "--mode", "move"]).run();
    assert!(refused.expect(2).stderr.contains("use --mode access"));
}

#[apply(test)]
fn cm1_claude_code_gets_a_projects_server_before_it_knows_the_project() {
    let fake = Fake::start();
    let home = live(&fake);
    let work = home.path().join("work");
    let servers = json!({"mcpServers": {"theirs": {"type": "http", "url": fake.mcp()}}});
    write(&work.join(".mcp.json"), &servers.to_string());
    let mut program = hand_over(&home, &fake, &["--to", "claude-code", "--write"]);
    program.command().current_dir(&work);
    let written = program.run().expect(0);
    let told = written
        .stderr
        .matches("comes from a project's file")
        .count();
    assert_eq!(told, 1, "{}", written.stderr);
    let config = fs::read(home.path().join(".claude.json")).expect("the configuration");
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    let project = config["projects"].as_object().expect("projects");
    let (directory, project) = project.iter().next().expect("a project");
    assert_eq!(Path::new(directory), work);
    assert_eq!(project["mcpServers"]["theirs"]["url"], fake.mcp());
}

#[apply(test)]
fn cm1_claude_code_keeps_the_servers_of_a_directory_by_its_repository() {
    let fake = Fake::start();
    let servers = json!({"mcpServers": {"theirs": {"type": "http", "url": fake.mcp()}}});
    for directory in ["tree", "main/inner"] {
        let home = live(&fake);
        let (main, tree) = (home.path().join("main"), home.path().join("tree"));
        let own = main.join(".git/worktrees/tree");
        write(&tree.join(".git"), &format!("gitdir: {}\n", own.display()));
        write(&own.join("gitdir"), &format!("{}/.git\n", tree.display()));
        let directory = home.path().join(directory);
        write(&directory.join(".mcp.json"), &servers.to_string());
        let mut program = hand_over(&home, &fake, &["--to", "claude-code", "--write"]);
        program.command().current_dir(directory);
        program.run().expect(0);
        let config = fs::read(home.path().join(".claude.json")).expect("the configuration");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        let projects = config["projects"].as_object().expect("projects");
        assert!(
            projects.keys().eq([&main.display().to_string()]),
            "{config}"
        );
        let server = &projects.values().next().expect("a project")["mcpServers"]["theirs"];
        assert!(server["headersHelper"].is_string(), "{config}");
    }
}

#[apply(test)]
fn cm1_dotenv_is_a_line_that_a_shell_reads() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let shown = hand_over(&home, &servers.fake, &["--to", "dotenv"])
        .run()
        .expect(0);
    assert_eq!(
        servers.refreshes(),
        1,
        "an expired token is of no use to anybody"
    );
    let line = shown.stdout.trim_end();
    let token = line
        .strip_prefix("MCP_LOGIN_BEARER='")
        .and_then(|rest| rest.strip_suffix('\''))
        .expect(line);
    assert_eq!(home.kept(&servers.fake)["access_token"], token);
    assert!(!shown.stderr.contains(token));
    let named = hand_over(&home, &servers.fake, &["--to", "dotenv", "--env", "X_1"])
        .run()
        .expect(0);
    assert_eq!(named.stdout, format!("X_1='{token}'"));
    hand_over(&home, &servers.fake, &["--to", "dotenv", "--env", "A-B"])
        .run()
        .expect(2);
}

#[apply(test)]
fn github_actions_masks_first_and_adds_to_the_environment_of_the_job() {
    let fake = Fake::start();
    let home = live(&fake);
    let to = ["--to", "github-actions", "--env", "TOKEN"];
    let outside = hand_over(&home, &fake, &to).run().expect(2);
    assert!(outside.stdout.is_empty() && outside.stderr.contains("GITHUB_ENV is not set"));
    let file = home.path().join("env");
    write(&file, "A=1\n");
    let shown = hand_over(&home, &fake, &to)
        .env("GITHUB_ENV", &file)
        .run()
        .expect(0);
    assert_eq!(shown.stdout, "::add-mask::access-0");
    let text = fs::read_to_string(&file).expect("the file");
    let lines: Vec<_> = text.lines().collect();
    let (name, end) = lines[1].split_once("<<").expect("a delimiter");
    assert_eq!(
        (lines[0], name, lines[2], lines[3], lines.len()),
        ("A=1", "TOKEN", "access-0", end, 4)
    );
}

/// Returns what Codex has of the login.
fn at_codex(home: &Home) -> Value {
    let text =
        fs::read(home.path().join(".codex/.credentials.json")).unwrap_or_else(|_| b"{}".to_vec());
    let logins: Value = serde_json::from_slice(&text).expect("JSON, whatever happens");
    logins
        .as_object()
        .expect("an object")
        .values()
        .next()
        .cloned()
        .unwrap_or_default()
}

const MOVE: [&str; 6] = ["--to", "codex", "--mode", "move", "--name", "x"];

#[apply(test)]
fn cm2_what_is_moved_is_not_ours_any_more() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let moved = hand_over(&home, fake, &MOVE).run().expect(0);
    let given = at_codex(&home);
    assert!(
        servers.is_good(given["refresh_token"].as_str().expect("a token")),
        "{given}"
    );
    assert_eq!(
        (&given["client_id"], &given["issuer"]),
        (&json!("mine"), &json!(fake.origin()))
    );
    assert_eq!(
        (&given["server_name"], &given["server_url"]),
        (&json!("x"), &json!(fake.mcp()))
    );
    assert_eq!(given["expires_at"], 1_577_840_400_000_u64);
    assert_eq!(mode(&home.path().join(".codex/.credentials.json")), 0o600);
    assert!(!moved
        .stderr
        .contains(given["refresh_token"].as_str().expect("a token")));
    assert!(
        !home
            .text()
            .contains(given["refresh_token"].as_str().expect("a token")),
        "dropped"
    );

    let table = home.command("status", &[]).run().expect(0).stdout;
    assert!(
        table
            .lines()
            .any(|line| line.contains("handed over") && line.contains("  codex")),
        "{table}"
    );
    let status = home.command("status", &["--json"]).run().expect(0);
    assert_eq!(status.events[0]["logins"][0]["state"], "handed_over");
    assert_eq!(status.events[0]["logins"][0]["handed_over"]["to"], "codex");
    let refused = home.token(fake).expect(3);
    assert!(
        refused.stderr.contains("it was handed over to codex"),
        "{}",
        refused.stderr
    );
    assert!(
        refused
            .stderr
            .contains(&format!("hint: mcp-login {}", fake.mcp())),
        "{}",
        refused.stderr
    );
    hand_over(&home, fake, &MOVE).run().expect(3);
    assert_eq!(servers.refreshes(), 0);

    let out = home
        .command("logout", &["--json", &fake.mcp()])
        .run()
        .expect(0);
    assert_eq!(out.events[0]["tokens"], "handed_over");
    assert!(
        servers.is_good(given["refresh_token"].as_str().expect("a token")),
        "it is not ours to revoke"
    );
}

#[apply(test)]
fn cm2_a_new_login_takes_it_back() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    hand_over(&home, fake, &MOVE).run().expect(0);
    Program::login(fake).at_home(home.path()).agree().expect(0);
    home.token(fake).expect(0);
    assert!(home.kept(fake)["handed_over"].is_null());
}

#[apply(test)]
fn cw3_what_is_not_known_is_not_touched_and_the_login_stays_ours() {
    for text in ["[]", "{", "7"] {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        let file = home.path().join(".codex/.credentials.json");
        write(&file, text);
        let refused = hand_over(&home, fake, &MOVE)
            .arg("--json")
            .run()
            .expect_error(7, "format_unknown");
        assert!(refused.stdout.contains("not in the known format"));
        assert_eq!(fs::read_to_string(&file).expect("the file"), text);
        home.token(fake).expect(0);
    }
}

#[apply(test)]
fn cm2_a_login_can_be_handed_over_as_it_is_made() {
    let fake = Fake::start();
    let home = Home::new();
    let login = Program::login(&fake)
        .at_home(home.path())
        .args(["--handover", "codex", "--write"])
        .agree()
        .expect(0);
    let event = login.event("handed_over");
    assert_eq!(
        (&event["client"], &event["mode"]),
        (&json!("codex"), &json!("access"))
    );
    let config =
        fs::read_to_string(home.path().join(".codex/config.toml")).expect("a configuration");
    assert!(config.contains("http_headers_helper"), "{config}");
    Program::login(&fake)
        .args(["--handover", "nobody"])
        .run()
        .expect_error(2, "usage");
}

/// Killed at any call, a move leaves one owner: if Codex has the refresh token, we do not use it.
#[apply(test)]
fn cm2_d1_killed_at_each_call_of_a_move() {
    needs(&["strace"]);
    const KINDS: &str = "openat,write,fsync,rename,renameat,renameat2,unlink,unlinkat,mkdir,flock,fchmod,exit_group";
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let calls = strace::calls(hand_over(&home, &servers.fake, &MOVE), KINDS, home.path());
    let first = calls
        .iter()
        .position(|call| call.line.contains("/mcp-login/refresh"))
        .expect("the lock");
    let (mut ours, mut theirs, mut interrupted) = (0, 0, 0);
    for number in strace::kill_points(&calls, first) {
        let call = &calls[number];
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        let killed = strace::inject(hand_over(&home, fake, &MOVE), call, "signal=KILL");
        assert!(
            killed.signal == Some(9) || killed.code == Some(137),
            "{call:?}: {:?}",
            killed.code
        );
        let given = at_codex(&home)["refresh_token"].as_str().map(str::to_owned);
        assert_eq!(
            home.logins().len(),
            2,
            "{call:?}: the other login is untouched"
        );
        let token = home.token(fake);
        match token.code {
            Some(0) => {
                ours += 1;
                assert_eq!(given, None, "{call:?}: two owners");
            }
            Some(3) if token.stderr.contains("was interrupted") => interrupted += 1,
            Some(3) => {
                theirs += 1;
                assert!(
                    given.is_some_and(|token| servers.is_good(&token)),
                    "{call:?}: no owner at all"
                );
            }
            other => panic!("{call:?}: {other:?} {}", token.stderr),
        }
        assert!(!servers.was_reused());
    }
    assert!(
        ours > 0 && theirs > 0 && interrupted > 0,
        "{ours} {theirs} {interrupted}"
    );
}

#[apply(test)]
fn cm2_without_a_refresh_token_there_is_nothing_to_move() {
    let fake = Fake::start();
    let home = Home::with(
        &fake,
        json!({"refresh_token": null, "expires_at": "2999-01-01T00:00:00Z"}),
    );
    let refused = hand_over(
        &home,
        &fake,
        &[
            "--json", "--to", "opencode", "--name", "x", "--mode", "move",
        ],
    )
    .run();
    assert!(refused
        .expect_error(2, "handover_impossible")
        .stderr
        .contains("--mode access"));
    let given = hand_over(&home, &fake, &["--json", "--to", "opencode", "--name", "x"])
        .run()
        .expect(0);
    assert_eq!(given.event("handed_over")["mode"], "access");
    home.token(&fake).expect(0);
}

#[apply(test)]
fn cw2_hand_overs_at_once_are_all_written() {
    let fake = Fake::start();
    let home = Home::new();
    let servers: Vec<_> = (0..6)
        .map(|number| format!("{}/s{number}", fake.origin()))
        .collect();
    let login =
        |server: &String| login_to(server, &fake, json!({"expires_at": "2999-01-01T00:00:00Z"}));
    home.put(&servers.iter().map(login).collect::<Vec<_>>());
    for client in ["codex", "claude-code", "gemini-cli"] {
        let mode = if client == "gemini-cli" {
            "move"
        } else {
            "access"
        };
        let running = servers.iter().enumerate().map(|(number, server)| {
            let name = format!("n{number}");
            home.command(
                "handover",
                &[
                    server, "--to", client, "--mode", mode, "--name", &name, "--write",
                ],
            )
            .start()
        });
        running
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|running| drop(running.finish().expect(0)));
    }
    for (file, word) in [
        (".codex/config.toml", "http_headers_helper"),
        (".claude.json", "headersHelper"),
        (".gemini/mcp-oauth-tokens.json", "refreshToken"),
    ] {
        let text = fs::read_to_string(home.path().join(file)).expect("a file");
        assert_eq!(text.matches(word).count(), servers.len(), "{file}: {text}");
    }
}

/// A project's file may give a name of the user's to another server.
#[apply(test)]
fn cw3_what_belongs_to_another_server_is_not_changed() {
    let fake = Fake::start();
    let home = live(&fake);
    let codex = "[mcp_servers.github]\nurl = \"https://mcp.github.example/mcp\"\n";
    let claude =
        r#"{"mcpServers": {"github": {"type": "http", "url": "https://mcp.github.example/mcp"}}}"#;
    let opencode = r#"{"github": {"serverUrl": "https://mcp.github.example/mcp", "tokens": {"accessToken": "t"}}}"#;
    let gemini = r#"[{"serverName": "github", "mcpServerUrl": "https://mcp.github.example/mcp", "token": {}}]"#;
    for (client, file, text) in [
        ("codex", ".codex/config.toml", codex),
        ("claude-code", ".claude.json", claude),
        ("opencode", ".local/share/opencode/mcp-auth.json", opencode),
        ("gemini-cli", ".gemini/mcp-oauth-tokens.json", gemini),
    ] {
        let path = home.path().join(file);
        write(&path, text);
        let refused = hand_over(
            &home,
            &fake,
            &["--to", client, "--name", "github", "--write"],
        )
        .run()
        .expect(2);
        assert!(
            refused.stderr.contains("under the name github"),
            "{}",
            refused.stderr
        );
        assert_eq!(fs::read_to_string(&path).expect("the file"), text);
        home.token(&fake).expect(0);
    }
}

#[apply(test)]
fn cm2_a_login_made_during_a_move_is_not_lost() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let lock = home.path().join(".codex/mcp-oauth-locks/file-store.lock");
    write(&lock, "");
    let held = fs::File::open(&lock).expect("the lock");
    held.lock().expect("the lock is ours");
    let moving = hand_over(&home, fake, &MOVE).start();
    wait_for("the mark", || {
        home.kept(fake)["handed_over"].is_object().then_some(())
    });
    Program::login(fake)
        .at_home(home.path())
        .arg("--force")
        .agree()
        .expect(0);
    let new = home.kept(fake);
    held.unlock().expect("the lock is free");
    let moved = moving.finish().expect(0);
    assert!(
        moved
            .stderr
            .contains("a new login or a logout came meanwhile"),
        "{}",
        moved.stderr
    );
    assert_eq!(home.kept(fake), new);
    home.token(fake).expect(0);
}

/// What a client's command has done before it was ended nobody knows, so its token is not used by two.
/// It waits for the longest time that a command may take, 10 s.
#[apply(waiting_test)]
fn cm2_a_command_that_hangs_may_have_the_login() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let program = home.path().join("bin/mcporter");
    fs::create_dir(home.path().join("bin")).expect("a directory");
    write_program(&program, "#!/bin/sh\nexec sleep 60\n");
    let path = format!(
        "{}:/usr/bin:/bin",
        program.parent().expect("a directory").display()
    );
    let failed = hand_over(&home, fake, &["--to", "mcporter", "--name", "x"])
        .env("PATH", path)
        .run()
        .expect(7);
    assert!(
        failed.stderr.contains("did not end within 10 s"),
        "{}",
        failed.stderr
    );
    let token = home.token(fake).expect(3);
    assert!(token.stderr.contains("was interrupted"), "{}", token.stderr);
    assert_eq!(
        (
            servers.refreshes(),
            home.kept(fake)["refresh_token"].is_string()
        ),
        (0, true),
        "kept, and not used"
    );
}

#[apply(test)]
fn github_actions_masks_what_is_escaped_and_sets_nothing_that_is_not_masked() {
    let fake = Fake::start();
    let members = json!({"access_token": "abc%0Adef", "expires_at": "2999-01-01T00:00:00Z"});
    let home = Home::with(&fake, members);
    let file = home.path().join("env");
    write(&file, "");
    let to = ["--to", "github-actions"];
    let lost = hand_over(&home, &fake, &to)
        .env("GITHUB_ENV", &file)
        .through_shell("", ">/dev/full")
        .run();
    assert_eq!(
        (
            lost.code,
            fs::read_to_string(&file).expect("the file").as_str()
        ),
        (Some(7), "")
    );
    let shown = hand_over(&home, &fake, &to)
        .env("GITHUB_ENV", &file)
        .run()
        .expect(0);
    assert_eq!(shown.stdout, "::add-mask::abc%250Adef");
    assert!(fs::read_to_string(&file)
        .expect("the file")
        .contains("\nabc%0Adef\n"));
}

#[apply(test)]
fn c55_a_login_that_was_refused_is_not_moved() {
    let fake = Fake::start();
    let home = Home::with(
        &fake,
        json!({"needs_login": true, "expires_at": "2999-01-01T00:00:00Z"}),
    );
    let refused = home
        .command(
            "handover",
            &[&fake.mcp(), "--to", "hermes", "--mode", "move"],
        )
        .run()
        .expect(3);
    assert!(
        refused
            .stderr
            .contains(&format!("hint: mcp-login {}", fake.mcp())),
        "{}",
        refused.stderr
    );
    assert_eq!(home.kept(&fake)["refresh_token"], "refresh-0");
}
