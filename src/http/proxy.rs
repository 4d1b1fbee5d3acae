//! The proxy for a URL: the variables of the environment, read as curl and Go read them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::Mutex;

use ureq::{Proxy, ProxyProtocol};
use url::{Host, Url};

use crate::oauth::endpoint;
use crate::oauth::text::{is_plain, printable};
use crate::os::sync::lock;
use crate::warning::warn_user;

/// The variables that may name a proxy; of those for a scheme the first one that is set counts.
const VARIABLES: [&str; 6] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// The variables that name what is asked directly, the first one that is set counts.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A variable that is set to name a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySetting {
    /// The variable.
    pub variable: &'static str,
    /// The proxy, without user name and password; `None` if what it is set to cannot be read.
    pub proxy: Option<String>,
}

/// A proxy, and the variable that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyChoice {
    pub variable: &'static str,
    pub proxy: Proxy,
}

impl ProxyChoice {
    /// Returns the proxy's URL, without user name and password.
    pub fn place(&self) -> String {
        let proxy = &self.proxy;
        format!(
            "{}://{}:{}",
            proxy.uri().scheme_str().unwrap_or("http"),
            proxy.host(),
            proxy.port()
        )
    }
}

/// Tells whether a proxy is asked in the SOCKS protocol.
pub(super) fn is_socks(proxy: &Proxy) -> bool {
    !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
}

/// Returns the variables that are set to name a proxy.
pub fn proxies() -> Vec<ProxySetting> {
    let setting = |variable: &'static str| {
        let value = value(variable, &environment)?;
        let proxy = value
            .ok()
            .and_then(|value| read(&value))
            .map(|proxy| ProxyChoice { variable, proxy }.place());
        Some(ProxySetting { variable, proxy })
    };
    VARIABLES.into_iter().filter_map(setting).collect()
}

/// Returns what is wrong with the list of exceptions, in words; nothing if all of it can be read.
pub fn unreadable_exceptions() -> Vec<String> {
    unreadable(&environment)
}

/// Returns the proxy through which a server is asked, without user name and password; `None` if it is asked directly.
pub fn proxy_for(server: &Url) -> Option<String> {
    let (chosen, _) = choose(server, &environment);
    chosen.map(|chosen| chosen.place())
}

