//! Cline: gets the login in its settings, beside the server that it is for.

use std::path::{Path, PathBuf};

use jsonc_parser::cst::CstObject;
use serde_json::{Map, Value};

use super::sdk::{self, set};
use super::{
    json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Lock, Mode, Places,
};

/// Cline 3.0, and what else is built on its core 0.0.86.
pub const CLIENT: Client = Client {
    name: "cline",
    about: "gets the login in its cline_mcp_settings.json, and refreshes it itself",
    source: Some("cline"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "Cline uses it from its next session",
};

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    // Cline looks at no token at all that another client was issued.
    sdk::same_client(grant, "/oauthClient/clientId")?;
    let path = grant
        .configured
        .map_or_else(|| usual_path(places), |it| it.path.clone());
    let lock = Some(Lock::Directory(PathBuf::from(format!(
        "{}.lock",
        path.display()
    ))));
    let (edited, name, oauth) = (
        path.clone(),
        grant.name.to_owned(),
        Value::from(oauth(grant)),
    );
    let url = grant.url.to_owned();
    let edit: Edit = Box::new(move |old| {
        file::edit(&edited, old, |root| {
            let servers = file::object(&edited, root, "mcpServers")?;
            let server = servers
                .object_value(&name)
                .ok_or_else(|| HandoverError::Unsuitable {
                    message: format!("{} names no server {name}", edited.display()),
                    hint: "add the server to Cline first".to_owned(),
                })?;
            check(&edited, &server, &url)?;
            file::set(&server, "oauth", &oauth);
            Ok(())
        })
    });
    Ok(Delivery::Files(vec![Change {
        path,
        lock,
        secret: true,
        edit,
    }]))
}

fn usual_path(places: &Places) -> PathBuf {
    places.path("CLINE_MCP_SETTINGS_PATH").unwrap_or_else(|| {
        let home = places
            .path("CLINE_DIR")
            .unwrap_or_else(|| places.home.join(".cline"));
        let below = places
            .path("CLINE_DATA_DIR")
            .unwrap_or_else(|| home.join("data"));
        below.join("settings/cline_mcp_settings.json")
    })
}

/// Refuses a server that Cline does not speak to itself, or that is another one.
fn check(path: &Path, server: &CstObject, url: &str) -> Result<(), HandoverError> {
    let entry = server.to_serde_value().unwrap_or_default();
    let transport = entry.get("transport").unwrap_or(&entry);
    let own = transport
        .get("url")
        .and_then(Value::as_str)
        .or_else(|| bridged(transport));
    let same = |own: &str| {
        Some(own) == Some(url) || url::Url::parse(own).ok() == url::Url::parse(url).ok()
    };
    match own {
        Some(own) if same(own) => Ok(()),
        Some(_) => Err(HandoverError::Unsuitable {
            message: format!("{} gives the server another URL than {url}", path.display()),
            hint: "choose the server with --name".to_owned(),
        }),
        None => Err(HandoverError::Unsuitable {
            message: format!(
                "{} reaches the server through another program",
                path.display()
            ),
            hint: "if that is mcp-remote, use --to mcp-remote".to_owned(),
        }),
    }
}

/// Returns the URL of an entry like `npx -y mcp-remote URL`: without more arguments Cline goes there itself.
fn bridged(transport: &Value) -> Option<&str> {
    let words: Vec<_> = transport["args"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let words: Vec<_> = words
        .into_iter()
        .skip_while(|word| ["-y", "--yes"].contains(word))
        .collect();
    let runs = Path::new(transport["command"].as_str()?).file_stem()? == "npx";
    let plain = transport
        .get("env")
        .and_then(Value::as_object)
        .is_none_or(Map::is_empty);
    match words.as_slice() {
        [bridge, url] if runs && plain && bridge.split('@').next() == Some("mcp-remote") => {
            Some(url)
        }
        _ => None,
    }
}

/// Returns what Cline keeps of a login; without a client and a redirect URI it would not use the tokens.
fn oauth(grant: &Handover) -> Map<String, Value> {
    let issuer = || Some(grant.kept.issuer.as_str());
    let (mut client, mut tokens) = (sdk::client(grant), sdk::tokens(grant));
    set(&mut client, "issuer", issuer());
    set(&mut tokens, "issuer", issuer());
    let mut oauth = Map::new();
    set(&mut oauth, "clientInformation", Some(client));
    set(&mut oauth, "tokens", Some(tokens));
    set(
        &mut oauth,
        "redirectUrl",
        Some(grant.kept.redirect_uri.as_str()),
    );
    set(
        &mut oauth,
        "lastAuthenticatedAt",
        Some(grant.now.0.saturating_mul(1000)),
    );
    oauth
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sdk::tests::{
        changes, confidential, configured, edited, grant, login, places, URL,
    };
    use super::*;

    /// Returns the change, of the file where it usually is.
    fn change(grant: &Handover) -> Change {
        let mut changes = changes(deliver(grant, &places(&[])));
        assert_eq!(changes.len(), 1);
        changes.remove(0)
    }

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let kept = confidential();
        let change = change(&grant(&kept, Mode::Move));
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
        let kept = login();
        let configured = configured("cline", json!({"url": URL}));
        let change = change(&Handover {
            configured: Some(&configured),
            ..grant(&kept, Mode::Access)
        });
        assert_eq!(
            change.path, configured.path,
            "the store is the configuration"
        );
        let old = format!("// mine\n{{\"mcpServers\": {{\"example\": {{\"url\": \"{URL}\"}}}}}}\n");
        let new = (change.edit)(Some(&old)).expect("a text");
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
        let kept = login();
        let moved = grant(&kept, Mode::Move);
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
            let refused = (change.edit)(Some(&old)).expect_err(&old);
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
