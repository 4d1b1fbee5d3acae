//! The requests that a client makes with its credentials: tokens for a code or a refresh token, and revocation.

pub mod exchange;
pub mod revoke;
