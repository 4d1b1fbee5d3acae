//! Gemini CLI, and Qwen Code, which is made of it: get the login in the file that they keep their own in.

use std::path::Path;

use serde_json::{json, Value};

use super::{json as file, sdk};
use super::{Change, Delivery, Handover, HandoverError, Mode, Places, Target};

/// Gemini CLI 0.61.
pub const TARGET: Target = Target {
    name: "gemini-cli",
    about: "gets the login in its mcp-oauth-tokens.json, and refreshes it itself",
    source: Some("gemini-cli"),
    refreshes_by_clock: true,
    modes: &[Mode::Move, Mode::Access],
    deliver: |handover, places| {
        let home = places.path_or("GEMINI_CLI_HOME", "").join(".gemini");
        deliver(handover, places, ENCRYPTED, &home)
    },
    note: "Gemini CLI uses it from its next start; end a running one first",
    ..Target::NEW
};

/// Qwen Code 0.24.
pub const QWEN_CODE: Target = Target {
    name: "qwen-code",
    source: Some("qwen-code"),
    deliver: |handover, places| {
        let home = places.path_or("QWEN_HOME", ".qwen");
        let encrypted = "QWEN_CODE_FORCE_ENCRYPTED_FILE_STORAGE";
        deliver(handover, places, encrypted, &home)
    },
    note: "Qwen Code uses it from its next start; end a running one first",
    ..TARGET
};

/// With this, Gemini CLI keeps its logins in the system's keyring or in a file that it encrypts.
const ENCRYPTED: &str = "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE";

fn deliver(
    handover: &Handover,
    places: &Places,
    encrypted: &str,
    home: &Path,
) -> Result<Delivery, HandoverError> {
    let client = handover.client;
    if places.variable(encrypted) == Some("true") {
        return Err(HandoverError::unsuitable(
            format!("{client} reads no logins from its file while {encrypted} is set"),
            format!("unset {encrypted}, here and wherever {client} is started"),
        ));
    }
    if handover.mode != Mode::Access {
        check_refreshable(handover)?;
    }
    let (name, url) = (handover.name.to_owned(), handover.url.to_owned());
    let credential = credential(handover);
    let edit = move |path: &Path, old: Option<&str>| {
        file::edit_array(path, old, |entries| {
            let mut own = None;
            for element in entries.elements() {
                let entry = element.to_serde_value().unwrap_or_default();
                let why = "one of its entries has no name";
                let other = entry["serverName"].as_str();
                let other = other.ok_or_else(|| HandoverError::unknown(path, why))?;
                if other == name {
                    if let Some(other) = entry["mcpServerUrl"].as_str().filter(|it| *it != url) {
                        return Err(HandoverError::other_server(path, &name, other));
                    }
                    own = element.as_object();
                }
            }
            file::put(entries, own, &credential);
            Ok(())
        })
    };
    let path = home.join("mcp-oauth-tokens.json");
    Ok(Delivery::Files(vec![Change::secret(path, edit)]))
}

/// Refuses a login that Gemini CLI cannot refresh: it deletes one at the first failure.
fn check_refreshable(handover: &Handover) -> Result<(), HandoverError> {
    let oauth = handover.configured.map(|it| &it.entry["oauth"]);
    let oauth = oauth.filter(|oauth| oauth["enabled"] == true);
    if oauth.is_some() {
        sdk::check_client_id(handover, "/oauth/clientId")?;
    }
    let has_secret = oauth.is_some_and(|oauth| oauth["clientSecret"].is_string());
    if handover.login.client_secret.is_none() || has_secret {
        return Ok(());
    }
    let (client, name) = (handover.client, handover.name);
    let setting = r#""oauth": {"enabled": true, "clientSecret": ...}"#;
    Err(HandoverError::unsuitable(
        format!("{client} keeps no client secret, and this login needs one to be refreshed"),
        format!("set {setting} for {name} in its settings.json, or use --mode access"),
    ))
}

/// Returns what Gemini CLI calls a credential; its times are in milliseconds.
fn credential(handover: &Handover) -> Value {
    let login = handover.login;
    let token = sdk::present(json!({
        "accessToken": login.access_token.expose(),
        "tokenType": "Bearer",
        "refreshToken": sdk::refresh_token(handover),
        "expiresAt": login.expires_at.map(sdk::milliseconds),
        "scope": sdk::scope(login),
    }));
    sdk::present(json!({
        "serverName": handover.name,
        "token": token,
        "clientId": login.client_id,
        "tokenUrl": login.token_endpoint,
        // It is the resource of each refresh, so it is left out for a server that takes no resource.
        "mcpServerUrl": login.resource.as_ref().map(|_| handover.url),
        "updatedAt": sdk::milliseconds(handover.now),
    }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::super::sdk::tests::{
        changes, confidential, configured, edited, handover, login, places, URL,
    };
    use super::*;

    #[test]
    fn u24_a_moved_login_refreshes_there() {
        let login = login();
        let changes = changes((TARGET.deliver)(
            &handover(&login, Mode::Move),
            &places(&[]),
        ));
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
                    change.apply(Some(old)),
                    Err(HandoverError::UnknownFormat { .. })
                ),
                "{old}"
            );
        }
    }

    #[test]
    fn cm1_an_access_token_alone() {
        let mut login = confidential();
        (login.expires_at, login.scopes, login.resource) = (None, Vec::new(), None);
        let changes = changes((TARGET.deliver)(
            &handover(&login, Mode::Access),
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
    fn qwen_code_has_the_same_file_elsewhere() {
        let login = login();
        for (variables, path) in [
            (&[][..], "/home/ann/.qwen/mcp-oauth-tokens.json"),
            (&[("QWEN_HOME", "/q")], "/q/mcp-oauth-tokens.json"),
        ] {
            let changes = changes((QWEN_CODE.deliver)(
                &handover(&login, Mode::Move),
                &places(variables),
            ));
            assert_eq!(changes[0].path, Path::new(path));
        }
        let encrypted = places(&[("QWEN_CODE_FORCE_ENCRYPTED_FILE_STORAGE", "true")]);
        assert!((QWEN_CODE.deliver)(&handover(&login, Mode::Move), &encrypted).is_err());
    }

    #[test]
    fn what_it_could_not_refresh_is_refused() {
        let places = places(&[]);
        let check = |login: &_, oauth: Value, fits: bool| {
            let configured = configured("gemini-cli", json!({"httpUrl": URL, "oauth": oauth}));
            let handover = Handover {
                configured: Some(&configured),
                ..handover(login, Mode::Move)
            };
            assert_eq!(
                (TARGET.deliver)(&handover, &places).is_ok(),
                fits,
                "{oauth}"
            );
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
            (TARGET.deliver)(&handover(&login(), Mode::Move), &encrypted),
            Err(HandoverError::Unsuitable { .. })
        ));
    }
}
