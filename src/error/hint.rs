//! What to do after each failure: an action, and a command wherever there is one.

use super::discovery::{discover_hint, register_hint};
use super::words::{denial_hint, exchange_hint, handover_hint, http_hint, known_failure};
use super::{BindError, Error, ServerFault};

impl Error {
    /// Returns what to do next; `None` if we know nothing better than the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unexpected { .. } => None,
            Self::Command { .. } => None,
            Self::NotRevoked { lives, .. } => {
                Some(format!("{lives}; the provider's own page can end the login sooner"))
            }
            Self::Busy { .. } | Self::Interrupted { .. } => Some("run the command again in a moment".to_owned()),
            Self::HandOver { client, source } => handover_hint(client, source),
            Self::Reported(told) => told.hint.clone(),
            Self::Usage { hint, .. } => hint.clone(),
            Self::Ambiguous { choices, .. } => {
                let names: Vec<_> = choices.iter().filter_map(|choice| choice.split("  ").next()).collect();
                Some(format!("name the one that you mean: {}", names.join(" or ")))
            }
            Self::Bind { source: BindError::Taken { port }, .. } => Some(format!(
                "leave out --port or --redirect-uri to take any free port, stop the program that holds port {port}, or allow pasting"
            )),
            Self::Bind { source: BindError::UsedUp, .. } => Some(
                "other programs use all ports of this machine (see `ss -s`): end some, or run this in a terminal, or with \
                 --paste, and paste the answer"
                    .to_owned(),
            ),
            Self::Bind { .. } => Some("run this in a terminal, or with --paste, and paste the answer".to_owned()),
            Self::Discover { server, source } => discover_hint(server, source),
            Self::Register { source, provider, .. } => register_hint(source, *provider),
            Self::IssuerChanged { now, .. } => {
                Some(format!("if you know that it moved there, and the client is registered there, add --issuer {now}"))
            }
            Self::Denied { denial, provider, .. } => {
                let known = known_failure(*provider, &denial.error, denial.description.as_deref());
                Some(known.unwrap_or_else(|| denial_hint(&denial.error)).to_owned())
            }
            Self::Exchange { source, provider, .. } => exchange_hint(source, *provider),
            Self::Store { source, .. } => source.hint(),
            Self::TimedOut { asked, .. } => Some(match asked {
                Some(asked) => format!(
                    "if the page showed an error: {asked}; else run the command again; --timeout gives more time"
                ),
                None => "run the command again; --timeout gives more time".to_owned(),
            }),
            Self::NoWay { .. } => {
                Some("run this in a terminal, or with --paste and an open stdin, or where it can listen".to_owned())
            }
            Self::NotLoggedIn { hint, .. } => Some(hint.clone()),
            Self::Unreachable { source, .. } => http_hint(source),
            Self::Server { fault: ServerFault::NotMcp | ServerFault::Doubtful, .. } => Some(
                "check the URL: it is that of the MCP server itself, such as https://mcp.example.com/mcp".to_owned(),
            ),
            Self::Server { fault: ServerFault::Lasting, .. } => Some("ask the operator of the server".to_owned()),
            Self::Server { fault: ServerFault::Passing, .. } => Some("try again later, or ask the operator of the server".to_owned()),
            Self::AccountRefused { login, .. } => {
                Some(format!("ask the operator for access, or log in with another account: {login}"))
            }
            Self::OlderTransport { .. } => {
                Some("try the login in a client that speaks it; `mcp-login token` gives the token".to_owned())
            }
        }
    }
}
