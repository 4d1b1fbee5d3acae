//! The hand-over to the clients that keep a login themselves: what stands in their files, and that it is not ours any more.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::needs;
use crate::support::{strace, wait_for, write_program};

/// When the login of a [`Home::expired`] expired, in seconds.
const EXPIRED: i64 = 1_577_840_400;

/// The clients whose files are written, each with its configuration and the file that holds the tokens.
const CLIENTS: [(&str, &str, &str); 4] = [
    (
        "mcp-remote",
        ".config/Claude/claude_desktop_config.json",
        ".mcp-auth/mcp-remote-v1/*_tokens.json",
    ),
    (
        "gemini-cli",
        ".gemini/settings.json",
        ".gemini/mcp-oauth-tokens.json",
    ),
    (
        "opencode",
        ".config/opencode/opencode.json",
        ".local/share/opencode/mcp-auth.json",
    ),
    (
        "cline",
        ".cline/data/settings/cline_mcp_settings.json",
        ".cline/data/settings/cline_mcp_settings.json",
    ),
];

/// Writes the configuration of a client: it knows the server by the name `x`, and another one.
fn configure(home: &Home, client: &str, file: &str, url: &str) {
    let server = match client {
        "opencode" => json!({"type": "remote", "url": url}),
        "cline" => json!({"transport": {"type": "streamableHttp", "url": url}}),
        "mcp-remote" => json!({"command": "npx", "args": ["-y", "mcp-remote", url]}),
        _ => json!({"httpUrl": url}),
    };
    let table = if client == "opencode" {
        "mcp"
    } else {
        "mcpServers"
    };
    let other = json!({"type": "remote", "url": "https://other.example/mcp"});
    let configuration = json!({table: {"x": server, "y": other}, "theirs": [1, {"a": null}]});
    write(
        &home.path().join(file),
        &serde_json::to_string_pretty(&configuration).expect("JSON"),
    );
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(
        &fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display())),
    )
    .expect("JSON")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// Returns the one file of a home that a pattern with at most one star names.
fn find(home: &Home, pattern: &str) -> PathBuf {
    let (directory, name) = pattern.rsplit_once('/').expect("a directory");
    let Some(end) = name.strip_prefix('*') else {
        return home.path().join(pattern);
    };
    let found: Vec<_> = home
        .files_with(end)
        .into_iter()
        .filter(|it| it.parent() == Some(&home.path().join(directory)))
        .collect();
    assert_eq!(found.len(), 1, "{pattern}: {found:?}");
    found[0].clone()
}

/// Returns the tokens that a client has, and the client that they were issued to.
fn given(client: &str, home: &Home, tokens: &Path) -> (Value, Value) {
    let file = read(tokens);
    match client {
        "mcp-remote" => (
            file,
            read(&find(home, ".mcp-auth/mcp-remote-v1/*_client_info.json"))["client_id"].clone(),
        ),
        "gemini-cli" => (file[0]["token"].clone(), file[0]["clientId"].clone()),
        "opencode" => (
            file["x"]["tokens"].clone(),
            file["x"]["clientInfo"]["clientId"].clone(),
        ),
        _ => {
            let oauth = &file["mcpServers"]["x"]["oauth"];
            (
                oauth["tokens"].clone(),
                oauth["clientInformation"]["client_id"].clone(),
            )
        }
    }
}

/// Returns a member of the tokens by the name that the SDKs have for it, or the one that others have.
fn member<'a>(tokens: &'a Value, sdk: &str, other: &str) -> &'a Value {
    tokens.get(sdk).unwrap_or(&tokens[other])
}

/// Prepares the hand-over to a client that knows the server.
fn hand_over(home: &Home, fake: &Fake, client: &str) -> Program {
    home.command("handover", &[&fake.mcp(), "--to", client])
}

/// Prepares the hand-over to a client that will know the server by a name.
fn hand_over_as_x(home: &Home, fake: &Fake, client: &str) -> Program {
    hand_over(home, fake, client).args(["--name", "x"])
}

/// Requires that the login is kept as one that was handed over, and used no more.
fn prove_it_is_not_ours(home: &Home, fake: &Fake, client: &str) {
    let status = home.command("status", &["--json"]).run().expect(0);
    let login = &status.events[0]["logins"][0];
    assert_eq!(
        (&login["state"], &login["handed_over"]["to"]),
        (&json!("handed_over"), &json!(client))
    );
    let refused = home.token(fake).expect(3);
    assert!(
        refused
            .stderr
            .contains(&format!("it was handed over to {client}")),
        "{}",
        refused.stderr
    );
    assert!(home.kept(fake)["refresh_token"].is_null(), "dropped");
}

