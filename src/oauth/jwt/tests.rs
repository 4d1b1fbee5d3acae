//! Keys in every form, against `ring`'s verifier and the public keys in the JWKs.

use std::sync::Arc;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use ring::signature::{
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm, ECDSA_P256_SHA256_FIXED,
    ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256,
};
use serde_json::Value;

use super::algorithm::{Algorithm, KeyKind};
use super::assertion::{ClientKey, ClientKeyRecord, CLIENT_ASSERTION_JWT};
use super::key::{KeyError, SigningKey};
use crate::os::clock::Time;

const KEYS: &str = include_str!("test_keys.txt");

/// Returns the name, what is expected, and the text of each key.
fn keys() -> Vec<(&'static str, &'static str, &'static str)> {
    let sections = KEYS.split("=== ").skip(1);
    let row = |section: &'static str| {
        let (head, text) = section.split_once('\n').unwrap();
        let (name, expected) = head.split_once(": ").unwrap();
        (name, expected, text)
    };
    sections.map(row).collect()
}

pub(super) fn text(name: &str) -> &'static str {
    let found = keys().into_iter().find(|(it, _, _)| *it == name);
    found.unwrap().2
}

fn jwk(name: &str) -> Value {
    serde_json::from_str(text(name)).unwrap()
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Tells whether a signature is that of the key in a JWK.
fn verifies(jwk: &Value, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let member = |name: &str| decoded(jwk[name].as_str().unwrap());
    let unparsed = |how: &'static dyn VerificationAlgorithm, key: Vec<u8>| {
        UnparsedPublicKey::new(how, key)
            .verify(message, signature)
            .is_ok()
    };
    let rsa = |how| {
        let (n, e) = (member("n"), member("e"));
        RsaPublicKeyComponents { n, e }
            .verify(how, message, signature)
            .is_ok()
    };
    let point = || [vec![4], member("x"), member("y")].concat();
    match algorithm {
        Algorithm::Es256 => unparsed(&ECDSA_P256_SHA256_FIXED, point()),
        Algorithm::Es384 => unparsed(&ECDSA_P384_SHA384_FIXED, point()),
        Algorithm::EdDsa | Algorithm::Ed25519 => unparsed(&ED25519, member("x")),
        Algorithm::Rs256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs512 => rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&RSA_PSS_2048_8192_SHA256),
        _ => panic!("{algorithm:?}"),
    }
}

#[test]
fn ck2_every_form_of_a_key_is_read_or_refused_with_its_reason() {
    for (name, expected, text) in keys() {
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        for text in [text, &windows] {
            match SigningKey::read(text.as_bytes(), None) {
                Ok(key) => {
                    assert_eq!(format!("{:?}", key.kind()), expected, "{name}");
                    let of_jwk = jwk(&format!("{}.jwk", name.split('.').next().unwrap()));
                    for algorithm in [Algorithm::Rs512, key.kind().algorithms()[0]] {
                        let signature = key.sign(algorithm, b"message");
                        assert_eq!(
                            signature.is_some(),
                            key.kind().algorithms().contains(&algorithm)
                        );
                        if let Some(signature) = signature {
                            assert!(verifies(&of_jwk, algorithm, b"message", &signature));
                            assert!(!verifies(&of_jwk, algorithm, b"massage", &signature));
                        }
                    }
                }
                Err(err) => assert_eq!(err.to_string(), expected, "{name}"),
            }
        }
    }
}

#[test]
fn ck2_what_is_no_key_is_refused() {
    let der = {
        let base64: String = text("p256.pkcs8")
            .lines()
            .filter(|it| !it.starts_with('-'))
            .collect();
        base64::engine::general_purpose::STANDARD
            .decode(base64)
            .unwrap()
    };
    let pem = text("p256.pkcs8");
    let twice = [pem, text("ed25519.pkcs8")].concat();
    let cut = &pem[..pem.len() - 40];
    let damaged = pem.replacen("MI", "!!", 1);
    for (bytes, expected) in [
        (&b""[..], KeyError::NotAKey),
        (b"hello", KeyError::NotAKey),
        (b"{}", KeyError::NotAKey),
        (b"{\"keys\":[]}", KeyError::NoPrivateKey),
        (b"{\"type\":\"service_account\"}", KeyError::NotAKey),
        (&der, KeyError::Binary),
        (twice.as_bytes(), KeyError::Several),
        (cut.as_bytes(), KeyError::Damaged),
        (damaged.as_bytes(), KeyError::Damaged),
    ] {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(SigningKey::read(bytes, None), Err(expected), "{shown}");
    }
}

