//! Runs another program for its answer: without a shell, in a process group of its own, bounded in time and size.

use std::io::{self, ErrorKind, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

pub use super::browser::words;
use super::clock::Deadline;
use super::process::{self, Group};
use super::sync::{in_thread, lock};

/// The most of stderr that is read, in bytes; what is beyond it is dropped.
const STDERR_BYTES: usize = 4096;

/// How long something is waited for that comes at once, unless the program has left another one behind.
const MOMENT: Duration = Duration::from_millis(200);

/// The first pause between two looks at a program that has closed its stdout, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(20));

/// What a program has answered.
pub struct CommandOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its stdout.
    pub stdout: Zeroizing<Vec<u8>>,
    /// The beginning of its stderr. Not escaped.
    pub stderr: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CommandError {
    /// There is no such program.
    NotFound,
    /// It cannot be run.
    NotRun(io::Error),
    /// It did not end in time, and was killed with its process group.
    TimedOut,
    /// It wrote more than was allowed, and was killed with its process group.
    TooLong,
}

impl From<io::Error> for CommandError {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            ErrorKind::NotFound => Self::NotFound,
            _ => Self::NotRun(err),
        }
    }
}

/// Runs a program with this stdin, and returns its answer. `max_bytes` is the longest stdout.
///
/// # Errors
///
/// [`CommandError`]; the program and its process group are killed then.
pub fn run(
    words: &[String],
    stdin: Zeroizing<Vec<u8>>,
    deadline: Deadline,
    max_bytes: u64,
) -> Result<CommandOutput, CommandError> {
    let (program, arguments) = words.split_first().ok_or(CommandError::NotFound)?;
    let mut command = Command::new(process::found(program.as_ref())?);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (child, group) = process::spawn_group(&mut command)?;
    let mut running = Running(child, group);
    let answer = running.answer(stdin, deadline, max_bytes);
    if answer.is_err() {
        running.kill();
    }
    answer
}

/// A program that runs.
struct Running(Child, Group);

impl Running {
    fn answer(
        &mut self,
        text: Zeroizing<Vec<u8>>,
        deadline: Deadline,
        max_bytes: u64,
    ) -> Result<CommandOutput, CommandError> {
        let (stdin, stdout, stderr) = (
            self.0.stdin.take(),
            self.0.stdout.take(),
            self.0.stderr.take(),
        );
        // A program need not read what it is told, nor before it answers.
        in_thread("command", move || {
            drop(stdin.map(|mut stdin| stdin.write_all(&text)))
        })?;
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let heard = Arc::clone(&said);
        let silence = in_thread("command", move || {
            stderr.map_or((), |it| listen(it, &heard))
        })?;
        let read = in_thread("command", move || {
            stdout.map_or(Ok(Zeroizing::default()), |it| read(it, max_bytes))
        })?;
        let stdout = match read.recv_timeout(deadline.left()) {
            Ok(stdout) => stdout?,
            Err(_) => return Err(CommandError::TimedOut),
        };
        if stdout.len() as u64 > max_bytes {
            return Err(CommandError::TooLong);
        }
        let status = self.wait(deadline)?.ok_or(CommandError::TimedOut)?;
        // What it has left behind may hold its stderr open.
        let _ = silence.recv_timeout(MOMENT.min(deadline.left()));
        let said = lock(&said);
        Ok(CommandOutput {
            status,
            stdout,
            stderr: String::from_utf8_lossy(&said).into_owned(),
        })
    }

    /// Waits for the end of the program; `None` if it does not come in time.
    fn wait(&mut self, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
        let mut pause = PAUSES.0;
        loop {
            match self.0.try_wait()? {
                None if !deadline.passed() => thread::sleep(pause.min(deadline.left())),
                ended => return Ok(ended),
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn kill(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            process::kill_group(&mut self.0, &mut self.1);
            let _ = self.wait(Deadline::after(MOMENT));
        }
    }
}

/// Reads to the end, but not much more than `max_bytes`.
fn read(stream: impl Read, max_bytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut stream = stream.take(max_bytes.saturating_add(1));
    let mut read = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let mut chunk = Zeroizing::new([0; 4096]);
    loop {
        match stream.read(chunk.as_mut_slice()) {
            Ok(0) => return Ok(read),
            Ok(count) => {
                if read.capacity() - read.len() < count {
                    // A vector that grows by itself would leave a copy behind.
                    let mut larger = Zeroizing::new(Vec::with_capacity(read.capacity() * 2));
                    larger.extend_from_slice(&read);
                    read = larger;
                }
                read.extend_from_slice(&chunk[..count]);
            }
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// Reads to the end, and keeps the beginning.
fn listen(mut stream: impl Read, heard: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        let mut heard = lock(heard);
        let room = STDERR_BYTES - heard.len();
        heard.extend_from_slice(&chunk[..count.min(room)]);
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: &str, limit: Duration) -> Result<CommandOutput, CommandError> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let stdin = Zeroizing::new(stdin.as_bytes().to_vec());
        run(&words, stdin, Deadline::after(limit), 100_000)
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn es2_what_a_program_answers() {
        let long = "x".repeat(90_000);
        let answer = sh("cat; echo \"$0\" >&2; exit 3", &long, PATIENCE).unwrap();
        assert_eq!(answer.status.code(), Some(3));
        assert_eq!(
            (answer.stdout.len(), answer.stderr.as_str()),
            (90_000, "sh\n")
        );
        // What it is told need not be read, and what it leaves behind is not waited for.
        let answer = sh(
            "echo it; sleep 600 >/dev/null & exit 0",
            &long.repeat(10),
            PATIENCE,
        );
        assert_eq!(answer.unwrap().stdout.as_slice(), b"it\n");
        let answer = sh("head -c 100000 /dev/zero >&2", "", PATIENCE).unwrap();
        assert_eq!(answer.stderr.len(), STDERR_BYTES);
    }

    #[test]
    fn es2_a_program_is_bounded_in_time_and_size() {
        let limit = Duration::from_millis(300);
        for script in [
            "sleep 600",
            "exec >/dev/null; sleep 600",
            "sleep 600 & exit 0",
        ] {
            let answer = sh(script, "", limit);
            assert!(matches!(answer, Err(CommandError::TimedOut)), "{script}");
        }
        let answer = sh("cat /dev/zero", "", PATIENCE);
        assert!(matches!(answer, Err(CommandError::TooLong)));
        let run = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            run(&words, Zeroizing::default(), Deadline::after(PATIENCE), 10)
        };
        assert!(matches!(
            run(&["/nonexistent/it"]),
            Err(CommandError::NotFound)
        ));
        assert!(matches!(run(&[]), Err(CommandError::NotFound)));
        assert!(matches!(run(&["/"]), Err(CommandError::NotRun(_))));
    }
}
