//! The words that go with failures: one for scripts, and a hint for people.

use super::{
    in_words, ExchangeError, HandoverError, HttpError, ProxyFault, TlsFault, TokenResponseError,
    WriteError,
};
use crate::os::files::DiskError;
use crate::providers::{self, Moment, Provider};

/// Returns the word for a request that came to nothing.
pub fn http_code(err: &HttpError) -> &'static str {
    match err {
        HttpError::Forbidden { .. } => "forbidden_address",
        HttpError::Redirect(_) => "redirect_refused",
        HttpError::Tls {
            fault: TlsFault::NotTls,
            ..
        } => "no_tls",
        HttpError::Tls { .. } => "insecure_connection",
        HttpError::Authorities(_) => "certificates_unreadable",
        HttpError::Timeout { .. } | HttpError::Late(_) => "server_timeout",
        HttpError::Proxy(failure) => match failure.fault {
            ProxyFault::Status(_) | ProxyFault::Refused(_) => "proxy_refused",
            ProxyFault::Tls(_) => "insecure_connection",
            ProxyFault::NotTls => "no_tls",
            _ => "proxy_unavailable",
        },
        HttpError::NoLocalPort(_) => "no_local_port",
        HttpError::NoSuchHost(_) | HttpError::TooLarge(_) | HttpError::Unreachable { .. } => {
            "server_unavailable"
        }
    }
}

/// Returns the word for a hand-over that failed.
pub fn handover_code(err: &WriteError) -> &'static str {
    match err {
        WriteError::Refused(HandoverError::Unsuitable { .. }) => "handover_impossible",
        WriteError::Refused(HandoverError::UnknownFormat { .. }) => "format_unknown",
        WriteError::Command { .. } => "client_missing",
        WriteError::Disk(DiskError::Locked { .. }) => "client_busy",
        WriteError::Disk(_)
        | WriteError::Altered(_)
        | WriteError::Unproven { .. }
        | WriteError::Failed { .. }
        | WriteError::Late { .. }
        | WriteError::Unread { .. }
        | WriteError::NotKept { .. } => "client_not_written",
    }
}

/// Returns what helps a hand-over that failed.
pub fn handover_hint(client: &str, err: &WriteError) -> Option<String> {
    Some(match err {
        WriteError::Refused(HandoverError::Unsuitable { hint, .. }) => hint.clone(),
        WriteError::Refused(HandoverError::UnknownFormat { .. }) => {
            format!(
                "nothing was changed; move the file away if it is broken; if a newer {client} wrote it, see if there is a \
                 newer mcp-login"
            )
        }
        WriteError::Command { program, .. } => format!("install {program}, or put it on the PATH"),
        WriteError::Disk(DiskError::Locked { .. }) => {
            format!("end {client}, and run the command again")
        }
        WriteError::Altered(_) | WriteError::Unproven { .. } => {
            format!(
                "end {client}, and see whether it has the login now; if it has not, log in again"
            )
        }
        WriteError::Disk(_) => {
            "see that the file and its directory belong to you, and run the command again"
                .to_owned()
        }
        WriteError::Failed { .. } => return None,
        WriteError::Unread { .. } => {
            "the login is still here; see what the command said, and run it again".to_owned()
        }
        WriteError::Late { .. } | WriteError::NotKept { .. } => {
            format!("see whether {client} has the login now; if it has not, log in again")
        }
    })
}

/// The refusals that scripts may tell apart; every other one is told as it is in the message.
const DENIALS: [&str; 13] = [
    "access_denied",
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "invalid_target",
    "invalid_client",
    "invalid_grant",
    "unsupported_grant_type",
    "interaction_required",
    "login_required",
    "consent_required",
    "account_selection_required",
];

/// Returns the word for a refusal at the authorization endpoint.
pub fn denial_code(error: &str) -> &'static str {
    DENIALS
        .into_iter()
        .find(|known| *known == error)
        .unwrap_or("refused")
}

/// Returns the word for a refusal at the token endpoint.
pub fn token_code(error: &str) -> &'static str {
    DENIALS
        .into_iter()
        .find(|known| *known == error)
        .unwrap_or("token_refused")
}

/// Returns what to do after a refusal.
pub fn denial_hint(error: &str) -> &'static str {
    match error {
        "access_denied" => "run the command again, and agree to the request in the browser",
        "invalid_scope" => "ask for scopes that the server knows, with --scope",
        "invalid_target" => {
            "the server does not know this resource; --resource names another, --no-resource names none"
        }
        "unauthorized_client" | "invalid_client" => "the server does not accept this client; check --client-id",
        _ => "the words after the colon are the server's; ask its operator",
    }
}

/// Returns what a refusal means at this provider, if that is known.
pub fn known_failure(
    provider: Option<&'static Provider>,
    error: &str,
    description: Option<&str>,
) -> Option<&'static str> {
    let words = format!("{error} {}", description.unwrap_or_default());
    providers::explain(provider, Moment::Login, &words)
}

/// Returns what to do after a failed exchange.
pub fn exchange_hint(err: &ExchangeError, provider: Option<&'static Provider>) -> Option<String> {
    let hint = match err {
        ExchangeError::Refused { words, .. } => {
            let error = words.error.as_deref().unwrap_or_default();
            match (known_failure(provider, error, words.description.as_deref()), error) {
                (Some(hint), _) => hint,
                (None, "invalid_client") => {
                    "the server does not accept this client: check --client-id and --client-secret-file"
                }
                (None, "invalid_scope" | "invalid_target" | "unauthorized_client") => denial_hint(error),
                (None, _) => "run the command again; if the code is refused again, ask the operator of the server",
            }
        }
        ExchangeError::Http(err) => return http_hint(err),
        ExchangeError::Busy {
            retry_after: Some(wanted),
            ..
        } if !wanted.is_zero() => {
            return Some(format!("run the command again in {}", in_words(*wanted)));
        }
        ExchangeError::Busy { .. }
        | ExchangeError::Unusable {
            why: TokenResponseError::NotTokens,
            ..
        } => "run the command again in a while",
        ExchangeError::Unusable { .. } | ExchangeError::Request => {
            "tell the operator of the authorization server"
        }
    };
    Some(hint.to_owned())
}

/// Returns what to do after a request that came to nothing.
pub fn http_hint(err: &HttpError) -> Option<String> {
    let hint = match err {
        HttpError::Tls { host, fault, .. } => return Some(tls_hint(host, *fault)),
        HttpError::Proxy(failure) => return Some(proxy_hint(failure.variable, &failure.fault)),
        HttpError::NoLocalPort(_) => {
            "close programs that hold many connections open, and try again in a while"
        }
        HttpError::Authorities(_) => {
            "name a file of certificates in PEM form with --ca-file or SSL_CERT_FILE"
        }
        HttpError::NoSuchHost(_) => "check the name of the server and the network",
        HttpError::Forbidden { .. } => {
            "only a server that you name yourself may lie in a private network"
        }
        HttpError::Redirect(_) => "the server's address may have changed; ask its operator",
        HttpError::Unreachable { unsent: true, .. } => {
            "is the server running, and is the port right?"
        }
        HttpError::Timeout { .. }
        | HttpError::Late(_)
        | HttpError::TooLarge(_)
        | HttpError::Unreachable { .. } => "check the network, and try again in a while",
    };
    Some(hint.to_owned())
}

fn tls_hint(host: &str, fault: TlsFault) -> String {
    match fault {
        TlsFault::Dated => format!(
            "the clock of this computer says {}; if that is wrong, set it, else the server's certificate is not valid now",
            crate::os::clock::Time::now().rfc3339()
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
