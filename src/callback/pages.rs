//! The pages that the browser is shown. Each is constant but for the host of the server, where the page answers a request
//! with the right state: no byte of a request is ever in an answer.

use std::io::Cursor;

use tiny_http::{HTTPVersion, Header, Response, StatusCode};
use url::Url;

use crate::oauth::text::is_plain;

/// A page for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The login is complete: the tokens have been exchanged and stored.
    LoggedIn,
    /// The user or the authorization server refused, for this reason.
    Refused(&'static str),
    /// The answer was good, but the login failed after it.
    Failed,
    /// The exchange takes long; the terminal will show how it ends.
    SeeTerminal,
    /// The authorization server cannot answer just now.
    Temporary,
    /// The answer does not belong to the login that is running.
    OtherLogin,
    /// The answer does not name its authorization server, which promises to be named.
    NoIssuer,
    /// Another authorization server sent the answer.
    OtherIssuer,
    /// The answer came from another user's program, or from one that is gone.
    ForeignPeer,
    /// The address has no query; some servers put the answer behind a `#`, which a browser does not send.
    Empty,
    /// The request cannot be read.
    Malformed,
    /// There is nothing at this path.
    NotFound,
    /// The program has no icon.
    NoIcon,
    /// Only these methods are served.
    MethodNotAllowed(&'static str),
    /// It is not a navigation of the user's: a prefetch, a frame, a script.
    NotAVisit,
    /// The `Host` is not this machine.
    WrongHost,
    /// The head is too large.
    TooLarge,
    /// The form is too large.
    FormTooLarge,
    /// The head took too long.
    TooSlow,
}

const CHECK: &str = r#"<main class="good"><div class="mark"><svg viewBox="0 0 24 24"><path d="M5 12.5l4.5 4.5L19 7.5"/></svg></div>"#;
const CROSS: &str = r#"<main class="bad"><div class="mark"><svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17"/></svg></div>"#;
const DOTS: &str = r#"<main class="calm"><div class="mark"><svg viewBox="0 0 24 24"><path d="M6 12h.01M12 12h.01M18 12h.01"/></svg></div>"#;

/// The beginning of every page, up to its style.
pub const HEAD: &str = include_str!("pages/head.html");

/// The style of every page.
pub const STYLE: &str = include_str!("pages/style.css");

/// What a page may load: its own style, named by its SHA-256, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'sha256-n1G97ZT8XnEsLHQlouOmbJPTZacXblC24yiqc9TJG/o='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Page {
    /// Returns the status code.
    pub fn status(self) -> u16 {
        match self {
            Self::LoggedIn | Self::Refused(_) | Self::SeeTerminal => 200,
            Self::NoIcon => 204,
            Self::OtherLogin
            | Self::NoIssuer
            | Self::OtherIssuer
            | Self::Empty
            | Self::Malformed => 400,
            Self::ForeignPeer | Self::NotAVisit => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::TooSlow => 408,
            Self::FormTooLarge => 413,
            Self::WrongHost => 421,
            Self::TooLarge => 431,
            Self::Failed => 500,
            Self::Temporary => 503,
        }
    }

    /// Returns what a person reads: the mark, the title, the headline and a sentence; `None` for answers to programs. An
    /// `@` is replaced with the server.
    fn words(self) -> Option<[&'static str; 4]> {
        let words = match self {
            Self::LoggedIn => [CHECK, "Logged in to @", "You are logged in to @", "You can close this tab and go back to the terminal."],
            Self::Refused(why) => [CROSS, "Login to @ refused", "The login to @ was refused", why],
            Self::Failed => [CROSS, "Login to @ failed", "The login to @ failed", "Your answer arrived, but the login could not be completed. The terminal shows why."],
            Self::SeeTerminal => [DOTS, "Logging in to @", "Almost logged in to @", "This takes longer than usual. The terminal will say how it ends."],
            Self::Temporary => [DOTS, "Logging in to @", "The server is busy", "The authorization server could not answer just now. Go back and try again in this tab."],
            Self::OtherLogin => [CROSS, "Not logged in", "This tab does not belong to the login that is running", "The state in its address is missing, cut off, or from another login. Continue in the newest tab; the terminal shows more."],
            Self::NoIssuer => [CROSS, "Not logged in", "This answer was not accepted", "It does not name the authorization server that sent it (iss), although that server promises to do so. The terminal shows more."],
            Self::OtherIssuer => [CROSS, "Not logged in", "This answer was not accepted", "It comes from a different authorization server than the one that was asked. The terminal shows more."],
            Self::ForeignPeer => [CROSS, "Not logged in", "This answer did not come from your own browser", "Copy the address of this page, and paste it into the terminal in which the login is running."],
            Self::Empty => [DOTS, "Not logged in", "There is no answer in this address", "If the address bar shows more behind a # sign, copy all of it and paste it into the terminal. Otherwise continue in the newest tab."],
            _ => return None,
        };
        Some(words)
    }

    fn body(self, server: &str) -> String {
        match self.words() {
            Some([mark, title, headline, sentence]) => {
                let named = |text: &str| match server {
                    "" => text.replace(" to @", ""),
                    server => text.replace('@', server),
                };
                let title = format!("<title>{}</title>", named(title));
                let head = HEAD.replace("<title>mcp-login</title>", &title);
                let headline = named(headline);
                format!("{head}{STYLE}</style>\n{mark}\n<h1>{headline}</h1>\n<p>{sentence}</p>\n<footer>mcp-login</footer>\n</main>\n")
            }
            None if self == Self::NoIcon => String::new(),
            None => format!("{}\n", StatusCode(self.status()).default_reason_phrase()),
        }
    }

    /// Returns the whole answer, which closes the connection. `server` is the server as [`server_name`] gives it.
    pub fn bytes(self, server: &str) -> Vec<u8> {
        let body = self.body(server);
        let kind = if self.words().is_some() {
            "text/html; charset=utf-8"
        } else {
            "text/plain; charset=utf-8"
        };
        let mut headers = vec![
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Server", "mcp-login"),
        ];
        if let Self::MethodNotAllowed(methods) = self {
            headers.push(("Allow", methods));
        }
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Header::from_bytes(*name, *value).ok())
            .collect();
        let length = body.len();
        let response = Response::new(
            StatusCode(self.status()),
            headers,
            Cursor::new(body),
            Some(length),
            None,
        );
        let mut bytes = Vec::new();
        // HTTP/1.0 closes the connection after the answer. Writing to memory does not fail.
        let _ = response.raw_print(&mut bytes, HTTPVersion(1, 0), &[], false, None);
        bytes
    }
}

