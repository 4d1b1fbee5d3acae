//! The network at its worst: certificates, proxies, slow servers, addresses that must not be asked, URLs that must not
//! reach a browser.

mod addresses;
mod certificates;
mod connections;
mod proxies;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::KeyPair;
use serde_json::{json, Value};

use crate::support::browser::FakeBrowser;
use url::ParseError::{EmptyHost, RelativeUrlWithoutBase};

use crate::support::certificates::{config, config_of, names_of, Authority};
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::leaks::{assert_hides, assert_plain};
use crate::support::program::{Finished, Program, Running};
use crate::support::skip::skip;
use crate::support::{in_time, parameter, visit};

/// Gives the tokens to any code, since the authorization page is not walked.
fn any_code(seen: &Seen, fake: &Fake) -> Option<Reply> {
    (seen.path == "/token").then(|| Reply::json(200, &fake.tokens(1, None)))
}

/// Answers for the authorization server, without asking its page.
fn answer(login: &mut Running) {
    let url = login.authorization_url();
    let (uri, state) = (
        parameter(&url, "redirect_uri").expect("a URI"),
        parameter(&url, "state").expect("a state"),
    );
    assert_eq!(visit(&format!("{uri}?code=x&state={state}")).status, 200);
}

#[apply(test)]
fn w2_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = authority.server(&["127.0.0.1", "localhost"], 2099);
    let (file, other) = (authority.pem(), stranger.pem());
    for (option, variable) in [(true, false), (false, true), (true, true)] {
        let fake = Fake::secure(Arc::clone(&good), any_code);
        let mut login = Program::login(&fake);
        login = if option {
            login.arg("--ca-file").arg(&file)
        } else {
            login
        };
        login = if variable {
            login.env("SSL_CERT_FILE", &file)
        } else {
            login
        };
        let mut login = login.start();
        answer(&mut login);
        login.finish().expect(0);
    }
    let key = KeyPair::generate().expect("a key");
    let alone = names_of(&["127.0.0.1"])
        .self_signed(&key)
        .expect("a certificate");
    for (what, server, trusted) in [
        ("unknown authority", Arc::clone(&good), None),
        ("another authority", Arc::clone(&good), Some(&other)),
        ("self-signed", config(vec![alone.der().clone()], &key), None),
        (
            "expired",
            authority.server(&["127.0.0.1"], 2001),
            Some(&file),
        ),
        (
            "wrong host",
            authority.server(&["localhost", "other.example"], 2099),
            Some(&file),
        ),
    ] {
        let fake = Fake::secure(server, any_code);
        let login = Program::login(&fake);
        let login = if let Some(file) = trusted {
            login.arg("--ca-file").arg(file)
        } else {
            login
        };
        let finished = login.run().expect_error(6, "insecure_connection");
        assert_plain(&finished.stderr);
        let hint = match what {
            "expired" => "the clock of this computer says 2",
            "wrong host" => {
                "its certificate is not for this host, but for localhost, other.example"
            }
            _ => "--ca-file",
        };
        assert!(
            finished.stderr.contains(hint),
            "{what}: {}",
            finished.stderr
        );
        assert!(
            what != "wrong host" || !finished.stderr.contains("--ca-file"),
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen().len(), 0, "{what}");
    }
}

/// No certificate was looked at: another authority would not help.
#[apply(test)]
fn w2_a_server_that_refuses_the_handshake() {
    // handshake_failure, protocol_version
    for alert in [40, 70] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, alert]);
            }
        });
        let finished = Program::login_at(&format!("https://{address}/mcp"))
            .run()
            .expect_error(6, "insecure_connection");
        let hint = finished.event("error")["hint"].as_str().expect("a hint");
        assert!(hint.contains("TLS"), "{hint}");
        assert!(!hint.contains("--ca-file"), "{hint}");
    }
}

