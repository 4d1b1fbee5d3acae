//! From what the user typed to what is to be done; everything that can be wrong with it is found here.

use std::fs;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::path::Path;

use url::Host;

use super::names::Target;
use super::servers::{self, is_name, usage, without_password, Server};
use super::{authority, preset, Common, HostChoice, LoginArgs, RedirectArgs, RegistrationChoice};
use crate::callback::RedirectHost;
use crate::error::Error;
use crate::login::{Request, Resource};
use crate::oauth::challenge;
use crate::oauth::client::{check_metadata_document_url, ClientFile};
use crate::oauth::endpoint;
use crate::oauth::secret::Secret;
use crate::registration::{Identity, RegistrationMethod};
use crate::store::StoredId;

/// The ports that client ID metadata documents of this program list. 33418 comes last: VS Code's lists it too.
const DOCUMENT_PORTS: [u16; 3] = [33419, 33420, 33418];

/// Longest client secret or client file, in bytes.
const MAX_CLIENT_BYTES: u64 = 64 * 1024;

/// Works out the logins that the user asks for.
///
/// # Errors
///
/// [`Error::Usage`] for whatever makes no sense.
pub fn logins(
    args: &LoginArgs,
    targets: &[Target],
    common: &Common,
    env_secret: Option<Secret>,
) -> Result<Vec<Request>, Error> {
    let several = args.all || targets.len() > 1;
    one_server_options(args, several)?;
    if let Some(issuer) = &args.request.issuer {
        endpoint::parse(issuer).map_err(|why| {
            usage(
                format!(
                    "cannot use {} as the issuer: {why}",
                    without_password(issuer)
                ),
                "give it as in the server's metadata",
            )
        })?;
    }
    if args
        .request
        .challenge
        .as_ref()
        .is_some_and(|value| challenge::bearer([value.as_str()]).is_none())
    {
        return Err(usage(
            "there is no Bearer challenge in --challenge",
            "give it the whole value of the WWW-Authenticate header",
        ));
    }
    let mut requests: Vec<Request> = Vec::new();
    for target in targets {
        let is_theirs = target.is_theirs(args);
        if is_theirs && args.client.client_secret_file.is_some() {
            return Err(usage(
                "a client that a project's file may name does not get your client secret",
                "give the URL and --client-id",
            ));
        }
        let args = target.complete(args)?;
        // It belongs to one client, which the user chose.
        let secret = env_secret.clone().filter(|_| !several && !is_theirs);
        let (identity, (demanded, endpoints)) = identity(&args, secret)?;
        let redirect = redirect(&args, demanded.as_deref())?;
        // A name that is no client's is that of a stored login, which knows its issuer.
        let is_stored = target.named.is_none() && !target.text.contains("://");
        let has_issuer =
            authority::is_named(&args.request) || args.provider.provider.is_some() || is_stored;
        let server = servers::parse(&target.text, &of_account(&args, common), has_issuer)?;
        let mut request = request(&args, server, &identity, &redirect);
        request.is_redirect_given |= demanded.is_some();
        authority::apply(&mut request, &args.request)?;
        request.fallback = authority::of_client_file(&request, endpoints.as_ref());
        preset::apply(&mut request, &args, endpoints.as_ref())?;
        if !requests.iter().any(|other| other.key == request.key) {
            requests.push(request);
        }
    }
    Ok(requests)
}

/// Works out a login of which the server is not known: what it needs of the machine is known all the same.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn anywhere(
    args: &LoginArgs,
    common: &Common,
    env_secret: Option<Secret>,
) -> Result<Request, Error> {
    let identity = identity(args, env_secret)?;
    let redirect = redirect(args, identity.1 .0.as_deref())?;
    let key = StoredId {
        server: "any server".to_owned(),
        profile: servers::profile(common)?,
    };
    Ok(request(
        args,
        Server {
            key,
            url: None,
            text: String::new(),
        },
        &identity.0,
        &redirect,
    ))
}

