//! Logins against real authorization servers, the conformance suite of MCP, a real browser, a real keyring and real MCP
//! clients, installed by `tests/real/install`.
//!
//! A test whose component is not on this machine is skipped; with `CI=true` it fails instead.

mod accidents;
mod bed;
mod better_auth;
mod bridge;
mod bus;
mod canaille;
mod clients;
mod conformance;
mod device;
mod engines;
mod glewlwyd;
mod keyring;
mod keys;
mod npm_clients;
mod openauth;
mod paste;
pub mod prompt;
mod proxy;
mod python_clients;
mod rivals;
mod running;
mod servers;
mod session;
mod shared;
mod states;
mod tokens;
mod user_agent;
mod workers_oauth;
mod workspace;
