//! Threads that do what waits for the network: as many as there are requests under way, but not without end. The one that was
//! busy last works first, so that few threads keep memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

use super::stdio::Waker;
use crate::os::memory;
use crate::os::sync::lock;

/// What waits for which threads: what is quickly done has threads of its own, since requests may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// One after another.
    Ordered,
    /// Beside the requests.
    Brief,
    /// Requests, which may take long.
    Request,
}

impl JobKind {
    const ALL: [Self; 3] = [Self::Ordered, Self::Brief, Self::Request];

    /// Returns how many threads work on it at most.
    fn threads(self) -> usize {
        match self {
            Self::Ordered => 1,
            Self::Brief => 16,
            Self::Request => 128,
        }
    }
}

/// The stack of a thread, in bytes; the part that is not used takes no memory.
const STACK_BYTES: usize = 1024 * 1024;

/// How much may wait for a thread, in bytes of messages; no more is read from the client then.
const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// How much may be under way before no more is read from the client, in bytes of messages.
const MAX_RUNNING_BYTES: usize = 512 * 1024 * 1024;

/// What a message takes beside its text.
const MESSAGE_BYTES: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct KindQueue {
    waiting: VecDeque<(usize, Job)>,
    running: usize,
}

/// The threads, and what waits for them. The jobs of a kind begin in their order.
pub struct RequestWorkers {
    state: Mutex<JobQueue>,
    waker: Arc<Waker>,
}

#[derive(Default)]
struct JobQueue {
    queues: [KindQueue; 3],
    queued_bytes: usize,
    running_bytes: usize,
    idle: Vec<Thread>,
    threads: usize,
}

impl RequestWorkers {
    /// Prepares; no thread is started yet.
    pub fn new(waker: Arc<Waker>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            waker,
        })
    }

    /// Tells whether more may be read from the client.
    pub fn has_room(&self) -> bool {
        let state = lock(&self.state);
        state.has_room()
    }

    /// Does something in a thread, for a message of this size.
    pub fn submit(
        self: &Arc<Self>,
        kind: JobKind,
        bytes: usize,
        job: impl FnOnce() + Send + 'static,
    ) {
        let bytes = bytes + MESSAGE_BYTES;
        let mut state = lock(&self.state);
        state.queued_bytes += bytes;
        let queue = state.queue(kind);
        queue.waiting.push_back((bytes, Box::new(job)));
        if queue.running >= kind.threads() {
            // Whoever is done with one of them takes it.
            return;
        }
        if let Some(thread) = state.idle.pop() {
            thread.unpark();
        } else if state.threads < JobKind::ALL.map(JobKind::threads).iter().sum()
            && self.start().is_ok()
        {
            state.threads += 1;
        }
    }

    fn start(self: &Arc<Self>) -> io::Result<()> {
        let workers = Arc::clone(self);
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn(move || workers.work()).map(drop)
    }

    fn work(&self) {
        let thread = thread::current();
        let mut state = lock(&self.state);
        loop {
            let had_room = state.has_room();
            let Some((kind, bytes, job)) = state.take() else {
                state.idle.retain(|idle| idle.id() != thread.id());
                state.idle.push(thread.clone());
                drop(state);
                match memory::release_unused() {
                    Some(left) => thread::park_timeout(left),
                    None => thread::park(),
                }
                state = lock(&self.state);
                continue;
            };
            state.queued_bytes -= bytes;
            state.running_bytes += bytes;
            self.wake_if(!had_room && state.has_room());
            drop(state);
            job();
            state = lock(&self.state);
            let had_room = state.has_room();
            state.running_bytes -= bytes;
            state.queue(kind).running -= 1;
            self.wake_if(!had_room && state.has_room());
        }
    }

    fn wake_if(&self, has_got_room: bool) {
        if has_got_room {
            self.waker.wake();
        }
    }
}

impl JobQueue {
    fn queue(&mut self, kind: JobKind) -> &mut KindQueue {
        &mut self.queues[kind as usize]
    }

    fn take(&mut self) -> Option<(JobKind, usize, Job)> {
        JobKind::ALL.into_iter().find_map(|kind| {
            let queue = self.queue(kind);
            let (bytes, job) = match queue.running < kind.threads() {
                true => queue.waiting.pop_front()?,
                false => return None,
            };
            queue.running += 1;
            Some((kind, bytes, job))
        })
    }

    fn has_room(&self) -> bool {
        let is_short = self.queued_bytes < MAX_QUEUED_BYTES;
        is_short && self.running_bytes < MAX_RUNNING_BYTES
    }
}
