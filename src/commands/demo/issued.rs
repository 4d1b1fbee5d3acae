//! Secrets that the servers of the demo have issued: codes, tokens and client identifiers. Each expires.

use std::collections::VecDeque;
use std::time::Duration;

use oauth2::CsrfToken;
use subtle::ConstantTimeEq as _;

use crate::os::clock::Deadline;

/// Bytes of randomness in a secret.
const SECRET_BYTES: u32 = 32;

/// Most secrets of one kind that are remembered; the oldest makes room.
const MAX_KEPT: usize = 64;

/// The secrets of one kind, and what each of them stands for.
pub struct Issued<T> {
    life: Duration,
    secrets: VecDeque<IssuedSecret<T>>,
}

struct IssuedSecret<T> {
    secret: String,
    deadline: Deadline,
    meaning: T,
}

impl<T> Issued<T> {
    /// Prepares to give out secrets that live this long.
    pub fn living(life: Duration) -> Self {
        Self {
            life,
            secrets: VecDeque::new(),
        }
    }

    /// Gives out a secret.
    pub fn give(&mut self, meaning: T) -> String {
        let secret = CsrfToken::new_random_len(SECRET_BYTES).into_secret();
        if self.secrets.len() >= MAX_KEPT {
            self.secrets.pop_front();
        }
        self.secrets.push_back(IssuedSecret {
            secret: secret.clone(),
            deadline: Deadline::after(self.life),
            meaning,
        });
        secret
    }

    /// Returns what a secret stands for; `None` if it was not given out, or too long ago.
    pub fn find(&self, secret: &str) -> Option<&T> {
        self.position(secret)
            .and_then(|at| self.secrets.get(at))
            .map(|issued| &issued.meaning)
    }

    /// Takes a secret back, so that it is used once only.
    pub fn take(&mut self, secret: &str) -> Option<T> {
        let at = self.position(secret)?;
        self.secrets.remove(at).map(|issued| issued.meaning)
    }

    fn position(&self, secret: &str) -> Option<usize> {
        let same = |issued: &IssuedSecret<T>| {
            bool::from(issued.secret.as_bytes().ct_eq(secret.as_bytes()))
        };
        self.secrets
            .iter()
            .position(|issued| same(issued) && !issued.deadline.passed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_once() {
        let mut issued = Issued::living(Duration::from_secs(60));
        let (first, second) = (issued.give(1), issued.give(2));
        assert!(first.len() >= 43 && first != second);
        assert_eq!(issued.find(&first), Some(&1));
        assert_eq!(
            (issued.take(&first), issued.take(&first), issued.take("")),
            (Some(1), None, None)
        );
        assert_eq!(issued.take(&second), Some(2));
    }

    #[test]
    fn a_secret_does_not_live_for_ever() {
        let mut issued = Issued::living(Duration::ZERO);
        let secret = issued.give(());
        assert_eq!(issued.find(&secret), None);
        assert_eq!(issued.take(&secret), None);
    }

    #[test]
    fn strangers_do_not_make_it_grow() {
        let mut issued = Issued::living(Duration::from_secs(60));
        let first = issued.give(0);
        let last = (1..=10 * MAX_KEPT)
            .map(|meaning| issued.give(meaning))
            .last()
            .expect("a secret");
        assert_eq!(issued.secrets.len(), MAX_KEPT);
        assert_eq!(
            (issued.find(&first), issued.find(&last)),
            (None, Some(&(10 * MAX_KEPT)))
        );
    }
}
