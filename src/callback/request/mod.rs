//! A request to the callback socket, and what makes it a visit to the redirect URI. Pure.

use std::net::IpAddr;

use super::pages::Page;
use super::RedirectTarget;
use crate::oauth::endpoint;

/// Largest head that is read, in bytes: browsers send along the cookies of every other program on this machine.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most header lines that are read.
const MAX_HEADERS: usize = 128;

/// Largest form that is read, in bytes: as much as an address may hold.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// A request whose head is complete. Nothing in it is trusted; [`super::check`] runs the checks in their order.
#[derive(Debug)]
pub struct CallbackRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Vec<httparse::Header<'a>>,
    body: &'a [u8],
}

impl<'a> CallbackRequest<'a> {
    /// Reads what has come so far of a request; `None` if more of its head has to come.
    ///
    /// # Errors
    ///
    /// The page for a request that cannot be read, or whose head is too large.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, Page> {
        if !may_be_a_request(bytes) {
            return Err(Page::Malformed);
        }
        if !is_complete(bytes) {
            return if bytes.len() >= MAX_HEAD_BYTES {
                Err(Page::TooLarge)
            } else {
                Ok(None)
            };
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let size = match request.parse(bytes) {
            Ok(httparse::Status::Complete(size)) => size,
            Err(httparse::Error::TooManyHeaders) => return Err(Page::TooLarge),
            Ok(httparse::Status::Partial) | Err(_) => return Err(Page::Malformed),
        };
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self {
            method: request.method.unwrap_or_default(),
            path,
            query,
            headers: request.headers.to_vec(),
            body: bytes.get(size..).unwrap_or_default(),
        }))
    }

    /// Checks that the request names this machine, once: no DNS name of a stranger leads here.
    ///
    /// Spec: RFC 9110 section 7.2.
    pub fn check_host(&self) -> Result<(), Page> {
        match self.single("host") {
            Some(host) if is_our_host(host) => Ok(()),
            _ => Err(Page::WrongHost),
        }
    }

    /// Checks that the path is that of the redirect URI, byte for byte.
    pub fn check_path(&self, target: &RedirectTarget) -> Result<(), Page> {
        match self.path {
            "/favicon.ico" => Err(Page::NoIcon),
            path if path == target.path => Ok(()),
            _ => Err(Page::NotFound),
        }
    }

    /// Checks that the method is `GET` without a body, or `POST` where a form was asked for.
    pub fn check_method(&self, target: &RedirectTarget) -> Result<(), Page> {
        match self.method {
            "POST" if target.forms => Ok(()),
            "GET" => {
                let has_length = self.values("content-length").any(|length| length != "0");
                if has_length || self.has(&["transfer-encoding", "expect"]) {
                    return Err(Page::Malformed);
                }
                Ok(())
            }
            _ if target.forms => Err(Page::MethodNotAllowed("GET, POST")),
            _ => Err(Page::MethodNotAllowed("GET")),
        }
    }

    /// Checks that a browser came here because it was sent, rather than to fetch, frame or look ahead. A form comes from a
    /// page of the authorization server, so its origin is another one, or hidden.
    ///
    /// Spec: RFC 8252 section 8.10; Fetch Metadata Request Headers.
    pub fn check_fetch_metadata(&self) -> Result<(), Page> {
        let all = |name, wanted: &str| {
            self.values(name)
                .all(|value| value.eq_ignore_ascii_case(wanted))
        };
        let is_prefetch = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
            self.values(name)
                .any(|value| value.to_ascii_lowercase().contains("prefetch"))
        });
        let is_own = |origin: &str| {
            origin == "null" || origin.strip_prefix("http://").is_some_and(is_our_host)
        };
        let is_navigation = all("sec-fetch-mode", "navigate") && all("sec-fetch-dest", "document");
        let is_own_origin = self.method == "POST" || self.values("origin").all(is_own);
        if is_navigation && !is_prefetch && is_own_origin {
            Ok(())
        } else {
            Err(Page::NotAVisit)
        }
    }

    /// Returns the raw query of the answer, or its form; `None` if more of the form has to come.
    ///
    /// # Errors
    ///
    /// The page for an answer that is empty or cannot be read.
    pub fn answer(&self) -> Result<Option<&'a str>, Page> {
        let answer = match self.method {
            "POST" => match self.body.get(..self.form_length()?) {
                Some(form) => std::str::from_utf8(form).map_err(|_| Page::Malformed)?,
                None => return Ok(None),
            },
            _ => self.query,
        };
        if answer.is_empty() {
            return Err(Page::Empty);
        }
        if self.method == "POST" && !answer.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Page::Malformed);
        }
        Ok(Some(answer))
    }

    /// Returns the length of the form that follows the head, in bytes.
    ///
    /// # Errors
    ///
    /// The page for a body that is no form, or too large.
    fn form_length(&self) -> Result<usize, Page> {
        let kind = self.single("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let is_encoded = self.has(&["transfer-encoding", "expect", "content-encoding"]);
        let length = self.single("content-length").unwrap_or_default();
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        if !is_form || is_encoded || !is_number || !self.query.is_empty() {
            return Err(Page::Malformed);
        }
        let length = length.parse().ok();
        let fits = length.filter(|length| *length <= MAX_FORM_BYTES);
        fits.ok_or(Page::FormTooLarge)
    }

    fn values<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        let named = self
            .headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| {
            std::str::from_utf8(header.value)
                .unwrap_or("\u{fffd}")
                .trim()
        })
    }

    fn single(&self, name: &str) -> Option<&'a str> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.values(name).next().is_some())
    }
}

/// Returns whether the bytes can begin a request line; a TLS greeting or a zero byte cannot.
fn may_be_a_request(head: &[u8]) -> bool {
    head.iter()
        .take(8)
        .take_while(|byte| **byte != b' ')
        .all(u8::is_ascii_uppercase)
}

fn is_complete(head: &[u8]) -> bool {
    let ends = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    ends(b"\r\n\r\n") || ends(b"\n\n")
}

/// Returns whether a host header names this machine. Its port may differ: a forwarded port is a different one.
fn is_our_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => return false,
        },
        None => match host.find(':') {
            Some(colon) if is_port(&host[colon..]) => &host[..colon],
            Some(_) => return false,
            None => host,
        },
    };
    match name.parse::<IpAddr>() {
        Ok(address) => {
            address.to_canonical().is_loopback() && host.starts_with('[') == address.is_ipv6()
        }
        Err(_) => endpoint::is_localhost(name) && !host.starts_with('['),
    }
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.len() <= 5 && digits.bytes().all(|it| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
