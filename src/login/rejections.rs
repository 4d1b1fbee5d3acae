//! The messages of one login that were not accepted: announced at most once a second for each reason, and counted for the
//! sentence that ends a login in vain.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::callback::pages::Page;
use crate::oauth::callback::{Denial, Rejection};
use crate::os::clock::Deadline;

/// Pause between two announcements of one reason.
const PAUSE: Duration = Duration::from_secs(1);

/// How many senders of claims are looked up at once, and the pause before each further one. The system takes its time for
/// each, longer the more connections there are.
const FREE_LOOKUPS: u32 = 8;
const LOOKUP_PAUSE: Duration = Duration::from_secs(2);

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSource {
    /// The callback socket.
    Callback,
    /// The terminal, or a pipe.
    Paste,
}

/// Why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The state is doubled, or of another login.
    StateMismatch,
    /// There is no state.
    NoState,
    /// There is only the beginning of our state.
    CutState,
    /// The issuer is another one.
    IssuerMismatch,
    /// The issuer is missing though it is promised.
    NoIssuer,
    /// A parameter is there twice.
    Ambiguous,
    /// It cannot be read.
    Malformed,
    /// What was pasted is no answer.
    NotARedirect,
    /// It came from another user's program, or from one that has exited.
    ForeignPeer,
    /// The server cannot answer just now.
    Temporary,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Reason {
    /// Returns the name of the reason in the machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StateMismatch | Self::NoState | Self::CutState => "state_mismatch",
            Self::IssuerMismatch | Self::NoIssuer => "issuer_mismatch",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
            Self::NotARedirect => "not_a_redirect",
            Self::ForeignPeer => "foreign_peer",
            Self::Temporary => "temporary",
        }
    }

    /// Returns the reason that covers all those with the same name.
    fn general(self) -> Self {
        match self {
            Self::NoState | Self::CutState => Self::StateMismatch,
            Self::NoIssuer => Self::IssuerMismatch,
            reason => reason,
        }
    }

    /// Returns the page for the browser that sent the message.
    pub fn page(self) -> Page {
        match self {
            Self::ForeignPeer => Page::ForeignPeer,
            Self::Temporary => Page::Temporary,
            Self::NoIssuer => Page::NoIssuer,
            Self::IssuerMismatch => Page::OtherIssuer,
            // The page must not show that the beginning of a state is right: whoever guesses it would learn that.
            _ => Page::OtherLogin,
        }
    }

    /// Returns which messages these are, as part of a sentence.
    fn as_kind(self) -> &'static str {
        match self {
            Self::StateMismatch => "of another login",
            Self::NoState => "without this login's state",
            Self::CutState => "with a part of this login's state",
            Self::IssuerMismatch => "of another authorization server",
            Self::NoIssuer => "without the issuer that the server promises to name",
            Self::Ambiguous | Self::Malformed => "that could not be read",
            Self::NotARedirect => "that were no redirect",
            Self::ForeignPeer => "from another user's program, or one that is gone",
            Self::Temporary => "that the server was busy",
        }
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::State => Self::StateMismatch,
            Rejection::NoState { is_cut: true, .. } => Self::CutState,
            Rejection::NoState { .. } => Self::NoState,
            Rejection::Issuer => Self::IssuerMismatch,
            Rejection::NoIssuer { .. } => Self::NoIssuer,
            Rejection::Ambiguous => Self::Ambiguous,
            Rejection::Malformed => Self::Malformed,
            Rejection::Temporary(_) => Self::Temporary,
        }
    }
}

/// Returns what the user may know of a message that is rejected: a refusal that may pass, or an error that proves nothing.
pub fn detail(rejection: &Rejection) -> Option<String> {
    match rejection {
        Rejection::Temporary(denial) => Some(format!("the server says {denial}")),
        Rejection::NoState { claimed, .. } | Rejection::NoIssuer { claimed } => {
            claimed.as_ref().map(Denial::to_string)
        }
        _ => None,
    }
}

