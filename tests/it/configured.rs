//! What a configuration says about the login: placeholders, the redirect URI, the authorization server.

use serde_json::{json, Value};

use crate::names::{free_port, log_in, put, put_servers};
use crate::support::fake::{Fake, Reply};
use crate::support::parameter;
use crate::support::program::{Program, Running};
use crate::support::rotating::Home;

/// Returns the authorization URL of a login.
fn page(program: Program) -> String {
    let mut running: Running = program.start();
    running.authorization_url()
}

#[apply(test)]
fn n2_placeholders_of_the_users_own_file_are_expanded() {
    let fake = Fake::start();
    let home = Home::new();
    let port = free_port();
    let oauth = json!({"clientId": "${ID}", "callbackPort": "${PORT}", "scopes": "${SCOPES:-a} b"});
    put_servers(
        &home,
        ".claude.json",
        json!({"braced": {"url": fake.mcp(), "oauth": oauth}}),
    );
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"named": {"url": fake.mcp(), "auth": {"CLIENT_ID": "${env:ID}"}}}),
    );
    put_servers(
        &home,
        ".gemini/settings.json",
        json!({"bare": {"httpUrl": fake.mcp(), "oauth": {"clientId": "$ID"}}}),
    );
    let curly = json!({"mcp": {"curly": {"url": fake.mcp(), "oauth": {"clientId": "{env:ID}"}}}});
    put(&home, ".config/opencode/opencode.json", &curly.to_string());
    for name in ["braced", "named", "bare", "curly"] {
        let url = page(
            log_in(&home, &[name])
                .env("ID", "mine")
                .env("PORT", port.to_string()),
        );
        assert_eq!(
            parameter(&url, "client_id").as_deref(),
            Some("mine"),
            "{name}"
        );
        if name == "braced" {
            assert_eq!(parameter(&url, "scope").as_deref(), Some("a b"));
            assert_eq!(
                parameter(&url, "redirect_uri"),
                Some(format!("http://localhost:{port}/callback"))
            );
        }
    }
}

#[apply(test)]
fn n2_a_placeholder_that_stays_is_named_and_never_sent() {
    let fake = Fake::start();
    let home = Home::new();
    let server = |oauth: Value| json!({"url": fake.mcp(), "oauth": oauth});
    put_servers(
        &home,
        ".claude.json",
        json!({"unset": server(json!({"clientId": "${NONE}"})), "scope": server(json!({"scopes": "a ${NONE}"})),
               "port": server(json!({"clientId": "c", "callbackPort": "${NONE}"})),
               "other": server(json!({"clientId": "${env:ID}"})), "odd": server(json!({"callbackPort": "99999"}))}),
    );
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": server(json!({"clientId": "${ID}"}))}),
    );
    for (name, placeholder) in [
        ("unset", "${NONE}"),
        ("scope", "${NONE}"),
        ("port", "${NONE}"),
        ("other", "${env:ID}"),
        ("odd", "99999"),
        ("claude-code:theirs", "${ID}"),
    ] {
        let refused = log_in(&home, &[name])
            .env("ID", "c4nary")
            .run()
            .expect_error(2, "usage");
        let message = refused.event("error")["message"]
            .as_str()
            .expect("a message")
            .to_owned();
        assert!(
            message.contains(placeholder) && !message.contains("c4nary"),
            "{name}: {message}"
        );
    }
    assert!(fake.seen().is_empty(), "{:?}", fake.seen());
    // What the user says is used in its place.
    let url = page(log_in(&home, &["unset", "--client-id", "mine"]));
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("mine"));
}

#[apply(test)]
fn n2_an_entry_whose_url_cannot_be_used_is_named_and_no_value_of_a_variable_is_shown() {
    let home = Home::new();
    let file = ".cursor/mcp.json";
    for (url, why) in [
        ("https://c4nary:pw@mcp.example/mcp", "it holds a user name"),
        ("https://${env:ID}@mcp.example/mcp", "it holds a user name"),
        ("http://mcp.example/mcp?key=${env:ID}", "it is http"),
        ("http://${env:ID}.example/mcp", "it is http"),
    ] {
        put_servers(&home, file, json!({"odd": {"url": url}}));
        for (words, exit) in [
            (vec!["status", "--from", "cursor"], 0),
            (vec!["status", "odd"], 2),
            (vec!["login", "odd"], 2),
            (vec!["login", "--all", "--from", "cursor"], 0),
            (vec!["token", "cursor:odd"], 2),
            (vec!["check", "odd"], 2),
            (vec!["connect", "odd"], 2),
            (vec!["logout", "odd"], 2),
        ] {
            let program = Program::new().at_home(home.path());
            let finished = program.args(&words).env("ID", "c4nary").run();
            let told = format!("{}{}", finished.stdout, finished.stderr);
            for part in ["cursor:odd", file, why] {
                assert!(told.contains(part), "{url} {words:?}: {told}");
            }
            assert!(!told.contains("c4nary"), "{url} {words:?}: {told}");
            assert_eq!(finished.code, Some(exit), "{url} {words:?}: {told}");
        }
    }
}

