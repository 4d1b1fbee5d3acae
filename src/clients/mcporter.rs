//! mcporter: takes the login by its documented command `mcporter vault set`.

use std::path::PathBuf;

use serde_json::{json, Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::command::Import;
use super::sdk::{self, set};
use super::{config, Client, Delivery, Handover, HandoverError, Mode, Places};
use crate::oauth::text::printable;

/// mcporter 0.12.
pub const CLIENT: Client = Client {
    name: "mcporter",
    about: "takes the login by `mcporter vault set`, and refreshes it itself",
    source: Some("mcporter"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "mcporter uses it from its next call; restart its daemon, if it runs",
};

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    check_name(grant, places)?;
    let mut tokens = sdk::tokens(grant);
    // In seconds. With `expires_in` in its place mcporter spends the refresh token at once.
    set(
        &mut tokens,
        "expires_at",
        grant.kept.expires_at.map(|time| time.0),
    );
    let mut payload = Map::new();
    let (name, url, expected) = (
        grant.name.to_owned(),
        Url::parse(grant.url).ok(),
        json!(tokens),
    );
    set(&mut payload, "tokens", Some(tokens));
    if grant.mode != Mode::Access {
        sdk::same_client(grant, "/oauthClientId")?;
        set(&mut payload, "clientInfo", Some(sdk::client(grant)));
    }
    Ok(Delivery::Command(Import {
        program: "mcporter",
        arguments: ["vault", "set", grant.name, "--stdin"]
            .map(str::to_owned)
            .into(),
        stdin: Zeroizing::new(json!(payload).to_string()),
        path: vault(places),
        holds: Box::new(move |text| holds(text, &name, url.as_ref(), &expected)),
    }))
}

/// Refuses a name that mcporter would take for an option, or under which it knows another server.
fn check_name(grant: &Handover, places: &Places) -> Result<(), HandoverError> {
    if grant.name.starts_with('-') {
        return Err(HandoverError::Unsuitable {
            message: format!(
                "mcporter would take the name {} for an option",
                printable(grant.name)
            ),
            hint: "give the server another name in mcporter's configuration".to_owned(),
        });
    }
    let parse = |url: &str| Url::parse(url).ok();
    let found = config::look(places, CLIENT.source).servers;
    match found
        .iter()
        .find(|it| it.name == grant.name && parse(&it.url) != parse(grant.url))
    {
        Some(other) => Err(HandoverError::other_server(
            &other.path,
            grant.name,
            &other.shown_url(),
        )),
        None => Ok(()),
    }
}

/// Returns the file in which mcporter keeps logins.
fn vault(places: &Places) -> PathBuf {
    let data = places
        .variable("XDG_DATA_HOME")
        .map(str::trim)
        .filter(|it| it.starts_with(['/', '~']));
    let below = data
        .and_then(|_| places.path("XDG_DATA_HOME"))
        .map(|data| data.join("mcporter"));
    below
        .unwrap_or_else(|| places.home.join(".mcporter"))
        .join("credentials.json")
}

/// Tells whether the text of the vault holds these tokens for the server.
fn holds(text: &str, name: &str, url: Option<&Url>, tokens: &Value) -> bool {
    let vault: Value = serde_json::from_str(text).unwrap_or_default();
    let entries = vault["entries"]
        .as_object()
        .into_iter()
        .flat_map(|entries| entries.values());
    let mut named = entries.filter(|entry| entry["serverName"] == name);
    let of_server = |entry: &Value| {
        entry["serverUrl"]
            .as_str()
            .and_then(|text| Url::parse(text).ok())
    };
    let is_same = |entry: &Value, member: &str| entry["tokens"].get(member) == tokens.get(member);
    named.any(|entry| {
        of_server(entry).as_ref() == url
            && is_same(entry, "access_token")
            && is_same(entry, "refresh_token")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::super::sdk::tests::{confidential, configured, grant, login, places, URL};
    use super::*;

    fn delivered(grant: &Handover) -> Value {
        match deliver(grant, &places(&[])).expect("a delivery") {
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
        let kept = confidential();
        let moved = json!({
            "tokens": {"access_token": "access canary 1", "token_type": "Bearer", "refresh_token": "refresh canary",
                "scope": "mcp", "expires_at": 1_893_557_045},
            "clientInfo": {"client_id": "client", "client_secret": "secret canary",
                "token_endpoint_auth_method": "client_secret_post"},
        });
        assert_eq!(delivered(&grant(&kept, Mode::Move)), moved);
    }

    #[test]
    fn cm1_an_access_token_alone() {
        let mut kept = login();
        (kept.expires_at, kept.scopes) = (None, Vec::new());
        let configured = configured("mcporter", json!({"oauthClientId": "another"}));
        let lent = Handover {
            configured: Some(&configured),
            ..grant(&kept, Mode::Access)
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
        let kept = login();
        for name in ["--help", "-h", "--config=x", "-"] {
            let named = Handover {
                name,
                ..grant(&kept, Mode::Move)
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
