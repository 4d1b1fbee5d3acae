//! The authorization response: whether it belongs to this login, and what it holds.
//!
//! Any program on this machine and any page in the browser can call the redirect URI. So the order of the checks is the
//! protection: state, then issuer, and only then what the sender claims.

use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::secret::Secret;
use super::text::printable;
use crate::failure::{About, Code, Failure, Hint};

/// Longest authorization code that is accepted, in bytes. Real ones reach 2,812.
const MAX_CODE_BYTES: usize = 8 * 1024;

/// An authorization code that came with our state and from the right issuer. Only [`ExpectedResponse::check`] makes one.
#[derive(Debug)]
pub struct AuthorizationCode(Secret);

impl AuthorizationCode {
    /// Gives the code away, to be spent once.
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

/// What the response to one authorization request must carry.
#[derive(Clone, Debug)]
pub struct ExpectedResponse {
    /// The state that was sent.
    pub state: Secret,
    /// The issuer that was recorded before the browser opened.
    pub issuer: String,
    /// Whether the authorization server promised an `iss` in every answer.
    pub iss_promised: bool,
}

/// An authorization response that belongs to this login.
#[derive(Debug)]
pub enum AuthorizationResponse {
    /// The user agreed.
    Code(AuthorizationCode),
    /// The user or the authorization server refused.
    Denied(Denial),
}

/// The error response of an authorization server: untrusted text, not safe for a terminal.
///
/// Spec: RFC 6749 section 4.1.2.1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", printable(error), after_colon(description))]
pub struct Denial {
    /// The error code.
    pub error: String,
    /// What the server adds for people.
    pub description: Option<String>,
}

fn after_colon(description: &Option<String>) -> String {
    description
        .as_ref()
        .map(|words| format!(": {}", printable(words)))
        .unwrap_or_default()
}

impl Failure for Denial {
    fn code(&self) -> Code {
        Code::of_oauth_error(&self.error, Code::Refused)
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let known = about.explain(&self.error, self.description.as_deref());
        Some(known.unwrap_or_else(|| refusal_hint(&self.error)).into())
    }
}

/// Returns what a refusal with this error code means, for a page: no word of the server's own.
///
/// Spec: RFC 6749 section 4.1.2.1; OpenID Connect Core section 3.1.2.6; RFC 8707 section 2.
pub fn refusal_in_words(error: &str) -> &'static str {
    match error {
        "access_denied" => "You or the authorization server denied access (access_denied). Nothing was stored.",
        "invalid_scope" => "The authorization server does not grant the scopes that were requested (invalid_scope). The terminal says more.",
        "invalid_target" => "The authorization server does not know the resource that was requested (invalid_target). The terminal says more.",
        "unauthorized_client" => "The authorization server does not let this client log in (unauthorized_client). The terminal says more.",
        "invalid_request" | "unsupported_response_type" => "The authorization server did not accept the request. The terminal says more.",
        "login_required" | "consent_required" | "interaction_required" | "account_selection_required" => {
            "The authorization server wants to ask you something and was not able to. The terminal says more."
        }
        _ => "The authorization server gave a reason of its own. The terminal has its words; nothing was stored.",
    }
}

/// Returns what to do after a refusal with this error code.
pub fn refusal_hint(error: &str) -> &'static str {
    match error {
        "access_denied" => "run the command again, and agree to the request in the browser",
        "invalid_scope" => "ask for scopes that the server knows, with --scope",
        "invalid_target" => {
            "the server does not know this resource; --resource names another, --no-resource names none"
        }
        "unauthorized_client" | "invalid_client" => {
            "the server does not accept this client: name one that it knows with --client-id, or ask its operator"
        }
        _ => "the words after the colon are the server's; ask its operator",
    }
}

/// Why a response is rejected; the login goes on waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The state is not ours, or doubled.
    State,
    /// There is no state, or only the beginning of ours.
    NoState {
        /// What there is of it is the beginning of ours. Nobody but the user may learn this, for it helps to guess the rest.
        is_cut: bool,
        /// The error that the message names. Anybody can have written it.
        claimed: Option<Denial>,
    },
    /// The issuer is wrong.
    Issuer,
    /// The issuer is missing though it is promised.
    NoIssuer {
        /// The error that the message names. Nothing proves that the authorization server wrote it.
        claimed: Option<Denial>,
    },
    /// Something is there twice, or both an error and a code are.
    Ambiguous,
    /// A value cannot be read, or neither an error nor a code is there.
    Malformed,
    /// The server cannot answer just now; the user may try again in the same tab.
    Temporary(Denial),
}

