//! Waiting for all logins at once, in one `poll` loop: callbacks, pastes, messages of the workers, signals and deadlines.
//!
//! Nothing blocks here but `poll`. No message ends a login unless it carries its state: whatever fails a check is answered,
//! counted and forgotten, so any number of strangers' requests changes nothing.

use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::answer::{accept_pasted, Accepted, PasteRefused};
use super::pending::PendingAuthorization;
use super::stage::{Login, LoginId, Stage};
use super::workers::{Message, Workers};
use super::Started;
use super::{AuthorizationPage, Event, Incomplete, Outcome, Reason, Report, Request, Source};
use crate::callback::pages::Page;
use crate::callback::Listener;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::callback::AuthorizationResponse;
use crate::oauth::client;
use crate::oauth::paste::{self, PasteContent, PasteMistake};
use crate::os::browser;
use crate::os::clock::{Deadline, Time};
use crate::os::signals::{self, Signal, Signals};
use crate::os::terminal;
use crate::os::terminal::paste::{Paste, Pasted, Read};

/// How often the countdown is renewed.
const TICK: Duration = Duration::from_secs(1);

/// How long a signal waits for a code that is being exchanged.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(2);

/// How long an accepted code is given after the deadline: its requests end by themselves before that.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(120);

/// The logins of a run, and everything that they wait for.
pub struct EventLoop<'a> {
    context: Arc<Context>,
    logins: Vec<Login>,
    workers: Workers,
    /// Workers write a byte to its other end.
    woken: UnixStream,
    paste: Option<Paste>,
    signals: Signals,
    /// The signal that ends the run.
    signal: Option<i32>,
    /// When the wait for answers ends; after that, the wait for what is being completed.
    deadline: Deadline,
    is_late: bool,
    expires_at: Time,
    tick: Option<Deadline>,
    notify: &'a mut dyn FnMut(Event),
}

impl<'a> EventLoop<'a> {
    /// Prepares to wait.
    ///
    /// # Errors
    ///
    /// If the system lacks what every run needs.
    pub fn new(
        requests: Vec<Request>,
        context: Arc<Context>,
        paste: Option<Paste>,
        notify: &'a mut dyn FnMut(Event),
    ) -> Result<Self, Error> {
        let system = |what| move |source| Error::Unexpected { what, source };
        let signals = Signals::watch().map_err(system("cannot watch for signals"))?;
        let (waker, woken) = UnixStream::pair().map_err(system("cannot make a pair of sockets"))?;
        woken
            .set_nonblocking(true)
            .and_then(|()| waker.set_nonblocking(true))
            .map_err(system("cannot set up a socket"))?;
        let has_countdown = terminal::is_terminal() || paste.is_some();
        Ok(Self {
            logins: requests.into_iter().map(Login::new).collect(),
            workers: Workers::new(Arc::clone(&context), paste.is_some(), waker),
            woken,
            paste,
            signals,
            signal: None,
            deadline: Deadline::after(context.timeout),
            is_late: false,
            expires_at: Time::now().plus(context.timeout.as_secs()),
            tick: has_countdown.then(|| Deadline::after(TICK)),
            context,
            notify,
        })
    }

    /// Runs until every login is done, or a signal ends the run.
    pub fn run(mut self) -> Result<Outcome, Error> {
        self.arm_paste();
        if let Some(login) = self.logins.first() {
            self.workers.prove_store(&login.request);
        }
        for (index, login) in self.logins.iter().enumerate() {
            self.workers.prepare(LoginId(index), &login.request);
        }
        while !self.logins.iter().all(Login::is_done) {
            self.wait();
            self.on_messages();
            self.on_signals();
            self.on_deadlines();
            if let Some(signal) = self.signal.filter(|_| !self.is_patient()) {
                self.cancel();
                return Ok(Outcome::Signal(signal));
            }
        }
        self.flush();
        if let Some(signal) = self.signal {
            return Ok(Outcome::Signal(signal));
        }
        let results = self
            .logins
            .into_iter()
            .filter_map(|login| match login.stage {
                Stage::Done { result, .. } => Some(result),
                _ => None,
            });
        Ok(Outcome::Done(results.collect()))
    }