#[apply(test)]
fn a_client_that_refreshes_by_the_clock_is_named() {
    let fake = Fake::start();
    let later = json!("2999-01-01T00:00:00Z");
    for (client, expires_at, is_named) in [
        ("gemini-cli", &Value::Null, true),
        ("qwen-code", &Value::Null, true),
        ("hermes", &Value::Null, true),
        ("gemini-cli", &later, false),
        ("opencode", &Value::Null, false),
        ("kilo", &Value::Null, false),
    ] {
        let home = Home::with(&fake, json!({"expires_at": expires_at}));
        let moved = hand_over_as_x(&home, &fake, client).args(["--write"]);
        let told = moved.run().expect(0).stderr;
        let said = format!("{client} refreshes by the clock alone");
        assert_eq!(
            told.matches(&said).count(),
            usize::from(is_named),
            "{client}: {told}"
        );
    }
}

#[apply(test)]
fn cm2_u24_what_is_moved_is_in_the_file_of_the_client() {
    for (client, configuration, tokens) in CLIENTS {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        configure(&home, client, configuration, &fake.mcp());
        let before = read(&home.path().join(configuration));
        let moved = hand_over(&home, fake, client).run().expect(0);
        let path = find(&home, tokens);
        let (tokens, client_id) = given(client, &home, &path);
        let refresh_token = member(&tokens, "refresh_token", "refreshToken")
            .as_str()
            .expect(client)
            .to_owned();
        assert!(servers.is_good(&refresh_token), "{client}: {tokens}");
        assert_eq!(
            member(&tokens, "access_token", "accessToken"),
            "access-0",
            "{client}"
        );
        assert_eq!(
            (&tokens["scope"], &client_id),
            (&json!("read"), &json!("mine")),
            "{client}"
        );
        let expires = member(&tokens, "expires_at", "expiresAt").as_i64();
        let unit = match client {
            "opencode" => Some(EXPIRED),
            "cline" => None,
            _ => Some(EXPIRED * 1000),
        };
        assert_eq!(expires, unit, "{client}");
        assert_eq!(mode(&path), 0o600, "{client}");
        let mut after = read(&home.path().join(configuration));
        if let Some(server) = after
            .pointer_mut("/mcpServers/x")
            .and_then(Value::as_object_mut)
        {
            server.remove("oauth");
        }
        assert_eq!(after, before, "{client}: all the rest is kept");
        assert!(!moved.stderr.contains(&refresh_token) && !moved.stdout.contains(&refresh_token));
        prove_it_is_not_ours(&home, fake, client);
        assert_eq!(servers.refreshes(), 0);
        assert!(
            home.files_with(".lock")
                .iter()
                .all(|path| path.starts_with(home.data())),
            "{client}: no lock is left"
        );
    }
}

#[apply(test)]
fn cw4_new_directories_are_the_users_alone() {
    for (client, _, tokens) in &CLIENTS[..3] {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        hand_over_as_x(&home, fake, client).run().expect(0);
        let path = find(&home, tokens);
        assert_eq!(
            (mode(&path), mode(path.parent().expect("a directory"))),
            (0o600, 0o700),
            "{client}"
        );
    }
}

#[apply(test)]
fn cm1_with_access_we_stay_the_owner() {
    for (client, configuration, tokens) in CLIENTS {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        configure(&home, client, configuration, &fake.mcp());
        hand_over(&home, fake, client)
            .args(["--mode", "access"])
            .run()
            .expect(0);
        let text = fs::read_to_string(find(&home, tokens)).expect(client);
        let live = home.kept(fake)["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        assert!(
            text.contains(&live) && !text.contains("refresh-"),
            "{client}: {text}"
        );
        assert_eq!(
            servers.refreshes(),
            1,
            "{client}: an expired token is of no use to anybody"
        );
        home.token(fake).expect(0);
    }
}

#[apply(test)]
fn cw3_what_is_not_known_is_not_touched_and_the_login_stays_ours() {
    for (client, _, tokens) in &CLIENTS[1..] {
        for text in ["7", "{\"a\"", "[{}]"] {
            let servers = Rotating::start();
            let (fake, home) = (&servers.fake, Home::expired(&servers));
            let path = home.path().join(tokens);
            write(&path, text);
            hand_over_as_x(&home, fake, client)
                .arg("--json")
                .run()
                .expect_error(7, "format_unknown");
            assert_eq!(fs::read_to_string(&path).expect("the file"), text);
            home.token(fake).expect(0);
        }
    }
}

/// Reads what it is given, as mcporter does.
const READ: &str = "cat > \"$HOME/given\"";

