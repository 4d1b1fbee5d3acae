//! `check`: ask the server for its tools with the stored login, in both forms of MCP.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use clap::Args;

use super::grant::UnattendedArgs;
use crate::bridge::Cookies;
use crate::cli::{servers, values};
use crate::context::Context;
use crate::error::{Error, ServerFault};
use crate::failure::Class;
use crate::http::dpop::{Nonces, TokenCredential};
use crate::http::{Http, HttpError, Redirects, Response};
use crate::mcp::{self, McpResponse, METHOD_NOT_FOUND, UNSUPPORTED_VERSION};
use crate::oauth::challenge::{self, BearerChallenge};
use crate::oauth::secret;
use crate::oauth::text::{printable, scope_list};
use crate::oauth::token_endpoint;
use crate::os::terminal;
use crate::output::{counted, Reporter};
use crate::refresh::{self, Freshness};
use crate::store::{Credentials, GrantType, StoredId};

/// The least life that the token must have left.
const MIN_TTL: Duration = Duration::from_secs(60);

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The result of a check. The order of its members is part of the contract with scripts.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Checked<'a> {
    /// The profile of the login.
    pub profile: &'a str,
    /// The server refuses the same request without the login, so its answer proves the login.
    pub proven: bool,
    /// The MCP revision that was spoken.
    pub revision: String,
    /// The server.
    pub server: &'a str,
    /// How many tools the server lists on its first page.
    pub tools: usize,
}

/// The options of a check.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    #[command(flatten)]
    pub unattended: UnattendedArgs,
}

/// Checks the login and prints the result.
///
/// # Errors
///
/// [`Error::Usage`]. A check that fails is printed, and decides the exit status.
pub fn run(args: &CheckArgs, mut context: Context) -> Result<ExitCode, Error> {
    let (key, url) = servers::find_mcp_server(args.server.as_deref(), &context)?;
    args.unattended.check_dpop()?;
    args.unattended.apply(&key, &mut context)?;
    let mut reporter = Reporter::new(context.json, false);
    match check(&key, &url, &context) {
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
        let (server, revision) = (self.server, printable(&self.revision));
        let tools = counted(self.tools, "tool");
        terminal::say(&match self.proven {
            true => format!("the login to {server} works: the server lists {tools} (MCP {revision})"),
            false => format!(
                "{server} lists {tools} (MCP {revision}), but it also answers without a token, so the login is not proven"
            ),
        });
    }
}

/// How the server answers a request.
enum ToolsAnswer {
    Result(Value),
    /// It wants a login; and whether only one whose token is bound to a key.
    Unauthorized {
        only_bound: bool,
    },
    /// It wants a login with more scopes.
    InsufficientScope(BearerChallenge),
    /// It knows who this is, and refuses; its words.
    Refused(String),
    /// It does not speak this form of MCP; the error if it speaks no other either.
    OtherForm(Error),
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
    let live = |refresh| refresh::live(key, Freshness::new(MIN_TTL, refresh), context);
    let http = Http::new(
        &context.settings.http,
        std::slice::from_ref(server),
        REQUEST_LIMIT,
    );
    let (nonces, cookies) = (Nonces::default(), Cookies::default());
    let client = |login: &Credentials| McpClient {
        http: &http,
        cookies: &cookies,
        name: &key.server,
        server,
        credential: Some(refresh::credential(login, &nonces)),
        extension: login.grant.known().and_then(GrantType::extension),
    };
    let mut login = live(false)?;
    let mut answer = client(&login).list_tools()?;
    // Another token of this login would not be bound either.
    let needs_another = match answer {
        (_, ToolsAnswer::Unauthorized { only_bound }) => login.is_bound() || !only_bound,
        _ => false,
    };
    if needs_another && login.is_renewable() {
        log::info!("{server} refuses the access token; refreshing it");
        login = match live(true) {
            // The refused token is given to nobody else, though it would live on.
            Err(err) if err.class() == Class::LoginNeeded => {
                refresh::mark_access_token_refused(&login, context);
                return Err(err);
            }
            renewed => renewed?,
        };
        answer = client(&login).list_tools()?;
    }
    judge(key, answer, &login, &client(&login), context)
}