/// Returns a server as a page names it: the host of its URL, or the name that the user chose, in plain ASCII. Empty if that
/// says nothing.
pub fn server_name(server: &str) -> String {
    let url = Url::parse(server).ok();
    let host = url.as_ref().map_or(Some(server), Url::host_str);
    let host = host.filter(|host| is_plain(host, ".-_:[]+"));
    host.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn v5_the_style_is_the_one_thing_a_page_may_load() {
        let style = format!("\n{STYLE}");
        let hash = base64::engine::general_purpose::STANDARD.encode(crate::digest::sha256(style));
        assert!(
            POLICY.contains(&format!("'sha256-{hash}'")),
            "the style's hash is now {hash}"
        );
    }

    #[test]
    fn l4_pages_are_whole_and_close() {
        for page in [
            Page::LoggedIn,
            Page::Refused("You said no."),
            Page::Failed,
            Page::OtherLogin,
            Page::NotFound,
            Page::NoIcon,
        ] {
            let text = String::from_utf8(page.bytes("mcp.example.com")).expect("ASCII");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            assert!(
                head.starts_with(&format!("HTTP/1.0 {} ", page.status())),
                "{head}"
            );
            assert!(
                head.contains("Referrer-Policy: no-referrer")
                    && head.contains("Cache-Control: no-store"),
                "{head}"
            );
            assert!(!head.contains("Access-Control"), "{head}");
            assert_eq!(page.words().is_some(), body.contains("<h1>"));
        }
    }
    #[test]
    fn t3_a_page_names_the_server_and_nothing_else_from_outside() {
        for (server, name) in [
            ("https://mcp.example.com/mcp?x=<y>", "mcp.example.com"),
            ("https://MCP.Example.com:8443/", "mcp.example.com"),
            ("https://b\u{fc}cher.example/mcp", "xn--bcher-kva.example"),
            ("http://[::1]:8000/mcp", "[::1]"),
            ("work", "work"),
            ("odd://a&b<c>/x", ""),
            ("ann@example.com", ""),
        ] {
            assert_eq!(server_name(server), name, "{server}");
        }
        let body = Page::LoggedIn.body("mcp.example.com");
        assert!(
            body.contains("<title>Logged in to mcp.example.com</title>"),
            "{body}"
        );
        assert!(
            body.contains("<h1>You are logged in to mcp.example.com</h1>"),
            "{body}"
        );
        let body = Page::LoggedIn.body("");
        assert!(
            body.contains("<title>Logged in</title>") && !body.contains("<h1>You are logged in to"),
            "{body}"
        );
        // Who has no right state learns nothing of the login.
        for page in [
            Page::OtherLogin,
            Page::NoIssuer,
            Page::ForeignPeer,
            Page::Empty,
            Page::NotFound,
        ] {
            let body = page.body("mcp.example.com");
            assert!(
                !body.contains("example") && !body.contains("to @"),
                "{body}"
            );
        }
    }
}
