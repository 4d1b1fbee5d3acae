//! The words of the protocol with a store helper, version 1. `mcp-login-store(7)` describes it.
//!
//! A request is JSON with one member a line, so that a shell script can read it with `sed`: `key`, `replaces` and `value` are
//! made of plain characters.

use base64::prelude::{Engine as _, BASE64_STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::StoredId;
use super::ExecFault;
use crate::digest;
use crate::failure::words;
use crate::oauth::secret::Secret;
use crate::oauth::text::is_plain;

/// The version of the protocol.
pub const VERSION: u64 = 1;

/// The exit status of a helper that found another revision than the one to be replaced.
pub const CONFLICT: i32 = 10;

/// The longest answer, in bytes.
pub const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// The longest revision, in bytes.
const MAX_REVISION_BYTES: usize = 256;

/// The longest part of a server's name in a key, in bytes.
const MAX_NAME_BYTES: usize = 40;

/// What every key of a value that only tests a helper begins with. No key of a login does: see [`key`].
pub const PROBE: &str = "mcp-login-probe--";

words! {
    /// What a helper is asked to do: the last word of its command line.
    Verb {
        Get "get" "returns a value and its revision";
        Put "put" "stores a value in place of that of a revision";
        Delete "delete" "deletes the value of a revision";
        List "list" "lists the keys";
    }
}

/// Returns the key of a login: lower-case letters, digits and single hyphens, which every engine takes as a name. The
/// server's name is in it for people, and a hash of the whole name.
pub fn key(id: &StoredId) -> String {
    let name = id.store_name();
    let server = id.server.split_once("://").map_or(&*id.server, |it| it.1);
    let mut key = String::new();
    for character in server.chars().take(MAX_NAME_BYTES) {
        match character.to_ascii_lowercase() {
            plain if plain.is_ascii_alphanumeric() => key.push(plain),
            _ if key.is_empty() || key.ends_with('-') => {}
            _ => key.push('-'),
        }
    }
    let hash = digest::hex(&digest::sha256(name), 8);
    format!(
        "{}-{hash}",
        if key.is_empty() {
            "login"
        } else {
            key.trim_end_matches('-')
        }
    )
}

/// A request: what a helper reads from its stdin.
#[derive(Default)]
pub struct HelperRequest<'a> {
    /// The name of the login, for people.
    pub name: &'a str,
    /// The key.
    pub key: &'a str,
    /// The revision that is replaced or deleted; empty if there is to be none.
    pub replaces: Option<&'a str>,
    /// The value to be stored.
    pub value: Option<&'a str>,
}

impl HelperRequest<'_> {
    /// Returns the text of the request.
    pub fn text(&self) -> Zeroizing<Vec<u8>> {
        let value = Zeroizing::new(self.value.map(|value| BASE64_STANDARD.encode(value)));
        let members = [
            ("name", Some(self.name)),
            ("key", Some(self.key)),
            ("replaces", self.replaces),
            ("value", value.as_deref()),
        ];
        let length = self.name.len() * 6 + value.as_ref().map_or(0, String::len) + 1024;
        let mut text = Zeroizing::new(Vec::with_capacity(length));
        text.extend_from_slice(format!("{{\"version\":{VERSION}").as_bytes());
        for (name, member) in members {
            let Some(member) =
                member.filter(|it| name != "name" && name != "key" || !it.is_empty())
            else {
                continue;
            };
            text.extend_from_slice(format!(",\n\"{name}\":").as_bytes());
            // Into memory, a string is always written.
            let _ = serde_json::to_writer(&mut *text, member);
        }
        text.extend_from_slice(b"}\n");
        text
    }
}