#[apply(test)]
fn w2_a_token_endpoint_has_to_prove_itself_too() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let imposter = Fake::secure(stranger.server(&["127.0.0.1"], 2099), any_code);
    let endpoint = format!("{}/token", imposter.origin());
    let fake = Fake::secure(authority.server(&["127.0.0.1"], 2099), move |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint"] = endpoint.clone().into();
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    let mut login = Program::login(&fake)
        .arg("--ca-file")
        .arg(authority.pem())
        .start();
    let url = login.authorization_url();
    let (uri, state) = (
        parameter(&url, "redirect_uri").expect("a URI"),
        parameter(&url, "state").expect("a state"),
    );
    visit(&format!("{uri}?code=x&state={state}"));
    login.finish().expect_error(6, "insecure_connection");
    assert_eq!(imposter.seen().len(), 0);
}

#[apply(test)]
fn w2_certificate_authorities_that_cannot_be_read() {
    let place = tempfile::tempdir().expect("a directory");
    let fake = Fake::secure(Authority::new().server(&["127.0.0.1"], 2099), any_code);
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    // As a variable of a CI system is often written to a file; a key may follow.
    let one_line = "-----BEGIN CERTIFICATE-----\\nZZZZ\\n-----END CERTIFICATE-----\\n";
    for (name, text) in [
        ("empty", ""),
        ("text", "hello"),
        ("broken", broken),
        ("one_line", one_line),
    ] {
        fs::write(place.path().join(name), text).expect("writing");
    }
    for name in ["empty", "text", "broken", "one_line", "missing", "."] {
        let path = place.path().join(name);
        let finished = Program::login(&fake).arg("--ca-file").arg(&path).run();
        let finished = finished.expect_error(2, "certificates_unreadable");
        assert!(
            finished.stderr.contains(&path.display().to_string()),
            "{}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("90, 90"), "{}", finished.stderr);
    }
    // Nothing of it is needed, or read, where there is no TLS.
    let plain = Fake::start();
    Program::login(&plain)
        .args(["--ca-file", "/nowhere/at/all"])
        .agree()
        .expect(0);
}

/// A proxy that notes what it is asked for. It lets everybody through to `target`, or nobody.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(target: Result<SocketAddr, &'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self {
            address: listener.local_addr().expect("an address"),
            heads: Arc::default(),
        };
        let heads = Arc::clone(&proxy.heads);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&heads);
                thread::spawn(move || Self::serve(stream, target, &heads));
            }
        });
        proxy
    }

    fn serve(
        mut client: TcpStream,
        target: Result<SocketAddr, &'static str>,
        heads: &Mutex<Vec<String>>,
    ) {
        let mut reader = BufReader::new(client.try_clone().expect("a clone"));
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
        heads.lock().expect("the heads").push(head);
        let target = match target {
            Ok(target) => target,
            Err(refusal) => return drop(client.write_all(refusal.as_bytes())),
        };
        let mut server = TcpStream::connect(target).expect("the target");
        let _ = client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
        let (mut back, mut forth) = (
            server.try_clone().expect("a clone"),
            client.try_clone().expect("a clone"),
        );
        thread::spawn(move || {
            let _ = std::io::copy(&mut back, &mut forth);
            let _ = forth.shutdown(std::net::Shutdown::Both);
        });
        let _ = std::io::copy(&mut reader, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Both);
    }

    /// Returns where connections were wanted to.
    fn targets(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("the heads");
        heads
            .iter()
            .map(|head| head.split(' ').nth(1).unwrap_or_default().to_owned())
            .collect()
    }
}

/// A fake that is known to the world as `https://mcp.example`.
fn public_server(
    authority: &Authority,
    change: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
) -> Fake {
    server_called("mcp.example", authority, change)
}

/// A fake that is known to the world by this name, perhaps with a port.
fn server_called(
    name: &str,
    authority: &Authority,
    change: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
) -> Fake {
    let origin = format!("https://{name}");
    let host = name.split(':').next().expect("a host");
    Fake::secure(authority.server(&[host], 2099), move |seen, fake| {
        let reply = change(seen, fake)
            .or_else(|| any_code(seen, fake))
            .unwrap_or_else(|| fake.behave(seen));
        let named = |text: &str| text.replace(&fake.origin(), &origin);
        Some(match reply {
            Reply::Full {
                status,
                headers,
                body,
            } => Reply::Full {
                status,
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.clone(), named(value)))
                    .collect(),
                body: named(&String::from_utf8_lossy(&body)).into_bytes(),
            },
            other => other,
        })
    })
}

