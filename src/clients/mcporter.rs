//! mcporter: takes the login by its documented command `mcporter vault set`.

use std::path::PathBuf;

use serde_json::{json, Value};
use url::Url;
use zeroize::Zeroizing;

use super::command::Import;
use super::{config, sdk, Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::oauth::text::printable;

/// mcporter 0.12.
pub const TARGET: Target = Target {
    name: "mcporter",
    about: "takes the login by `mcporter vault set`, and refreshes it itself",
    source: Some("mcporter"),
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "mcporter uses it from its next call; restart its daemon, if it runs",
    ..Target::NEW
};

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    check_name(handover, places)?;
    // In seconds. With `expires_in` in its place mcporter spends the refresh token at once.
    let expires_at = handover.login.expires_at.map(|time| time.unix_seconds());
    let tokens = sdk::with(sdk::tokens(handover), json!({"expires_at": expires_at}));
    let mut payload = json!({"tokens": tokens});
    if handover.mode != Mode::Access {
        sdk::check_client_id(handover, "/oauthClientId")?;
        payload["clientInfo"] = sdk::client(handover.login);
    }
    let (name, url) = (handover.name.to_owned(), Url::parse(handover.url).ok());
    Ok(Delivery::Command(Import {
        program: "mcporter",
        arguments: ["vault", "set", handover.name, "--stdin"]
            .map(str::to_owned)
            .into(),
        stdin: Zeroizing::new(payload.to_string()),
        path: vault(places),
        holds: Box::new(move |text| holds(text, &name, url.as_ref(), &tokens)),
    }))
}

/// Refuses a name that mcporter would parse as an option, or that belongs to another server in its configuration.
fn check_name(handover: &Handover, places: &Places) -> Result<(), HandoverError> {
    let name = handover.name;
    if name.starts_with('-') {
        let name = printable(name);
        return Err(HandoverError::unsuitable(
            format!("mcporter would take the name {name} for an option"),
            "give the server another name in mcporter's configuration",
        ));
    }
    let is_other = |url: &str| Url::parse(url).ok() != Url::parse(handover.url).ok();
    for server in config::scan(places, TARGET.source).servers {
        if server.name == name && is_other(&server.url) {
            let url = server.shown_url();
            return Err(HandoverError::other_server(&server.path, name, &url));
        }
    }
    Ok(())
}

/// Returns the file in which mcporter keeps logins.
fn vault(places: &Places) -> PathBuf {
    let data = places.variable("XDG_DATA_HOME").map(str::trim);
    let directory = match data.filter(|it| it.starts_with(['/', '~'])) {
        Some(_) => places.path_or("XDG_DATA_HOME", "").join("mcporter"),
        None => places.home.join(".mcporter"),
    };
    directory.join("credentials.json")
}

/// Returns whether the text of the vault holds these tokens for the server.
fn holds(text: &str, name: &str, url: Option<&Url>, tokens: &Value) -> bool {
    let vault: Value = serde_json::from_str(text).unwrap_or_default();
    let mut entries = vault["entries"].as_object().into_iter().flatten();
    entries.any(|(_, entry)| {
        let entry_url = entry["serverUrl"].as_str().map(Url::parse);
        entry["serverName"] == name
            && entry_url.and_then(Result::ok).as_ref() == url
            && entry["tokens"]["access_token"] == tokens["access_token"]
            && entry["tokens"]["refresh_token"] == tokens["refresh_token"]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::super::sdk::tests::{confidential, configured, handover, login, places, URL};
    use super::*;

    fn delivered(handover: &Handover) -> Value {
        match deliver(handover, &places(&[])).expect("a delivery") {
            Delivery::Command(import) => {
                let arguments = import.arguments.join(" ");
                assert_eq!(
                    (import.program, arguments.as_str()),
                    ("mcporter", "vault set example --stdin")
                );
                let payload: Value = from_str(&import.stdin).expect("JSON");
                let entry = |url: &str, payload: &Value| {
                    let mut entry =
                        json!({"serverName": "example", "serverUrl": url, "updatedAt": "now"});
                    entry
                        .as_object_mut()
                        .expect("an object")
                        .extend(payload.as_object().expect("an object").clone());
                    json!({"version": 1, "entries": {"example|0": entry}}).to_string()
                };
                assert!((import.holds)(&entry(URL, &payload)), "it is read back");
                let mut others = payload.clone();
                others["tokens"]["access_token"] = "another".into();
                for text in [
                    entry(URL, &others),
                    entry("https://other.example/", &payload),
                    String::new(),
                ] {
                    assert!(!(import.holds)(&text), "{text}");
                }
                payload
            }
            _ => panic!("no command"),
        }
    }

    #[test]
    fn cw10_its_own_command_takes_the_login() {
        let login = confidential();
        let moved = json!({
            "tokens": {"access_token": "access canary 1", "token_type": "Bearer", "refresh_token": "refresh canary",
                "scope": "mcp", "expires_at": 1_893_557_045},
            "clientInfo": {"client_id": "client", "client_secret": "secret canary",
                "token_endpoint_auth_method": "client_secret_post"},
        });
        assert_eq!(delivered(&handover(&login, Mode::Move)), moved);
    }

    #[test]
    fn cm1_an_access_token_alone() {
        let mut login = login();
        (login.expires_at, login.scopes) = (None, Vec::new());
        let configured = configured("mcporter", json!({"oauthClientId": "another"}));
        let lent = Handover {
            configured: Some(&configured),
            ..handover(&login, Mode::Access)
        };
        assert_eq!(
            delivered(&lent),
            json!({"tokens": {"access_token": "access canary 1", "token_type": "Bearer"}})
        );
        let moved = Handover {
            mode: Mode::Move,
            ..lent
        };
        assert!(
            deliver(&moved, &places(&[])).is_err(),
            "it would refresh as another client"
        );
    }

    #[test]
    fn a5_a_name_is_never_an_option() {
        let login = login();
        for name in ["--help", "-h", "--config=x", "-"] {
            let named = Handover {
                name,
                ..handover(&login, Mode::Move)
            };
            assert!(
                matches!(
                    deliver(&named, &places(&[])),
                    Err(HandoverError::Unsuitable { .. })
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn a5_where_the_vault_is() {
        for (data, path) in [
            ("", "/home/ann/.mcporter/credentials.json"),
            ("relative", "/home/ann/.mcporter/credentials.json"),
            ("/data", "/data/mcporter/credentials.json"),
            ("~/data", "/home/ann/data/mcporter/credentials.json"),
        ] {
            assert_eq!(
                vault(&places(&[("XDG_DATA_HOME", data)])),
                PathBuf::from(path),
                "{data}"
            );
        }
    }
}
