//! A step of a GitHub Actions job: the token in the environment of all later steps, masked in the log.

use zeroize::Zeroizing;

use super::{Delivery, Handover, HandoverError, Mode, Places, Target};

/// The step.
pub const TARGET: Target = Target {
    name: "github-actions",
    about: "masks the access token in the log and sets it for all later steps",
    modes: &[Mode::Access],
    deliver,
    note: "later steps of this job see the token until it expires",
    ..Target::NEW
};

/// The mask comes first, and on stdout: a command in the environment file would be a variable.
///
/// Spec: GitHub Actions, workflow commands, "Masking a value in a log" and "Multiline strings".
fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let Some(file) = places.path("GITHUB_ENV") else {
        return Err(HandoverError::unsuitable(
            "GITHUB_ENV is not set: this is no step of a GitHub Actions job",
            "elsewhere use --to dotenv, or `mcp-login exec SERVER -- COMMAND`",
        ));
    };
    let (name, token) = (handover.variable, handover.login.access_token.expose());
    // A token is one line of printable characters, so none of its lines can be the delimiter.
    let lines = format!("{name}<<mcp-login end\n{token}\nmcp-login end\n");
    Ok(Delivery::Product {
        // Spec: GitHub Actions decodes %25, %0D and %0A in the values of commands.
        text: Zeroizing::new(format!("::add-mask::{}", token.replace('%', "%25"))),
        append: Some((file, Zeroizing::new(lines))),
    })
}
