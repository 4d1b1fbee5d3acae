//! Metadata of the protected resource and of the authorization server: its URLs, and which members it must have.

mod document;
mod error;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::device;
use super::endpoint::{self, UrlError, UrlPolicy};
use super::jwt::dpop;
use document::DocumentMembers;

pub use document::Ignored;
pub use error::{is_same_machine, not_safe, other_name, MetadataError};

/// The metadata of a protected resource, checked.
///
/// Spec: RFC 9728 section 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// Its identifier, byte for byte: the value of the `resource` parameter.
    pub resource: String,
    /// The issuers of its authorization servers; empty if it names none.
    pub authorization_servers: Vec<String>,
    /// The scopes it lists; empty if it lists none.
    pub scopes: Vec<String>,
    /// It accepts only tokens that are bound to a key. Spec: RFC 9728 section 2.
    pub is_dpop_required: bool,
    /// The members that are left out.
    pub ignored: Vec<Ignored>,
}

impl ResourceMetadata {
    /// Reads the document and checks that its resource is the MCP server at `server`, or includes it. With `is_given`, the user
    /// names the resource, and that of the document does not matter.
    ///
    /// # Errors
    ///
    /// Any [`MetadataError`] about a document; of those that are unsafe only [`MetadataError::Resource`].
    ///
    /// Spec: RFC 9728 section 3.3; MCP 2026-07-28, authorization server discovery.
    pub fn read(body: &[u8], server: &Url, is_given: bool) -> Result<Self, MetadataError> {
        let mut members = DocumentMembers::read(body)?;
        let resource = match is_given {
            true => members
                .text("resource")?
                .unwrap_or_else(|| server.to_string()),
            false => members.required("resource", "which resource it is for")?,
        };
        if !is_given && !includes(&resource, server) {
            return Err(MetadataError::Resource {
                server: server.to_string(),
                found: resource,
            });
        }
        Ok(Self {
            resource,
            authorization_servers: members.absolute_urls("authorization_servers")?,
            scopes: members.list("scopes_supported")?.unwrap_or_default(),
            is_dpop_required: members.is_true("dpop_bound_access_tokens_required")?,
            ignored: members.ignored,
        })
    }

    /// Tells whether the document names the MCP server itself, but for a slash at the end.
    pub fn names(&self, server: &Url) -> bool {
        let bare = |url: &Url| {
            (
                url.origin(),
                url.path().trim_end_matches('/').to_owned(),
                url.query().map(str::to_owned),
            )
        };
        endpoint::parse(&self.resource).is_ok_and(|resource| bare(&resource) == bare(server))
    }

    /// Tells whether the document names the MCP server to the letter.
    ///
    /// Spec: RFC 9728 section 3.3.
    pub fn is_identical(&self, server: &Url) -> bool {
        endpoint::parse(&self.resource).is_ok_and(|resource| resource == *server)
    }
}

/// Tells whether `resource` includes the MCP server: same scheme, host and port, and its path is equal to the
/// server's or a prefix of it at a `/`.
///
/// Deviates: RFC 9728 section 3.3 asks for identity, but metadata at the root well-known URL names the origin.
fn includes(resource: &str, server: &Url) -> bool {
    let Ok(resource) = endpoint::parse(resource) else {
        return false;
    };
    let with_slash = |path: &str| {
        if path.ends_with('/') {
            path.to_owned()
        } else {
            format!("{path}/")
        }
    };
    resource.origin() == server.origin()
        && with_slash(server.path()).starts_with(&with_slash(resource.path()))
        && resource
            .query()
            .is_none_or(|query| server.query() == Some(query))
}

