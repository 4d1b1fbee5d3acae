//! Pasting: through a pipe and on a real terminal. Whatever is pasted first, the good answer is still taken.

mod shell;
mod terminal;

use serde_json::json;

use crate::support::fake::Fake;
use crate::support::program::{Program, Running};
use crate::support::{parameter, visit, wait_for};

/// A login that reads a pipe, and the good answer that it has not got yet.
struct Pasting {
    fake: Fake,
    login: Running,
    url: String,
    good: String,
}

impl Pasting {
    fn new() -> Self {
        Self::at(Fake::start())
    }

    fn at(fake: Fake) -> Self {
        let mut login = Program::login(&fake).arg("--paste").with_stdin().start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        Self {
            fake,
            login,
            url,
            good,
        }
    }

    fn state(&self) -> String {
        parameter(&self.url, "state").expect("a state")
    }

    fn query(&self) -> &str {
        self.good.split_once('?').expect("a query").1
    }

    /// Pastes something that has to be refused for this reason.
    #[track_caller]
    fn refuses(&mut self, text: &str, reason: &str) {
        self.login.type_in(&format!("{text}\n"));
        let rejected = self.login.event("rejected");
        assert_eq!(
            (&rejected["source"], &rejected["reason"]),
            (&json!("paste"), &json!(reason)),
            "{text:?}"
        );
        assert_eq!(self.fake.seen_at("/token").len(), 0, "{text:?}");
    }

    /// Pastes something that has to be taken.
    #[track_caller]
    fn takes(mut self, text: &str) {
        self.login.type_in(text);
        let finished = self.login.finish();
        assert_eq!(finished.code, Some(0), "{text:?}: {}", finished.stderr);
        assert_eq!(self.fake.seen_at("/token").len(), 1);
    }
}

#[apply(test)]
fn p1_p2_p3_p4_the_answer_is_found_in_what_people_paste() {
    let fake = Fake::start();
    for form in [
        "URL\n",
        "  URL  \r\n",
        "\"URL\"\n",
        "<URL>\n",
        "`URL`\n",
        "\u{feff}\u{a0}URL\u{200b}\n",
        "\u{1b}[200~URL\u{1b}[201~",
        "\u{1b}[200~URL\n",
        "[200~URL\u{1b}[201~\n",
        "?QUERY\n",
        "QUERY\n",
        "#QUERY\n",
        "/callback?QUERY\n",
        "I landed at URL and now?\n",
        "\n\n\nURL\n",
    ] {
        let pasting = Pasting::at(fake.clone());
        let (good, query) = (pasting.good.clone(), pasting.query().to_owned());
        let text = form.replace("URL", &good).replace("QUERY", &query);
        let before = fake.seen_at("/token").len();
        let mut login = pasting.login;
        login.type_in(&text);
        let finished = login.finish();
        assert_eq!(finished.code, Some(0), "{form:?}: {}", finished.stderr);
        assert_eq!(fake.seen_at("/token").len(), before + 1, "{form:?}");
    }
}

#[apply(test)]
fn p2_a_wrapped_address_is_put_together() {
    for (cut, indentation) in [(7, ""), (22, "    "), (40, "  "), (60, "\\\n")] {
        let pasting = Pasting::new();
        let (front, back) = pasting.good.split_at(cut);
        let text = match indentation {
            "\\\n" => format!("{front}\\\n{back}\n"),
            _ => format!("{front}\n{indentation}{back}\n"),
        };
        pasting.takes(&text);
    }
}

