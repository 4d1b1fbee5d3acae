//! What a login at a server would do, up to the authorization page.

use super::{Case, Finding};
use crate::commands::status::LoginState;
use crate::discovery::{Discovery, Step};
use crate::error::Error;
use crate::login::{preflight, Preflight, Resource};
use crate::oauth::client::RegistrationKind;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::{printable, scope_list};
use crate::providers;
use crate::registration::{ClientPlan, RegisterError};
use crate::store::{Credentials, IndexEntry, Place};

/// Asks the servers as a login does. Returns what was asked, and what was found.
pub fn examine(
    case: &Case,
    stored: Option<&Credentials>,
    redirect_uri: &str,
) -> (Vec<Step>, Vec<Finding>) {
    let (steps, preflight) = preflight(case.request, &case.http, &case.cache, stored, redirect_uri);
    let mut findings = vec![login(stored)];
    match preflight {
        Ok(preflight) => findings.extend(describe(case, &preflight)),
        Err(err) if err.needs_no_login() => findings.push(Finding::ok(
            "discovery",
            "the server answers without a login: none is needed",
        )),
        Err(err @ Error::Register { .. }) => findings.push(Finding::failure("registration", &err)),
        Err(err) => findings.push(Finding::failure("discovery", &err)),
    }
    (steps, findings)
}

/// Describes the stored login.
fn login(stored: Option<&Credentials>) -> Finding {
    let Some(stored) = stored else {
        return Finding::ok("login", "none is stored yet");
    };
    let state = LoginState::of(&IndexEntry::of(stored, Place::default()));
    let what = match (state, &stored.handed_over) {
        (LoginState::Live, _) => "stored, with a live access token".to_owned(),
        (LoginState::RefreshDue, _) => "stored; the access token is due to be refreshed".to_owned(),
        (LoginState::HandedOver, Some(handed)) => {
            format!("handed over to {}", printable(&handed.to))
        }
        _ => "stored, but not live any more: a new one is needed".to_owned(),
    };
    Finding::ok("login", what)
}

fn describe(case: &Case, preflight: &Preflight) -> Vec<Finding> {
    let server = &preflight.discovery.server;
    vec![
        issuer(&preflight.discovery),
        resource(case, preflight.discovery.resource.as_deref()),
        pkce(server),
        endpoints(server),
        registration(server, &preflight.client),
        scopes(case, preflight),
    ]
}

fn issuer(found: &Discovery) -> Finding {
    let issuer = printable(&found.server.issuer);
    if found.assumed.is_some() {
        let what = format!("{issuer}, assumed: there is no metadata, as in MCP 2025-03-26");
        return Finding::warning("issuer", what)
            .with_hint("if the login fails, name the authorization server with --issuer");
    }
    let promise = match found.server.iss_promised {
        true => "it names itself in its answers",
        false => "its answers need not name it",
    };
    Finding::ok("issuer", format!("{issuer}; {promise}"))
}

fn resource(case: &Case, resource: Option<&str>) -> Finding {
    let source = match case.request.resource {
        Resource::Discovery => "",
        Resource::Omitted | Resource::Given(_) => ", as you asked",
    };
    let resource = resource.map_or("none is named".to_owned(), printable);
    Finding::ok("resource", format!("{resource}{source}"))
}

fn pkce(server: &AuthorizationServer) -> Finding {
    let provider = providers::of_url(&server.issuer);
    let is_documented = provider.is_some_and(|provider| provider.supports_pkce);
    match server.code_challenge_methods {
        Some(_) => Finding::ok("pkce", "S256"),
        None if is_documented => Finding::ok("pkce", "S256, as the provider documents"),
        None => Finding::warning(
            "pkce",
            "the metadata of the server does not name S256; assumed as you asked",
        ),
    }
}

fn endpoints(server: &AuthorizationServer) -> Finding {
    let endpoints = [
        ("authorization", Some(&server.authorization_endpoint)),
        ("token", Some(&server.token_endpoint)),
        ("revocation", server.revocation_endpoint.as_ref()),
    ];
    let known = endpoints
        .iter()
        .filter_map(|(name, url)| Some(format!("{name} {}", printable((*url)?.as_str()))));
    Finding::ok("endpoints", known.collect::<Vec<_>>().join(", "))
}

/// Says how the login would get a client, and what else the server offers.
fn registration(server: &AuthorizationServer, plan: &Result<ClientPlan, Error>) -> Finding {
    let documents = match server.accepts_metadata_documents {
        true => "accepted",
        false => "not accepted",
    };
    let dynamic = match server.registration_endpoint {
        Some(_) => "offered",
        None => "not offered",
    };
    let offers =
        format!("client metadata documents are {documents}, dynamic registration is {dynamic}");
    let method = match plan {
        Ok(ClientPlan::Client(client)) => {
            let id = printable(&client.id);
            match client.kind {
                RegistrationKind::Static => format!("with the client {id} that you name"),
                RegistrationKind::MetadataDocument => {
                    format!("with the client metadata document {id}")
                }
                RegistrationKind::Dynamic => {
                    format!("with the registration of an earlier login, {id}")
                }
            }
        }
        Ok(ClientPlan::Registration(endpoint)) => {
            format!("anew, at {}", printable(endpoint.as_str()))
        }
        Err(err) => {
            let mut finding = Finding::failure("registration", err);
            if let Error::Register {
                source: RegisterError::NoMethod(_),
                ..
            } = err
            {
                finding.what += &format!("; {offers}");
            }
            return finding;
        }
    };
    Finding::ok("registration", format!("{method}; {offers}"))
}

fn scopes(case: &Case, preflight: &Preflight) -> Finding {
    if preflight.scopes.is_empty() {
        return Finding::ok("scopes", "none is requested; the server chooses");
    }
    let source = if !case.request.scopes.is_empty() {
        "as you asked"
    } else if !preflight.discovery.challenged_scopes.is_empty() {
        "as the server's challenge says"
    } else {
        "as the server's metadata says"
    };
    Finding::ok(
        "scopes",
        format!("{}, {source}", scope_list(&preflight.scopes, "")),
    )
}
