//! Private keys, and the signatures that they make.

use std::fmt;

use ring::rand::SystemRandom;
use ring::rsa::KeyPairComponents;
use ring::signature::{
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
};
use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, KeyKind};
use super::{base64url, jwk, pem};

/// A private key that signs JWTs. Its `Debug` shows no more than its kind.
pub struct SigningKey {
    pub(super) pair: KeyPair,
    /// The identifier that the key has in its file.
    pub kid: Option<String>,
    /// The only algorithm that the key is for, if its file says so.
    pub alg: Option<Algorithm>,
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is encrypted.
    #[error("the key is encrypted")]
    Encrypted,
    /// It is in the format of OpenSSH.
    #[error("the key is in the format of OpenSSH")]
    OpenSsh,
    /// It is in the binary format.
    #[error("the key is binary (DER or PKCS#12), not PEM or JWK")]
    Binary,
    /// It is an elliptic curve key without its public key as an uncompressed point.
    #[error("the key does not contain its public key as an uncompressed point")]
    NoPublicKey,
    /// It is an RSA key without its prime factors.
    #[error("the key does not contain its prime factors (p, q, dp, dq, qi)")]
    NoPrimes,
    /// It is too short.
    #[error("the RSA key is shorter than 2048 bits")]
    TooShort,
    /// It is too long.
    #[error("the RSA key is longer than 4096 bits")]
    TooLong,
    /// It is of a kind that this program does not sign with.
    #[error("it is {0}")]
    Unsupported(&'static str),
    /// Its algorithm is not known.
    #[error("the key is for the algorithm {0}")]
    UnknownAlgorithm(String),
    /// There are several.
    #[error("it contains several private keys")]
    Several,
    /// There is a public key or a certificate, or nothing.
    #[error("it contains no private key")]
    NoPrivateKey,
    /// It is neither PEM nor JWK.
    #[error("it is neither PEM nor a JWK")]
    NotAKey,
    /// It cannot be read.
    #[error("the key is damaged or incomplete")]
    Damaged,
}

impl KeyError {
    /// Returns what to do about it; `file` is the path of the key.
    pub fn hint(&self, file: &str) -> String {
        // That of a variable or of a stored key has no path.
        let file = if file.is_empty() { "KEY_FILE" } else { file };
        let supported =
            "an EC key (P-256 or P-384), an Ed25519 key or an RSA key (2048 to 4096 bits)";
        match self {
            Self::Encrypted => format!(
                "decrypt it: openssl pkey -in {file} -out NEW_FILE; or give it through a pipe: --client-key-file <(openssl pkey -in {file})"
            ),
            Self::OpenSsh => format!("convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY_OF_{}", file_name(file)),
            Self::Binary => format!(
                "convert it: openssl pkey -inform DER -in {file} -out NEW_FILE, or openssl pkcs12 -in {file} -nodes -nocerts -out NEW_FILE"
            ),
            Self::NoPublicKey => {
                format!("add it: openssl ec -in {file} -conv_form uncompressed -out NEW_FILE")
            }
            Self::NoPrimes => "export the key again with all its members, or as PEM".to_owned(),
            Self::TooShort | Self::TooLong | Self::Unsupported(_) | Self::UnknownAlgorithm(_) => {
                format!("use {supported}; for example: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NEW_FILE")
            }
            Self::Several => {
                "keep one private key; in a JWK set, --client-key-id chooses one".to_owned()
            }
            Self::NoPrivateKey | Self::NotAKey | Self::Damaged => {
                format!("give the private key of the client as PEM (PKCS#8, SEC1, PKCS#1) or JWK: {supported}")
            }
        }
    }
}

fn file_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

impl SigningKey {
    /// Reads a private key: PEM (PKCS#8, SEC1, PKCS#1), a JWK, or a set of JWKs with one private key. Of several, `kid` chooses.
    ///
    /// # Errors
    ///
    /// A [`KeyError`].
    pub fn read(bytes: &[u8], kid: Option<&str>) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(bytes).map_err(|_| KeyError::Binary)?;
        // Byte order marks too, wherever they stand between blanks.
        let text = text.trim_start_matches(|it: char| it.is_whitespace() || it == '\u{feff}');
        match text.as_bytes().first() {
            Some(b'{') => jwk::read(text, kid),
            _ if text.contains("-----BEGIN ") => Ok(Self {
                pair: pem::read(text)?,
                kid: None,
                alg: None,
            }),
            Some(0x30) if text.contains(char::is_control) => Err(KeyError::Binary),
            _ => Err(KeyError::NotAKey),
        }
    }

