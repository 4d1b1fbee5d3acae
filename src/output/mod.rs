//! What people and scripts are told: sentences on stderr, JSON lines on stdout.

mod configured;
pub mod doctor;
pub mod hint;
mod line;
mod table;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::clients::config::ConfiguredServer;
use crate::clients::{Mode, Target};
use crate::commands::check::Checked;
use crate::os::browser::Skip;
use crate::os::clock::{in_words, Time};

use crate::callback::BindError;
use crate::commands::handover::{Given, What};
use crate::commands::logout::LoggedOut;
use crate::error::Error;
use crate::login::{AuthorizationPage, Event, Reason, Report, Source};
use crate::oauth::text::{json_line, printable, scope_list};
use crate::os::environment::Environment;
use crate::os::terminal;
use crate::store::{Place, StoredId, DEFAULT_PROFILE};

use line::{failure, Line};

pub use configured::{named_table, NamedLogin};
pub use table::{clients_json, clients_table, table};

/// Tells what happens.
#[derive(Debug)]
pub struct Reporter {
    json: bool,
    environment: Environment,
    several: bool,
    /// A line of product could not be written: whoever wanted it has gone.
    pub lost_output: bool,
}

impl Reporter {
    /// Prepares to tell of one or several logins, for people and, with `json`, for scripts.
    pub fn new(json: bool, several: bool) -> Self {
        Self {
            json,
            environment: Environment::look(),
            several,
            lost_output: false,
        }
    }

