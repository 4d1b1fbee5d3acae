//! Gemini CLI: gets the login in the file that it keeps its own in.

use serde_json::{Map, Value};

use super::sdk::{self, set};
use super::{json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Mode, Places};

/// Gemini CLI 0.61.
pub const CLIENT: Client = Client {
    name: "gemini-cli",
    about: "gets the login in its mcp-oauth-tokens.json, and refreshes it itself",
    source: Some("gemini-cli"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "Gemini CLI uses it from its next start; end a running one first",
};

/// With this, Gemini CLI keeps its logins in the system's keyring or in a file that it encrypts.
const ENCRYPTED: &str = "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE";

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    if places.variable(ENCRYPTED) == Some("true") {
        return Err(HandoverError::Unsuitable {
            message: format!("Gemini CLI reads no logins from its file while {ENCRYPTED} is set"),
            hint: format!("unset {ENCRYPTED}, here and wherever Gemini CLI is started"),
        });
    }
    if grant.mode != Mode::Access {
        refreshable(grant)?;
    }
    let home = places
        .path("GEMINI_CLI_HOME")
        .unwrap_or_else(|| places.home.clone());
    let path = home.join(".gemini/mcp-oauth-tokens.json");
    let (edited, name, credential) = (path.clone(), grant.name.to_owned(), credential(grant));
    let url = grant.url.to_owned();
    let edit: Edit = Box::new(move |old| {
        file::edit_array(&edited, old, |entries| {
            let owner = |entry: &Value| entry["serverName"].as_str().map(str::to_owned);
            let known = entries
                .elements()
                .into_iter()
                .filter_map(|entry| entry.to_serde_value());
            let known = known.filter(|entry| entry["serverName"] == name.as_str());
            let other = known
                .filter_map(|entry| entry["mcpServerUrl"].as_str().map(str::to_owned))
                .find(|it| *it != url);
            if let Some(other) = other {
                return Err(HandoverError::other_server(&edited, &name, &other));
            }
            file::put(&edited, entries, &name, owner, &credential)
        })
    });
    Ok(Delivery::Files(vec![Change {
        path,
        lock: None,
        secret: true,
        edit,
    }]))
}

/// Refuses a login that Gemini CLI cannot refresh: it deletes one at the first failure.
fn refreshable(grant: &Handover) -> Result<(), HandoverError> {
    let oauth = grant.configured.map(|it| &it.entry["oauth"]);
    let is_used = oauth.is_some_and(|oauth| oauth["enabled"] == true);
    if is_used {
        sdk::same_client(grant, "/oauth/clientId")?;
    }
    let has_secret = is_used && oauth.is_some_and(|oauth| oauth["clientSecret"].is_string());
    if grant.kept.client_secret.is_none() || has_secret {
        return Ok(());
    }
    Err(HandoverError::Unsuitable {
        message: "Gemini CLI keeps no client secret, and this login needs one to be refreshed".to_owned(),
        hint: format!(
            "set \"oauth\": {{\"enabled\": true, \"clientSecret\": ...}} for {} in its settings.json, or use --mode access",
            grant.name
        ),
    })
}

