//! From the options to the login that is requested; everything that can be wrong with them is found here.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use url::Host;
use zeroize::Zeroizing;

use super::options::{ClientKeyArgs, MethodArgs, RedirectArgs};
use super::servers::RequestedServer;
use super::{authority, provider};
use crate::callback::RedirectHost;
use crate::cli::servers::{self, is_name, without_password, ParsedServer};
use crate::error::Error;
use crate::login::{Request, Resource};
use crate::oauth::challenge;
use crate::oauth::client::{check_metadata_document_url, ClientFile};
use crate::oauth::endpoint;
use crate::oauth::jwt::assertion::{Audience, ClientKeyRecord};
use crate::oauth::secret::Secret;
use crate::oauth::text::is_plain;
use crate::os::files::read_given;
use crate::os::process::EnvironmentSecrets;
use crate::registration::Identity;
use crate::store::StoredId;
use crate::token_endpoint::GivenKey;

/// The ports that client ID metadata documents of this program list. 33418 comes last: VS Code's lists it too.
const DOCUMENT_PORTS: [u16; 3] = [33419, 33420, 33418];

/// Longest client secret or client file, in bytes.
const MAX_CLIENT_BYTES: u64 = 64 * 1024;

/// Returns the logins that the user asks for.
///
/// # Errors
///
/// [`Error::Usage`] for whatever makes no sense.
pub fn requests(
    method: &MethodArgs,
    requested: &[RequestedServer],
    several: bool,
    profile: Option<&str>,
    env_secrets: &EnvironmentSecrets,
) -> Result<Vec<Request>, Error> {
    refuse_options_for_one(method, several)?;
    let options = &method.request;
    checked_issuer(options.issuer.as_deref())?;
    if let Some(value) = &options.challenge {
        challenge::bearer([value.as_str()]).ok_or_else(|| {
            Error::usage(
                "there is no Bearer challenge in --challenge",
                "give it the whole value of the WWW-Authenticate header",
            )
        })?;
    }
    let mut requests: Vec<Request> = Vec::new();
    for target in requested {
        let is_client_of_project = target.is_client_of_project(method);
        let client = &method.client;
        let own = [
            ("client secret", &client.client_secret_file),
            ("private key", &client.key.client_key_file),
        ];
        let used = own.into_iter().find(|(_, file)| file.is_some());
        if let Some((what, _)) = used.filter(|_| is_client_of_project) {
            return Err(Error::usage(
                format!("refusing to use your {what} for a client named by a project file"),
                "give the URL and --client-id",
            ));
        }
        let method = target.complete(method)?;
        // The secrets belong to one client, which the user chose.
        let env_secrets = match several || is_client_of_project {
            true => &EnvironmentSecrets::default(),
            false => env_secrets,
        };
        // A name that is not in a client's configuration is that of a stored login, which knows its issuer.
        let is_stored = target.named.is_none() && !target.text.contains("://");
        let has_issuer = method.names_authorization_server() || is_stored;
        // Without a server, the account keeps several logins at a provider apart.
        let account = method.request.login_hint.as_deref();
        let account = account.filter(|hint| target.is_provider && is_name(hint));
        let profile = profile.or(account);
        let server = match &target.named {
            Some(named) => servers::parse_named(named, profile)?,
            None => servers::parse(&target.text, profile, has_issuer)?,
        };
        let (mut request, file) = request(&method, server, env_secrets)?;
        authority::apply(&mut request, &method.request)?;
        let endpoints = file.as_ref().and_then(|file| file.endpoints.as_ref());
        request.fallback = authority::of_client_file(&request, endpoints);
        provider::apply(&mut request, &method, endpoints)?;
        if !requests.iter().any(|other| other.key == request.key) {
            requests.push(request);
        }
    }
    Ok(requests)
}

