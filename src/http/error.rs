//! Why a request came to nothing, in our own words.

use std::time::Duration;

use super::connect::NoLocalPort;
use super::connector::ProxyError;
use super::proxy::ProxyChoice;
use super::resolver::ForbiddenAddress;
use super::CONNECT_LIMIT;
use crate::failure::{without_os_number, About, Code, Failure, Hint};
use crate::oauth::endpoint::UrlError;
use crate::oauth::text::printable;
use crate::os::clock::Time;

/// The most names of a certificate that a message shows.
const MAX_NAMES: usize = 3;

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
        /// What is wrong, as far as a hint needs to know.
        fault: TlsFault,
        /// No byte of the request can have reached the server.
        unsent: bool,
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
        /// No byte of the request can have reached the server.
        unsent: bool,
    },
    /// There was no time left to ask.
    #[error("{0} is not asked: there is no time left")]
    Late(String),
    /// The answer is larger than any honest one.
    #[error("the answer of {0} is too large")]
    TooLarge(String),
    /// The proxy does not lead to the server.
    #[error(transparent)]
    Proxy(Box<ProxyFailure>),
    /// This computer has no local port for one more connection.
    #[error("cannot connect to {0}: {NoLocalPort}")]
    NoLocalPort(String),
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

/// What is wrong with a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is not valid now, as far as the clock of this computer knows.
    Dated,
    /// What answers does not speak TLS.
    NotTls,
    /// The certificate of an authority is used as the one of a server.
    Authority,
    /// The certificate names no host at all.
    Nameless,
    /// The certificate is for other hosts.
    OtherName,
    /// Anything else, such as an authority that is not known here.
    Other,
}

/// A proxy that does not lead to the server.
#[derive(Debug, thiserror::Error)]
#[error("{}", proxy_words(host, &format!("{proxy} (set in {variable})"), fault))]
pub struct ProxyFailure {
    /// The host of the request.
    pub host: String,
    /// The proxy's URL, without user name and password.
    pub proxy: String,
    /// The variable that names the proxy.
    pub variable: &'static str,
    /// What is wrong.
    pub fault: ProxyFault,
}

/// Why a proxy does not lead to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// It cannot be reached: what the system said.
    Unreachable(String),
    /// Its name has no address.
    NoSuchHost,
    /// It did not answer within so many seconds.
    Timeout(u64),
    /// It cannot prove who it is.
    Tls(String),
    /// It does not speak TLS.
    NotTls,
    /// It answered with this status code.
    Status(u16),
    /// It answered something else.
    Refused(String),
}

fn proxy_words(host: &str, proxy: &str, fault: &ProxyFault) -> String {
    match fault {
        ProxyFault::Unreachable(why) => format!("cannot reach the proxy {proxy}: {why}"),
        ProxyFault::NoSuchHost => format!("cannot find the address of the proxy {proxy}"),
        ProxyFault::Timeout(seconds) => {
            format!("the proxy {proxy} did not answer within {seconds} s")
        }
        ProxyFault::Tls(why) => format!("the connection to the proxy {proxy} is not secure: {why}"),
        ProxyFault::NotTls => format!("the proxy {proxy} does not speak TLS"),
        ProxyFault::Status(status @ (401 | 407)) => {
            format!("the proxy {proxy} requires a user name and a password that it accepts (status {status})")
        }
        ProxyFault::Status(status @ 403) => {
            format!("the proxy {proxy} does not allow connections to {host} (status {status})")
        }
        ProxyFault::Status(status @ 500..) => {
            format!("the proxy {proxy} cannot reach {host} (status {status})")
        }
        ProxyFault::Status(status) => {
            format!("the proxy {proxy} refused the connection to {host} (status {status})")
        }
        ProxyFault::Refused(why) => format!("the proxy {proxy} did not connect to {host}: {why}"),
    }
}

