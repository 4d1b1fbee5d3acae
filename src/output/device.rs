//! The code of a login without a browser of its own, for people.

use std::time::Duration;

use crate::login::DevicePage;
use crate::oauth::text::{printable, scope_list};
use crate::os::clock::in_words;
use crate::os::terminal;

/// Shows who asks for what, the page, and the code alone on its line.
///
/// Spec: RFC 8628 sections 3.3 and 5.4.
pub fn show(page: &DevicePage) {
    terminal::say(&format!("log in to {}", page.server));
    terminal::say(&format!(
        "  authorization server: {}",
        printable(page.issuer)
    ));
    let scopes = match page.scopes {
        [] => "the server's default".to_owned(),
        scopes => scope_list(scopes),
    };
    terminal::say(&format!("  scopes:               {scopes}"));
    terminal::say(
        "enter the code only if you started this login yourself, on this machine: whoever started it gets access to your \
         account",
    );
    terminal::say(match page.skip {
        None => "opening your browser; if it does not open, visit this page in any browser:",
        Some(_) => "open this page in any browser, also on another device:",
    });
    terminal::show("");
    terminal::show_link(page.verification_uri);
    terminal::show("");
    let left = u64::try_from(page.expires_at.seconds_left()).unwrap_or(0);
    let left = in_words(Duration::from_secs(left.max(1)));
    terminal::say(&format!("and enter this code within {left}:"));
    terminal::show("");
    terminal::show(page.user_code);
    terminal::show("");
}
