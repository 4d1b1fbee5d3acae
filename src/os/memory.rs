//! What all answers that are being read may hold together. Where it is used up, the others wait, and with them the server: it
//! sends no more to a connection from which nobody reads. One answer always goes on, so nothing waits for itself.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::sync::{lock, wait};

/// What each answer may hold without asking, in bytes: small answers never wait for large ones.
const FREE_BYTES: usize = 256 * 1024;

/// What all may hold beyond that, in bytes, before only one goes on.
const SHARED_BYTES: usize = 64 * 1024 * 1024;

/// How long an answer waits while none of those that hold memory gets on.
const PATIENCE: Duration = Duration::from_secs(7);

/// The memory of answers that are longer than this is taken from the system and goes back to it at once: an allocator may keep
/// less for the next answer, for each thread. In bytes.
const MAPPED_FROM: usize = 1024 * 1024;

/// What is taken then, in bytes: more than any allocator keeps. What is not written to takes no memory.
const MAPPED_BYTES: usize = 33 * 1024 * 1024;

/// The longest answer whose memory is kept for the next one, in bytes, and for how long: to get new memory from the system
/// takes longer than to read the answer.
const SPARE_BYTES: usize = 8 * 1024 * 1024;
const SPARE_TIME: Duration = Duration::from_secs(1);

/// The memory of this process.
static SHARED: Memory = Memory::new();

/// The memory of the last long answer, and since when it is not used.
static SPARE: Mutex<Option<(Vec<u8>, Instant)>> = Mutex::new(None);

/// Memory that answers share.
#[derive(Debug)]
struct Memory {
    state: Mutex<MemoryState>,
    changed: Condvar,
}

#[derive(Debug)]
struct MemoryState {
    bytes: usize,
    /// One answer goes on beyond what is shared.
    has_exception: bool,
    /// How many answers are read, and wait for the client to take them.
    complete: usize,
    last_progress: Option<Instant>,
}

/// What one answer holds; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    memory: &'static Memory,
    bytes: usize,
    is_exception: bool,
    is_complete: bool,
}

impl Default for Held {
    fn default() -> Self {
        Self::of(&SHARED)
    }
}

impl Held {
    const fn of(memory: &'static Memory) -> Self {
        Self {
            memory,
            bytes: 0,
            is_exception: false,
            is_complete: false,
        }
    }

    /// Waits until so many bytes may be held. Returns `false` if nothing has moved for too long: the server has stopped in the
    /// middle of other answers.
    pub fn resize(&mut self, bytes: usize) -> bool {
        self.resize_within(bytes, PATIENCE)
    }

    fn resize_within(&mut self, bytes: usize, patience: Duration) -> bool {
        let wanted = bytes.saturating_sub(FREE_BYTES);
        if wanted == self.bytes {
            return true;
        }
        let mut state = lock(&self.memory.state);
        let began = Instant::now();
        while wanted > self.bytes
            && !self.is_exception
            && state.bytes - self.bytes + wanted > SHARED_BYTES
        {
            if !state.has_exception {
                (state.has_exception, self.is_exception) = (true, true);
                break;
            }
            let moved = state.last_progress.map_or(began, |last| last.max(began));
            let left = match patience.saturating_sub(moved.elapsed()) {
                Duration::ZERO if state.complete == 0 => return false,
                // The client takes its time.
                Duration::ZERO => patience,
                left => left,
            };
            state = wait(&self.memory.changed, state, left);
        }
        if wanted < self.bytes {
            self.memory.changed.notify_all();
        }
        state.bytes = state.bytes - self.bytes + wanted;
        state.last_progress = Some(Instant::now());
        self.bytes = wanted;
        true
    }

