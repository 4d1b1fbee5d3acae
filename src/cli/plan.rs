//! From what the user typed to what is to be done; everything that can be wrong with it is found here.

use std::fs;
use std::path::Path;
use std::time::Duration;

use url::{Host, Url};

use super::names::{self, Target};
use super::{preset, Common, HostChoice, LoginArgs, RegistrationChoice};
use crate::clients::{Client, CLIENTS};
use crate::error::LoginError;
use crate::listener::RedirectHost;
use crate::login::{Request, Resource};
use crate::oauth::challenge;
use crate::oauth::client::{check_metadata_document_url, ClientFile};
use crate::oauth::endpoint::{self, UrlError};
use crate::oauth::secret::Secret;
use crate::register::{Identity, Way};
use crate::store::{Key, DEFAULT_PROFILE};

/// The ports that client ID metadata documents of this program list. 33418 comes last: VS Code's lists it too.
const DOCUMENT_PORTS: [u16; 3] = [33419, 33420, 33418];

/// The words that are commands; a server that looks like one of them was probably meant to be it.
const COMMANDS: [&str; 11] =
    ["check", "demo", "doctor", "exec", "handover", "headers", "login", "logout", "providers", "status", "token"];

/// How like a command a word has to be to be taken for a misspelt one.
pub(super) const LIKENESS: f64 = 0.84;

/// Longest client secret or client file, in bytes.
const MAX_CLIENT_BYTES: u64 = 64 * 1024;

/// Says what is wrong with the command, and what to do instead.
pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> LoginError {
    LoginError::Usage { message: message.into(), hint: Some(hint.into()) }
}

/// Reads a length of time: `90s`, `10m`, `1h30m`; a bare number counts seconds.
///
/// # Errors
///
/// A sentence for the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time; write it as 90s, 10m or 1h");
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for character in text.chars() {
        let unit = match character {
            '0'..='9' => {
                digits.push(character);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
    }
    if !digits.is_empty() && seconds == 0 {
        seconds = digits.parse().map_err(|_| wrong())?;
    } else if !digits.is_empty() {
        return Err(wrong());
    }
    match seconds {
        1..=604_800 => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} is out of range; it has to be between 1 s and 7 days")),
    }
}

/// Reads `KEY=VALUE`. The parameters that carry the security of the login are not the user's to set.
///
/// # Errors
///
/// A sentence for the user.
pub fn parameter(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    match key {
        "" => Err("write it as KEY=VALUE".to_owned()),
        "scope" | "resource" => Err(format!("set it with --{key}")),
        _ if endpoint::OUR_PARAMETERS.contains(&key) => Err(format!("{key} is set by mcp-login itself")),
        _ => Ok((key.to_owned(), value.to_owned())),
    }
}

/// Finds a client that a login can be handed to.
///
/// # Errors
///
/// A sentence for the user.
pub fn client(name: &str) -> Result<&'static Client, String> {
    Client::find(name).ok_or_else(|| {
        let names: Vec<_> = CLIENTS.iter().map(|client| client.name).collect();
        format!("the clients are {}", names.join(", "))
    })
}

/// Checks the name of an environment variable.
///
/// # Errors
///
/// A sentence for the user.
pub fn variable(name: &str) -> Result<String, String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("the name of a variable holds letters, digits and _".to_owned());
    }
    Ok(name.to_owned())
}

/// A server as the user named it.
#[derive(Debug)]
pub struct Server {
    /// Its name in the store.
    pub key: Key,
    /// Its URL; `None` for a name of the user's own.
    pub url: Option<Url>,
    /// What the user typed, without fragment.
    pub text: String,
}

