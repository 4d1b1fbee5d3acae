//! Runs the real program, in a home of its own, and reads what it says while it runs.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use super::fake::Fake;
use super::process::Process;
#[cfg(unix)]
use super::pty::Pty;
use super::{command_without_environment, repeat, try_visit, visit, Answer, PATIENCE};

/// The time limit of a login that is not about it: no login is waited for that long unless something is broken.
pub const LOGIN_LIMIT: &str = "5m";

/// Keeps the locks of the keyring out of the home of whoever runs the tests.
pub const LOCK_DIR: &str = "MCP_LOGIN_LOCK_DIR";

fn locks(home: &Path) -> PathBuf {
    home.join(".local/share/mcp-login/refresh")
}

/// Sets the variables that name a home directory, and what is below it.
fn put_at_home(command: &mut Command, home: &Path) {
    command.env("HOME", home).env(LOCK_DIR, locks(home));
    if cfg!(windows) {
        command
            .env("USERPROFILE", home)
            .env("LOCALAPPDATA", home.join(".local").join("share"))
            .env("APPDATA", home.join("AppData").join("Roaming"))
            .env("TEMP", home)
            .env("TMP", home);
        // Without them no socket works, and no program is found.
        for name in ["SYSTEMROOT", "PATHEXT", "COMSPEC"] {
            command.env(name, std::env::var_os(name).unwrap_or_default());
        }
    }
}

/// A home directory and the command line that is run in it.
pub struct Program {
    home: TempDir,
    command: Command,
    stdin: Option<PathBuf>,
}

impl Program {
    /// Prepares a run without arguments in a new, empty home. Nothing of the person's own environment is inherited.
    pub fn new() -> Self {
        Self::of(env!("CARGO_BIN_EXE_mcp-login"))
    }

