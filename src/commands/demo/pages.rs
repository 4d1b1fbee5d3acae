//! The pages of the demo's authorization server, styled like those that end a login.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use url::Url;

use super::authority::{AccessRequest, SCOPES};
use super::response::HttpResponse;
use crate::callback::pages::{HEAD, STYLE};
use crate::digest;

/// The style of the demo's pages, beside that of every page.
const OWN_STYLE: &str = include_str!("pages/consent.css");

/// Returns the page that asks a person; its form carries the secret `request`.
pub fn consent(asked: &AccessRequest, request: &str) -> HttpResponse {
    let scopes = SCOPES.iter().filter(|(scope, _)| asked.covers(scope));
    let body = format!(
        include_str!("pages/consent.html"),
        client = escape(&asked.client_name),
        scopes = scopes
            .map(|(_, words)| format!("<li>{words}</li>"))
            .collect::<String>(),
        redirect_uri = escape(&asked.redirect_uri),
        request = escape(request),
    );
    // Chromium applies form-action to the redirect that answers the form as well.
    let back = Url::parse(&asked.redirect_uri)
        .map(|uri| uri.origin().ascii_serialization())
        .unwrap_or_default();
    page(
        200,
        &body,
        &format!("'self' {back}"),
        "the page that asks the user",
    )
}

/// Returns the page for a request that nobody is asked about.
pub fn refusal(why: &str) -> HttpResponse {
    page(
        400,
        &format!(include_str!("pages/refusal.html"), why = escape(why)),
        "'none'",
        why,
    )
}

fn page(status: u16, body: &str, form_action: &str, remark: &str) -> HttpResponse {
    let style = format!("\n{STYLE}{OWN_STYLE}");
    let hash = STANDARD.encode(digest::sha256(&style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    HttpResponse {
        body: format!("{}{style}</style>\n{body}", HEAD.trim_end()),
        ..HttpResponse::status(status, remark)
    }
    .with("Content-Type", "text/html; charset=utf-8")
    .with("Content-Security-Policy", policy)
    .with("X-Frame-Options", "DENY")
    // With no-referrer the form would have no origin, and be refused.
    .with("Referrer-Policy", "same-origin")
}

/// Escapes text for HTML, also inside quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
