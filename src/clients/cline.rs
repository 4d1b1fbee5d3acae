//! Cline: gets the login in its settings, beside the server that it is for.

use std::path::{Path, PathBuf};

use jsonc_parser::cst::CstObject;
use serde_json::{json, Map, Value};
use url::Url;

use super::{json as file, mcp_remote, sdk};
use super::{Delivery, Handover, HandoverError, Lock, Mode, Places, Target};

/// Cline 3.0, and what else is built on its core 0.0.86.
pub const TARGET: Target = Target {
    name: "cline",
    about: "gets the login in its cline_mcp_settings.json, and refreshes it itself",
    source: Some("cline"),
    // `deliver` checks which of them Cline connects to itself.
    accepts_mcp_remote: true,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "Cline uses it from its next session",
    ..Target::NEW
};

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    // Cline ignores tokens that were issued to another client.
    sdk::check_client_id(handover, "/oauthClient/clientId")?;
    let path = handover
        .configured
        .map_or_else(|| usual_path(places), |it| it.path.clone());
    let lock = Lock::Directory(format!("{}.lock", path.display()).into());
    let (name, url) = (handover.name.to_owned(), handover.url.to_owned());
    let oauth = oauth(handover);
    let change = file::change(path, move |path, root| {
        let servers = file::object(path, root, "mcpServers")?;
        let Some(server) = servers.object_value(&name) else {
            return Err(HandoverError::unsuitable(
                format!("{} names no server {name}", path.display()),
                "add the server to Cline first",
            ));
        };
        check(path, &server, &url)?;
        file::set(&server, "oauth", &oauth);
        Ok(())
    });
    Ok(Delivery::Files(vec![change.locked(lock)]))
}

fn usual_path(places: &Places) -> PathBuf {
    places.path("CLINE_MCP_SETTINGS_PATH").unwrap_or_else(|| {
        let home = places.path_or("CLINE_DIR", ".cline");
        let data = places.path("CLINE_DATA_DIR");
        let data = data.unwrap_or_else(|| home.join("data"));
        data.join("settings").join("cline_mcp_settings.json")
    })
}

/// Refuses a server that Cline does not connect to itself, or that is another one.
fn check(path: &Path, server: &CstObject, url: &str) -> Result<(), HandoverError> {
    let entry = server.to_serde_value().unwrap_or_default();
    let transport = entry.get("transport").unwrap_or(&entry);
    let own = transport.get("url").and_then(Value::as_str);
    let Some(own) = own.or_else(|| behind_mcp_remote(transport)) else {
        let path = path.display();
        return Err(HandoverError::unsuitable(
            format!("{path} reaches the server through another program"),
            "if that is mcp-remote, use --to mcp-remote",
        ));
    };
    if own == url || Url::parse(own).ok() == Url::parse(url).ok() {
        return Ok(());
    }
    Err(HandoverError::unsuitable(
        format!("{} gives the server another URL than {url}", path.display()),
        "choose the server with --name",
    ))
}

/// Returns the URL of an entry like `npx -y mcp-remote URL`: without more arguments Cline connects to it itself.
fn behind_mcp_remote(transport: &Value) -> Option<&str> {
    let runs_npx = Path::new(transport["command"].as_str()?).file_stem()? == "npx";
    let variables = transport.get("env").and_then(Value::as_object);
    let arguments = transport["args"].as_array()?.iter();
    let words: Vec<_> = arguments
        .filter_map(Value::as_str)
        .skip_while(|word| ["-y", "--yes"].contains(word))
        .collect();
    match words.as_slice() {
        [package, url] if runs_npx && variables.is_none_or(Map::is_empty) => {
            mcp_remote::version(package).map(|_| *url)
        }
        _ => None,
    }
}

