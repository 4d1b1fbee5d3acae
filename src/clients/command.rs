//! Runs a command of a client that reads a login from its stdin, and checks the client's file afterwards.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::writer::{read_text, WriteError};
use crate::os::clock::Deadline;
use crate::os::sync::start_thread;

/// Longest time for a command of a client.
const LIMIT: Duration = Duration::from_secs(10);

/// Pause between two checks of a command that runs.
const PAUSE: Duration = Duration::from_millis(10);

/// A command of a client.
pub struct Import {
    /// The program.
    pub program: &'static str,
    /// Its arguments; none that comes from a file may begin with `-`.
    pub arguments: Vec<String>,
    /// What it reads from its stdin.
    pub stdin: Zeroizing<String>,
    /// The file in which the client keeps the login.
    pub path: PathBuf,
    /// Whether the text of that file holds the login.
    pub holds: Box<dyn Fn(&str) -> bool>,
}

impl Import {
    /// Runs the command. Its exit status alone proves nothing: the client's file must hold the login afterwards.
    ///
    /// # Errors
    ///
    /// [`WriteError::Command`], [`WriteError::Failed`], [`WriteError::Unconfirmed`], and [`WriteError::Unverified`] if
    /// the client's file cannot be read.
    pub fn run(&self) -> Result<(), WriteError> {
        let program = self.program;
        let (status, is_unread) = self
            .execute()
            .map_err(|source| WriteError::Command { program, source })?;
        match read_text(&self.path, false) {
            Ok(Some(text)) if (self.holds)(&text) => return Ok(()),
            // A command that read no login cannot have stored it.
            Err(source) if !is_unread => return Err(WriteError::unreadable(&self.path, source)),
            _ => {}
        }
        let (path, limit) = (self.path.display(), LIMIT.as_secs());
        Err(match status {
            None => WriteError::Unconfirmed(format!(
                "{program} did not end within {limit} s, and was ended"
            )),
            Some(status) if !status.success() => WriteError::Failed {
                message: format!("{program} failed ({status})"),
                hint: None,
            },
            Some(_) if is_unread => WriteError::Failed {
                message: format!("{program} ended without reading the login"),
                hint: Some("the login is still here; see what the command said, and run it again"),
            },
            Some(_) => WriteError::Unconfirmed(format!(
                "{program} took the login, and {path} does not hold it"
            )),
        })
    }

    /// Returns the exit status, `None` if the command was killed at the end of its time; and whether it left something of its
    /// stdin unread.
    fn execute(&self) -> io::Result<(Option<ExitStatus>, bool)> {
        let (mut reader, mut writer) = io::pipe()?;
        let text = self.stdin.clone();
        let feeder = start_thread("stdin", move || writer.write_all(text.as_bytes()))?;
        let mut command = Command::new(self.program);
        command.args(&self.arguments).stdout(Stdio::null());
        let mut child = command.stdin(reader.try_clone()?).spawn()?;
        // Closes our copy of the child's end of the pipe.
        drop(command);
        let status = wait(&mut child)?;
        let mut is_unread = false;
        if status.is_some() {
            let mut rest = Zeroizing::new(Vec::new());
            let rest_bytes = reader.read_to_end(&mut rest)?;
            is_unread = rest_bytes > 0 || !feeder.join().is_ok_and(|written| written.is_ok());
        }
        Ok((status, is_unread))
    }
}

/// Waits until a command ends, and kills it after [`LIMIT`]; `None` then.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Deadline::after(LIMIT);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if deadline.passed() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}
