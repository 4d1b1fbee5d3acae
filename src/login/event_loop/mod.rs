//! Waiting for all logins at once, in one `poll` loop: callbacks, pastes, messages of the workers, signals and deadlines.
//!
//! Nothing blocks here but `poll`. No callback or paste ends a login unless it carries its state: whatever fails a check is
//! answered, counted and forgotten, so any number of strangers' requests changes nothing.

mod handlers;

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Accepted;
use super::stage::{ActiveLogin, LoginId, Stage};
use super::workers::Workers;
use super::{prepare, Event, Outcome, Request, UserOptions};
use crate::callback::Listener;
use crate::context::Context;
use crate::error::Error;
use crate::os::browser::BrowserChoice;
use crate::os::clock::{Deadline, Time};
use crate::os::poll::{self, AsFd, BorrowedFd, PollFlags};
use crate::os::signals::{self, Signal, Signals};
use crate::os::socket::{self, PairSocket};
use crate::os::terminal;
use crate::os::terminal::paste::Paste;

/// How often the countdown is renewed.
const TICK: Duration = Duration::from_secs(1);

/// How long a signal waits for a code that is being exchanged.
const SIGNAL_GRACE: Duration = Duration::from_secs(2);

/// The logins of a run, and everything that they wait for.
pub struct EventLoop<'a> {
    context: Arc<Context>,
    logins: Vec<ActiveLogin>,
    workers: Workers,
    /// Workers write a byte to its other end.
    woken: PairSocket,
    paste: Option<Paste>,
    browser: BrowserChoice,
    /// How long all logins may take.
    timeout: Duration,
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
        options: UserOptions,
        notify: &'a mut dyn FnMut(Event),
    ) -> Result<Self, Error> {
        let UserOptions {
            browser,
            paste,
            timeout,
        } = options;
        let signals = Signals::watch().map_err(Error::unexpected("cannot watch for signals"))?;
        let (waker, woken) = socket::nonblocking_pair()
            .map_err(Error::unexpected("cannot make a pair of sockets"))?;
        let has_countdown = terminal::is_terminal() || paste.is_some();
        Ok(Self {
            logins: requests.into_iter().map(ActiveLogin::new).collect(),
            workers: Workers::new(Arc::clone(&context), paste.is_some(), timeout, waker),
            woken,
            paste,
            browser,
            timeout,
            signals,
            signal: None,
            deadline: Deadline::after(timeout),
            is_late: false,
            expires_at: Time::now().plus(timeout.as_secs()),
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
            let request = Arc::clone(&login.request);
            self.workers.run(LoginId(index), move |context, worker| {
                prepare(&request, context, worker)
            });
        }
        while !self.logins.iter().all(ActiveLogin::is_done) {
            self.wait();
            self.on_messages();
            self.on_signals();
            self.on_deadlines();
            if let Some(signal) = self.signal.filter(|_| !self.may_complete()) {
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
                Stage::Done { result, .. } => Some(*result),
                _ => None,
            });
        Ok(Outcome::Done(results.collect()))
    }

    /// After a signal, an accepted code is still exchanged and stored if that can be done at once, and so are tokens that a poll
    /// under way brings.
    fn may_complete(&self) -> bool {
        let has_answer =
            |login: &ActiveLogin| matches!(login.stage, Stage::Polling | Stage::Completing { .. });
        self.logins.iter().any(has_answer) && !self.deadline.passed()
    }

    /// Returns whether only accepted codes are still completed: the deadline has passed, or a signal has come.
    fn is_ending(&self) -> bool {
        self.is_late || self.deadline.passed() || self.signal.is_some()
    }

    /// Waits until something happens, and serves the sockets and the paste.
    fn wait(&mut self) {
        let ready = self.poll(self.next_deadline());
        let mut ready = ready.into_iter();
        terminal::advance();
        if ready.next().is_some_and(|flags| !flags.is_empty()) {
            let mut bytes = [0; 64];
            // A byte only announces messages, which are read in any case.
            let _ = self.woken.read(&mut bytes);
        }
        // Signals are read in any case, too.
        ready.next();
        for (id, (pending, answer)) in self.serve(&mut ready) {
            self.on_answer(id, pending, answer);
        }
        self.announce_rejections();
        self.on_paste(ready.next().is_some_and(|flags| !flags.is_empty()));
    }

    /// Waits for everything in [`Self::watched`], for the output streams with unwritten output, and at most until a
    /// deadline, or shorter; returns what is ready.
    fn poll(&self, deadline: Deadline) -> Vec<PollFlags> {
        let mut watched: Vec<_> = self.watched().collect();
        let count = watched.len();
        watched.extend(terminal::pending().map(|fd| (fd, PollFlags::OUT)));
        let mut ready = poll::wait(&watched, Some(deadline.wait())).unwrap_or_default();
        ready.resize(count, PollFlags::empty());
        ready
    }

    /// Returns what is waited for: the workers and the signals, the callback sockets of each login, and last the paste, which
    /// may be missing.
    fn watched(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let always = [self.woken.as_fd(), self.signals.as_fd()];
        let listeners = self.logins.iter().filter_map(|it| it.listener.as_ref());
        let paste = self.paste.as_ref().and_then(Paste::interest);
        let to_read = |fd| (fd, PollFlags::IN);
        always
            .into_iter()
            .map(to_read)
            .chain(listeners.flat_map(Listener::interests))
            .chain(paste.map(to_read))
    }

    fn next_deadline(&self) -> Deadline {
        let paste = self.paste.as_ref().and_then(|paste| paste.quiet_at);
        self.logins
            .iter()
            .filter_map(ActiveLogin::next_deadline)
            .chain(
                [self.tick, paste, self.workers.retry_at]
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
        if self.workers.retry_at.is_some_and(Deadline::passed) {
            self.workers.start_waiting();
        }
        while let Some((id, message)) = self.workers.next_message() {
            self.on_message(id, message);
        }
    }

    fn on_paste(&mut self, is_readable: bool) {
        let Some(paste) = &mut self.paste else {
            return;
        };
        if is_readable {
            paste.advance();
        }
        let has_ended = is_readable && !paste.is_open();
        if let Some(pasted) = paste.judge() {
            self.on_pasted(&pasted);
        }
        if has_ended {
            (self.notify)(Event::PasteEnded);
            self.end_unreachable();
        }
    }

    fn on_signals(&mut self) {
        while let Some(signal) = self.signals.take() {
            match signal {
                Signal::End(signal) => {
                    self.signal = Some(signal);
                    self.deadline = self.deadline.min(Deadline::after(SIGNAL_GRACE));
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
            login.on_deadline();
            if let Some(asked) = login.reminder() {
                (self.notify)(Event::Silent {
                    server: login.server(),
                    asked: &asked,
                });
            }
        }
        self.poll_due();
        if self.tick.is_some_and(Deadline::passed) {
            self.tick = Some(Deadline::after(TICK));
            self.show_countdown();
        }
        if self.deadline.passed() && self.signal.is_none() {
            self.on_timeout();
        }
    }
}
