//! `check`: ask the server for its tools with the stored login, in both forms of MCP.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::cli::{servers, values};
use crate::context::Context;
use crate::error::{Error, ServerFault};
use crate::failure::Class;
use crate::http::{Http, HttpError, Redirects, Response};
use crate::mcp::{self, McpResponse};
use crate::oauth::challenge::{self, BearerChallenge};
use crate::oauth::endpoint;
use crate::oauth::text::{printable, scope_list};
use crate::oauth::token_endpoint::{self, ErrorResponse};
use crate::os::clock::Deadline;
use crate::os::terminal;
use crate::output::Reporter;
use crate::refresh::{self, Freshness};
use crate::store::{Credentials, StoredId};

/// The least time that the token has to live on.
const MIN_TTL: Duration = Duration::from_secs(60);

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The options of a check.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The MCP server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,
}

/// The result of a check. The order of its members is part of the contract with scripts.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Checked<'a> {
    /// The profile of the login.
    pub profile: &'a str,
    /// The server refuses the same request without the login, so its answer proves the login.
    pub proven: bool,
    /// The MCP revision that was spoken.
    pub revision: &'static str,
    /// The server.
    pub server: &'a str,
    /// How many tools the server lists on its first page.
    pub tools: usize,
}

/// Checks the login and prints the result.
///
/// # Errors
///
/// [`Error::Usage`]. A check that fails is printed, and decides the exit status.
pub fn run(args: &CheckArgs, context: &Context) -> Result<ExitCode, Error> {
    let key = servers::find(args.server.as_deref(), context)?;
    let url = endpoint::parse(&key.server).map_err(|_| {
        servers::usage(
            format!("{} is not an MCP server", key.server),
            "give the URL of the MCP server",
        )
    })?;
    let mut reporter = Reporter::new(context.json, false);
    match check(&key, &url, context) {
        Ok(checked) => {
            checked.report(&mut reporter);
            Ok(reporter.exit_code(Class::Success))
        }
        Err(err) => {
            reporter.fail(Some(&key.server), &err);
            Ok(err.class().into())
        }
    }
}

impl Checked<'_> {
    /// Prints the result.
    pub fn report(&self, reporter: &mut Reporter) {
        reporter.json(self);
        let (server, revision) = (self.server, self.revision);
        let tools = match self.tools {
            1 => "1 tool".to_owned(),
            count => format!("{count} tools"),
        };
        terminal::say(&match self.proven {
            true => format!("the login to {server} works: the server lists {tools} (MCP {revision})"),
            false => format!(
                "{server} lists {tools} (MCP {revision}), but it also answers without a token, so the login is not proven"
            ),
        });
    }
}

/// JSON-RPC: the method is not known.
const METHOD_NOT_FOUND: i64 = -32601;

/// MCP 2026-07-28: the version of the request is not known.
const UNSUPPORTED_VERSION: i64 = -32022;

/// What the server made of a request.
enum Served {
    Result(Value),
    /// It wants a login.
    Unauthorized,
    /// It wants a login with more scopes.
    InsufficientScope(BearerChallenge),
    /// It knows who this is, and refuses; its words.
    Refused(ErrorResponse),
    /// It does not speak this form of MCP.
    OtherForm,
    /// Nothing there speaks MCP; how it answered.
    NotMcp(String),
    /// It does not serve the request; why not, and whether that may pass.
    Failed(String, ServerFault),
}

