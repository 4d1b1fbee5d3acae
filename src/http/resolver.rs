//! Which addresses a name may lead to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::oauth::endpoint::Region;

/// Finds addresses and lets through only those that may be asked: public ones, those of what the user typed, and
/// others of the same region as these.
///
/// The check stands here, behind the name lookup, so that a name cannot mean one address to the check and another to
/// the connection.
#[derive(Clone, Debug, Default)]
pub struct PolicedResolver {
    typed: Vec<(String, u16)>,
    regions: Arc<OnceLock<Vec<Region>>>,
    proxy: Option<String>,
}

/// An address that may not be asked.
#[derive(Debug)]
pub struct ForbiddenAddress(pub IpAddr);

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the address {} is not a public one", self.0)
    }
}

impl std::error::Error for ForbiddenAddress {}

impl PolicedResolver {
    /// Lets through what the user typed: these hosts and ports, and what lies in their regions.
    pub fn new(typed: Vec<(String, u16)>) -> Self {
        Self { typed, ..Self::default() }
    }

    /// Returns one that lets through the proxy too, which the user's own settings name.
    pub fn behind(&self, proxy: Option<String>) -> Self {
        Self { proxy, ..self.clone() }
    }

    /// Tells whether an address may be asked: a public one, or one of a region of what the user typed.
    pub fn permits_by_lookup(&self, address: IpAddr, config: &Config, timeout: NextTimeout) -> bool {
        self.permits(address) || self.regions(config, timeout).contains(&Region::of(address))
    }

    /// Tells the same as far as it is known without a lookup.
    pub fn permits(&self, address: IpAddr) -> bool {
        let region = Region::of(address);
        let typed = self.typed.iter().filter_map(|(host, _)| bare_host(host).parse::<IpAddr>().ok());
        region == Region::Public || typed.map(Region::of).any(|typed| typed == region)
    }

    /// Returns the regions that the user's own words lie in.
    fn regions(&self, config: &Config, timeout: NextTimeout) -> &[Region] {
        self.regions.get_or_init(|| {
            let mut regions = Vec::new();
            for (host, port) in &self.typed {
                let Ok(uri) = format!("https://{host}:{port}/").parse() else { continue };
                let found = look_up(&uri, config, timeout);
                regions.extend(found.iter().flat_map(|found| found.iter()).map(|address| Region::of(address.ip())));
            }
            regions
        })
    }
}

impl Resolver for PolicedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = bare_host(uri.host().unwrap_or_default());
        let found = look_up(uri, config, timeout)?;
        let typed = self.typed.iter().any(|(typed, _)| bare_host(typed) == host);
        if typed || self.proxy.as_ref() == Some(&host) {
            return Ok(found);
        }
        let (mut allowed, mut refused) = (self.empty(), None);
        for address in found.iter() {
            if self.permits_by_lookup(address.ip(), config, timeout) {
                allowed.push(*address);
            } else {
                refused = Some(address.ip());
            }
        }
        match refused {
            Some(address) if allowed.is_empty() => Err(ureq::Error::Other(Box::new(ForbiddenAddress(address)))),
            _ => Ok(allowed),
        }
    }
}

/// Looks a name up; an address needs no lookup, and so no thread for it.
fn look_up(uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    match bare_host(uri.host().unwrap_or_default()).parse::<IpAddr>() {
        Ok(address) => {
            let mut found = DefaultResolver::default().empty();
            found.push(SocketAddr::new(address, port));
            Ok(found)
        }
        Err(_) => DefaultResolver::default().resolve(uri, config, timeout),
    }
}

/// Returns a host without the brackets of an IPv6 address.
pub fn bare_host(host: &str) -> String {
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}
