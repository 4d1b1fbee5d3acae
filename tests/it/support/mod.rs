//! What the tests share: a fake of the servers, and a runner of the real program.

#[cfg(unix)]
pub mod browser;
pub mod certificates;
pub mod device;
#[cfg(unix)]
pub mod engine;
pub mod fake;
pub mod google;
pub mod jwt;
#[cfg(unix)]
pub mod leaks;
#[allow(dead_code)] // for the measurements
pub mod line;
pub mod mcp_server;
pub mod permits;
pub mod process;
pub mod program;
#[cfg(unix)]
pub mod pty;
pub mod rotating;
pub mod skip;
pub mod stdio_client;
#[cfg(unix)]
pub mod strace;

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{resume_unwind, Location};
use std::path::{Path, PathBuf};
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

/// Longest time that anything in a test may take. Nothing waits this long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Time limits for a login that has to get somewhere before its limit, in the order in which they are tried: on a busy machine
/// it may not get there in the first of them.
pub const LIMITS: [&str; 3] = ["1s", "12s", "60s"];

/// Repeats what has to be quicker than a time limit of the program, until it gives something: `None` says that the machine held
/// it up, so that nothing can be told.
///
/// # Panics
///
/// If it is held up each time.
pub fn repeat<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    const TRIES: usize = 10;
    let done = (0..TRIES).find_map(|_| attempt());
    done.unwrap_or_else(|| panic!("held up each time: {what}"))
}

/// What took longer than it may. A busy machine may be the reason, so the runner repeats a test that panics with this: only
/// what is late each time fails.
pub struct Late(pub String);

/// Ends the attempt at a test that took longer than this since it started.
#[track_caller]
pub fn in_time(what: impl Display, started: Instant, limit: Duration) {
    let took = started.elapsed();
    if took >= limit {
        late(format_args!("{what} took {took:?}, not {limit:?}"));
    }
}

/// Ends the attempt at a test for being late.
#[track_caller]
pub fn late(what: impl Display) -> ! {
    let place = Location::caller();
    // Not a panic: the hook of panics would print a message.
    resume_unwind(Box::new(Late(format!("{place}: {what}"))))
}

/// Waits for a thread, and panics as it did.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Calls `ready` until it gives something.
///
/// # Panics
///
/// After [`PATIENCE`], naming what was waited for.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(result) = ready() {
            return result;
        }
        assert!(started.elapsed() < PATIENCE, "still waiting for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Writes a script that is to be run. Another process does it: what other tests start meanwhile would have a file that is open
/// here for a moment, and the system runs no file that somebody may still write to.
#[cfg(unix)]
pub fn write_program(path: &Path, text: &str) {
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh");
    let mut stdin = writer.stdin.take().expect("its stdin");
    stdin.write_all(text.as_bytes()).expect("writing");
    drop(stdin);
    assert!(writer.wait().expect("its end").success(), "{path:?}");
}

/// Copies a program, as [`write_program`] writes one.
#[cfg(unix)]
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let (from, to) = (from.as_ref(), to.as_ref());
    let copied = Command::new("cp").args([from, to]).status().expect("cp");
    assert!(copied.success(), "{to:?}");
}

/// Returns the path of an installed program; `None` if it is not on the path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&path).map(|directory| directory.join(name));
    paths.find(|path| path.is_file())
}

/// Prepares a command with an empty environment. A mere name is looked up here: if the standard library has to do it in
/// another environment than its own, it copies this whole process for each start, which takes longer than most programs run.
pub fn command_without_environment(program: impl AsRef<OsStr>) -> Command {
    let program = program.as_ref();
    let found = program.to_str().and_then(find_program);
    let mut command = Command::new(found.as_deref().map_or(program, Path::as_os_str));
    command.env_clear();
    command
}

/// Tells whether everything is to be tried, and not only a sample of it: `MCP_LOGIN_TESTS=all`, as `.ci/run` has it.
pub fn tries_all() -> bool {
    std::env::var("MCP_LOGIN_TESTS").is_ok_and(|tests| tests == "all")
}

/// Returns all of these, or a sample: every `step`th, from the first on.
pub fn sample<T>(all: impl IntoIterator<Item = T>, step: usize) -> Vec<T> {
    let step = if tries_all() { 1 } else { step };
    all.into_iter().step_by(step).collect()
}

/// Does something for each of these, two at a time, as the machines have processors.
pub fn each<T: Sync>(all: &[T], work: impl Fn(usize, &T) + Sync) {
    const LANES: usize = 2;
    std::thread::scope(|scope| {
        let work = |lane| {
            let numbered = all.iter().enumerate().skip(lane).step_by(LANES);
            numbered.for_each(|(number, one)| work(number, one));
        };
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| scope.spawn(move || work(lane)))
            .collect();
        lanes.into_iter().for_each(joined);
    });
}

/// Returns an address that nobody listens at, and nobody else is given: its port is below those that the system hands out.
pub fn closed_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Other runs of these tests begin elsewhere.
    let first = 16_000 + std::process::id() % 160 * 100;
    let first = u16::try_from(first).expect("a port");
    let is_free = |port: &u16| {
        ["127.0.0.1", "::1"].iter().all(|host| {
            let bound = TcpListener::bind((*host, *port));
            !matches!(bound, Err(err) if err.kind() == ErrorKind::AddrInUse)
        })
    };
    let port = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed))
        .find(is_free)
        .expect("a port");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An answer to a request of a test.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code; 0 if the connection was closed without an answer.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Reads a whole response.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Self {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| {
            line.to_ascii_lowercase()
                .starts_with(&format!("{}:", name.to_ascii_lowercase()))
        })?;
        Some(line.split_once(':')?.1.trim())
    }
}

/// Sends raw bytes to a port of this machine and reads the answer to its end.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    try_send(address, bytes).expect("connecting")
}

fn try_send(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // A listener that refuses early may have closed before all is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Ok(Answer::parse(&answer))
}

/// Visits a URL as a browser does, and returns the answer without following redirects.
pub fn visit(url: &str) -> Answer {
    try_visit(url).expect("connecting")
}

/// Visits a URL where somebody may not listen any more.
pub fn try_visit(url: &str) -> std::io::Result<Answer> {
    let url = url::Url::parse(url).expect("a URL");
    let address = url.socket_addrs(|| None).expect("an address")[0];
    let target = &url[url::Position::BeforePath..];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let browser =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{browser}\r\n");
    try_send(address, request.as_bytes())
}

/// Returns one parameter of a URL.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).expect("a URL");
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
