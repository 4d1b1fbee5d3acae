//! The token response: lenient where real servers need it, strict where it matters.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
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
    /// How long the access token lives, in seconds; `None` if the server does not say so in earnest.
    pub expires_in: Option<u64>,
    /// The scopes that were granted; `None` if they are those that were asked for.
    pub scopes: Option<Vec<String>>,
    /// The user's account, as an ID token names it. It is shown, and decides nothing.
    pub account: Option<String>,
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
pub fn token_client(client: &client::Client, token_endpoint: &str) -> Result<TokenClient, url::ParseError> {
    let mut builder = Client::new(ClientId::new(client.id.clone()))
        .set_token_uri(TokenUrl::new(token_endpoint.to_owned())?)
        .set_auth_type(match client.auth {
            ClientAuth::Basic => oauth2::AuthType::BasicAuth,
            ClientAuth::None | ClientAuth::Post => oauth2::AuthType::RequestBody,
        });
    if let Some(secret) = client.secret.as_ref().filter(|_| client.auth != ClientAuth::None) {
        builder = builder.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    Ok(builder)
}

impl From<Response> for Tokens {
    fn from(response: Response) -> Self {
        let scopes = |scopes: &Vec<oauth2::Scope>| scopes.iter().map(|scope| scope.to_string()).collect();
        Self {
            access_token: Secret::new(response.access_token().secret().clone()),
            refresh_token: response.refresh_token().map(|token| Secret::new(token.secret().clone())),
            expires_in: response.expires_in().map(|lifetime| lifetime.as_secs()),
            scopes: response.scopes().map(scopes),
            account: response.extra_fields().id_token.as_ref().and_then(|token| account(token.expose())),
        }
    }
}

/// Why the answer of a token endpoint cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is neither JSON nor a form.
    #[error("it is neither JSON nor a form")]
    NotTokens,
    /// It holds a member twice, so that readers may differ about what it says.
    #[error("it holds a member twice")]
    Doubled,
    /// It holds no access token.
    #[error("it holds no access token")]
    NoAccessToken,
    /// It holds tokens, but its status says that the request failed.
    #[error("its status contradicts it")]
    Contradiction,
    /// The access token is not a Bearer token.
    #[error("its token is not a Bearer token")]
    NotBearer,
}

/// Brings the answer of a token endpoint into the one form of RFC 6749: status 200 with tokens, or 400 with an error.
/// `failed` says that its own status was one of failure; then it holds no tokens, whatever is in it.
///
/// What is forgiven, because servers do it: any success status and any content type, a byte order mark, form encoding,
/// an error inside a 200 or inside an object, no `token_type`, `expires_in` as text or out of all reason, scopes as a
/// list or empty.
///
/// # Errors
///
/// [`Unusable`], which holds no byte of the answer.
///
/// Spec: RFC 6749 sections 3.2, 5.1 and 5.2.
pub fn normalise(body: &[u8], failed: bool) -> Result<(u16, Vec<u8>), Unusable> {
    let mut members = read_members(body)?;
    let (status, kept) = match access_token(&mut members) {
        Some(token) if !failed => (200, token_members(token, &members)?),
        Some(_) => (400, error_members(&members).ok_or(Unusable::Contradiction)?),
        None => (400, error_members(&members).ok_or(Unusable::NoAccessToken)?),
    };
    Ok((status, Value::Object(kept).to_string().into_bytes()))
}

/// The members that a login is made of. Reading it fails where one of them is doubled.
#[derive(Deserialize)]
#[expect(dead_code, reason = "how often they stand there is all that is asked")]
struct Once {
    access_token: Option<IgnoredAny>,
    refresh_token: Option<IgnoredAny>,
    id_token: Option<IgnoredAny>,
    token_type: Option<IgnoredAny>,
    expires_in: Option<IgnoredAny>,
    scope: Option<IgnoredAny>,
}

