//! The workers of a run: a few threads, and what they tell the desk.

use std::collections::VecDeque;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Arc;
use std::thread;

use super::{again, begin, finish, Attempt, Begun, Finished, Request};
use crate::error::LoginError;
use crate::listener::Listener;
use crate::oauth::callback::AuthorizationCode;
use crate::tools::Tools;

/// Most workers at once; further logins begin when one of them is free.
const MAX_WORKERS: usize = 8;

/// What a worker tells the desk.
pub enum Message {
    /// The socket is bound.
    Listening(Listener),
    /// There is no socket; the login goes on by paste.
    NotListening(LoginError),
    /// The page that the user has to see is known, or will not be.
    Begun(Result<Begun, LoginError>),
    /// The login is kept, or has failed.
    Finished(Result<Finished, LoginError>),
}

/// The line from a worker to the desk.
pub struct Line {
    seat: usize,
    sender: Sender<(usize, Message)>,
    waker: Arc<UnixStream>,
    /// Whether an answer can be pasted.
    pub can_paste: bool,
}

impl Line {
    /// Tells the desk.
    pub fn send(&self, message: Message) {
        // If the desk is closed, nobody needs the message any more.
        if self.sender.send((self.seat, message)).is_ok() {
            let _ = (&*self.waker).write(&[1]);
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// The workers: a few threads at most, and the jobs that wait for one.
pub struct Crew {
    /// What all workers share.
    pub tools: Arc<Tools>,
    requests: Vec<Arc<Request>>,
    can_paste: bool,
    sender: Sender<(usize, Message)>,
    inbox: Receiver<(usize, Message)>,
    waker: Arc<UnixStream>,
    busy: usize,
    waiting: VecDeque<Job>,
}

impl Crew {
    /// Gathers a crew for some logins. It wakes the desk through `waker`.
    pub fn new(requests: Vec<Request>, tools: Arc<Tools>, can_paste: bool, waker: UnixStream) -> Self {
        let (sender, inbox) = mpsc::channel();
        let requests = requests.into_iter().map(Arc::new).collect();
        Self { tools, requests, can_paste, sender, inbox, waker: Arc::new(waker), busy: 0, waiting: VecDeque::new() }
    }

    /// Returns the server of a login, as people know it.
    pub fn server(&self, seat: usize) -> String {
        self.requests.get(seat).map(|request| request.key.server.clone()).unwrap_or_default()
    }

    /// Lets the store be chosen and proven while the servers are asked: a keyring may take its time.
    pub fn prove_store(&self) {
        let (tools, request) = (Arc::clone(&self.tools), self.requests.first().cloned());
        let prove = move || request.map(|request| tools.store(&request.key).is_ok());
        // If there is no thread to be had, it is done when the store is needed.
        drop(thread::Builder::new().name("store".to_owned()).spawn(prove));
    }

    /// Lets a worker begin a login.
    pub fn begin(&mut self, seat: usize) {
        self.work(seat, |request, tools, line| Message::Begun(begin(request, tools, line)));
    }

    /// Lets a worker finish a login.
    pub fn finish(&mut self, seat: usize, attempt: Box<Attempt>, code: AuthorizationCode) {
        self.work(seat, move |request, tools, _| Message::Finished(finish(request, tools, *attempt, code)));
    }

    /// Lets a worker begin a login anew on the same socket.
    pub fn again(&mut self, seat: usize, attempt: Box<Attempt>) {
        self.work(seat, move |request, tools, _| Message::Begun(again(request, tools, *attempt)));
    }

    fn work(&mut self, seat: usize, job: impl FnOnce(&Request, &Tools, &Line) -> Message + Send + 'static) {
        let Some(request) = self.requests.get(seat).cloned() else { return };
        let tools = Arc::clone(&self.tools);
        let line =
            Line { seat, sender: self.sender.clone(), waker: Arc::clone(&self.waker), can_paste: self.can_paste };
        self.waiting.push_back(Box::new(move || {
            let message = job(&request, &tools, &line);
            line.send(message);
        }));
        self.start_waiting();
    }

    fn start_waiting(&mut self) {
        while self.busy < MAX_WORKERS {
            let Some(job) = self.waiting.pop_front() else { return };
            self.busy += 1;
            // The thread is not joined: after a deadline or a signal nobody waits for a slow server.
            if let Err(err) = thread::Builder::new().name("login".to_owned()).spawn(job) {
                log::warn!("a login could not be worked on: {err}");
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
