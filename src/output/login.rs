//! The events of a login, for people and for scripts.

use std::time::Duration;

use super::line::Line;
use super::{duration_in_words, profile_in_words, Reporter};
use crate::callback::BindError;
use crate::error::Error;

use crate::login::{AuthorizationPage, Event, Reason, Report, Source};
use crate::oauth::text::{printable, scope_list};
use crate::os::browser::Skip;
use crate::os::terminal;
use crate::warning::warn_user;

impl Reporter {
    /// Tells of one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Listening {
                server,
                redirect_uri,
            } => {
                self.json(&Line::Listening {
                    server,
                    redirect_uri,
                });
                log::info!("listening for {server} on {redirect_uri}");
            }
            Event::NotListening { server, failure } => {
                warn_user!(NotListening, "{}", failure.one_line());
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
            Event::AuthorizationUrl(page) => self.show_page(page),
            Event::Rejected {
                server,
                source,
                reason,
                detail,
                count,
            } => {
                let (server, source, reason, count) = (*server, *source, *reason, *count);
                self.json(&Line::Rejected {
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
                self.json(&Line::AnswerReceived { server });
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
                    .for_each(|server| self.json(&Line::Cancelled { server }));
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
            Event::Failed { server, error } if error.needs_no_login() => {
                terminal::countdown(None);
                self.json(&Line::NoLoginNeeded { server });
                terminal::say(&format!("{server} answers without a login: it needs none"));
            }
            Event::Failed { server, error } => {
                terminal::countdown(None);
                self.fail(Some(server), error);
            }
        }
    }

    fn show_page(&mut self, page: &AuthorizationPage) {
        let AuthorizationPage {
            server,
            url,
            redirect_uri,
            expires_at,
            ..
        } = *page;
        self.json(&Line::AuthorizationUrl {
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
        self.json(&Line::LoggedIn {
            server: &report.key.server,
            profile: &report.key.profile,
            issuer: &report.issuer,
            client_id: &report.client_id,
            scopes: &report.scopes,
            expires_at: report.expires_at,
            refreshable: report.refreshable,
            store: report.place.as_ref().map(|place| place.name.as_str()),
            path: report
                .place
                .as_ref()
                .and_then(|place| place.path.as_ref())
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
        let profile = profile_in_words(&report.key.profile);
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
            let left = u64::try_from(expires_at.seconds_left()).unwrap_or(0);
            format!("the access token in {}", duration_in_words(left))
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