/// Returns what Gemini CLI calls a credential; its times are in milliseconds.
fn credential(grant: &Handover) -> Value {
    let (kept, milliseconds) = (grant.kept, 1000);
    let mut token = Map::new();
    set(&mut token, "accessToken", Some(kept.access_token.expose()));
    set(&mut token, "tokenType", Some("Bearer"));
    set(&mut token, "refreshToken", sdk::refresh_token(grant));
    set(
        &mut token,
        "expiresAt",
        kept.expires_at
            .map(|time| time.0.saturating_mul(milliseconds)),
    );
    set(&mut token, "scope", sdk::scope(grant));
    let mut credential = Map::new();
    set(&mut credential, "serverName", Some(grant.name));
    set(&mut credential, "token", Some(token));
    set(&mut credential, "clientId", Some(kept.client_id.as_str()));
    set(
        &mut credential,
        "tokenUrl",
        Some(kept.token_endpoint.as_str()),
    );
    // It is the resource of each refresh, so it is left out where the server wants none.
    set(
        &mut credential,
        "mcpServerUrl",
        kept.resource.as_ref().map(|_| grant.url),
    );
    set(
        &mut credential,
        "updatedAt",
        Some(grant.now.0.saturating_mul(milliseconds)),
    );
    credential.into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::super::sdk::tests::{
        changes, confidential, configured, edited, grant, login, places, URL,
    };
    use super::*;

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let kept = login();
        let changes = changes(deliver(&grant(&kept, Mode::Move), &places(&[])));
        let [change] = changes.as_slice() else {
            panic!("one file")
        };
        assert_eq!(
            change.path,
            Path::new("/home/ann/.gemini/mcp-oauth-tokens.json")
        );
        assert!(change.secret && change.lock.is_none());
        let entry = json!({
            "serverName": "example",
            "token": {"accessToken": "access canary 1", "tokenType": "Bearer", "refreshToken": "refresh canary",
                "expiresAt": 1_893_557_045_000_i64, "scope": "mcp"},
            "clientId": "client",
            "tokenUrl": "https://as.example/token",
            "mcpServerUrl": URL,
            "updatedAt": 1_893_553_500_000_i64,
        });
        assert_eq!(edited(change, None), json!([entry]));
        let other = json!({"serverName": "b", "token": {"accessToken": "t"}, "later": [1]});
        let old = json!([{"serverName": "example", "token": {}}, other]).to_string();
        assert_eq!(edited(change, Some(&old)), json!([entry, other]));
        assert_eq!(
            edited(change, Some(&json!([other]).to_string())),
            json!([other, entry])
        );
        for old in ["{}", "[7]", "[{\"token\": {}}]", "[", "x"] {
            assert!(
                matches!(
                    (change.edit)(Some(old)),
                    Err(HandoverError::UnknownFormat { .. })
                ),
                "{old}"
            );
        }
    }

    #[test]
    fn cm1_an_access_token_alone() {
        let mut kept = confidential();
        (kept.expires_at, kept.scopes, kept.resource) = (None, Vec::new(), None);
        let changes = changes(deliver(
            &grant(&kept, Mode::Access),
            &places(&[("GEMINI_CLI_HOME", "~/g")]),
        ));
        assert_eq!(
            changes[0].path,
            Path::new("/home/ann/g/.gemini/mcp-oauth-tokens.json")
        );
        let entry = json!({
            "serverName": "example",
            "token": {"accessToken": "access canary 1", "tokenType": "Bearer"},
            "clientId": "client",
            "tokenUrl": "https://as.example/token",
            "updatedAt": 1_893_553_500_000_i64,
        });
        assert_eq!(edited(&changes[0], Some("[]")), json!([entry]));
    }

    #[test]
    fn what_it_could_not_refresh_is_refused() {
        let places = places(&[]);
        let check = |kept: &_, oauth: Value, fits: bool| {
            let configured = configured("gemini-cli", json!({"httpUrl": URL, "oauth": oauth}));
            let grant = Handover {
                configured: Some(&configured),
                ..grant(kept, Mode::Move)
            };
            assert_eq!(deliver(&grant, &places).is_ok(), fits, "{oauth}");
        };
        check(
            &login(),
            json!({"enabled": true, "clientId": "another"}),
            false,
        );
        check(&login(), json!({"clientId": "another"}), true);
        check(
            &confidential(),
            json!({"enabled": true, "clientId": "client", "clientSecret": "$SECRET"}),
            true,
        );
        check(&confidential(), json!({"clientSecret": "$SECRET"}), false);
        check(&confidential(), Value::Null, false);
        let encrypted = super::super::sdk::tests::places(&[(ENCRYPTED, "true")]);
        assert!(matches!(
            deliver(&grant(&login(), Mode::Move), &encrypted),
            Err(HandoverError::Unsuitable { .. })
        ));
    }
}
