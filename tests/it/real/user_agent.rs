//! A user with the simplest of browsers: redirects, cookies, and one form on each page, without scripts.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use url::{form_urlencoded, Url};

use super::bed::Bed;
use super::running::{Finished, Run, Server};
use crate::support::PATIENCE;

/// Most pages and redirects between the authorization URL and the client.
const PAGES: usize = 16;

/// What the user types where a form asks for it.
const TYPED: [(&str, &str); 2] = [("login", "somebody"), ("password", "anything")];

/// Logs in into the file store where the browser is on another machine: what this makes of the authorization URL is pasted.
pub fn login_by_paste(
    bed: &Bed,
    server: &Server,
    words: &[&str],
    walk: impl FnOnce(&str) -> String,
) -> Finished {
    let mut command = bed.program();
    command.args([
        "--no-browser",
        "--paste",
        "--timeout",
        "180s",
        "--store",
        &bed.file_store(),
    ]);
    let mut run = Run::start(command.args(words).arg(&server.url));
    let event = run.wait_for_event("authorization_url");
    run.type_line(&walk(event["url"].as_str().expect("a URL")));
    run.finish()
}

/// A user agent; of a second login, it still has the cookies of the first.
#[derive(Default)]
pub struct UserAgent {
    cookies: BTreeMap<String, String>,
}

/// An answer, as far as the user agent looks at it.
struct Page {
    location: Option<String>,
    text: String,
}

impl UserAgent {
    /// Signs in and consents, and returns the address that the browser would be sent to at last.
    pub fn agree(&mut self, start: &str) -> String {
        self.walk(start, "accept")
    }

    /// Signs in and refuses, and returns the address that the browser would be sent to at last.
    pub fn refuse(&mut self, start: &str) -> String {
        self.walk(start, "deny")
    }

    /// Enters the code of a device on the page of the server, signs in, and clicks this button; returns the last page.
    pub fn enter_code(&mut self, start: &str, code: &str, button: &str) -> String {
        let mut at = Url::parse(start).expect("the page of the code");
        let mut page = self.ask(&at, None);
        for _ in 0..PAGES {
            if let Some(location) = &page.location {
                at = at.join(location).expect("a location");
                page = self.ask(&at, None);
            } else if page.text.contains("<form") {
                let mut form = Form::of(&page.text);
                let is_refused = form.enter(code, button);
                at = at.join(&form.action).expect("the form's address");
                page = self.ask(&at, Some(&form.filled(button)));
                if is_refused {
                    return page.text;
                }
            } else {
                return page.text;
            }
        }
        panic!("the pages for the code do not end: {}", page.text);
    }

    /// Walks to the client's redirect URI; where a form has several buttons, the one of this value is clicked.
    fn walk(&mut self, start: &str, button: &str) -> String {
        let mut at = Url::parse(start).expect("the authorization URL");
        let redirect = at
            .query_pairs()
            .find(|(name, _)| name == "redirect_uri")
            .expect("a redirect URI")
            .1
            .into_owned();
        let mut page = self.ask(&at, None);
        for _ in 0..PAGES {
            if let Some(location) = &page.location {
                if location.starts_with(&redirect) {
                    return location.clone();
                }
                at = at.join(location).expect("a location");
                page = self.ask(&at, None);
            } else {
                let form = Form::of(&page.text);
                at = at.join(&form.action).expect("the form's address");
                page = self.ask(&at, Some(&form.filled(button)));
            }
        }
        panic!(
            "the pages of the authorization server do not end: {}",
            page.text
        );
    }

    fn ask(&mut self, url: &Url, form: Option<&str>) -> Page {
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let method = if form.is_some() { "POST" } else { "GET" };
        let body = form.unwrap_or_default();
        let jar: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        // HTTP/1.0, so that the body comes in one piece and the connection ends with it.
        let request = format!(
            "{method} {target} HTTP/1.0\r\nHost: {host}\r\nCookie: {}\r\nAccept: text/html\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            jar.join("; "),
            body.len(),
        );
        let mut stream = TcpStream::connect(host).expect("the authorization server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
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
        let (name, value) = cookie
            .split(';')
            .next()
            .and_then(|pair| pair.split_once('='))
            .expect("a cookie");
        if value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The first form of a page.
struct Form {
    /// Where it goes; empty for the page's own address.
    action: String,
    /// Names and values of its fields and buttons.
    fields: Vec<(String, String)>,
}

impl Form {
    fn of(page: &str) -> Self {
        let (_, rest) = page
            .split_once("<form")
            .unwrap_or_else(|| panic!("no form in: {page}"));
        let (form, _) = rest.split_once("</form>").expect("the form's end");
        let action = attribute(form, "action").unwrap_or_default();
        let tags = form
            .split('<')
            .filter(|tag| tag.starts_with("input") || tag.starts_with("button"));
        let fields = tags.filter_map(|tag| {
            Some((
                attribute(tag, "name")?,
                attribute(tag, "value").unwrap_or_default(),
            ))
        });
        Self {
            action,
            fields: fields.collect(),
        }
    }

    /// Enters a code where the form asks for it. A form that asks whether the code is right, as that of oidc-provider, has its
    /// button for no outside of it; returns whether that is clicked, after which the server asks for another code.
    fn enter(&mut self, code: &str, button: &str) -> bool {
        for (_, value) in self
            .fields
            .iter_mut()
            .filter(|(name, _)| name == "user_code")
        {
            code.clone_into(value);
        }
        let is_asked = self.fields.iter().any(|(name, _)| name == "confirm");
        let is_refused = is_asked && button == "deny";
        if is_refused {
            self.fields.push(("abort".to_owned(), "yes".to_owned()));
        }
        is_refused
    }

    /// Returns the body that the form sends when the user has typed what it asks for and clicks this button.
    fn filled(&self, button: &str) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            let typed = TYPED.iter().find(|(field, _)| field == name);
            if name != "answer" || value == button {
                body.append_pair(name, typed.map_or(value, |(_, text)| text));
            }
        }
        body.finish()
    }
}

/// Returns the value of an attribute of the tag that this text begins with.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (tag, _) = tag.split_once('>')?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0.replace("&amp;", "&"))
}