impl HttpError {
    /// Tells whether a security check failed, rather than the network.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Forbidden { .. } | Self::Redirect(_) | Self::Tls { .. } => true,
            Self::Proxy(failure) => matches!(failure.fault, ProxyFault::Tls(_)),
            _ => false,
        }
    }

    /// Tells whether the server cannot have seen any of the request, so that nothing of it is spent.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Forbidden { .. } | Self::Authorities(_) | Self::NoSuchHost(_) | Self::Late(_) => {
                true
            }
            Self::Proxy(_) | Self::NoLocalPort(_) => true,
            Self::Tls { unsent, .. }
            | Self::Timeout { unsent, .. }
            | Self::Unreachable { unsent, .. } => *unsent,
            Self::Redirect(_) | Self::TooLarge(_) => false,
        }
    }

    /// Tells whether sending the request again at once may succeed and cannot do harm: nothing of it was sent, no check
    /// failed, and what failed took no time.
    pub fn may_be_repeated(&self) -> bool {
        match self {
            Self::NoSuchHost(_) | Self::NoLocalPort(_) => true,
            Self::Unreachable { unsent, .. } => *unsent,
            Self::Proxy(failure) => matches!(
                failure.fault,
                ProxyFault::Unreachable(_) | ProxyFault::Status(500..)
            ),
            _ => false,
        }
    }
}

impl Failure for HttpError {
    fn code(&self) -> Code {
        match self {
            Self::Forbidden { .. } => Code::ForbiddenAddress,
            Self::Redirect(_) => Code::RedirectRefused,
            Self::Tls {
                fault: TlsFault::NotTls,
                ..
            } => Code::NoTls,
            Self::Tls { .. } => Code::InsecureConnection,
            Self::Authorities(_) => Code::CertificatesUnreadable,
            Self::Timeout { .. } | Self::Late(_) => Code::ServerTimeout,
            Self::Proxy(failure) => match failure.fault {
                ProxyFault::Status(_) | ProxyFault::Refused(_) => Code::ProxyRefused,
                ProxyFault::Tls(_) => Code::InsecureConnection,
                ProxyFault::NotTls => Code::NoTls,
                ProxyFault::Unreachable(_) | ProxyFault::NoSuchHost | ProxyFault::Timeout(_) => {
                    Code::ProxyUnavailable
                }
            },
            Self::NoLocalPort(_) => Code::NoLocalPort,
            Self::NoSuchHost(_) | Self::TooLarge(_) | Self::Unreachable { .. } => {
                Code::ServerUnavailable
            }
        }
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Tls { host, fault, .. } => return Some(tls_hint(host, *fault).into()),
            Self::Proxy(failure) => {
                return Some(proxy_hint(failure.variable, &failure.fault).into());
            }
            Self::NoLocalPort(_) => {
                "close programs that hold many connections open, and try again in a while"
            }
            Self::Authorities(_) => {
                "name a file of certificates in PEM form with --ca-file or SSL_CERT_FILE"
            }
            Self::NoSuchHost(_) => "check the name of the server and the network",
            Self::Forbidden { .. } => {
                "only a server that you name yourself may lie in a private network"
            }
            Self::Redirect(_) => "the server's address may have changed; ask its operator",
            Self::Unreachable { unsent: true, .. } => {
                "is the server running, and is the port right?"
            }
            Self::Timeout { .. } | Self::Late(_) | Self::TooLarge(_) | Self::Unreachable { .. } => {
                "check the network, and try again in a while"
            }
        };
        Some(hint.into())
    }
}

fn tls_hint(host: &str, fault: TlsFault) -> String {
    match fault {
        TlsFault::Dated => format!(
            "the clock of this computer says {}; if that is wrong, set it, else the server's certificate is not valid now",
            Time::now().rfc3339()
        ),
        TlsFault::NotTls => {
            "check the port of the server; if it is on this machine, its URL may begin with http://"
                .to_owned()
        }
        TlsFault::Authority => format!("give the server a certificate of its own: {}", make_certificate(host)),
        TlsFault::Nameless => {
            format!("give the server a certificate that names its host: {}", make_certificate(host))
        }
        TlsFault::OtherName => {
            "check the URL: use a name that the certificate holds, or give the server a certificate for this one; if \
             neither is yours, somebody else may be answering"
                .to_owned()
        }
        TlsFault::Other => "if your network has a certificate authority of its own, name it with --ca-file".to_owned(),
    }
}

