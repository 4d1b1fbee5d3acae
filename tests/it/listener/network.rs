//! Ports that are taken, address families that are missing, and a loopback that is down.

use std::net::TcpListener;
use std::process::Command;
use std::thread;

use rustix::process::Signal;

use super::Waiting;
use crate::support::fake::Fake;
use crate::support::process::names_these_tests;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::skip::{needs, needs_root, skip};
use crate::support::visit;

/// The variable that tells a test that it runs in a network of its own.
const INSIDE: &str = "MCP_LOGIN_TEST_NETWORK";

/// Runs a test of this program once more in a network of its own, which `setup` has prepared, and in which mounts are
/// its own too; returns false if the test runs there already.
pub fn in_network(setup: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    needs_root();
    needs(&["unshare", "ip"]);
    let myself = std::env::current_exe().expect("this program");
    let script = format!("{setup}\nexec \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args(["-n", "-m", "sh", "-ec", &script, "sh"])
        .arg(myself)
        .args(["--exact", thread::current().name().expect("a name")]);
    let output = command.env(INSIDE, "1").output().expect("running the test");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    true
}

#[apply(test)]
fn na4_l3_a_machine_without_ipv4_uses_ipv6() {
    let setup = "ip link set lo up\nip addr del 127.0.0.1/8 dev lo";
    if in_network(setup) {
        return;
    }
    let waiting = Waiting::new();
    assert!(
        waiting.good.starts_with("http://[::1]:"),
        "{}",
        waiting.good
    );
    waiting.succeeds();
}

#[apply(test)]
fn na3_localhost_without_ipv6_is_held_by_ipv4_alone() {
    let setup = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1\nip link set lo up";
    if in_network(setup) {
        return;
    }
    let waiting = Waiting::at(Fake::start(), |program| {
        program.args(["--redirect-host", "localhost"])
    });
    assert!(
        waiting.good.starts_with("http://localhost:"),
        "{}",
        waiting.good
    );
    waiting.succeeds();
}

#[apply(test)]
fn na4_l2_without_loopback_there_is_no_listener() {
    if in_network("true") {
        return;
    }
    let login = || {
        Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "https://mcp.invalid/mcp",
        ])
    };
    login().run().expect_error(8, "cannot_listen");
    let pasting = login()
        .args(["--paste", "--timeout", "20s"])
        .with_stdin()
        .run();
    assert!(
        pasting
            .stderr
            .contains("paste the address of the last page"),
        "{}",
        pasting.stderr
    );
}

#[apply(test)]
fn na3_l3_localhost_is_held_in_both_families_or_not_at_all() {
    let Ok(foreign) = TcpListener::bind("[::1]:0") else {
        skip("this machine has no IPv6");
    };
    let port = foreign.local_addr().expect("an address").port().to_string();
    let fake = Fake::start();
    let fixed = Program::login(&fake)
        .args(["--redirect-host", "localhost", "--port", &port])
        .run();
    fixed.expect_error(8, "port_taken");
    let waiting = Waiting::at(fake, |program| {
        program.args(["--redirect-host", "localhost"])
    });
    assert!(
        waiting.good.starts_with("http://localhost:"),
        "{}",
        waiting.good
    );
    let port = url::Url::parse(&waiting.good)
        .expect("a URL")
        .port()
        .expect("a port");
    for address in ["127.0.0.1", "::1"] {
        TcpListener::bind((address, port)).expect_err(address);
        let there = format!(
            "http://{}",
            if address == "::1" {
                format!("[::1]:{port}")
            } else {
                format!("{address}:{port}")
            }
        );
        assert_eq!(visit(&format!("{there}/x")).status, 404);
    }
    waiting.succeeds();
}

#[apply(test)]
fn l1_the_holder_of_a_port_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port().to_string();
    let fake = Fake::start();
    let finished = Program::login(&fake)
        .args(["--port", &port])
        .run()
        .expect_error(8, "port_taken");
    assert!(
        names_these_tests(&finished.stderr) && finished.stderr.contains(&port),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("--port"),
        "a hint: {}",
        finished.stderr
    );
    // Its metadata are looked at, for another way to log in.
    assert!(
        fake.seen_at("/register").is_empty(),
        "nothing is made there"
    );
}

