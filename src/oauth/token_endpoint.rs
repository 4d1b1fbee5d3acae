//! The response of a token endpoint: tokens, a refusal, or a server that cannot answer now.
//!
//! Servers report the same situation by the status, by an error code of RFC 6749 or of their own, in JSON of any shape, in a
//! form, or as a web page. Only this module reads them.

use serde_json::Value;

use super::body;
use super::secret::{quotes, Secret};
use super::text::{is_bidi_control, is_plain, printable};
use super::token::{TokenResponseError, Tokens};

/// The deepest level of JSON that is searched for an error.
const MAX_DEPTH: usize = 4;

/// Most elements of a JSON array that are searched for an error.
const MAX_ELEMENTS: usize = 4;

/// The length from which a word with a digit in it, outside JSON, may be a token; in bytes.
const TOKEN_LENGTH: usize = 16;

/// The response of a token endpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum TokenResponse {
    /// Tokens.
    Tokens(Tokens),
    /// The server refuses: the same request will be refused again.
    Refused(ErrorResponse),
    /// The server cannot answer now: the same request may be answered later.
    Busy(ErrorResponse),
    /// It is something else.
    Unusable(TokenResponseError),
}

/// The error response of a server, each part on one line. It is untrusted text.
///
/// Spec: RFC 6749 section 5.2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The error code.
    pub error: Option<String>,
    /// The sentence for people.
    pub description: Option<String>,
}

impl ErrorResponse {
    /// Returns the error code; empty if there is none.
    pub fn code(&self) -> &str {
        self.error.as_deref().unwrap_or_default()
    }

    /// Tells whether the error code is this one.
    pub fn is(&self, error: &str) -> bool {
        self.error.as_deref() == Some(error)
    }

    /// Tells whether the server wants a proof, or another one, that the client has the key of its tokens.
    ///
    /// Spec: RFC 9449 sections 5 and 8.
    pub fn wants_proof(&self) -> bool {
        self.is("use_dpop_nonce") || self.is("invalid_dpop_proof")
    }

    /// Returns the code and the sentence, each behind a colon, for the end of a message.
    pub fn details(&self) -> String {
        let parts = [&self.error, &self.description].into_iter().flatten();
        parts.map(|part| format!(": {}", printable(part))).collect()
    }

    /// Drops each part that quotes one of these secrets.
    pub fn drop_quotes_of(&mut self, secrets: &[Secret]) {
        let secrets: Vec<_> = secrets.iter().map(Secret::expose).collect();
        for part in [&mut self.error, &mut self.description] {
            part.take_if(|text| quotes(text, &secrets, ""));
        }
    }
}

/// Classifies the answer of a token endpoint by its status and its body.
///
/// A status of 408, 425, 429 or 5xx means that the server is busy, whatever the body says; so does 407, which only a
/// proxy sends. So do the words for it, whatever the status is. Every other status of 4xx is a refusal, whatever the body
/// says, and an answer of another status that holds an error is one too.
///
/// Spec: RFC 6749 sections 5.1 and 5.2; RFC 9110 section 15.5; RFC 8628 section 3.5 for `slow_down`.
pub fn classify(status: u16, body: &[u8]) -> TokenResponse {
    classify_with(status, body, None)
}

/// Classifies the answer as [`classify`] does; `other_type` as in [`Tokens::read`].
///
/// Spec: RFC 9449 section 5; RFC 8693 section 2.2.1.
pub fn classify_with(status: u16, body: &[u8], other_type: Option<&str>) -> TokenResponse {
    match status {
        407 | 408 | 425 | 429 | 500..=599 => TokenResponse::Busy(words_of_any_form(body)),
        400..=499 => refusal(words_of_any_form(body), body),
        _ => match Tokens::read(body, other_type) {
            Ok(tokens) => TokenResponse::Tokens(tokens),
            Err(TokenResponseError::NotTokens | TokenResponseError::NoAccessToken)
                if document(body).as_ref().is_some_and(has_error) =>
            {
                let members = members(body);
                if members.is_busy_status() {
                    TokenResponse::Busy(members.words())
                } else {
                    refusal(members.words(), body)
                }
            }
            Err(why) => TokenResponse::Unusable(why),
        },
    }
}

