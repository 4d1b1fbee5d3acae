//! What one entry of a configuration says: the server's URL, its client, and whether it wants our login at all.

use serde_json::Value;
use url::Url;

use super::placeholder::{self, Expansion, Notation};
use super::table::SOURCES;
use super::ConfiguredServer;
use crate::clients::{mcp_remote, Places};
use crate::oauth::endpoint;
use crate::oauth::text::printable;

/// A value in a configuration, or what is wrong with it.
pub type Setting<T> = Result<T, String>;

/// What the client knows about the login. Its client secret is not read: it stays where the user put it, and is given to
/// this program as every other one. What cannot be used says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth {
    /// A client that was registered by hand.
    pub client_id: Option<Setting<String>>,
    /// There is a secret that belongs to it.
    pub has_secret: bool,
    /// The scopes to ask for.
    pub scopes: Setting<Vec<String>>,
    /// The redirect URI of the client, if it is one on this machine.
    pub redirect_uri: Option<Setting<String>>,
    /// The authorization endpoint and the token endpoint.
    pub endpoints: Option<(Setting<String>, Setting<String>)>,
    /// Where the metadata of the authorization server is.
    pub metadata: Option<Setting<String>>,
}

impl Default for OAuth {
    fn default() -> Self {
        let scopes = Ok(Vec::new());
        Self {
            client_id: None,
            has_secret: false,
            scopes,
            redirect_uri: None,
            endpoints: None,
            metadata: None,
        }
    }
}

/// The keys of an OAuth client's secret.
const SECRETS: [&str; 4] = [
    "oauth.clientSecret",
    "oauth.client_secret",
    "auth.CLIENT_SECRET",
    "oauthClientSecret",
];

/// The keys of a client's port, and of its whole redirect URI.
const PORTS: [&str; 4] = [
    "oauth.callbackPort",
    "oauth.callback_port",
    "auth.redirectPort",
    "mcp_oauth_callback_port",
];
const REDIRECTS: [&str; 4] = [
    "oauth.redirectUri",
    "oauth.redirect_uri",
    "oauth.callback_url",
    "mcp_oauth_callback_url",
];

/// Words in names of headers that hold a secret.
const SECRET_WORDS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "key",
    "auth",
    "credential",
    "creds",
    "private",
    "cert",
];

/// What stands in what this program gives to clients.
const OURS: [&str; 2] = ["mcp-login", "MCP_LOGIN"];

/// What is shown in place of a URL.
const HIDDEN: &str = "its URL";

/// Returns what stands at one of these keys, of which each may go down several levels.
fn at<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    let find = |key: &&str| {
        key.split('.')
            .try_fold(entry, |value, part| value.get(part))
    };
    keys.iter().find_map(find)
}

/// Returns the URL of a server, as it is written; `None` for a program that is run.
pub(super) fn address<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a str> {
    at(entry, keys)
        .and_then(Value::as_str)
        .or_else(|| bridged(entry))
}

/// Tells whether an entry runs a command.
pub(super) fn is_program(entry: &Value) -> bool {
    mcp_remote::words(entry).next().is_some()
}

/// Returns the URL that an entry such as `npx -y mcp-remote URL` connects to.
fn bridged(entry: &Value) -> Option<&str> {
    let mut words = mcp_remote::words(entry)
        .skip_while(|word| mcp_remote::version(word).is_none())
        .skip(1);
    words.find(|word| is_web(word) || word.starts_with('$') || word.starts_with("{env:"))
}

fn is_web(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    })
}

/// Replaces the placeholders of a URL.
pub(super) fn expand(text: &str, expansion: Expansion) -> Result<String, String> {
    let url = placeholder::expand("its URL", text, true, expansion)?;
    if is_web(&url) {
        Ok(url)
    } else {
        Err("its URL is none of http or https".to_owned())
    }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Tells whether a redirect URI leads to this machine.
fn is_here(uri: &str) -> bool {
    endpoint::parse(uri).is_ok_and(|url| {
        url.scheme() == "http"
            && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
            && url.query().is_none()
    })
}

fn is_ours(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| OURS.iter().any(|mark| text.contains(mark)))
}

