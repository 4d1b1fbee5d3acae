//! The integration tests: the real program against real sockets, files, terminals and browsers.

mod answers;
mod authority;
mod check;
mod completions;
mod corpus;
mod demo;
mod discovery;
mod doctor;
mod exchange;
mod generated;
mod handover;
mod handover_clients;
mod handover_python;
mod handover_rivals;
mod listener;
mod login;
mod logout;
mod names;
mod network;
mod paste;
mod places;
mod process;
mod projects;
mod providers;
#[cfg(target_os = "linux")]
mod real;
mod refresh;
mod registration;
mod secrets;
mod seeds;
mod status;
mod store;
mod support;
mod tidy;
mod token;
mod usage;