/// Reads one SERVER argument. A name of the user's own is fine where an issuer is given too.
///
/// # Errors
///
/// [`LoginError::Usage`].
pub fn server(text: &str, common: &Common, has_issuer: bool) -> Result<Server, LoginError> {
    let profile = profile(common)?;
    if !text.contains("://") {
        if has_issuer && is_name(text) {
            let key = Key { server: text.to_owned(), profile };
            return Ok(Server { key, url: None, text: text.to_owned() });
        }
        return Err(no_url(text, None));
    }
    let text = text.split('#').next().unwrap_or(text);
    let url = endpoint::parse(text).map_err(|why| {
        usage(format!("cannot log in to {}: {why}", without_password(text)), "give the URL of the MCP server")
    })?;
    if url.scheme() == "http" && !endpoint::is_loopback(&url) {
        let message = format!("cannot log in to {text}: {}", UrlError::Plaintext);
        return Err(usage(message, format!("try {}", text.replacen("http://", "https://", 1))));
    }
    Ok(Server { key: Key { server: account(&url), profile }, text: text.to_owned(), url: Some(url) })
}

/// Returns the name of a server in the store.
pub(super) fn account(url: &Url) -> String {
    let text = url.as_str();
    if url.path() == "/" && url.query().is_none() { text.trim_end_matches('/') } else { text }.to_owned()
}

/// Returns a URL as it may be shown: a user name in it may come with a password.
fn without_password(text: &str) -> &str {
    if text.contains('@') {
        "this URL"
    } else {
        text
    }
}

/// Finds the login that a word means: a URL, the name of a login at a provider without an MCP server, or a name in the
/// configuration of a client, or of the one client `from`. For a URL nothing is read. Where there is just one login at a
/// provider of that name, it is meant whatever its profile is.
///
/// # Errors
///
/// [`LoginError::Usage`] if it is none of them.
pub fn stored(text: &str, from: Option<&str>, common: &Common, logins: &[Key]) -> Result<Key, LoginError> {
    let known: Vec<_> = logins.iter().filter(|key| key.server == text).collect();
    if known.is_empty() {
        let url = if text.contains("://") { text.to_owned() } else { names::find(text, from, logins)?.url };
        return server(&url, common, false).map(|server| server.key);
    }
    let key = Key { server: text.to_owned(), profile: profile(common)? };
    match known.as_slice() {
        _ if common.profile.is_some() || known.contains(&&key) || text.contains("://") => Ok(key),
        [only] => Ok((*only).clone()),
        _ => {
            let profiles = known.iter().map(|key| key.profile.as_str()).collect::<Vec<_>>().join(", ");
            Err(usage(format!("there are several logins to {text}"), format!("name one with --profile: {profiles}")))
        }
    }
}

/// Finds all logins that a word means, whatever their profiles are; without one, the login that it would mean.
///
/// # Errors
///
/// As for [`stored`].
pub fn all_stored(text: &str, from: Option<&str>, common: &Common, logins: &[Key]) -> Result<Vec<Key>, LoginError> {
    let all: Vec<_> = logins.iter().filter(|key| key.server == text && !text.contains("://")).cloned().collect();
    if common.profile.is_some() || all.is_empty() {
        return stored(text, from, common, logins).map(|key| vec![key]);
    }
    Ok(all)
}

/// Returns the only login there is; if there are several, the only one in the profile.
///
/// # Errors
///
/// [`LoginError::Usage`] if there are several; [`LoginError::NotLoggedIn`] if there is none.
pub fn only(common: &Common, logins: &[Key]) -> Result<Key, LoginError> {
    let profile = profile(common)?;
    let is_alone = common.profile.is_none() && logins.len() == 1;
    let mut candidates = logins.iter().filter(|key| is_alone || key.profile == profile);
    match (candidates.next(), candidates.next()) {
        (Some(key), None) => Ok(key.clone()),
        (None, _) => Err(LoginError::NotLoggedIn {
            message: "there is no login in the store".to_owned(),
            hint: "mcp-login SERVER".to_owned(),
        }),
        (Some(_), Some(_)) => Err(usage("there are several logins", "name the server; `mcp-login status` lists them")),
    }
}

