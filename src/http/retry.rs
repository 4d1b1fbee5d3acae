//! When a request is sent again.

use std::thread;
use std::time::Duration;

use super::{Http, Response};

/// The pause before a request is sent again to a server that names no time.
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest pause that a busy server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// Most times that a request is sent to a busy server.
const MAX_TRIES: u32 = 3;

/// Sends a request until `pause` returns no pause for its outcome, which is the result. `pause` also gets the number of
/// requests sent so far.
pub fn repeat<T>(
    mut send: impl FnMut() -> T,
    mut pause: impl FnMut(&T, u32) -> Option<Duration>,
) -> T {
    let mut tries = 0;
    loop {
        let outcome = send();
        tries += 1;
        match pause(&outcome, tries) {
            Some(pause) => thread::sleep(pause),
            None => return outcome,
        }
    }
}

impl Http {
    /// Sends a request that has no side effects, or that a busy server has not served, up to three times.
    ///
    /// # Errors
    ///
    /// The error of the last request.
    pub fn while_busy<E>(&self, send: impl FnMut() -> Result<Response, E>) -> Result<Response, E> {
        repeat(send, |sent, tries| {
            let wanted = sent.as_ref().ok()?.busy_for()?;
            let may_wait = tries < MAX_TRIES && wanted <= MAX_PAUSE.min(self.left());
            may_wait.then_some(wanted)
        })
    }
}
