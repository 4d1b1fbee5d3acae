//! The authorization server of the demo: registration, consent, codes, tokens.
//!
//! Each endpoint returns its answer; an `Err` is a refusal, and is sent as well.

use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{json, Value};
use url::{Host, Url};

use super::issued::Issued;
use super::pages;
use super::response::{parameter, HttpResponse};
use crate::digest;
use crate::oauth::text::printable;
use crate::os::clock::Time;

/// What a client may be allowed, and what a person reads about it.
pub const SCOPES: [(&str, &str); 2] = [
    (LIST_TOOLS, "See which tools there are"),
    (CALL_TOOLS, "Use these tools on your behalf"),
];

/// The scope for listing tools.
pub const LIST_TOOLS: &str = "tools:list";

/// The scope for using tools.
pub const CALL_TOOLS: &str = "tools:call";

/// How long a registration lasts, and the page that asks a person.
const PAGE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long a code lasts.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// How long an access token lasts.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// How long a refresh token lasts.
const REFRESH_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 8;

/// A client, as it registers.
#[derive(Deserialize)]
struct RegisteredClient {
    #[serde(default)]
    client_name: String,
    redirect_uris: Vec<String>,
}

/// What a client asks for and, once a person agrees, may do.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    client_id: String,
    /// What the client calls itself, fit to be shown.
    pub client_name: String,
    /// Where the browser is sent with the answer.
    pub redirect_uri: String,
    scope: String,
    state: Option<String>,
    code_challenge: String,
}

impl AccessRequest {
    /// Tells whether a scope is asked for.
    pub fn covers(&self, scope: &str) -> bool {
        self.scope.split_whitespace().any(|it| it == scope)
    }
}

/// The authorization server. Everything it knows is in memory, and bounded.
pub struct Authority {
    issuer: String,
    resource: String,
    clients: Issued<RegisteredClient>,
    pages: Issued<AccessRequest>,
    codes: Issued<AccessRequest>,
    access_tokens: Issued<AccessRequest>,
    refresh_tokens: Issued<AccessRequest>,
}

impl Authority {
    /// Starts it for the protected resource at this origin, which is the issuer too.
    pub fn new(origin: &str) -> Self {
        Self {
            issuer: origin.to_owned(),
            resource: format!("{origin}/mcp"),
            clients: Issued::new(PAGE_LIFE),
            pages: Issued::new(PAGE_LIFE),
            codes: Issued::new(CODE_LIFE),
            access_tokens: Issued::new(TOKEN_LIFE),
            refresh_tokens: Issued::new(REFRESH_LIFE),
        }
    }

    /// Returns the metadata of the protected resource.
    ///
    /// Spec: RFC 9728 section 2.
    pub fn resource_metadata(&self) -> Value {
        json!({
            "resource": self.resource,
            "resource_name": "The demo server of mcp-login",
            "authorization_servers": [self.issuer],
            "scopes_supported": SCOPES.map(|(scope, _)| scope),
            "bearer_methods_supported": ["header"],
        })
    }

    /// Returns the metadata of the authorization server.
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

