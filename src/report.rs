//! What people and scripts are told: sentences on stderr, JSON lines on stdout.

mod configured;
pub mod doctor;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::browser::Skip;
use crate::check::Checked;
use crate::clients::{Client, Mode};
use crate::clock::Time;
use crate::error::{in_words, LoginError};
use crate::handover::{Given, What};
use crate::listener::BindError;
use crate::login::{Event, Invitation, Report};
use crate::logout::LoggedOut;
use crate::oauth::text::{json_line, printable};
use crate::status::{Login, State};
use crate::store::{Key, Place, DEFAULT_PROFILE};
use crate::surroundings::Surroundings;
use crate::terminal;
use crate::wait::{Reason, Source};

pub use configured::{named_table, NamedLogin};

/// A line of the machine-readable output. The order of its members is part of the contract: `event` comes first.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Listening {
        server: &'a str,
        redirect_uri: &'a str,
    },
    AuthorizationUrl {
        server: &'a str,
        url: &'a str,
        redirect_uri: &'a str,
        expires_at: Time,
    },
    Rejected {
        server: Option<&'a str>,
        source: &'static str,
        reason: &'static str,
        #[serde(skip_serializing_if = "is_one")]
        count: u64,
    },
    LoggedIn {
        server: &'a str,
        profile: &'a str,
        issuer: &'a str,
        client_id: &'a str,
        scopes: &'a [String],
        expires_at: Option<Time>,
        refreshable: bool,
        store: Option<&'a str>,
        path: Option<String>,
        account: Option<&'a str>,
        #[serde(skip_serializing_if = "is_false")]
        already: bool,
    },
    Named {
        server: &'a str,
        name: &'a str,
        client: &'a str,
        path: String,
        in_project: bool,
    },
    Skipped {
        server: Option<&'a str>,
        name: &'a str,
        client: &'a str,
        reason: &'a str,
    },
    NoLoginNeeded {
        server: &'a str,
    },
    LoggedOut {
        server: &'a str,
        profile: &'a str,
        tokens: &'static str,
    },
    HandedOver {
        server: &'a str,
        profile: &'a str,
        client: &'a str,
        name: &'a str,
        mode: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        written: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        setting: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        note: &'a str,
    },
    Error {
        server: Option<&'a str>,
        code: &'a str,
        exit: u8,
        message: String,
        hint: Option<String>,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references
fn is_one(count: &u64) -> bool {
    *count == 1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references
fn is_false(value: &bool) -> bool {
    !*value
}

/// Tells what happens.
#[derive(Debug)]
pub struct Reporter {
    json: bool,
    around: Surroundings,
    several: bool,
    /// A line of product could not be written: whoever wanted it has gone.
    pub lost_output: bool,
}

impl Reporter {
    /// Prepares to tell of one or several logins, for people and, with `json`, for scripts.
    pub fn new(json: bool, several: bool) -> Self {
        Self { json, around: Surroundings::look(), several, lost_output: false }
    }

    /// Tells of one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Listening { server, redirect_uri } => {
                self.print(&Line::Listening { server, redirect_uri });
                log::info!("listening for {server} on {redirect_uri}");
            }
            Event::NotListening { server, failure } => {
                terminal::complain("warning", &failure.one_line());
                if matches!(failure, LoginError::Bind { source: BindError::Taken { .. }, .. }) {
                    terminal::say("the program that holds the port sees the answer too, but cannot use it");
                }
                terminal::say(&format!("going on without a port for {server}: the answer has to be pasted"));
            }
            Event::AuthorizationUrl(invitation) => self.invite(invitation),
            Event::Rejected { server, source, reason, detail, count } => {
                let (server, source, reason, count) = (*server, *source, *reason, *count);
                self.print(&Line::Rejected { server, source: source_name(source), reason: reason.as_str(), count });
                let sentence = rejection(source, reason, *detail, count);
                match source {
                    // Who pasted something waits for an answer, however little is to be said.
                    Source::Paste => terminal::insist(&sentence),
                    Source::Callback => terminal::say(&sentence),
                }
            }
            Event::Registering { server } => {
                terminal::say(&format!("{server} does not know us any more; registering anew, with a new address"));
            }
            Event::PasteEnded => log::info!("stdin has ended; nothing more can be pasted"),
            Event::Waiting { left, listening, paste } => {
                let way = match (listening, paste) {
                    (true, true) => "the browser, or for a pasted address",
                    (false, true) => "a pasted address",
                    (_, false) => "the browser",
                };
                terminal::countdown(Some(&format!("waiting for {way}: {} left", clock_face(*left))));
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
        let written = json_line(line).map_err(std::io::Error::from).and_then(|text| terminal::product(&text));
        self.lost_output |= written.is_err();
    }

    fn invite(&mut self, invitation: &Invitation) {
        let Invitation { server, url, redirect_uri, expires_at, .. } = *invitation;
        self.print(&Line::AuthorizationUrl { server, url, redirect_uri, expires_at });
        let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        terminal::say(&format!("log in to {server}"));
        terminal::say(&format!("  authorization server: {host}"));
        self.forward(invitation);
        match invitation.skip {
            Some(skip @ Skip::Demo) => terminal::say(&format!("{}, at this address:", skip.reason())),
            None => terminal::say("your browser opens; if it does not, open this address:"),
            Some(skip) => terminal::say(&format!("{}; open this address:", skip.reason())),
        }
        terminal::show("");
        terminal::show_link(url);
        terminal::show("");
        Self::advise(invitation);
    }

    /// Says how the answer can come back from a browser on the user's own machine.
    fn forward(&self, invitation: &Invitation) {
        let (Some(Skip::Ssh), Some(ssh), true) = (invitation.skip, &self.around.ssh, invitation.listening) else {
            return;
        };
        let place = invitation.redirect_uri.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let Some((host, port)) = place.and_then(|place| place.rsplit_once(':')) else { return };
        let Ok(port) = port.parse() else { return };
        terminal::say("so that your browser can come back to this remote shell, first run on your own computer:");
        terminal::show("");
        terminal::show(&ssh.forward(host, port));
        terminal::show("");
    }

    /// Says what to do where no browser can come back.
    fn advise(invitation: &Invitation) {
        match (invitation.paste, invitation.listening) {
            (true, true) => terminal::say(
                "if the page you land on cannot be shown, copy its address, paste it here and press Enter",
            ),
            (true, false) => terminal::say("then copy the address you land on, paste it here and press Enter"),
            (false, _) if invitation.in_background => {
                terminal::say("this runs in the background: nothing can be pasted until it is in the foreground");
            }
            (false, _) if invitation.skip.is_some() => {
                terminal::say("the answer has to come to this machine; with --paste it could be given on stdin");
            }
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
            path: report.place.as_ref().and_then(Place::path).map(|path| path.display().to_string()),
            account,
            already: report.already,
        });
        let verb = if report.already { "already logged in" } else { "logged in" };
        let whom = account.map(|account| format!(" as {}", printable(account))).unwrap_or_default();
        let profile = named(&report.key.profile);
        terminal::say_good(&format!("{verb} to {}{whom}{profile}", report.key.server));
        let scopes: Vec<_> = report.scopes.iter().map(|scope| printable(scope)).collect();
        terminal::say(&format!(
            "  scopes:  {}",
            if scopes.is_empty() { "the server's default".to_owned() } else { scopes.join(" ") }
        ));
        terminal::say(&format!("  expires: {}", expiry(report)));
        if let Some(place) = &report.place {
            terminal::say(&format!("  kept in: {place}"));
        }
        if report.already {
            terminal::say("  --force logs in again");
        }
    }

    /// Tells that a login is forgotten.
    pub fn logged_out(&mut self, key: &Key, how: &LoggedOut) {
        let server = &key.server;
        let profile = named(&key.profile);
        let (word, sentence) = match how {
            LoggedOut::NotThere => ("not_there", format!("there was no login to {server}{profile}")),
            LoggedOut::Revoked => ("revoked", format!("logged out of {server}{profile}; its tokens are revoked")),
            LoggedOut::HandedOver(to) => (
                "handed_over",
                format!("the login to {server}{profile} is forgotten here; {to} has its tokens: log out there"),
            ),
            LoggedOut::CannotRevoke => (
                "cannot_revoke",
                format!("logged out of {server}{profile}; it cannot revoke tokens, so they live until they expire"),
            ),
            LoggedOut::NotRevoked(err) => ("not_revoked", format!("logged out of {server}{profile} here only: {err}")),
        };
        self.print(&Line::LoggedOut { server, profile: &key.profile, tokens: word });
        terminal::say(&sentence);
    }

    /// Tells what a client was given.
    pub fn handed_over(&mut self, key: &Key, client: &Client, given: &Given) {
        let Given { mode, name, what } = given;
        let shown = |path: &PathBuf| path.display().to_string();
        let (written, setting, path) = match what {
            What::Written(paths) => (paths.iter().map(shown).collect(), None, None),
            What::Shown(setting, path) => (Vec::new(), Some(setting.as_str()), Some(shown(path))),
            What::Imported(_) | What::Product(_) => (Vec::new(), None, None),
        };
        match (setting, &path) {
            (Some(setting), Some(path)) => {
                terminal::say(&format!("put this into {path}, or run the command again with --write:"));
                if !self.json {
                    self.lost_output |= terminal::product(setting).is_err();
                }
            }
            _ => {
                let (client, server) = (client.name, &key.server);
                terminal::say_good(&format!("{client} has the login to {server}, under the name {}", printable(name)));
                written.iter().for_each(|path| terminal::say(&format!("  written: {path}")));
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
            note: client.note,
        });
        let to = client.name;
        match mode {
            Mode::Move => terminal::say(&format!("  {to} refreshes it from now on; mcp-login keeps no token of it")),
            Mode::Copy => terminal::say("  mcp-login keeps its copy: this provider never replaces a refresh token"),
            Mode::Access => {}
        }
        terminal::say(&format!("  {}", client.note));
    }

    /// Tells of a failure where stdout carries nothing but a token: as JSON on stderr.
    pub fn fail_on_stderr(&mut self, error: &LoginError) {
        let line = failure(None, error);
        terminal::show(&serde_json::to_string(&line).unwrap_or_default());
    }

    /// Tells what a check has found.
    pub fn checked(&mut self, key: &Key, checked: &Checked) {
        let Checked { revision, tools: count, proven } = *checked;
        self.print(&json!({
            "server": key.server, "profile": key.profile, "revision": revision, "tools": count, "proven": proven,
        }));
        let name = &key.server;
        let tools = if count == 1 { "1 tool".to_owned() } else { format!("{count} tools") };
        terminal::say(&match proven {
            true => format!("the login to {name} works: the server lists {tools} (MCP {revision})"),
            false => {
                format!("{name} lists {tools} (MCP {revision}), but does not refuse the same without a login, so this proves nothing")
            }
        });
    }

    /// Tells of a failure; `server` is the login it belongs to.
    pub fn fail(&mut self, server: Option<&str>, error: &LoginError) {
        self.print(&failure(server, error));
        let whose = server.filter(|server| self.several && !error.to_string().contains(server));
        let whose = whose.map(|server| format!("{server}: ")).unwrap_or_default();
        terminal::complain("error", &format!("{whose}{error}"));
        if let LoginError::Ambiguous { choices, .. } = error {
            choices.iter().for_each(|choice| terminal::show(choice));
        }
        let mut cause = error.source();
        while let Some(err) = cause {
            terminal::complain("caused by", &err.to_string());
            cause = err.source();
        }
        if let Some(hint) = error.hint() {
            terminal::complain("hint", &hint);
        }
    }
}

