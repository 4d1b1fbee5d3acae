//! The algorithms of signatures, and which one a key and a server have in common.

use crate::failure::words;

words! {
    /// An algorithm of a signature; those of one kind of key in the order in which they are preferred.
    ///
    /// Spec: RFC 7518 section 3.1; RFC 8037 section 3.1; RFC 9864 section 2.2 for `Ed25519`.
    Algorithm {
        Es256 "ES256" "ECDSA with P-256 and SHA-256";
        Es384 "ES384" "ECDSA with P-384 and SHA-384";
        EdDsa "EdDSA" "EdDSA, of which only Ed25519 is used";
        Ed25519 "Ed25519" "EdDSA with Ed25519, under its newer name";
        Ps256 "PS256" "RSASSA-PSS with SHA-256";
        Rs256 "RS256" "RSASSA-PKCS1-v1_5 with SHA-256";
        Ps384 "PS384" "RSASSA-PSS with SHA-384";
        Rs384 "RS384" "RSASSA-PKCS1-v1_5 with SHA-384";
        Ps512 "PS512" "RSASSA-PSS with SHA-512";
        Rs512 "RS512" "RSASSA-PKCS1-v1_5 with SHA-512";
    }
}

/// A kind of key that can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// An elliptic curve key on P-256.
    P256,
    /// An elliptic curve key on P-384.
    P384,
    /// An Ed25519 key.
    Ed25519,
    /// An RSA key.
    Rsa,
}

impl KeyKind {
    /// Returns the algorithms of such a key, the preferred one first.
    pub fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::P256 => &Algorithm::ALL[..1],
            Self::P384 => &Algorithm::ALL[1..2],
            Self::Ed25519 => &Algorithm::ALL[2..4],
            Self::Rsa => &Algorithm::ALL[4..],
        }
    }

    /// Returns what the key is called in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "an EC key (P-256)",
            Self::P384 => "an EC key (P-384)",
            Self::Ed25519 => "an Ed25519 key",
            Self::Rsa => "an RSA key",
        }
    }

    /// Returns the algorithm for a server without a list.
    fn usual(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::Ed25519 => Algorithm::EdDsa,
            Self::Rsa => Algorithm::Rs256,
        }
    }
}

/// Why there is no algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlgorithmError {
    /// A key of this kind cannot sign with the wanted one.
    #[error("{} cannot sign with {}, only with {}", key.as_str(), wanted.as_str(), names(*key))]
    NotOfKey {
        /// The kind of the key.
        key: KeyKind,
        /// The algorithm that the user, or the key itself, names.
        wanted: Algorithm,
    },
    /// The server supports none of those of the key.
    #[error(
        "{} signs with {}, and the authorization server accepts only {accepted}", key.as_str(), names(*key)
    )]
    NotOfServer {
        /// The kind of the key.
        key: KeyKind,
        /// What the server lists.
        accepted: String,
    },
}

fn names(key: KeyKind) -> String {
    let names: Vec<_> = key.algorithms().iter().map(|it| it.as_str()).collect();
    names.join(", ")
}

/// Chooses an algorithm: the `wanted` one, else the first of the key that the server lists, else the usual one of the key.
///
/// # Errors
///
/// An [`AlgorithmError`]. What the user wants is not compared with the list.
///
/// Spec: RFC 8414 section 2, `token_endpoint_auth_signing_alg_values_supported`.
pub fn choose(
    key: KeyKind,
    wanted: Option<Algorithm>,
    listed: Option<&[String]>,
) -> Result<Algorithm, AlgorithmError> {
    let own = key.algorithms();
    match (wanted, listed) {
        (Some(wanted), _) if own.contains(&wanted) => Ok(wanted),
        (Some(wanted), _) => Err(AlgorithmError::NotOfKey { key, wanted }),
        (None, None | Some([])) => Ok(key.usual()),
        (None, Some(listed)) => own
            .iter()
            .copied()
            .find(|it| listed.iter().any(|name| name == it.as_str()))
            .ok_or_else(|| AlgorithmError::NotOfServer {
                key,
                accepted: super::super::text::printable(&listed.join(", ")),
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::KeyKind::{Ed25519, Rsa, P256, P384};
    use super::*;

    #[test]
    fn ck1_the_algorithm_is_one_of_the_key_that_the_server_lists() {
        let list =
            |names: &str| -> Vec<String> { names.split_whitespace().map(str::to_owned).collect() };
        for (key, listed, expected) in [
            (P256, None, Some("ES256")),
            (P256, Some("RS256 ES384 ES256"), Some("ES256")),
            (P256, Some("RS256 ES384"), None),
            (P256, Some("es256"), None),
            (P256, Some(""), Some("ES256")),
            (P384, None, Some("ES384")),
            (P384, Some("ES256"), None),
            (Ed25519, None, Some("EdDSA")),
            (Ed25519, Some("Ed25519 EdDSA"), Some("EdDSA")),
            (Ed25519, Some("Ed25519"), Some("Ed25519")),
            (Ed25519, Some("ES256 HS256 none"), None),
            (Rsa, None, Some("RS256")),
            (Rsa, Some("RS256 PS256"), Some("PS256")),
            (Rsa, Some("RS256"), Some("RS256")),
            (Rsa, Some("RS512 PS384"), Some("PS384")),
            (Rsa, Some("HS256 none"), None),
        ] {
            let listed = listed.map(list);
            let chosen = choose(key, None, listed.as_deref());
            assert_eq!(
                chosen.ok().map(Algorithm::as_str),
                expected,
                "{key:?} {listed:?}"
            );
        }
        let accepted = choose(P256, None, Some(&list("RS256 PS256")));
        assert_eq!(
            accepted.unwrap_err().to_string(),
            "an EC key (P-256) signs with ES256, and the authorization server accepts only RS256, PS256"
        );
    }

    #[test]
    fn ck1_a_named_algorithm_must_be_one_of_the_key() {
        let wanted = choose(Rsa, Some(Algorithm::Ps512), Some(&["RS256".to_owned()]));
        assert_eq!(wanted, Ok(Algorithm::Ps512));
        let wrong = choose(Rsa, Some(Algorithm::Es256), None).unwrap_err();
        let expected =
            "an RSA key cannot sign with ES256, only with PS256, RS256, PS384, RS384, PS512, RS512";
        assert_eq!(wrong.to_string(), expected);
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(*algorithm));
        }
    }
}
