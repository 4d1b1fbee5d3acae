//! What ends or blocks `tiny_http` as a server, and floods.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{getrlimit, setrlimit, Resource, Rlimit};

use super::Waiting;
use crate::support::fake::Fake;
use crate::support::{in_time, late, repeat, send, visit, wait_for, Answer};

/// Longest time for an answer that needs no patience.
const SOON: Duration = Duration::from_secs(5);

/// Sends bytes, keeps the connection open, and returns the status of the answer; 0 if it was only closed.
#[track_caller]
fn answered(address: SocketAddr, what: &str, bytes: &[u8]) -> u16 {
    let started = Instant::now();
    let answer = send(address, bytes);
    in_time(what, started, SOON);
    answer.status
}

#[apply(test)]
fn l0_requests_that_crash_tiny_http_are_answered() {
    let waiting = Waiting::new();
    let host = format!("Host: {}\r\n", waiting.address);
    for (what, head, expected) in [
        ("a huge length", format!("POST / HTTP/1.1\r\n{host}Content-Length: 99999999999\r\n\r\n"), 404),
        ("the largest length", format!("POST / HTTP/1.1\r\n{host}Content-Length: 18446744073709551615\r\n\r\n"), 404),
        ("too large a length", format!("POST /callback HTTP/1.1\r\n{host}Content-Length: 9{:0>40}\r\n\r\n", 9), 405),
        ("half a body", format!("POST /callback?a=b HTTP/1.1\r\n{host}Content-Length: 5000\r\n\r\nabc"), 405),
        ("expect", format!("POST /callback HTTP/1.1\r\n{host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"), 405),
        ("expect on GET", format!("GET /callback?a=b HTTP/1.1\r\n{host}Expect: 100-continue\r\n\r\n"), 400),
        ("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 400),
        ("upgrade", format!("GET /x HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), 404),
    ] {
        assert_eq!(answered(waiting.address, what, head.as_bytes()), expected, "{what}");
    }
    waiting.succeeds();
}

#[apply(test)]
fn l13_malformed_requests_are_answered_or_closed() {
    let waiting = Waiting::new();
    let host = format!("Host: {}\r\n", waiting.address);
    let get = |rest: &str| format!("GET /callback?a=b HTTP/1.1\r\n{host}{rest}\r\n").into_bytes();
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 512]].concat();
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("a TLS hello", hello, &[400]),
        ("zero bytes", vec![0; 4096], &[400]),
        (
            "a query of 1 MB",
            format!(
                "GET /callback?{} HTTP/1.1\r\n{host}\r\n",
                "a".repeat(1 << 20)
            )
            .into(),
            &[0, 431],
        ),
        (
            "a request line of 64 MB",
            [&b"GET /"[..], &vec![b'a'; 64 << 20]].concat(),
            &[0, 431],
        ),
        ("20,000 headers", get(&"A: b\r\n".repeat(20_000)), &[0, 431]),
        ("129 headers", get(&"A: b\r\n".repeat(129)), &[431]),
        (
            "a header of 64 kB",
            get(&format!("A: {}\r\n", "b".repeat(64 << 10))),
            &[0, 431],
        ),
        (
            "NUL in the target",
            format!("GET /callback?a=\0b HTTP/1.1\r\n{host}\r\n").into(),
            &[400],
        ),
        ("NUL in a header", get("A: \0\r\n"), &[400]),
        (
            "raw UTF-8 elsewhere",
            format!("GET /\u{e9} HTTP/1.1\r\n{host}\r\n").into(),
            &[404, 400],
        ),
        (
            "bytes that are no text",
            [
                &b"GET /callback?a=\xff\xfe HTTP/1.1\r\n"[..],
                host.as_bytes(),
                b"\r\n",
            ]
            .concat(),
            &[400],
        ),
        (
            "bare LF",
            format!("GET /callback?a=b HTTP/1.1\nHost: {}\n\n", waiting.address).into(),
            &[400],
        ),
        (
            "length and chunked",
            get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
            &[400],
        ),
        ("chunked", get("Transfer-Encoding: chunked\r\n"), &[400]),
        ("a folded header", get("A: b\r\n c\r\n"), &[400]),
        ("a header without a name", get(": b\r\n"), &[400]),
        ("pipelined", [get(""), get("")].concat(), &[400]),
        ("HTTP/0.9", b"GET /callback?a=b\r\n\r\n".to_vec(), &[400]),
        (
            "HTTP/9.9",
            format!("GET /callback?a=b HTTP/9.9\r\n{host}\r\n").into(),
            &[400],
        ),
        (
            "nothing but a line end",
            b"\r\n\r\n\r\n\r\n\r\n".to_vec(),
            &[400],
        ),
    ];
    for (what, bytes, expected) in cases {
        let status = answered(waiting.address, what, &bytes);
        assert!(expected.contains(&status), "{what}: {status}");
    }
    assert!(
        waiting.login.process().status("VmHWM") < 64 << 10,
        "64 MB were not kept"
    );
    waiting.succeeds();
}

