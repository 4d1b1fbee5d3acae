//! FastMCP: gets the login in a FileTreeStore of its application, and refreshes it by itself.

use std::path::Path;

use serde_json::{json, Value};
use url::Url;

use super::{json as file, sdk};
use super::{Change, Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::digest;

/// FastMCP 4.1 and 4.2, with its store in version 1.
pub const TARGET: Target = Target {
    name: "fastmcp",
    about: "gets the login in the FileTreeStore of an application, named by --fastmcp-dir",
    refreshes_by_clock: true,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "for OAuth(token_storage=FileTreeStore(...)), with the store's V1 strategies for names and without encryption; an \
           application that has Client(URL, auth=TOKEN) takes the token from `mcp-login token` or `mcp-login exec`",
    ..Target::NEW
};

/// The version of an entry's format.
const VERSION: u64 = 1;

/// Most characters of the name of a file, and of a directory, which is also the beginning of a file's name.
const MAX_NAME: [usize; 2] = [255 - ".json".len(), 255 - "-info.json".len()];

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let Some(directory) = places.path("MCP_LOGIN_FASTMCP_DIR") else {
        return Err(HandoverError::unsuitable(
            "FastMCP has no store of its own: each application names a directory for it",
            "add --fastmcp-dir DIR, the data_directory of the application's FileTreeStore",
        ));
    };
    let login = handover.login;
    let entry = |collection: &str, key: &str, value: Value| {
        change(&directory, collection, key, &value, handover)
    };
    let mut changes = Vec::new();
    // Without the refresh token, the client is left out: FastMCP registers one for itself when the access token expires.
    if handover.mode != Mode::Access {
        check_token_endpoint(handover)?;
        let client = sdk::python_client(login);
        changes.push(entry("mcp-oauth-client-info", "client_info", client));
    }
    if let Some(time) = login.expires_at {
        let expiry = json!({"expires_at": time.unix_seconds()});
        changes.push(entry("mcp-oauth-token-expiry", "token_expiry", expiry));
    }
    let tokens = sdk::python_tokens(handover);
    changes.push(entry("mcp-oauth-token", "tokens", tokens));
    Ok(Delivery::Files(changes))
}

/// Refuses what FastMCP could not refresh: it remembers no metadata, and assumes the token endpoint at the server's own
/// origin.
fn check_token_endpoint(handover: &Handover) -> Result<(), HandoverError> {
    let origin = Url::parse(handover.url).map(|url| url.origin().ascii_serialization());
    let assumed = format!("{}/token", origin.unwrap_or_default());
    let endpoint = &handover.login.token_endpoint;
    if handover.login.refresh_token.is_none() || *endpoint == assumed {
        return Ok(());
    }
    Err(HandoverError::unsuitable(
        format!("FastMCP would send the refresh token to {assumed}, and the token endpoint of this login is {endpoint}"),
        "use --mode access before each start, or start the application with `mcp-login exec`",
    ))
}

/// Replaces an entry.
fn change(
    directory: &Path,
    collection: &str,
    key: &str,
    value: &Value,
    handover: &Handover,
) -> Change {
    let key = format!("{}/{key}", handover.url.trim_end_matches('/'));
    // Python before 3.11 reads no `Z`.
    let now = handover.now.rfc3339().replace('Z', "+00:00");
    let entry = json!({"created_at": now, "value": value, "version": VERSION});
    let path = directory
        .join(name(collection, MAX_NAME[1]))
        .join(name(&key, MAX_NAME[0]) + ".json");
    file::replacement(path, entry.to_string(), check)
}

/// Checks that an entry is one of the known format.
fn check(path: &Path, entry: &Value) -> Result<(), HandoverError> {
    if entry["version"] != VERSION || !entry["value"].is_object() {
        let why = format!("it is not an entry of version {VERSION}");
        return Err(HandoverError::unknown(path, why));
    }
    if entry["value"].get("__encrypted_data__").is_some() {
        let path = path.display();
        return Err(HandoverError::unsuitable(
            format!("{path} is encrypted, and only its application has the key"),
            "start the application with `mcp-login exec`, and let it take the token from there",
        ));
    }
    Ok(())
}

