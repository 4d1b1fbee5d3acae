//! The servers and logins that the words of a command mean.

use url::Url;

use super::{names, Common};
use crate::error::Error;
use crate::failure::Hint;
use crate::oauth::endpoint::{self, UrlError};
use crate::os::terminal;
use crate::store::{StoredId, DEFAULT_PROFILE};

/// The words that are commands; a server that looks like one of them was probably meant to be it.
const COMMANDS: [&str; 11] = [
    "check",
    "demo",
    "doctor",
    "exec",
    "handover",
    "headers",
    "login",
    "logout",
    "providers",
    "status",
    "token",
];

/// How like a command a word has to be to be taken for a misspelt one.
pub(super) const LIKENESS: f64 = 0.84;

/// Says what is wrong with the command, and what to do instead.
pub fn usage(message: impl Into<String>, hint: impl Into<Hint>) -> Error {
    Error::Usage {
        message: message.into(),
        hint: Some(hint.into()),
    }
}

/// A server as the user named it.
#[derive(Debug)]
pub struct Server {
    /// Its name in the store.
    pub key: StoredId,
    /// Its URL; `None` for a name of the user's own.
    pub url: Option<Url>,
    /// What the user typed, without fragment.
    pub text: String,
}

/// Reads one SERVER argument. A name of the user's own is fine where an issuer is given too.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn parse(text: &str, common: &Common, has_issuer: bool) -> Result<Server, Error> {
    let profile = profile(common)?;
    if !text.contains("://") {
        if has_issuer && is_name(text) {
            let key = StoredId {
                server: text.to_owned(),
                profile,
            };
            return Ok(Server {
                key,
                url: None,
                text: text.to_owned(),
            });
        }
        return Err(no_url(text, None));
    }
    let text = text.split('#').next().unwrap_or(text);
    let url = endpoint::parse(text).map_err(|why| {
        usage(
            format!("cannot log in to {}: {why}", without_password(text)),
            "give the URL of the MCP server",
        )
    })?;
    if url.scheme() == "http" && !endpoint::is_loopback(&url) {
        let message = format!("cannot log in to {text}: {}", UrlError::Plaintext);
        return Err(usage(
            message,
            format!("try {}", text.replacen("http://", "https://", 1)),
        ));
    }
    Ok(Server {
        key: StoredId {
            server: account(&url),
            profile,
        },
        text: text.to_owned(),
        url: Some(url),
    })
}

/// Returns the name of a server in the store.
pub(super) fn account(url: &Url) -> String {
    let text = url.as_str();
    if url.path() == "/" && url.query().is_none() {
        text.trim_end_matches('/')
    } else {
        text
    }
    .to_owned()
}

/// Returns a URL as it may be shown: a user name in it may come with a password.
pub(super) fn without_password(text: &str) -> &str {
    if text.contains('@') {
        "this URL"
    } else {
        text
    }
}

