//! The clients that run `mcp-login headers` by themselves: Codex and Claude Code, configured as the README says.
//!
//! Each is the real program. Its model is a stand-in, which only lets it call the one tool of the MCP server: first the
//! stored access token has expired before the client starts, and then the next one expires while the model thinks.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::bed::{claude_code, codex, script, Bed, Part};
use super::bus;
use super::running::{Finished, Run};
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::wait_for;

/// How long each access token lives, in seconds: the one of the login, the one that the client connects with, and all
/// that follow.
const LIFETIMES: [u64; 3] = [2, 8, 3600];

/// The access tokens that were issued, and which of them the MCP server refuses.
#[derive(Default)]
struct Tokens {
    expire_at: Vec<Instant>,
    refused: usize,
}

/// A protected MCP server with short-lived access tokens and rotated refresh tokens, and a model beside it.
pub struct Place {
    pub fake: Fake,
    tokens: Arc<Mutex<Tokens>>,
}

impl Place {
    pub fn start() -> Place {
        let tokens = Arc::<Mutex<Tokens>>::default();
        let shared = Arc::clone(&tokens);
        let fake = Fake::with(
            move |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/token") => Some(issue(&shared, seen, fake)),
                ("POST", "/mcp") => serve(&shared, seen),
                ("GET", "/mcp") => Some(Reply::status(405)),
                ("POST", "/v1/responses") => Some(responses(&shared, seen)),
                ("POST", "/v1/messages") => Some(messages(&shared, seen)),
                _ => None,
            },
        );
        Place { fake, tokens }
    }

    /// Logs in, into the default file of the bed's home, and waits until the access token has expired.
    pub fn log_in(&self, bed: &Bed) {
        Program::login(&self.fake)
            .at_home(bed.home())
            .agree()
            .expect(0);
        // From now on, because our program counts from when it got the answer.
        thread::sleep(Duration::from_secs(LIFETIMES[0]));
        expire(&self.tokens);
    }

    /// Starts a client. Whatever it would send to another machine comes here instead.
    pub fn start_client(&self, mut client: Command) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_mcp-login"))
            .parent()
            .expect("a directory");
        let path = format!("{}:/usr/bin:/bin", program.display());
        // The helper has to find the login where it is by default: Codex keeps these variables from it.
        for name in [
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "XDG_STATE_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            client.env_remove(name);
        }
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
            client.env(name, self.fake.origin());
        }
        client
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .env("PATH", path);
        client.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        Run::start(&mut client)
    }

    /// Waits for the end of a client, and requires that it got the tool's answer with the newest token.
    pub fn finish(&self, client: Run) -> Finished {
        let finished = client.finish().exits(0);
        let said = || {
            format!(
                "{:#?}\nstdout: {}\nstderr: {}",
                self.calls(),
                finished.stdout,
                finished.stderr
            )
        };
        assert!(
            finished.stdout.contains("echoed for access token 3"),
            "{}",
            said()
        );
        finished
    }

    /// Requires that each expired token cost one refresh, that nothing was meant for another machine, and that nothing
    /// runs any more.
    pub fn prove_refreshes(&self, bed: &Bed) {
        let grants: Vec<_> = self
            .fake
            .seen_at("/token")
            .iter()
            .map(|seen| seen.parameter("refresh_token"))
            .collect();
        let refreshed = |number| Some(format!("refresh-{number}"));
        assert_eq!(
            grants,
            [None, refreshed(1), refreshed(2)],
            "a login and two refreshes: {:#?}",
            self.calls()
        );
        let out: Vec<_> = self
            .fake
            .seen()
            .into_iter()
            .filter(|seen| seen.method == "CONNECT")
            .collect();
        assert!(out.is_empty(), "nothing goes to another machine: {out:?}");
        wait_for("the end of all that the clients started", || {
            (!runs_in(bed)).then_some(())
        });
    }

    /// Requires that this client, and nobody else, came with the live token before and after the expiry.
    fn prove_calls(&self, name: &str, version: &str, finished: &Finished) {
        let said = || {
            format!(
                "{:#?}\nstdout: {}\nstderr: {}",
                self.calls(),
                finished.stdout,
                finished.stderr
            )
        };
        let calls: Vec<_> = self
            .calls()
            .into_iter()
            .filter(|call| !call.agent.starts_with("mcp-login"))
            .collect();
        let agent = format!("{name}/{version}");
        assert!(
            calls.iter().all(|call| call.agent.starts_with(&agent)),
            "{}",
            said()
        );
        let of = |method: &'static str| calls.iter().filter(move |call| call.method == method);
        let initialize = of("initialize")
            .next()
            .unwrap_or_else(|| panic!("no connection: {}", said()));
        assert_eq!(
            initialize.parameters["clientInfo"]["name"],
            name,
            "{}",
            said()
        );
        assert_eq!(
            initialize.parameters["clientInfo"]["version"],
            version,
            "{}",
            said()
        );
        assert_eq!(initialize.token, "access-2", "{}", said());
        assert!(
            of("tools/list").any(|call| call.token == "access-2"),
            "{}",
            said()
        );
        let used: Vec<_> = of("tools/call").map(|call| call.token.as_str()).collect();
        assert_eq!(used, ["access-2", "access-3"], "{}", said());
        let first_with_new = calls
            .iter()
            .position(|call| call.token == "access-3")
            .expect("the new token");
        let (before, after) = calls.split_at(first_with_new);
        assert!(
            before.iter().all(|call| call.token == "access-2"),
            "{}",
            said()
        );
        assert!(
            after.iter().all(|call| call.token == "access-3"),
            "{}",
            said()
        );
    }

    /// Returns what was sent to the MCP server since the login.
    pub fn calls(&self) -> Vec<Call> {
        let seen = self.fake.seen();
        let login = seen
            .iter()
            .position(|seen| seen.path == "/token")
            .expect("a login");
        seen[login..]
            .iter()
            .filter(|seen| seen.path == "/mcp")
            .map(Call::of)
            .collect()
    }
}

