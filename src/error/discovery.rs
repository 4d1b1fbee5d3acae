//! The words for what goes wrong before there is a page: finding the authorization server, and becoming its client.

use url::Url;

use super::words::{http_code, http_hint};
use super::{DiscoverError, FetchError, MetadataError, RegisterError};
use crate::oauth::challenge::Credential;
use crate::oauth::endpoint;
use crate::oauth::text::{printable, printable_list};
use crate::providers::Provider;

/// The most authorization servers that a hint names.
const MAX_CHOICES: usize = 3;

/// Returns the word for a failed discovery.
pub fn discover_code(err: &DiscoverError) -> &'static str {
    match err {
        DiscoverError::Http(err)
        | DiscoverError::Document {
            why: FetchError::Http(err),
            ..
        } => http_code(err),
        DiscoverError::Url { .. } => "forbidden_url",
        DiscoverError::ForeignMetadata(_) => "foreign_metadata",
        DiscoverError::OtherPath { .. } | DiscoverError::TooWide { .. } => "resource_mismatch",
        DiscoverError::NotMcp(_) | DiscoverError::LoginPage(_) => "not_an_mcp_server",
        DiscoverError::NoLoginNeeded => "no_login_needed",
        DiscoverError::Document {
            why: FetchError::Unsafe(err) | FetchError::Unusable(err),
            ..
        } => metadata_code(err),
        DiscoverError::Document {
            why: FetchError::Status(_) | FetchError::LimitReached,
            ..
        } => "metadata_unusable",
        DiscoverError::NoDocument { .. } => "metadata_unusable",
        DiscoverError::MetadataUnavailable(_)
        | DiscoverError::IssuerWithoutMetadata(_)
        | DiscoverError::BrokenMetadata(_)
        | DiscoverError::OtherCredential(..)
        | DiscoverError::UnnamedAuthorizationServer(_)
        | DiscoverError::NoAuthorizationServer(_) => "no_authorization_server",
        DiscoverError::Unsuitable { why, .. } => metadata_code(why),
        DiscoverError::OtherIssuer { .. } | DiscoverError::NearIssuer { .. } => "issuer_mismatch",
        DiscoverError::Impersonated { .. } => "issuer_mismatch",
    }
}

fn metadata_code(err: &MetadataError) -> &'static str {
    match err {
        MetadataError::Issuer { .. } => "issuer_mismatch",
        MetadataError::Resource { .. } => "resource_mismatch",
        MetadataError::Url { .. } => "forbidden_url",
        MetadataError::NoPkce => "pkce_unsupported",
        MetadataError::NoCodeFlow(_) => "code_flow_unsupported",
        MetadataError::NotMetadata | MetadataError::NotAnObject | MetadataError::Missing { .. } => {
            "metadata_unusable"
        }
        MetadataError::WrongType { .. } | MetadataError::Doubled(_) => "metadata_unusable",
    }
}

