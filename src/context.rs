//! What all commands share: where things are stored, how requests are sent, what the user said about the browser.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::error::Error;
use crate::http;
use crate::os::browser;
use crate::os::environment::Environment;
use crate::store::cache::Cache;
use crate::store::{Interaction, Store, StoreChoice, StoreError, StoredId};

/// What all commands of a run share.
pub struct Context {
    /// How requests are sent.
    pub http: http::HttpSettings,
    /// Where everything is kept; empty if there is no such place and none is needed.
    pub data_dir: PathBuf,
    /// Where logins are kept.
    pub store: StoreChoice,
    /// What the user said about the browser.
    pub browser: browser::BrowserChoice,
    /// What kind of place this is.
    pub environment: Environment,
    /// The deadline of all logins, as a length of time.
    pub timeout: Duration,
    proven: OnceLock<Result<Store, Arc<StoreError>>>,
}

impl Context {
    /// Collects what the commands share; the store is opened when it is first needed.
    pub fn new(
        http: http::HttpSettings,
        data_dir: PathBuf,
        store: StoreChoice,
        browser: browser::BrowserChoice,
        timeout: Duration,
    ) -> Self {
        let environment = Environment::look();
        Self {
            http,
            data_dir,
            store,
            browser,
            environment,
            timeout,
            proven: OnceLock::new(),
        }
    }

    /// Returns the store, chosen and proven to work. The first call does it; others wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], the same for every login of the run.
    pub fn store(&self, key: &StoredId) -> Result<&Store, Error> {
        let open = || {
            let store = Store::open(&self.store, &self.data_dir, Interaction::Allowed)?;
            store
                .notice()
                .into_iter()
                .for_each(|notice| log::warn!("{notice}"));
            Ok(store)
        };
        let proven = self.proven.get_or_init(|| open().map_err(Arc::new));
        proven
            .as_ref()
            .map_err(|source| Error::not_kept(key, Arc::clone(source)))
    }

    /// Returns what is remembered of earlier logins.
    pub fn cache(&self) -> Cache {
        Cache::new(&self.data_dir)
    }
}
