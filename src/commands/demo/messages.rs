//! The requests that the demo's servers read and the answers that they give, apart from the sockets.

use serde_json::{json, Value};

/// A request, read to its end.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, as it came.
    pub query: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// Returns a header that is there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found
            .next()
            .filter(|_| found.next().is_none())
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether a header is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(key, _)| key.eq_ignore_ascii_case(name))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers, beside those that all answers have.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// What the person who watches the demo is told about it; nothing if empty.
    pub remark: String,
}

impl HttpResponse {
    /// Answers with a status alone.
    pub fn status(status: u16, remark: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            remark: remark.into(),
        }
    }

    /// Answers with a document.
    pub fn json(status: u16, body: &Value, remark: impl Into<String>) -> Self {
        let answer = Self::status(status, remark).with("Content-Type", "application/json");
        Self {
            body: body.to_string(),
            ..answer
        }
    }

    /// Sends the browser on.
    pub fn redirect(target: String, remark: impl Into<String>) -> Self {
        Self::status(303, remark).with("Location", target)
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The parameters of a query or a form.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query or the body of a form.
    pub fn read(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// Returns a parameter that is there once. One that is there twice counts as missing.
    ///
    /// Spec: RFC 6749 section 3.1.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none())
    }
}

/// An error of the registration or the token endpoint: its code, and a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthError(pub &'static str, pub &'static str);

impl OAuthError {
    /// Returns the answer.
    ///
    /// Spec: RFC 6749 section 5.2; RFC 7591 section 3.2.2.
    pub fn answer(self) -> HttpResponse {
        let Self(code, words) = self;
        HttpResponse::json(
            400,
            &json!({"error": code, "error_description": words}),
            words,
        )
    }
}
