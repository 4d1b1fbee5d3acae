//! Why a request came to nothing, in our own words.

use std::time::Duration;

use super::resolver::ForbiddenAddress;
use super::CONNECT_LIMIT;
use crate::oauth::endpoint::UrlError;
use crate::oauth::text::printable;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not one that may be asked.
    #[error("{host} is not asked: {why}")]
    Forbidden {
        /// The host of the request.
        host: String,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The answer sends us elsewhere, which is not followed.
    #[error("the server answered with a redirect to {}, which is not followed", printable(.0))]
    Redirect(String),
    /// The server cannot prove who it is.
    #[error("the connection to {host} is not secure: {why}")]
    Tls {
        /// The host of the request.
        host: String,
        /// What the check of its certificate said.
        why: String,
        /// The certificate is not valid now, as far as the clock of this computer knows.
        dated: bool,
    },
    /// The certificate authorities cannot be read.
    #[error("cannot read the certificate authorities: {0}")]
    Authorities(String),
    /// The host has no address.
    #[error("cannot find the address of {0}")]
    NoSuchHost(String),
    /// The request took too long.
    #[error("{host} did not answer within {seconds} s")]
    Timeout {
        /// The host of the request.
        host: String,
        /// The limit that passed, in seconds.
        seconds: u64,
    },
    /// There was no time left to ask.
    #[error("{0} is not asked: there is no time left")]
    Late(String),
    /// The answer is larger than any honest one.
    #[error("the answer of {0} is too large")]
    TooLarge(String),
    /// The proxy would not let us through.
    #[error("the proxy refused the connection to {host}: {why}")]
    Proxy {
        /// The host of the request.
        host: String,
        /// What the proxy said.
        why: String,
    },
    /// Nobody answers there, or the connection broke.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// The host of the request.
        host: String,
        /// What the system or the protocol said.
        why: String,
        /// No byte of the request can have reached the server.
        unsent: bool,
    },
}

impl HttpError {
    /// Tells whether a security check failed, rather than the network.
    pub fn is_security(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Redirect(_) | Self::Tls { .. })
    }

    /// Tells whether the server cannot have seen the request, so that it may be sent again.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::NoSuchHost(_) | Self::Late(_) | Self::Unreachable { unsent: true, .. })
    }
}

/// Says in our own words what went wrong, and in as few of strangers' words as will do.
pub(super) fn translate(err: ureq::Error, host: &str, limit: Duration) -> HttpError {
    let host = host.to_owned();
    let why = plain(&err);
    match err {
        ureq::Error::HostNotFound => HttpError::NoSuchHost(host),
        ureq::Error::Timeout(which) => {
            let connecting = matches!(which, ureq::Timeout::Connect | ureq::Timeout::Resolve);
            let passed = if connecting { CONNECT_LIMIT.min(limit) } else { limit };
            let seconds = passed.as_secs_f64().ceil() as u64;
            HttpError::Timeout { host, seconds }
        }
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => HttpError::TooLarge(host),
        ureq::Error::Rustls(err) => HttpError::Tls { host, why, dated: is_dated(&err) },
        ureq::Error::Tls(_) | ureq::Error::Pem(_) => HttpError::Tls { host, why, dated: false },
        ureq::Error::ConnectProxyFailed(why) => HttpError::Proxy { host, why: printable(&why) },
        ureq::Error::Other(inner) => match inner.downcast::<ForbiddenAddress>() {
            Ok(forbidden) => HttpError::Forbidden { host, why: UrlError::Address(forbidden.0) },
            Err(_) => HttpError::Unreachable { host, why, unsent: false },
        },
        ureq::Error::Io(inner) => translate_io(&inner, host, why),
        ureq::Error::ConnectionFailed => HttpError::Unreachable { host, why, unsent: true },
        _ => HttpError::Unreachable { host, why, unsent: false },
    }
}

fn translate_io(err: &std::io::Error, host: String, why: String) -> HttpError {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    // The TLS library reports a failed handshake as an error of input and output.
    if let Some(inner) = err.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return HttpError::Tls { host, why, dated: is_dated(inner) };
    }
    if why.contains("failed to lookup address") {
        return HttpError::NoSuchHost(host);
    }
    let unsent = matches!(err.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable);
    HttpError::Unreachable { host, why, unsent }
}

/// Tells whether a certificate is refused for the time of day.
fn is_dated(err: &rustls::Error) -> bool {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let rustls::Error::InvalidCertificate(why) = err else { return false };
    matches!(why, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}

/// Returns what an error says without the marks of the libraries that it came through.
fn plain(err: &ureq::Error) -> String {
    let text = printable(&err.to_string());
    let text = text.strip_prefix("io: ").unwrap_or(&text);
    text.split(" (os error ").next().unwrap_or(text).to_owned()
}
