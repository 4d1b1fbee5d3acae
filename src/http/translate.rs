//! Errors of the HTTP and TLS libraries, turned into ours.

use std::time::Duration;

use super::connector::ConnectError;
use super::error::{HttpError, ProxyFailure, ProxyFault, TlsFault};
use super::proxy::ProxyChoice;
use super::CONNECT_LIMIT;
use crate::failure::without_os_number;
use crate::oauth::endpoint::UrlError;
use crate::oauth::text::printable;
use crate::os::limits;

/// Most names of a certificate that a message shows.
const MAX_NAMES: usize = 3;

/// The request that failed.
pub struct RequestContext<'a> {
    pub host: &'a str,
    pub limit: Duration,
    pub proxy: Option<&'a ProxyChoice>,
    /// Bytes of the request may have been sent.
    pub sent: bool,
}

impl RequestContext<'_> {
    fn seconds(&self, which: ureq::Timeout) -> u64 {
        let connecting = matches!(which, ureq::Timeout::Connect | ureq::Timeout::Resolve);
        let passed = if connecting {
            CONNECT_LIMIT.min(self.limit)
        } else {
            self.limit
        };
        passed.as_secs_f64().ceil() as u64
    }
}

/// Turns an error of the HTTP library into one of ours, with as little of its text as possible.
pub fn translate(err: ureq::Error, of: &RequestContext) -> HttpError {
    let (host, unsent) = (of.host.to_owned(), !of.sent);
    let why = plain(&err);
    match err {
        ureq::Error::HostNotFound => HttpError::NoSuchHost(host),
        ureq::Error::Timeout(which) => HttpError::Timeout {
            host,
            seconds: of.seconds(which),
            unsent,
        },
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => {
            HttpError::TooLarge(host)
        }
        ureq::Error::Rustls(err) => tls(&err, host, unsent),
        ureq::Error::Tls(_) | ureq::Error::Pem(_) => HttpError::Tls {
            host,
            why,
            fault: TlsFault::Other,
            unsent,
        },
        ureq::Error::Other(inner) => match inner.downcast().map(|err| *err) {
            Ok(ConnectError::Forbidden(address)) => HttpError::Forbidden {
                host,
                why: UrlError::Address(address),
            },
            Ok(ConnectError::NoLocalPort) => HttpError::NoLocalPort(host),
            Ok(ConnectError::Proxy(err)) => proxy_error(err, of),
            Ok(ConnectError::OpenedAhead) | Err(_) => HttpError::Unreachable { host, why, unsent },
        },
        ureq::Error::Io(inner) => match (rustls_error(&inner), limits::connection_hint(&inner)) {
            (Some(inner), _) => tls(inner, host, unsent),
            (None, Some(hint)) if unsent => HttpError::NotAllowed { host, why, hint },
            _ if is_lookup(&why) => HttpError::NoSuchHost(host),
            _ => HttpError::Unreachable { host, why, unsent },
        },
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => HttpError::NotHttp { host, why },
        _ => HttpError::Unreachable { host, why, unsent },
    }
}

