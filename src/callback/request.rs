//! Reads the head of a request and decides whether it is a visit to the redirect URI. Pure; nothing is trusted.

use std::net::IpAddr;

use super::pages::Page;
use crate::oauth::endpoint;

/// Largest head that is read, in bytes: browsers send along the cookies of every other program on this machine.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most header lines that are read.
const MAX_HEADERS: usize = 128;

/// Largest form that is read as an answer, in bytes: as much as an address may hold.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// What is taken for a visit to the redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The path of the redirect URI.
    pub path: String,
    /// Whether the answer may come as a form.
    pub forms: bool,
}

/// What a head amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More bytes have to come.
    Incomplete,
    /// A visit to the redirect URI, with this raw query.
    Callback(String),
    /// A form that is sent to the redirect URI; so many bytes of it follow a head of so many bytes.
    Form {
        /// The size of the head, in bytes.
        head: usize,
        /// The size of the form, in bytes.
        body: usize,
    },
    /// Anything else; it gets this page and changes nothing.
    Not(Page),
}

/// Reads what has come so far of a request to the redirect URI.
///
/// The order is: readable, host, path, method, and then whether a person's browser came here by itself.
///
/// Spec: RFC 8252 section 8.10; RFC 9110 section 7.2; Fetch Metadata Request Headers; OAuth 2.0 Form Post Response Mode
/// section 2.
pub fn read(head: &[u8], accepted: &Accepted) -> Verdict {
    if !may_be_a_request(head) {
        return Verdict::Not(Page::Malformed);
    }
    if !is_complete(head) {
        let full = head.len() >= MAX_HEAD_BYTES;
        return if full {
            Verdict::Not(Page::TooLarge)
        } else {
            Verdict::Incomplete
        };
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let size = match request.parse(head) {
        Ok(httparse::Status::Complete(size)) => size,
        Err(httparse::Error::TooManyHeaders) => return Verdict::Not(Page::TooLarge),
        Ok(httparse::Status::Partial) | Err(_) => return Verdict::Not(Page::Malformed),
    };
    match judge(&request, accepted) {
        Ok(Sent::Query(query)) => Verdict::Callback(query),
        Ok(Sent::Form(body)) => Verdict::Form { head: size, body },
        Err(page) => Verdict::Not(page),
    }
}

/// Reads a whole form as the query of an answer; the empty one is none.
pub fn read_form(body: &[u8]) -> Result<String, Page> {
    let text = std::str::from_utf8(body).map_err(|_| Page::Malformed)?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain {
        return Err(Page::Malformed);
    }
    (!text.is_empty())
        .then(|| text.to_owned())
        .ok_or(Page::Empty)
}

/// How an answer is sent.
enum Sent {
    Query(String),
    Form(usize),
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

fn judge(request: &httparse::Request, accepted: &Accepted) -> Result<Sent, Page> {
    let target = request.path.unwrap_or_default();
    if !is_our_host(single(request, "host").ok_or(Page::WrongHost)?) {
        return Err(Page::WrongHost);
    }
    let (target_path, query) = target.split_once('?').unwrap_or((target, ""));
    if target_path == "/favicon.ico" {
        return Err(Page::NoIcon);
    }
    if target_path != accepted.path {
        return Err(Page::NotFound);
    }
    if request.method == Some("POST") && accepted.forms {
        return judge_form(request, query).map(Sent::Form);
    }
    if request.method != Some("GET") {
        return Err(Page::MethodNotAllowed);
    }
    if has_body(request) {
        return Err(Page::Malformed);
    }
    let own =
        |origin: &str| origin == "null" || origin.strip_prefix("http://").is_some_and(is_our_host);
    if !is_a_visit(request) || !values(request, "origin").all(own) {
        return Err(Page::NotAVisit);
    }
    if query.is_empty() {
        return Err(Page::Empty);
    }
    Ok(Sent::Query(query.to_owned()))
}

/// Judges the head of a form, and returns how many bytes of it follow. It comes from a page of the authorization server,
/// so its origin is another one, or hidden.
fn judge_form(request: &httparse::Request, query: &str) -> Result<usize, Page> {
    let kind = single(request, "content-type")
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    let unusual = ["transfer-encoding", "expect", "content-encoding"].iter();
    let is_plain = !unusual
        .clone()
        .any(|name| values(request, name).next().is_some());
    if !kind
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || !is_plain
        || !query.is_empty()
    {
        return Err(Page::Malformed);
    }
    let length = single(request, "content-length")
        .filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()));
    let length = length
        .and_then(|length| length.parse().ok())
        .ok_or(Page::Malformed)?;
    if length > MAX_FORM_BYTES {
        return Err(Page::TooLarge);
    }
    if !is_a_visit(request) {
        return Err(Page::NotAVisit);
    }
    Ok(length)
}

