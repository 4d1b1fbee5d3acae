//! The tests of `tests/it/windows` on Windows itself, where the others cannot be built: they drive terminals, signals and
//! processes of Unix. Elsewhere `tests/windows/run` runs them under Wine.

#![cfg_attr(windows, allow(dead_code, unused_imports, unused_macros))]

#[cfg(windows)]
#[macro_use]
extern crate macro_rules_attribute;

#[cfg(windows)]
#[macro_use]
#[path = "it/runner.rs"]
mod runner;
#[cfg(windows)]
#[path = "it/support/mod.rs"]
mod support;
#[cfg(windows)]
#[path = "it/windows/mod.rs"]
mod windows;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    runner::main()
}

#[cfg(not(windows))]
fn main() {}
