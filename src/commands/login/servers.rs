//! The servers that a login is for, and what the configurations of clients say about them.

use std::path::Path;

use super::next;
use super::options::MethodArgs;
use crate::cli::names;
use crate::clients::config::{ConfiguredServer, OAuth};
use crate::clients::{Places, Target};
use crate::error::Error;
use crate::oauth::client::RegistrationKind;
use crate::oauth::text::printable;
use crate::os::terminal;
use crate::output::{Line, Reporter};
use crate::providers;
use crate::store::StoredId;
use crate::warning::warn_user;

/// A server to log in to.
#[derive(Debug)]
pub struct RequestedServer {
    /// Its URL; or, with an issuer, a name that the user chose.
    pub text: String,
    /// The configuration that has the server, if the user did not give the URL.
    pub named: Option<ConfiguredServer>,
    /// What that configuration says about the login.
    oauth: OAuth,
    /// The user named the client whose configuration it is.
    client_given: bool,
    /// The user gave a provider and no server.
    pub is_provider: bool,
}

/// Works out which servers the user means.
///
/// # Errors
///
/// [`Error::Usage`] for a name that means no server, or several.
pub fn requested(
    words: &[String],
    from: Option<&str>,
    method: &MethodArgs,
    logins: impl FnOnce() -> Result<Vec<StoredId>, Error>,
) -> Result<Vec<RequestedServer>, Error> {
    if let (Some(provider), []) = (method.provider.provider, words) {
        return Ok(vec![RequestedServer {
            is_provider: true,
            ..RequestedServer::typed(provider.name)
        }]);
    }
    let is_name = |word: &str| !word.contains("://") && !method.names_authorization_server();
    let logins = match words.iter().any(|word| is_name(word)) {
        true => logins()?,
        false => Vec::new(),
    };
    let mut requested = Vec::new();
    for word in words {
        let is_stored = logins.iter().any(|key| key.server == *word);
        requested.push(match providers::find(word) {
            _ if !is_name(word) => RequestedServer::typed(word),
            Some(_) if is_stored => {
                return Err(Error::usage(
                    format!("{word} is a login at a provider without an MCP server"),
                    format!(
                        "to log in there again, name the provider: mcp-login --provider {word}"
                    ),
                ))
            }
            // It is repeated as it was made.
            None if is_stored => RequestedServer::typed(word),
            _ => {
                let client_given = from.is_some() || names::source_of(word).is_some();
                RequestedServer::named(names::find(word, from, &logins)?, client_given)
            }
        });
    }
    Ok(requested)
}

