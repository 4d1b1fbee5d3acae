//! The token response: lenient where real servers need it, strict where it matters.

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{self, ClientAuth};
use super::secret::Secret;

/// Longest lifetime that is believed, in seconds: ten years.
const MAX_LIFETIME_SECONDS: u64 = 10 * 365 * 24 * 3600;

/// What a successful token response gives.
#[derive(Debug)]
pub struct Tokens {
    /// The access token, a Bearer token.
    pub access_token: Secret,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives, in seconds; zero for one that has to be refreshed before it is used. `None` if the
    /// server does not say so in earnest.
    pub expires_in: Option<u64>,
    /// The scopes that were granted; `None` if they are those that were asked for.
    pub scopes: Option<Vec<String>>,
    /// The ID token, unread, if there is one.
    pub id_token: Option<Secret>,
}

/// Members of the response beyond RFC 6749.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Extra {
    #[serde(skip_serializing)]
    id_token: Option<Secret>,
}

impl ExtraTokenFields for Extra {}

/// The token response in the types of the `oauth2` crate.
pub type Response = StandardTokenResponse<Extra, BasicTokenType>;

/// The client of the `oauth2` crate, with a token endpoint.
pub type TokenClient = Client<
    BasicErrorResponse,
    Response,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Returns the client that asks `token_endpoint`, authenticating as `client` does.
///
/// # Errors
///
/// If the endpoint is no URL.
pub fn token_client(
    client: &client::Client,
    token_endpoint: &str,
) -> Result<TokenClient, url::ParseError> {
    let mut builder = Client::new(ClientId::new(client.id.clone()))
        .set_token_uri(TokenUrl::new(token_endpoint.to_owned())?)
        .set_auth_type(match client.auth {
            ClientAuth::Basic => oauth2::AuthType::BasicAuth,
            ClientAuth::None | ClientAuth::Post => oauth2::AuthType::RequestBody,
        });
    if let Some(secret) = client
        .secret
        .as_ref()
        .filter(|_| client.auth != ClientAuth::None)
    {
        builder = builder.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(builder)
}

impl From<Response> for Tokens {
    fn from(response: Response) -> Self {
        let scopes =
            |scopes: &Vec<oauth2::Scope>| scopes.iter().map(|scope| scope.to_string()).collect();
        Self {
            access_token: Secret::new(response.access_token().secret().clone()),
            refresh_token: response
                .refresh_token()
                .map(|token| Secret::new(token.secret().clone())),
            expires_in: response.expires_in().map(|lifetime| lifetime.as_secs()),
            scopes: response.scopes().map(scopes),
            id_token: response.extra_fields().id_token.clone(),
        }
    }
}

/// Why the answer of a token endpoint cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenResponseError {
    /// It is neither JSON nor a form.
    #[error("it is neither JSON nor a form")]
    NotTokens,
    /// It holds a member twice, so that readers may differ about what it says.
    #[error("it holds a member twice")]
    Doubled,
    /// It holds no access token.
    #[error("it holds no access token")]
    NoAccessToken,
    /// The access token is not a Bearer token.
    #[error("its token is not a Bearer token")]
    NotBearer,
}

/// Brings tokens in the answer of a token endpoint into the one form of RFC 6749.
///
/// What is forgiven, because servers do it: any content type, a byte order mark, form encoding, no `token_type` or
/// `BearerToken`, `expires_in` as text or out of all reason, scopes as a list or empty, an `error` beside the token.
///
/// # Errors
///
/// [`TokenResponseError`], which holds no byte of the answer.
///
/// Spec: RFC 6749 sections 3.2, 5.1 and 7.1.
pub fn normalise(body: &[u8]) -> Result<Vec<u8>, TokenResponseError> {
    let mut members = read_members(body)?;
    let token = access_token(&mut members).ok_or(TokenResponseError::NoAccessToken)?;
    Ok(Value::Object(token_members(token, &members)?)
        .to_string()
        .into_bytes())
}

/// Returns a body without the byte order mark and the white space around it.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii()
}

/// The members that a login is made of. Reading it fails where one of them is doubled.
#[derive(Deserialize)]
#[expect(dead_code, reason = "how often they stand there is all that is asked")]
struct NoDuplicates {
    access_token: Option<IgnoredAny>,
    refresh_token: Option<IgnoredAny>,
    id_token: Option<IgnoredAny>,
    token_type: Option<IgnoredAny>,
    expires_in: Option<IgnoredAny>,
    scope: Option<IgnoredAny>,
}

