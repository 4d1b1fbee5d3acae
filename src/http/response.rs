//! The response to a request: its status and headers, and its body, which is read with a limit.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::header::{HeaderMap, CONTENT_TYPE};
use ureq::Body;

use super::retry;
use super::translate::{translate, RequestContext};
use super::HttpError;
use crate::os::clock::Time;

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: u64 = 1024 * 1024;

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    pub(super) host: String,
    pub(super) limit: Duration,
    pub(super) body: Body,
}

impl Response {
    /// Returns all values of a header that are text.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect()
    }

    /// Returns the first value of a header; `None` for an empty one, which says nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?.to_str().ok()?;
        (!value.is_empty()).then_some(value)
    }

    /// Tells whether the body is of this content type.
    pub fn is(&self, content_type: &str) -> bool {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = value.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(content_type)
    }

    /// Returns the pause that a busy server asks for, or a short one; `None` if it is not busy.
    ///
    /// Spec: RFC 9110 section 10.2.3.
    pub fn busy_for(&self) -> Option<Duration> {
        if !matches!(self.status, 429 | 502 | 503 | 504) {
            return None;
        }
        Some(self.retry_after().unwrap_or(retry::FIRST_PAUSE))
    }

    /// Returns the `Retry-After` of the response; a date in it is one of the server's clock.
    ///
    /// Spec: RFC 9110 section 10.2.3.
    pub fn retry_after(&self) -> Option<Duration> {
        let wanted = self.header("retry-after").map(str::trim)?;
        let now = || self.date().unwrap_or_else(Time::now);
        let until = || Some(Time::parse_http_date(wanted)?.seconds_since(now()));
        let seconds = wanted.parse().ok().or_else(until)?;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// Returns the `Date` of the response.
    ///
    /// Spec: RFC 9110 section 6.6.1.
    pub fn date(&self) -> Option<Time> {
        Time::parse_http_date(self.header("date")?.trim())
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// [`HttpError::TooLarge`] beyond 1 MiB; otherwise the error of the connection.
    pub fn read(mut self) -> Result<Vec<u8>, HttpError> {
        let result = self.body.with_config().limit(MAX_BODY_BYTES).read_to_vec();
        result.map_err(|err| translate(err, &answered(&self.host, self.limit)))
    }

    /// Reads the body until `found` returns a value for the part that was read; `None` at its end or at 1 MiB.
    ///
    /// # Errors
    ///
    /// The error of the connection.
    pub fn read_until<T>(
        mut self,
        mut found: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, HttpError> {
        let mut reader = self.body.with_config().limit(MAX_BODY_BYTES).reader();
        let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let read = reader.read(&mut chunk);
            let count =
                read.map_err(|err| translate(err.into(), &answered(&self.host, self.limit)))?;
            seen.extend_from_slice(chunk.get(..count).unwrap_or_default());
            match found(&seen) {
                Some(result) => return Ok(Some(result)),
                None if count == 0 => return Ok(None),
                None => {}
            }
        }
    }
}

/// Returns the context of a request whose response has begun.
pub(super) fn answered(host: &str, limit: Duration) -> RequestContext<'_> {
    RequestContext {
        host,
        limit,
        proxy: None,
        sent: true,
    }
}
