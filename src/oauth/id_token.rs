//! The ID token: the account of the login.
//!
//! It comes straight from the token endpoint, so its signature is not checked. The account is shown, and decides nothing. The
//! token has to be issued by this authorization server, for this client, and for this login.

use serde_json::Value;

use super::jwt;
use super::token::account_name;

/// How far the clocks of the server and of this computer may differ, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;

// Why an ID token is not accepted.
const NOT_A_JWT: &str = "it is not a JSON Web Token";
const OTHER_ISSUER: &str = "another issuer made it";
const OTHER_CLIENT: &str = "it is for another client";
const EXPIRED: &str = "it has expired";
const OTHER_LOGIN: &str = "it is for another login";

/// The claims that an ID token must have.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedClaims<'a> {
    /// The issuer of the authorization server.
    pub issuer: &'a str,
    /// The client identifier.
    pub client_id: &'a str,
    /// The nonce of the authorization request, if it had one.
    pub nonce: Option<&'a str>,
    /// The present moment, in seconds since 1970.
    pub now: i64,
}

/// Returns the account that an ID token names; `None` if it names none that people know.
///
/// # Errors
///
/// Why it is not for this login, as a sentence.
///
/// Deviates: `iss` may lack `https://`, as Google's may; for another tenant's name of the same issuer see `is_issuer`.
///
/// Spec: OpenID Connect Core 1.0 section 3.1.3.7, points 2, 3, 6, 9 and 11.
pub fn account(
    id_token: &str,
    expected: &ExpectedClaims,
    is_issuer: impl Fn(&str) -> bool,
) -> Result<Option<String>, &'static str> {
    let payload = id_token.split('.').nth(1);
    let claims = payload.and_then(jwt::object).ok_or(NOT_A_JWT)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_made_here = |iss: &str| {
        let bare = expected.issuer.strip_prefix("https://");
        iss == expected.issuer || Some(iss) == bare || is_issuer(iss)
    };
    if !text("iss").is_some_and(is_made_here) {
        return Err(OTHER_ISSUER);
    }
    if !jwt::audiences(&claims).contains(&expected.client_id) {
        return Err(OTHER_CLIENT);
    }
    let is_over = |at: i64| at.saturating_add(CLOCK_SKEW_SECONDS) <= expected.now;
    if jwt::expires_at(&claims).is_none_or(is_over) {
        return Err(EXPIRED);
    }
    match (expected.nonce, claims.get("nonce")) {
        (Some(sent), Some(nonce)) if nonce != sent => Err(OTHER_LOGIN),
        _ => Ok(account_name(&claims)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a18_a52_an_id_token_is_looked_at_before_its_account_is_believed() {
        let good = json!({"iss": "https://as.example", "aud": "me", "exp": 1000, "email": "ann@example.com"});
        let believed = Ok(Some("ann@example.com".to_owned()));
        for (member, value, result) in [
            ("iss", json!("https://as.example"), believed.clone()),
            ("iss", json!("as.example"), believed.clone()),
            ("iss", json!("https://as.example/tenant"), believed.clone()),
            ("iss", json!("https://as.example/"), Err(OTHER_ISSUER)),
            ("iss", json!("https://evil.example"), Err(OTHER_ISSUER)),
            ("iss", json!(["https://as.example"]), Err(OTHER_ISSUER)),
            ("iss", json!(null), Err(OTHER_ISSUER)),
            ("aud", json!(["other", "me"]), believed.clone()),
            ("aud", json!("other"), Err(OTHER_CLIENT)),
            ("aud", json!("ME"), Err(OTHER_CLIENT)),
            ("aud", json!(["other"]), Err(OTHER_CLIENT)),
            ("aud", json!([]), Err(OTHER_CLIENT)),
            ("aud", json!(null), Err(OTHER_CLIENT)),
            ("exp", json!(2000.5), believed.clone()),
            ("exp", json!(701), believed.clone()),
            ("exp", json!(700), Err(EXPIRED)),
            ("exp", json!(-1), Err(EXPIRED)),
            ("exp", json!("2000"), Err(EXPIRED)),
            ("exp", json!(null), Err(EXPIRED)),
            ("nonce", json!("n"), believed.clone()),
            ("nonce", json!("other"), Err(OTHER_LOGIN)),
            ("nonce", json!(7), Err(OTHER_LOGIN)),
            ("email", json!("4711"), Ok(None)),
        ] {
            let mut claims = good.clone();
            claims[member] = value;
            let token = format!("e30.{}.sig", jwt::base64url(claims.to_string()));
            let expected = ExpectedClaims {
                issuer: "https://as.example",
                client_id: "me",
                nonce: Some("n"),
                now: 1000,
            };
            let is_issuer = |iss: &str| iss.ends_with("/tenant");
            assert_eq!(account(&token, &expected, is_issuer), result, "{claims}");
            if member == "nonce" {
                let expected = ExpectedClaims {
                    nonce: None,
                    ..expected
                };
                assert_eq!(account(&token, &expected, is_issuer), believed, "{claims}");
            }
        }
        let expected = ExpectedClaims {
            issuer: "i",
            client_id: "c",
            nonce: None,
            now: 0,
        };
        for bad in ["", "e30", "e30.%%%.x", "e30.W10.x", "..", "e30."] {
            assert_eq!(account(bad, &expected, |_| true), Err(NOT_A_JWT), "{bad}");
        }
    }
}
