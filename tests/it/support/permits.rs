//! Permits, of which there are so many at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is given and waited for.
struct State {
    /// How many permits nobody has.
    free: usize,
    /// How many wait that come first.
    first: usize,
    /// The number of the next of the others that comes.
    next: usize,
    /// The number of the one whose turn it is.
    turn: usize,
}

/// Permits. Whoever waits gets one in the order of coming.
pub struct Permits {
    state: Mutex<State>,
    changed: Condvar,
}

/// One permit. It is given back when it is dropped.
pub struct Permit(&'static Permits);

impl Permits {
    pub const fn new(free: usize) -> Self {
        let state = State {
            free,
            first: 0,
            next: 0,
            turn: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Sets how many there are, before any is given.
    pub fn set(&self, free: usize) {
        self.state().free = free;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self
            .changed
            .wait_while(self.state(), |state| condition(state));
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit.
    pub fn get(&'static self) -> Permit {
        let number = {
            let mut state = self.state();
            state.next += 1;
            state.next - 1
        };
        let mut state =
            self.wait_while(|state| state.free == 0 || state.first > 0 || state.turn != number);
        state.free -= 1;
        state.turn += 1;
        self.changed.notify_all();
        Permit(self)
    }

    /// Waits for a permit, before all who wait in the usual order.
    pub fn get_first(&'static self) -> Permit {
        self.state().first += 1;
        let mut state = self.wait_while(|state| state.free == 0);
        state.free -= 1;
        state.first -= 1;
        self.changed.notify_all();
        Permit(self)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.changed.notify_all();
    }
}
