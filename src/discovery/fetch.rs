//! Metadata documents: fetched once, a few at most, and kept between logins as HTTP allows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Trace;
use crate::http::{Http, HttpError, Response};
use crate::mcp;
use crate::oauth::metadata::MetadataError;
use crate::os::clock::Time;
use crate::store::cache::Cache;

/// Most requests for metadata in one login.
const MAX_REQUESTS: usize = 6;

/// Most times that a busy server is asked for the same document.
const MAX_TRIES: usize = 3;

/// Longest pause that a busy server is granted before it is asked again.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Longest time that a document counts as fresh, whatever its server says.
const MAX_FRESH_SECONDS: u64 = 24 * 3600;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered, but not with a document.
    #[error("{}status {}", if is_temporary(*.0) { "not available now, " } else { "" }, .0)]
    Status(u16),
    /// There is a document, but it is of no use.
    #[error("{0}")]
    Unusable(MetadataError),
    /// There is a document, and using it would be unsafe.
    #[error("{0}")]
    Unsafe(MetadataError),
    /// The request came to nothing.
    #[error("{0}")]
    Http(HttpError),
    /// Enough has been asked.
    #[error("not asked, after {MAX_REQUESTS} other requests")]
    LimitReached,
}

impl From<MetadataError> for FetchError {
    fn from(err: MetadataError) -> Self {
        if err.is_security() {
            Self::Unsafe(err)
        } else {
            Self::Unusable(err)
        }
    }
}

impl FetchError {
    /// Tells whether a security check failed.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Unsafe(_) => true,
            Self::Http(err) => err.is_security(),
            Self::Status(_) | Self::Unusable(_) | Self::LimitReached => false,
        }
    }

    /// Tells whether asking again would give the same answer.
    pub fn is_definite(&self) -> bool {
        match self {
            Self::Status(status) => !is_temporary(*status),
            Self::Unusable(_) => true,
            Self::Unsafe(_) | Self::Http(_) | Self::LimitReached => false,
        }
    }

    /// Tells whether asking again later may give another answer, and nothing is known to be wrong.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Status(status) => is_temporary(*status),
            Self::Http(err) => !err.is_security() && !err.is_hopeless(),
            Self::Unusable(_) | Self::Unsafe(_) | Self::LimitReached => false,
        }
    }

    /// Tells whether there is a document of metadata, and something in it is wrong. What answers everything in one way has
    /// none.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Unusable(MetadataError::NotMetadata | MetadataError::NotAnObject) => false,
            Self::Unusable(MetadataError::Missing { member, .. }) => {
                !matches!(*member, "resource" | "issuer")
            }
            Self::Unusable(_) => true,
            Self::Status(_) | Self::Unsafe(_) | Self::Http(_) | Self::LimitReached => false,
        }
    }
}

/// Tells whether a status means that the server is only not available now.
///
/// Spec: RFC 9110 sections 15.5.9 and 15.6; RFC 8470 section 5.2; RFC 6585 section 4.
pub(super) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// A document as it is kept between logins.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    body: String,
    etag: Option<String>,
    last_modified: Option<String>,
    fresh_until: Option<Time>,
}

/// A document of this login.
struct Fetched {
    body: String,
    /// What a later login may use, if HTTP allows it and this one did not get it from there.
    keep: Option<Kept>,
}

/// The documents of one login.
pub struct Documents<'a> {
    http: &'a Http,
    cache: &'a Cache,
    steps: Option<&'a Trace>,
    requests: AtomicUsize,
    fetched: Mutex<BTreeMap<Url, Result<Fetched, FetchError>>>,
}

impl<'a> Documents<'a> {
    /// Starts with none; what is asked is noted in `steps`.
    pub fn new(http: &'a Http, cache: &'a Cache, steps: Option<&'a Trace>) -> Self {
        Self {
            http,
            cache,
            steps,
            requests: AtomicUsize::new(0),
            fetched: Mutex::default(),
        }
    }

    /// Fetches a document ahead of time; [`Self::get`] will find it, or why there is none.
    pub fn prefetch(&self, url: &Url) {
        let result = self.load(url);
        self.fetched().insert(url.clone(), result);
    }

