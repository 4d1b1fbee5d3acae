//! The redirect URI of a login, and the socket behind it.

use url::Url;

use super::client::last_issuer;
use super::workers::{Message, WorkerHandle};
use super::{server, Request};
use crate::callback::pages::server_name;
use crate::callback::{is_refused_by_browsers, BindError, Listener, RedirectTarget};
use crate::context::Context;
use crate::error::Error;
use crate::os::peer;
use crate::registration;
use crate::store::cache::Cache;
use crate::store::{Credentials, GrantType};
use crate::warning::warn_user;

/// The redirect URI with which a client is registered for a device code, if the user names no part of it: any port of it
/// belongs to a later login by browser.
///
/// Spec: RFC 8252 section 7.3.
const WITHOUT_PORT: &str = "http://127.0.0.1/callback";

/// Returns the redirect URI: that of the callback socket, which is bound now and given to the event loop. Without a socket the
/// login goes on if the answer can be pasted; with a device code no answer comes to it.
pub fn bind(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<String, Error> {
    if request.grant == GrantType::DeviceCode {
        let named = request.redirect_uri.as_deref();
        return Ok(named.unwrap_or(WITHOUT_PORT).to_owned());
    }
    let target = redirect_target(request, &context.cache(), stored);
    let fixed = target.ports.iter().filter(|_| !target.any_port);
    for port in fixed.filter(|port| is_refused_by_browsers(**port)) {
        warn_user!(UnsafePort, "browsers refuse to open port {port} (ERR_UNSAFE_PORT); use another one, or paste the address");
    }
    match Listener::bind(&target) {
        Ok(listener) => {
            let redirect_uri = listener.redirect_uri().to_owned();
            worker.send(Message::Listening(listener));
            Ok(redirect_uri)
        }
        Err(source) => {
            let mut failure = cannot_listen(&target, source);
            if !worker.can_paste {
                if let Error::Bind { offers_device, .. } = &mut failure {
                    *offers_device = has_device_endpoint(request, stored, context, worker);
                }
                return Err(failure);
            }
            worker.send(Message::NotListening(failure));
            Ok(target.uri_without_socket())
        }
    }
}

/// Returns the redirect URI that a login needs: with a fixed port, or with the ports of earlier registrations first.
pub fn redirect_target(
    request: &Request,
    cache: &Cache,
    stored: Option<&Credentials>,
) -> RedirectTarget {
    let registered = last_issuer(request, cache)
        .map(|issuer| registration::registered_redirect_uris(cache, &issuer, stored))
        .unwrap_or_default();
    let registered = registered
        .iter()
        .filter_map(|uri| Url::parse(uri).ok()?.port());
    RedirectTarget {
        literal: request.redirect_uri.clone(),
        forms: request.wants_form(),
        host: request.redirect_host,
        path: request.redirect_path.clone(),
        ports: match request.port {
            Some(port) => vec![port],
            None => registered
                .chain(request.likely_ports.iter().copied())
                .collect(),
        },
        any_port: request.port.is_none(),
        server: server_name(&request.key.server).into(),
    }
}

/// Returns the failure of a login that cannot listen, with the program that holds its port.
pub fn cannot_listen(target: &RedirectTarget, source: BindError) -> Error {
    let redirect_uri = target.uri_without_socket();
    let place = redirect_uri.trim_start_matches("http://");
    let holder = match source {
        BindError::Taken(port) => peer::holder(port),
        BindError::UsedUp | BindError::Impossible(_) => None,
    };
    Error::Bind {
        place: place.split('/').next().unwrap_or_default().to_owned(),
        holder,
        source,
        offers_device: false,
    }
}

/// Tells whether the server of a login that cannot listen offers device codes, which need no listener.
fn has_device_endpoint(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> bool {
    let found = server::discover(request.clone(), stored, context, worker);
    let server = found.map(|(_, discovery, _)| discovery.server);
    server.is_ok_and(|server| server.device_authorization_endpoint.is_some())
}