/// Returns the well-known URLs of a protected resource: at its path, then at the root.
///
/// Spec: RFC 9728 section 3.1; MCP 2026-07-28, Protected Resource Metadata Discovery.
pub fn resource_metadata_urls(server: &Url) -> Vec<Url> {
    let base = "/.well-known/oauth-protected-resource";
    let mut urls = vec![at(server, base)];
    let path = server.path().strip_suffix('/').unwrap_or(server.path());
    if !path.is_empty() {
        let mut url = at(server, &format!("{base}{path}"));
        url.set_query(server.query());
        urls.insert(0, url);
    }
    urls
}

/// Returns the URL of `path` at the origin of `url`, without query and fragment.
pub fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// The metadata of an authorization server, checked.
///
/// Spec: RFC 8414 section 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationServer {
    /// Its issuer, byte for byte as its document has it.
    pub issuer: String,
    /// Where the browser goes; the token endpoint of a server that has no page, for which [`Self::check_code_flow`] fails.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where clients register themselves, if they may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<Url>,
    /// Where tokens are revoked, if they can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Url>,
    /// Where device codes are issued, if they are.
    ///
    /// Spec: RFC 8628 section 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<Url>,
    /// Who the user is, for a Bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<Url>,
    /// The scopes it lists; empty if it lists none.
    #[serde(rename = "scopes_supported", skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The methods of client authentication it lists; `None` without a list.
    #[serde(rename = "token_endpoint_auth_methods_supported")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth_methods: Option<Vec<String>>,
    /// The algorithms of client assertions it lists; `None` without a list.
    #[serde(rename = "token_endpoint_auth_signing_alg_values_supported")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth_algorithms: Option<Vec<String>>,
    /// The algorithms of DPoP proofs it lists; `None` without a list. Spec: RFC 9449 section 5.1.
    #[serde(rename = "dpop_signing_alg_values_supported")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_algorithms: Option<Vec<String>>,
    /// It promises an `iss` in every authorization response (RFC 9207).
    #[serde(rename = "authorization_response_iss_parameter_supported")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub iss_promised: bool,
    /// It accepts the URL of a client ID metadata document as a client identifier.
    #[serde(rename = "client_id_metadata_document_supported")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepts_metadata_documents: bool,
    /// The PKCE methods it lists; `None` without a list.
    #[serde(rename = "code_challenge_methods_supported")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_methods: Option<Vec<String>>,
    /// Why the registration endpoint that it names cannot be used, if it names such a one.
    #[serde(skip)]
    pub unusable_registration: Option<UrlError>,
    /// What it offers in place of the authorization code flow; empty if it offers that.
    #[serde(skip)]
    pub other_flows: Vec<String>,
    /// The members that are left out.
    #[serde(skip)]
    pub ignored: Vec<Ignored>,
}

