//! What all commands share: where logins are stored, how requests are sent, and where the program runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::http::HttpSettings;
use crate::os::environment::Environment;
use crate::os::process::EnvironmentSecrets;
use crate::os::sync::lock;
use crate::store::cache::Cache;
use crate::store::{
    Credentials, IndexEntry, Interaction, Store, StoreChoice, StoreError, StoredId,
};
use crate::warning::warn_user;

type Preparation = dyn Fn(&Context) -> Result<Credentials, Error> + Send + Sync;

/// A login without a person that is made for this run only, and stored nowhere.
pub struct UnstoredLogin {
    prepare: Box<Preparation>,
    login: Mutex<Option<Credentials>>,
}

impl UnstoredLogin {
    /// Returns one that has no tokens yet; `prepare` finds out where to request them.
    pub fn new(
        prepare: impl Fn(&Context) -> Result<Credentials, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            prepare: Box::new(prepare),
            login: Mutex::default(),
        }
    }

    /// Finds out where to request tokens, and returns the login without them.
    ///
    /// # Errors
    ///
    /// The error of the search.
    pub fn prepare(&self, context: &Context) -> Result<Credentials, Error> {
        (self.prepare)(context)
    }

    /// Returns the login, once it has tokens; nobody else sees it meanwhile.
    pub fn hold(&self) -> MutexGuard<'_, Option<Credentials>> {
        lock(&self.login)
    }

    /// Forgets the tokens.
    pub fn forget(&self) {
        *self.hold() = None;
    }
}

/// The settings of a run that the next command, and the process that refreshes, need as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Where logins are stored.
    pub store: StoreChoice,
    /// Where everything is stored; empty if there is no such directory and none is needed, as for a login of this run alone.
    pub data_dir: PathBuf,
    /// How requests are sent.
    #[serde(flatten)]
    pub http: HttpSettings,
}

impl Settings {
    /// Returns the store without proving that it works.
    pub fn store_to_read(&self, interaction: Interaction) -> Store {
        Store::open_to_read(&self.store, &self.data_dir, interaction)
    }
}

/// What all commands of a run share.
pub struct Context {
    /// What the next command needs as well.
    pub settings: Settings,
    /// The profile, if the user names one.
    pub profile: Option<String>,
    /// Scripts read what is printed.
    pub json: bool,
    /// What the environment holds of the client.
    pub secrets: EnvironmentSecrets,
    /// What kind of place this is.
    pub environment: Environment,
    /// The login that is made for this run only; `None` for those of the store.
    pub unstored: Option<UnstoredLogin>,
    proven: OnceLock<Result<Store, Arc<StoreError>>>,
}

impl Context {
    /// Collects what the commands share; the store is opened when it is first needed.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            profile: None,
            json: false,
            secrets: EnvironmentSecrets::default(),
            environment: Environment::detect(),
            unstored: None,
            proven: OnceLock::new(),
        }
    }

    /// Returns the store, chosen and proven to work. The first call does it; others wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], the same for every login of the run.
    pub fn store(&self, key: &StoredId) -> Result<&Store, Error> {
        let open = || self.open_store().map_err(Arc::new);
        let proven = self.proven.get_or_init(open).as_ref();
        proven.map_err(|source| Error::not_stored(key, Arc::clone(source)))
    }

    fn open_store(&self) -> Result<Store, StoreError> {
        let settings = &self.settings;
        let store = Store::open(&settings.store, &settings.data_dir, Interaction::Allowed)?;
        if let Some(notice) = &store.notice {
            let logins = store.list().unwrap_or_default();
            // Whose logins are in the file already has read it before.
            if logins.iter().all(|entry| entry.place.path.is_none()) {
                warn_user!(StoreFallback, "{notice}");
            }
        }
        Ok(store)
    }

    /// Returns the store without proving that it works.
    pub fn store_to_read(&self, interaction: Interaction) -> Store {
        self.settings.store_to_read(interaction)
    }

    /// Lists the names of all stored logins. The keyring is not asked.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the index cannot be read.
    pub fn stored_ids(&self) -> Result<Vec<StoredId>, Error> {
        let entries = self.store_to_read(Interaction::None).list();
        let entries = entries.map_err(|source| Error::all_logins("read", source))?;
        Ok(entries.iter().map(IndexEntry::key).collect())
    }

    /// Returns what is remembered of earlier logins.
    pub fn cache(&self) -> Cache {
        Cache::new(&self.settings.data_dir)
    }
}
