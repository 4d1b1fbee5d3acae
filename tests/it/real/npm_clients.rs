//! The clients from npm that a login is moved to: each is the real program, asks nobody to log in, finds that the access
//! token has expired, and refreshes it as the client that we registered.

use std::fs;
use std::path::Path;
use std::process::Command;

use md5::{Digest as _, Md5};
use serde_json::{json, Value};

use super::bed::{gemini_cli, mcp_remote, mcporter, node, of_client, opencode, script, Bed, Part};
use super::clients::answer;
use super::running::Run;
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::write_program;

/// Starts a protected MCP server whose first access token has expired by the time that somebody uses it.
fn start() -> Fake {
    Fake::with(
        |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/token") => Some(issue(seen, fake)),
            ("POST", "/mcp") => serve(seen, fake),
            ("GET", "/mcp") => Some(Reply::status(405)),
            _ => None,
        },
    )
}

/// Answers at the token endpoint: the first refresh token is taken once, from the client that it was issued to.
fn issue(seen: &Seen, fake: &Fake) -> Reply {
    let Some(refresh_token) = seen.parameter("refresh_token") else {
        let Reply::Full {
            status: 200, body, ..
        } = fake.behave(seen)
        else {
            return Reply::status(400);
        };
        let mut tokens: Value = serde_json::from_slice(&body).expect("JSON");
        tokens["expires_in"] = 1.into();
        return Reply::json(200, &tokens);
    };
    let earlier = fake
        .seen_at("/token")
        .iter()
        .filter(|seen| seen.parameter("refresh_token").is_some())
        .count();
    let client_id = seen.parameter("client_id");
    match (refresh_token.as_str(), client_id.as_deref(), earlier) {
        ("refresh-1", Some("client-1"), 1) => Reply::json(200, &fake.tokens(2, None)),
        _ => Reply::json(400, &json!({"error": "invalid_grant"})),
    }
}

/// Answers as the MCP server; `None` to what the fake refuses by itself.
fn serve(seen: &Seen, fake: &Fake) -> Option<Reply> {
    match seen.header("authorization") {
        Some("Bearer access-2") => Some(answer(seen, "echoed")),
        Some(_) => {
            let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", fake.origin());
            let challenge =
                format!("Bearer error=\"invalid_token\", resource_metadata=\"{metadata}\"");
            Some(
                Reply::json(401, &json!({"error": "invalid_token"}))
                    .with("WWW-Authenticate", &challenge),
            )
        }
        None => None,
    }
}

/// Returns a command with nothing but a home, in which all usual places are. Whatever it would send to another machine
/// comes to the fake instead.
fn command(bed: &Bed, fake: &Fake, program: &Path) -> Command {
    let mut command = bed.command(program);
    for name in [
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        command.env_remove(name);
    }
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env(name, fake.origin());
    }
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .env("NODE_USE_ENV_PROXY", "1");
    command.env(
        "PATH",
        format!("{}:/usr/bin:/bin", bed.path("bin").display()),
    );
    command
}

/// Logs in and moves the login to a client, whose configuration names the server.
fn move_login(bed: &Bed, fake: &Fake, client: &str, configuration: &str, entry: Value) {
    let event = hand_over(bed, fake, client, configuration, entry);
    assert_eq!(
        (&event["client"], &event["mode"]),
        (&json!(client), &json!("move"))
    );
}

/// Logs in and hands the login over to a client, whose configuration names the server.
fn hand_over(bed: &Bed, fake: &Fake, client: &str, configuration: &str, entry: Value) -> Value {
    let path = bed.path(configuration);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let table = match client {
        "opencode" | "kilo" => "mcp",
        _ => "mcpServers",
    };
    fs::write(&path, json!({table: {"x": entry}}).to_string()).expect("a configuration");
    Program::login(fake).at_home(bed.home()).agree().expect(0);
    let mut program = command(bed, fake, Path::new(env!("CARGO_BIN_EXE_mcp-login")));
    program.args([
        "--json",
        "handover",
        "--store",
        "file",
        &fake.mcp(),
        "--to",
        client,
        "--write",
    ]);
    let finished = Run::start(&mut program).finish().exits(0);
    finished.event("handed_over").clone()
}