/// Returns the command that makes a certificate for a host which clients can trust by itself.
fn make_certificate(host: &str) -> String {
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let bare = bare.map_or(host, |(bare, _)| bare).trim_matches(['[', ']']);
    let kind = if bare.parse::<std::net::IpAddr>().is_ok() {
        "IP"
    } else {
        "DNS"
    };
    format!(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 365 -subj /CN={bare} -addext \
         subjectAltName={kind}:{bare} -addext basicConstraints=critical,CA:FALSE"
    )
}

fn proxy_hint(variable: &str, fault: &ProxyFault) -> String {
    match fault {
        ProxyFault::Unreachable(_) | ProxyFault::NoSuchHost | ProxyFault::Timeout(_) => {
            format!("check that {variable} names the right proxy, and that it is running")
        }
        ProxyFault::Tls(_) | ProxyFault::NotTls => {
            format!("check {variable}; if the proxy needs no TLS, its URL begins with http://")
        }
        ProxyFault::Status(401 | 407) => {
            format!("set {variable} to http://USER:PASSWORD@HOST:PORT with the user name and password of the proxy")
        }
        ProxyFault::Status(403) => {
            "ask the operator of the proxy to allow it, or name the host in NO_PROXY if it can be reached directly"
                .to_owned()
        }
        ProxyFault::Status(500..) => {
            "check the name and the port of the server; it may also be down, so try again in a while".to_owned()
        }
        ProxyFault::Status(_) | ProxyFault::Refused(_) => format!("check that {variable} names a proxy of that kind"),
    }
}

/// What is known of a request that failed.
pub(super) struct RequestContext<'a> {
    pub host: &'a str,
    pub limit: Duration,
    pub proxy: Option<&'a ProxyChoice>,
    /// Something of the request may have left.
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

/// Says in our own words what went wrong, and in as few of strangers' words as will do.
pub(super) fn translate(err: ureq::Error, of: &RequestContext) -> HttpError {
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
        ureq::Error::Other(inner) => match inner
            .downcast::<ForbiddenAddress>()
            .map_err(|inner| inner.downcast())
        {
            Ok(forbidden) => HttpError::Forbidden {
                host,
                why: UrlError::Address(forbidden.0),
            },
            Err(Ok(failed)) => proxy_error(*failed, of),
            Err(Err(inner)) if inner.is::<NoLocalPort>() => HttpError::NoLocalPort(host),
            Err(Err(_)) => HttpError::Unreachable { host, why, unsent },
        },
        ureq::Error::Io(inner) => match rustls_error(&inner) {
            Some(inner) => tls(inner, host, unsent),
            None if is_lookup(&why) => HttpError::NoSuchHost(host),
            None => HttpError::Unreachable { host, why, unsent },
        },
        _ => HttpError::Unreachable { host, why, unsent },
    }
}

/// Says what is wrong with the way through a proxy.
fn proxy_error(ProxyError(err): ProxyError, of: &RequestContext) -> HttpError {
    let why = plain(&err);
    let fault = match err {
        ureq::Error::Other(inner) if inner.is::<NoLocalPort>() => {
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

/// Reads the status code of a proxy's answer, which ureq gives as `proxy server responded 407/407`.
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

/// The TLS library reports a failed handshake as an error of input and output.
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
    use rustls::Error::InvalidCertificate;
    let why = printable(&err.to_string());
    let (why, fault) = match err {
        _ if is_not_tls(err) => (
            "what answers does not speak TLS".to_owned(),
            TlsFault::NotTls,
        ),
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
        // The word of the library for it stands only in the text.
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

/// Returns the name of a certificate without the kind that the TLS library puts before it, as in `DnsName("a.example")`.
fn bare_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, inner)| inner.strip_suffix(')').unwrap_or(inner));
    inner.trim_matches('"')
}

/// Returns what an error says without the marks of the libraries that it came through.
fn plain(err: &ureq::Error) -> String {
    let text = printable(&err.to_string());
    let text = text.strip_prefix("io: ").unwrap_or(&text);
    without_os_number(text)
}
