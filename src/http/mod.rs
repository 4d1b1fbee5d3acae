//! HTTP requests: deadlines, size limits, certificates, proxies, and which addresses are allowed.
//!
//! Redirects are not followed, but for reading metadata and probing, and there within one origin.

mod abort;
mod authorities;
mod connect;
mod connector;
pub mod dpop;
mod error;
mod open;
mod pool;
mod proxy;
mod resolver;
mod response;
pub mod retry;
mod standby;
mod stream;
mod streaming;
mod tls;
mod translate;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ureq::http::header::{ACCEPT, ACCEPT_ENCODING, LOCATION, USER_AGENT};
use ureq::http::{self, Method, Request};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, AsSendBody, Body};
use url::Url;

use crate::oauth::endpoint::{self, UrlError};
use crate::os::clock::Deadline;
use pool::Pool;
use proxy::ProxyChoice;
use resolver::{bare_host, TypedHost};
use translate::{translate, RequestContext};

pub use abort::Abort;
pub use authorities::{authorities, Authorities};
pub use error::{HttpError, ProxyFailure, ProxyFault, TlsFault};
pub use proxy::{proxies, proxy_for, unreadable_exceptions, ProxySetting};
pub use response::Response;
pub use standby::Standby;
pub use streaming::{BodyStream, StreamRequest};

/// Name and version of this program, sent with every request; some servers refuse requests without one.
const NAME: &str = concat!("mcp-login/", env!("CARGO_PKG_VERSION"));

/// Longest time for finding an address or opening a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Largest head of a response, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How many redirects within one origin are followed where any are.
const MAX_REDIRECTS: usize = 3;

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// None: the request carries a secret, or its response decides where secrets are sent.
    Refuse,
    /// Within one origin.
    SameOrigin,
    /// Within one origin, and only those that keep the method.
    SameMethod,
    /// None: the redirect is the result.
    Show,
}

/// The settings of all requests of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HttpSettings {
    /// A file of certificate authorities that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Sends the requests of one login. A copy uses the same connections.
#[derive(Clone)]
pub struct Http {
    limit: Duration,
    deadline: Option<Deadline>,
    pool: Arc<Pool>,
}

impl Http {
    /// Prepares requests for a login with these URLs, which the user typed. Each request ends within `limit`.
    pub fn new(settings: &HttpSettings, typed: &[Url], limit: Duration) -> Self {
        let hosts = typed.iter().filter_map(|url| {
            let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
            Some(TypedHost {
                host,
                port,
                direct: proxy::chosen(url).is_none(),
            })
        });
        Self {
            limit,
            deadline: None,
            pool: Arc::new(Pool::new(settings.clone(), hosts.collect())),
        }
    }