/// Runs a client to its end, and requires that it got through with one refresh, as our client, and never began a login.
fn prove(fake: &Fake, client: &mut Command, said: &str) {
    let seen = prove_login(fake, client, said);
    let out: Vec<_> = seen
        .iter()
        .filter(|seen| seen.method == "CONNECT" || seen.path.contains("://"))
        .collect();
    assert!(out.is_empty(), "nothing goes to another machine: {out:?}");
}

/// The same for a client that reports to its makers whatever it is told, which ends at the fake. Returns all requests.
fn prove_login(fake: &Fake, client: &mut Command, said: &str) -> Vec<Seen> {
    let before = fake.seen().len();
    let finished = Run::start(client).finish().exits(0);
    let seen = fake.seen().split_off(before);
    let all = || {
        format!(
            "{seen:#?}\nstdout: {}\nstderr: {}",
            finished.stdout, finished.stderr
        )
    };
    assert!(finished.stdout.contains(said), "{}", all());
    let at = |path: &'static str| seen.iter().filter(move |seen| seen.path == path);
    let refreshes: Vec<_> = at("/token")
        .map(|seen| seen.parameter("refresh_token"))
        .collect();
    assert_eq!(refreshes, [Some("refresh-1".to_owned())], "{}", all());
    assert_eq!(
        at("/authorize").chain(at("/register")).count(),
        0,
        "{}",
        all()
    );
    let tokens: Vec<_> = at("/mcp")
        .filter(|seen| seen.method == "POST")
        .map(|seen| seen.header("authorization"))
        .collect();
    assert!(
        tokens.iter().all(Option::is_some) && tokens.ends_with(&[Some("Bearer access-2")]),
        "{}",
        all()
    );
    seen
}

/// Requires that the client has kept what the refresh gave it.
fn prove_kept(bed: &Bed, name: &str) {
    let text = bed.read(name);
    assert!(
        text.contains("access-2") && text.contains("refresh-2"),
        "{name}: {text}"
    );
}

#[apply(test)]
fn mcp_remote_uses_a_moved_login() {
    let bed = Bed::with(&[Part::Npm, Part::McpRemote]);
    let fake = start();
    let entry = json!({"command": "npx", "args": ["-y", "mcp-remote", fake.mcp()]});
    move_login(
        &bed,
        &fake,
        "mcp-remote",
        ".config/Claude/claude_desktop_config.json",
        entry,
    );
    let mut client = command(&bed, &fake, &node());
    client
        .arg(script("stdio-client.mjs"))
        .arg(node())
        .arg(mcp_remote())
        .arg(fake.mcp());
    prove(&fake, &mut client, "echoed");
    let hash: String = Md5::digest(fake.mcp())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    prove_kept(&bed, &format!(".mcp-auth/mcp-remote-v1/{hash}_tokens.json"));
}

#[apply(long_test)]
fn gemini_cli_uses_a_moved_login() {
    let bed = Bed::with(&[Part::Npm, Part::GeminiCli]);
    let fake = start();
    move_login(
        &bed,
        &fake,
        "gemini-cli",
        ".gemini/settings.json",
        json!({"httpUrl": fake.mcp()}),
    );
    let mut client = command(&bed, &fake, &node());
    client
        .arg(gemini_cli())
        .args(["mcp", "list"])
        .env("GEMINI_CLI_TRUST_WORKSPACE", "true");
    prove(&fake, &mut client, "");
    prove_kept(&bed, ".gemini/mcp-oauth-tokens.json");
}