/// Asks the server for its tools, with the stored login and then without. Refreshes a token once that the server refuses; if
/// that does not help, marks the login.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if there is no login or the server refuses it; [`Error::AccountRefused`] if it refuses
/// whoever has it; [`Error::OlderTransport`]; [`Error::Server`] if nothing there speaks MCP, or the server
/// fails for another reason.
pub fn check<'a>(key: &'a StoredId, server: &Url, context: &Context) -> Result<Checked<'a>, Error> {
    let live = |refresh| {
        let need = Freshness {
            min_ttl: MIN_TTL,
            refresh,
        };
        refresh::live(key, need, context, Deadline::after(refresh::LIMIT))
    };
    let http = Http::new(&context.http, std::slice::from_ref(server), REQUEST_LIMIT);
    let list = |kept: Option<&Credentials>| {
        let bearer =
            kept.map(|kept| Zeroizing::new(format!("Bearer {}", kept.access_token.expose())));
        Caller {
            http: &http,
            server,
            bearer,
        }
        .list_tools()
    };
    let mut kept = live(false)?;
    let (mut revision, mut served) = list(Some(&kept))?;
    if matches!(served, Served::Unauthorized) && kept.refresh_token.is_some() {
        log::info!("{server} refuses the access token; refreshing it");
        kept = match live(true) {
            // Nobody else is given what is refused, though it would live on.
            Err(err) if err.class() == Class::LoginNeeded => {
                refresh::mark_access_token_refused(&kept, context)?;
                return Err(err);
            }
            renewed => renewed?,
        };
        (revision, served) = list(Some(&kept))?;
    }
    let settings = &refresh::Settings::of(context);
    match served {
        Served::Result(result) => {
            let tools = result
                .get("tools")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            // Only a refusal for want of a login tells anything: a server may also just be busy by now.
            let without = list(None);
            let proven = matches!(
                without,
                Ok((_, Served::Unauthorized | Served::InsufficientScope(_)))
            );
            Ok(Checked {
                server: &key.server,
                profile: &key.profile,
                revision,
                tools,
                proven,
            })
        }
        Served::Unauthorized => {
            // Nobody else is given what is refused.
            refresh::mark_access_token_refused(&kept, context)?;
            Err(refresh::needs_login_again(
                &kept,
                "it does not accept the stored login",
                &["--force"],
                settings,
            ))
        }
        Served::InsufficientScope(challenge) => {
            let named = scope_list(&challenge.scopes);
            let why = match challenge.scopes.as_slice() {
                [] => "the stored one lacks a scope, which the server does not name".to_owned(),
                _ => format!("the stored one lacks scopes; the server wants {named}"),
            };
            Err(refresh::needs_login_again(
                &kept,
                &why,
                &["--challenge", &challenge.to_header()],
                settings,
            ))
        }
        Served::Refused(words) => {
            let words = [words.error, words.description].into_iter().flatten();
            let words: String = words
                .map(|words| format!(": {}", printable(&words)))
                .collect();
            let login = settings.login_again(&kept, &["--force"]);
            Err(Error::AccountRefused {
                server: key.server.clone(),
                words,
                login,
            })
        }
        Served::OtherForm | Served::NotMcp(_) if Caller::is_older(&http, server, &kept) => {
            Err(Error::OlderTransport {
                server: key.server.clone(),
            })
        }
        Served::OtherForm => Err(failed(
            key,
            "it does not answer as an MCP server does",
            ServerFault::Doubtful,
        )),
        Served::NotMcp(how) => Err(failed(
            key,
            &format!("nothing there speaks MCP: {how}"),
            ServerFault::NotMcp,
        )),
        Served::Failed(why, fault) => Err(failed(key, &why, fault)),
    }
}

fn failed(key: &StoredId, why: &str, fault: ServerFault) -> Error {
    Error::Server {
        message: format!("{} did not list its tools: {why}", key.server),
        fault,
    }
}

/// Sends requests to the server, with the token or without.
struct Caller<'a> {
    http: &'a Http,
    server: &'a Url,
    bearer: Option<Zeroizing<String>>,
}

