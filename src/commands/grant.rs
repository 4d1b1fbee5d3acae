//! The options of a login without a person, and of a run that makes such a login for itself alone.

use std::path::PathBuf;

use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use clap::Args;

use super::login::options::ClientKeyArgs;
use super::login::request;
use crate::cli::servers::{self, ParsedServer};
use crate::cli::values;
use crate::context::{Context, UnstoredLogin};
use crate::error::Error;
use crate::login::{self, Request};
use crate::oauth::client::RegistrationKind;
use crate::oauth::grant::{Assertion, AssertionSource, IdentityProvider};
use crate::os::clock::Deadline;
use crate::os::process::EnvironmentSecrets;
use crate::refresh;
use crate::registration::Identity;
use crate::store::{GrantType, Interaction, StoredId};

/// The grant, and what it is made from.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The grant")]
pub struct GrantArgs {
    /// How the authorization server grants the tokens
    #[arg(long, value_name = "GRANT", default_value = "auto", value_parser = values::one_of(GRANTS))]
    pub grant: GrantChoice,

    /// The file in which the platform puts a JWT for this workload; it is read anew for each request
    ///
    /// With --grant jwt-bearer it is the grant itself, with --grant client-credentials the client authenticates by it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["assertion_env", "assertion_command", "assertion"])]
    pub assertion_file: Option<PathBuf>,

    /// The environment variable in which the platform puts the JWT; the command of exec does not inherit it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["assertion_command", "assertion"], value_parser = values::variable)]
    pub assertion_env: Option<String>,

    /// The command that prints the JWT; it is run without a shell, for at most 8 s
    #[arg(long, value_name = "COMMAND", conflicts_with = "assertion", value_parser = NonEmptyStringValueParser::new())]
    pub assertion_command: Option<String>,

    /// The platform to ask for the JWT
    #[arg(long, value_name = "PLATFORM", value_parser = values::one_of(PLATFORMS))]
    pub assertion: Option<AssertionSource>,

    /// The audience of the JWT [default: the issuer]
    #[arg(long, value_name = "AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    pub assertion_audience: Option<String>,

    /// The issuer of the enterprise's identity provider, with --grant id-jag
    ///
    /// The login there is an ordinary one, which all servers share: mcp-login --issuer URL --client-id ID idp
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub idp: Option<String>,

    /// A file with an ID token of the provider, in place of a login there
    #[arg(long, value_name = "FILE", requires_all = ["idp", "idp_client_id"])]
    pub id_token_file: Option<PathBuf>,

    /// The client that the ID token was issued to
    #[arg(long, value_name = "ID", requires = "idp", value_parser = NonEmptyStringValueParser::new())]
    pub idp_client_id: Option<String>,
}

const PLATFORMS: values::Words<AssertionSource> = values::words! {
    "github-actions", "GitHub Actions or Forgejo; the job needs `permissions: id-token: write`" => AssertionSource::GithubActions;
};

/// The value of `--grant`; none leaves it to the stored login. Clap would take an `Option` for an option without a default.
pub type GrantChoice = Option<GrantType>;

const GRANTS: values::Words<GrantChoice> = values::words! {
    "auto", "That of the stored login, else code" => None;
    "code", "A person agrees in a browser" => Some(GrantType::AuthorizationCode);
    "device", "A person enters a code in any browser; the same as --device" => Some(GrantType::DeviceCode);
    "client-credentials", "A client registered by hand, without a person" => Some(GrantType::ClientCredentials);
    "jwt-bearer", "A JWT that the platform gives to this workload" => Some(GrantType::JwtBearer);
    "id-jag", "An identity assertion of the enterprise's provider, for a person who is logged in there" => Some(GrantType::IdJag);
};

impl GrantArgs {
    /// Tells whether the user names a grant without a person.
    pub fn is_unattended(&self) -> bool {
        self.grant.is_some_and(GrantType::is_unattended)
    }

    /// Puts the grant into a request.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for an issuer that is no URL.
    pub fn apply(&self, request: &mut Request) -> Result<(), Error> {
        request.is_grant_named = self.grant.is_some();
        request.grant = self.grant.unwrap_or_default();
        let issuer = request::checked_issuer(self.idp.as_deref())?;
        // A setting of the environment means nothing for the others.
        if self.is_unattended() {
            let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or(path.clone());
            let file = self.assertion_file.as_ref().map(absolute);
            let source = file
                .map(AssertionSource::File)
                .or(self.assertion_env.clone().map(AssertionSource::Env))
                .or(self.assertion_command.clone().map(AssertionSource::Command))
                .or(self.assertion.clone());
            request.unattended.assertion = source.map(|source| Assertion {
                source,
                audience: self.assertion_audience.clone(),
            });
            request.unattended.idp = issuer.map(|issuer| IdentityProvider {
                issuer,
                token_endpoint: None,
                client_id: self.idp_client_id.clone(),
                id_token_file: self.id_token_file.as_ref().map(absolute),
            });
        }
        Ok(())
    }
}

