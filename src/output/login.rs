//! The events of a login, for people and for scripts.

use super::line::{Line, WithNext};
use super::{counted, device, duration_in_words, profile_in_words, Reporter};
use crate::callback::BindError;
use crate::error::Error;

use crate::login::{AnswerSource, AuthorizationPage, Event, Reason, Report};
use crate::oauth::text::{printable, scope_list};
use crate::os::browser::Skip;
use crate::os::terminal;
use crate::os::terminal::paste::IN_BACKGROUND;
use crate::warning::warn_user;

impl Reporter {
    /// Tells of one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::AuthorizationUrl(_)
            | Event::DeviceCode(_)
            | Event::AnswerReceived { .. }
            | Event::Cancelled { .. }
            | Event::LoggedIn(_)
            | Event::Failed { .. } => terminal::countdown(None),
            _ => {}
        }
        match event {
            Event::Listening {
                server,
                redirect_uri,
            } => {
                self.json(event);
                log::info!("listening for {server} on {redirect_uri}");
            }
            Event::NotListening { server, failure } => show_not_listening(server, failure),
            Event::AuthorizationUrl(page) => {
                self.json(event);
                self.show_page(page);
            }
            Event::DeviceCode(page) => {
                self.json(event);
                // Of several pictures only the last would stay in sight.
                device::show(page, self.may_draw && !self.json && !self.several);
            }
            Event::Rejected {
                source,
                reason,
                detail,
                count,
                ..
            } => {
                self.json(event);
                let sentence = rejection(*source, *reason, *detail, *count);
                match source {
                    // Who pasted something waits for an answer, however little is to be said.
                    AnswerSource::Paste => terminal::insist(&sentence),
                    AnswerSource::Callback => terminal::say(&sentence),
                }
            }
            Event::Silent { server, asked } => {
                let whose = self.of_several("of", server);
                terminal::say(&format!(
                    "no answer yet; if the page{whose} shows an error, its operator needs to know: {asked}"
                ));
            }
            Event::Registering { server } => terminal::say(&format!(
                "{server} no longer knows this client; registering again (open the new address)"
            )),
            Event::PasteEnded => {
                self.advised = true;
                terminal::say("stdin has ended: nothing more can be pasted");
            }
            Event::AnswerReceived { server } => {
                self.json(event);
                let whose = self.of_several("for", server);
                terminal::say(&format!("answer received{whose}, getting tokens"));
            }
            Event::Cancelled { servers, stored } => self.show_cancelled(servers, *stored),
            Event::Waiting { .. } => terminal::countdown(waiting(event).as_deref()),
            Event::LoggedIn(report) => {
                let next = self.next.get(&report.key).cloned();
                let next = next.as_deref();
                self.json(&WithNext { event, next });
                show_login(report, next);
            }
            Event::Failed { server, error } if error.needs_no_login() => {
                self.json(&Line::NoLoginNeeded { server });
                terminal::say(&format!("{server} answers without a login: it needs none"));
            }
            Event::Failed { server, error } => self.fail(Some(server), error),
        }
    }

    fn show_cancelled(&mut self, servers: &[String], stored: usize) {
        for server in servers {
            self.json(&Line::Cancelled { server });
        }
        terminal::say(&match stored {
            stored if self.several && stored > 0 => {
                let (done, open) = (counted(stored, "login"), servers.join(", "));
                let verb = if stored == 1 { "is" } else { "are" };
                format!("cancelled; {done} {verb} stored, and there is none to {open}")
            }
            _ => "cancelled; nothing was stored".to_owned(),
        });
    }

    /// Names the server of an event, if there are several.
    fn of_several(&self, preposition: &str, server: &str) -> String {
        match self.several {
            true => format!(" {preposition} {server}"),
            false => String::new(),
        }
    }

    fn show_page(&mut self, page: &AuthorizationPage) {
        let host = page
            .url
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split(['/', '?']).next())
            .unwrap_or_default();
        terminal::say(&format!("log in to {}", page.server));
        terminal::say(&format!("  authorization server: {host}"));
        terminal::say(&format!("  redirect URI:         {}", page.redirect_uri));
        let forward = self.forward(page);
        // A command and an address without a word are not told apart: with both, --quiet takes neither sentence away.
        let say = match forward {
            Some(_) => terminal::insist,
            None => terminal::say,
        };
        match page.skip {
            Some(skip @ Skip::Demo) => say(&format!("{}, at this address:", skip.reason())),
            None => say("opening your browser; if it does not open, visit:"),
            Some(Skip::Asked) => say("open this address in any browser:"),
            Some(skip) => say(&format!("{}; open this address:", skip.reason())),
        }
        terminal::show("");
        terminal::show_link(page.url);
        terminal::show("");
        // Where a browser opens, the clipboard is left alone; of several addresses only one would stay in it.
        let is_wanted = !matches!(page.skip, None | Some(Skip::Demo)) && !self.several;
        if is_wanted && self.may_copy && terminal::copy(page.url) {
            terminal::say("the address was copied to your clipboard");
        }
        // Of several logins each is answered in the same way.
        if !std::mem::replace(&mut self.advised, self.several) {
            advise(page);
        }
        if let Some(command) = forward {
            terminal::insist(match page.paste {
                true => "or let your browser reach this remote shell; on your own computer, before you sign in, run:",
                false => "to let your browser reach this remote shell, run this on your own computer before you sign in:",
            });
            terminal::show("");
            terminal::show(&command);
            terminal::show("");
        }
    }

    /// Returns the command that lets the answer of a browser on the user's own machine come back.
    fn forward(&self, page: &AuthorizationPage) -> Option<String> {
        let (Some(Skip::Ssh), Some(ssh), true) = (page.skip, &self.environment.ssh, page.listening)
        else {
            return None;
        };
        let place = page
            .redirect_uri
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next());
        let (host, port) = place?.rsplit_once(':')?;
        Some(ssh.forward(host, port.parse().ok()?))
    }
}

