//! Which proxy is asked: the real curl in the same network, with the same variables, is the judge. And what is told, and
//! what is kept, when a proxy does not lead to the server.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::listener::network::in_network;
use crate::support::command_without_environment;
use crate::support::fake::{Fake, Reply};
use crate::support::leaks::assert_hides;
use crate::support::program::{Finished, Program};
use crate::support::skip::needs;

use super::certificates::without_tls;
use super::connections::hosts;
use super::{answer, public_server, Authority, Proxy, PASSWORD};

/// A network in which these addresses are this machine.
const NETWORK: &str = "
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
for address in 10.0.0.1 10.0.0.2 10.0.0.3 10.1.2.3 93.184.216.34; do
    ip addr add $address/32 dev v0
done
";

const HOSTS: &str = "93.184.216.34 mcp.corp.example corp.example evilcorp.example mcp.example";

/// Variables and URL. Where curl differs from what is wanted, what is wanted instead.
type Row = (
    &'static [(&'static str, &'static str)],
    &'static str,
    Option<&'static str>,
);

const A: &str = "http://10.0.0.1:3128";
const B: &str = "http://10.0.0.2:3128";
const MCP: &str = "https://mcp.corp.example/mcp";

const ROWS: &[Row] = &[
    (&[], MCP, None),
    (&[("HTTPS_PROXY", A)], MCP, None),
    (&[("https_proxy", A)], MCP, None),
    (&[("ALL_PROXY", A)], MCP, None),
    (&[("all_proxy", A)], MCP, None),
    (&[("HTTPS_PROXY", A), ("ALL_PROXY", B)], MCP, None),
    (&[("HTTPS_PROXY", B), ("ALL_PROXY", A)], MCP, None),
    (&[("HTTPS_PROXY", A), ("https_proxy", B)], MCP, None),
    (&[("ALL_PROXY", A), ("all_proxy", B)], MCP, None),
    (&[("HTTPS_PROXY", ""), ("ALL_PROXY", B)], MCP, None),
    (&[("HTTP_PROXY", A)], MCP, None),
    (&[("http_proxy", A)], MCP, None),
    (&[("http_proxy", A), ("all_proxy", B)], MCP, None),
    (&[("HTTPS_PROXY", "10.0.0.1:3128")], MCP, None),
    (&[("HTTPS_PROXY", "http://10.0.0.1:3128/")], MCP, None),
    (&[("HTTPS_PROXY", "http://ada:pw@10.0.0.1:3128")], MCP, None),
    (
        &[("HTTPS_PROXY", "http://ada:p@w@10.0.0.1:3128")],
        MCP,
        Some("10.0.0.1"),
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "corp.example")],
        MCP,
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "corp.example")],
        "https://corp.example/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "corp.example")],
        "https://evilcorp.example/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", ".corp.example")],
        MCP,
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", ".corp.example")],
        "https://corp.example/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "CORP.EXAMPLE.")],
        MCP,
        None,
    ),
    (
        &[
            ("HTTPS_PROXY", A),
            ("NO_PROXY", "other.example, corp.example "),
        ],
        MCP,
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "a.mcp.corp.example")],
        MCP,
        None,
    ),
    (
        &[
            ("HTTPS_PROXY", A),
            ("no_proxy", "other.example"),
            ("NO_PROXY", "corp.example"),
        ],
        MCP,
        None,
    ),
    (
        &[
            ("HTTPS_PROXY", A),
            ("no_proxy", ""),
            ("NO_PROXY", "corp.example"),
        ],
        MCP,
        None,
    ),
    (&[("HTTPS_PROXY", A), ("NO_PROXY", "*")], MCP, None),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "10.0.0.0/8")],
        "https://10.1.2.3/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "10.1.2.0/24")],
        "https://10.1.2.3/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "10.1.3.0/24")],
        "https://10.1.2.3/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "10.1.2.3")],
        "https://10.1.2.3/mcp",
        None,
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "1.2.3")],
        "https://10.1.2.3/mcp",
        None,
    ),
    // Go reads these, curl does not.
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "corp.example:443")],
        MCP,
        Some("direct"),
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "corp.example:8443")],
        MCP,
        Some("10.0.0.1"),
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "*.corp.example")],
        MCP,
        Some("direct"),
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "other.example,*")],
        MCP,
        Some("direct"),
    ),
    // Blanks and quotes are of no use to anybody.
    (
        &[("HTTPS_PROXY", " http://10.0.0.1:3128 ")],
        MCP,
        Some("10.0.0.1"),
    ),
    (
        &[("HTTPS_PROXY", "\"http://10.0.0.1:3128\"")],
        MCP,
        Some("10.0.0.1"),
    ),
    (
        &[("HTTPS_PROXY", "'http://10.0.0.1:3128'")],
        MCP,
        Some("10.0.0.1"),
    ),
    (
        &[("HTTPS_PROXY", A), ("NO_PROXY", "\"corp.example\"")],
        MCP,
        Some("direct"),
    ),
    // Loopback is never proxied.
    (
        &[("HTTPS_PROXY", A), ("ALL_PROXY", B)],
        "https://127.0.0.1/mcp",
        Some("direct"),
    ),
    (
        &[("HTTPS_PROXY", A), ("ALL_PROXY", B)],
        "https://localhost/mcp",
        Some("direct"),
    ),
];

