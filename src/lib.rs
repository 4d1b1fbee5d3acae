//! Logs in to protected MCP servers before the client starts, and keeps the login.
//!
//! The modules stand in floors, and a module may name lower floors only. `login` tells the whole story of a login;
//! `oauth` holds the rules it keeps, and does nothing else.

// Floor 0: the rules, the messages, what is known of providers, and the ground: clock, disk, surroundings.
pub mod clock;
pub mod digest;
pub mod disk;
pub mod mcp;
pub mod oauth;
pub mod providers;
pub mod surroundings;

// Floor 1: the edges; each is the only place that knows one outside thing.
pub mod browser;
pub mod http;
pub mod listener;
pub mod peers;
pub mod signals;
pub mod store;
pub mod terminal;

// Floor 2: the steps of a login, in their order.
pub mod discover;
pub mod register;

pub mod authorize;

pub mod wait;

pub mod exchange;

pub mod revoke;

// Floor 2 as well: what other programs read of a login.
pub mod clients;

// Floor 3: how a login can fail.
pub mod error;

// Floor 4: one story for each command.
pub mod check;
pub mod demo;
pub mod doctor;
pub mod exec;
pub mod handover;
pub mod login;
pub mod logout;
pub mod status;
pub mod token;
pub mod tools;

// Floor 5: what the user types, and what the user is told.
pub mod app;
pub mod cli;
pub mod guard;
pub mod report;

#[doc(hidden)]
pub mod fuzzing;