    /// After a signal, an accepted code is still exchanged and stored if that can be done at once.
    fn is_patient(&self) -> bool {
        self.is_completing() && !self.deadline.passed()
    }

    fn is_completing(&self) -> bool {
        self.logins.iter().any(Login::is_completing)
    }

    /// Waits until something happens, and serves the sockets and the paste.
    fn wait(&mut self) {
        let ready = self.poll(self.next_deadline());
        let mut ready = ready.into_iter();
        terminal::advance();
        if ready.next().is_some_and(|flags| !flags.is_empty()) {
            let mut bytes = [0; 64];
            // Each byte only says that there are messages, which are read anyway.
            let _ = self.woken.read(&mut bytes);
        }
        for (id, (pending, answer)) in self.serve(&mut ready) {
            self.on_answer(id, pending, answer);
        }
        self.announce_rejections();
        self.on_paste(ready.next().is_some_and(|flags| !flags.is_empty()));
    }

    /// Waits for everything in [`Self::watched`], for the output streams that have not taken all yet, and at most until a
    /// deadline; returns what is ready.
    fn poll(&self, deadline: Deadline) -> Vec<PollFlags> {
        let watched: Vec<_> = self.watched().collect();
        let count = watched.len();
        let output = terminal::pending().map(|fd| (fd, PollFlags::OUT));
        let mut fds: Vec<_> = watched
            .into_iter()
            .chain(output)
            .map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags))
            .collect();
        let left = deadline.left();
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => fds.iter().take(count).map(PollFd::revents).collect(),
            Err(_) => vec![PollFlags::empty(); count],
        }
    }

    /// Returns what is waited for: the workers, the callback sockets of each login, the paste, the signals.
    fn watched(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let workers = [(self.woken.as_fd(), PollFlags::IN)];
        let listeners = self
            .logins
            .iter()
            .filter_map(|login| login.listener.as_ref());
        let paste = self.paste.as_ref().and_then(Paste::interest);
        let others = paste.into_iter().chain([self.signals.as_fd()]);
        workers
            .into_iter()
            .chain(listeners.flat_map(Listener::interests))
            .chain(others.map(|fd| (fd, PollFlags::IN)))
    }

    fn next_deadline(&self) -> Deadline {
        let paste = self.paste.as_ref().and_then(Paste::quiet_at);
        self.logins
            .iter()
            .filter_map(Login::next_deadline)
            .chain(
                [self.tick, paste, self.workers.retry_at()]
                    .into_iter()
                    .flatten(),
            )
            .fold(self.deadline, Deadline::min)
    }

    /// Serves the callback sockets; `ready` begins with them. Returns the answers that were accepted.
    fn serve(&mut self, ready: &mut impl Iterator<Item = PollFlags>) -> Vec<(LoginId, Accepted)> {
        let mut answers = Vec::new();
        for (index, login) in self.logins.iter_mut().enumerate() {
            let sockets = login.listener.iter().flat_map(Listener::interests).count();
            let flags: Vec<_> = ready.by_ref().take(sockets).collect();
            answers.extend(login.serve(&flags).map(|answer| (LoginId(index), answer)));
        }
        answers
    }

    /// Sends out what is still on its way to browsers, without waiting for anything new.
    fn flush(&mut self) {
        let ready = self.poll(Deadline::after(Duration::ZERO));
        self.serve(&mut ready.into_iter().skip(1));
    }

    /// Reads the messages of the workers.
    fn on_messages(&mut self) {
        if self.workers.retry_at().is_some_and(Deadline::passed) {
            self.workers.start_waiting();
        }
        while let Some((id, message)) = self.workers.next_message() {
            self.on_message(id, message);
        }
    }

    fn on_message(&mut self, id: LoginId, message: Message) {
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
            Message::Started(_) | Message::Completed(_) if login.is_done() => {}
            // Its request was cut off by the deadline, which ends the login next.
            Message::Started(Err(_)) if self.deadline.passed() => {}
            Message::Started(Ok(Started::Pending(pending))) => self.show_page(id, pending),
            Message::Started(Ok(Started::AlreadyLoggedIn(report)))
            | Message::Completed(Ok(report)) => self.end(id, Ok(report), Page::LoggedIn),
            Message::Completed(Err(Incomplete::ClientUnknown(pending))) => {
                self.reregister(id, *pending);
            }
            Message::Started(Err(error)) | Message::Completed(Err(Incomplete::Failed(error))) => {
                self.end(id, Err(error), Page::Failed);
            }
        }
    }

    /// Shows the user the page, opens it if that is possible, and waits for the answer from now on.
    fn show_page(&mut self, id: LoginId, pending: Box<PendingAuthorization>) {
        let PendingAuthorization::Redirect {
            preparation,
            authorization,
            ..
        } = &*pending;
        let login = &mut self.logins[id.0];
        let (browser, environment) = (&self.context.browser, &self.context.environment);
        let skip = browser::skip(browser, environment);
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
        if skip.is_none() {
            browser::open(&authorization.url, browser, environment);
        }
        login.wait(pending);
        self.end_unreachable();
        self.show_countdown();
    }

    /// Acts on an answer that passed all checks.
    fn on_answer(
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
                return self.workers.complete(id, *pending, code);
            }
            AuthorizationResponse::Denied(denial) => denial,
        };
        if pending.can_reregister(&denial.error) {
            return self.reregister(id, *pending);
        }
        // Any other answer proves that the server knows the client.
        if !client::is_unknown(&denial.error) {
            pending.confirm_client(&self.context.cache());
        }
        let error = Error::Denied {
            server: self.logins[id.0].server().to_owned(),
            provider: pending.preparation().provider(),
            denial,
        };
        self.end(id, Err(error), Page::Refused);
    }

    fn reregister(&mut self, id: LoginId, pending: PendingAuthorization) {
        let login = &mut self.logins[id.0];
        (self.notify)(Event::Registering {
            server: login.server(),
        });
        login.restart();
        self.workers.reregister(id, pending);
    }

    /// Ends one login: first the browser gets its page, then the user reads about it.
    fn end(&mut self, id: LoginId, result: Result<Report, Error>, page: Page) {
        let login = &mut self.logins[id.0];
        login.end(result, page);
        if let Stage::Done { result, .. } = &login.stage {
            (self.notify)(match result {
                Ok(report) => Event::LoggedIn(report),
                Err(error) => Event::Failed {
                    server: login.server(),
                    error,
                },
            });
        }
    }

    fn announce_rejections(&mut self) {
        for login in &mut self.logins {
            for announcement in login.rejections.announce() {
                if announcement.reason == Reason::Temporary {
                    login.confirm_client(&self.context.cache());
                }
                (self.notify)(Event::Rejected {
                    server: Some(login.server()),
                    source: Source::Callback,
                    reason: announcement.reason,
                    detail: announcement.detail.as_deref(),
                    count: announcement.count,
                });
            }
        }
    }

    fn on_paste(&mut self, is_readable: bool) {
        let Some(paste) = &mut self.paste else {
            return;
        };
        let has_ended = is_readable && paste.advance() == Read::End;
        if let Some(pasted) = paste.judge() {
            self.on_pasted(&pasted);
        }
        if has_ended {
            (self.notify)(Event::PasteEnded);
            self.end_unreachable();
        }
    }

    /// Several logins may be answered at once, a line each; an address in several lines is one answer all the same.
    fn on_pasted(&mut self, pasted: &Pasted) {
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
            // Who has not finished typing does not read yet that it is wrong.
            Err(refused) if answers.is_empty() => {
                if pasted.finished && whole != PasteContent::Empty {
                    self.reject_pasted(refused, pasted.bytes.len() + pasted.dropped);
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
            source: Source::Paste,
            reason,
            detail: Some(&format!("{why}{claim} ({bytes} bytes were pasted)")),
            count: 1,
        });
    }

    fn on_signals(&mut self) {
        while let Some(signal) = self.signals.take() {
            match signal {
                Signal::End(signal) => {
                    self.signal = Some(signal);
                    self.deadline = self.deadline.min(Deadline::after(SIGNAL_PATIENCE));
                }
                Signal::Stop => {
                    terminal::countdown(None);
                    terminal::paste::restore();
                    signals::stop();
                    self.arm_paste();
                }
                Signal::Continue => self.arm_paste(),
            }
        }
    }

    /// Sets the terminal up, at the start and again after the program was continued.
    fn arm_paste(&mut self) {
        if let Some(paste) = &mut self.paste {
            paste.arm();
        }
    }

    /// Does what is due.
    fn on_deadlines(&mut self) {
        for login in &mut self.logins {
            login.keep_time();
            if let Some(asked) = login.reminder() {
                (self.notify)(Event::Silent {
                    server: login.server(),
                    asked: &asked,
                });
            }
        }
        if self.tick.is_some_and(Deadline::passed) {
            self.tick = Some(Deadline::after(TICK));
            self.show_countdown();
        }
        if self.deadline.passed() && self.signal.is_none() {
            self.on_timeout();
        }
    }

    fn show_countdown(&mut self) {
        self.arm_paste();
        if self.logins.iter().any(Login::is_waiting) {
            (self.notify)(Event::Waiting {
                left: self.deadline.left(),
                listening: self.logins.iter().any(|login| login.listener.is_some()),
                paste: self.paste.as_ref().is_some_and(Paste::is_readable),
                pasted: self.paste.as_ref().map_or(0, Paste::held),
            });
        }
    }

    /// Ends the logins that have no answer yet; an accepted code is still exchanged and stored. The second time, ends all.
    fn on_timeout(&mut self) {
        let is_second = std::mem::replace(&mut self.is_late, true);
        self.deadline = Deadline::after(EXCHANGE_PATIENCE);
        for index in 0..self.logins.len() {
            let login = &self.logins[index];
            let error = match login.stage {
                Stage::Done { .. } => continue,
                _ if is_second => Error::Unexpected {
                    what: "an answer came, but the login could not be finished with it",
                    source: std::io::ErrorKind::TimedOut.into(),
                },
                Stage::Completing { .. } => continue,
                Stage::Preparing | Stage::Waiting { .. } => Error::TimedOut {
                    server: login.server().to_owned(),
                    timeout: self.context.timeout,
                    turned_away: login.rejections.sentence(),
                    asked: login.asked(),
                },
            };
            self.end(LoginId(index), Err(error), Page::Failed);
        }
    }

    /// Ends the logins that wait for an answer which can come in no way.
    fn end_unreachable(&mut self) {
        if self.paste.as_ref().is_some_and(Paste::is_open) {
            return;
        }
        for index in 0..self.logins.len() {
            let login = &self.logins[index];
            if login.is_waiting() && login.listener.is_none() {
                let server = login.server().to_owned();
                self.end(LoginId(index), Err(Error::NoWay { server }), Page::Failed);
            }
        }
    }

    /// Reports which logins a signal has ended.
    fn cancel(&mut self) {
        let open = self.logins.iter().filter(|login| !login.is_done());
        let servers: Vec<_> = open.map(|login| login.server().to_owned()).collect();
        let is_stored = |login: &&Login| matches!(login.stage, Stage::Done { result: Ok(_), .. });
        let stored = self.logins.iter().filter(is_stored).count();
        (self.notify)(Event::Cancelled {
            servers: &servers,
            stored,
        });
    }
}
