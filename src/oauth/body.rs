//! The body of a response: JSON, or a form where servers send one.

use serde::de::value::{Error as FormError, MapDeserializer};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::Value;

/// Returns a body without the byte order mark and the white space around it.
pub(super) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii()
}

/// Tells whether a body is a form with one of these members.
pub(super) fn is_form_with(body: &[u8], members: &[&str]) -> bool {
    let has_name = |pair: &str| {
        let name = pair.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| members.contains(&name))
    };
    std::str::from_utf8(body).is_ok_and(|text| text.split('&').any(has_name))
}

/// Reads a number, which some servers write as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Reads the members of a JSON object, or of a form with one of the members `of_form`; `None` if it is neither. The error is
/// that a member is there twice, which readers understand in different ways.
pub(super) fn members<T: DeserializeOwned>(body: &[u8], of_form: &[&str]) -> Option<Result<T, ()>> {
    let body = without_byte_order_mark(body);
    if body.starts_with(b"{") {
        return match serde_json::from_slice(body) {
            Ok(members) => Some(Ok(members)),
            Err(err) => (err.classify() == Category::Data).then_some(Err(())),
        };
    }
    let pairs = is_form_with(body, of_form).then(|| url::form_urlencoded::parse(body))?;
    let members = T::deserialize(MapDeserializer::<_, FormError>::new(pairs));
    Some(members.map_err(drop))
}
