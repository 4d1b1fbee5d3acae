//! The rules of OAuth and MCP authorization, pure: no input or output, no clock, no randomness, no printing.

pub mod authorization;
mod body;
pub mod callback;
pub mod challenge;
pub mod client;
pub mod device;
pub mod endpoint;
pub mod grant;
pub mod id_token;
pub mod jwt;
pub mod metadata;
pub mod paste;
pub mod secret;
pub mod text;
pub mod token;
pub mod token_endpoint;