#[apply(test)]
fn p5_p6_p7_p8_p11_text_without_a_response_is_rejected_and_the_login_continues() {
    let other = Pasting::new();
    let mut pasting = Pasting::new();
    let (url, state, good, query) = (
        pasting.url.clone(),
        pasting.state(),
        pasting.good.clone(),
        pasting.query().to_owned(),
    );
    let code = parameter(&good, "code").expect("a code");
    for (text, reason) in [
        ("hello", "not_a_redirect"),
        (&*format!("{code}{code}{code}"), "not_a_redirect"),
        ("SplxlOBeZQQYbYS6WxSbIA", "not_a_redirect"),
        (&url, "not_a_redirect"),
        ("https://example.com/", "not_a_redirect"),
        (
            &format!("https://evil.example/callback?{query}"),
            "not_a_redirect",
        ),
        (
            &format!("http://192.168.0.1/callback?{query}"),
            "not_a_redirect",
        ),
        (&other.good, "state_mismatch"),
        (&format!("?code={code}"), "state_mismatch"),
        (&format!("?code={code}&state="), "state_mismatch"),
        (
            &format!("?code={code}&state={state}&state={state}"),
            "state_mismatch",
        ),
        (
            &format!("?error=access_denied&state=x{state}"),
            "state_mismatch",
        ),
        (
            &format!("?code={code}&code={code}&state={state}"),
            "ambiguous",
        ),
        (&format!("?code={code}&error=x&state={state}"), "ambiguous"),
        (
            &format!("?code={code}&iss=https%3A%2F%2Fevil.example&state={state}"),
            "issuer_mismatch",
        ),
        (&format!("?code=%zz&state={state}"), "malformed"),
        (&format!("?error=server_error&state={state}"), "temporary"),
        ("\u{1}\u{2}\u{1b}[31m\u{fffd}", "not_a_redirect"),
    ] {
        pasting.refuses(text, reason);
    }
    assert_eq!(other.fake.seen_at("/token").len(), 0);
    pasting.takes(&format!("{good}\n"));
    let good = other.good.clone();
    other.takes(&format!("{good}\n"));
}

#[apply(test)]
fn p7_another_port_of_this_machine_is_a_tunnel() {
    for place in [
        "http://127.0.0.1:1",
        "http://localhost:8080",
        "http://[::1]:9",
        "https://localhost",
    ] {
        let pasting = Pasting::new();
        let text = format!("{place}/somewhere?{}\n", pasting.query());
        pasting.takes(&text);
    }
}

#[apply(test)]
fn p9_a_pasted_refusal_ends_the_login() {
    let mut pasting = Pasting::new();
    let text = format!(
        "http://127.0.0.1/callback?error=access_denied&error_description=no&state={}\n",
        pasting.state()
    );
    pasting.login.type_in(&text);
    pasting.login.finish().expect_error(3, "access_denied");
}

