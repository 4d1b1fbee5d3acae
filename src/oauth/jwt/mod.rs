//! JSON Web Tokens that this program signs: private keys, algorithms, and the assertions by which a client authenticates.

pub mod algorithm;
pub mod assertion;
mod der;
pub mod dpop;
mod jwk;
pub mod key;
pub mod pem;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use self::algorithm::Algorithm;
use self::key::SigningKey;
use super::secret::Secret;

/// Returns a signed JWT in compact form. `header` has the members of its header but for `alg`; `None` if the key cannot sign.
///
/// Spec: RFC 7519 section 7.1; RFC 7515 section 7.1.
pub fn signed(
    key: &SigningKey,
    algorithm: Algorithm,
    mut header: Value,
    claims: &Value,
) -> Option<Secret> {
    header["alg"] = algorithm.as_str().into();
    let [header, claims] = [&header, claims].map(|part| base64url(part.to_string()));
    let message = format!("{header}.{claims}");
    let signature = key.sign(algorithm, message.as_bytes())?;
    Some(Secret::new(format!("{message}.{}", base64url(signature))))
}

/// Returns bytes in the form in which a JWT holds them.
///
/// Spec: RFC 7515 section 2, Base64url Encoding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what [`base64url`] writes; `None` for anything else.
pub fn from_base64url(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(text).ok().map(Zeroizing::new)
}

/// Reads the header or the claims of a JSON Web Token, with or without padding.
pub(super) fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = from_base64url(part.trim_end_matches('='))?;
    serde_json::from_slice(&bytes).ok()
}

/// Returns whom a JSON Web Token is for.
///
/// Spec: RFC 7519 section 4.1.3.
pub(super) fn audiences(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Returns when a JSON Web Token expires, in seconds since 1970.
///
/// Spec: RFC 7519 section 4.1.4.
pub(super) fn expires_at(claims: &Map<String, Value>) -> Option<i64> {
    let seconds = claims.get("exp")?.as_f64()?;
    Some(seconds as i64)
}

#[cfg(test)]
mod tests;