/// The proxies and the servers, and what a connection to them is called.
const DOORS: [(&str, &str); 5] = [
    ("10.0.0.1:3128", "10.0.0.1"),
    ("10.0.0.2:3128", "10.0.0.2"),
    ("93.184.216.34:443", "direct"),
    ("10.1.2.3:443", "direct"),
    ("127.0.0.1:443", "direct"),
];

/// Ports that take note of connections, and end them.
struct Doors {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Doors {
    fn open() -> Self {
        let seen = Arc::<Mutex<Vec<String>>>::default();
        for (at, name) in DOORS {
            let listener = TcpListener::bind(at).expect(at);
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                for connection in listener.incoming() {
                    seen.lock().expect("the list").push(name.to_owned());
                    drop(connection);
                }
            });
        }
        Self { seen }
    }

    /// Returns where connections came since the last time.
    fn ways(&self) -> BTreeSet<String> {
        // Connections are noted in the order in which they came, so all earlier ones are when this one is.
        for (at, _) in DOORS {
            let mut stream = TcpStream::connect(at).expect(at);
            let _ = stream.read(&mut [0]);
        }
        let mut all = std::mem::take(&mut *self.seen.lock().expect("the list"));
        for (_, name) in DOORS {
            let at = all.iter().position(|it| it == name);
            all.swap_remove(at.expect("our own connection"));
        }
        all.into_iter().collect()
    }
}

#[apply(test)]
fn p50_proxies_are_chosen_as_curl_does() {
    needs(&["curl"]);
    if in_network(&format!("{NETWORK}{}", hosts(HOSTS))) {
        return;
    }
    let doors = Doors::open();
    for (variables, url, instead) in ROWS {
        let expected = match instead {
            Some(way) => BTreeSet::from([(*way).to_owned()]),
            None => {
                let mut curl = command_without_environment("curl");
                let path = std::env::var_os("PATH").unwrap_or_default();
                curl.args(["-s", "-m", "60", "-o", "/dev/null", url])
                    .env("PATH", path);
                curl.envs(variables.iter().copied())
                    .status()
                    .expect("running curl");
                doors.ways()
            }
        };
        assert_eq!(expected.len(), 1, "{variables:?} {url}: curl goes one way");
        let program = variables
            .iter()
            .fold(Program::login_at(url), |program, (name, value)| {
                program.env(name, value)
            });
        let finished = program.run().expect(5);
        let said = finished.stderr;
        assert_eq!(doors.ways(), expected, "{variables:?} {url}: {said}");
    }
}