fn refusal(words: ErrorResponse, body: &[u8]) -> TokenResponse {
    let is_refused = means_refused(words.code());
    let all = members(body).codes;
    let mut said = words.error.iter().chain(&all).chain(&words.description);
    if !is_refused && said.any(|word| means_busy(word)) {
        return TokenResponse::Busy(words);
    }
    TokenResponse::Refused(words)
}

/// Tells whether an error code of the standards says that the request itself is refused.
///
/// Spec: RFC 6749 section 5.2; RFC 8707 section 2.
fn means_refused(code: &str) -> bool {
    code.starts_with("invalid_")
        || code.starts_with("unsupported_")
        || code == "unauthorized_client"
}

/// Tells whether an error code says that the server is busy: those of the standards, and what servers call a limit.
fn means_busy(code: &str) -> bool {
    let code = code.to_ascii_lowercase().replace(['-', ' '], "_");
    let exact = [
        "temporarily_unavailable",
        "server_error",
        "slow_down",
        "unavailable",
        "service_unavailable",
        "internal_error",
        "fatal_error",
    ];
    let parts = [
        "rate_limit",
        "ratelimit",
        "too_many_requests",
        "throttl",
        "resource_exhausted",
        "overloaded",
    ];
    exact.contains(&code.as_str()) || is_code(&code) && parts.iter().any(|it| code.contains(it))
}

/// Tells whether a text is one word, as codes are.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && is_plain(text, "_.-")
}

/// Reads an error response in JSON of any shape or in a form; empty if there is no error.
pub fn error_words(body: &[u8]) -> ErrorResponse {
    match document(body) {
        Some(document) if has_error(&document) => ErrorMembers::of(&document).words(),
        _ => ErrorResponse::default(),
    }
}

/// Reads an error response of any form, plain text and web pages too. Text with a word that may be a token is left out.
pub fn words_of_any_form(body: &[u8]) -> ErrorResponse {
    match document(body) {
        Some(Value::String(text)) => text_words(&text),
        Some(document) => ErrorMembers::of(&document).words(),
        None => text_words(&String::from_utf8_lossy(body)),
    }
}

fn has_error(document: &Value) -> bool {
    let is_said = |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && value != "";
    let members = document.get(0).unwrap_or(document);
    ["error", "errors", "error_code"]
        .iter()
        .any(|name| members.get(*name).is_some_and(is_said))
}

fn members(body: &[u8]) -> ErrorMembers {
    document(body)
        .map(|document| ErrorMembers::of(&document))
        .unwrap_or_default()
}

/// Reads JSON, or a form as an object.
fn document(body: &[u8]) -> Option<Value> {
    let body = body::without_byte_order_mark(body);
    let form = || {
        let is_form = body::is_form_with(body, &["error", "error_description"]);
        is_form.then(|| url::form_urlencoded::parse(body).collect())
    };
    serde_json::from_slice(body).ok().or_else(form)
}

/// The members in which servers put an error, the most reliable first: whether it may be a code there, and whether it may be an
/// object or list with the error in it. Upper and lower case differ between servers.
const PLACES: [(&str, bool, bool); 13] = [
    ("error", true, true),
    ("errors", false, true),
    ("error_code", true, false),
    ("errorcode", true, false),
    ("code", true, false),
    ("reason", true, false),
    ("type", true, false),
    ("__type", true, false),
    ("status", true, false),
    ("detail", false, true),
    ("details", false, true),
    ("fault", false, true),
    ("data", false, true),
];

/// Where servers put a sentence about an error, the most reliable place first.
const SENTENCES: [&str; 11] = [
    "error_description",
    "message",
    "msg",
    "error_message",
    "errormessage",
    "errorsummary",
    "description",
    "detail",
    "details",
    "faultstring",
    "title",
];