#[apply(test)]
fn l2_without_a_socket_the_answer_is_pasted() {
    needs(&["strace"]);
    for error in ["EACCES", "EPERM", "EADDRINUSE"] {
        let inject = format!("inject=bind:error={error}");
        // Only the socket of the callback: the binds of other parts are of other families.
        let strace = [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=bind",
            "-e",
            &inject,
        ];
        let fake = Fake::start();
        Program::login(&fake)
            .through(&strace)
            .run()
            .expect_error(8, "cannot_listen");

        let mut pty = Pty::open();
        let mut login =
            Program::login(&fake).through(&[&["setsid", "--ctty"][..], &strace].concat());
        login.command().stdin(pty.stdio()).stderr(pty.stdio());
        let mut login = login.start();
        let url = login.authorization_url();
        let good = login.redirect(&url);
        pty.wait_until_raw(true);
        pty.type_in(&format!("{good}\n"));
        login.event("logged_in");
        login.finish().expect(0);
        assert!(
            pty.shown().contains("paste the address of the last page"),
            "{}",
            pty.shown()
        );
    }
}

#[apply(test)]
fn l18_a_connection_that_cannot_be_accepted_is_ignored() {
    needs(&["strace"]);
    for error in ["ECONNABORTED", "ENOMEM", "EMFILE", "ENOBUFS", "EINTR"] {
        let inject = format!("inject=accept4:error={error}:when=2+2");
        let strace = [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=accept4",
            "-e",
            &inject,
        ];
        let waiting = Waiting::at(Fake::start(), |program| program.through(&strace));
        for _ in 0..5 {
            assert_eq!(waiting.get("/x", "").status, 404, "{error}");
        }
        waiting.succeeds();
    }
}

#[apply(test)]
fn v8_the_port_is_never_free_between_bind_and_end() {
    let waiting = Waiting::new();
    let process = waiting.login.process();
    process.stop();
    TcpListener::bind(waiting.address).expect_err("held while it is stopped");
    process.signal(Signal::CONT);
    TcpListener::bind(waiting.address).expect_err("held while it waits");
    waiting.succeeds();
}

/// Holds a port with another program, which then becomes the program that is tested.
const HOLDER: &str = "use Socket; use Fcntl; my $port = shift; socket(S, AF_INET, SOCK_STREAM, 0) or die $!; \
                      bind(S, pack_sockaddr_in($port, inet_aton('127.0.0.1'))) or die $!; listen(S, 1) or die $!; \
                      fcntl(S, F_SETFD, 0) or die $!; exec @ARGV";

#[apply(test)]
fn p64_a_machine_without_a_free_port_is_reported() {
    let setup = "ip link set lo up\nsysctl -qw net.ipv4.ip_local_port_range='50000 50000'";
    needs(&["perl"]);
    if in_network(setup) {
        return;
    }
    let login = || {
        Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "https://192.0.2.1/mcp",
        ])
    };
    let finished = login()
        .through(&["perl", "-e", HOLDER, "50000"])
        .run()
        .expect_error(8, "cannot_listen");
    assert!(
        finished.stderr.contains("no port of this machine is free"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("--paste"), "{}", finished.stderr);
    // A port outside of that range can be bound, but nothing can be connected to it.
    let fixed = login()
        .args(["--port", "40000"])
        .through(&["perl", "-e", HOLDER, "50000"])
        .run();
    assert!(fixed
        .expect_error(8, "cannot_listen")
        .stderr
        .contains("no port of this machine is free"));
}

#[apply(test)]
fn a55_a_port_that_browsers_refuse_is_never_chosen() {
    let setup = "ip link set lo up\nsysctl -qw net.ipv4.ip_local_port_range='6665 6680'";
    if in_network(setup) {
        return;
    }
    for _ in 0..4 {
        let mut login = Program::new()
            .args([
                "--json",
                "--store",
                "file",
                "--no-browser",
                "https://192.0.2.1/mcp",
            ])
            .start();
        let uri = login.event("listening")["redirect_uri"]
            .as_str()
            .expect("a URI")
            .to_owned();
        let port: u16 = uri
            .split([':', '/'])
            .nth(4)
            .expect("a port")
            .parse()
            .expect("a number");
        assert!((6670..=6680).contains(&port) && port != 6679, "{uri}");
        login.process().signal(Signal::KILL);
    }
}

#[apply(test)]
fn a55_a_fixed_port_that_browsers_refuse_is_warned_about() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).args(["--port", "10080"]).start();
    login.said("browsers refuse to open port 10080");
    login.agree();
    login.finish().expect(0);
}

/// The browser goes to the program that holds the port.
#[apply(test)]
fn a15_the_holder_of_the_port_gets_the_browser() {
    let fake = Fake::start();
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port().to_string();
    let mut login = Program::login(&fake)
        .args(["--port", &port, "--paste"])
        .with_stdin()
        .start();
    login.said("your browser will send the code to the program that holds the port");
    let url = login.authorization_url();
    let answer = login.redirect(&url);
    login.type_in(&format!("{answer}\n"));
    login.finish().expect(0);
}
