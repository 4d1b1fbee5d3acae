//! The messages of a wait that were not taken, for the sentence that ends it.

use std::collections::BTreeMap;

use super::Reason;

/// How many messages of a login were not taken, why, and what the most credible of them said.
#[derive(Clone, Debug, Default)]
pub struct TurnedAway {
    counts: BTreeMap<&'static str, u64>,
    claim: Option<(Reason, String)>,
}

impl TurnedAway {
    /// Counts one more. `claim` is the error that it names, ready to be shown.
    pub fn note(&mut self, reason: Reason, claim: Option<&str>) {
        *self.counts.entry(reason.as_kind()).or_default() += 1;
        // One with our state comes from somebody who knows it; else the first is as good as any.
        let is_better = self
            .claim
            .as_ref()
            .is_none_or(|(held, _)| *held != Reason::NoIssuer && reason == Reason::NoIssuer);
        if let Some(claim) = claim.filter(|_| is_better) {
            self.claim = Some((reason, claim.to_owned()));
        }
    }

    /// Returns the sentence, such as `2 answers were not accepted: 1 of another login, 1 without this login's state`;
    /// `None` if there were none.
    pub fn sentence(&self) -> Option<String> {
        let all: u64 = self.counts.values().sum();
        let kinds: Vec<_> = self
            .counts
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let (verb, said) = if all == 1 {
            ("1 answer was", "it")
        } else {
            ("answers were", "one")
        };
        let many = if all == 1 {
            verb.to_owned()
        } else {
            format!("{all} {verb}")
        };
        let claim = self
            .claim
            .as_ref()
            .map(|(_, claim)| format!("; {said} said, unproven: {claim}"));
        (all > 0).then(|| {
            format!(
                "{many} not accepted: {}{}",
                kinds.join(", "),
                claim.unwrap_or_default()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a50_a51_the_end_tells_how_many_and_why() {
        let check = |notes: &[(Reason, Option<&str>)], expected: Option<&str>| {
            let mut turned_away = TurnedAway::default();
            notes
                .iter()
                .for_each(|(reason, claim)| turned_away.note(*reason, *claim));
            assert_eq!(turned_away.sentence().as_deref(), expected);
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
}
