//! Logins at oidc-provider where the browser is on another machine and the user pastes its last address.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::{Expect, Regex, Session};
use url::Url;

use super::bed::{Bed, Part};
use super::running::Run;

/// A user agent for the pages of oidc-provider: redirects, cookies and the one form on each page.
#[derive(Default)]
struct UserAgent {
    cookies: BTreeMap<String, String>,
}

/// An answer, as far as the user agent looks at it.
struct Page {
    location: Option<String>,
    text: String,
}

impl UserAgent {
    /// Signs in and consents, and returns the address that the browser would be sent to at last.
    fn walk(&mut self, start: &str) -> String {
        let start = Url::parse(start).expect("the authorization URL");
        let redirect =
            start.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a redirect URI").1.into_owned();
        let mut page = self.ask(&start, None);
        let mut at = start;
        for _ in 0..12 {
            if let Some(location) = &page.location {
                if location.starts_with(&redirect) {
                    return location.clone();
                }
                at = at.join(location).expect("a location");
                page = self.ask(&at, None);
            } else {
                at = at.join(between(&page.text, "action=\"", "\"")).expect("the form's address");
                let prompt = between(&page.text, "name=\"prompt\" value=\"", "\"");
                page = self.ask(&at, Some(&format!("prompt={prompt}&login=somebody&password=anything")));
            }
        }
        panic!("the pages of the authorization server do not end: {}", page.text);
    }

    fn ask(&mut self, url: &Url, form: Option<&str>) -> Page {
        let host = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
        let method = if form.is_some() { "POST" } else { "GET" };
        let body = form.unwrap_or_default();
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let request = format!(
            "{method} {}{query} HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            url.path(),
            jar.join("; "),
            body.len(),
        );
        let mut stream = TcpStream::connect(host).expect("the authorization server listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let mut location = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep(value),
                _ => {}
            }
        }
        Page { location, text }
    }

    /// Keeps a cookie; an empty one is the server's way to take it back.
    fn keep(&mut self, cookie: &str) {
        let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        if value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in: {text}"));
    rest.split_once(end).expect("an end").0
}

#[test]
fn oidc_provider_by_paste_from_a_pipe() {
    let Some(bed) = Bed::with(&[Part::Npm]) else { return };
    let server = bed.oidc_provider();
    let mut command = bed.program();
    command.args(["--no-browser", "--paste", "--timeout", "60s", "--store", &bed.file_store(), &server.url]);
    let mut run = Run::start(&mut command);
    let event = run.wait_for_event("authorization_url");
    let address = UserAgent::default().walk(event["url"].as_str().expect("a URL"));
    run.type_line(&address);
    let finished = run.finish().exits(0);
    assert_eq!(finished.event("logged_in")["refreshable"], true);
    let code = between(&address, "code=", "&");
    assert!(!finished.stdout.contains(code) && !finished.stderr.contains(code), "the code was printed");
}

#[test]
fn oidc_provider_by_paste_on_a_terminal() {
    let Some(bed) = Bed::with(&[Part::Npm]) else { return };
    let server = bed.oidc_provider();
    let mut command = bed.command(env!("CARGO_BIN_EXE_mcp-login"));
    command.args(["--no-browser", "--timeout", "60s", "--store", &bed.file_store()]);
    command.arg("--data-dir").arg(bed.path("data")).arg(&server.url).env("TERM", "xterm");
    let mut terminal = Session::spawn(command).expect("a terminal");
    terminal.set_expect_timeout(Some(Duration::from_secs(30)));
    let found = terminal.expect(Regex("http://127\\.0\\.0\\.1:\\d+/auth\\?[^\\s\\x1b]+")).expect("the address to open");
    let start = String::from_utf8(found.get(0).expect("the address").to_vec()).expect("an address is text");
    let address = UserAgent::default().walk(&start);
    terminal.send(format!("{address}\r")).expect("the terminal takes a paste");
    terminal.expect(expectrl::Eof).expect("the end");
    let status = terminal.get_process().wait().expect("the exit status");
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    assert!(bed.read("credentials.json").contains("refresh_token"));
}
