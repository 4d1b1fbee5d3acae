//! The operating system: files, locks, processes, other programs, signals, the terminal, the browser, the clock.

pub mod browser;
pub mod clock;
pub mod command;
pub mod environment;
pub mod files;
pub mod limits;
pub mod memory;
pub mod peer;
pub mod places;
pub mod poll;
pub mod process;
pub mod programs;
pub mod shell;
pub mod signals;
pub mod socket;
pub mod stdio;
pub mod sync;
pub mod terminal;
pub mod trust;
