//! Answers that are turned away in words that say why, the silence of a server, and answers as a form.

use super::*;

/// Starts servers that promise to name the issuer in each answer.
pub fn promises_iss() -> Fake {
    Fake::with(|seen, fake| {
        if seen.path != "/.well-known/oauth-authorization-server" {
            return None;
        }
        let mut metadata = fake.server_metadata();
        metadata["authorization_response_iss_parameter_supported"] = true.into();
        Some(Reply::json(200, &metadata))
    })
}

/// What is said of an answer without the promised issuer: neither another server nor an old tab.
#[test]
fn a50_an_answer_without_the_promised_issuer_is_called_that() {
    let words = "error=access_denied&error_description=Missing+%27nonce%27";
    for (rest, said) in [("code=c", None), (words, Some("unproven: access_denied: Missing 'nonce'"))] {
        let mut waiting = Waiting::at(promises_iss(), |program| program.args(["--timeout", "4s"]));
        let page = waiting.get(&format!("/callback?{rest}&state={}", waiting.state()), "");
        waiting.refuses(rest, &page, 400);
        assert_eq!(waiting.login.event("rejected")["reason"], "issuer_mismatch");
        let line = waiting.login.said("without the issuer (iss)");
        assert_eq!(line.contains("unproven"), said.is_some(), "{line}");
        let finished = waiting.login.finish().expect_error(4, "timed_out");
        let message = finished.event("error")["message"].as_str().expect("a message").to_owned();
        assert!(message.contains("1 without the issuer that the server promises to name"), "{message}");
        for text in [&line, &message, &page.body] {
            assert!(!text.contains("another") && !text.contains("tab"), "{text}");
        }
        for text in [&line, &message] {
            assert!(said.is_none_or(|said| text.contains(said)), "{text}");
        }
    }
}

#[test]
fn a51_an_answer_without_the_state_is_called_that() {
    for (wrong, said) in [
        (
            "error=invalid_request&error_description=no+nonce",
            "without this login's state came and was not accepted; it says, unproven: invalid_request: no nonce",
        ),
        ("code=c", "without this login's state came and was not accepted; still"),
        ("code=c&state=", "without this login's state came and was not accepted; still"),
        (
            "code=c&state=STATE",
            "with only a part of this login's state came and was not accepted; the address was cut off",
        ),
    ] {
        let mut waiting = Waiting::at(Fake::start(), |program| program.args(["--timeout", "4s"]));
        let target = format!("/callback?{}", wrong.replace("STATE", &waiting.state()[..20]));
        for _ in 0..3 {
            let page = waiting.get(&target, "");
            waiting.refuses(wrong, &page, 400);
        }
        assert_eq!(waiting.login.event("rejected")["reason"], "state_mismatch");
        waiting.login.said(said);
        let finished = waiting.login.finish().expect_error(4, "timed_out");
        let error = finished.event("error");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("3 answers were not accepted: 3 with"), "{message}");
        assert_eq!(
            message.contains("one said, unproven: invalid_request: no nonce"),
            wrong.starts_with("error"),
            "{message}"
        );
    }
}

/// What there is of a state may be right or not: who sent it cannot tell from the page.
#[test]
fn a51_a_part_of_the_state_helps_nobody_to_guess_the_rest() {
    let waiting = Waiting::new();
    let state = waiting.state();
    let page = |state: &str| {
        let answer = waiting.get(&format!("/callback?code=c&state={state}"), "");
        (answer.status, answer.body)
    };
    for length in 1..state.len() {
        let right = &state[..length];
        let last = if right.ends_with('x') { 'y' } else { 'x' };
        assert_eq!(page(right), page(&format!("{}{last}", &right[..length - 1])));
    }
    waiting.succeeds();
}

/// The server shows its own error page and never sends the browser back.
#[test]
fn a53_the_end_of_a_silent_wait_says_what_was_asked_for() {
    let fake = Fake::start();
    let finished = Program::login(&fake).args(["--timeout", "1s"]).run().expect_error(4, "timed_out");
    let redirect_uri = finished.event("listening")["redirect_uri"].as_str().expect("a URI");
    let hint = finished.event("error")["hint"].as_str().expect("a hint");
    let asked = format!("if the page showed an error: client ID client-1, redirect URI {redirect_uri}, scopes read;");
    assert!(hint.contains(&asked), "{hint}");
    assert!(hint.contains("--timeout"), "{hint}");
    // The server may have shown that it does not know the client: the next run registers anew.
    let home = finished.home();
    Program::login(&fake).args(["--timeout", "1s"]).at_home(home).run().expect_error(4, "timed_out");
    assert_eq!(fake.seen_at("/register").len(), 2);
}

/// A refusal that passed all checks proves that the server knows the client.
#[test]
fn a54_who_says_no_three_times_is_registered_once() {
    for error in ["access_denied", "consent_required"] {
        let fake = Fake::start();
        let home = tempfile::tempdir().expect("a directory");
        for _ in 0..3 {
            let waiting = Waiting::at(fake.clone(), |program| program.at_home(home.path()));
            assert_eq!(waiting.get(&format!("/callback?error={error}&state={}", waiting.state()), "").status, 200);
            waiting.login.finish().expect_error(3, error);
        }
        assert_eq!(fake.seen_at("/register").len(), 1, "{error}");
    }
}