fn through(proxy: &Proxy, authority: &Authority) -> Program {
    let login = Program::login_at("https://mcp.example/mcp")
        .arg("-vv")
        .arg("--ca-file")
        .arg(authority.pem());
    login.env(
        "HTTPS_PROXY",
        format!("http://ada:c4nary-5ecret-T0ken-Zq@{}", proxy.address),
    )
}

const PASSWORD: &str = "c4nary-5ecret-T0ken-Zq";

#[apply(test)]
fn w3_a_proxy_carries_the_login_and_its_password_stays_secret() {
    let authority = Authority::new();
    let fake = public_server(&authority, |_, _| None);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = Proxy::start(Ok(fake.address()));
        let login = Program::login_at("https://mcp.example/mcp")
            .arg("-vv")
            .arg("--ca-file")
            .arg(authority.pem());
        let mut login = login
            .env(variable, format!("http://ada:{PASSWORD}@{}", proxy.address))
            .start();
        answer(&mut login);
        let finished = login.finish().expect(0);
        assert!(
            !proxy.targets().is_empty()
                && proxy
                    .targets()
                    .iter()
                    .all(|target| target == "mcp.example:443")
        );
        let heads = proxy.heads.lock().expect("the heads").join("");
        assert!(
            heads.to_lowercase().contains("proxy-authorization: basic "),
            "{heads}"
        );
        assert_hides(&format!("{}{}", finished.stdout, finished.stderr), PASSWORD);
    }
}

#[apply(test)]
fn w3_a_proxy_that_refuses() {
    let authority = Authority::new();
    for refusal in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 \u{1b}[2Jowned\r\n\r\n",
        "hello\r\n\r\n",
        "",
    ] {
        let proxy = Proxy::start(Err(refusal));
        let finished = through(&proxy, &authority).run().expect(5);
        assert_plain(&finished.stderr);
        assert_hides(&format!("{}{}", finished.stdout, finished.stderr), PASSWORD);
        if refusal.contains("407") {
            assert_eq!(finished.event("error")["code"], "proxy_refused", "{}", finished.stderr);
            assert!(finished.stderr.contains("HTTPS_PROXY"), "{}", finished.stderr);
        }
    }
}

#[apply(test)]
fn w3_no_proxy_and_loopback() {
    let authority = Authority::new();
    let proxy = Proxy::start(Err("HTTP/1.1 403 No\r\n\r\n"));
    for exception in ["mcp.example", "other.example,.example", "*"] {
        let finished = through(&proxy, &authority)
            .env("NO_PROXY", exception)
            .run()
            .expect(5);
        assert_hides(&finished.stderr, PASSWORD);
        assert_eq!(proxy.targets(), [""; 0], "{exception}: {}", finished.stderr);
    }
    let address = format!("http://{}", proxy.address);
    let fake = Fake::start();
    for url in [fake.mcp(), fake.mcp().replace("127.0.0.1", "localhost")] {
        let mut login = Program::login_at(&url).args(["--issuer", &fake.origin()]);
        for variable in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            login = login.env(variable, &address);
        }
        // The resource of the metadata is the address, so the name is only asked.
        let finished = login.agree();
        assert!(matches!(finished.code, Some(0 | 6)), "{}", finished.stderr);
        assert_eq!(proxy.targets(), [""; 0], "{url}");
    }
}

/// Places in private that no public server may send us to.
const PRIVATE: [&str; 30] = [
    "http://127.0.0.2",
    "https://127.0.0.2",
    "https://127.0.0.1:443",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://localhost",
    "https://LOCALHOST.",
    "https://as.localhost",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://0.0.0.0",
    "https://[::]",
    "https://10.0.0.1",
    "https://172.16.0.1",
    "https://172.31.255.255",
    "https://192.168.1.1",
    "https://100.64.0.1",
    "https://169.254.169.254",
    "https://[fe80::1]",
    "https://[fd00::1]",
    "https://[::ffff:10.0.0.1]",
    "https://[64:ff9b::a00:1]",
    "https://[2002:a00:1::]",
    "https://[::ffff:169.254.169.254]",
    "https://255.255.255.255",
    "https://224.0.0.1",
    "https://192.0.2.1",
];

