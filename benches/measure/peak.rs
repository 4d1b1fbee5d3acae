//! The peak memory of one run.

use std::fs;
use std::process::Command;

use crate::support::program::Program;

/// GNU time: a child of a bench begins with the bench's own peak, one of this small program does not.
const TIME: &str = "/usr/bin/time";

/// Tells whether memory can be measured here, and says so if not.
pub fn is_measurable() -> bool {
    let probe = Command::new(TIME).args(["-f", "%M", "true"]).output();
    if probe.is_err() {
        println!("| no {TIME} here | |");
    }
    probe.is_ok()
}

/// Returns the peak memory of a program, in MiB, which this runs to its end.
pub fn of(program: Program, run: impl FnOnce(Program)) -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("peak");
    let words = [TIME, "-f", "%M", "-o", report.to_str().expect("a path")];
    run(program.through(&words));
    let text = fs::read_to_string(&report).expect("a report");
    let kib: f64 = text.trim().parse().expect("a number");
    kib / 1024.0
}
