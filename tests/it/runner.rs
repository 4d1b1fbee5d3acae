//! The runner of these tests, because the one of Rust counts a test that is skipped while it runs as passed.
//!
//! It takes the arguments of the usual one, but a single filter, and captures nothing. A test is written as usual, but
//! with `#[apply(test)]` in place of `#[test]`.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};

use crate::support::skip::Skipped;

/// How many tests run at once, unless `--test-threads` or `RUST_TEST_THREADS` says otherwise: more than there are
/// processors, because most of them wait for programs and time limits.
const AT_ONCE: usize = 6;

/// A test that takes longer is named at the end.
const LONG: Duration = Duration::from_secs(5);

/// One test, as `#[apply(test)]` registers it.
pub struct Case {
    /// The modules and the name, with the name of the crate in front.
    pub path: &'static str,
    /// The test itself.
    pub body: fn(),
}

inventory::collect!(Case);

/// Registers a function as a test.
macro_rules! test {
    ($(#[$attribute:meta])* fn $name:ident() $body:block) => {
        $(#[$attribute])*
        fn $name() $body

        inventory::submit! {
            $crate::runner::Case {
                path: concat!(module_path!(), "::", stringify!($name)),
                body: $name,
            }
        }
    };
}

/// What the end of the run tells about single tests.
#[derive(Default)]
struct Notes {
    skipped: BTreeMap<String, Vec<&'static str>>,
    long: Vec<(Duration, &'static str)>,
}

static NOTES: Mutex<Option<Notes>> = Mutex::new(None);

fn note(add: impl FnOnce(&mut Notes)) {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    add(notes.get_or_insert_default());
}

/// Runs one test in a thread that is called like it.
fn run(name: &'static str, body: fn()) -> Completion {
    let started = Instant::now();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    let ended = thread.expect("a thread").join();
    let time = started.elapsed();
    if time > LONG {
        note(|notes| notes.long.push((time, name)));
    }
    match ended.map_err(|panic| panic.downcast::<Skipped>()) {
        Ok(()) => Completion::Completed,
        Err(Ok(skipped)) => {
            let Skipped(reason) = *skipped;
            note(|notes| notes.skipped.entry(reason.clone()).or_default().push(name));
            Completion::ignored_with(reason)
        }
        Err(Err(panic)) => resume_unwind(panic),
    }
}

/// Spreads the tests with real components evenly among the others, because many of them wait for their turn.
fn spread(cases: Vec<&'static Case>) -> Vec<&'static Case> {
    let (real, others): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| case.path.contains("::real::"));
    let place = |number: usize, of: usize| (2 * number + 1) as f64 / (2 * of) as f64;
    let placed = |cases: Vec<&'static Case>| {
        let of = cases.len();
        let place = move |(number, case)| (place(number, of), case);
        cases.into_iter().enumerate().map(place).collect::<Vec<_>>()
    };
    let mut all = [placed(real), placed(others)].concat();
    all.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    all.into_iter().map(|(_, case)| case).collect()
}

/// Runs the tests that the arguments ask for.
pub fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let threads = std::env::var("RUST_TEST_THREADS").ok();
    let threads = threads.and_then(|number| number.parse().ok());
    arguments.test_threads = arguments.test_threads.or(threads).or(Some(AT_ONCE));
    let mut cases: Vec<_> = inventory::iter::<Case>().collect();
    cases.sort_by_key(|case| case.path);
    let trials = spread(cases).into_iter().map(|case| {
        let (_, name) = case.path.split_once("::").expect("a crate");
        Trial::ignorable_test(name, move || Ok(run(name, case.body)))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    note(tell);
    conclusion.exit_code()
}

/// Prints what the summary does not say: the tests that took long, and those that were skipped.
fn tell(notes: &mut Notes) {
    notes.long.sort();
    for (time, name) in notes.long.iter().rev() {
        println!("{:5.1} s  {name}", time.as_secs_f64());
    }
    let total: usize = notes.skipped.values().map(Vec::len).sum();
    if total > 0 {
        println!("\n{total} skipped; with CI=true they fail:");
    }
    for (reason, tests) in &notes.skipped {
        println!("  {reason}:");
        for test in tests {
            println!("    {test}");
        }
    }
}
