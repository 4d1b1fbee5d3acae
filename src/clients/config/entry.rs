//! What one entry of a configuration says: the server's URL, its client, and whether it can use a login of this program.

use serde_json::Value;
use url::Url;

use super::placeholder::{Expansion, Notation};
use super::{source, ConfiguredServer};
use crate::clients::{mcp_remote, ours, Places};
use crate::oauth::endpoint;
use crate::oauth::text::printable;

/// What a configuration says about the login to a server, each value or what is wrong with it. The client secret is not read: the user gives it to this program
/// like every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth {
    /// A client that was registered by hand.
    pub client_id: Option<Result<String, String>>,
    /// That client has a secret.
    pub has_secret: bool,
    /// The scopes to ask for.
    pub scopes: Result<Vec<String>, String>,
    /// The redirect URI of the client, if it is one on this machine.
    pub redirect_uri: Option<Result<String, String>>,
    /// The authorization endpoint and the token endpoint.
    pub endpoints: Option<(Result<String, String>, Result<String, String>)>,
    /// The URL of the metadata of the authorization server.
    pub metadata: Option<Result<String, String>>,
}

impl Default for OAuth {
    fn default() -> Self {
        Self {
            client_id: None,
            has_secret: false,
            scopes: Ok(Vec::new()),
            redirect_uri: None,
            endpoints: None,
            metadata: None,
        }
    }
}

/// The keys of an OAuth client, and of its secret. Here and below, a dot goes one level down.
const CLIENT_IDS: &[&str] = &[
    "oauth.clientId",
    "oauth.client_id",
    "auth.CLIENT_ID",
    "oauthClientId",
];
const SECRETS: &[&str] = &[
    "oauth.clientSecret",
    "oauth.client_secret",
    "auth.CLIENT_SECRET",
    "oauthClientSecret",
];

/// The keys of a client's port, and of its whole redirect URI.
const PORTS: &[&str] = &[
    "oauth.callbackPort",
    "oauth.callback_port",
    "auth.redirectPort",
    "mcp_oauth_callback_port",
];
const REDIRECTS: &[&str] = &[
    "oauth.redirectUri",
    "oauth.redirect_uri",
    "oauth.callback_url",
    "mcp_oauth_callback_url",
];

const SCOPES: &[&str] = &["oauth.scopes", "oauth.scope", "auth.scopes", "scopes"];
const AUTHORIZATION_ENDPOINTS: &[&str] = &["oauth.authorizationUrl", "oauth.authorization_url"];
const TOKEN_ENDPOINTS: &[&str] = &["oauth.tokenUrl", "oauth.token_url"];
const METADATA: &[&str] = &["oauth.authServerMetadataUrl"];

/// The keys of a program that prints headers, of a bearer token, and of tables of headers.
const HELPERS: &[&str] = &["headersHelper", "http_headers_helper"];
const TOKENS: &[&str] = &[
    "bearer_token_env_var",
    "bearerTokenEnv",
    "bearerTokenEnvVar",
    "bearerToken",
    "auth.api_key_env",
];
const HEADERS: &[&str] = &[
    "headers",
    "http_headers",
    "env_http_headers",
    "requestInit.headers",
    "requestOptions.headers",
    "transport.headers",
];

/// Words in names of headers that hold a secret.
const SECRET_WORDS: &[&str] = &[
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

/// What is shown in place of a URL.
const HIDDEN: &str = "its URL";

/// Returns the value of the first of these keys that is there.
fn at<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| {
        key.split('.')
            .try_fold(entry, |value, part| value.get(part))
    })
}

/// Returns the URL of a server as the entry has it; `None` for a program that is run.
pub(in crate::clients) fn address<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a str> {
    let url = at(entry, keys).and_then(Value::as_str);
    url.or_else(|| behind_program(entry))
}

/// Returns whether an entry runs a command.
pub(super) fn is_program(entry: &Value) -> bool {
    mcp_remote::words(entry).next().is_some()
}

/// Returns the URL that an entry such as `npx -y mcp-remote URL` or `mcp-login connect URL` connects to.
fn behind_program(entry: &Value) -> Option<&str> {
    let mut words = mcp_remote::words(entry);
    if ours::connects(entry) {
        words.find(|word| *word == ours::CONNECT)?;
    } else {
        words.find(|word| mcp_remote::version(word).is_some())?;
    }
    words.find(|word| is_web(word) || word.starts_with('$') || word.starts_with("{env:"))
}

fn is_web(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) && !rest.is_empty()
}

