//! Logins against real authorization servers, the conformance suite of MCP, a real browser, a real keyring and real MCP
//! clients, installed by `tests/real/install`.
//!
//! A test whose component is not on this machine says so and passes; with `CI=true` it fails instead.

mod bed;
mod clients;
mod conformance;
mod keyring;
mod paste;
mod running;
mod servers;
mod tokens;
mod workspace;