/// A request to the MCP server.
#[derive(Debug)]
pub struct Call {
    pub agent: String,
    pub token: String,
    pub method: String,
    pub parameters: Value,
}

impl Call {
    fn of(seen: &Seen) -> Call {
        let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        Call {
            agent: seen.header("user-agent").unwrap_or_default().to_owned(),
            token: token(seen).unwrap_or_default().to_owned(),
            method: message["method"]
                .as_str()
                .unwrap_or(&seen.method)
                .to_owned(),
            parameters: message["params"].clone(),
        }
    }
}

fn token(seen: &Seen) -> Option<&str> {
    seen.header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
}

/// Waits until the newest access token has expired, and has it refused from then on. The last kind never expires.
fn expire(tokens: &Mutex<Tokens>) {
    let (issued, newest) = {
        let tokens = tokens.lock().expect("the tokens");
        (
            tokens.expire_at.len(),
            *tokens.expire_at.last().expect("a token"),
        )
    };
    if issued < LIFETIMES.len() {
        thread::sleep(newest.saturating_duration_since(Instant::now()));
        tokens.lock().expect("the tokens").refused = issued;
    }
}

/// Answers at the token endpoint: a refresh token is taken once.
fn issue(tokens: &Mutex<Tokens>, seen: &Seen, fake: &Fake) -> Reply {
    let mut tokens = tokens.lock().expect("the tokens");
    let issued = tokens.expire_at.len();
    let mut answer = match seen.parameter("refresh_token") {
        None => match fake.behave(seen) {
            Reply::Full {
                status: 200, body, ..
            } => serde_json::from_slice(&body).expect("JSON"),
            refusal => return refusal,
        },
        Some(refresh) if refresh == format!("refresh-{issued}") => {
            fake.tokens(issued as u64 + 1, None)
        }
        Some(_) => return Reply::json(400, &json!({"error": "invalid_grant"})),
    };
    let lifetime = LIFETIMES[issued.min(LIFETIMES.len() - 1)];
    answer["expires_in"] = lifetime.into();
    tokens
        .expire_at
        .push(Instant::now() + Duration::from_secs(lifetime));
    Reply::json(200, &answer)
}