#[apply(test)]
fn l13_a_head_in_single_bytes_is_read_and_a_torn_one_is_dropped() {
    let waiting = Waiting::new();
    let mut torn = TcpStream::connect(waiting.address).expect("connecting");
    torn.write_all(b"GET /callback?a=b HT").expect("writing");
    drop(torn);
    let mut stream = TcpStream::connect(waiting.address).expect("connecting");
    stream.set_nodelay(true).expect("an option");
    for byte in format!("GET /x HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.address).bytes() {
        stream.write_all(&[byte]).expect("writing");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.0 404"), "{answer}");
    waiting.succeeds();
}

#[apply(test)]
fn l0_requests_that_are_reset_at_once_are_handled() {
    let waiting = Waiting::new();
    let request = format!(
        "GET /callback?code=x&state=y HTTP/1.1\r\nHost: {}\r\n\r\n",
        waiting.address
    );
    for round in 0..300 {
        let mut stream = TcpStream::connect(waiting.address).expect("connecting");
        if round % 3 > 0 {
            stream.write_all(request.as_bytes()).expect("writing");
        }
        set_socket_linger(&stream, Some(Duration::ZERO)).expect("an option");
    }
    let finished = waiting.succeeds();
    assert!(
        !finished.stderr.contains("panicked") && !finished.stderr.contains("bug"),
        "{}",
        finished.stderr
    );
}

/// Lets this process open as many sockets as it may; returns how many idle ones a test can have.
fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .expect("raising our limit");
    let most = limit
        .maximum
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usize::MAX);
    wanted.min(most.saturating_sub(500))
}

#[apply(test)]
fn l5_l6_five_thousand_idle_connections_cost_nothing() {
    let waiting = Waiting::new();
    let process = waiting.login.process();
    waiting.get("/warm", "");
    let before = process.status("VmRSS");
    let connect = || TcpStream::connect(waiting.address).expect("connecting");
    let mut oldest = connect();
    // Several connect at once, because a connection that finds the queue full is tried again only after a second.
    const CONNECTING: usize = 50;
    let room = room_for(5000) / CONNECTING;
    let idle = thread::scope(|scope| {
        let connecting: Vec<_> = (0..CONNECTING)
            .map(|_| scope.spawn(|| (0..room).map(|_| connect()).collect::<Vec<_>>()))
            .collect();
        let connected = connecting.into_iter().map(|thread| thread.join());
        connected
            .flat_map(|connected| connected.expect("connections"))
            .collect::<Vec<_>>()
    });
    // The oldest were dropped for the newest, long before their time was up.
    oldest.set_read_timeout(Some(SOON)).expect("a timeout");
    let dropped = oldest.read(&mut [0; 1]);
    let kept = matches!(&dropped, Err(err) if err.kind() == std::io::ErrorKind::WouldBlock);
    if kept {
        late(format_args!(
            "the oldest of {} connections is still open",
            idle.len()
        ));
    }
    let (threads, after) = (process.status("Threads"), process.status("VmRSS"));
    assert!(threads <= 4, "{threads} threads");
    assert!(
        after <= before + 2048,
        "{before} KiB before, {after} KiB after"
    );
    let started = Instant::now();
    waiting.succeeds();
    in_time("the login", started, Duration::from_secs(10));
    drop(idle);
}