impl ConfiguredServer {
    /// Returns the name by which this server is meant whatever other clients say, such as `codex:linear`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.source, self.name)
    }

    /// Returns the URL as it may be shown: without a user name and a password, and variables of the user's by name.
    pub fn shown_url(&self) -> String {
        let text = if self.in_project {
            &self.url
        } else {
            &self.written
        };
        match Url::parse(text) {
            Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
                let is_hidden = url
                    .set_username("")
                    .and_then(|()| url.set_password(None))
                    .is_ok();
                if is_hidden { url.as_str() } else { HIDDEN }.to_owned()
            }
            Ok(_) => text.clone(),
            // Nobody knows what in it is a password.
            Err(_) => HIDDEN.to_owned(),
        }
    }

    /// Says which server the name means, and whose word it is.
    pub fn introduction(&self) -> String {
        let (name, url, path) = (
            &self.name,
            self.shown_url(),
            self.path.display().to_string(),
        );
        let doubt = if self.in_project {
            ", a file of this project"
        } else {
            ""
        };
        format!(
            "{} is {} (says {}{doubt})",
            printable(name),
            printable(&url),
            printable(&path)
        )
    }

    /// Tells why the client wants no login of ours for this server; `None` if it does.
    pub fn skip(&self) -> Option<&'static str> {
        let entry = &self.entry;
        let flag = |key, value: bool| entry.get(key).and_then(Value::as_bool) == Some(value);
        if flag("disabled", true) || flag("enabled", false) {
            return Some("it is switched off there");
        }
        if flag("oauth", false) {
            return Some("its login is switched off there");
        }
        let helper = at(entry, &["headersHelper", "http_headers_helper"]);
        if helper.is_some_and(|helper| !is_ours(helper)) {
            return Some("another program gives its headers");
        }
        let own = self.brings_a_secret() && helper.is_none();
        own.then_some("its own credentials stand there")
    }

    /// Tells whether the entry holds or names credentials that are not ours.
    fn brings_a_secret(&self) -> bool {
        let variable = at(
            &self.entry,
            &["bearer_token_env_var", "bearerTokenEnv", "bearerToken"],
        );
        let tables = [
            "headers",
            "http_headers",
            "env_http_headers",
            "requestInit.headers",
            "transport.headers",
        ];
        let headers = tables
            .iter()
            .filter_map(|table| at(&self.entry, &[table])?.as_object())
            .flatten();
        let mut foreign = headers.filter(|(name, value)| sounds_secret(name) && !is_ours(value));
        let bridge = mcp_remote::words(&self.entry).any(|word| {
            let header = word.split(':').next().unwrap_or_default();
            word.contains(':')
                && !word.starts_with('{')
                && !is_web(word)
                && sounds_secret(header)
                && !is_ours(&word.into())
        });
        variable.is_some_and(|name| !is_ours(name)) || foreign.next().is_some() || bridge
    }

    /// Returns what the client knows about the login.
    pub fn oauth(&self, places: &Places) -> OAuth {
        let source = SOURCES.iter().find(|source| source.name == self.source);
        let known = source.map_or(&[][..], |source| source.notations);
        // mcp-remote expands by itself what its starter leaves.
        let of_bridge = [known, &[Notation::Braced]].concat();
        let expand = |known, what: &str, text: &str| {
            let what = format!("{what} of {} in {}", self.full_name(), self.path.display());
            let expansion = Expansion {
                known,
                places,
                in_project: self.in_project,
            };
            placeholder::expand(&what, text, false, expansion)
        };
        let bridge = |what: &str, text: &str| expand(&of_bridge, what, text);
        if let Some(mut bridged) =
            mcp_remote::login(&self.entry, &self.written, places, self.in_project, bridge)
        {
            bridged.redirect_uri = bridged
                .redirect_uri
                .filter(|uri| uri.as_ref().map_or(true, |uri| is_here(uri)));
            return bridged;
        }
        let text = |what: &str, keys: &[&str]| {
            at(&self.entry, keys)
                .and_then(Value::as_str)
                .map(|text| expand(known, what, text))
        };
        let client_id = text(
            "the client ID",
            &[
                "oauth.clientId",
                "oauth.client_id",
                "auth.CLIENT_ID",
                "oauthClientId",
            ],
        );
        let scopes = match at(
            &self.entry,
            &["oauth.scopes", "oauth.scope", "auth.scopes", "scopes"],
        ) {
            Some(Value::String(scopes)) => scopes.split_whitespace().collect(),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let scopes: Setting<Vec<_>> = scopes
            .into_iter()
            .map(|scope| expand(known, "a scope", scope))
            .collect();
        let given = text("the redirect URI", &REDIRECTS);
        let port = self.port(|text| expand(known, "the port", text));
        let redirect_uri = given.or_else(|| match port {
            Some(Err(why)) => Some(Err(why)),
            port => self
                .usual_redirect_uri(client_id.is_some(), port.and_then(Result::ok))
                .map(Ok),
        });
        let redirect_uri = redirect_uri.filter(|uri| uri.as_ref().map_or(true, |uri| is_here(uri)));
        let page = text(
            "the authorization endpoint",
            &["oauth.authorizationUrl", "oauth.authorization_url"],
        );
        let tokens = text("the token endpoint", &["oauth.tokenUrl", "oauth.token_url"]);
        OAuth {
            client_id,
            has_secret: at(&self.entry, &SECRETS).is_some(),
            scopes: scopes.map(|scopes| {
                scopes
                    .iter()
                    .flat_map(|it| it.split_whitespace())
                    .map(str::to_owned)
                    .collect()
            }),
            redirect_uri,
            endpoints: page.zip(tokens),
            metadata: text(
                "the address of the metadata",
                &["oauth.authServerMetadataUrl"],
            ),
        }
    }

    /// Returns the port that the configuration names, as a number or as text; zero stands for any.
    fn port(&self, expand: impl Fn(&str) -> Setting<String>) -> Option<Setting<u16>> {
        let parse = |text: &str| {
            let wrong = || {
                format!(
                    "the port of {} in {} is none: {text}",
                    self.full_name(),
                    self.path.display()
                )
            };
            text.trim().parse::<u16>().map_err(|_| wrong())
        };
        let port = match at(&self.entry, &PORTS)? {
            Value::Number(number) => parse(&number.to_string()),
            Value::String(text) => expand(text).and_then(|text| parse(&text)),
            _ => return None,
        };
        Some(port).filter(|port| *port != Ok(0))
    }

    /// Returns the redirect URI that the client registers: with the port that the user chose, or, for a client that the
    /// user registered, its usual one.
    fn usual_redirect_uri(&self, is_registered: bool, port: Option<u16>) -> Option<String> {
        let source = SOURCES
            .iter()
            .find(|source| source.name == self.source && !source.callback.is_empty())?;
        if port.is_none() && !is_registered {
            return None;
        }
        let port = port
            .or(source.port)
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Some(source.callback.replace("{port}", &port))
    }
}