/// Returns the issuer that the user names.
///
/// # Errors
///
/// [`Error::Usage`] if it is no URL.
pub fn checked_issuer(issuer: Option<&str>) -> Result<Option<String>, Error> {
    let Some(issuer) = issuer else {
        return Ok(None);
    };
    endpoint::parse(issuer).map_err(|why| {
        let issuer = without_password(issuer);
        Error::usage(
            format!("cannot use {issuer} as the issuer: {why}"),
            "give it as in the server's metadata",
        )
    })?;
    Ok(Some(issuer.to_owned()))
}

/// Returns the client secret of a file, else that of the environment.
///
/// # Errors
///
/// [`Error::Usage`] if the file cannot be read, or holds no secret.
pub fn client_secret(
    file: Option<&Path>,
    env_secrets: &EnvironmentSecrets,
) -> Result<Option<Secret>, Error> {
    Ok(match file {
        Some(path) => {
            let text = read(path, "the client secret")?;
            let secret = text.trim();
            // Spec: RFC 6749 appendix A.2.
            if secret.is_empty() || secret.contains(char::is_control) {
                return Err(Error::usage(
                    format!("{} holds no client secret", path.display()),
                    "write the secret alone into the file, on one line",
                ));
            }
            Some(Secret::new(secret))
        }
        None => env_secrets.client_secret.clone(),
    })
}

/// Returns the scopes that options name.
pub fn scopes(options: &[String]) -> Vec<String> {
    let words = options.iter().flat_map(|scopes| scopes.split_whitespace());
    words.map(str::to_owned).collect()
}

/// Returns the resource that options name.
pub fn resource(given: Option<&str>, is_omitted: bool) -> Resource {
    match given {
        _ if is_omitted => Resource::Omitted,
        Some(resource) => Resource::Given(resource.to_owned()),
        None => Resource::Discovery,
    }
}

/// Returns a login whose server is not known: what it needs from the machine is known all the same.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn anywhere(
    method: &MethodArgs,
    profile: Option<&str>,
    env_secrets: &EnvironmentSecrets,
) -> Result<Request, Error> {
    let key = StoredId {
        server: "any server".to_owned(),
        profile: servers::checked_profile(profile)?,
    };
    let text = String::new();
    let server = ParsedServer {
        key,
        url: None,
        text,
    };
    Ok(request(method, server, env_secrets)?.0)
}

fn request(
    method: &MethodArgs,
    server: ParsedServer,
    env_secrets: &EnvironmentSecrets,
) -> Result<(Request, Option<ClientFile>), Error> {
    let (identity, file) = identity(method, env_secrets)?;
    let options = &method.request;
    let mut request = Request::new(server.key, server.url, server.text);
    request.issuer.clone_from(&options.issuer);
    request.challenge.clone_from(&options.challenge);
    request.assume_pkce = options.assume_pkce;
    request.dpop = options.dpop;
    if identity.metadata_url.is_some() {
        request.likely_ports = DOCUMENT_PORTS.to_vec();
    }
    request.identity = identity;
    request.scopes = scopes(&options.scope);
    request.resource = resource(options.resource.as_deref(), options.no_resource);
    method.grant.apply(&mut request)?;
    request.parameters.clone_from(&options.param);
    request.login_hint.clone_from(&options.login_hint);
    let demanded = file.as_ref().and_then(|file| file.redirect_uri.as_deref());
    set_redirect(&mut request, &method.redirect, demanded)?;
    Ok((request, file))
}

/// Refuses options that make sense for one server only.
fn refuse_options_for_one(method: &MethodArgs, several: bool) -> Result<(), Error> {
    let (client, redirect, request) = (&method.client, &method.redirect, &method.request);
    let given = [
        ("--port", redirect.port.is_some()),
        ("--redirect-uri", redirect.redirect_uri.is_some()),
        ("--client-id", client.client_id.is_some()),
        ("--client-file", client.client_file.is_some()),
        ("--client-secret-file", client.client_secret_file.is_some()),
        ("--client-key-file", client.key.client_key_file.is_some()),
        (
            "--client-metadata-url",
            client.client_metadata_url.is_some(),
        ),
        ("--resource", request.resource.is_some()),
        ("--challenge", request.challenge.is_some()),
        ("--issuer", request.issuer.is_some()),
        (
            "--authorization-endpoint",
            request.authorization_endpoint.is_some(),
        ),
        ("--token-endpoint", request.token_endpoint.is_some()),
        ("--issuer-metadata", request.issuer_metadata.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) if several => Err(Error::usage(
            format!("{option} is for one server, and several are given"),
            "run mcp-login once for each of them",
        )),
        _ => Ok(()),
    }
}