/// Says what is wrong with a word that names nothing; `like` is a name that it may be meant to be.
pub(super) fn no_url(text: &str, like: Option<String>) -> LoginError {
    let is_like = |command: &&&str| strsim::jaro_winkler(command, text) >= LIKENESS;
    if let Some(command) = COMMANDS.iter().find(is_like) {
        return usage(format!("there is no command {text}"), format!("did you mean `mcp-login {command}`?"));
    }
    if let Some(name) = like {
        return usage(format!("no client names a server {text}"), format!("did you mean {name}?"));
    }
    let local = text.starts_with("localhost") || text.starts_with("127.") || text.starts_with("[::1]");
    let scheme = if local { "http" } else { "https" };
    match Url::parse(&format!("{scheme}://{text}")) {
        Ok(url) if text.contains(['.', ':', '/']) || local => {
            usage(format!("{text} is not a URL"), format!("did you mean {url}?"))
        }
        _ => usage(
            format!("{text} is neither the URL of a server nor the name of one in a client's configuration"),
            "give the URL of the MCP server, such as https://mcp.example.com/mcp; with --issuer, any name will do",
        ),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte))
}

fn profile(common: &Common) -> Result<String, LoginError> {
    match common.profile.as_deref() {
        None => Ok(DEFAULT_PROFILE.to_owned()),
        Some(name) if is_name(name) => Ok(name.to_owned()),
        Some(_) => {
            Err(usage("a profile is 1 to 64 letters, digits or . _ @ + -", "leave out --profile for the default one"))
        }
    }
}