#[apply(test)]
fn p50_an_invalid_proxy_is_reported() {
    for (variables, named) in [
        (
            &[(
                "HTTPS_PROXY",
                "gopher://ada:c4nary-5ecret-T0ken-Zq@10.0.0.1",
            )][..],
            "HTTPS_PROXY",
        ),
        (
            &[(
                "https_proxy",
                "http://ada:c4/c4nary-5ecret-T0ken-Zq@10.0.0.1:1",
            )],
            "https_proxy",
        ),
        (
            &[(
                "https_proxy",
                "http://ada:c4nary-5ecret-T0ken-Zq#@10.0.0.1:1",
            )],
            "# is %23",
        ),
        (
            &[
                ("HTTPS_PROXY", "http://127.0.0.1:9"),
                ("NO_PROXY", "10.0.0.0/99"),
            ],
            "10.0.0.0/99",
        ),
    ] {
        for words in [&["--json", "--no-browser"][..], &["doctor", "--json"]] {
            let program =
                Program::new()
                    .args(words)
                    .args(["--store", "file", "https://mcp.invalid/mcp"]);
            let finished = variables
                .iter()
                .fold(program, |program, (name, value)| program.env(name, value))
                .run();
            let said = format!("{}{}", finished.stdout, finished.stderr);
            assert!(
                said.contains(named) && said.contains("ignored"),
                "{words:?}: {said}"
            );
            assert_hides(&said, PASSWORD);
        }
    }
}

/// A proxy that answers everybody so.
fn refusing(answer: &'static str) -> SocketAddr {
    Proxy::start(Err(answer)).address
}

#[apply(test)]
fn p51_p67_errors_name_the_proxy_and_its_variable() {
    let closed = crate::support::closed_address();
    let at = |answer| refusing(answer).to_string();
    let rows = [
        (
            closed.to_string(),
            "proxy_unavailable",
            "cannot reach the proxy",
            "is running",
        ),
        (
            "no-such-proxy.invalid:3128".to_owned(),
            "proxy_unavailable",
            "cannot find the address of the proxy",
            "HTTPS_PROXY",
        ),
        (
            at("HTTP/1.1 407 Auth\r\n\r\n"),
            "proxy_refused",
            "requires a user name and a password",
            "USER:PASSWORD",
        ),
        (
            at("HTTP/1.1 401 Auth\r\n\r\n"),
            "proxy_refused",
            "requires a user name and a password",
            "USER:PASSWORD",
        ),
        (
            at("HTTP/1.1 403 No\r\n\r\n"),
            "proxy_refused",
            "does not allow connections to mcp.example",
            "NO_PROXY",
        ),
        (
            at("HTTP/1.1 502 Bad\r\n\r\n"),
            "proxy_refused",
            "cannot reach mcp.example",
            "the name and the port",
        ),
        (
            at("HTTP/1.1 503 Down\r\n\r\n"),
            "proxy_refused",
            "cannot reach mcp.example",
            "the name and the port",
        ),
        (
            at("HTTP/1.1 504 Late\r\n\r\n"),
            "proxy_refused",
            "cannot reach mcp.example",
            "the name and the port",
        ),
        (
            at("HTTP/1.1 302 Login\r\nLocation: /x\r\n\r\n"),
            "proxy_refused",
            "refused the connection",
            "HTTPS_PROXY",
        ),
        (
            at("hello\r\n\r\n"),
            "proxy_refused",
            "did not connect to mcp.example",
            "HTTPS_PROXY",
        ),
        (
            at(""),
            "proxy_refused",
            "did not connect to mcp.example",
            "HTTPS_PROXY",
        ),
    ];
    for (address, code, what, hint) in rows {
        let login = Program::login_at("https://mcp.example/mcp");
        let finished = login
            .env("HTTPS_PROXY", format!("http://ada:{PASSWORD}@{address}"))
            .run();
        let finished = finished.expect_error(5, code);
        assert_hides(&finished.stderr, PASSWORD);
        let said = finished
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            said.contains(what) && said.contains(hint),
            "{address}: {said}"
        );
        assert!(
            said.contains(&format!("http://{address} (set in HTTPS_PROXY)")),
            "{said}"
        );
        for status in ["407", "401", "403", "502", "503", "504", "302"] {
            assert!(
                said.matches(&format!("status {status}")).count() <= 1,
                "{said}"
            );
            assert!(!said.contains(&format!("{status}/{status}")), "{said}");
        }
    }
}

