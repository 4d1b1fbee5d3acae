//! The arguments of mcp-remote.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clients::{HandoverError, MCP_REMOTE};
use crate::os::programs;

/// The version whose files are known. Without a version in the configuration, later ones are assumed to be the same.
const VERSION: &str = "0.15.";

/// Known options without a value.
const SWITCHES: [&str; 9] = [
    "--allow-http",
    "--debug",
    "--device-code",
    "--disable-cookies",
    NO_RESOURCE,
    "--enable-proxy",
    "--ipv4",
    "--keep-alive",
    "--silent",
];

/// Known options with a value.
const SETTINGS: [&str; 17] = [
    "--auth-success-url",
    "--auth-timeout",
    AUTHORIZE_PARAM,
    "--body-timeout",
    "--callback-path",
    "--client-metadata-url",
    "--connect-timeout",
    "--header",
    "--headers-timeout",
    "--host",
    "--ignore-tool",
    "--ping-interval",
    "--protocol",
    "--resource",
    CLIENT_INFO,
    CLIENT_METADATA,
    "--transport",
];

const AUTHORIZE_PARAM: &str = "--authorize-param";
const NO_RESOURCE: &str = "--disable-resource-parameter";

/// The option for a client that was registered by hand, and the one for its metadata.
pub(super) const CLIENT_INFO: &str = "--static-oauth-client-info";
pub(super) const CLIENT_METADATA: &str = "--static-oauth-client-metadata";

/// The arguments, read as mcp-remote reads them: headers wherever they are, then the URL and the port in the first two
/// places, and of an option that is given twice the first.
#[derive(Debug, Default)]
pub struct Arguments<'a> {
    /// The version that the name of the package asks for; empty if it asks for none.
    version: &'a str,
    /// The words behind the package, without headers.
    words: Vec<&'a str>,
    headers: BTreeMap<&'a str, &'a str>,
    /// The directory of its files, if the entry sets one.
    pub directory: Option<&'a str>,
}

impl<'a> Arguments<'a> {
    /// Reads an entry of a configuration; `None` if it does not run mcp-remote.
    pub fn of(entry: &'a Value) -> Option<Self> {
        let mut words = words(entry);
        let mut arguments = Self {
            version: words.find_map(version)?,
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let header = if word == "--header" {
                words.next()
            } else {
                None
            };
            match header {
                Some(header) => arguments.add_header(header),
                None => arguments.words.push(word),
            }
        }
        for name in ["env", "environment", "envs"] {
            let directory = entry.get(name).and_then(|it| it[super::DIRECTORY].as_str());
            arguments.directory = arguments.directory.or(directory);
        }
        Some(arguments)
    }

    /// Reads an entry of a configuration, and refuses what is not known: it may change the names of the files.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`] also for an entry that leaves no use for a login.
    pub fn known(entry: &'a Value) -> Result<Self, HandoverError> {
        match Self::of(entry) {
            Some(arguments) => arguments.check().map(|()| arguments),
            None => Err(unsuitable("the server is not reached through mcp-remote")),
        }
    }

