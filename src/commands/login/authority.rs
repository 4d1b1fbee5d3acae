//! The authorization server, where the user names its endpoints or its metadata instead of leaving it to a search.

use url::Url;

use super::options::RequestArgs;
use crate::cli::servers::without_password;
use crate::error::Error;
use crate::login::Request;
use crate::oauth::endpoint::{self, UrlError, UrlPolicy};
use crate::oauth::metadata::AuthorizationServer;

/// Applies what the user says about the endpoints or the metadata of the authorization server.
///
/// # Errors
///
/// [`Error::Usage`] for a URL that cannot be used.
pub fn apply(request: &mut Request, args: &RequestArgs) -> Result<(), Error> {
    if let (Some(authorization), Some(token)) = (&args.authorization_endpoint, &args.token_endpoint)
    {
        let server = endpoints(
            args.issuer.as_deref(),
            ("--authorization-endpoint", authorization),
            ("--token-endpoint", token),
        )?;
        name_endpoints(request, server);
    }
    if let Some(raw) = &args.issuer_metadata {
        let url = checked("--issuer-metadata", raw)?;
        request
            .identity
            .issuer
            .get_or_insert_with(|| url.to_string());
        request.issuer_metadata = Some(url);
    }
    Ok(())
}

/// Returns the authorization server at two endpoints that the user names. Each comes with what is to be called wrong: an
/// option, or a member of the user's own file. Without an issuer it is the origin of the authorization endpoint.
///
/// # Errors
///
/// [`Error::Usage`] for a URL that cannot be used.
///
/// Spec: RFC 6749 sections 3.1 and 3.2.
pub fn endpoints(
    issuer: Option<&str>,
    authorization: (&str, &str),
    token: (&str, &str),
) -> Result<AuthorizationServer, Error> {
    let page = endpoint::without_resource(checked(authorization.0, authorization.1)?);
    let tokens = checked(token.0, token.1)?;
    endpoint::check_parameters(&page)
        .map_err(|why| unusable(authorization.0, authorization.1, &why))?;
    let origin = page.origin().ascii_serialization();
    let mut server = AuthorizationServer::known(issuer.unwrap_or(&origin), page, tokens);
    server.client_auth_methods = None;
    Ok(server)
}

/// Returns the authorization server that the client's file names, for a login that has to search for one; `None` if it
/// names none that can be used.
pub fn of_client_file(
    request: &Request,
    named: Option<&(String, String)>,
) -> Option<AuthorizationServer> {
    let searches = request.server.is_some() && request.provider.is_none();
    let (page, tokens) = named.filter(|_| searches)?;
    endpoints(None, ("auth_uri", page), ("token_uri", tokens)).ok()
}

/// Makes an authorization server the one of a login, by the user's own word.
pub fn name_endpoints(request: &mut Request, server: AuthorizationServer) {
    request.name_issuer(&server.issuer);
    request.preset = Some(server);
}

/// Reads a URL that the user names: `https`, or `http` on this machine.
fn checked(option: &str, raw: &str) -> Result<Url, Error> {
    UrlPolicy { loopback: true }
        .check(raw)
        .map_err(|why| unusable(option, raw, &why))
}

fn unusable(option: &str, raw: &str, why: &UrlError) -> Error {
    Error::usage(
        format!("cannot use {} for {option}: {why}", without_password(raw)),
        "give it as the server documents it",
    )
}
