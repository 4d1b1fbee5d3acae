//! The cookies of the MCP server. A load balancer in front of several instances tells by one which of them has a session.
//!
//! They are kept in memory, as long as the bridge or a check runs, and go nowhere but to the origin that set them: it asks no other.
//!
//! Spec: RFC 6265 section 5.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use url::Url;

use crate::http::Response;
use crate::os::clock::Time;
use crate::os::sync::lock;

/// Longest cookie, in bytes.
///
/// Spec: RFC 6265 section 6.1.
const MAX_BYTES: usize = 4096;

/// Most cookies; the oldest makes room.
///
/// Spec: RFC 6265 section 6.1.
const MAX_COOKIES: usize = 50;

/// The cookies that the server has set.
#[derive(Default)]
pub struct Cookies(Mutex<Vec<Cookie>>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// When it ends; `None` if it lives as long as the bridge.
    until: Option<Instant>,
}

impl Cookies {
    /// Keeps what the response to a request for this URL sets.
    pub fn keep(&self, url: &Url, response: &Response) {
        let now = Instant::now();
        let values = response.header_values("set-cookie");
        for cookie in values.iter().filter_map(|it| parse(it, url, now)) {
            let mut all = lock(&self.0);
            all.retain(|it| it.name != cookie.name || it.path != cookie.path);
            all.push(cookie);
            all.retain(|it| it.until.is_none_or(|until| until > now));
            let too_many = all.len().saturating_sub(MAX_COOKIES);
            all.drain(..too_many);
        }
    }

    /// Returns the value of `Cookie` for a request of this URL; `None` if there is none to send.
    pub fn header(&self, url: &Url) -> Option<String> {
        let now = Instant::now();
        let all = lock(&self.0);
        let lives = |it: &&Cookie| it.until.is_none_or(|until| until > now);
        let sent = all.iter().filter(|it| covers(&it.path, url.path()));
        let pairs = sent
            .filter(lives)
            .map(|it| format!("{}={}", it.name, it.value));
        Some(pairs.collect::<Vec<_>>().join("; ")).filter(|pairs| !pairs.is_empty())
    }
}

/// Reads a value of `Set-Cookie` that came from this URL; `None` if it is not for that.
///
/// Spec: RFC 6265 sections 5.2 and 5.3.
fn parse(text: &str, url: &Url, now: Instant) -> Option<Cookie> {
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let of_directory = url.path().rsplit_once('/').map_or("", |(path, _)| path);
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        path: format!("{}/", of_directory.trim_end_matches('/')),
        until: None,
    };
    let mut max_age = None;
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "secure" if url.scheme() != "https" => return None,
            "domain" if !is_of_domain(url, value) => return None,
            "path" if value.starts_with('/') => cookie.path = value.to_owned(),
            "expires" => {
                cookie.until = Time::parse_http_date(value).map(|it| after(now, it.seconds_left()))
            }
            "max-age" => max_age = value.parse().ok(),
            _ => {}
        }
    }
    cookie.until = max_age.map(|it| after(now, it)).or(cookie.until);
    (!name.is_empty() && name.len() + value.len() <= MAX_BYTES).then_some(cookie)
}

/// Returns the moment so many seconds later; `now` if they are negative.
fn after(now: Instant, seconds: i64) -> Instant {
    // What lives for years lives as long as the bridge.
    let seconds = seconds.clamp(0, i64::from(u32::MAX)).unsigned_abs();
    now + Duration::from_secs(seconds)
}

/// Tells whether the host of a URL lies in this domain.
///
/// Spec: RFC 6265 section 5.1.3.
fn is_of_domain(url: &Url, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let host = url.host_str().unwrap_or_default();
    let in_it = || {
        host.strip_suffix(&domain)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    domain.is_empty() || host == domain || (url.domain().is_some() && in_it())
}

/// Tells whether a cookie for one path goes to another.
///
/// Spec: RFC 6265 section 5.1.4.
fn covers(path: &str, asked: &str) -> bool {
    let rest = asked.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.starts_with('/') || (rest.is_empty() && !path.ends_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br48_which_cookies_are_kept() {
        let now = Instant::now();
        let in_an_hour = Some(now + Duration::from_secs(3600));
        let long = format!("a={}", "x".repeat(MAX_BYTES));
        for (url, text, expected) in [
            ("https://a.example/mcp", "a=1", Some(("a", "1", "/", None))),
            (
                "https://a.example/x/mcp",
                " a = 1 ;HttpOnly",
                Some(("a", "1", "/x/", None)),
            ),
            (
                "https://a.example/mcp",
                "a=\"b=c\"; path=/m; SameSite=None",
                Some(("a", "\"b=c\"", "/m", None)),
            ),
            (
                "https://a.example/mcp",
                "a=; Path=m",
                Some(("a", "", "/", None)),
            ),
            (
                "https://a.example/mcp",
                "a=1; Max-Age=3600",
                Some(("a", "1", "/", in_an_hour)),
            ),
            (
                "https://a.example/mcp",
                "a=1; Max-Age=-1",
                Some(("a", "1", "/", Some(now))),
            ),
            (
                "https://a.example/mcp",
                "a=1; max-age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                Some(("a", "1", "/", in_an_hour)),
            ),
            (
                "https://a.example/mcp",
                "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                Some(("a", "1", "/", Some(now))),
            ),
            (
                "https://a.example/mcp",
                "a=1; Expires=soon; Max-Age=x",
                Some(("a", "1", "/", None)),
            ),
            (
                "https://b.a.example/mcp",
                "a=1; Domain=.A.example",
                Some(("a", "1", "/", None)),
            ),
            ("https://ba.example/mcp", "a=1; Domain=a.example", None),
            ("https://a.example/mcp", "a=1; Domain=b.a.example", None),
            ("https://127.0.0.1/mcp", "a=1; Domain=0.0.1", None),
            (
                "https://a.example/mcp",
                "a=1; Secure",
                Some(("a", "1", "/", None)),
            ),
            ("http://a.example/mcp", "a=1; Secure", None),
            ("https://a.example/mcp", "a", None),
            ("https://a.example/mcp", "=1", None),
            ("https://a.example/mcp", &long, None),
        ] {
            let read = parse(text, &Url::parse(url).unwrap(), now);
            let expected = expected.map(|(name, value, path, until)| Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                path: path.to_owned(),
                until,
            });
            assert_eq!(read, expected, "{url} {text}");
        }
    }

    #[test]
    fn br48_where_cookies_go() {
        for (path, asked, expected) in [
            ("/", "/", true),
            ("/", "/mcp", true),
            ("/mcp", "/mcp", true),
            ("/mcp", "/mcp/a", true),
            ("/mcp", "/mcpa", false),
            ("/mcp/", "/mcp/a", true),
            ("/mcp/", "/mcp", false),
            ("/mcp", "/", false),
        ] {
            assert_eq!(covers(path, asked), expected, "{path} {asked}");
        }
    }
}