#[apply(test)]
fn n3_the_redirect_uri_that_a_configuration_registers() {
    let fake = Fake::start();
    let home = Home::new();
    let port = free_port();
    let copilot = json!({"url": fake.mcp(), "oauthClientId": "c", "auth": {"redirectPort": port}});
    put_servers(
        &home,
        ".copilot/mcp-config.json",
        json!({"copilot": copilot}),
    );
    let top = format!(
        "mcp_oauth_callback_port = {port}\n[mcp_servers.codex]\nurl = \"{}\"\n",
        fake.mcp()
    );
    put(&home, ".codex/config.toml", &top);
    let text =
        json!({"url": fake.mcp(), "oauth": {"clientId": "c", "callbackPort": port.to_string()}});
    put_servers(&home, ".claude.json", json!({"text": text}));
    put(&home, "info.json", "{\"client_id\": \"of-file\"}");
    let info = format!("@{}", home.path().join("info.json").display());
    let bridge = json!({"command": "npx", "args": ["-y", "mcp-remote", fake.mcp(), port.to_string(),
        "--static-oauth-client-info", info, "--static-oauth-client-metadata", "{\"scope\": \"a b\"}"]});
    put_servers(
        &home,
        ".config/Claude/claude_desktop_config.json",
        json!({"bridge": bridge}),
    );
    for (name, host, path) in [
        ("copilot", "127.0.0.1", "/"),
        ("codex", "127.0.0.1", "/callback"),
        ("text", "localhost", "/callback"),
        ("bridge", "localhost", "/oauth/callback"),
    ] {
        let url = page(log_in(&home, &[name]));
        assert_eq!(
            parameter(&url, "redirect_uri"),
            Some(format!("http://{host}:{port}{path}")),
            "{name}"
        );
        if name == "bridge" {
            assert_eq!(parameter(&url, "client_id").as_deref(), Some("of-file"));
            assert_eq!(parameter(&url, "scope").as_deref(), Some("a b"));
        }
    }
}

#[apply(test)]
fn n3_a_static_client_without_its_redirect_uri_is_warned_about() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"it": {"url": fake.mcp(), "auth": {"CLIENT_ID": "c"}}}),
    );
    let warning = "warning: HOME/.cursor/mcp.json does not say which redirect URI";
    let warning = warning.replace("HOME", &home.path().display().to_string());
    let login = log_in(&home, &["it"]).agree().expect(0);
    assert!(login.stderr.contains(&warning), "{}", login.stderr);
    let told = log_in(
        &home,
        &["it", "--force", "--redirect-uri", "http://127.0.0.1/cb"],
    )
    .agree()
    .expect(0);
    assert!(
        !told.stderr.contains("redirect URI the client"),
        "{}",
        told.stderr
    );
}

/// A server whose own metadata leads nowhere, and an authorization server that only the configuration names.
fn without_metadata() -> Fake {
    Fake::with(|seen, fake| match seen.path.as_str() {
        "/elsewhere" => Some(Reply::json(200, &fake.server_metadata())),
        path if path.starts_with("/.well-known/") => Some(Reply::status(404)),
        _ => None,
    })
}

#[apply(test)]
fn n1_the_authorization_server_of_the_users_own_file_is_used() {
    let fake = without_metadata();
    let home = Home::new();
    let origin = fake.origin();
    let endpoints = json!({"clientId": "c", "authorizationUrl": format!("{origin}/authorize"), "tokenUrl": format!("{origin}/token")});
    put_servers(
        &home,
        ".gemini/settings.json",
        json!({"endpoints": {"httpUrl": fake.mcp(), "oauth": endpoints}}),
    );
    let metadata = json!({"clientId": "c", "authServerMetadataUrl": format!("{origin}/elsewhere")});
    put_servers(
        &home,
        ".claude.json",
        json!({"metadata": {"url": fake.mcp(), "oauth": metadata}}),
    );
    for name in ["endpoints", "metadata"] {
        let login = log_in(&home, &[name, "--force"]).agree().expect(0);
        assert_eq!(login.event("logged_in")["client_id"], "c", "{name}");
        assert!(
            name != "endpoints" || login.stderr.contains("the page to log in is at 127.0.0.1"),
            "{}",
            login.stderr
        );
    }
}

#[apply(test)]
fn n1_a_projects_file_names_no_authorization_server() {
    let (fake, theirs) = (Fake::start(), Fake::start());
    let home = Home::new();
    let base = theirs.origin();
    let oauth = json!({"authorizationUrl": format!("{base}/authorize"), "tokenUrl": format!("{base}/token"),
        "authServerMetadataUrl": format!("{base}/.well-known/oauth-authorization-server")});
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"it": {"url": fake.mcp(), "oauth": oauth}}),
    );
    let login = log_in(&home, &["claude-code:it"]).agree().expect(0);
    assert!(
        login.stderr.contains("is not used: it is a project's file"),
        "{}",
        login.stderr
    );
    assert!(theirs.seen().is_empty(), "{:?}", theirs.seen());
}

/// The endpoints of the client's own file serve where no metadata leads to an authorization server, and only there.
#[apply(test)]
fn n1_the_authorization_server_of_the_clients_file_is_used_where_none_is_found() {
    let (lost, good) = (without_metadata(), Fake::start());
    let home = Home::new();
    let client = |server: &Fake| {
        let base = server.origin();
        let client = json!({"installed": {"client_id": "c", "client_secret": "s", "redirect_uris": ["http://localhost"],
            "auth_uri": format!("{base}/authorize"), "token_uri": format!("{base}/token")}});
        put(&home, "client.json", &client.to_string());
        home.path().join("client.json").display().to_string()
    };
    let file = client(&lost);
    let login = log_in(&home, &["--client-file", &file, &lost.mcp()])
        .agree()
        .expect(0);
    assert!(
        login
            .stderr
            .contains("as the client's file says, the page to log in is at 127.0.0.1"),
        "{}",
        login.stderr
    );
    let login = log_in(&home, &["--client-file", &file, &good.mcp()])
        .agree()
        .expect(0);
    assert!(
        !login.stderr.contains("as the client's file says"),
        "{}",
        login.stderr
    );
    assert_eq!(
        (lost.seen_at("/token").len(), good.seen_at("/token").len()),
        (1, 1)
    );
}
