//! The demo, end to end: it ends well wherever it runs, and leaves nothing behind.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::program::{Finished, Program, Running};
use crate::support::{in_time, parameter, send, visit, Answer};

/// A demo with a temporary directory of its own.
struct Demo {
    program: Program,
    temporary: tempfile::TempDir,
}

impl Demo {
    fn new(args: &[&str]) -> Self {
        let temporary = tempfile::tempdir().expect("a directory");
        let program = Program::new()
            .arg("demo")
            .args(args)
            .env("TMPDIR", temporary.path());
        Self { program, temporary }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.program = self.program.env(name, value);
        self
    }

    /// Runs it to its end, and checks that nothing is left.
    fn run(self) -> Finished {
        let finished = self.program.run();
        expect_nothing_left(&self.temporary, &finished);
        finished
    }
}

fn expect_nothing_left(temporary: &tempfile::TempDir, finished: &Finished) {
    let files = |path: PathBuf| std::fs::read_dir(path).expect("a directory").count();
    assert_eq!(
        files(temporary.path().to_owned()),
        0,
        "stderr: {}",
        finished.stderr
    );
    assert_eq!(
        files(finished.home().to_owned()),
        0,
        "stderr: {}",
        finished.stderr
    );
}

#[apply(test)]
fn the_demo_consents_by_itself_without_a_person() {
    let started = Instant::now();
    let finished = Demo::new(&[]).run().expect(0);
    in_time("the demo", started, Duration::from_secs(5));
    assert_eq!(finished.stdout, "");
    for text in [
        "1. a protected MCP server now runs at http://127.0.0.1:",
        "POST /mcp -> 401",
        "the demo agrees by itself, at this address:",
        "POST /token -> 200",
        "works: the server lists 3 tools (MCP 2026-07-28)",
        "5. the servers, the token and its file are removed again",
    ] {
        assert!(
            finished.stderr.contains(text),
            "{text:?} is not in {}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn the_demo_tells_scripts_what_a_login_tells_them() {
    let finished = Demo::new(&["--json", "--auto"]).run().expect(0);
    let kinds: Vec<_> = finished
        .events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "listening",
            "authorization_url",
            "answer_received",
            "logged_in"
        ]
    );
    let checked = finished.events.last().expect("a line");
    assert_eq!(
        (&checked["proven"], &checked["tools"]),
        (&true.into(), &3.into())
    );
}

#[apply(test)]
fn the_demo_ends_well_without_stderr() {
    let mut demo = Demo::new(&["--json"]);
    demo.program.command().stderr(Stdio::null());
    demo.run().expect(0);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut demo = Demo::new(&[]);
    demo.program.command().stderr(writer);
    demo.run().expect(0);
}

/// Wherever the user keeps logins, the demo's own does not go there.
#[apply(test)]
fn the_demo_leaves_the_users_store_alone() {
    let kept = tempfile::tempdir().expect("a directory");
    let file = kept.path().join("credentials.json");
    let store = format!("file:{}", file.display());
    for store in [store.as_str(), "keyring", "auto"] {
        let demo = Demo::new(&["--json"])
            .env("MCP_LOGIN_STORE", store)
            .env("MCP_LOGIN_PROFILE", "work");
        let finished = demo
            .env("MCP_LOGIN_DATA_DIR", kept.path().to_str().expect("a path"))
            .run()
            .expect(0);
        assert_eq!(finished.event("logged_in")["store"], "file");
        assert_eq!(
            std::fs::read_dir(kept.path()).expect("a directory").count(),
            0
        );
    }
}

#[apply(test)]
fn an_option_of_the_demo_wins_over_a_setting() {
    Demo::new(&["--auto"])
        .env("MCP_LOGIN_BROWSER", "false")
        .run()
        .expect(0);
    Demo::new(&[])
        .env("MCP_LOGIN_NO_BROWSER", "1")
        .env("BROWSER", "false")
        .run()
        .expect(0);
}

/// A demo whose page is open in a browser: this test.
struct Open {
    running: Running,
    temporary: tempfile::TempDir,
    url: url::Url,
}

