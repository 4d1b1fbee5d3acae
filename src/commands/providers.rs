//! The list of providers.

use std::process::ExitCode;

use serde_json::{json, Value};

use super::LOST_OUTPUT;
use crate::cli::Common;
use crate::oauth::text::json_line;
use crate::os::terminal;
use crate::providers::{Provider, Redirect, Server, PROVIDERS};

/// `providers`
pub fn run_providers(common: &Common) -> ExitCode {
    let text = if common.json {
        json_line(&json!({ "providers": PROVIDERS.iter().map(in_json).collect::<Vec<_>>() }))
            .unwrap_or_default()
    } else {
        table()
    };
    match terminal::product(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(LOST_OUTPUT),
    }
}

fn redirect(provider: &Provider) -> &'static str {
    match provider.redirect {
        Redirect::AnyPort => "http://127.0.0.1, any port",
        Redirect::AnyPortOfLocalhost => "http://localhost, any port",
        Redirect::Registered => "as registered",
    }
}

/// Returns the option that the provider cannot do without, beside the client.
fn needs(provider: &Provider) -> &'static str {
    match provider.server {
        Server::Named(_) => "; needs --issuer",
        _ if provider.has_tenants() => "; needs --tenant",
        _ => "",
    }
}

/// Columns behind the names, on a terminal of 80.
const ROOM: usize = 68;

fn table() -> String {
    let entry = |it: &Provider| {
        let (redirect, needs) = (redirect(it), needs(it));
        let told = format!(
            "{}: redirect URI {redirect}{needs}; register a client at {}",
            it.title, it.registration
        );
        format!(
            "{:<11}{}",
            it.name,
            terminal::wrap(&told, ROOM, &" ".repeat(11))
        )
    };
    PROVIDERS.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn in_json(provider: &Provider) -> Value {
    let (issuer, discovered) = match provider.server {
        Server::Issuer(issuer) => (Some(issuer), true),
        Server::Named(_) => (None, true),
        Server::Endpoints { issuer, .. } => (Some(issuer), false),
    };
    json!({
        "name": provider.name,
        "title": provider.title,
        "issuer": issuer,
        "discovered": discovered,
        "needs": Some(needs(provider)).filter(|option| !option.is_empty()),
        "parameters": provider.parameters.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
        "scopes": provider.scopes,
        "resource": provider.takes_resource,
        "redirect_uri": redirect(provider),
        "registration": provider.registration,
        "rotates": provider.rotates,
    })
}
