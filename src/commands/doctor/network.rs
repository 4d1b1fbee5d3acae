//! What stands between this machine and the servers: proxies and certificate authorities.

use super::{Case, Finding, Topic};
use crate::discovery::DiscoverError;
use crate::error::Error;
use crate::http::{
    authorities, proxies, proxy_for, unreadable_exceptions, Authorities, ProxySetting,
};

/// Says which variables name a proxy, and whether the server is asked through it. Its password is never shown.
pub fn proxy(case: &Case) -> Finding {
    let settings = proxies();
    let show = |setting: &ProxySetting| match &setting.proxy {
        Some(proxy) => format!("{} names {proxy}", setting.variable),
        None => format!(
            "{} does not name a proxy that can be used, and is ignored",
            setting.variable
        ),
    };
    let mut shown = settings.iter().map(show).collect::<Vec<_>>();
    let entries = if settings.is_empty() {
        Vec::new()
    } else {
        unreadable_exceptions()
    };
    shown.extend(entries.iter().cloned());
    if let Some(server) = case
        .request
        .server
        .as_ref()
        .filter(|_| !settings.is_empty())
    {
        shown.push(match proxy_for(server) {
            Some(proxy) => format!("the server is asked through {proxy}"),
            None => "the server is asked directly".to_owned(),
        });
    }
    let what = if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join("; ")
    };
    let hint = match settings.iter().find(|setting| setting.proxy.is_none()) {
        Some(setting) => format!("set {} to http://USER:PASSWORD@HOST:PORT", setting.variable),
        None if !entries.is_empty() => {
            "NO_PROXY holds names, addresses and networks such as 10.0.0.0/8".to_owned()
        }
        None => return Finding::ok(Topic::Proxy, what),
    };
    Finding::warning(Topic::Proxy, what, Some(hint))
}

/// Counts the certificate authorities. Only for `https` they are needed.
pub fn certificates(case: &Case) -> Finding {
    let is_needed = case
        .request
        .server
        .as_ref()
        .is_none_or(|server| server.scheme() == "https");
    match authorities(&case.http) {
        Ok(found) => count(&found, case),
        Err(err) => {
            let err = Error::Discover {
                server: case.request.key.server.clone(),
                source: DiscoverError::Http(err),
            };
            match is_needed {
                true => Finding::failure(Topic::Certificates, &err),
                false => Finding::bearable(Topic::Certificates, &err, err.one_line()),
            }
        }
    }
}

fn count(found: &Authorities, case: &Case) -> Finding {
    let system = match found.system.len() {
        _ if cfg!(target_os = "macos") && case.http.ca_file.is_none() => {
            "those of the system".to_owned()
        }
        0 if found.file.is_empty() => {
            "none here; Mozilla's, which are built in, are trusted".to_owned()
        }
        count => format!("{count} of the system"),
    };
    let own = match found.file.len() {
        0 => String::new(),
        count => format!(", and {count} of --ca-file"),
    };
    let what = format!("{system}{own}");
    match found.passed_over.as_slice() {
        [] => Finding::ok(Topic::Certificates, what),
        [why, more @ ..] => {
            let more = if more.is_empty() {
                String::new()
            } else {
                format!(" (and {} more)", more.len())
            };
            let hint = "check SSL_CERT_FILE and SSL_CERT_DIR".to_owned();
            Finding::warning(
                Topic::Certificates,
                format!("{what}; passed over: {why}{more}"),
                Some(hint),
            )
        }
    }
}
