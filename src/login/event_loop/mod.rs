//! Waiting for the answers of all logins at once: callbacks, pastes, signals and the deadline, in one loop.
//!
//! No message ends the wait unless it carries the state of a login. Whatever fails a check is answered, counted and
//! forgotten, so any number of strangers' requests changes nothing.

mod loop_event;
mod throttle;
mod turned_away;

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use crate::callback::pages::Page;
use crate::callback::peer;
use crate::callback::{Callback, Listener};
use crate::oauth::callback::{Denial, ExpectedResponse, Rejection};
use crate::oauth::endpoint;
use crate::oauth::paste::{self, PasteContent};
use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::os::signals::Signals;
use crate::os::terminal;
use crate::os::terminal::paste::{Paste, Read};

pub use loop_event::{Happening, Reason, Source};
use throttle::Throttle;
use turned_away::TurnedAway;

/// How often the countdown is renewed, and how often a rejection of one kind is announced.
const SECOND: Duration = Duration::from_secs(1);

/// Longest time that a browser waits for its page while the code is exchanged.
const PAGE_LIMIT: Duration = Duration::from_secs(10);

/// How long a finished login still answers a reload, if others keep the program running.
const RELOAD_GRACE: Duration = Duration::from_secs(2);

/// Why a paste is not taken.
struct Unfit {
    reason: Reason,
    why: String,
    /// The error that it names, without proof.
    claim: Option<String>,
}

impl Unfit {
    fn new(reason: Reason, why: &str) -> Self {
        Self {
            reason,
            why: why.to_owned(),
            claim: None,
        }
    }
}

/// What is wrong with a pasted answer without the promised issuer.
const NO_ISSUER: &str =
    "this does not name the authorization server that sent it (iss), which the server promises to do";

/// How far one login has come, as far as answers are concerned.
#[derive(Debug)]
enum Stage {
    /// It has no authorization request yet.
    Preparing,
    /// Its answer is awaited.
    Open(ExpectedResponse),
    /// Its answer has come and is being exchanged; browsers with this very answer wait for their page.
    Taken {
        query: String,
        held: Vec<u64>,
        page_due: Deadline,
    },
    /// It is over.
    Over {
        query: String,
        page: Page,
        until: Deadline,
    },
}

#[derive(Debug)]
struct Seat {
    listener: Option<Listener>,
    stage: Stage,
    turned_away: TurnedAway,
}

/// The desk at which all logins wait.
pub struct Desk<'a> {
    seats: Vec<Seat>,
    paste: Option<Paste>,
    signals: &'a mut Signals,
    waker: UnixStream,
    queue: VecDeque<Happening>,
    throttles: BTreeMap<(usize, &'static str), Throttle>,
    tick: Option<Deadline>,
}

impl<'a> Desk<'a> {
    /// Opens the desk for some logins. Workers write to the other end of `waker`; with `ticking`, each second is told.
    pub fn new(
        logins: usize,
        paste: Option<Paste>,
        signals: &'a mut Signals,
        waker: UnixStream,
        ticking: bool,
    ) -> Self {
        let seat = |_| Seat {
            listener: None,
            stage: Stage::Preparing,
            turned_away: TurnedAway::default(),
        };
        let seats = (0..logins).map(seat).collect();
        Self {
            seats,
            paste,
            signals,
            waker,
            queue: VecDeque::new(),
            throttles: BTreeMap::new(),
            tick: ticking.then(|| Deadline::after(SECOND)),
        }
    }