/// Returns what Cline keeps of a login; it ignores tokens without a client and a redirect URI.
fn oauth(handover: &Handover) -> Value {
    let login = handover.login;
    let issuer = json!({"issuer": login.issuer});
    json!({
        "clientInformation": sdk::with(sdk::client(login), issuer.clone()),
        "tokens": sdk::with(sdk::tokens(handover), issuer),
        "redirectUrl": login.redirect_uri,
        "lastAuthenticatedAt": sdk::milliseconds(handover.now),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sdk::tests::{
        changes, confidential, configured, edited, handover, login, places, URL,
    };
    use super::super::Change;
    use super::*;

    /// Returns the change, of the file where it usually is.
    fn change(handover: &Handover) -> Change {
        let mut changes = changes(deliver(handover, &places(&[])));
        assert_eq!(changes.len(), 1);
        changes.remove(0)
    }

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let login = confidential();
        let change = change(&handover(&login, Mode::Move));
        let path = "/home/ann/.cline/data/settings/cline_mcp_settings.json";
        assert_eq!((&change.path, change.secret), (&PathBuf::from(path), true));
        assert_eq!(
            change.lock,
            Some(Lock::Directory(format!("{path}.lock").into()))
        );
        let oauth = json!({
            "clientInformation": {"client_id": "client", "client_secret": "secret canary",
                "token_endpoint_auth_method": "client_secret_post", "issuer": "https://as.example"},
            "tokens": {"access_token": "access canary 1", "token_type": "Bearer", "refresh_token": "refresh canary",
                "scope": "mcp", "issuer": "https://as.example"},
            "redirectUrl": "http://127.0.0.1:4711/callback",
            "lastAuthenticatedAt": 1_893_553_500_000_i64,
        });
        for entry in [
            json!({"transport": {"type": "streamableHttp", "url": URL}, "timeout": 7}),
            json!({"type": "streamableHttp", "url": URL, "oauth": {"lastError": "e", "authorizationRequired": true}}),
            json!({"command": "npx", "args": ["-y", "mcp-remote@latest", URL]}),
        ] {
            let old = json!({"mcpServers": {"b": {"command": "c"}, "example": entry}, "later": 1});
            let mut new = old.clone();
            new["mcpServers"]["example"]["oauth"] = oauth.clone();
            assert_eq!(edited(&change, Some(&old.to_string())), new);
        }
    }

    #[test]
    fn cm1_without_the_refresh_token_but_with_the_client() {
        let login = login();
        let configured = configured("cline", json!({"url": URL}));
        let change = change(&Handover {
            configured: Some(&configured),
            ..handover(&login, Mode::Access)
        });
        assert_eq!(
            change.path, configured.path,
            "the store is the configuration"
        );
        let old = format!("// mine\n{{\"mcpServers\": {{\"example\": {{\"url\": \"{URL}\"}}}}}}\n");
        let new = change.apply(Some(&old)).expect("a text");
        assert!(
            new.starts_with("// mine\n")
                && new.contains("\"client_id\"")
                && !new.contains("refresh"),
            "{}",
            *new
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let login = login();
        let moved = handover(&login, Mode::Move);
        let change = change(&moved);
        let of = |entry: Value| json!({"mcpServers": {"example": entry}}).to_string();
        for (old, unknown) in [
            ("[]".to_owned(), true),
            (json!({"mcpServers": 7}).to_string(), true),
            (
                json!({"mcpServers": {"b": {"url": URL}}}).to_string(),
                false,
            ),
            (of(json!({"url": "https://another.example/mcp"})), false),
            (
                of(json!({"command": "npx", "args": ["mcp-remote", URL, "--header", "A: b"]})),
                false,
            ),
            (
                of(json!({"command": "npx", "args": ["mcp-remote", URL], "env": {"A": "b"}})),
                false,
            ),
        ] {
            let refused = change.apply(Some(&old)).expect_err(&old);
            assert_eq!(
                matches!(refused, HandoverError::UnknownFormat { .. }),
                unknown,
                "{old}"
            );
        }
        let configured = configured(
            "cline",
            json!({"url": URL, "oauthClient": {"clientId": "another"}}),
        );
        assert!(deliver(
            &Handover {
                configured: Some(&configured),
                ..moved
            },
            &places(&[])
        )
        .is_err());
    }
}