fn read_members(body: &[u8]) -> Result<Map<String, Value>, TokenResponseError> {
    let body = without_mark(body);
    if body.starts_with(b"{") {
        let members = serde_json::from_slice(body).map_err(|_| TokenResponseError::NotTokens)?;
        return serde_json::from_slice::<NoDuplicates>(body)
            .map(|_| members)
            .map_err(|_| TokenResponseError::Doubled);
    }
    let text = std::str::from_utf8(body).map_err(|_| TokenResponseError::NotTokens)?;
    if !["access_token=", "error="]
        .iter()
        .any(|name| text.split('&').any(|it| it.starts_with(name)))
    {
        return Err(TokenResponseError::NotTokens);
    }
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if members.insert(name.into_owned(), value.into()).is_some() {
            return Err(TokenResponseError::Doubled);
        }
    }
    Ok(members)
}

fn access_token(members: &mut Map<String, Value>) -> Option<String> {
    match members.remove("access_token") {
        Some(Value::String(token)) if is_token(&token) => Some(token),
        _ => None,
    }
}

/// Tells whether the text can stand in an `Authorization` header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn token_members(
    access_token: String,
    members: &Map<String, Value>,
) -> Result<Map<String, Value>, TokenResponseError> {
    let text = |name: &str| {
        members
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if !members.get("token_type").is_none_or(is_bearer) {
        return Err(TokenResponseError::NotBearer);
    }
    let mut kept = Map::new();
    kept.insert("access_token".to_owned(), access_token.into());
    kept.insert("token_type".to_owned(), "bearer".into());
    for name in ["refresh_token", "id_token"] {
        if let Some(value) = text(name) {
            kept.insert(name.to_owned(), value.into());
        }
    }
    if let Some(seconds) = members.get("expires_in").and_then(lifetime) {
        kept.insert("expires_in".to_owned(), seconds.into());
    }
    if let Some(scope) = members.get("scope").and_then(scope) {
        kept.insert("scope".to_owned(), scope.into());
    }
    Ok(kept)
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

/// Reads `expires_in`: nothing and less is zero, so that such a token is refreshed before it is used; what is longer than
/// any earnest lifetime counts as not said.
fn lifetime(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let is_earnest = seconds.is_finite() && seconds <= MAX_LIFETIME_SECONDS as f64;
    is_earnest.then_some(seconds.max(0.0) as u64)
}

fn scope(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        _ => return None,
    };
    let scopes: Vec<&str> = text.split_whitespace().collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

/// Returns the account that an answer of a userinfo endpoint, or the claims of an ID token, name.
///
/// Spec: OpenID Connect Core 1.0 section 5.1; only GitHub has a `login`.
pub fn userinfo_account(claims: &[u8]) -> Option<String> {
    let claims: Map<String, Value> = serde_json::from_slice(claims).ok()?;
    let names = ["login", "email", "preferred_username", "name", "sub"];
    let known = names.iter().filter_map(|name| claims.get(*name)?.as_str());
    // A number tells people nothing; two of them look alike.
    let is_name = |account: &&str| account.bytes().any(|byte| !byte.is_ascii_digit());
    known.filter(is_name).map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<&str, TokenResponseError>) {
        let result =
            normalise(body.as_bytes()).map(|body| String::from_utf8_lossy(&body).into_owned());
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
    fn o3_m30_e7_answers_that_are_taken() {
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
        good(&body(r#""scope":"""#), "");
        good(&body(r#""scope":null"#), "");
        good(&body(r#""scope":" a  b ""#), r#","scope":"a b""#);
        good(&body(r#""scope":["a","b"]"#), r#","scope":"a b""#);
        good(&body(r#""error":null"#), "");
        good(&body(r#""error":"not_one""#), "");
        good(&body(r#""future":1,"future":2"#), "");
    }

    #[test]
    fn e6_a9_only_a_bearer_token_is_one() {
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
    }

    #[test]
    fn w11_answers_that_are_not() {
        for body in [
            "{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
            r#"{"id_token":"x"}"#,
            r#"{"error":"invalid_grant"}"#,
        ] {
            check(body, Err(TokenResponseError::NoAccessToken));
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
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        check(&deep, Err(TokenResponseError::NotTokens));
    }

    #[test]
    fn normalised_answers_are_what_the_oauth2_crate_reads() {
        let body = normalise(
            br#"{"access_token":"a","expires_in":"60","scope":["x","y"],"id_token":"e30.e30."}"#,
        )
        .expect("tokens");
        let response: Response = serde_json::from_slice(&body).expect("a token response");
        let tokens = Tokens::from(response);
        assert_eq!(tokens.access_token.expose(), "a");
        assert_eq!(tokens.expires_in, Some(60));
        assert_eq!(tokens.scopes, Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(tokens.id_token, Some(Secret::new("e30.e30.")));
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
