//! What the arguments of mcp-remote say about its files. One that is not known may change their names, and is refused.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clients::{HandoverError, BRIDGE};

/// The version whose files are known; later ones of the same layout are trusted only if the user names none.
const VERSION: &str = "0.15.";

/// Options that change nothing for us: alone, and before a value.
const SWITCHES: [&str; 8] = [
    "--allow-http",
    "--debug",
    "--device-code",
    "--disable-cookies",
    "--enable-proxy",
    "--ipv4",
    "--keep-alive",
    "--silent",
];
const SETTINGS: [&str; 10] = [
    "--auth-success-url",
    "--auth-timeout",
    "--body-timeout",
    "--connect-timeout",
    "--headers-timeout",
    "--ignore-tool",
    "--ping-interval",
    "--protocol",
    "--static-oauth-client-metadata",
    "--transport",
];

/// The arguments that count.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The directory of its files, where the entry sets one.
    pub directory: Option<String>,
    port: Option<u16>,
    host: Option<String>,
    path: Option<String>,
    resource: Option<String>,
    parameters: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    client_metadata_url: Option<String>,
    brings_a_client: bool,
}

impl Arguments {
    /// Reads the entry of a configuration that runs mcp-remote.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`] for another version, and for what is not known or leaves no use for a login.
    pub fn of(entry: &Value) -> Result<Self, HandoverError> {
        let mut words = words(entry).skip_while(|word| version(word).is_none());
        match words.next().and_then(version) {
            Some("" | "latest") => {}
            Some(version) if version.starts_with(VERSION) => {}
            Some(version) => {
                return Err(unsuitable(format!(
                    "mcp-remote {version} is configured, and {VERSION}x is known"
                )))
            }
            None => return Err(unsuitable("the server is not reached through mcp-remote")),
        }
        let mut arguments = Self::parse(words)?;
        let mut environments = ["env", "environment", "envs"]
            .iter()
            .filter_map(|name| entry.get(name));
        let directory = environments.find_map(|it| it["MCP_REMOTE_CONFIG_DIR"].as_str());
        if let Some(path) = directory {
            if path.contains(['$', '%']) || path.starts_with('~') {
                return Err(unsuitable(format!(
                    "MCP_REMOTE_CONFIG_DIR is {path}, and clients differ in how they read that"
                )));
            }
        }
        arguments.directory = directory.map(str::to_owned);
        Ok(arguments)
    }

    fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, HandoverError> {
        let mut arguments = Self::default();
        let mut place = 0;
        while let Some(word) = words.next() {
            let mut value = || {
                let no_value =
                    || unsuitable(format!("mcp-remote is started with {word} and no value"));
                words.next().map(str::to_owned).ok_or_else(no_value)
            };
            // Of an option that is given twice, mcp-remote uses the first.
            match word {
                "--header" => arguments.add_header(&value()?)?,
                "--resource" => set_once(&mut arguments.resource, value()?.trim()),
                "--authorize-param" => arguments.add_parameter(&value()?)?,
                "--client-metadata-url" => {
                    set_once(&mut arguments.client_metadata_url, value()?.trim())
                }
                "--host" => set_once(&mut arguments.host, &value()?),
                "--callback-path" => set_once(&mut arguments.path, &value()?),
                "--static-oauth-client-info" => {
                    value()?;
                    arguments.brings_a_client = true;
                }
                "--disable-resource-parameter" => arguments.resource = Some(String::new()),
                _ if SETTINGS.contains(&word) => {
                    value()?;
                }
                _ if SWITCHES.contains(&word) => {}
                // The URL comes first, and the port may follow.
                _ if place == 0 && !word.starts_with('-') => {}
                _ if place == 1 && word.parse::<u16>().is_ok_and(|port| port > 0) => {
                    arguments.port = word.parse().ok()
                }
                _ => return Err(unsuitable(format!("mcp-remote is started with {word}"))),
            }
            place += usize::from(word != "--header");
        }
        Ok(arguments)
    }