/// Returns what to do after a failed discovery.
pub fn discover_hint(server: &str, err: &DiscoverError) -> Option<String> {
    let hint = match err {
        DiscoverError::Http(err) | DiscoverError::Document { why: FetchError::Http(err), .. } => return http_hint(err),
        DiscoverError::NoLoginNeeded => "use the server as it is",
        DiscoverError::OtherPath { found, .. } => return Some(format!("did you mean {found}?")),
        DiscoverError::TooWide { server, .. } => {
            return Some(format!("--resource {server} asks for a token for this server alone"));
        }
        DiscoverError::NotMcp(page) if page.is_html && page.status == 200 => {
            "check the URL of the server, and whether the network wants a login of its own first (a captive portal); to log \
             in all the same, use --issuer or --resource"
        }
        DiscoverError::LoginPage(_) => {
            "check the URL of the server; if a gateway of its operator is in the way (single sign-on, a VPN), ask the \
             operator for a way that clients other than browsers can take"
        }
        DiscoverError::NotMcp(_) => {
            "check the URL: the path of an MCP server is often /mcp; to log in all the same, use --issuer or --resource"
        }
        _ if err.attempts().is_some_and(|attempts| !attempts.others.is_empty()) => {
            return err.attempts().map(|attempts| choice_hint(&attempts.others));
        }
        DiscoverError::MetadataUnavailable(_) => {
            "run the command again in a while; --issuer does without the metadata of the server, if you know its \
             authorization server"
        }
        DiscoverError::IssuerWithoutMetadata(_) => {
            "check --issuer; for one that publishes no metadata, --authorization-endpoint and --token-endpoint name its \
             endpoints, and --issuer-metadata names a document at another place"
        }
        DiscoverError::BrokenMetadata(_) => {
            "report this to the operator of the authorization server; --authorization-endpoint and --token-endpoint name \
             its endpoints, and --issuer another authorization server, if you know them"
        }
        DiscoverError::OtherCredential(Credential::ApiKey, _) => {
            "there is nothing to log in to: get an API key from the operator of the server, and give it to your client; if \
             there is an authorization server after all, name it with --issuer"
        }
        DiscoverError::OtherCredential(..) => {
            "there is nothing to log in to: give your client what the server asks for; if there is an authorization server \
             after all, name it with --issuer"
        }
        DiscoverError::UnnamedAuthorizationServer(_) => {
            "the server wants a token, but does not say where to get one: it may want an API key; --issuer names an \
             authorization server that the server does not name itself"
        }
        DiscoverError::NoAuthorizationServer(_) => {
            "check the URL of the server; --issuer names an authorization server that the server does not name itself"
        }
        DiscoverError::NoDocument { .. } => "check --issuer-metadata: it takes the URL of the document itself",
        DiscoverError::ForeignMetadata(named) if is_same_machine(server, named) => return Some(other_name(named)),
        DiscoverError::Document { why: FetchError::Unsafe(why), .. } => return Some(unsafe_document_hint(server, why)),
        DiscoverError::Document { why: FetchError::Unusable(why), .. } => useless_document_hint(why),
        DiscoverError::Unsuitable { silent: true, why: MetadataError::NoPkce, .. } => {
            "if you know that it protects codes with PKCE all the same, --assume-pkce goes on"
        }
        DiscoverError::Unsuitable { why: MetadataError::NoCodeFlow(_), .. } => {
            "mcp-login needs the authorization code flow; --issuer names another authorization server of the server"
        }
        DiscoverError::OtherIssuer { near: Some(near), .. } => return Some(format!("did you mean --issuer {near}?")),
        DiscoverError::OtherIssuer { .. } => "check --issuer: name one that the server uses, or leave it out",
        DiscoverError::NearIssuer { found, .. } => return Some(format!("did you mean --issuer {found}?")),
        DiscoverError::Impersonated { named, .. } => {
            return Some(format!(
                "only {named} itself can say where its endpoints are; if you know them, name them with \
                 --authorization-endpoint and --token-endpoint, or its metadata with --issuer-metadata"
            ));
        }
        _ if err.is_security() => return Some(not_safe(server)),
        _ if err.is_temporary() => "run the command again in a while",
        _ => "ask the operator of the server",
    };
    Some(hint.to_owned())
}

fn not_safe(server: &str) -> String {
    format!("report this to the operator of {server}; logging in there is not safe")
}

/// Returns what helps where metadata was refused. What the user can settle is no danger.
fn unsafe_document_hint(server: &str, err: &MetadataError) -> String {
    match err {
        MetadataError::Resource { found, .. } if is_same_machine(server, found) => other_name(found),
        MetadataError::Resource { .. } => format!(
            "report this to the operator of {server}; if you know that the URL is right, --resource {server} says so"
        ),
        MetadataError::Issuer { found, .. } if endpoint::parse(found).is_ok() => {
            let found = printable(found);
            format!(
                "report this to the operator of {server}; if you know that {found} is the right one, --issuer {found} \
                 logs in by its own metadata"
            )
        }
        _ => not_safe(server),
    }
}

