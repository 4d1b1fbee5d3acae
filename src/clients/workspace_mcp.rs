//! workspace-mcp, for Google: a file of its own for each account, which it refreshes by itself.

use std::path::{Path, PathBuf};

use serde_json::{json, Map, Value};

use super::{json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Mode, Places};
use crate::providers::google::GOOGLE;
use crate::store::Credentials;

/// workspace-mcp 2.2.1.
pub const CLIENT: Client = Client {
    name: "workspace-mcp",
    about: "gets the whole login, in its credentials directory; Google lets both refresh it",
    source: None,
    asks_us: false,
    modes: &[Mode::Copy, Mode::Move],
    deliver,
    note: "restart a workspace-mcp that is running: it keeps credentials in memory",
};

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let kept = grant.kept;
    let account = account(kept)?;
    if places
        .variable("WORKSPACE_MCP_CREDENTIAL_STORE_BACKEND")
        .is_some_and(|name| name != "local_directory")
    {
        return Err(HandoverError::Unsuitable {
            message:
                "WORKSPACE_MCP_CREDENTIAL_STORE_BACKEND names another store than a local directory"
                    .to_owned(),
            hint: "unset it, for workspace-mcp as well".to_owned(),
        });
    }
    let path = directory(places).join(format!("{}.json", encoded(account)));
    let (members, client_id, edited) = (members(kept), kept.client_id.clone(), path.clone());
    let has_refresh_token = kept.refresh_token.is_some();
    let edit: Edit = Box::new(move |old| {
        if !has_refresh_token && !old.is_some_and(|old| has_refresh_token_of(old, &client_id)) {
            return Err(without_refresh_token());
        }
        file::edit(&edited, old, |root| {
            members
                .iter()
                .for_each(|(name, value)| file::set(root, name, value));
            Ok(())
        })
    });
    Ok(Delivery::Files(vec![Change {
        path,
        lock: None,
        secret: true,
        edit,
    }]))
}

/// Returns the account of a login at Google.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`] if it is another provider's, or nobody's.
fn account(kept: &Credentials) -> Result<&str, HandoverError> {
    if kept.provider.as_deref() != Some(GOOGLE.name) {
        return Err(HandoverError::Unsuitable {
            message: format!("the login to {} is none at Google", kept.server),
            hint: "log in with `mcp-login --provider google --client-file FILE --tools LIST`"
                .to_owned(),
        });
    }
    kept.account
        .as_deref()
        .filter(|account| account.contains('@'))
        .ok_or_else(|| HandoverError::Unsuitable {
            message: format!(
                "the login to {} does not say whose account it is",
                kept.server
            ),
            hint: "log in again with --force and --email ADDRESS".to_owned(),
        })
}

/// Says that Google's refresh token is missing.
pub(super) fn without_refresh_token() -> HandoverError {
    HandoverError::Unsuitable {
        message: "the login has no refresh token, so it would end within the hour".to_owned(),
        hint: "log in again with `mcp-login --provider google --force ...`".to_owned(),
    }
}

/// Tells whether a file holds a refresh token that this client can use.
fn has_refresh_token_of(old: &str, client_id: &str) -> bool {
    let old: Map<String, Value> = serde_json::from_str(old).unwrap_or_default();
    old.get("client_id").is_some_and(|id| id == client_id)
        && old.get("refresh_token").is_some_and(Value::is_string)
}

fn directory(places: &Places) -> PathBuf {
    let named = [
        "WORKSPACE_MCP_CREDENTIALS_DIR",
        "GOOGLE_MCP_CREDENTIALS_DIR",
    ]
    .iter()
    .find_map(|it| places.path(it));
    named.unwrap_or_else(|| {
        places
            .home
            .join(Path::new(".google_workspace_mcp/credentials"))
    })
}