impl Caller<'_> {
    /// Tells whether the server speaks the transport of MCP 2024-11-05, whose answers come on a stream that a GET opens.
    ///
    /// Spec: MCP 2025-03-26, Transports, Backwards Compatibility.
    fn is_older(http: &Http, server: &Url, kept: &Credentials) -> bool {
        let bearer = Zeroizing::new(format!("Bearer {}", kept.access_token.expose()));
        let stream = http.get(
            server,
            &[("Authorization", &bearer), ("Accept", "text/event-stream")],
        );
        stream.is_ok_and(|response| response.status == 200 && response.is("text/event-stream"))
    }

    /// Lists the tools in the stateless form, and if the server does not know it, within a session.
    fn list_tools(&self) -> Result<(&'static str, Served), Error> {
        let response = self.post(
            &mcp::modern_request(mcp::LIST_TOOLS),
            &mcp::modern_headers(mcp::LIST_TOOLS),
        )?;
        match self.read(response)? {
            Served::OtherForm | Served::NotMcp(_) => {
                Ok((mcp::CLASSIC, self.list_within_a_session()?))
            }
            served => Ok((mcp::MODERN, served)),
        }
    }

    fn list_within_a_session(&self) -> Result<Served, Error> {
        let response = self.post(&mcp::initialize(), &[])?;
        let session = response.header("mcp-session-id").map(str::to_owned);
        match self.read(response)? {
            Served::Result(_) => {}
            refused => return Ok(refused),
        }
        let mut headers = vec![("MCP-Protocol-Version", mcp::CLASSIC)];
        headers.extend(
            session
                .as_deref()
                .map(|session| ("Mcp-Session-Id", session)),
        );
        self.post(&mcp::initialized(), &headers)?;
        let response = self.post(&mcp::classic_request(mcp::LIST_TOOLS), &headers)?;
        let served = self.read(response);
        if session.is_some() {
            // A session that stays open ends by itself sooner or later.
            let _ = self.http.delete(self.server, &self.headers(&headers));
        }
        match served? {
            // It has opened the session, so it speaks MCP.
            Served::NotMcp(_) => Ok(Served::OtherForm),
            served => Ok(served),
        }
    }

    fn headers<'b>(&'b self, extra: &'b [(&'b str, &'b str)]) -> Vec<(&'b str, &'b str)> {
        let bearer = self
            .bearer
            .as_ref()
            .map(|bearer| ("Authorization", bearer.as_str()));
        mcp::HEADERS
            .into_iter()
            .chain(bearer)
            .chain(extra.iter().copied())
            .collect()
    }

    fn post(&self, body: &str, extra: &[(&str, &str)]) -> Result<Response, Error> {
        let sent = self.http.post(
            self.server,
            &self.headers(extra),
            body.as_bytes(),
            Redirects::SameOrigin,
        );
        sent.map_err(|err| self.unreachable(err))
    }

    /// Reads what a refusal means: the challenge tells whether a login helps, and which.
    ///
    /// Spec: RFC 6750 section 3.1; RFC 9470 section 3 for what only a new login has.
    fn refused(&self, response: Response) -> Result<Served, Error> {
        let status = response.status;
        let challenges = response.header_values("www-authenticate");
        let bearer = challenge::bearer(challenges.iter().copied());
        let error = bearer.as_ref().and_then(|bearer| bearer.error.as_deref());
        let wants_scopes = bearer
            .as_ref()
            .is_some_and(|bearer| !bearer.scopes.is_empty())
            && error.is_none();
        if error == Some("insufficient_scope") || status == 403 && wants_scopes {
            let mut bearer = bearer.unwrap_or_default();
            bearer.error = Some("insufficient_scope".to_owned());
            bearer.scopes.retain(|scope| !self.quotes_token(scope));
            bearer
                .resource_metadata
                .take_if(|url| self.quotes_token(url));
            return Ok(Served::InsufficientScope(bearer));
        }
        if status == 401 || !challenge::parse(challenges).is_empty() {
            return Ok(Served::Unauthorized);
        }
        let body = response.read().map_err(|err| self.unreachable(err))?;
        let mut words = token_endpoint::words_of_any_form(&body);
        words.error.take_if(|text| self.quotes_token(text));
        words.description.take_if(|text| self.quotes_token(text));
        Ok(Served::Refused(words))
    }

    /// Tells whether a server quotes the token back at us.
    fn quotes_token(&self, text: &str) -> bool {
        let token = self
            .bearer
            .as_ref()
            .and_then(|bearer| bearer.strip_prefix("Bearer "));
        token.is_some_and(|token| text.contains(token))
    }

    fn unreachable(&self, source: HttpError) -> Error {
        Error::Unreachable {
            server: self.server.to_string(),
            source,
        }
    }

    fn read(&self, response: Response) -> Result<Served, Error> {
        let (status, is_stream) = (response.status, response.is("text/event-stream"));
        let is_page = response.is("text/html") || response.is("application/xhtml+xml");
        let how = || format!("it answered with status {status}");
        match status {
            401 | 403 => return self.refused(response),
            404 | 405 | 410 => return Ok(Served::NotMcp(how())),
            406 => return Ok(Served::OtherForm),
            200..=299 if is_page => {
                return Ok(Served::NotMcp("it answered with a web page".to_owned()))
            }
            200..=299 | 400 => {}
            407 | 408 | 425 | 429 => return Ok(Served::Failed(how(), ServerFault::Passing)),
            402..=499 => return Ok(Served::Failed(how(), ServerFault::Lasting)),
            _ => return Ok(Served::Failed(how(), ServerFault::Passing)),
        }
        let find = |body: &[u8]| mcp::find_response(body, is_stream);
        let answer = response
            .read_until(find)
            .map_err(|err| self.unreachable(err))?;
        Ok(match answer {
            Some(McpResponse::Result(result)) => Served::Result(result),
            // What a server of an earlier revision makes of a stateless request: it misses its session.
            Some(McpResponse::Error(..)) | None if status == 400 => Served::OtherForm,
            Some(McpResponse::Error(METHOD_NOT_FOUND | UNSUPPORTED_VERSION, _)) => {
                Served::OtherForm
            }
            Some(McpResponse::Error(code, words)) if mcp::is_unauthorized(code, &words) => {
                Served::Unauthorized
            }
            Some(McpResponse::Error(code, words)) => {
                let words = if self.quotes_token(&words) {
                    String::new()
                } else {
                    format!(": {}", printable(&words))
                };
                Served::Failed(format!("error {code}{words}"), ServerFault::Passing)
            }
            None => Served::Failed(
                "its answer is no MCP message".to_owned(),
                ServerFault::Passing,
            ),
        })
    }
}
