//! Metadata documents: each URL is fetched once in a login, with at most six requests in all. One more may be made ahead, for a
//! document that turns out not to be needed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, MutexGuard};

use url::Url;

use super::Trace;
use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::{Http, HttpError, Response};
use crate::mcp;
use crate::oauth::metadata::MetadataError;
use crate::os::sync::{in_thread, lock};

/// Most requests for metadata in one login; one made ahead counts once its document is needed.
const MAX_REQUESTS: usize = 6;

/// A URL without a usable document.
#[derive(Clone, Debug)]
pub struct FailedFetch {
    /// The URL.
    pub url: Url,
    /// Why there is none.
    pub why: FetchError,
}

/// Why there is no document.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered with this status.
    #[error("{}status {}", if is_temporary(*.0) { "not available now, " } else { "" }, .0)]
    Status(u16),
    /// There is a document, and using it would be unsafe or is impossible.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
    /// The request failed.
    #[error("{0}")]
    Http(HttpError),
    /// There is no registration endpoint at the URL: it answered like this.
    #[error("{0}")]
    NoRegistration(String),
    /// The limit of requests is reached.
    #[error("not asked, after {MAX_REQUESTS} other requests")]
    LimitReached,
}

impl FetchError {
    /// Tells whether a security check failed.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Metadata(err) => err.is_security(),
            Self::Http(err) => err.is_security(),
            _ => false,
        }
    }

    /// Tells whether the same request would get the same answer.
    pub fn is_definite(&self) -> bool {
        match self {
            Self::Status(status) => !is_temporary(*status),
            Self::Metadata(err) => !err.is_security(),
            _ => false,
        }
    }

    /// Tells whether the same request may succeed later, and nothing is known to be wrong.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Status(status) => is_temporary(*status),
            Self::Http(err) => err.class() == Class::Unavailable,
            _ => false,
        }
    }

    /// Tells whether there is a metadata document with a mistake in it. A page that a server sends for every path is no such
    /// document.
    pub fn is_broken_document(&self) -> bool {
        match self {
            Self::Metadata(MetadataError::NotMetadata | MetadataError::NotAnObject) => false,
            Self::Metadata(MetadataError::Missing { member, .. }) => {
                !matches!(*member, "resource" | "issuer")
            }
            Self::Metadata(err) => !err.is_security(),
            _ => false,
        }
    }

    /// Tells whether no document was found at this URL.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Status(status) => !is_temporary(*status),
            Self::Metadata(err) => *err == MetadataError::NotMetadata,
            _ => false,
        }
    }
}

impl Failure for FetchError {
    fn code(&self) -> Code {
        match self {
            Self::Metadata(err) => err.code(),
            Self::Http(err) => err.code(),
            _ => Code::MetadataUnusable,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Metadata(err) => err.class(),
            Self::Http(err) => err.class(),
            Self::Status(_) if self.is_definite() => Class::Usage,
            _ => Class::Unavailable,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        match self {
            Self::Metadata(err) => err.hint(about),
            Self::Http(err) => err.hint(about),
            _ if self.is_temporary() => Some("run the command again in a while".into()),
            _ => Some("ask the operator of the server".into()),
        }
    }
}

/// Tells whether a status means that the server is only unavailable now.
///
/// Spec: RFC 9110 sections 15.5.9 and 15.6; RFC 8470 section 5.2; RFC 6585 section 4.
pub(super) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

/// The result of one request for a document.
type Fetched = Result<Vec<u8>, FetchError>;

/// The response to one request for a document.
type Sent = Result<Response, FetchError>;

/// The documents of one login.
pub struct Documents<'a> {
    http: &'a Http,
    trace: Option<&'a Trace>,
    requests: AtomicUsize,
    fetched: Mutex<BTreeMap<Url, Fetched>>,
    /// The document that may be needed, and where it comes from.
    guessed: Mutex<Option<(Url, Receiver<Sent>)>>,
}

impl<'a> Documents<'a> {
    /// Starts without documents; requests are recorded in `trace`.
    pub fn new(http: &'a Http, trace: Option<&'a Trace>) -> Self {
        Self {
            http,
            trace,
            requests: AtomicUsize::default(),
            fetched: Mutex::default(),
            guessed: Mutex::default(),
        }
    }

    /// Fetches a document ahead of time, for [`Self::get`].
    pub fn prefetch(&self, url: &Url) {
        let result = self.fetch(url);
        self.fetched().insert(url.clone(), result);
    }

    /// Asks for a document that may not be needed. Only [`Self::get`] waits for the response, so that a guess delays nothing;
    /// one that nobody gets is not read, not recorded, and takes no request from those that are needed.
    pub fn guess(&self, url: &Url) {
        let (http, fetched) = (self.http.clone(), url.clone());
        match in_thread("discovery", move || send(&http, &fetched)) {
            Ok(receiver) => *lock(&self.guessed) = Some((url.clone(), receiver)),
            Err(err) => log::debug!("no thread to fetch {url} ahead: {err}"),
        }
    }

    /// Returns the document at a URL.
    ///
    /// # Errors
    ///
    /// [`FetchError`], with the reason.
    pub fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let prefetched = self.fetched().remove(url);
        let body = prefetched.unwrap_or_else(|| self.fetch(url))?;
        self.fetched().insert(url.clone(), Ok(body.clone()));
        Ok(body)
    }

    /// Returns how many requests may still be made.
    pub fn requests_left(&self) -> usize {
        MAX_REQUESTS.saturating_sub(self.requests.load(Ordering::Relaxed))
    }

    fn fetched(&self) -> MutexGuard<'_, BTreeMap<Url, Fetched>> {
        lock(&self.fetched)
    }

    /// Waits for the response that [`Self::guess`] has asked for, if it was this one.
    fn guessed(&self, url: &Url) -> Option<Sent> {
        let (_, receiver) = lock(&self.guessed).take_if(|(guess, _)| guess == url)?;
        receiver.recv().ok()
    }

    fn fetch(&self, url: &Url) -> Fetched {
        let mut first = self.guessed(url);
        let send = || {
            if self.requests.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
                return Err(FetchError::LimitReached);
            }
            first.take().unwrap_or_else(|| send(self.http, url))
        };
        let sent = self.http.while_busy(send);
        match (self.trace, &sent) {
            (None, _) | (_, Err(FetchError::LimitReached)) => {}
            (Some(trace), sent) => trace.asked(url, sent.as_ref().ok()),
        }
        let response = sent?;
        if response.status != 200 {
            return Err(FetchError::Status(response.status));
        }
        response.read().map_err(FetchError::Http)
    }
}

fn send(http: &Http, url: &Url) -> Sent {
    let headers = [("MCP-Protocol-Version", mcp::MODERN)];
    http.get(url, &headers).map_err(FetchError::Http)
}