/// Rejected callbacks, ready to be announced.
#[derive(Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Why they were not accepted.
    pub reason: Reason,
    /// What the user may know about them.
    pub detail: Option<String>,
    /// How many they are.
    pub count: u64,
}

/// The callbacks of one reason that wait to be announced.
#[derive(Debug)]
struct Unannounced {
    next: Deadline,
    waiting: Option<Announcement>,
    /// The kinds that were announced: each is announced at once the first time.
    announced: Vec<Reason>,
}

/// The messages of one login that were not accepted.
#[derive(Debug, Default)]
pub struct Rejections {
    counts: BTreeMap<&'static str, u64>,
    /// The most credible error that a message named.
    claim: Option<(Reason, String)>,
    unannounced: BTreeMap<&'static str, Unannounced>,
    ready: Vec<Announcement>,
    lookups: u32,
    next_lookup: Option<Deadline>,
}

impl Rejections {
    /// Counts a message, for the sentence at the end.
    pub fn count(&mut self, reason: Reason, claim: Option<&str>) {
        *self.counts.entry(reason.as_kind()).or_default() += 1;
        // A message with our state is more credible; among the others the first stays.
        let is_better = match &self.claim {
            Some((held, _)) => *held != Reason::NoIssuer && reason == Reason::NoIssuer,
            None => true,
        };
        if let Some(claim) = claim.filter(|_| is_better) {
            self.claim = Some((reason, claim.to_owned()));
        }
    }

    /// Counts a callback, and lets it be announced: at once if it is the first of its kind, else at most once a second for
    /// its reason.
    pub fn add_callback(&mut self, reason: Reason, detail: Option<String>) {
        self.count(reason, detail.as_deref());
        let announcement = Announcement {
            reason,
            detail,
            count: 1,
        };
        let unannounced = self
            .unannounced
            .entry(reason.as_str())
            .or_insert_with(|| Unannounced {
                next: Deadline::after(PAUSE),
                waiting: None,
                announced: Vec::new(),
            });
        if !unannounced.announced.contains(&reason) {
            unannounced.announced.push(reason);
            unannounced.next = Deadline::after(PAUSE);
            self.ready.push(announcement);
            return;
        }
        match &mut unannounced.waiting {
            None => unannounced.waiting = Some(announcement),
            Some(waiting) => {
                waiting.count += 1;
                if waiting.reason != reason {
                    (waiting.reason, waiting.detail) = (reason.general(), None);
                } else if waiting.detail.is_none() {
                    waiting.detail = announcement.detail;
                }
            }
        }
    }

    /// Returns what is to be announced now.
    pub fn announce(&mut self) -> Vec<Announcement> {
        for unannounced in self.unannounced.values_mut() {
            if unannounced.next.passed() && unannounced.waiting.is_some() {
                unannounced.next = Deadline::after(PAUSE);
                self.ready.extend(unannounced.waiting.take());
            }
        }
        std::mem::take(&mut self.ready)
    }

