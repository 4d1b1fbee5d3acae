//! The command that logs in again.

use std::path::{Path, PathBuf};

use crate::context::Settings;
use crate::failure::LoginCommand;
use crate::providers;
use crate::store::{self, Credentials, GrantType, StoredId};

impl Settings {
    /// Returns the command that logs in to a server of which nothing is known, with these further options.
    pub fn login(&self, key: &StoredId, options: &[&str]) -> Box<LoginCommand> {
        let provider = providers::find(&key.server).map(|_| "--provider".to_owned());
        let target = provider.into_iter().chain([key.server.clone()]).collect();
        self.command(&key.profile, options, target)
    }

    /// Returns the command that makes a stored login again, with these further options. What it does not say is taken
    /// from the login itself.
    pub fn login_again(&self, stored: &Credentials, options: &[&str]) -> Box<LoginCommand> {
        let server = &stored.server;
        let provider = stored
            .provider
            .as_deref()
            .filter(|_| !server.contains("://"))
            .and_then(providers::find);
        let target =
            match provider.map(|provider| (provider.name, provider.options(&stored.issuer))) {
                Some((name, words)) if name == server => words,
                Some((_, words)) => [words, vec![server.clone()]].concat(),
                None => vec![server.clone()],
            };
        // A login with a device code was made where no browser is.
        let device = (stored.grant == GrantType::DeviceCode).then_some("--device");
        let options: Vec<_> = device.into_iter().chain(options.iter().copied()).collect();
        self.command(&stored.profile, &options, target)
    }

    fn command(&self, profile: &str, options: &[&str], target: Vec<String>) -> Box<LoginCommand> {
        Box::new(LoginCommand {
            profile: profile.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            target,
            settings: self.options(),
        })
    }

    /// Returns the options for the settings that are not the usual ones.
    pub fn options(&self) -> Vec<String> {
        let store = self.store.option();
        // Without a home there is none, and a file that was named needs none.
        let is_usual = |directory: &PathBuf| Some(directory) == store::usual_data_dir().as_ref();
        let data_dir =
            Some(&self.data_dir).filter(|it| !it.as_os_str().is_empty() && !is_usual(it));
        let (data_dir, ca_file) = (
            data_dir.map(|it| absolute(it)),
            self.http.ca_file.as_deref().map(absolute),
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

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}