    /// Reads a key on P-256 in PKCS#8.
    pub(super) fn p256(pkcs8: &[u8]) -> Option<Self> {
        Some(Self {
            pair: KeyPair::ec_pkcs8(pkcs8, KeyKind::P256).ok()?,
            kid: None,
            alg: None,
        })
    }

    /// Returns the public key as a JWK, with nothing but what its thumbprint is made from; `None` for one that is not on P-256.
    ///
    /// Spec: RFC 7518 section 6.2.1; RFC 7638 section 3.2.
    pub(super) fn ec_jwk(&self) -> Option<Value> {
        let KeyPair::Ec(KeyKind::P256, pair) = &self.pair else {
            return None;
        };
        // An uncompressed point: a byte, and two numbers.
        let point = pair.public_key().as_ref().get(1..)?;
        let (x, y) = point.split_at(point.len() / 2);
        Some(json!({"crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y)}))
    }

    /// Returns the kind of the key.
    pub fn kind(&self) -> KeyKind {
        match &self.pair {
            KeyPair::Ec(kind, _) => *kind,
            KeyPair::Ed25519(_) => KeyKind::Ed25519,
            KeyPair::Rsa(_) => KeyKind::Rsa,
        }
    }

    /// Signs a message; `None` if the key does not have this algorithm.
    ///
    /// Spec: RFC 7518 sections 3.3 to 3.5: an elliptic curve signature is the two numbers, not DER.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        if !self.kind().algorithms().contains(&algorithm) {
            return None;
        }
        match &self.pair {
            KeyPair::Ec(_, pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            KeyPair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            KeyPair::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({:?}, ..)", self.kind())
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        let public = |key: &Self| match &key.pair {
            KeyPair::Ec(_, pair) => pair.public_key().as_ref().to_vec(),
            KeyPair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            KeyPair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        };
        public(self) == public(other) && (&self.kid, self.alg) == (&other.kid, other.alg)
    }
}

/// A pair of keys as `ring` holds it.
pub(super) enum KeyPair {
    /// On P-256 or P-384.
    Ec(KeyKind, EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
    /// RSA.
    Rsa(Box<RsaKeyPair>),
}

impl KeyPair {
    /// Makes a key on P-256 in PKCS#8; `None` if the system has no random numbers.
    pub(super) fn generate_p256() -> Option<Zeroizing<Vec<u8>>> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(curve(KeyKind::P256), &random).ok()?;
        Some(Zeroizing::new(key.as_ref().to_vec()))
    }

    pub(super) fn ec_pkcs8(pkcs8: &[u8], kind: KeyKind) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(curve(kind), pkcs8, &SystemRandom::new());
        pair.map(|pair| Self::Ec(kind, pair)).map_err(rejected)
    }

    pub(super) fn ec(scalar: &[u8], point: &[u8], kind: KeyKind) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        EcdsaKeyPair::from_private_key_and_public_key(curve(kind), scalar, point, &random)
            .map(|pair| Self::Ec(kind, pair))
            .map_err(rejected)
    }

    pub(super) fn ed25519_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        // OpenSSL writes version 1, which has no public key that could be compared.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8);
        pair.map(Self::Ed25519).map_err(rejected)
    }

    pub(super) fn ed25519(seed: &[u8], public: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        pair.map(Self::Ed25519).map_err(rejected)
    }

    /// Signs once: `ring` compares each signature with the public key, and so finds a damaged key only then.
    fn checked(pair: RsaKeyPair) -> Result<Self, KeyError> {
        let mut signature = vec![0; pair.public().modulus_len()];
        let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"", &mut signature);
        signed.map_err(|_| KeyError::Damaged)?;
        Ok(Self::Rsa(Box::new(pair)))
    }

    pub(super) fn rsa_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        Self::checked(RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?)
    }

    pub(super) fn rsa_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        Self::checked(RsaKeyPair::from_der(der).map_err(rejected)?)
    }

    pub(super) fn rsa(components: &KeyPairComponents<&[u8]>) -> Result<Self, KeyError> {
        Self::checked(RsaKeyPair::from_components(components).map_err(rejected)?)
    }
}

fn curve(kind: KeyKind) -> &'static EcdsaSigningAlgorithm {
    match kind {
        KeyKind::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
    }
}

fn rejected(why: ring::error::KeyRejected) -> KeyError {
    match why.to_string().as_str() {
        "TooSmall" => KeyError::TooShort,
        "TooLarge" => KeyError::TooLong,
        "PublicKeyIsMissing" => KeyError::NoPublicKey,
        _ => KeyError::Damaged,
    }
}
