//! The code of a login without a browser of its own, for people.

use std::time::Duration;

use crate::login::DevicePage;
use crate::oauth::text::{printable, scope_list};
use crate::os::clock::in_words;
use crate::os::terminal::{self, qr};

/// The columns of a usual terminal.
const COLUMNS: usize = 80;

/// Shows who asks for what, perhaps the page as a picture, who may enter the code, the page, and the code alone on its line.
/// The picture holds nothing that does not follow as text.
///
/// Spec: RFC 8628 sections 3.3 and 5.4.
pub fn show(page: &DevicePage, has_picture: bool) {
    terminal::say(&format!("log in to {}", page.server));
    let issuer = printable(page.issuer);
    terminal::say(&format!("  authorization server: {issuer}"));
    let scopes = scope_list(page.scopes, "the server's default");
    terminal::say(&format!("  scopes:               {scopes}"));
    let address = page.verification_uri_complete;
    let address = address.unwrap_or(page.verification_uri);
    // Below the picture are who may enter the code, in two lines, two sentences, the page, the code and the countdown.
    let rows_below = 7 + page.verification_uri.len() / COLUMNS;
    let is_drawn = has_picture && qr::show(address, rows_below);
    let blank = || {
        if !is_drawn {
            terminal::show("");
        }
    };
    terminal::say(
        "enter the code only if you started this login yourself, on this machine: whoever started it gets access to your \
         account",
    );
    terminal::say(match page.skip {
        None if is_drawn => "opening your browser; you may also visit this page in any browser:",
        Some(_) if is_drawn => "open the page of the picture, or this one, in any browser:",
        None => "opening your browser; if it does not open, visit this page in any browser:",
        Some(_) => "open this page in any browser, also on another device:",
    });
    blank();
    terminal::show_link(page.verification_uri);
    blank();
    let left = u64::try_from(page.expires_at.seconds_left()).unwrap_or(0);
    let left = in_words(Duration::from_secs(left.max(1)));
    terminal::say(&format!("and enter this code within {left}:"));
    blank();
    terminal::show(page.user_code);
    blank();
}
