//! From a word to a server: a URL, a stored login's name, or a name in the configuration of an MCP client.

use std::collections::BTreeSet;

use super::{authority, servers, LoginArgs, RegistrationChoice};
use crate::clients::config::{self, ConfigProblem, ConfiguredServer, Scan};
use crate::clients::Places;
use crate::error::Error;
use crate::oauth::endpoint;
use crate::oauth::text::printable;
use crate::providers;
use crate::store::StoredId;

/// Longest names that are compared to find what was meant, in bytes.
const MAX_COMPARED_BYTES: usize = 1024;

/// A server to log in to.
#[derive(Debug)]
pub struct Target {
    /// Its URL; or, with an issuer, a name of the user's own.
    pub text: String,
    /// The configuration that names it, if the user did not give the URL.
    pub named: Option<ConfiguredServer>,
    /// The user named the client in whose configuration it stands.
    pub client_given: bool,
}

/// Works out which servers the user means to log in to.
///
/// # Errors
///
/// Those of [`find`].
pub fn targets(
    args: &LoginArgs,
    logins: impl FnOnce() -> Result<Vec<StoredId>, Error>,
) -> Result<Vec<Target>, Error> {
    let provider = args.provider.provider;
    let is_name = |text: &String| {
        !text.contains("://") && !authority::is_named(&args.request) && provider.is_none()
    };
    let logins = if args.servers.iter().any(is_name) {
        logins()?
    } else {
        Vec::new()
    };
    let target = |text: &String| {
        if !is_name(text) {
            return Ok(Target {
                text: text.clone(),
                named: None,
                client_given: false,
            });
        }
        if logins.iter().any(|key| key.server == *text) {
            return match providers::find(text) {
                Some(provider) => Err(servers::usage(
                    format!("{text} is a login at a provider without an MCP server"),
                    format!(
                        "to log in there again, name the provider too: mcp-login --provider {}",
                        provider.name
                    ),
                )),
                // It is repeated as it was made.
                None => Ok(Target {
                    text: text.clone(),
                    named: None,
                    client_given: false,
                }),
            };
        }
        let named = find(text, args.from.as_deref(), &logins)?;
        let client_given = args.from.is_some() || source_of(text).is_some();
        Ok(Target {
            text: named.url.clone(),
            named: Some(named),
            client_given,
        })
    };
    let alone = provider.filter(|_| args.servers.is_empty());
    let alone = alone.map(|provider| Target {
        text: provider.name.to_owned(),
        named: None,
        client_given: false,
    });
    args.servers
        .iter()
        .map(target)
        .chain(alone.map(Ok))
        .collect()
}

/// Finds the one server that the clients' configurations name so: `NAME`, or `SOURCE:NAME`.
///
/// # Errors
///
/// [`Error::Usage`] if there is none, or if the clients mean different servers by it.
pub fn find(
    word: &str,
    from: Option<&str>,
    logins: &[StoredId],
) -> Result<ConfiguredServer, Error> {
    let (source, name) =
        source_of(word).map_or((from, word), |(source, name)| (Some(source), name));
    let found = look(source)?;
    let matching = || found.servers.iter().filter(|server| server.name == name);
    // Of those who mean the same server, the user's own word counts for more than a project's.
    let Some(best) = matching()
        .find(|server| !server.in_project)
        .or_else(|| matching().next())
    else {
        let is_meant = |trouble: &&ConfigProblem| trouble.name.as_deref() == Some(name);
        return Err(
            match (
                found.unusable.iter().find(is_meant),
                found.programs.iter().find(is_meant),
            ) {
                (Some(trouble), _) => unusable(trouble),
                (None, Some(program)) => {
                    servers::usage(program.to_string(), "a login needs the URL of a server")
                }
                (None, None) => servers::no_url(word, like(word, &found.servers, logins)),
            },
        );
    };
    if matching().all(|other| is_same(best, other)) {
        return Ok(best.clone());
    }
    Err(ambiguous(name, &found.servers))
}

/// Returns the client and the name of a word such as `codex:linear`.
fn source_of(word: &str) -> Option<(&str, &str)> {
    word.split_once(':')
        .filter(|(source, _)| config::names().any(|known| known == *source))
}

/// Looks into the configurations of all clients, or of one.
///
/// # Errors
///
/// [`Error::Usage`] if a file of the one client cannot be read.
pub fn look(source: Option<&str>) -> Result<Scan, Error> {
    // Without a home there are no configurations.
    let Some(places) = Places::look() else {
        return Ok(Scan::default());
    };
    config::look(&places, source)
        .checked(source)
        .map_err(|trouble| unusable(&trouble))
}

fn unusable(trouble: &ConfigProblem) -> Error {
    servers::usage(
        trouble.to_string(),
        "repair it, or give the URL of the server",
    )
}

