//! Tests a helper: what `mcp-login doctor` does, and a shorter proof before each login. Both use keys of their own.

use std::thread;
use std::time::Duration;

use super::protocol::{HelperRequest, Verb, PROBE};
use super::{Check, ExecBackend, ExecFault, Interaction};
use crate::digest;
use crate::os::clock::Deadline;

/// The name of a value that tests a helper.
const NAME: &str = "a test of mcp-login";

/// The length of a value that every helper has to take, in bytes.
const LONG: usize = 48 * 1024;

/// How many replace one revision at once.
const RIVALS: usize = 8;

/// How long all tests may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A value that tests a helper, which is deleted at the end.
struct TestValue<'a> {
    backend: &'a ExecBackend,
    key: String,
}

fn misbehaves<T>(how: impl Into<String>) -> Result<T, ExecFault> {
    Err(ExecFault::Misbehaves(how.into()))
}

impl TestValue<'_> {
    /// Returns the revision, once the value is found to be this one.
    fn get(&self, expected: &str) -> Result<String, ExecFault> {
        match self.backend.get(&self.key, NAME)? {
            Some((revision, value)) if *value == expected.as_bytes() => Ok(revision),
            Some(_) => misbehaves("returned another value than it was given"),
            None => misbehaves("has lost a value that it was given"),
        }
    }

    fn is_absent(&self) -> Result<(), ExecFault> {
        match self.backend.get(&self.key, NAME)? {
            None => Ok(()),
            Some(_) => misbehaves("returned a value for a key that it does not have"),
        }
    }

    fn put(&self, replaces: &str, value: &str) -> Result<(), ExecFault> {
        match self.backend.put(&self.key, NAME, replaces, value)? {
            true => Ok(()),
            false => misbehaves(format!(
                "reported a conflict at `put` where there was none (replacing {})",
                if replaces.is_empty() {
                    "nothing"
                } else {
                    "the revision that it has"
                }
            )),
        }
    }

    /// Tries to replace what is not there, which must leave what is there.
    fn conflict(&self, replaces: &str, what: &str) -> Result<(), ExecFault> {
        match self
            .backend
            .put(&self.key, NAME, replaces, "of a conflict")?
        {
            true => misbehaves(format!(
                "accepted a `put` that replaces {what}; it has to end with exit status 10"
            )),
            false => Ok(()),
        }
    }

    fn delete(&self, replaces: &str) -> Result<bool, ExecFault> {
        self.backend.remove(&self.key, NAME, replaces)
    }

    /// Lets several replace one revision at once.
    fn race(&self, replaces: &str) -> Result<String, ExecFault> {
        let values: Vec<_> = (0..RIVALS).map(|it| format!("value {it}")).collect();
        let put = |value: &String| self.backend.put(&self.key, NAME, replaces, value);
        let outcomes: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = values
                .iter()
                .map(|value| scope.spawn(move || put(value)))
                .collect();
            running.into_iter().map(|it| it.join()).collect()
        });
        let mut winner = None;
        for (outcome, value) in outcomes.into_iter().zip(&values) {
            let is_done = match outcome {
                Ok(outcome) => outcome?,
                Err(_) => return misbehaves("could not be started several times at once"),
            };
            if is_done && winner.replace(value).is_some() {
                return misbehaves("let two of several `put` at once replace the same revision");
            }
        }
        match winner {
            Some(value) => self.get(value),
            None => misbehaves("let none of several `put` at once succeed"),
        }
    }
}

impl Drop for TestValue<'_> {
    fn drop(&mut self) {
        if let Ok(Some((revision, _))) = self.backend.get(&self.key, NAME) {
            let _ = self.delete(&revision);
        }
    }
}

impl ExecBackend {
    fn probe(&self) -> TestValue<'_> {
        TestValue {
            backend: self,
            key: format!("{PROBE}{}", digest::unique()),
        }
    }

    /// Proves that a value can be stored, read and deleted.
    pub(super) fn prove_with_probe(&self) -> Result<(), ExecFault> {
        let probe = self.probe();
        probe.put("", "it")?;
        let revision = probe.get("it")?;
        let is_deleted = probe.delete(&revision)?;
        std::mem::forget(probe);
        match is_deleted {
            true => Ok(()),
            false => misbehaves("reported a conflict at `delete` where there was none"),
        }
    }

    /// Tests whether the helper does what the protocol says, step by step, until the first failure.
    pub(super) fn test_helper(&self) -> Vec<Check> {
        let (words, directory) = (self.words.clone(), self.directory.clone());
        let end = Some(Deadline::after(LIMIT));
        let patient = Self::of(words, directory, Interaction::Allowed, end);
        let mut checks = Vec::new();
        let outcome = patient.test(&mut |what| {
            checks.push(Check {
                what,
                outcome: Ok(()),
            })
        });
        if let Err(fault) = outcome {
            checks.push(Check {
                what: "the helper does what mcp-login-store(7) says",
                outcome: Err(fault.into()),
            });
        }
        checks
    }

    fn test(&self, passed: &mut dyn FnMut(&'static str)) -> Result<(), ExecFault> {
        let probe = self.probe();
        probe.is_absent()?;
        passed("a key that is not there has no value");
        let long = "\u{e4}\\\"{}'$% \n".repeat(LONG / 11);
        probe.put("", &long)?;
        let first = probe.get(&long)?;
        passed("a value of 48 KiB comes back as it was");
        probe.conflict("", "nothing, though there is a value")?;
        probe.get(&long)?;
        passed("`put` makes no value where there is one");
        probe.put(&first, "it")?;
        let second = probe.get("it")?;
        probe.put(&second, "it")?;
        let third = probe.get("it")?;
        if first == second || second == third || first == third {
            return misbehaves("gave two writes the same revision");
        }
        passed("each `put` gets a revision of its own");
        probe.conflict(&first, "an earlier revision")?;
        probe.get("it")?;
        passed("`put` replaces no earlier revision");
        let fourth = probe.race(&third)?;
        passed("of 8 that replace one revision at once, one does");
        let answer = self.call(Verb::List, &HelperRequest::default())?;
        if !answer.is_some_and(|answer| answer.keys.contains(&probe.key)) {
            return misbehaves("did not list a key that it has");
        }
        passed("`list` has the key");
        if probe.delete(&third)? {
            return misbehaves(
                "accepted a `delete` of an earlier revision; it has to end with exit status 10",
            );
        }
        passed("`delete` deletes no earlier revision");
        if !probe.delete(&fourth)? {
            return misbehaves("reported a conflict at `delete` where there was none");
        }
        probe.is_absent()?;
        passed("`delete` deletes");
        probe.conflict(&fourth, "a revision that was deleted")?;
        probe.race("")?;
        probe.conflict(&first, "a revision from before the key was deleted")?;
        passed("a key can be made again, and no earlier revision of it is replaced");
        Ok(())
    }
}