#[apply(test)]
fn v11_m39b_a_public_server_cannot_send_us_into_private_networks() {
    let authority = Authority::new();
    let canary = TcpListener::bind("127.0.0.2:80").ok();
    for member in [
        "authorization_servers",
        "token_endpoint",
        "registration_endpoint",
    ] {
        for place in PRIVATE {
            // Every place for the entry; a few for the others.
            if member != "authorization_servers"
                && !place.contains("7f")
                && !place.contains("10.0.0.1")
            {
                continue;
            }
            let fake = public_server(&authority, move |seen, fake| {
                let mut resource = fake.resource_metadata();
                let mut server = fake.server_metadata();
                match member {
                    "authorization_servers" => resource[member] = json!([place]),
                    _ => server[member] = format!("{place}/x").into(),
                }
                match seen.path.as_str() {
                    path if path.contains("oauth-protected-resource") => {
                        Some(Reply::json(200, &resource))
                    }
                    path if path.contains("oauth-authorization-server") => {
                        Some(Reply::json(200, &server))
                    }
                    _ => None,
                }
            });
            let proxy = Proxy::start(Ok(fake.address()));
            let login = through(&proxy, &authority).start();
            let finished = login.finish().expect(6);
            assert!(
                finished
                    .events
                    .iter()
                    .all(|event| event["event"] != "authorization_url"),
                "{member} {place}"
            );
            let targets = proxy.targets();
            assert!(
                targets.iter().all(|target| target == "mcp.example:443"),
                "{member} {place}: {targets:?}"
            );
            assert!(finished.event("error")["code"]
                .as_str()
                .is_some_and(|code| code.starts_with("forbidden")));
        }
    }
    let Some(canary) = canary else {
        skip("127.0.0.2:80 cannot be bound, so that only what the proxy sees was checked");
    };
    canary.set_nonblocking(true).expect("non-blocking");
    assert!(canary.accept().is_err(), "somebody was sent to 127.0.0.2");
}

#[apply(test)]
fn v11_m39b_private_endpoints_are_refused_before_there_is_a_page() {
    for member in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        for place in [
            "https://192.168.1.1",
            "https://[::ffff:169.254.169.254]",
            "https://[64:ff9b::a9fe:a9fe]",
        ] {
            let fake = Fake::with(move |seen, fake| {
                let mut server = fake.server_metadata();
                server[member] = format!("{place}/x").into();
                seen.path
                    .contains("oauth-authorization-server")
                    .then(|| Reply::json(200, &server))
            });
            let finished = Program::login(&fake).run().expect_error(6, "forbidden_url");
            assert_eq!(fake.seen_at("/register").len(), 0, "{member} {place}");
            let words = format!(
                "{} of the metadata cannot be used: its address",
                member.replace('_', " ")
            );
            assert!(finished.stderr.contains(&words), "{}", finished.stderr);
            let doctor = Program::new()
                .args(["--store", "file", "doctor", &fake.mcp()])
                .run()
                .expect(6);
            let told = doctor
                .stdout
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            assert!(told.contains(&words), "{}", doctor.stdout);
        }
    }
}