/// An answer: what a helper writes to its stdout.
#[derive(Debug)]
pub struct HelperAnswer {
    /// The revision of the value; `None` if there is none, or if the helper does not say it.
    pub revision: Option<String>,
    /// The value.
    pub value: Option<Zeroizing<Vec<u8>>>,
    /// The keys.
    pub keys: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
struct AnswerMembers {
    #[serde(default)]
    revision: Option<String>,
    #[serde(default)]
    value: Option<Secret>,
    #[serde(default)]
    keys: Option<Vec<String>>,
}

impl HelperAnswer {
    /// Reads an answer to a request of this kind.
    ///
    /// # Errors
    ///
    /// [`ExecFault::Malformed`] or [`ExecFault::Version`], which repeat nothing of the answer.
    pub fn parse(verb: Verb, text: &[u8]) -> Result<Self, ExecFault> {
        let malformed = |what| ExecFault::Malformed(verb, what);
        if text.trim_ascii().is_empty() {
            return Err(malformed("nothing"));
        }
        let Version { version } = serde_json::from_slice(text)
            .map_err(|_| malformed("something that is no JSON object with a version"))?;
        if version != VERSION {
            return Err(ExecFault::Version(version));
        }
        let members: AnswerMembers = serde_json::from_slice(text)
            .map_err(|_| malformed("an object whose members are of the wrong type"))?;
        let revision = members.revision.filter(|it| !it.is_empty());
        if !revision.as_deref().is_none_or(is_revision) {
            return Err(malformed("a revision that is too long or has other characters than A-Z a-z 0-9 . _ : + / = -"));
        }
        let value = members.value.filter(|it| !it.expose().is_empty());
        let value = value.map(|value| BASE64_STANDARD.decode(value.expose()));
        let value = value
            .transpose()
            .map_err(|_| malformed("a value that is not base64"))?
            .map(Zeroizing::new);
        match verb {
            Verb::Get if value.is_some() != revision.is_some() => Err(malformed(
                "a value without a revision, or a revision without a value",
            )),
            Verb::List if members.keys.is_none() => Err(malformed("no list of keys")),
            _ => Ok(Self {
                revision,
                value,
                keys: members.keys.unwrap_or_default(),
            }),
        }
    }
}

fn is_revision(text: &str) -> bool {
    text.len() <= MAX_REVISION_BYTES && is_plain(text, "._:+/=-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn es1_keys_are_names_that_every_engine_takes() {
        let key = |server: &str, profile: &str| key(&StoredId::new(server, profile));
        let plain = key("https://MCP.example:8443/a_b/?c=%2F", "default");
        assert!(plain.starts_with("mcp-example-8443-a-b-c-2f-"), "{plain}");
        let long = format!("https://{}", "a".repeat(500));
        for server in [
            "https://mcp.example",
            "google",
            "https://\u{e4}.example",
            "--",
            "",
            &long,
        ] {
            let found = key(server, "work");
            let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            assert!(found.bytes().all(is_plain) && found.len() <= 60, "{found}");
            assert!(!found.starts_with('-') && !found.contains("--"), "{found}");
            assert!(!found.starts_with(PROBE), "{found}");
            assert_ne!(found, key(server, "default"));
        }
    }

    #[test]
    fn es1_a_request_has_one_member_a_line() {
        let request = HelperRequest {
            name: "https://a.example/\"\n",
            key: "a-1",
            replaces: Some(""),
            value: Some("{}"),
        };
        let text = String::from_utf8(request.text().to_vec()).unwrap();
        let expected = "{\"version\":1,\n\"name\":\"https://a.example/\\\"\\n\",\n\"key\":\"a-1\",\n\"replaces\":\"\",\n\"value\":\"e30=\"}\n";
        assert_eq!(text, expected);
        assert_eq!(*HelperRequest::default().text(), b"{\"version\":1}\n");
    }

    #[test]
    fn es3_what_is_an_answer() {
        let parse = |verb, text: &str| HelperAnswer::parse(verb, text.as_bytes());
        let none = parse(Verb::Get, " {\"version\":1,\"later\":{}}\n").unwrap();
        assert!(none.revision.is_none() && none.value.is_none());
        let none = parse(
            Verb::Get,
            "{\"version\":1,\"revision\":\"\",\"value\":null}",
        )
        .unwrap();
        assert!(none.revision.is_none() && none.value.is_none());
        let some = parse(
            Verb::Get,
            "{\"version\":1,\"revision\":\"7\",\"value\":\"e30=\"}",
        )
        .unwrap();
        assert_eq!(some.value.as_deref().map(Vec::as_slice), Some(&b"{}"[..]));
        let keys = parse(Verb::List, "{\"version\":1,\"keys\":[\"a\"]}")
            .unwrap()
            .keys;
        assert_eq!(keys, ["a"]);
        assert!(parse(Verb::Put, "{\"version\":1}").is_ok());
        assert!(matches!(
            parse(Verb::Get, "{\"version\":2}").unwrap_err(),
            ExecFault::Version(2)
        ));
        let long = format!(
            "{{\"version\":1,\"revision\":\"{}\",\"value\":\"e30=\"}}",
            "1".repeat(300)
        );
        for (verb, text) in [
            (Verb::Get, ""),
            (Verb::Get, " \n"),
            (Verb::Get, "{"),
            (Verb::Get, "[]"),
            (Verb::Get, "{}"),
            (Verb::Get, "{\"version\":\"1\"}"),
            (Verb::Get, "{\"version\":1} {}"),
            (Verb::Get, "{\"version\":1,\"revision\":\"7\"}"),
            (Verb::Get, "{\"version\":1,\"value\":\"e30=\"}"),
            (
                Verb::Get,
                "{\"version\":1,\"revision\":\"7 8\",\"value\":\"e30=\"}",
            ),
            (
                Verb::Get,
                "{\"version\":1,\"revision\":7,\"value\":\"e30=\"}",
            ),
            (
                Verb::Get,
                "{\"version\":1,\"revision\":\"7\",\"value\":\"{}\"}",
            ),
            (Verb::Get, &long),
            (Verb::List, "{\"version\":1}"),
            (Verb::List, "{\"version\":1,\"keys\":[1]}"),
        ] {
            let fault = parse(verb, text).unwrap_err();
            assert!(matches!(fault, ExecFault::Malformed(..)), "{text}");
        }
    }
}
