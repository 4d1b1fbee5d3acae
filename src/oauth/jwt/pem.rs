//! Private keys in PEM.

use rustls_pki_types::pem::{PemObject as _, SectionKind};
use zeroize::Zeroizing;

use super::algorithm::KeyKind;
use super::der::{self, Found};
use super::key::{KeyError, KeyPair};

/// Reads the one private key of a PEM text. Certificates and parameters beside it are skipped.
///
/// Spec: RFC 7468; RFC 5958 (PKCS#8); RFC 5915 (SEC1); RFC 8017 appendix A.1.2 (PKCS#1).
pub(super) fn read(text: &str) -> Result<KeyPair, KeyError> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    if text.contains("BEGIN OPENSSH PRIVATE KEY") {
        return Err(KeyError::OpenSsh);
    }
    if text.contains("BEGIN DSA PRIVATE KEY") {
        return Err(KeyError::Unsupported("a DSA key"));
    }
    let mut key = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let (kind, der) = section.map_err(|_| KeyError::Damaged)?;
        let der = Zeroizing::new(der);
        if matches!(
            kind,
            SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey
        ) && key.replace((kind, der)).is_some()
        {
            return Err(KeyError::Several);
        }
    }
    let (kind, der) = key.ok_or(KeyError::NoPrivateKey)?;
    match kind {
        SectionKind::RsaPrivateKey => KeyPair::rsa_pkcs1(&der),
        SectionKind::EcPrivateKey => match der::sec1_kind(&der).ok_or(KeyError::Damaged)? {
            Found::Key(kind) => {
                let pkcs8 = der::sec1_to_pkcs8(&der, kind).ok_or(KeyError::Damaged)?;
                ec(&pkcs8, kind)
            }
            Found::Other(name) => Err(KeyError::Unsupported(name)),
        },
        _ => {
            match der::pkcs8_kind(&der).ok_or(KeyError::Unsupported("a key of an unknown type"))? {
                Found::Key(kind @ (KeyKind::P256 | KeyKind::P384)) => ec(&der, kind),
                Found::Key(KeyKind::Ed25519) => KeyPair::ed25519_pkcs8(&der),
                Found::Key(KeyKind::Rsa) => KeyPair::rsa_pkcs8(&der),
                Found::Other(name) => Err(KeyError::Unsupported(name)),
            }
        }
    }
}

fn ec(pkcs8: &[u8], kind: KeyKind) -> Result<KeyPair, KeyError> {
    match KeyPair::ec_pkcs8(pkcs8, kind) {
        Err(_) if !der::has_public_point(pkcs8, kind) => Err(KeyError::NoPublicKey),
        read => read,
    }
}
