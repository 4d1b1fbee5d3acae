//! Connections where some addresses lead nowhere: the real curl in the same network is the measure.

use std::io::{copy, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::listener::network::in_network;
use crate::support::command_without_environment;
use crate::support::fake::Reply;
use crate::support::program::Program;
use crate::support::rotating::Rotating;
use crate::support::skip::needs;

use super::{answer, server_called, Authority, Proxy};

/// A network in which packets to `2001:db8:77::a` to `::d` are swallowed, and `93.184.216.34` is this machine.
const NETWORK: &str = "
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
ip addr add 93.184.216.34/32 dev v0
ip -6 addr add 2001:db8:77::1/64 dev v0 nodad
for host in a b c d; do
    ip -6 neigh add 2001:db8:77::$host dev v0 lladdr 02:00:00:00:00:01 nud permanent
done
";

/// Returns the lines of a setup that give names these addresses, as `ADDRESS NAME` each.
pub fn hosts(lines: &str) -> String {
    let file = format!("cat >$hosts <<END\n127.0.0.1 localhost\n{lines}\nEND\n");
    // What is mounted stays when its name is gone.
    format!("hosts=$(mktemp)\n{file}mount --bind $hosts /etc/hosts\nrm $hosts\n")
}

/// Leads every connection to an address on to another one.
pub fn forward(from: &str, to: SocketAddr) {
    let listener = TcpListener::bind(from).expect(from);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(to).expect("the target");
            join(client, server);
        }
    });
}

/// Carries the bytes of two connections to the other one.
fn join(client: TcpStream, server: TcpStream) {
    for (from, to) in [(&client, &server), (&server, &client)] {
        let (mut from, mut to) = (
            from.try_clone().expect("a clone"),
            to.try_clone().expect("a clone"),
        );
        thread::spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

/// Returns how long curl takes for a URL, by its own clock.
fn curl(url: &str, authority: &Path, environment: &[(&str, &str)]) -> Duration {
    let mut command = command_without_environment("curl");
    command
        .args([
            "-sS",
            "-m",
            "60",
            "-o",
            "/dev/null",
            "-w",
            "%{time_total}",
            "--cacert",
        ])
        .arg(authority)
        .arg(url);
    let output = command
        .envs(environment.iter().copied())
        .output()
        .expect("running curl");
    assert!(
        output.status.success(),
        "{url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Duration::from_secs_f64(
        String::from_utf8_lossy(&output.stdout)
            .parse()
            .expect("seconds"),
    )
}

/// How often something may be tried that other work of this machine may slow down.
const TRIES: usize = 20;

/// Checks that something can be done in three times the time of curl, and what it takes where no address is dead: on a busy
/// machine that is much by itself.
fn assert_no_slower(
    what: &str,
    curl: Duration,
    work: impl Fn(&str) -> Duration,
    [name, usual_name]: [&str; 2],
) {
    let [mut shortest, mut usual] = [Duration::MAX; 2];
    for _ in 0..TRIES {
        shortest = shortest.min(work(name));
        if shortest >= curl * 3 {
            usual = usual.min(work(usual_name));
        }
        if shortest < curl * 3 || shortest - usual.min(shortest) < curl * 3 {
            println!(
                "{what}: {} ms, curl {} ms",
                shortest.as_millis(),
                curl.as_millis()
            );
            return;
        }
    }
    panic!("{what}: {shortest:?}, usually {usual:?}, curl needs {curl:?}");
}

/// The name of a server whose one address answers.
const USUAL: &str = "usual.example:4430";

/// Logs in and refreshes in no more than three times the time of curl.
fn compare(name: &str, authority: &Authority, environment: &[(&str, &str)]) {
    let url = |name: &str| format!("https://{name}/mcp");
    let program = |name: &str| {
        let program = Program::new()
            .args(["--store", "file", "--ca-file"])
            .arg(authority.pem());
        let environment = environment.iter().filter(|_| name != USUAL);
        environment.fold(program, |program, (name, value)| program.env(name, value))
    };
    let curl = (0..3)
        .map(|_| curl(&url(name), &authority.pem(), environment))
        .min()
        .expect("three times");
    let login = |name: &str| {
        let login = program(name).args(["--json", "--no-browser"]);
        login.arg(url(name)).start()
    };
    let names = [name, USUAL];
    let log_in = |name: &str| {
        let mut login = login(name);
        login.authorization_url();
        login.started.elapsed()
    };
    assert_no_slower(
        &format!("the URL of a login to {name}"),
        curl,
        log_in,
        names,
    );
    let homes = names.map(|name| {
        let mut login = login(name);
        answer(&mut login);
        (name, login.finish().expect(0))
    });
    let refresh = |name: &str| {
        let home = homes.iter().find(|(it, _)| *it == name).expect("a home");
        let started = Instant::now();
        let words = ["token", "--refresh", &url(name)];
        let token = program(name).at_home(home.1.home()).args(words);
        token.run().expect(0);
        started.elapsed()
    };
    assert_no_slower(&format!("a refresh at {name}"), curl, refresh, names);
}

/// It waits for connections to dead addresses, as often as curl does.
#[apply(waiting_test)]
fn p65_unreachable_addresses_delay_no_more_than_in_curl() {
    let dead = |name: &str, hosts: &[&str]| {
        let dead: String = hosts
            .iter()
            .map(|host| format!("2001:db8:77::{host} {name}\n"))
            .collect();
        format!("{dead}93.184.216.34 {name}\n")
    };
    let lines = [
        dead("one.example", &["a"]),
        dead("two.example", &["a", "b"]),
        dead("four.example", &["a", "b", "c", "d"]),
        dead("proxy.example", &["a", "b"]),
        "93.184.216.34 mcp.example usual.example".to_owned(),
    ];
    needs(&["curl"]);
    if in_network(&format!("{NETWORK}{}", hosts(&lines.concat()))) {
        return;
    }
    let authority = Authority::new();
    let usual = server_called(USUAL, &authority, |_, _| None);
    forward("93.184.216.34:4430", usual.address());
    for (name, port) in [
        ("one.example", 4431),
        ("two.example", 4432),
        ("four.example", 4434),
    ] {
        let name = format!("{name}:{port}");
        let fake = server_called(&name, &authority, |_, _| None);
        forward(&format!("93.184.216.34:{port}"), fake.address());
        compare(&name, &authority, &[]);
    }
    // The same holds for the addresses of a proxy, of either kind.
    let fake = server_called("mcp.example", &authority, |_, _| None);
    let proxy = Proxy::start(Ok(fake.address()));
    forward("93.184.216.34:3128", proxy.address);
    compare(
        "mcp.example",
        &authority,
        &[("HTTPS_PROXY", "http://proxy.example:3128")],
    );
    assert!(!proxy.targets().is_empty());
    socks_proxy("93.184.216.34:1080", fake.address());
    compare(
        "mcp.example",
        &authority,
        &[("ALL_PROXY", "socks5h://proxy.example:1080")],
    );
}

/// A SOCKS proxy that leads everybody to `target`.
///
/// Spec: RFC 1928.
fn socks_proxy(at: &str, target: SocketAddr) {
    let listener = TcpListener::bind(at).expect(at);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut greeting = [0; 2];
            // Who only looks whether somebody is there says nothing.
            if client.read_exact(&mut greeting).is_err() {
                continue;
            }
            let mut methods = vec![0; greeting[1].into()];
            let mut request = [0; 5];
            client
                .read_exact(&mut methods)
                .and_then(|()| client.write_all(&[5, 0]))
                .expect("a greeting");
            client.read_exact(&mut request).expect("a request");
            assert_eq!(request[..4], [5, 1, 0, 3], "a name is to be connected to");
            let mut name = vec![0; usize::from(request[4]) + 2];
            client.read_exact(&mut name).expect("a name and a port");
            client
                .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .expect("an answer");
            join(client, TcpStream::connect(target).expect("the target"));
        }
    });
}

