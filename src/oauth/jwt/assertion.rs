//! Client assertions: how a client proves by a signature who it is.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::algorithm::{self, Algorithm, AlgorithmError};
use super::key::SigningKey;
use super::signed;
use crate::oauth::secret::{self, Secret};
use crate::os::clock::Time;

/// The value of `client_assertion_type`.
///
/// Spec: RFC 7523 section 2.2.
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The type in the header of a client assertion, unless the user names another one.
///
/// Spec: draft-ietf-oauth-rfc7523bis, section 3.
pub const CLIENT_ASSERTION_JWT: &str = "client-authentication+jwt";

/// How long an assertion is valid, in seconds.
const LIFETIME_SECONDS: i64 = 60;

/// For whom the assertions of a client are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// The issuer of the authorization server: an assertion can be used nowhere else.
    #[default]
    Issuer,
    /// The URL of the token endpoint.
    TokenEndpoint,
    /// A URL that the user names.
    Other(String),
}

/// What is stored of the key of a client, and what its assertions say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKeyRecord {
    /// The file with the key, which is read anew for each use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The key itself, if it came through a pipe or a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "secret::stored_option")]
    pub key: Option<Secret>,
    /// The algorithm that the user wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<Algorithm>,
    /// The identifier that the user gives the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The `aud` of the assertions.
    pub audience: String,
    /// The `typ` of the assertions.
    pub typ: String,
    /// The algorithms that the server lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_algs: Option<Vec<String>>,
}

/// The key of a client at one authorization server.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientKey {
    key: Arc<SigningKey>,
    algorithm: Algorithm,
    record: ClientKeyRecord,
}

impl ClientKey {
    /// Returns the key with what its assertions say.
    ///
    /// # Errors
    ///
    /// An [`AlgorithmError`].
    pub fn new(key: Arc<SigningKey>, record: ClientKeyRecord) -> Result<Self, AlgorithmError> {
        let wanted = record.alg.or(key.alg);
        let algorithm = algorithm::choose(key.kind(), wanted, record.listed_algs.as_deref())?;
        Ok(Self {
            key,
            algorithm,
            record,
        })
    }

    /// Returns what is stored of the key.
    pub fn into_record(self) -> ClientKeyRecord {
        self.record
    }

    /// Returns an assertion of this client, for one request. `jti` is 128 random bits, new for each request.
    ///
    /// Spec: RFC 7523 section 3; draft-ietf-oauth-rfc7523bis: the issuer as the only audience, one string.
    pub fn assertion(&self, client_id: &str, now: Time, jti: &str) -> Option<Secret> {
        let record = &self.record;
        let mut header = json!({ "typ": record.typ });
        if let Some(kid) = record.kid.as_deref().or(self.key.kid.as_deref()) {
            header["kid"] = kid.into();
        }
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": record.audience,
            "iat": now.unix_seconds(),
            "exp": now.unix_seconds() + LIFETIME_SECONDS,
            "jti": jti,
        });
        signed(&self.key, self.algorithm, header, &claims)
    }
}
