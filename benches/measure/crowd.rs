//! Logins in a crowd of other connections.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::runs::{ms, Runs};
use crate::support::fake::Fake;
use crate::support::program::{Program, Running};
use crate::support::{self, parameter, visit};

const IDLE_CONNECTIONS: usize = 5_000;
const FLOODED_LOGINS: usize = 100;

/// Junk connections a second, in the flood.
const FLOOD_RATE: u64 = 1_000;

fn address(login: &mut Running) -> (String, SocketAddr) {
    let url = login.authorization_url();
    let redirect_uri = parameter(&url, "redirect_uri").expect("a redirect URI");
    let address = url::Url::parse(&redirect_uri)
        .expect("a URL")
        .socket_addrs(|| None)
        .expect("an address")[0];
    (url, address)
}

/// Reads a figure of a running process, in KiB or as a count.
fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a figure");
    line.split_whitespace()
        .nth(1)
        .and_then(|figure| figure.parse().ok())
        .expect("a number")
}

/// A callback beside connections that say nothing.
pub fn idle_connections() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let (url, address) = address(&mut login);
    let before = status(login.pid(), "VmRSS:");
    let idle: Vec<_> = (0..IDLE_CONNECTIONS)
        .filter_map(|_| TcpStream::connect(address).ok())
        .collect();
    let mut runs = Runs::new();
    // Who is answered knows that those before are taken in. After the callback the login may be gone at once.
    assert_eq!(visit(&format!("http://{address}/other")).status, 404);
    let (peak, threads) = (
        status(login.pid(), "VmHWM:"),
        status(login.pid(), "Threads:"),
    );
    let page = runs.time(|| visit(&login.redirect(&url)));
    assert_eq!(page.status, 200);
    login.finish().expect(0);
    runs.row(&format!(
        "callback and page with {} idle connections",
        idle.len()
    ));
    let above = peak.saturating_sub(before) as f64 / 1024.0;
    println!("| memory above the wait, threads | {above:.1} MiB, {threads} | | | |");
}

/// Good callbacks while junk arrives at 1,000 connections a second: requests, half requests and resets.
pub fn flood() {
    let mut runs = Runs::new();
    let mut junk = 0;
    for _ in 0..FLOODED_LOGINS {
        let fake = Fake::start();
        let mut login = Program::login(&fake).start();
        let (url, address) = address(&mut login);
        let callback = login.redirect(&url);
        let (stop, sent) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let flooder = thread::spawn({
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            move || flood_until(&stop, &sent, address)
        });
        support::wait_for("the flood", || {
            (sent.load(Ordering::Relaxed) >= FLOOD_RATE / 5).then_some(())
        });
        let page = runs.time(|| visit(&callback));
        assert_eq!(page.status, 200, "the good callback is always answered");
        stop.store(true, Ordering::Relaxed);
        flooder.join().expect("the flood");
        junk += sent.load(Ordering::Relaxed);
        login.finish().expect(0);
    }
    let mut walls = runs.walls.clone();
    walls.sort();
    runs.row(&format!(
        "callback and page, {FLOOD_RATE} junk connections a second"
    ));
    let (last, ninety_nine) = (walls[walls.len() - 1], walls[walls.len() * 99 / 100 - 1]);
    println!(
        "| 99 of 100 of them within; the last; junk in all | {} | {} | {junk} | |",
        ms(ninety_nine),
        ms(last)
    );
}

fn flood_until(stop: &AtomicBool, sent: &AtomicU64, address: SocketAddr) {
    use std::io::Write as _;
    let started = Instant::now();
    let mut open = std::collections::VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        let due = started.elapsed().as_millis() as u64 * FLOOD_RATE / 1000;
        while sent.load(Ordering::Relaxed) < due {
            let number = sent.fetch_add(1, Ordering::Relaxed);
            let Ok(mut stream) = TcpStream::connect(address) else {
                continue;
            };
            let junk: &[u8] = match number % 4 {
                0 => b"GET /callback?code=x&state=y HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                1 => b"GET /callb",
                2 => b"\x16\x03\x01\x02\x00",
                _ => b"",
            };
            let _ = stream.write_all(junk);
            open.push_back(stream);
            if open.len() > 200 {
                open.pop_front();
            }
        }
        thread::sleep(Duration::from_micros(500));
    }
}
