//! Metadata of the protected resource and of the authorization server: its URLs, and which members it must have.

mod document;
mod error;

use serde_json::Value;
use url::Url;

use super::endpoint::{self, UrlError, UrlPolicy};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServer {
    /// Its issuer, byte for byte as its document has it.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are spent.
    pub token_endpoint: Url,
    /// Where clients register themselves, if they may.
    pub registration_endpoint: Option<Url>,
    /// Where tokens are given back, if they can be.
    pub revocation_endpoint: Option<Url>,
    /// Who the user is, for a Bearer token.
    pub userinfo_endpoint: Option<Url>,
    /// The scopes it lists; empty if it lists none.
    pub scopes: Vec<String>,
    /// The methods of client authentication it lists; `None` without a list.
    pub client_auth_methods: Option<Vec<String>>,
    /// It promises an `iss` in every authorization response (RFC 9207).
    pub iss_promised: bool,
    /// It takes the URL of a client ID metadata document as a client identifier.
    pub takes_metadata_documents: bool,
    /// The PKCE methods it lists; `None` without a list.
    pub code_challenge_methods: Option<Vec<String>>,
    /// Why the registration endpoint that it names cannot be used, if it names such a one.
    pub unusable_registration: Option<UrlError>,
    /// What it offers in place of the authorization code flow; empty if it offers that.
    pub other_flows: Vec<String>,
    /// The members that are left out.
    pub ignored: Vec<Ignored>,
}

