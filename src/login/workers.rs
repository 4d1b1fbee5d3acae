//! The workers of a run: a few threads, and what they tell the desk.

use std::collections::VecDeque;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{again, begin, finish, Attempt, Begun, Finished, Request};
use crate::callback::Listener;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::callback::AuthorizationCode;
use crate::os::clock::Deadline;
use crate::os::signals;
use crate::os::terminal;

/// Most workers at once; further logins begin when one of them is free.
const MAX_WORKERS: usize = 8;

/// How much later than the deadline requests end which nobody waits for any more, so that it is the deadline that is told.
const GRACE: Duration = Duration::from_millis(500);

/// Pause before a thread is asked for again which the system did not give.
const SPAWN_PAUSE: Duration = Duration::from_millis(250);

/// How often the desk is woken at most until it worked, and the pause between two tries.
const WAKE_TRIES: usize = 100;
const WAKE_PAUSE: Duration = Duration::from_millis(20);

/// What a worker tells the desk.
pub enum Message {
    /// The socket is bound.
    Listening(Listener),
    /// There is no socket; the login goes on by paste.
    NotListening(Error),
    /// The page that the user has to see is known, or will not be.
    Begun(Result<Begun, Error>),
    /// The login is kept, or has failed.
    Finished(Result<Finished, Error>),
}

/// The line from a worker to the desk.
pub struct Line {
    seat: usize,
    sender: Sender<(usize, Message)>,
    waker: Arc<UnixStream>,
    /// Whether an answer can be pasted.
    pub can_paste: bool,
    /// When nobody waits any more for what comes before the answer.
    pub deadline: Deadline,
}

impl Line {
    /// Tells the desk.
    pub fn send(&self, message: Message) {
        // If the desk is closed, nobody needs the message any more.
        if self.sender.send((self.seat, message)).is_ok() {
            self.wake();
        }
    }

    /// Wakes the desk. A system that is short of memory may refuse even one byte for a moment.
    fn wake(&self) {
        for _ in 0..WAKE_TRIES {
            if (&*self.waker).write(&[1]).is_ok() {
                return;
            }
            thread::sleep(WAKE_PAUSE);
        }
    }
}

/// A job of a worker. What a thread that could not be started takes with it is taken back.
type Job = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

fn run(job: &Job) {
    let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(job) = job {
        job();
    }
}

/// The workers: a few threads at most, and the jobs that wait for one.
pub struct Crew {
    /// What all workers share.
    pub context: Arc<Context>,
    requests: Vec<Arc<Request>>,
    can_paste: bool,
    deadline: Deadline,
    sender: Sender<(usize, Message)>,
    inbox: Receiver<(usize, Message)>,
    waker: Arc<UnixStream>,
    busy: usize,
    waiting: VecDeque<Job>,
    /// When a thread is asked for again which could not be started.
    retry_at: Option<Deadline>,
}

impl Crew {
    /// Gathers a crew for some logins. It wakes the desk through `waker`.
    pub fn new(
        requests: Vec<Request>,
        context: Arc<Context>,
        can_paste: bool,
        waker: UnixStream,
    ) -> Self {
        let (sender, inbox) = mpsc::channel();
        let requests = requests.into_iter().map(Arc::new).collect();
        let (waker, waiting) = (Arc::new(waker), VecDeque::new());
        let deadline = Deadline::after(context.timeout.saturating_add(GRACE));
        Self {
            context,
            requests,
            can_paste,
            deadline,
            sender,
            inbox,
            waker,
            busy: 0,
            waiting,
            retry_at: None,
        }
    }

    /// Returns the server of a login, as people know it.
    pub fn server(&self, seat: usize) -> String {
        self.requests
            .get(seat)
            .map(|request| request.key.server.clone())
            .unwrap_or_default()
    }

    /// Lets the store be chosen and proven while the servers are asked: a keyring may take its time.
    pub fn prove_store(&self) {
        let (context, request) = (Arc::clone(&self.context), self.requests.first().cloned());
        let prove = move || request.map(|request| context.store(&request.key).is_ok());
        // If there is no thread to be had, it is done when the store is needed.
        drop(thread::Builder::new().name("store".to_owned()).spawn(prove));
    }

    /// Lets a worker begin a login.
    pub fn begin(&mut self, seat: usize) {
        self.work(seat, |request, context, line| {
            Message::Begun(begin(request, context, line))
        });
    }

    /// Lets a worker finish a login.
    pub fn finish(&mut self, seat: usize, attempt: Box<Attempt>, code: AuthorizationCode) {
        self.work(seat, move |_, context, line| {
            Message::Finished(finish(context, *attempt, code, line.deadline))
        });
    }

    /// Lets a worker begin a login anew on the same socket.
    pub fn again(&mut self, seat: usize, attempt: Box<Attempt>) {
        self.work(seat, move |_, context, line| {
            Message::Begun(again(context, *attempt, line))
        });
    }

    fn work(
        &mut self,
        seat: usize,
        job: impl FnOnce(&Request, &Context, &Line) -> Message + Send + 'static,
    ) {
        let Some(request) = self.requests.get(seat).cloned() else {
            return;
        };
        let context = Arc::clone(&self.context);
        let (sender, waker) = (self.sender.clone(), Arc::clone(&self.waker));
        let line = Line {
            seat,
            sender,
            waker,
            can_paste: self.can_paste,
            deadline: self.deadline,
        };
        let job: Box<dyn FnOnce() + Send> = Box::new(move || {
            let message = job(&request, &context, &line);
            line.send(message);
        });
        self.waiting.push_back(Arc::new(Mutex::new(Some(job))));
        self.start_waiting();
    }

    /// Returns the moment at which [`Self::start_waiting`] has to be called though nothing else happens.
    pub fn retry_at(&self) -> Option<Deadline> {
        self.retry_at
    }

    /// Starts the jobs that wait, as far as there are workers for them. A job whose thread cannot be started waits for a
    /// worker to end; if none is at work, it is done in this thread: an accepted code is always exchanged.
    pub fn start_waiting(&mut self) {
        self.retry_at = None;
        while self.busy < MAX_WORKERS {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            self.busy += 1;
            // The thread is not joined: after a deadline or a signal nobody waits for a slow server.
            let theirs = Arc::clone(&job);
            match thread::Builder::new()
                .name("login".to_owned())
                .spawn(move || run(&theirs))
            {
                Ok(_) => {}
                Err(err) if self.busy > 1 => {
                    log::debug!("no thread can be started ({err}); waiting for one");
                    self.busy -= 1;
                    self.waiting.push_front(job);
                    self.retry_at = Some(Deadline::after(SPAWN_PAUSE));
                    return;
                }
                Err(err) => {
                    log::info!("no thread can be started ({err}); going on without one");
                    // Until it is done nobody answers signals, so they act by themselves.
                    terminal::countdown(None);
                    terminal::paste::restore();
                    signals::unwatched(|| run(&job));
                }
            }
        }
    }

    /// Returns the next thing that a worker has told.
    pub fn next_message(&mut self) -> Option<(usize, Message)> {
        let (seat, message) = self.inbox.try_recv().ok()?;
        if matches!(message, Message::Begun(_) | Message::Finished(_)) {
            self.busy -= 1;
            self.start_waiting();
        }
        Some((seat, message))
    }
}
