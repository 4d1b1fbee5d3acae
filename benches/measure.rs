//! The measured numbers, in one table: `cargo bench`.
//!
//! A shared machine is noisy, so the figures to trust are medians, and ratios of runs taken in turns. If `codex` is on
//! the path (or named by `CODEX`), its login is measured in turns with ours. Peak memory is the system's own figure for
//! the largest child so far, so what is small is measured before what is large. It is never below the size of this bench
//! itself, which every child is for a moment; `/usr/bin/time -v` gives a single run's own figure. What is measured
//! begins with the start of the process and ends with its end, for which the system wakes us.

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike as _;
use serde_json::json;
use support::fake::{Fake, Reply};
use support::program::{Finished, Program, Running};
use support::rotating::{login_to, Home};
use support::{parameter, visit};

/// The argument by which this bench starts itself as a browser.
const BROWSER: &str = "--as-browser";

/// The argument by which this bench starts itself in a session with a keyring.
const KEYRING: &str = "--in-keyring";

const STARTS: usize = 50;
const TOKENS: usize = 50;
const MANY_LOGINS: usize = 1_000;
const TOKENS_AT_ONCE: usize = 64;
const LOGINS: usize = 30;
const SLOW_LOGINS: usize = 5;
const CODEX_LOGINS: usize = 15;
const IDLE_CONNECTIONS: usize = 5_000;
const FLOODED_LOGINS: usize = 100;

/// Junk connections a second, in the flood.
const FLOOD_RATE: u64 = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(BROWSER) => return browse(&arguments.next().expect("a URL")),
        Some(KEYRING) => return token_in_this_keyring(),
        _ => {}
    }
    println!("| what | median | least to most | processor time | peak memory so far |");
    println!("|---|---|---|---|---|");
    start();
    live_token();
    token_in_a_keyring();
    login();
    slow_servers();
    idle_connections();
    flood();
    codex();
}

/// Does what a browser does with an authorization URL of the fake: it follows the redirect.
fn browse(url: &str) {
    if let Some(target) = visit(url).header("location") {
        visit(target);
    }
}

/// What some runs took.
struct Runs {
    walls: Vec<Duration>,
    cpu_before: Duration,
}

impl Runs {
    fn new() -> Self {
        Self {
            walls: Vec::new(),
            cpu_before: children_cpu(),
        }
    }

    fn time<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = run();
        self.walls.push(started.elapsed());
        result
    }

    fn median(&self) -> Duration {
        let mut walls = self.walls.clone();
        walls.sort();
        walls[walls.len() / 2]
    }

    fn last(&self) -> Duration {
        *self.walls.last().expect("a run")
    }

    fn row(&self, what: &str) {
        self.print(what, children_cpu() - self.cpu_before);
    }

    fn print(&self, what: &str, cpu: Duration) {
        let (least, most) = (
            self.walls.iter().min().expect("a run"),
            self.walls.iter().max().expect("a run"),
        );
        let cpu = cpu / u32::try_from(self.walls.len()).expect("few runs");
        let memory = getrusage(UsageWho::RUSAGE_CHILDREN)
            .expect("usage")
            .max_rss() as f64
            / 1024.0;
        println!(
            "| {what} | {} | {} to {} | {} | {memory:.1} MiB |",
            ms(self.median()),
            ms(*least),
            ms(*most),
            ms(cpu)
        );
    }
}

fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).expect("not negative"))
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn start() {
    let mut runs = Runs::new();
    for _ in 0..STARTS {
        let program = Program::new().arg("--version");
        runs.time(|| program.run().expect(0));
    }
    runs.row("start (`--version`)");
}

