//! What every pure parser guarantees for any input: one function for each fuzz target, which panics if it does not hold.
//!
//! `corpus.rs` calls these functions with the inputs in `tests/corpus`, the targets in `fuzz/fuzz_targets` with generated
//! ones. A new target is a function and a row here, a file there, and an entry in `fuzz/Cargo.toml`.

use url::Url;

use mcp_login::callback::{self, CheckError, RedirectTarget};
use mcp_login::oauth::callback::{AuthorizationResponse, ExpectedResponse, Rejection};
use mcp_login::oauth::client::{Client, ClientFile};
use mcp_login::oauth::endpoint::{self, UrlPolicy};
use mcp_login::oauth::jwt::key::SigningKey;
use mcp_login::oauth::jwt::pem;
use mcp_login::oauth::metadata::{AuthorizationServer, ResourceMetadata};
use mcp_login::oauth::paste::{self, PasteContent};
use mcp_login::oauth::secret::Secret;
use mcp_login::oauth::token_endpoint::TokenResponse;
use mcp_login::oauth::{challenge, text, token_endpoint};

/// Takes any input, and panics if a guarantee does not hold.
pub type Target = fn(&[u8]);

/// Every target, under the name of its directory in `fuzz/corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("challenge", challenge),
    ("client_key", client_key),
    ("metadata", metadata),
    ("paste", paste),
    ("query", query),
    ("request_head", request_head),
    ("text", text),
    ("token_answer", token_answer),
];

/// Reads the input as `WWW-Authenticate` headers, one a line.
pub fn challenge(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let challenges = challenge::parse(text.split('\n'));
    assert!(challenges
        .iter()
        .all(|challenge| !challenge.scheme.is_empty() && challenge.scheme.is_ascii()));
    let names = challenges
        .iter()
        .flat_map(|challenge| &challenge.parameters)
        .map(|(name, _)| name);
    assert!(names
        .into_iter()
        .all(|name| !name.contains(|next: char| next.is_ascii_uppercase() || next == '=')));

    let is_bearer = challenges
        .iter()
        .any(|challenge| challenge.scheme.eq_ignore_ascii_case("Bearer"));
    let bearer = challenge::bearer(text.split('\n'));
    assert_eq!(bearer.is_some(), is_bearer);
    if let Some(bearer) = bearer {
        assert!(bearer
            .resource_metadata
            .is_none_or(|url| !url.contains(char::is_whitespace)));
        assert!(bearer
            .scopes
            .iter()
            .all(|scope| !scope.is_empty() && !scope.contains(char::is_whitespace)));
    }
}

/// Reads the input as the private key of a client, in a file and in a variable.
pub fn client_key(input: &[u8]) {
    let Ok(key) = SigningKey::read(input, None) else {
        return;
    };
    for algorithm in key.kind().algorithms() {
        assert!(key
            .sign(*algorithm, b"message")
            .is_some_and(|it| it.len() >= 64));
    }
    let text = std::str::from_utf8(input).expect("a key is text");
    let unfolded = pem::unfolded(text);
    assert_eq!(
        SigningKey::read(unfolded.as_bytes(), None).as_ref(),
        Ok(&key)
    );
    // In one line.
    if text.starts_with("-----BEGIN ") && !text.contains('\\') {
        let folded = text.trim().replace('\n', "\\n");
        let unfolded = pem::unfolded(&folded);
        assert_eq!(SigningKey::read(unfolded.as_bytes(), None), Ok(key));
    }
}

/// Reads the input as what a person pasted.
pub fn paste(input: &[u8]) {
    let cleaned = paste::clean(input);
    assert!(!cleaned.contains(|next: char| next.is_control() && next != '\n'));
    match paste::read(&cleaned) {
        PasteContent::Answer(answer) => {
            assert!(answer.query.contains('=') && !answer.query.contains(char::is_whitespace));
            assert!(url::form_urlencoded::parse(answer.query.as_bytes())
                .any(|(name, _)| name == "code" || name == "error"));
            assert!(answer
                .place
                .is_none_or(|place| place.query().is_none() && place.fragment().is_none()));
        }
        PasteContent::NotAnAnswer(why) => assert!(!why.reason().is_empty()),
        PasteContent::Empty => {}
    }
}

/// Reads the input as what a stranger wants printed.
pub fn text(input: &[u8]) {
    let shown = text::printable(&String::from_utf8_lossy(input));
    let mut readable = text::Readable::default();
    assert!(
        shown.chars().count() <= 203 && shown.chars().all(|character| readable.takes(character))
    );
    assert!(!shown.contains("  "));
}