/// Finds the login that a word means: a URL, the name of a login at a provider without an MCP server, or a name in the
/// configuration of a client, or of the one client `from`. For a URL nothing is read; a project's word is shown. Where there is just one login at a
/// provider of that name, it is meant whatever its profile is.
///
/// # Errors
///
/// [`Error::Usage`] if it is none of them.
pub fn stored(
    text: &str,
    from: Option<&str>,
    common: &Common,
    logins: &[StoredId],
) -> Result<StoredId, Error> {
    let known: Vec<_> = logins.iter().filter(|key| key.server == text).collect();
    if known.is_empty() {
        if text.contains("://") {
            return parse(text, common, false).map(|server| server.key);
        }
        let named = names::find(text, from, logins)?;
        if named.in_project {
            terminal::insist(&named.introduction());
        }
        return parse(&named.url, common, false).map(|server| server.key);
    }
    let key = StoredId {
        server: text.to_owned(),
        profile: profile(common)?,
    };
    match known.as_slice() {
        _ if common.profile.is_some() || known.contains(&&key) || text.contains("://") => Ok(key),
        [only] => Ok((*only).clone()),
        _ => {
            let profiles = known
                .iter()
                .map(|key| key.profile.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(usage(
                format!("there are several logins to {text}"),
                format!("name one with --profile: {profiles}"),
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
    common: &Common,
    logins: &[StoredId],
) -> Result<Vec<StoredId>, Error> {
    let all: Vec<_> = logins
        .iter()
        .filter(|key| key.server == text && !text.contains("://"))
        .cloned()
        .collect();
    if common.profile.is_some() || all.is_empty() {
        return stored(text, from, common, logins).map(|key| vec![key]);
    }
    Ok(all)
}

/// Returns the only login there is; if there are several, the only one in the profile.
///
/// # Errors
///
/// [`Error::Usage`] if there are several; [`Error::NotLoggedIn`] if there is none.
pub fn only(common: &Common, logins: &[StoredId]) -> Result<StoredId, Error> {
    let profile = profile(common)?;
    let is_alone = common.profile.is_none() && logins.len() == 1;
    let mut candidates = logins
        .iter()
        .filter(|key| is_alone || key.profile == profile);
    match (candidates.next(), candidates.next()) {
        (Some(key), None) => Ok(key.clone()),
        (None, _) => Err(Error::NotLoggedIn {
            message: "there is no login in the store".to_owned(),
            hint: "mcp-login SERVER".into(),
        }),
        (Some(_), Some(_)) => Err(usage(
            "there are several logins",
            "name the server; `mcp-login status` lists them",
        )),
    }
}

/// Says what is wrong with a word that names nothing; `like` is a name that it may be meant to be.
pub(super) fn no_url(text: &str, like: Option<String>) -> Error {
    if COMMANDS.contains(&text) {
        let hint = format!(
            "write `mcp-login {text} SERVER`; for a server of that name, `mcp-login login {text}`"
        );
        return usage(
            format!("{text} is a command, which goes before its SERVER"),
            hint,
        );
    }
    let is_like = |command: &&&str| strsim::jaro_winkler(command, text) >= LIKENESS;
    if let Some(command) = COMMANDS.iter().find(is_like) {
        return usage(
            format!("there is no command {text}"),
            format!("did you mean `mcp-login {command}`?"),
        );
    }
    if let Some(name) = like {
        return usage(
            format!("no client names a server {text}"),
            format!("did you mean {name}?"),
        );
    }
    let rest = without_broken_scheme(text);
    let local = ["localhost", "127.", "[::1]"]
        .iter()
        .any(|start| rest.starts_with(start));
    let scheme = if local { "http" } else { "https" };
    match Url::parse(&format!("{scheme}://{rest}")) {
        Ok(url) if text.contains(['.', ':', '/']) || local => {
            usage(format!("{text} is not a URL"), format!("did you mean {url}?"))
        }
        _ => usage(
            format!("{text} is neither the URL of a server nor the name of one in a client's configuration"),
            "give the URL of the MCP server, such as https://mcp.example.com/mcp; with --issuer, any name will do",
        ),
    }
}

/// Returns what follows a mistyped `https://`, such as `https:/` or `https//`; else the whole text.
fn without_broken_scheme(text: &str) -> &str {
    let rest = ["https", "http"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.filter(|rest| rest.starts_with([':', '/']))
        .map_or(text, |rest| rest.trim_start_matches([':', '/']))
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte))
}

pub(super) fn profile(common: &Common) -> Result<String, Error> {
    match common.profile.as_deref() {
        None => Ok(DEFAULT_PROFILE.to_owned()),
        Some(name) if is_name(name) => Ok(name.to_owned()),
        Some(_) => Err(usage(
            "a profile is 1 to 64 letters, digits or . _ @ + -",
            "leave out --profile for the default one",
        )),
    }
}