fn failure<'a>(server: Option<&'a str>, error: &'a LoginError) -> Line<'a> {
    Line::Error { server, code: error.code(), exit: error.exit_code(), message: error.one_line(), hint: error.hint() }
}

/// Returns the clients that a login can be handed to, for people.
pub fn clients_table(clients: &[&Client]) -> String {
    let width = clients.iter().map(|client| client.name.len()).max().unwrap_or_default();
    clients.iter().map(|client| format!("{:width$}  {}\n", client.name, client.about)).collect()
}

/// Returns the clients that a login can be handed to, for scripts.
pub fn clients_json(clients: &[&Client]) -> String {
    let list = clients.iter().map(|client| {
        let modes: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
        json!({"client": client.name, "about": client.about, "modes": modes})
    });
    json!({ "clients": list.collect::<Vec<_>>() }).to_string()
}

/// Returns the logins as a table for people.
pub fn table(logins: &[Login]) -> String {
    if logins.is_empty() {
        return String::new();
    }
    let mut rows = vec![["SERVER", "PROFILE", "STATE", "EXPIRES", "KEPT IN", "SCOPES"].map(str::to_owned)];
    for Login { entry, state } in logins {
        let scopes: Vec<_> = entry.scopes.iter().map(|scope| printable(scope)).collect();
        rows.push([
            printable(&entry.server),
            entry.profile.clone(),
            state_in_words(*state).to_owned(),
            expiry_in_words(entry.expires_at),
            entry.place.name().to_owned(),
            scopes.join(" "),
        ]);
    }
    aligned(&rows)
}