#[apply(test)]
fn w8_v12_m11_m54_endpoints_in_the_clear_or_in_disguise() {
    let members = [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "issuer",
    ];
    for member in members {
        for url in [
            "http://as.example/x",
            "http://93.184.216.34/x",
            "https://as.example@evil.example/x",
            "https://user:pw@as.example/x",
            "https://@as.example/x",
            "https://as.example\\@evil.example/x",
            "https://as.example/x#fragment",
            "https:///x",
            "as.example/x",
            "",
        ] {
            let fake = Fake::with(move |seen, fake| {
                let (mut server, mut resource) = (fake.server_metadata(), fake.resource_metadata());
                match member {
                    "issuer" => resource["authorization_servers"] = json!([url]),
                    _ => server[member] = url.into(),
                }
                match seen.path.as_str() {
                    path if path.contains("oauth-protected-resource") => {
                        Some(Reply::json(200, &resource))
                    }
                    path if path.contains("oauth-authorization-server") => {
                        Some(Reply::json(200, &server))
                    }
                    _ => None,
                }
            });
            let is_relative = matches!(url, "as.example/x" | "");
            let is_url = !is_relative && url != "https:///x";
            let unused = format!("ignoring {member} in the metadata: ");
            match member {
                // A login does without it.
                "revocation_endpoint" => {
                    let finished = Program::login(&fake).agree().expect(0);
                    assert!(finished.stderr.contains(&unused), "{}", finished.stderr);
                    assert_eq!(
                        finished.kept(&fake.mcp())["revocation_endpoint"],
                        Value::Null
                    );
                    continue;
                }
                // So it does with a client of the user's; without one it needs an endpoint that may be used.
                "registration_endpoint" => {
                    let finished = Program::login(&fake)
                        .args(["--client-id", "mine"])
                        .agree()
                        .expect(0);
                    assert!(finished.stderr.contains(&unused), "{}", finished.stderr);
                    let (exit, code) = if is_url {
                        (6, "forbidden_url")
                    } else {
                        (2, "client_id_needed")
                    };
                    let finished = Program::login(&fake).run().expect_error(exit, code);
                    assert!(
                        finished.stderr.contains("--client-id"),
                        "{}",
                        finished.stderr
                    );
                }
                // What is no absolute URL is a mistake of the server's operator.
                "issuer" if is_relative => drop(
                    Program::login(&fake)
                        .run()
                        .expect_error(2, "metadata_unusable"),
                ),
                _ if is_relative => drop(
                    Program::login(&fake)
                        .run()
                        .expect_error(2, "no_authorization_server"),
                ),
                _ => drop(Program::login(&fake).run().expect_error(6, "forbidden_url")),
            }
            assert_eq!(fake.seen_at("/register").len(), 0, "{member} {url}");
        }
    }
}

#[apply(test)]
fn w1_a_host_without_an_address_is_named() {
    let finished = Program::login_at("https://no-such-host.invalid/mcp")
        .run()
        .expect_error(5, "server_unavailable");
    assert!(
        finished.stderr.contains("no-such-host.invalid"),
        "{}",
        finished.stderr
    );
    let closed = crate::support::closed_address();
    Program::login_at(&format!("http://{closed}/mcp"))
        .run()
        .expect_error(5, "server_unavailable");
}

/// A port that takes no connection: its queue is full, and nobody empties it.
fn full_port() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    rustix::net::listen(&listener, 0).expect("a short queue");
    let address = listener.local_addr().expect("an address");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
        queue.push(stream);
    }
    (address, listener, queue)
}

fn drip(head: &str) -> Reply {
    let (head, pause) = (head.as_bytes().to_vec(), Duration::from_millis(300));
    Reply::Endless {
        head,
        again: b"x".to_vec(),
        pause,
    }
}

/// All at once, and for 30 seconds: the real limit of a request.
/// It waits for the longest time that one request may take, 30 s, at four servers at once.
#[apply(waiting_test)]
fn w5_slow_servers_are_left_after_their_time() {
    let started = Instant::now();
    let slow = |place: &'static str, head: &'static str, code: &'static str| {
        move || {
            // Where metadata is found, a login can do without the probe.
            let fake = Fake::with(move |seen, _| match seen.path.as_str() {
                path if path == place => Some(drip(head)),
                path if path.contains("protected") && place == "/mcp" => Some(Reply::status(404)),
                _ => None,
            });
            let login = Program::login(&fake).args(["--client-id", "mine"]);
            let finished = login.agree().expect_error(5, code);
            assert_eq!(fake.seen_at(place).len(), 1, "{}", finished.stderr);
        }
    };
    let (head, body) = (
        "HTTP/1.1 200 OK\r\nX-",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{",
    );
    let workers = [
        thread::spawn(slow("/mcp", head, "server_timeout")),
        thread::spawn(slow(
            "/.well-known/oauth-protected-resource/mcp",
            body,
            "server_timeout",
        )),
        thread::spawn(slow("/token", body, "server_timeout")),
        thread::spawn(|| {
            let (address, _listener, _queue) = full_port();
            let login = Program::login_at(&format!("http://{address}/mcp"));
            login.run().expect_error(5, "server_timeout");
        }),
    ];
    for worker in workers {
        worker.join().expect("a login that ends");
    }
    in_time("all of them", started, Duration::from_secs(45));
}

