//! Servers and runs of our program: their lines as they come, their end, and nothing of them left when they are dropped.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{kill_process_group, Pid, Signal};
use serde_json::Value;
use url::Url;

use crate::support::program::ReservedPort;
use crate::support::{send, wait_for, PATIENCE};

/// How long a server may take until it says that it is ready: Python is slow to start on a busy machine.
const READY: Duration = Duration::from_secs(90);

/// How long one run of the program may take; its own `--timeout` is shorter.
const RUN: Duration = Duration::from_secs(240);

/// What came through a pipe so far.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    ended: bool,
}

/// The lines of a pipe as they come, for any number of readers.
#[derive(Clone, Default)]
pub struct Lines(Arc<(Mutex<Heard>, Condvar)>);

impl Lines {
    fn of(pipe: PipeReader) -> Lines {
        let lines = Lines::default();
        let ours = lines.clone();
        // Not joined: it ends when the last holder of the pipe is gone, which a detached browser may delay.
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                ours.heard().lines.push(line);
                ours.0 .1.notify_all();
            }
            ours.heard().ended = true;
            ours.0 .1.notify_all();
        });
        lines
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0 .0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all lines so far as one text.
    pub fn text(&self) -> String {
        self.heard().lines.join("\n")
    }

    /// Waits for the first line that contains this; `None` if the pipe or the time ends without it.
    pub fn wait_for(&self, part: &str, limit: Duration) -> Option<String> {
        let found = |heard: &Heard| heard.lines.iter().find(|line| line.contains(part)).cloned();
        let still = |heard: &mut Heard| !heard.ended && found(heard).is_none();
        let (heard, _) = self
            .0
             .1
            .wait_timeout_while(self.heard(), limit, still)
            .expect("the lines");
        found(&heard)
    }

    /// Returns all that a program has written which has ended. A detached browser may hold the pipe open, so its end is not
    /// waited for, but what is written into it now.
    fn settled(&self, mut pipe: PipeWriter) -> String {
        const END: &str = "the end of what the program has written";
        // The program's last line may have no end.
        let written = pipe.write_all(format!("\n{END}\n").as_bytes());
        written.expect("the pipe takes a line");
        drop(pipe);
        let found = self.wait_for(END, PATIENCE);
        assert!(found.is_some(), "the pipe is not read: {}", self.text());
        let text = self.text();
        let (text, _) = text.split_once(END).expect("the end");
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\n').unwrap_or(text).to_owned()
    }
}

/// A child in a process group of its own, which is killed as a whole when it is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    /// The URL of the MCP server; of a session, the address of its bus.
    pub url: String,
    log: Lines,
    _group: Group,
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    pub fn start(command: &mut Command) -> Server {
        let (reader, writer) = io::pipe().expect("a pipe");
        let both = writer.try_clone().expect("the pipe twice");
        let child = command
            .stdin(Stdio::piped())
            .stdout(writer)
            .stderr(both)
            .process_group(0)
            .spawn();
        let group = Group(child.expect("the server starts"));
        // The command keeps its copies of the pipe's end otherwise, and the reader would never see the end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let log = Lines::of(reader);
        let ready = log.wait_for("ready ", READY).unwrap_or_default();
        // A bus may have begun a line of its own before.
        let url = ready
            .rsplit_once("ready ")
            .map(|(_, url)| url.to_owned())
            .filter(|url| url.contains(':'));
        let url = url.unwrap_or_else(|| panic!("the server is not ready: {}", log.text()));
        Server {
            url,
            log,
            _group: group,
        }
    }

    /// Returns the port that the server listens at.
    pub fn port(&self) -> u16 {
        let url = Url::parse(&self.url).expect("the server's URL");
        url.port().expect("a port")
    }

    /// Returns the URL of another path of the server.
    pub fn at(&self, path: &str) -> String {
        Url::parse(&self.url)
            .and_then(|url| url.join(path))
            .expect("a URL")
            .into()
    }

    /// Returns the status of a GET of the MCP server with this access token.
    pub fn status_with(&self, token: &str) -> u16 {
        let url = Url::parse(&self.url).expect("the server's URL");
        let address = url.socket_addrs(|| None).expect("an address")[0];
        let head = format!(
            "GET {} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n",
            url.path()
        );
        send(address, head.as_bytes()).status
    }

    /// Returns everything the server said so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until the server has reported this as often, and requires that it was not more often.
    pub fn wait_for_count(&self, text: &str, count: usize) {
        let reported = || self.log().matches(text).count();
        wait_for(text, || (reported() >= count).then_some(()));
        assert_eq!(reported(), count, "{text}: {}", self.log());
    }

    /// Waits for the server to report this event.
    pub fn wait_for_event(&self, event: &str) {
        let found = self.log.wait_for(&format!("event {event}"), PATIENCE);
        assert!(found.is_some(), "no event {event}: {}", self.log());
    }
}