    /// Prepares a run of another program in the same way.
    pub fn of(program: impl AsRef<OsStr>) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = command_without_environment(program);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        put_at_home(&mut command, home.path());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            home,
            command,
            stdin: None,
        }
    }

    /// Prepares a login to a fake: machine-readable, into the default file, without a browser.
    pub fn login(fake: &Fake) -> Self {
        Self::login_at(&fake.mcp())
    }

    /// Prepares a login to a server at this URL, as [`Program::login`] does.
    pub fn login_at(url: &str) -> Self {
        Self::new()
            .args(["--json", "--store", "file", "--no-browser"])
            .env("MCP_LOGIN_TIMEOUT", LOGIN_LIMIT)
            .arg(url)
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn args<I: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Uses the home of an earlier run, so that what is kept there is found again.
    pub fn at_home(mut self, home: &Path) -> Self {
        put_at_home(&mut self.command, home);
        self
    }

    /// Gives the program a pipe to read from.
    pub fn with_stdin(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Gives the program an open file as its stdin, which is made if it is not there.
    pub fn with_stdin_of(mut self, path: &Path) -> Self {
        self.stdin = Some(path.to_owned());
        self
    }

    /// Starts it through another program, which has to replace itself with it or start it: its arguments follow. To be
    /// called before stdin, stdout or stderr is set.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        let inner = self.command;
        self.command = command_without_environment(wrapper[0]);
        self.command
            .args(&wrapper[1..])
            .arg(inner.get_program())
            .args(inner.get_args());
        self.command.envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self
    }

    /// Starts it through `sh`, which first does something and then replaces itself: `redirections` follow the command.
    pub fn through_shell(self, first: &str, redirections: &str) -> Self {
        self.through(&[
            "sh",
            "-c",
            &format!("{first}\nexec \"$@\" {redirections}"),
            "sh",
        ])
    }

    /// Runs a command that a hint gives, as a shell takes it, machine-readable and without a browser.
    pub fn pasted(self, hint: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_mcp-login");
        let command = hint.replacen(
            "mcp-login",
            &format!("exec {program} --json --no-browser"),
            1,
        );
        assert!(hint.starts_with("mcp-login "), "no command: {hint}");
        self.through(&["sh", "-c", &command, "sh"])
    }

    /// Puts it in the foreground of a terminal: stdin and stderr are there, stdout is read as always.
    #[cfg(unix)]
    pub fn on(self, pty: &Pty) -> Self {
        let mut this = self.through(&["setsid", "--ctty"]);
        this.command.stdin(pty.stdio()).stderr(pty.stdio());
        this
    }

    /// Gives the command itself, for what has no method here.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn start(mut self) -> Running {
        if let Some(path) = &self.stdin {
            let directory = path.parent().expect("a directory");
            fs::create_dir_all(directory).expect("a directory");
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            self.command.stdin(options.open(path).expect("a file"));
        }
        let mut child = self.command.spawn().expect("starting the program");
        // Our copies of what it was given, such as the end of a pipe, are closed.
        drop(self.command);
        let stdout = lines(child.stdout.take());
        let stderr = lines(child.stderr.take());
        let stdin = child.stdin.take();
        Running {
            home: Some(self.home),
            child,
            started: Instant::now(),
            stdin,
            stdout,
            stderr,
            events: Vec::new(),
            lines: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Runs it, agrees on the authorization page if it gets so far, and waits for its end, which may come before the answer.
    pub fn agree(self) -> Finished {
        let mut running = self.start();
        if let Some(page) = running.next_event("authorization_url") {
            let answer = visit(page["url"].as_str().expect("a URL"));
            let _ = answer.header("location").map(try_visit);
        }
        running.finish()
    }

    /// Runs it to its end.
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

/// Runs a command to its end, and again as long as it gives up waiting, as a job does that is started again.
pub fn until_done(command: impl Fn() -> Program) -> Finished {
    repeat("a command that waits for a token", || {
        let finished = command().run();
        (!finished.has_given_up()).then_some(finished)
    })
}

fn lines(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stream) = stream {
        thread::spawn(move || {
            let reader = BufReader::with_capacity(1 << 16, stream);
            for line in reader.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8(line)
                    .unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned());
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// A port that nobody is given who asks for any, while it is kept; who asks for this one gets it.
#[cfg(unix)]
pub struct ReservedPort(#[allow(dead_code)] std::os::fd::OwnedFd);

#[cfg(unix)]
impl ReservedPort {
    /// Reserves the ports that a login has listened at, so that the next one finds them as this one has left them, whatever
    /// other tests do meanwhile.
    pub fn of_login<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<Self> {
        let events = events.into_iter();
        let listening = events.filter(|event| event["event"] == "listening");
        let reserved = listening.filter_map(|event| Self::of(event["redirect_uri"].as_str()?));
        reserved.collect()
    }

    /// Reserves the port of a redirect URI; `None` if it is taken already.
    fn of(redirect_uri: &str) -> Option<Self> {
        use rustix::net::{bind, socket_with, sockopt, AddressFamily, SocketFlags, SocketType};
        let port = url::Url::parse(redirect_uri).ok()?.port()?;
        let (family, flags) = (AddressFamily::INET, SocketFlags::CLOEXEC);
        let socket = socket_with(family, SocketType::STREAM, flags, None).ok()?;
        sockopt::set_socket_reuseaddr(&socket, true).ok()?;
        bind(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], port))).ok()?;
        Some(Self(socket))
    }
}

/// The program while it runs. It is killed when it is dropped.
pub struct Running {
    home: Option<TempDir>,
    pub child: Child,
    pub started: Instant,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    events: Vec<Value>,
    lines: Vec<String>,
    said: Vec<String>,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn process(&self) -> Process {
        Process(self.pid())
    }

    pub fn home(&self) -> &Path {
        self.home.as_ref().expect("a home").path()
    }

    /// Waits for the next event of a kind on stdout; events before it are kept for the end.
    pub fn event(&mut self, kind: &str) -> Value {
        match self.next_event(kind) {
            Some(event) => event,
            None => panic!(
                "no event {kind}; events: {:?}; stderr: {:?}",
                self.events,
                self.stderr_so_far()
            ),
        }
    }

    /// Waits for the next event of a kind; `None` if the program ends without it.
    pub fn next_event(&mut self, kind: &str) -> Option<Value> {
        loop {
            let line = self.stdout.recv_timeout(PATIENCE).ok()?;
            let event: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            self.events.push(event.clone());
            self.lines.push(line);
            if event["event"] == kind {
                return Some(event);
            }
        }
    }

    /// Takes the next line of stdout, which is not kept for the end; `None` if stdout ends, or nothing comes in time.
    pub fn next_line(&mut self) -> Option<String> {
        self.stdout.recv_timeout(PATIENCE).ok()
    }

    /// Waits for the authorization URL.
    pub fn authorization_url(&mut self) -> String {
        self.event("authorization_url")["url"]
            .as_str()
            .expect("a URL")
            .to_owned()
    }

    /// Waits for a line on stderr that holds this text.
    pub fn said(&mut self, text: &str) -> String {
        if let Some(line) = self.said.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!(
                    "{text:?} was not said; stderr: {:?}; events: {:?}",
                    self.said, self.events
                ),
            }
        }
    }

    pub fn stderr_so_far(&self) -> Vec<String> {
        self.said
            .iter()
            .cloned()
            .chain(self.stderr.try_iter())
            .collect()
    }

    /// Writes to the program's stdin.
    pub fn type_in(&mut self, text: &(impl AsRef<[u8]> + ?Sized)) {
        let stdin = self.stdin.as_mut().expect("a pipe");
        stdin
            .write_all(text.as_ref())
            .and_then(|()| stdin.flush())
            .expect("writing to stdin");
    }

    /// Closes the program's stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Finished {
        self.stdin = None;
        // It is not asked again and again, so that measurements are exact.
        let (ended, watched) = mpsc::channel::<()>();
        let process = self.process();
        let watch = thread::spawn(move || {
            let is_late = watched.recv_timeout(PATIENCE * 3) == Err(RecvTimeoutError::Timeout);
            if is_late {
                process.kill();
            }
            is_late
        });
        let status = self.child.wait().expect("waiting");
        drop(ended);
        if watch.join().expect("the watch") {
            panic!(
                "it does not end; events: {:?}; stderr: {:?}",
                self.events,
                self.stderr_so_far()
            );
        }
        let rest = self.stdout.iter().collect::<Vec<_>>();
        let mut stdout = std::mem::take(&mut self.lines);
        for line in rest {
            self.events.extend(serde_json::from_str::<Value>(&line));
            stdout.push(line);
        }
        self.said.extend(self.stderr.iter());
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(windows)]
        let signal = None;
        Finished {
            #[cfg(unix)]
            _ports: ReservedPort::of_login(&self.events),
            home: self.home.take(),
            code: status.code(),
            signal,
            events: std::mem::take(&mut self.events),
            stdout: stdout.join("\n"),
            stderr: std::mem::take(&mut self.said).join("\n"),
        }
    }

    /// Waits for the end; if it has given up waiting, runs the same command again until it is done.
    pub fn finish_or(self, again: impl Fn() -> Program) -> Finished {
        let finished = self.finish();
        match finished.has_given_up() {
            true => until_done(again),
            false => finished,
        }
    }

    /// Walks the login as a browser does: to the authorization page, and from there where it is sent.
    pub fn agree(&mut self) -> Answer {
        let url = self.authorization_url();
        self.agree_at(&url)
    }

    /// Walks on from the authorization page as a browser does.
    pub fn agree_at(&self, url: &str) -> Answer {
        visit(&self.redirect(url))
    }

    /// Returns where the authorization page sends the browser.
    pub fn redirect(&self, url: &str) -> String {
        let answer = visit(url);
        answer
            .header("location")
            .unwrap_or_else(|| panic!("no redirect: {answer:?}"))
            .to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program after its end.
pub struct Finished {
    home: Option<TempDir>,
    /// Where it listened.
    #[cfg(unix)]
    _ports: Vec<ReservedPort>,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The lines of stdout that are JSON.
    pub events: Vec<Value>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Finished {
    pub fn home(&self) -> &Path {
        self.home.as_ref().expect("a home").path()
    }

    /// Returns the path of the default credentials file.
    pub fn credentials_path(&self) -> PathBuf {
        self.home().join(".local/share/mcp-login/credentials.json")
    }

    /// Tells whether a command has waited for a live token or for a store as long as it may, which happens on a busy machine:
    /// it has changed nothing, and the next one goes on from there.
    pub fn has_given_up(&self) -> bool {
        let said = |code, text| self.code == Some(code) && self.stderr.contains(text);
        said(5, "could not get a valid token for ")
            || said(7, "the store helper did not end ")
            || said(7, "cannot use the keyring: it did not answer in time")
    }

    /// Returns what is kept of the login to a server.
    pub fn kept(&self, server: &str) -> Value {
        let text = std::fs::read_to_string(self.credentials_path()).expect("a credentials file");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        file["logins"][server].clone()
    }

    /// Returns the one event of a kind.
    pub fn event(&self, kind: &str) -> &Value {
        let mut found = self.events.iter().filter(|event| event["event"] == kind);
        found.next().unwrap_or_else(|| {
            panic!(
                "no event {kind} in {}; stderr: {}",
                self.stdout, self.stderr
            )
        })
    }

    /// Checks the exit code; shows everything if it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let got = (self.code, self.signal);
        assert_eq!(
            got,
            (Some(code), None),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Checks that it failed with this exit code and this word for scripts.
    #[track_caller]
    pub fn expect_error(self, code: i32, word: &str) -> Self {
        let this = self.expect(code);
        assert_eq!(this.event("error")["code"], word, "stderr: {}", this.stderr);
        assert_eq!(this.event("error")["exit"], code);
        this
    }
}
