//! Text that must never be seen: tokens, codes, verifiers and client secrets.

use std::collections::HashSet;
use std::fmt;

use base64::prelude::{Engine as _, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroizing;

use crate::digest::hex;

/// How many bytes in a row of a secret are a quotation of it; a shorter one is looked for as a whole.
const QUOTATION: usize = 24;

/// The shortest secret that is looked for, and the shortest one that is looked for in other forms, in bytes.
const SHORTEST: (usize, usize) = (4, 8);

/// The longest text that is looked through, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// A secret string. It has no `Display`, its `Debug` is redacted, and its memory is wiped when it is dropped.
///
/// It does not implement `Serialize` either: a field that is to be stored says so with
/// `#[serde(serialize_with = "secret::stored")]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`; the caller keeps no other copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text itself. Every caller must keep it out of logs, errors and `Debug` output.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Writes a secret out. Only the fields of stored credentials name this function.
///
/// # Errors
///
/// Whatever the serializer reports.
pub fn stored<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Writes an optional secret out, like [`stored`].
///
/// # Errors
///
/// Whatever the serializer reports.
pub fn stored_option<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

/// Tells whether somebody's message quotes one of these secrets, or a part of it: as it is, percent-encoded, in hexadecimal or
/// in base64. What is in `harmless` too is no quotation, and a text of more than 64 KiB counts as one.
pub fn quotes(text: &str, secrets: &[&str], harmless: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    let texts = [text, &decoded, &text.to_ascii_lowercase()];
    let parts: HashSet<_> = texts.iter().flat_map(|text| parts_of(text)).collect();
    let is_quoted = |form: &Zeroizing<String>| match form.len() {
        ..QUOTATION => texts.iter().any(|text| text.contains(form.as_str())),
        _ => parts_of(form)
            .any(|part| parts.contains(part) && !parts_of(harmless).any(|it| it == part)),
    };
    let is_long = text.len() > MAX_TEXT;
    is_long
        || !text.is_empty()
            && secrets
                .iter()
                .any(|secret| forms(secret).iter().any(is_quoted))
}

fn parts_of(text: &str) -> std::slice::Windows<'_, u8> {
    text.as_bytes().windows(QUOTATION)
}

/// Returns the forms in which somebody may repeat a secret.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let bytes = secret.as_bytes();
    let mut forms = Vec::new();
    if bytes.len() >= SHORTEST.0 {
        forms.push(secret.to_owned());
    }
    if bytes.len() >= SHORTEST.1 {
        forms.push(hex(bytes, bytes.len()));
        // Inside a longer text base64 begins at any of three places. The characters that hold bits of a neighbour are cut off.
        for (shift, first) in [(0, 0), (1, 2), (2, 3)] {
            let shifted = Zeroizing::new([&[0; 2][..shift], bytes].concat());
            let last = usize::from(shifted.len() % 3 != 0);
            for engine in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
                let text = Zeroizing::new(engine.encode(&shifted));
                forms.push(text[first..text.len() - last].to_owned());
            }
        }
    }
    forms.into_iter().map(Zeroizing::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec5_messages_that_quote_a_secret() {
        let secret = "s3cr\u{fc}t+1/c4naryAssertionSignature1234?";
        let base64 = |text: &str| BASE64_STANDARD_NO_PAD.encode(text);
        let url_safe = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for quotation in [
            secret.to_owned(),
            secret.replace('+', "%2B").replace('/', "%2F"),
            percent(secret),
            secret[..25].to_owned(),
            secret[12..].to_owned(),
            hex(secret.as_bytes(), 99),
            hex(secret.as_bytes(), 20).to_ascii_uppercase(),
            base64(secret),
            base64(&format!("client:{secret}")),
            base64(&format!("a:{secret}")),
            url_safe(&format!("ab:{secret}:{secret}")),
            "x".repeat(MAX_TEXT + 1),
        ] {
            let text = format!("cannot take '{quotation}' here");
            assert!(quotes(&text, &["other", secret], ""), "{text}");
        }
        for text in [
            "",
            "invalid_grant",
            "s3cr",
            "Signature1234",
            "another secret",
        ] {
            assert!(!quotes(text, &[secret, "", "inv"], ""), "{text}");
        }
        assert!(quotes("the secret hunter2 is wrong", &["hunter2"], ""));
        assert!(quotes(&base64("me:hunter22"), &["hunter22"], ""));
        for (before, after) in [("", ""), ("a", "b"), ("ab", "ab"), ("abc", "abc")] {
            let text = base64(&format!("{before}hunter22{after}"));
            assert!(quotes(&text, &["hunter22"], ""), "{text}");
        }
        assert!(!quotes("three letters: dGV", &["hunter22"], ""));
        let (url, text) = (
            "https://mcp.example.com/mcp",
            "cannot store https://mcp.example.com/mcp",
        );
        assert!(quotes(text, &[url], ""));
        assert!(!quotes(text, &[url], url));
    }

    #[test]
    fn sec5_debug_shows_nothing() {
        let secret = Secret::new("canary");
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "Secret(..) Some(Secret(..))"
        );
    }
}
