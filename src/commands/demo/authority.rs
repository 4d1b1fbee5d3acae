//! The authorization server of the demo: registration, consent, codes, tokens.

use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};

use super::issued::Issued;
use super::messages::{OAuthError, Parameters};
use super::registration::RegisteredClient;
use crate::digest;

/// What a client may be allowed, and what a person reads about it.
pub const SCOPES: [(&str, &str); 2] = [
    (LIST_TOOLS, "See which tools there are"),
    (CALL_TOOLS, "Use these tools on your behalf"),
];

/// The scope for listing tools.
pub const LIST_TOOLS: &str = "tools:list";

/// The scope for using tools.
pub const CALL_TOOLS: &str = "tools:call";

/// How long a client stays known, and how long a page may be looked at before it is answered.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How long a code waits for its exchange.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// How long an access token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// How long a refresh token is good for.
const REFRESH_LIFE: Duration = Duration::from_secs(24 * 3600);

/// An authorization request that waits for a person.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    client_id: String,
    /// What the client calls itself, fit to be shown.
    pub client_name: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What is asked for, out of [`SCOPES`].
    pub scopes: Vec<&'static str>,
    state: Option<String>,
    code_challenge: String,
}

/// What a person has allowed.
#[derive(Clone, Debug)]
pub struct AccessGrant {
    client_id: String,
    /// The scopes.
    pub scopes: Vec<&'static str>,
}

/// The decision of a person.
#[derive(Debug)]
pub struct Decision {
    /// Where to send the browser.
    pub target: String,
    /// Whether it was a yes.
    pub allowed: bool,
}

/// Why nobody is asked about an authorization request.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client or the redirect URI cannot be trusted, so only the person at the browser learns of it.
    Page(&'static str),
    /// The client learns of it: the URL to send the browser to.
    Redirect(String),
}

/// The authorization server. Everything it knows is in memory, and bounded.
pub struct Authority {
    issuer: String,
    resource: String,
    clients: Issued<RegisteredClient>,
    asked: Issued<PendingRequest>,
    codes: Issued<PendingRequest>,
    access_tokens: Issued<AccessGrant>,
    refresh_tokens: Issued<AccessGrant>,
}

impl Authority {
    /// Opens it for one protected resource.
    pub fn new(issuer: String, resource: String) -> Self {
        Self {
            issuer,
            resource,
            clients: Issued::living(PATIENCE),
            asked: Issued::living(PATIENCE),
            codes: Issued::living(CODE_LIFE),
            access_tokens: Issued::living(TOKEN_LIFE),
            refresh_tokens: Issued::living(REFRESH_LIFE),
        }
    }

    /// Returns its metadata.
    ///
    /// Spec: RFC 8414 section 2; RFC 9207 section 3.
    pub fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "scopes_supported": SCOPES.map(|(scope, _)| scope),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// Registers a client.
    ///
    /// # Errors
    ///
    /// If it is none of this machine.
    pub fn register(&mut self, body: &[u8]) -> Result<Value, OAuthError> {
        let client = RegisteredClient::read(body)?;
        let mut answer = client.answer();
        answer["client_id"] = self.clients.give(client).into();
        Ok(answer)
    }

    /// Takes an authorization request; returns it with the secret that the answer to its page has to carry.
    ///
    /// # Errors
    ///
    /// A [`Refusal`].
    ///
    /// Spec: RFC 6749 section 4.1.2.1; RFC 7636 section 4.4.1; RFC 8707 section 2.
    pub fn ask(&mut self, query: &Parameters) -> Result<(String, PendingRequest), Refusal> {
        let client_id = query.get("client_id").unwrap_or_default();
        let client = self
            .clients
            .find(client_id)
            .ok_or(Refusal::Page("The program that asks is not registered."))?;
        let redirect_uri = query
            .get("redirect_uri")
            .filter(|uri| client.redirect_uris.iter().any(|it| it == uri));
        let redirect_uri = redirect_uri.ok_or(Refusal::Page(
            "The answer would go where the program did not say.",
        ))?;
        let state = query.get("state");
        let refuse = |error, why| {
            Err(Refusal::Redirect(self.answer(
                redirect_uri,
                state,
                &refusal(error, why),
            )))
        };
        if query.get("response_type") != Some("code") {
            return refuse("unsupported_response_type", "only codes are given out");
        }
        let code_challenge = query
            .get("code_challenge")
            .filter(|it| is_code_challenge(it));
        let Some(code_challenge) =
            code_challenge.filter(|_| query.get("code_challenge_method") == Some("S256"))
        else {
            return refuse("invalid_request", "PKCE with S256 is required");
        };
        if query.get("resource") != Some(self.resource.as_str()) {
            return refuse("invalid_target", "the demo guards one resource only");
        }
        let Some(scopes) = known_scopes(query.get("scope").unwrap_or(LIST_TOOLS)) else {
            return refuse("invalid_scope", "there is no such scope here");
        };
        let asked = PendingRequest {
            client_id: client_id.to_owned(),
            client_name: client.name.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state: state.map(str::to_owned),
            code_challenge: code_challenge.to_owned(),
        };
        Ok((self.asked.give(asked.clone()), asked))
    }