impl ExpectedResponse {
    /// Tells whether exactly one state is there and is ours.
    pub fn owns(&self, query: &str) -> bool {
        let is_ours = |state: &str| -> bool {
            state
                .as_bytes()
                .ct_eq(self.state.expose().as_bytes())
                .into()
        };
        matches!(parameter(query, "state"), Ok(Some(state)) if is_ours(&state))
    }

    fn begins_with(&self, state: &str) -> bool {
        let beginning = self.state.expose().as_bytes().get(..state.len());
        beginning.is_some_and(|beginning| state.as_bytes().ct_eq(beginning).into())
    }

    /// Returns why a response without our state is rejected.
    fn no_state(&self, query: &str) -> Rejection {
        let is_cut = match parameter(query, "state") {
            Ok(None) => false,
            Ok(Some(state)) if state.is_empty() => false,
            Ok(Some(state)) if self.begins_with(&state) => true,
            Ok(Some(_)) | Err(_) => return Rejection::State,
        };
        Rejection::NoState {
            is_cut,
            claimed: claimed(query),
        }
    }

    /// Checks the query of an authorization response, and returns what it holds.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]: the message changes nothing. Only with our state and the right issuer are `error` and `code`
    /// looked at.
    ///
    /// Spec: RFC 6749 section 4.1.2; RFC 9207 section 2.4; MCP 2026-07-28, Authorization Response Validation.
    pub fn check(&self, query: &str) -> Result<AuthorizationResponse, Rejection> {
        self.check_state(query)?;
        self.check_issuer(query)?;
        match (parameter(query, "error")?, parameter(query, "code")?) {
            (Some(_), Some(_)) => Err(Rejection::Ambiguous),
            (Some(error), None) => self.denied(error, query),
            (None, Some(code)) => read_code(code).map(AuthorizationResponse::Code),
            (None, None) => Err(Rejection::Malformed),
        }
    }

    /// Checks that exactly one state is there, and that it is ours.
    ///
    /// # Errors
    ///
    /// [`Rejection::State`] or [`Rejection::NoState`].
    ///
    /// Spec: RFC 6749 section 10.12.
    pub fn check_state(&self, query: &str) -> Result<(), Rejection> {
        if self.owns(query) {
            Ok(())
        } else {
            Err(self.no_state(query))
        }
    }

    /// Compares `iss` with the recorded issuer, as strings, without normalising either.
    ///
    /// # Errors
    ///
    /// [`Rejection::Issuer`] or [`Rejection::NoIssuer`]; [`Rejection::Ambiguous`] or [`Rejection::Malformed`] for a value that
    /// cannot be compared.
    ///
    /// Spec: RFC 9207 section 2.4.
    pub fn check_issuer(&self, query: &str) -> Result<(), Rejection> {
        match parameter(query, "iss")? {
            Some(iss) if iss == self.issuer => Ok(()),
            Some(_) => Err(Rejection::Issuer),
            None if self.iss_promised => Err(Rejection::NoIssuer {
                claimed: claimed(query),
            }),
            None => Ok(()),
        }
    }

    fn denied(&self, error: String, query: &str) -> Result<AuthorizationResponse, Rejection> {
        let temporary = matches!(
            error.as_str(),
            "server_error" | "temporarily_unavailable" | "slow_down"
        );
        let denial = Denial {
            error,
            description: description(query)?,
        };
        if temporary {
            Err(Rejection::Temporary(denial))
        } else {
            Ok(AuthorizationResponse::Denied(denial))
        }
    }
}

/// Returns what the server adds for people.
///
/// # Errors
///
/// [`Rejection::Ambiguous`].
fn description(query: &str) -> Result<Option<String>, Rejection> {
    Ok(raw(query, "error_description")?.map(decode_words))
}

/// Returns the error that a message names which does not prove where it comes from.
fn claimed(query: &str) -> Option<Denial> {
    let error = parameter(query, "error").ok()??;
    if error.is_empty() {
        return None;
    }
    Some(Denial {
        error,
        description: description(query).ok().flatten(),
    })
}

fn read_code(code: String) -> Result<AuthorizationCode, Rejection> {
    let code = Secret::new(code);
    let legal = code
        .expose()
        .bytes()
        .all(|byte| (0x20..=0x7e).contains(&byte));
    if legal && !code.expose().is_empty() && code.expose().len() <= MAX_CODE_BYTES {
        Ok(AuthorizationCode(code))
    } else {
        Err(Rejection::Malformed)
    }
}

