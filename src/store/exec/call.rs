//! Runs the helper.

use zeroize::Zeroizing;

use super::fault::ExecFault;
use super::protocol::{self, HelperAnswer, HelperRequest, Verb};
use super::{said, ExecBackend};
use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::os::command::{self, CommandError};
use crate::os::sync::lock;
use crate::warning::warn_user;

/// A revision, and the bytes of its value.
type StoredValue = (String, Zeroizing<Vec<u8>>);

impl ExecBackend {
    /// Asks the helper. `Ok(None)` is a conflict.
    pub(super) fn call(
        &self,
        verb: Verb,
        request: &HelperRequest,
    ) -> Result<Option<HelperAnswer>, ExecFault> {
        if let Some(silent) = lock(&self.failure).as_ref().filter(|it| it.is_silent()) {
            return Err(silent.clone());
        }
        let limit = self.interaction.helper_limit();
        let end = self.end.filter(|end| end.left() < limit);
        let deadline = end.unwrap_or_else(|| Deadline::after(limit));
        let words = self.words.iter().cloned().chain([verb.to_string()]);
        let words: Vec<_> = words.collect();
        let outcome = command::run(&words, request.text(), deadline, protocol::MAX_ANSWER_BYTES);
        let answered = outcome.map_err(|err| {
            let program = || printable(words.first().map_or("", String::as_str));
            match err {
                CommandError::NotFound => ExecFault::NotFound(program()),
                CommandError::NotRun(err) => ExecFault::NotRun(program(), err.to_string()),
                CommandError::TimedOut if end.is_some() => ExecFault::Slow(verb),
                CommandError::TimedOut => ExecFault::Silent { verb, limit },
                CommandError::TooLong => ExecFault::TooLong(verb),
            }
        });
        let answered = answered.inspect_err(|err| {
            if err.is_silent() && self.end.is_some() {
                *lock(&self.failure) = Some(err.clone());
            }
        })?;
        let answer = String::from_utf8_lossy(&answered.stdout);
        let sent = request.value.unwrap_or_default();
        let parsed = HelperAnswer::parse(verb, &answered.stdout);
        let received = parsed.as_ref().ok().and_then(|it| it.value.as_ref());
        let received = received.map(|value| String::from_utf8_lossy(value));
        let values = [&*answer, sent, received.as_deref().unwrap_or_default()];
        let said = said::lines(&answered.stderr, &values, request.name);
        match (answered.status.code(), verb) {
            (Some(0), _) => {}
            (Some(protocol::CONFLICT), Verb::Put | Verb::Delete) => {
                log::debug!("conflict: {}", said.join("; "));
                return Ok(None);
            }
            _ => {
                let said = said.join("; ");
                return Err(ExecFault::Failed {
                    verb,
                    status: answered.status.to_string(),
                    said: if said.is_empty() {
                        said
                    } else {
                        format!(": {said}")
                    },
                });
            }
        }
        for line in said {
            warn_user!(StoreMessage, "the store helper says: {line}");
        }
        parsed.map(Some)
    }

    /// Returns the value of a key with its revision.
    pub(super) fn get(&self, key: &str, name: &str) -> Result<Option<StoredValue>, ExecFault> {
        let request = HelperRequest {
            key,
            name,
            ..HelperRequest::default()
        };
        let answer = self.call(Verb::Get, &request)?;
        Ok(answer.and_then(|answer| Some((answer.revision?, answer.value?))))
    }

    /// Replaces the value of this revision, which is empty if there is to be none; returns whether it had it.
    pub(super) fn put(
        &self,
        key: &str,
        name: &str,
        replaces: &str,
        value: &str,
    ) -> Result<bool, ExecFault> {
        let request = HelperRequest {
            key,
            name,
            replaces: Some(replaces),
            value: Some(value),
        };
        Ok(self.call(Verb::Put, &request)?.is_some())
    }

    /// Deletes the value of this revision; returns whether it had it.
    pub(super) fn remove(&self, key: &str, name: &str, replaces: &str) -> Result<bool, ExecFault> {
        let request = HelperRequest {
            key,
            name,
            replaces: Some(replaces),
            value: None,
        };
        Ok(self.call(Verb::Delete, &request)?.is_some())
    }
}