    /// Takes the answer to a page, which serves once.
    ///
    /// # Errors
    ///
    /// If there is no such page.
    pub fn decide(&mut self, form: &Parameters) -> Result<Decision, &'static str> {
        let asked = form
            .get("request")
            .and_then(|secret| self.asked.take(secret));
        let asked = asked.ok_or("This page was answered before, or is too old.")?;
        let (redirect_uri, state) = (asked.redirect_uri.clone(), asked.state.clone());
        let allowed = form.get("answer") == Some("allow");
        let said = match allowed {
            true => vec![("code", self.codes.give(asked))],
            false => refusal("access_denied", "you said no"),
        };
        Ok(Decision {
            target: self.answer(&redirect_uri, state.as_deref(), &said),
            allowed,
        })
    }

    /// Returns the redirect URI with an answer.
    ///
    /// Spec: RFC 6749 section 4.1.2; RFC 9207 section 2.
    fn answer(&self, redirect_uri: &str, state: Option<&str>, said: &[(&str, String)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(said);
        query.extend_pairs(state.map(|state| ("state", state)));
        query.append_pair("iss", &self.issuer);
        let joint = if redirect_uri.contains('?') { '&' } else { '?' };
        format!("{redirect_uri}{joint}{}", query.finish())
    }

    /// Exchanges a code or a refresh token; returns the answer, and why it is a good one. The code or token is used up,
    /// also if the rest of the request is wrong.
    ///
    /// # Errors
    ///
    /// As the token endpoint says it.
    ///
    /// Spec: RFC 6749 sections 4.1.3 and 6; RFC 7636 section 4.6; RFC 8707 section 2.2; RFC 9700 section 4.14.2.
    pub fn exchange(&mut self, form: &Parameters) -> Result<(Value, &'static str), OAuthError> {
        let (grant, why) = match form.get("grant_type") {
            Some("authorization_code") => (
                self.redeem(form)?,
                "code and verifier match; here are tokens",
            ),
            Some("refresh_token") => {
                let grant = form
                    .get("refresh_token")
                    .and_then(|token| self.refresh_tokens.take(token));
                let grant = grant.ok_or(OAuthError(
                    "invalid_grant",
                    "there is no such refresh token",
                ))?;
                (grant, "the refresh token is good; here are new tokens")
            }
            _ => {
                return Err(OAuthError(
                    "unsupported_grant_type",
                    "there are codes and refresh tokens",
                ))
            }
        };
        if form.get("client_id") != Some(grant.client_id.as_str()) {
            return Err(OAuthError(
                "invalid_grant",
                "it was given to another client",
            ));
        }
        if form
            .get("resource")
            .is_some_and(|resource| resource != self.resource)
        {
            return Err(OAuthError(
                "invalid_target",
                "the demo guards one resource only",
            ));
        }
        let tokens = json!({
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE.as_secs(),
            "scope": grant.scopes.join(" "),
            "access_token": self.access_tokens.give(grant.clone()),
            "refresh_token": self.refresh_tokens.give(grant),
        });
        Ok((tokens, why))
    }

    fn redeem(&mut self, form: &Parameters) -> Result<AccessGrant, OAuthError> {
        let asked = form.get("code").and_then(|code| self.codes.take(code));
        let asked = asked.ok_or(OAuthError(
            "invalid_grant",
            "there is no such code, or it was used",
        ))?;
        if form.get("redirect_uri") != Some(asked.redirect_uri.as_str()) {
            return Err(OAuthError(
                "invalid_grant",
                "the code went to another redirect URI",
            ));
        }
        let verifier = form.get("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(digest::sha256(verifier)) != asked.code_challenge {
            return Err(OAuthError(
                "invalid_grant",
                "the verifier is not the one of this code",
            ));
        }
        Ok(AccessGrant {
            client_id: asked.client_id,
            scopes: asked.scopes,
        })
    }

    /// Returns what an access token allows.
    pub fn admit(&self, access_token: &str) -> Option<&AccessGrant> {
        self.access_tokens.find(access_token)
    }
}

fn refusal(error: &str, why: &str) -> Vec<(&'static str, String)> {
    vec![
        ("error", error.to_owned()),
        ("error_description", why.to_owned()),
    ]
}

/// Tells whether this is the SHA-256 of something, in base64url.
fn is_code_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|hash| hash.len() == 32)
}

/// Returns the scopes of a request; `None` if one of them is not known here.
fn known_scopes(text: &str) -> Option<Vec<&'static str>> {
    let known = |word: &str| {
        SCOPES
            .iter()
            .map(|(scope, _)| *scope)
            .find(|scope| *scope == word)
    };
    text.split_whitespace().map(known).collect()
}
