//! workspace-mcp, for Google: a file of its own for each account, which it refreshes by itself.

use std::path::PathBuf;

use serde_json::{json, Value};

use super::{google, json as file, sdk};
use super::{Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::store::Credentials;

/// workspace-mcp 2.2.1.
pub const TARGET: Target = Target {
    name: "workspace-mcp",
    about: "gets the whole login, in its credentials directory; Google lets both refresh it",
    modes: &[Mode::Copy, Mode::Move],
    deliver,
    note: "restart a workspace-mcp that is running: it keeps credentials in memory",
    ..Target::NEW
};

/// Which store workspace-mcp uses; only the default one, a local directory, can be written.
const BACKEND: &str = "WORKSPACE_MCP_CREDENTIAL_STORE_BACKEND";

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let login = handover.login;
    google::check(login, "--tools LIST")?;
    let account = account(login)?;
    let backend = places.variable(BACKEND);
    if backend.is_some_and(|name| name != "local_directory") {
        return Err(HandoverError::unsuitable(
            format!("{BACKEND} names another store than a local directory"),
            "unset it, for workspace-mcp as well",
        ));
    }
    let (members, client_id) = (members(login), login.client_id.clone());
    let has_refresh_token = login.refresh_token.is_some();
    let path = directory(places).join(format!("{}.json", encoded(account)));
    let change = file::change(path, move |_, root| {
        let old = root.to_serde_value().unwrap_or_default();
        let can_refresh = old["client_id"] == client_id && old["refresh_token"].is_string();
        if !has_refresh_token && !can_refresh {
            return Err(google::without_refresh_token());
        }
        for (name, value) in &members {
            file::set(root, name, value);
        }
        Ok(())
    });
    Ok(Delivery::Files(vec![change]))
}

/// Returns the account of a login at Google: it names the file.
fn account(login: &Credentials) -> Result<&str, HandoverError> {
    let account = login.account.as_deref();
    account.filter(|it| it.contains('@')).ok_or_else(|| {
        HandoverError::unsuitable(
            format!("the account of the login to {} is not known", login.server),
            "log in again with --force and --email ADDRESS",
        )
    })
}

fn directory(places: &Places) -> PathBuf {
    let usual = ".google_workspace_mcp/credentials";
    let older = places.path_or("GOOGLE_MCP_CREDENTIALS_DIR", usual);
    places
        .path("WORKSPACE_MCP_CREDENTIALS_DIR")
        .unwrap_or(older)
}

/// Returns an account as the name of a file has it: all but letters, digits and `_.-~@` as `%XX`.
fn encoded(account: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~@".contains(&byte);
    let encode = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    account.bytes().map(encode).collect()
}

/// Returns what workspace-mcp reads. Its time has no zone. Without a secret it would not refresh; the scopes are the
/// granted ones, because it asks for them at a refresh.
fn members(login: &Credentials) -> Vec<(&'static str, Value)> {
    let expiry = login.expires_at.map(|time| time.rfc3339());
    let mut members = vec![
        ("token", json!(login.access_token.expose())),
        ("token_uri", json!(login.token_endpoint)),
        ("client_id", json!(login.client_id)),
        (
            "client_secret",
            json!(sdk::client_secret(login).unwrap_or_default()),
        ),
        ("scopes", json!(login.scopes)),
        (
            "expiry",
            json!(expiry.as_deref().map(|it| it.trim_end_matches('Z'))),
        ),
    ];
    if let Some(token) = &login.refresh_token {
        members.insert(1, ("refresh_token", json!(token.expose())));
    }
    members
}

#[cfg(test)]
pub mod tests {
    use std::collections::BTreeMap;

    use std::path::Path;

    use super::super::Change;
    use super::*;
    use crate::oauth::secret::Secret;
    use crate::os::clock::Time;
    use crate::os::places::System;
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
            expires_at: Some(Time::at(1_893_553_445)),
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
            system: System::Xdg,
        }
    }

    /// Returns the change that a client makes of a login.
    pub fn change(
        client: &Target,
        login: &Credentials,
        places: &Places,
    ) -> Result<Change, HandoverError> {
        let handover = Handover {
            login,
            name: "google",
            url: "google",
            configured: None,
            metadata: None,
            mode: Mode::Copy,
            client: TARGET.name,
            command: &sdk::tests::COMMAND,
            variable: "",
            now: Time::at(0),
        };
        match (client.deliver)(&handover, places)? {
            Delivery::Files(mut changes) => Ok(changes.remove(0)),
            _ => panic!("not a file"),
        }
    }

    fn new_text(login: &Credentials, old: Option<&str>) -> Result<String, HandoverError> {
        let change = change(&TARGET, login, &places(&[]))?;
        change.apply(old).map(|text| text.to_string())
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
            let login = Credentials {
                account: Some(account.to_owned()),
                ..login()
            };
            let change = change(&TARGET, &login, &places(&[])).expect("a change");
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
            let change = change(&TARGET, &login(), &places(variables)).expect("a change");
            assert_eq!(
                change.path,
                Path::new(directory).join("Ann%2Bb@example.com.json")
            );
        }
        let other = places(&[("WORKSPACE_MCP_CREDENTIAL_STORE_BACKEND", "gcs")]);
        assert!(matches!(
            change(&TARGET, &login(), &other),
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
        let old = r#"{"token": "old", "refresh_token": "login", "client_id": "c.apps.googleusercontent.com", "later": [1]}"#;
        let without = Credentials {
            refresh_token: None,
            ..login()
        };
        let new: Value =
            serde_json::from_str(&new_text(&without, Some(old)).expect("a text")).expect("JSON");
        assert_eq!(
            (&new["refresh_token"], &new["token"], &new["later"]),
            (&json!("login"), &json!("ya29.x"), &json!([1]))
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
        for login in [
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
                change(&TARGET, &login, &places(&[])),
                Err(HandoverError::Unsuitable { .. })
            ));
        }
    }
}