/// Reads the input as a request to the callback socket, whole and in two pieces.
pub fn request_head(input: &[u8]) {
    let read = |bytes: &[u8], forms| {
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
        let checked = callback::check(bytes, &target, visit, || false);
        assert!(!matches!(checked, Ok(Some(_))));
        answer
    };
    if let Some(form) = read(input, true) {
        assert!(input.starts_with(b"GET /callback?") || input.starts_with(b"POST /callback "));
        assert!(!form.is_empty() && form.len() <= input.len());
    }
    let answer = read(input, false);
    if let Some(query) = &answer {
        assert!(input.starts_with(b"GET /callback?") && !query.is_empty());
        assert!(!query.contains([' ', '\r', '\n', '\0']));
    }
    // What was accepted early is not taken back when more comes; only what is incomplete may change.
    let half = read(input.get(..input.len() / 2).unwrap_or_default(), false);
    if half.is_some() {
        assert_eq!(answer, half);
    }
}

/// Reads the input as the query of an authorization response.
pub fn query(input: &[u8]) {
    let query = String::from_utf8_lossy(input);
    let mut expected = ExpectedResponse {
        state: Secret::new("ours"),
        issuer: "https://as.example".to_owned(),
        iss_promised: false,
    };
    let plain = expected.check(&query);
    let is_foreign = |err: &Rejection| matches!(err, Rejection::State | Rejection::NoState { .. });
    assert_eq!(
        plain.as_ref().is_err_and(is_foreign),
        !expected.owns(&query)
    );
    if let Ok(AuthorizationResponse::Code(code)) = &plain {
        assert!(query.contains("ours") || query.contains('%'));
        assert_eq!(format!("{code:?}"), "AuthorizationCode(Secret(..))");
    }
    // A promise can only make more messages unacceptable.
    expected.iss_promised = true;
    assert!(plain.is_ok() || expected.check(&query).is_err());
    expected.state = Secret::new("another");
    assert!(
        expected.check(&query).is_err_and(|err| is_foreign(&err))
            || query.contains("another")
            || query.contains('%')
    );
}

/// Reads the input as each kind of document that servers and consoles hand out.
pub fn metadata(input: &[u8]) {
    let Ok(server) = Url::parse("https://mcp.example/mcp") else {
        return;
    };
    if let Ok(resource) = ResourceMetadata::read(input, &server, false) {
        assert!(resource
            .resource
            .to_ascii_lowercase()
            .starts_with("https://mcp.example"));
    }
    if let Ok(server) = AuthorizationServer::read(input, Some("https://as.example"), |url| {
        UrlPolicy { loopback: false }.check(url)
    }) {
        assert!(["https://as.example", "https://as.example/"].contains(&server.issuer.as_str()));
        let endpoints = [
            Some(&server.token_endpoint),
            server.registration_endpoint.as_ref(),
        ];
        assert!(endpoints
            .into_iter()
            .flatten()
            .all(|url| url.scheme() == "https" && url.username().is_empty()));
        let opened = endpoint::canonical(&server.authorization_endpoint);
        assert!(opened.starts_with("https://"));
        assert!(!opened.contains([
            ' ', '"', '\'', '`', '$', '|', ';', '<', '>', '\\', '^', '(', ')', '*', '!'
        ]));
    }
    if let Some(client) = Client::registered(input, None) {
        assert!(!client.id.is_empty() && !client.id.contains(char::is_control));
    }
    drop(ClientFile::read(input));
}

/// Reads the input as the answer of a token endpoint, with a status of each kind.
pub fn token_answer(input: &[u8]) {
    for status in [200, 400, 503] {
        match token_endpoint::classify_with(status, input, Some("DPoP")) {
            TokenResponse::Tokens(tokens) => {
                assert_eq!(status, 200);
                assert!(tokens
                    .access_token
                    .expose()
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic()));
                assert!(tokens
                    .scopes
                    .is_none_or(|scopes| scopes.iter().all(|scope| !scope.is_empty())));
            }
            TokenResponse::Refused(words) | TokenResponse::Busy(words) => {
                let said = [words.error, words.description].into_iter().flatten();
                said.for_each(|text| {
                    assert!(!text.contains(['\n', '\r']) && !text.trim().is_empty())
                });
            }
            TokenResponse::Unusable(_) => assert_eq!(status, 200),
        }
    }
}