/// The options of a run that makes a login for itself, where none is stored.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A login for this run, without a person")]
pub struct UnattendedArgs {
    #[command(flatten)]
    pub grant: GrantArgs,

    /// With --grant: the authorization server; no other one is sent anything
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub issuer: Option<String>,

    /// With --grant: a client identifier that you registered by hand
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub client_id: Option<String>,

    /// With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET
    #[arg(long, value_name = "FILE", conflicts_with = "client_key_file")]
    pub client_secret_file: Option<PathBuf>,

    #[command(flatten)]
    pub key: ClientKeyArgs,

    /// With --grant: a scope to ask for; may be repeated [default: what the server wants]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,

    /// With --grant: the resource to name in the requests, if the server's own is wrong
    #[arg(long, value_name = "URI", conflicts_with = "no_resource", value_parser = NonEmptyStringValueParser::new())]
    pub resource: Option<String>,

    /// With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too
    ///
    /// For check, connect and headers, which can make proofs. A stored login is bound to a key or not, whatever this says.
    #[arg(long)]
    pub dpop: bool,

    /// With --grant: name no resource in the requests
    #[arg(long, env = "MCP_LOGIN_NO_RESOURCE", value_parser = FalseyValueParser::new())]
    pub no_resource: bool,
}

impl UnattendedArgs {
    /// Refuses `--dpop` where no login is made that a proof could be for.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`].
    pub fn check_dpop(&self) -> Result<(), Error> {
        match self.dpop && !self.grant.is_unattended() {
            true => Err(Error::usage(
                "--dpop is for a login that is made for this run, with --grant",
                "leave it out for a stored login; `mcp-login login --dpop` makes one that is bound to a key",
            )),
            false => Ok(()),
        }
    }

    /// Refuses `--dpop` for a command that uses the token after the key is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`].
    pub fn refuse_dpop(&self, command: &str) -> Result<(), Error> {
        match self.dpop {
            true => Err(Error::usage(
                format!("{command} cannot use --dpop: the key ends with this run, and whoever uses the token needs it for each request"),
                "use check, connect or headers --dpop; or store a login that is bound to a key, with `mcp-login login --dpop`",
            )),
            false => Ok(()),
        }
    }

    /// Makes the run use a login of its own if the options name a grant without a person, and the stored login is not the one
    /// that they would lead to. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`]; what fails later is an error of the run.
    pub fn apply(&self, key: &StoredId, context: &mut Context) -> Result<(), Error> {
        if !self.grant.is_unattended() {
            return Ok(());
        }
        let request = self.request(key, &context.secrets)?;
        let store = context.store_to_read(Interaction::None);
        let stored = store.load(key).unwrap_or_else(|err| {
            log::info!("{err}");
            None
        });
        if stored.is_some_and(|stored| login::serves(&request, &stored)) {
            return Ok(());
        }
        login::check_unattended(&request)?;
        context.unstored = Some(UnstoredLogin::new(move |context| {
            login::record(&request, None, context, Deadline::after(refresh::LIMIT))
        }));
        Ok(())
    }

    fn request(&self, key: &StoredId, env_secrets: &EnvironmentSecrets) -> Result<Request, Error> {
        let ParsedServer { key, url, text } =
            servers::parse(&key.server, Some(&key.profile), true)?;
        let mut request = Request::new(key, url, text);
        request.issuer = request::checked_issuer(self.issuer.as_deref())?;
        let env_key = env_secrets.client_key.as_ref();
        let env_key =
            env_key.filter(|_| self.client_id.is_some() && self.client_secret_file.is_none());
        let client_key = request::client_key(
            &self.key,
            self.client_id.as_deref(),
            self.issuer.is_some(),
            env_key,
        )?;
        let secret = request::client_secret(self.client_secret_file.as_deref(), env_secrets)?;
        request.identity = Identity {
            method: Some(RegistrationKind::Static),
            client_id: self.client_id.clone(),
            client_secret: secret.filter(|_| self.client_id.is_some() && client_key.is_none()),
            client_key,
            metadata_url: None,
            issuer: request.issuer.clone(),
        };
        request.scopes = request::scopes(&self.scope);
        request.resource = request::resource(self.resource.as_deref(), self.no_resource);
        request.dpop = self.dpop;
        self.grant.apply(&mut request)?;
        Ok(request)
    }
}