    /// Tells of one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Listening {
                server,
                redirect_uri,
            } => {
                self.print(&Line::Listening {
                    server,
                    redirect_uri,
                });
                log::info!("listening for {server} on {redirect_uri}");
            }
            Event::NotListening { server, failure } => {
                terminal::complain("warning", &failure.one_line());
                if matches!(
                    failure,
                    Error::Bind {
                        source: BindError::Taken { .. },
                        ..
                    }
                ) {
                    terminal::say(
                        "your browser will take the code to the program that holds the port, which sees the answer but \
                         cannot use it; the page that you see then is that program's own, so enter nothing there",
                    );
                }
                terminal::say(&format!(
                    "going on without a port for {server}: the answer has to be pasted"
                ));
            }
            Event::AuthorizationUrl(page) => self.invite(page),
            Event::Rejected {
                server,
                source,
                reason,
                detail,
                count,
            } => {
                let (server, source, reason, count) = (*server, *source, *reason, *count);
                self.print(&Line::Rejected {
                    server,
                    source: source_name(source),
                    reason: reason.as_str(),
                    count,
                });
                let sentence = rejection(source, reason, *detail, count);
                match source {
                    // Who pasted something waits for an answer, however little is to be said.
                    Source::Paste => terminal::insist(&sentence),
                    Source::Callback => terminal::say(&sentence),
                }
            }
            Event::Silent { server, asked } => {
                let whose = if self.several {
                    format!(" of {server}")
                } else {
                    String::new()
                };
                terminal::say(&format!(
                    "no answer yet; if the page{whose} showed an error: {asked}"
                ));
            }
            Event::Registering { server } => {
                terminal::say(&format!(
                    "{server} does not know us any more; registering anew, with a new address"
                ));
            }
            Event::PasteEnded => terminal::say("stdin has ended: nothing more can be pasted"),
            Event::AnswerReceived { server } => {
                self.print(&Line::AnswerReceived { server });
                terminal::countdown(None);
                let whose = if self.several {
                    format!(" for {server}")
                } else {
                    String::new()
                };
                terminal::say(&format!("answer received{whose}, getting tokens"));
            }
            Event::Cancelled { servers, stored } => {
                servers
                    .iter()
                    .for_each(|server| self.print(&Line::Cancelled { server }));
                terminal::countdown(None);
                terminal::say(&match (self.several, stored) {
                    (false, _) | (true, 0) => "cancelled; nothing was stored".to_owned(),
                    (true, stored) => {
                        let (done, open) = (logins(*stored), servers.join(", "));
                        format!("cancelled; {done} stored, and there is none to {open}")
                    }
                });
            }
            Event::Waiting {
                left,
                listening,
                paste,
                pasted,
            } => {
                let way = match (listening, paste) {
                    (true, true) => "the browser, or for a pasted address",
                    (false, true) => "a pasted address",
                    (_, false) => "the browser",
                };
                let typed = match pasted {
                    0 => String::new(),
                    1 => " (1 character so far, Enter sends it)".to_owned(),
                    many => format!(" ({many} characters so far, Enter sends them)"),
                };
                terminal::countdown(Some(&format!(
                    "waiting for {way}{typed}: {} left",
                    clock_face(*left)
                )));
            }
            Event::LoggedIn(report) => {
                terminal::countdown(None);
                self.logged_in(report);
            }
            Event::Failed { server, error } => {
                terminal::countdown(None);
                self.fail(Some(server), error);
            }
        }
    }

    fn print(&mut self, line: &impl Serialize) {
        if !self.json {
            return;
        }
        let written = json_line(line)
            .map_err(std::io::Error::from)
            .and_then(|text| terminal::product(&text));
        self.lost_output |= written.is_err();
    }

    fn invite(&mut self, page: &AuthorizationPage) {
        let AuthorizationPage {
            server,
            url,
            redirect_uri,
            expires_at,
            ..
        } = *page;
        self.print(&Line::AuthorizationUrl {
            server,
            url,
            redirect_uri,
            expires_at,
        });
        let host = url
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split(['/', '?']).next())
            .unwrap_or_default();
        terminal::say(&format!("log in to {server}"));
        terminal::say(&format!("  authorization server: {host}"));
        self.forward(page);
        match page.skip {
            Some(skip @ Skip::Demo) => {
                terminal::say(&format!("{}, at this address:", skip.reason()))
            }
            None => terminal::say("your browser opens; if it does not, open this address:"),
            Some(skip) => terminal::say(&format!("{}; open this address:", skip.reason())),
        }
        terminal::show("");
        terminal::show_link(url);
        terminal::show("");
        Self::advise(page);
    }

    /// Says how the answer can come back from a browser on the user's own machine.
    fn forward(&self, page: &AuthorizationPage) {
        let (Some(Skip::Ssh), Some(ssh), true) = (page.skip, &self.environment.ssh, page.listening)
        else {
            return;
        };
        let place = page
            .redirect_uri
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next());
        let Some((host, port)) = place.and_then(|place| place.rsplit_once(':')) else {
            return;
        };
        let Ok(port) = port.parse() else { return };
        terminal::say("so that your browser can come back to this remote shell, first run on your own computer:");
        terminal::show("");
        terminal::show(&ssh.forward(host, port));
        terminal::show("");
    }

    /// Says what to do where no browser can come back.
    fn advise(page: &AuthorizationPage) {
        match (page.paste, page.listening) {
            (true, true) => terminal::say(
                "if the page you land on cannot be shown, copy its address, paste it here and press Enter",
            ),
            (true, false) => terminal::say("then copy the address you land on, paste it here and press Enter"),
            (false, _) if page.in_background => {
                terminal::say("this runs in the background: nothing can be pasted until it is in the foreground");
            }
            // The demo plays the browser.
            (false, _) if page.skip == Some(Skip::Demo) => {}
            (false, _) if page.skip.is_some() => terminal::say(
                "the browser has to be on this machine; with --paste, the address of the last page can be given on stdin",
            ),
            (false, _) => {}
        }
    }

    fn logged_in(&mut self, report: &Report) {
        let account = report.account.as_deref();
        self.print(&Line::LoggedIn {
            server: &report.key.server,
            profile: &report.key.profile,
            issuer: &report.issuer,
            client_id: &report.client_id,
            scopes: &report.scopes,
            expires_at: report.expires_at,
            refreshable: report.refreshable,
            store: report.place.as_ref().map(Place::name),
            path: report
                .place
                .as_ref()
                .and_then(Place::path)
                .map(|path| path.display().to_string()),
            account,
            already: report.already,
        });
        let verb = if report.already {
            "already logged in"
        } else {
            "logged in"
        };
        let whom = account
            .map(|account| format!(" as {}", printable(account)))
            .unwrap_or_default();
        let profile = named(&report.key.profile);
        terminal::say_good(&format!("{verb} to {}{whom}{profile}", report.key.server));
        let scopes = match report.scopes.as_slice() {
            [] => "the server's default".to_owned(),
            scopes => scope_list(scopes),
        };
        terminal::say(&format!("  scopes:  {scopes}"));
        terminal::say(&format!("  expires: {}", expiry(report)));
        if let Some(place) = &report.place {
            terminal::say(&format!("  kept in: {place}"));
        }
        if report.already {
            terminal::say("  --force logs in again");
        }
    }

    /// Tells that a login is forgotten.
    pub fn logged_out(&mut self, key: &StoredId, how: &LoggedOut) {
        let server = &key.server;
        let profile = named(&key.profile);
        let (word, sentence) = match how {
            LoggedOut::NotThere => ("not_there", format!("there was no login to {server}{profile}")),
            LoggedOut::Revoked => ("revoked", format!("logged out of {server}{profile}; its tokens are revoked")),
            LoggedOut::HandedOver(to) => (
                "handed_over",
                format!("the login to {server}{profile} is forgotten here; {to} has its tokens: log out there"),
            ),
            LoggedOut::Ended => {
                ("ended", format!("logged out of {server}{profile}; the server had refused its tokens before"))
            }
            LoggedOut::AccessTokenLives(until) => (
                "access_token_lives",
                format!(
                    "logged out of {server}{profile}; the server cannot revoke its access token, which lives until {}",
                    end(*until)
                ),
            ),
            LoggedOut::CannotRevoke { until, is_refreshable } => {
                let refresh = if *is_refreshable { ", its refresh token until the server ends it" } else { "" };
                let lives = format!("its access token lives until {}{refresh}", end(*until));
                ("cannot_revoke", format!("logged out of {server}{profile}; the server cannot revoke tokens: {lives}"))
            }
            LoggedOut::NotRevoked { source, lives } => {
                ("not_revoked", format!("logged out of {server}{profile} here only: {source}; {lives}"))
            }
        };
        self.print(&Line::LoggedOut {
            server,
            profile: &key.profile,
            tokens: word,
        });
        terminal::say(&sentence);
    }

    /// Tells what a client was given.
    pub fn handed_over(&mut self, key: &StoredId, client: &Target, given: &Given) {
        let Given {
            mode,
            name,
            what,
            cut_off,
        } = given;
        let shown = |path: &PathBuf| path.display().to_string();
        let (written, setting, path) = match what {
            What::Written(paths) => (paths.iter().map(shown).collect(), None, None),
            What::Shown { setting, path, .. } => {
                (Vec::new(), Some(setting.as_str()), Some(shown(path)))
            }
            What::Imported(_) | What::Product { .. } => (Vec::new(), None, None),
        };
        match (setting, &path) {
            (Some(setting), Some(path)) => {
                let is_writable = matches!(what, What::Shown { writable: true, .. });
                let or = if is_writable {
                    ", or run the command again with --write"
                } else {
                    ""
                };
                terminal::say(&format!("put this into {path}{or}:"));
                if !self.json {
                    self.lost_output |= terminal::product(setting).is_err();
                }
            }
            _ => {
                let (client, server) = (client.name, &key.server);
                terminal::say_good(&format!(
                    "{client} has the login to {server}, under the name {}",
                    printable(name)
                ));
                written
                    .iter()
                    .for_each(|path| terminal::say(&format!("  written: {path}")));
            }
        }
        self.print(&Line::HandedOver {
            server: &key.server,
            profile: &key.profile,
            client: client.name,
            name,
            mode: mode.to_string(),
            written,
            setting,
            path,
            cut_off: cut_off.iter().map(ConfiguredServer::full_name).collect(),
            note: client.note,
        });
        let to = client.name;
        match mode {
            Mode::Move => terminal::say(&format!(
                "  {to} refreshes it from now on; mcp-login keeps no token of it"
            )),
            Mode::Copy => terminal::say(
                "  mcp-login keeps its copy: this provider never replaces a refresh token",
            ),
            Mode::Access => {}
        }
        for other in cut_off {
            let (name, path) = (
                printable(&other.full_name()),
                printable(&other.path.display().to_string()),
            );
            log::warn!("{name} ({path}) asks mcp-login for the token of this login, and gets none any more");
        }
        terminal::say(&format!("  {}", client.note));
    }

    /// Tells of a failure where stdout carries nothing but a token: as JSON on stderr.
    pub fn fail_on_stderr(&mut self, server: Option<&str>, error: &Error) {
        let line = failure(server, error);
        terminal::show(&json_line(&line).unwrap_or_default());
    }

    /// Tells what a check has found.
    pub fn checked(&mut self, key: &StoredId, checked: &Checked) {
        let Checked {
            revision,
            tools: count,
            proven,
        } = *checked;
        self.print(&json!({
            "server": key.server, "profile": key.profile, "revision": revision, "tools": count, "proven": proven,
        }));
        let name = &key.server;
        let tools = if count == 1 {
            "1 tool".to_owned()
        } else {
            format!("{count} tools")
        };
        terminal::say(&match proven {
            true => format!("the login to {name} works: the server lists {tools} (MCP {revision})"),
            false => {
                format!("{name} lists {tools} (MCP {revision}), but does not refuse the same without a login, so this proves nothing")
            }
        });
    }

    /// Tells of a failure; `server` is the login it belongs to.
    pub fn fail(&mut self, server: Option<&str>, error: &Error) {
        self.print(&failure(server, error));
        let whose = server.filter(|server| self.several && !error.to_string().contains(server));
        let whose = whose
            .map(|server| format!("{server}: "))
            .unwrap_or_default();
        terminal::complain("error", &format!("{whose}{error}"));
        if let Error::Ambiguous { choices, .. } = error {
            let width = choices.iter().map(|(name, _)| name.len()).max();
            let width = width.unwrap_or_default();
            for (name, url) in choices {
                terminal::show(&format!("{name:width$}  {url}"));
            }
        }
        let mut cause = error.source();
        while let Some(err) = cause {
            terminal::complain("caused by", &err.to_string());
            cause = err.source();
        }
        if let Some(hint) = error.report().hint {
            terminal::complain("hint", &hint::hint(&hint));
        }
    }
}

