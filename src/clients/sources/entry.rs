//! What one entry of a configuration says: the server's URL, its client, and whether it wants our login at all.

use serde_json::Value;
use url::Url;

use super::table::SOURCES;
use super::Configured;
use crate::clients::Places;
use crate::oauth::endpoint;
use crate::oauth::text::printable;

/// What the client knows about the login. Its client secret is not read: it stays where the user put it, and is given to
/// this program as every other one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuth {
    /// A client that was registered by hand.
    pub client_id: Option<String>,
    /// There is a secret that belongs to it.
    pub has_secret: bool,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// The redirect URI of the client, if it is one on this machine.
    pub redirect_uri: Option<String>,
}

/// Words in names of headers that hold a secret.
const SECRET_WORDS: [&str; 9] =
    ["token", "secret", "password", "key", "auth", "credential", "creds", "private", "cert"];

/// What stands in what this program gives to clients.
const OURS: [&str; 2] = ["mcp-login", "MCP_LOGIN"];

/// What is shown in place of a URL.
const HIDDEN: &str = "its URL";

/// The bridge from stdio to a server behind a URL.
const BRIDGE: &str = "mcp-remote";

/// Returns what stands at one of these keys, of which each may go down several levels.
fn at<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    let find = |key: &&str| key.split('.').try_fold(entry, |value, part| value.get(part));
    keys.iter().find_map(find)
}

/// Returns the URL of a server, as it is written; `None` for a program that is run.
pub(super) fn address<'a>(entry: &'a Value, keys: &[&str]) -> Option<&'a str> {
    at(entry, keys).and_then(Value::as_str).or_else(|| bridged(entry))
}

/// Returns the words of the command that an entry runs.
fn words(entry: &Value) -> impl Iterator<Item = &str> {
    let parts = ["command", "cmd", "args"].into_iter().filter_map(|key| entry.get(key));
    let words = parts.flat_map(|part| part.as_array().map_or(std::slice::from_ref(part), Vec::as_slice));
    words.filter_map(Value::as_str)
}

/// Tells whether an entry runs a command.
pub(super) fn is_program(entry: &Value) -> bool {
    words(entry).next().is_some()
}

/// Returns the URL that an entry such as `npx -y mcp-remote URL` goes to.
fn bridged(entry: &Value) -> Option<&str> {
    let is_bridge = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name == BRIDGE || name.strip_prefix(BRIDGE).is_some_and(|rest| rest.starts_with('@'))
    };
    let mut words = words(entry).skip_while(|word| !is_bridge(word)).skip(1);
    words.find(|word| is_web(word) || word.starts_with("${"))
}

fn is_web(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && text.len() > scheme.len()
    })
}

/// Replaces `${NAME}` and `${NAME:-otherwise}` in a URL, and nothing else. A project's file gets nothing out of the
/// environment, for it could send it to an address of its choice: of its variables only the defaults count.
pub(super) fn expand(text: &str, places: &Places, in_project: bool) -> Result<String, String> {
    let (mut url, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (inner, after) = after.split_once('}').ok_or("its URL holds an unfinished ${")?;
        let (name, otherwise) = inner.split_once(":-").map_or((inner, None), |(name, other)| (name, Some(other)));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(format!("its URL holds ${{{inner}}}, which only the client itself can expand"));
        }
        let value = places.variable(name).filter(|_| !in_project).or(otherwise);
        url.push_str(before);
        url.push_str(value.ok_or_else(|| match in_project {
            true => format!("its URL needs the variable {name}, and a project's file gets none"),
            false => format!("its URL needs the variable {name}, which is not set"),
        })?);
        rest = after;
    }
    if text.contains("{env:") || text.contains("{file:") {
        return Err("its URL holds what only the client itself can expand".to_owned());
    }
    url.push_str(rest);
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
    value.as_str().is_some_and(|text| OURS.iter().any(|mark| text.contains(mark)))
}

impl Configured {
    /// Returns the name by which this server is meant whatever other clients say, such as `codex:linear`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.source, self.name)
    }

    /// Returns the URL as it may be shown: without a user name and a password, and variables of the user's by name.
    pub fn shown_url(&self) -> String {
        let text = if self.in_project { &self.url } else { &self.written };
        match Url::parse(text) {
            Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
                let is_hidden = url.set_username("").and_then(|()| url.set_password(None)).is_ok();
                if is_hidden { url.as_str() } else { HIDDEN }.to_owned()
            }
            Ok(_) => text.clone(),
            // Nobody knows what in it is a password.
            Err(_) => HIDDEN.to_owned(),
        }
    }

    /// Says which server the name means, and whose word it is.
    pub fn introduction(&self) -> String {
        let (name, url, path) = (&self.name, self.shown_url(), self.path.display().to_string());
        let doubt = if self.in_project { ", a file of this project" } else { "" };
        format!("{} is {} (says {}{doubt})", printable(name), printable(&url), printable(&path))
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
        let variable = at(&self.entry, &["bearer_token_env_var", "bearerTokenEnv", "bearerToken"]);
        let tables = ["headers", "http_headers", "env_http_headers", "requestInit.headers", "transport.headers"];
        let headers = tables.iter().filter_map(|table| at(&self.entry, &[table])?.as_object()).flatten();
        let mut foreign = headers.filter(|(name, value)| sounds_secret(name) && !is_ours(value));
        let bridge = words(&self.entry).any(|word| {
            let header = word.split(':').next().unwrap_or_default();
            word.contains(':') && !is_web(word) && sounds_secret(header) && !is_ours(&word.into())
        });
        variable.is_some_and(|name| !is_ours(name)) || foreign.next().is_some() || bridge
    }

    /// Returns what the client knows about the login.
    pub fn oauth(&self) -> OAuth {
        let text = |keys: &[&str]| at(&self.entry, keys).and_then(Value::as_str).map(str::to_owned);
        let client_id = text(&["oauth.clientId", "oauth.client_id", "auth.CLIENT_ID", "oauthClientId"]);
        let secret = ["oauth.clientSecret", "oauth.client_secret", "auth.CLIENT_SECRET", "oauthClientSecret"];
        let scopes = match at(&self.entry, &["oauth.scopes", "oauth.scope", "auth.scopes", "scopes"]) {
            Some(Value::String(scopes)) => scopes.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let given = text(&["oauth.redirectUri", "oauth.redirect_uri", "oauth.callback_url"]);
        let redirect_uri = given.or_else(|| self.usual_redirect_uri(client_id.is_some()));
        OAuth {
            client_id,
            has_secret: at(&self.entry, &secret).is_some(),
            scopes,
            redirect_uri: redirect_uri.filter(|uri| is_here(uri)),
        }
    }

    /// Returns the redirect URI that the client registers: with the port that the user chose, or, for a client that the
    /// user registered, its usual one.
    fn usual_redirect_uri(&self, is_registered: bool) -> Option<String> {
        let source = SOURCES.iter().find(|source| source.name == self.source && !source.callback.is_empty())?;
        let chosen = at(&self.entry, &["oauth.callbackPort", "oauth.callback_port"]).and_then(Value::as_u64);
        let port = chosen.and_then(|port| u16::try_from(port).ok());
        if port.is_none() && !is_registered {
            return None;
        }
        let port = port.or(source.port).map(|port| format!(":{port}")).unwrap_or_default();
        Some(source.callback.replace("{port}", &port))
    }
}
