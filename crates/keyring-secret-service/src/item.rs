//! One item, as keyring-core sees it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use keyring_core::api::CredentialApi;
use keyring_core::{Credential, Entry, Error};

use crate::bus::Path;
use crate::service::Service;

/// How often an item is searched for again that was deleted between the search and its use.
const MAX_TRIES: usize = 3;

/// An item, by its attributes or, where several have the same ones, by its path.
pub(crate) struct Item {
    store: Arc<Service>,
    service: String,
    user: String,
    path: Option<Path>,
}

impl Item {
    pub(crate) fn new(store: Arc<Service>, service: &str, user: &str) -> Self {
        Self {
            store,
            service: service.to_owned(),
            user: user.to_owned(),
            path: None,
        }
    }

    fn at(&self, path: Path) -> Self {
        Self {
            path: Some(path),
            ..Self::new(Arc::clone(&self.store), &self.service, &self.user)
        }
    }

    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([
            ("service", self.service.as_str()),
            ("username", self.user.as_str()),
        ])
    }

    fn find(&self) -> Result<Path, Error> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let mut found = self.store.search(&self.attributes())?;
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(Error::NoEntry),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                let all = found.into_iter().chain([last]);
                let entry = |path| Entry::new_with_credential(Arc::new(self.at(path)));
                Err(Error::Ambiguous(all.map(entry).collect()))
            }
        }
    }

    /// Repeats a request whose item another program deleted after it was found.
    fn settle<T>(&self, request: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        let is_gone =
            |err: &Error| crate::Error::of(err).is_some_and(crate::Error::is_no_such_object);
        for _ in 0..MAX_TRIES {
            match request() {
                Err(err) if is_gone(&err) && self.path.is_some() => return Err(Error::NoEntry),
                Err(err) if is_gone(&err) => {}
                outcome => return outcome,
            }
        }
        request()
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<(), Error> {
        self.settle(|| match self.find() {
            Ok(path) => Ok(self.store.set(&path, secret)?),
            Err(Error::NoEntry) => {
                let label = format!("keyring:{}@{}", self.user, self.service);
                Ok(self.store.create(&label, &self.attributes(), secret)?)
            }
            Err(err) => Err(err),
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>, Error> {
        self.settle(|| Ok(self.store.get(&self.find()?)?))
    }

    fn delete_credential(&self) -> Result<(), Error> {
        self.settle(|| Ok(self.store.delete(&self.find()?)?))
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>, Error> {
        match self.path {
            Some(_) => Ok(None),
            None => Ok(Some(Arc::new(self.at(self.find()?)))),
        }
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("service", &self.service)
            .field("user", &self.user)
            .field("path", &self.path)
            .finish()
    }
}