/// Returns the name of a server in the store; what is no URL stays as it is.
fn account(server: &ConfiguredServer) -> String {
    let text = server.url.split('#').next().unwrap_or(&server.url);
    endpoint::parse(text).map_or_else(|_| text.to_owned(), |url| servers::account(&url))
}

fn is_same(one: &ConfiguredServer, other: &ConfiguredServer) -> bool {
    account(one) == account(other)
}

fn ambiguous(name: &str, servers: &[ConfiguredServer]) -> Error {
    let mut files = BTreeSet::new();
    // Several clients read one and the same file.
    let choices = servers
        .iter()
        .filter(|server| server.name == name && files.insert(&server.path));
    let choices = choices
        .map(|server| {
            (
                printable(&server.full_name()),
                printable(&server.shown_url()),
            )
        })
        .collect();
    Error::Ambiguous {
        name: printable(name),
        choices,
    }
}

/// Returns the known name that a word is probably meant to be. What is too long for a name is not compared: that would take
/// as long as both lengths multiplied.
fn like(word: &str, servers: &[ConfiguredServer], logins: &[StoredId]) -> Option<String> {
    let full = servers
        .iter()
        .map(|server| (server.full_name(), server.full_name()));
    let short = servers
        .iter()
        .map(|server| (server.name.clone(), server.name.clone()));
    let stored = logins
        .iter()
        .map(|key| (key.server.clone(), key.server.clone()));
    let names = short
        .chain(full)
        .chain(stored)
        .filter(|(name, _)| name.len().max(word.len()) <= MAX_COMPARED_BYTES);
    let ranked = names.map(|(name, shown)| (strsim::jaro_winkler(&name, word), shown));
    let best = ranked
        .filter(|(likeness, _)| *likeness >= servers::LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, name)| printable(&name))
}

impl Target {
    /// Tells whether it is up to a project's file which client the login is made with.
    pub fn is_theirs(&self, args: &LoginArgs) -> bool {
        let is_chosen = args.client.client_id.is_some() || args.client.client_file.is_some();
        !is_chosen && self.named.as_ref().is_some_and(|named| named.in_project)
    }

    /// Returns the configuration of a project that alone says which server this is: whoever wrote that file chose the
    /// server, and nobody else.
    pub fn of_project(&self) -> Option<&ConfiguredServer> {
        self.named
            .as_ref()
            .filter(|named| named.in_project && !self.client_given)
    }

    /// Returns the arguments with what the client's configuration knows about the login, where the user said nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for something that is needed from there and cannot be used, such as a placeholder.
    pub fn complete(&self, args: &LoginArgs) -> Result<LoginArgs, Error> {
        let mut args = args.clone();
        let (Some(named), Some(places)) = (&self.named, Places::look()) else {
            return Ok(args);
        };
        let known = named.oauth(&places);
        let said = |option: &str, why: String| {
            servers::usage(printable(&why), format!("repair it there, or use {option}"))
        };
        let client = &mut args.client;
        let may_be_given = matches!(
            client.registration,
            RegistrationChoice::Auto | RegistrationChoice::Static
        );
        if may_be_given
            && client.client_id.is_none()
            && client.client_file.is_none()
            && client.client_metadata_url.is_none()
        {
            client.client_id = known
                .client_id
                .transpose()
                .map_err(|why| said("--client-id", why))?;
            let redirect = &mut args.redirect;
            let is_free = redirect.port.is_none()
                && redirect.redirect_host.is_none()
                && redirect.redirect_path.is_none();
            if is_free && redirect.redirect_uri.is_none() {
                redirect.redirect_uri = known
                    .redirect_uri
                    .transpose()
                    .map_err(|why| said("--redirect-uri", why))?;
            }
        }
        let request = &mut args.request;
        if request.scope.is_empty() {
            request.scope = known.scopes.map_err(|why| said("--scope", why))?;
        }
        // A project's file would send the code, and what proves it, to a place of its choice.
        if !named.in_project && !authority::is_named(request) && args.provider.provider.is_none() {
            let endpoints = known
                .endpoints
                .map(|(page, tokens)| page.and_then(|page| Ok((page, tokens?))));
            let endpoints = endpoints
                .transpose()
                .map_err(|why| said("--authorization-endpoint", why))?;
            match endpoints {
                Some((page, tokens)) => {
                    (request.authorization_endpoint, request.token_endpoint) =
                        (Some(page), Some(tokens));
                }
                None => {
                    let metadata = known.metadata.transpose();
                    request.issuer_metadata =
                        metadata.map_err(|why| said("--issuer-metadata", why))?;
                }
            }
        }
        Ok(args)
    }

    /// Tells whether a client of the configuration is used of which nobody says with what redirect URI it is registered.
    pub fn lacks_redirect(&self, args: &LoginArgs) -> bool {
        let Ok(complete) = self.complete(args) else {
            return false;
        };
        let redirect = &complete.redirect;
        args.client.client_id.is_none()
            && complete.client.client_id.is_some()
            && redirect.redirect_uri.is_none()
            && redirect.port.is_none()
    }
}
