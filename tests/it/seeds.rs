//! The two reports that this program was written for, each as a test: they must never come back.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::fake::{Fake, Reply};
use crate::support::process::names_these_tests;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::skip::needs;
use crate::support::{parameter, send, visit};

/// "Port 8000 is already in use": the server to log in to holds the very port that its own login needs.
#[apply(test)]
fn u2_port_8000_is_already_in_use() {
    let fake = Fake::start();
    let port = fake.address().port().to_string();

    let mut pty = Pty::open();
    let mut login = Program::login(&fake)
        .args(["--port", &port])
        .on(&pty)
        .start();
    let url = login.authorization_url();
    let landed = login.redirect(&url);
    assert_eq!(
        parameter(&url, "redirect_uri"),
        Some(format!("http://127.0.0.1:{port}/callback"))
    );
    // The browser lands at the server itself, which knows nothing of a callback; its address bar has the answer.
    assert_eq!(visit(&landed).status, 404);
    let shown = pty.wait_for("paste it here and press Enter");
    assert!(names_these_tests(&shown), "the holder is named: {shown}");
    assert!(
        shown.contains("can read it but not use it"),
        "what the holder sees is said: {shown}"
    );
    pty.wait_until_raw(true);
    pty.type_in(&format!("{landed}\n"));
    let finished = login.finish().expect(0);
    assert_eq!(finished.kept(&fake.mcp())["refresh_token"], "refresh-1");

    let finished = Program::login(&fake)
        .args(["--port", &port, "--no-paste"])
        .run()
        .expect_error(8, "port_taken");
    assert!(names_these_tests(&finished.stderr), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("hint: leave out --port or --redirect-uri"),
        "{}",
        finished.stderr
    );
}

/// hermes-agent#34260: the port was searched, freed, and lost to another process before it was bound again.
#[apply(test)]
fn u1_hermes_34260_the_port_is_bound_once_and_stays_bound() {
    needs(&["strace"]);
    let fake = Fake::start();
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let trace_path = trace.path().to_str().expect("a path").to_owned();
    let calls = "trace=bind,listen,socket,close,dup,dup2,dup3";
    let login =
        Program::login(&fake).through(&["strace", "-f", "-qq", "-o", &trace_path, "-e", calls]);
    let mut login = login.start();
    let listening = login.event("listening")["redirect_uri"]
        .as_str()
        .expect("a URI")
        .to_owned();
    login.agree();
    login.finish().expect(0);
    let trace = std::fs::read_to_string(&trace_path).expect("a trace");
    let binds: Vec<_> = trace
        .lines()
        .filter(|line| line.contains(" bind(") && line.contains("AF_INET"))
        .collect();
    assert_eq!(binds.len(), 1, "{binds:?}");
    assert!(
        binds[0].contains("htons(0)") && binds[0].contains("127.0.0.1"),
        "any port of loopback: {binds:?}"
    );
    assert_eq!(
        trace
            .lines()
            .filter(|line| line.contains(" listen("))
            .count(),
        1,
        "{trace}"
    );
    // The socket of this one call is what the redirect URI names, and it is not closed before the end.
    let number = binds[0]
        .split("bind(")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .expect("a descriptor");
    let after = trace.split(binds[0]).nth(1).expect("the rest");
    let closed = after
        .lines()
        .find(|line| line.contains(&format!(" close({number})")));
    assert!(
        after.contains("listen(")
            && closed.is_none_or(|line| after.find(line) > after.rfind("socket(")),
        "{after}"
    );
    assert!(listening.starts_with("http://127.0.0.1:"), "{listening}");
}

/// hermes-agent#34260: logins in parallel took each other's ports and answers.
#[apply(test)]
fn c6_hermes_34260_parallel_logins_do_not_cross() {
    let fakes: Vec<_> = (0..4).map(|_| Fake::start()).collect();
    let mut logins: Vec<_> = fakes
        .iter()
        .map(|fake| Program::login(fake).start())
        .collect();
    let urls: Vec<_> = logins
        .iter_mut()
        .map(|login| login.authorization_url())
        .collect();
    let goods: Vec<_> = logins
        .iter()
        .zip(&urls)
        .map(|(login, url)| login.redirect(url))
        .collect();
    // Each answer is first sent to every other login, which does not take it.
    for (index, good) in goods.iter().enumerate() {
        let query = good.split_once('?').expect("a query").1;
        for other in goods
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, other)| other)
        {
            let place = other.split_once('?').expect("a query").0;
            assert_eq!(visit(&format!("{place}?{query}")).status, 400);
        }
    }
    for (login, good) in logins.into_iter().zip(&goods).rev() {
        assert_eq!(visit(good).status, 200);
        login.finish().expect(0);
    }
    for fake in fakes {
        assert_eq!(fake.seen_at("/token").len(), 1);
    }
}