    /// Returns the document at a URL.
    ///
    /// # Errors
    ///
    /// [`FetchError`], with the reason.
    pub fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let known = self.fetched().remove(url);
        let fetched = known.unwrap_or_else(|| self.load(url))?;
        let body = fetched.body.clone().into_bytes();
        self.fetched().insert(url.clone(), Ok(fetched));
        Ok(body)
    }

    /// Returns how many requests may still be made.
    pub fn left(&self) -> usize {
        MAX_REQUESTS.saturating_sub(self.requests.load(Ordering::Relaxed))
    }

    /// Keeps the documents for later logins. Until all of them are known to serve, none is kept: one that had to be
    /// refused is asked for again once its server is repaired.
    pub fn keep(self) {
        let fetched = self
            .fetched
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (url, document) in fetched {
            if let Ok(Fetched {
                keep: Some(keep), ..
            }) = document
            {
                self.cache.put("metadata", url.as_str(), &keep);
            }
        }
    }

    fn fetched(&self) -> MutexGuard<'_, BTreeMap<Url, Result<Fetched, FetchError>>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, url: &Url) -> Result<Fetched, FetchError> {
        let kept: Option<Kept> = self.cache.get("metadata", url.as_str());
        if let Some(kept) = kept
            .as_ref()
            .filter(|kept| kept.fresh_until.is_some_and(|until| Time::now() < until))
        {
            log::info!("{url}: still fresh from an earlier login");
            return Ok(Fetched {
                body: kept.body.clone(),
                keep: None,
            });
        }
        let asked = self.ask(url, kept.as_ref());
        if let Some(steps) = self
            .steps
            .filter(|_| !matches!(asked, Err(FetchError::LimitReached)))
        {
            steps.asked(url, asked.as_ref().ok());
        }
        let response = asked?;
        let (policy, status) = (Policy::of(&response, Time::now()), response.status);
        let body = match (status, kept) {
            (304, Some(kept)) => kept.body,
            (200, _) => String::from_utf8(response.read().map_err(FetchError::Http)?)
                .map_err(|_| FetchError::Unusable(MetadataError::NotMetadata))?,
            _ => return Err(FetchError::Status(status)),
        };
        let keep = policy.map(
            |Policy {
                 etag,
                 last_modified,
                 fresh_until,
             }| {
                let body = body.clone();
                Kept {
                    body,
                    etag,
                    last_modified,
                    fresh_until,
                }
            },
        );
        Ok(Fetched { body, keep })
    }

    /// Asks for a document, and asks again if the server is only busy.
    fn ask(&self, url: &Url, kept: Option<&Kept>) -> Result<Response, FetchError> {
        let mut headers = vec![("MCP-Protocol-Version", mcp::MODERN)];
        let validators = kept.map(|kept| (kept.etag.as_deref(), kept.last_modified.as_deref()));
        if let Some((etag, last_modified)) = validators {
            headers.extend(etag.map(|etag| ("If-None-Match", etag)));
            headers.extend(last_modified.map(|date| ("If-Modified-Since", date)));
        }
        let mut tries = 0;
        loop {
            if self.requests.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
                return Err(FetchError::LimitReached);
            }
            tries += 1;
            let response = self.http.get(url, &headers).map_err(FetchError::Http)?;
            match response.busy_for() {
                Some(pause) if tries < MAX_TRIES && pause <= MAX_PAUSE.min(self.http.left()) => {
                    thread::sleep(pause)
                }
                _ => return Ok(response),
            }
        }
    }
}

/// How long a response may be used again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Policy {
    etag: Option<String>,
    last_modified: Option<String>,
    fresh_until: Option<Time>,
}

impl Policy {
    /// Reads the policy; `None` if the response may not be kept, or keeping it would be of no use.
    ///
    /// Spec: RFC 9111 sections 4.2.1 and 5.2.2.
    fn of(response: &Response, now: Time) -> Option<Self> {
        let control = response
            .header_values("cache-control")
            .join(",")
            .to_ascii_lowercase();
        let directives = || control.split(',').map(str::trim);
        if directives().any(|directive| directive == "no-store") {
            return None;
        }
        let header = |name| response.header(name).map(str::to_owned);
        let seconds = directives().find_map(|directive| {
            directive
                .strip_prefix("max-age=")?
                .trim_matches('"')
                .parse()
                .ok()
        });
        let age = header("age")
            .and_then(|age| age.parse::<u64>().ok())
            .unwrap_or(0);
        let expires = header("expires").and_then(|date| Time::parse_http_date(&date));
        let date = header("date")
            .and_then(|date| Time::parse_http_date(&date))
            .unwrap_or(now);
        let lifetime = seconds
            .or_else(|| u64::try_from(expires?.0.checked_sub(date.0)?).ok())
            .unwrap_or(0);
        let fresh = lifetime.saturating_sub(age).min(MAX_FRESH_SECONDS);
        let fresh = if directives().any(|directive| directive == "no-cache") {
            0
        } else {
            fresh
        };
        let policy = Self {
            etag: header("etag"),
            last_modified: header("last-modified"),
            fresh_until: (fresh > 0).then(|| now.plus(fresh)),
        };
        (policy != Self::default()).then_some(policy)
    }
}
