//! The servers of the demo on one loopback port: which requests are accepted, and which server responds.
//!
//! `tiny_http` serves them. A program of this machine can stop its server (a reset at the wrong moment is
//! enough), which is why it serves no login of a user's; here nothing of value is lost with it.

use std::io::{self, Read as _};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use tiny_http::{Header, Method, Request, Response, Server};
use url::Url;

use super::authority::Authority;
use super::resource;
use super::response::HttpResponse;
use crate::os::sync::{lock, start_thread};

/// Threads that answer; a slow client delays one of them.
const WORKERS: usize = 4;

/// Threads that the demo needs at once: its workers, those of `tiny_http`, and those of the login.
const ALL_THREADS: usize = WORKERS + 10;

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// The headers of every answer.
const HEADERS: [(&str, &str); 3] = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Server", "mcp-login"),
];

/// The servers while they run. Dropping this ends them.
pub struct Servers {
    http: Arc<Server>,
    /// The URL of the MCP server.
    pub mcp: Url,
}

impl Servers {
    /// Starts them on a free port. `show` gets a line about each request, before it is answered.
    ///
    /// # Errors
    ///
    /// If there is no port, or no thread.
    pub fn start(show: fn(&str)) -> io::Result<Self> {
        prove_threads()?;
        let http = Arc::new(Server::http("127.0.0.1:0").map_err(io::Error::other)?);
        let origin = format!("http://{}", http.server_addr());
        let mcp = Url::parse(&format!("{origin}/mcp")).map_err(io::Error::other)?;
        let servers = Self { http, mcp };
        let handler = Arc::new(Handler::new(origin));
        for _ in 0..WORKERS {
            let (http, handler) = (Arc::clone(&servers.http), Arc::clone(&handler));
            // Not joined: a client that never finishes a request must not delay the end of the demo.
            start_thread("demo", move || {
                while let Ok(request) = http.recv() {
                    serve(request, &handler, show);
                }
            })?;
        }
        Ok(servers)
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
        threads.push((end, start_thread("proof", wait)?));
    }
    for (end, thread) in threads {
        drop(end);
        let _ = thread.join();
    }
    Ok(())
}

fn serve(mut request: Request, handler: &Handler, show: fn(&str)) {
    let announced = request.body_length().unwrap_or_default();
    if announced > MAX_BODY_BYTES {
        // When tiny_http drops a request, it first allocates what the request announces.
        return std::mem::forget(request);
    }
    let mut body = Vec::new();
    let reader = request.as_reader().take(MAX_BODY_BYTES as u64);
    if { reader }.read_to_end(&mut body).is_err() {
        return;
    }
    let answer = handler.answer(&request, &body);
    if !answer.remark.is_empty() {
        let (method, (path, _)) = (request.method(), split(&request));
        show(&format!(
            "{method} {path} -> {}: {}",
            answer.status, answer.remark
        ));
    }
    let own = answer.headers.iter().map(|(name, it)| (*name, it.as_str()));
    let mut response = Response::from_data(answer.body).with_status_code(answer.status);
    for (name, value) in HEADERS.into_iter().chain(own) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    // The client may be gone.
    let _ = request.respond(response);
}

/// Returns the path and the query.
fn split(request: &Request) -> (&str, &str) {
    request.url().split_once('?').unwrap_or((request.url(), ""))
}

/// Returns a header that is there once.
pub fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    let mut found = request.headers().iter().filter(|it| it.field.equiv(name));
    let first = found.next()?;
    found.next().is_none().then(|| first.value.as_str())
}

/// Tells whether a header is there at all.
pub fn has(request: &Request, name: &'static str) -> bool {
    request.headers().iter().any(|it| it.field.equiv(name))
}

/// What the workers share: both servers.
struct Handler {
    origin: String,
    authority: Mutex<Authority>,
}

impl Handler {
    fn new(origin: String) -> Self {
        Self {
            authority: Mutex::new(Authority::new(&origin)),
            origin,
        }
    }

    fn answer(&self, request: &Request, body: &[u8]) -> HttpResponse {
        let answer = self
            .check_sender(request)
            .and_then(|()| self.route(request, body));
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn route(&self, request: &Request, body: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let (path, query) = split(request);
        let authority = &mut *lock(&self.authority);
        match (request.method(), path) {
            (_, "/mcp") => {
                let token = header(request, "Authorization");
                let token = token.and_then(|value| value.strip_prefix("Bearer "));
                let allowed = token.and_then(|token| authority.authorization(token));
                let metadata_url = format!("{}{RESOURCE_METADATA}", self.origin);
                resource::answer(request, body, allowed, &metadata_url)
            }
            (Method::Get, RESOURCE_METADATA) => {
                let metadata = authority.resource_metadata();
                Ok(HttpResponse::json(200, &metadata, "issuer"))
            }
            (Method::Get, SERVER_METADATA) => {
                let metadata = authority.metadata();
                Ok(HttpResponse::json(200, &metadata, "endpoints"))
            }
            (Method::Post, "/register") => authority.register(body),
            (Method::Get, "/authorize") => authority.authorize(query.as_bytes()),
            (Method::Post, "/authorize") => authority.decide(body),
            (Method::Post, "/token") => authority.exchange(body),
            _ => Err(HttpResponse::status(404, "")),
        }
    }

    /// Checks the sender: only this address is served, and no page but our own may send anything here.
    ///
    /// A browser names the origin of the page in every `POST`, so no other page can answer ours.
    fn check_sender(&self, request: &Request) -> Result<(), HttpResponse> {
        let host = header(request, "Host").unwrap_or_default();
        if self.origin != format!("http://{host}") {
            return Err(HttpResponse::status(421, "for another host"));
        }
        let is_ours = header(request, "Origin") == Some(&self.origin);
        if has(request, "Origin") && !is_ours {
            return Err(HttpResponse::status(403, "from another page"));
        }
        let is_decision = *request.method() == Method::Post && split(request).0 == "/authorize";
        let site = header(request, "Sec-Fetch-Site").unwrap_or("same-origin");
        if is_decision && !(is_ours && site == "same-origin") {
            return Err(HttpResponse::status(403, "from no page of the demo"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
