//! An MCP client on the stdin and stdout of a program.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::in_time;
use super::mcp_server::{McpServer, CAPABILITIES_KEY, LEGACY, MODERN, VERSION_KEY};
use super::program::{Finished, Program, Running};

/// How long an answer may take, whatever happened.
pub const ANSWER: Duration = Duration::from_secs(10);

/// A line of the program, as it came and as it is read.
#[derive(Clone, Debug)]
pub struct Line {
    pub text: String,
    pub json: Value,
}

/// The client.
pub struct StdioClient {
    pub running: Running,
    is_modern: bool,
    /// Lines that nobody has asked for so far.
    early: VecDeque<Line>,
    last_id: u64,
}

/// Logs in to a server with the real program; returns the home with the login.
pub fn log_in(server: &McpServer) -> Finished {
    Program::login(server.fake()).agree().expect(0)
}

/// Prepares the bridge to a server, with the logins of a home.
pub fn connect(server: &McpServer, home: &Path) -> Program {
    let program = Program::new().at_home(home).with_stdin();
    program.args(["connect", "--store", "file", &server.url()])
}

impl StdioClient {
    /// Starts a program and says nothing to it. What the client asks later is in the form with sessions.
    pub fn start(program: Program) -> Self {
        Self {
            running: program.start(),
            is_modern: false,
            early: VecDeque::new(),
            last_id: 0,
        }
    }

    /// Starts a program and opens a session.
    pub fn legacy(program: Program) -> Self {
        let mut client = Self::start(program);
        let answer = client.initialize(json!({"sampling": {}, "elicitation": {}, "roots": {}}));
        assert_eq!(answer["result"]["serverInfo"]["name"], "fake", "{answer}");
        client
    }

    /// Opens a session as a client that can do this.
    pub fn initialize(&mut self, capabilities: Value) -> Value {
        let client = json!({"name": "tests", "version": "7"});
        let params =
            json!({"protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": client});
        let id = self.ask("initialize", params);
        let answer = self.answer(&id);
        self.notify("notifications/initialized", json!({}));
        answer
    }

    /// Starts a program; what the client asks is in the form without state.
    pub fn modern(program: Program) -> Self {
        let mut client = Self::start(program);
        client.is_modern = true;
        client
    }

    /// From now on the client asks in the form with sessions.
    pub fn speak_legacy(&mut self) {
        self.is_modern = false;
    }

    /// Writes a line as it is.
    pub fn line(&mut self, text: &str) {
        self.running.type_in(&format!("{text}\n"));
    }

    /// Writes a message.
    pub fn send(&mut self, message: &Value) {
        self.line(&message.to_string());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request; returns its id.
    pub fn ask(&mut self, method: &str, mut params: Value) -> Value {
        self.last_id += 1;
        if self.is_modern {
            params["_meta"][VERSION_KEY] = MODERN.into();
            params["_meta"][CAPABILITIES_KEY] = json!({"sampling": {}, "elicitation": {}});
        }
        let id = Value::from(self.last_id);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Asks for a call of a tool; returns the id.
    pub fn ask_tool(&mut self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// Asks and waits for the answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer(&id)
    }

    /// Calls a tool; returns the answer.
    pub fn call(&mut self, name: &str, arguments: Value) -> Value {
        let id = self.ask_tool(name, arguments);
        self.answer(&id)
    }

    /// Calls a tool that has to succeed; returns its text.
    #[track_caller]
    pub fn text(&mut self, name: &str, arguments: Value) -> String {
        let answer = self.call(name, arguments);
        text_of(&answer)
    }

    /// Waits for the answer to a request, for as long as one may take.
    #[track_caller]
    pub fn answer(&mut self, id: &Value) -> Value {
        self.answer_line(id).json
    }

    /// Waits for the answer to a request, and returns its line.
    #[track_caller]
    pub fn answer_line(&mut self, id: &Value) -> Line {
        let asked = Instant::now();
        let is_answer = |line: &Line| line.json["id"] == *id && line.json["method"].is_null();
        let line = self.next(&format!("the answer to {id}"), is_answer);
        in_time("the answer", asked, ANSWER);
        line
    }

    /// Waits for a request or a notification of the server.
    #[track_caller]
    pub fn server_says(&mut self, method: &str) -> Value {
        self.next(method, |line| line.json["method"] == method).json
    }

    /// Waits for the next line of a kind; others are kept.
    #[track_caller]
    pub fn next(&mut self, what: &str, is_wanted: impl Fn(&Line) -> bool) -> Line {
        if let Some(at) = self.early.iter().position(&is_wanted) {
            return self.early.remove(at).expect("a line");
        }
        loop {
            let Some(text) = self.running.next_line() else {
                panic!(
                    "{what} did not come; other lines: {:?}; stderr: {}",
                    self.early,
                    self.running.stderr_so_far().join("\n")
                );
            };
            let line = read(text);
            if is_wanted(&line) {
                return line;
            }
            self.early.push_back(line);
        }
    }

    /// Ends stdin, waits for the end, and checks that no line is left that nobody asked for.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let early = std::mem::take(&mut self.early);
        let finished = self.running.finish();
        let late = &finished.stdout;
        assert!(
            early.is_empty() && late.is_empty(),
            "lines that nobody asked for: {early:?} {late}"
        );
        finished
    }
}

/// Reads a line: one message of JSON-RPC.
#[track_caller]
fn read(text: String) -> Line {
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    assert_eq!(json["jsonrpc"], "2.0", "no message: {text:.200}");
    Line { text, json }
}

/// Returns the text that a tool answered.
#[track_caller]
pub fn text_of(answer: &Value) -> String {
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text: {answer}"))
        .to_owned()
}