/// Works out the logins that the user asks for.
///
/// # Errors
///
/// [`LoginError::Usage`] for whatever makes no sense.
pub fn logins(
    args: &LoginArgs,
    targets: &[Target],
    common: &Common,
    env_secret: Option<Secret>,
) -> Result<Vec<Request>, LoginError> {
    one_server_options(args, args.all || targets.len() > 1)?;
    if let Some(issuer) = &args.request.issuer {
        endpoint::parse(issuer).map_err(|why| {
            usage(
                format!("cannot use {} as the issuer: {why}", without_password(issuer)),
                "give it as in the server's metadata",
            )
        })?;
    }
    if args.request.challenge.as_ref().is_some_and(|value| challenge::bearer([value.as_str()]).is_none()) {
        return Err(usage(
            "there is no Bearer challenge in --challenge",
            "give it the whole value of the WWW-Authenticate header",
        ));
    }
    let mut requests: Vec<Request> = Vec::new();
    for target in targets {
        let args = target.complete(args);
        let (identity, (demanded, endpoints)) = identity(&args, env_secret.clone())?;
        let redirect = redirect(&args, demanded.as_deref())?;
        let has_issuer = args.request.issuer.is_some() || args.provider.provider.is_some();
        let server = server(&target.text, &of_account(&args, common), has_issuer)?;
        let mut request = request(&args, server, &identity, &redirect);
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
/// [`LoginError::Usage`].
pub fn anywhere(args: &LoginArgs, common: &Common, env_secret: Option<Secret>) -> Result<Request, LoginError> {
    let identity = identity(args, env_secret)?;
    let redirect = redirect(args, identity.1 .0.as_deref())?;
    let key = Key { server: "any server".to_owned(), profile: profile(common)? };
    Ok(request(args, Server { key, url: None, text: String::new() }, &identity.0, &redirect))
}

/// Where no server is named, a login at a provider is known by the account too that the user names: several accounts stay
/// apart without a thought of profiles.
fn of_account(args: &LoginArgs, common: &Common) -> Common {
    let is_alone = args.provider.provider.is_some() && args.servers.is_empty() && !args.all;
    let account = args.login_hint.as_ref().filter(|hint| is_alone && common.profile.is_none() && is_name(hint));
    Common { profile: account.or(common.profile.as_ref()).cloned(), ..common.clone() }
}

fn request(args: &LoginArgs, server: Server, identity: &Identity, redirect: &Redirect) -> Request {
    let scopes = args.request.scope.iter().flat_map(|scopes| scopes.split_whitespace());
    Request {
        key: server.key,
        server: server.url,
        server_text: server.text,
        issuer: args.request.issuer.clone(),
        challenge: args.request.challenge.clone(),
        assume_pkce: args.request.assume_pkce,
        force: args.force,
        redirect_host: redirect.host,
        redirect_path: redirect.path.clone(),
        port: redirect.port,
        likely_ports: if identity.metadata_url.is_some() { DOCUMENT_PORTS.to_vec() } else { Vec::new() },
        identity: identity.clone(),
        scopes: scopes.map(str::to_owned).collect(),
        resource: match (&args.request.resource, args.request.no_resource) {
            (_, true) => Resource::Omitted,
            (Some(resource), _) => Resource::Given(resource.clone()),
            (None, false) => Resource::Discovered,
        },
        parameters: args.request.param.clone(),
        login_hint: args.login_hint.clone(),
        provider: None,
        known: None,
        google_tools: None,
    }
}

/// Options that belong to one server make no sense for several.
fn one_server_options(args: &LoginArgs, several: bool) -> Result<(), LoginError> {
    let client = &args.client;
    let given = [
        ("--port", args.redirect.port.is_some()),
        ("--redirect-uri", args.redirect.redirect_uri.is_some()),
        ("--client-id", client.client_id.is_some()),
        ("--client-file", client.client_file.is_some()),
        ("--client-secret-file", client.client_secret_file.is_some()),
        ("--client-metadata-url", client.client_metadata_url.is_some()),
        ("--resource", args.request.resource.is_some()),
        ("--challenge", args.request.challenge.is_some()),
        ("--issuer", args.request.issuer.is_some()),
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
fn identity(args: &LoginArgs, env_secret: Option<Secret>) -> Result<(Identity, FromFile), LoginError> {
    let client = &args.client;
    if client.client_secret.is_some() {
        return Err(usage(
            "a client secret is not taken as an argument: every user of this machine could read it",
            "use --client-secret-file FILE, or the environment variable MCP_LOGIN_CLIENT_SECRET",
        ));
    }
    if let Some(url) = &client.client_metadata_url {
        check_metadata_document_url(url).map_err(|why| {
            usage(format!("cannot use {url} as a client identifier: {why}"), "see --client-metadata-url")
        })?;
    }
    if client.client_secret_file.is_some() && client.client_id.is_none() && client.client_file.is_none() {
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
        way: match client.registration {
            RegistrationChoice::Auto => Way::Auto,
            RegistrationChoice::Static => Way::Static,
            RegistrationChoice::Cimd => Way::MetadataDocument,
            RegistrationChoice::Dcr => Way::Dynamic,
        },
        client_id: client.client_id.clone(),
        client_secret: secret,
        metadata_url: client.client_metadata_url.clone(),
        issuer: args.request.issuer.clone(),
    };
    let Some(path) = &client.client_file else { return Ok((identity, (None, None))) };
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

fn read(path: &Path, what: &str) -> Result<zeroize::Zeroizing<String>, LoginError> {
    let failed = |why: String| usage(format!("cannot read {what} from {}: {why}", path.display()), "check the path");
    let size = fs::metadata(path).map_err(|err| failed(err.to_string()))?.len();
    if size > MAX_CLIENT_BYTES {
        return Err(failed("it is too large".to_owned()));
    }
    fs::read_to_string(path).map(zeroize::Zeroizing::new).map_err(|err| failed(err.to_string()))
}

struct Redirect {
    host: RedirectHost,
    path: String,
    port: Option<u16>,
}

/// Works out the redirect URI; one that is named as a whole wins over one that the client's file demands.
fn redirect(args: &LoginArgs, demanded: Option<&str>) -> Result<Redirect, LoginError> {
    let args = &args.redirect;
    let parts_given = args.port.is_some() || args.redirect_host.is_some() || args.redirect_path != "/callback";
    if let Some(uri) = args.redirect_uri.as_deref().or(demanded.filter(|_| !parts_given)) {
        return whole_redirect(uri);
    }
    let path = &args.redirect_path;
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
    Ok(Redirect { host, path: path.clone(), port: args.port.filter(|port| *port != 0) })
}

fn whole_redirect(uri: &str) -> Result<Redirect, LoginError> {
    let wrong = |why: &str| {
        usage(
            format!("cannot listen on {uri}: {why}"),
            "a loopback redirect URI looks like http://127.0.0.1:8000/callback",
        )
    };
    let url = endpoint::parse(uri).map_err(|why| wrong(&why.to_string()))?;
    let host = match url.host() {
        Some(Host::Ipv4(address)) if address.is_loopback() => RedirectHost::V4,
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
    Ok(Redirect { host, path: url.path().to_owned(), port: url.port() })
}
