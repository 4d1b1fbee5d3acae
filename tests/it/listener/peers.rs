//! Another user of the machine who knows our state: only the operating system can tell that it is not our browser.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use super::Waiting;
use crate::support::fake::Fake;
use crate::support::process::Process;
use crate::support::skip::{needs, needs_root, skip};
use crate::support::{visit, wait_for};

/// Connects, sends a request, does one more thing with the connection, and says what came back.
const SCRIPT: &str = r#"
use Socket qw(:DEFAULT inet_pton);
my ($how, $port, $request) = @ARGV;
if ($how eq "mapped") {
    socket(S, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
    connect(S, pack_sockaddr_in6($port, inet_pton(AF_INET6, "::ffff:127.0.0.1"))) or die "connect: $!";
} else {
    socket(S, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect(S, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) or die "connect: $!";
}
syswrite(S, $request);
if ($how eq "close") { close(S); print "closed\n"; exit }
if ($how eq "reset") { setsockopt(S, SOL_SOCKET, SO_LINGER, pack("II", 1, 0)); close(S); print "closed\n"; exit }
shutdown(S, 1) if $how eq "half";
my $line = <S>;
print $line;
"#;

fn as_nobody(how: &str, waiting: &Waiting) -> Child {
    visit_as_nobody(how, waiting, waiting.target())
}

fn visit_as_nobody(how: &str, waiting: &Waiting, target: &str) -> Child {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.address);
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "perl",
        "-e",
        SCRIPT,
        how,
    ]);
    command
        .arg(waiting.address.port().to_string())
        .arg(request)
        .current_dir("/");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starting the attacker")
}

#[apply(test)]
fn v10_sec2_another_user_with_our_state_and_a_code_is_refused() {
    needs_root();
    needs(&["setpriv", "perl"]);
    for how in ["open", "half", "mapped", "close", "reset"] {
        let mut waiting = Waiting::new();
        let process = waiting.login.process();
        let early = how == "close" || how == "reset";
        if early {
            // The attacker has gone before the connection is even accepted.
            process.stop();
        }
        let attacker = as_nobody(how, &waiting)
            .wait_with_output()
            .expect("the attacker");
        let said = String::from_utf8_lossy(&attacker.stdout).into_owned();
        if early {
            assert_eq!(said, "closed\n", "{how}");
            process.signal(Signal::CONT);
        } else {
            assert!(said.starts_with("HTTP/1.0 403 "), "{how}: {said}");
        }
        if how != "reset" {
            let rejected = waiting.login.event("rejected");
            assert_eq!(rejected["reason"], "foreign_peer", "{how}");
        }
        waiting.succeeds();
    }
}

/// Who knows our state may neither end the login nor put words on the terminal.
#[apply(test)]
fn v10_another_user_neither_refuses_nor_says_anything() {
    needs_root();
    needs(&["setpriv", "perl"]);
    let mut waiting = Waiting::new();
    for error in ["access_denied", "server_error", "temporarily_unavailable"] {
        let target = format!(
            "/callback?error={error}&error_description=CANARY&state={}",
            waiting.state()
        );
        let attacker = visit_as_nobody("open", &waiting, &target)
            .wait_with_output()
            .expect("the attacker");
        assert!(
            attacker.stdout.starts_with(b"HTTP/1.0 403 "),
            "{error}: {attacker:?}"
        );
    }
    assert_eq!(waiting.login.event("rejected")["reason"], "foreign_peer");
    let finished = waiting.succeeds();
    assert!(!finished.stderr.contains("CANARY"), "{}", finished.stderr);
}

/// Idle connections must not keep the program from asking the system who is calling.
#[apply(test)]
fn v10_l18_another_user_is_refused_when_descriptors_run_out() {
    needs_root();
    needs(&["setpriv", "perl"]);
    let mut waiting = Waiting::at(Fake::start(), |program| {
        program.through_shell("ulimit -n 40", "")
    });
    let process = waiting.login.process();
    let idle: Vec<_> = (0..60)
        .map(|_| TcpStream::connect(waiting.address).expect("connecting"))
        .collect();
    // All that is left to accept comes at once, and the attack as the last of it.
    process.stop();
    let more: Vec<_> = (0..60)
        .map(|_| TcpStream::connect(waiting.address).expect("connecting"))
        .collect();
    let attacker = as_nobody("open", &waiting);
    wait_for("the attack", || {
        attacker_is_connected(&attacker).then_some(())
    });
    process.signal(Signal::CONT);
    let attacker = attacker.wait_with_output().expect("the attacker");
    assert!(
        attacker.stdout.starts_with(b"HTTP/1.0 403 "),
        "{attacker:?}"
    );
    assert_eq!(waiting.login.event("rejected")["reason"], "foreign_peer");
    waiting.succeeds();
    drop((idle, more));
}

/// Tells whether the attacker sleeps, which it does only once its request is on the way.
fn attacker_is_connected(attacker: &Child) -> bool {
    let process = Process(attacker.id());
    let name = std::fs::read_to_string(format!("/proc/{}/comm", attacker.id())).unwrap_or_default();
    name.trim() == "perl" && process.state() == 'S'
}

/// Who does not know the state learns nothing about users.
#[apply(test)]
fn v10_the_peer_is_asked_for_last() {
    needs_root();
    needs(&["setpriv", "perl"]);
    let mut waiting = Waiting::new();
    let good = std::mem::replace(
        &mut waiting.good,
        format!("http://{}/callback?code=x&state=y", waiting.address),
    );
    let attacker = as_nobody("open", &waiting)
        .wait_with_output()
        .expect("the attacker");
    assert!(
        attacker.stdout.starts_with(b"HTTP/1.0 400 "),
        "{attacker:?}"
    );
    assert_eq!(waiting.login.event("rejected")["reason"], "state_mismatch");
    waiting.good = good;
    assert_eq!(visit(&waiting.good).status, 200);
    waiting.login.finish().expect(0);
}

/// In a user namespace that does not know all users, a relay outside of it shows as the one that stands for all of them.
#[apply(test)]
fn p54_a_user_outside_the_user_namespace_is_not_another_user() {
    needs_root();
    needs(&["setpriv", "perl", "unshare"]);
    let works = Command::new("unshare")
        .args(["-U", "-r", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        skip("user namespaces cannot be made here");
    }
    let waiting = Waiting::at(Fake::start(), |program| {
        program.through(&["unshare", "-U", "-r"])
    });
    let relay = as_nobody("open", &waiting)
        .wait_with_output()
        .expect("the relay");
    assert!(relay.stdout.starts_with(b"HTTP/1.0 200 "), "{relay:?}");
    waiting.login.finish().expect(0);
}