#[apply(test)]
fn p6_a_secret_is_not_shown_and_the_size_of_a_paste_is() {
    let mut pasting = Pasting::new();
    let text = "http://127.0.0.1/callback?code=CANARYcode&state=CANARYstate";
    pasting.refuses(text, "state_mismatch");
    let said = pasting.login.said("not accepted");
    assert!(said.contains(&format!("{} bytes", text.len())), "{said}");
    let good = format!("{}\n", pasting.good);
    pasting.login.type_in(&good);
    let finished = pasting.login.finish().expect(0);
    assert!(
        !finished.stderr.contains("CANARY") && !finished.stdout.contains("CANARY"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn p13_garbage_costs_nothing() {
    let mut pasting = Pasting::new();
    let process = pasting.login.process();
    pasting.refuses("warm", "not_a_redirect");
    let before = process.status("VmRSS");
    for _ in 0..10 {
        pasting.login.type_in(&"\0".repeat(1 << 20));
    }
    pasting.refuses("", "not_a_redirect");
    pasting.refuses(&"\u{e9}\u{202e}\u{7}".repeat(2000), "not_a_redirect");
    let after = process.status("VmRSS");
    assert!(
        after <= before + 4096,
        "{before} KiB before, {after} KiB after"
    );
    let good = format!("{}\n", pasting.good);
    pasting.takes(&good);
}

#[apply(test)]
fn p10_the_end_of_input_ends_only_the_pasting() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).arg("--paste").start();
    let url = login.authorization_url();
    let good = login.redirect(&url);
    let process = login.process();
    let before = process.ticks();
    // A spin would use all of the time that these visits take and more.
    for _ in 0..200 {
        assert_eq!(visit(&good.replace("state=", "state=x")).status, 400);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let used = process.ticks() - before;
    assert!(used < 30, "{used} ticks");
    assert_eq!(visit(&good).status, 200);
    login.finish().expect(0);
}

#[apply(test)]
fn p10_a_silent_wait_does_not_spin_after_the_end_of_input() {
    let fake = Fake::start();
    let waiting = ["3s", "15s", "60s"].iter().find_map(|limit| {
        let login = Program::login(&fake).args(["--paste", "--timeout", limit]);
        let mut login = login.start();
        login.next_event("authorization_url").map(|_| login)
    });
    let mut login = waiting.expect("a page in time");
    let process = login.process();
    let before = process.ticks();
    let used = wait_for("the deadline", || {
        let used = process
            .stat()
            .filter(|fields| fields[0] != "Z")
            .map(|_| process.ticks() - before);
        if used.is_some_and(|used| used > 50) {
            return used;
        }
        // Half a second of a processor would be a spin; the end without it is the proof.
        login.child.try_wait().expect("waiting").map(|_| 0)
    });
    assert!(used < 50, "{used} ticks");
    login.finish().expect_error(4, "timed_out");
}

#[apply(test)]
fn p10_without_stdin_and_listener_the_login_ends() {
    let fake = Fake::start();
    let port = fake.address().port().to_string();
    let finished = Program::login(&fake)
        .args(["--paste", "--port", &port])
        .run();
    finished.expect_error(9, "no_way_to_answer");

    let mut later = Program::login(&fake)
        .args(["--paste", "--port", &port])
        .with_stdin()
        .start();
    later.authorization_url();
    later.type_in("nothing of use\n");
    later.event("rejected");
    later.close_stdin();
    later.finish().expect_error(9, "no_way_to_answer");
}

#[apply(test)]
fn p10_an_answer_without_a_line_end_counts_at_the_end_of_input() {
    let fake = Fake::start();
    let port = fake.address().port().to_string();
    for taken in [false, true] {
        let mut login = Program::login(&fake).arg("--paste").with_stdin();
        if taken {
            login = login.args(["--port", &port]);
        }
        let mut login = login.start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        login.type_in(&good);
        login.close_stdin();
        login.finish().expect(0);
    }
}

#[apply(test)]
fn p11_the_address_can_be_read_before_anything_is_pasted() {
    let fake = Fake::start();
    let mut login = Program::new()
        .args(["--store", "file", "--no-browser", "--paste"])
        .arg(fake.mcp())
        .with_stdin()
        .start();
    let url = login.said("/authorize?");
    assert!(
        url.starts_with("http://"),
        "the address stands alone: {url}"
    );
    let good = login.redirect(&url);
    login.type_in(&format!("{good}\n"));
    let finished = login.finish().expect(0);
    assert_eq!(finished.stdout, "");
}

#[apply(test)]
fn p15_the_input_of_a_script_is_not_eaten() {
    let fake = Fake::start();
    let mut scripted = Program::login(&fake).arg("--force");
    let script = "while read -r line; do \"$@\"; echo \"done $line\" >&2; done";
    scripted = scripted.through(&["sh", "-c", script, "sh"]).with_stdin();
    let mut scripted = scripted.start();
    scripted.type_in("first\nsecond\nthird\n");
    scripted.close_stdin();
    for _ in 0..3 {
        assert_eq!(scripted.agree().status, 200);
        scripted.event("logged_in");
    }
    let finished = scripted.finish().expect(0);
    let done: Vec<_> = finished
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("done "))
        .collect();
    assert_eq!(done, ["first", "second", "third"]);
}

#[apply(test)]
fn p16_paste_and_callback_at_the_same_moment_are_one_answer() {
    let fake = Fake::start();
    for round in 0..20 {
        let mut login = Program::login(&fake)
            .args(["--paste", "--force"])
            .with_stdin()
            .start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        let before = fake.seen_at("/token").len();
        let start = std::sync::Arc::new(std::sync::Barrier::new(2));
        let (there, visited) = (std::sync::Arc::clone(&start), good.clone());
        let visitor = std::thread::spawn(move || {
            there.wait();
            let address = url::Url::parse(&visited)
                .expect("a URL")
                .socket_addrs(|| None)
                .expect("an address")[0];
            // The paste may have won and the program be gone already.
            std::net::TcpStream::connect(address)
                .ok()
                .map(|mut stream| {
                    let target = visited
                        .split_once(&address.to_string())
                        .expect("our address")
                        .1;
                    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
                    let _ = std::io::Write::write_all(&mut stream, request.as_bytes());
                    let mut answer = Vec::new();
                    let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
                    crate::support::Answer::parse(&answer).status
                })
        });
        start.wait();
        login.type_in(&format!("\u{1b}[200~{good}\u{1b}[201~"));
        login.finish().expect(0);
        let status = visitor.join().expect("a visit").unwrap_or(0);
        assert!(status == 200 || status == 0, "{status} in round {round}");
        assert_eq!(fake.seen_at("/token").len(), before + 1, "round {round}");
    }
}