    /// Adds a header if it has the form that mcp-remote accepts; it ignores others.
    fn add_header(&mut self, text: &'a str) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if let Some((name, value)) = text.split_once(':') {
            if !name.is_empty() && name.bytes().all(is_plain) {
                self.headers.insert(name, value.trim_start());
            }
        }
    }

    fn check(&self) -> Result<(), HandoverError> {
        let version = self.version;
        if !["", "latest"].contains(&version) && !version.starts_with(VERSION) {
            return Err(unsuitable(format!(
                "mcp-remote {version} is configured, and {VERSION}x is known"
            )));
        }
        let mut names = self.headers.keys();
        if names.any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(unsuitable(
                "mcp-remote is started with an Authorization header of its own",
            ));
        }
        let mut words = self.words.iter().enumerate();
        while let Some((at, word)) = words.next() {
            let is_known = match at {
                0 if !word.starts_with('-') => true,
                1 if port(word).is_some() => true,
                _ => SWITCHES.contains(word) || SETTINGS.contains(word),
            };
            if !is_known {
                return Err(unsuitable(format!("mcp-remote is started with {word}")));
            }
            if SETTINGS.contains(word) && words.next().is_none() {
                return Err(unsuitable(format!(
                    "mcp-remote is started with {word} and no value"
                )));
            }
        }
        for text in self.authorize_params() {
            if !text.contains('=') {
                return Err(unsuitable(format!("{AUTHORIZE_PARAM} {text} has no value")));
            }
        }
        match self.directory {
            Some(path) if path.contains(['$', '%']) || path.starts_with('~') => {
                Err(unsuitable(format!(
                    "{} is {path}, and clients differ in how they read that",
                    super::DIRECTORY
                )))
            }
            _ => Ok(()),
        }
    }

    /// Returns the value of an option.
    pub fn value(&self, option: &str) -> Option<&'a str> {
        let at = self.words.iter().position(|word| *word == option)?;
        self.words.get(at + 1).copied()
    }

    /// Returns the word in the place of the port, if it is not an option.
    pub fn port(&self) -> Option<&'a str> {
        let word = self.words.get(1)?;
        (!word.starts_with('-')).then_some(word)
    }

    fn authorize_params(&self) -> impl Iterator<Item = &'a str> + '_ {
        let pairs = self.words.windows(2);
        pairs.filter_map(|pair| (pair[0] == AUTHORIZE_PARAM).then_some(pair[1]))
    }

    /// Returns what the names of the files depend on beside the URL, in mcp-remote's order.
    pub fn hashed(&self) -> Vec<String> {
        let mut parts = Vec::new();
        let resource = self.value("--resource").unwrap_or_default().trim();
        if !resource.is_empty() && !self.words.contains(&NO_RESOURCE) {
            parts.push(resource.to_owned());
        }
        let params = self.authorize_params().filter_map(|it| it.split_once('='));
        let params = params.map(|(name, value)| (name.trim(), value)).collect();
        for map in [&params, &self.headers] {
            if !map.is_empty() {
                parts.push(serde_json::to_string(map).unwrap_or_default());
            }
        }
        parts.extend(self.client_metadata_url().map(str::to_owned));
        parts
    }

    fn client_metadata_url(&self) -> Option<&'a str> {
        self.value("--client-metadata-url").map(str::trim)
    }

    /// Returns the redirect URI that mcp-remote would register for the files with this hash.
    pub fn redirect_uri(&self, hash: &str) -> String {
        let digits = hash.get(..4).unwrap_or_default();
        let offset = u16::from_str_radix(digits, 16).unwrap_or_default();
        let own = self.port().and_then(port);
        self.redirect_uri_at(own.unwrap_or(3335 + offset % 45816))
    }

    /// Returns the redirect URI with a port.
    pub fn redirect_uri_at(&self, port: u16) -> String {
        let host = self.value("--host").unwrap_or("localhost");
        let path = self.value("--callback-path").unwrap_or("/oauth/callback");
        format!("http://{host}:{port}{path}")
    }

    /// Allows a login only if mcp-remote will refresh it as the client that it was issued to.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`].
    pub fn check_client_id(&self, client_id: &str) -> Result<(), HandoverError> {
        let url = self.client_metadata_url();
        if self.words.contains(&CLIENT_INFO) || url.is_some_and(|url| url != client_id) {
            return Err(unsuitable("mcp-remote is started with a client of its own"));
        }
        Ok(())
    }
}

/// Returns a port that is not zero.
pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

/// Returns whether an entry of a configuration runs mcp-remote.
pub fn runs(entry: &Value) -> bool {
    words(entry).any(|word| version(word).is_some())
}

/// Returns the words of the command that an entry runs.
pub fn words(entry: &Value) -> impl Iterator<Item = &str> {
    let parts = ["command", "cmd", "args"].map(|key| &entry[key]);
    let words = parts.into_iter().flat_map(|part| match part {
        Value::Array(words) => words.as_slice(),
        word => std::slice::from_ref(word),
    });
    words.filter_map(Value::as_str)
}

