//! The token response: lenient where real servers need it, strict where it matters.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::body;
use super::secret::Secret;
use crate::failure::words;
use crate::os::clock::Time;

/// Longest lifetime that is accepted, in seconds: ten years.
const MAX_LIFETIME_SECONDS: u64 = 10 * 365 * 24 * 3600;

words! {
    /// How an access token is used; the name is also the scheme of the `Authorization` header.
    ///
    /// Spec: RFC 6749 section 7.1; RFC 6750; RFC 9449 section 5.
    #[derive(Default)]
    TokenType {
        #[default] Bearer "Bearer" "by whoever has it";
        Dpop "DPoP" "with a proof for each request";
    }
}

/// A successful token response.
///
/// Spec: RFC 6749 section 5.1.
#[derive(Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access_token: Secret,
    /// How it is used.
    pub token_type: TokenType,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
    /// The lifetime of the access token, in seconds; zero for one that has to be refreshed before it is used. `None` if the
    /// response does not name one, or names more than ten years.
    pub expires_in: Option<u64>,
    /// The scopes that were granted; `None` if they are those that were asked for.
    pub scopes: Option<Vec<String>>,
    /// The ID token, unread, if there is one.
    pub id_token: Option<Secret>,
    /// What a token exchange has issued.
    ///
    /// Spec: RFC 8693 section 2.2.1.
    pub issued_token_type: Option<String>,
    /// When the server issued them, by its own clock: the `Date` of the response.
    pub issued_at: Option<Time>,
}

/// Why the response of a token endpoint cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenResponseError {
    /// It is neither JSON nor a form.
    #[error("it is neither a JSON object nor a form")]
    NotTokens,
    /// It holds a member twice, which readers understand in different ways.
    #[error("it holds a member twice")]
    Doubled,
    /// It holds no access token.
    #[error("it holds no access token")]
    NoAccessToken,
    /// Its access token cannot be sent.
    #[error("its access token holds characters that no header can carry")]
    Characters,
    /// The access token is not a Bearer token.
    #[error("its token is not a Bearer token")]
    NotBearer,
}

/// The members of a token response, of any type. Reading it fails where one of them is doubled.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenDocument {
    access_token: Value,
    refresh_token: Value,
    id_token: Value,
    token_type: Value,
    expires_in: Value,
    scope: Value,
    issued_token_type: Value,
}

