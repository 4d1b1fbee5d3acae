//! The servers of the demo on one loopback port: which requests are accepted, and which server responds.
//!
//! `tiny_http` serves them. A program of this machine can bring its server down (a reset at the wrong moment is
//! enough), which is why it serves no login of a user's; here nothing of value is lost with it.

use std::io::{self, Cursor, Read as _};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::json;
use tiny_http::{Header, Request, Response, Server, StatusCode};
use url::Url;

use super::authority::{Authority, Decision, Refusal, CALL_TOOLS, LIST_TOOLS};
use super::messages::{HttpRequest, HttpResponse, Parameters};
use super::{pages, resource};

/// Threads that answer; a slow visitor holds up one of them.
const WORKERS: usize = 4;

/// Threads that the demo needs at once: its workers, those of `tiny_http`, and those of the login.
const ALL_THREADS: usize = WORKERS + 10;

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// The servers while they run. Dropping this ends them.
pub struct Servers {
    http: Arc<Server>,
    mcp: Url,
}

impl Servers {
    /// Starts them on a free port. `remark` is told of each request, before it is answered.
    ///
    /// # Errors
    ///
    /// If there is no port, or no thread.
    pub fn start(remark: fn(&str)) -> io::Result<Self> {
        prove_threads()?;
        let http = Arc::new(Server::http("127.0.0.1:0").map_err(io::Error::other)?);
        let origin = format!("http://{}", http.server_addr());
        let mcp = Url::parse(&format!("{origin}/mcp")).map_err(io::Error::other)?;
        let servers = Self { http, mcp };
        let handler = Arc::new(Handler::new(&origin));
        for _ in 0..WORKERS {
            let (http, handler) = (Arc::clone(&servers.http), Arc::clone(&handler));
            // Not joined: a visitor who never finishes a request must not hold up the end of the demo.
            thread::Builder::new()
                .name("demo".to_owned())
                .spawn(move || {
                    while let Ok(request) = http.recv() {
                        serve(request, &handler, remark);
                    }
                })?;
        }
        Ok(servers)
    }

    /// Returns the URL of the MCP server.
    pub fn mcp(&self) -> &Url {
        &self.mcp
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        (0..WORKERS).for_each(|_| self.http.unblock());
    }
}

/// Shows by doing it that the system gives as many threads as are needed: `tiny_http` panics where it gives none.
fn prove_threads() -> io::Result<()> {
    let mut threads = Vec::new();
    for _ in 0..ALL_THREADS {
        let (end, until) = mpsc::channel::<()>();
        let wait = move || until.recv().is_err();
        threads.push((
            end,
            thread::Builder::new()
                .name("proof".to_owned())
                .spawn(wait)?,
        ));
    }
    for (end, thread) in threads {
        drop(end);
        let _ = thread.join();
    }
    Ok(())
}

fn serve(mut request: Request, handler: &Handler, remark: fn(&str)) {
    if request
        .body_length()
        .is_some_and(|length| length > MAX_BODY_BYTES)
    {
        // To let it go properly, tiny_http would first allocate what the request announces.
        return std::mem::forget(request);
    }
    let mut body = Vec::new();
    if request
        .as_reader()
        .take(MAX_BODY_BYTES as u64)
        .read_to_end(&mut body)
        .is_err()
    {
        return;
    }
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let headers = request.headers().iter();
    let received = HttpRequest {
        method: request.method().to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|header| (header.field.to_string(), header.value.to_string()))
            .collect(),
        body,
    };
    let answer = handler.answer(&received);
    if !answer.remark.is_empty() {
        remark(&format!(
            "{} {} -> {}: {}",
            received.method, received.path, answer.status, answer.remark
        ));
    }
    let ours = [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Server", "mcp-login"),
    ];
    let own = answer
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let headers = ours
        .into_iter()
        .chain(own)
        .filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    let (status, length) = (StatusCode(answer.status), answer.body.len());
    let response = Response::new(
        status,
        headers.collect(),
        Cursor::new(answer.body),
        Some(length),
        None,
    );
    // Whoever asked may be gone.
    let _ = request.respond(response);
}

