//! All logins of a run at one desk: what happens there, and what it means for each of them.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::workers::{Crew, Message};
use super::{Attempt, Begun, Event, Finished, Invitation, Report, Request};
use crate::callback::pages::Page;
use crate::context::Context;
use crate::error::{self, Error};
use crate::login::event_loop::{Desk, Happening, Reason};
use crate::oauth::callback::{AuthorizationResponse, Denial};
use crate::oauth::client;
use crate::os::browser;
use crate::os::clock::{Deadline, Time};
use crate::os::signals::{self, Signal, Signals};
use crate::os::terminal;
use crate::os::terminal::paste::Paste;
use crate::registration;

/// How long a signal waits for a code that is being exchanged.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(2);

/// How long an accepted code is given after the deadline: its requests end by themselves before that.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(120);

/// How long nothing comes before it is said what was asked for: some servers show their errors in the browser only.
const SILENCE: Duration = Duration::from_secs(60);

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every login is complete or has failed; in the order of the requests.
    Done(Vec<Result<Report, Error>>),
    /// A signal ended it.
    Signal(i32),
}

impl Outcome {
    /// Returns the failure of a run that was for one login.
    pub fn failure(&self) -> Option<&Error> {
        match self {
            Self::Done(results) => results
                .first()
                .filter(|_| results.len() == 1)?
                .as_ref()
                .err(),
            Self::Signal(_) => None,
        }
    }
}

/// How far one login has come.
enum Progress {
    Beginning,
    Waiting(Box<Attempt>),
    Finishing,
    Over(Result<Report, Error>),
}

/// All logins of a run.
struct Run<'a> {
    crew: Crew,
    desk: Desk<'a>,
    progress: Vec<Progress>,
    deadline: Deadline,
    ends_at: Time,
    ending: Option<i32>,
    /// The time for answers is over; only what was accepted is still finished.
    is_late: bool,
    /// When it is said of a login that waits what was asked for, because nothing has come.
    silent_at: BTreeMap<usize, Deadline>,
    tell: &'a mut dyn FnMut(Event),
}