#[apply(test)]
fn w5_l16_the_deadline_of_the_login_is_met_whatever_the_server_does() {
    for place in [
        "/mcp",
        "/.well-known/oauth-authorization-server",
        "/register",
    ] {
        let fake = Fake::with(move |seen, _| (seen.path == place).then_some(Reply::Hang));
        let started = Instant::now();
        let login = Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--timeout",
            "1s",
        ]);
        login.arg(fake.mcp()).run().expect_error(4, "timed_out");
        in_time(place, started, Duration::from_secs(10));
    }
}

/// Tells whether a URL is one word for whatever opens it: `^https?://[A-Za-z0-9.\-_:\[\]]+[/?][A-Za-z0-9\-._~/%:@=&?+,]*$`.
fn is_canonical(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    let Some(end) = rest.find(['/', '?']) else {
        return false;
    };
    let (host, tail) = rest.split_at(end);
    let all = |text: &str, more: &[u8]| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    !host.is_empty() && all(host, b".-_:[]") && all(tail, b"-._~/%:@=&?+,")
}

/// Authorization endpoints of attackers: for shells, for command processors, for browsers' flags, for URL handlers.
const HOSTILE_ENDPOINTS: [&str; 74] = [
    "https://$(calc).example/",
    "https://`calc`.example/",
    "https://x&calc.example/",
    "https://x;calc.example/",
    "https://x.example'||calc||'/",
    "https:x.example/",
    "https:/x.example/",
    "https:///x.example/",
    "javascript:alert(1)",
    "jAvAsCrIpT:alert(1)",
    "\u{1}javascript:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "file://evil.example/share",
    "smb://evil.example/share",
    "ms-msdt:/id PCWDiagnostic",
    "search-ms:query=x",
    "custom:open",
    "about:blank",
    "chrome://settings",
    "view-source:https://x.example",
    "blob:https://x.example/1",
    "ftp://x.example/",
    "ht\ntps://x.example/",
    "ht\u{9}tps://x.example/",
    "\\\\evil.example\\share",
    "//evil.example/x",
    "--load-extension=/tmp/x",
    "-new-window",
    "https://x.example/\" & calc & rem \"",
    "https://x.example/a b",
    "https://x.example/\u{0}",
    "https://x.example/\u{7f}",
    "https://x.example/\u{202e}gpj.exe",
    "https://x.ex\u{430}mple/",
    "https://user@x.example/",
    "https://x.example@evil.example/",
    "https://x.example\\@evil.example/",
    "https://x.example/#fragment",
    "https://-oProxyCommand=calc/",
    "https://x.example/$(calc)",
    "https://x.example/`calc`",
    "https://x.example/;calc",
    "https://x.example/|calc",
    "https://x.example/&calc",
    "https://x.example/&&calc",
    "https://x.example/>out",
    "https://x.example/<in",
    "https://x.example/^calc",
    "https://x.example/%PATH%",
    "https://x.example/!HISTORY!",
    "https://x.example/'calc'",
    "https://x.example/\"calc\"",
    "https://x.example/*",
    "https://x.example/~root",
    "https://x.example/{a,b}",
    "https://x.example/[a]",
    "https://x.example/%0acalc",
    "https://x.example/%00",
    "https://x.example/%s",
    "https://x.example/a?b=$HOME",
    "https://x.example/a?b=%22%3E%3Cscript%3E",
    "https://x.example/a?b='||calc||'",
    "https://x.example/a?b=${IFS}calc",
    "https://x.example/a?--flag",
    "https://x.example?a=--flag;calc",
    "https://x.example:8443/a?b=c&d=$(e)",
    "https://[2606:4700::1111]/a?b=`c`",
    "HTTPS://X.EXAMPLE/A?B=`C`",
    "https://x.example/a\\b",
];

