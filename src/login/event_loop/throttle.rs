//! Announcing messages that were not taken, however many there are.

use std::time::Duration;

use super::{Happening, Reason, Source};
use crate::os::clock::Deadline;

/// Pause between two announcements of one reason.
const PAUSE: Duration = Duration::from_secs(1);

/// Announcements of one reason: each kind of it once at once, then at most one a second.
#[derive(Debug)]
pub struct Throttle {
    next: Deadline,
    unannounced: u64,
    /// Why they were not taken, and what the first of them said.
    reason: Reason,
    detail: Option<String>,
    /// The kinds that were announced once.
    told: Vec<Reason>,
}

impl Throttle {
    /// Prepares the announcements of a reason.
    pub fn new(reason: Reason) -> Self {
        Self {
            next: Deadline::after(PAUSE),
            unannounced: 0,
            reason,
            detail: None,
            told: Vec::new(),
        }
    }

    /// Counts one more. Of several kinds of one reason the general one is told.
    fn add(&mut self, reason: Reason, detail: Option<String>) {
        if self.unannounced == 0 {
            (self.reason, self.detail) = (reason, detail);
        } else if self.reason != reason {
            (self.reason, self.detail) = (reason.general(), None);
        } else if self.detail.is_none() {
            self.detail = detail;
        }
        self.unannounced += 1;
    }

    /// Takes note of one more, and returns what is to be announced now.
    pub fn note(
        &mut self,
        seat: usize,
        reason: Reason,
        detail: Option<String>,
    ) -> Option<Happening> {
        if !self.told.contains(&reason) {
            self.told.push(reason);
            self.next = Deadline::after(PAUSE);
            let (seat, source) = (Some(seat), Source::Callback);
            return Some(Happening::Rejected {
                seat,
                source,
                reason,
                detail,
                count: 1,
            });
        }
        self.add(reason, detail);
        self.next.passed().then(|| self.announce(seat))
    }

    /// Returns when [`Self::announce`] has to be called; `None` if there is nothing to announce.
    pub fn due_at(&self) -> Option<Deadline> {
        (self.unannounced > 0).then_some(self.next)
    }

    /// Returns the announcement of all that were not announced yet.
    pub fn announce(&mut self, seat: usize) -> Happening {
        self.next = Deadline::after(PAUSE);
        let (reason, detail, count) = (
            self.reason,
            self.detail.take(),
            std::mem::take(&mut self.unannounced),
        );
        Happening::Rejected {
            seat: Some(seat),
            source: Source::Callback,
            reason,
            detail,
            count,
        }
    }
}
