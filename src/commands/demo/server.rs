//! The servers of the demo on one loopback port: who is let in, which of them is asked, and how it answers.
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
use super::messages::{Answer, Parameters, Visit};
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
        let office = Arc::new(Office::new(&origin));
        for _ in 0..WORKERS {
            let (http, office) = (Arc::clone(&servers.http), Arc::clone(&office));
            // Not joined: a visitor who never finishes a request must not hold up the end of the demo.
            thread::Builder::new()
                .name("demo".to_owned())
                .spawn(move || {
                    while let Ok(request) = http.recv() {
                        serve(request, &office, remark);
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

fn serve(mut request: Request, office: &Office, remark: fn(&str)) {
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
    let visit = Visit {
        method: request.method().to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|header| (header.field.to_string(), header.value.to_string()))
            .collect(),
        body,
    };
    let answer = office.answer(&visit);
    if !answer.remark.is_empty() {
        remark(&format!(
            "{} {} -> {}: {}",
            visit.method, visit.path, answer.status, answer.remark
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

/// What the workers share: both servers, behind one door.
struct Office {
    origin: String,
    authority: Mutex<Authority>,
}

impl Office {
    fn new(origin: &str) -> Self {
        let authority = Authority::new(origin.to_owned(), format!("{origin}/mcp"));
        Self {
            origin: origin.to_owned(),
            authority: Mutex::new(authority),
        }
    }

    fn answer(&self, visit: &Visit) -> Answer {
        if let Err(refused) = self.let_in(visit) {
            return refused;
        }
        let mut authority = self
            .authority
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (visit.method.as_str(), visit.path.as_str()) {
            (_, "/mcp") => {
                let token = visit
                    .header("authorization")
                    .and_then(|value| value.strip_prefix("Bearer "));
                let grant = token.and_then(|token| authority.admit(token));
                resource::answer(visit, grant, &format!("{}{RESOURCE_METADATA}", self.origin))
            }
            ("GET", RESOURCE_METADATA) => self.resource_metadata(),
            ("GET", SERVER_METADATA) => Answer::json(200, &authority.metadata(), "endpoints"),
            ("POST", "/register") => match authority.register(&visit.body) {
                Ok(client) => Answer::json(201, &client, "a client is registered"),
                Err(err) => err.answer(),
            },
            ("GET", "/authorize") => match authority.ask(&Parameters::read(visit.query.as_bytes()))
            {
                Ok((request, asked)) => pages::consent(&asked, &request),
                Err(Refusal::Page(why)) => pages::refusal(why),
                Err(Refusal::Redirect(target)) => {
                    Answer::redirect(target, "refused; the browser brings the reason")
                }
            },
            ("POST", "/authorize") => match authority.decide(&Parameters::read(&visit.body)) {
                Ok(Decision {
                    target,
                    allowed: true,
                }) => Answer::redirect(target, "allowed; the browser brings a code"),
                Ok(Decision {
                    target,
                    allowed: false,
                }) => Answer::redirect(target, "denied; the browser brings the news"),
                Err(why) => pages::refusal(why),
            },
            ("POST", "/token") => match authority.exchange(&Parameters::read(&visit.body)) {
                Ok((tokens, why)) => Answer::json(200, &tokens, why),
                Err(err) => err.answer(),
            },
            _ => Answer::status(404, ""),
        }
    }

    /// Checks the door: only this address is served, and no page but our own may send anything here.
    ///
    /// A browser names the origin of the page in every `POST`, so nobody else's page can answer ours.
    fn let_in(&self, visit: &Visit) -> Result<(), Answer> {
        if visit
            .header("host")
            .is_none_or(|host| self.origin != format!("http://{host}"))
        {
            return Err(Answer::status(421, "for another host"));
        }
        let own_page = visit.header("origin") == Some(&self.origin);
        let same_site = visit
            .header("sec-fetch-site")
            .is_none_or(|site| site == "same-origin");
        let is_answer = visit.method == "POST" && visit.path == "/authorize";
        match (visit.has("origin"), is_answer) {
            (true, _) if !own_page => Err(Answer::status(403, "from another page")),
            (_, true) if !own_page || !same_site => Err(Answer::status(403, "from no page")),
            _ => Ok(()),
        }
    }

    /// Spec: RFC 9728 section 2.
    fn resource_metadata(&self) -> Answer {
        let metadata = json!({
            "resource": format!("{}/mcp", self.origin),
            "resource_name": "The demo server of mcp-login",
            "authorization_servers": [self.origin],
            "scopes_supported": [LIST_TOOLS, CALL_TOOLS],
            "bearer_methods_supported": ["header"],
        });
        Answer::json(200, &metadata, "issuer")
    }
}

#[cfg(test)]
mod tests;