impl Tokens {
    /// Reads the response of a token endpoint. `other_type` is the one type of token that is accepted beside Bearer: DPoP if
    /// the request had a proof, `N_A` if no access token was requested.
    ///
    /// Real servers need this leniency: any content type, a byte order mark, form encoding, no `token_type` or
    /// `BearerToken`, `expires_in` as text or beyond all reason, scopes as a list or empty, an `error` beside the token.
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`], which holds no byte of the response.
    ///
    /// Spec: RFC 6749 sections 3.2, 5.1 and 7.1.
    pub fn read(body: &[u8], other_type: Option<&str>) -> Result<Self, TokenResponseError> {
        let document = body::members::<TokenDocument>(body, &["access_token", "error"])
            .ok_or(TokenResponseError::NotTokens)?
            .map_err(|()| TokenResponseError::Doubled)?;
        let access_token = match document.access_token {
            Value::String(token) if is_token(&token) => Secret::new(token),
            Value::String(token) if !token.is_empty() => {
                return Err(TokenResponseError::Characters)
            }
            _ => return Err(TokenResponseError::NoAccessToken),
        };
        let issued_token_type = match document.issued_token_type {
            Value::String(kind) => Some(kind),
            _ => None,
        };
        let other_type = other_type.unwrap_or_default();
        let token_type = match &document.token_type {
            kind if is_bearer(kind) => TokenType::Bearer,
            Value::String(kind) if !kind.eq_ignore_ascii_case(other_type) => {
                return Err(TokenResponseError::NotBearer)
            }
            Value::String(_) if other_type == TokenType::Dpop.as_str() => TokenType::Dpop,
            Value::String(_) => TokenType::Bearer,
            _ => return Err(TokenResponseError::NotBearer),
        };
        let secret = |value| match value {
            // Without this, blanks would replace a refresh token that works.
            Value::String(text) if !text.trim().is_empty() => Some(Secret::new(text)),
            _ => None,
        };
        Ok(Self {
            access_token,
            token_type,
            refresh_token: secret(document.refresh_token),
            expires_in: lifetime(&document.expires_in),
            scopes: scopes(&document.scope),
            id_token: secret(document.id_token),
            issued_token_type,
            issued_at: None,
        })
    }
}

/// Tells whether the text is valid in an `Authorization` header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Tells whether a `token_type` is that of a Bearer token, or says nothing.
///
/// Deviates: RFC 6749 section 5.1 has the member required; some servers leave it out, and Apigee writes `BearerToken`.
fn is_bearer(kind: &Value) -> bool {
    match kind {
        Value::Null => true,
        Value::String(kind) => ["", "bearer", "bearertoken"]
            .iter()
            .any(|known| kind.eq_ignore_ascii_case(known)),
        _ => false,
    }
}

/// Reads `expires_in`. Zero and less is zero; more than ten years counts as absent.
fn lifetime(value: &Value) -> Option<u64> {
    let seconds = body::number(value)?;
    let is_plausible = seconds.is_finite() && seconds <= MAX_LIFETIME_SECONDS as f64;
    is_plausible.then_some(seconds.max(0.0) as u64)
}

fn scopes(value: &Value) -> Option<Vec<String>> {
    let texts = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    let scopes: Vec<_> = words.map(str::to_owned).collect();
    (!scopes.is_empty()).then_some(scopes)
}

/// Returns the account that a userinfo response names.
pub fn userinfo_account(response: &[u8]) -> Option<String> {
    account_name(&serde_json::from_slice(response).ok()?)
}

/// Returns the account that claims name.
///
/// Spec: OpenID Connect Core 1.0 section 5.1; only GitHub has a `login`.
pub fn account_name(claims: &Map<String, Value>) -> Option<String> {
    let names = ["login", "email", "preferred_username", "name", "sub"];
    let known = names.iter().filter_map(|name| claims.get(*name)?.as_str());
    // A number means nothing to people.
    let is_name = |account: &&str| account.bytes().any(|byte| !byte.is_ascii_digit());
    known.filter(is_name).map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::grant;
    use super::*;

    /// Compares what is read with the members of a response in the form of RFC 6749.
    fn check(body: &str, expected: Result<&str, TokenResponseError>) {
        let result = Tokens::read(body.as_bytes(), None).map(|tokens| {
            let text = |secret: Option<Secret>| secret.map(|it| it.expose().to_owned());
            let members = [
                (
                    "access_token",
                    text(Some(tokens.access_token)).map(Value::from),
                ),
                ("expires_in", tokens.expires_in.map(Value::from)),
                ("id_token", text(tokens.id_token).map(Value::from)),
                ("refresh_token", text(tokens.refresh_token).map(Value::from)),
                ("scope", tokens.scopes.map(|scopes| scopes.join(" ").into())),
                ("token_type", Some("bearer".into())),
            ];
            let members = members.into_iter();
            let given = members.filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(given.collect()).to_string()
        });
        assert_eq!(result, expected.map(str::to_owned), "{body}");
    }

    fn good(body: &str, extra: &str) {
        check(
            body,
            Ok(&format!(
                r#"{{"access_token":"a"{extra},"token_type":"bearer"}}"#
            )),
        );
    }

    #[test]
    fn o3_m30_e7_answers_that_are_accepted() {
        good(r#"{"access_token":"a","token_type":"Bearer"}"#, "");
        good(
            r#"{"access_token":"a","token_type":"bEARER","future":{"x":[1]}}"#,
            "",
        );
        good(r#"{"access_token":"a"}"#, "");
        good(
            "\u{feff} {\"access_token\":\"a\",\"token_type\":\"Bearer\"}\r\n",
            "",
        );
        good("access_token=a&token_type=bearer&scope=", "");
        for (value, seconds) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("\" 3600 \"", Some(3600)),
            ("3600.5", Some(3600)),
            ("\"3600.0\"", Some(3600)),
            ("3.6e3", Some(3600)),
            ("0", Some(0)),
            ("0.2", Some(0)),
            ("\"0\"", Some(0)),
            ("-1", Some(0)),
            ("\"-3600\"", Some(0)),
            ("-9223372036854775808", Some(0)),
            ("-1e30", Some(0)),
            ("315360000", Some(315_360_000)),
            ("315360001", None),
            ("1e12", None),
            ("999999999999", None),
            ("99999999999999999999999999", None),
            ("\"inf\"", None),
            ("\"-inf\"", None),
            ("\"NaN\"", None),
            ("null", None),
            ("true", None),
            ("\"soon\"", None),
            ("\"\"", None),
            ("[]", None),
        ] {
            let extra = seconds.map_or(String::new(), |seconds: u64| {
                format!(r#","expires_in":{seconds}"#)
            });
            good(
                &format!(r#"{{"access_token":"a","expires_in":{value}}}"#),
                &extra,
            );
        }
        let body = |member: &str| format!(r#"{{"access_token":"a",{member}}}"#);
        good(&body(r#""refresh_token":"r""#), r#","refresh_token":"r""#);
        good(&body(r#""refresh_token":"""#), "");
        good(&body(r#""refresh_token":null"#), "");
        good(&body(r#""refresh_token":" \n""#), "");
        good(
            &body(r#""refresh_token":"r\n""#),
            r#","refresh_token":"r\n""#,
        );
        good(&body(r#""refresh_token":7"#), "");
        good(&body(r#""scope":"""#), "");
        good(&body(r#""scope":null"#), "");
        good(&body(r#""scope":" a  b ""#), r#","scope":"a b""#);
        good(&body(r#""scope":["a","b"]"#), r#","scope":"a b""#);
        good(&body(r#""error":null"#), "");
        good(&body(r#""error":"not_one""#), "");
        good(&body(r#""future":1,"future":2"#), "");
    }

    #[test]
    fn e6_a9_only_a_bearer_token_is_accepted() {
        for kind in [
            "\"bearer\"",
            "\"Bearer\"",
            "\"BEARER\"",
            "\"BearerToken\"",
            "\"bearertoken\"",
            "\"\"",
            "null",
        ] {
            good(
                &format!(r#"{{"access_token":"a","token_type":{kind}}}"#),
                "",
            );
        }
        for kind in [
            "\"DPoP\"",
            "\"mac\"",
            "\"N_A\"",
            "\"bearer,DPoP\"",
            "\"Bearer token\"",
            "[\"DPoP\"]",
            "[\"Bearer\"]",
            "[]",
            "{\"x\":\"DPoP\"}",
            "{}",
            "7",
            "0",
            "true",
            "false",
        ] {
            check(
                &format!(r#"{{"access_token":"a","token_type":{kind}}}"#),
                Err(TokenResponseError::NotBearer),
            );
        }
        // What the answer says of itself opens nothing: only what was requested does.
        for (kind, other_type, expected) in [
            ("N_A", None, None),
            ("N_A", Some("DPoP"), None),
            ("n_a", Some("N_A"), Some(TokenType::Bearer)),
            ("Bearer", Some("N_A"), Some(TokenType::Bearer)),
            ("DPoP", Some("N_A"), None),
            ("mac", Some("N_A"), None),
            ("dpop", Some("DPoP"), Some(TokenType::Dpop)),
        ] {
            let body = json!({"access_token": "a", "token_type": kind, "issued_token_type": grant::ID_JAG});
            let read = Tokens::read(body.to_string().as_bytes(), other_type);
            let read = read.map(|tokens| tokens.token_type).ok();
            assert_eq!(read, expected, "{kind} {other_type:?}");
        }
    }

    #[test]
    fn w11_answers_that_are_not() {
        for body in [
            "{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"id_token":"x"}"#,
            r#"{"error":"invalid_grant"}"#,
        ] {
            check(body, Err(TokenResponseError::NoAccessToken));
        }
        for token in ["a b", " a", "a\n", "a\r\nX: y", "\u{1b}[2J", "\u{e9}", "\0"] {
            let body = json!({"access_token": token}).to_string();
            check(&body, Err(TokenResponseError::Characters));
        }
        for body in [
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"access_token":null,"access_token":"b"}"#,
            r#"{"access_token":"a","refresh_token":"r","refresh_t\u006fken":"s"}"#,
            "access_token=a&token_type=bearer&access_token=b",
        ] {
            check(body, Err(TokenResponseError::Doubled));
        }
        for body in [
            "",
            "null",
            "[]",
            "[{\"access_token\":\"a\"}]",
            "<html>",
            "{",
            "ok",
            "{\"access_token\":1e999}",
        ] {
            check(body, Err(TokenResponseError::NotTokens));
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for (member, expected) in [
            ("access_token", TokenResponseError::NotTokens),
            ("x", TokenResponseError::NoAccessToken),
        ] {
            let result = Tokens::read(format!("{{\"{member}\":{deep}}}").as_bytes(), None);
            assert_eq!(result, Err(expected), "{member}");
        }
    }

    #[test]
    fn every_member_is_read() {
        let body =
            br#"{"access_token":"a","expires_in":"60","scope":["x","y z"],"id_token":"e30.e30."}"#;
        let tokens = Tokens {
            token_type: TokenType::Bearer,
            access_token: Secret::new("a"),
            refresh_token: None,
            expires_in: Some(60),
            scopes: Some(vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]),
            issued_token_type: None,
            id_token: Some(Secret::new("e30.e30.")),
            issued_at: None,
        };
        assert_eq!(Tokens::read(body, None), Ok(tokens));
    }

    #[test]
    fn a52_claims_name_an_account_that_people_know() {
        for (claims, expected) in [
            (
                r#"{"login":"ann","id":1,"email":"ann@example.com","name":"Ann"}"#,
                Some("ann"),
            ),
            (
                r#"{"email":"Ann@Example.com","sub":"1"}"#,
                Some("Ann@Example.com"),
            ),
            (r#"{"sub":"auth0|66"}"#, Some("auth0|66")),
            (r#"{"sub":"117"}"#, None),
            (
                r#"{"login":"1","preferred_username":"2","name":"Ann"}"#,
                Some("Ann"),
            ),
            (r#"{"sub":117}"#, None),
            (r#"{"email":""}"#, None),
            ("[]", None),
        ] {
            assert_eq!(
                userinfo_account(claims.as_bytes()).as_deref(),
                expected,
                "{claims}"
            );
        }
    }
}
