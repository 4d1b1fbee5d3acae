//! What this machine says of proxies and certificate authorities.

use std::io::Read as _;

use http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts};
use ureq::Proxy;
use url::Url;

use super::{HttpError, Settings};
use crate::oauth::endpoint;

/// The most that is read of a file of certificates: what systems bring is a twentieth of it.
const MAX_AUTHORITIES_BYTES: u64 = 4 * 1024 * 1024;

/// The variables that may name a proxy, in the order in which they count.
const PROXY_VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// A variable that is set to name a proxy. The first one that can be read is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySetting {
    /// The variable.
    pub variable: &'static str,
    /// The proxy, without user name and password; `None` if what it is set to cannot be read.
    pub proxy: Option<String>,
}

/// Returns the variables that are set to name a proxy, the first one first.
pub fn proxies() -> Vec<ProxySetting> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let read = |variable| {
        let value = std::env::var(variable).ok();
        ProxySetting { variable, proxy: value.and_then(|value| Proxy::new(&value).ok()).map(|proxy| place(&proxy)) }
    };
    PROXY_VARIABLES.into_iter().filter(set).map(read).collect()
}

/// Returns the proxy through which a server is asked, without user name and password; `None` if it is asked directly.
pub fn proxy_for(server: &Url) -> Option<String> {
    let uri: Uri = server.as_str().parse().ok()?;
    let proxy = Proxy::try_from_env().filter(|proxy| !endpoint::is_loopback(server) && !proxy.is_no_proxy(&uri))?;
    Some(place(&proxy))
}

fn place(proxy: &Proxy) -> String {
    let scheme = proxy.uri().scheme_str().unwrap_or("http");
    format!("{scheme}://{}:{}", proxy.host(), proxy.port())
}

/// The certificate authorities that are trusted.
#[derive(Debug, Default)]
pub struct Authorities {
    /// Those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub system: Vec<Certificate<'static>>,
    /// Those of the user's file.
    pub file: Vec<Certificate<'static>>,
    /// Why some of the system's are passed over.
    pub passed_over: Vec<String>,
}

/// Reads the certificate authorities.
///
/// # Errors
///
/// [`HttpError::Authorities`] if the user's file cannot be read or holds none.
pub fn authorities(settings: &Settings) -> Result<Authorities, HttpError> {
    let system = rustls_native_certs::load_native_certs();
    let mut found = Authorities {
        system: system.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect(),
        file: Vec::new(),
        passed_over: system.errors.iter().map(ToString::to_string).collect(),
    };
    let Some(path) = &settings.ca_file else { return Ok(found) };
    let failed = |why: String| HttpError::Authorities(format!("{}: {why}", path.display()));
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(|err| failed(err.to_string()))?;
    file.take(MAX_AUTHORITIES_BYTES + 1).read_to_end(&mut pem).map_err(|err| failed(err.to_string()))?;
    if pem.len() as u64 > MAX_AUTHORITIES_BYTES {
        return Err(failed("it is too large".to_owned()));
    }
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.file.push(certificate),
            Ok(_) => {}
            Err(err) => return Err(failed(err.to_string())),
        }
    }
    if found.file.is_empty() {
        return Err(failed("it holds no certificate in PEM form".to_owned()));
    }
    Ok(found)
}

/// Returns what is trusted: the system's authorities or, where there are none, Mozilla's; and the user's file beside
/// them.
pub(super) fn roots(settings: &Settings) -> Result<RootCerts, HttpError> {
    if cfg!(target_os = "macos") && settings.ca_file.is_none() {
        return Ok(RootCerts::PlatformVerifier);
    }
    let Authorities { mut system, file, passed_over } = authorities(settings)?;
    for why in passed_over {
        log::warn!("a certificate authority of the system is passed over: {why}");
    }
    system.extend(file);
    Ok(if system.is_empty() { RootCerts::WebPki } else { RootCerts::from(system) })
}