/// Returns the profile for a sentence, if it is not the default one.
fn named(profile: &str) -> String {
    if profile == DEFAULT_PROFILE {
        String::new()
    } else {
        format!(" (profile {profile})")
    }
}

/// Says when something expires.
fn end(at: Option<Time>) -> String {
    at.map_or_else(|| "the server ends it".to_owned(), Time::rfc3339)
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Callback => "callback",
        Source::Paste => "paste",
    }
}

fn rejection(source: Source, reason: Reason, detail: Option<&str>, count: u64) -> String {
    if source == Source::Paste {
        let detail = detail.unwrap_or("this answer cannot be used");
        return format!("not taken: {detail}; paste again");
    }
    let (many, they, them) = match count {
        1 => ("a callback was".to_owned(), "it belongs", "it"),
        _ => (format!("{count} callbacks were"), "they belong", "them"),
    };
    let answers = |what: &str| match count {
        1 => format!("an answer {what} came and was not accepted"),
        _ => format!("{count} answers {what} came and were not accepted"),
    };
    let says = detail
        .map(|words| format!("; it says, unproven: {words}"))
        .unwrap_or_default();
    match (reason, detail) {
        (Reason::Temporary, Some(detail)) => format!("{detail}; try again in the same tab"),
        (Reason::StateMismatch, _) => {
            format!("{many} not taken: {they} to another login (an old tab?); still waiting")
        }
        (Reason::NoState, _) => format!(
            "{}{says}; still waiting",
            answers("without this login's state")
        ),
        (Reason::CutState, _) => {
            let what = answers("with only a part of this login's state");
            format!("{what}{says}; the address was cut off: open or paste all of it")
        }
        (Reason::NoIssuer, _) => {
            let what =
                answers("with this login's state, but without the issuer (iss) that the server promises to name,");
            format!("{what}{says}; still waiting")
        }
        (Reason::IssuerMismatch, _) => {
            format!("{many} not taken: another authorization server sent {them}; still waiting")
        }
        (Reason::ForeignPeer, _) => {
            format!(
                "{many} not taken: another user's program sent {them}; if it was your browser, paste its address here"
            )
        }
        _ => format!("{many} not taken, for nobody can read {them}; still waiting"),
    }
}

fn logins(count: usize) -> String {
    if count == 1 {
        "1 login is".to_owned()
    } else {
        format!("{count} logins are")
    }
}

fn clock_face(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_millis() >= 500);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn expiry(report: &Report) -> String {
    let when = match report.expires_at {
        Some(expires_at) => {
            let left = Duration::from_secs(u64::try_from(expires_at.seconds_left()).unwrap_or(0));
            format!("the access token in {}", in_words(table::round(left)))
        }
        None => "the server does not say when".to_owned(),
    };
    let then = if report.refreshable {
        "; there is a refresh token"
    } else {
        "; then log in again: no refresh token came"
    };
    format!("{when}{then}")
}