/// Logs in to all servers at once, and tells what happens as it happens.
///
/// # Errors
///
/// Only if the system lacks what every run needs; each login's own failure is part of the [`Outcome`].
pub fn run(
    requests: Vec<Request>,
    context: Arc<Context>,
    paste: Option<Paste>,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome, Error> {
    let system = |what| move |source| Error::Unexpected { what, source };
    let mut signals = Signals::watch().map_err(system("cannot watch for signals"))?;
    let (waker, woken) = UnixStream::pair().map_err(system("cannot make a pair of sockets"))?;
    woken
        .set_nonblocking(true)
        .and_then(|()| waker.set_nonblocking(true))
        .map_err(system("cannot set up a socket"))?;
    let ticking = terminal::is_terminal() || paste.is_some();
    let (logins, timeout) = (requests.len(), context.timeout);
    let crew = Crew::new(requests, context, paste.is_some(), waker);
    let mut run = Run {
        crew,
        desk: Desk::new(logins, paste, &mut signals, woken, ticking),
        progress: (0..logins).map(|_| Progress::Beginning).collect(),
        deadline: Deadline::after(timeout),
        ends_at: Time::now().plus(timeout.as_secs()),
        ending: None,
        is_late: false,
        silent_at: BTreeMap::new(),
        tell,
    };
    run.desk.resume();
    run.crew.prove_store();
    for seat in 0..logins {
        run.crew.begin(seat);
    }
    while !run.is_over() {
        if let Some(signal) = run.step() {
            run.cancel();
            return Ok(Outcome::Signal(signal));
        }
    }
    run.desk.flush();
    if let Some(signal) = run.ending {
        return Ok(Outcome::Signal(signal));
    }
    Ok(Outcome::Done(
        run.progress
            .into_iter()
            .filter_map(Progress::into_result)
            .collect(),
    ))
}

impl Progress {
    fn into_result(self) -> Option<Result<Report, Error>> {
        match self {
            Self::Over(result) => Some(result),
            Self::Beginning | Self::Waiting(_) | Self::Finishing => None,
        }
    }
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.progress
            .iter()
            .all(|progress| matches!(progress, Progress::Over(_)))
    }

    fn is_finishing(&self) -> bool {
        self.progress
            .iter()
            .any(|progress| matches!(progress, Progress::Finishing))
    }

    fn server(&self, seat: usize) -> String {
        self.crew.server(seat)
    }

    /// Waits for one happening and acts on it; returns the signal that ends the program.
    fn step(&mut self) -> Option<i32> {
        let retry_at = self.crew.retry_at();
        let until = self
            .silent_at
            .values()
            .copied()
            .chain(retry_at)
            .fold(self.deadline, Deadline::min);
        let happening = self.desk.next(until);
        self.break_the_silence();
        if retry_at.is_some_and(Deadline::passed) {
            self.crew.start_waiting();
        }
        // Whatever woke the desk: at a deadline, what is done already counts.
        while let Some((seat, message)) = self.crew.next_message() {
            self.hear(seat, message);
        }
        match happening {
            Happening::DeadlinePassed if !self.deadline.passed() => None,
            happening => self.act_on(happening),
        }
    }

    /// Acts on one happening; returns the signal that ends the program.
    fn act_on(&mut self, happening: Happening) -> Option<i32> {
        match happening {
            // What the workers have told was heard before.
            Happening::Woken => {}
            Happening::Answer { seat, answer } => self.take_answer(seat, answer),
            Happening::Rejected {
                seat,
                source,
                reason,
                detail,
                count,
            } => {
                // A paste that belongs to no login belongs to the only one there is, as far as people are concerned.
                let seat = seat.or((self.progress.len() == 1).then_some(0));
                if let Some(seat) = seat.filter(|_| reason == Reason::Temporary) {
                    self.confirm_client(seat);
                }
                let server = seat.map(|seat| self.server(seat));
                let (server, detail) = (server.as_deref(), detail.as_deref());
                (self.tell)(Event::Rejected {
                    server,
                    source,
                    reason,
                    detail,
                    count,
                });
            }
            Happening::PasteEnded => {
                (self.tell)(Event::PasteEnded);
                self.give_up_where_nothing_can_come();
            }
            Happening::Signal(Signal::End(signal)) if self.is_finishing() => {
                // A code that was accepted is exchanged and kept, if that can be done at once.
                self.ending = Some(signal);
                self.deadline = self.deadline.min(Deadline::after(SIGNAL_PATIENCE));
            }
            Happening::Signal(Signal::End(signal)) => return Some(signal),
            Happening::Signal(Signal::Stop) => {
                terminal::countdown(None);
                terminal::paste::restore();
                signals::stop();
                self.desk.resume();
            }
            Happening::Signal(Signal::Continue) => self.desk.resume(),
            Happening::Tick => self.tick(),
            Happening::DeadlinePassed => return self.end_the_wait(),
        }
        // After a signal only what is being finished is waited for.
        self.ending.filter(|_| !self.is_finishing())
    }

    fn tick(&mut self) {
        self.desk.resume();
        if self
            .progress
            .iter()
            .any(|progress| matches!(progress, Progress::Waiting(_)))
        {
            let (left, paste) = (self.deadline.left(), self.desk.paste_is_readable());
            let listening = (0..self.progress.len()).any(|seat| self.desk.is_listening(seat));
            let pasted = self.desk.pasted();
            (self.tell)(Event::Waiting {
                left,
                listening,
                paste,
                pasted,
            });
        }
    }

    fn hear(&mut self, seat: usize, message: Message) {
        let server = self.server(seat);
        match message {
            Message::Listening(listener) => {
                (self.tell)(Event::Listening {
                    server: &server,
                    redirect_uri: listener.redirect_uri(),
                });
                self.desk.listen(seat, listener);
            }
            Message::NotListening(failure) => {
                (self.tell)(Event::NotListening {
                    server: &server,
                    failure: &failure,
                });
            }
            // A login that the deadline has ended is not taken up again.
            _ if matches!(self.progress.get(seat), Some(Progress::Over(_))) => {}
            // It was cut off by the deadline, which is what is told.
            Message::Begun(Err(_)) if self.deadline.passed() => {}
            Message::Begun(Ok(Begun::Attempt(attempt))) => self.invite(seat, attempt),
            Message::Begun(Ok(Begun::Already(report))) => {
                self.end(seat, Ok(report), Page::LoggedIn)
            }
            Message::Finished(Ok(Finished::Stored(report))) => {
                self.end(seat, Ok(report), Page::LoggedIn)
            }
            Message::Finished(Ok(Finished::Unknown(attempt))) => self.register_anew(seat, attempt),
            Message::Begun(Err(err)) | Message::Finished(Err(err)) => {
                self.end(seat, Err(err), Page::Failed)
            }
        }
    }

    /// Shows the user the page, and opens it if that is possible.
    fn invite(&mut self, seat: usize, attempt: Box<Attempt>) {
        let server = self.server(seat);
        let context = &self.crew.context;
        self.desk
            .expect(seat, attempt.authorization.expected.clone());
        let skip = browser::skip(&context.browser, &context.environment);
        let invitation = Invitation {
            server: &server,
            url: &attempt.authorization.url,
            redirect_uri: &attempt.redirect_uri,
            expires_at: self.ends_at,
            skip,
            paste: self.desk.paste_is_readable(),
            in_background: self.desk.paste_is_open() && !self.desk.paste_is_readable(),
            listening: self.desk.is_listening(seat),
        };
        (self.tell)(Event::AuthorizationUrl(invitation));
        if skip.is_none() {
            browser::open(
                &attempt.authorization.url,
                &context.browser,
                &context.environment,
            );
        }
        self.put(seat, Progress::Waiting(attempt));
        self.silent_at.insert(seat, Deadline::after(SILENCE));
        self.give_up_where_nothing_can_come();
        self.tick();
    }

    fn take_answer(&mut self, seat: usize, answer: AuthorizationResponse) {
        let attempt = match self.put(seat, Progress::Finishing) {
            Some(Progress::Waiting(attempt)) => attempt,
            // The desk has no answer for a login that does not wait.
            other => return drop(other.map(|progress| self.put(seat, progress))),
        };
        match answer {
            AuthorizationResponse::Code(code) => {
                (self.tell)(Event::AnswerReceived {
                    server: &self.crew.server(seat),
                });
                self.crew.finish(seat, attempt, code);
            }
            AuthorizationResponse::Denied(denial) if attempt.heals(&denial.error) => {
                self.register_anew(seat, attempt)
            }
            AuthorizationResponse::Denied(denial) => self.deny(seat, &attempt, denial),
        }
    }

    /// Notes that the server knows the client of a login that still waits: it has answered with the state of that login.
    fn confirm_client(&self, seat: usize) {
        if let Some(Progress::Waiting(attempt)) = self.progress.get(seat) {
            registration::confirm(
                &self.crew.context.cache(),
                &attempt.found.server.issuer,
                &attempt.client,
            );
        }
    }

    fn deny(&mut self, seat: usize, attempt: &Attempt, denial: Denial) {
        // An answer that passed all checks proves that the server knows the client, unless it says that it does not.
        if !client::is_unknown(&denial.error) {
            registration::confirm(
                &self.crew.context.cache(),
                &attempt.found.server.issuer,
                &attempt.client,
            );
        }
        let (server, provider) = (self.server(seat), attempt.provider);
        self.end(
            seat,
            Err(Error::Denied {
                server,
                provider,
                denial,
            }),
            Page::Refused,
        );
    }

    fn register_anew(&mut self, seat: usize, attempt: Box<Attempt>) {
        let server = self.server(seat);
        (self.tell)(Event::Registering { server: &server });
        self.put(seat, Progress::Beginning);
        self.desk.reopen(seat);
        self.crew.again(seat, attempt);
    }

    /// Ends one login: first the browser is told, then the person.
    fn end(&mut self, seat: usize, result: Result<Report, Error>, page: Page) {
        let server = self.server(seat);
        self.desk.close(seat, page);
        match &result {
            Ok(report) => (self.tell)(Event::LoggedIn(report)),
            Err(error) => (self.tell)(Event::Failed {
                server: &server,
                error,
            }),
        }
        self.put(seat, Progress::Over(result));
    }

    /// Says which logins a signal has ended.
    fn cancel(&mut self) {
        let open = self.seats(|progress| !matches!(progress, Progress::Over(_)));
        let servers: Vec<_> = open.into_iter().map(|seat| self.server(seat)).collect();
        let stored = self
            .seats(|progress| matches!(progress, Progress::Over(Ok(_))))
            .len();
        if !servers.is_empty() {
            (self.tell)(Event::Cancelled {
                servers: &servers,
                stored,
            });
        }
    }

    /// Returns what a login that waits asked the authorization server for.
    fn asked(&self, seat: usize) -> Option<String> {
        let Some(Progress::Waiting(attempt)) = self.progress.get(seat) else {
            return None;
        };
        Some(error::asked(
            &attempt.client.id,
            &attempt.redirect_uri,
            &attempt.scopes,
        ))
    }

    /// Says once of each login, a minute after its page was shown and nothing came, what was asked for.
    fn break_the_silence(&mut self) {
        for seat in 0..self.progress.len() {
            if self.silent_at.get(&seat).is_some_and(|at| at.passed()) {
                self.silent_at.remove(&seat);
                if let Some(asked) = self.asked(seat) {
                    (self.tell)(Event::Silent {
                        server: &self.crew.server(seat),
                        asked: &asked,
                    });
                }
            }
        }
    }

    fn put(&mut self, seat: usize, progress: Progress) -> Option<Progress> {
        self.progress
            .get_mut(seat)
            .map(|place| std::mem::replace(place, progress))
    }

    fn seats(&self, wanted: fn(&Progress) -> bool) -> Vec<usize> {
        let seats = self.progress.iter().enumerate();
        seats
            .filter(|(_, progress)| wanted(progress))
            .map(|(seat, _)| seat)
            .collect()
    }

    fn give_up_where_nothing_can_come(&mut self) {
        for seat in self.seats(|progress| matches!(progress, Progress::Waiting(_))) {
            if !self.desk.can_receive(seat) {
                let server = self.server(seat);
                self.end(seat, Err(Error::NoWay { server }), Page::Failed);
            }
        }
    }

    /// The time is up: whoever has no answer yet has failed; an accepted code is still exchanged and kept.
    fn end_the_wait(&mut self) -> Option<i32> {
        if let Some(signal) = self.ending {
            return Some(signal);
        }
        if self.is_late {
            for seat in self.seats(|progress| !matches!(progress, Progress::Over(_))) {
                self.end(seat, Err(too_slow()), Page::Failed);
            }
            return None;
        }
        self.is_late = true;
        self.deadline = Deadline::after(EXCHANGE_PATIENCE);
        for seat in
            self.seats(|progress| matches!(progress, Progress::Beginning | Progress::Waiting(_)))
        {
            let (server, timeout) = (self.server(seat), self.crew.context.timeout);
            let (turned_away, asked) = (self.desk.turned_away(seat), self.asked(seat));
            self.end(
                seat,
                Err(Error::TimedOut {
                    server,
                    timeout,
                    turned_away,
                    asked,
                }),
                Page::Failed,
            );
        }
        None
    }
}

/// Says that an accepted answer could not be finished in any time.
fn too_slow() -> Error {
    let source = std::io::ErrorKind::TimedOut.into();
    Error::Unexpected {
        what: "an answer came, but the login could not be finished with it",
        source,
    }
}
