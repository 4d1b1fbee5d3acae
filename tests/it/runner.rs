//! The runner of these tests, because the one of Rust counts a test that is skipped while it runs as passed.
//!
//! It takes the arguments of the usual one, but a single filter, and captures nothing. A test is written as usual, but
//! with `#[apply(test)]` in place of `#[test]`; with `#[apply(long_test)]` if it works for long, so that it begins early;
//! with `#[apply(waiting_test)]` if it does little but wait for time limits, so that others run meanwhile.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};

use crate::support::permits::{Permit, Permits};
use crate::support::skip::Skipped;
use crate::support::Late;

/// How many tests work at once, unless `--test-threads` or `RUST_TEST_THREADS` says otherwise: more than there are
/// processors, because each of them waits for a program or a disk now and then.
const AT_ONCE: usize = 6;

/// How many of those that mostly wait run at once, beside the others.
const WAITING_AT_ONCE: usize = 8;

/// How many of those that work with real components run at once, because all beside each other they would make the
/// timings of a small machine meaningless.
const REAL_AT_ONCE: usize = 3;

/// How often a test is tried that is late.
const TRIES: usize = 6;

/// A test that takes longer is named at the end.
const LONG: Duration = Duration::from_secs(5);

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// How much room the homes of the tests get there at least.
const ROOM_BYTES: u64 = 4 << 30;

/// What a test spends its time with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It waits for time limits.
    Waiting,
    /// It works for a long time.
    Long,
    /// It works for a short time.
    Short,
}

/// One test, as `#[apply(test)]` registers it.
pub struct Case {
    /// What it spends its time with.
    pub kind: Kind,
    /// The modules and the name, with the name of the crate in front.
    pub path: &'static str,
    /// The test itself.
    pub body: fn(),
}

inventory::collect!(Case);

/// Registers a function as a test of a kind.
macro_rules! register {
    ($kind:ident $(#[$attribute:meta])* fn $name:ident() $body:block) => {
        $(#[$attribute])*
        fn $name() $body

        inventory::submit! {
            $crate::runner::Case {
                kind: $crate::runner::Kind::$kind,
                path: concat!(module_path!(), "::", stringify!($name)),
                body: $name,
            }
        }
    };
}

/// Registers a function as a test.
macro_rules! test {
    ($($function:tt)*) => { register! { Short $($function)* } };
}

/// Registers a function as a test that begins early, because it works for long.
macro_rules! long_test {
    ($($function:tt)*) => { register! { Long $($function)* } };
}

/// Registers a function as a test that mostly waits, and so runs beside those that work.
macro_rules! waiting_test {
    ($($function:tt)*) => { register! { Waiting $($function)* } };
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

/// Permits to work.
static WORKING: Permits = Permits::new(AT_ONCE);

/// Permits to wait, for tests that mostly do.
static WAITING: Permits = Permits::new(WAITING_AT_ONCE);

/// Permits to work with real components, for tests that have one to work.
static REAL: Permits = Permits::new(REAL_AT_ONCE);

thread_local! {
    /// The permit to work of the test that this thread runs.
    static PERMIT: Cell<Option<Permit>> = const { Cell::new(None) };
    /// How long the test of this thread has waited for other tests.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Waits until the test that calls this may work with real components: as long as it holds what is returned. Another
/// test works meanwhile.
pub fn permit_real() -> Permit {
    let permit = PERMIT.take();
    let is_working = permit.is_some();
    drop(permit);
    let started = Instant::now();
    let real = REAL.get();
    PERMIT.set(is_working.then(|| WORKING.get_first()));
    WAITED.set(WAITED.get() + started.elapsed());
    real
}

/// Runs a test until it is in time.
fn attempt(test: fn(), name: &str) -> thread::Result<()> {
    for number in 1.. {
        let ended = catch_unwind(test);
        let late = match ended.map_err(|panic| panic.downcast::<Late>()) {
            Ok(()) => return Ok(()),
            Err(Err(panic)) => return Err(panic),
            Err(Ok(late)) => late.0,
        };
        if number == TRIES {
            return Err(Box::new(format!("late each time: {late}")));
        }
        eprintln!("{name} is tried again: {late}");
    }
    unreachable!("it has returned")
}

/// Runs one test in a thread that is called like it.
fn run(case: &'static Case, name: &'static str) -> Completion {
    let body = move || {
        let waiting = match case.kind {
            Kind::Waiting => Some(WAITING.get()),
            Kind::Long | Kind::Short => {
                PERMIT.set(Some(WORKING.get()));
                None
            }
        };
        let started = Instant::now();
        let ended = attempt(case.body, name);
        let time = started.elapsed() - WAITED.get();
        drop((waiting, PERMIT.take()));
        if time > LONG {
            note(|notes| notes.long.push((time, name)));
        }
        ended
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    let ended = thread.expect("a thread").join().and_then(|ended| ended);
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

/// Tells whether a test works with real components.
fn is_real(case: &Case) -> bool {
    case.path.contains("::real::")
}

/// Tells whether a test runs the program for Windows. These tests have a network of their own, and so a run of their own.
fn is_for_windows(case: &Case) -> bool {
    case.path.contains("::windows::")
}

/// Spreads the tests with real components evenly among the others, because many of them wait for their turn.
fn spread(cases: Vec<&'static Case>) -> Vec<&'static Case> {
    let (real, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| is_real(case));
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

/// Tells whether the homes of the tests can be in memory, because each change of a login waits for its disk: in a file
/// system that runs programs, and is not as small as that of a container.
fn has_room_in_memory() -> bool {
    #[cfg(target_os = "linux")]
    if let Ok(found) = rustix::fs::statvfs(MEMORY) {
        let runs_programs = !found.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
        return runs_programs && found.f_bavail.saturating_mul(found.f_frsize) >= ROOM_BYTES;
    }
    false
}

/// Runs the tests that the arguments ask for.
pub fn main() -> ExitCode {
    let on_windows = cfg!(windows) || std::env::var_os("MCP_LOGIN_TEST_WINDOWS").is_some();
    // Wine has its server there, too: programs of two such directories do not see the same registry.
    if std::env::var_os("TMPDIR").is_none() && !on_windows && has_room_in_memory() {
        std::env::set_var("TMPDIR", MEMORY);
    }
    // A program's working directory is the real one. So paths of temporary files are, also where there is a symbolic link.
    let temporary = std::env::temp_dir().canonicalize();
    std::env::set_var(
        "TMPDIR",
        temporary.expect("a directory for temporary files"),
    );
    let mut arguments = Arguments::from_args();
    let threads = std::env::var("RUST_TEST_THREADS").ok();
    let threads = threads.and_then(|number| number.parse().ok());
    let mut at_once = arguments.test_threads.or(threads).unwrap_or(AT_ONCE);
    WORKING.set(at_once);
    WAITING.set(at_once.min(WAITING_AT_ONCE));
    let mut cases: Vec<_> = inventory::iter::<Case>()
        .filter(|case| is_for_windows(case) == on_windows)
        .collect();
    // One alone runs in the main thread. Otherwise there are threads for all that may have to wait for a permit.
    if at_once > 1 {
        let is_waiting = |case: &&&Case| case.kind == Kind::Waiting || is_real(case);
        at_once += cases.iter().filter(is_waiting).count();
    }
    arguments.test_threads = Some(at_once);
    cases.sort_by_key(|case| case.path);
    let mut cases = spread(cases);
    cases.sort_by_key(|case| case.kind);
    let trials = cases.into_iter().map(|case| {
        let (_, name) = case.path.split_once("::").expect("a crate");
        Trial::ignorable_test(name, move || Ok(run(case, name)))
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
