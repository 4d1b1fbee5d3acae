//! Answers that are turned away in words that say why, the silence of a server, and answers as a form.

use std::path::Path;

use super::*;
use crate::support::each;

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
/// It waits for the end of two logins at once, 15 s each: what comes before has to be in time.
#[apply(waiting_test)]
fn a50_a_response_without_the_promised_issuer_is_rejected_for_that() {
    let words = "error=access_denied&error_description=Missing+%27nonce%27";
    let cases = [
        ("code=c", None),
        (words, Some("unproven: access_denied: Missing 'nonce'")),
    ];
    each(&cases, |_, &(rest, said)| {
        let mut waiting = Waiting::at(promises_iss(), |program| program.args(["--timeout", "15s"]));
        let page = waiting.get(&format!("/callback?{rest}&state={}", waiting.state()), "");
        waiting.refuses(rest, &page, 400);
        assert_eq!(waiting.login.event("rejected")["reason"], "issuer_mismatch");
        let line = waiting.login.said("without the issuer (iss)");
        assert_eq!(line.contains("unproven"), said.is_some(), "{line}");
        let finished = waiting.login.finish().expect_error(4, "timed_out");
        let message = finished.event("error")["message"]
            .as_str()
            .expect("a message")
            .to_owned();
        assert!(
            message.contains("1 without the issuer that the server promises to name"),
            "{message}"
        );
        for text in [&line, &message, &page.body] {
            assert!(!text.contains("another") && !text.contains("tab"), "{text}");
        }
        for text in [&line, &message] {
            assert!(said.is_none_or(|said| text.contains(said)), "{text}");
        }
    });
}

/// It waits for the end of four logins, 15 s each, two at a time: what comes before has to be in time.
#[apply(waiting_test)]
fn a51_a_response_without_the_state_is_rejected_for_that() {
    let cases = [
        (
            "error=invalid_request&error_description=no+nonce",
            "ignored an answer without this login's state; it says, unproven: invalid_request: no nonce",
        ),
        ("code=c", "ignored an answer without this login's state; still"),
        ("code=c&state=", "ignored an answer without this login's state; still"),
        (
            "code=c&state=STATE",
            "ignored an answer with only a part of this login's state; the address was cut off",
        ),
    ];
    each(&cases, |_, (wrong, said)| {
        let mut waiting = Waiting::at(Fake::start(), |program| program.args(["--timeout", "15s"]));
        let target = format!(
            "/callback?{}",
            wrong.replace("STATE", &waiting.state()[..20])
        );
        for _ in 0..3 {
            let page = waiting.get(&target, "");
            waiting.refuses(wrong, &page, 400);
        }
        assert_eq!(waiting.login.event("rejected")["reason"], "state_mismatch");
        waiting.login.said(said);
        let finished = waiting.login.finish().expect_error(4, "timed_out");
        let error = finished.event("error");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("3 answers were not accepted: 3 with"),
            "{message}"
        );
        assert_eq!(
            message.contains("one said, unproven: invalid_request: no nonce"),
            wrong.starts_with("error"),
            "{message}"
        );
    });
}

/// What there is of a state may be right or not: who sent it cannot tell from the page.
#[apply(test)]
fn a51_a_part_of_the_state_does_not_help_to_guess_the_rest() {
    let waiting = Waiting::new();
    let state = waiting.state();
    let page = |state: &str| {
        let answer = waiting.get(&format!("/callback?code=c&state={state}"), "");
        (answer.status, answer.body)
    };
    for length in 1..state.len() {
        let right = &state[..length];
        let last = if right.ends_with('x') { 'y' } else { 'x' };
        assert_eq!(
            page(right),
            page(&format!("{}{last}", &right[..length - 1]))
        );
    }
    waiting.succeeds();
}

