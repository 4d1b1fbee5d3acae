//! Secrets that the servers of the demo have issued: codes, tokens and client identifiers. Each expires.

use std::collections::VecDeque;
use std::time::Duration;

use oauth2::CsrfToken;
use subtle::ConstantTimeEq as _;

use crate::os::clock::Deadline;

/// Bytes of randomness in a secret.
const SECRET_BYTES: u32 = 32;

/// Most secrets of one kind that are remembered; a new one replaces the oldest.
const MAX_SECRETS: usize = 64;

/// The secrets of one kind, when each expires, and what it stands for.
pub struct Issued<T> {
    life: Duration,
    secrets: VecDeque<(String, Deadline, T)>,
}

impl<T> Issued<T> {
    /// Prepares to issue secrets with this life.
    pub fn new(life: Duration) -> Self {
        Self {
            life,
            secrets: VecDeque::new(),
        }
    }

    /// Issues a secret.
    pub fn issue(&mut self, meaning: T) -> String {
        let secret = CsrfToken::new_random_len(SECRET_BYTES).into_secret();
        if self.secrets.len() >= MAX_SECRETS {
            self.secrets.pop_front();
        }
        self.secrets
            .push_back((secret.clone(), Deadline::after(self.life), meaning));
        secret
    }

    /// Returns what a secret stands for; `None` if it was not issued, or has expired.
    pub fn find(&self, secret: &str) -> Option<&T> {
        let (_, _, meaning) = self.secrets.get(self.position(secret)?)?;
        Some(meaning)
    }

    /// Takes a secret back, so that it is used once only.
    pub fn take(&mut self, secret: &str) -> Option<T> {
        let (_, _, meaning) = self.secrets.remove(self.position(secret)?)?;
        Some(meaning)
    }

    fn position(&self, secret: &str) -> Option<usize> {
        self.secrets.iter().position(|(issued, deadline, _)| {
            bool::from(issued.as_bytes().ct_eq(secret.as_bytes())) && !deadline.passed()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_used_once() {
        let mut issued = Issued::new(Duration::from_secs(60));
        let (first, second) = (issued.issue(1), issued.issue(2));
        assert!(first.len() >= 43 && first != second);
        assert_eq!(issued.find(&first), Some(&1));
        assert_eq!(
            (issued.take(&first), issued.take(&first), issued.take("")),
            (Some(1), None, None)
        );
        assert_eq!(issued.take(&second), Some(2));
    }

    #[test]
    fn a_secret_expires() {
        let mut issued = Issued::new(Duration::ZERO);
        let secret = issued.issue(());
        assert_eq!(issued.find(&secret), None);
        assert_eq!(issued.take(&secret), None);
    }

    #[test]
    fn unknown_requests_allocate_nothing() {
        let mut issued = Issued::new(Duration::from_secs(60));
        let first = issued.issue(0);
        let last = (1..=10 * MAX_SECRETS)
            .map(|meaning| issued.issue(meaning))
            .last()
            .expect("a secret");
        assert_eq!(issued.secrets.len(), MAX_SECRETS);
        assert_eq!(
            (issued.find(&first), issued.find(&last)),
            (None, Some(&(10 * MAX_SECRETS)))
        );
    }
}