/// Returns the version that the name of the package asks for, empty if none; `None` if it is another word.
pub fn version(word: &str) -> Option<&str> {
    match programs::name(word).strip_prefix(MCP_REMOTE)? {
        "" => Some(""),
        rest => rest.strip_prefix('@'),
    }
}

fn unsuitable(message: impl Into<String>) -> HandoverError {
    let hint = "start it as `npx mcp-remote URL`, without what concerns its login";
    HandoverError::unsuitable(message, hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://mcp.example.com/mcp";

    fn entry(args: &[&str]) -> Value {
        json!({"command": "npx", "args": args})
    }

    #[test]
    fn what_its_files_are_named_after() {
        for (args, hashed) in [
            (
                vec![
                    "--debug",
                    "--transport",
                    "http-only",
                    "--header",
                    "no header",
                ],
                vec![],
            ),
            (
                vec!["--resource", " r:1 ", "--header", "X-A:  b: c "],
                vec!["r:1", r#"{"X-A":"b: c "}"#],
            ),
            (
                vec!["--authorize-param", "b=1=2", "--authorize-param", " a =x"],
                vec![r#"{"a":"x","b":"1=2"}"#],
            ),
            (
                vec!["--resource", "r:1", "--disable-resource-parameter"],
                vec![],
            ),
            (
                vec!["--client-metadata-url", "https://me.example/c"],
                vec!["https://me.example/c"],
            ),
        ] {
            let all = [vec!["-y", "mcp-remote@latest", URL], args.clone()].concat();
            assert_eq!(
                Arguments::known(&entry(&all))
                    .expect("known arguments")
                    .hashed(),
                hashed,
                "{args:?}"
            );
        }
    }

    #[test]
    fn its_redirect_uri() {
        let hash = "94baabe3c3fadb285b26c035e4e86046";
        for (args, uri) in [
            (
                vec!["mcp-remote", URL],
                "http://localhost:41409/oauth/callback",
            ),
            (
                vec!["mcp-remote@0.15.1", "--header", "a:b", URL, "9696"],
                "http://localhost:9696/oauth/callback",
            ),
            (
                vec![
                    "mcp-remote",
                    URL,
                    "--host",
                    "127.0.0.1",
                    "--callback-path",
                    "/cb",
                ],
                "http://127.0.0.1:41409/cb",
            ),
        ] {
            assert_eq!(
                Arguments::known(&entry(&args))
                    .expect("known arguments")
                    .redirect_uri(hash),
                uri,
                "{args:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for args in [
            vec!["mcp-remote@0.1.38", URL],
            vec!["another", URL],
            vec!["mcp-remote", URL, "--header-file", "f"],
            vec!["mcp-remote", URL, "--client-credentials"],
            vec!["mcp-remote", URL, "--use-id-token"],
            vec!["mcp-remote", URL, "--new-option"],
            vec!["mcp-remote", URL, "--resource"],
            vec!["mcp-remote", URL, "0"],
            vec![
                "mcp-remote",
                URL,
                "--header",
                "authorization: Bearer ${TOKEN}",
            ],
        ] {
            assert!(
                matches!(
                    Arguments::known(&entry(&args)),
                    Err(HandoverError::Unsuitable { .. })
                ),
                "{args:?}"
            );
        }
        let own = ["mcp-remote", URL, "--static-oauth-client-info", "@file"];
        assert!(Arguments::known(&entry(&own))
            .expect("known arguments")
            .check_client_id("client")
            .is_err());
        let named = [
            "mcp-remote",
            URL,
            "--client-metadata-url",
            "https://me.example/c",
        ];
        assert!(Arguments::known(&entry(&named))
            .expect("known arguments")
            .check_client_id("https://me.example/c")
            .is_ok());
        assert!(Arguments::known(&entry(&["mcp-remote", URL]))
            .expect("known arguments")
            .check_client_id("client")
            .is_ok());
    }
}
