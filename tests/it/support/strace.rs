//! Kills and failures at a chosen system call, by `strace`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::program::{Finished, Program};

/// A system call of a run: the first, second, … of its kind. So `strace` counts them.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    pub number: usize,
    /// The whole line of the trace.
    pub line: String,
}

/// Runs a program and returns its calls of these kinds (`openat,write`), in their order.
pub fn calls(program: Program, kinds: &str, home: &Path) -> Vec<Call> {
    let trace = home.join("trace");
    traced(program, kinds, trace.to_str().expect("a path"), None).expect(0);
    let trace = fs::read_to_string(&trace).expect("a trace");
    let (mut counts, mut seen) = (BTreeMap::<(String, String), usize>::new(), BTreeSet::new());
    let call = |line: &str| {
        let (process, call) = line.split_once(' ')?;
        let (name, _) = call.trim_start().split_once('(')?;
        // Each process and each thread is counted by itself.
        let number = counts
            .entry((process.to_owned(), name.to_owned()))
            .or_default();
        *number += 1;
        let call = Call {
            name: name.to_owned(),
            number: *number,
            line: line.to_owned(),
        };
        seen.insert((call.name.clone(), call.number))
            .then_some(call)
    };
    trace
        .lines()
        .filter(|line| !line.contains(" resumed>"))
        .filter_map(call)
        .collect()
}

/// Returns the places of those calls, from a place on, at which a kill leaves something else behind than at the call
/// before: a kill comes before its call, so these are the first and each that follows a change, a request or an answer.
pub fn kill_points(calls: &[Call], from: usize) -> Vec<usize> {
    let changes = |call: &Call| {
        let is_change = match call.name.as_str() {
            "openat" => call.line.contains("O_CREAT") || call.line.contains("O_TRUNC"),
            "fsync" | "fdatasync" | "flock" => false,
            _ => true,
        };
        is_change && !call.line.contains(" = -1 ")
    };
    (from..calls.len())
        .filter(|number| *number == from || changes(&calls[number - 1]))
        .collect()
}

/// Runs a program to which something happens at one of its calls: `signal=KILL`, `error=ENOSPC`.
pub fn inject(program: Program, call: &Call, how: &str) -> Finished {
    let inject = format!("{}:{how}:when={}", call.name, call.number);
    traced(program, &call.name, "/dev/null", Some(&inject))
}

/// Runs a program under `strace`, which watches these kinds of calls and does what `inject` says.
pub fn traced(program: Program, kinds: &str, trace: &str, inject: Option<&str>) -> Finished {
    let kinds = format!("trace={kinds}");
    let mut wrapper = vec![
        "strace", "-f", "-qq", "-s", "300", "-o", trace, "-e", &kinds,
    ];
    let inject = inject.map(|inject| format!("inject={inject}"));
    wrapper.extend(inject.iter().flat_map(|inject| ["-e", inject]));
    program.through(&wrapper).run()
}