fn read_members(body: &[u8]) -> Result<Map<String, Value>, Unusable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if body.starts_with(b"{") {
        let members = serde_json::from_slice(body).map_err(|_| Unusable::NotTokens)?;
        return serde_json::from_slice::<Once>(body).map(|_| members).map_err(|_| Unusable::Doubled);
    }
    let text = std::str::from_utf8(body).map_err(|_| Unusable::NotTokens)?;
    if !["access_token=", "error="].iter().any(|name| text.split('&').any(|it| it.starts_with(name))) {
        return Err(Unusable::NotTokens);
    }
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if members.insert(name.into_owned(), value.into()).is_some() {
            return Err(Unusable::Doubled);
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

fn token_members(access_token: String, members: &Map<String, Value>) -> Result<Map<String, Value>, Unusable> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Unusable::NotBearer);
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

/// Reads `expires_in`; what is no earnest lifetime counts as not said.
fn lifetime(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let whole = text.split('.').next().unwrap_or(&text);
    whole.parse().ok().filter(|seconds| (1..=MAX_LIFETIME_SECONDS).contains(seconds))
}

fn scope(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let scopes: Vec<&str> = text.split_whitespace().collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

/// Reads the error of an answer: its code, and what the server adds for people.
pub fn read_error(body: &[u8]) -> Option<(String, Option<String>)> {
    let members = error_members(&read_members(body).ok()?)?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text("error")?, text("error_description")))
}

fn error_members(members: &Map<String, Value>) -> Option<Map<String, Value>> {
    let error = members.get("error")?;
    let (code, description) = match error {
        Value::String(code) => (Some(code.as_str()), members.get("error_description")),
        Value::Object(inner) => {
            let code = ["code", "type", "status"].iter().find_map(|name| inner.get(*name)?.as_str());
            (code, inner.get("message"))
        }
        _ => (None, None),
    };
    let mut kept = Map::new();
    kept.insert("error".to_owned(), code.unwrap_or("unknown_error").into());
    if let Some(description) = description.and_then(Value::as_str) {
        kept.insert("error_description".to_owned(), description.into());
    }
    Some(kept)
}

/// Returns the account that an ID token names. The token came straight from the token endpoint, so its signature adds
/// nothing here.
///
/// Spec: OpenID Connect Core 1.0 section 3.1.3.7, point 6.
fn account(id_token: &str) -> Option<String> {
    let payload = id_token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    userinfo_account(&claims)
}

