//! The rules of device codes, as tables.

use super::*;
use crate::oauth::endpoint::UrlPolicy;

fn standard(code: &str) -> Option<&'static str> {
    crate::providers::standard_device_error(code)
}

fn read(status: u16, body: &str) -> PollResponse {
    PollResponse::read(status, body.as_bytes(), false, standard)
}

fn words(error: &str) -> ErrorResponse {
    ErrorResponse {
        error: Some(error.to_owned()),
        description: None,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn dv2_the_error_code_of_a_poll_counts_before_its_status() {
    use DeviceEnd::{Denied, Expired, Unknown};
    use PollResponse::{End, Pending, SlowDown};
    for (statuses, body, expected) in [
        (
            &[200, 400, 403, 428, 500][..],
            r#"{"error":"authorization_pending"}"#,
            Pending,
        ),
        (
            &[200, 400, 403, 429, 503],
            r#"{"error":"slow_down"}"#,
            SlowDown(None),
        ),
        (
            &[200, 400],
            r#"{"error":"slow_down","interval":"7"}"#,
            SlowDown(Some(seconds(7))),
        ),
        (
            &[200],
            "error=slow_down&interval=12",
            SlowDown(Some(seconds(12))),
        ),
        (&[200], "error=authorization_pending", Pending),
        (
            &[400, 403],
            r#"{"error":"access_denied"}"#,
            End(Denied(words("access_denied"))),
        ),
        (
            &[400],
            r#"{"error":"authorization_declined","error_codes":[70016]}"#,
            End(Denied(words("authorization_declined"))),
        ),
        (&[200, 400], r#"{"error":"expired_token"}"#, End(Expired)),
        (&[200, 400], r#"{"error":"token_expired"}"#, End(Expired)),
        (
            &[400],
            r#"{"error":"invalid_grant"}"#,
            End(Unknown(words("invalid_grant"))),
        ),
        (
            &[200],
            r#"{"error":"incorrect_device_code"}"#,
            End(Unknown(words("incorrect_device_code"))),
        ),
        (
            &[400],
            r#"{"error":"bad_verification_code"}"#,
            End(Unknown(words("bad_verification_code"))),
        ),
    ] {
        for status in statuses {
            assert_eq!(read(*status, body), expected, "{status} {body}");
        }
    }
}

#[test]
fn dv2_other_responses_to_a_poll() {
    use DeviceEnd::{Refused, Unusable};
    use PollResponse::{Busy, End, Tokens};
    let page = "<html><title>Bad gateway</title></html>";
    for (status, body, expected) in [
        (429, "", Busy { may_be_lost: false }),
        (503, page, Busy { may_be_lost: false }),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            Busy { may_be_lost: false },
        ),
        (502, page, Busy { may_be_lost: true }),
        (200, page, Busy { may_be_lost: true }),
        (
            400,
            r#"{"error":"invalid_client"}"#,
            End(Refused(words("invalid_client"))),
        ),
        (
            200,
            r#"{"error":"device_flow_disabled"}"#,
            End(Refused(words("device_flow_disabled"))),
        ),
        (200, "{}", End(Unusable(TokenResponseError::NoAccessToken))),
    ] {
        assert_eq!(read(status, body), expected, "{status} {body}");
    }
    let tokens = r#"{"access_token":"a","token_type":"bearer"}"#;
    assert!(matches!(read(200, tokens), Tokens(_)));
    assert!(matches!(
        read(200, "access_token=a&token_type=bearer&scope="),
        Tokens(_)
    ));
}

#[test]
fn dv3_the_pause_grows_for_good_only_where_the_server_wants_it() {
    let mut polling = Polling::new(seconds(5));
    let mut poll = |response, retry_after: Option<u64>| {
        let next = polling.after(response, retry_after.map(seconds), false);
        assert_eq!(next, Ok(None));
        polling.pause().as_secs()
    };
    use PollResponse::{Busy, Pending, SlowDown};
    assert_eq!(poll(Pending, None), 5);
    assert_eq!(poll(SlowDown(None), None), 10);
    assert_eq!(poll(Pending, None), 10, "for good");
    assert_eq!(poll(SlowDown(Some(seconds(30))), None), 30);
    assert_eq!(poll(SlowDown(Some(seconds(5))), None), 35, "never faster");
    assert_eq!(poll(Pending, Some(40)), 40);
    assert_eq!(poll(Pending, Some(1)), 35);
    assert_eq!(poll(Busy { may_be_lost: false }, None), 40);
    assert_eq!(poll(Busy { may_be_lost: false }, Some(50)), 50);
    assert_eq!(poll(Pending, None), 40);
}

#[test]
fn dv3_requests_without_an_answer_double_the_pause_until_one_comes() {
    let mut polling = Polling::new(seconds(5));
    let pauses: Vec<_> = (0..5)
        .map(|_| {
            polling.unanswered(false);
            polling.pause().as_secs()
        })
        .collect();
    assert_eq!(pauses, [10, 20, 40, 60, 60]);
    let next = polling.after(PollResponse::Pending, None, false);
    assert_eq!((next, polling.pause()), (Ok(None), seconds(5)));
    let mut slow = Polling::new(seconds(90));
    slow.unanswered(false);
    assert_eq!(slow.pause(), seconds(90));
    let mut huge = Polling::new(Duration::MAX);
    huge.unanswered(true);
    let next = huge.after(PollResponse::SlowDown(None), Some(Duration::MAX), false);
    assert_eq!((next, huge.pause()), (Ok(None), Duration::MAX));
}

#[test]
fn dv4_what_ends_a_device_login() {
    use DeviceEnd::{Denied, Expired, Lost, Refused, Unknown, Unusable};
    use PollResponse::{End, Pending};
    let unknown = || Unknown(words("invalid_grant"));
    let denied = || Denied(words("access_denied"));
    let odd = TokenResponseError::NotBearer;
    for (was_lost, is_expired, response, expected) in [
        (false, false, denied(), Denied(words("access_denied"))),
        (false, false, unknown(), Unknown(words("invalid_grant"))),
        (
            false,
            false,
            Refused(words("invalid_client")),
            Refused(words("invalid_client")),
        ),
        (false, false, Expired, Expired),
        (false, false, Unusable(odd), Unusable(odd)),
        // Some servers forget an expired code, others call it denied.
        (false, true, unknown(), Expired),
        (false, true, denied(), Expired),
        (true, true, unknown(), Expired),
        // The lost answer held the tokens.
        (true, false, unknown(), Lost),
        (true, false, denied(), Lost),
        (true, false, Expired, Expired),
        (
            true,
            false,
            Refused(words("invalid_client")),
            Refused(words("invalid_client")),
        ),
    ] {
        let mut polling = Polling::new(seconds(5));
        polling.unanswered(was_lost);
        let next = polling.after(End(response), None, is_expired);
        assert_eq!(next, Err(expected), "{was_lost} {is_expired}");
    }
    // An answer about the same code shows that nothing was lost.
    let mut polling = Polling::new(seconds(5));
    polling.unanswered(true);
    let _ = polling.after(Pending, None, false);
    let next = polling.after(End(denied()), None, false);
    assert_eq!(next, Err(Denied(words("access_denied"))));
    // A gateway's page in place of an answer is a lost answer too.
    let mut polling = Polling::new(seconds(5));
    let _ = polling.after(PollResponse::Busy { may_be_lost: true }, None, false);
    assert_eq!(polling.after(End(unknown()), None, false), Err(Lost));
}

/// Reads a response of a public server.
fn document(body: &[u8], is_form: bool) -> Result<DeviceResponse, DeviceResponseError> {
    let policy = UrlPolicy { loopback: false };
    DeviceResponse::read(body, is_form, |page| policy.check_page(page))
}

/// Returns a response with these members in place of the usual ones; `null` removes one.
fn response(changes: &str) -> Result<DeviceResponse, DeviceResponseError> {
    let mut members = serde_json::json!({
        "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": "https://as.example/device", "expires_in": 600,
    });
    let changes: serde_json::Value = serde_json::from_str(changes).expect("JSON");
    for (name, value) in changes.as_object().expect("an object") {
        members[name] = value.clone();
    }
    document(members.to_string().as_bytes(), false)
}

#[test]
fn dv1_a_device_response_is_read_leniently() {
    let read = response("{}").expect("a response");
    assert_eq!(read.user_code, "ABCD-EFGH");
    assert_eq!(read.verification_uri, "https://as.example/device");
    assert_eq!(read.verification_uri_complete, None);
    for (changes, lifetime, interval) in [
        ("{}", 600, 5),
        (r#"{"expires_in":"900","interval":"7"}"#, 900, 7),
        (r#"{"expires_in":null,"interval":null}"#, 1800, 5),
        (r#"{"expires_in":"soon","interval":[]}"#, 1800, 5),
        (r#"{"expires_in":0,"interval":0}"#, 0, 1),
        (r#"{"expires_in":-1,"interval":-1}"#, 0, 1),
        (r#"{"expires_in":1e300,"interval":0.2}"#, 1800, 1),
        (r#"{"expires_in":86400,"interval":30}"#, 1800, 30),
        (r#"{"interval":300}"#, 600, 300),
        (r#"{"interval":5000}"#, 600, 5),
        (r#"{"interval":1e30}"#, 600, 5),
        (r#"{"interval":"inf"}"#, 600, 5),
    ] {
        let read = response(changes).expect(changes);
        let times = (read.lifetime.as_secs(), read.interval.as_secs());
        assert_eq!(times, (lifetime, interval), "{changes}");
    }
    let google =
        response(r#"{"verification_uri":null,"verification_url":"https://www.google.com/device"}"#);
    let google = google.expect("a response");
    assert_eq!(google.verification_uri, "https://www.google.com/device");
    let form = b"device_code=d&user_code=A-B&verification_uri=https%3A%2F%2Fgithub.com%2Flogin%2Fdevice&expires_in=899&interval=5";
    let read = document(form, true).expect("a form");
    assert_eq!(read.verification_uri, "https://github.com/login/device");
    assert_eq!(document(form, false), Err(DeviceResponseError::NotJson));
}

#[test]
fn dv1_only_a_page_at_the_same_origin_holds_the_code() {
    for (complete, is_used) in [
        ("https://as.example/device?user_code=ABCD-EFGH", true),
        ("https://as.example:443/#/device/ABCD", true),
        ("https://evil.example/device?user_code=ABCD-EFGH", false),
        ("http://as.example/device", false),
        ("https://as.example:8443/device", false),
        ("https://as.example@evil.example/", false),
        ("javascript:alert(1)", false),
        ("", false),
    ] {
        let read =
            response(&serde_json::json!({"verification_uri_complete": complete}).to_string());
        let read = read.expect(complete).verification_uri_complete;
        assert_eq!(read.as_deref(), is_used.then_some(complete));
    }
}

#[test]
fn dv1_what_cannot_be_shown_is_refused() {
    use DeviceResponseError::{Missing, Uri, UserCode};
    for (changes, expected) in [
        (r#"{"device_code":null}"#, Missing("device_code")),
        (r#"{"device_code":7}"#, Missing("device_code")),
        (r#"{"user_code":""}"#, Missing("user_code")),
        (r#"{"verification_uri":null}"#, Missing("verification_uri")),
        (r#"{"user_code":"AB\u001b[2JCD"}"#, UserCode),
        (r#"{"user_code":"AB\nCD"}"#, UserCode),
        (r#"{"user_code":"AB\u202eCD"}"#, UserCode),
    ] {
        assert_eq!(response(changes), Err(expected), "{changes}");
    }
    let long = serde_json::json!({"user_code": "A".repeat(65)}).to_string();
    assert_eq!(response(&long), Err(UserCode));
    for uri in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://as.example/device",
        "https://127.0.0.1/device",
        "https://localhost/device",
        "https://me@as.example/",
        "https://as.example/\u{1b}[2J",
        "https://as.example/a b",
        "device",
    ] {
        let changes = serde_json::json!({"verification_uri": uri}).to_string();
        assert!(matches!(response(&changes), Err(Uri(_))), "{uri}");
    }
    for body in [
        "",
        "[]",
        "<html>",
        "device_code=d",
        "{\"device_code\":\"d\"",
    ] {
        let read = document(body.as_bytes(), false);
        assert_eq!(read, Err(DeviceResponseError::NotJson), "{body}");
    }
    let doubled = br#"{"device_code":"a","device_code":"b"}"#;
    let read = document(doubled, false);
    assert_eq!(read, Err(DeviceResponseError::Doubled));
}