#[test]
fn ck2_a_jwk_is_read_with_its_identifier_and_algorithm() {
    let changed = |name: &str, member: &str, value: Value| {
        let mut key = jwk(name);
        key[member] = value;
        SigningKey::read(key.to_string().as_bytes(), None)
    };
    let key = SigningKey::read(text("rsa.jwk").as_bytes(), None).unwrap();
    assert_eq!(
        (key.kid.as_deref(), key.alg),
        (Some("r"), Some(Algorithm::Ps256))
    );
    assert_eq!(key.kind(), KeyKind::Rsa);
    let unsupported = |name| Err(KeyError::Unsupported(name));
    let missing = Value::Null;
    for (changed, expected) in [
        (
            changed("p256.jwk", "d", missing.clone()),
            Err(KeyError::NoPrivateKey),
        ),
        (
            changed("rsa.jwk", "d", missing.clone()),
            Err(KeyError::NoPrivateKey),
        ),
        (
            changed("rsa.jwk", "qi", missing.clone()),
            Err(KeyError::NoPrimes),
        ),
        (changed("p256.jwk", "y", missing), Err(KeyError::Damaged)),
        (
            changed("p256.jwk", "d", "AAAA".into()),
            Err(KeyError::Damaged),
        ),
        (
            changed("p256.jwk", "d", "%".into()),
            Err(KeyError::NoPrivateKey),
        ),
        (
            changed("p256.jwk", "x", jwk("p256.jwk")["y"].clone()),
            Err(KeyError::Damaged),
        ),
        (
            changed("p256.jwk", "crv", "P-521".into()),
            unsupported("an EC key on P-521"),
        ),
        (
            changed("p256.jwk", "kty", "oct".into()),
            unsupported("a symmetric key, which is a client secret"),
        ),
        (
            changed("p256.jwk", "alg", "ES256K".into()),
            Err(KeyError::UnknownAlgorithm("ES256K".to_owned())),
        ),
    ] {
        assert_eq!(changed, expected);
    }
    let padded = format!("{}=", jwk("ed25519.jwk")["d"].as_str().unwrap());
    assert!(changed("ed25519.jwk", "d", padded.into()).is_ok());
}

#[test]
fn ck2_a_set_of_keys_has_one_for_signing() {
    let set = |keys: &[Value]| serde_json::json!({ "keys": keys }).to_string();
    let (ec, rsa, mut public, mut encryption) = (
        jwk("p256.jwk"),
        jwk("rsa.jwk"),
        jwk("p384.jwk"),
        jwk("p384.jwk"),
    );
    public["d"].take();
    encryption["use"] = "enc".into();
    let read = |keys: &[Value], kid| {
        let key = SigningKey::read(set(keys).as_bytes(), kid)?;
        Ok(key.kind())
    };
    let one = [public, ec.clone(), encryption];
    assert_eq!(read(&one, None), Ok(KeyKind::P256));
    assert_eq!(read(&one, Some("a name at the server")), Ok(KeyKind::P256));
    let two = [ec, rsa];
    assert_eq!(read(&two, None), Err(KeyError::Several));
    assert_eq!(read(&two, Some("r")), Ok(KeyKind::Rsa));
    assert_eq!(read(&two, Some("another")), Err(KeyError::NoPrivateKey));
}

#[test]
fn ck2_each_refusal_names_what_to_do() {
    let hints = [
        (
            KeyError::Encrypted,
            "openssl pkey -in /k/key.pem -out NEW_FILE",
        ),
        (
            KeyError::NoPublicKey,
            "openssl ec -in /k/key.pem -conv_form uncompressed -out NEW_FILE",
        ),
        (
            KeyError::OpenSsh,
            "ssh-keygen -p -m PKCS8 -f COPY_OF_key.pem",
        ),
        (
            KeyError::Binary,
            "openssl pkey -inform DER -in /k/key.pem -out NEW_FILE",
        ),
    ];
    for (err, command) in hints {
        let hint = err.hint("/k/key.pem");
        assert!(hint.contains(command), "{hint}");
    }
}

#[test]
fn ck3_what_an_assertion_says() {
    let record = |kid: Option<&str>| ClientKeyRecord {
        file: None,
        key: None,
        alg: None,
        kid: kid.map(str::to_owned),
        audience: "https://as.example/".to_owned(),
        typ: CLIENT_ASSERTION_JWT.to_owned(),
        listed_algs: Some(vec!["RS256".to_owned(), "ES256".to_owned()]),
    };
    for (name, kid, expected) in [
        ("p256.jwk", None, Some("key-1")),
        ("p256.jwk", Some("mine"), Some("mine")),
        ("p256.sec1", None, None),
        ("p256.pkcs8", Some("mine"), Some("mine")),
    ] {
        let key = Arc::new(SigningKey::read(text(name).as_bytes(), None).unwrap());
        let key = ClientKey::new(key, record(kid)).unwrap();
        let assertion = key.assertion("me", Time::at(1_000_000), "a jti").unwrap();
        let parts: Vec<_> = assertion.expose().split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{name}")
        };
        let read = |part| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        let mut wanted = serde_json::json!({"typ": "client-authentication+jwt", "alg": "ES256"});
        if let Some(kid) = expected {
            wanted["kid"] = kid.into();
        }
        assert_eq!(read(header), wanted);
        assert_eq!(
            read(claims),
            serde_json::json!({
                "iss": "me", "sub": "me", "aud": "https://as.example/",
                "iat": 1_000_000, "exp": 1_000_060, "jti": "a jti",
            })
        );
        let message = format!("{header}.{claims}");
        let signature = decoded(signature);
        assert!(verifies(
            &jwk("p256.jwk"),
            Algorithm::Es256,
            message.as_bytes(),
            &signature
        ));
    }
    let key = Arc::new(SigningKey::read(text("rsa.jwk").as_bytes(), None).unwrap());
    let debug = format!("{key:?}");
    assert_eq!(debug, "SigningKey(Rsa, ..)");
    // The JWK is for PS256 alone.
    let key = ClientKey::new(key, record(None)).unwrap();
    let header = key.assertion("me", Time::at(0), "").unwrap();
    let header = decoded(header.expose().split('.').next().unwrap());
    assert!(String::from_utf8_lossy(&header).contains("PS256"));
}