/// Answers as the MCP server to a live token; `None` to any other.
fn serve(tokens: &Mutex<Tokens>, seen: &Seen) -> Option<Reply> {
    let number: usize = token(seen)?.strip_prefix("access-")?.parse().ok()?;
    let live = {
        let tokens = tokens.lock().expect("the tokens");
        tokens.refused < number && number <= tokens.expire_at.len()
    };
    if !live {
        return Some(
            Reply::json(401, &json!({"error": "invalid_token"}))
                .with("WWW-Authenticate", "Bearer error=\"invalid_token\""),
        );
    }
    Some(answer(seen, &format!("echoed for access token {number}")))
}

/// Answers as an MCP server with one tool, which says `text`.
pub fn answer(seen: &Seen, text: &str) -> Reply {
    let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let Some(id) = message.get("id") else {
        return Reply::status(202);
    };
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "fake", "version": "1"},
        }),
        "tools/list" => json!({"tools": [{
            "name": "echo",
            "description": "Echoes",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true, "destructiveHint": false, "openWorldHint": false},
        }]}),
        "tools/call" => json!({"content": [{"type": "text", "text": text}]}),
        _ => {
            let error = json!({"code": -32601, "message": "no such method"});
            return Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// Answers as OpenAI's responses API: lets the tool be called when the access token has expired, and then says so.
fn responses(tokens: &Mutex<Tokens>, seen: &Seen) -> Reply {
    let item = if seen.body.contains("call_1") {
        let text = json!({"type": "output_text", "text": "done"});
        json!({"type": "message", "role": "assistant", "id": "item_2", "content": [text]})
    } else {
        expire(tokens);
        json!({"type": "function_call", "id": "item_1", "call_id": "call_1", "namespace": "mcp__x", "name": "echo",
            "arguments": "{}"})
    };
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2});
    stream(&[
        json!({"type": "response.created", "response": {"id": "response_1"}}),
        json!({"type": "response.output_item.done", "item": item}),
        json!({"type": "response.completed", "response": {"id": "response_1", "usage": usage}}),
    ])
}

/// Answers as Anthropic's messages API, in the same way; a request without the tool is about something else.
fn messages(tokens: &Mutex<Tokens>, seen: &Seen) -> Reply {
    let calls = seen.body.contains("mcp__x__echo") && !seen.body.contains("toolu_1");
    let (block, delta, stop) = if calls {
        expire(tokens);
        let block =
            json!({"type": "tool_use", "id": "toolu_1", "name": "mcp__x__echo", "input": {}});
        (
            block,
            json!({"type": "input_json_delta", "partial_json": "{}"}),
            "tool_use",
        )
    } else {
        let delta = json!({"type": "text_delta", "text": "done"});
        (json!({"type": "text", "text": ""}), delta, "end_turn")
    };
    let request: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let message = json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    let end = json!({"stop_reason": stop, "stop_sequence": null});
    stream(&[
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ])
}

/// Returns server-sent events, each named by its type.
fn stream(events: &[Value]) -> Reply {
    let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    let text: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", name(event)))
        .collect();
    Reply::text(200, "text/event-stream", text)
}

/// Tells whether a process is left that has this bed's home.
fn runs_in(bed: &Bed) -> bool {
    let home = format!("HOME={}\0", bed.home().display());
    let entries = fs::read_dir("/proc").expect("the processes").flatten();
    let mut environments =
        entries.map(|entry| fs::read(entry.path().join("environ")).unwrap_or_default());
    environments.any(|environment| {
        environment
            .windows(home.len())
            .any(|part| part == home.as_bytes())
    })
}

/// Tells a client to ask us for live tokens: the configuration is written, under the name that it has for the server.
fn hand_over(bed: &Bed, place: &Place, name: &str, client: &Command) {
    let mut program = Program::new().at_home(bed.home()).args([
        "handover",
        &place.fake.mcp(),
        "--to",
        name,
        "--write",
    ]);
    program.command().envs(homes(client));
    assert!(program.run().expect(0).stderr.contains("under the name x"));
}

/// Returns where a client keeps its things.
fn homes(client: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    let homes = client.get_envs().filter(|(name, _)| {
        ["CODEX_HOME", "CLAUDE_CONFIG_DIR"]
            .iter()
            .any(|it| name == it)
    });
    homes.filter_map(|(name, value)| Some((name, value?)))
}

