//! `providers`: list the providers with built-in settings.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{json, Value};

use crate::failure::Class;
use crate::oauth::text::json_line;
use crate::os::terminal;
use crate::output;
use crate::providers::{IssuerSource, Provider, RedirectRule, PROVIDERS};

/// The widths of the two columns on a terminal of 80.
const COLUMNS: (usize, usize) = (11, 68);

/// Prints the providers.
pub fn run(json: bool) -> ExitCode {
    let text = if json {
        let providers: Vec<_> = PROVIDERS.iter().map(in_json).collect();
        json_line(&json!({ "providers": providers })).unwrap_or_default()
    } else {
        PROVIDERS.iter().map(row).collect::<Vec<_>>().join("\n")
    };
    output::print_all(&text, Class::Success)
}

fn redirect(provider: &Provider) -> &'static str {
    match provider.redirect {
        RedirectRule::AnyPort => "http://127.0.0.1, any port",
        RedirectRule::AnyPortOfLocalhost => "http://localhost, any port",
        RedirectRule::Registered => "as registered",
    }
}

/// Returns the option that the provider needs beside the client.
fn needs(provider: &Provider) -> &'static str {
    match provider.server {
        IssuerSource::Named(_) => "; needs --issuer",
        _ if provider.has_tenants() => "; needs --tenant",
        _ => "",
    }
}

fn row(provider: &Provider) -> String {
    let text = format!(
        "{}: redirect URI {}{}; register a client at {}",
        provider.title,
        redirect(provider),
        needs(provider),
        provider.registration
    );
    let (name_width, text_width) = COLUMNS;
    let text = terminal::wrap(&text, text_width, &" ".repeat(name_width));
    format!("{:<name_width$}{text}", provider.name)
}

fn in_json(provider: &Provider) -> Value {
    let (issuer, discovered) = match provider.server {
        IssuerSource::Issuer(issuer) => (Some(issuer), true),
        IssuerSource::Named(_) => (None, true),
        IssuerSource::Endpoints { issuer, .. } => (Some(issuer), false),
    };
    json!({
        "name": provider.name,
        "title": provider.title,
        "issuer": issuer,
        "discovered": discovered,
        "needs": Some(needs(provider)).filter(|option| !option.is_empty()),
        "parameters": provider.parameters.iter().copied().collect::<BTreeMap<_, _>>(),
        "scopes": provider.scopes,
        "resource": provider.takes_resource,
        "redirect_uri": redirect(provider),
        "registration": provider.registration,
        "rotates": provider.rotates,
    })
}
