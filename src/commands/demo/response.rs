//! What the servers of the demo answer, and how they read parameters.

use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers, beside those that all answers have.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// What the person who watches the demo reads about it; empty for nothing.
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
        Self {
            body: body.to_string(),
            ..Self::status(status, remark).with("Content-Type", "application/json")
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Returns a parameter of a query or a form. One that is there twice counts as missing.
///
/// Spec: RFC 6749 section 3.1.
pub fn parameter(text: &[u8], name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(text).filter(|(key, _)| key == name);
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.into_owned())
}
