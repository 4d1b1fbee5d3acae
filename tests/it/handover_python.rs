//! The hand-over to clients that stand on the MCP SDK for Python: Hermes and FastMCP, which keep logins in several files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::needs;
use crate::support::strace;

fn hand_over(home: &Home, fake: &Fake, args: &[&str]) -> Program {
    home.command("handover", &[&fake.mcp()]).args(args)
}

fn to_hermes(home: &Home, fake: &Fake) -> Program {
    hand_over(home, fake, &["--to", "hermes", "--name", "my server"])
}

/// Returns a file of Hermes' for the server.
fn of_hermes(home: &Home, suffix: &str) -> PathBuf {
    home.path()
        .join(".hermes/mcp-tokens")
        .join(format!("my_server{suffix}"))
}

fn json_at(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

#[apply(test)]
fn cm2_hermes_gets_the_login_in_three_files() {
    let fake = Fake::start();
    let home = Home::new();
    let login = Program::login(&fake).at_home(home.path()).agree().expect(0);
    let event = to_hermes(&home, &fake)
        .arg("--json")
        .run()
        .expect(0)
        .event("handed_over")
        .clone();
    let files = [".client.json", ".meta.json", ".json"].map(|suffix| of_hermes(&home, suffix));
    assert_eq!(
        event["written"],
        json!(files.clone().map(|file| file.display().to_string())),
        "the tokens last"
    );
    assert_eq!(
        (&event["mode"], &event["name"]),
        (&json!("move"), &json!("my server"))
    );
    assert!(
        event["note"]
            .as_str()
            .is_some_and(|note| note.contains("0.21.2")),
        "{event}"
    );
    assert!(files.iter().all(|file| mode(file) == 0o600));
    assert_eq!(mode(&home.path().join(".hermes/mcp-tokens")), 0o700);

    let [client, metadata, tokens] = files.map(|file| json_at(&file));
    assert_eq!(client["client_id"], login.event("logged_in")["client_id"]);
    assert_eq!(
        client["redirect_uris"],
        json!([login.event("listening")["redirect_uri"]])
    );
    assert_eq!(
        (&client["token_endpoint_auth_method"], &client["issuer"]),
        (&json!("none"), &json!(fake.origin()))
    );
    assert_eq!(metadata, fake.server_metadata());
    assert_eq!(
        (&tokens["access_token"], &tokens["refresh_token"]),
        (&json!("access-1"), &json!("refresh-1"))
    );
    assert!(
        tokens["expires_at"].is_i64() && tokens["scope"] == "read",
        "{tokens}"
    );

    assert!(
        !home.text().contains("refresh-1") && !home.text().contains("access-1"),
        "dropped"
    );
    let status = home.command("status", &["--json"]).run().expect(0);
    assert_eq!(status.events[0]["logins"][0]["state"], "handed_over");
    let refused = home.token(&fake).expect(3);
    assert!(
        refused.stderr.contains("it was handed over to hermes"),
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
}

#[apply(test)]
fn u26_another_home_and_access_alone() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let profile = home.path().join("profiles/p");
    let given = to_hermes(&home, fake)
        .args(["--mode", "access", "--hermes-home"])
        .arg(&profile)
        .run()
        .expect(0);
    let text = fs::read_to_string(profile.join("mcp-tokens/my_server.json")).expect("the tokens");
    let kept = home.kept(fake);
    assert!(
        text.contains(kept["access_token"].as_str().expect("a token"))
            && !text.contains("refresh-"),
        "{text}"
    );
    assert_eq!(
        servers.refreshes(),
        1,
        "an expired token is of no use to anybody"
    );
    assert!(
        !given.stderr.contains("access-") && !home.path().join(".hermes").exists(),
        "{}",
        given.stderr
    );
    assert!(
        servers.is_good(kept["refresh_token"].as_str().expect("a token")),
        "we stay the owner"
    );
    let elsewhere = home.path().join("elsewhere");
    to_hermes(&home, fake)
        .env("HERMES_HOME", &elsewhere)
        .run()
        .expect(0);
    assert!(elsewhere.join("mcp-tokens/my_server.json").exists());
}

#[apply(test)]
fn u26_hermes_configuration_names_the_server_and_has_to_let_the_login_live() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({}));
    let config = home.path().join(".hermes/config.yaml");
    let to_hermes = || hand_over(&home, &fake, &["--to", "hermes", "--json"]).run();
    for (entry, said) in [
        ("headers: {A: b}", "auth: oauth"),
        ("auth: oauth\n    oauth: {client_id: c}", "--client-id c"),
    ] {
        write(
            &config,
            &format!(
                "mcp_servers:\n  my server:\n    url: {}\n    {entry}\n",
                fake.mcp()
            ),
        );
        let refused = to_hermes().expect_error(2, "handover_impossible");
        assert!(
            refused.event("error")["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains(said)),
            "{}",
            refused.stdout
        );
        assert!(!of_hermes(&home, ".client.json").exists());
    }
    write(
        &config,
        &format!(
            "mcp_servers:\n  my server:\n    url: {}\n    auth: oauth\n",
            fake.mcp()
        ),
    );
    assert_eq!(
        to_hermes().expect(0).event("handed_over")["name"],
        "my server"
    );
    assert!(of_hermes(&home, ".json").exists());
}

