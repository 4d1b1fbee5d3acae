//! A request to the callback socket, and what makes it a visit to the redirect URI. Pure.

use std::net::IpAddr;

use super::pages::Page;
use crate::oauth::endpoint;

/// Largest head that is read, in bytes: browsers send along the cookies of every other program on this machine.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most header lines that are read.
const MAX_HEADERS: usize = 128;

/// Largest form that is read, in bytes: as much as an address may hold.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// The redirect URI, as far as requests to it are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its path.
    pub path: String,
    /// Whether the answer may come as a form.
    ///
    /// Spec: OAuth 2.0 Form Post Response Mode section 2.
    pub accepts_forms: bool,
}

/// A request whose head is complete. Nothing in it is trusted; [`super::check`] runs the checks in their order.
#[derive(Debug)]
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Vec<httparse::Header<'a>>,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads what has come so far of a request; `None` if more of its head has to come.
    ///
    /// # Errors
    ///
    /// The page for what is no request, or has too large a head.
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
    pub fn check_path(&self, target: &Target) -> Result<(), Page> {
        match self.path {
            "/favicon.ico" => Err(Page::NoIcon),
            path if path == target.path => Ok(()),
            _ => Err(Page::NotFound),
        }
    }

    /// Checks that the method is `GET` without a body, or `POST` with a form where one was asked for.
    pub fn check_method(&self, target: &Target) -> Result<(), Page> {
        match self.method {
            "POST" if target.accepts_forms => {
                let kind = self.single("content-type").unwrap_or_default();
                let kind = kind.split(';').next().unwrap_or_default().trim();
                let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
                let is_encoded = self.has(&["transfer-encoding", "expect", "content-encoding"]);
                if !is_form || is_encoded || !self.query.is_empty() {
                    return Err(Page::Malformed);
                }
                match self.form_length() {
                    Some(length) if length <= MAX_FORM_BYTES => Ok(()),
                    Some(_) => Err(Page::TooLarge),
                    None => Err(Page::Malformed),
                }
            }
            "GET" => {
                let has_length = self.values("content-length").any(|length| length != "0");
                if has_length || self.has(&["transfer-encoding", "expect"]) {
                    return Err(Page::Malformed);
                }
                Ok(())
            }
            _ => Err(Page::MethodNotAllowed),
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
            "POST" => match self.body.get(..self.form_length().unwrap_or_default()) {
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
    fn form_length(&self) -> Option<usize> {
        let length = self.single("content-length")?;
        let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| length.parse().ok()).flatten()
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

/// Tells whether the bytes can begin a request line; a TLS greeting or a zero byte cannot.
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

/// Tells whether a host header names this machine. Its port may differ: a forwarded port is a different one.
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
mod tests {
    use super::*;
    use crate::callback::Refused;

    /// Returns the answer that a request carries, `None` if more has to come, or the page for what is no visit.
    fn read(head: &str, accepts_forms: bool) -> Result<Option<String>, Page> {
        let target = Target {
            path: "/callback".to_owned(),
            accepts_forms,
        };
        let mut answer = None;
        let visit = |query: &str| {
            answer = Some(query.to_owned());
            Err(Refused::NotWaiting)
        };
        match crate::callback::check(head.as_bytes(), &target, visit, || false) {
            Err(Refused::Page(page)) => Err(page),
            _ => Ok(answer),
        }
    }

    fn check(head: &str, expected: Result<Option<&str>, Page>) {
        let expected = expected.map(|answer| answer.map(str::to_owned));
        let start: String = head.chars().take(200).collect();
        assert_eq!(read(head, false), expected, "{start}");
    }

    fn get(target: &str, headers: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:50000\r\n{headers}\r\n")
    }

    fn good(headers: &str) {
        check(&get("/callback?a=b", headers), Ok(Some("a=b")));
    }

    fn refused(head: &str, page: Page) {
        check(head, Err(page));
    }

    #[test]
    fn the_good_request() {
        good("");
        good("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\n");
        good("Origin: null\r\n");
        good("Content-Length: 0\r\n");
        good(&format!("Cookie: {}\r\n", "c".repeat(40_000)));
        check(
            "GET /callback?a=b HTTP/1.0\r\nHost: localhost\r\n\r\n",
            Ok(Some("a=b")),
        );
    }

    #[test]
    fn l13_l6_heads_that_are_not_whole() {
        for head in [
            "",
            "G",
            "GET",
            "GET /callback",
            "GET /callback?a=b HTTP/1.1\r\nHost: localhost\r\n",
        ] {
            check(head, Ok(None));
        }
        refused(
            &format!("GET /{}", "a".repeat(MAX_HEAD_BYTES)),
            Page::TooLarge,
        );
        refused(
            &get("/callback?a=b", &"X: y\r\n".repeat(200)),
            Page::TooLarge,
        );
    }

    #[test]
    fn l13_what_is_no_request() {
        for head in [
            "\u{16}\u{3}\u{1}\u{2}",
            "\0\0\0\0",
            "get / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /callback?a=b\r\n\r\n",
            "GET /callback?a=b HTTP/3.0\r\nHost: localhost\r\n\r\n",
            "GET  /callback?a=b HTTP/1.1 x\r\nHost: localhost\r\n\r\n",
            "GET /callback?a=\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /callback?a=b HTTP/1.1\r\nHost : localhost\r\n\r\n",
            "GET /callback?a=b HTTP/1.1\r\nHost: local\0host\r\n\r\n",
        ] {
            refused(head, Page::Malformed);
        }
        for headers in [
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Expect: 100-continue\r\n",
        ] {
            refused(&get("/callback?a=b", headers), Page::Malformed);
        }
    }

    #[test]
    fn v4_hosts() {
        for host in [
            "127.0.0.1:50000",
            "127.0.0.1",
            "127.9.9.9:1",
            "localhost:50000",
            "LOCALHOST",
            "[::1]:50000",
            "[::1]",
        ] {
            check(
                &format!("GET /callback?a=b HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                Ok(Some("a=b")),
            );
        }
        for host in [
            "evil.example",
            "evil.example:50000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0:50000",
            "[::]:50000",
            "::1",
            "[127.0.0.1]",
            "[localhost]",
            "127.0.0.1:80:80",
            "127.0.0.1:x",
            "127.0.0.1:123456",
            "user@127.0.0.1",
            "",
        ] {
            refused(
                &format!("GET /callback?a=b HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                Page::WrongHost,
            );
        }
        refused("GET /callback?a=b HTTP/1.1\r\n\r\n", Page::WrongHost);
        refused(
            &get("/callback?a=b", "Host: 127.0.0.1:50000\r\n"),
            Page::WrongHost,
        );
    }

    #[test]
    fn na7_l7_paths_and_methods() {
        for target in [
            "/",
            "/callback/?a=b",
            "/Callback?a=b",
            "/callback;x?a=b",
            "//callback?a=b",
            "/callback%2f?a=b",
            "/robots.txt",
            "/%63allback?a=b",
            "/x/../callback?a=b",
            "http://127.0.0.1:50000/callback?a=b",
            "http://evil.example/callback?a=b",
            "*",
            "callback?a=b",
            "/.well-known/appspecific/com.chrome.devtools.json",
            "/callback#?a=b",
        ] {
            refused(&get(target, ""), Page::NotFound);
        }
        refused(&get("/favicon.ico", ""), Page::NoIcon);
        refused(&get("/callback", ""), Page::Empty);
        refused(&get("/callback?", ""), Page::Empty);
        for method in [
            "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "CONNECT", "TRACE", "PATCH",
        ] {
            refused(
                &get("/callback?a=b", "").replacen("GET", method, 1),
                Page::MethodNotAllowed,
            );
            refused(
                &get("/other", "").replacen("GET", method, 1),
                Page::NotFound,
            );
        }
    }

    #[test]
    fn l17_only_visits() {
        for headers in [
            "Sec-Fetch-Mode: cors\r\n",
            "Sec-Fetch-Mode: no-cors\r\n",
            "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Mode: cors\r\n",
            "Sec-Fetch-Dest: image\r\n",
            "Sec-Fetch-Dest: iframe\r\n",
            "Sec-Fetch-Dest: empty\r\n",
            "Sec-Purpose: prefetch\r\n",
            "Sec-Purpose: prefetch;prerender\r\n",
            "Purpose: prefetch\r\n",
            "Origin: https://evil.example\r\n",
            "Origin: http://localhost.evil.example\r\n",
            "Origin: \u{e4}\r\n",
        ] {
            refused(&get("/callback?a=b", headers), Page::NotAVisit);
        }
    }

    #[test]
    fn n7_a_form_is_taken_where_it_was_asked_for() {
        const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
        let post = |target: &str, headers: &str| {
            format!("POST {target} HTTP/1.1\r\nHost: 127.0.0.1:50000\r\n{headers}\r\n")
        };
        let navigated = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\n";
        for headers in [
            format!("{FORM}Content-Length: 9\r\n"),
            format!("{FORM}Content-Length: 9\r\nOrigin: null\r\n{navigated}"),
            format!("{FORM}Content-Length: 9\r\nOrigin: https://as.example\r\n{navigated}"),
            "Content-Type: Application/X-WWW-Form-URLencoded; charset=UTF-8\r\nContent-Length: 9\r\n".to_owned(),
        ] {
            let head = post("/callback", &headers);
            assert_eq!(read(&head, true), Ok(None), "{head}");
            let whole = format!("{head}code=c&x=yz");
            assert_eq!(read(&whole, true), Ok(Some("code=c&x=".to_owned())), "{whole}");
            refused(&head, Page::MethodNotAllowed);
        }
        for (headers, page) in [
            (FORM.to_owned(), Page::Malformed),
            ("Content-Length: 9\r\n".to_owned(), Page::Malformed),
            (
                "Content-Type: application/json\r\nContent-Length: 9\r\n".to_owned(),
                Page::Malformed,
            ),
            (
                "Content-Type: multipart/form-data\r\nContent-Length: 9\r\n".to_owned(),
                Page::Malformed,
            ),
            (
                format!("{FORM}Content-Length: 9\r\nContent-Length: 9\r\n"),
                Page::Malformed,
            ),
            (format!("{FORM}Content-Length: +9\r\n"), Page::Malformed),
            (format!("{FORM}Content-Length: -1\r\n"), Page::Malformed),
            (
                format!("{FORM}Content-Length: 99999999999999999999999\r\n"),
                Page::Malformed,
            ),
            (format!("{FORM}Content-Length: 65537\r\n"), Page::TooLarge),
            (
                format!("{FORM}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n"),
                Page::Malformed,
            ),
            (
                format!("{FORM}Content-Length: 9\r\nExpect: 100-continue\r\n"),
                Page::Malformed,
            ),
            (
                format!("{FORM}Content-Length: 9\r\nContent-Encoding: gzip\r\n"),
                Page::Malformed,
            ),
            (
                format!("{FORM}Content-Length: 9\r\nSec-Fetch-Mode: cors\r\n"),
                Page::NotAVisit,
            ),
            (
                format!("{FORM}Content-Length: 9\r\nSec-Fetch-Dest: iframe\r\n"),
                Page::NotAVisit,
            ),
        ] {
            assert_eq!(
                read(&post("/callback", &headers), true),
                Err(page),
                "{headers}"
            );
        }
        let form = format!("{FORM}Content-Length: 9\r\n");
        for (head, page) in [
            (post("/callback?a=b", &form), Page::Malformed),
            (post("/other", &form), Page::NotFound),
            (
                post("/callback", &form).replace("127.0.0.1", "evil.example"),
                Page::WrongHost,
            ),
        ] {
            assert_eq!(read(&head, true), Err(page), "{head}");
        }
        let query = read(&get("/callback?a=b", ""), true);
        assert_eq!(query, Ok(Some("a=b".to_owned())));
        for (body, expected) in [
            ("code=c&state=s", Ok(Some("code=c&state=s".to_owned()))),
            ("", Err(Page::Empty)),
            ("code=c\r\n", Err(Page::Malformed)),
            ("code=\u{e4}", Err(Page::Malformed)),
            ("code=\0", Err(Page::Malformed)),
        ] {
            let length = format!("{FORM}Content-Length: {}\r\n", body.len());
            let whole = format!("{}{body}", post("/callback", &length));
            assert_eq!(read(&whole, true), expected, "{body:?}");
        }
    }
}
