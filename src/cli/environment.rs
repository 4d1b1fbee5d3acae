//! Settings in the environment: an empty one counts as none, and an option on the command line wins.

use std::env;

/// Options, and the settings that they overrule beside their own.
const OVERRULES: [(&str, &[&str]); 18] = [
    ("--auto", &["MCP_LOGIN_BROWSER"]),
    ("--browser", &["MCP_LOGIN_NO_BROWSER"]),
    ("--no-browser", &["MCP_LOGIN_BROWSER"]),
    ("--paste", &["MCP_LOGIN_NO_PASTE"]),
    ("--no-paste", &["MCP_LOGIN_PASTE"]),
    ("--client-id", &["MCP_LOGIN_CLIENT_FILE"]),
    (
        "--client-file",
        &["MCP_LOGIN_CLIENT_ID", "MCP_LOGIN_CLIENT_KEY_FILE"],
    ),
    (
        "--client-key-file",
        &["MCP_LOGIN_CLIENT_FILE", "MCP_LOGIN_CLIENT_SECRET_FILE"],
    ),
    ("--client-secret-file", &["MCP_LOGIN_CLIENT_KEY_FILE"]),
    ("--resource", &["MCP_LOGIN_NO_RESOURCE"]),
    ("--no-resource", &["MCP_LOGIN_RESOURCE"]),
    ("--authorization-endpoint", &["MCP_LOGIN_ISSUER_METADATA"]),
    ("--token-endpoint", &["MCP_LOGIN_ISSUER_METADATA"]),
    (
        "--issuer-metadata",
        &[
            "MCP_LOGIN_AUTHORIZATION_ENDPOINT",
            "MCP_LOGIN_TOKEN_ENDPOINT",
        ],
    ),
    (
        "--redirect-uri",
        &[
            "MCP_LOGIN_PORT",
            "MCP_LOGIN_REDIRECT_HOST",
            "MCP_LOGIN_REDIRECT_PATH",
        ],
    ),
    ("--port", &["MCP_LOGIN_REDIRECT_URI"]),
    ("--redirect-host", &["MCP_LOGIN_REDIRECT_URI"]),
    ("--redirect-path", &["MCP_LOGIN_REDIRECT_URI"]),
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
    let ours = settings
        .iter()
        .filter(|(name, _)| name.starts_with("MCP_LOGIN_"));
    let overridden =
        ours.filter(|(name, value)| value.is_empty() || overruled.contains(&name.as_str()));
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