/// Replaces the placeholders of a URL.
pub(super) fn expand(text: &str, expansion: &Expansion) -> Result<String, String> {
    let url = expansion.expand("its URL", text)?;
    if !is_web(&url) {
        return Err("its URL is not an http or https URL".to_owned());
    }
    Ok(url)
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Returns whether a redirect URI leads to this machine.
fn is_here(uri: &str) -> bool {
    endpoint::parse(uri).is_ok_and(|url| {
        url.scheme() == "http"
            && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
            && url.query().is_none()
    })
}

/// Returns whether a value is one that this program gives to clients.
fn is_ours(text: &str) -> bool {
    text.contains("mcp-login") || text.contains("MCP_LOGIN")
}

impl ConfiguredServer {
    /// Returns the name with the client in front, such as `codex:linear`, which is unambiguous.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.source, self.name)
    }

    /// Returns the URL without a user name and a password, and with the names of the user's variables in place of their
    /// values.
    pub fn shown_url(&self) -> String {
        let text = match self.in_project {
            true => &self.url,
            false => &self.written,
        };
        // In what is not a URL, anything may be a password.
        let Ok(mut url) = Url::parse(text) else {
            return HIDDEN.to_owned();
        };
        if url.username().is_empty() && url.password().is_none() {
            return text.clone();
        }
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return HIDDEN.to_owned();
        }
        url.into()
    }

    /// Returns which server the name means, and which file says so.
    pub fn introduction(&self) -> String {
        let name = printable(&self.name);
        let url = printable(&self.shown_url());
        let path = printable(&self.path.display().to_string());
        match self.in_project {
            true => format!("{name} is {url} (from {path}, a file of this project)"),
            false => format!("{name} is {url} (from {path})"),
        }
    }

    /// Returns why the client would not use a login to this server; `None` if it would.
    pub fn skip(&self) -> Option<&'static str> {
        let entry = &self.entry;
        let helper = at(entry, HELPERS);
        if entry["disabled"] == true || entry["enabled"] == false {
            Some("it is switched off there")
        } else if entry["oauth"] == false {
            Some("its login is switched off there")
        } else if helper.is_some_and(|helper| !helper.as_str().is_some_and(is_ours)) {
            Some("another program gives its headers")
        } else if helper.is_none() && !ours::connects(entry) && self.has_own_credentials() {
            Some("its own credentials are set there")
        } else {
            None
        }
    }

    /// Returns whether the entry holds or names credentials that are not ours.
    fn has_own_credentials(&self) -> bool {
        let is_foreign = |value: &Value| !value.as_str().is_some_and(is_ours);
        if at(&self.entry, TOKENS).is_some_and(is_foreign) {
            return true;
        }
        for table in HEADERS {
            let headers = at(&self.entry, &[table]).and_then(Value::as_object);
            for (name, value) in headers.into_iter().flatten() {
                if sounds_secret(name) && is_foreign(value) {
                    return true;
                }
            }
        }
        // Headers in the arguments of mcp-remote.
        mcp_remote::words(&self.entry).any(|word| {
            let header = word.split_once(':').map(|(header, _)| header);
            header.is_some_and(sounds_secret)
                && !word.starts_with('{')
                && !is_web(word)
                && !is_ours(word)
        })
    }

    /// Returns what the configuration says about the login.
    pub fn oauth(&self, places: &Places) -> OAuth {
        let notations = source(self.source).map_or(&[][..], |source| source.notations);
        let expand = |notations, what: &str, text: &str| {
            let what = format!("{what} of {} in {}", self.full_name(), self.path.display());
            let expansion = Expansion {
                notations,
                places,
                in_project: self.in_project,
                is_url: false,
            };
            expansion.expand(&what, text)
        };
        // What the client leaves, mcp-remote expands.
        let of_mcp_remote = [notations, &[Notation::Braced]].concat();
        let expand_again = |what: &str, text: &str| expand(&of_mcp_remote, what, text);
        let (url, in_project) = (&self.written, self.in_project);
        let login = mcp_remote::login(&self.entry, url, places, in_project, expand_again);
        let mut oauth =
            login.unwrap_or_else(|| self.own_oauth(&|what, text| expand(notations, what, text)));
        oauth.redirect_uri = oauth
            .redirect_uri
            .filter(|uri| uri.as_ref().map_or(true, |uri| is_here(uri)));
        oauth
    }

    fn own_oauth(&self, expand: &dyn Fn(&str, &str) -> Result<String, String>) -> OAuth {
        let text = |what: &str, keys: &[&str]| {
            let text = at(&self.entry, keys)?.as_str()?;
            Some(expand(what, text))
        };
        let client_id = text("the client ID", CLIENT_IDS);
        let list: Vec<&str> = match at(&self.entry, SCOPES) {
            Some(Value::String(scopes)) => scopes.split_whitespace().collect(),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let scopes = list.iter().map(|scope| expand("a scope", scope));
        let scopes: Result<Vec<String>, String> = scopes.collect();
        let usual = || match self.port(expand) {
            Some(Err(why)) => Some(Err(why)),
            Some(Ok(port)) => self.usual_redirect_uri(Some(port)).map(Ok),
            None if client_id.is_some() => self.usual_redirect_uri(None).map(Ok),
            None => None,
        };
        OAuth {
            has_secret: at(&self.entry, SECRETS).is_some(),
            scopes: scopes.map(|scopes| {
                let parts = scopes.iter().flat_map(|it| it.split_whitespace());
                parts.map(str::to_owned).collect()
            }),
            redirect_uri: text("the redirect URI", REDIRECTS).or_else(usual),
            endpoints: text("the authorization endpoint", AUTHORIZATION_ENDPOINTS)
                .zip(text("the token endpoint", TOKEN_ENDPOINTS)),
            metadata: text("the address of the metadata", METADATA),
            client_id,
        }
    }

    /// Returns the port that the configuration names, as a number or as text; zero means any.
    fn port(
        &self,
        expand: &dyn Fn(&str, &str) -> Result<String, String>,
    ) -> Option<Result<u16, String>> {
        let text = match at(&self.entry, PORTS)? {
            Value::Number(number) => Ok(number.to_string()),
            Value::String(text) => expand("the port", text),
            _ => return None,
        };
        let port = text.and_then(|text| {
            let (name, path) = (self.full_name(), self.path.display());
            let port = text.trim().parse();
            port.map_err(|_| format!("the port of {name} in {path} is not a port: {text}"))
        });
        Some(port).filter(|port| *port != Ok(0))
    }

    /// Returns the redirect URI that the client registers, with this port or its usual one.
    fn usual_redirect_uri(&self, port: Option<u16>) -> Option<String> {
        let source = source(self.source)?;
        let port = port.or(source.port).map(|port| format!(":{port}"));
        let uri = source.callback.replace("{port}", &port.unwrap_or_default());
        Some(uri).filter(|uri| !uri.is_empty())
    }
}
