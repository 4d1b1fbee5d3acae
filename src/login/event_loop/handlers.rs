//! How the event loop handles each event of a login, and what the user reads of it.

use std::time::Duration;

use super::EventLoop;
use crate::callback::pages::Page;
use crate::error::Error;
use crate::login::answer::{accept_pasted, PasteRefused};
use crate::login::pending::{PendingAnswer, PendingAuthorization};
use crate::login::stage::{ActiveLogin, LoginId, Stage};
use crate::login::workers::Message;
use crate::login::{complete, device, poll_for_tokens, prepare_again};
use crate::login::{AnswerSource, AuthorizationPage, DevicePage, Event, Reason, Report};
use crate::oauth::callback::{refusal_in_words, AuthorizationResponse};
use crate::oauth::client;
use crate::oauth::paste::{self, PasteContent, PasteMistake};
use crate::os::browser;
use crate::os::clock::Deadline;
use crate::os::terminal::paste::{Paste, Pasted};

/// How long a poll under way is given after the deadline: it may bring the tokens.
const POLL_GRACE: Duration = Duration::from_secs(10);

/// How long an accepted code is given after the deadline: its requests end by themselves before that.
const EXCHANGE_GRACE: Duration = Duration::from_secs(120);

impl EventLoop<'_> {
    pub(super) fn on_message(&mut self, id: LoginId, message: Message) {
        let login = &mut self.logins[id.0];
        match message {
            Message::Listening(listener) => {
                (self.notify)(Event::Listening {
                    server: login.server(),
                    redirect_uri: listener.redirect_uri(),
                });
                login.listener = Some(listener);
            }
            Message::NotListening(failure) => (self.notify)(Event::NotListening {
                server: login.server(),
                failure: &failure,
            }),
            // The deadline has ended this login.
            message if message.ends_job() && login.is_done() => {}
            Message::NotYet(pending) => {
                login.wait(pending);
                if self.is_late {
                    self.time_out(id);
                }
            }
            Message::Answered => {
                login.answered();
                if self.is_late && self.signal.is_none() {
                    self.deadline = Deadline::after(EXCHANGE_GRACE);
                }
                (self.notify)(Event::AnswerReceived {
                    server: login.server(),
                });
            }
            // Its request was cut off by the deadline, which ends the login next.
            Message::Failed(_) if login.is_preparing() && self.deadline.passed() => {}
            Message::Requested(pending) => self.show_page(id, pending),
            Message::Completed(report) => self.end(id, Ok(report), Page::LoggedIn),
            // After the deadline or a signal nobody would open another page.
            Message::ClientUnknown(pending, _) if !self.is_ending() => {
                self.reregister(id, pending);
            }
            Message::ClientUnknown(_, error) | Message::Failed(error) => {
                self.end(id, Err(error), Page::Failed);
            }
        }
    }

    /// Shows the user the page, opens it if that is possible, and waits for the answer from now on.
    fn show_page(&mut self, id: LoginId, pending: Box<PendingAuthorization>) {
        let login = &mut self.logins[id.0];
        let (browser, environment) = (&self.browser, &self.context.environment);
        let skip = browser::skip(browser, environment);
        let preparation = &pending.preparation;
        let url = match &pending.answer {
            PendingAnswer::Redirect(authorization) => {
                let can_paste = self.paste.as_ref().is_some_and(Paste::is_readable);
                let is_open = self.paste.as_ref().is_some_and(Paste::is_open);
                (self.notify)(Event::AuthorizationUrl(AuthorizationPage {
                    server: login.server(),
                    url: &authorization.url,
                    redirect_uri: &preparation.redirect_uri,
                    expires_at: self.expires_at,
                    skip,
                    paste: can_paste,
                    in_background: is_open && !can_paste,
                    listening: login.listener.is_some(),
                }));
                &authorization.url
            }
            PendingAnswer::Device(device) => {
                let response = &device.response;
                let complete = response.verification_uri_complete.as_deref();
                (self.notify)(Event::DeviceCode(DevicePage {
                    server: login.server(),
                    verification_uri: &response.verification_uri,
                    verification_uri_complete: complete,
                    user_code: &response.user_code,
                    expires_at: device.expires_at.min(self.expires_at),
                    issuer: &preparation.discovery.server.issuer,
                    scopes: &preparation.scopes,
                    skip,
                }));
                response
                    .verification_uri_complete
                    .as_ref()
                    .unwrap_or(&response.verification_uri)
            }
        };
        if skip.is_none() {
            browser::open(url, browser, environment);
        }
        login.wait(pending);
        self.end_unreachable();
        self.show_countdown();
    }

    /// Acts on an answer that passed all checks.
    pub(super) fn on_answer(
        &mut self,
        id: LoginId,
        pending: Box<PendingAuthorization>,
        answer: AuthorizationResponse,
    ) {
        let denial = match answer {
            AuthorizationResponse::Code(code) => {
                (self.notify)(Event::AnswerReceived {
                    server: self.logins[id.0].server(),
                });
                return self.workers.run(id, |context, worker| {
                    complete(pending, code, context, worker)
                });
            }
            AuthorizationResponse::Denied(denial) => denial,
        };
        if pending.can_reregister(&denial.error) {
            return self.reregister(id, pending);
        }
        // Any other answer proves that the server knows the client.
        if !client::is_unknown(&denial.error) {
            pending.confirm_client(&self.context.cache());
        }
        let page = Page::Refused(refusal_in_words(&denial.error));
        let error = Error::Denied {
            server: self.logins[id.0].server().to_owned(),
            provider: pending.preparation.provider(),
            denial,
        };
        self.end(id, Err(error), page);
    }

    fn reregister(&mut self, id: LoginId, pending: Box<PendingAuthorization>) {
        let login = &mut self.logins[id.0];
        (self.notify)(Event::Registering {
            server: login.server(),
        });
        login.restart();
        self.workers.run(id, |context, worker| {
            prepare_again(*pending, context, worker)
        });
    }

    /// Ends one login: first the browser gets its page, then the user reads about it.
    fn end(&mut self, id: LoginId, result: Result<Report, Error>, page: Page) {
        let login = &mut self.logins[id.0];
        login.end(result, page);
        if let Stage::Done { result, .. } = &login.stage {
            (self.notify)(match &**result {
                Ok(report) => Event::LoggedIn(report),
                Err(error) => Event::Failed {
                    server: login.server(),
                    error,
                },
            });
        }
    }

    pub(super) fn announce_rejections(&mut self) {
        for login in &mut self.logins {
            for announcement in login.rejections.announce() {
                if announcement.reason == Reason::Temporary {
                    login.confirm_client(&self.context.cache());
                }
                (self.notify)(Event::Rejected {
                    server: Some(login.server()),
                    source: AnswerSource::Callback,
                    reason: announcement.reason,
                    detail: announcement.detail.as_deref(),
                    count: announcement.count,
                });
            }
        }
    }

    /// Several logins may be answered at once, a line each; an address in several lines is one answer all the same.
    pub(super) fn on_pasted(&mut self, pasted: &Pasted) {
        let text = paste::clean(&pasted.bytes);
        let whole = match pasted.dropped {
            0 => paste::read(&text),
            _ => PasteContent::NotAnAnswer(PasteMistake::TooLong),
        };
        let first = accept_pasted(&mut self.logins, &whole);
        let lines = text.lines().map(paste::read);
        let mut answers: Vec<_> = lines
            .filter_map(|line| accept_pasted(&mut self.logins, &line).ok())
            .collect();
        match first {
            Ok(answer) => answers.insert(0, answer),
            // An unfinished paste is not reported yet.
            Err(refused) if answers.is_empty() => {
                if pasted.finished && whole != PasteContent::Empty {
                    let bytes = text.trim_end_matches('\n').len();
                    self.reject_pasted(refused, bytes + pasted.dropped);
                }
                return;
            }
            Err(_) => {}
        }
        if let Some(paste) = &mut self.paste {
            paste.forget();
        }
        for (id, (pending, answer)) in answers {
            self.on_answer(id, pending, answer);
        }
    }

    /// Announces a paste that no login accepts; it counts for the only one there is.
    fn reject_pasted(&mut self, refused: PasteRefused, bytes: usize) {
        // What was counted there is gone.
        self.show_countdown();
        let PasteRefused { reason, why, claim } = refused;
        let mut server = None;
        if let [login] = &mut self.logins[..] {
            login.rejections.count(reason, claim.as_deref());
            if reason == Reason::Temporary {
                login.confirm_client(&self.context.cache());
            }
            server = Some(login.server());
        }
        let claim = claim.map(|claim| format!("; it says, unproven: {claim}"));
        let claim = claim.unwrap_or_default();
        (self.notify)(Event::Rejected {
            server,
            source: AnswerSource::Paste,
            reason,
            detail: Some(&format!("{why}{claim} ({bytes} bytes were pasted)")),
            count: 1,
        });
    }

    pub(super) fn show_countdown(&mut self) {
        self.arm_paste();
        let waiting = self.logins.iter().filter(|login| login.is_waiting());
        let open = waiting.count();
        if open > 0 {
            let left = self.deadline.min(self.codes_expire()).left();
            (self.notify)(Event::Waiting {
                open,
                total: self.logins.len(),
                left,
                for_code: self.logins.iter().all(ActiveLogin::is_for_code),
                listening: self.logins.iter().any(|login| login.listener.is_some()),
                paste: self.paste.as_ref().is_some_and(Paste::is_readable),
                pasted: self.paste.as_ref().map_or(0, Paste::held),
            });
        }
    }

    /// Returns when the last device code expires, if all logins that wait have one.
    fn codes_expire(&self) -> Deadline {
        let waiting = self.logins.iter().filter_map(ActiveLogin::pending);
        waiting
            .map(|pending| pending.device().map(|device| device.expires))
            .collect::<Option<Vec<_>>>()
            .and_then(|expires| expires.into_iter().reduce(Deadline::max))
            .unwrap_or(self.deadline)
    }

    /// Ends the logins that have no answer yet; an accepted code is still exchanged and stored, and a poll under way may bring
    /// tokens. The second time, ends all.
    pub(super) fn on_timeout(&mut self) {
        let is_second = std::mem::replace(&mut self.is_late, true);
        let is_completing = self.logins.iter().any(ActiveLogin::is_completing);
        self.deadline = Deadline::after(match is_completing {
            true => EXCHANGE_GRACE,
            false => POLL_GRACE,
        });
        for index in 0..self.logins.len() {
            let id = LoginId(index);
            match self.logins[index].stage {
                Stage::Polling if is_second => self.time_out(id),
                Stage::Completing { .. } if is_second => {
                    let error = Error::Unexpected {
                        what: "an answer came, but the login could not be finished with it",
                        source: std::io::ErrorKind::TimedOut.into(),
                    };
                    self.end(id, Err(error), Page::Failed);
                }
                Stage::Done { .. } | Stage::Polling | Stage::Completing { .. } => {}
                Stage::Preparing | Stage::Waiting { .. } => self.time_out(id),
            }
        }
    }

    fn time_out(&mut self, id: LoginId) {
        let login = &self.logins[id.0];
        let error = Error::TimedOut {
            server: login.server().to_owned(),
            timeout: self.timeout,
            rejections: login.rejections.sentence(),
            asked: login.pending().and_then(PendingAuthorization::asked),
            offers_device: login.could_use_device(),
        };
        self.end(id, Err(error), Page::Failed);
    }

    /// Lets workers poll for the tokens of the device codes for which that is due, and ends the logins whose code has expired.
    pub(super) fn poll_due(&mut self) {
        if self.is_ending() {
            return;
        }
        for index in 0..self.logins.len() {
            let id = LoginId(index);
            let Some(pending) = self.logins[index].due_poll() else {
                continue;
            };
            if pending.device().is_some_and(|it| it.expires.passed()) {
                let expired = device::expired(&pending, &self.context);
                self.end(id, Err(expired), Page::Failed);
            } else {
                self.workers.run(id, |context, worker| {
                    poll_for_tokens(pending, context, worker)
                });
            }
        }
    }

    /// Ends the logins that wait for an answer which can come in no way.
    pub(super) fn end_unreachable(&mut self) {
        if self.paste.as_ref().is_some_and(Paste::is_open) {
            return;
        }
        for index in 0..self.logins.len() {
            let login = &self.logins[index];
            if login.authorization().is_some() && login.listener.is_none() {
                let error = Error::NoWay {
                    server: login.server().to_owned(),
                    offers_device: login.could_use_device(),
                };
                self.end(LoginId(index), Err(error), Page::Failed);
            }
        }
    }

    /// Reports which logins a signal has ended.
    pub(super) fn cancel(&mut self) {
        let open = self.logins.iter().filter(|login| !login.is_done());
        let servers: Vec<_> = open.map(|login| login.server().to_owned()).collect();
        let is_stored = |login: &&ActiveLogin| matches!(&login.stage, Stage::Done { result, .. } if result.is_ok());
        let stored = self.logins.iter().filter(is_stored).count();
        (self.notify)(Event::Cancelled {
            servers: &servers,
            stored,
        });
    }
}
