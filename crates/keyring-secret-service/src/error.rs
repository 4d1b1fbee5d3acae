//! What can go wrong.

/// Why the Secret Service did not do what it was asked for.
///
/// [`Store::connect`](crate::Store::connect) returns it as it is. The functions of an entry return it inside
/// [`keyring_core::Error`], as its `NoStorageAccess` ([`Locked`](Self::Locked), [`Denied`](Self::Denied)) or
/// `PlatformFailure`; [`Error::of`] finds it there. It never holds a secret, nor text of the service but names of errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no session bus, or no Secret Service on it and none that can be started.
    #[error("no Secret Service is running in this session")]
    NoService,
    /// The address of the session bus names one of another user, as after `su`. Seen on Linux only.
    #[error("the session bus belongs to another user")]
    ForeignBus,
    /// Something is locked, and there was no way to ask the user.
    #[error("the keyring is locked")]
    Locked,
    /// The user dismissed the prompt, or a policy of the bus forbids the request.
    #[error("the keyring refused access")]
    Denied,
    /// The service did not answer in time.
    #[error("the Secret Service did not answer in time")]
    TimedOut,
    /// The default collection is the one that is gone when the session ends.
    #[error("the keyring forgets everything when the session ends")]
    Volatile,
    /// There is no default collection, where new items would go.
    #[error("the keyring has no default collection")]
    NoCollection,
    /// The process has too many files open for libdbus, which waits with `select`.
    #[error("too many files are open")]
    TooManyFiles,
    /// The system lets the process make no Unix socket, as in the sandbox of an agent.
    #[error("this process may make no Unix socket, as in a sandbox")]
    NoSockets,
    /// The system gave no random numbers.
    #[error("the system has no random numbers")]
    NoRandomNumbers,
    /// The service gave a public key that makes the common key guessable.
    #[error("the Secret Service gave a key that is not safe")]
    UnsafeKey,
    /// The service gave a secret that the common key does not decrypt.
    #[error("the Secret Service gave a secret that cannot be decrypted")]
    Undecryptable,
    /// The service ended while it was to prompt.
    #[error("the Secret Service has gone away")]
    Gone,
    /// The bus or the service reported another error, of this D-Bus name.
    #[error("the Secret Service reported {0}")]
    Reported(String),
}

impl Error {
    /// Returns the error of this crate in one of keyring-core, if it comes from there.
    pub fn of(err: &keyring_core::Error) -> Option<&Self> {
        match err {
            keyring_core::Error::PlatformFailure(err)
            | keyring_core::Error::NoStorageAccess(err) => err.downcast_ref(),
            _ => None,
        }
    }

    /// Tells whether the object that was asked does not exist, or not any more.
    pub(crate) fn is_no_such_object(&self) -> bool {
        const NAMES: [&str; 3] = [
            "org.freedesktop.DBus.Error.UnknownMethod",
            "org.freedesktop.DBus.Error.UnknownObject",
            "org.freedesktop.Secret.Error.NoSuchObject",
        ];
        matches!(self, Self::Reported(name) if NAMES.contains(&name.as_str()))
    }

    /// Classifies an error by its D-Bus name.
    pub(crate) fn of_name(name: &str) -> Self {
        match name {
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                Self::TimedOut
            }
            "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
            "org.freedesktop.DBus.Error.AccessDenied" => Self::Denied,
            other => Self::Reported(other.to_owned()),
        }
    }
}

impl From<Error> for keyring_core::Error {
    fn from(err: Error) -> Self {
        match err {
            Error::Locked | Error::Denied => Self::NoStorageAccess(Box::new(err)),
            _ => Self::PlatformFailure(Box::new(err)),
        }
    }
}
