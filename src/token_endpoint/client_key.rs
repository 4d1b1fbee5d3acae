//! The private key of a client: read from the file that the user names, and again from there whenever it is needed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::failure::{About, Code, Failure, Hint};
use crate::oauth::client::{Client, ClientAuth};
use crate::oauth::jwt::algorithm::AlgorithmError;
use crate::oauth::jwt::assertion::{Audience, ClientKey, ClientKeyRecord};
use crate::oauth::jwt::key::{KeyError, SigningKey};
use crate::oauth::jwt::pem::unfolded;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::secret::Secret;
use crate::os::files::read_given;
use crate::os::process::KEY_VARIABLE;
use crate::store::Credentials;

/// Largest file of a key, in bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Why the key of a client cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the private key of the client{}", place(from))]
pub struct ClientKeyError {
    /// Its file or its variable; empty for one that is stored with the login.
    from: String,
    #[source]
    source: ClientKeyFault,
}

impl ClientKeyError {
    /// Returns the error of a key in this file, if it is in one.
    fn of(file: Option<&Path>, source: impl Into<ClientKeyFault>) -> Self {
        let from = file.map(|path| path.display().to_string());
        Self {
            from: from.unwrap_or_default(),
            source: source.into(),
        }
    }
}

fn place(from: &str) -> String {
    match from {
        "" => String::new(),
        from => format!(" in {from}"),
    }
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
enum ClientKeyFault {
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    #[error("the login does not say which key it is")]
    Unknown,
}

impl Failure for ClientKeyError {
    fn code(&self) -> Code {
        Code::ClientKeyUnusable
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match &self.source {
            ClientKeyFault::Read(_) => "check the path, and who may read the file".to_owned(),
            ClientKeyFault::Key(err) => {
                err.hint(if self.from == KEY_VARIABLE { "" } else { &self.from })
            }
            ClientKeyFault::Algorithm(AlgorithmError::NotOfKey { .. }) => {
                "leave out --client-key-alg, or name one of these".to_owned()
            }
            ClientKeyFault::Algorithm(AlgorithmError::NotOfServer { .. }) => {
                "register a key of another type for the client; or name an algorithm with --client-key-alg if the metadata is \
                 wrong"
                    .to_owned()
            }
            ClientKeyFault::Unknown => "log in again with --client-key-file".to_owned(),
        };
        Some(hint.into())
    }
}

/// The key of a client as the user gives it, before the authorization server is known.
#[derive(Clone, Debug)]
pub struct GivenKey {
    key: Arc<SigningKey>,
    record: ClientKeyRecord,
    audience: Audience,
}

impl GivenKey {
    /// Reads a key from a file or a pipe, of whose assertions the user says what is in `record`.
    ///
    /// # Errors
    ///
    /// A [`ClientKeyError`].
    pub fn read(
        path: &Path,
        mut record: ClientKeyRecord,
        audience: Audience,
    ) -> Result<Self, ClientKeyError> {
        let file =
            read_given(path, MAX_KEY_BYTES).map_err(|err| ClientKeyError::of(Some(path), err))?;
        let key = SigningKey::read(&file.bytes, record.kid.as_deref());
        let key = key.map_err(|err| ClientKeyError::of(Some(path), err))?;
        let text = Zeroizing::new(String::from_utf8_lossy(&file.bytes).into_owned());
        record.key = file.path.is_none().then(|| Secret::new(text.as_str()));
        record.file = file.path;
        let key = Arc::new(key);
        Ok(Self {
            key,
            record,
            audience,
        })
    }

    /// Reads the key that an environment variable holds, which may be in one line.
    ///
    /// # Errors
    ///
    /// A [`ClientKeyError`].
    pub fn of_variable(
        text: &Secret,
        mut record: ClientKeyRecord,
        audience: Audience,
    ) -> Result<Self, ClientKeyError> {
        let text = unfolded(text.expose());
        let key = SigningKey::read(text.as_bytes(), record.kid.as_deref());
        let key = key.map_err(|err| ClientKeyError {
            from: KEY_VARIABLE.to_owned(),
            ..ClientKeyError::of(None, err)
        })?;
        record.key = Some(Secret::new(text.as_str()));
        let key = Arc::new(key);
        Ok(Self {
            key,
            record,
            audience,
        })
    }

    /// Tells whether a stored login has this key, as far as that is known without its file.
    pub fn is_of(&self, login: &Credentials) -> bool {
        let stored = login.client_key.as_ref();
        stored.is_some_and(|stored| match (&self.record.key, &stored.key) {
            (Some(given), Some(stored)) => given == stored,
            _ => true,
        })
    }

    /// Returns the key of a stored login, for a login that repeats it; `None` if it has none.
    ///
    /// # Errors
    ///
    /// A [`ClientKeyError`].
    pub fn stored(login: &Credentials) -> Result<Option<Self>, ClientKeyError> {
        let Some(record) = &login.client_key else {
            return Ok(None);
        };
        let audience = match record.audience.as_str() {
            audience if audience == login.issuer => Audience::Issuer,
            audience if audience == login.token_endpoint => Audience::TokenEndpoint,
            audience => Audience::Other(audience.to_owned()),
        };
        Ok(Some(Self {
            key: Arc::new(load(record)?),
            record: record.clone(),
            audience,
        }))
    }

    /// Returns the key for an authorization server.
    ///
    /// # Errors
    ///
    /// A [`ClientKeyError`] if the key and the server have no algorithm in common.
    pub fn at(&self, server: &AuthorizationServer) -> Result<ClientKey, ClientKeyError> {
        let audience = match &self.audience {
            Audience::Issuer => server.issuer.clone(),
            Audience::TokenEndpoint => server.token_endpoint.to_string(),
            Audience::Other(audience) => audience.clone(),
        };
        let record = ClientKeyRecord {
            audience,
            listed_algs: server.client_auth_algorithms.clone(),
            ..self.record.clone()
        };
        with_record(Arc::clone(&self.key), record)
    }
}

/// Returns the client of a stored login, with its key if it has one.
///
/// # Errors
///
/// A [`ClientKeyError`].
pub fn client_of(login: &Credentials) -> Result<Client, ClientKeyError> {
    let mut client = login.client();
    match &login.client_key {
        Some(record) if client.auth == ClientAuth::PrivateKeyJwt => {
            client.key = Some(with_record(Arc::new(load(record)?), record.clone())?);
        }
        None if client.auth == ClientAuth::PrivateKeyJwt => {
            return Err(ClientKeyError::of(None, ClientKeyFault::Unknown))
        }
        _ => {}
    }
    Ok(client)
}

fn load(record: &ClientKeyRecord) -> Result<SigningKey, ClientKeyError> {
    let kid = record.kid.as_deref();
    let key = match (&record.file, &record.key) {
        (Some(path), _) => read_given(path, MAX_KEY_BYTES)
            .map_err(ClientKeyFault::from)
            .and_then(|file| Ok(SigningKey::read(&file.bytes, kid)?)),
        (None, Some(key)) => SigningKey::read(key.expose().as_bytes(), kid).map_err(Into::into),
        (None, None) => Err(ClientKeyFault::Unknown),
    };
    key.map_err(|source| ClientKeyError::of(record.file.as_deref(), source))
}

fn with_record(key: Arc<SigningKey>, record: ClientKeyRecord) -> Result<ClientKey, ClientKeyError> {
    let file = record.file.clone();
    ClientKey::new(key, record).map_err(|err| ClientKeyError::of(file.as_deref(), err))
}
