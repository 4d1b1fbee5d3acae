//! Settings in the environment: an empty one counts as none, and an option on the command line wins.

use std::env;

/// What the name of every setting begins with.
const PREFIX: &str = "MCP_LOGIN_";

/// Options, and the settings that they overrule beside their own.
const OVERRULES: [(&str, &[&str]); 18] = [
    ("--auto", &["BROWSER"]),
    ("--browser", &["NO_BROWSER"]),
    ("--no-browser", &["BROWSER"]),
    ("--paste", &["NO_PASTE"]),
    ("--no-paste", &["PASTE"]),
    ("--client-id", &["CLIENT_FILE"]),
    ("--client-file", &["CLIENT_ID", "CLIENT_KEY_FILE"]),
    ("--client-key-file", &["CLIENT_FILE", "CLIENT_SECRET_FILE"]),
    ("--client-secret-file", &["CLIENT_KEY_FILE"]),
    ("--resource", &["NO_RESOURCE"]),
    ("--no-resource", &["RESOURCE"]),
    ("--authorization-endpoint", &["ISSUER_METADATA"]),
    ("--token-endpoint", &["ISSUER_METADATA"]),
    (
        "--issuer-metadata",
        &["AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT"],
    ),
    (
        "--redirect-uri",
        &["PORT", "REDIRECT_HOST", "REDIRECT_PATH"],
    ),
    ("--port", &["REDIRECT_URI"]),
    ("--redirect-host", &["REDIRECT_URI"]),
    ("--redirect-path", &["REDIRECT_URI"]),
];

/// Removes the settings that do not count from the environment. To be called before any thread starts.
pub fn drop_overridden_settings() {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let arguments: Vec<String> = env::args_os().skip(1).map(text).collect();
    let settings: Vec<(String, String)> = env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    for name in overridden(&arguments, &settings) {
        env::remove_var(name);
    }
}

/// Returns the settings that do not count in a run with these arguments.
fn overridden<'a>(arguments: &[String], settings: &'a [(String, String)]) -> Vec<&'a str> {
    let is_given = |option: &str| {
        arguments
            .iter()
            .any(|argument| argument.split('=').next() == Some(option))
    };
    let overruled: Vec<&str> = OVERRULES
        .iter()
        .filter(|(option, _)| is_given(option))
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let overridden = settings.iter().filter(|(name, value)| {
        let ours = name.strip_prefix(PREFIX);
        ours.is_some_and(|name| value.is_empty() || overruled.contains(&name))
    });
    overridden.map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_over_the_setting() {
        let settings = [
            ("MCP_LOGIN_NO_BROWSER", "1"),
            ("MCP_LOGIN_PORT", ""),
            ("MCP_LOGIN_RESOURCE", "x"),
            ("HOME", ""),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (arguments, expected) in [
            ("https://mcp.example", vec!["MCP_LOGIN_PORT"]),
            (
                "--browser firefox https://mcp.example",
                vec!["MCP_LOGIN_NO_BROWSER", "MCP_LOGIN_PORT"],
            ),
            (
                "--browser=firefox --no-resource",
                vec![
                    "MCP_LOGIN_NO_BROWSER",
                    "MCP_LOGIN_PORT",
                    "MCP_LOGIN_RESOURCE",
                ],
            ),
        ] {
            let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
            assert_eq!(overridden(&arguments, &settings), expected);
        }
    }
}
