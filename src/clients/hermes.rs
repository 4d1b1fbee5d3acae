//! Hermes: gets the whole login, in the three files that it keeps its own in, and refreshes it by itself.

use std::path::Path;

use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use icu_properties::CodePointMapData;
use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::{
    python_sdk, quoted, Change, Client, Delivery, Handover, HandoverError, Lock, Mode, Places,
};
use crate::oauth::text::printable;

/// Hermes 0.19 to 0.21.
pub const CLIENT: Client = Client {
    name: "hermes",
    about: "gets the login in its mcp-tokens files, and refreshes it by itself",
    source: Some("hermes"),
    asks_us: false,
    modes: &[Mode::Move, Mode::Access],
    deliver,
    note: "a running Hermes sees it by itself, if its server has `auth: oauth`; where refresh tokens are not replaced, it \
           has to be Hermes 0.21.2 or newer, as older ones lose the refresh token at the first refresh",
};

/// Most characters of a file's name before its suffix.
const MAX_STEM: usize = 128;

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    check_configured(grant)?;
    let home = places
        .path("HERMES_HOME")
        .unwrap_or_else(|| places.home.join(".hermes"));
    let (directory, stem) = (home.join("mcp-tokens"), stem(grant.name));
    let change = |suffix: &str, needed: &'static str, value: Value| {
        let path = directory.join(format!("{stem}{suffix}"));
        let edited = path.clone();
        let edit = Box::new(move |old: Option<&str>| replace(&edited, old, needed, &value));
        Change {
            path,
            lock: None,
            secret: true,
            edit,
        }
    };
    // In the order in which Hermes writes them, and reads them again: when the tokens are there, all is.
    let tokens = Change {
        lock: Some(Lock::File(
            directory.join(format!("{stem}.json.refresh.lock")),
        )),
        ..change(".json", "access_token", tokens(grant))
    };
    Ok(Delivery::Files(vec![
        change(".client.json", "client_id", python_sdk::client(grant.kept)),
        change(".meta.json", "token_endpoint", metadata(grant)),
        tokens,
    ]))
}

/// Returns a server's name as the names of its files begin.
fn stem(name: &str) -> String {
    let category = CodePointMapData::<GeneralCategory>::new();
    let kept = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    let is_kept = |it: char| matches!(it, '_' | '-') || kept.contains(category.get(it));
    let safe: String = name
        .chars()
        .map(|it| if is_kept(it) { it } else { '_' })
        .collect();
    let stem: String = safe.trim_matches('_').chars().take(MAX_STEM).collect();
    if stem.is_empty() {
        return "default".to_owned();
    }
    stem
}

fn tokens(grant: &Handover) -> Value {
    let mut tokens = python_sdk::tokens(grant.kept, grant.mode);
    python_sdk::set(
        &mut tokens,
        "expires_at",
        grant.kept.expires_at.map(|time| time.0.into()),
    );
    let issuer = python_sdk::issuer(grant.kept).map(|issuer| issuer.trim_end_matches('/').into());
    python_sdk::set(&mut tokens, "hermes_issuer", issuer);
    tokens
}

/// Returns the metadata of the authorization server. What is too little for Hermes makes it ask for more, and is still
/// better than what another login may have left there.
fn metadata(grant: &Handover) -> Value {
    let least =
        || json!({"issuer": grant.kept.issuer, "token_endpoint": grant.kept.token_endpoint});
    grant.metadata.cloned().unwrap_or_else(least)
}

/// Returns the new text of a file, all of which belongs to one login; the old one must be a file of Hermes' too.
fn replace(
    path: &Path,
    old: Option<&str>,
    needed: &str,
    value: &Value,
) -> Result<Zeroizing<String>, HandoverError> {
    if let Some(old) = old {
        let found: Value =
            serde_json::from_str(old).map_err(|err| HandoverError::unknown(path, err))?;
        if !found[needed].is_string() {
            return Err(HandoverError::unknown(
                path,
                format!("there is no {needed:?} in it"),
            ));
        }
    }
    Ok(Zeroizing::new(format!("{value:#}")))
}

/// Refuses a login that the server's configuration keeps Hermes from using.
fn check_configured(grant: &Handover) -> Result<(), HandoverError> {
    let Some(configured) = grant.configured else {
        return Ok(());
    };
    let (path, name, kept) = (configured.path.display(), printable(grant.name), grant.kept);
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    if !text(&configured.entry["auth"]).eq_ignore_ascii_case("oauth") {
        return Err(HandoverError::Unsuitable {
            message: format!("{path} does not say `auth: oauth` for {name}, so that Hermes would not use the login"),
            hint: format!("add `auth: oauth` to {name} there, and run this again"),
        });
    }
    let (id, secret) = (
        text(&configured.entry["oauth"]["client_id"]),
        text(&configured.entry["oauth"]["client_secret"]),
    );
    let ours = kept
        .client_secret
        .as_ref()
        .map_or("", |secret| secret.expose());
    // What stands for the value of a variable is not known here.
    let differs = |theirs: &str, ours: &str| theirs != ours && !theirs.contains("${");
    if id.is_empty() || !(differs(&id, &kept.client_id) || differs(&secret, ours)) {
        return Ok(());
    }
    Err(HandoverError::Unsuitable {
        message: format!("{path} names another client for {name} than the login's, so that Hermes would delete it"),
        hint: format!("log in as that client, with `mcp-login --force --client-id {} ...`", printable(&quoted(&id))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::config::ConfiguredServer;
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
        }
    }

    fn grant(kept: &Credentials, mode: Mode) -> Handover<'_> {
        Handover {
            kept,
            name: "example",
            url: "https://mcp.example.com/mcp",
            configured: None,
            metadata: None,
            mode,
            helper: "",
            variable: "",
            now: Time(1_893_553_445),
        }
    }

    /// Returns the files and what is written to them.
    fn written(grant: &Handover, places: &Places) -> Vec<(String, Value)> {
        let Ok(Delivery::Files(changes)) = deliver(grant, places) else {
            panic!("no files")
        };
        let text = |change: &Change| (change.edit)(None).expect("a text");
        let pair = |change: &Change| {
            (
                change.path.display().to_string(),
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
        let kept = Credentials {
            client_secret: Some(Secret::new("secret canary")),
            client_secret_expires_at: None,
            client_auth: "client_secret_post".into(),
            scopes: vec!["read".into(), "write".into()],
            ..login()
        };
        let metadata = json!({"issuer": "https://as.example", "token_endpoint": "https://as.example/token", "x": [1]});
        let files = written(
            &Handover {
                metadata: Some(&metadata),
                ..grant(&kept, Mode::Move)
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
        let kept = Credentials {
            expires_at: None,
            scopes: Vec::new(),
            ..login()
        };
        let files = written(&grant(&kept, Mode::Access), &places());
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
            let path = written(&grant(&login(), Mode::Move), &places).remove(2).0;
            assert_eq!(path, format!("{expected}/mcp-tokens/example.json"));
        }
    }

    #[test]
    fn what_hermes_would_delete_or_not_use_is_refused() {
        let kept = login();
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
                    ..grant(&kept, Mode::Move)
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
        let replaced = |old: &str| replace(Path::new("f"), Some(old), "access_token", &new);
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
