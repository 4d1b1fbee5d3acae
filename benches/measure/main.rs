//! The measured numbers, in one table: `cargo bench`.
//!
//! A shared machine is noisy, so the figures to trust are medians, and ratios of runs taken in turns. If `codex` is on
//! the path (or named by `CODEX`), its login is measured in turns with ours. Peak memory is the system's own figure for
//! the largest child so far, so what is small is measured before what is large. It is never below the size of this bench
//! itself, which every child is for a moment; `/usr/bin/time -v` gives a single run's own figure. What is measured
//! begins with the start of the process and ends with its end, for which the system wakes us.

#[path = "../../tests/it/support/mod.rs"]
#[allow(dead_code)]
mod support;

mod codex;
mod crowd;
mod growth;
mod keyring;
mod login;
mod peak;
mod runs;
mod start;

use support::visit;

/// The argument by which this bench starts itself as a browser.
const BROWSER: &str = "--as-browser";

/// The argument by which this bench starts itself in a session with a keyring.
const KEYRING: &str = "--in-keyring";

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(BROWSER) => return browse(&arguments.next().expect("a URL")),
        Some(KEYRING) => return keyring::token_in_this_keyring(),
        _ => {}
    }
    println!("| what | median | least to most | processor time | peak memory so far |");
    println!("|---|---|---|---|---|");
    start::start();
    start::live_token();
    start::helper_token();
    keyring::token_in_a_keyring();
    login::login();
    login::slow_servers();
    crowd::idle_connections();
    crowd::flood();
    codex::codex();
    growth::growth();
}

/// Does what a browser does with an authorization URL of the fake: it follows the redirect.
fn browse(url: &str) {
    if let Some(target) = visit(url).header("location") {
        visit(target);
    }
}
