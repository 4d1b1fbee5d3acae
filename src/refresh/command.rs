//! The command that logs in again, as it can be pasted into a shell.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clients::quoted;
use crate::context::Context;
use crate::providers;
use crate::store::{self, Credentials, StoreChoice, StoredId, DEFAULT_PROFILE};

/// The settings of this run that the next command needs as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Where logins are kept.
    pub store: StoreChoice,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// A file of certificate authorities that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
}

impl Settings {
    /// Returns the settings of a run.
    pub fn of(context: &Context) -> Self {
        Self {
            store: context.store.clone(),
            data_dir: context.data_dir.clone(),
            ca_file: context.http.ca_file.clone(),
        }
    }

    /// Returns the command that logs in to a server of which nothing is known, with these further options.
    pub fn login(&self, key: &StoredId, options: &[&str]) -> String {
        let provider = providers::find(&key.server).map(|_| "--provider".to_owned());
        let target = provider.into_iter().chain([key.server.clone()]).collect();
        self.command(&key.profile, options, target)
    }

    /// Returns the command that makes a stored login again, with these further options. What it does not say is taken
    /// from the login itself.
    pub fn login_again(&self, kept: &Credentials, options: &[&str]) -> String {
        let server = &kept.server;
        let provider = kept
            .provider
            .as_deref()
            .filter(|_| !server.contains("://"))
            .and_then(providers::find);
        let target = match provider.map(|provider| (provider.name, provider.options(&kept.issuer)))
        {
            Some((name, words)) if name == server => words,
            Some((_, words)) => [words, vec![server.clone()]].concat(),
            None => vec![server.clone()],
        };
        self.command(&kept.profile, options, target)
    }

    fn command(&self, profile: &str, options: &[&str], target: Vec<String>) -> String {
        let mut words = vec![env!("CARGO_PKG_NAME").to_owned()];
        words.extend(of_profile(profile));
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let is_like_an_option =
            target.len() == 1 && target.iter().any(|server| server.starts_with('-'));
        match is_like_an_option {
            true => words.extend(
                self.options()
                    .into_iter()
                    .chain(["--".to_owned()])
                    .chain(target),
            ),
            false => words.extend(target.into_iter().chain(self.options())),
        }
        words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Returns the options for the settings that are not the usual ones.
    pub fn options(&self) -> Vec<String> {
        let store = match &self.store {
            StoreChoice::Auto => None,
            StoreChoice::Keyring => Some("keyring".to_owned()),
            StoreChoice::File(None) => Some("file".to_owned()),
            StoreChoice::File(Some(path)) => Some(format!("file:{}", absolute(path))),
        };
        // Without a home there is none, and a file that was named needs none.
        let is_usual = |directory: &PathBuf| Some(directory) == store::usual_data_dir().as_ref();
        let data_dir =
            Some(&self.data_dir).filter(|it| !it.as_os_str().is_empty() && !is_usual(it));
        let (data_dir, ca_file) = (
            data_dir.map(|it| absolute(it)),
            self.ca_file.as_deref().map(absolute),
        );
        let given = [
            ("--store", store),
            ("--data-dir", data_dir),
            ("--ca-file", ca_file),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some([name.to_owned(), value?]))
            .flatten()
            .collect()
    }
}

/// Returns the option that names a profile, if it is not the default one. A profile may begin with `-`.
pub fn of_profile(profile: &str) -> Vec<String> {
    match profile {
        DEFAULT_PROFILE => Vec::new(),
        _ if profile.starts_with('-') => vec![format!("--profile={profile}")],
        _ => vec!["--profile".to_owned(), profile.to_owned()],
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::credentials;

    #[test]
    fn c54_the_command_of_a_hint_works_as_it_stands() {
        let usual = Settings {
            store: StoreChoice::Auto,
            data_dir: store::usual_data_dir().expect("a home"),
            ca_file: None,
        };
        let elsewhere = Settings {
            store: StoreChoice::File(Some("/a b/login.json".into())),
            data_dir: "/data".into(),
            ca_file: Some("/ca.pem".into()),
        };
        let key = |server: &str, profile: &str| StoredId {
            server: server.into(),
            profile: profile.into(),
        };
        let url = "https://mcp.example/mcp";
        assert_eq!(
            usual.login(&key(url, "default"), &[]),
            "mcp-login https://mcp.example/mcp"
        );
        assert_eq!(
            usual.login(
                &key("https://mcp.example/mcp?a=b&c=d", "work"),
                &["--force"]
            ),
            "mcp-login --profile work --force 'https://mcp.example/mcp?a=b&c=d'"
        );
        assert_eq!(
            elsewhere.login(&key(url, "default"), &["--challenge", "Bearer scope=\"it's\""]),
            "mcp-login --challenge 'Bearer scope=\"it'\\''s\"' https://mcp.example/mcp --store 'file:/a b/login.json' \
             --data-dir /data --ca-file /ca.pem"
        );
        let kept = |server: &str, provider: Option<&str>, issuer: &str| Credentials {
            provider: provider.map(str::to_owned),
            issuer: issuer.to_owned(),
            ..credentials(&key(server, "default"))
        };
        let nowhere = Settings {
            store: StoreChoice::File(None),
            data_dir: PathBuf::new(),
            ca_file: None,
        };
        assert_eq!(
            nowhere.login(&key("-x", "-p"), &[]),
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
            let command = usual.login_again(&kept(server, provider, issuer), &[]);
            assert_eq!(command, format!("mcp-login {expected}"));
        }
    }
}
