//! Step one of a login: the callback socket, the authorization server, the client, the authorization request.

use std::io;

use serde::{Deserialize, Serialize};
use url::Url;

use super::authorize::Authorization;
use super::pending::{PendingAnswer, PendingAuthorization, Preparation};
use super::workers::{Message, WorkerHandle};
use super::{device, previous, Request, Resource};
use crate::callback::pages::server_name;
use crate::callback::{is_refused_by_browsers, BindError, Listener, RedirectTarget};
use crate::context::Context;
use crate::discovery::{discover as search, Discovery, DiscoveryRequest};
use crate::discovery::{DiscoverError, FetchError, ServerSource, Trace};
use crate::error::Error;
use crate::failure::LoginCommand;
use crate::failure::{Class, Code};
use crate::http::dpop::{Dpop, Nonces};
use crate::http::Http;
use crate::oauth::authorization::{choose_scopes, AuthorizationRequest, ScopeSources};
use crate::oauth::client::{Client, RegistrationKind};
use crate::oauth::jwt::dpop::DpopKey;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::printable;
use crate::os::peer;
use crate::os::terminal;
use crate::registration::{self, ClientPlan, ClientRequest, RegisterError};
use crate::store::cache::Cache;
use crate::store::{Credentials, GrantType};
use crate::warning::warn_user;

