//! The connections of a login: one pool for all its requests, one of them open while the answer is awaited, and metadata that
//! is asked for ahead.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use serde_json::json;

use crate::support::certificates::Authority;
use crate::support::fake::{Fake, Gate, Reply, Seen};
use crate::support::program::Program;
use crate::support::{parameter, visit, wait_for};

const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// Waits until this many connections of a login are open at the fake.
fn wait_until_open(fake: &Fake, count: usize) {
    wait_for("the connections", || {
        (fake.open_connections() == count).then_some(())
    });
}

/// Answers for the authorization server, whose page is not walked.
fn answer(url: &str) {
    let (uri, state) = (
        parameter(url, "redirect_uri").expect("a URI"),
        parameter(url, "state").expect("a state"),
    );
    assert_eq!(visit(&format!("{uri}?code=x&state={state}")).status, 200);
}

/// Gives the tokens to any code.
fn any_code(seen: &Seen, fake: &Fake) -> Option<Reply> {
    (seen.path == "/token").then(|| Reply::json(200, &fake.tokens(1, None)))
}

/// Returns the connection of the only request with a code.
fn connection_of_code(fake: &Fake) -> usize {
    let [seen] = &fake.seen_at("/token")[..] else {
        panic!("the code was not sent once: {:?}", fake.seen())
    };
    seen.connection
}

#[apply(test)]
fn p68_the_code_goes_over_a_connection_of_the_discovery() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    wait_until_open(&fake, 1);
    let before = fake.connections();
    assert_eq!(login.agree_at(&url).status, 200);
    login.finish().expect(0);
    assert!(connection_of_code(&fake) <= before, "{:?}", fake.seen());
}

#[apply(test)]
fn p68_a_connection_that_the_server_closes_is_opened_again_five_times() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).arg("-v").start();
    let url = login.authorization_url();
    wait_until_open(&fake, 1);
    let before = fake.connections();
    for reopened in 1..=5 {
        fake.close_connections(0);
        wait_for("another connection", || {
            (fake.connections() == before + reopened).then_some(())
        });
        wait_until_open(&fake, 1);
    }
    fake.close_connections(0);
    login.said("closes its connections; none is kept open");
    wait_until_open(&fake, 0);
    assert_eq!(fake.connections(), before + 5);
    assert_eq!(login.agree_at(&url).status, 200);
    login.finish().expect(0);
    connection_of_code(&fake);
}

#[apply(test)]
fn p68_a_connection_that_dies_as_the_answer_comes_costs_no_code() {
    let fake = Fake::with(|seen, fake| {
        if seen.path == "/authorize" {
            fake.close_connections(seen.connection);
        }
        None
    });
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    assert_eq!(login.agree_at(&url).status, 200);
    login.finish().expect(0);
    connection_of_code(&fake);
}

/// The server says how long it keeps a connection, so that no answer meets the end of it. It takes one second.
#[apply(waiting_test)]
fn p68_a_connection_is_replaced_before_the_server_closes_it() {
    let fake = Fake::with(|seen, fake| Some(fake.behave(seen).with("Keep-Alive", "timeout=2")));
    let mut login = Program::login(&fake).arg("-v").start();
    let url = login.authorization_url();
    let registered = fake.seen_at("/register")[0].connection;
    login.said("opened a connection to");
    let replaced = wait_for("another connection", || {
        Some(fake.connections()).filter(|count| *count > registered)
    });
    wait_until_open(&fake, 1);
    assert_eq!(login.agree_at(&url).status, 200);
    login.finish().expect(0);
    // On a busy machine it may have been replaced once more.
    assert!(connection_of_code(&fake) >= replaced, "{:?}", fake.seen());
}

#[apply(test)]
fn p68_no_connection_is_kept_to_a_server_that_keeps_none() {
    let fake = Fake::with(|seen, fake| match fake.behave(seen) {
        Reply::Full {
            status,
            headers,
            body,
        } if seen.path != "/authorize" => {
            let mut text = format!(
                "HTTP/1.0 {status} Reply\r\nContent-Length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            Some(Reply::Raw([text.as_bytes(), b"\r\n", &body].concat()))
        }
        reply => Some(reply),
    });
    let mut login = Program::login(&fake).start();
    login.agree();
    login.finish().expect(0);
    assert_eq!(fake.connections(), fake.seen().len(), "{:?}", fake.seen());
}

fn tls() -> (Authority, Arc<ServerConfig>) {
    let authority = Authority::new();
    let tls = authority.server(&["127.0.0.1"], 2099);
    (authority, tls)
}

#[apply(test)]
fn p68_over_tls_the_code_goes_over_the_connection_that_was_opened_again() {
    let (authority, tls) = tls();
    let fake = Fake::secure(tls, any_code);
    let login = Program::login(&fake)
        .arg("-v")
        .arg("--ca-file")
        .arg(authority.pem());
    let mut login = login.start();
    let url = login.authorization_url();
    wait_until_open(&fake, 1);
    let before = fake.connections();
    fake.close_connections(0);
    login.said("opened a connection to");
    answer(&url);
    login.finish().expect(0);
    assert_eq!(
        (fake.connections(), connection_of_code(&fake)),
        (before + 1, before + 1)
    );
}

#[apply(test)]
fn p68_a_token_endpoint_of_its_own_origin_is_connected_to_while_the_person_decides() {
    let (authority, tls) = tls();
    let tokens = Fake::secure(Arc::clone(&tls), any_code);
    let endpoint = format!("{}/token", tokens.origin());
    let fake = Fake::secure(tls, move |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint"] = endpoint.clone().into();
        (seen.path == OAUTH).then(|| Reply::json(200, &metadata))
    });
    let login = Program::login(&fake)
        .arg("-v")
        .arg("--ca-file")
        .arg(authority.pem());
    let mut login = login.start();
    let url = login.authorization_url();
    login.said("opened a connection to");
    wait_until_open(&fake, 0);
    wait_until_open(&tokens, 1);
    answer(&url);
    login.finish().expect(0);
    assert_eq!((tokens.connections(), connection_of_code(&tokens)), (1, 1));
}

