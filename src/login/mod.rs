//! The login, as one story for one server as for many.
//!
//! Listener, discovery, registration, authorization request: so `begin` goes from a server's URL to the page that the
//! user has to see. Then the answer is awaited, for all logins at one desk. Code, tokens, store: so `finish` goes
//! from the answer to a login that is kept. What the browser is shown is said last, when it is true.

mod account;
pub mod authorize;
pub mod event_loop;
mod preflight;
mod previous;
mod request;
mod run;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::callback::{is_refused_by_browsers, Listener, RedirectTarget};
use crate::context::Context;
use crate::discovery::Discovery;
use crate::error::Error;
use crate::failure::Code;
use crate::http::Http;
use crate::login::authorize::{authorize, Authorization};
use crate::oauth::authorization::{AuthorizationRequest, OFFLINE_ACCESS};
use crate::oauth::callback::AuthorizationCode;
use crate::oauth::client::{self, Client, RegistrationKind};
use crate::oauth::text::printable;
use crate::oauth::token::Tokens;
use crate::os::clock::{in_words, Deadline, Time};
use crate::providers::{self, Provider};
use crate::refresh::refresher::bring_home;
use crate::refresh::{self, Freshness};
use crate::registration::{self, register, RegisterError};
use crate::store::cache::Cache;
use crate::store::{Credentials, GrantType, Interaction, Store, StoreChoice, StoreError};
use crate::token_endpoint::exchange::{
    exchange, Exchange, ExchangeError, Exchanged, Retries, WhenBusy,
};
use preflight::{ask, check_issuer_of_client, provider, scopes, typed_urls, LastLogin};
use workers::{Line, Message};

pub use preflight::{cannot_listen, outlook, wanted, Outlook};
pub use request::{Event, Invitation, Report, Request, Resource};
pub use run::{run, Outcome};

/// A stored login that lives no longer than this is refreshed, or replaced by a new one.
const MIN_LIFE: Duration = Duration::from_secs(60);

/// Longest wait for a refresh of the same login.
const REFRESH_LIMIT: Duration = Duration::from_secs(3);

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How long an accepted code is tried again where the token endpoint cannot be reached.
const EXCHANGE_RETRIES: Duration = Duration::from_secs(30);

/// How far the clock of this computer may differ from the server's without a word, in seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// A login whose answer is awaited: everything that its code will be exchanged with.
struct Attempt {
    /// What is asked for, completed by what an earlier login says.
    request: Request,
    found: Discovery,
    provider: Option<&'static Provider>,
    client: Client,
    authorization: Authorization,
    scopes: Vec<String>,
    redirect_uri: String,
    before: Option<Credentials>,
    is_second: bool,
}

enum Begun {
    Already(Report),
    Attempt(Box<Attempt>),
}

enum Finished {
    Stored(Report),
    /// The server does not know our registration any more.
    Unknown(Box<Attempt>),
}

/// Goes from the request to the page that the user has to see. The socket is bound before anything is asked.
fn begin(request: &Request, context: &Context, line: &Line) -> Result<Begun, Error> {
    let kept = Store::open_to_read(&context.store, &context.data_dir, Interaction::Allowed);
    let before = match kept.load(&request.key) {
        // The new login goes where the store works; what the keyring keeps to itself is not missed.
        Err(StoreError::Keyring(fault)) if context.store == StoreChoice::Auto => {
            log::info!("{fault}");
            None
        }
        Err(err @ StoreError::Unreadable { .. }) if request.force => {
            log::warn!("{err}; the new login takes its place");
            None
        }
        loaded => loaded.map_err(|err| Error::unreadable(&request.key, err))?,
    };
    if let Some(live) = before
        .as_ref()
        .and_then(|before| live_login(before, request, context))
    {
        let place = kept
            .list()
            .ok()
            .and_then(|logins| logins.into_iter().find(|login| login.key() == request.key));
        return Ok(Begun::Already(Report::of(
            &live,
            place.map(|login| login.place),
            true,
        )));
    }
    let request = &previous::complete(request.clone(), before.as_ref())?;
    let cache = context.cache();
    let last = LastLogin::of(request, &cache);
    let redirect_uri = listen(&wanted(request, &cache, before.as_ref()), line)?;
    let http = Http::new(&context.http, &typed_urls(request), REQUEST_LIMIT).until(line.deadline);
    let found = ask(request, last.as_ref(), &http, None);
    let named = previous::with_issuer(request, before.as_ref());
    let (found, named) = match (found, named) {
        (Err(err), Some(named))
            if matches!(
                err.code(),
                Code::NoAuthorizationServer | Code::NotAnMcpServer
            ) =>
        {
            let http =
                Http::new(&context.http, &typed_urls(&named), REQUEST_LIMIT).until(line.deadline);
            (
                ask(&named, last.as_ref(), &http, None).map_err(|_| err)?,
                Some(named),
            )
        }
        (found, _) => (found?, None),
    };
    let request = named.as_ref().unwrap_or(request);
    let attempt = prepare(
        request,
        context,
        &http,
        Prepared {
            found,
            redirect_uri,
            before,
            is_second: false,
        },
    )?;
    context.store(&request.key)?;
    Ok(Begun::Attempt(Box::new(attempt)))
}