/// What the workers share: both servers.
struct Handler {
    origin: String,
    authority: Mutex<Authority>,
}

impl Handler {
    fn new(origin: &str) -> Self {
        let authority = Authority::new(origin.to_owned(), format!("{origin}/mcp"));
        Self {
            origin: origin.to_owned(),
            authority: Mutex::new(authority),
        }
    }

    fn answer(&self, received: &HttpRequest) -> HttpResponse {
        if let Err(refused) = self.check_sender(received) {
            return refused;
        }
        let mut authority = self
            .authority
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (received.method.as_str(), received.path.as_str()) {
            (_, "/mcp") => {
                let token = received
                    .header("authorization")
                    .and_then(|value| value.strip_prefix("Bearer "));
                let grant = token.and_then(|token| authority.admit(token));
                resource::answer(
                    received,
                    grant,
                    &format!("{}{RESOURCE_METADATA}", self.origin),
                )
            }
            ("GET", RESOURCE_METADATA) => self.resource_metadata(),
            ("GET", SERVER_METADATA) => HttpResponse::json(200, &authority.metadata(), "endpoints"),
            ("POST", "/register") => match authority.register(&received.body) {
                Ok(client) => HttpResponse::json(201, &client, "a client is registered"),
                Err(err) => err.answer(),
            },
            ("GET", "/authorize") => {
                match authority.ask(&Parameters::read(received.query.as_bytes())) {
                    Ok((request, asked)) => pages::consent(&asked, &request),
                    Err(Refusal::Page(why)) => pages::refusal(why),
                    Err(Refusal::Redirect(target)) => {
                        HttpResponse::redirect(target, "refused; the browser brings the reason")
                    }
                }
            }
            ("POST", "/authorize") => match authority.decide(&Parameters::read(&received.body)) {
                Ok(Decision {
                    target,
                    allowed: true,
                }) => HttpResponse::redirect(target, "allowed; the browser brings a code"),
                Ok(Decision {
                    target,
                    allowed: false,
                }) => HttpResponse::redirect(target, "denied; the browser brings the news"),
                Err(why) => pages::refusal(why),
            },
            ("POST", "/token") => match authority.exchange(&Parameters::read(&received.body)) {
                Ok((tokens, why)) => HttpResponse::json(200, &tokens, why),
                Err(err) => err.answer(),
            },
            _ => HttpResponse::status(404, ""),
        }
    }

    /// Checks the sender: only this address is served, and no page but our own may send anything here.
    ///
    /// A browser names the origin of the page in every `POST`, so nobody else's page can answer ours.
    fn check_sender(&self, received: &HttpRequest) -> Result<(), HttpResponse> {
        if received
            .header("host")
            .is_none_or(|host| self.origin != format!("http://{host}"))
        {
            return Err(HttpResponse::status(421, "for another host"));
        }
        let own_page = received.header("origin") == Some(&self.origin);
        let same_site = received
            .header("sec-fetch-site")
            .is_none_or(|site| site == "same-origin");
        let is_answer = received.method == "POST" && received.path == "/authorize";
        match (received.has("origin"), is_answer) {
            (true, _) if !own_page => Err(HttpResponse::status(403, "from another page")),
            (_, true) if !own_page || !same_site => Err(HttpResponse::status(403, "from no page")),
            _ => Ok(()),
        }
    }

    /// Spec: RFC 9728 section 2.
    fn resource_metadata(&self) -> HttpResponse {
        let metadata = json!({
            "resource": format!("{}/mcp", self.origin),
            "resource_name": "The demo server of mcp-login",
            "authorization_servers": [self.origin],
            "scopes_supported": [LIST_TOOLS, CALL_TOOLS],
            "bearer_methods_supported": ["header"],
        });
        HttpResponse::json(200, &metadata, "issuer")
    }
}

#[cfg(test)]
mod tests;