/// Returns the redirect URI: that of the callback socket, which is bound now and given to the event loop. Without a socket the
/// login goes on if the answer can be pasted; with a device code there is no answer.
pub fn redirect_uri(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<String, Error> {
    if request.grant == GrantType::DeviceCode {
        return Ok(device::redirect_uri(request));
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

/// Tells whether the server of a login that cannot listen offers device codes, which need no listener.
fn has_device_endpoint(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> bool {
    let found = discover(request.clone(), stored, context, worker);
    let server = found.map(|(_, discovery, _)| discovery.server);
    server.is_ok_and(|server| server.device_authorization_endpoint.is_some())
}

/// Finds out what an authorization request needs, but for the client.
pub fn preparation(
    request: Request,
    redirect_uri: String,
    stored: Option<Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Preparation, Error> {
    let (request, discovery, http) = discover(request, stored.as_ref(), context, worker)?;
    Ok(Preparation {
        dpop: dpop(&request, &discovery, context)?,
        with_dpop: with_dpop(&request, context),
        scopes: scopes(&request, &discovery, stored.as_ref()),
        request,
        discovery,
        redirect_uri,
        stored,
        is_second: false,
        http,
        standby: None,
    })
}

/// Registers a client, and makes its authorization request; for a device code, the server is asked for that.
pub fn request_authorization(
    preparation: Preparation,
    context: &Context,
) -> Result<PendingAuthorization, Error> {
    if preparation.request.grant == GrantType::DeviceCode {
        return device::authorize(preparation, context);
    }
    let client = register(&preparation, context)?;
    authorize(preparation, client)
}

/// Returns the redirect URI that a login needs: with a fixed port, or with the ports of earlier registrations first.
pub fn redirect_target(
    request: &Request,
    cache: &Cache,
    stored: Option<&Credentials>,
) -> RedirectTarget {
    let registered = LastLogin::read(request, cache)
        .map(|last| registration::registered_redirect_uris(cache, &last.issuer, stored))
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
        BindError::Taken { port } => peer::holder(port),
        BindError::UsedUp | BindError::Impossible(_) => None,
    };
    Error::Bind {
        place: place.split('/').next().unwrap_or_default().to_owned(),
        holder,
        source,
        offers_device: false,
    }
}

/// Finds the authorization server. Where nothing names one, a client registered by hand is still bound to the issuer of the
/// stored login, which the returned request then names; it is asked by other rules for addresses, and so over connections of its
/// own.
fn discover(
    request: Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<(Request, Discovery, Http), Error> {
    let settings = &context.settings.http;
    let http = request.http(settings, worker.deadline);
    let last = LastLogin::read(&request, &context.cache()).map(|last| last.issuer);
    let found = find_server(&request, last.as_deref(), &http, None);
    let is_nowhere = |err: &Error| {
        matches!(
            err.code(),
            Code::NoAuthorizationServer | Code::NotAnMcpServer
        )
    };
    match (found, previous::with_issuer(&request, stored)) {
        (Err(err), Some(bound)) if is_nowhere(&err) => {
            let http = bound.http(settings, worker.deadline);
            match find_server(&bound, last.as_deref(), &http, None) {
                Ok(discovery) => Ok((bound, discovery, http)),
                // A possible attack, or an issuer that is only unavailable now, is more than a server that names none.
                Err(at_issuer)
                    if matches!(at_issuer.class(), Class::Security | Class::Unavailable) =>
                {
                    Err(at_issuer)
                }
                Err(_) => Err(err),
            }
        }
        (found, _) => Ok((request, found?, http)),
    }
}

/// Asks the servers, and applies `--resource` and `--no-resource`. The server used `last_issuer` at its last login; `trace`
/// notes each step.
pub fn find_server(
    request: &Request,
    last_issuer: Option<&str>,
    http: &Http,
    trace: Option<&Trace>,
) -> Result<Discovery, Error> {
    let source = match (
        &request.preset,
        &request.issuer_metadata,
        request.issuer.as_deref(),
    ) {
        (Some(server), _, _) => ServerSource::Endpoints(server),
        (None, Some(url), issuer) => ServerSource::Metadata(url, issuer),
        (None, None, Some(issuer)) => ServerSource::Issuer(issuer),
        (None, None, None) => ServerSource::Search,
    };
    let ask = |source| {
        let request = DiscoveryRequest {
            server: request.server.as_ref(),
            server_text: &request.server_text,
            source,
            last_issuer,
            challenge: request.challenge.as_deref(),
            resource_is_given: request.settles_resource(),
            grant: request.grant,
            assume_pkce: request.assume_pkce,
            trace,
        };
        search(request, http)
    };
    let mut found = ask(source);
    let is_nowhere = match &found {
        Ok(discovery) => discovery.assumed.is_some(),
        Err(err) => err.is_without_server(),
    };
    let mut source = request.names_endpoints().then_some("as you asked");
    if let Some(server) = request.fallback.as_ref().filter(|_| is_nowhere) {
        found = ask(ServerSource::Endpoints(server));
        source = Some("no metadata leads to an authorization server; as the client's file says");
    }
    let mut discovery = found.map_err(|source| Error::Discover {
        server: request.key.server.clone(),
        source,
    })?;
    if let Some(source) = source {
        show_endpoints(source, &discovery.server);
    }
    match &request.resource {
        Resource::Discovery => {}
        Resource::Omitted => discovery.resource = None,
        Resource::Given(resource) => discovery.resource = Some(resource.clone()),
    }
    Ok(discovery)
}

/// Tells the user which hosts were named in place of a search.
fn show_endpoints(source: &str, server: &AuthorizationServer) {
    let host = |url: &Url| url.host_str().map(printable).unwrap_or_default();
    terminal::insist(&format!(
        "{source}, the page to log in is at {}, and the tokens come from {}",
        host(&server.authorization_endpoint),
        host(&server.token_endpoint)
    ));
    if server.issuer == server.authorization_endpoint.origin().ascii_serialization() {
        let issuer = printable(&server.issuer);
        terminal::say(&format!(
            "  if its answers name another issuer than {issuer}, name that one with --issuer"
        ));
    }
}

/// Chooses the scopes to request.
pub fn scopes(
    request: &Request,
    discovery: &Discovery,
    stored: Option<&Credentials>,
) -> Vec<String> {
    let server = &discovery.server;
    // Spec: MCP 2026-07-28, Scope Selection Strategy: what a challenge names joins what was requested before.
    let is_challenged = request.challenge.is_some() || !discovery.challenged_scopes.is_empty();
    let stored = stored.filter(|stored| stored.issuer == server.issuer);
    let requested_before = stored.filter(|_| is_challenged);
    let (scopes, left_out) = choose_scopes(ScopeSources {
        asked: match stored {
            Some(stored) if request.scopes.is_empty() && !is_challenged => {
                previous::scopes(request, stored)
            }
            _ => &request.scopes,
        },
        challenged: &discovery.challenged_scopes,
        before: requested_before.map_or(&[], |stored| &stored.scopes_requested),
        resource: &discovery.resource_scopes,
        server: &server.scopes,
    });
    if left_out > 0 {
        warn_user!(
            ScopesLeftOut,
            "{left_out} of the scopes that {} offers cannot be asked for, or are too many; --scope names those that you need",
            request.key.server
        );
    }
    scopes
}

fn client_request<'a>(preparation: &'a Preparation, cache: &'a Cache) -> ClientRequest<'a> {
    ClientRequest {
        server: &preparation.discovery.server,
        identity: &preparation.request.identity,
        redirect_uri: &preparation.redirect_uri,
        grant: preparation.request.grant,
        scopes: &preparation.scopes,
        cache,
        stored: preparation.stored.as_ref(),
        may_reuse: !preparation.is_second,
    }
}

/// Tells whether a login would use the registration of an earlier one.
pub fn has_registration(preparation: &Preparation, context: &Context) -> bool {
    let planned = client_request(preparation, &context.cache()).plan();
    matches!(planned, Ok(ClientPlan::Client(client)) if client.kind == RegistrationKind::Dynamic)
}

/// Becomes a client of the authorization server, and remembers it for the next login.
pub fn register(preparation: &Preparation, context: &Context) -> Result<Client, Error> {
    let request = &preparation.request;
    let server = &preparation.discovery.server;
    let cache = context.cache();
    let client = client_request(preparation, &cache)
        .register(&preparation.http)
        .map_err(|source| not_registered(preparation, source))?;
    let last = LastLogin {
        issuer: server.issuer.clone(),
        redirect_uri: preparation.redirect_uri.clone(),
    };
    cache.put("last", &request.key.server, &last);
    cache.put("servers", &server.issuer, &server.document());
    Ok(client)
}

/// Returns why there is no client. Where the endpoints were only assumed, and nothing at the one for registrations speaks
/// RFC 7591, there is no authorization server either.
fn not_registered(preparation: &Preparation, source: RegisterError) -> Error {
    let discovery = &preparation.discovery;
    match (&discovery.assumed, &discovery.server.registration_endpoint) {
        (Some(assumed), Some(endpoint)) if source.is_of_no_endpoint() => Error::Discover {
            server: preparation.request.key.server.clone(),
            source: assumed.clone().after(
                endpoint.clone(),
                FetchError::NoRegistration(source.to_string()),
            ),
        },
        _ => Error::Register {
            issuer: printable(&discovery.server.issuer),
            provider: preparation.provider(),
            source,
        },
    }
}

/// Returns the command of this login with tokens that are bound to a key.
pub fn with_dpop(request: &Request, context: &Context) -> Box<LoginCommand> {
    let device = (request.grant == GrantType::DeviceCode).then_some("--device");
    let options: Vec<_> = device.into_iter().chain(["--dpop"]).collect();
    context.settings.login(&request.key, &options)
}

/// Makes the key that the tokens are to be bound to; `None` if the user wants none.
///
/// # Errors
///
/// [`Error::DpopRequired`] if the server takes no others; [`Error::Discover`] if proofs cannot be made for it.
pub fn dpop(
    request: &Request,
    discovery: &Discovery,
    context: &Context,
) -> Result<Option<Dpop>, Error> {
    let server = &discovery.server;
    if !request.dpop && discovery.is_dpop_required {
        return Err(Error::DpopRequired {
            server: request.key.server.clone(),
            login: (!request.is_unattended()).then(|| with_dpop(request, context)),
        });
    }
    if !request.dpop {
        return Ok(None);
    }
    server.check_dpop().map_err(|why| Error::Discover {
        server: request.key.server.clone(),
        source: DiscoverError::Unsuitable {
            issuer: printable(&server.issuer),
            why,
            silent: false,
        },
    })?;
    let key = DpopKey::generate().ok_or_else(|| Error::Unexpected {
        what: "cannot make a key",
        source: io::Error::other("the system has no random numbers"),
    })?;
    Ok(Some(Dpop::new(key, Nonces::default())))
}

/// Prepares the authorization request. The issuer is recorded here, before any browser opens.
fn authorize(preparation: Preparation, client: Client) -> Result<PendingAuthorization, Error> {
    let Preparation {
        request, discovery, ..
    } = &preparation;
    let redirect_uri = &preparation.redirect_uri;
    let by_standard = request.hints_by_standard();
    let mut extra = request.parameters.clone();
    // Spec: RFC 9449 section 10: a stolen code is of no use without the key.
    let thumbprint = preparation
        .dpop
        .as_ref()
        .map(|dpop| dpop.key().thumbprint());
    extra.extend(thumbprint.map(|it| ("dpop_jkt".to_owned(), it)));
    let parameters = AuthorizationRequest {
        endpoint: &discovery.server.authorization_endpoint,
        client_id: &client.id,
        redirect_uri,
        scopes: &preparation.scopes,
        resource: discovery.resource.as_deref(),
        login_hint: request.login_hint.as_deref().filter(|_| by_standard),
        extra: &extra,
    };
    let authorization =
        Authorization::new(&parameters, &discovery.server).map_err(|err| Error::Usage {
            message: format!("the redirect URI {redirect_uri} cannot be used: {err}"),
            hint: None,
        })?;
    Ok(PendingAuthorization {
        preparation,
        client,
        answer: PendingAnswer::Redirect(authorization),
    })
}

/// Where a server was last logged in to: the next login begins there.
#[derive(Debug, Serialize, Deserialize)]
struct LastLogin {
    issuer: String,
    redirect_uri: String,
}

impl LastLogin {
    fn read(request: &Request, cache: &Cache) -> Option<Self> {
        cache.get("last", &request.key.server)
    }
}