/// A live token from the file, with one login in it and with a thousand, in turns; and many processes at once.
fn live_token() {
    let fake = Fake::start();
    let homes = [1, MANY_LOGINS].map(|count| {
        let login = |number| {
            let server = if number == count / 2 {
                fake.mcp()
            } else {
                format!("https://mcp-{number}.example/mcp")
            };
            login_to(
                &server,
                &fake,
                json!({"expires_at": "2999-01-01T00:00:00Z", "access_token": "x".repeat(900)}),
            )
        };
        let home = Home::new();
        home.put(&(0..count).map(login).collect::<Vec<_>>());
        let entry = |(account, login): (&String, &serde_json::Value)| {
            let mut entry =
                json!({"refreshable": true, "store": "file", "path": home.credentials()});
            for name in [
                "server",
                "profile",
                "issuer",
                "client_id",
                "scopes",
                "expires_at",
                "generation",
            ] {
                entry[name] = login[name].clone();
            }
            format!("\"{account}\": {entry}")
        };
        let lines: Vec<_> = home.logins().iter().map(entry).collect();
        let index = format!(
            "{{\"version\":1,\"logins\":{{\n{}\n}}}}\n",
            lines.join(",\n")
        );
        fs::write(home.data().join("index.json"), index).expect("an index");
        home
    });
    let mut runs = [Runs::new(), Runs::new()];
    for _ in 0..TOKENS {
        for (home, runs) in homes.iter().zip(&mut runs) {
            let token = home.at("token", &fake);
            runs.time(|| token.run().expect(0));
        }
    }
    let [one, many] = &runs;
    one.row("`token`, live, file store");
    many.row(&format!("the same, {MANY_LOGINS} logins stored"));
    println!(
        "| {MANY_LOGINS} logins / one | {:.2} | | | |",
        many.median().as_secs_f64() / one.median().as_secs_f64()
    );
    let mut runs = Runs::new();
    for _ in 0..5 {
        let tokens: Vec<_> = (0..TOKENS_AT_ONCE)
            .map(|_| homes[0].at("token", &fake))
            .collect();
        runs.time(|| {
            let running: Vec<_> = tokens.into_iter().map(Program::start).collect();
            running
                .into_iter()
                .for_each(|running| drop(running.finish().expect(0)));
        });
    }
    runs.row(&format!("{TOKENS_AT_ONCE} at once, all of them"));
}

/// A live token out of gnome-keyring, if it is there.
fn token_in_a_keyring() {
    let (home, script) = (
        tempfile::tempdir().expect("a directory"),
        "tests/real/keyring",
    );
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    command
        .arg("unlocked")
        .arg(std::env::current_exe().expect("a path"))
        .arg(KEYRING);
    command
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_RUNTIME_DIR", home.path());
    let rows = command
        .stderr(Stdio::null())
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    match String::from_utf8_lossy(&rows).trim() {
        "" => println!("| `token`, live, keyring | no gnome-keyring here | | | |"),
        row => println!("{row}"),
    }
}

fn token_in_this_keyring() {
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").expect("a session bus");
    let fake = Fake::start();
    let home = Program::new()
        .args(["--store", "keyring", "--timeout", "60s"])
        .env("DBUS_SESSION_BUS_ADDRESS", &bus)
        .env("BROWSER", browser())
        .arg(fake.mcp())
        .run()
        .expect(0);
    let mut runs = Runs::new();
    for _ in 0..TOKENS {
        let token = Program::new()
            .args(["token", "--store", "keyring"])
            .arg(fake.mcp())
            .at_home(home.home());
        let token = token.env("DBUS_SESSION_BUS_ADDRESS", &bus);
        runs.time(|| token.run().expect(0));
    }
    runs.row("`token`, live, keyring");
}