/// Returns the value of a parameter.
///
/// # Errors
///
/// [`Rejection::Ambiguous`] if it is there twice, and [`Rejection::Malformed`] if it cannot be decoded.
fn parameter(query: &str, name: &str) -> Result<Option<String>, Rejection> {
    let value = raw(query, name)?;
    value
        .map(|value| decode(value).ok_or(Rejection::Malformed))
        .transpose()
}

/// Returns the value of a parameter as it came. Parameters of other names are not even decoded.
fn raw<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut found = None;
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(key).as_deref() == Some(name) && found.replace(value).is_some() {
            return Err(Rejection::Ambiguous);
        }
    }
    Ok(found)
}

/// Decodes what people are to read, however it is written: Microsoft's is of several lines.
fn decode_words(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let words = percent_decode_str(&spaced).decode_utf8_lossy();
    words
        .split(|it: char| it.is_control())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Decodes form encoding, once and strictly: a broken escape, a control character or bad UTF-8 make it `None`.
fn decode(text: &str) -> Option<String> {
    let broken = text.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    (!broken && !decoded.contains(char::is_control)).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(iss_promised: bool) -> ExpectedResponse {
        ExpectedResponse {
            state: Secret::new("s~1"),
            issuer: "https://as.example".into(),
            iss_promised,
        }
    }

    /// What a check came to, in one word that a table can hold.
    fn verdict(query: &str, iss_promised: bool) -> String {
        match expected(iss_promised).check(query) {
            Ok(AuthorizationResponse::Code(code)) => {
                format!("code {}", code.into_secret().expose())
            }
            Ok(AuthorizationResponse::Denied(denial)) => {
                format!("denied {} {:?}", denial.error, denial.description)
            }
            Err(Rejection::Temporary(denial)) => format!("temporary {}", denial.error),
            Err(Rejection::NoState { is_cut: true, .. }) => "CutState".to_owned(),
            Err(Rejection::NoState { .. }) => "NoState".to_owned(),
            Err(Rejection::NoIssuer { .. }) => "NoIssuer".to_owned(),
            Err(rejection) => format!("{rejection:?}"),
        }
    }

    fn check(query: &str, expected: &str) {
        assert_eq!(verdict(query, false), expected, "{query}");
    }

    #[test]
    fn l8_v9_state_comes_first() {
        for (query, expected) in [
            ("", "NoState"),
            ("code=c", "NoState"),
            ("error=access_denied", "NoState"),
            ("state=&code=c", "NoState"),
            ("state&code=c", "NoState"),
            ("state=s&code=c", "CutState"),
            ("state=s%7E&code=c", "CutState"),
            ("state=x&code=c", "State"),
            ("state=s~1x&code=c", "State"),
            ("state=s~2&code=c", "State"),
            ("state=S~1&code=c", "State"),
            ("state=s~1&state=s~1&code=c", "State"),
            ("state=s~1&state=other&code=c", "State"),
            ("state=other&error=access_denied", "State"),
            ("state=%zz&code=c", "State"),
            ("State=s~1&code=c", "NoState"),
            ("state[]=s~1&code=c", "NoState"),
            ("state=s~1%00&code=c", "State"),
            ("state=s~1;code=c", "State"),
            ("state=s%257E1&code=c", "State"),
        ] {
            check(query, expected);
        }
    }

    #[test]
    fn l12_decoding_is_strict_and_single() {
        for (query, expected) in [
            ("code=c&state=s~1", "code c"),
            ("code=c&state=s%7E1", "code c"),
            ("%63ode=c&st%61te=s~1", "code c"),
            ("code=a+b%20c&state=s~1", "code a b c"),
            (
                "code=user%3Agrant%3Asecret&state=s~1",
                "code user:grant:secret",
            ),
            ("code=a%252Fb&state=s~1", "code a%2Fb"),
            ("code=c&state=s~1&session_state=%zz&x", "code c"),
            ("&&code=c&&state=s~1&", "code c"),
            ("code=%&state=s~1", "Malformed"),
            ("code=%2&state=s~1", "Malformed"),
            ("code=%zz&state=s~1", "Malformed"),
            ("code=%00&state=s~1", "Malformed"),
            ("code=a%0d%0ab&state=s~1", "Malformed"),
            ("code=%ff&state=s~1", "Malformed"),
            ("code=%c0%af&state=s~1", "Malformed"),
            ("code=%C3%A4&state=s~1", "Malformed"),
            ("Code=c&state=s~1", "Malformed"),
            ("code[]=c&state=s~1", "Malformed"),
            ("state=s~1", "Malformed"),
            ("code=&state=s~1", "Malformed"),
            ("code&state=s~1", "Malformed"),
        ] {
            check(query, expected);
        }
        check(
            &format!("state=s~1&code={}", "c".repeat(MAX_CODE_BYTES + 1)),
            "Malformed",
        );
        let longest = "c".repeat(MAX_CODE_BYTES);
        check(
            &format!("state=s~1&code={longest}"),
            &format!("code {longest}"),
        );
    }

    #[test]
    fn l11_repeated_parameters_are_refused() {
        for query in [
            "code=c&code=c",
            "code=c&error=x",
            "code=c&iss=a&iss=a",
            "error=a&error=b",
            "code=c&code=",
        ] {
            check(&format!("state=s~1&{query}"), "Ambiguous");
        }
    }

    #[test]
    fn o1_l9_l10_refusals() {
        for error in [
            "invalid_request",
            "unauthorized_client",
            "access_denied",
            "unsupported_response_type",
            "invalid_scope",
            "interaction_required",
            "login_required",
            "consent_required",
            "invalid_target",
            "never_heard_of",
        ] {
            check(
                &format!("error={error}&state=s~1"),
                &format!("denied {error} None"),
            );
        }
        check(
            "error=access_denied&error_description=no+way&state=s~1",
            "denied access_denied Some(\"no way\")",
        );
        // Words are only shown: however they are written, the refusal counts.
        let lines =
            "error=access_denied&error_description=AADSTS65004%3a+no%0d%0aTrace+ID%ff%zz&state=s~1";
        check(
            lines,
            "denied access_denied Some(\"AADSTS65004: no Trace ID\u{fffd}%zz\")",
        );
        check("error=server_error&state=s~1", "temporary server_error");
        check(
            "error=temporarily_unavailable&state=s~1",
            "temporary temporarily_unavailable",
        );
        check("error=slow_down&state=s~1", "temporary slow_down");
    }

    /// MCP 2026-07-28: four rows, for codes and for refusals alike.
    #[test]
    fn m26_b1_the_issuer_table() {
        for (iss, plain, promised) in [
            ("", "ok", "NoIssuer"),
            ("&iss=https%3A%2F%2Fas.example", "ok", "ok"),
            ("&iss=https://as.example", "ok", "ok"),
            ("&iss=https%3A%2F%2Fas.example%2F", "Issuer", "Issuer"),
            ("&iss=https%3A%2F%2Fas.example%252F", "Issuer", "Issuer"),
            ("&iss=https%3A%2F%2FAS.example", "Issuer", "Issuer"),
            ("&iss=https%3A%2F%2Fas.example%3A443", "Issuer", "Issuer"),
            ("&iss=https%3A%2F%2Fother.example", "Issuer", "Issuer"),
            ("&iss=", "Issuer", "Issuer"),
            ("&iss=%zz", "Malformed", "Malformed"),
        ] {
            for (message, good) in [
                ("code=c", "code c"),
                ("error=access_denied", "denied access_denied None"),
            ] {
                let query = format!("{message}&state=s~1{iss}");
                let result = |verdict: &'static str| if verdict == "ok" { good } else { verdict };
                assert_eq!(verdict(&query, false), result(plain), "{query}");
                assert_eq!(verdict(&query, true), result(promised), "{query}, promised");
            }
        }
    }

    /// What an answer claims that does not prove where it comes from: it is only ever shown.
    #[test]
    fn a50_a51_what_an_unproven_error_says() {
        let denial = |error: &str, description: Option<&str>| {
            Some(Denial {
                error: error.into(),
                description: description.map(str::to_owned),
            })
        };
        for (query, claims) in [
            ("code=c", None),
            ("error=", None),
            ("error=a&error=b", None),
            (
                "error=invalid_request&error_description=Missing+%27nonce%27",
                denial("invalid_request", Some("Missing 'nonce'")),
            ),
            (
                "error=access_denied&error_description=a&error_description=b",
                denial("access_denied", None),
            ),
            ("error=access_denied&code=c", denial("access_denied", None)),
        ] {
            let without = Rejection::NoState {
                is_cut: false,
                claimed: claims.clone(),
            };
            assert_eq!(
                expected(true).check(query).expect_err("no state"),
                without,
                "{query}"
            );
            let unnamed = Rejection::NoIssuer { claimed: claims };
            assert_eq!(
                expected(true)
                    .check(&format!("{query}&state=s~1"))
                    .expect_err("no issuer"),
                unnamed,
                "{query}"
            );
        }
    }

    #[test]
    fn a_code_shows_nothing() {
        let Ok(AuthorizationResponse::Code(code)) = expected(false).check("code=canary&state=s~1")
        else {
            panic!("no code")
        };
        assert_eq!(format!("{code:?}"), "AuthorizationCode(Secret(..))");
    }
}
