//! A login that is made for this run only: its tokens stay in memory.

use super::{unattended, Freshness, LIMIT};
use crate::context::{Context, UnstoredLogin};
use crate::error::Error;
use crate::oauth::secret::Secret;
use crate::os::clock::Deadline;
use crate::store::Credentials;

/// Returns the login with a live access token, another one than `refused`. The first call finds the servers; who waits for
/// it gets the same token.
pub(super) fn live(
    unstored: &UnstoredLogin,
    refused: Option<&Secret>,
    need: Freshness,
    context: &Context,
) -> Result<Credentials, Error> {
    let deadline = Deadline::after(LIMIT);
    let mut held = unstored.hold();
    if let Some(login) = &*held {
        let is_refused = refused == Some(&login.access_token);
        if !is_refused && !need.refresh && !need.is_due(login) {
            return Ok(login.clone());
        }
    }
    let login = match &*held {
        Some(login) => login.clone(),
        None => unstored.prepare(context)?,
    };
    let login = unattended::obtain(&login, &context.settings, deadline)?;
    *held = Some(login.clone());
    Ok(login)
}