/// Returns the client that logs in, and its file if there is one.
fn identity(
    method: &MethodArgs,
    env_secrets: &EnvironmentSecrets,
) -> Result<(Identity, Option<ClientFile>), Error> {
    let client = &method.client;
    if client.client_secret.is_some() {
        return Err(Error::usage(
            "a client secret cannot be an argument: every user of this machine could read it",
            "use --client-secret-file FILE, or the environment variable MCP_LOGIN_CLIENT_SECRET",
        ));
    }
    if let Some(url) = &client.client_metadata_url {
        check_metadata_document_url(url).map_err(|why| {
            Error::usage(
                format!("cannot use {url} as a client identifier: {why}"),
                "see --client-metadata-url",
            )
        })?;
    }
    let has_client = client.client_id.is_some() || client.client_file.is_some();
    if client.client_secret_file.is_some() && !has_client {
        return Err(Error::usage(
            "there is a client secret, but no client that it belongs to",
            "name the client with --client-id",
        ));
    }
    let secret = client_secret(client.client_secret_file.as_deref(), env_secrets)?;
    let has_other = client.client_secret_file.is_some() || client.client_file.is_some();
    let client_key = client_key(
        &client.key,
        client.client_id.as_deref(),
        method.names_authorization_server(),
        env_secrets.client_key.as_ref().filter(|_| !has_other),
    )?;
    let mut identity = Identity {
        method: client.registration,
        client_id: client.client_id.clone(),
        client_secret: secret.filter(|_| client_key.is_none()),
        client_key,
        metadata_url: client.client_metadata_url.clone(),
        issuer: method.request.issuer.clone(),
    };
    let Some(path) = &client.client_file else {
        return Ok((identity, None));
    };
    let file = ClientFile::read(read(path, "the client file")?.as_bytes()).ok_or_else(|| {
        Error::usage(
            format!("there is no client in {}", path.display()),
            "download the OAuth client as JSON from the provider's console",
        )
    })?;
    identity.client_id = Some(file.client_id.clone());
    identity.client_secret = identity.client_secret.or(file.client_secret.clone());
    Ok((identity, Some(file)))
}

/// Returns the private key of the client: that of a file, else that of the environment.
///
/// # Errors
///
/// [`Error::Usage`], and [`Error::ClientKey`] if it cannot be used.
pub fn client_key(
    client: &ClientKeyArgs,
    client_id: Option<&str>,
    names_authorization_server: bool,
    env_key: Option<&Secret>,
) -> Result<Option<GivenKey>, Error> {
    if client.client_key.is_some() {
        return Err(Error::usage(
            "a private key cannot be an argument: every user of this machine could read it",
            "use --client-key-file FILE, or the environment variable MCP_LOGIN_CLIENT_KEY",
        ));
    }
    let path = client.client_key_file.as_deref();
    if path.is_none() && env_key.is_none() {
        return match client.details() {
            Some(option) => Err(Error::usage(
                format!("{option} is given, but no private key"),
                "name its file with --client-key-file, or set MCP_LOGIN_CLIENT_KEY",
            )),
            None => Ok(None),
        };
    }
    if client_id.is_none() && path.is_some() {
        return Err(Error::usage(
            "there is a private key, but no client that it belongs to",
            "name the client with --client-id",
        ));
    }
    let audience = match client.client_key_audience.as_str() {
        "issuer" => Audience::Issuer,
        // A server that names the token endpoint of another one could use the assertion there.
        _ if !names_authorization_server => {
            return Err(Error::usage(
                "--client-key-audience is given, but not the authorization server that it is for",
                "name the authorization server with --issuer",
            ))
        }
        "token-endpoint" => Audience::TokenEndpoint,
        url => match endpoint::parse(url) {
            Ok(_) => Audience::Other(url.to_owned()),
            Err(why) => return Err(Error::usage(
                format!(
                    "cannot use {} for --client-key-audience: {why}",
                    without_password(url)
                ),
                "use issuer, token-endpoint, or the URL that the authorization server documents",
            )),
        },
    };
    let record = ClientKeyRecord {
        alg: client.client_key_alg,
        kid: client.client_key_id.clone(),
        typ: client.client_key_typ.clone(),
        ..ClientKeyRecord::default()
    };
    Ok(match (path, env_key) {
        (Some(path), _) => Some(GivenKey::read(path, record, audience)?),
        (None, Some(text)) => Some(GivenKey::of_variable(text, record, audience)?),
        (None, None) => None,
    })
}

