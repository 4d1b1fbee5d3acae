//! A line for a `.env` file, as Codex, Gemini CLI, Hermes, docker compose and shells read it.

use zeroize::Zeroizing;

use super::{Delivery, Handover, HandoverError, Mode, Places, Target};

/// The format.
pub const TARGET: Target = Target {
    name: "dotenv",
    about: "prints NAME='access token' for a .env file",
    modes: &[Mode::Access],
    deliver,
    note: "the token is good until it expires; print it anew before each start of the client",
    ..Target::NEW
};

/// A token holds printable ASCII only, so single quotes keep all of it, but for the quote itself.
fn deliver(handover: &Handover, _: &Places) -> Result<Delivery, HandoverError> {
    let value = handover.login.access_token.expose().replace('\'', r"'\''");
    Ok(Delivery::Product {
        text: Zeroizing::new(format!("{}='{value}'", handover.variable)),
        append: None,
    })
}