/// Says what the answer of the server means. A login that it refuses is marked.
fn judge<'a>(
    key: &'a StoredId,
    (revision, answer): (String, ToolsAnswer),
    login: &Credentials,
    client: &McpClient,
    context: &Context,
) -> Result<Checked<'a>, Error> {
    let settings = &context.settings;
    let server = key.server.clone();
    match answer {
        ToolsAnswer::Result(result) => {
            let tools = result.get("tools").and_then(Value::as_array);
            // Only a refusal for want of a login proves anything: a server may also just be busy by now.
            let anonymous = McpClient {
                credential: None,
                cookies: &Cookies::default(),
                ..*client
            };
            let proven = matches!(
                anonymous.list_tools(),
                Ok((
                    _,
                    ToolsAnswer::Unauthorized { .. } | ToolsAnswer::InsufficientScope(_)
                ))
            );
            Ok(Checked {
                server: &key.server,
                profile: &key.profile,
                revision,
                tools: tools.map_or(0, Vec::len),
                proven,
            })
        }
        ToolsAnswer::Unauthorized { only_bound } => {
            refresh::mark_access_token_refused(login, context);
            Err(refresh::refused(login, only_bound, settings))
        }
        ToolsAnswer::InsufficientScope(challenge) => {
            let why = match challenge.scopes.as_slice() {
                [] => "the stored one lacks a scope, which the server does not name".to_owned(),
                scopes => {
                    let scopes = scope_list(scopes, "");
                    format!("the stored one lacks scopes; the server wants {scopes}")
                }
            };
            let options = ["--challenge", &challenge.to_header()];
            Err(refresh::needs_login_again(login, &why, &options, settings))
        }
        ToolsAnswer::Refused(words) => Err(Error::AccountRefused {
            server,
            words,
            login: settings.login_again(login, &["--force"]),
        }),
        ToolsAnswer::OtherForm(_) if client.is_older() => Err(Error::OlderTransport(server)),
        ToolsAnswer::OtherForm(err) => Err(err),
    }
}

/// Sends requests to the server, with the token or without.
struct McpClient<'a> {
    http: &'a Http,
    /// What the server has set: several instances may know by it which of them has the session.
    cookies: &'a Cookies,
    /// What messages call the server.
    name: &'a str,
    server: &'a Url,
    credential: Option<TokenCredential>,
    /// The extension of MCP by which the token was obtained.
    extension: Option<&'static str>,
}