/// What is known before we are a client.
struct Prepared {
    found: Discovery,
    redirect_uri: String,
    before: Option<Credentials>,
    is_second: bool,
}

/// Becomes a client and prepares the authorization request.
fn prepare(
    request: &Request,
    context: &Context,
    http: &Http,
    prepared: Prepared,
) -> Result<Attempt, Error> {
    let Prepared {
        found,
        redirect_uri,
        before,
        is_second,
    } = prepared;
    let (server, cache) = (&found.server, context.cache());
    let provider = provider(request, server);
    let scopes = scopes(request, &found, before.as_ref());
    let reusable = before.as_ref().filter(|_| !is_second);
    let client = register(
        server,
        &request.identity,
        &redirect_uri,
        &scopes,
        (http, &cache, reusable),
    )
    .map_err(|source| not_registered(request, &found, provider, source))?;
    check_issuer_of_client(request, &client, server, before.as_ref())?;
    LastLogin {
        issuer: server.issuer.clone(),
        redirect_uri: redirect_uri.clone(),
    }
    .keep(request, &cache);
    cache.put("servers", &server.issuer, &server.document());
    let ask = AuthorizationRequest {
        endpoint: &server.authorization_endpoint,
        client_id: &client.id,
        redirect_uri: &redirect_uri,
        scopes: &scopes,
        resource: found.resource.as_deref(),
        login_hint: request
            .login_hint
            .as_deref()
            .filter(|_| request.hints_by_standard()),
        extra: &request.parameters,
    };
    let authorization = authorize(&ask, server).map_err(|err| Error::Usage {
        message: format!("the redirect URI {redirect_uri} cannot be used: {err}"),
        hint: None,
    })?;
    let request = request.clone();
    Ok(Attempt {
        request,
        found,
        provider,
        client,
        authorization,
        scopes,
        redirect_uri,
        before,
        is_second,
    })
}

/// Says why there is no client. Where the endpoints were only assumed, and nobody is at the one for registrations, there is
/// no authorization server either.
fn not_registered(
    request: &Request,
    found: &Discovery,
    provider: Option<&'static Provider>,
    source: RegisterError,
) -> Error {
    let (issuer, endpoint) = (
        printable(&found.server.issuer),
        found.server.registration_endpoint.as_ref(),
    );
    match (&found.assumed, endpoint) {
        (Some(assumed), Some(endpoint)) if source.is_of_no_endpoint() => Error::Discover {
            server: request.key.server.clone(),
            source: assumed.refuted(endpoint.as_str(), source.to_string()),
        },
        _ => Error::Register {
            issuer,
            provider,
            source,
        },
    }
}

/// The server does not know our registration any more: the request is prepared anew, and not with one that is in doubt.
fn again(context: &Context, attempt: Attempt, line: &Line) -> Result<Begun, Error> {
    let Attempt {
        request,
        found,
        redirect_uri,
        before,
        ..
    } = attempt;
    let http = Http::new(&context.http, &typed_urls(&request), REQUEST_LIMIT).until(line.deadline);
    let prepared = Prepared {
        found,
        redirect_uri,
        before,
        is_second: true,
    };
    prepare(&request, context, &http, prepared).map(|attempt| Begun::Attempt(Box::new(attempt)))
}