impl AuthorizationServer {
    /// Reads the document and checks that it is that of the issuer `expected`; with `None` it may name any issuer. `check` is
    /// the rule for its endpoints.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Issuer`] if it names another issuer, [`MetadataError::Url`] for an endpoint that must not be
    /// used, [`MetadataError::Missing`] and [`MetadataError::NotMetadata`] if it cannot be used.
    ///
    /// Spec: RFC 8414 section 3.3; RFC 9728 section 7.7; MCP 2026-07-28, Authorization Server Metadata Discovery.
    pub fn read(
        body: &[u8],
        expected: Option<&str>,
        check: impl Fn(&str) -> Result<Url, UrlError>,
    ) -> Result<Self, MetadataError> {
        let mut members = DocumentMembers::read(body)?;
        let issuer = members.required("issuer", "its issuer")?;
        if let Some(expected) = expected.filter(|expected| !same_issuer(expected, &issuer)) {
            return Err(MetadataError::Issuer {
                expected: expected.to_owned(),
                found: issuer,
            });
        }
        let unusable = |member| move |why| MetadataError::Url { member, why };
        let page = members.absolute_url(
            "authorization_endpoint",
            "where its authorization endpoint is",
        );
        let tokens = members.absolute_url("token_endpoint", "where its token endpoint is");
        let mut optional = |member| match members.text(member)?.map(|raw| check(&raw)) {
            None => Ok((None, None)),
            Some(Ok(url)) => Ok((Some(url), None)),
            Some(Err(why)) => Ok((members.ignore(member, why.to_string()), Some(why))),
        };
        let (registration_endpoint, unusable_registration) = optional("registration_endpoint")?;
        let (revocation_endpoint, unusable_revocation) = optional("revocation_endpoint")?;
        let (device_authorization_endpoint, _) = optional("device_authorization_endpoint")?;
        let (userinfo_endpoint, _) = optional("userinfo_endpoint")?;
        // Tokens would go there.
        if let Some(why @ UrlError::Address(_)) = unusable_revocation {
            return Err(unusable("revocation endpoint")(why));
        }
        let other_flows = other_flows(&mut members, device_authorization_endpoint.is_some())?;
        let authorization_endpoint = match page {
            Err(MetadataError::Missing { .. }) if !other_flows.is_empty() => None,
            page => {
                let page = check(&page?).map_err(unusable("authorization endpoint"))?;
                let page = endpoint::without_resource(page);
                endpoint::check_parameters(&page).map_err(unusable("authorization endpoint"))?;
                Some(page)
            }
        };
        let token_endpoint = check(&tokens?).map_err(unusable("token endpoint"))?;
        Ok(Self {
            issuer,
            authorization_endpoint: authorization_endpoint
                .unwrap_or_else(|| token_endpoint.clone()),
            token_endpoint,
            registration_endpoint,
            unusable_registration,
            revocation_endpoint,
            other_flows,
            device_authorization_endpoint,
            userinfo_endpoint,
            scopes: members.list("scopes_supported")?.unwrap_or_default(),
            client_auth_methods: members.list("token_endpoint_auth_methods_supported")?,
            client_auth_algorithms: members
                .list("token_endpoint_auth_signing_alg_values_supported")?,
            dpop_algorithms: members.list("dpop_signing_alg_values_supported")?,
            iss_promised: members.is_true("authorization_response_iss_parameter_supported")?,
            accepts_metadata_documents: members.is_true("client_id_metadata_document_supported")?,
            code_challenge_methods: members.list("code_challenge_methods_supported")?,
            ignored: members.ignored,
        })
    }

    /// Returns the server that MCP 2025-03-26 assumes at the origin of an MCP server without any metadata.
    ///
    /// Spec: MCP 2025-03-26, Fallbacks for Servers without Metadata Discovery.
    pub fn assumed_at(server: &Url) -> Self {
        let origin = server.origin().ascii_serialization();
        Self {
            registration_endpoint: Some(at(server, "/register")),
            client_auth_methods: Some(vec!["none".to_owned()]),
            ..Self::known(&origin, at(server, "/authorize"), at(server, "/token"))
        }
    }

    /// Returns the document with the members that were checked, and no others.
    pub fn document(&self) -> Value {
        let mut document = serde_json::to_value(self).unwrap_or_default();
        document["response_types_supported"] = vec!["code"].into();
        document
    }