/// Returns an account as it stands in the name of a file: all but letters, digits and `_.-~@` as `%XX`.
fn encoded(account: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~@".contains(&byte);
    let bytes = account.bytes();
    bytes
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Returns what workspace-mcp reads. The time has no zone because it is cut off there; a secret that is missing would keep
/// the token from being refreshed; the scopes are those that were granted, because they are asked for at a refresh.
fn members(kept: &Credentials) -> Vec<(&'static str, Value)> {
    let secret = kept
        .client_secret
        .as_ref()
        .map_or("", |secret| secret.expose());
    let expiry = kept
        .expires_at
        .map(|time| time.rfc3339().trim_end_matches('Z').to_owned());
    let refresh_token = kept
        .refresh_token
        .as_ref()
        .map(|token| ("refresh_token", json!(token.expose())));
    let mut members = vec![("token", json!(kept.access_token.expose()))];
    members.extend(refresh_token);
    members.extend([
        ("token_uri", json!(kept.token_endpoint)),
        ("client_id", json!(kept.client_id)),
        ("client_secret", json!(secret)),
        ("scopes", json!(kept.scopes)),
        ("expiry", json!(expiry)),
    ]);
    members
}

#[cfg(test)]
pub mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::oauth::secret::Secret;
    use crate::os::clock::Time;
    use crate::store::StoredId;

    /// A login at Google.
    pub fn login() -> Credentials {
        let key = StoredId {
            server: "google".to_owned(),
            profile: "default".to_owned(),
        };
        Credentials {
            provider: Some("google".to_owned()),
            account: Some("Ann+b@example.com".to_owned()),
            token_endpoint: "https://oauth2.googleapis.com/token".to_owned(),
            client_id: "c.apps.googleusercontent.com".to_owned(),
            client_secret: Some(Secret::new("GOCSPX-x")),
            access_token: Secret::new("ya29.x"),
            refresh_token: Some(Secret::new("1//x")),
            expires_at: Some(Time(1_893_553_445)),
            scopes: vec![
                "openid".to_owned(),
                "https://www.googleapis.com/auth/drive".to_owned(),
            ],
            ..crate::store::tests::credentials(&key)
        }
    }

    /// The home of nobody.
    pub fn places(variables: &[(&str, &str)]) -> Places {
        let variables: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Places {
            home: PathBuf::from("/home/ann"),
            directory: PathBuf::from("/project"),
            variables,
        }
    }

    /// Returns the change that a client makes of a login.
    pub fn change(
        client: &Client,
        kept: &Credentials,
        places: &Places,
    ) -> Result<Change, HandoverError> {
        let grant = Handover {
            kept,
            name: "google",
            url: "google",
            configured: None,
            metadata: None,
            mode: Mode::Copy,
            helper: "",
            variable: "",
            now: Time(0),
        };
        match (client.deliver)(&grant, places)? {
            Delivery::Files(mut changes) => Ok(changes.remove(0)),
            _ => panic!("not a file"),
        }
    }

    fn new_text(kept: &Credentials, old: Option<&str>) -> Result<String, HandoverError> {
        let change = change(&CLIENT, kept, &places(&[]))?;
        (change.edit)(old).map(|text| text.to_string())
    }

    #[test]
    fn names_of_files() {
        for (account, name) in [
            ("a+b@example.com", "a%2Bb@example.com.json"),
            ("o'neil@x.org", "o%27neil@x.org.json"),
            ("ä@x.de", "%C3%A4@x.de.json"),
            ("a~b@x.org", "a~b@x.org.json"),
            ("Ann@Example.com", "Ann@Example.com.json"),
            ("../../x@y", "..%2F..%2Fx@y.json"),
        ] {
            let kept = Credentials {
                account: Some(account.to_owned()),
                ..login()
            };
            let change = change(&CLIENT, &kept, &places(&[])).expect("a change");
            assert_eq!(
                change.path,
                Path::new("/home/ann/.google_workspace_mcp/credentials").join(name)
            );
            assert!(change.secret);
        }
    }

    #[test]
    fn u26_which_directory() {
        let both = [
            ("WORKSPACE_MCP_CREDENTIALS_DIR", "~/w"),
            ("GOOGLE_MCP_CREDENTIALS_DIR", "/g"),
        ];
        for (variables, directory) in [(&both[..], "/home/ann/w"), (&both[1..], "/g")] {
            let change = change(&CLIENT, &login(), &places(variables)).expect("a change");
            assert_eq!(
                change.path,
                Path::new(directory).join("Ann%2Bb@example.com.json")
            );
        }
        let other = places(&[("WORKSPACE_MCP_CREDENTIAL_STORE_BACKEND", "gcs")]);
        assert!(matches!(
            change(&CLIENT, &login(), &other),
            Err(HandoverError::Unsuitable { .. })
        ));
    }

    #[test]
    fn cw9_the_file() {
        let new: Value =
            serde_json::from_str(&new_text(&login(), None).expect("a text")).expect("JSON");
        let expected = json!({
            "token": "ya29.x", "refresh_token": "1//x", "token_uri": "https://oauth2.googleapis.com/token",
            "client_id": "c.apps.googleusercontent.com", "client_secret": "GOCSPX-x",
            "scopes": ["openid", "https://www.googleapis.com/auth/drive"], "expiry": "2030-01-02T03:04:05",
        });
        assert_eq!(new, expected);
        let bare = Credentials {
            client_secret: None,
            expires_at: None,
            ..login()
        };
        let new: Value =
            serde_json::from_str(&new_text(&bare, None).expect("a text")).expect("JSON");
        assert_eq!(
            (&new["client_secret"], &new["expiry"]),
            (&json!(""), &Value::Null)
        );
    }

    #[test]
    fn u24_nothing_of_a_good_file_is_lost() {
        let old = r#"{"token": "old", "refresh_token": "kept", "client_id": "c.apps.googleusercontent.com", "later": [1]}"#;
        let without = Credentials {
            refresh_token: None,
            ..login()
        };
        let new: Value =
            serde_json::from_str(&new_text(&without, Some(old)).expect("a text")).expect("JSON");
        assert_eq!(
            (&new["refresh_token"], &new["token"], &new["later"]),
            (&json!("kept"), &json!("ya29.x"), &json!([1]))
        );
        let others = old.replace("c.apps", "other.apps");
        for old in [None, Some(others.as_str()), Some("{}")] {
            assert!(
                matches!(
                    new_text(&without, old),
                    Err(HandoverError::Unsuitable { .. })
                ),
                "{old:?}"
            );
        }
        for old in ["[]", "{\"token\":", "7"] {
            assert!(
                matches!(
                    new_text(&login(), Some(old)),
                    Err(HandoverError::UnknownFormat { .. })
                ),
                "{old}"
            );
        }
    }

    #[test]
    fn only_logins_at_google_of_somebody() {
        for kept in [
            Credentials {
                provider: None,
                ..login()
            },
            Credentials {
                provider: Some("github".to_owned()),
                ..login()
            },
            Credentials {
                account: None,
                ..login()
            },
            Credentials {
                account: Some("1234567".to_owned()),
                ..login()
            },
        ] {
            assert!(matches!(
                change(&CLIENT, &kept, &places(&[])),
                Err(HandoverError::Unsuitable { .. })
            ));
        }
    }
}
