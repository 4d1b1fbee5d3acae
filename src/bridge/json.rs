//! Parts of JSON as they are written: numbers, the order of members and the form of texts stay.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most members of a batch or of a list that is looked at.
pub const MAX_MEMBERS: usize = 100_000;

/// Longest text that is read into memory of many times its size, in bytes.
pub const MAX_PARSED_BYTES: usize = 16 * 1024 * 1024;

/// Returns the members of an array; `None` if the text is none, or one of so many that they would take much more memory than it.
pub fn members(array: &str) -> Option<Vec<&RawValue>> {
    struct Few;

    impl<'de> Visitor<'de> for Few {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = array.next_element()? {
                if members.len() == MAX_MEMBERS {
                    return Err(A::Error::custom("too many"));
                }
                members.push(member);
            }
            Ok(members)
        }
    }

    let mut text = serde_json::Deserializer::from_str(array);
    let members = text.deserialize_seq(Few).ok()?;
    text.end().ok()?;
    Some(members)
}

/// Returns members of an object as they are written; null is none. What is no object has none; of one that is broken, those
/// before the break are found.
pub fn members_of<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> [Option<&'a RawValue>; N] {
    struct Named<'n, 'f, 'de, const N: usize>([&'n str; N], &'f mut [Option<&'de RawValue>; N]);

    impl<'de, const N: usize> Visitor<'de> for Named<'_, '_, 'de, N> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            while let Some(name) = members.next_key::<Cow<str>>()? {
                match self.0.iter().position(|it| *it == name) {
                    Some(at) => self.1[at] = members.next_value()?,
                    None => drop(members.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut text = serde_json::Deserializer::from_str(object);
    let mut found = [None; N];
    let _ = text.deserialize_map(Named(names, &mut found));
    found
}

/// Returns an object with further members at its beginning.
pub fn with_members(object: &str, members: &str) -> Option<String> {
    let rest = object.trim_start().strip_prefix('{')?.trim_start();
    let comma = if rest.starts_with('}') { "" } else { "," };
    Some(format!("{{{members}{comma}{rest}"))
}

/// Returns a text with something else in place of a part of it.
pub fn replaced(text: &str, part: &str, new: &str) -> Option<String> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let (before, rest) = text.split_at_checked(start)?;
    Some([before, new, rest.get(part.len()..)?].concat())
}

/// Tells whether a text is JSON.
pub fn is_valid(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns a value that is a string.
pub fn string(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}
