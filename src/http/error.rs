//! Errors of HTTP requests.

use crate::failure::{About, Code, Failure, Hint};
use crate::oauth::endpoint::UrlError;
use crate::oauth::text::printable;
use crate::os::clock::Time;

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not allowed.
    #[error("{host} is not asked: {why}")]
    Forbidden {
        /// The host of the request.
        host: String,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The response is a redirect that is not followed.
    #[error("the server answered with a redirect to {}, which is not followed", printable(.0))]
    Redirect(String),
    /// The server could not be authenticated.
    #[error("the connection to {host} is not secure: {why}")]
    Tls {
        /// The host of the request.
        host: String,
        /// The result of the certificate check.
        why: String,
        /// The kind of the fault, for the hint.
        fault: TlsFault,
        /// The server cannot have received a byte of the request.
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
        /// The server cannot have received a byte of the request.
        unsent: bool,
    },
    /// There was no time left for the request.
    #[error("{0} is not asked: there is no time left")]
    Late(String),
    /// The response is too large.
    #[error("the answer of {0} is too large")]
    TooLarge(String),
    /// What answered does not speak HTTP, or not as it is written.
    #[error("the answer of {host} is not valid HTTP ({why})")]
    NotHttp {
        /// The host of the request.
        host: String,
        /// The error of the HTTP library.
        why: String,
    },
    /// The proxy failed.
    #[error(transparent)]
    Proxy(Box<ProxyFailure>),
    /// This computer has no local port for one more connection.
    #[error("cannot connect to {0}: this computer has no free local port")]
    NoLocalPort(String),
    /// The system of this computer opens no connection to it.
    #[error("cannot connect to {host}: {why}")]
    NotAllowed {
        /// The host of the request.
        host: String,
        /// The error of the system.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The connection failed or broke.
    #[error("{} {host}: {why}", if *unsent { "cannot reach" } else { "no complete answer from" })]
    Unreachable {
        /// The host of the request.
        host: String,
        /// The error of the system or the protocol.
        why: String,
        /// The server cannot have received a byte of the request.
        unsent: bool,
    },
}

/// What is wrong with a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is not valid now, as far as the clock of this computer knows.
    Dated,
    /// The peer does not use TLS.
    NotTls,
    /// The peer refuses the connection, or offers what is out of date.
    Refused,
    /// The certificate of an authority is used as the one of a server.
    Authority,
    /// The certificate names no host at all.
    Nameless,
    /// The certificate is for other hosts.
    OtherName,
    /// Any other fault, such as an unknown authority.
    Other,
}

/// A proxy that failed.
#[derive(Clone, Debug, thiserror::Error)]
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

/// Why a proxy failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// It cannot be reached, with the error of the system.
    Unreachable(String),
    /// Its name has no address.
    NoSuchHost,
    /// It did not answer within so many seconds.
    Timeout(u64),
    /// It could not be authenticated.
    Tls(String),
    /// It does not use TLS.
    NotTls,
    /// It answered with this status code.
    Status(u16),
    /// It sent another response.
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

    /// Tells whether the server cannot have received any of the request.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Forbidden { .. } | Self::Authorities(_) | Self::NoSuchHost(_) | Self::Late(_) => {
                true
            }
            Self::Proxy(_) | Self::NoLocalPort(_) | Self::NotAllowed { .. } => true,
            Self::Tls { unsent, .. }
            | Self::Timeout { unsent, .. }
            | Self::Unreachable { unsent, .. } => *unsent,
            Self::Redirect(_) | Self::TooLarge(_) | Self::NotHttp { .. } => false,
        }
    }

    /// Tells whether the request may be sent again at once: nothing of it was sent, no security check failed, and no time limit
    /// passed.
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
            Self::NotAllowed { .. } => Code::Unexpected,
            Self::NoSuchHost(_)
            | Self::TooLarge(_)
            | Self::NotHttp { .. }
            | Self::Unreachable { .. } => Code::ServerUnavailable,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Redirect(to) if to.strip_suffix('/') == Some(about.name) => {
                return Some(format!("did you mean {to}?").into());
            }
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
            Self::NotAllowed { hint, .. } => hint,
            Self::NotHttp { .. } => {
                "check the scheme and the port of its URL; if they are right, try again in a while"
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
        TlsFault::NotTls => "check the port of the server; if it is on this machine, its URL may begin with http://".to_owned(),
        TlsFault::Refused => "check the URL, or ask the operator of the server: it may know no TLS from version 1.2 on, or want a certificate of the client".to_owned(),
        TlsFault::Authority => format!("give the server a certificate of its own: {}", make_certificate(host)),
        TlsFault::Nameless => format!("give the server a certificate that names its host: {}", make_certificate(host)),
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
