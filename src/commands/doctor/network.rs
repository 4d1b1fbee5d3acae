//! What is between this machine and the servers: proxies and certificate authorities.

use super::{Case, Finding};
use crate::discovery::DiscoverError;
use crate::error::Error;
use crate::http::{
    authorities, proxies, proxy_for, unreadable_exceptions, Authorities, ProxySetting,
};
use crate::os::trust;

/// Says which variables name a proxy, and whether the server is asked through it. Its password is never shown.
pub fn proxy(case: &Case) -> Finding {
    let settings = proxies();
    if settings.is_empty() {
        return Finding::ok("proxy", "none");
    }
    let variable = |ProxySetting { variable, proxy }: &ProxySetting| match proxy {
        Some(proxy) => format!("{variable} names {proxy}"),
        None => format!("{variable} names no proxy that can be used, and is ignored (# is %23)"),
    };
    let exceptions = unreadable_exceptions();
    let server = case.request.server.as_ref();
    let server = server.map(|server| match proxy_for(server) {
        Some(proxy) => format!("the server is asked through {proxy}"),
        None => "the server is asked directly".to_owned(),
    });
    let shown = settings.iter().map(variable);
    let shown: Vec<_> = shown.chain(exceptions.clone()).chain(server).collect();
    let what = shown.join("; ");
    match settings.iter().find(|setting| setting.proxy.is_none()) {
        Some(ProxySetting { variable, .. }) => Finding::warning("proxy", what)
            .with_hint(format!("set {variable} to http://USER:PASSWORD@HOST:PORT")),
        None if !exceptions.is_empty() => Finding::warning("proxy", what)
            .with_hint("NO_PROXY holds names, addresses and networks such as 10.0.0.0/8"),
        None => Finding::ok("proxy", what),
    }
}

/// Counts the certificate authorities. Only `https` needs them.
pub fn certificates(case: &Case) -> Finding {
    let source = match authorities(&case.http) {
        Ok(found) => return count(&found, case),
        Err(source) => source,
    };
    let err = Error::Discover {
        server: case.request.key.server.clone(),
        source: DiscoverError::Http(source),
    };
    let failure = Finding::failure("certificates", &err);
    match &case.request.server {
        Some(server) if server.scheme() != "https" => failure.into_warning(err.one_line()),
        _ => failure,
    }
}

fn count(found: &Authorities, case: &Case) -> Finding {
    let mut what = match found.system.len() {
        _ if trust::JUDGES_ITSELF && case.http.ca_file.is_none() => {
            "those of the system".to_owned()
        }
        0 if found.file.is_empty() => {
            "none here; Mozilla's, which are built in, are trusted".to_owned()
        }
        count => format!("{count} of the system"),
    };
    if !found.file.is_empty() {
        what += &format!(", and {} of --ca-file", found.file.len());
    }
    let [why, more @ ..] = found.ignored.as_slice() else {
        return Finding::ok("certificates", what);
    };
    what += &format!("; ignored: {why}");
    if !more.is_empty() {
        what += &format!(" (and {} more)", more.len());
    }
    Finding::warning("certificates", what).with_hint("check SSL_CERT_FILE and SSL_CERT_DIR")
}