/// Says that the answer has to be pasted.
fn show_not_listening(server: &str, failure: &Error) {
    warn_user!(NotListening, "{}", failure.one_line());
    if let Error::Bind {
        source: BindError::Taken(_),
        ..
    } = failure
    {
        terminal::say(
            "your browser will send the code to the program that holds the port, which can read it but not use it; the page \
             that you see then is that program's, so enter nothing there",
        );
    }
    terminal::say(&format!(
        "going on without a port for {server}: paste the address of the last page"
    ));
}

/// Returns what is waited for, and for how long; `None` for another event.
fn waiting(event: &Event) -> Option<String> {
    let Event::Waiting {
        open,
        total,
        left,
        for_code,
        listening,
        paste,
        pasted,
    } = event
    else {
        return None;
    };
    let source = match (listening, paste) {
        _ if *for_code => "the code to be entered",
        (true, true) => "the browser, or for a pasted address",
        (false, true) => "a pasted address",
        (_, false) => "the browser",
    };
    let source = match pasted {
        0 => format!(" for {source}"),
        1 => ": 1 character so far, Enter sends it".to_owned(),
        many => format!(": {many} characters so far, Enter sends them"),
    };
    let open = match total {
        1 => String::new(),
        _ => format!(" ({open} of {total} open)"),
    };
    let seconds = left.as_secs() + u64::from(left.subsec_millis() >= 500);
    Some(format!(
        "waiting{open}{source}: {}:{:02} left",
        seconds / 60,
        seconds % 60
    ))
}

