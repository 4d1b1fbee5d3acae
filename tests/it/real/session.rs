//! A session with a real keyring that lasts as long as its test, and logins that are kept in it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use serde_json::{json, Value};
use tempfile::TempDir;

use super::bed::{script, Bed};
use super::running::Server;
use crate::support::fake::Fake;
use crate::support::process::Process;
use crate::support::program::{until_done, Finished, Program};
use crate::support::rotating::{login, login_to, Home, Rotating};

/// The environment variable that names the bus.
pub const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// A login that nobody may touch.
pub const OTHER: &str = "https://other.example/mcp";

/// A bus of its own with a keyring, until it is dropped.
pub struct Session<'a> {
    bed: &'a Bed,
    /// Where the keyring writes, and the bus is.
    _home: TempDir,
    bus: Server,
    other: String,
}

impl<'a> Session<'a> {
    /// Starts a session whose keyring is unlocked and holds one login.
    pub fn start(bed: &'a Bed) -> Self {
        let mut command = bed.command(script("keyring"));
        // In memory, for the keyring waits for the disk while others wait for it.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { memory } else { bed.home() };
        let home = tempfile::tempdir_in(directory).expect("a directory");
        // It ends with its process group.
        command
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path());
        command.args([
            "unlocked",
            "/bin/sh",
            "-c",
            "echo \"ready $DBUS_SESSION_BUS_ADDRESS\"; exec cat",
        ]);
        let mut session = Self {
            bed,
            _home: home,
            bus: Server::start(&mut command),
            other: String::new(),
        };
        session.put(&login_to(OTHER, &Fake::start(), json!({})));
        session.other = session.text(OTHER);
        assert!(session.other.contains("access-0"), "{}", session.other);
        session
    }

    /// Returns the address of the bus.
    pub fn bus(&self) -> &str {
        &self.bus.url
    }

    /// Runs a tool in the session, with this as its stdin.
    fn tool(&self, program: &str, args: &[&str], stdin: &str) -> Output {
        let mut command: Command = self.bed.command(program);
        command
            .args(args)
            .env(BUS, self.bus())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("a tool of the session");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(stdin.as_bytes())
            .expect("writing to a tool");
        child.wait_with_output().expect("a tool of the session")
    }

    /// Puts a login into the keyring.
    pub fn put(&self, login: &Value) {
        self.put_text(
            login["server"].as_str().expect("a server"),
            &login.to_string(),
            &[],
        );
    }

    /// Puts any text into the keyring where a login belongs; with further attributes it is an entry of its own.
    pub fn put_text(&self, account: &str, text: &str, attributes: &[&str]) {
        let args = [
            &[
                "store",
                "--label",
                "a test",
                "service",
                "mcp-login",
                "username",
                account,
            ],
            attributes,
        ]
        .concat();
        let output = self.tool("secret-tool", &args, text);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Returns what the keyring holds of a login; empty if it holds nothing.
    pub fn text(&self, account: &str) -> String {
        let output = self.tool(
            "secret-tool",
            &["lookup", "service", "mcp-login", "username", account],
            "",
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// Removes a login behind our back.
    pub fn clear(&self, account: &str) {
        let output = self.tool(
            "secret-tool",
            &["clear", "service", "mcp-login", "username", account],
            "",
        );
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn call(&self, to: &str, path: &str, method: &str, argument: &str) -> String {
        let to = format!("--dest={to}");
        let output = self.tool(
            "dbus-send",
            &["--session", "--print-reply", &to, path, method, argument],
            "",
        );
        let said = [output.stdout, output.stderr]
            .map(|said| String::from_utf8_lossy(&said).into_owned())
            .concat();
        assert!(output.status.success(), "{said}");
        said
    }

    pub fn lock(&self) {
        let path = "/org/freedesktop/secrets";
        let collection = format!("array:objpath:{path}/collection/login");
        self.call(
            "org.freedesktop.secrets",
            path,
            "org.freedesktop.Secret.Service.Lock",
            &collection,
        );
    }

    /// Returns the process that is the keyring.
    pub fn keyring(&self) -> Process {
        let method = "org.freedesktop.DBus.GetConnectionUnixProcessID";
        let said = self.call(
            "org.freedesktop.DBus",
            "/",
            method,
            "string:org.freedesktop.secrets",
        );
        let pid = said
            .split_whitespace()
            .last()
            .and_then(|pid| pid.parse().ok());
        Process(pid.unwrap_or_else(|| panic!("no process: {said}")))
    }

    /// Requires that the login that nobody may touch is as it was.
    #[track_caller]
    pub fn other_is_untouched(&self, what: &str) {
        assert_eq!(self.text(OTHER), self.other, "{what}");
    }
}

/// A login that is kept in the keyring of a session, and the home that it is used from.
pub struct Kept<'a> {
    pub session: &'a Session<'a>,
    pub servers: Rotating,
    pub home: Home,
    bus: String,
}

impl<'a> Kept<'a> {
    /// Puts an expired login to these servers into the keyring.
    pub fn expired(session: &'a Session<'a>, servers: Rotating) -> Self {
        session.put(&login(
            &servers.fake,
            json!({"refresh_token": servers.family()}),
        ));
        Self {
            session,
            servers,
            home: Home::new(),
            bus: session.bus().to_owned(),
        }
    }

    /// Reaches the bus at another address from now on.
    pub fn reach(&mut self, bus: &str) {
        self.bus = bus.to_owned();
    }

    /// Prepares a command for this login.
    pub fn at(&self, words: &[&str], store: &str) -> Program {
        self.run_at(self.home.path(), words)
            .args(["--store", store])
            .arg(self.servers.fake.mcp())
    }

    fn run_at(&self, home: &Path, words: &[&str]) -> Program {
        Program::new().at_home(home).env(BUS, &self.bus).args(words)
    }

    /// Prepares a login that takes the place of this one.
    pub fn login(&self, store: &str) -> Program {
        let words = [
            "--json",
            "--no-browser",
            "--no-paste",
            "--force",
            "--timeout",
            "180s",
        ];
        self.at(&words, store)
    }

    /// Prepares the process that refreshes by itself, so that its calls can be counted.
    pub fn refresher(&self) -> Program {
        let key = json!({"server": self.servers.fake.mcp(), "profile": "default"});
        let job =
            json!({"key": key, "store": "keyring", "data_dir": self.home.data(), "ca_file": null});
        self.run_at(self.home.path(), &["__refresh", &job.to_string()])
            .with_stdin_of(&self.home.lock_of(&self.servers.fake))
    }

    /// Runs `token`, until it is done.
    pub fn token(&self) -> Finished {
        until_done(|| self.at(&["token"], "keyring"))
    }

    /// Returns the login as the keyring has it; null if it does not.
    #[track_caller]
    pub fn stored(&self) -> Value {
        let text = self.session.text(&self.servers.fake.mcp());
        if text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("{err}: {text}"))
    }

    /// Lets the access token expire.
    pub fn expire(&self) {
        let mut login = self.stored();
        login["obtained_at"] = "2020-01-01T00:00:00Z".into();
        login["expires_at"] = "2020-01-01T01:00:00Z".into();
        self.session.put(&login);
    }

    /// Tells whether the refresh token that the keyring has is good.
    #[track_caller]
    pub fn is_good(&self) -> bool {
        self.servers.is_good(
            self.stored()["refresh_token"]
                .as_str()
                .expect("a refresh token"),
        )
    }

    /// Sends the keyring a signal.
    pub fn signal(&self, signal: Signal) {
        self.session.keyring().signal(signal);
    }
}