/// The server shows its own error page and never sends the browser back.
#[apply(test)]
fn a53_a_timeout_without_responses_names_what_was_requested() {
    // The page has been named before the time was up.
    let late = |fake: &Fake, home: &Path, limit: &str| {
        let login = Program::login(fake).args(["--timeout", limit]);
        let finished = login.at_home(home).run().expect_error(4, "timed_out");
        let has_page = finished.stdout.contains("authorization_url");
        has_page.then_some(finished)
    };
    let attempt = |limit: &&str| {
        let (fake, home) = (Fake::start(), tempfile::tempdir().expect("a directory"));
        let finished = late(&fake, home.path(), limit)?;
        // The server may have shown that it does not know the client: the next run registers anew.
        late(&fake, home.path(), limit)?;
        assert_eq!(fake.seen_at("/register").len(), 2);
        Some(finished)
    };
    let finished = LIMITS.iter().find_map(attempt).expect("a page in time");
    let redirect_uri = finished.event("listening")["redirect_uri"]
        .as_str()
        .expect("a URI");
    let hint = finished.event("error")["hint"].as_str().expect("a hint");
    let asked = format!("if the page showed an error, its operator needs to know: client ID client-1, redirect URI {redirect_uri}, scopes read");
    assert!(hint.contains(&asked), "{hint}");
    assert!(hint.contains("--timeout"), "{hint}");
}

/// The user has named no client whose name could be checked.
#[apply(test)]
fn a54_the_operator_is_asked_about_a_client_that_was_just_registered() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    for _ in 0..2 {
        let url = login.authorization_url();
        let [uri, state] = ["redirect_uri", "state"].map(|it| parameter(&url, it).expect("one"));
        visit(&format!("{uri}?error=unauthorized_client&state={state}"));
    }
    let finished = login.finish().expect_error(3, "unauthorized_client");
    let hint = finished.event("error")["hint"].as_str().expect("a hint");
    assert!(hint.contains("ask its operator"), "{hint}");
    assert!(!hint.contains("check --client-id"), "{hint}");
}

/// A refusal that passed all checks proves that the server knows the client.
#[apply(test)]
fn a54_three_refused_logins_register_one_client() {
    for error in ["access_denied", "consent_required"] {
        let fake = Fake::start();
        let home = tempfile::tempdir().expect("a directory");
        for _ in 0..3 {
            let waiting = Waiting::at(fake.clone(), |program| program.at_home(home.path()));
            assert_eq!(
                waiting
                    .get(
                        &format!("/callback?error={error}&state={}", waiting.state()),
                        ""
                    )
                    .status,
                200
            );
            waiting.login.finish().expect_error(3, error);
        }
        assert_eq!(fake.seen_at("/register").len(), 1, "{error}");
    }
}

/// Sends the parameters of the good callback as a form, as a page of the authorization server does.
fn post(waiting: &Waiting, form: &str, headers: &str) -> Answer {
    let head = format!(
        "POST /callback HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n{headers}\r\n{form}",
        waiting.address,
        form.len(),
    );
    send(waiting.address, head.as_bytes())
}

#[apply(test)]
fn n7_l7_an_answer_may_come_as_a_form_that_was_asked_for() {
    for origin in ["Origin: null\r\n", "Origin: https://as.example\r\n", ""] {
        let mut waiting = Waiting::at(Fake::start(), |program| {
            program.args(["--param", "response_mode=form_post"])
        });
        assert_eq!(
            parameter(&waiting.url, "response_mode").as_deref(),
            Some("form_post")
        );
        let form = waiting.good.split_once('?').expect("a query").1.to_owned();
        let put = format!("PUT /callback?{form} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let put = send(waiting.address, put.as_bytes());
        waiting.refuses("another method", &put, 405);
        assert_eq!(put.header("allow"), Some("GET, POST"));
        let wrong = post(&waiting, &form.replace("state=", "state=x"), origin);
        waiting.refuses("another state", &wrong, 400);
        assert_eq!(waiting.login.event("rejected")["reason"], "state_mismatch");
        let twice = post(&waiting, &format!("{form}&code=x"), origin);
        waiting.refuses("two codes", &twice, 400);
        let large = post(&waiting, &"x".repeat(70_000), origin);
        waiting.refuses("a large form", &large, 413);
        let empty = post(&waiting, "", origin);
        waiting.refuses("an empty form", &empty, 400);
        let page = post(&waiting, &form, origin);
        assert!(
            page.status == 200 && page.body.contains("You are logged in"),
            "{page:?}"
        );
        waiting.login.finish().expect(0);
        assert_eq!(waiting.fake.seen_at("/token").len(), 1);
    }
}

/// The browser's page is no help where the server sends something else than a form: the terminal tells it.
#[apply(test)]
fn n7_a_form_that_cannot_be_read_is_told() {
    let form = "application/x-www-form-urlencoded";
    for (path, kind, size, status) in [
        ("/callback", "text/plain", 9, 400),
        ("/callback", "application/json", 9, 400),
        ("/callback", "multipart/form-data; boundary=x", 9, 400),
        ("/callback?state=s", form, 9, 400),
        ("/callback", form, 65_537, 413),
    ] {
        let mut waiting = Waiting::at(Fake::start(), |program| {
            program.args(["--param", "response_mode=form_post"])
        });
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n",
            waiting.address,
        );
        let script = format!("{head}Sec-Fetch-Mode: no-cors\r\n\r\ncode=c&x=");
        let answer = send(waiting.address, script.as_bytes());
        waiting.refuses("a script's form", &answer, 403);
        head.push_str("\r\ncode=c&x=");
        let answer = send(waiting.address, head.as_bytes());
        waiting.refuses(kind, &answer, status);
        let rejected = waiting.login.event("rejected");
        assert_eq!(rejected["reason"], "malformed", "{kind}");
        let line = waiting.login.said("an answer that cannot be read");
        assert!(line.contains("still waiting"), "{line}");
        let page = post(
            &waiting,
            waiting.good.split_once('?').expect("a query").1,
            "",
        );
        assert_eq!(page.status, 200, "{page:?}");
        waiting.login.finish().expect(0);
    }
}

