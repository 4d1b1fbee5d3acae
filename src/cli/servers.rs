//! The servers and logins that the arguments of a command mean.

use url::Url;

use super::names;
use crate::clients::config::{ConfigProblem, ConfiguredServer};
use crate::context::Context;
use crate::error::Error;
use crate::oauth::endpoint::{self, UrlError};
use crate::oauth::text::{is_plain, printable};
use crate::os::terminal;
use crate::providers;
use crate::store::{server_name, StoredId, DEFAULT_PROFILE};

/// The words that are commands; a server that looks like one of them was probably meant to be it.
pub const COMMANDS: [&str; 19] = [
    "check",
    "completion",
    "connect",
    "demo",
    "doctor",
    "exec",
    "handover",
    "headers",
    "list",
    "login",
    "logout",
    "ls",
    "providers",
    "refresh",
    "status",
    "token",
    "version",
    "whoami",
    "help",
];

/// What other programs call our commands.
const SYNONYMS: [(&str, &[&str]); 6] = [
    (
        "login SERVER",
        &["add", "auth", "signin", "sign-in", "log-in"],
    ),
    (
        "logout SERVER",
        &[
            "delete", "remove", "revoke", "rm", "signout", "sign-out", "log-out",
        ],
    ),
    ("status", &["accounts", "logins", "show"]),
    (
        "handover SERVER --to CLIENT",
        &["config", "configure", "install", "setup"],
    ),
    ("exec SERVER -- COMMAND", &["run"]),
    ("completion SHELL", &["completions"]),
];

/// How like a command a word has to be to be taken for a misspelt one.
pub const LIKENESS: f64 = 0.84;

/// A SERVER argument.
#[derive(Debug)]
pub struct ParsedServer {
    /// The name of the login in the store.
    pub key: StoredId,
    /// The URL; `None` for a name that the user chose.
    pub url: Option<Url>,
    /// What the user typed, without the fragment.
    pub text: String,
}

/// Reads one SERVER argument. A name that the user chose is fine where an issuer is given too.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn parse(text: &str, profile: Option<&str>, has_issuer: bool) -> Result<ParsedServer, Error> {
    let profile = checked_profile(profile)?;
    if !text.contains("://") {
        if !has_issuer || !is_name(text) {
            return Err(no_url(text, None));
        }
        let server = text.to_owned();
        return Ok(ParsedServer {
            key: StoredId { server, profile },
            url: None,
            text: text.to_owned(),
        });
    }
    let text = text.split('#').next().unwrap_or(text);
    let url = login_url(text).map_err(|why| {
        let hint = match (&why, endpoint::in_ascii(text)) {
            (UrlError::Plaintext, _) => format!("try {}", text.replacen("http://", "https://", 1)),
            (UrlError::Characters, Some(url)) => format!("try {url}"),
            _ => "give the URL of the MCP server".to_owned(),
        };
        Error::usage(
            format!("cannot log in to {}: {why}", without_password(text)),
            hint,
        )
    })?;
    let server = server_name(&url).to_owned();
    Ok(ParsedServer {
        key: StoredId { server, profile },
        text: text.to_owned(),
        url: Some(url),
    })
}

/// As [`parse`], for a server that a client's configuration names.
///
/// # Errors
///
/// [`Error::Usage`], which names the entry, and its URL without the values of variables, which may be secrets.
pub fn parse_named(named: &ConfiguredServer, profile: Option<&str>) -> Result<ParsedServer, Error> {
    let url = named.url.split('#').next().unwrap_or(&named.url);
    match login_url(url) {
        Ok(_) => parse(url, profile, false),
        Err(why) => {
            let url = printable(&named.shown_url());
            let problem = ConfigProblem {
                client: named.source,
                name: Some(named.name.clone()),
                path: named.path.clone(),
                why: format!("{url} cannot be used: {why}"),
            };
            Err(match (why, url.strip_prefix("http://")) {
                (UrlError::Plaintext, Some(rest)) => Error::usage(
                    problem.to_string(),
                    format!("repair it, or try https://{rest}"),
                ),
                _ => names::unusable(&problem),
            })
        }
    }
}