impl RequestedServer {
    fn typed(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            named: None,
            oauth: OAuth::default(),
            client_given: false,
            is_provider: false,
        }
    }

    /// Returns a server of a client's configuration.
    pub fn named(server: ConfiguredServer, client_given: bool) -> Self {
        let oauth = Places::detect().map(|places| server.oauth(&places));
        Self {
            oauth: oauth.unwrap_or_default(),
            client_given,
            named: Some(server.clone()),
            ..Self::typed(&server.url)
        }
    }

    /// Returns the client whose configuration names the server.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if none does.
    pub fn client(&self) -> Result<&'static Target, Error> {
        let named = self.named.as_ref();
        named.and_then(next::target).ok_or_else(|| {
            Error::usage(
                format!("which client gets the login to {}?", printable(&self.text)),
                "name it with --handover CLIENT; `mcp-login handover --list` lists the clients",
            )
        })
    }

    /// Tells whether a project's file decides which client the login is made with.
    pub fn is_client_of_project(&self, method: &MethodArgs) -> bool {
        let is_chosen = method.client.client_id.is_some() || method.client.client_file.is_some();
        !is_chosen && self.named.as_ref().is_some_and(|named| named.in_project)
    }

    /// Returns the configuration of a project that alone says which server this is: whoever wrote that file chose the
    /// server, and nobody else.
    pub fn of_project(&self) -> Option<&ConfiguredServer> {
        let named = self.named.as_ref();
        named.filter(|named| named.in_project && !self.client_given)
    }

    /// Completes the options with what the client's configuration says about the login, where the user gave none.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for something that is needed from there and cannot be used, such as a placeholder.
    pub fn complete(&self, method: &MethodArgs) -> Result<MethodArgs, Error> {
        let mut method = method.clone();
        let Some(named) = &self.named else {
            return Ok(method);
        };
        let names_server = method.names_authorization_server();
        let oauth = self.oauth.clone();
        let unusable = |option: &'static str| {
            move |why: String| {
                Error::usage(printable(&why), format!("repair it there, or use {option}"))
            }
        };
        let client = &mut method.client;
        let may_be_given = matches!(client.registration, None | Some(RegistrationKind::Static));
        let is_given = client.client_id.is_some()
            || client.client_file.is_some()
            || client.client_metadata_url.is_some();
        if may_be_given && !is_given {
            let id = oauth.client_id.transpose();
            client.client_id = id.map_err(unusable("--client-id"))?;
            let redirect = &mut method.redirect;
            if redirect.redirect_uri.is_none() && !redirect.names_a_part() {
                let uri = oauth.redirect_uri.transpose();
                redirect.redirect_uri = uri.map_err(unusable("--redirect-uri"))?;
            }
        }
        let request = &mut method.request;
        if request.scope.is_empty() {
            request.scope = oauth.scopes.map_err(unusable("--scope"))?;
        }
        // A project's file would send the code, and its verifier, to a place of its choice.
        if named.in_project || names_server {
            return Ok(method);
        }
        if let Some((authorization, token)) = oauth.endpoints {
            let unusable = unusable("--authorization-endpoint");
            request.authorization_endpoint = Some(authorization.map_err(unusable)?);
            request.token_endpoint = Some(token.map_err(unusable)?);
        } else {
            let metadata = oauth.metadata.transpose();
            request.issuer_metadata = metadata.map_err(unusable("--issuer-metadata"))?;
        }
        Ok(method)
    }

    /// Says which server a name means and where that is configured, before anything is done with it; and what of the
    /// configuration is not used.
    pub fn introduce(&self, reporter: &mut Reporter, has_secret: bool) {
        let Some(named) = &self.named else { return };
        let (name, client) = (&named.name, named.source);
        reporter.json(&Line::Named {
            server: &named.shown_url(),
            name,
            client,
            path: named.path.display().to_string(),
            in_project: named.in_project,
        });
        match named.in_project {
            // The user has to see this even with --quiet.
            true => terminal::insist(&named.introduction()),
            false => terminal::say(&named.introduction()),
        }
        let name = printable(name);
        if let Some(reason) = named.skip() {
            warn_user!(
                ClientUnable,
                "{client} may not use a login to {name}: {reason}"
            );
        } else if next::target(named).is_none() {
            warn_user!(
                ClientUnable,
                "mcp-login cannot set up {client} to use a login to {name}; other programs can use it"
            );
        }
        if self.oauth.has_secret && !has_secret {
            let options = match named.in_project {
                true => "the URL, --client-id and --client-secret-file",
                false => "--client-secret-file",
            };
            let path = shown(&named.path);
            warn_user!(
                SecretIgnored,
                "the client secret in {path} is not read; give it with {options}"
            );
        }
    }

    /// Says what of the configuration is not used for the login, or is missing there.
    pub fn warn_of_unused(&self, method: &MethodArgs) {
        let Some(named) = &self.named else { return };
        let path = shown(&named.path);
        let completed = self.complete(method).ok().filter(|completed| {
            let redirect = &completed.redirect;
            let is_from_there =
                method.client.client_id.is_none() && completed.client.client_id.is_some();
            is_from_there && redirect.redirect_uri.is_none() && redirect.port.is_none()
        });
        if completed.is_some() {
            warn_user!(
                RedirectUnknown,
                "{path} does not say which redirect URI the client of {} is registered with; if the server refuses the \
                 login, give it with --redirect-uri",
                printable(&named.name)
            );
        }
        if named.in_project && (self.oauth.endpoints.is_some() || self.oauth.metadata.is_some()) {
            warn_user!(
                ProjectIgnored,
                "the authorization server that {path} names is not used: it is a project's file"
            );
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