/// hermes-agent#34260: one request was served, whatever it was; any path was taken; no state was checked.
#[apply(test)]
fn u6_u7_u8_hermes_34260_more_than_one_request_is_served_and_only_the_right_one_accepted() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let (place, query) = good.split_once('?').expect("a query");
    let (origin, code) = (
        place.strip_suffix("/callback").expect("the path"),
        parameter(&good, "code").expect("a code"),
    );
    for (stray, status) in [
        (format!("{origin}/favicon.ico"), 204),
        (format!("{origin}/"), 404),
        (format!("{origin}/?{query}"), 404),
        (format!("{origin}/other?{query}"), 404),
        (format!("{place}?code={code}"), 400),
        (format!("{place}?code={code}&state="), 400),
        (format!("{place}?code={code}&state=wrong"), 400),
        (format!("{place}?error=access_denied"), 400),
    ] {
        assert_eq!(visit(&stray).status, status, "{stray}");
        assert_eq!(fake.seen_at("/token").len(), 0, "{stray}");
    }
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
}

/// hermes-agent#34260: one paste was read, and a wrong one ended the login.
#[apply(test)]
fn u10_hermes_34260_more_than_one_paste_is_read() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).arg("--paste").with_stdin().start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    for (wrong, reason) in [
        ("what do I have to paste?".to_owned(), "not_a_redirect"),
        (url, "not_a_redirect"),
        (good.replace("state=", "state=x"), "state_mismatch"),
    ] {
        login.type_in(&format!("{wrong}\n"));
        assert_eq!(login.event("rejected")["reason"], reason, "{wrong}");
    }
    assert_eq!(fake.seen_at("/token").len(), 0);
    login.type_in(&format!("{good}\n"));
    login.finish().expect(0);
}

/// hermes-agent#34260: a remembered port that is taken meanwhile is no reason to fail.
#[apply(test)]
fn m17a_hermes_34260_a_lost_port_is_replaced() {
    let fake = Fake::with(|seen, fake| {
        // This server compares the whole redirect URI, so that a new port needs a new registration.
        (seen.path == "/elsewhere").then(|| Reply::json(200, &fake.server_metadata()))
    });
    let mut login = Program::login(&fake).start();
    let uri = login.event("listening")["redirect_uri"]
        .as_str()
        .expect("a URI")
        .to_owned();
    login.agree();
    let first = login.finish().expect(0);
    let port = url::Url::parse(&uri)
        .expect("a URL")
        .port()
        .expect("a port");

    let mut again = Program::login(&fake)
        .arg("--force")
        .at_home(first.home())
        .start();
    assert_eq!(
        again.event("listening")["redirect_uri"],
        uri.as_str(),
        "the remembered port is tried first"
    );
    again.agree();
    let second = again.finish().expect(0);

    let holder = TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    let mut third = Program::login(&fake)
        .arg("--force")
        .at_home(first.home())
        .start();
    assert_ne!(third.event("listening")["redirect_uri"], uri.as_str());
    third.agree();
    third.finish().expect(0);
    // Nothing was sent to the program that has the port now.
    holder.set_nonblocking(true).expect("an option");
    assert!(holder.accept().is_err());
    drop((holder, second));
}

/// hermes-agent#34260: a peer that connects and says nothing blocked the server.
#[apply(test)]
fn l5_hermes_34260_a_silent_peer_blocks_no_other() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let address = url::Url::parse(&good)
        .expect("a URL")
        .socket_addrs(|| None)
        .expect("an address")[0];
    let mut silent = std::net::TcpStream::connect(address).expect("connecting");
    assert_eq!(
        send(address, b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").status,
        404
    );
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
    let _ = silent.write(b"x");
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0);
}