/// Returns Codex, about to be asked for a call of the tool.
fn codex_client(bed: &Bed, place: &Place) -> Command {
    codex_with(bed, place, &format!("url = {:?}", place.fake.mcp()))
}

/// Returns Codex with this entry for the server.
pub fn codex_with(bed: &Bed, place: &Place, entry: &str) -> Command {
    let configuration = format!(
        r#"model = "stand-in"
        model_provider = "stand-in"
        check_for_update_on_startup = false

        [analytics]
        enabled = false

        [features]
        plugins = false # their catalogue is fetched at each start

        [model_providers.stand-in]
        name = "stand-in"
        base_url = "{origin}/v1"
        wire_api = "responses"
        request_max_retries = 0
        stream_max_retries = 0

        [mcp_servers.x]
        required = true # on a slow machine, it would go on without the server's tools
        startup_timeout_sec = 60
        {entry}
        "#,
        origin = place.fake.origin(),
    );
    fs::create_dir(bed.path("codex")).expect("a home for Codex");
    fs::write(bed.path("codex/config.toml"), configuration).expect("a configuration");
    let mut client = bed.command(codex());
    client.env("CODEX_HOME", bed.path("codex"));
    client.args([
        "exec",
        "--json",
        "--skip-git-repo-check",
        "--sandbox",
        "read-only",
        "Call the tool.",
    ]);
    client
}

/// Returns Claude Code, about to be asked for a call of the tool.
fn claude_code_client(bed: &Bed, place: &Place) -> Command {
    let entry = json!({"type": "http", "url": place.fake.mcp()});
    claude_code_with(bed, place, &entry)
}

/// Returns Claude Code with this entry for the server.
pub fn claude_code_with(bed: &Bed, place: &Place, entry: &Value) -> Command {
    let configuration = json!({"mcpServers": {"x": entry}}).to_string();
    fs::create_dir(bed.path("claude")).expect("a home for Claude Code");
    fs::write(bed.path("claude/.claude.json"), configuration).expect("a configuration");
    let mut client = bed.command(claude_code());
    client
        .env("CLAUDE_CONFIG_DIR", bed.path("claude"))
        .env("CLAUDE_CODE_TMPDIR", bed.path("tmp"));
    client
        .env("ANTHROPIC_BASE_URL", place.fake.origin())
        .env("ANTHROPIC_API_KEY", "stand-in");
    for name in [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_ERROR_REPORTING",
        "DISABLE_TELEMETRY",
    ] {
        client.env(name, "1");
    }
    // All tools are named to the model at once, however long the server takes.
    client
        .env("ENABLE_TOOL_SEARCH", "false")
        .env("MCP_CONNECTION_NONBLOCKING", "false")
        .env("MCP_CONNECT_TIMEOUT_MS", "60000");
    client.args([
        "-p",
        "Call the tool.",
        "--output-format",
        "stream-json",
        "--verbose",
    ]);
    client.args(["--allowedTools", "mcp__x__echo"]);
    client
}

/// It waits for the end of two access tokens, 10 s.
#[apply(waiting_test)]
fn codex_continues_with_refreshed_tokens() {
    let bed = Bed::with(&[Part::Codex]);
    let place = Place::start();
    place.log_in(&bed);
    let client = codex_client(&bed, &place);
    hand_over(&bed, &place, "codex", &client);
    let finished = place.finish(place.start_client(client));
    place.prove_calls("codex-mcp-client", "0.171.0", &finished);
    place.prove_refreshes(&bed);
}

/// The helper that was written before would stand in the way of a login that Codex has itself.
#[apply(test)]
fn f1_codex_uses_a_login_that_is_moved_after_its_helper() {
    let bed = Bed::with(&[Part::Codex]);
    let place = Place::start();
    place.log_in(&bed);
    let client = codex_client(&bed, &place);
    hand_over(&bed, &place, "codex", &client);
    let mut moving = Program::new().at_home(bed.home());
    moving.command().envs(homes(&client));
    moving
        .args([
            "handover",
            &place.fake.mcp(),
            "--to",
            "codex",
            "--mode",
            "move",
        ])
        .run()
        .expect(0);
    place.finish(place.start_client(client));
    place.prove_refreshes(&bed);
    let refreshes = place.fake.seen_at("/token").split_off(1);
    let agents: Vec<_> = refreshes
        .iter()
        .map(|seen| seen.header("user-agent").unwrap_or_default())
        .collect();
    assert!(
        agents.iter().all(|agent| !agent.starts_with("mcp-login")),
        "Codex refreshes by itself: {agents:?}"
    );
}