/// Keeps it for the server `x`, as mcporter does; the URL of the server is in `$URL`.
const KEEP: &str = "mkdir -p \"$HOME/.mcporter\"\nprintf \
     '{\"version\":1,\"entries\":{\"x|0\":{\"serverName\":\"x\",\"serverUrl\":\"%s\",\"updatedAt\":\"now\",%s}}' \
     \"$URL\" \"$(cut -c2- \"$HOME/given\")\" > \"$HOME/.mcporter/credentials.json\"";

/// Puts a `mcporter` into the home that notes its arguments, and then does this.
fn mcporter(home: &Home, then: &[&str]) -> String {
    let path = home.path().join("bin/mcporter");
    let text = format!(
        "#!/bin/sh\numask 077\necho \"$@\" > \"$HOME/arguments\"\n{}\n",
        then.join("\n")
    );
    fs::create_dir_all(home.path().join("bin")).expect("a directory");
    write_program(&path, &text);
    format!("{}:/usr/bin:/bin", home.path().join("bin").display())
}

#[apply(test)]
fn cw10_mcporter_takes_the_login_by_its_own_command() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let path = mcporter(&home, &[READ, KEEP]);
    let moved = hand_over_as_x(&home, fake, "mcporter")
        .env("PATH", &path)
        .env("URL", fake.mcp())
        .run()
        .expect(0);
    assert_eq!(
        fs::read_to_string(home.path().join("arguments")).expect("arguments"),
        "vault set x --stdin\n"
    );
    let given = read(&home.path().join("given"));
    assert_eq!(
        (
            &given["tokens"]["expires_at"],
            &given["tokens"]["expires_in"]
        ),
        (&json!(EXPIRED), &Value::Null)
    );
    assert_eq!(given["clientInfo"]["client_id"], "mine");
    let refresh_token = given["tokens"]["refresh_token"].as_str().expect("a token");
    assert!(servers.is_good(refresh_token) && !moved.stderr.contains(refresh_token));
    prove_it_is_not_ours(&home, fake, "mcporter");
}

#[apply(test)]
fn cw10_a_login_that_mcporter_does_not_take_stays_ours() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let path = mcporter(&home, &[READ, "echo Unknown server >&2; exit 1"]);
    let failed = hand_over_as_x(&home, fake, "mcporter")
        .env("PATH", &path)
        .run();
    assert!(
        failed.code != Some(0) && failed.stderr.contains("mcporter failed"),
        "{}",
        failed.stderr
    );
    let missing = hand_over_as_x(&home, fake, "mcporter")
        .env("PATH", "/nonexistent")
        .run();
    assert!(
        missing.code != Some(0) && missing.stderr.contains("cannot run mcporter"),
        "{}",
        missing.stderr
    );
    home.token(fake).expect(0);
}

/// mcporter's word and its exit status prove nothing: the login is read back.
#[apply(test)]
fn a5_what_mcporter_does_not_keep_is_not_dropped() {
    let elsewhere = "URL=https://other.example/mcp";
    for (does, code, said, is_ours) in [
        (&["exit 0"][..], 7, "ended without reading the login", true),
        (
            &["head -c 20 > /dev/null; exit 0"],
            7,
            "ended without reading the login",
            true,
        ),
        (&[READ, "exit 0"], 7, "does not hold it", false),
        (&[READ, elsewhere, KEEP], 7, "does not hold it", false),
        (&[READ, KEEP, "exit 1"], 0, "mcporter has the login", false),
        (
            &[
                READ,
                KEEP,
                "chmod 0 \"$HOME/.mcporter/credentials.json\"; rm -r \"$HOME/.mcporter\"",
            ],
            7,
            "hold it",
            false,
        ),
    ] {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        let path = mcporter(&home, does);
        let run = hand_over_as_x(&home, fake, "mcporter")
            .env("PATH", &path)
            .env("URL", fake.mcp())
            .run()
            .expect(code);
        assert!(run.stderr.contains(said), "{does:?}: {}", run.stderr);
        home.token(fake).expect(if is_ours { 0 } else { 3 });
        assert_eq!(
            home.kept(fake)["refresh_token"].is_string(),
            code == 7,
            "{does:?}: only what is there is dropped"
        );
    }
}