/// Says how the user's browser can send its answer here.
fn advise(page: &AuthorizationPage) {
    match (page.paste, page.listening) {
        (true, true) => terminal::say(
            "if the last page does not load, copy its address from the address bar, paste it here and press Enter",
        ),
        (true, false) => {
            terminal::say("then copy the address of the last page, paste it here and press Enter")
        }
        (false, _) if page.in_background => terminal::say(IN_BACKGROUND),
        // The demo plays the browser.
        (false, _) if page.skip == Some(Skip::Demo) => {}
        (false, _) if page.skip == Some(Skip::Ssh) => terminal::say(
            "waiting for a browser; to paste its answer, run this in a terminal (ssh -t), or give it on stdin with --paste",
        ),
        (false, _) if page.skip.is_some() => terminal::say(
            "waiting for a browser on this machine; with --paste, the address of the last page can be given on stdin",
        ),
        (false, _) => {}
    }
}

/// Shows a login that is complete.
fn show_login(report: &Report, next: Option<&str>) {
    let verb = match report.already {
        true => "already logged in",
        false => "logged in",
    };
    let account = report.account.as_ref();
    let account = account.map(|account| format!(" as {}", printable(account)));
    terminal::say_good(&format!(
        "{verb} to {}{}{}",
        report.key.server,
        account.unwrap_or_default(),
        profile_in_words(&report.key.profile)
    ));
    let scopes = scope_list(&report.scopes, "the server's default");
    terminal::say(&format!("  scopes:  {scopes}"));
    terminal::say(&format!("  expires: {}", expiry(report)));
    if let Some(place) = &report.place {
        terminal::say(&format!("  stored:  {place}"));
    }
    if report.already {
        terminal::say("  --force logs in again");
    }
    if let Some(command) = next {
        terminal::say_labelled(terminal::Label::Next, command);
    }
}

/// Says why messages were not accepted, and what to do about it.
fn rejection(source: AnswerSource, reason: Reason, detail: Option<&str>, count: u64) -> String {
    if source == AnswerSource::Paste {
        return format!(
            "not accepted: {}",
            detail.unwrap_or("this address cannot be used")
        );
    }
    let (answers, belong) = match count {
        1 => ("an answer".to_owned(), "it belongs"),
        _ => (format!("{count} answers"), "they belong"),
    };
    let claim = detail.map(|words| format!("; it says, unproven: {words}"));
    let claim = claim.unwrap_or_default();
    match (reason, detail) {
        (Reason::Temporary, Some(detail)) => format!("{detail}; try again in the same tab"),
        (Reason::StateMismatch, _) => format!(
            "ignored {answers}: {belong} to another login (an old tab?); still waiting"
        ),
        (Reason::NoState, _) => {
            format!("ignored {answers} without this login's state{claim}; still waiting")
        }
        (Reason::CutState, _) => format!(
            "ignored {answers} with only a part of this login's state{claim}; the address was cut off: open or \
             paste all of it"
        ),
        (Reason::NoIssuer, _) => format!(
            "ignored {answers} with this login's state, but without the issuer (iss) that the server promises to \
             name{claim}; still waiting"
        ),
        (Reason::IssuerMismatch, _) => format!(
            "ignored {answers} from an unexpected authorization server; still waiting (Ctrl-C to stop)"
        ),
        (Reason::ForeignPeer, _) => format!(
            "ignored {answers} from another user's program, or one that is gone; if it was your browser, reload its page \
             or paste its address"
        ),
        _ => format!("ignored {answers} that cannot be read; still waiting"),
    }
}

fn expiry(report: &Report) -> String {
    let when = match report.expires_at {
        Some(expires_at) => {
            let left = u64::try_from(expires_at.seconds_left()).unwrap_or(0);
            format!("the access token in {}", duration_in_words(left))
        }
        None => "the server does not say when".to_owned(),
    };
    let then = match (report.refreshable, report.grant) {
        (true, None) => "; there is a refresh token",
        (true, Some(_)) => "; then another one is requested",
        (false, _) => "; then log in again: no refresh token came",
    };
    format!("{when}{then}")
}
