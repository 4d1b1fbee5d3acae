//! JWTs as a server reads them: the signature is verified before anything counts.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use ring::signature::{UnparsedPublicKey, ECDSA_P256_SHA256_FIXED};
use serde_json::Value;

const KEYS: &str = include_str!("../../../src/oauth/jwt/test_keys.txt");

/// Returns the text of a key for tests.
pub fn key(name: &str) -> &'static str {
    let start = format!("{name}: ");
    let section = KEYS.split("=== ").find(|it| it.starts_with(&start));
    section
        .expect("a key")
        .split_once('\n')
        .expect("its text")
        .1
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// Returns the header and the claims of a JWT that the P-256 key in this JWK has signed.
#[track_caller]
pub fn verified(jwt: &str, jwk: &Value) -> (Value, Value) {
    let (message, signature) = jwt.rsplit_once('.').expect("a signature");
    let member = |name: &str| decoded(jwk[name].as_str().expect("a coordinate"));
    let point = [vec![4], member("x"), member("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &decoded(signature))
        .expect("the signature of the key");
    unverified(jwt)
}

/// Returns the header and the claims of a JWT.
pub fn unverified(jwt: &str) -> (Value, Value) {
    let mut parts = jwt
        .split('.')
        .map(|part| serde_json::from_slice(&decoded(part)));
    let mut next = || parts.next().expect("a part").expect("JSON");
    (next(), next())
}
