//! Logs in to protected MCP servers before the client starts, and keeps the login.
//!
//! **This library is internal to the program `mcp-login`: it is no API, and any release may change anything in it.** The
//! modules form four layers, and a module names lower layers only. `login` tells the story of a login; `oauth` holds the
//! rules that it keeps.

// Core: the rules of OAuth, pure; the messages of MCP; what is known of providers; the operating system.
pub mod digest;
pub mod failure;
pub mod mcp;
pub mod oauth;
pub mod os;
pub mod providers;
pub mod warning;

// Adapters: each is the only place that knows one kind of outside thing.
pub mod callback;
pub mod clients;
pub mod http;
pub mod store;

// Flows: what happens between a server, a person and a store.
pub mod bridge;
pub mod context;
pub mod discovery;
pub mod error;
pub mod login;
pub mod refresh;
pub mod registration;
pub mod token_endpoint;

// Surface: what the user types, and what the user reads.
pub mod cli;
pub mod commands;
pub mod output;
