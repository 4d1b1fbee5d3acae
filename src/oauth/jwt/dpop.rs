//! DPoP: proofs that whoever sends a request has the key that its token is bound to.

use serde_json::json;
use url::Url;

use super::algorithm::Algorithm;
use super::key::{KeyPair, SigningKey};
use super::{base64url, from_base64url, signed};
use crate::digest;
use crate::oauth::secret::Secret;
use crate::os::clock::Time;

/// The algorithm of our proofs: every server that supports DPoP supports it.
pub const ALGORITHM: Algorithm = Algorithm::Es256;

/// Longest nonce that is sent back, in bytes.
const MAX_NONCE_BYTES: usize = 2048;

/// The key that the tokens of one login are bound to.
#[derive(Debug)]
pub struct DpopKey {
    key: SigningKey,
    stored: Secret,
}

impl DpopKey {
    /// Makes a key; `None` if the system has no random numbers.
    pub fn generate() -> Option<Self> {
        let pkcs8 = KeyPair::generate_p256()?;
        Self::read(&Secret::new(base64url(&pkcs8)))
    }

    /// Reads a key as [`Self::stored`] gives it.
    pub fn read(stored: &Secret) -> Option<Self> {
        let pkcs8 = from_base64url(stored.expose())?;
        Some(Self {
            key: SigningKey::p256(&pkcs8)?,
            stored: stored.clone(),
        })
    }

    /// Returns the key as it is stored: PKCS#8 in base64url.
    pub fn stored(&self) -> &Secret {
        &self.stored
    }

    /// Returns the thumbprint of the public key, which binds an authorization code to it.
    ///
    /// Spec: RFC 7638 section 3; RFC 9449 section 10.
    pub fn thumbprint(&self) -> String {
        // The members are in the order of their names, without white space.
        let jwk = self.key.ec_jwk().unwrap_or_default();
        base64url(digest::sha256(jwk.to_string()))
    }

    /// Returns a proof for one request. `token` is the access token that the request carries; `jti` is 128 random bits.
    ///
    /// Spec: RFC 9449 section 4.2.
    pub fn proof(
        &self,
        (method, url): (&str, &Url),
        token: Option<&Secret>,
        nonce: Option<&str>,
        (now, jti): (Time, &str),
    ) -> Option<Secret> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let header = json!({"typ": "dpop+jwt", "jwk": self.key.ec_jwk()?});
        let mut claims = json!({
            "jti": jti,
            "htm": method,
            "htu": target.as_str(),
            "iat": now.unix_seconds(),
        });
        if let Some(token) = token {
            claims["ath"] = base64url(digest::sha256(token.expose())).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        signed(&self.key, ALGORITHM, header, &claims)
    }
}

/// Tells whether a text may be a nonce of a server.
///
/// Spec: RFC 9449 section 8.1.
pub fn is_nonce(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=MAX_NONCE_BYTES).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dp1_a_proof_is_for_one_request() {
        let key = DpopKey::generate().unwrap();
        let key = DpopKey::read(key.stored()).unwrap();
        let url = Url::parse("https://mcp.example:8443/a/b?c=d#e").unwrap();
        let parts = |token: Option<&Secret>, nonce| {
            let proof = key
                .proof(("POST", &url), token, nonce, (Time::at(77), "a jti"))
                .unwrap();
            let mut parts = proof.expose().split('.');
            let mut next = || {
                let part = from_base64url(parts.next().unwrap()).unwrap();
                serde_json::from_slice::<serde_json::Value>(&part).unwrap()
            };
            (next(), next())
        };
        let (header, claims) = parts(None, None);
        assert_eq!(
            (&header["typ"], &header["alg"]),
            (&json!("dpop+jwt"), &json!("ES256"))
        );
        let members: Vec<_> = header["jwk"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["crv", "kty", "x", "y"], "nothing private");
        let plain = json!({"jti": "a jti", "htm": "POST", "htu": "https://mcp.example:8443/a/b", "iat": 77});
        assert_eq!(claims, plain);
        let (_, claims) = parts(
            Some(&Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")),
            Some("n"),
        );
        // RFC 9449 section 7.1 has this token and its hash.
        assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(claims["nonce"], "n");
    }

    #[test]
    fn dp1_the_thumbprint_is_made_from_the_public_key() {
        // What is hashed: the members in the order of their names, without white space.
        let key = SigningKey::read(super::super::tests::text("p256.pkcs8").as_bytes(), None);
        let jwk = key.unwrap().ec_jwk().unwrap().to_string();
        assert!(
            jwk.starts_with(r#"{"crv":"P-256","kty":"EC","x":""#),
            "{jwk}"
        );
        assert!(DpopKey::read(&Secret::new("AAAA")).is_none());
    }

    #[test]
    fn dp3_what_may_be_a_nonce() {
        let long = "n".repeat(MAX_NONCE_BYTES + 1);
        for (text, expected) in [
            ("eyJ7S_zG.eyJH0-Z.HX4w-7v", true),
            ("a b", false),
            ("", false),
            ("a\"b", false),
            ("a\\b", false),
            ("a\u{e9}", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_nonce(text), expected, "{text}");
        }
    }
}