    /// Gives a login its sockets, which are served from now on.
    pub fn listen(&mut self, seat: usize, listener: Listener) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.listener = Some(listener);
        }
    }

    /// Tells what the answer of a login has to carry.
    pub fn expect(&mut self, seat: usize, expected: ExpectedResponse) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.stage = Stage::Open(expected);
        }
    }

    /// Answers the browsers of a login, and then waits anew: another request is being prepared on the same socket.
    pub fn reopen(&mut self, seat: usize) {
        self.close(seat, Page::OtherLogin);
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.stage = Stage::Preparing;
        }
    }

    /// Ends a login: its browsers get this page.
    pub fn close(&mut self, seat: usize, page: Page) {
        let Some(seat) = self.seats.get_mut(seat) else {
            return;
        };
        let mut query = String::new();
        if let Stage::Taken {
            query: taken, held, ..
        } = &mut seat.stage
        {
            query = std::mem::take(taken);
            for connection in held.drain(..) {
                seat.listener
                    .iter_mut()
                    .for_each(|listener| listener.answer(connection, page));
            }
        }
        let until = Deadline::after(if query.is_empty() {
            Duration::ZERO
        } else {
            RELOAD_GRACE
        });
        seat.stage = Stage::Over { query, page, until };
    }

    /// Tells whether the answer of a login can come to its socket.
    pub fn is_listening(&self, seat: usize) -> bool {
        self.seats
            .get(seat)
            .is_some_and(|seat| seat.listener.is_some())
    }

    /// Tells whether any way is left on which the answer of a login can come.
    pub fn can_receive(&self, seat: usize) -> bool {
        self.paste_is_open() || self.is_listening(seat)
    }

    /// Returns how many answers of a login were not accepted, and why, as a sentence; `None` if there were none.
    pub fn turned_away(&self, seat: usize) -> Option<String> {
        self.seats.get(seat)?.turned_away.sentence()
    }

    /// Returns how many bytes were typed or pasted that are not judged yet, or not finished.
    pub fn pasted(&self) -> usize {
        self.paste.as_ref().map_or(0, Paste::held)
    }

    /// Tells whether something can be pasted.
    pub fn paste_is_open(&self) -> bool {
        self.paste.as_ref().is_some_and(Paste::is_open)
    }

    /// Tells whether the program may read from its terminal now; not in the background of a shell.
    pub fn paste_is_readable(&self) -> bool {
        self.paste.as_ref().is_some_and(Paste::is_readable)
    }

    /// Sets the terminal up, at the start and again after the program was continued.
    pub fn resume(&mut self) {
        self.paste.iter_mut().for_each(Paste::arm);
    }

    /// Waits until something happens.
    pub fn next(&mut self, deadline: Deadline) -> Happening {
        loop {
            if let Some(happening) = self.queue.pop_front() {
                return happening;
            }
            if deadline.passed() {
                return Happening::DeadlinePassed;
            }
            let ready = self.poll(deadline);
            self.advance(&ready);
        }
    }

    /// Sends out what is still on its way to browsers, without waiting for anything new.
    pub fn flush(&mut self) {
        let ready = self.poll(Deadline::after(Duration::ZERO));
        self.advance(&ready);
    }

    /// Waits for the sockets, the output streams that have not taken all yet, and the earliest of all deadlines; tells what
    /// is ready, in the order of [`Self::watched`].
    fn poll(&self, deadline: Deadline) -> Vec<PollFlags> {
        let mut fds: Vec<PollFd> = self
            .watched()
            .map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags))
            .collect();
        let watched = fds.len();
        fds.extend(terminal::pending().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)));
        let left = self
            .deadlines()
            .chain([deadline])
            .map(Deadline::left)
            .min()
            .unwrap_or_default();
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => fds.iter().take(watched).map(PollFd::revents).collect(),
            Err(_) => vec![PollFlags::empty(); watched],
        }
    }

    /// What is waited for: the waker and the signals, then all sockets, then the paste.
    fn watched(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let own = [self.waker.as_fd(), self.signals.as_fd()]
            .into_iter()
            .map(|fd| (fd, PollFlags::IN));
        let sockets = self
            .seats
            .iter()
            .filter_map(|seat| seat.listener.as_ref())
            .flat_map(Listener::interests);
        let paste = self
            .paste
            .as_ref()
            .and_then(Paste::interest)
            .map(|fd| (fd, PollFlags::IN));
        own.chain(sockets).chain(paste)
    }

    fn deadlines(&self) -> impl Iterator<Item = Deadline> + '_ {
        let sockets = self
            .seats
            .iter()
            .filter_map(|seat| seat.listener.as_ref()?.next_deadline());
        let stages = self.seats.iter().filter_map(|seat| match &seat.stage {
            Stage::Taken { held, page_due, .. } if !held.is_empty() => Some(*page_due),
            Stage::Over { until, .. } if seat.listener.is_some() => Some(*until),
            _ => None,
        });
        let throttles = self.throttles.values().filter_map(Throttle::due_at);
        let paste = self.paste.as_ref().and_then(Paste::quiet_at);
        sockets
            .chain(stages)
            .chain(throttles)
            .chain(paste)
            .chain(self.tick)
    }

    fn advance(&mut self, ready: &[PollFlags]) {
        terminal::advance();
        let mut ready = ready.iter().copied();
        let [woken, signalled] =
            [ready.next(), ready.next()].map(|flags| flags.is_some_and(|flags| !flags.is_empty()));
        let mut callbacks = Vec::new();
        for (index, seat) in self.seats.iter_mut().enumerate() {
            if let Some(listener) = &mut seat.listener {
                let count = listener.interests().count();
                let flags: Vec<_> = ready.by_ref().take(count).collect();
                callbacks.extend(
                    listener
                        .advance(&flags)
                        .into_iter()
                        .map(|callback| (index, callback)),
                );
            }
        }
        if ready.next().is_some_and(|flags| !flags.is_empty()) {
            self.read_paste();
        }
        for (seat, callback) in callbacks {
            self.take_callback(seat, callback);
        }
        self.judge_paste();
        self.keep_time();
        if woken {
            let mut bytes = [0; 64];
            let _ = self.waker.read(&mut bytes);
            self.queue.push_back(Happening::Woken);
        }
        if signalled {
            while let Some(signal) = self.signals.take() {
                self.queue.push_back(Happening::Signal(signal));
            }
        }
    }

    fn take_callback(&mut self, index: usize, callback: Callback) {
        let Some(Seat {
            listener: Some(listener),
            stage,
            ..
        }) = self.seats.get_mut(index)
        else {
            return;
        };
        match stage {
            Stage::Open(expected) => {
                let checked = expected
                    .check(&callback.query)
                    .map_err(|rejection| (Reason::from(&rejection), rejection));
                let words = checked
                    .as_ref()
                    .err()
                    .and_then(|(_, rejection)| detail(rejection));
                // The system is asked last, and only about messages that would otherwise be taken, or shown.
                let counts = checked.is_ok() || words.is_some();
                let foreign = counts && peer::is_foreign(callback.ends.0, callback.ends.1);
                match checked {
                    // Who does not know the state learns nothing from it.
                    Err((Reason::NoState | Reason::CutState, _)) if foreign => {
                        listener.answer(callback.connection, Page::OtherLogin);
                        self.reject(index, Reason::NoState, None);
                    }
                    _ if foreign => {
                        listener.answer(callback.connection, Page::ForeignPeer);
                        self.reject(index, Reason::ForeignPeer, None);
                    }
                    Ok(answer) => {
                        let (query, held) = (callback.query, vec![callback.connection]);
                        *stage = Stage::Taken {
                            query,
                            held,
                            page_due: Deadline::after(PAGE_LIMIT),
                        };
                        self.queue.push_back(Happening::Answer {
                            seat: index,
                            answer,
                        });
                    }
                    Err((reason, _)) => {
                        listener.answer(callback.connection, reason.page());
                        self.reject(index, reason, words);
                    }
                }
            }
            Stage::Taken { query, held, .. } if *query == callback.query => {
                held.push(callback.connection)
            }
            Stage::Over { query, page, .. } if *query == callback.query => {
                listener.answer(callback.connection, *page)
            }
            Stage::Preparing | Stage::Taken { .. } | Stage::Over { .. } => {
                listener.answer(callback.connection, Page::OtherLogin);
                self.reject(index, Reason::StateMismatch, None);
            }
        }
    }

    /// Announces a callback that was not taken: the first of its kind at once, then at most one of its reason a second.
    fn reject(&mut self, seat: usize, reason: Reason, detail: Option<String>) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.turned_away.note(reason, detail.as_deref());
        }
        let throttle = self
            .throttles
            .entry((seat, reason.as_str()))
            .or_insert_with(|| Throttle::new(reason));
        self.queue.extend(throttle.note(seat, reason, detail));
    }

    fn read_paste(&mut self) {
        if self.paste.as_mut().map(Paste::advance) == Some(Read::End) {
            self.judge_paste();
            self.queue.push_back(Happening::PasteEnded);
        }
    }

    fn judge_paste(&mut self) {
        let Some(pasted) = self.paste.as_mut().and_then(Paste::judge) else {
            return;
        };
        let text = paste::clean(&pasted.bytes);
        let whole = if pasted.dropped > 0 {
            PasteContent::NotAnAnswer(paste::PasteMistake::TooLong)
        } else {
            paste::read(&text)
        };
        let first = self.take_pasted(&whole);
        // Several logins may be answered at once, a line each; an address in several lines is one answer all the same.
        let more = text
            .lines()
            .filter(|line| self.take_pasted(&paste::read(line)).is_ok())
            .count();
        match first {
            // Who has not finished typing is not told yet that it is wrong.
            Err(Unfit { reason, why, claim })
                if more == 0 && pasted.finished && whole != PasteContent::Empty =>
            {
                let bytes = pasted.bytes.len() + pasted.dropped;
                // A paste that belongs to no login belongs to the only one there is.
                if let [seat] = &mut self.seats[..] {
                    seat.turned_away.note(reason, claim.as_deref());
                }
                let says = claim
                    .map(|claim| format!("; it says, unproven: {claim}"))
                    .unwrap_or_default();
                let detail = Some(format!("{why}{says} ({bytes} bytes were pasted)"));
                let happening = Happening::Rejected {
                    seat: None,
                    source: Source::Paste,
                    reason,
                    detail,
                    count: 1,
                };
                self.queue.push_back(happening);
            }
            Err(_) if more == 0 => {}
            Ok(()) | Err(_) => self.paste.iter_mut().for_each(Paste::forget),
        }
    }

    /// Gives a paste to the login whose state it carries, through the very checks of a callback.
    fn take_pasted(&mut self, pasted: &PasteContent) -> Result<(), Unfit> {
        let answer = match pasted {
            PasteContent::Answer(answer) => answer,
            PasteContent::NotAnAnswer(why) => {
                return Err(Unfit::new(Reason::NotARedirect, why.reason()))
            }
            PasteContent::Empty => {
                return Err(Unfit::new(Reason::NotARedirect, "nothing was pasted"))
            }
        };
        let open =
            self.seats
                .iter_mut()
                .enumerate()
                .find_map(|(index, seat)| match &mut seat.stage {
                    Stage::Open(expected) if expected.owns(&answer.query) => {
                        Some((index, expected.clone(), &mut seat.stage))
                    }
                    _ => None,
                });
        let Some((seat, expected, stage)) = open else {
            return Err(self.nobodys(&answer.query));
        };
        if let Some(place) = answer
            .place
            .as_ref()
            .filter(|place| !endpoint::is_loopback(place))
        {
            let host = printable(place.host_str().unwrap_or_default());
            let why = format!("this address is on {host}, not on this machine");
            return Err(Unfit::new(Reason::NotARedirect, &why));
        }
        match expected.check(&answer.query) {
            Ok(checked) => {
                let (query, page_due) = (answer.query.clone(), Deadline::after(PAGE_LIMIT));
                *stage = Stage::Taken {
                    query,
                    held: Vec::new(),
                    page_due,
                };
                self.queue.push_back(Happening::Answer {
                    seat,
                    answer: checked,
                });
                Ok(())
            }
            Err(rejection) => {
                let (reason, words) = (Reason::from(&rejection), detail(&rejection));
                Err(match reason {
                    Reason::NoIssuer => Unfit {
                        claim: words,
                        ..Unfit::new(reason, NO_ISSUER)
                    },
                    Reason::IssuerMismatch => {
                        Unfit::new(reason, "it names another authorization server")
                    }
                    _ => Unfit::new(
                        reason,
                        words.as_deref().unwrap_or("this answer cannot be used"),
                    ),
                })
            }
        }
    }

    /// Says why a pasted answer belongs to no login that waits.
    fn nobodys(&self, query: &str) -> Unfit {
        let mut why = Unfit::new(Reason::StateMismatch, "this belongs to another login");
        for seat in &self.seats {
            let Stage::Open(expected) = &seat.stage else {
                continue;
            };
            let Err(rejection @ Rejection::NoState { .. }) = expected.check(query) else {
                continue;
            };
            let reason = Reason::from(&rejection);
            let missing = "a part of the address is missing; copy all of it";
            why = Unfit {
                claim: detail(&rejection),
                ..Unfit::new(reason, missing)
            };
        }
        why
    }

    /// Acts on everything whose time has come.
    fn keep_time(&mut self) {
        for seat in &mut self.seats {
            match &mut seat.stage {
                Stage::Taken { held, page_due, .. } if page_due.passed() => {
                    for connection in held.drain(..) {
                        seat.listener
                            .iter_mut()
                            .for_each(|listener| listener.answer(connection, Page::SeeTerminal));
                    }
                }
                Stage::Over { until, .. } if until.passed() => seat.listener = None,
                _ => {}
            }
        }
        for ((seat, _), throttle) in &mut self.throttles {
            if throttle.due_at().is_some_and(Deadline::passed) {
                let happening = throttle.announce(*seat);
                self.queue.push_back(happening);
            }
        }
        if self.tick.is_some_and(Deadline::passed) {
            self.tick = Some(Deadline::after(SECOND));
            self.queue.push_back(Happening::Tick);
        }
    }
}

/// Returns what a message says that is not taken: of a refusal that may pass, and of an error that proves nothing. Of other
/// rejections nothing is shown.
fn detail(rejection: &Rejection) -> Option<String> {
    let said = |denial: &Denial| {
        let description = denial
            .description
            .as_ref()
            .map(|words| format!(": {}", printable(words)));
        format!(
            "{}{}",
            printable(&denial.error),
            description.unwrap_or_default()
        )
    };
    match rejection {
        Rejection::Temporary(denial) => Some(format!("the server says {}", said(denial))),
        Rejection::NoState { claimed, .. } | Rejection::NoIssuer { claimed } => {
            claimed.as_ref().map(said)
        }
        _ => None,
    }
}