/// Reads a file of bounded size, without the byte order mark that tools of Windows put before its text.
fn read(path: &Path, what: &str) -> Result<Zeroizing<String>, Error> {
    let failed = |why: String| {
        Error::usage(
            format!("cannot read {what} from {}: {why}", path.display()),
            "check the path",
        )
    };
    let file = read_given(path, MAX_CLIENT_BYTES).map_err(|err| match err.kind() {
        io::ErrorKind::FileTooLarge => failed("it is too large".to_owned()),
        _ => failed(err.to_string()),
    })?;
    let text = std::str::from_utf8(&file.bytes).map_err(|_| failed("it is not text".to_owned()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned().into())
}

/// Sets the redirect URI. One that the user gives as a whole or in parts wins over the one that the client's file demands.
fn set_redirect(
    request: &mut Request,
    options: &RedirectArgs,
    demanded: Option<&str>,
) -> Result<(), Error> {
    let names_a_part = options.names_a_part();
    request.is_redirect_given =
        names_a_part || options.redirect_uri.is_some() || demanded.is_some();
    let whole = options.redirect_uri.as_deref();
    if let Some(uri) = whole.or(demanded.filter(|_| !names_a_part)) {
        return set_whole_redirect(request, uri);
    }
    if let Some(path) = &options.redirect_path {
        if !path.starts_with('/') || !is_plain(path, "-._~/") {
            return Err(Error::usage(
                format!("{path:?} is not a path"),
                "a path begins with / and holds letters, digits and - . _ ~ /",
            ));
        }
        request.redirect_path.clone_from(path);
    }
    request.redirect_host = options.redirect_host.unwrap_or(request.redirect_host);
    request.port = options.port.filter(|port| *port != 0);
    Ok(())
}

fn set_whole_redirect(request: &mut Request, uri: &str) -> Result<(), Error> {
    let wrong = |why: &str| {
        Error::usage(
            format!("cannot listen on {uri}: {why}"),
            "a loopback redirect URI looks like http://127.0.0.1:8000/callback",
        )
    };
    let url = endpoint::parse(uri).map_err(|why| wrong(&why.to_string()))?;
    request.redirect_host = match url.host() {
        Some(Host::Ipv4(Ipv4Addr::LOCALHOST)) => RedirectHost::V4,
        Some(Host::Ipv4(address)) if address.is_loopback() => {
            return Err(wrong(
                "of the loopback addresses, use only 127.0.0.1 and ::1",
            ));
        }
        Some(Host::Ipv6(address)) if address.is_loopback() => RedirectHost::V6,
        Some(Host::Domain("localhost")) => RedirectHost::Localhost,
        _ => return Err(wrong("it is not on this machine")),
    };
    if url.scheme() != "http" {
        return Err(wrong("it has to be http"));
    }
    if url.query().is_some() {
        return Err(wrong("it has a query"));
    }
    // Without a port any will do; the default port can be given too.
    let authority = uri.split('/').nth(2).unwrap_or_default();
    request.port = url.port().or(authority.ends_with(":80").then_some(80));
    request.redirect_uri = Some(uri.to_owned());
    request.redirect_path = url.path().to_owned();
    Ok(())
}