#[apply(test)]
fn p51_proxies_of_other_kinds_are_named_too() {
    let authority = Authority::new();
    let closed = crate::support::closed_address();
    let no_proxy = Fake::secure(authority.server(&["127.0.0.1"], 2099), |_, _| None);
    let (closed, secure) = (format!("socks5h://{closed}"), no_proxy.origin());
    let plain = format!("https://{}", without_tls());
    for (proxy, trusted, exit, code, what) in [
        (
            &closed,
            false,
            5,
            "proxy_unavailable",
            "cannot reach the proxy",
        ),
        (
            &secure,
            true,
            5,
            "proxy_refused",
            "refused the connection to mcp.example (status 404)",
        ),
        (&secure, false, 6, "insecure_connection", "is not secure"),
        (&plain, false, 2, "no_tls", "does not speak TLS"),
    ] {
        let login = Program::login_at("https://mcp.example/mcp").env("ALL_PROXY", proxy);
        let login = if trusted {
            login.arg("--ca-file").arg(authority.pem())
        } else {
            login
        };
        let finished = login.run().expect_error(exit, code);
        let said = finished
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            said.contains(what) && said.contains(&format!("{proxy} (set in ALL_PROXY)")),
            "{said}"
        );
    }
}

/// Most of its time goes into waiting for a proxy that never answers: the real limits of a caller and of a refresh.
#[apply(waiting_test)]
fn p66_a_refresh_token_that_was_never_sent_is_not_used_up() {
    let authority = Authority::new();
    let refused = Arc::new(Mutex::new(false));
    let refuse = Arc::clone(&refused);
    let fake = public_server(&authority, move |seen, _| {
        let revoked = seen.path == "/token" && *refuse.lock().expect("a flag");
        revoked.then(|| Reply::json(400, &json!({"error": "invalid_grant"})))
    });
    let good = Proxy::start(Ok(fake.address()));
    let stranger = Authority::new();
    let imposter = Proxy::start(Ok(public_server(&stranger, |_, _| None).address()));
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (mute, _mute) = (mute.local_addr().expect("an address"), mute);
    let broken = Proxy::start(Ok(ending().local_addr().expect("an address")));
    let program = |proxy: SocketAddr| {
        let program = Program::new()
            .args(["--store", "file", "--ca-file"])
            .arg(authority.pem());
        program.env("HTTPS_PROXY", format!("http://{proxy}"))
    };
    let mut login = program(good.address)
        .args(["--json", "--no-browser", "https://mcp.example/mcp"])
        .start();
    answer(&mut login);
    let home = login.finish().expect(0);
    let run = |proxy: SocketAddr, words: &[&str]| -> Finished {
        program(proxy)
            .at_home(home.home())
            .args(words)
            .arg("https://mcp.example/mcp")
            .run()
    };
    let closed = crate::support::closed_address();
    for (proxy, code) in [
        (closed, 5),
        (refusing("HTTP/1.1 407 Auth\r\n\r\n"), 5),
        (refusing("HTTP/1.1 403 No\r\n\r\n"), 5),
        (refusing("HTTP/1.1 502 Bad\r\n\r\n"), 5),
        (refusing("hello\r\n\r\n"), 5),
        (refusing(""), 5),
        (broken.address, 5),
        (imposter.address, 6),
    ] {
        run(proxy, &["token", "--refresh"]).expect(code);
        let doctor = run(good.address, &["doctor"]);
        assert!(
            doctor.stdout.contains("none was interrupted"),
            "{}",
            doctor.stdout
        );
    }
    // Nothing answers: whoever asks waits 8 seconds, and the refresh itself a little longer.
    run(mute, &["token", "--refresh"]).expect(5);
    *refused.lock().expect("a flag") = true;
    let finished = run(good.address, &["token", "--refresh"]).expect(3);
    assert!(
        finished.stderr.contains("invalid_grant"),
        "{}",
        finished.stderr
    );
    assert!(
        !finished.stderr.contains("lost") && !finished.stderr.contains("interrupted"),
        "{}",
        finished.stderr
    );
}

/// A server that ends every connection when something was said.
fn ending() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let accepting = listener.try_clone().expect("a clone");
    thread::spawn(move || {
        for stream in accepting.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let _ = reader.fill_buf();
            let _ = (&stream).write_all(b"");
        }
    });
    listener
}