/// Reads a URL that there can be a login to.
fn login_url(text: &str) -> Result<Url, UrlError> {
    let url = endpoint::parse(text)?;
    match url.scheme() == "http" && !endpoint::is_loopback(&url) {
        true => Err(UrlError::Plaintext),
        false => Ok(url),
    }
}

/// Returns a URL as it may be shown: a user name in it may come with a password.
pub fn without_password(text: &str) -> &str {
    match text.contains('@') {
        true => "this URL",
        false => text,
    }
}

/// Finds the login that an argument means; without one, the only login. A URL needs no look into the store.
///
/// # Errors
///
/// As for [`stored`] and `only`.
pub fn find(server: Option<&str>, context: &Context) -> Result<StoredId, Error> {
    let profile = context.profile.as_deref();
    match server {
        Some(text) if text.contains("://") => stored(text, None, profile, &[]),
        Some(text) => stored(text, None, profile, &context.stored_ids()?),
        None => only(profile, &context.stored_ids()?),
    }
}

/// Finds the login that an argument means, with the URL of its MCP server.
///
/// # Errors
///
/// As for [`find`]; [`Error::Usage`] if it is a login at a provider, without an MCP server.
pub fn find_mcp_server(server: Option<&str>, context: &Context) -> Result<(StoredId, Url), Error> {
    let key = find(server, context)?;
    let url = endpoint::parse(&key.server).map_err(|_| {
        Error::usage(
            format!("{} is not an MCP server", key.server),
            "give the URL of the MCP server",
        )
    })?;
    Ok((key, url))
}

/// Finds the login that a word means: a URL, the name of a login at a provider without an MCP server, or a name in the
/// configuration of a client, or of the client `from` alone. The only login with a name is meant whatever its profile is.
/// The user sees which URL a project's file means by a name.
///
/// # Errors
///
/// [`Error::Usage`] if it is none of them.
pub fn stored(
    text: &str,
    from: Option<&str>,
    profile: Option<&str>,
    logins: &[StoredId],
) -> Result<StoredId, Error> {
    if text.contains("://") {
        return parse(text, profile, false).map(|server| server.key);
    }
    let same_name: Vec<_> = logins.iter().filter(|key| key.server == text).collect();
    if same_name.is_empty() {
        let named = names::find(text, from, logins)?;
        if named.in_project {
            terminal::insist(&named.introduction());
        }
        return parse_named(&named, profile).map(|server| server.key);
    }
    let key = StoredId {
        server: text.to_owned(),
        profile: checked_profile(profile)?,
    };
    match same_name.as_slice() {
        _ if profile.is_some() || same_name.contains(&&key) => Ok(key),
        [only] => Ok((*only).clone()),
        _ => {
            let profiles: Vec<_> = same_name.iter().map(|key| key.profile.as_str()).collect();
            Err(Error::usage(
                format!("there are several logins to {text}"),
                format!("name one with --profile: {}", profiles.join(", ")),
            ))
        }
    }
}

/// Finds all logins that a word means, whatever their profiles are; without one, the login that it would mean.
///
/// # Errors
///
/// As for [`stored`].
pub fn all_stored(
    text: &str,
    from: Option<&str>,
    profile: Option<&str>,
    logins: &[StoredId],
) -> Result<Vec<StoredId>, Error> {
    let is_meant = |key: &&StoredId| key.server == text && !text.contains("://");
    let all: Vec<_> = logins.iter().filter(is_meant).cloned().collect();
    if profile.is_some() || all.is_empty() {
        return stored(text, from, profile, logins).map(|key| vec![key]);
    }
    Ok(all)
}

