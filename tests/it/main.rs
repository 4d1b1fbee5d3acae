//! The integration tests: the real program against real sockets, files, terminals and browsers.

#[macro_use]
extern crate macro_rules_attribute;

#[macro_use]
mod runner;
mod support;

mod again;
mod answers;
mod authority;
mod bridge;
mod budget;
mod check;
mod client_keys;
mod completions;
mod configured;
mod corpus;
mod demo;
mod device;
mod device_beside;
mod discovery;
mod doctor;
mod documented;
mod dpop;
mod dpop_needed;
mod exchange;
mod exec_store;
mod first_steps;
mod fleet;
mod generated;
mod golden;
mod grants;
mod grants_jwt;
mod handover;
mod handover_clients;
mod handover_connect;
mod handover_python;
mod handover_rivals;
mod hardening;
mod listener;
mod login;
mod logout;
mod long_files;
mod manual;
mod names;
mod network;
mod packages;
mod paste;
mod places;
mod process;
mod projects;
mod properties;
mod providers;
#[cfg(target_os = "linux")]
mod real;
mod refresh;
mod registration;
mod reuse;
mod secrets;
mod seeds;
mod status;
mod store;
mod stores;
mod target;
mod threats;
mod tidy;
mod token;
mod usage;
#[cfg(target_os = "linux")]
mod windows;

fn main() -> std::process::ExitCode {
    if std::env::var_os("FAKE_SERVER").is_some() {
        support::rotating::Rotating::serve_by_hand();
    }
    #[cfg(target_os = "linux")]
    real::prompt::play_if_asked();
    runner::main()
}