/// It waits for the end of two access tokens, 10 s.
#[apply(waiting_test)]
fn claude_code_continues_with_refreshed_tokens() {
    let bed = Bed::with(&[Part::ClaudeCode]);
    let place = Place::start();
    place.log_in(&bed);
    let client = claude_code_client(&bed, &place);
    hand_over(&bed, &place, "claude-code", &client);
    let finished = place.finish(place.start_client(client));
    place.prove_calls("claude-code", "2.1.332", &finished);
    place.prove_refreshes(&bed);
}

/// It waits for the end of two access tokens, 10 s.
#[apply(waiting_test)]
fn c8_codex_and_claude_code_share_a_login() {
    let bed = Bed::with(&[Part::Codex, Part::ClaudeCode]);
    let place = Place::start();
    place.log_in(&bed);
    let clients = [codex_client(&bed, &place), claude_code_client(&bed, &place)];
    for (name, client) in ["codex", "claude-code"].iter().zip(&clients) {
        hand_over(&bed, &place, name, client);
    }
    let runs = clients.map(|client| place.start_client(client));
    for run in runs {
        place.finish(run);
    }
    place.prove_refreshes(&bed);
}

/// Returns a client in a session with a keyring, in which a login is made and expires before the client starts.
fn after_a_login_in_the_keyring(bed: &Bed, place: &Place, name: &str, client: &Command) -> Command {
    let text = format!(
        "\"$1\" --store keyring --timeout 180s --handover {name} --write \"$2\" >&2 && sleep \"$3\" && shift 3 && exec \"$@\""
    );
    let mut command = bed.command(script("keyring"));
    command.args([
        "--user-bus",
        "unlocked",
        "/bin/sh",
        "-c",
        &text,
        "sh",
        env!("CARGO_BIN_EXE_mcp-login"),
        &place.fake.mcp(),
    ]);
    command
        .arg(LIFETIMES[0].to_string())
        .arg(client.get_program())
        .args(client.get_args());
    command
        .envs(
            client
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("BROWSER", bed.curl());
    command
}

/// Requires that no file of a bed holds a token.
fn prove_no_file(bed: &Bed) {
    let file = bed.path(".local/share/mcp-login/credentials.json");
    assert!(
        !file.exists() && file.with_file_name("index.json").exists(),
        "the login is in the keyring"
    );
}

/// It waits for the end of two access tokens, 10 s.
#[apply(waiting_test)]
fn codex_continues_with_tokens_from_the_keyring() {
    let bed = Bed::with(&[Part::Codex, Part::Curl, Part::Keyring]);
    bus::needs_bus(&bed);
    let place = Place::start();
    let client = codex_client(&bed, &place);
    // It keeps the address of the bus from its helper.
    let client = after_a_login_in_the_keyring(&bed, &place, "codex", &client);
    let finished = place.finish(place.start_client(client));
    place.prove_calls("codex-mcp-client", "0.171.0", &finished);
    place.prove_refreshes(&bed);
    prove_no_file(&bed);
}

/// It waits for the end of two access tokens, 10 s.
#[apply(waiting_test)]
fn claude_code_continues_with_tokens_from_the_keyring() {
    let bed = Bed::with(&[Part::ClaudeCode, Part::Curl, Part::Keyring]);
    bus::needs_bus(&bed);
    let place = Place::start();
    let client = claude_code_client(&bed, &place);
    let client = after_a_login_in_the_keyring(&bed, &place, "claude-code", &client);
    let finished = place.finish(place.start_client(client));
    place.prove_calls("claude-code", "2.1.332", &finished);
    place.prove_refreshes(&bed);
    prove_no_file(&bed);
}