/// Goes from the answer to a login that is kept. Nothing that was kept before is touched until then.
fn finish(
    context: &Context,
    mut attempt: Attempt,
    code: AuthorizationCode,
    deadline: Deadline,
) -> Result<Finished, Error> {
    let request = &attempt.request.clone();
    let http = Http::new(&context.http, &typed_urls(request), REQUEST_LIMIT);
    let Authorization {
        expected, verifier, ..
    } = &attempt.authorization;
    let ask = Exchange {
        token_endpoint: &attempt.found.server.token_endpoint,
        client: &attempt.client,
        redirect_uri: &attempt.redirect_uri,
        resource: attempt.found.resource.as_deref(),
    };
    let retries = Retries {
        until: deadline.min(Deadline::after(EXCHANGE_RETRIES)),
        when_busy: WhenBusy::OnceIfUnserved,
    };
    let Exchanged {
        tokens,
        answered_at,
    } = match exchange(&ask, code, verifier, (&http, retries)) {
        Ok(exchanged) => exchanged,
        Err(ExchangeError::Refused { words, .. })
            if words.error.as_ref().is_some_and(|it| attempt.heals(it)) =>
        {
            return Ok(Finished::Unknown(Box::new(attempt)))
        }
        Err(source) => {
            let (issuer, provider) = (printable(&expected.issuer), attempt.provider);
            return Err(Error::Exchange {
                issuer,
                provider,
                source,
            });
        }
    };
    warn_of_clock(answered_at);
    registration::confirm(
        &context.cache(),
        &attempt.found.server.issuer,
        &attempt.client,
    );
    let account = account::find(&attempt, &tokens, context);
    let store = context.store(&request.key)?;
    // A refresh under way ends first; one that hangs must not cost a login, and will not overwrite it.
    let journal = store.journal(&request.key);
    let lock = journal
        .lock(Deadline::after(REFRESH_LIMIT))
        .inspect_err(|err| log::debug!("{err}"))
        .ok();
    if tokens.refresh_token.is_none() {
        // The one from before is kept then, and may have been replaced while the user was away, or by a refresh that was
        // interrupted.
        let now = store.load(&request.key).unwrap_or(attempt.before);
        let stored = |kept: Credentials| bring_home(store, kept.clone(), &journal).unwrap_or(kept);
        attempt.before = if lock.is_some() { now.map(stored) } else { now };
    }
    let mut credentials = attempt.credentials(request, tokens, account);
    let saved = store
        .save(&mut credentials)
        .map_err(|err| Error::not_kept(&request.key, Arc::new(err)))?;
    saved
        .notice
        .iter()
        .for_each(|notice| log::warn!("{notice}"));
    if lock.is_some() {
        // Whatever an earlier refresh has left is of no use any more.
        journal.end();
    }
    let lame = request
        .google_tools
        .as_ref()
        .map(|tools| tools.without(&credentials.scopes))
        .unwrap_or_default();
    if !lame.is_empty() {
        log::warn!("not all was granted: {} will not work", lame.join(", "));
    }
    Ok(Finished::Stored(Report::of(
        &credentials,
        Some(saved.place),
        false,
    )))
}

/// Warns of a clock that is wrong: when a token expires is counted by it, from then on.
fn warn_of_clock(answered_at: Option<Time>) {
    let Some(left) = answered_at.map(Time::seconds_left) else {
        return;
    };
    let off = left.unsigned_abs();
    if off > CLOCK_TOLERANCE {
        let (direction, off) = (
            if left < 0 { "ahead of" } else { "behind" },
            in_words(Duration::from_secs(off)),
        );
        log::warn!(
            "the clock of this computer is {off} {direction} the server's: when it is set right, the token is refreshed; \
             if the server's is wrong, nothing needs to be done"
        );
    }
}

/// Returns what the authorization server of a login said of itself when it was last logged in to, as in RFC 8414; `None`
/// if that is not known any more, or the login is older.
pub fn metadata(cache: &Cache, kept: &Credentials) -> Option<Value> {
    let document: Value = cache.get("servers", &kept.issuer)?;
    (document["token_endpoint"] == kept.token_endpoint).then_some(document)
}

impl Attempt {
    /// Tells whether a new registration may cure this error: once, and only if the registration was made by us.
    fn heals(&self, error: &str) -> bool {
        client::is_unknown(error)
            && !self.is_second
            && self.client.kind == RegistrationKind::Dynamic
    }

    /// Puts together what is kept of the login.
    fn credentials(
        self,
        request: &Request,
        tokens: Tokens,
        account: Option<String>,
    ) -> Credentials {
        let (server, provider, now) = (self.found.server, self.provider, Time::now());
        let same_account = |before: &Credentials| match (&before.account, &account) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        let same_grant = |before: &&Credentials| {
            let same_client = before.issuer == server.issuer && before.client_id == self.client.id;
            same_client && same_account(before) && before.handed_over.is_none()
        };
        let refresh_before = self
            .before
            .as_ref()
            .filter(same_grant)
            .and_then(|before| before.refresh_token.clone());
        if tokens.refresh_token.is_none() && refresh_before.is_some() {
            log::warn!(
                "the server sent no new refresh token; the one from the login before is kept"
            );
        }
        Credentials {
            server: request.key.server.clone(),
            profile: request.key.profile.clone(),
            generation: 0,
            issuer: server.issuer,
            resource: self.found.resource,
            grant: GrantType::AuthorizationCode.into(),
            registration: self.client.kind.into(),
            client_id: self.client.id,
            client_secret: self.client.secret,
            client_secret_expires_at: self.client.secret_expires_at.map(Time),
            client_auth: self.client.auth.into(),
            redirect_uri: self.redirect_uri,
            token_endpoint: server.token_endpoint.into(),
            revocation_endpoint: server.revocation_endpoint.map(String::from),
            scopes: tokens.scopes.map_or_else(
                || self.scopes.clone(),
                |scopes| providers::granted(provider, scopes),
            ),
            scopes_requested: self.scopes,
            provider: provider.map(|provider| provider.name.to_owned()),
            account,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.or(refresh_before),
            obtained_at: now,
            expires_at: tokens.expires_in.map(|seconds| now.plus(seconds)),
            needs_login: false,
            handed_over: None,
            options: previous::options(request, self.before.as_ref()),
            rest: serde_json::Map::new(),
        }
    }
}