/// Turns an error on the way to the proxy or through it into one of ours.
fn proxy_error(err: ureq::Error, of: &RequestContext) -> HttpError {
    let why = plain(&err);
    if let ureq::Error::Io(inner) = &err {
        if let Some(hint) = limits::connection_hint(inner) {
            let host = "the proxy".to_owned();
            return HttpError::NotAllowed { host, why, hint };
        }
    }
    let fault = match err {
        ureq::Error::Other(inner)
            if matches!(inner.downcast_ref(), Some(ConnectError::NoLocalPort)) =>
        {
            return HttpError::NoLocalPort("the proxy".to_owned())
        }
        ureq::Error::HostNotFound => ProxyFault::NoSuchHost,
        ureq::Error::Timeout(which) => ProxyFault::Timeout(of.seconds(which)),
        ureq::Error::Rustls(err) if is_not_tls(&err) => ProxyFault::NotTls,
        ureq::Error::Io(inner) if rustls_error(&inner).is_some_and(is_not_tls) => {
            ProxyFault::NotTls
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => ProxyFault::Tls(why),
        ureq::Error::ConnectProxyFailed(reason) => match status(&reason) {
            Some(status) => ProxyFault::Status(status),
            None => ProxyFault::Refused(printable(&reason)),
        },
        ureq::Error::Io(inner) if rustls_error(&inner).is_some() => ProxyFault::Tls(why),
        ureq::Error::Io(_) if is_lookup(&why) => ProxyFault::NoSuchHost,
        ureq::Error::Io(inner) if inner.raw_os_error().is_some() => ProxyFault::Unreachable(why),
        _ => ProxyFault::Refused(why),
    };
    let (variable, proxy) = of
        .proxy
        .map_or(("", String::new()), |proxy| (proxy.variable, proxy.place()));
    HttpError::Proxy(Box::new(ProxyFailure {
        host: of.host.to_owned(),
        proxy,
        variable,
        fault,
    }))
}

/// Reads the status code of a proxy's response, which ureq gives as `proxy server responded 407/407`.
fn status(reason: &str) -> Option<u16> {
    reason
        .rsplit(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn is_not_tls(err: &rustls::Error) -> bool {
    matches!(
        err,
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
    )
}

/// Returns the TLS error in an I/O error: the TLS library reports a failed handshake so.
fn rustls_error(err: &std::io::Error) -> Option<&rustls::Error> {
    err.get_ref().and_then(|inner| inner.downcast_ref())
}

fn is_lookup(why: &str) -> bool {
    why.contains("failed to lookup address")
}

fn tls(err: &rustls::Error, host: String, unsent: bool) -> HttpError {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext,
    };
    use rustls::Error::{AlertReceived, InvalidCertificate, PeerIncompatible};
    let why = printable(&err.to_string());
    let (why, fault) = match err {
        _ if is_not_tls(err) => (
            "what answers does not speak TLS".to_owned(),
            TlsFault::NotTls,
        ),
        AlertReceived(_) | PeerIncompatible(_) => (why, TlsFault::Refused),
        InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        ) => (why, TlsFault::Dated),
        InvalidCertificate(NotValidForName) => (why, TlsFault::OtherName),
        InvalidCertificate(NotValidForNameContext { presented, .. }) => {
            let fault = if presented.is_empty() {
                TlsFault::Nameless
            } else {
                TlsFault::OtherName
            };
            (wrong_name(&host, presented), fault)
        }
        // The library names this fault only in its text.
        InvalidCertificate(_) if why.contains("CaUsedAsEndEntity") => (
            "its certificate is the one of a certificate authority (CA:TRUE), not of a server"
                .to_owned(),
            TlsFault::Authority,
        ),
        _ => (why, TlsFault::Other),
    };
    HttpError::Tls {
        host,
        why,
        fault,
        unsent,
    }
}

fn wrong_name(host: &str, names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| printable(bare_name(name)))
        .collect();
    match names.len() {
        0 => format!("its certificate names no host (it has no subjectAltName), so that it is not one for {host}"),
        count if count > MAX_NAMES => {
            format!("its certificate is not for this host, but for {} and {} more", shown.join(", "), count - MAX_NAMES)
        }
        _ => format!("its certificate is not for this host, but for {}", shown.join(", ")),
    }
}

/// Returns a name of a certificate without the kind that the TLS library puts before it, as in `DnsName("a.example")`.
fn bare_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, inner)| inner.strip_suffix(')').unwrap_or(inner));
    inner.trim_matches('"')
}

/// Returns the text of an error without the prefixes of the libraries that it came through.
fn plain(err: &ureq::Error) -> String {
    if matches!(err, ureq::Error::Io(inner) if inner.kind() == std::io::ErrorKind::UnexpectedEof) {
        return "it closed the connection".to_owned();
    }
    let text = printable(&err.to_string());
    let text = ["io: ", "http: ", "protocol: ", "http parse fail: "]
        .iter()
        .fold(text.as_str(), |text, prefix| {
            text.strip_prefix(prefix).unwrap_or(text)
        });
    without_os_number(text)
}