/// Where no server is named, a login at a provider is known by the account too that the user names: several accounts stay
/// apart without a thought of profiles.
fn of_account(args: &LoginArgs, common: &Common) -> Common {
    let is_alone = args.provider.provider.is_some() && args.servers.is_empty() && !args.all;
    let account = args
        .login_hint
        .as_ref()
        .filter(|hint| is_alone && common.profile.is_none() && is_name(hint));
    Common {
        profile: account.or(common.profile.as_ref()).cloned(),
        ..common.clone()
    }
}

fn request(args: &LoginArgs, server: Server, identity: &Identity, redirect: &Redirect) -> Request {
    let scopes = args
        .request
        .scope
        .iter()
        .flat_map(|scopes| scopes.split_whitespace());
    Request {
        key: server.key,
        server: server.url,
        server_text: server.text,
        issuer: args.request.issuer.clone(),
        challenge: args.request.challenge.clone(),
        assume_pkce: args.request.assume_pkce,
        force: args.force,
        redirect_uri: redirect.uri.clone(),
        redirect_host: redirect.host,
        redirect_path: redirect.path.clone(),
        port: redirect.port,
        is_redirect_given: parts_given(&args.redirect) || args.redirect.redirect_uri.is_some(),
        likely_ports: if identity.metadata_url.is_some() {
            DOCUMENT_PORTS.to_vec()
        } else {
            Vec::new()
        },
        identity: identity.clone(),
        scopes: scopes.map(str::to_owned).collect(),
        resource: match (&args.request.resource, args.request.no_resource) {
            (_, true) => Resource::Omitted,
            (Some(resource), _) => Resource::Given(resource.clone()),
            (None, false) => Resource::Discovery,
        },
        parameters: args.request.param.clone(),
        login_hint: args.login_hint.clone(),
        provider: None,
        preset: None,
        issuer_metadata: None,
        fallback: None,
        google_tools: None,
    }
}

/// Options that belong to one server make no sense for several.
fn one_server_options(args: &LoginArgs, several: bool) -> Result<(), Error> {
    let client = &args.client;
    let given = [
        ("--port", args.redirect.port.is_some()),
        ("--redirect-uri", args.redirect.redirect_uri.is_some()),
        ("--client-id", client.client_id.is_some()),
        ("--client-file", client.client_file.is_some()),
        ("--client-secret-file", client.client_secret_file.is_some()),
        (
            "--client-metadata-url",
            client.client_metadata_url.is_some(),
        ),
        ("--resource", args.request.resource.is_some()),
        ("--challenge", args.request.challenge.is_some()),
        ("--issuer", args.request.issuer.is_some()),
        (
            "--authorization-endpoint",
            args.request.authorization_endpoint.is_some(),
        ),
        ("--token-endpoint", args.request.token_endpoint.is_some()),
        ("--issuer-metadata", args.request.issuer_metadata.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) if several => Err(usage(
            format!("{option} is for one server, and several are given"),
            "run mcp-login once for each of them",
        )),
        _ => Ok(()),
    }
}

/// What the client's file says beside who we are: the redirect URI that it demands, and the endpoints.
type FromFile = (Option<String>, Option<(String, String)>);

/// Works out who we are.
fn identity(args: &LoginArgs, env_secret: Option<Secret>) -> Result<(Identity, FromFile), Error> {
    let client = &args.client;
    if client.client_secret.is_some() {
        return Err(usage(
            "a client secret is not taken as an argument: every user of this machine could read it",
            "use --client-secret-file FILE, or the environment variable MCP_LOGIN_CLIENT_SECRET",
        ));
    }
    if let Some(url) = &client.client_metadata_url {
        check_metadata_document_url(url).map_err(|why| {
            usage(
                format!("cannot use {url} as a client identifier: {why}"),
                "see --client-metadata-url",
            )
        })?;
    }
    if client.client_secret_file.is_some()
        && client.client_id.is_none()
        && client.client_file.is_none()
    {
        return Err(usage(
            "there is a client secret, but no client that it belongs to",
            "name the client with --client-id",
        ));
    }
    let secret = match &client.client_secret_file {
        Some(path) => Some(Secret::new(read(path, "the client secret")?.trim())),
        None => env_secret,
    };
    let mut identity = Identity {
        method: match client.registration {
            RegistrationChoice::Auto => RegistrationMethod::Auto,
            RegistrationChoice::Static => RegistrationMethod::Static,
            RegistrationChoice::Cimd => RegistrationMethod::MetadataDocument,
            RegistrationChoice::Dcr => RegistrationMethod::Dynamic,
        },
        client_id: client.client_id.clone(),
        client_secret: secret,
        metadata_url: client.client_metadata_url.clone(),
        issuer: args.request.issuer.clone(),
    };
    let Some(path) = &client.client_file else {
        return Ok((identity, (None, None)));
    };
    let file = ClientFile::read(read(path, "the client file")?.as_bytes()).ok_or_else(|| {
        usage(
            format!("there is no client in {}", path.display()),
            "download the OAuth client as JSON from the provider's console",
        )
    })?;
    identity.client_id = Some(file.client_id);
    identity.client_secret = identity.client_secret.or(file.client_secret);
    Ok((identity, (file.redirect_uri, file.endpoints)))
}

