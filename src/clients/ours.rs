//! Commands in the configurations of clients that run this program for a token.

use serde_json::Value;

use super::config::{self, ConfiguredServer};
use super::Places;
use crate::oauth::text::quoted;
use crate::store::{StoredId, DEFAULT_PROFILE};

/// The commands that print a token.
const COMMANDS: [&str; 2] = ["headers", "token"];

/// Returns whether a command for a shell runs this program for a token.
pub fn is_helper(command: &str) -> bool {
    let mut words = command.split(|it: char| it.is_whitespace() || "'\"()".contains(it));
    let is_program = |word: &str| word.rsplit('/').next() == Some(env!("CARGO_PKG_NAME"));
    words.any(is_program) && words.any(|word| COMMANDS.contains(&word))
}

/// Returns the servers in the configurations of clients that run this program for a token of this login; `is_server`
/// recognizes its URL.
pub fn that_ask_for(
    key: &StoredId,
    places: &Places,
    is_server: impl Fn(&str) -> bool,
) -> Vec<ConfiguredServer> {
    let mut found = config::look(places, None).servers;
    found.retain(|it| asks_for(it, key, &is_server));
    found
}

/// Returns whether an entry runs this program for a token of this login; `is_server` recognizes its URL.
pub fn asks_for(
    configured: &ConfiguredServer,
    key: &StoredId,
    is_server: impl Fn(&str) -> bool,
) -> bool {
    let mut texts = Vec::new();
    collect(&configured.entry, &mut texts);
    texts.iter().any(|text| {
        is_helper(text)
            && has_profile(text, key)
            && (is_server(&configured.url) || text.contains(&quoted(&key.server)))
    })
}

/// Returns whether a command names the profile of a login.
fn has_profile(command: &str, key: &StoredId) -> bool {
    if key.profile == DEFAULT_PROFILE {
        return !command.contains("--profile");
    }
    [' ', '=']
        .iter()
        .any(|it| command.contains(&format!("--profile{it}{}", key.profile)))
}

/// Collects all text of an entry.
fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_f4_our_own_helpers() {
        for (command, is_ours) in [
            ("mcp-login headers https://mcp.example.com/mcp", true),
            ("/opt/x y/mcp-login --store file headers linear", true),
            ("'/opt/x y/mcp-login' --profile work headers linear", true),
            (
                "Bearer $(mcp-login token https://mcp.example.com/mcp)",
                true,
            ),
            ("mcp-login status", false),
            ("another headers https://mcp.example.com/mcp", false),
            ("get-headers --via mcp-login-proxy", false),
            ("/opt/mcp-login/other headers x", false),
            ("other headers --for mcp-login", false),
        ] {
            assert_eq!(is_helper(command), is_ours, "{command}");
        }
        let of = |profile: &str| StoredId {
            server: "s".to_owned(),
            profile: profile.to_owned(),
        };
        for (command, profile, is_meant) in [
            ("mcp-login headers s", "default", true),
            ("mcp-login headers s", "work", false),
            ("mcp-login --profile work headers s", "work", true),
            ("mcp-login --profile=-x headers s", "-x", true),
            ("mcp-login --profile work headers s", "default", false),
        ] {
            assert_eq!(
                has_profile(command, &of(profile)),
                is_meant,
                "{command} {profile}"
            );
        }
    }
}
