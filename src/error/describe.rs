//! What each error says about itself: its class, its code and its hint.

use super::{Error, ServerFault};
use crate::failure::{About, Class, Code, Failure, Hint, LoginCommand};
use crate::providers::Provider;
use crate::token_endpoint::ExchangeError;

/// The hint where the command itself has no more to say.
const ADD_DPOP: &str = "add --dpop: the server wants tokens that are bound to a key";

const IN_A_MOMENT: &str = "run the command again in a moment";

impl Error {
    /// Returns class, code and hint: what the error of the failed step says about itself, unless this login could do
    /// otherwise, or what is said here of the others.
    pub(super) fn describe(&self) -> Described {
        let own = |code: Code, hint: Option<Hint>| (code.class(), code, hint);
        let plain = |source: &dyn Failure| step(source, About::default());
        match self {
            Self::Discover { server, source } => step(source, named(server)),
            Self::HandOver { client, source, .. } => step(source, named(client)),
            Self::Register {
                source, provider, ..
            } => step(source, at(*provider)),
            Self::Denied {
                denial, provider, ..
            } => step(denial, at(*provider)),
            Self::Exchange {
                source,
                provider,
                login,
                ..
            } => with_hint(exchange_hint(source, login), step(source, at(*provider))),
            Self::Device {
                source,
                provider,
                with_dpop,
                ..
            } => with_hint(dpop_hint(with_dpop), step(source, at(*provider))),
            Self::Grant {
                source,
                login,
                has_proof,
                ..
            } => with_hint(grant_hint(source, login, *has_proof), plain(source)),
            Self::Bind {
                source,
                offers_device,
                ..
            } => match plain(source) {
                (class, code, Some(Hint::Text(text))) => {
                    (class, code, Some(with_device(text, *offers_device).into()))
                }
                described => described,
            },
            Self::Store { source, .. } => plain(source.as_ref()),
            Self::ClientKey(source) => plain(source),
            Self::Unreachable { server, source } => step(source, named(server)),
            Self::Assertion { source, .. } => plain(source),
            Self::Reported(report) => (report.class, report.code, report.hint.clone()),
            Self::Command { not_found, .. } => {
                let class = match not_found {
                    true => Class::NotFound,
                    false => Class::CannotRun,
                };
                (class, Code::CommandFailed, None)
            }
            Self::DpopRequired { login, .. } => {
                let hint = dpop_hint(login).unwrap_or(ADD_DPOP.into());
                own(Code::DpopRequired, Some(hint))
            }
            Self::Usage { hint, .. } => own(Code::Usage, hint.clone()),
            Self::Ambiguous { choices, .. } => {
                let names: Vec<_> = choices.iter().map(|(name, _)| name.as_str()).collect();
                let hint = format!("name the one that you mean: {}", names.join(" or "));
                own(Code::Usage, Some(hint.into()))
            }
            Self::TimedOut {
                asked,
                offers_device,
                ..
            } => {
                let mut hint = "run the command again, with --timeout for more time".to_owned();
                if let Some(asked) = asked {
                    hint += &format!(
                        "; if the page showed an error, its operator needs to know: {asked}"
                    );
                }
                let hint = with_device(hint, *offers_device);
                own(Code::TimedOut, Some(hint.into()))
            }
            Self::NoWay { offers_device, .. } => {
                let hint = "run this in a terminal, or with --paste and an open stdin, or where it can listen";
                let hint = with_device(hint.to_owned(), *offers_device);
                own(Code::NoWayToAnswer, Some(hint.into()))
            }
            Self::NotLoggedIn { hint, .. } => own(Code::NotLoggedIn, Some(hint.clone())),
            Self::Busy(_) => own(Code::Busy, Some(IN_A_MOMENT.into())),
            Self::Interrupted(_) => own(Code::Interrupted, Some(IN_A_MOMENT.into())),
            Self::NotRevoked { lives, .. } => {
                let hint = format!("{lives}; the provider's own page can end the login sooner");
                own(Code::NotRevoked, Some(hint.into()))
            }
            Self::Server { fault, .. } => {
                let (code, hint) = fault.describe();
                own(code, Some(hint.into()))
            }
            Self::AccountRefused { login, .. } => {
                let advice = "ask the operator for access, or log in with another account";
                let hint = Hint::Else(advice.to_owned(), login.clone());
                own(Code::AccountRefused, Some(hint))
            }
            Self::OlderTransport(_) => {
                let hint = "log in with a client that speaks it; `mcp-login token` gives the token";
                own(Code::OlderTransport, Some(hint.into()))
            }
            Self::Unexpected { .. } => own(Code::Unexpected, None),
        }
    }
}

impl ServerFault {
    fn describe(self) -> (Code, &'static str) {
        let check = "check the URL: it is that of the MCP server itself, such as https://mcp.example.com/mcp";
        let later = "try again later, or ask the operator of the server";
        match self {
            Self::NotMcp => (Code::NotAnMcpServer, check),
            Self::Doubtful => (Code::ServerFailed, check),
            Self::Lasting => (Code::ServerRejects, "ask the operator of the server"),
            Self::Passing => (Code::ServerFailed, later),
        }
    }
}

/// The class, the code and the hint of an error.
type Described = (Class, Code, Option<Hint>);

/// Returns what the error of a step says about itself.
fn step(step: &dyn Failure, about: About) -> Described {
    (step.class(), step.code(), step.hint(&about))
}

/// Puts a hint that knows the login in the place of the error's own, if there is one.
fn with_hint(better: Option<Hint>, (class, code, own): Described) -> Described {
    (class, code, better.or(own))
}

/// Returns the hint to log in with tokens that are bound to a key.
fn dpop_hint(login: &Option<Box<LoginCommand>>) -> Option<Hint> {
    let text = "log in with tokens that are bound to a key";
    Some(Hint::Else(text.to_owned(), login.clone()?))
}

/// Returns the login that may help where there are no tokens. A server behind another may call the end of a login
/// an error of its own, and for ever.
fn exchange_hint(source: &ExchangeError, login: &Option<Box<LoginCommand>>) -> Option<Hint> {
    match (source.code(), source.hint(&About::default())) {
        _ if source.wants_proof() => dpop_hint(login),
        (Code::TokenEndpointUnavailable, Some(Hint::Text(own))) if source.may_have_spent() => {
            let text = format!("{own}; if it keeps failing, log in again");
            Some(Hint::Else(text, login.clone()?))
        }
        _ => None,
    }
}

/// Returns what helps where a grant without a person fails, if more than the error says.
fn grant_hint(
    source: &ExchangeError,
    login: &Option<Box<LoginCommand>>,
    has_proof: bool,
) -> Option<Hint> {
    if !has_proof && source.wants_proof() {
        return dpop_hint(login).or(Some(ADD_DPOP.into()));
    }
    let advice = source.grant_hint()?;
    Some(match login {
        Some(login) => Hint::Else(format!("{advice}; then"), login.clone()),
        None => advice.into(),
    })
}

fn named(name: &str) -> About<'_> {
    About {
        name,
        provider: None,
    }
}

fn at(provider: Option<&'static Provider>) -> About<'static> {
    About { name: "", provider }
}

/// Adds to a hint that a device code does without an answer of the browser, where the server offers that.
fn with_device(hint: String, is_offered: bool) -> String {
    let device = "; or use --device: you enter a code in any browser";
    hint + if is_offered { device } else { "" }
}