/// A form that comes byte by byte is read; one that does not come is given up.
#[apply(test)]
fn n7_a_slow_form_blocks_nothing() {
    use std::io::{Read as _, Write as _};
    let waiting = Waiting::at(Fake::start(), |program| {
        program.args(["--param", "response_mode=form_post"])
    });
    let form = waiting.good.split_once('?').expect("a query").1.to_owned();
    let head = format!(
        "POST /callback HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        waiting.address,
        form.len(),
    );
    let mut silent = TcpStream::connect(waiting.address).expect("connecting");
    silent.write_all(head.as_bytes()).expect("a head");
    let mut stream = TcpStream::connect(waiting.address).expect("connecting");
    for byte in [head.as_bytes(), form.as_bytes()].concat() {
        stream.write_all(&[byte]).expect("a byte");
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert!(Answer::parse(&answer).body.contains("You are logged in"));
    waiting.login.finish().expect(0);
}

#[apply(test)]
fn n7_a_form_that_was_not_asked_for_is_refused() {
    let waiting = Waiting::new();
    let form = waiting.good.split_once('?').expect("a query").1.to_owned();
    let answer = post(&waiting, &form, "Origin: null\r\n");
    waiting.refuses("a form", &answer, 405);
    waiting.succeeds();
}

/// The redirect URI goes to the letter into the registration, the authorization request and the exchange.
#[apply(test)]
fn n4_a_redirect_uri_is_sent_byte_for_byte() {
    for (form, lands_on) in [
        ("http://localhost:PORT", "/"),
        ("http://LocalHost:PORT/a/../cb", "/cb"),
        ("http://127.0.0.1:PORT/", "/"),
        ("http://127.0.0.1:PORT/x//y", "/x//y"),
    ] {
        let port = crate::support::closed_address().port();
        let uri = form.replace("PORT", &port.to_string());
        let fake = Fake::start();
        let mut login = Program::login(&fake).args(["--redirect-uri", &uri]).start();
        let url = login.authorization_url();
        assert_eq!(parameter(&url, "redirect_uri"), Some(uri.clone()));
        let registered: serde_json::Value =
            serde_json::from_str(&fake.seen_at("/register")[0].body).expect("JSON");
        assert_eq!(registered["redirect_uris"], json!([uri]));
        let redirect = login.redirect(&url);
        // A browser goes where the URL leads.
        let page = visit(url::Url::parse(&redirect).expect("a URL").as_str());
        assert!(
            page.body.contains("You are logged in"),
            "{lands_on}: {page:?}"
        );
        login.finish().expect(0);
        assert_eq!(
            fake.seen_at("/token")[0].parameter("redirect_uri"),
            Some(uri)
        );
    }
}

/// What is given wins over what a client's file says, also if it is the default.
#[apply(test)]
fn n5_a_path_that_is_given_wins_over_the_file() {
    let fake = Fake::start();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("client.json");
    let client =
        json!({"web": {"client_id": "c", "redirect_uris": ["http://127.0.0.1:47123/other"]}});
    std::fs::write(&file, client.to_string()).expect("a file");
    let login = || Program::login(&fake).arg("--client-file").arg(&file);
    let uri = |program: Program| {
        let mut login = program.start();
        let uri = login.event("authorization_url")["redirect_uri"]
            .as_str()
            .expect("a URI")
            .to_owned();
        login.process().signal(rustix::process::Signal::KILL);
        uri
    };
    assert_eq!(uri(login()), "http://127.0.0.1:47123/other");
    assert!(uri(login().args(["--redirect-path", "/callback"])).ends_with("/callback"));
    assert!(uri(login().env("MCP_LOGIN_REDIRECT_PATH", "/callback")).ends_with("/callback"));
}

#[apply(test)]
fn a52_a_nonce_goes_with_openid() {
    for (scopes, sent) in [("openid read", true), ("read", false)] {
        let waiting = Waiting::at(Fake::start(), |program| program.args(["--scope", scopes]));
        let nonce = parameter(&waiting.url, "nonce");
        assert_eq!(nonce.is_some(), sent, "{}", waiting.url);
        assert!(nonce.is_none_or(|nonce| nonce.len() == 43 && nonce != waiting.state()));
        waiting.succeeds();
    }
}

/// What a server says in its own language is shown where the terminal can, and is never changed for scripts.
#[apply(test)]
fn e4_words_of_all_languages() {
    let words = "F\u{fc}r \u{201e}read\u{201c} fehlt die Zustimmung \u{2013} \u{62d2}\u{5426}\u{202e}\u{200b}";
    let shown = "F\u{fc}r \u{201e}read\u{201c} fehlt die Zustimmung \u{2013} \u{62d2}\u{5426}";
    for (locale, seen) in [
        ("C.UTF-8", shown.to_owned()),
        ("C", r"F\u{fc}r \u{201e}read\u{201c}".to_owned()),
    ] {
        let waiting = Waiting::at(Fake::start(), |program| program.env("LANG", locale));
        let target = format!(
            "/callback?error=access_denied&error_description={}&state={}",
            encode(words),
            waiting.state()
        );
        assert_eq!(waiting.get(&target, "").status, 200);
        let finished = waiting.login.finish().expect_error(3, "access_denied");
        assert!(
            finished.stderr.contains(&seen),
            "{locale}: {}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains(['\u{202e}', '\u{200b}']),
            "{}",
            finished.stderr
        );
        assert!(finished.stdout.is_ascii(), "{}", finished.stdout);
        let message = finished.event("error")["message"]
            .as_str()
            .expect("a message");
        assert!(message.contains(shown), "{message}");
    }
}

/// A pasted answer goes through the same checks, and is called by the same names.
/// It waits for the end of a login, 15 s: what comes before has to be in time.
#[apply(waiting_test)]
fn a50_a51_pasted_answers_are_counted_too() {
    let mut waiting = Waiting::at(promises_iss(), |program| {
        program.args(["--paste", "--timeout", "15s"]).with_stdin()
    });
    let place = waiting.good.split_once('?').expect("a query").0.to_owned();
    waiting.login.type_in(&format!(
        "{place}?error=access_denied&error_description=no&state={}\n",
        waiting.state()
    ));
    let line = waiting
        .login
        .said("does not name the authorization server that sent it (iss)");
    assert!(
        line.contains("it says, unproven: access_denied: no"),
        "{line}"
    );
    waiting.login.type_in(&format!(
        "{place}?error=invalid_request&error_description=no+nonce\n"
    ));
    let line = waiting.login.said("a part of the address is missing");
    assert!(
        line.contains("it says, unproven: invalid_request: no nonce"),
        "{line}"
    );
    let finished = waiting.login.finish().expect_error(4, "timed_out");
    let message = finished.event("error")["message"]
        .as_str()
        .expect("a message");
    assert!(
        message.contains(
            "1 without the issuer that the server promises to name, 1 without this login's state"
        ),
        "{message}"
    );
    assert!(
        message.contains("one said, unproven: access_denied: no"),
        "{message}"
    );
}
