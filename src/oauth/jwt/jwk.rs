//! Private keys as JSON Web Keys.

use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use base64::{alphabet, Engine as _};
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, KeyKind};
use super::key::{KeyError, KeyPair, SigningKey};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;

/// Padding may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The members of a private key. Spec: RFC 7517 section 4; RFC 7518 section 6; RFC 8037 section 2.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    x: Option<Secret>,
    y: Option<Secret>,
    n: Option<Secret>,
    e: Option<Secret>,
    d: Option<Secret>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
}

/// Reads a private key, or a set of keys with one private key for signing, or with one of this identifier.
pub(super) fn read(text: &str, kid: Option<&str>) -> Result<SigningKey, KeyError> {
    let key: Jwk = match serde_json::from_str::<KeySet>(text) {
        Ok(set) => choose(&set, kid)?,
        Err(_) => serde_json::from_str(text).map_err(|_| KeyError::NotAKey)?,
    };
    let pair = pair(&key)?;
    let alg = key.alg.as_deref().map(|name| {
        Algorithm::parse(name).ok_or_else(|| KeyError::UnknownAlgorithm(printable(name)))
    });
    Ok(SigningKey {
        pair,
        kid: key.kid.filter(|kid| !kid.is_empty()),
        alg: alg.transpose()?,
    })
}

fn choose(set: &KeySet, kid: Option<&str>) -> Result<Jwk, KeyError> {
    let keys = set
        .keys
        .iter()
        .filter_map(|key| serde_json::from_str::<Jwk>(key.get()).ok());
    let signs = |key: &Jwk| key.d.is_some() && key.purpose.as_deref() != Some("enc");
    let mut keys: Vec<_> = keys.filter(signs).collect();
    if let (Some(kid), true) = (kid, keys.len() > 1) {
        keys.retain(|key| key.kid.as_deref() == Some(kid));
    }
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok(key),
        (Some(_), false) => Err(KeyError::Several),
        (None, _) => Err(KeyError::NoPrivateKey),
    }
}

fn pair(key: &Jwk) -> Result<KeyPair, KeyError> {
    if key.kty == "oct" {
        return Err(KeyError::Unsupported(
            "a symmetric key, which is a client secret",
        ));
    }
    let d = decoded(key.d.as_ref()).ok_or(KeyError::NoPrivateKey)?;
    let part = |part: &Option<Secret>| decoded(part.as_ref()).ok_or(KeyError::Damaged);
    match (key.kty.as_str(), key.crv.as_deref()) {
        ("EC", Some("P-256" | "P-384")) => {
            let kind = match key.crv.as_deref() {
                Some("P-256") => KeyKind::P256,
                _ => KeyKind::P384,
            };
            let point = [&[4][..], &part(&key.x)?, &part(&key.y)?].concat();
            KeyPair::ec(&d, &point, kind)
        }
        ("EC", Some("P-521")) => Err(KeyError::Unsupported("an EC key on P-521")),
        ("EC", Some("secp256k1")) => Err(KeyError::Unsupported("an EC key on secp256k1")),
        ("OKP", Some("Ed25519")) => KeyPair::ed25519(&d, &part(&key.x)?),
        ("OKP", Some("Ed448")) => Err(KeyError::Unsupported("an Ed448 key")),
        ("RSA", _) if key.p.is_none() || key.qi.is_none() => Err(KeyError::NoPrimes),
        ("RSA", _) => {
            let (n, e) = (part(&key.n)?, part(&key.e)?);
            let (p, q) = (part(&key.p)?, part(&key.q)?);
            let (dp, dq, qi) = (part(&key.dp)?, part(&key.dq)?, part(&key.qi)?);
            KeyPair::rsa(&KeyPairComponents {
                public_key: PublicKeyComponents { n: &**n, e: &**e },
                d: &**d,
                p: &**p,
                q: &**q,
                dP: &**dp,
                dQ: &**dq,
                qInv: &**qi,
            })
        }
        _ => Err(KeyError::Unsupported("a key of an unknown type")),
    }
}

fn decoded(text: Option<&Secret>) -> Option<Zeroizing<Vec<u8>>> {
    BASE64.decode(text?.expose()).ok().map(Zeroizing::new)
}