#[apply(test)]
fn p69_the_metadata_of_the_own_origin_is_asked_for_beside_the_probe() {
    let (authority, tls) = tls();
    let asked = Gate::default();
    let fake = Fake::secure(tls, move |seen, fake| {
        match seen.path.as_str() {
            OAUTH => asked.open(),
            "/mcp" => asked.pass(),
            _ => {}
        }
        any_code(seen, fake)
    });
    let mut login = Program::login(&fake)
        .arg("--ca-file")
        .arg(authority.pem())
        .start();
    let url = login.authorization_url();
    answer(&url);
    login.finish().expect(0);
    assert_eq!(fake.seen().len(), 5, "{:?}", fake.seen());
}

/// Only the issuer that the resource names counts, whatever is at the origin; and what is there delays nothing.
#[apply(test)]
fn p69_a_wrong_guess_is_thrown_away() {
    let (authority, tls) = tls();
    for hangs in [false, true] {
        let fake = Fake::secure(Arc::clone(&tls), move |seen, fake| {
            let issuer = format!("{}/t1", fake.origin());
            let mut metadata = fake.server_metadata();
            let mut resource = fake.resource_metadata();
            resource["authorization_servers"] = json!([issuer]);
            match seen.path.as_str() {
                OAUTH if hangs => return Some(Reply::Hang),
                OAUTH => {
                    for endpoint in [
                        "authorization_endpoint",
                        "token_endpoint",
                        "registration_endpoint",
                    ] {
                        metadata[endpoint] = format!("{}/wrong", fake.origin()).into();
                    }
                    return Some(Reply::json(200, &metadata));
                }
                "/.well-known/oauth-authorization-server/t1" => {
                    metadata["issuer"] = issuer.into();
                    return Some(Reply::json(200, &metadata));
                }
                path if path.starts_with("/.well-known/oauth-protected-resource") => {
                    return Some(Reply::json(200, &resource));
                }
                _ => {}
            }
            any_code(seen, fake)
        });
        let mut login = Program::login(&fake)
            .arg("--ca-file")
            .arg(authority.pem())
            .start();
        let url = login.authorization_url();
        assert!(
            url.starts_with(&format!("{}/authorize?", fake.origin())),
            "{url}"
        );
        answer(&url);
        let finished = login.finish().expect(0);
        assert_eq!(
            finished.kept(&fake.mcp())["issuer"],
            format!("{}/t1", fake.origin())
        );
        assert_eq!(fake.seen_at("/wrong").len(), 0);
    }
}

/// The metadata is at the last of all places where it may be, which takes all six requests.
#[apply(test)]
fn p69_a_wrong_guess_takes_no_request_from_the_six() {
    let (authority, tls) = tls();
    let fake = Fake::secure(tls, move |seen, fake| {
        let issuer = format!("{}/t1", fake.origin());
        match seen.path.as_str() {
            "/.well-known/oauth-protected-resource" => {
                let mut resource = fake.resource_metadata();
                resource["authorization_servers"] = json!([issuer]);
                Some(Reply::json(200, &resource))
            }
            "/t1/.well-known/oauth-authorization-server" => {
                let mut metadata = fake.server_metadata();
                metadata["issuer"] = issuer.into();
                Some(Reply::json(200, &metadata))
            }
            path if path.contains("/.well-known/") => Some(Reply::status(404)),
            _ => any_code(seen, fake),
        }
    });
    let login = Program::login(&fake).arg("--ca-file").arg(authority.pem());
    let mut login = login.start();
    let url = login.authorization_url();
    answer(&url);
    let finished = login.finish().expect(0);
    assert_eq!(
        finished.kept(&fake.mcp())["issuer"],
        format!("{}/t1", fake.origin())
    );
    let asked = fake.seen();
    let asked = asked.iter().filter(|it| it.path.contains("/.well-known/"));
    assert_eq!(asked.count(), 7);
    assert_eq!(fake.seen_at(OAUTH).len(), 1, "the guess");
}

/// The second login knows the issuer, and asks for nothing else.
#[apply(test)]
fn p69_nothing_is_guessed_where_the_last_login_shows_the_issuer() {
    let (authority, tls) = tls();
    let issuer: Arc<Mutex<String>> = Arc::default();
    let authorization = Fake::secure(Arc::clone(&tls), any_code);
    *issuer.lock().expect("the issuer") = authorization.origin();
    let fake = Fake::secure(tls, move |seen, fake| {
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = json!([*issuer.lock().expect("the issuer")]);
        match seen.path.as_str() {
            "/.well-known/oauth-protected-resource/mcp" => Some(Reply::json(200, &resource)),
            OAUTH => Some(Reply::status(404)),
            _ => None,
        }
    });
    let login = || Program::login(&fake).arg("--ca-file").arg(authority.pem());
    let mut first = login().start();
    let url = first.authorization_url();
    answer(&url);
    let first = first.finish().expect(0);
    assert!(fake.seen_at(OAUTH).len() <= 1);
    let guesses = fake.seen_at(OAUTH).len();
    let mut second = login().arg("--force").at_home(first.home()).start();
    let url = second.authorization_url();
    answer(&url);
    second.finish().expect(0);
    assert_eq!(fake.seen_at(OAUTH).len(), guesses);
}