#[apply(test)]
fn v1_v2_v3_m24_m24a_hostile_endpoints_reach_no_shell_and_no_flag() {
    let opened: Vec<bool> = HOSTILE_ENDPOINTS
        .into_iter()
        .map(|endpoint| {
            let browser = FakeBrowser::new("");
            let fake = Fake::with(move |seen, fake| {
                let mut metadata = fake.server_metadata();
                metadata["authorization_endpoint"] = endpoint.into();
                seen.path
                    .contains("oauth-authorization-server")
                    .then(|| Reply::json(200, &metadata))
            });
            let login = Program::new().args(["--json", "--store", "file", "--timeout", "60s"]);
            let mut login = login.env("BROWSER", browser.path()).arg(fake.mcp()).start();
            let Some(event) = login.next_event("authorization_url") else {
                // What is no absolute URL is a mistake of the server's operator; everything else may be an attack.
                let is_relative = matches!(
                    url::Url::parse(endpoint),
                    Err(RelativeUrlWithoutBase | EmptyHost)
                );
                let (code, word) = if is_relative {
                    (2, "no_authorization_server")
                } else {
                    (6, "forbidden_url")
                };
                let finished = login.finish().expect_error(code, word);
                assert_plain(&finished.stderr);
                assert_plain(&finished.stdout);
                assert!(!browser.was_started(), "{endpoint}");
                return false;
            };
            let url = event["url"].as_str().expect("a URL").to_owned();
            assert_eq!(browser.url(), url, "{endpoint}");
            assert!(is_canonical(&url), "{endpoint}: {url}");
            assert!(parameter(&url, "code_challenge").is_some());
            true
        })
        .collect();
    // The corpus has both kinds, so neither of the two checks stands idle.
    assert!(
        opened.iter().filter(|opened| **opened).count() >= 20,
        "{opened:?}"
    );
    assert!(
        opened.iter().filter(|opened| !**opened).count() >= 30,
        "{opened:?}"
    );
}

#[apply(test)]
fn v1_what_is_canonical() {
    for (url, expected) in [
        ("https://x.example/a?b=c", true),
        ("http://127.0.0.1:1?x", true),
        ("https://x.example", false),
        ("https:///a", false),
        ("ftp://x.example/", false),
        ("https://x.example/$a", false),
        ("https://x.example/a b", false),
        ("https://u@x.example/", false),
        ("https://x.example/;", false),
    ] {
        assert_eq!(is_canonical(url), expected, "{url}");
    }
}

#[apply(test)]
fn v1_the_users_parameters_reach_the_browser_encoded() {
    let browser = FakeBrowser::new("");
    let fake = Fake::start();
    let words = "a b\"'`$(x);&|<>^%!*\\\u{e9}\n--flag";
    let login = Program::new().args([
        "--json",
        "--store",
        "file",
        "--timeout",
        "60s",
        "--scope",
        "x\"$(y)",
    ]);
    let login = login.args(["--login-hint", words, "--param", &format!("extra={words}")]);
    let mut login = login.env("BROWSER", browser.path()).arg(fake.mcp()).start();
    let url = login.authorization_url();
    assert_eq!(browser.url(), url);
    assert!(is_canonical(&url), "{url}");
    for name in ["login_hint", "extra"] {
        assert_eq!(parameter(&url, name).as_deref(), Some(words));
    }
    let finished: Finished = {
        visit(&login.redirect(&url));
        login.finish().expect(0)
    };
    assert_eq!(
        finished.kept(&fake.mcp())["scopes_requested"],
        json!(["x\"$(y)"])
    );
}
