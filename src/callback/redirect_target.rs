//! The redirect URI that a login needs, and the ports that are of no use for one.

/// The host of the redirect URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectHost {
    /// `127.0.0.1`, the recommended form; `[::1]` where the machine has no IPv4.
    #[default]
    V4,
    /// `[::1]`.
    V6,
    /// `localhost`, for clients registered so; both address families are held.
    Localhost,
}

/// The redirect URI that a login needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The whole URI as it is registered: it is sent byte for byte, with a port added where it has none.
    pub literal: Option<String>,
    /// Whether the answer may come as a form.
    ///
    /// Spec: OAuth 2.0 Form Post Response Mode section 2.
    pub forms: bool,
    /// Its host.
    pub host: RedirectHost,
    /// Its path, beginning with `/`.
    pub path: String,
    /// The ports to try, in this order.
    pub ports: Vec<u16>,
    /// Whether any other free port will do when these are in use.
    pub any_port: bool,
    /// The server, as the pages name it; see [`server_name`](super::pages::server_name).
    pub server: std::sync::Arc<str>,
}

impl RedirectTarget {
    /// Returns the redirect URI at a host and a port.
    pub(super) fn uri(&self, host: &str, port: u16) -> String {
        match &self.literal {
            Some(literal) => with_port(literal, port),
            None => format!("http://{host}:{port}{}", self.path),
        }
    }

    /// Returns the redirect URI for a login that cannot listen: the answer will be copied from the address bar.
    pub fn uri_without_socket(&self) -> String {
        let host = match self.host {
            RedirectHost::V4 => "127.0.0.1",
            RedirectHost::V6 => "[::1]",
            RedirectHost::Localhost => "localhost",
        };
        self.uri(host, self.ports.first().copied().unwrap_or(33419))
    }
}

/// Returns a URI byte for byte, with this port where it has none.
fn with_port(uri: &str, port: u16) -> String {
    let authority = uri.find("://").map_or(0, |at| at + 3);
    let end = uri[authority..]
        .find(['/', '?', '#'])
        .map_or(uri.len(), |at| authority + at);
    let (front, rest) = uri.split_at(end);
    let named = front[authority..]
        .rsplit_once(':')
        .is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
    match named {
        true => uri.to_owned(),
        false => format!("{}:{port}{rest}", front.trim_end_matches(':')),
    }
}

/// Returns whether browsers refuse to open this port, whatever is there.
///
/// Spec: Fetch Standard, section 2.9, port blocking.
pub fn is_refused_by_browsers(port: u16) -> bool {
    BAD_PORTS.contains(&port)
}

const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n4_a_redirect_uri_stays_byte_for_byte() {
        for (uri, expected) in [
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://LocalHost:1/a/../cb", "http://LocalHost:1/a/../cb"),
            ("http://127.0.0.1:80/", "http://127.0.0.1:80/"),
            ("http://[::1]:8080/cb", "http://[::1]:8080/cb"),
            ("http://[::1]/cb", "http://[::1]:5/cb"),
            ("http://127.0.0.1/%7Ecb", "http://127.0.0.1:5/%7Ecb"),
            ("http://localhost", "http://localhost:5"),
            ("http://localhost:/cb", "http://localhost:5/cb"),
        ] {
            assert_eq!(with_port(uri, 5), expected);
        }
    }

    #[test]
    fn a55_ports_that_browsers_refuse() {
        for port in [1, 22, 6000, 6666, 6697, 10080] {
            assert!(is_refused_by_browsers(port), "{port}");
        }
        for port in [80, 443, 3000, 8080, 33418, 50000] {
            assert!(!is_refused_by_browsers(port), "{port}");
        }
    }
}
