//! The worker threads: what waits for the network or the disk is a job for one of them.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::stage::LoginId;
use super::{PendingAuthorization, Report, Request};
use crate::callback::Listener;
use crate::context::Context;
use crate::error::Error;
use crate::os::clock::Deadline;
use crate::os::socket::PairSocket;
use crate::os::sync::{lock, start_thread};
use crate::os::{signals, terminal};

/// Most workers at once; further jobs wait until one of them is free.
const MAX_WORKERS: usize = 8;

/// How much later than the deadline of the wait requests end, so that the deadline is what the user reads about.
const GRACE: Duration = Duration::from_millis(500);

/// Pause before the system is asked again for a thread that it refused.
const SPAWN_PAUSE: Duration = Duration::from_millis(250);

/// How often a byte is written at most until it wakes the event loop, and the pause between two tries.
const WAKE_TRIES: usize = 100;
const WAKE_PAUSE: Duration = Duration::from_millis(20);

/// What a worker sends to the event loop.
pub enum Message {
    /// The callback socket is bound.
    Listening(Listener),
    /// There is no callback socket; the answer has to be pasted.
    NotListening(Error),
    /// The authorization is requested: the user has to see a page.
    Requested(Box<PendingAuthorization>),
    /// There are no tokens for a device code yet.
    NotYet(Box<PendingAuthorization>),
    /// The tokens of a device code have come, and the login is completed with them.
    Answered,
    /// The server does not know our registration any more: a new one may be made, or the login ends with this error.
    ClientUnknown(Box<PendingAuthorization>, Error),
    /// The login is complete: it is stored now, or the stored one serves.
    Completed(Report),
    /// The login has failed.
    Failed(Error),
}

impl Message {
    /// Tells whether the job that sends it has ended.
    pub fn ends_job(&self) -> bool {
        !matches!(
            self,
            Self::Listening(_) | Self::NotListening(_) | Self::Answered
        )
    }
}

/// The way from a worker to the event loop.
pub struct WorkerHandle {
    login: LoginId,
    sender: Sender<(LoginId, Message)>,
    waker: Arc<PairSocket>,
    /// Whether an answer can be pasted.
    pub can_paste: bool,
    /// When the requests of the first step end.
    pub deadline: Deadline,
}

impl WorkerHandle {
    /// Sends a message and wakes the event loop.
    pub fn send(&self, message: Message) {
        // Once the event loop has ended, the message is not needed.
        if self.sender.send((self.login, message)).is_ok() {
            self.wake();
        }
    }

    /// A system that is short of memory may refuse even one byte for a moment.
    fn wake(&self) {
        for _ in 0..WAKE_TRIES {
            if (&*self.waker).write(&[1]).is_ok() {
                return;
            }
            thread::sleep(WAKE_PAUSE);
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;
type Queue = Arc<Mutex<VecDeque<Job>>>;

fn run_next(queue: &Queue) {
    let job = lock(queue).pop_front();
    if let Some(job) = job {
        job();
    }
}

/// A few threads at most, and the jobs that wait for one.
pub struct Workers {
    context: Arc<Context>,
    can_paste: bool,
    deadline: Deadline,
    sender: Sender<(LoginId, Message)>,
    messages: Receiver<(LoginId, Message)>,
    waker: Arc<PairSocket>,
    queue: Queue,
    waiting: usize,
    busy: usize,
    /// When [`Self::start_waiting`] has to be called though no message has come.
    pub retry_at: Option<Deadline>,
}

impl Workers {
    /// Prepares for jobs, whose requests end soon after `timeout`. The workers wake the event loop through `waker`.
    pub fn new(
        context: Arc<Context>,
        can_paste: bool,
        timeout: Duration,
        waker: PairSocket,
    ) -> Self {
        let (sender, messages) = mpsc::channel();
        Self {
            deadline: Deadline::after(timeout.saturating_add(GRACE)),
            context,
            can_paste,
            sender,
            messages,
            waker: Arc::new(waker),
            queue: Queue::default(),
            waiting: 0,
            busy: 0,
            retry_at: None,
        }
    }

    /// Lets the store be chosen and proven while the servers are asked: a keyring may take its time.
    pub fn prove_store(&self, request: &Arc<Request>) {
        let (context, request) = (Arc::clone(&self.context), Arc::clone(request));
        let prove = move || context.store(&request.key).is_ok();
        // Without a thread it is done when the store is needed.
        let _ = start_thread("store", prove);
    }

    /// Lets a worker run a step of a login, and send how it has ended.
    pub fn run(
        &mut self,
        login: LoginId,
        job: impl FnOnce(&Context, &WorkerHandle) -> Result<Message, Error> + Send + 'static,
    ) {
        let context = Arc::clone(&self.context);
        let worker = WorkerHandle {
            login,
            sender: self.sender.clone(),
            waker: Arc::clone(&self.waker),
            can_paste: self.can_paste,
            deadline: self.deadline,
        };
        let job = Box::new(move || {
            let message = job(&context, &worker);
            worker.send(message.unwrap_or_else(Message::Failed));
        });
        lock(&self.queue).push_back(job);
        self.waiting += 1;
        self.start_waiting();
    }

    /// Starts the jobs that wait, as far as there are workers for them. A job whose thread cannot be started waits for a
    /// worker to end; if none is at work, this thread runs it: an accepted code is always exchanged.
    pub fn start_waiting(&mut self) {
        self.retry_at = None;
        while self.busy < MAX_WORKERS && self.waiting > 0 {
            let queue = Arc::clone(&self.queue);
            // The thread is not joined: a slow server must not delay the end after a deadline or a signal.
            if let Err(err) = start_thread("login", move || run_next(&queue)) {
                if self.busy > 0 {
                    log::debug!("no thread can be started ({err}); waiting for one");
                    self.retry_at = Some(Deadline::after(SPAWN_PAUSE));
                    return;
                }
                log::info!("no thread can be started ({err}); going on without one");
                // The event loop cannot handle signals meanwhile, so they have their default effect.
                terminal::countdown(None);
                terminal::paste::restore();
                signals::unwatched(|| run_next(&self.queue));
            }
            self.waiting -= 1;
            self.busy += 1;
        }
    }

    /// Returns the next message of a worker.
    pub fn next_message(&mut self) -> Option<(LoginId, Message)> {
        let (login, message) = self.messages.try_recv().ok()?;
        if message.ends_job() {
            self.busy -= 1;
            self.start_waiting();
        }
        Some((login, message))
    }
}