#[apply(long_test)]
fn opencode_uses_a_moved_login() {
    let bed = Bed::with(&[Part::Opencode]);
    let fake = start();
    let entry = json!({"type": "remote", "url": fake.mcp()});
    move_login(
        &bed,
        &fake,
        "opencode",
        ".config/opencode/opencode.json",
        entry,
    );
    // Otherwise it fetches the package for plugins into the directory of its configuration.
    fs::create_dir(bed.path(".config/opencode/node_modules")).expect("a directory");
    let lock = json!({"packages": {"": {"dependencies": {"@opencode-ai/plugin": "1.18.33"}}}});
    fs::write(
        bed.path(".config/opencode/package-lock.json"),
        lock.to_string(),
    )
    .expect("a file");
    let mut client = command(&bed, &fake, &opencode());
    client.args(["mcp", "list"]);
    for name in [
        "OPENCODE_DISABLE_AUTOUPDATE",
        "OPENCODE_DISABLE_MODELS_FETCH",
    ] {
        client.env(name, "1");
    }
    prove(&fake, &mut client, "connected");
    prove_kept(&bed, ".local/share/opencode/mcp-auth.json");
}

#[apply(long_test)]
fn qwen_code_uses_a_moved_login() {
    let bed = Bed::with(&[Part::MoreClients]);
    let fake = start();
    let entry = json!({"httpUrl": fake.mcp()});
    move_login(&bed, &fake, "qwen-code", ".qwen/settings.json", entry);
    let mut client = command(&bed, &fake, &node());
    client
        .arg(of_client("@qwen-code/qwen-code/cli-entry.js"))
        .args(["mcp", "list"]);
    prove(&fake, &mut client, "Connected");
    prove_kept(&bed, ".qwen/mcp-oauth-tokens.json");
}

#[apply(long_test)]
fn kilo_uses_a_moved_login() {
    let bed = Bed::with(&[Part::MoreClients]);
    let fake = start();
    let entry = json!({"type": "remote", "url": fake.mcp()});
    move_login(&bed, &fake, "kilo", ".config/kilo/kilo.json", entry);
    let program = of_client("@kilocode/cli-linux-x64/bin/kilo");
    let mut client = command(&bed, &fake, &program);
    for name in ["KILO_DISABLE_AUTOUPDATE", "KILO_DISABLE_MODELS_FETCH"] {
        client.env(name, "1");
    }
    prove_login(&fake, client.args(["mcp", "list"]), "connected");
    prove_kept(&bed, ".local/share/kilo/mcp-auth.json");
}

/// A client that starts this program as its MCP server.
#[apply(long_test)]
fn droid_starts_connect() {
    let bed = Bed::with(&[Part::MoreClients]);
    let fake = start();
    let entry = json!({"type": "http", "url": fake.mcp()});
    let event = hand_over(&bed, &fake, "droid", ".factory/mcp.json", entry);
    assert_eq!(
        (&event["mode"], &event["name"]),
        (&json!("access"), &json!("x"))
    );
    let program = of_client("@factory/cli-linux-x64/bin/droid");
    let mut client = command(&bed, &fake, &program);
    prove_login(&fake, client.args(["mcp", "list"]), "x  stdio  connected");
}

#[apply(test)]
fn mcporter_uses_a_moved_login() {
    let bed = Bed::with(&[Part::Npm, Part::Mcporter]);
    let fake = start();
    fs::create_dir(bed.path("bin")).expect("a directory");
    let program = bed.path("bin/mcporter");
    let text = format!(
        "#!/bin/sh\nexec '{}' '{}' \"$@\"\n",
        node().display(),
        mcporter().display()
    );
    write_program(&program, &text);
    let entry = json!({"baseUrl": fake.mcp(), "auth": "oauth"});
    move_login(&bed, &fake, "mcporter", ".mcporter/mcporter.json", entry);
    prove(
        &fake,
        command(&bed, &fake, &program).args(["call", "x.echo", "--no-oauth"]),
        "echoed",
    );
    prove_kept(&bed, ".mcporter/credentials.json");
}

#[apply(long_test)]
fn cline_uses_a_moved_login() {
    let bed = Bed::with(&[Part::Npm, Part::Cline]);
    let fake = start();
    let settings = ".cline/data/settings/cline_mcp_settings.json";
    let entry = json!({"transport": {"type": "streamableHttp", "url": fake.mcp()}});
    move_login(&bed, &fake, "cline", settings, entry);
    let mut client = command(&bed, &fake, &node());
    prove(&fake, client.arg(script("cline.mjs")), "echoed");
    prove_kept(&bed, settings);
}