/// Codes, sentences and statuses in JSON, the most reliable first.
#[derive(Default)]
struct ErrorMembers {
    codes: Vec<String>,
    sentences: Vec<String>,
    numbers: Vec<u64>,
}

impl ErrorMembers {
    fn of(value: &Value) -> Self {
        let mut found = Self::default();
        found.read(value, 0);
        found
    }

    fn read(&mut self, value: &Value, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::Array(list) => list
                .iter()
                .take(MAX_ELEMENTS)
                .for_each(|element| self.read(element, depth + 1)),
            Value::String(text) => {
                let words =
                    one_line(text).filter(|line| !line.split_whitespace().any(may_be_a_token));
                self.sentences.extend(words);
            }
            Value::Object(members) => {
                let member = |name: &str| {
                    members
                        .iter()
                        .find(|(known, _)| known.eq_ignore_ascii_case(name))
                        .map(|it| it.1)
                };
                for (name, holds_code, holds_more) in PLACES {
                    match member(name) {
                        Some(Value::String(code)) if holds_code => {
                            // A `type` may be a URL, or say no more than that this is an error.
                            let says_nothing =
                                name == "type" && (code.contains(':') || code == "error");
                            self.codes.extend(one_line(code).filter(|_| !says_nothing));
                        }
                        Some(Value::Number(number)) if holds_code => {
                            self.numbers.extend(number.as_u64())
                        }
                        Some(inner @ (Value::Object(_) | Value::Array(_))) if holds_more => {
                            self.read(inner, depth + 1);
                        }
                        _ => {}
                    }
                }
                let said = SENTENCES.iter().filter_map(|name| member(name)?.as_str());
                self.sentences.extend(said.filter_map(one_line));
            }
            _ => {}
        }
    }

    fn words(self) -> ErrorResponse {
        let error = self.codes.into_iter().next();
        let description = self
            .sentences
            .into_iter()
            .find(|sentence| Some(sentence) != error.as_ref());
        ErrorResponse { error, description }
    }

    /// Tells whether the answer names a status of a busy server in its body.
    fn is_busy_status(&self) -> bool {
        self.numbers
            .iter()
            .any(|number| matches!(number, 408 | 425 | 429 | 500..=599))
    }
}

/// Reads plain text or a web page.
fn text_words(text: &str) -> ErrorResponse {
    let text = text.trim_start_matches('\u{feff}').trim();
    let lower = text.to_ascii_lowercase();
    let is_page = text.starts_with('<');
    let is_broken_json = text.starts_with(['{', '[', '"'])
        || lower.contains("access_token")
        || lower.contains("refresh_token");
    let shown = match is_page {
        _ if is_broken_json => None,
        true => ["title", "h1", "message"]
            .iter()
            .find_map(|name| element(text, &lower, name)),
        false => Some(text),
    };
    let shown = shown.and_then(one_line);
    let shown = shown.filter(|line| !line.split_whitespace().any(may_be_a_token));
    let (error, description) = match shown {
        Some(word) if is_code(&word) && !is_page => (Some(word), None),
        description => (None, description),
    };
    ErrorResponse { error, description }
}

/// Returns the text of the first element of this name in a page.
fn element<'a>(page: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let start = lower.find(&format!("<{name}"))?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</")?;
    page.get(start..end).filter(|text| !text.contains('<'))
}

/// Tells whether a word of somebody's message may be a token.
pub fn may_be_a_token(word: &str) -> bool {
    word.len() >= TOKEN_LENGTH && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Returns the first line of a text that is not blank.
fn one_line(text: &str) -> Option<String> {
    let mut lines = text.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ]);
    let is_blank = |line: &&str| {
        line.chars()
            .all(|next| next.is_whitespace() || is_bidi_control(next))
    };
    lines
        .find(|line| !is_blank(line))
        .map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests;