    /// Returns one with the same connections whose requests each end within `limit`, and at no deadline.
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            limit,
            deadline: None,
            pool: Arc::clone(&self.pool),
        }
    }

    /// Ends all requests together at this deadline too.
    pub fn until(self, deadline: Deadline) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Returns how long a request may take that begins now.
    pub fn left(&self) -> Duration {
        self.deadline
            .map_or(self.limit, |deadline| deadline.left().min(self.limit))
    }

    /// Sends a GET request, and follows redirects within the origin.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. A status code is not an error.
    pub fn get(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        self.send(Method::GET, url, headers, None, Redirects::SameOrigin, None)
    }

    /// Sends a POST request.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. A status code is not an error.
    pub fn post(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        body: &[u8],
        redirects: Redirects,
    ) -> Result<Response, HttpError> {
        self.send(Method::POST, url, headers, Some(body), redirects, None)
    }

    /// Sends a DELETE request, such as for a session.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. A status code is not an error.
    pub fn delete(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        self.send(Method::DELETE, url, headers, None, Redirects::Refuse, None)
    }

    fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        redirects: Redirects,
        stream: Option<(&Abort, Duration)>,
    ) -> Result<Response, HttpError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&method, &url, headers, body, stream)?;
            let target = redirect(&response, &url).filter(|_| redirects != Redirects::Show);
            let Some(target) = target else {
                return Ok(response);
            };
            let is_followed = match redirects {
                Redirects::Refuse | Redirects::Show => false,
                Redirects::SameOrigin => true,
                Redirects::SameMethod => matches!(response.status, 307 | 308),
            };
            if !is_followed || target.origin() != url.origin() {
                return Err(refused(&target, &url, headers, redirects));
            }
            url = target;
        }
        Err(refused(&url, &url, headers, redirects))
    }

    fn send_once(
        &self,
        method: &Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        stream: Option<(&Abort, Duration)>,
    ) -> Result<Response, HttpError> {
        let host = authority(url).to_owned();
        let (started, limit) = (Instant::now(), self.left());
        if limit.is_zero() {
            return Err(HttpError::Late(host));
        }
        let request = || {
            let mut request = Request::builder()
                .method(method)
                .uri(url.as_str())
                .header(ACCEPT_ENCODING, "identity")
                .header(USER_AGENT, NAME);
            if !has_header(headers, ACCEPT.as_str()) {
                request = request.header(ACCEPT, "application/json");
            }
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request
        };
        let (agent, proxy) = self.agent(url)?;
        let (abort, until_head) = stream.unzip();
        let has_body = body.is_some_and(|body| !body.is_empty());
        let send = || {
            connector::observe(has_body, abort, || match body {
                Some(body) => run(&agent, request().body(body), limit, until_head),
                None => run(&agent, request().body(()), limit, until_head),
            })
        };
        let (mut sent, mut progress) = send();
        // A connection that was open may have died since. What the server cannot have received is sent on another one.
        while sent.is_err() && progress.reused && !progress.sent && !self.left().is_zero() {
            log::info!("the connection to {host} had been closed; opening another one");
            (sent, progress) = send();
        }
        let elapsed = started.elapsed().as_millis();
        let place = endpoint::canonical(url);
        let place = place.split('?').next().unwrap_or_default();
        match &sent {
            Ok(response) => log::info!(
                "{method} {place}: {} in {elapsed} ms",
                response.status().as_u16()
            ),
            Err(_) => log::info!("{method} {place}: no answer in {elapsed} ms"),
        }
        let limit = match (&sent, until_head) {
            (Err(ureq::Error::Timeout(ureq::Timeout::RecvResponse)), Some(until_head)) => {
                until_head
            }
            _ => limit,
        };
        let of = RequestContext {
            host: &host,
            limit,
            proxy: proxy.as_ref(),
            sent: progress.sent,
        };
        let (parts, body) = sent.map_err(|err| translate(err, &of))?.into_parts();
        let keep_alive = parts.headers.get("keep-alive");
        let keep_alive = keep_alive.and_then(|value| value.to_str().ok());
        self.pool.open.note_idle_limit(url.into(), keep_alive);
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            host,
            limit,
            body,
        })
    }

    /// Checks the IP address in a URL by the rule for the addresses of names.
    ///
    /// # Errors
    ///
    /// [`UrlError::Address`] if it may not be asked.
    pub fn check_address(&self, url: &Url) -> Result<(), UrlError> {
        match bare_host(url.host_str().unwrap_or_default()).parse::<IpAddr>() {
            Ok(address) if !self.permits(url, address) => Err(UrlError::Address(address)),
            _ => Ok(()),
        }
    }

    /// Behind a proxy no name is looked up here, so that only addresses that the user typed allow others.
    fn permits(&self, url: &Url, address: IpAddr) -> bool {
        let after = CONNECT_LIMIT.min(self.left()).into();
        let timeout = NextTimeout {
            after,
            reason: ureq::Timeout::Resolve,
            ..NextTimeout::default()
        };
        let resolver = &self.pool.resolver;
        resolver.permits_literal(address)
            || (proxy::chosen(url).is_none() && resolver.permits_by_lookup(address, timeout))
    }

    /// Returns the agent for a URL whose address is allowed, and the proxy through which it is asked.
    fn agent(&self, url: &Url) -> Result<(Agent, Option<ProxyChoice>), HttpError> {
        self.check_address(url)
            .map_err(|why| HttpError::Forbidden {
                host: authority(url).to_owned(),
                why,
            })?;
        let proxy = proxy::chosen(url);
        let idle = self.deadline.map(Deadline::left);
        let agent = self.pool.agent(url, proxy.as_ref(), idle)?;
        Ok((agent, proxy))
    }
}

/// Sends a request. `limit` is for the whole of it; with `until_head` only for finding the server, connecting and sending the
/// request, and that is how long the head of the response may take. Its body may then take as long as the connection lives,
/// but not for ever.
fn run<B: AsSendBody>(
    agent: &Agent,
    request: http::Result<Request<B>>,
    limit: Duration,
    until_head: Option<Duration>,
) -> Result<http::Response<Body>, ureq::Error> {
    let request = agent
        .configure_request(request?)
        .timeout_resolve(Some(CONNECT_LIMIT.min(limit)))
        .timeout_connect(Some(CONNECT_LIMIT.min(limit)));
    let request = match until_head {
        None => request.timeout_global(Some(limit)),
        Some(_) => request
            .timeout_global(None)
            .timeout_send_request(Some(limit))
            .timeout_recv_response(until_head)
            .timeout_recv_body(Some(streaming::LONGEST_STREAM)),
    };
    agent.run(request.build())
}

/// Returns the host of a URL, with its port if that is named.
fn authority(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

fn has_header(headers: &[(&str, &str)], name: &str) -> bool {
    headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name))
}

/// Returns the error for a redirect, with as much of its target as may be shown: a server may put what it was sent into that.
fn refused(target: &Url, from: &Url, headers: &[(&str, &str)], redirects: Redirects) -> HttpError {
    // What was asked for, with a slash more or less, quotes nothing.
    let [is, was] = [target, from].map(|url| url.as_str().trim_end_matches('/'));
    let has_secret = is != was
        && (matches!(redirects, Redirects::Refuse | Redirects::SameMethod)
            || has_header(headers, "authorization"));
    HttpError::Redirect(match (has_secret, target.origin()) {
        (true, origin) if origin.is_tuple() => origin.ascii_serialization(),
        (true, _) => format!("an address of the kind {}:", target.scheme()),
        (false, _) => {
            let place = endpoint::canonical(target);
            place
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    })
}

fn redirect(response: &Response, from: &Url) -> Option<Url> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.header(LOCATION.as_str());
    let target = target.and_then(|target| from.join(target).ok());
    let target = target.filter(|target| !endpoint::has_userinfo(target));
    // A redirect without a usable target counts as one to the same URL.
    Some(target.unwrap_or_else(|| from.clone()))
}

#[cfg(test)]
mod tests;