/// A running program of ours.
pub struct Run {
    stdout: Lines,
    stderr: Lines,
    /// Where the program writes, to mark the end of it.
    writers: [PipeWriter; 2],
    started: Instant,
    stdin: Option<ChildStdin>,
    group: Group,
}

/// What a finished run left.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// Where it listened.
    _ports: Vec<ReservedPort>,
}

impl Run {
    /// Starts a command with its streams in our hands.
    pub fn start(command: &mut Command) -> Run {
        let (out_reader, out_writer) = io::pipe().expect("a pipe");
        let (err_reader, err_writer) = io::pipe().expect("a pipe");
        let writers = [&out_writer, &err_writer].map(|it| it.try_clone().expect("the pipe twice"));
        let started = Instant::now();
        let child = command
            .stdin(Stdio::piped())
            .stdout(out_writer)
            .stderr(err_writer)
            .process_group(0)
            .spawn();
        let mut child = child.expect("the program starts");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let stdin = child.stdin.take();
        Run {
            stdout: Lines::of(out_reader),
            stderr: Lines::of(err_reader),
            writers,
            started,
            stdin,
            group: Group(child),
        }
    }

    /// Waits for a JSON event on stdout.
    pub fn wait_for_event(&self, event: &str) -> Value {
        let line = self
            .stdout
            .wait_for(&format!("\"event\":\"{event}\""), PATIENCE);
        let line = line.unwrap_or_else(|| {
            panic!(
                "no event {event}: {}\n{}",
                self.stdout.text(),
                self.stderr.text()
            )
        });
        serde_json::from_str(&line).expect("an event is JSON")
    }

    /// Waits for a line on stdout that contains this.
    pub fn wait_for_line(&self, part: &str) -> String {
        let line = self.stdout.wait_for(part, READY);
        line.unwrap_or_else(|| {
            panic!(
                "no line with {part}: {}\n{}",
                self.stdout.text(),
                self.stderr.text()
            )
        })
    }

    /// Types a line and leaves stdin open.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("stdin is open"), "{line}")
            .expect("stdin takes a line");
    }

    /// Closes stdin and waits for the end.
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        let status = loop {
            if let Some(status) = self.group.0.try_wait().expect("the state of the program") {
                break status;
            }
            let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
            assert!(
                self.started.elapsed() < RUN,
                "the program does not end: {stdout}\n{stderr}"
            );
            thread::sleep(Duration::from_millis(10));
        };
        let took = self.started.elapsed();
        let [stdout, stderr] = self.writers;
        let (stdout, stderr) = (self.stdout.settled(stdout), self.stderr.settled(stderr));
        let events = stdout.lines().flat_map(serde_json::from_str::<Value>);
        Finished {
            status,
            _ports: ReservedPort::of_login(&events.collect::<Vec<_>>()),
            stdout,
            stderr,
            took,
        }
    }
}

impl Finished {
    /// Requires this exit code; everything there is to know is in the message if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Finished {
        let Finished {
            status,
            stdout,
            stderr,
            ..
        } = &self;
        assert_eq!(
            status.code(),
            Some(code),
            "{status}\nstdout: {stdout}\nstderr: {stderr}"
        );
        self
    }

    /// Tells whether a command has waited for a live token as long as it may, which happens on a busy machine.
    pub fn has_given_up(&self) -> bool {
        let is_late = self.stderr.contains("could not get a valid token for ");
        self.status.code() == Some(5) && is_late
    }

    /// Returns the one event of this name.
    #[track_caller]
    pub fn event(&self, event: &str) -> Value {
        let start = format!("{{\"event\":\"{event}\"");
        let found: Vec<&str> = self
            .stdout
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        assert_eq!(
            found.len(),
            1,
            "one {event} in: {}\n{}",
            self.stdout,
            self.stderr
        );
        serde_json::from_str(found[0]).expect("an event is JSON")
    }
}