#[apply(test)]
fn a5_a_file_name_is_never_an_option_of_mcporter() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let path = mcporter(&home, &[READ, KEEP]);
    for name in ["--help", "-h", "--version", "--config=x"] {
        write(
            &home.path().join(".mcporter/mcporter.json"),
            &json!({"mcpServers": {name: {"baseUrl": fake.mcp()}}}).to_string(),
        );
        let refused = hand_over(&home, fake, "mcporter")
            .env("PATH", &path)
            .run()
            .expect(2);
        assert!(
            refused
                .stderr
                .contains(&format!("the name {name} for an option")),
            "{}",
            refused.stderr
        );
        let named = format!("--name={name}");
        let named = hand_over(&home, fake, "mcporter")
            .arg(named)
            .env("PATH", &path)
            .run()
            .expect(2);
        assert!(named.stderr.contains("for an option"), "{}", named.stderr);
        assert!(!home.path().join("arguments").exists(), "it was not run");
    }
    home.token(fake).expect(0);
}

/// The read-back fails once, after the client's file was replaced: the client has the login, so it is not ours any more.
#[apply(test)]
fn a6_a_read_back_that_fails_leaves_no_two_owners() {
    needs(&["strace"]);
    let store = |home: &Home| home.path().join("store");
    let program = |home: &Home, fake: &Fake, client: &str| {
        hand_over_as_x(home, fake, client)
            .arg("--fastmcp-dir")
            .arg(store(home))
    };
    let mut of_all = CLIENTS.map(|(client, _, tokens)| (client, tokens)).to_vec();
    of_all.push(("hermes", ".hermes/mcp-tokens/x.json"));
    of_all.push(("fastmcp", "/store/"));
    for (client, file) in of_all {
        for error in ["EMFILE", "EIO"] {
            let servers = Rotating::start();
            let (fake, home) = (&servers.fake, moving(&servers, client));
            let calls = strace::calls(
                program(&home, fake, client),
                "open,rename,renameat,renameat2",
                home.path(),
            );
            let name = file.rsplit('*').next().unwrap_or(file);
            let is_of_client = |line: &str| line.contains(name) && !line.contains(".lock");
            let renamed = calls
                .iter()
                .rposition(|call| call.name.starts_with("rename") && is_of_client(&call.line));
            let renamed = renamed.unwrap_or_else(|| panic!("{client}: {calls:#?}"));
            let is_read = |call: &&strace::Call| call.name == "open" && is_of_client(&call.line);
            let opened = calls[renamed..].iter().find(is_read);
            let opened = opened.unwrap_or_else(|| panic!("{client}: {calls:#?}"));

            let servers = Rotating::start();
            let (fake, home) = (&servers.fake, moving(&servers, client));
            let run = strace::inject(
                program(&home, fake, client),
                opened,
                &format!("error={error}"),
            )
            .expect(7);
            assert!(
                run.stderr.contains("cannot be read back"),
                "{client} {error}: {}",
                run.stderr
            );
            let kept = home.kept(fake);
            let refresh_token = kept["refresh_token"]
                .as_str()
                .expect("kept, and marked")
                .to_owned();
            let text = texts(
                &home,
                &if client == "fastmcp" {
                    store(&home)
                } else {
                    home.path().to_owned()
                },
            );
            assert!(text.contains(&refresh_token), "{client}: it has the login");
            assert_eq!(kept["handed_over"]["to"], client);
            let token = home.token(fake).expect(3);
            assert!(
                token.stderr.contains("was interrupted"),
                "{client}: {}",
                token.stderr
            );
            assert_eq!(servers.refreshes(), 0, "{client}");
        }
    }
}

/// Whenever Ctrl-C comes, no part of a file, with the tokens in it, and no lock is left behind.
#[apply(test)]
fn r1_a_signal_leaves_nothing_behind_in_a_move() {
    needs(&["strace"]);
    for (client, configuration, _) in [CLIENTS[1], CLIENTS[2]] {
        let fake = Fake::start();
        let ready = || {
            let home = Home::with(&fake, json!({"expires_at": "2999-01-01T00:00:00Z"}));
            configure(&home, client, configuration, &fake.mcp());
            home
        };
        let home = ready();
        // Each file is synchronised under its temporary name; a lock gets its own by the other call.
        let kinds = "fsync,renameat2";
        let calls = strace::calls(hand_over_as_x(&home, &fake, client), kinds, home.path());
        assert!(calls.len() > 4, "{client}: {calls:#?}");
        for call in &calls {
            let home = ready();
            let run = strace::inject(hand_over_as_x(&home, &fake, client), call, "signal=INT");
            let is_ended = run.signal == Some(2) || run.code == Some(130);
            assert!(is_ended, "{client} {call:?}: {:?} {}", run.code, run.stderr);
            let mut left = home.all_files();
            left.retain(|path| {
                let path = path.strip_prefix(home.path()).unwrap_or(path);
                let path = path.to_string_lossy();
                path.contains(".tmp") || path.contains("/opencode/locks/")
            });
            assert_eq!(left, Vec::<PathBuf>::new(), "{client} {call:?}");
        }
    }
}