impl AuthorizationServer {
    /// Reads the document and checks that it is that of the issuer `expected`; with `None` it may name any issuer.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Issuer`] if it names another issuer, [`MetadataError::Url`] for an endpoint that must not be
    /// used, [`MetadataError::Missing`] and [`MetadataError::NotMetadata`] if it cannot be used.
    ///
    /// Spec: RFC 8414 section 3.3; MCP 2026-07-28, Authorization Server Metadata Discovery.
    pub fn read(
        body: &[u8],
        expected: Option<&str>,
        policy: UrlPolicy,
    ) -> Result<Self, MetadataError> {
        let mut members = DocumentMembers::read(body)?;
        let issuer = members.required("issuer", "its issuer")?;
        if let Some(expected) = expected.filter(|expected| !same_issuer(expected, &issuer)) {
            return Err(MetadataError::Issuer {
                expected: expected.to_owned(),
                found: issuer,
            });
        }
        let url = |member: &'static str, raw: &str| {
            policy
                .check(raw)
                .map_err(|why| MetadataError::Url { member, why })
        };
        let page = members.absolute_url(
            "authorization_endpoint",
            "where its authorization endpoint is",
        )?;
        let authorization_endpoint =
            endpoint::without_resource(url("authorization endpoint", &page)?);
        endpoint::check_parameters(&authorization_endpoint).map_err(|why| MetadataError::Url {
            member: "authorization endpoint",
            why,
        })?;
        let tokens = members.absolute_url("token_endpoint", "where its token endpoint is")?;
        let token_endpoint = url("token endpoint", &tokens)?;
        let registration = members
            .text("registration_endpoint")?
            .map(|raw| policy.check(&raw));
        let revocation = match members
            .text("revocation_endpoint")?
            .map(|raw| policy.check(&raw))
        {
            // Tokens would go there.
            Some(Err(why @ UrlError::Address(_))) => {
                return Err(MetadataError::Url {
                    member: "revocation endpoint",
                    why,
                })
            }
            Some(Err(why)) => members.ignore("revocation_endpoint", why.to_string()),
            checked => checked.and_then(Result::ok),
        };
        let userinfo = match members
            .text("userinfo_endpoint")?
            .map(|raw| policy.check(&raw))
        {
            Some(Err(why)) => members.ignore("userinfo_endpoint", why.to_string()),
            checked => checked.and_then(Result::ok),
        };
        let (registration_endpoint, unusable_registration) = match registration {
            Some(Err(why)) => (
                members.ignore("registration_endpoint", why.to_string()),
                Some(why),
            ),
            checked => (checked.and_then(Result::ok), None),
        };
        Ok(Self {
            issuer,
            authorization_endpoint,
            token_endpoint,
            registration_endpoint,
            unusable_registration,
            revocation_endpoint: revocation,
            userinfo_endpoint: userinfo,
            scopes: members.list("scopes_supported")?.unwrap_or_default(),
            client_auth_methods: members.list("token_endpoint_auth_methods_supported")?,
            iss_promised: members.is_true("authorization_response_iss_parameter_supported")?,
            takes_metadata_documents: members.is_true("client_id_metadata_document_supported")?,
            code_challenge_methods: members.list("code_challenge_methods_supported")?,
            other_flows: other_flows(&mut members)?,
            ignored: members.ignored,
        })
    }

    /// Checks the endpoints once more, by a rule that knows what the user typed.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Url`] for an endpoint that must not be used.
    ///
    /// Spec: RFC 9728 section 7.7.
    pub fn within(
        mut self,
        check: impl Fn(&Url) -> Result<(), UrlError>,
    ) -> Result<Self, MetadataError> {
        for (member, url) in [
            ("authorization endpoint", Some(&self.authorization_endpoint)),
            ("token endpoint", Some(&self.token_endpoint)),
            ("revocation endpoint", self.revocation_endpoint.as_ref()),
        ] {
            url.map_or(Ok(()), &check)
                .map_err(|why| MetadataError::Url { member, why })?;
        }
        let registration = self.registration_endpoint.as_ref().map_or(Ok(()), &check);
        if let Err(why) = registration {
            self.registration_endpoint = None;
            self.ignored.push(Ignored {
                member: "registration_endpoint",
                why: why.to_string(),
            });
            self.unusable_registration = Some(why);
        }
        let userinfo = self.userinfo_endpoint.as_ref().map_or(Ok(()), &check);
        if let Err(why) = userinfo {
            self.userinfo_endpoint = None;
            self.ignored.push(Ignored {
                member: "userinfo_endpoint",
                why: why.to_string(),
            });
        }
        Ok(self)
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
        let url = |url: &Option<Url>| url.as_ref().map(|url| Value::from(url.as_str()));
        let members = [
            ("issuer", Some(self.issuer.clone().into())),
            (
                "authorization_endpoint",
                Some(self.authorization_endpoint.as_str().into()),
            ),
            ("token_endpoint", Some(self.token_endpoint.as_str().into())),
            ("registration_endpoint", url(&self.registration_endpoint)),
            ("revocation_endpoint", url(&self.revocation_endpoint)),
            ("userinfo_endpoint", url(&self.userinfo_endpoint)),
            ("response_types_supported", Some(vec!["code"].into())),
            (
                "scopes_supported",
                (!self.scopes.is_empty()).then(|| self.scopes.clone().into()),
            ),
            (
                "token_endpoint_auth_methods_supported",
                self.client_auth_methods.clone().map(Value::from),
            ),
            (
                "code_challenge_methods_supported",
                self.code_challenge_methods.clone().map(Value::from),
            ),
            (
                "authorization_response_iss_parameter_supported",
                self.iss_promised.then_some(true.into()),
            ),
            (
                "client_id_metadata_document_supported",
                self.takes_metadata_documents.then_some(true.into()),
            ),
        ];
        members
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// Returns a server of which only the endpoints are known, and that it protects codes with PKCE.
    pub fn known(issuer: &str, authorization_endpoint: Url, token_endpoint: Url) -> Self {
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint,
            token_endpoint,
            registration_endpoint: None,
            revocation_endpoint: None,
            userinfo_endpoint: None,
            scopes: Vec::new(),
            // Providers without metadata want the secret in the body.
            client_auth_methods: Some(vec!["client_secret_post".to_owned()]),
            iss_promised: false,
            takes_metadata_documents: false,
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

/// Returns the list of the server that lacks the authorization code flow; empty if none does. An empty list is ignored.
fn other_flows(members: &mut DocumentMembers) -> Result<Vec<String>, MetadataError> {
    for (member, needed) in [
        ("grant_types_supported", "authorization_code"),
        ("response_types_supported", "code"),
    ] {
        let listed = members.list(member)?.unwrap_or_default();
        if !listed.is_empty() && !listed.iter().any(|it| it == needed) {
            return Ok(listed);
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
