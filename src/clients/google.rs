//! What the targets for Google have in common.

use super::HandoverError;
use crate::providers::google::GOOGLE;
use crate::store::Credentials;

/// Refuses a login to anything but Google; `options` are those of a login that can be used.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`].
pub fn check(login: &Credentials, options: &str) -> Result<(), HandoverError> {
    if login.provider.as_deref() == Some(GOOGLE.name) {
        return Ok(());
    }
    Err(other_login(login, options))
}

/// The login is not one to Google.
pub fn other_login(login: &Credentials, options: &str) -> HandoverError {
    HandoverError::unsuitable(
        format!("the login to {} is not a Google login", login.server),
        format!("log in with `mcp-login --provider google --client-file FILE {options}`"),
    )
}

/// The login has no refresh token, which the targets for Google need.
pub fn without_refresh_token() -> HandoverError {
    HandoverError::unsuitable(
        "the login has no refresh token, so it would end within the hour",
        "log in again with `mcp-login --provider google --force ...`",
    )
}