/// Returns the only login; if there are several, the only one in the profile.
fn only(given: Option<&str>, logins: &[StoredId]) -> Result<StoredId, Error> {
    let profile = checked_profile(given)?;
    let is_alone = given.is_none() && logins.len() == 1;
    let is_candidate = |key: &&StoredId| is_alone || key.profile == profile;
    let mut candidates = logins.iter().filter(is_candidate);
    match (candidates.next(), candidates.next()) {
        (Some(key), None) => Ok(key.clone()),
        (None, _) if given.is_some() || logins.is_empty() => Err(Error::NotLoggedIn {
            message: "no SERVER is given, and no login is stored that could be meant".to_owned(),
            hint: "log in first: mcp-login SERVER; with --grant, name the server".into(),
        }),
        _ => Err(Error::usage(
            "there are several logins",
            "name the server, and its --profile; `mcp-login status` lists them",
        )),
    }
}

/// Says what is wrong with a word that names nothing; `like` is a name that it may be meant to be.
pub(super) fn no_url(text: &str, like: Option<String>) -> Error {
    if COMMANDS.contains(&text) {
        let hint = format!(
            "write `mcp-login {text} SERVER`; for a server of that name, `mcp-login login {text}`"
        );
        return Error::usage(
            format!("{text} is a command, which goes before its SERVER"),
            hint,
        );
    }
    let is_meant = |(_, words): &&(&str, &[&str])| words.contains(&text);
    if let Some((command, _)) = SYNONYMS.iter().find(is_meant) {
        return Error::usage(
            format!("there is no command {text}"),
            format!("use `mcp-login {command}`"),
        );
    }
    let is_like = |command: &&&str| strsim::jaro_winkler(command, text) >= LIKENESS;
    if let Some(command) = COMMANDS.iter().find(is_like) {
        return Error::usage(
            format!("there is no command {text}"),
            format!("did you mean `mcp-login {command}`?"),
        );
    }
    if let Some(name) = like {
        return Error::usage(
            format!("no client names a server {text}"),
            format!("did you mean {name}?"),
        );
    }
    if text.trim().is_empty() {
        return Error::usage(
            "the name of the server is empty",
            "give the URL of the MCP server, or its name in a client's configuration; if it comes from a variable, that is empty",
        );
    }
    let rest = without_broken_scheme(text);
    let loopback = ["localhost", "127.", "[::1]"];
    let local = loopback.iter().any(|start| rest.starts_with(start));
    // No host begins like this; `//` is a URL without its scheme.
    let is_path = text.starts_with('.') || (text.starts_with('/') && !text.starts_with("//"));
    let scheme = if local { "http" } else { "https" };
    match Url::parse(&format!("{scheme}://{rest}")) {
        Ok(url) if (text.contains(['.', ':', '/']) && !is_path) || local => {
            Error::usage(format!("{text} is not a URL"), format!("did you mean {url}?"))
        }
        _ if providers::find(text).is_some() => Error::usage(
            format!("there is no login to {text}"),
            format!("log in first: mcp-login --provider {text}"),
        ),
        _ => Error::usage(
            format!("{text} is neither a URL nor the name of a login or of a server in a client's configuration"),
            "give the URL of the MCP server, such as https://mcp.example.com/mcp (with --issuer, any name will do); `mcp-login status` lists the logins, `mcp-login -h` the commands",
        ),
    }
}

/// Returns what follows a mistyped `https://`, such as `https:/` or `https//`; else the whole text.
fn without_broken_scheme(text: &str) -> &str {
    let mut schemes = ["https", "http"].iter();
    let rest = schemes.find_map(|scheme| text.strip_prefix(scheme));
    rest.filter(|rest| rest.starts_with([':', '/']))
        .map_or(text, |rest| rest.trim_start_matches([':', '/']))
}

/// Tells whether a text can be the name of a login or of a profile.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && is_plain(text, "._@+-")
}

/// Checks the value of `--profile`.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn checked_profile(profile: Option<&str>) -> Result<String, Error> {
    match profile {
        None => Ok(DEFAULT_PROFILE.to_owned()),
        Some(name) if is_name(name) => Ok(name.to_owned()),
        Some(_) => Err(Error::usage(
            "a profile is 1 to 64 letters, digits or . _ @ + -",
            "leave out --profile for the default one",
        )),
    }
}
