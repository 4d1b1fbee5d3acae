//! What is read of the DER encoding of a private key, beside what `ring` reads.

use zeroize::Zeroizing;

use self::Found::{Key, Other};
use super::algorithm::KeyKind::{self, Ed25519, Rsa, P256, P384};

/// The object identifiers of keys, as they stand in a key: tag, length and value.
const KINDS: [(&[u8], Found); 11] = [
    (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], Key(P256)),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], Key(P384)),
    (&[6, 3, 0x2b, 0x65, 0x70], Key(Ed25519)),
    (
        &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
        Key(Rsa),
    ),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], Other("an EC key on P-521")),
    (
        &[6, 5, 0x2b, 0x81, 4, 0, 0x0a],
        Other("an EC key on secp256k1"),
    ),
    (
        &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a],
        Other("a key of type RSASSA-PSS"),
    ),
    (&[6, 3, 0x2b, 0x65, 0x71], Other("an Ed448 key")),
    (
        &[6, 3, 0x2b, 0x65, 0x6e],
        Other("an X25519 key, which cannot sign"),
    ),
    (
        &[6, 3, 0x2b, 0x65, 0x6f],
        Other("an X448 key, which cannot sign"),
    ),
    (
        &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1],
        Other("a DSA key"),
    ),
];

/// How much of a PKCS#8 key is looked at: the algorithm comes first.
const PKCS8_HEAD_BYTES: usize = 48;

/// The object identifier of an elliptic curve key, as it stands in a key.
const EC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One that can sign.
    Key(KeyKind),
    /// Another one, as it is called in a sentence.
    Other(&'static str),
}

/// Returns the kind of a PKCS#8 key; `None` for one that is not known.
pub(super) fn pkcs8_kind(der: &[u8]) -> Option<Found> {
    kind(&der[..der.len().min(PKCS8_HEAD_BYTES)])
}

/// Returns the kind of a SEC1 key, which names its curve near its end; by its length if it names none.
pub(super) fn sec1_kind(der: &[u8]) -> Option<Found> {
    // SEQUENCE, version 1, and the private key as an OCTET STRING.
    let by_length = |der: &[u8]| {
        let length = *der
            .windows(4)
            .find(|it| it.starts_with(&[2, 1, 1, 4]))?
            .get(3)?;
        let at = der.windows(4).position(|it| it == [2, 1, 1, length])?;
        match der.get(at + 4)? {
            32 => Some(Key(P256)),
            48 => Some(Key(P384)),
            _ => None,
        }
    };
    kind(der).or_else(|| by_length(der))
}

fn kind(der: &[u8]) -> Option<Found> {
    let is_in = |id: &[u8]| der.windows(id.len()).any(|it| it == id);
    KINDS
        .iter()
        .find(|(id, _)| is_in(id))
        .map(|(_, kind)| *kind)
}

/// Tells whether an elliptic curve key has its public key inside, as an uncompressed point.
pub(super) fn has_public_point(der: &[u8], kind: KeyKind) -> bool {
    let head: &[u8] = match kind {
        P384 => &[3, 98, 0, 4],
        _ => &[3, 66, 0, 4],
    };
    der.windows(head.len()).any(|it| it == head)
}

/// Returns a SEC1 key on one of our curves as PKCS#8.
///
/// Spec: RFC 5915 section 3; RFC 5958 section 2.
pub(super) fn sec1_to_pkcs8(sec1: &[u8], kind: KeyKind) -> Option<Zeroizing<Vec<u8>>> {
    let (curve, _) = KINDS.iter().find(|(_, it)| *it == Key(kind))?;
    let algorithm = tagged(0x30, &[EC_KEY, curve]);
    let key = tagged(4, &[sec1]);
    Some(tagged(0x30, &[&[2, 1, 0], &algorithm, &key]))
}

/// Returns an element of DER with this tag.
fn tagged(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let mut element = Zeroizing::new(Vec::with_capacity(length + 10));
    element.push(tag);
    match bytes.iter().position(|byte| *byte != 0) {
        Some(first) if length > 127 => {
            element.push(0x80 | (bytes.len() - first) as u8);
            element.extend_from_slice(&bytes[first..]);
        }
        _ => element.push(length as u8),
    }
    parts
        .iter()
        .for_each(|part| element.extend_from_slice(part));
    element
}
