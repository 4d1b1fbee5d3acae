//! Hints as text: sentences, and commands that can be pasted into a shell as they are.

use serde::Serializer;

use crate::context::Settings;
use crate::failure::{Hint, LoginCommand};
use crate::oauth::text::quoted;
use crate::store::{StoredId, DEFAULT_PROFILE};

/// Returns a hint as text.
pub fn hint(hint: &Hint) -> String {
    match hint {
        Hint::Text(text) => text.clone(),
        Hint::Login(login) => command(login),
        Hint::Else(text, login) => format!("{text}: {}", command(login)),
    }
}

/// Returns the command that logs in, each word quoted as a shell needs it.
pub fn command(login: &LoginCommand) -> String {
    shell(&words(login))
}

/// Returns the command that logs in as its words.
pub fn words(login: &LoginCommand) -> Vec<String> {
    let mut words = vec![env!("CARGO_PKG_NAME").to_owned()];
    words.extend(profile(&login.profile));
    words.extend(login.options.iter().cloned());
    match login.target.as_slice() {
        // It would be taken for an option.
        [server] if server.starts_with('-') => {
            words.extend(login.settings.iter().cloned());
            words.extend(["--".to_owned(), server.clone()]);
        }
        target => words.extend(target.iter().chain(&login.settings).cloned()),
    }
    words
}

/// Returns the option that names a profile, if it is not the default one. A profile may begin with `-`.
pub fn profile(profile: &str) -> Vec<String> {
    match profile {
        DEFAULT_PROFILE | "" => Vec::new(),
        _ if profile.starts_with('-') => vec![format!("--profile={profile}")],
        _ => vec!["--profile".to_owned(), profile.to_owned()],
    }
}

/// Returns a command for a login, with each setting that is not the usual one.
pub fn for_login(words: &[&str], key: &StoredId, settings: &Settings) -> String {
    let words = [env!("CARGO_PKG_NAME")].iter().chain(words);
    let mut words: Vec<_> = words.map(|word| (*word).to_owned()).collect();
    words.extend(settings.options());
    words.extend(profile(&key.profile));
    shell(&words)
}

/// Returns words as one line that a shell reads as these words.
pub fn shell(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

/// Writes a hint as text into JSON.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(hint: &Option<Hint>, serializer: S) -> Result<S::Ok, S::Error> {
    match hint {
        Some(hint) => serializer.serialize_some(&self::hint(hint)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::http::HttpSettings;
    use crate::store::tests::credentials;
    use crate::store::{self, Credentials, StoreChoice};

    #[test]
    fn c54_the_command_of_a_hint_works_unchanged() {
        let usual = Settings {
            store: StoreChoice::default(),
            data_dir: store::usual_data_dir().expect("a home"),
            http: HttpSettings::default(),
        };
        #[cfg(unix)]
        let elsewhere = Settings {
            store: "file:/a b/login.json".parse().expect("a store"),
            data_dir: "/data".into(),
            http: HttpSettings {
                ca_file: Some("/ca.pem".into()),
            },
        };
        let key = |server: &str, profile: &str| StoredId {
            server: server.into(),
            profile: profile.into(),
        };
        let url = "https://mcp.example/mcp";
        assert_eq!(
            command(&usual.login(&key(url, "default"), &[])),
            "mcp-login https://mcp.example/mcp"
        );
        assert_eq!(
            command(&usual.login(
                &key("https://mcp.example/mcp?a=b&c=d", "work"),
                &["--force"]
            )),
            "mcp-login --profile work --force 'https://mcp.example/mcp?a=b&c=d'"
        );
        #[cfg(unix)]
        assert_eq!(
            command(&elsewhere.login(&key(url, "default"), &["--challenge", "Bearer scope=\"it's\""])),
            "mcp-login --challenge 'Bearer scope=\"it'\\''s\"' https://mcp.example/mcp --store 'file:/a b/login.json' \
             --data-dir /data --ca-file /ca.pem"
        );
        let kept = |server: &str, provider: Option<&str>, issuer: &str| Credentials {
            provider: provider.map(str::to_owned),
            issuer: issuer.to_owned(),
            ..credentials(&key(server, "default"))
        };
        let nowhere = Settings {
            store: "file".parse().expect("a store"),
            data_dir: PathBuf::new(),
            http: HttpSettings::default(),
        };
        assert_eq!(
            command(&nowhere.login(&key("-x", "-p"), &[])),
            "mcp-login --profile=-p --store file -- -x"
        );
        for (server, provider, issuer, expected) in [
            (url, None, "https://as.example", "https://mcp.example/mcp"),
            (
                url,
                Some("google"),
                "https://accounts.google.com",
                "https://mcp.example/mcp",
            ),
            ("work", None, "https://as.example", "work"),
            (
                "google",
                Some("google"),
                "https://accounts.google.com",
                "--provider google",
            ),
            (
                "mine",
                Some("okta"),
                "https://acme.okta.com",
                "--provider okta --issuer https://acme.okta.com mine",
            ),
        ] {
            let command = command(&usual.login_again(&kept(server, provider, issuer), &[]));
            assert_eq!(command, format!("mcp-login {expected}"));
        }
    }
}
