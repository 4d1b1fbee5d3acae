//! Hermes: gets the whole login, in the three files that it keeps its own in, and refreshes it by itself.

use std::path::PathBuf;

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use icu_properties::CodePointMapData;
use serde_json::{json, Value};

use super::{json as file, sdk};
use super::{Change, Delivery, Handover, HandoverError, Lock, Mode, Places, Target};
use crate::oauth::text::{printable, quoted};
use crate::os::places::System;

/// Hermes 0.19 to 0.21.
pub const TARGET: Target = Target {
    name: "hermes",
    about: "gets the login in its mcp-tokens files, and refreshes it by itself",
    source: Some("hermes"),
    refreshes_by_clock: true,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "a running Hermes sees it by itself, if its server has `auth: oauth`; where refresh tokens are not replaced, it \
           has to be Hermes 0.21.2 or newer, as older ones lose the refresh token at the first refresh",
    ..Target::NEW
};

/// Most characters of a file's name before its suffix.
const MAX_STEM: usize = 128;

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    check_configured(handover)?;
    let home = home(places);
    let (directory, stem) = (home.join("mcp-tokens"), stem(handover.name));
    let change = |suffix: &str, needed, value: Value| {
        let path = directory.join(format!("{stem}{suffix}"));
        replacement(path, needed, &value)
    };
    let lock = Lock::File(directory.join(format!("{stem}.json.refresh.lock")));
    // Hermes writes and reads them in this order: when the tokens are there, everything is.
    Ok(Delivery::Files(vec![
        change(
            ".client.json",
            "client_id",
            sdk::python_client(handover.login),
        ),
        change(".meta.json", "token_endpoint", metadata(handover)),
        change(".json", "access_token", tokens(handover)).locked(lock),
    ]))
}

/// Returns the directory in which Hermes keeps everything.
///
/// Spec: Hermes 0.19, `hermes_constants.py`. On Windows older versions had `.hermes` in the home directory, where a user of
/// them still has it.
pub fn home(places: &Places) -> PathBuf {
    places.path("HERMES_HOME").unwrap_or_else(|| {
        let (older, native) = (places.home.join(".hermes"), places.local().join("hermes"));
        match places.system {
            System::Windows if native.exists() || !older.exists() => native,
            _ => older,
        }
    })
}

/// Returns a server's name as the names of its files begin.
fn stem(name: &str) -> String {
    let category = CodePointMapData::<GeneralCategory>::new();
    let alphanumeric = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    let is_plain = |it: char| matches!(it, '_' | '-') || alphanumeric.contains(category.get(it));
    let safe = name.replace(|it| !is_plain(it), "_");
    let stem: String = safe.trim_matches('_').chars().take(MAX_STEM).collect();
    if stem.is_empty() {
        return "default".to_owned();
    }
    stem
}

fn tokens(handover: &Handover) -> Value {
    let issuer = sdk::python_issuer(handover.login);
    let more = json!({
        "expires_at": handover.login.expires_at.map(|time| time.unix_seconds()),
        "hermes_issuer": issuer.map(|issuer| issuer.trim_end_matches('/')),
    });
    sdk::with(sdk::python_tokens(handover), more)
}

/// Returns the metadata of the authorization server. If too little of it is known, Hermes asks for more; that is still
/// better than the metadata that another login may have left there.
fn metadata(handover: &Handover) -> Value {
    let login = handover.login;
    let least = || json!({"issuer": login.issuer, "token_endpoint": login.token_endpoint});
    handover.metadata.cloned().unwrap_or_else(least)
}

/// Replaces a file with one login, whose old text must be one of Hermes too.
fn replacement(path: PathBuf, needed: &'static str, value: &Value) -> Change {
    file::replacement(path, format!("{value:#}"), move |path, old| {
        if old[needed].is_string() {
            return Ok(());
        }
        let why = format!("there is no {needed:?} in it");
        Err(HandoverError::unknown(path, why))
    })
}