/// Returns a home with a login that can be moved to a client.
fn moving(servers: &Rotating, client: &str) -> Home {
    let home = Home::expired(servers);
    let fake = &servers.fake;
    match CLIENTS.iter().find(|(name, ..)| *name == client) {
        Some((_, configuration, _)) => configure(&home, client, configuration, &fake.mcp()),
        None if client == "fastmcp" => {}
        None => write(
            &home.path().join(".hermes/config.yaml"),
            &format!(
                "mcp_servers:\n  x:\n    url: {}\n    auth: oauth\n",
                fake.mcp()
            ),
        ),
    }
    home
}

/// Returns what stands in the files below a directory, but for our own.
fn texts(home: &Home, directory: &Path) -> String {
    let entries = fs::read_dir(directory)
        .expect("a directory")
        .flatten()
        .map(|entry| entry.path());
    let text = |path: PathBuf| match path.is_dir() {
        true if path == home.data() => String::new(),
        true => texts(home, &path),
        false => String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned(),
    };
    entries.map(text).collect()
}

/// opencode and Cline make a directory as long as they write; both would be overwritten otherwise.
#[apply(test)]
fn cw2_a_client_that_writes_is_waited_for() {
    let (client, configuration, tokens) = CLIENTS[3];
    for is_interrupted in [true, false] {
        let servers = Rotating::start();
        let (fake, home) = (&servers.fake, Home::expired(&servers));
        configure(&home, client, configuration, &fake.mcp());
        let lock = home.path().join(format!("{tokens}.lock"));
        write(&lock.join("owner.1"), "1");
        let directory = lock.parent().expect("a directory");
        let modified = || {
            let found = fs::metadata(directory).expect("a directory");
            found.modified().expect("a time")
        };
        let running = hand_over_as_x(&home, fake, client).start();
        for _ in 0..3 {
            // It tries with a directory of its own beside the lock.
            let last = modified();
            wait_for("a try at the lock", || (modified() != last).then_some(()));
        }
        let has_login = || read(&home.path().join(tokens))["mcpServers"]["x"]["oauth"].is_object();
        assert!(!has_login());
        if is_interrupted {
            running.process().signal(Signal::INT);
            let ended = running.finish();
            assert!(ended.signal == Some(2) || ended.code == Some(130));
            assert!(!has_login());
        } else {
            fs::remove_dir_all(&lock).expect("the lock is let go");
            running.finish().expect(0);
            assert!(has_login() && !lock.exists());
        }
        let names = fs::read_dir(directory).expect("a directory").flatten();
        let mut names = names.map(|entry| entry.file_name().into_string().expect("a name"));
        assert!(!names.any(|name| name.ends_with(".tmp")));
    }
}

#[apply(test)]
fn cm2_a_client_that_would_not_look_at_the_login_gets_none() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let (claude, gemini) = (
        home.path().join(CLIENTS[0].1),
        home.path().join(CLIENTS[1].1),
    );
    let bridged = |args: &[&str]| {
        let url = fake.mcp();
        let args = [&["mcp-remote", url.as_str()], args].concat();
        json!({"command": "npx", "args": args})
    };
    for (client, path, entry, why) in [
        (
            "gemini-cli",
            &gemini,
            bridged(&[]),
            "reaches x through mcp-remote",
        ),
        (
            "gemini-cli",
            &gemini,
            json!({"httpUrl": fake.mcp(), "headers": {"Authorization": "a"}}),
            "has no use for",
        ),
        (
            "gemini-cli",
            &gemini,
            json!({"httpUrl": "https://other.example/mcp"}),
            "names no server with the URL",
        ),
        (
            "mcp-remote",
            &claude,
            bridged(&["--header-file", "f"]),
            "started with --header-file",
        ),
        (
            "mcp-remote",
            &claude,
            bridged(&["--resource", "r:1"]),
            "claude-desktop:x",
        ),
    ] {
        write(path, &json!({"mcpServers": {"x": entry}}).to_string());
        if why == "claude-desktop:x" {
            write(
                &gemini,
                &json!({"mcpServers": {"x": bridged(&[])}}).to_string(),
            );
        } else if client == "mcp-remote" {
            fs::remove_file(&gemini).ok();
        }
        let refused = hand_over(&home, fake, client).run().expect(2);
        assert!(
            refused.stderr.contains(why),
            "{client} {why}: {}",
            refused.stderr
        );
    }
    home.token(fake).expect(0);
}
