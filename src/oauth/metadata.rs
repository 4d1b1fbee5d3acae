//! Metadata of the protected resource and of the authorization server: where it stands and what it must say.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::endpoint::{self, Reach, UrlError};
use super::text::printable;

/// Why a metadata document is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The body is no JSON object of the expected shape.
    #[error("the answer is not a metadata document in JSON")]
    NotMetadata,
    /// A member that a login needs is missing.
    #[error("the metadata does not say {0}")]
    Missing(&'static str),
    /// The document speaks for another protected resource.
    #[error("the metadata is for the resource {}, not for {}", printable(found), printable(server))]
    Resource {
        /// The MCP server that was asked.
        server: String,
        /// What the document says.
        found: String,
    },
    /// The document speaks for another authorization server.
    #[error("the metadata names issuer {}, not {}", printable(found), printable(expected))]
    Issuer {
        /// The issuer that the document was looked up for.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// A URL in the document breaks the rules for URLs.
    #[error("the {member} of the metadata cannot be used: {why}")]
    Url {
        /// The member that holds the URL.
        member: &'static str,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The server does not say that it protects codes with PKCE and S256.
    #[error("the authorization server does not offer PKCE with S256")]
    NoPkce,
}

impl MetadataError {
    /// Tells whether going on would be unsafe, rather than merely impossible.
    pub fn is_security(&self) -> bool {
        !matches!(self, Self::NotMetadata | Self::Missing(_))
    }
}

/// What a protected resource says of itself.
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
}

#[derive(Deserialize)]
struct ResourceDocument {
    resource: Option<String>,
    authorization_servers: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
}

impl ResourceMetadata {
    /// Reads the document and checks that it speaks for the MCP server at `server`.
    ///
    /// # Errors
    ///
    /// Any [`MetadataError`] but [`MetadataError::Issuer`] and [`MetadataError::NoPkce`].
    ///
    /// Spec: RFC 9728 section 3.3; MCP 2026-07-28, authorization server discovery.
    pub fn read(body: &[u8], server: &Url) -> Result<Self, MetadataError> {
        let document: ResourceDocument = read_json(body)?;
        let resource = document.resource.ok_or(MetadataError::Missing("which resource it is for"))?;
        if !speaks_for(&resource, server) {
            return Err(MetadataError::Resource { server: server.to_string(), found: resource });
        }
        Ok(Self {
            resource,
            authorization_servers: document.authorization_servers.unwrap_or_default(),
            scopes: document.scopes_supported.unwrap_or_default(),
        })
    }
}

/// Tells whether `resource` identifies the MCP server: same scheme, host and port, and its path is equal to the
/// server's or a prefix of it at a `/`.
///
/// Deviates: RFC 9728 section 3.3 asks for identity, but metadata at the root well-known URL names the origin.
fn speaks_for(resource: &str, server: &Url) -> bool {
    let Ok(resource) = endpoint::parse(resource) else { return false };
    let with_slash = |path: &str| if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    resource.origin() == server.origin()
        && with_slash(server.path()).starts_with(&with_slash(resource.path()))
        && resource.query().is_none_or(|query| server.query() == Some(query))
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

/// What an authorization server says of itself, checked.
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
    /// The ways of client authentication it lists; `None` if it does not say.
    pub client_auth_methods: Option<Vec<String>>,
    /// It promises an `iss` in every authorization response (RFC 9207).
    pub iss_promised: bool,
    /// It takes the URL of a client ID metadata document as a client identifier.
    pub takes_metadata_documents: bool,
    /// The PKCE methods it lists; `None` if it does not say.
    pub code_challenge_methods: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ServerDocument {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    scopes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<Value>,
    client_id_metadata_document_supported: Option<Value>,
}

impl AuthorizationServer {
    /// Reads the document that was found for the issuer `expected` and checks that it speaks for it.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Issuer`] if it names another issuer, [`MetadataError::Url`] for an endpoint that must not be
    /// used, [`MetadataError::Missing`] and [`MetadataError::NotMetadata`] if it is of no use.
    ///
    /// Spec: RFC 8414 section 3.3; MCP 2026-07-28, Authorization Server Metadata Discovery.
    pub fn read(body: &[u8], expected: &str, reach: Reach) -> Result<Self, MetadataError> {
        let document: ServerDocument = read_json(body)?;
        let issuer = document.issuer.ok_or(MetadataError::Missing("its issuer"))?;
        if !same_issuer(expected, &issuer) {
            return Err(MetadataError::Issuer { expected: expected.to_owned(), found: issuer });
        }
        let url = |member: &'static str, raw: Option<String>| {
            let checked = raw.map(|raw| reach.check(&raw)).transpose();
            checked.map_err(|why| MetadataError::Url { member, why })
        };
        let authorization_endpoint = url("authorization endpoint", document.authorization_endpoint)?
            .ok_or(MetadataError::Missing("where its authorization endpoint is"))?;
        endpoint::check_parameters(&authorization_endpoint)
            .map_err(|why| MetadataError::Url { member: "authorization endpoint", why })?;
        let is_true = |value: Option<Value>| value == Some(Value::Bool(true));
        Ok(Self {
            issuer,
            authorization_endpoint,
            token_endpoint: url("token endpoint", document.token_endpoint)?
                .ok_or(MetadataError::Missing("where its token endpoint is"))?,
            registration_endpoint: url("registration endpoint", document.registration_endpoint)?,
            revocation_endpoint: url("revocation endpoint", document.revocation_endpoint)?,
            // It is a courtesy: one that cannot be used is as good as none.
            userinfo_endpoint: url("userinfo endpoint", document.userinfo_endpoint).unwrap_or_default(),
            scopes: document.scopes_supported.unwrap_or_default(),
            client_auth_methods: document.token_endpoint_auth_methods_supported,
            iss_promised: is_true(document.authorization_response_iss_parameter_supported),
            takes_metadata_documents: is_true(document.client_id_metadata_document_supported),
            code_challenge_methods: document.code_challenge_methods_supported,
        })
    }

    /// Returns the server that MCP 2025-03-26 assumes at the origin of an MCP server without any metadata.
    ///
    /// Spec: MCP 2025-03-26, Fallbacks for Servers without Metadata Discovery.
    pub fn assumed_at(server: &Url) -> Self {
        Self {
            issuer: server.origin().ascii_serialization(),
            authorization_endpoint: at(server, "/authorize"),
            token_endpoint: at(server, "/token"),
            registration_endpoint: Some(at(server, "/register")),
            revocation_endpoint: None,
            userinfo_endpoint: None,
            scopes: Vec::new(),
            client_auth_methods: Some(vec!["none".to_owned()]),
            iss_promised: false,
            takes_metadata_documents: false,
            code_challenge_methods: Some(vec!["S256".to_owned()]),
        }
    }

    /// Returns the document again, as far as it is known here: what was checked, and nothing else.
    pub fn document(&self) -> Value {
        let url = |url: &Option<Url>| url.as_ref().map(|url| Value::from(url.as_str()));
        let members = [
            ("issuer", Some(self.issuer.clone().into())),
            ("authorization_endpoint", Some(self.authorization_endpoint.as_str().into())),
            ("token_endpoint", Some(self.token_endpoint.as_str().into())),
            ("registration_endpoint", url(&self.registration_endpoint)),
            ("revocation_endpoint", url(&self.revocation_endpoint)),
            ("userinfo_endpoint", url(&self.userinfo_endpoint)),
            ("response_types_supported", Some(vec!["code"].into())),
            ("scopes_supported", (!self.scopes.is_empty()).then(|| self.scopes.clone().into())),
            ("token_endpoint_auth_methods_supported", self.client_auth_methods.clone().map(Value::from)),
            ("code_challenge_methods_supported", self.code_challenge_methods.clone().map(Value::from)),
            ("authorization_response_iss_parameter_supported", self.iss_promised.then_some(true.into())),
            ("client_id_metadata_document_supported", self.takes_metadata_documents.then_some(true.into())),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
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
        rest.strip_suffix('/').unwrap_or(rest).contains(['/', '?', '#'])
    };
    let bare = |issuer: &str| issuer.strip_suffix('/').unwrap_or(issuer).to_owned();
    expected == found || (!has_path(expected) && !has_path(found) && bare(expected) == bare(found))
}

/// Returns the URLs at which the metadata of an issuer may stand, in the order in which they are tried.
///
/// The last one, for issuers with a path, is in no specification: some servers publish their metadata only there.
///
/// # Errors
///
/// The rule for URLs that the issuer breaks.
///
/// Spec: RFC 8414 section 3.1; OpenID Connect Discovery 1.0 section 4; MCP 2026-07-28, Authorization Server Metadata
/// Discovery.
pub fn server_metadata_urls(issuer: &str, reach: Reach) -> Result<Vec<Url>, UrlError> {
    let url = reach.check(issuer)?;
    if url.query().is_some() {
        return Err(UrlError::Unreadable);
    }
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let (oauth, openid) = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration");
    let mut paths = vec![format!("{oauth}{path}"), format!("{openid}{path}")];
    if !path.is_empty() {
        paths.extend([format!("{path}{openid}"), format!("{path}{oauth}")]);
    }
    Ok(paths.iter().map(|path| at(&url, path)).collect())
}

/// Reads JSON the way metadata is read: a byte order mark is passed over, a doubled member is refused.
fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, MetadataError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(MetadataError::NotMetadata);
    }
    serde_json::from_slice(body).map_err(|_| MetadataError::NotMetadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Reach = Reach { loopback: false };

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn texts(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn m3_well_known_urls_of_a_resource() {
        let at_root = "https://example.com/.well-known/oauth-protected-resource";
        for (server, expected) in [
            ("https://example.com/public/mcp", vec![format!("{at_root}/public/mcp"), at_root.into()]),
            ("https://example.com/mcp/", vec![format!("{at_root}/mcp"), at_root.into()]),
            ("https://example.com/mcp?tenant=1", vec![format!("{at_root}/mcp?tenant=1"), at_root.into()]),
            ("https://example.com", vec![at_root.into()]),
            ("https://example.com/", vec![at_root.into()]),
        ] {
            assert_eq!(texts(&resource_metadata_urls(&url(server))), expected, "{server}");
        }
    }

    #[test]
    fn m4a_which_resource_speaks_for_a_server() {
        for (resource, expected) in [
            ("https://example.com/a/mcp", true),
            ("https://example.com/a/mcp/", true),
            ("https://example.com/a", true),
            ("https://example.com/a/", true),
            ("https://example.com", true),
            ("https://example.com:443/a/mcp", true),
            ("https://EXAMPLE.com/a/mcp", true),
            ("https://example.com/a/mc", false),
            ("https://example.com/a/mcp/deeper", false),
            ("https://example.com/A/mcp", false),
            ("http://example.com/a/mcp", false),
            ("https://example.com:444/a/mcp", false),
            ("https://evil.example/a/mcp", false),
            ("https://example.com@evil.example/a/mcp", false),
            ("https://example.com/a/mcp?x=1", false),
            ("not a url", false),
        ] {
            assert_eq!(speaks_for(resource, &url("https://example.com/a/mcp")), expected, "{resource}");
        }
        assert!(!speaks_for("http://localhost:1/mcp", &url("http://127.0.0.1:1/mcp")));
    }

    #[test]
    fn m4_m5_reading_resource_metadata() {
        let server = url("https://example.com/mcp");
        let read = |body: &str| ResourceMetadata::read(body.as_bytes(), &server);
        let good = r#"{"resource":"https://example.com/mcp","authorization_servers":["https://as.example"],"x":1}"#;
        let metadata = read(good).expect("good metadata");
        assert_eq!(metadata.resource, "https://example.com/mcp");
        assert_eq!(metadata.authorization_servers, ["https://as.example"]);
        assert!(metadata.scopes.is_empty());
        assert_eq!(read(&format!("\u{feff}{good}")), Ok(metadata));
        assert_eq!(read("{}"), Err(MetadataError::Missing("which resource it is for")));
        let other = read(r#"{"resource":"https://evil.example/mcp","authorization_servers":["https://as.example"]}"#);
        assert!(matches!(other, Err(MetadataError::Resource { .. })));
        for servers in ["", r#","authorization_servers":[]"#, r#","authorization_servers":null"#] {
            let body = format!(r#"{{"resource":"https://example.com"{servers}}}"#);
            assert_eq!(read(&body).expect("a document").authorization_servers, [""; 0]);
        }
    }

    #[test]
    fn w6_what_is_no_metadata() {
        let server = url("https://example.com/mcp");
        let deep = format!("{{\"resource\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let doubled = r#"{"resource":"https://example.com","resource":"https://example.com"}"#;
        for body in ["", "null", "[]", "<html>", "{", "\"x\"", r#"{"resource":1}"#, &deep, doubled] {
            let result = ResourceMetadata::read(body.as_bytes(), &server);
            assert_eq!(result, Err(MetadataError::NotMetadata), "{}", &body[..body.len().min(20)]);
        }
    }

    #[test]
    fn m8_where_server_metadata_stands() {
        let origin = "https://auth.example.com";
        for (issuer, expected) in [
            (
                "https://auth.example.com/tenant1",
                vec![
                    format!("{origin}/.well-known/oauth-authorization-server/tenant1"),
                    format!("{origin}/.well-known/openid-configuration/tenant1"),
                    format!("{origin}/tenant1/.well-known/openid-configuration"),
                    format!("{origin}/tenant1/.well-known/oauth-authorization-server"),
                ],
            ),
            (
                "https://auth.example.com/",
                vec![
                    format!("{origin}/.well-known/oauth-authorization-server"),
                    format!("{origin}/.well-known/openid-configuration"),
                ],
            ),
        ] {
            assert_eq!(texts(&server_metadata_urls(issuer, PUBLIC).expect("an issuer")), expected);
        }
        let slash = server_metadata_urls("https://auth.example.com/tenant1/", PUBLIC).expect("an issuer");
        assert_eq!(slash[0].path(), "/.well-known/oauth-authorization-server/tenant1");
        assert!(server_metadata_urls("https://auth.example.com/?x=1", PUBLIC).is_err());
        assert_eq!(server_metadata_urls("http://auth.example.com", PUBLIC), Err(UrlError::Plaintext));
    }

    #[test]
    fn m9_issuers_are_compared_as_strings() {
        for (expected, found, same) in [
            ("https://as.example", "https://as.example", true),
            ("https://as.example/", "https://as.example", true),
            ("https://as.example", "https://as.example/", true),
            ("https://as.example/t1", "https://as.example/t1", true),
            ("https://as.example/t1", "https://as.example/t1/", false),
            ("https://as.example/t1", "https://as.example", false),
            ("https://as.example", "https://as.example//", false),
            ("https://as.example/", "https://as.example//", false),
            ("https://as.example", "https://AS.example", false),
            ("https://as.example", "https://as.example:443", false),
            ("https://as.example", "https://as.example?", false),
            ("https://attacker.example", "https://honest.example", false),
        ] {
            assert_eq!(same_issuer(expected, found), same, "{expected} {found}");
        }
    }

    fn document(extra: &str) -> String {
        format!(
            r#"{{"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",
                "token_endpoint":"https://tokens.example/token"{extra}}}"#
        )
    }

    fn read(body: &str) -> Result<AuthorizationServer, MetadataError> {
        AuthorizationServer::read(body.as_bytes(), "https://as.example/", PUBLIC)
    }

    #[test]
    fn m9a_the_recorded_issuer_is_the_documents() {
        assert_eq!(read(&document("")).expect("good metadata").issuer, "https://as.example");
        let other = AuthorizationServer::read(document("").as_bytes(), "https://evil.example", PUBLIC);
        assert!(matches!(other, Err(MetadataError::Issuer { .. })));
    }

    #[test]
    fn m10_pkce_is_listed_or_refused() {
        for (methods, assume, expected) in [
            (r#","code_challenge_methods_supported":["plain","S256"]"#, false, true),
            (r#","code_challenge_methods_supported":["plain"]"#, false, false),
            (r#","code_challenge_methods_supported":["plain"]"#, true, false),
            (r#","code_challenge_methods_supported":[]"#, true, false),
            ("", false, false),
            ("", true, true),
        ] {
            let server = read(&document(methods)).expect("good metadata");
            assert_eq!(server.check_pkce(assume).is_ok(), expected, "{methods} {assume}");
        }
    }

    #[test]
    fn m26b_only_a_true_is_a_promise() {
        for (value, promised) in [("true", true), ("false", false), ("\"true\"", false), ("1", false), ("null", false)]
        {
            let body = document(&format!(r#","authorization_response_iss_parameter_supported":{value}"#));
            assert_eq!(read(&body).expect("good metadata").iss_promised, promised, "{value}");
        }
    }

    #[test]
    fn a_document_says_what_was_read() {
        let all = document(
            r#","registration_endpoint":"https://as.example/r","revocation_endpoint":"https://as.example/v",
            "scopes_supported":["a"],"token_endpoint_auth_methods_supported":["none"],
            "code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true,
            "client_id_metadata_document_supported":true"#,
        );
        for body in [document(""), all] {
            let server = read(&body).expect("good metadata");
            assert_eq!(read(&server.document().to_string()), Ok(server));
        }
    }

    #[test]
    fn w8_no_endpoint_may_be_http() {
        for member in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
            let mut json: serde_json::Value = serde_json::from_str(&document("")).expect("JSON");
            json[member] = "http://as.example/x".into();
            assert!(matches!(read(&json.to_string()), Err(MetadataError::Url { .. })), "{member}");
        }
    }

    #[test]
    fn missing_members_are_named() {
        let body = r#"{"issuer":"https://as.example","token_endpoint":"https://as.example/t"}"#;
        assert_eq!(read(body), Err(MetadataError::Missing("where its authorization endpoint is")));
        assert_eq!(read("{}"), Err(MetadataError::Missing("its issuer")));
    }
}
