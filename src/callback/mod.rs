//! The callback: sockets that only loopback reaches, the requests that come to them, and the pages that answer these.
//!
//! Every program on this machine can connect here, so `tiny_http::Server` does not serve it: it aborts on one request with a
//! huge `Content-Length`, waits for ever on half a body, and takes a thread for each idle connection. Its responses are
//! used; the requests of strangers are read here.

mod connection;
mod listener;
pub mod pages;
mod redirect_target;
pub mod request;

use crate::oauth::callback::{AuthorizationResponse, ExpectedResponse, Rejection};
use pages::Page;
use request::CallbackRequest;

pub use connection::Connection;
pub use listener::{try_loopback, BindError, Listener};
pub use redirect_target::{is_refused_by_browsers, RedirectHost, RedirectTarget};

/// Why a request to the callback socket is not accepted as the answer. None of them ends the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// It is not a visit to the redirect URI, and gets this page.
    Page(Page),
    /// It is a form where one was asked for, but one that cannot be read; it gets this page.
    Form(Page),
    /// The login waits for no answer.
    NotWaiting,
    /// It repeats the answer that was accepted.
    Repeated,
    /// It does not belong to the login, or does not end it.
    Rejection(Rejection),
    /// Another user's program sent it, or one that has exited.
    ForeignPeer,
}

impl From<Page> for CheckError {
    fn from(page: Page) -> Self {
        Self::Page(page)
    }
}

impl From<Rejection> for CheckError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejection(rejection)
    }
}

/// Checks what has come so far of a request, and returns the answer that it carries, raw and read; `None` if more has to come.
///
/// The order of the checks is the protection: a request that fails one changes nothing but a counter, and nothing behind that
/// check is looked at. `expected` returns what the login waits for, given the raw query; `is_foreign` asks the system whose
/// program is at the other end.
///
/// # Errors
///
/// The first check that fails.
///
/// Spec: RFC 8252 section 8.10; RFC 6749 section 10.12; RFC 9207 section 2.4.
pub fn check<'a, 'b>(
    bytes: &'b [u8],
    target: &RedirectTarget,
    expected: impl FnOnce(&str) -> Result<&'a ExpectedResponse, CheckError>,
    is_foreign: impl FnOnce() -> bool,
) -> Result<Option<(&'b str, AuthorizationResponse)>, CheckError> {
    let Some(request) = CallbackRequest::read(bytes)? else {
        return Ok(None);
    };
    request.check_host()?;
    request.check_path(target)?;
    request.check_method(target)?;
    request.check_fetch_metadata()?;
    let answer = request.answer().map_err(|page| match page {
        Page::Empty => CheckError::Page(page),
        unreadable => CheckError::Form(unreadable),
    })?;
    let Some(query) = answer else {
        return Ok(None);
    };
    let expected = expected(query)?;
    // Of whom a message is that is not ours nobody has to ask; `ExpectedResponse::check` makes both checks again, so that no
    // caller gets a code without them.
    expected.check_state(query)?;
    expected.check_issuer(query)?;
    if is_foreign() {
        return Err(CheckError::ForeignPeer);
    }
    let code_or_error = expected.check(query)?;
    Ok(Some((query, code_or_error)))
}
