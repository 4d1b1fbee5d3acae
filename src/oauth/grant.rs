//! Grants that need no person: what they are made from, and what a JWT says about itself before it is sent.
//!
//! Whoever receives a JWT checks its signature. Here only its claims are read, so that a mistake is named by us and not by a
//! server that says `invalid_grant`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jwt;
use super::text::is_plain;

/// The grant type of a client that asks for itself. Spec: RFC 6749 section 4.4.2.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The grant type of a JWT. Spec: RFC 7523 section 2.1.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The grant type of a token exchange. Spec: RFC 8693 section 2.1.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The `token_type` of what is no access token. Spec: RFC 8693 section 2.2.1.
pub const NO_ACCESS_TOKEN: &str = "N_A";

/// The token type of an ID token. Spec: RFC 8693 section 3.
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The token type of an identity assertion. Spec: draft-ietf-oauth-identity-assertion-authz-grant section 4.3.
pub const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// The `typ` of an identity assertion, in the same place.
const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// How far the clocks of a server and of this computer may differ, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// What gets the tokens of a login without a person, beside its client. Nothing secret is among it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unattended {
    /// The JWT that the platform gives to this workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
    /// The identity provider of the enterprise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<IdentityProvider>,
}

impl Unattended {
    /// Tells whether there is nothing in it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether both are the same, but for what was found out at a login.
    pub fn is_like(&self, other: &Self) -> bool {
        let bare = |it: &Self| {
            let mut bare = it.clone();
            if let Some(idp) = &mut bare.idp {
                idp.token_endpoint = None;
            }
            bare
        };
        bare(self) == bare(other)
    }
}

/// A JWT of the platform, read anew for each request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// Where it comes from.
    #[serde(flatten)]
    pub source: AssertionSource,
    /// The audience to ask the platform for; `None` for the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// Where a JWT of the platform comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", content = "value", rename_all = "kebab-case")]
pub enum AssertionSource {
    /// A file, which the platform replaces.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The first line that a command prints; its words are split as a shell does.
    Command(String),
    /// GitHub Actions, or Forgejo: the job asks for it.
    GithubActions,
}

/// The identity provider of an enterprise, which issues identity assertions for the logins of its people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its issuer.
    pub issuer: String,
    /// Its token endpoint, where the ID token is in a file; a login at it knows its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Our client there, where the ID token is in a file; it has no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The file that holds the ID token; without it, that of the login at the provider is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_file: Option<PathBuf>,
}

/// The header and the claims of a JWT, whose signature is not checked.
#[derive(Debug)]
pub struct Jwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Jwt {
    /// Reads a JWT; `None` if the text is none.
    ///
    /// Spec: RFC 7519 section 7.2; RFC 7515 section 7.1.
    pub fn read(text: &str) -> Option<Self> {
        let [header, claims, signature] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        let is_signed = !signature.is_empty() && is_plain(signature, "-_=");
        Some(Self {
            header: jwt::object(header)?,
            claims: jwt::object(claims).filter(|_| is_signed)?,
        })
    }

    /// Returns the moment when it expires, in seconds since 1970, if that has passed.
    pub fn expired_at(&self, now: i64) -> Option<i64> {
        let at = jwt::expires_at(&self.claims)?;
        (at.saturating_add(CLOCK_SKEW_SECONDS) <= now).then_some(at)
    }

    /// Returns its audiences.
    pub fn audiences(&self) -> Vec<&str> {
        jwt::audiences(&self.claims)
    }

    /// Checks that an identity assertion is for this authorization server, client and resource, so that a wrong mapping at
    /// the identity provider is found before the assertion is sent.
    ///
    /// # Errors
    ///
    /// What is wrong, as the rest of a sentence about the assertion.
    ///
    /// Spec: draft-ietf-oauth-identity-assertion-authz-grant section 3.
    pub fn check_id_jag(
        &self,
        issuer: &str,
        client_id: &str,
        resource: Option<&str>,
    ) -> Result<(), String> {
        let text = |members: &Map<String, Value>, name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let kind = text(&self.header, "typ");
        if !kind.eq_ignore_ascii_case(ID_JAG_TYPE) {
            return Err(format!("is of type {kind:?}, not {ID_JAG_TYPE}"));
        }
        if !self.audiences().contains(&issuer) {
            let found = self.audiences().join(", ");
            return Err(format!("is for {found:?}, not for {issuer}"));
        }
        let client = text(&self.claims, "client_id");
        if client != client_id {
            return Err(format!("is for the client {client:?}, not for {client_id}"));
        }
        let named = self.claims.get("resource");
        let names = |resource: &str| match named {
            None => true,
            Some(Value::Array(all)) => all.iter().any(|it| it == resource),
            Some(one) => one == resource,
        };
        match resource.filter(|resource| !names(resource)) {
            Some(resource) => Err(format!("is not for the resource {resource}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|it| jwt::base64url(it.to_string()));
        format!("{header}.{claims}.c2ln")
    }

    #[test]
    fn g1_what_is_no_jwt_is_not_sent() {
        let good = token(&json!({}), &json!({}));
        assert!(Jwt::read(&good).is_some());
        let unsigned = good.trim_end_matches("c2ln").to_owned();
        for bad in [
            "",
            "a.b.c",
            "..",
            "e30.e30",
            "e30.W10.c2ln",
            unsigned.as_str(),
            &format!("{good}.x"),
            &format!("{good}\nx"),
            &format!(" {good}"),
        ] {
            assert!(Jwt::read(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn g2_when_a_jwt_has_expired() {
        for (exp, expired) in [
            (json!(1000), Some(1000)),
            (json!(995), Some(995)),
            (json!(996), None),
            (json!(2000.5), None),
            (json!(900.5), Some(900)),
            (json!(null), None),
            (json!("900"), None),
        ] {
            let token = Jwt::read(&token(&json!({}), &json!({"exp": exp}))).expect("a JWT");
            let now = if exp == json!(1000) { 1005 } else { 1000 };
            assert_eq!(token.expired_at(now), expired, "{exp}");
        }
    }

    #[test]
    fn g3_an_identity_assertion_is_for_this_server_client_and_resource() {
        let header = json!({"typ": "oauth-id-jag+jwt", "alg": "ES256"});
        let claims = json!({"aud": "https://as.example", "client_id": "me", "resource": "https://mcp.example/mcp"});
        let check = |header: &Value, claims: &Value| {
            let token = Jwt::read(&token(header, claims)).expect("a JWT");
            token.check_id_jag("https://as.example", "me", Some("https://mcp.example/mcp"))
        };
        for (member, value, is_good) in [
            ("aud", json!(["https://as.example"]), true),
            ("aud", json!("https://as.example/"), false),
            ("aud", json!("https://idp.example"), false),
            ("aud", json!(null), false),
            ("client_id", json!("me"), true),
            ("client_id", json!("other"), false),
            ("client_id", json!(null), false),
            ("resource", json!(["x", "https://mcp.example/mcp"]), true),
            ("resource", json!("https://mcp.example/"), false),
        ] {
            let mut claims = claims.clone();
            claims[member] = value;
            assert_eq!(check(&header, &claims).is_ok(), is_good, "{claims}");
        }
        let mut without = claims.clone();
        without.as_object_mut().expect("members").remove("resource");
        assert_eq!(check(&header, &without), Ok(()));
        for kind in [json!("JWT"), json!(null), json!(7)] {
            assert!(check(&json!({"typ": kind}), &claims).is_err());
        }
        assert_eq!(check(&json!({"typ": "OAuth-ID-JAG+jwt"}), &claims), Ok(()));
    }
}