/// Returns the name of a file for a text: the text itself if a file system accepts all of it.
fn name(text: &str, max: usize) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut safe = String::new();
    let mut before = ' ';
    for it in text.chars() {
        match is_plain(it) {
            true => safe.push(it),
            false if safe.is_empty() || is_plain(before) => safe.push('_'),
            false => {}
        }
        before = it;
    }
    let hash = digest::hex(&digest::sha256(text), 4);
    let room = max - "S_-".len() - hash.len();
    format!("S_{}-{hash}", &safe[..safe.len().min(room)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::Time;
    use crate::store::tests::credentials;
    use crate::store::{Credentials, StoredId};

    const URL: &str = "https://mcp.example.com/mcp";

    fn login() -> Credentials {
        let login = credentials(&StoredId {
            server: URL.into(),
            profile: "default".into(),
        });
        Credentials {
            token_endpoint: "https://mcp.example.com/token".into(),
            ..login
        }
    }

    fn places() -> Places {
        let variables = [("MCP_LOGIN_FASTMCP_DIR".to_owned(), "store".to_owned())].into();
        Places {
            home: "/home/ann".into(),
            directory: "/project".into(),
            variables,
            system: crate::os::places::System::Xdg,
        }
    }

    fn handover(login: &Credentials, mode: Mode) -> Handover<'_> {
        Handover {
            login,
            name: "server",
            url: "https://mcp.example.com/mcp/",
            configured: None,
            metadata: None,
            mode,
            client: TARGET.name,
            command: &sdk::tests::COMMAND,
            variable: "",
            now: Time::at(1_893_553_445),
        }
    }

    /// Returns the files below the directory of the store and what is written to them.
    fn written(handover: &Handover) -> Vec<(String, Value)> {
        let Ok(Delivery::Files(changes)) = deliver(handover, &places()) else {
            panic!("no files")
        };
        let pair = |change: &Change| {
            let path = change
                .path
                .strip_prefix("/project/store")
                .expect("a path there")
                .display()
                .to_string()
                .replace('\\', "/");
            (
                path,
                serde_json::from_str(&change.apply(None).expect("a text")).expect("JSON"),
            )
        };
        assert!(changes.iter().all(|change| change.secret));
        changes.iter().map(pair).collect()
    }

    #[test]
    fn names_of_files() {
        for (text, expected) in [
            ("mcp-oauth-token", "S_mcp_oauth_token-3a009b34"),
            (
                "mcp-oauth-token-expiry",
                "S_mcp_oauth_token_expiry-1a152c9e",
            ),
            ("mcp-oauth-client-info", "S_mcp_oauth_client_info-92af0fc1"),
            (
                "https://mcp.example.com/mcp/tokens",
                "S_https_mcp_example_com_mcp_tokens-250f4d5c",
            ),
            (
                "https://mcp.example.com/mcp/token_expiry",
                "S_https_mcp_example_com_mcp_token_expiry-148f1850",
            ),
            (
                "https://mcp.example.com/mcp/client_info",
                "S_https_mcp_example_com_mcp_client_info-3a4faf1f",
            ),
            ("plain_Name_1", "plain_Name_1"),
        ] {
            assert_eq!(name(text, MAX_NAME[0]), expected);
        }
        let long = name(&format!("https://{}", "x".repeat(300)), MAX_NAME[0]);
        assert_eq!(
            (long.len(), &long[..9], &long[241..]),
            (250, "S_https_x", "-00019387")
        );
    }

    #[test]
    fn cw4_three_entries_the_tokens_last() {
        let entry = |value: Value| json!({"created_at": "2030-01-02T03:04:05+00:00", "value": value, "version": 1});
        let client = json!({
            "client_id": "client",
            "redirect_uris": ["http://127.0.0.1:4711/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "issuer": "https://as.example",
        });
        let tokens = json!({
            "access_token": "access canary 1",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "mcp",
            "refresh_token": "refresh canary",
        });
        let of_client = "S_mcp_oauth_client_info-92af0fc1/S_https_mcp_example_com_mcp_client_info-3a4faf1f.json";
        let of_expiry = "S_mcp_oauth_token_expiry-1a152c9e/S_https_mcp_example_com_mcp_token_expiry-148f1850.json";
        let of_tokens =
            "S_mcp_oauth_token-3a009b34/S_https_mcp_example_com_mcp_tokens-250f4d5c.json";
        let expected = [
            (of_client.to_owned(), entry(client)),
            (
                of_expiry.to_owned(),
                entry(json!({"expires_at": 1_893_557_045})),
            ),
            (of_tokens.to_owned(), entry(tokens)),
        ];
        assert_eq!(written(&handover(&login(), Mode::Move)), expected);
        let alone = written(&handover(&login(), Mode::Access));
        assert_eq!(alone[0], expected[1]);
        assert!(
            alone.len() == 2 && alone[1].1["value"].get("refresh_token").is_none(),
            "{alone:?}"
        );
    }

    fn refusal(login: &Credentials, mode: Mode, places: &Places) -> Option<String> {
        match deliver(&handover(login, mode), places).err()? {
            HandoverError::Unsuitable { message, hint } => Some(format!("{message} {hint}")),
            HandoverError::UnknownFormat { .. } => panic!("it is known"),
        }
    }

    #[test]
    fn what_fastmcp_could_not_find_or_refresh_is_refused() {
        let elsewhere = Credentials {
            token_endpoint: "https://as.example/token".into(),
            ..login()
        };
        let words = refusal(&elsewhere, Mode::Move, &places()).expect("a refusal");
        assert!(
            words.contains("https://mcp.example.com/token") && words.contains("--mode access"),
            "{words}"
        );
        assert_eq!(refusal(&elsewhere, Mode::Access, &places()), None);
        let unrefreshable = Credentials {
            refresh_token: None,
            ..elsewhere
        };
        assert_eq!(refusal(&unrefreshable, Mode::Move, &places()), None);
        let nowhere = Places {
            variables: [].into(),
            ..places()
        };
        assert!(refusal(&login(), Mode::Move, &nowhere)
            .expect("a refusal")
            .contains("--fastmcp-dir"));
    }

    #[test]
    fn an_entry_of_another_kind_is_refused() {
        let replaced = |old| file::replacement("f".into(), String::new(), check).apply(Some(old));
        let known = r#"{"version": 1, "value": {"access_token": "old"}, "expires_at": "x"}"#;
        assert!(replaced(known).is_ok());
        for old in [
            "",
            "[]",
            "{}",
            r#"{"version": 2, "value": {}}"#,
            r#"{"version": 1, "value": "{}"}"#,
        ] {
            assert!(
                matches!(replaced(old), Err(HandoverError::UnknownFormat { .. })),
                "{old}"
            );
        }
        let encrypted =
            r#"{"version": 1, "value": {"__encrypted_data__": "x", "__encryption_version__": 1}}"#;
        assert!(matches!(
            replaced(encrypted),
            Err(HandoverError::Unsuitable { .. })
        ));
    }
}