/// A whole login with this bench as its browser: from the start of the process to its end.
fn login() {
    let mut homes = Vec::new();
    let mut own = Runs::new();
    for _ in 0..LOGINS {
        let fake = Fake::start();
        let home = own.time(|| agree(Program::login(&fake)));
        homes.push((fake, home));
    }
    own.row("first login, start to exit");
    let requests = homes.iter().map(|(fake, _)| {
        fake.seen()
            .iter()
            .filter(|seen| seen.path != "/authorize")
            .count()
    });
    println!(
        "| requests of a first login | {} | | | |",
        requests.max().expect("a run")
    );

    let mut second = Runs::new();
    for (fake, home) in &homes {
        second.time(|| agree(Program::login(fake).arg("--force").at_home(home.home())));
    }
    second.row("second login of a known server");

    let mut whole = Runs::new();
    for _ in 0..LOGINS {
        whole.time(|| with_browser(&Fake::start()).run().expect(0));
    }
    whole.row("first login, with a browser that has to be started");

    let mut demo = Runs::new();
    for _ in 0..LOGINS {
        demo.time(|| Program::new().args(["demo", "--auto"]).run().expect(0));
    }
    demo.row("demo: its servers, the login to them, the check");
}

fn agree(program: Program) -> Finished {
    let mut login = program.start();
    login.agree();
    login.finish().expect(0)
}

fn with_browser(fake: &Fake) -> Program {
    Program::new()
        .args(["--json", "--store", "file", "--timeout", "60s"])
        .env("BROWSER", browser())
        .arg(fake.mcp())
}

/// Returns the command by which this bench is a browser.
fn browser() -> String {
    format!(
        "{} {BROWSER} %s",
        std::env::current_exe().expect("a path").display()
    )
}

/// The time from the start to the authorization URL when each answer takes 100 ms longer.
fn slow_servers() {
    let (mut first, mut second) = (Runs::new(), Runs::new());
    for _ in 0..SLOW_LOGINS {
        let fake = Fake::with(|seen, fake| {
            Some(Reply::Slow(
                Duration::from_millis(100),
                Box::new(fake.behave(seen)),
            ))
        });
        let mut login = Program::login(&fake).start();
        let url = first.time(|| login.authorization_url());
        visit(&login.redirect(&url));
        let home = login.finish().expect(0);
        let mut login = Program::login(&fake)
            .arg("--force")
            .at_home(home.home())
            .start();
        second.time(|| login.authorization_url());
    }
    first.row("time to the URL, 100 ms added to each answer");
    second.row("the same, second login");
}

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

fn idle_connections() {
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
fn flood() {
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

/// The login of codex, in turns with ours, if codex is there.
fn codex() {
    let codex = std::env::var("CODEX").unwrap_or_else(|_| "codex".to_owned());
    if Command::new(&codex)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        return println!("| codex | not on the path | | | |");
    }
    let (mut ours, mut theirs, mut ratios, mut their_requests) =
        (Runs::new(), Runs::new(), Vec::new(), 0);
    let (mut our_cpu, mut their_cpu) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..CODEX_LOGINS {
        let before = children_cpu();
        ours.time(|| with_browser(&Fake::start()).run().expect(0));
        our_cpu += children_cpu() - before;

        let fake = Fake::start();
        let home = tempfile::tempdir().expect("a directory");
        let config = format!(
            "mcp_oauth_credentials_store = \"file\"\n[mcp_servers.fake]\nurl = \"{}\"\n",
            fake.mcp()
        );
        fs::write(home.path().join("config.toml"), config).expect("a configuration");
        let mut command = Command::new(&codex);
        command
            .args(["mcp", "login", "fake"])
            .env("CODEX_HOME", home.path())
            .env("BROWSER", browser());
        command
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let before = children_cpu();
        let status = theirs.time(|| command.status().expect("codex"));
        their_cpu += children_cpu() - before;
        assert!(status.success(), "codex could not log in");
        their_requests = fake
            .seen()
            .iter()
            .filter(|seen| seen.path != "/authorize")
            .count();
        ratios.push(ours.last().as_secs_f64() / theirs.last().as_secs_f64());
    }
    ours.print("our login, in turns with codex", our_cpu);
    theirs.print("login of codex", their_cpu);
    ratios.sort_by(f64::total_cmp);
    println!(
        "| our time / time of codex; its requests | {:.2} | {their_requests} | | |",
        ratios[ratios.len() / 2]
    );
}
