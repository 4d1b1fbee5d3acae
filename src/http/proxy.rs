//! Which proxy stands before a server: the variables of the environment, read as curl and Go read them.

use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::Once;

use ureq::{Proxy, ProxyProtocol};
use url::{Host, Url};

use crate::oauth::endpoint;
use crate::oauth::text::printable;

/// The variables that may name a proxy for `https`, the first one that is set counts.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables that may name a proxy for `http`, the first one that is set counts.
const FOR_HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// All of them.
const ALL: [&str; 6] = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

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
pub(super) struct Chosen {
    pub variable: &'static str,
    pub proxy: Proxy,
}

impl Chosen {
    /// Returns the proxy's URL, without user name and password.
    pub fn place(&self) -> String {
        let proxy = &self.proxy;
        format!("{}://{}:{}", proxy.uri().scheme_str().unwrap_or("http"), proxy.host(), proxy.port())
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
        let proxy = value.ok().and_then(|value| read(&value)).map(|proxy| Chosen { variable, proxy }.place());
        Some(ProxySetting { variable, proxy })
    };
    ALL.into_iter().filter_map(setting).collect()
}

/// Returns the entries of `NO_PROXY` that cannot be read.
pub fn unreadable_exceptions() -> Vec<String> {
    exceptions(&environment).map(|(_, text)| unreadable(&text)).unwrap_or_default()
}

/// Returns the proxy through which a server is asked, without user name and password; `None` if it is asked directly.
pub fn proxy_for(server: &Url) -> Option<String> {
    choose(server, &environment).map(|chosen| chosen.place())
}

/// Returns the proxy through which a URL is asked; `None` if it is asked directly. What is set and cannot be read is
/// passed over with a warning, once in a run.
pub(super) fn chosen(url: &Url) -> Option<Chosen> {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        for setting in proxies().iter().filter(|setting| setting.proxy.is_none()) {
            log::warn!("{} does not name a proxy that can be used; it is ignored", setting.variable);
        }
        for entry in unreadable_exceptions() {
            log::warn!("the entry {entry} of NO_PROXY cannot be understood; it is ignored");
        }
    });
    choose(url, &environment)
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns what a variable is set to, without blanks and quotes around it; `None` if that is nothing.
fn value(name: &str, environment: &impl Fn(&str) -> Option<OsString>) -> Option<Result<String, OsString>> {
    let value = match environment(name)?.into_string() {
        Ok(value) => value,
        Err(value) => return Some(Err(value)),
    };
    let value = bare(&value);
    (!value.is_empty()).then(|| Ok(value.to_owned()))
}

/// Returns a text without the blanks and quotes around it, which files of settings leave there.
fn bare(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '"' || letter == '\'')
}

/// Chooses as curl does: the variable for the scheme before `ALL_PROXY`, the lower case before the upper case, none for
/// what `NO_PROXY` names; and none for loopback. `HTTP_PROXY` counts too, as for Go, but in a CGI program, where the
/// header `Proxy` of a request would set it.
fn choose(url: &Url, environment: &impl Fn(&str) -> Option<OsString>) -> Option<Chosen> {
    if endpoint::is_loopback(url) {
        return None;
    }
    let is_cgi = environment("REQUEST_METHOD").is_some();
    let variables = if url.scheme() == "https" { FOR_HTTPS } else { FOR_HTTP };
    let readable = |variable: &'static str| {
        let value = value(variable, environment)?.ok()?;
        Some(Chosen { variable, proxy: read(&value)? })
    };
    let counts = |variable: &&str| !(is_cgi && *variable == "HTTP_PROXY");
    let chosen = variables.into_iter().filter(counts).find_map(readable)?;
    let excepted = exceptions(environment).is_some_and(|(_, text)| is_excepted(url, &text));
    (!excepted).then_some(chosen)
}

