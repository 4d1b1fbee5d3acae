//! What the forms of answers mean that token endpoints give.

use super::*;

/// What an answer means, as the rows below write it: `busy`, `refused`, `tokens`, or why it cannot be used; then the error
/// code and the sentence.
fn told(status: u16, body: &str) -> String {
    let in_words = |kind: &str, words: ErrorResponse| {
        let (error, description) = (
            words.error.unwrap_or_default(),
            words.description.unwrap_or_default(),
        );
        format!("{kind}|{error}|{description}")
    };
    match classify(status, body.as_bytes()) {
        TokenResponse::Tokens(_) => "tokens".to_owned(),
        TokenResponse::Refused(words) => in_words("refused", words),
        TokenResponse::Busy(words) => in_words("busy", words),
        TokenResponse::Unusable(why) => why.to_string(),
    }
}

#[track_caller]
fn check(status: u16, body: &str, expected: &str) {
    assert_eq!(told(status, body), expected, "{status} {body}");
}

#[test]
fn e1_a_server_that_is_busy() {
    for (status, body, expected) in [
        (429, r#"{"error":"rate_limited"}"#, "busy|rate_limited|"),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}"#,
            "busy|rate_limit_error|Slow down.",
        ),
        (
            429,
            r#"{"message":"API rate limit exceeded"}"#,
            "busy||API rate limit exceeded",
        ),
        (
            429,
            r#"{"code":429,"error_code":"over_request_rate_limit","msg":"x"}"#,
            "busy|over_request_rate_limit|x",
        ),
        (429, "", "busy||"),
        (
            429,
            "<html><head><title>429 Too Many Requests</title></head></html>",
            "busy||429 Too Many Requests",
        ),
        (429, r#"{"error":"invalid_grant"}"#, "busy|invalid_grant|"),
        (
            500,
            r#"{"error":"server_error","error_description":"x"}"#,
            "busy|server_error|x",
        ),
        (
            500,
            r#"{"error":"invalid_request"}"#,
            "busy|invalid_request|",
        ),
        (500, r#"{"access_token":"a"}"#, "busy||"),
        (502, "Bad Gateway", "busy||Bad Gateway"),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            "busy|temporarily_unavailable|",
        ),
        (
            529,
            r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "busy|overloaded_error|Overloaded",
        ),
        (599, "", "busy||"),
        (407, "", "busy||"),
        (408, "", "busy||"),
        (425, "", "busy||"),
        // The words alone, whatever the status is and whatever the form.
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            "busy|temporarily_unavailable|",
        ),
        (400, r#"{"error":"server_error"}"#, "busy|server_error|"),
        (400, r#"{"error":"slow_down"}"#, "busy|slow_down|"),
        (
            400,
            r#"{"error":"Temporarily_Unavailable"}"#,
            "busy|Temporarily_Unavailable|",
        ),
        (
            401,
            "error=temporarily_unavailable&error_description=try+later",
            "busy|temporarily_unavailable|try later",
        ),
        (
            403,
            r#"[{"error":"temporarily_unavailable"}]"#,
            "busy|temporarily_unavailable|",
        ),
        (
            400,
            r#"{"error":{"code":"temporarily_unavailable","message":"m"}}"#,
            "busy|temporarily_unavailable|m",
        ),
        (
            400,
            r#"{"errors":[{"code":"slow_down","message":"m"}]}"#,
            "busy|slow_down|m",
        ),
        (
            400,
            r#"{"error":"error","type":"rate_limit_error"}"#,
            "busy|error|",
        ),
        (
            400,
            r#"{"error_code":"server_error","msg":"m"}"#,
            "busy|server_error|m",
        ),
        (
            400,
            r#"{"code":"too_many_requests"}"#,
            "busy|too_many_requests|",
        ),
        (
            400,
            "temporarily_unavailable",
            "busy|temporarily_unavailable|",
        ),
        (400, "\"slow_down\"\n", "busy|slow_down|"),
        (
            200,
            r#"{"error":"temporarily_unavailable"}"#,
            "busy|temporarily_unavailable|",
        ),
        (200, r#"{"error":"rate_limited"}"#, "busy|rate_limited|"),
        (
            200,
            r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#,
            "busy|UNAVAILABLE|m",
        ),
        (200, r#"{"error":{"code":429}}"#, "busy||"),
        (200, "error=slow_down", "busy|slow_down|"),
    ] {
        check(status, body, expected);
    }
}

#[test]
fn e2_e3_a_server_that_refuses() {
    for (status, body, expected) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"no"}"#,
            "refused|invalid_grant|no",
        ),
        (
            400,
            r#"{"error":"invalid_request"}"#,
            "refused|invalid_request|",
        ),
        (
            400,
            r#"{"error":"TOKEN_EXPIRED"}"#,
            "refused|TOKEN_EXPIRED|",
        ),
        (400, "", "refused||"),
        (401, "", "refused||"),
        (
            401,
            r#"{"error":"invalid_grant"}"#,
            "refused|invalid_grant|",
        ),
        (
            401,
            r#"{"statusCode":401,"error":"Unauthorized","message":"Bad token"}"#,
            "refused|Unauthorized|Bad token",
        ),
        (403, "", "refused||"),
        (403, r#"{"error":"invalid_code"}"#, "refused|invalid_code|"),
        (
            403,
            r#"{"error":"access_denied"}"#,
            "refused|access_denied|",
        ),
        (404, "not here", "refused||not here"),
        (410, "", "refused||"),
        (418, "", "refused||"),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"field required","type":"value_error"}]}"#,
            "refused|value_error|field required",
        ),
        (422, r#"{"detail":"Invalid code"}"#, "refused||Invalid code"),
        (451, "", "refused||"),
        (
            400,
            r#"{"error":"interaction_required","suberror":"x"}"#,
            "refused|interaction_required|",
        ),
        (
            400,
            r#"{"error":"login_required"}"#,
            "refused|login_required|",
        ),
        (
            400,
            r#"{"error":"consent_required"}"#,
            "refused|consent_required|",
        ),
        (
            400,
            r#"{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token: Not Found"}"#,
            "refused|refresh_token_not_found|Invalid Refresh Token: Not Found",
        ),
        (
            400,
            r#"{"error":{"code":"x","message":"y"}}"#,
            "refused|x|y",
        ),
        (400, r#"{"error":{"code":401}}"#, "refused||"),
        (400, r#"{"error":true}"#, "refused||"),
        (400, r#"{"error":7,"message":"m"}"#, "refused||m"),
        (400, r#"{"errors":[{"message":"m"}]}"#, "refused||m"),
        (400, r#"{"errors":["m","n"]}"#, "refused||m"),
        (
            400,
            r#"[{"error":"invalid_grant","error_description":"d"}]"#,
            "refused|invalid_grant|d",
        ),
        (400, r#"["expired"]"#, "refused||expired"),
        (400, r#"{"message":"first\nsecond"}"#, "refused||first"),
        (
            400,
            "{\"message\":\"\\r\\n first\\u2028second\"}",
            "refused||first",
        ),
        (
            400,
            r#"{"fault":{"faultstring":"f","detail":{"errorcode":"keymanagement.x"}}}"#,
            "refused|keymanagement.x|f",
        ),
        (
            400,
            r#"{"errorCode":"E0000011","errorSummary":"s"}"#,
            "refused|E0000011|s",
        ),
        (
            400,
            r#"{"type":"about:blank","title":"t","detail":"d","status":400}"#,
            "refused||d",
        ),
        (
            400,
            "error=bad_verification_code&error_description=a+b",
            "refused|bad_verification_code|a b",
        ),
        (
            400,
            "<!DOCTYPE html><html><head><TITLE>Sign in</TITLE></head><body>x</body></html>",
            "refused||Sign in",
        ),
        (
            400,
            "<html><body><h1 class=\"x\">Forbidden</h1></body></html>",
            "refused||Forbidden",
        ),
        (
            400,
            "\u{feff}{\"error\":\"invalid_grant\"}",
            "refused|invalid_grant|",
        ),
        (400, r#"{"Error":"bad","Message":"m"}"#, "refused|bad|m"),
        (
            400,
            r#"{"__type":"NotAuthorizedException","message":"m"}"#,
            "refused|NotAuthorizedException|m",
        ),
        (
            400,
            "<Error><Code>x</Code><Message>m</Message></Error>",
            "refused||m",
        ),
        // A code of the standards outweighs the other members.
        (
            400,
            r#"{"error":"invalid_grant","status":"UNAVAILABLE"}"#,
            "refused|invalid_grant|",
        ),
        (
            400,
            r#"{"error":"invalid_grant","code":503}"#,
            "refused|invalid_grant|",
        ),
        // Tokens in a refusal are none.
        (
            400,
            r#"{"access_token":"a","error":"invalid_grant"}"#,
            "refused|invalid_grant|",
        ),
        (400, r#"{"access_token":"a"}"#, "refused||"),
        // An error may come with any status.
        (
            200,
            r#"{"error":"invalid_grant","error_description":"d"}"#,
            "refused|invalid_grant|d",
        ),
        (
            200,
            r#"{"ok":false,"error":"invalid_refresh_token"}"#,
            "refused|invalid_refresh_token|",
        ),
        (
            200,
            r#"{"error":{"code":"x","message":"y"}}"#,
            "refused|x|y",
        ),
        (200, r#"{"error":true}"#, "refused||"),
        (200, r#"[{"error":"bad_code"}]"#, "refused|bad_code|"),
        (201, "error=bad_code", "refused|bad_code|"),
    ] {
        check(status, body, expected);
    }
}

#[test]
fn neither_tokens_nor_an_error() {
    for (status, body, expected) in [
        (200, r#"{"access_token":"a"}"#, "tokens"),
        (201, r#"{"access_token":"a","error":"not_one"}"#, "tokens"),
        (
            200,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            "its token is not a Bearer token",
        ),
        (200, r#"{"error":null}"#, "it holds no access token"),
        (
            200,
            r#"{"error":"","error_code":false}"#,
            "it holds no access token",
        ),
        (200, r#"{"message":"m"}"#, "it holds no access token"),
        (200, "", "it is neither a JSON object nor a form"),
        (200, "[]", "it is neither a JSON object nor a form"),
        (200, "null", "it is neither a JSON object nor a form"),
        (
            200,
            "<html><title>Sign in</title></html>",
            "it is neither a JSON object nor a form",
        ),
        (300, "", "it is neither a JSON object nor a form"),
        (304, "", "it is neither a JSON object nor a form"),
        (204, "", "it is neither a JSON object nor a form"),
    ] {
        check(status, body, expected);
    }
}

#[test]
fn possible_tokens_are_not_quoted() {
    for body in [
        "c4nary-5ecret-T0ken-Zq",
        "null c4nary-5ecret-T0ken-Zq",
        "\"c4nary-5ecret-T0ken-Zq\"",
        "[\"c4nary-5ecret-T0ken-Zq\"]",
        "{\"access_token\":\"c4nary",
        "access_token=c4nary&token_type=x",
        "callback({\"access_token\":\"c4nary\"})",
        "<html><title>c4nary-5ecret-T0ken-Zq</title></html>",
        "<html><body>c4nary</body></html>",
        "[{\"access_token\":\"c4nary\"}]",
        "{\"access_token\":\"c4nary\",\"refresh_token\":\"c4nary\"}",
    ] {
        for status in [400, 503] {
            let told = told(status, body);
            assert!(!told.contains("c4nary"), "{told}");
        }
    }
}
