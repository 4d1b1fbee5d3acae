//! Tables of requests, and what each is worth.

use super::*;
use crate::callback::CheckError;

/// Returns the answer that a request carries, `None` if more has to come, or the page for what is no visit.
fn read(head: &str, forms: bool) -> Result<Option<String>, Page> {
    let target = RedirectTarget {
        path: "/callback".to_owned(),
        forms,
        ..RedirectTarget::default()
    };
    let mut answer = None;
    let visit = |query: &str| {
        answer = Some(query.to_owned());
        Err(CheckError::NotWaiting)
    };
    match crate::callback::check(head.as_bytes(), &target, visit, || false) {
        Err(CheckError::Page(page) | CheckError::Form(page)) => Err(page),
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
fn l13_malformed_requests() {
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
            Page::MethodNotAllowed("GET"),
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
fn n7_a_form_is_accepted_where_it_was_requested() {
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
    let post = |target: &str, headers: &str| {
        format!("POST {target} HTTP/1.1\r\nHost: 127.0.0.1:50000\r\n{headers}\r\n")
    };
    let navigated =
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\n";
    for headers in [
        format!("{FORM}Content-Length: 9\r\n"),
        format!("{FORM}Content-Length: 9\r\nOrigin: null\r\n{navigated}"),
        format!("{FORM}Content-Length: 9\r\nOrigin: https://as.example\r\n{navigated}"),
        "Content-Type: Application/X-WWW-Form-URLencoded; charset=UTF-8\r\nContent-Length: 9\r\n"
            .to_owned(),
    ] {
        let head = post("/callback", &headers);
        assert_eq!(read(&head, true), Ok(None), "{head}");
        let whole = format!("{head}code=c&x=yz");
        assert_eq!(
            read(&whole, true),
            Ok(Some("code=c&x=".to_owned())),
            "{whole}"
        );
        refused(&head, Page::MethodNotAllowed("GET"));
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
            Page::FormTooLarge,
        ),
        (
            format!("{FORM}Content-Length: 65537\r\n"),
            Page::FormTooLarge,
        ),
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