#[apply(test)]
fn p65_what_answered_is_tried_first_for_the_rest_of_the_run() {
    let lines =
        "2001:db8:77::a mcp.example\n93.184.216.34 mcp.example\n2001:db8:77::b as.example\n93.184.216.34 as.example";
    needs(&["strace"]);
    if in_network(&format!("{NETWORK}{}", hosts(lines))) {
        return;
    }
    let authority = Authority::new();
    let server = server_called("as.example:4432", &authority, |_, _| None);
    let fake = server_called("mcp.example:4431", &authority, |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] = json!(["https://as.example:4432"]);
        seen.path
            .contains("oauth-protected-resource")
            .then(|| Reply::json(200, &metadata))
    });
    forward("93.184.216.34:4431", fake.address());
    forward("93.184.216.34:4432", server.address());
    let place = tempfile::tempdir().expect("a directory");
    let trace = place.path().join("trace");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=connect",
        "-o",
        trace.to_str().expect("a path"),
    ];
    let login = Program::login_at("https://mcp.example:4431/mcp")
        .arg("--ca-file")
        .arg(authority.pem());
    let mut login = login.through(&strace).start();
    answer(&mut login);
    login.finish().expect(0);
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let tried = |port: u16, address: &str| {
        let port = format!("htons({port})");
        trace
            .lines()
            .filter(|line| line.contains(&port) && line.contains(address))
            .count()
    };
    assert!(
        tried(4431, "2001:db8:77::a") > 0 && tried(4432, "93.184.216.34") > 0,
        "{trace}"
    );
    assert_eq!(
        tried(4432, "2001:db8:77::b"),
        0,
        "the family that answered comes first: {trace}"
    );
}

/// It waits until the attempts to find a local port have ended.
#[apply(waiting_test)]
fn p64_no_free_local_port_is_reported_and_no_token_is_used() {
    if in_network("ip link set lo up") {
        return;
    }
    let servers = Rotating::start();
    let login = Program::login(&servers.fake).agree().expect(0);
    let run = |words: &[&str]| {
        let program = Program::new()
            .at_home(login.home())
            .args(words)
            .args(["--store", "file"]);
        program.arg(servers.fake.mcp()).run()
    };
    let ports = [61000, 61001];
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "61000 61001")
        .expect("a range of ports");
    let taken = ports.map(|port| TcpListener::bind(("0.0.0.0", port)).expect("a port"));
    for words in [&["token", "--refresh"][..], &["check"]] {
        let finished = run(words).expect(5);
        assert!(
            finished
                .stderr
                .contains("this computer has no free local port"),
            "{}",
            finished.stderr
        );
    }
    drop(taken);
    run(&["token", "--refresh"]).expect(0);
    assert!(!servers.was_reused());
}