impl Open {
    fn start() -> Self {
        let demo = Demo::new(&["--json", "--browser", "true", "--timeout", "60s"]);
        let mut running = demo.program.start();
        let url = url::Url::parse(&running.authorization_url()).expect("a URL");
        Self {
            running,
            temporary: demo.temporary,
            url,
        }
    }

    fn post(&self, path: &str, form: &[(&str, &str)], headers: &str) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let (host, length) = (self.url.authority(), body.len());
        let kind = "application/x-www-form-urlencoded";
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}");
        let request =
            format!("{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
        send(
            self.url.socket_addrs(|| None).expect("an address")[0],
            request.as_bytes(),
        )
    }

    /// Gives an answer on the page, and returns where it sends the browser.
    fn say(&self, answer: &str) -> String {
        let page = visit(self.url.as_str());
        assert_eq!(page.status, 200, "{}", page.body);
        let request = page
            .body
            .split_once(r#"name="request" value=""#)
            .expect("a form")
            .1;
        let request = request.split_once('"').expect("a form").0;
        let origin = format!("Origin: {}\r\n", self.url.origin().ascii_serialization());
        let answer = self.post(
            "/authorize",
            &[("request", request), ("answer", answer)],
            &origin,
        );
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").expect("a redirect").to_owned()
    }

    fn finish(self) -> Finished {
        let finished = self.running.finish();
        expect_nothing_left(&self.temporary, &finished);
        finished
    }
}

#[apply(test)]
fn a_person_who_allows_is_logged_in() {
    let open = Open::start();
    let page = visit(&open.say("allow"));
    assert!(page.body.contains("You are logged in"), "{}", page.body);
    let finished = open.finish().expect(0);
    assert!(
        finished
            .stderr
            .contains("allowed, with a code; the browser is sent back"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn a_person_who_denies_is_not() {
    let open = Open::start();
    let page = visit(&open.say("deny"));
    assert!(
        page.body.contains("The login to 127.0.0.1 was refused"),
        "{}",
        page.body
    );
    let finished = open.finish().expect_error(3, "access_denied");
    assert!(
        !finished.stderr.contains("removed again"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn a_demo_that_is_interrupted_leaves_nothing() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let open = Open::start();
        let pid = open.running.pid().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .expect("kill");
        assert!(sent.success());
        assert_eq!(open.finish().signal, Some(number));
    }
}

#[apply(test)]
fn an_unanswered_demo_ends_in_time() {
    let demo = Demo::new(&["--json", "--browser", "true", "--timeout", "1s"]);
    demo.run().expect_error(4, "timed_out");
}

/// What strangers send to the demo's own port ends neither the demo nor its login.
#[apply(test)]
fn requests_of_others_do_not_end_the_demo() {
    let open = Open::start();
    let address = open.url.socket_addrs(|| None).expect("an address")[0];
    let host = format!("Host: {address}\r\n");
    let mut idle = Vec::new();
    for request in [
        format!("POST /token HTTP/1.1\r\n{host}Content-Length: 99999999999\r\n\r\n"),
        format!("POST /token HTTP/1.1\r\n{host}Content-Length: 18446744073709551615\r\n\r\n"),
        format!("POST /token HTTP/1.1\r\n{host}Content-Length: 5000\r\n\r\nabc"),
        "GARBAGE\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(address).expect("connecting");
        stream.write_all(request.as_bytes()).expect("writing");
        idle.push(stream);
    }
    let code = parameter(&open.say("allow"), "code").expect("a code");
    let redirect_uri = parameter(open.url.as_str(), "redirect_uri").expect("a redirect URI");
    let client_id = parameter(open.url.as_str(), "client_id").expect("a client");
    let stolen = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &client_id),
        ("redirect_uri", &redirect_uri),
        (
            "code_verifier",
            "a-verifier-that-somebody-else-has-made-up-here",
        ),
    ];
    assert_eq!(open.post("/token", &stolen, "").status, 400);
    let page = visit(&open.say("allow"));
    assert!(page.body.contains("You are logged in"), "{}", page.body);
    open.finish().expect(0);
}