fn state_in_words(state: State) -> &'static str {
    match state {
        State::Live => "live",
        State::RefreshDue => "refresh due",
        State::NeedsLogin => "needs login",
        State::HandedOver => "handed over",
    }
}

fn expiry_in_words(expires_at: Option<Time>) -> String {
    match expires_at.map(Time::seconds_left) {
        Some(left) if left > 0 => format!("in {}", in_words(round(Duration::from_secs(left.unsigned_abs())))),
        Some(left) => format!("{} ago", in_words(round(Duration::from_secs(left.unsigned_abs())))),
        None => "unknown".to_owned(),
    }
}

fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.len().max(*width));
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Returns the profile for a sentence, if it is not the default one.
fn named(profile: &str) -> String {
    if profile == DEFAULT_PROFILE {
        String::new()
    } else {
        format!(" (profile {profile})")
    }
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
    match (reason, detail) {
        (Reason::Temporary, Some(detail)) => format!("{detail}; try again in the same tab"),
        (Reason::StateMismatch, _) => {
            format!("{many} not taken: {they} to another login (an old tab?); still waiting")
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

fn clock_face(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_millis() >= 500);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn expiry(report: &Report) -> String {
    let when = match report.expires_at {
        Some(expires_at) => {
            let left = Duration::from_secs(u64::try_from(expires_at.seconds_left()).unwrap_or(0));
            format!("the access token in {}", in_words(round(left)))
        }
        None => "the server does not say when".to_owned(),
    };
    let then =
        if report.refreshable { "; there is a refresh token" } else { "; then log in again: no refresh token came" };
    format!("{when}{then}")
}

/// Rounds a length of time to what a person wants to know of it.
fn round(time: Duration) -> Duration {
    let unit = match time.as_secs() {
        0..120 => 1,
        120..7200 => 60,
        _ => 3600,
    };
    Duration::from_secs((time.as_secs() + unit / 2) / unit * unit)
}
