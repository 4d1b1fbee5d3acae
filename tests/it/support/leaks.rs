//! Looks for a secret in what a program prints, in every form in which it might get there.

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use base64::Engine as _;

/// Returns the forms in which a secret might be printed, each with its name.
pub fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let bytes = secret.as_bytes();
    let each = |form: &dyn Fn(u8) -> String, between: &str| {
        bytes
            .iter()
            .map(|byte| form(*byte))
            .collect::<Vec<_>>()
            .join(between)
    };
    let mut forms = vec![
        ("raw", secret.to_owned()),
        ("reversed", secret.chars().rev().collect()),
        ("percent", each(&|byte| format!("%{byte:02X}"), "")),
        ("percent, small", each(&|byte| format!("%{byte:02x}"), "")),
        ("hex", each(&|byte| format!("{byte:02x}"), "")),
        ("HEX", each(&|byte| format!("{byte:02X}"), "")),
        ("hex list", each(&|byte| format!("{byte:#04x}"), ", ")),
        ("decimal list", each(&|byte| byte.to_string(), ", ")),
        ("decimal list, tight", each(&|byte| byte.to_string(), ",")),
        ("JSON escapes", each(&|byte| format!("\\u{byte:04x}"), "")),
        ("Rust escapes", each(&|byte| format!("\\u{{{byte:x}}}"), "")),
        ("octal", each(&|byte| format!("\\{byte:03o}"), "")),
    ];
    // Inside a longer text base64 begins at any of three places; what the neighbours touch is cut off.
    for shift in 0..3 {
        let shifted = [&b"###"[..shift], bytes].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            forms.push(("base64", text[4..text.len() - 4].to_owned()));
        }
    }
    forms.push(("base64, padded", STANDARD.encode(bytes)));
    forms
}

/// Returns the name of the form in which a text holds a secret, or a part of it, which is as bad.
pub fn find(text: &str, secret: &str) -> Option<&'static str> {
    assert!(secret.len() >= 16, "{secret} is too short to be looked for");
    let whole = forms(secret)
        .into_iter()
        .find(|(_, form)| text.contains(form));
    let parts = [&secret[..12], &secret[secret.len() - 12..]];
    let part = parts.iter().any(|part| text.contains(part));
    whole
        .map(|(name, _)| name)
        .or(part.then_some("a part of it"))
}

/// Checks that a text holds a secret in none of its forms.
#[track_caller]
pub fn assert_hides(text: &str, secret: &str) {
    if let Some(form) = find(text, secret) {
        panic!("{secret} is there ({form}): {text}");
    }
}

/// Checks that a text has no power over a terminal: printable ASCII and line ends.
#[track_caller]
pub fn assert_plain(text: &str) {
    let odd = text
        .bytes()
        .find(|byte| *byte != b'\n' && !(b' '..=b'~').contains(byte));
    assert_eq!(odd, None, "{text:?}");
}