fn read(path: &Path, what: &str) -> Result<zeroize::Zeroizing<String>, Error> {
    let failed = |why: String| {
        usage(
            format!("cannot read {what} from {}: {why}", path.display()),
            "check the path",
        )
    };
    let mut text = zeroize::Zeroizing::new(String::new());
    // A pipe has no size before it is read.
    let file = fs::File::open(path).map_err(|err| failed(err.to_string()))?;
    file.take(MAX_CLIENT_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|err| failed(err.to_string()))?;
    if text.len() as u64 > MAX_CLIENT_BYTES {
        return Err(failed("it is too large".to_owned()));
    }
    Ok(text)
}

/// Tells whether an option names a part of the redirect URI.
fn parts_given(args: &RedirectArgs) -> bool {
    args.port.is_some() || args.redirect_host.is_some() || args.redirect_path.is_some()
}

struct Redirect {
    /// It as a whole, as it was given.
    uri: Option<String>,
    host: RedirectHost,
    path: String,
    port: Option<u16>,
}

/// Works out the redirect URI; one that is named as a whole wins over one that the client's file demands.
fn redirect(args: &LoginArgs, demanded: Option<&str>) -> Result<Redirect, Error> {
    let args = &args.redirect;
    if let Some(uri) = args
        .redirect_uri
        .as_deref()
        .or(demanded.filter(|_| !parts_given(args)))
    {
        return whole_redirect(uri);
    }
    let path = args.redirect_path.as_deref().unwrap_or("/callback");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if !path.starts_with('/') || !path.bytes().all(plain) {
        return Err(usage(
            format!("{path:?} is no path"),
            "a path begins with / and holds letters, digits and - . _ ~ /",
        ));
    }
    let host = match args.redirect_host {
        None | Some(HostChoice::V4) => RedirectHost::V4,
        Some(HostChoice::V6) => RedirectHost::V6,
        Some(HostChoice::Localhost) => RedirectHost::Localhost,
    };
    Ok(Redirect {
        uri: None,
        host,
        path: path.to_owned(),
        port: args.port.filter(|port| *port != 0),
    })
}

fn whole_redirect(uri: &str) -> Result<Redirect, Error> {
    let wrong = |why: &str| {
        usage(
            format!("cannot listen on {uri}: {why}"),
            "a loopback redirect URI looks like http://127.0.0.1:8000/callback",
        )
    };
    let url = endpoint::parse(uri).map_err(|why| wrong(&why.to_string()))?;
    let host = match url.host() {
        Some(Host::Ipv4(Ipv4Addr::LOCALHOST)) => RedirectHost::V4,
        Some(Host::Ipv4(address)) if address.is_loopback() => {
            return Err(wrong(
                "of the loopback addresses only 127.0.0.1 and ::1 are listened on",
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
    // Without a port any will do; a port that is the usual one is a port all the same.
    let authority = uri.split('/').nth(2).unwrap_or_default();
    let port = url.port().or(authority.ends_with(":80").then_some(80));
    Ok(Redirect {
        uri: Some(uri.to_owned()),
        host,
        path: url.path().to_owned(),
        port,
    })
}
