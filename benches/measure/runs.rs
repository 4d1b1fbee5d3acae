//! Runs and what they took.

use std::time::{Duration, Instant};

use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike as _;

/// What some runs took.
pub struct Runs {
    pub walls: Vec<Duration>,
    cpu_before: Duration,
}

impl Runs {
    pub fn new() -> Self {
        Self {
            walls: Vec::new(),
            cpu_before: children_cpu(),
        }
    }

    pub fn time<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = run();
        self.walls.push(started.elapsed());
        result
    }

    pub fn median(&self) -> Duration {
        let mut walls = self.walls.clone();
        walls.sort();
        walls[walls.len() / 2]
    }

    pub fn last(&self) -> Duration {
        *self.walls.last().expect("a run")
    }

    /// Returns the median of the ratios to runs that were made in turns with these.
    pub fn over(&self, others: &Self) -> f64 {
        let pairs = self.walls.iter().zip(&others.walls);
        let mut ratios: Vec<f64> = pairs
            .map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    pub fn row(&self, what: &str) {
        self.print(what, children_cpu() - self.cpu_before);
    }

    /// Returns the processor time of a run, if no others were made meanwhile.
    pub fn cpu(&self) -> Duration {
        let runs = u32::try_from(self.walls.len()).expect("few runs");
        (children_cpu() - self.cpu_before) / runs
    }

    pub fn print(&self, what: &str, cpu: Duration) {
        let (least, most) = (
            self.walls.iter().min().expect("a run"),
            self.walls.iter().max().expect("a run"),
        );
        let cpu = cpu / u32::try_from(self.walls.len()).expect("few runs");
        let memory = getrusage(UsageWho::RUSAGE_CHILDREN)
            .expect("usage")
            .max_rss() as f64
            / 1024.0;
        println!(
            "| {what} | {} | {} to {} | {} | {memory:.1} MiB |",
            ms(self.median()),
            ms(*least),
            ms(*most),
            ms(cpu)
        );
    }
}

pub fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).expect("not negative"))
}

pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Prints the median of the ratios of runs that were made in turns.
pub fn ratio(what: &str, ours: &Runs, theirs: &Runs) {
    println!("| {what} | {:.2} | | | |", ours.over(theirs));
}
