//! Requests whose response may take as long as it likes, and is read piece by piece.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::Method;
use ureq::BodyReader;
use url::Url;

use super::response::answered;
use super::translate::translate;
use super::{Abort, Http, HttpError, Redirects, Response};

/// Longest time in which a body is read.
pub(super) const LONGEST_STREAM: Duration = Duration::from_secs(24 * 60 * 60);

/// A request whose response is read as it comes.
#[derive(Clone)]
pub struct StreamRequest<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'a str,
    /// Where it goes.
    pub url: &'a Url,
    /// Its headers.
    pub headers: Vec<(&'a str, &'a str)>,
    /// Its body; `None` for none.
    pub body: Option<&'a [u8]>,
    /// What ends it from another thread.
    pub abort: &'a Abort,
    /// Longest wait for the head of the response.
    pub until_head: Duration,
}

impl Http {
    /// Sends a request, and returns once the head of the response is there. Finding the server, connecting and sending the
    /// head take no longer than other requests; a connection whose other end has gone ends by itself. Redirects are followed
    /// within the origin, and only those that keep the method.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. A status code is not an error.
    pub fn open(&self, request: &StreamRequest) -> Result<Response, HttpError> {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::POST);
        let stream = Some((request.abort, request.until_head));
        let (url, headers, body) = (request.url, &request.headers, request.body);
        self.send(method, url, headers, body, Redirects::SameMethod, stream)
    }
}

impl Response {
    /// Returns the body, to be read as it comes.
    pub fn into_stream(self) -> BodyStream {
        BodyStream {
            host: self.host,
            reader: self.body.into_with_config().limit(u64::MAX).reader(),
        }
    }
}

/// A body that is read as it comes.
pub struct BodyStream {
    host: String,
    reader: BodyReader<'static>,
}

impl BodyStream {
    /// Waits for more of the body, and returns how many bytes came; 0 at its end.
    ///
    /// # Errors
    ///
    /// The error of the connection.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpError> {
        let read = self.reader.read(buffer);
        read.map_err(|err| translate(err.into(), &answered(&self.host, Duration::ZERO)))
    }
}