/// Returns the proxy through which a URL is asked; `None` if it is asked directly. What is set for this and cannot be
/// read is ignored with a warning, once in a run.
pub(super) fn chosen(url: &Url) -> Option<ProxyChoice> {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let (chosen, warnings) = choose(url, &environment);
    let mut warned = lock(&WARNED);
    for warning in warnings {
        if warned.insert(warning.clone()) {
            warn_user!(ProxyIgnored, "{warning}");
        }
    }
    chosen
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns what a variable is set to, without blanks and quotes around it; `None` if that is nothing.
fn value(
    name: &str,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Option<Result<String, OsString>> {
    let value = environment(name)?.into_string();
    let value = value.map(|value| bare(&value).to_owned());
    Some(value).filter(|value| *value != Ok(String::new()))
}

/// Returns a text without the blanks and quotes around it, which files of settings leave there.
fn bare(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '"' || letter == '\'')
}

/// Chooses as curl does, and returns with the proxy what was ignored because it cannot be read: the variable for the scheme
/// before `ALL_PROXY`, the lower case before the upper case, none for what `NO_PROXY` names; and none for loopback.
/// `HTTP_PROXY` counts too, as for Go, but in a CGI program, where the header `Proxy` of a request would set it.
fn choose(
    url: &Url,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> (Option<ProxyChoice>, Vec<String>) {
    let mut warnings = Vec::new();
    if endpoint::is_loopback(url) {
        return (None, warnings);
    }
    let is_cgi = environment("REQUEST_METHOD").is_some();
    let of_scheme = format!("{}_proxy", url.scheme());
    let counts = |variable: &&str| {
        let name = variable.to_ascii_lowercase();
        (name == of_scheme || name == "all_proxy") && !(is_cgi && *variable == "HTTP_PROXY")
    };
    for variable in VARIABLES.into_iter().filter(counts) {
        let Some(value) = value(variable, environment) else {
            continue;
        };
        let Some(proxy) = value.ok().and_then(|value| read(&value)) else {
            warnings.push(format!(
                "{variable} does not name a proxy that can be used; it is ignored (in a password # is %23, / is %2F and \\ is %5C)"
            ));
            continue;
        };
        warnings.extend(unreadable(environment));
        let is_excepted = exceptions(environment).is_some_and(|(_, list)| is_excepted(url, &list));
        let chosen = (!is_excepted).then_some(ProxyChoice { variable, proxy });
        return (chosen, warnings);
    }
    (None, warnings)
}

/// Reads the URL of a proxy; without a scheme it is one of HTTP.
fn read(value: &str) -> Option<Proxy> {
    let value = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    // Read so, a password may hold characters that do not belong into a URL as they are.
    let url = Url::parse(&value)
        .ok()
        .filter(|url| url.host_str().is_some_and(|host| !host.is_empty()))?;
    // A slash in a password ends the host too early: the rest of the password would be shown as the path.
    if url[url::Position::AfterPort..].contains('@') {
        return None;
    }
    Proxy::new(url.as_str()).ok()
}

fn exceptions(environment: &impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, String)> {
    EXCEPTIONS
        .into_iter()
        .find_map(|name| Some((name, value(name, environment)?.ok()?)))
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter == ',' || letter.is_whitespace())
        .map(bare)
        .filter(|entry| !entry.is_empty())
}

/// Tells whether a list of exceptions names the host of a URL.
fn is_excepted(url: &Url, list: &str) -> bool {
    entries(list)
        .filter_map(NoProxyEntry::read)
        .any(|exception| exception.matches(url))
}

fn unreadable(environment: &impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let Some((variable, list)) = exceptions(environment) else {
        return Vec::new();
    };
    let entries = entries(&list).filter(|entry| NoProxyEntry::read(entry).is_none());
    let words = |entry: &str| match entry.contains('@') {
        // What has a user name may have a password too.
        true => format!("an entry of {variable} cannot be understood; it is ignored"),
        false => format!(
            "the entry {} of {variable} cannot be understood; it is ignored",
            printable(entry)
        ),
    };
    entries.map(words).collect()
}

/// An entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
struct NoProxyEntry {
    host: NoProxyHost,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum NoProxyHost {
    /// Every host.
    All,
    /// The host of this name, and its subdomains.
    Domain(String),
    /// The addresses that begin with this many bits of this one.
    Network(IpAddr, u32),
}

impl NoProxyEntry {
    /// Reads an entry: a name, an address, a network as `ADDRESS/BITS`, or `*`; the first two perhaps with a port.
    fn read(entry: &str) -> Option<Self> {
        let of = |host, port| Some(Self { host, port });
        if entry == "*" {
            return of(NoProxyHost::All, None);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = unbracketed(address).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return of(NoProxyHost::Network(address, bits), None);
        }
        let (host, port) = match entry.rsplit_once(':') {
            // An IPv6 address without brackets has colons of its own.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (entry, None),
        };
        if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
            return of(NoProxyHost::Network(address, width(address)), port);
        }
        let name = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let name = name.strip_prefix('.').unwrap_or(name);
        match Host::parse(name).ok()? {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
                let is_name = !name.is_empty() && is_plain(&name, "-._");
                of(NoProxyHost::Domain(name), port).filter(|_| is_name)
            }
            // Half an address, such as `192.168.`, would be read as a whole one.
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    fn matches(&self, url: &Url) -> bool {
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        match (&self.host, url.host()) {
            (NoProxyHost::All, _) => true,
            (NoProxyHost::Domain(domain), Some(Host::Domain(name))) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let above = name.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (NoProxyHost::Network(network, bits), Some(Host::Ipv4(address))) => {
                shares(address.into(), *network, *bits)
            }
            (NoProxyHost::Network(network, bits), Some(Host::Ipv6(address))) => {
                shares(address.into(), *network, *bits)
            }
            _ => false,
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Returns how many bits an address has.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() {
        32
    } else {
        128
    }
}

/// Tells whether an address begins with as many bits of a network's.
fn shares(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address.to_canonical(), network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u32::from(one) ^ u32::from(other)).leading_zeros() >= bits
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (u128::from(one) ^ u128::from(other)).leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