fn useless_document_hint(err: &MetadataError) -> &'static str {
    match err {
        MetadataError::Missing {
            member: "resource", ..
        }
        | MetadataError::WrongType {
            member: "resource", ..
        } => "--resource says which resource the server is",
        _ => "--issuer names the authorization server, if you know it",
    }
}

/// Names the authorization servers that are left where the first one is of no use.
fn choice_hint(others: &[String]) -> String {
    let plural = if others.len() == 1 { "" } else { "s" };
    let named = printable_list(others, ", ", MAX_CHOICES);
    format!(
        "the server names {} other authorization server{plural}: {named}; --issuer URL chooses one",
        others.len()
    )
}

fn is_same_machine(one: &str, other: &str) -> bool {
    let (one, other) = (Url::parse(one), Url::parse(other));
    one.is_ok_and(|one| other.is_ok_and(|other| endpoint::is_same_machine(&one, &other)))
}

fn other_name(found: &str) -> String {
    let host = Url::parse(found)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    format!("the server calls itself {host}; name it so in its URL")
}

/// Returns the word for a failed registration.
pub fn register_code(err: &RegisterError) -> &'static str {
    match err {
        RegisterError::NoMethod(_) | RegisterError::Closed { .. } => "client_id_needed",
        RegisterError::OtherIssuer { .. } => "issuer_changed",
        RegisterError::Endpoint(_) => "forbidden_url",
        RegisterError::Refused { .. } => "registration_refused",
        RegisterError::NoClientId | RegisterError::Unavailable(_) => "registration_unavailable",
        RegisterError::Http(err) => http_code(err),
    }
}

/// Returns the exit code of a login that ends with a failed registration.
pub fn register_exit(err: &RegisterError) -> u8 {
    match err {
        // Each new attempt may leave another client behind, and gets the same answer.
        RegisterError::NoMethod(_) | RegisterError::Closed { .. } | RegisterError::NoClientId => 2,
        RegisterError::Refused { .. } => 3,
        RegisterError::OtherIssuer { .. } | RegisterError::Endpoint(_) => 6,
        RegisterError::Http(err) if err.is_hopeless() => 2,
        RegisterError::Http(err) if err.is_security() => 6,
        RegisterError::Unavailable(_) | RegisterError::Http(_) => 5,
    }
}

/// Returns what to do after a failed registration.
pub fn register_hint(err: &RegisterError, provider: Option<&'static Provider>) -> Option<String> {
    let hint = match err {
        RegisterError::NoMethod(_) | RegisterError::Closed { .. } if provider.is_some() => {
            return provider.map(register_at);
        }
        RegisterError::NoMethod(_) | RegisterError::Closed { .. } => {
            "register a client at the provider by hand, then name it with --client-id or --client-file"
        }
        RegisterError::Endpoint(_) => {
            "report this to the operator of the authorization server; a client that is registered by hand and named with \
             --client-id does without that endpoint"
        }
        RegisterError::OtherIssuer { now, .. } => {
            return Some(format!("if the client belongs to {now} as well, say so with --issuer {now}"));
        }
        RegisterError::Refused { error: Some(error), .. } if error == "invalid_redirect_uri" => {
            "the server does not accept our redirect URI: --redirect-host localhost may help, or a client that is \
             registered by hand and named with --client-id"
        }
        RegisterError::Refused { error: Some(_), .. } => {
            "the words after the colon are the server's; a client that is registered by hand may help: name it with \
             --client-id"
        }
        RegisterError::Refused { error: None, .. } => {
            "register a client at the provider by hand, then name it with --client-id or --client-file"
        }
        RegisterError::NoClientId => {
            "report this to the operator of the authorization server; a client that is registered by hand and named with \
             --client-id does without registration"
        }
        RegisterError::Unavailable(_) => "run the command again in a while",
        RegisterError::Http(err) => return http_hint(err),
    };
    Some(hint.to_owned())
}

/// Returns how to become a client of a provider that registers none by itself.
fn register_at(provider: &Provider) -> String {
    format!(
        "register a client at {}, then name it with --client-id or --client-file",
        provider.registration
    )
}
