//! What `--provider` sets for a login.

use url::Url;

use super::options::{MethodArgs, ProviderArgs};
use crate::callback::RedirectHost;
use crate::error::Error;
use crate::login::{Request, Resource};
use crate::oauth::endpoint::{self, UrlPolicy};
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::is_plain;
use crate::providers::{google, IssuerSource, Provider, RedirectRule, TENANT};
use crate::warning::warn_user;

/// Applies the settings of the provider to a login; the user's own options win. `endpoints` are those of the client's
/// file.
///
/// # Errors
///
/// [`Error::Usage`] for what the provider cannot do, and for options that are another provider's.
pub fn apply(
    request: &mut Request,
    args: &MethodArgs,
    endpoints: Option<&(String, String)>,
) -> Result<(), Error> {
    let tools = tools(&args.provider)?;
    let Some(provider) = args.provider.provider else {
        return Ok(());
    };
    request.provider = Some(provider);
    if request.resource == Resource::Discovery && !provider.takes_resource {
        request.resource = Resource::Omitted;
    }
    add_parameters(request, provider);
    let redirect = &args.redirect;
    let host_is_free = redirect.redirect_host.is_none()
        && redirect.redirect_uri.is_none()
        && request.port.is_none();
    if provider.redirect == RedirectRule::AnyPortOfLocalhost && host_is_free {
        request.redirect_host = RedirectHost::Localhost;
    }
    if let Some(tools) = tools {
        let asked = std::mem::take(&mut request.scopes);
        request.scopes = tools.scopes();
        request.scopes.extend(
            asked
                .into_iter()
                .filter(|scope| !tools.scopes().contains(scope)),
        );
        request.google_tools = Some(tools);
    }
    match request.server {
        Some(_) => Ok(()),
        None => without_server(request, args, provider, endpoints),
    }
}

/// Completes a login at the provider itself, which no MCP server describes.
fn without_server(
    request: &mut Request,
    args: &MethodArgs,
    provider: &'static Provider,
    endpoints: Option<&(String, String)>,
) -> Result<(), Error> {
    if request.issuer.is_none() && request.issuer_metadata.is_none() {
        request.preset = known(provider, &args.provider, endpoints)?;
        request.issuer = issuer(provider, request.preset.as_ref())?;
        request.identity.issuer.clone_from(&request.issuer);
    }
    // Without a client it is the one of the login before, and so is its redirect URI.
    let names_client = request.identity.client_id.is_some();
    if provider.redirect == RedirectRule::Registered && request.port.is_none() && names_client {
        let title = provider.title;
        return Err(Error::usage(
            format!("{title} accepts only the redirect URI exactly as it is registered"),
            "name it with --redirect-uri, such as http://localhost:8000/callback",
        ));
    }
    if request.scopes.is_empty() {
        if provider.name == google::GOOGLE.name && names_client {
            warn_user!(
                ScopesMissing,
                "no scopes given: this login can only identify you; add --tools or --scope"
            );
        }
        request.scopes = provider
            .scopes
            .iter()
            .map(|scope| (*scope).to_owned())
            .collect();
    }
    Ok(())
}

/// Returns the issuer, to be found by discovery or as it is known.
fn issuer(
    provider: &Provider,
    known: Option<&AuthorizationServer>,
) -> Result<Option<String>, Error> {
    match (&provider.server, known) {
        (_, Some(server)) => Ok(Some(server.issuer.clone())),
        (IssuerSource::Named(example), None) => Err(Error::usage(
            format!("--provider {} needs the --issuer too", provider.name),
            format!("such as {example}"),
        )),
        (IssuerSource::Issuer(issuer) | IssuerSource::Endpoints { issuer, .. }, None) => {
            Ok(Some((*issuer).to_owned()))
        }
    }
}

/// Returns the authorization server if it needs no search: that of the client's file if it is not the provider's own,
/// else the one in the table.
fn known(
    provider: &Provider,
    args: &ProviderArgs,
    endpoints: Option<&(String, String)>,
) -> Result<Option<AuthorizationServer>, Error> {
    if let Some((authorization, token)) = endpoints {
        let (authorization, token) = (of_file(authorization)?, of_file(token)?);
        if !provider.owns_url(&authorization) || !provider.owns_url(&token) {
            let issuer = token.origin().ascii_serialization();
            return Ok(Some(AuthorizationServer::known(
                &issuer,
                authorization,
                token,
            )));
        }
    }
    let IssuerSource::Endpoints {
        issuer,
        authorization,
        token,
        userinfo,
    } = provider.server
    else {
        return Ok(None);
    };
    let tenant = tenant(provider, args)?;
    let text = |text: &str| text.replace(TENANT, tenant);
    let url = |raw: &str| {
        Url::parse(&text(raw)).map_err(|_| {
            Error::usage(
                format!("{tenant:?} is not a tenant"),
                "see `mcp-login providers`",
            )
        })
    };
    let mut server = AuthorizationServer::known(&text(issuer), url(authorization)?, url(token)?);
    server.userinfo_endpoint = userinfo.map(url).transpose()?;
    server.device_authorization_endpoint = provider.device.endpoint.map(url).transpose()?;
    Ok(Some(server))
}

fn of_file(raw: &str) -> Result<Url, Error> {
    let wrong = |why: String| {
        Error::usage(
            format!("an endpoint in the client file cannot be used: {why}"),
            "check the file",
        )
    };
    let url = UrlPolicy { loopback: true }
        .check(raw)
        .map_err(|why| wrong(why.to_string()))?;
    endpoint::check_parameters(&url).map_err(|why| wrong(why.to_string()))?;
    Ok(url)
}

fn tenant<'a>(provider: &Provider, args: &'a ProviderArgs) -> Result<&'a str, Error> {
    if !provider.has_tenants() {
        return Ok("");
    }
    let plain = |text: &&str| !text.is_empty() && is_plain(text, ".-");
    args.tenant.as_deref().filter(plain).ok_or_else(|| {
        Error::usage(
            format!("--provider {} needs a --tenant", provider.name),
            "name your tenant by its domain or identifier; `organizations` or `common` for clients of any tenant",
        )
    })
}

/// Adds the provider's parameters, but for those that the user sets.
fn add_parameters(request: &mut Request, provider: &Provider) {
    let hint = request
        .login_hint
        .clone()
        .filter(|_| provider.hint_parameter != "login_hint");
    let hint = hint.map(|hint| (provider.hint_parameter.to_owned(), hint));
    let own = provider
        .parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    for (name, value) in own.chain(hint) {
        if !request.parameters.iter().any(|(given, _)| *given == name) {
            request.parameters.push((name, value));
        }
    }
}

fn tools(args: &ProviderArgs) -> Result<Option<google::GoogleTools>, Error> {
    if args.tools.is_empty() && !args.read_only {
        return Ok(None);
    }
    if args
        .provider
        .is_none_or(|provider| provider.name != google::GOOGLE.name)
    {
        return Err(Error::usage(
            "--tools and --read-only are for --provider google",
            "ask for scopes with --scope",
        ));
    }
    let all = google::TOOLS
        .iter()
        .map(|(name, ..)| *name)
        .collect::<Vec<_>>()
        .join(", ");
    if args.tools.is_empty() {
        return Err(Error::usage(
            "--read-only is for --tools",
            format!("name them: {all}"),
        ));
    }
    google::GoogleTools::named(&args.tools, args.read_only)
        .map(Some)
        .map_err(|name| {
            Error::usage(
                format!("there is no tool {name:?}"),
                format!("the tools are {all}"),
            )
        })
}