    /// Returns a server of which only the endpoints are known, and that it protects codes with PKCE.
    pub fn known(issuer: &str, authorization_endpoint: Url, token_endpoint: Url) -> Self {
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint,
            token_endpoint,
            registration_endpoint: None,
            revocation_endpoint: None,
            device_authorization_endpoint: None,
            userinfo_endpoint: None,
            scopes: Vec::new(),
            // Providers without metadata want the secret in the body.
            client_auth_methods: Some(vec!["client_secret_post".to_owned()]),
            client_auth_algorithms: None,
            dpop_algorithms: None,
            iss_promised: false,
            accepts_metadata_documents: false,
            code_challenge_methods: Some(vec!["S256".to_owned()]),
            unusable_registration: None,
            other_flows: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Checks that the server issues authorization codes, if it lists what it issues.
    ///
    /// # Errors
    ///
    /// [`MetadataError::NoCodeFlow`] with what it offers.
    ///
    /// Spec: RFC 8414 section 2, `response_types_supported` and `grant_types_supported`.
    pub fn check_code_flow(&self) -> Result<(), MetadataError> {
        match self.other_flows.as_slice() {
            [] => Ok(()),
            flows => Err(MetadataError::NoCodeFlow(flows.to_vec())),
        }
    }

    /// Checks that the server accepts DPoP proofs of ours. One without a list may.
    ///
    /// # Errors
    ///
    /// [`MetadataError::NoDpop`] with what it accepts.
    ///
    /// Spec: RFC 9449 section 5.1.
    pub fn check_dpop(&self) -> Result<(), MetadataError> {
        let ours = dpop::ALGORITHM.as_str();
        match &self.dpop_algorithms {
            Some(listed) if !listed.iter().any(|name| name == ours) => {
                Err(MetadataError::NoDpop(listed.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the server protects codes with PKCE and S256. With `assume`, silence counts as a yes.
    ///
    /// # Errors
    ///
    /// [`MetadataError::NoPkce`].
    ///
    /// Spec: MCP 2026-07-28, Authorization Code Protection; RFC 7636 section 4.2.
    pub fn check_pkce(&self, assume: bool) -> Result<(), MetadataError> {
        let offered = match &self.code_challenge_methods {
            Some(methods) => methods.iter().any(|method| method == "S256"),
            None => assume,
        };
        if offered {
            Ok(())
        } else {
            Err(MetadataError::NoPkce)
        }
    }
}

/// Tells whether two issuers are the same string, but for the one slash at the end of an issuer without a path.
///
/// Deviates: RFC 8414 section 3.3 asks for identity; Google and others write one document with the slash and one
/// without.
pub fn same_issuer(expected: &str, found: &str) -> bool {
    let has_path = |issuer: &str| {
        let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        rest.strip_suffix('/')
            .unwrap_or(rest)
            .contains(['/', '?', '#'])
    };
    let bare = |issuer: &str| issuer.strip_suffix('/').unwrap_or(issuer).to_owned();
    expected == found || (!has_path(expected) && !has_path(found) && bare(expected) == bare(found))
}

/// Returns the well-known URLs of an issuer, in the order in which they are tried.
///
/// The last one, for issuers with a path, is in no specification: some servers publish their metadata only there.
///
/// # Errors
///
/// The rule for URLs that the issuer breaks.
///
/// Spec: RFC 8414 section 3.1; OpenID Connect Discovery 1.0 section 4; MCP 2026-07-28, Authorization Server Metadata
/// Discovery.
pub fn server_metadata_urls(issuer: &str, policy: UrlPolicy) -> Result<Vec<Url>, UrlError> {
    let url = policy.check(issuer)?;
    if url.query().is_some() {
        return Err(UrlError::Unreadable);
    }
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let (oauth, openid) = (
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    );
    let mut paths = vec![format!("{oauth}{path}"), format!("{openid}{path}")];
    if !path.is_empty() {
        paths.extend([format!("{path}{openid}"), format!("{path}{oauth}")]);
    }
    Ok(paths.iter().map(|path| at(&url, path)).collect())
}

/// Returns the list of the server that lacks the authorization code flow; empty if none does. An empty list is ignored. A
/// server with a device authorization endpoint offers its grant, listed or not.
fn other_flows(
    members: &mut DocumentMembers,
    has_device: bool,
) -> Result<Vec<String>, MetadataError> {
    for (member, needed) in [
        ("grant_types_supported", "authorization_code"),
        ("response_types_supported", "code"),
    ] {
        let mut listed = members.list(member)?.unwrap_or_default();
        if !listed.is_empty() && !listed.iter().any(|it| it == needed) {
            if has_device && !listed.iter().any(|it| it == device::GRANT_TYPE) {
                listed.push(device::GRANT_TYPE.to_owned());
            }
            return Ok(listed);
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