#[apply(test)]
fn u25_a_login_of_hermes_own_is_replaced_whole() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let tokens = of_hermes(&home, ".json");
    write(
        &tokens,
        r#"{"access_token": "a", "refresh_token": "r", "hermes_issuer": "https://other.example"}"#,
    );
    write(
        &of_hermes(&home, ".client.json"),
        r#"{"client_id": "c", "client_secret": "s"}"#,
    );
    write(
        &of_hermes(&home, ".meta.json"),
        r#"{"token_endpoint": "https://other.example/token"}"#,
    );
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).expect("a mode");
    to_hermes(&home, fake).run().expect(0);
    assert_eq!(
        (mode(&tokens), &json_at(&tokens)["hermes_issuer"]),
        (0o600, &json!(fake.origin()))
    );
    assert!(json_at(&of_hermes(&home, ".client.json"))
        .get("client_secret")
        .is_none());
    // No login by this version: what the authorization server says of itself is not known.
    let least =
        json!({"issuer": fake.origin(), "token_endpoint": format!("{}/token", fake.origin())});
    assert_eq!(json_at(&of_hermes(&home, ".meta.json")), least);
}

#[apply(test)]
fn cw3_nothing_is_changed_if_one_of_the_files_is_not_known() {
    for (suffix, text) in [
        (".json", "{\"version\": 2}"),
        (".json", "{"),
        (".meta.json", "[]"),
        (".client.json", ""),
    ] {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        write(&of_hermes(&home, ".client.json"), "{\"client_id\": \"c\"}");
        write(&of_hermes(&home, suffix), text);
        let before = fs::read_to_string(of_hermes(&home, ".client.json")).expect("a file");
        let refused = to_hermes(&home, fake)
            .arg("--json")
            .run()
            .expect_error(7, "format_unknown");
        assert!(refused.event("error")["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("move the file away")));
        assert_eq!(
            fs::read_to_string(of_hermes(&home, suffix)).expect("a file"),
            text
        );
        assert_eq!(
            fs::read_to_string(of_hermes(&home, ".client.json")).expect("a file"),
            before
        );
        home.token(fake).expect(0);
    }
}

/// Killed at any call, a move leaves one owner, and Hermes never has tokens without what they are to be used with.
#[apply(test)]
fn cm2_d1_killed_at_each_call_of_a_move_to_hermes() {
    needs(&["strace"]);
    const KINDS: &str = "openat,write,fsync,rename,renameat,renameat2,unlink,unlinkat,mkdir,flock,fchmod,exit_group";
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let calls = strace::calls(to_hermes(&home, &servers.fake), KINDS, home.path());
    let first = calls
        .iter()
        .position(|call| call.line.contains(".hermes"))
        .expect("a file of Hermes'");
    let (mut theirs, mut interrupted) = (0, 0);
    for number in strace::kill_points(&calls, first) {
        let call = &calls[number];
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        strace::inject(to_hermes(&home, fake), call, "signal=KILL");
        let tokens = of_hermes(&home, ".json");
        let is_given = tokens.exists();
        let is_known = [".client.json", ".meta.json"]
            .iter()
            .all(|suffix| of_hermes(&home, suffix).exists());
        assert!(!is_given || is_known, "{call:?}");
        let token = home.token(fake);
        match token.code {
            Some(0) => assert!(!is_given, "{call:?}: two owners"),
            Some(3) if token.stderr.contains("was interrupted") => interrupted += 1,
            Some(3) => {
                theirs += 1;
                let given = json_at(&tokens)["refresh_token"]
                    .as_str()
                    .map(str::to_owned);
                assert!(
                    given.is_some_and(|token| servers.is_good(&token)),
                    "{call:?}: no owner at all"
                );
            }
            other => panic!("{call:?}: {other:?} {}", token.stderr),
        }
        assert!(!servers.was_reused());
    }
    assert!(theirs > 0 && interrupted > 0, "{theirs} {interrupted}");
}

#[apply(test)]
fn cm2_fastmcp_gets_the_login_where_the_user_says() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let refused = hand_over(&home, fake, &["--to", "fastmcp"]).run().expect(2);
    assert!(
        refused.stderr.contains("add --fastmcp-dir DIR"),
        "{}",
        refused.stderr
    );
    let store = home.path().join("store");
    let given = hand_over(&home, fake, &["--to", "fastmcp", "--json"])
        .env("MCP_LOGIN_FASTMCP_DIR", &store)
        .run();
    let written = given.expect(0).event("handed_over")["written"].clone();
    let files: Vec<PathBuf> = serde_json::from_value(written).expect("paths");
    let beginnings = [
        "S_mcp_oauth_client_info-",
        "S_mcp_oauth_token_expiry-",
        "S_mcp_oauth_token-",
    ];
    for (file, beginning) in files.iter().zip(beginnings) {
        let below = file
            .strip_prefix(&store)
            .expect("a path in the store")
            .to_string_lossy();
        assert!(
            below.starts_with(beginning) && mode(file) == 0o600,
            "{below}"
        );
        assert_eq!(json_at(file)["version"], 1);
    }
    let tokens = json_at(&files[2]);
    assert!(
        servers.is_good(tokens["value"]["refresh_token"].as_str().expect("a token")),
        "{tokens}"
    );
    assert!(home
        .token(fake)
        .expect(3)
        .stderr
        .contains("it was handed over to fastmcp"));
}