#[apply(test)]
fn l5_the_end_does_not_wait_for_idle_connections() {
    repeat("an end within two seconds", || {
        let waiting = Waiting::new();
        let idle: Vec<_> = (0..64)
            .map(|_| TcpStream::connect(waiting.address).expect("connecting"))
            .collect();
        let page = visit(&waiting.good);
        assert_eq!(page.status, 200);
        let answered = Instant::now();
        waiting.login.finish().expect(0);
        drop(idle);
        (answered.elapsed() < Duration::from_secs(2)).then_some(())
    });
}

#[apply(test)]
fn l6_as_many_slow_heads_as_there_is_room_for_do_not_keep_the_callback_out() {
    let waiting = Waiting::new();
    let slow: Vec<_> = (0..128)
        .map(|_| {
            let mut stream = TcpStream::connect(waiting.address).expect("connecting");
            stream.write_all(b"GET /callback?").expect("writing");
            stream
        })
        .collect();
    waiting.succeeds();
    drop(slow);
}

#[apply(test)]
fn l6_a_slow_callback_is_not_driven_out_by_connections_of_another_kind() {
    for (sent, junk) in [("", "GET /callback?"), ("GET ", "")] {
        let waiting = Waiting::new();
        let mut good = TcpStream::connect(waiting.address).expect("connecting");
        good.write_all(sent.as_bytes()).expect("writing");
        let connections: Vec<_> = (0..300)
            .map(|_| {
                let mut stream = TcpStream::connect(waiting.address).expect("connecting");
                // The listener may have closed it.
                let _ = stream.write_all(junk.as_bytes());
                stream
            })
            .collect();
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
            waiting.target(),
            waiting.address
        );
        let rest = &head.as_bytes()[sent.len()..];
        good.write_all(rest).expect("writing");
        let mut page = Vec::new();
        good.read_to_end(&mut page).expect("a page");
        assert_eq!(Answer::parse(&page).status, 200, "{sent}");
        waiting.login.finish().expect(0);
        drop(connections);
    }
}

#[apply(test)]
fn l18_running_out_of_descriptors_is_survived() {
    for limit in ["40", "32"] {
        let waiting = Waiting::at(Fake::start(), |program| {
            program.through_shell(&format!("ulimit -n {limit}"), "")
        });
        let idle: Vec<_> = (0..60)
            .map(|_| TcpStream::connect(waiting.address).expect("connecting"))
            .collect();
        waiting.get("/x", "");
        let open = format!("/proc/{}/fd", waiting.login.pid());
        let limit = limit.parse::<usize>().expect("a number");
        wait_for("free descriptors", || match std::fs::read_dir(&open) {
            Ok(open) => (open.count() + 10 < limit).then_some(()),
            Err(_) => Some(()),
        });
        waiting.succeeds();
        drop(idle);
    }
}

/// It sends ten thousand requests, one after another.
#[apply(long_test)]
fn v6_ten_thousand_forged_callbacks_do_not_end_the_login() {
    let waiting = Waiting::new();
    let forged: Vec<_> = [
        "/callback?code=x&state=y",
        "/callback?error=access_denied",
        "/callback?error=access_denied&state=",
        "/callback?code=x",
        "/favicon.ico",
    ]
    .iter()
    .map(|target| format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", waiting.address))
    .collect();
    for target in &forged {
        send(waiting.address, target.as_bytes());
    }
    let before = waiting.login.process().status("VmRSS");
    const ROUNDS: usize = 10_000;
    for round in 0..ROUNDS {
        let status = send(waiting.address, forged[round % forged.len()].as_bytes()).status;
        assert!(status == 400 || status == 204, "{status} in round {round}");
    }
    let after = waiting.login.process().status("VmRSS");
    assert!(
        after <= before + 2048,
        "{before} KiB before, {after} KiB after"
    );
    let started = waiting.login.started;
    let finished = waiting.succeeds();
    let told = finished
        .events
        .iter()
        .filter(|event| event["event"] == "rejected");
    let (lines, counts): (Vec<_>, Vec<_>) = told
        .map(|event| (event, event["count"].as_u64().unwrap_or(1)))
        .unzip();
    assert!(
        lines.len() as u64 <= started.elapsed().as_secs() + 2,
        "at most one a second: {}",
        lines.len()
    );
    assert!(
        counts.iter().sum::<u64>() <= (ROUNDS + forged.len()) as u64 * 4 / 5,
        "icons are not counted: {counts:?}"
    );
    assert!(
        finished.stderr.contains("to another login"),
        "{}",
        finished.stderr
    );
}