/// Returns the stored login if it serves: it covers what is asked for, and is live or can be refreshed at once.
fn live_login(kept: &Credentials, request: &Request, context: &Context) -> Option<Credentials> {
    let same_client = request
        .identity
        .client_id
        .as_ref()
        .is_none_or(|id| *id == kept.client_id);
    let same_issuer = request
        .issuer
        .as_ref()
        .is_none_or(|issuer| *issuer == kept.issuer);
    let same_endpoint = request
        .known
        .as_ref()
        .is_none_or(|it| it.token_endpoint.as_str() == kept.token_endpoint);
    let same_resource = match &request.resource {
        Resource::Discovery => true,
        Resource::Omitted => kept.resource.is_none(),
        Resource::Given(resource) => kept.resource.as_ref() == Some(resource),
    };
    let asked_anew =
        request.force || request.challenge.is_some() || kept.needs_login || !same_resource;
    if asked_anew
        || !same_client
        || !same_issuer
        || !same_endpoint
        || !covers(kept, &request.scopes)
    {
        return None;
    }
    let need = Freshness {
        min_ttl: MIN_LIFE,
        refresh: false,
    };
    match refresh::live(&request.key, need, context, Deadline::after(refresh::LIMIT)) {
        // One that can be refreshed has just been, if it was due.
        Ok(live) => Some(live).filter(|live| live.refresh_token.is_some() || !need.is_due(live)),
        Err(err) => {
            log::info!("{}; logging in anew", err.one_line());
            None
        }
    }
}

/// Tells whether a stored login covers these scopes: it was granted them, or it was made by the very same request, of which
/// the server grants no more.
fn covers(kept: &Credentials, scopes: &[String]) -> bool {
    let is_granted = |scope: &String| {
        kept.scopes.contains(scope) || scope == OFFLINE_ACCESS && kept.refresh_token.is_some()
    };
    let is_asked = |scope: &String| kept.scopes_requested.contains(scope);
    let is_same = || {
        scopes.iter().all(is_asked)
            && kept
                .scopes_requested
                .iter()
                .all(|scope| scopes.contains(scope))
    };
    scopes.iter().all(is_granted) || is_same()
}

/// Binds the socket and hands it to the desk; returns the redirect URI. Without a socket the answer can be pasted.
fn listen(wanted: &RedirectTarget, line: &Line) -> Result<String, Error> {
    let fixed = wanted.ports.iter().filter(|_| !wanted.any_port);
    for port in fixed.filter(|port| is_refused_by_browsers(**port)) {
        log::warn!("browsers refuse to open port {port} (ERR_UNSAFE_PORT); use another one, or paste the address");
    }
    match Listener::bind(wanted) {
        Ok(listener) => {
            let redirect_uri = listener.redirect_uri().to_owned();
            line.send(Message::Listening(listener));
            Ok(redirect_uri)
        }
        Err(source) => {
            let failure = cannot_listen(wanted, source);
            if !line.can_paste {
                return Err(failure);
            }
            line.send(Message::NotListening(failure));
            Ok(wanted.uri_without_socket())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{tests::credentials, StoredId};

    #[test]
    fn e10_what_a_stored_login_covers() {
        let mut kept = credentials(&StoredId {
            server: "https://mcp.example".into(),
            profile: "default".into(),
        });
        let list = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for (requested, granted, refreshable, asked, expected) in [
            (
                "openid offline_access",
                "openid",
                true,
                "openid offline_access",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "openid offline_access",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "offline_access openid",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "offline_access",
                false,
            ),
            ("openid", "openid", true, "offline_access", true),
            ("openid", "openid", false, "offline_access", false),
            ("read write", "read", true, "read write", true),
            ("read write", "read", true, "read", true),
            ("read write", "read", true, "write", false),
            ("read", "read write", true, "write", true),
            ("read", "read", true, "read admin", false),
            ("read", "read", true, "", true),
        ] {
            (kept.scopes_requested, kept.scopes) = (list(requested), list(granted));
            kept.refresh_token = refreshable.then(|| crate::oauth::secret::Secret::new("r"));
            assert_eq!(
                covers(&kept, &list(asked)),
                expected,
                "{requested} {granted} {refreshable} {asked}"
            );
        }
    }
}
