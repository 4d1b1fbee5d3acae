//! Private addresses, to which only what the user typed may lead.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use serde_json::json;

use crate::listener::network::in_network;
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::{parameter, visit};

use super::connections::{forward, hosts};
use super::{server_called, Authority};

/// A network with public, private, link-local and loopback addresses, all of which are this machine.
const NETWORK: &str = "
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
for address in 93.184.216.34 93.184.216.35 10.1.2.3 10.9.9.9 169.254.169.254 169.254.1.1; do
    ip addr add $address/32 dev v0
done
";

/// Whether a server at which the user logs in may lead to another one, by the addresses of both.
const CASES: &[(&str, &str, bool)] = &[
    ("93.184.216.34", "93.184.216.35", true),
    ("93.184.216.34", "10.9.9.9", false),
    ("93.184.216.34", "127.0.0.5", false),
    ("93.184.216.34", "169.254.169.254", false),
    ("10.1.2.3", "10.9.9.9", true),
    ("10.1.2.3", "93.184.216.35", true),
    ("10.1.2.3", "127.0.0.5", false),
    ("10.1.2.3", "169.254.169.254", false),
    ("93.184.216.34 10.1.2.3", "10.9.9.9", false),
    ("10.1.2.3 93.184.216.34", "10.9.9.9", false),
    ("10.1.2.3 127.0.0.9", "10.9.9.9", false),
    ("10.1.2.3 127.0.0.9", "127.0.0.5", false),
    ("93.184.216.34 127.0.0.9", "127.0.0.5", false),
    ("93.184.216.34 169.254.169.254", "169.254.1.1", false),
    ("127.0.0.9", "127.0.0.5", true),
];

#[apply(test)]
fn a2_a_typed_name_opens_a_region_only_with_all_its_addresses() {
    let lines: String = CASES
        .iter()
        .enumerate()
        .flat_map(|(number, (typed, other, _))| {
            let typed = typed
                .split(' ')
                .map(move |address| format!("{address} typed{number}.example\n"));
            typed.chain([format!("{other} other{number}.example\n")])
        })
        .collect();
    if in_network(&format!("{NETWORK}{}", hosts(&lines))) {
        return;
    }
    let authority = Authority::new();
    for (number, (typed, other, allowed)) in CASES.iter().enumerate() {
        for by_name in [true, false] {
            // Loopback addresses in a URL need a typed URL that names this machine itself.
            let allowed = *allowed && (by_name || !other.starts_with("127."));
            let port = 5000 + 2 * number + usize::from(by_name);
            let place = if by_name {
                format!("other{number}.example")
            } else {
                (*other).to_owned()
            };
            let endpoint = format!("https://{place}:{port}/register");
            let canary = Canary::listen(&format!("{other}:{port}"));
            let change = move |seen: &Seen, fake: &Fake| {
                let mut metadata = fake.server_metadata();
                metadata["registration_endpoint"] = json!(endpoint);
                seen.path
                    .contains("oauth-authorization-server")
                    .then(|| Reply::json(200, &metadata))
            };
            let at = 6000 + 2 * number + usize::from(by_name);
            let name = format!("typed{number}.example:{at}");
            let fake = server_called(&name, &authority, change);
            for address in typed.split(' ') {
                forward(&format!("{address}:{at}"), fake.address());
            }
            let login = Program::login_at(&format!("https://{name}/mcp"))
                .arg("--ca-file")
                .arg(authority.pem());
            let finished = login.run();
            let what = format!("{typed} to {place} ({other}): {}", finished.stderr);
            assert_eq!(canary.was_asked(), allowed, "{what}");
            // Who is asked there is no server, so that no login succeeds.
            assert_eq!(finished.code, Some(if allowed { 5 } else { 6 }), "{what}");
        }
    }
}

/// It waits for the end of all attempts to reach a token endpoint, 30 s.
#[apply(waiting_test)]
fn a2_addresses_that_change_during_a_login_open_nothing() {
    let lines = "93.184.216.34 typed.example\n93.184.216.35 token.example";
    if in_network(&format!("{NETWORK}{}", hosts(lines))) {
        return;
    }
    let authority = Authority::new();
    let fake = server_called("typed.example:7101", &authority, |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint"] = json!("https://token.example:7102/token");
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    forward("93.184.216.34:7101", fake.address());
    for (changed, place, asked, code) in [
        (lines, "93.184.216.35:7102", true, 5),
        (
            "10.1.2.3 typed.example\n10.9.9.9 token.example",
            "10.9.9.9:7102",
            false,
            6,
        ),
    ] {
        std::fs::write("/etc/hosts", lines).expect("the names");
        let canary = Canary::listen(place);
        let login = Program::login_at("https://typed.example:7101/mcp")
            .arg("--ca-file")
            .arg(authority.pem());
        let mut login = login.start();
        let url = login.authorization_url();
        std::fs::write("/etc/hosts", changed).expect("the names");
        let (uri, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
        visit(&format!(
            "{}?code=x&state={}",
            uri.expect("a URI"),
            state.expect("a state")
        ));
        let finished = login.finish().expect(code);
        assert_eq!(canary.was_asked(), asked, "{}", finished.stderr);
    }
}

#[apply(test)]
fn a2_a_link_local_address_is_asked_only_as_it_was_typed() {
    let lines = "169.254.169.254 metadata.example\n169.254.169.254 both.example\n93.184.216.34 both.example";
    if in_network(&format!("{NETWORK}{}", hosts(lines))) {
        return;
    }
    let authority = Authority::new();
    for (at, name, link_local, code) in [
        ("169.254.169.254:7001", "metadata.example:7001", false, 6),
        ("169.254.169.254:7002", "both.example:7002", false, 5),
        ("169.254.169.254:7003", "169.254.169.254:7003", true, 5),
    ] {
        let canary = Canary::listen(at);
        let login = Program::login_at(&format!("https://{name}/mcp"))
            .arg("--ca-file")
            .arg(authority.pem());
        let finished = login.run().expect(code);
        assert_eq!(
            canary.was_asked(),
            link_local,
            "{name}: {}",
            finished.stderr
        );
    }
}

/// A port that takes note of connections, and ends them.
struct Canary {
    asked: Arc<AtomicUsize>,
}

impl Canary {
    fn listen(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect(address);
        let asked = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        Self { asked }
    }

    fn was_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }
}