/// Refuses a login that Hermes would not use, because of the server's configuration.
fn check_configured(handover: &Handover) -> Result<(), HandoverError> {
    let Some(configured) = handover.configured else {
        return Ok(());
    };
    let (path, name) = (configured.path.display(), printable(handover.name));
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    if !text(&configured.entry["auth"]).eq_ignore_ascii_case("oauth") {
        return Err(HandoverError::unsuitable(
            format!("{path} does not say `auth: oauth` for {name}, so that Hermes would not use the login"),
            format!("add `auth: oauth` to {name} there, and run this again"),
        ));
    }
    let login = handover.login;
    let oauth = &configured.entry["oauth"];
    let (id, secret) = (text(&oauth["client_id"]), text(&oauth["client_secret"]));
    // The value of a variable is not known here.
    let differs = |theirs: &str, ours: &str| theirs != ours && !theirs.contains("${");
    let our_secret = sdk::client_secret(login).unwrap_or_default();
    if id.is_empty() || !(differs(&id, &login.client_id) || differs(&secret, our_secret)) {
        return Ok(());
    }
    let id = printable(&quoted(&id));
    Err(HandoverError::unsuitable(
        format!("{path} names another client for {name} than the login's, so that Hermes would delete it"),
        format!("log in as that client, with `mcp-login --force --client-id {id} ...`"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::config::ConfiguredServer;
    use crate::oauth::client::ClientAuth;
    use crate::oauth::secret::Secret;
    use crate::os::clock::Time;
    use crate::store::tests::credentials;
    use crate::store::{Credentials, StoredId};

    fn login() -> Credentials {
        credentials(&StoredId {
            server: "https://mcp.example.com/mcp".into(),
            profile: "default".into(),
        })
    }

    fn places() -> Places {
        Places {
            home: "/home/ann".into(),
            directory: "/project".into(),
            variables: [].into(),
            system: System::Xdg,
        }
    }

    fn handover(login: &Credentials, mode: Mode) -> Handover<'_> {
        Handover {
            login,
            name: "example",
            url: "https://mcp.example.com/mcp",
            configured: None,
            metadata: None,
            mode,
            client: TARGET.name,
            command: &sdk::tests::COMMAND,
            variable: "",
            now: Time::at(1_893_553_445),
        }
    }

    /// Returns the files and what is written to them.
    fn written(handover: &Handover, places: &Places) -> Vec<(String, Value)> {
        let Ok(Delivery::Files(changes)) = deliver(handover, places) else {
            panic!("no files")
        };
        let text = |change: &Change| change.apply(None).expect("a text");
        let pair = |change: &Change| {
            (
                change.path.display().to_string().replace('\\', "/"),
                serde_json::from_str(&text(change)).expect("JSON"),
            )
        };
        assert!(changes.iter().all(|change| change.secret));
        changes.iter().map(pair).collect()
    }

    #[test]
    fn names_of_files() {
        for (name, expected) in [
            ("my server", "my_server"),
            ("a.b", "a_b"),
            ("../../x", "x"),
            ("__x__", "x"),
            ("", "default"),
            ("._.", "default"),
            ("plugin:merv:merv", "plugin_merv_merv"),
            ("日本", "日本"),
            ("हिन्दी", "ह_न_द"),
            ("Ⅷ½²٣ⓐ", "Ⅷ½²٣"),
            ("-a-", "-a-"),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
        assert_eq!(stem(&"x".repeat(200)), "x".repeat(128));
    }

    #[test]
    fn cw4_three_files_the_tokens_last() {
        let login = Credentials {
            client_secret: Some(Secret::new("secret canary")),
            client_secret_expires_at: None,
            client_auth: ClientAuth::Post.into(),
            scopes: vec!["read".into(), "write".into()],
            ..login()
        };
        let metadata = json!({"issuer": "https://as.example", "token_endpoint": "https://as.example/token", "x": [1]});
        let files = written(
            &Handover {
                metadata: Some(&metadata),
                ..handover(&login, Mode::Move)
            },
            &places(),
        );
        let client = json!({
            "client_id": "client",
            "client_secret": "secret canary",
            "redirect_uris": ["http://127.0.0.1:4711/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
            "issuer": "https://as.example",
        });
        let tokens = json!({
            "access_token": "access canary 1",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "read write",
            "refresh_token": "refresh canary",
            "expires_at": 1_893_557_045,
            "hermes_issuer": "https://as.example",
        });
        let directory = "/home/ann/.hermes/mcp-tokens";
        assert_eq!(
            files,
            [
                (format!("{directory}/example.client.json"), client),
                (format!("{directory}/example.meta.json"), metadata.clone()),
                (format!("{directory}/example.json"), tokens),
            ]
        );
    }

    #[test]
    fn cm1_access_alone_and_no_expiry() {
        let login = Credentials {
            expires_at: None,
            scopes: Vec::new(),
            ..login()
        };
        let files = written(&handover(&login, Mode::Access), &places());
        let tokens = json!({
            "access_token": "access canary 1",
            "token_type": "Bearer",
            "hermes_issuer": "https://as.example",
        });
        assert_eq!(files[2].1, tokens);
        assert_eq!(files[0].1["token_endpoint_auth_method"], "none");
        let least =
            json!({"issuer": "https://as.example", "token_endpoint": "https://as.example/token"});
        assert_eq!(files[1].1, least);
    }

    fn configured(entry: Value) -> ConfiguredServer {
        ConfiguredServer {
            source: "hermes",
            name: "example".into(),
            url: "https://mcp.example.com/mcp".into(),
            written: "https://mcp.example.com/mcp".into(),
            path: "/home/ann/.hermes/config.yaml".into(),
            project: None,
            in_project: false,
            entry,
        }
    }

    #[test]
    fn u26_homes_and_profiles() {
        for (home, expected) in [
            ("", "/home/ann/.hermes"),
            ("~/.hermes/profiles/p", "/home/ann/.hermes/profiles/p"),
            ("h", "/project/h"),
        ] {
            let mut places = places();
            places
                .variables
                .insert("HERMES_HOME".to_owned(), home.to_owned());
            let path = written(&handover(&login(), Mode::Move), &places)
                .remove(2)
                .0;
            assert_eq!(path, format!("{expected}/mcp-tokens/example.json"));
        }
    }

    #[test]
    fn what_hermes_would_delete_or_not_use_is_refused() {
        let login = login();
        for (entry, said) in [
            (json!({}), Some("auth: oauth")),
            (json!({"auth": "header"}), Some("auth: oauth")),
            (json!({"auth": " OAuth "}), None),
            (json!({"auth": "oauth", "oauth": {"scope": "a"}}), None),
            (
                json!({"auth": "oauth", "oauth": {"client_id": "client"}}),
                None,
            ),
            (
                json!({"auth": "oauth", "oauth": {"client_id": "${ID}", "client_secret": "${SECRET}"}}),
                None,
            ),
            (
                json!({"auth": "oauth", "oauth": {"client_id": "other"}}),
                Some("--client-id other"),
            ),
            (
                json!({"auth": "oauth", "oauth": {"client_id": "client", "client_secret": "canary"}}),
                Some("another"),
            ),
        ] {
            let configured = configured(entry);
            let refused = deliver(
                &Handover {
                    configured: Some(&configured),
                    ..handover(&login, Mode::Move)
                },
                &places(),
            )
            .err();
            let words = refused.map(|refusal| match refusal {
                HandoverError::Unsuitable { message, hint } => format!("{message} {hint}"),
                HandoverError::UnknownFormat { .. } => panic!("it is known"),
            });
            assert_eq!(words.is_some(), said.is_some(), "{words:?}");
            let is_right = |words: &String| {
                words.contains(said.unwrap_or_default()) && !words.contains("canary")
            };
            assert!(words.iter().all(is_right), "{words:?}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused_and_one_of_hermes_replaced() {
        let new = json!({"access_token": "new"});
        let change = replacement("f".into(), "access_token", &new);
        let replaced = |old: &str| change.apply(Some(old));
        for old in [
            "",
            "{",
            "[]",
            "7",
            "{}",
            "{\"version\": 2}",
            "{\"access_token\": {\"encrypted\": \"x\"}}",
        ] {
            assert!(
                matches!(replaced(old), Err(HandoverError::UnknownFormat { .. })),
                "{old}"
            );
        }
        let text = replaced("{\"access_token\": \"old\", \"later\": 1}").expect("a text");
        assert_eq!(*text, "{\n  \"access_token\": \"new\"\n}");
    }
}
