//! Private keys in PEM.

use std::str;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
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

/// Returns the text of a key as it stands in a file. CI systems take variables of one line, so its line breaks may be `\n` or
/// spaces in a PEM text, and the whole may be in base64.
pub fn unfolded(text: &str) -> Zeroizing<String> {
    let text = text.trim();
    let decoded = STANDARD.decode(text).ok().map(Zeroizing::new);
    let decoded = decoded.as_deref().and_then(|it| str::from_utf8(it).ok());
    let text = decoded.unwrap_or(text);
    if text.contains('\n') || !text.starts_with("-----BEGIN ") {
        return Zeroizing::new(text.to_owned());
    }
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    if text.contains('\n') {
        return text;
    }
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 64));
    for (at, part) in text.split("-----").enumerate() {
        match at % 2 {
            1 => lines.extend(["\n-----", part, "-----\n"]),
            _ => lines.extend(part.split(' ').flat_map(|word| [word, "\n"])),
        }
    }
    lines
}

fn ec(pkcs8: &[u8], kind: KeyKind) -> Result<KeyPair, KeyError> {
    match KeyPair::ec_pkcs8(pkcs8, kind) {
        Err(_) if !der::has_public_point(pkcs8, kind) => Err(KeyError::NoPublicKey),
        read => read,
    }
}