fn values<'a>(request: &'a httparse::Request, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = request
        .headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| {
        std::str::from_utf8(header.value)
            .unwrap_or("\u{fffd}")
            .trim()
    })
}

fn single<'a>(request: &'a httparse::Request, name: &'a str) -> Option<&'a str> {
    let mut values = values(request, name);
    values.next().filter(|_| values.next().is_none())
}

fn has_body(request: &httparse::Request) -> bool {
    let unusual = ["transfer-encoding", "expect"]
        .iter()
        .any(|name| values(request, name).next().is_some());
    unusual || values(request, "content-length").any(|length| length != "0")
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

/// Tells whether a browser came here because it was sent, rather than to fetch, frame or look ahead.
fn is_a_visit(request: &httparse::Request) -> bool {
    let only =
        |name, wanted: &str| values(request, name).all(|value| value.eq_ignore_ascii_case(wanted));
    let ahead = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        values(request, name).any(|value| value.to_ascii_lowercase().contains("prefetch"))
    });
    only("sec-fetch-mode", "navigate") && only("sec-fetch-dest", "document") && !ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(forms: bool) -> Accepted {
        Accepted {
            path: "/callback".to_owned(),
            forms,
        }
    }

    fn check(head: &str, expected: Verdict) {
        assert_eq!(
            read(head.as_bytes(), &accepted(false)),
            expected,
            "{}",
            head.chars().take(200).collect::<String>()
        );
    }

    fn get(target: &str, headers: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:50000\r\n{headers}\r\n")
    }

    fn good(headers: &str) {
        check(
            &get("/callback?a=b", headers),
            Verdict::Callback("a=b".into()),
        );
    }

    fn refused(head: &str, page: Page) {
        check(head, Verdict::Not(page));
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
            Verdict::Callback("a=b".into()),
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
            check(head, Verdict::Incomplete);
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
                Verdict::Callback("a=b".into()),
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
        let verdict = |head: &str| read(head.as_bytes(), &accepted(true));
        let navigated = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\n";
        for headers in [
            format!("{FORM}Content-Length: 9\r\n"),
            format!("{FORM}Content-Length: 9\r\nOrigin: null\r\n{navigated}"),
            format!("{FORM}Content-Length: 9\r\nOrigin: https://as.example\r\n{navigated}"),
            "Content-Type: Application/X-WWW-Form-URLencoded; charset=UTF-8\r\nContent-Length: 9\r\n".to_owned(),
        ] {
            let head = post("/callback", &headers);
            assert_eq!(verdict(&head), Verdict::Form { head: head.len(), body: 9 }, "{head}");
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
                verdict(&post("/callback", &headers)),
                Verdict::Not(page),
                "{headers}"
            );
        }
        let form = format!("{FORM}Content-Length: 9\r\n");
        assert_eq!(
            verdict(&post("/callback?a=b", &form)),
            Verdict::Not(Page::Malformed)
        );
        assert_eq!(
            verdict(&post("/other", &form)),
            Verdict::Not(Page::NotFound)
        );
        assert_eq!(
            verdict(&post("/callback", &form).replace("127.0.0.1", "evil.example")),
            Verdict::Not(Page::WrongHost)
        );
        assert_eq!(
            verdict(&get("/callback?a=b", "")),
            Verdict::Callback("a=b".into())
        );
        for (body, expected) in [
            (&b"code=c&state=s"[..], Ok("code=c&state=s".to_owned())),
            (b"", Err(Page::Empty)),
            (b"code=c\r\n", Err(Page::Malformed)),
            (b"code=\xff", Err(Page::Malformed)),
            (b"code=\0", Err(Page::Malformed)),
        ] {
            assert_eq!(read_form(body), expected);
        }
    }
}