    /// Registers a client whose redirect URIs all lead to 127.0.0.1.
    ///
    /// Spec: RFC 7591 sections 2 and 3.2.1; RFC 8252 section 7.3.
    pub fn register(&mut self, body: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let client: RegisteredClient = serde_json::from_slice(body).map_err(|_| {
            error(
                "invalid_client_metadata",
                "the body is not a registration in JSON",
            )
        })?;
        let uris = &client.redirect_uris;
        if !(1..=MAX_REDIRECT_URIS).contains(&uris.len()) || !uris.iter().all(|it| is_loopback(it))
        {
            return Err(error(
                "invalid_redirect_uri",
                "a client of the demo listens on http://127.0.0.1",
            ));
        }
        let mut answer = json!({
            "client_id_issued_at": Time::now().unix_seconds(),
            "client_name": client.client_name,
            "redirect_uris": client.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        answer["client_id"] = self.clients.issue(client).into();
        Ok(HttpResponse::json(201, &answer, "a client is registered"))
    }

    /// Answers an authorization request with the page that asks the person.
    ///
    /// Spec: RFC 6749 section 4.1.2.1; RFC 7636 section 4.4.1; RFC 8707 section 2.
    pub fn authorize(&mut self, query: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let get = |name| parameter(query, name);
        let is = |name, value: &str| get(name).as_deref() == Some(value);
        let client_id = get("client_id").unwrap_or_default();
        // Without a client and a redirect URI that are known, only the person at the browser gets an answer.
        let client = self.clients.find(&client_id);
        let client = client.ok_or_else(|| pages::refusal("The program is not registered."))?;
        let redirect_uri = get("redirect_uri").filter(|uri| client.redirect_uris.contains(uri));
        let redirect_uri = redirect_uri
            .ok_or_else(|| pages::refusal("The program did not register this redirect URI."))?;
        let client_name = match printable(&client.client_name) {
            name if name.is_empty() => "a program without a name".to_owned(),
            name => name,
        };
        let asked = AccessRequest {
            client_id,
            client_name,
            redirect_uri,
            scope: get("scope").unwrap_or(LIST_TOOLS.to_owned()),
            state: get("state"),
            code_challenge: get("code_challenge").unwrap_or_default(),
        };
        let is_hash = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|it| it.len() == 32);
        let is_known = |scope| SCOPES.iter().any(|(known, _)| *known == scope);
        let (code, description) = if !is("response_type", "code") {
            ("unsupported_response_type", "only codes are issued")
        } else if !is("code_challenge_method", "S256") || !is_hash(&asked.code_challenge) {
            ("invalid_request", "PKCE with S256 is required")
        } else if !is("resource", &self.resource) {
            ("invalid_target", "the demo has one resource only")
        } else if !asked.scope.split_whitespace().all(is_known) {
            ("invalid_scope", "the demo has no such scope")
        } else {
            let secret = self.pages.issue(asked.clone());
            return Ok(pages::consent(&asked, &secret));
        };
        let answer = [("error", code), ("error_description", description)];
        Err(self.redirect(&asked, &answer, "refused, with the reason"))
    }

    /// Answers the form of a page, which serves once: sends the browser to the redirect URI.
    pub fn decide(&mut self, form: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let secret = parameter(form, "request").unwrap_or_default();
        let asked = self
            .pages
            .take(&secret)
            .ok_or_else(|| pages::refusal("This page was answered before, or it is too old."))?;
        if parameter(form, "answer").as_deref() != Some("allow") {
            let answer = [
                ("error", "access_denied"),
                ("error_description", "you said no"),
            ];
            return Err(self.redirect(&asked, &answer, "denied"));
        }
        let code = self.codes.issue(asked.clone());
        Ok(self.redirect(&asked, &[("code", &code)], "allowed, with a code"))
    }

    /// Sends the browser to the redirect URI.
    ///
    /// Spec: RFC 6749 section 4.1.2; RFC 9207 section 2.
    fn redirect(&self, to: &AccessRequest, answer: &[(&str, &str)], what: &str) -> HttpResponse {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(answer)
            .extend_pairs(to.state.as_ref().map(|state| ("state", state)))
            .append_pair("iss", &self.issuer)
            .finish();
        let joint = if to.redirect_uri.contains('?') {
            '&'
        } else {
            '?'
        };
        let target = format!("{}{joint}{query}", to.redirect_uri);
        HttpResponse::status(303, format!("{what}; the browser is sent back"))
            .with("Location", target)
    }

    /// Exchanges a code or a refresh token. It is used up, also if the rest of the request is wrong.
    ///
    /// Spec: RFC 6749 sections 4.1.3 and 6; RFC 7636 section 4.6; RFC 8707 section 2.2; RFC 9700 section 4.14.2.
    pub fn exchange(&mut self, form: &[u8]) -> Result<HttpResponse, HttpResponse> {
        let get = |name| parameter(form, name);
        let refuse = |description| Err(error("invalid_grant", description));
        let (allowed, remark) = match get("grant_type").as_deref() {
            Some("authorization_code") => {
                let code = get("code").unwrap_or_default();
                let Some(asked) = self.codes.take(&code) else {
                    return refuse("there is no such code, or it was used");
                };
                let hash = digest::sha256(get("code_verifier").unwrap_or_default());
                if get("redirect_uri").as_ref() != Some(&asked.redirect_uri) {
                    return refuse("the code was issued for another redirect URI");
                }
                if URL_SAFE_NO_PAD.encode(hash) != asked.code_challenge {
                    return refuse("the code was issued for another verifier");
                }
                (asked, "code and verifier match; here are tokens")
            }
            Some("refresh_token") => {
                let token = get("refresh_token").unwrap_or_default();
                let Some(allowed) = self.refresh_tokens.take(&token) else {
                    return refuse("there is no such refresh token");
                };
                (allowed, "the refresh token is good; here are new tokens")
            }
            _ => {
                let description = "only codes and refresh tokens are exchanged";
                return Err(error("unsupported_grant_type", description));
            }
        };
        if get("client_id").as_ref() != Some(&allowed.client_id) {
            return refuse("it was issued to another client");
        }
        if get("resource").is_some_and(|resource| resource != self.resource) {
            return Err(error("invalid_target", "the demo has one resource only"));
        }
        let tokens = json!({
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE.as_secs(),
            "scope": allowed.scope,
            "access_token": self.access_tokens.issue(allowed.clone()),
            "refresh_token": self.refresh_tokens.issue(allowed),
        });
        Ok(HttpResponse::json(200, &tokens, remark))
    }

    /// Returns what an access token allows.
    pub fn authorization(&self, access_token: &str) -> Option<&AccessRequest> {
        self.access_tokens.find(access_token)
    }
}

/// Returns the error of the registration or the token endpoint.
///
/// Spec: RFC 6749 section 5.2; RFC 7591 section 3.2.2.
fn error(code: &str, description: &str) -> HttpResponse {
    let body = json!({"error": code, "error_description": description});
    HttpResponse::json(400, &body, description)
}

fn is_loopback(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        matches!(url.host(), Some(Host::Ipv4(address)) if address.is_loopback())
            && url.scheme() == "http"
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}