/// Reads the URL of a proxy; without a scheme it is one of HTTP.
fn read(value: &str) -> Option<Proxy> {
    let value = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    // Read so, a password may hold characters that do not belong into a URL as they are.
    let url = Url::parse(&value).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()))?;
    // A password that holds a slash or the like ends the host too early: what follows would be taken for it, and shown.
    if url[url::Position::AfterPort..].contains('@') {
        return None;
    }
    Proxy::new(url.as_str()).ok()
}

fn exceptions(environment: &impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, String)> {
    EXCEPTIONS.into_iter().find_map(|name| Some((name, value(name, environment)?.ok()?)))
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter == ',' || letter.is_whitespace()).map(bare).filter(|entry| !entry.is_empty())
}

/// Tells whether a list of exceptions names the host of a URL.
fn is_excepted(url: &Url, list: &str) -> bool {
    entries(list).filter_map(Exception::read).any(|exception| exception.matches(url))
}

fn unreadable(list: &str) -> Vec<String> {
    entries(list).filter(|entry| Exception::read(entry).is_none()).map(printable).collect()
}

/// An entry of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
struct Exception {
    host: Excepted,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Excepted {
    /// Every host.
    All,
    /// The host of this name, and all whose names end with it after a dot.
    Domain(String),
    /// The addresses that begin with this many bits of this one.
    Network(IpAddr, u32),
}

impl Exception {
    /// Reads an entry: a name, an address, a network as `ADDRESS/BITS`, or `*`; the first two perhaps with a port.
    fn read(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self { host: Excepted::All, port: None });
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = unbracketed(address).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(Self { host: Excepted::Network(address, bits), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            // An IPv6 address without brackets has colons of its own.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
            return Some(Self { host: Excepted::Network(address, width(address)), port });
        }
        let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let name = name.strip_prefix('.').unwrap_or(name);
        match Host::parse(name).ok()? {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
                let is_name =
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
                is_name.then_some(Self { host: Excepted::Domain(name), port })
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
            (Excepted::All, _) => true,
            (Excepted::Domain(domain), Some(Host::Domain(name))) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let above = name.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Excepted::Network(network, bits), Some(Host::Ipv4(address))) => shares(address.into(), *network, *bits),
            (Excepted::Network(network, bits), Some(Host::Ipv6(address))) => shares(address.into(), *network, *bits),
            _ => false,
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
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
        (IpAddr::V4(one), IpAddr::V4(other)) => (u32::from(one) ^ u32::from(other)).leading_zeros() >= bits,
        (IpAddr::V6(one), IpAddr::V6(other)) => (u128::from(one) ^ u128::from(other)).leading_zeros() >= bits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    /// Returns the variable and the proxy that these settings give, written as `NAME=VALUE`, for a URL.
    fn way(settings: &[&str], to: &str) -> String {
        let environment = |name: &str| {
            let set = settings.iter().filter_map(|setting| setting.split_once('='));
            set.filter(|(set, _)| *set == name).map(|(_, value)| OsString::from(value)).next()
        };
        choose(&url(to), &environment).map_or("direct".to_owned(), |it| format!("{} {}", it.variable, it.place()))
    }

    #[test]
    fn p50_the_variable_of_the_scheme_wins() {
        let (https, http) = ("https://mcp.example/mcp", "http://mcp.example/mcp");
        for (settings, to, expected) in [
            (&[][..], https, "direct"),
            (&["HTTPS_PROXY=http://a:1", "ALL_PROXY=http://b:2"], https, "HTTPS_PROXY http://a:1"),
            (&["ALL_PROXY=http://b:2", "https_proxy=http://a:1"], https, "https_proxy http://a:1"),
            (&["HTTPS_PROXY=http://a:1", "https_proxy=http://b:2"], https, "https_proxy http://b:2"),
            (&["ALL_PROXY=http://a:1", "all_proxy=http://b:2"], https, "all_proxy http://b:2"),
            (&["ALL_PROXY=socks5h://a:1"], https, "ALL_PROXY socks5h://a:1"),
            (&["HTTP_PROXY=http://a:1"], https, "direct"),
            (&["http_proxy=http://a:1"], https, "direct"),
            (&["HTTPS_PROXY=http://a:1"], http, "direct"),
            (&["http_proxy=http://a:1"], http, "http_proxy http://a:1"),
            (&["HTTP_PROXY=http://a:1"], http, "HTTP_PROXY http://a:1"),
            (&["HTTP_PROXY=http://a:1", "REQUEST_METHOD=GET"], http, "direct"),
            (&["http_proxy=http://a:1", "REQUEST_METHOD=GET"], http, "http_proxy http://a:1"),
            (&["HTTP_PROXY=http://a:1", "ALL_PROXY=http://b:2"], https, "ALL_PROXY http://b:2"),
            (&["HTTPS_PROXY=", "ALL_PROXY=http://b:2"], https, "ALL_PROXY http://b:2"),
            (&["HTTPS_PROXY= ", "ALL_PROXY=http://b:2"], https, "ALL_PROXY http://b:2"),
            (&["HTTPS_PROXY=ftp://a:1", "ALL_PROXY=http://b:2"], https, "ALL_PROXY http://b:2"),
            (&["HTTPS_PROXY=ftp://a:1"], https, "direct"),
            (&["HTTPS_PROXY=http://a:1"], "https://localhost/mcp", "direct"),
            (&["HTTPS_PROXY=http://a:1"], "https://127.9.9.9/mcp", "direct"),
            (&["HTTPS_PROXY=http://a:1"], "https://[::1]/mcp", "direct"),
            (&["HTTP_PROXY=http://a:1"], "http://as.localhost/mcp", "direct"),
        ] {
            assert_eq!(way(settings, to), expected, "{settings:?} {to}");
        }
    }

    #[test]
    fn p50_what_a_value_may_look_like() {
        for (value, expected) in [
            ("http://proxy.example:3128", Some("http://proxy.example:3128")),
            ("proxy.example:3128", Some("http://proxy.example:3128")),
            ("proxy.example", Some("http://proxy.example:80")),
            ("10.0.0.1:8080", Some("http://10.0.0.1:8080")),
            ("http://[fd00::1]:8080", Some("http://[fd00::1]:8080")),
            ("  http://proxy.example:3128\t", Some("http://proxy.example:3128")),
            ("\"http://proxy.example:3128\"", Some("http://proxy.example:3128")),
            ("' http://proxy.example:3128 '", Some("http://proxy.example:3128")),
            ("http://proxy.example:3128/", Some("http://proxy.example:3128")),
            ("http://proxy.example:3128/path?x", Some("http://proxy.example:3128")),
            ("HTTP://PROXY.example:3128", Some("http://proxy.example:3128")),
            ("https://proxy.example", Some("https://proxy.example:443")),
            ("socks5://ada:pw@proxy.example", Some("socks5://proxy.example:1080")),
            ("http://ada:pa@ss#w/rd@proxy.example:1", None),
            ("http://ada:p@ss@proxy.example:1", Some("http://proxy.example:1")),
            ("ada:p%40ss@proxy.example:1", Some("http://proxy.example:1")),
            ("", None),
            ("\"\"", None),
            ("http://", None),
            ("http://:8080", None),
            ("http://proxy.example:port", None),
            ("http://proxy.example:99999", None),
            ("gopher://proxy.example", None),
            ("http://two words:1", None),
        ] {
            let setting = format!("HTTPS_PROXY={value}");
            let expected = expected.map_or("direct".to_owned(), |place| format!("HTTPS_PROXY {place}"));
            assert_eq!(way(&[&setting], "https://mcp.example"), expected, "{value}");
        }
        let password = |value| read(value).and_then(|proxy| proxy.password().map(str::to_owned));
        for (value, expected) in [
            ("http://ada:p%40s%25s@proxy.example", "p@s%s"),
            ("http://ada:p@ss@proxy.example", "p@ss"),
            ("http://ada:p^s|s@proxy.example", "p^s|s"),
            ("socks5h://ada:pw@proxy.example", "pw"),
        ] {
            assert_eq!(password(value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn p50_what_no_proxy_excepts() {
        for (list, to, expected) in [
            ("corp.example", "https://mcp.corp.example/mcp", true),
            ("corp.example", "https://corp.example", true),
            ("CORP.Example", "https://mcp.corp.example", true),
            (".corp.example", "https://mcp.corp.example", true),
            (".corp.example", "https://corp.example", true),
            ("*.corp.example", "https://mcp.corp.example", true),
            ("corp.example.", "https://mcp.corp.example", true),
            ("corp.example", "https://mcp.corp.example.", true),
            ("corp.example", "https://evilcorp.example", false),
            ("mcp.corp.example", "https://corp.example", false),
            ("corp", "https://mcp.corp.example", false),
            ("example", "https://mcp.corp.example", true),
            ("other.example , corp.example ", "https://mcp.corp.example", true),
            ("other.example corp.example", "https://mcp.corp.example", true),
            ("other.example,,\tcorp.example", "https://mcp.corp.example", true),
            (" ,\"corp.example\"", "https://mcp.corp.example", true),
            ("*", "https://mcp.corp.example", true),
            (" * ", "https://10.1.2.3", true),
            ("other.example,*", "https://mcp.corp.example", true),
            ("corp.example:443", "https://mcp.corp.example", true),
            ("corp.example:8443", "https://mcp.corp.example", false),
            ("corp.example:8443", "https://mcp.corp.example:8443", true),
            ("corp.example:80", "http://corp.example", true),
            ("10.0.0.0/8", "https://10.1.2.3", true),
            ("10.0.0.0/8", "https://11.1.2.3", false),
            ("10.1.2.3/8", "https://10.9.9.9", true),
            ("10.1.2.0/23", "https://10.1.3.255", true),
            ("10.1.2.0/23", "https://10.1.4.0", false),
            ("0.0.0.0/0", "https://93.184.216.34", true),
            ("0.0.0.0/0", "https://[2001:db8::1]", false),
            ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", true),
            ("10.1.2.3", "https://10.1.2.3", true),
            ("10.1.2.3", "https://10.1.2.30", false),
            ("10.1.2.3:443", "https://10.1.2.3", true),
            ("10.1.2.3:8443", "https://10.1.2.3", false),
            ("10.0.0.0/8", "https://mcp.corp.example", false),
            ("fd00::/8", "https://[fd12::1]", true),
            ("fd00::/8", "https://[fe80::1]", false),
            ("fd12::1", "https://[fd12:0::1]", true),
            ("[fd12::1]:443", "https://[fd12::1]", true),
            ("[fd12::1]:8443", "https://[fd12::1]", false),
            ("[fd12::1]", "https://[fd12::1]", true),
            ("b\u{fc}cher.example", "https://xn--bcher-kva.example", true),
            ("mcp.corp.example/24", "https://mcp.corp.example", false),
            ("10.0.0.0/33", "https://10.0.0.0", false),
            ("", "https://mcp.corp.example", false),
        ] {
            assert_eq!(is_excepted(&url(to), list), expected, "{list:?} {to}");
        }
        for (lower, upper, expected) in [("", "mcp.example", "direct"), ("other.example", "mcp.example", "through")] {
            let settings =
                [format!("no_proxy={lower}"), format!("NO_PROXY={upper}"), "ALL_PROXY=http://a:1".to_owned()];
            let settings: Vec<_> = settings.iter().map(String::as_str).collect();
            assert_eq!(way(&settings, "https://mcp.example") == "direct", expected == "direct", "{lower} {upper}");
        }
    }

    #[test]
    fn p50_entries_that_say_nothing_are_found() {
        let list = "corp.example, http://x.example,10.0.0.0/99 192.168. foo*,a:b,*,[::1]:1,10.0.0.0/8,a..b";
        let expected = ["http://x.example", "10.0.0.0/99", "192.168.", "foo*", "a:b"];
        assert_eq!(unreadable(list), expected);
    }
}