    /// Returns when [`Self::announce`] has to be called.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let waiting = self.unannounced.values().filter(|it| it.waiting.is_some());
        waiting.map(|it| it.next).reduce(Deadline::min)
    }

    /// Returns whether the sender of one more claim may be looked up now; a flood of claims must not keep the answer out.
    pub fn may_look_up(&mut self) -> bool {
        if self.next_lookup.is_some_and(|at| !at.passed()) {
            return false;
        }
        self.lookups += 1;
        if self.lookups >= FREE_LOOKUPS {
            self.next_lookup = Some(Deadline::after(LOOKUP_PAUSE));
        }
        true
    }

    /// Returns a sentence such as `2 answers were not accepted: 1 of another login, 1 without this login's state`; `None` if
    /// there were none.
    pub fn sentence(&self) -> Option<String> {
        let all: u64 = self.counts.values().sum();
        let (answers, one) = match all {
            0 => return None,
            1 => ("1 answer was".to_owned(), "it"),
            _ => (format!("{all} answers were"), "one"),
        };
        let kinds = self.counts.iter();
        let kinds: Vec<_> = kinds
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let claim = match &self.claim {
            Some((_, claim)) => format!("; {one} said, unproven: {claim}"),
            None => String::new(),
        };
        Some(format!(
            "{answers} not accepted: {}{claim}",
            kinds.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a50_a51_the_error_counts_rejections_by_reason() {
        let check = |notes: &[(Reason, Option<&str>)], expected: Option<&str>| {
            let mut rejections = Rejections::default();
            for (reason, claim) in notes {
                rejections.count(*reason, *claim);
            }
            assert_eq!(rejections.sentence().as_deref(), expected);
        };
        check(&[], None);
        check(
            &[(Reason::StateMismatch, None)],
            Some("1 answer was not accepted: 1 of another login"),
        );
        let (first, second, proven) = (
            Some("a: first"),
            Some("b: second"),
            Some("c: knows the state"),
        );
        check(
            &[(Reason::NoState, first), (Reason::NoState, second), (Reason::Malformed, None)],
            Some("3 answers were not accepted: 1 that could not be read, 2 without this login's state; one said, unproven: a: first"),
        );
        check(
            &[(Reason::NoState, first), (Reason::NoIssuer, proven), (Reason::NoIssuer, second)],
            Some(
                "3 answers were not accepted: 2 without the issuer that the server promises to name, 1 without this login's \
                 state; one said, unproven: c: knows the state",
            ),
        );
    }

    /// Each kind is announced at once the first time, the others once the pause is over, in one announcement.
    #[test]
    fn v6_announcements_are_few_whatever_comes() {
        let announcement = |reason, detail: Option<&str>, count| Announcement {
            reason,
            detail: detail.map(str::to_owned),
            count,
        };
        let mut rejections = Rejections::default();
        rejections.add_callback(Reason::StateMismatch, None);
        rejections.add_callback(Reason::NoState, Some("a".to_owned()));
        rejections.add_callback(Reason::NoState, Some("b".to_owned()));
        rejections.add_callback(Reason::Malformed, None);
        let first = [
            announcement(Reason::StateMismatch, None, 1),
            announcement(Reason::NoState, Some("a"), 1),
            announcement(Reason::Malformed, None, 1),
        ];
        assert_eq!(rejections.announce(), first);
        assert!(rejections.next_deadline().is_some());
        for _ in 0..10_000 {
            rejections.add_callback(Reason::NoState, None);
        }
        assert_eq!(rejections.announce(), []);
        let waiting = &mut rejections.unannounced;
        for unannounced in waiting.values_mut() {
            unannounced.next = Deadline::after(Duration::ZERO);
        }
        let rest = [announcement(Reason::NoState, Some("b"), 10_001)];
        assert_eq!(rejections.announce(), rest);
        assert!(rejections.next_deadline().is_none());
        rejections.add_callback(Reason::NoState, Some("c".to_owned()));
        rejections.add_callback(Reason::CutState, None);
        rejections.add_callback(Reason::StateMismatch, None);
        let cut = [announcement(Reason::CutState, None, 1)];
        assert_eq!(rejections.announce(), cut);
        for unannounced in rejections.unannounced.values_mut() {
            unannounced.next = Deadline::after(Duration::ZERO);
        }
        let mixed = [announcement(Reason::StateMismatch, None, 2)];
        assert_eq!(rejections.announce(), mixed);
    }

    #[test]
    fn v10_a_flood_of_claims_is_not_looked_up() {
        let mut rejections = Rejections::default();
        let looked_up = (0..10_000).filter(|_| rejections.may_look_up()).count();
        assert_eq!(looked_up, FREE_LOOKUPS as usize);
    }
}