impl McpClient<'_> {
    /// Sends a request with the credentials, if there are any, before these headers.
    fn send(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        send: impl Fn(&[(&str, &str)]) -> Result<Response, HttpError>,
    ) -> Result<Response, HttpError> {
        let cookies = self.cookies.header(self.server);
        let cookies = cookies.iter().map(|it| ("Cookie", it.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(cookies).collect();
        let response = match &self.credential {
            Some(credential) => credential.send(method, self.server, |own| {
                send(&[own, headers.as_slice()].concat())
            })?,
            None => send(&headers)?,
        };
        self.cookies.keep(self.server, &response);
        Ok(response)
    }

    /// Tells whether the server speaks the transport of MCP 2024-11-05, whose answers come on a stream that a GET opens.
    ///
    /// Spec: MCP 2025-03-26, Transports, Backwards Compatibility.
    fn is_older(&self) -> bool {
        let accept = [("Accept", "text/event-stream")];
        let stream = self.send("GET", &accept, |headers| {
            self.http.get(self.server, headers)
        });
        stream.is_ok_and(|response| response.status == 200 && response.is("text/event-stream"))
    }

    /// Lists the tools in the stateless form, and if the server does not know it, within a session.
    fn list_tools(&self) -> Result<(String, ToolsAnswer), Error> {
        let response = self.post(
            &mcp::modern_request(mcp::LIST_TOOLS, self.extension),
            &mcp::modern_headers(mcp::LIST_TOOLS),
        )?;
        match self.read(response, false)? {
            ToolsAnswer::OtherForm(_) => self.list_within_a_session(),
            answer => Ok((mcp::MODERN.to_owned(), answer)),
        }
    }

    fn list_within_a_session(&self) -> Result<(String, ToolsAnswer), Error> {
        let response = self.post(&mcp::initialize(self.extension), &[])?;
        let session = response.header("mcp-session-id").map(str::to_owned);
        let revision = match self.read(response, false)? {
            ToolsAnswer::Result(opened) => mcp::revision(&opened),
            refused => return Ok((mcp::CLASSIC.to_owned(), refused)),
        };
        let mut headers = vec![("MCP-Protocol-Version", revision.as_str())];
        headers.extend(session.as_deref().map(|id| ("Mcp-Session-Id", id)));
        self.post(&mcp::initialized(), &headers)?;
        let response = self.post(&mcp::classic_request(mcp::LIST_TOOLS), &headers)?;
        let answer = self.read(response, true);
        if session.is_some() {
            // A session that stays open ends by itself sooner or later.
            let headers = [&mcp::HEADERS[..], &headers].concat();
            let delete = |headers: &[(&str, &str)]| self.http.delete(self.server, headers);
            let _ = self.send("DELETE", &headers, delete);
        }
        Ok((revision, answer?))
    }

    fn post(&self, body: &str, extra: &[(&str, &str)]) -> Result<Response, Error> {
        let headers = [&mcp::HEADERS[..], extra].concat();
        let sent = self.send("POST", &headers, |headers| {
            let body = body.as_bytes();
            self.http
                .post(self.server, headers, body, Redirects::SameMethod)
        });
        sent.map_err(|err| self.unreachable(err))
    }

    fn unreachable(&self, source: HttpError) -> Error {
        Error::Unreachable {
            server: self.name.to_owned(),
            source,
        }
    }

    fn failed(&self, why: &str, fault: ServerFault) -> Error {
        Error::Server {
            message: format!("{} did not list its tools: {why}", self.name),
            fault,
        }
    }

    fn other_form(&self) -> ToolsAnswer {
        let why = "it does not answer as an MCP server does";
        ToolsAnswer::OtherForm(self.failed(why, ServerFault::Doubtful))
    }

    fn not_mcp(&self, how: &str) -> ToolsAnswer {
        let why = format!("nothing there speaks MCP: {how}");
        ToolsAnswer::OtherForm(self.failed(&why, ServerFault::NotMcp))
    }

    /// Tells whether a server quotes the token back at us.
    fn quotes_token(&self, text: &str) -> bool {
        let token = self.credential.as_ref().map(TokenCredential::token);
        token.is_some_and(|token| secret::quotes(text, &[token.expose()], ""))
    }

    /// Reads what a refusal means: the challenge tells whether a login helps, and which.
    ///
    /// Spec: RFC 6750 section 3.1; RFC 9470 section 3 for what only a new login has.
    fn refused(&self, response: Response) -> Result<ToolsAnswer, Error> {
        let status = response.status;
        let challenges = response.header_values("www-authenticate");
        let quotes_token = |text: &str| self.quotes_token(text);
        if let Some(wanted) =
            challenge::wanted_scopes(status, challenges.iter().copied(), quotes_token)
        {
            return Ok(ToolsAnswer::InsufficientScope(wanted));
        }
        let bearer = challenge::bearer(challenges.iter().copied()).unwrap_or_default();
        let is_challenged = !challenge::parse(challenges.iter().copied()).is_empty();
        // Another error than that of the token is about who has it.
        let is_of_token = bearer
            .error
            .as_deref()
            .is_none_or(|it| it == "invalid_token");
        if status == 401 || is_challenged && is_of_token {
            let only_bound = challenge::wants_bound(challenges);
            return Ok(ToolsAnswer::Unauthorized { only_bound });
        }
        self.refused_account(response, bearer.error_description)
    }

    /// Reads why the server refuses whoever has the token: another token would not help.
    fn refused_account(
        &self,
        response: Response,
        challenged: Option<String>,
    ) -> Result<ToolsAnswer, Error> {
        let body = response.read().map_err(|err| self.unreachable(err))?;
        let words = token_endpoint::words_of_any_form(&body);
        let words = [words.error, words.description.or(challenged)];
        let words = words.into_iter().flatten();
        let words = words.filter(|text| !self.quotes_token(text));
        let words = words.map(|text| format!(": {}", printable(&text)));
        Ok(ToolsAnswer::Refused(words.collect()))
    }

    /// Reads what the server answers; one that has opened a session speaks MCP.
    fn read(&self, response: Response, has_session: bool) -> Result<ToolsAnswer, Error> {
        let (status, is_stream) = (response.status, response.is("text/event-stream"));
        let is_page = response.is("text/html") || response.is("application/xhtml+xml");
        let how = format!("it answered with status {status}");
        match status {
            401 | 403 => return self.refused(response),
            // To be paid for, or forbidden by law.
            402 | 451 => return self.refused_account(response, None),
            404 | 405 | 410 | 501 if !has_session => return Ok(self.not_mcp(&how)),
            406 => return Ok(self.other_form()),
            200..=299 if is_page && !has_session => {
                return Ok(self.not_mcp("it answered with a web page"))
            }
            200..=299 | 400 => {}
            403..=499 if ![407, 408, 409, 423, 425, 429].contains(&status) => {
                return Err(self.failed(&how, ServerFault::Lasting))
            }
            _ => return Err(self.failed(&how, ServerFault::Passing)),
        }
        let answer = response
            .read_until(|body| mcp::find_response(body, is_stream))
            .map_err(|err| self.unreachable(err))?;
        match answer {
            Some(McpResponse::Result(result)) => Ok(ToolsAnswer::Result(result)),
            // A server of an earlier revision answers a stateless request so: it misses its session.
            None if status == 400 => Ok(self.other_form()),
            // It offers prompts or resources alone.
            Some(McpResponse::Error(METHOD_NOT_FOUND, _)) if has_session => {
                Ok(ToolsAnswer::Result(Value::Null))
            }
            Some(McpResponse::Error(code, words)) => {
                let why = match self.quotes_token(&words) {
                    true => format!("error {code}"),
                    false => format!("error {code}: {}", printable(&words)),
                };
                let err = self.failed(&why, ServerFault::Passing);
                match code {
                    METHOD_NOT_FOUND | UNSUPPORTED_VERSION => Ok(ToolsAnswer::OtherForm(err)),
                    _ if status == 400 => Ok(ToolsAnswer::OtherForm(err)),
                    _ if mcp::is_unauthorized(code, &words) => {
                        Ok(ToolsAnswer::Unauthorized { only_bound: false })
                    }
                    _ => Err(err),
                }
            }
            None => Err(self.failed("its answer is not an MCP message", ServerFault::Passing)),
        }
    }
}