    /// Takes a header as mcp-remote does; what is none it ignores.
    fn add_header(&mut self, text: &str) -> Result<(), HandoverError> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if let Some((name, value)) = text.split_once(':').filter(|(name, _)| is_name(name)) {
            if name.eq_ignore_ascii_case("authorization") {
                return Err(unsuitable(
                    "mcp-remote is started with an Authorization header of its own",
                ));
            }
            self.headers
                .insert(name.to_owned(), value.trim_start().to_owned());
        }
        Ok(())
    }

    fn add_parameter(&mut self, text: &str) -> Result<(), HandoverError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| unsuitable(format!("--authorize-param {text} has no value")))?;
        self.parameters
            .insert(name.trim().to_owned(), value.to_owned());
        Ok(())
    }

    /// Returns what the names of the files depend on beside the URL, in mcp-remote's order.
    pub fn hashed(&self) -> Vec<String> {
        let json = |map: &BTreeMap<_, _>| {
            (!map.is_empty()).then(|| serde_json::to_string(map).unwrap_or_default())
        };
        let resource = self
            .resource
            .clone()
            .filter(|resource| !resource.is_empty());
        let parts = [
            resource,
            json(&self.parameters),
            json(&self.headers),
            self.client_metadata_url.clone(),
        ];
        parts.into_iter().flatten().collect()
    }

    /// Returns the redirect URI that mcp-remote would register.
    pub fn redirect_uri(&self, hash: &str) -> String {
        let offset = hash
            .get(..4)
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .unwrap_or_default();
        let port = self.port.unwrap_or(3335 + offset % 45816);
        let host = self.host.as_deref().unwrap_or("localhost");
        format!(
            "http://{host}:{port}{}",
            self.path.as_deref().unwrap_or("/oauth/callback")
        )
    }

    /// Allows a login only if mcp-remote will refresh it as the client that it was issued to.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`].
    pub fn check_client_id(&self, client_id: &str) -> Result<(), HandoverError> {
        let other = self
            .client_metadata_url
            .as_ref()
            .is_some_and(|url| url != client_id);
        match self.brings_a_client || other {
            true => Err(unsuitable("mcp-remote is started with a client of its own")),
            false => Ok(()),
        }
    }
}

/// Tells whether the entry of a configuration runs mcp-remote.
pub fn runs(entry: &Value) -> bool {
    words(entry).any(|word| version(word).is_some())
}

/// Returns the words of the command that an entry runs.
pub fn words(entry: &Value) -> impl Iterator<Item = &str> {
    let parts = ["command", "cmd", "args"]
        .into_iter()
        .filter_map(|key| entry.get(key));
    let words = parts.flat_map(|part| {
        part.as_array()
            .map_or(std::slice::from_ref(part), Vec::as_slice)
    });
    words.filter_map(Value::as_str)
}

fn set_once(option: &mut Option<String>, value: &str) {
    option.get_or_insert_with(|| value.to_owned());
}

/// Returns the version that the name of the package asks for, empty if none; `None` if it is another word.
pub fn version(word: &str) -> Option<&str> {
    let rest = word.rsplit('/').next()?.strip_prefix(BRIDGE)?;
    rest.strip_prefix('@')
        .or_else(|| rest.is_empty().then_some(rest))
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

    fn read(args: &[&str]) -> Result<Arguments, HandoverError> {
        Arguments::of(&json!({"command": "npx", "args": args}))
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
                read(&all).expect("known arguments").hashed(),
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
                read(&args).expect("known arguments").redirect_uri(hash),
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
                matches!(read(&args), Err(HandoverError::Unsuitable { .. })),
                "{args:?}"
            );
        }
        let own = ["mcp-remote", URL, "--static-oauth-client-info", "@file"];
        assert!(read(&own)
            .expect("known arguments")
            .check_client_id("client")
            .is_err());
        let named = [
            "mcp-remote",
            URL,
            "--client-metadata-url",
            "https://me.example/c",
        ];
        assert!(read(&named)
            .expect("known arguments")
            .check_client_id("https://me.example/c")
            .is_ok());
        assert!(read(&["mcp-remote", URL])
            .expect("known arguments")
            .check_client_id("client")
            .is_ok());
    }
}