/// Returns the account that an answer of a userinfo endpoint, or the claims of an ID token, name.
///
/// Spec: OpenID Connect Core 1.0 section 5.1; only GitHub has a `login`.
pub fn userinfo_account(claims: &[u8]) -> Option<String> {
    let claims: Map<String, Value> = serde_json::from_slice(claims).ok()?;
    let names = ["login", "email", "preferred_username", "name", "sub"];
    let known = names.iter().filter_map(|name| claims.get(*name)?.as_str());
    known.filter(|account| !account.is_empty()).map(str::to_owned).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<(u16, &str), Unusable>) {
        let result = normalise(body.as_bytes(), false);
        let text = |(status, body): &(u16, Vec<u8>)| (*status, String::from_utf8_lossy(body).into_owned());
        let expected = expected.map(|(status, body)| (status, body.to_owned()));
        assert_eq!(result.as_ref().map(text).map_err(|why| *why), expected, "{body}");
    }

    fn good(body: &str, extra: &str) {
        check(body, Ok((200, &format!(r#"{{"access_token":"a"{extra},"token_type":"bearer"}}"#))));
    }

    #[test]
    fn o3_m30_answers_that_are_taken() {
        good(r#"{"access_token":"a","token_type":"Bearer"}"#, "");
        good(r#"{"access_token":"a","token_type":"bEARER","future":{"x":[1]}}"#, "");
        good(r#"{"access_token":"a"}"#, "");
        good(r#"{"access_token":"a","token_type":null}"#, "");
        good("\u{feff} {\"access_token\":\"a\",\"token_type\":\"Bearer\"}\r\n", "");
        good("access_token=a&token_type=bearer&scope=", "");
        for (value, seconds) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("\" 3600 \"", Some(3600)),
            ("3600.5", Some(3600)),
            ("\"3600.0\"", Some(3600)),
            ("0", None),
            ("-1", None),
            ("1e12", None),
            ("999999999999", None),
            ("null", None),
            ("true", None),
            ("\"soon\"", None),
            ("[]", None),
        ] {
            let extra = seconds.map_or(String::new(), |seconds: u64| format!(r#","expires_in":{seconds}"#));
            good(&format!(r#"{{"access_token":"a","expires_in":{value}}}"#), &extra);
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
        good(&body(r#""future":1,"future":2"#), "");
        let both = br#"{"access_token":"a","error":"invalid_grant"}"#;
        assert_eq!(normalise(both, true), Ok((400, br#"{"error":"invalid_grant"}"#.to_vec())));
        assert_eq!(normalise(br#"{"access_token":"a"}"#, true), Err(Unusable::Contradiction));
    }

    #[test]
    fn w11_answers_that_are_not() {
        for kind in ["DPoP", "mac", "N_A"] {
            check(&format!(r#"{{"access_token":"a","token_type":"{kind}"}}"#), Err(Unusable::NotBearer));
        }
        for body in [
            "{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
            r#"{"id_token":"x"}"#,
        ] {
            check(body, Err(Unusable::NoAccessToken));
        }
        for body in [
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"access_token":null,"access_token":"b"}"#,
            r#"{"access_token":"a","refresh_token":"r","refresh_t\u006fken":"s"}"#,
            "access_token=a&token_type=bearer&access_token=b",
        ] {
            check(body, Err(Unusable::Doubled));
        }
        for body in ["", "null", "[]", "[{\"access_token\":\"a\"}]", "<html>", "{", "ok", "{\"access_token\":1e999}"] {
            check(body, Err(Unusable::NotTokens));
        }
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        check(&deep, Err(Unusable::NotTokens));
    }

    #[test]
    fn o2_errors_are_known_by_the_error_member() {
        for error in ["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope"] {
            check(&format!(r#"{{"error":"{error}"}}"#), Ok((400, &format!(r#"{{"error":"{error}"}}"#))));
        }
        check(
            r#"{"error":"x","error_description":"y","error_uri":"z"}"#,
            Ok((400, r#"{"error":"x","error_description":"y"}"#)),
        );
        check("error=bad_code&error_description=a+b", Ok((400, r#"{"error":"bad_code","error_description":"a b"}"#)));
        check(r#"{"error":{"code":"x","message":"y"}}"#, Ok((400, r#"{"error":"x","error_description":"y"}"#)));
        check(r#"{"error":{"code":401}}"#, Ok((400, r#"{"error":"unknown_error"}"#)));
        check(r#"{"error":true}"#, Ok((400, r#"{"error":"unknown_error"}"#)));
    }

    #[test]
    fn normalised_answers_are_what_the_oauth2_crate_reads() {
        let (_, body) =
            normalise(br#"{"access_token":"a","expires_in":"60","scope":["x","y"],"id_token":"e30.e30."}"#, false)
                .expect("tokens");
        let response: Response = serde_json::from_slice(&body).expect("a token response");
        let tokens = Tokens::from(response);
        assert_eq!(tokens.access_token.expose(), "a");
        assert_eq!(tokens.expires_in, Some(60));
        assert_eq!(tokens.scopes, Some(vec!["x".to_owned(), "y".to_owned()]));
    }

    #[test]
    fn an_id_token_names_the_account() {
        let token = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(account(&token(r#"{"sub":"1","email":"ann@example.com"}"#)).as_deref(), Some("ann@example.com"));
        assert_eq!(account(&token(r#"{"sub":"1"}"#)).as_deref(), Some("1"));
        for bad in ["", "e30", "e30.%%%.x", "e30.W10.x"] {
            assert_eq!(account(bad), None, "{bad}");
        }
        let github = br#"{"login":"ann","id":1,"email":"ann@example.com","name":"Ann"}"#;
        assert_eq!(userinfo_account(github).as_deref(), Some("ann"));
        assert_eq!(userinfo_account(br#"{"email":"Ann@Example.com","sub":"1"}"#).as_deref(), Some("Ann@Example.com"));
    }
}