    /// Notes that all of the answer has come: from now on it waits for the client.
    pub fn complete(&mut self) {
        if !std::mem::replace(&mut self.is_complete, true) {
            lock(&self.memory.state).complete += 1;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes == 0 && !self.is_exception && !self.is_complete {
            return;
        }
        let mut state = lock(&self.memory.state);
        state.bytes -= self.bytes;
        state.has_exception &= !self.is_exception;
        state.complete -= usize::from(self.is_complete);
        state.last_progress = Some(Instant::now());
        drop(state);
        self.memory.changed.notify_all();
    }
}

impl Memory {
    const fn new() -> Self {
        Self {
            state: Mutex::new(MemoryState {
                bytes: 0,
                has_exception: false,
                complete: 0,
                last_progress: None,
            }),
            changed: Condvar::new(),
        }
    }
}

/// Appends a piece to a text of any length.
pub fn append(text: &mut Vec<u8>, piece: &[u8]) {
    let length = text.len() + piece.len();
    if length > text.capacity() && (MAPPED_FROM..MAPPED_BYTES).contains(&length) {
        let spare = lock(&SPARE).take();
        match spare.filter(|(spare, _)| spare.capacity() >= MAPPED_BYTES) {
            Some((mut spare, _)) => {
                spare.extend_from_slice(text);
                *text = spare;
            }
            // Without room for that, the text grows as it needs.
            None => drop(text.try_reserve_exact(MAPPED_BYTES - text.len())),
        }
    }
    text.extend_from_slice(piece);
}

/// Keeps the memory of a text that is not needed any more for the next one, for a while; not beside what other answers hold.
pub fn recycle(text: String) {
    let mut text = text.into_bytes();
    let is_alone = lock(&SHARED.state).bytes <= SPARE_BYTES;
    if is_alone && text.capacity() >= MAPPED_BYTES && text.len() <= SPARE_BYTES {
        text.clear();
        *lock(&SPARE) = Some((text, Instant::now()));
    }
}

/// Gives memory back that has not been used for a while; returns when to look again, if there may be some then.
pub fn release_unused() -> Option<Duration> {
    let mut spare = lock(&SPARE);
    spare.take_if(|(_, since)| since.elapsed() >= SPARE_TIME);
    let since = spare.as_ref().map(|(_, since)| *since)?;
    Some(SPARE_TIME.saturating_sub(since.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    const LARGE: usize = FREE_BYTES + SHARED_BYTES / 2;
    const SOON: Duration = Duration::from_millis(50);

    fn memory() -> &'static Memory {
        Box::leak(Box::new(Memory::new()))
    }

    #[test]
    fn br47_one_answer_always_goes_on_and_small_ones_never_wait() {
        let memory = memory();
        let [mut first, mut second, mut third, mut fourth, mut small] =
            [(); 5].map(|()| Held::of(memory));
        assert!(first.resize(LARGE) && second.resize(LARGE));
        assert!(third.resize(100 * SHARED_BYTES), "the exception");
        assert!(!fourth.resize_within(FREE_BYTES + 1, SOON));
        assert!(small.resize(FREE_BYTES));
        drop(third);
        assert!(fourth.resize_within(LARGE, SOON), "the next exception");
        drop((first, second, fourth, small));
        let state = lock(&memory.state);
        assert_eq!((state.bytes, state.has_exception), (0, false));
    }

    #[test]
    fn br47_an_answer_waits_for_those_that_get_on_or_wait_for_the_client() {
        let memory = memory();
        let [mut first, mut exception] = [(); 2].map(|()| Held::of(memory));
        assert!(first.resize(SHARED_BYTES + FREE_BYTES) && exception.resize(LARGE));
        exception.complete();
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            let mut waiting = Held::of(memory);
            let _ = sender.send(waiting.resize_within(LARGE, SOON));
        });
        assert!(done.recv_timeout(4 * SOON).is_err(), "waits for the client");
        drop(exception);
        assert_eq!(done.recv(), Ok(true));
    }

    #[test]
    fn a_long_text_grows_by_its_pieces() {
        let piece = [b'x'; 300 * 1024];
        for pieces in [200, 20, 20, 2, 20] {
            let mut text = b"begin".to_vec();
            (0..pieces).for_each(|_| append(&mut text, &piece));
            let text = String::from_utf8(text).expect("UTF-8");
            assert_eq!(text, format!("begin{}", "x".repeat(pieces * piece.len())));
            recycle(text);
        }
    }
}
