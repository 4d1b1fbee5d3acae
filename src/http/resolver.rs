//! Name lookup, and which addresses are allowed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::Mutex;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as Limit;
use ureq::unversioned::transport::NextTimeout;

use super::connect;
use super::connector::ConnectError;
use super::proxy::is_socks;
use crate::oauth::endpoint::AddressScope;
use crate::os::sync::{in_thread, lock};

/// The most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 16;

/// Every address that a typed name had in this run, by any of its requests: what was connected to is among them.
static FOUND: Mutex<BTreeMap<String, Vec<IpAddr>>> = Mutex::new(BTreeMap::new());

/// A host that the user typed.
#[derive(Clone, Debug)]
pub struct TypedHost {
    /// Its name or address, as in the URL.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// It is asked without a proxy, so that its name is looked up here.
    pub direct: bool,
}

/// Finds addresses, and allows only these: public ones, those of what the user typed, and
/// others of a scope that all addresses of a typed host have.
///
/// The check comes after the name lookup, so that it sees the address that the connection will use.
#[derive(Clone, Debug, Default)]
pub struct PolicedResolver {
    typed: Vec<TypedHost>,
    proxy: Option<String>,
}

impl PolicedResolver {
    /// Allows what the user typed, and other addresses of the same scopes.
    pub fn new(typed: Vec<TypedHost>) -> Self {
        let bare = |typed: TypedHost| TypedHost {
            host: bare_host(&typed.host),
            ..typed
        };
        Self {
            typed: typed.into_iter().map(bare).collect(),
            ..Self::default()
        }
    }

    /// Returns one that also allows the proxy, which the environment names.
    pub fn behind(&self, proxy: Option<String>) -> Self {
        Self {
            proxy,
            ..self.clone()
        }
    }

    /// Tells whether an address in a URL is allowed without a lookup: a public one, one that the user typed, or one of the
    /// scope of an address that the user typed.
    pub fn permits_literal(&self, address: IpAddr) -> bool {
        self.literals().any(|typed| typed == address.to_canonical()) || self.permits(address)
    }

    /// Tells whether an address is allowed. A typed name allows the scope that all its addresses have: the owner of the name
    /// chooses its addresses.
    pub fn permits_by_lookup(&self, address: IpAddr, timeout: NextTimeout) -> bool {
        let scope = AddressScope::of(address);
        let is_in_scope = |typed: &TypedHost| {
            let found = self.addresses_of(typed, timeout);
            !found.is_empty() && found.iter().all(|found| AddressScope::of(*found) == scope)
        };
        let mut names = self
            .typed
            .iter()
            .filter(|typed| typed.direct && typed.host.parse::<IpAddr>().is_err());
        self.permits(address) || (scope != AddressScope::LinkLocal && names.any(is_in_scope))
    }

    /// Tells whether an address is public, or in the scope of a typed address. Link-local addresses do not count: cloud
    /// metadata services have them.
    fn permits(&self, address: IpAddr) -> bool {
        let scope = AddressScope::of(address);
        scope == AddressScope::Public
            || (scope != AddressScope::LinkLocal
                && self
                    .literals()
                    .any(|typed| AddressScope::of(typed) == scope))
    }

    fn literals(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.typed
            .iter()
            .filter_map(|typed| typed.host.parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
    }

    /// Returns the addresses that a typed name had so far in this run; none if it has none.
    fn addresses_of(&self, typed: &TypedHost, timeout: NextTimeout) -> Vec<IpAddr> {
        let noted = note(&typed.host, &[]);
        if !noted.is_empty() {
            return noted;
        }
        note(
            &typed.host,
            &look_up(&typed.host, typed.port, timeout).unwrap_or_default(),
        )
    }

    /// Tells whether a host that was looked up may be reached at this address.
    fn lets_through(&self, host: &str, address: IpAddr, timeout: NextTimeout) -> bool {
        if self.typed.iter().any(|typed| typed.host == host) {
            return AddressScope::of(address) != AddressScope::LinkLocal
                || host.parse::<IpAddr>().is_ok();
        }
        self.permits_by_lookup(address, timeout)
    }
}

impl Resolver for PolicedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = bare_host(uri.host().unwrap_or_default());
        let found = look_up(&host, port_of(uri), timeout)?;
        if self.proxy.as_ref() == Some(&host) {
            return Ok(self.list(first_to_answer(found, config, timeout)));
        }
        if self.typed.iter().any(|typed| typed.host == host) {
            note(&host, &found);
        }
        let (allowed, refused): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|address| self.lets_through(&host, address.ip(), timeout));
        match refused.first() {
            Some(address) if allowed.is_empty() => {
                Err(ConnectError::Forbidden(address.ip()).into())
            }
            _ => Ok(self.list(allowed)),
        }
    }
}

impl PolicedResolver {
    /// Returns the addresses as ureq wants them: no more than it holds, of both families if there are both.
    fn list(&self, addresses: Vec<SocketAddr>) -> ResolvedSocketAddrs {
        let mut list = self.empty();
        connect::order(&addresses)
            .into_iter()
            .take(MAX_ADDRESSES)
            .for_each(|address| list.push(address));
        list
    }
}

/// Notes addresses that a typed name has, and returns all that it had in this run.
fn note(host: &str, found: &[SocketAddr]) -> Vec<IpAddr> {
    let mut all = lock(&FOUND);
    let noted = all.entry(host.to_owned()).or_default();
    for address in found.iter().map(SocketAddr::ip) {
        if !noted.contains(&address) {
            noted.push(address);
        }
    }
    noted.clone()
}

/// Puts the address of a SOCKS proxy first that takes a connection: ureq tries the addresses of such a proxy by itself,
/// one after another.
fn first_to_answer(
    found: Vec<SocketAddr>,
    config: &Config,
    timeout: NextTimeout,
) -> Vec<SocketAddr> {
    if found.len() > 1 && config.proxy().is_some_and(is_socks) {
        // What it connects to is remembered, and so comes first.
        let probed: Result<TcpStream, _> =
            connect::connect(&found, timeout, std::time::Duration::ZERO);
        drop(probed);
    }
    found
}

fn port_of(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(match uri.scheme_str() {
        Some("https") => 443,
        Some(scheme) if scheme.starts_with("socks") => 1080,
        _ => 80,
    })
}

/// Looks a name up; an address needs no lookup, and so no thread for it.
fn look_up(host: &str, port: u16, timeout: NextTimeout) -> Result<Vec<SocketAddr>, ureq::Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let Limit::Exact(limit) = timeout.after else {
        return ask(host, port);
    };
    let name = host.to_owned();
    // The system's lookup has no time limit, so it is left behind when ours is over.
    let Ok(receiver) = in_thread("lookup", move || ask(&name, port)) else {
        return ask(host, port);
    };
    match receiver.recv_timeout(limit) {
        Ok(found) => found,
        Err(RecvTimeoutError::Timeout) => Err(ureq::Error::Timeout(timeout.reason)),
        Err(RecvTimeoutError::Disconnected) => Err(ureq::Error::HostNotFound),
    }
}

fn ask(host: &str, port: u16) -> Result<Vec<SocketAddr>, ureq::Error> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs()? {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    if found.is_empty() {
        Err(ureq::Error::HostNotFound)
    } else {
        Ok(found)
    }
}

/// Returns a host without the brackets of an IPv6 address.
pub fn bare_host(host: &str) -> String {
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}
