//! What a login at a server would come to, step by step, up to the page that the user would see.

use super::{Case, Finding, Topic};
use crate::commands::status::{Login, LoginState};
use crate::discovery::{Discovery, Trace};
use crate::error::Error;
use crate::login::{preflight, Preflight, Resource};
use crate::oauth::client::RegistrationKind;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::{printable, scope_list};
use crate::providers;
use crate::registration::{ClientPlan, RegisterError};
use crate::store::cache::Cache;
use crate::store::{Credentials, IndexEntry, Place};

/// Asks the servers as a login does.
pub fn examine(
    case: &Case,
    memory: (&Cache, Option<&Credentials>),
    redirect_uri: &str,
    steps: &Trace,
) -> Vec<Finding> {
    let mut findings = vec![login(memory.1)];
    match preflight(case.request, &case.http, memory, redirect_uri, steps) {
        Ok(plan) => findings.extend(describe(case, &plan)),
        Err(err) if err.needs_no_login() => {
            findings.push(Finding::ok(
                Topic::Discovery,
                "it answers without a login: none is needed",
            ));
        }
        Err(err @ Error::Register { .. }) => {
            findings.push(Finding::failure(Topic::Registration, &err))
        }
        Err(err) => findings.push(Finding::failure(Topic::Discovery, &err)),
    }
    findings
}

/// Says what is kept of an earlier login.
fn login(before: Option<&Credentials>) -> Finding {
    let Some(kept) = before else {
        return Finding::ok(Topic::Login, "there is none yet");
    };
    // Where it is kept does not matter here.
    let what = match Login::of(IndexEntry::of(kept, Place::default())).state {
        LoginState::Live => "it is stored, and live".to_owned(),
        LoginState::RefreshDue => "it is stored, and due to be refreshed".to_owned(),
        LoginState::NeedsLogin => "it does not live any more: a new one is needed".to_owned(),
        LoginState::HandedOver => {
            let to = kept
                .handed_over
                .as_ref()
                .map(|handed| printable(&handed.to))
                .unwrap_or_default();
            format!("it was handed over to {to}")
        }
    };
    Finding::ok(Topic::Login, what)
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
    let server = &found.server;
    let issuer = printable(&server.issuer);
    if found.assumed.is_some() {
        let what = format!("{issuer}, assumed: there is no metadata, as in MCP 2025-03-26");
        let hint = "if the login fails, name the authorization server with --issuer".to_owned();
        return Finding::warning(Topic::Issuer, what, Some(hint));
    }
    let promise = if server.iss_promised {
        "it names itself in its answers"
    } else {
        "its answers need not name it"
    };
    Finding::ok(Topic::Issuer, format!("{issuer}; {promise}"))
}

fn resource(case: &Case, resource: Option<&str>) -> Finding {
    let source = match case.request.resource {
        Resource::Discovery => "",
        Resource::Omitted | Resource::Given(_) => ", as you asked",
    };
    let resource = resource.map_or("none is named".to_owned(), printable);
    Finding::ok(Topic::Resource, format!("{resource}{source}"))
}

fn pkce(server: &AuthorizationServer) -> Finding {
    match server.code_challenge_methods {
        Some(_) => Finding::ok(Topic::Pkce, "S256"),
        None if providers::of_url(&server.issuer)
            .is_some_and(|provider| provider.supports_pkce) =>
        {
            Finding::ok(Topic::Pkce, "S256, as the provider documents")
        }
        None => Finding::warning(
            Topic::Pkce,
            "the server does not say that it supports it; assumed as you asked",
            None,
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
    Finding::ok(Topic::Endpoints, known.collect::<Vec<_>>().join(", "))
}

/// Says how the login would become a client, and what else the server offers.
fn registration(server: &AuthorizationServer, chosen: &Result<ClientPlan, Error>) -> Finding {
    let documents = if server.takes_metadata_documents {
        "taken"
    } else {
        "not taken"
    };
    let dynamic = if server.registration_endpoint.is_some() {
        "offered"
    } else {
        "not offered"
    };
    let offers =
        format!("client metadata documents are {documents}, dynamic registration is {dynamic}");
    let way = match chosen {
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
            let finding = Finding::failure(Topic::Registration, err);
            return match err {
                Error::Register {
                    source: RegisterError::NoMethod(_),
                    ..
                } => Finding {
                    what: format!("{}; {offers}", finding.what),
                    ..finding
                },
                _ => finding,
            };
        }
    };
    Finding::ok(Topic::Registration, format!("{way}; {offers}"))
}

fn scopes(case: &Case, preflight: &Preflight) -> Finding {
    let source = if !case.request.scopes.is_empty() {
        "as you asked"
    } else if !preflight.discovery.challenged_scopes.is_empty() {
        "as the server's challenge says"
    } else {
        "as the server's metadata says"
    };
    match preflight.scopes.as_slice() {
        [] => Finding::ok(Topic::Scopes, "none is asked for; the server chooses"),
        scopes => Finding::ok(Topic::Scopes, format!("{}, {source}", scope_list(scopes))),
    }
}
