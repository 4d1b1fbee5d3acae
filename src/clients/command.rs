//! Runs a client's own command, which takes a login from its stdin; whether the client has the login is read in its file.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::writer::{read_text, WriteError};
use crate::os::clock::Deadline;

/// Longest time for a command of a client's.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// The pause between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(10);

/// A command of a client's.
pub struct Import {
    /// The program.
    pub program: &'static str,
    /// Its arguments; none that comes from a file may begin with `-`.
    pub arguments: Vec<String>,
    /// What it reads from its stdin.
    pub stdin: Zeroizing<String>,
    /// The file in which the client keeps the login.
    pub path: PathBuf,
    /// Tells whether the text of that file holds the login.
    pub holds: Box<dyn Fn(&str) -> bool>,
}

/// How a command ended.
enum End {
    /// By itself; `unread` if something of the login was left in the pipe, or was never there.
    Exited { status: ExitStatus, unread: bool },
    /// By us, at the end of its time.
    Killed,
}

impl Import {
    /// Runs the command; what it says goes to stderr. It is not believed: the login is read in the client's file.
    ///
    /// # Errors
    ///
    /// [`WriteError::Command`], [`WriteError::Failed`], [`WriteError::Unread`], [`WriteError::Late`],
    /// [`WriteError::NotKept`], and [`WriteError::Unproven`] if the client's file cannot be read.
    pub fn run(&self) -> Result<(), WriteError> {
        let program = self.program;
        let end = self.end()?;
        let unproven = |source| WriteError::Unproven {
            path: self.path.clone(),
            source: Box::new(source),
        };
        let is_kept = match read_text(&self.path, false) {
            Ok(text) => text.is_some_and(|text| (self.holds)(&text)),
            // Nothing was given, so there is nothing to prove.
            Err(_) if matches!(end, End::Exited { unread: true, .. }) => false,
            Err(source) => return Err(unproven(source)),
        };
        match end {
            _ if is_kept => Ok(()),
            End::Exited { status, .. } if !status.success() => {
                Err(WriteError::Failed { program, status })
            }
            End::Exited { unread: true, .. } => Err(WriteError::Unread { program }),
            End::Exited { .. } => Err(WriteError::NotKept {
                program,
                path: self.path.clone(),
            }),
            End::Killed => Err(WriteError::Late { program }),
        }
    }

    fn end(&self) -> Result<End, WriteError> {
        let failed = |source| WriteError::Command {
            program: self.program,
            source,
        };
        let (mut reader, mut writer) = io::pipe().map_err(failed)?;
        let text = self.stdin.clone();
        let feed = move || writer.write_all(text.as_bytes());
        let feeder = thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(feed)
            .map_err(failed)?;
        let mut command = Command::new(self.program);
        command.args(&self.arguments).stdout(Stdio::null());
        command.stdin(reader.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        // Its copy of the pipe's end is the child's alone.
        drop(command);
        let Some(status) = wait(&mut child).map_err(failed)? else {
            return Ok(End::Killed);
        };
        // What is still in the pipe was not read.
        let mut rest = Zeroizing::new(Vec::new());
        let left = reader.read_to_end(&mut rest).map_err(failed)?;
        let is_fed = feeder.join().is_ok_and(|written| written.is_ok());
        Ok(End::Exited {
            status,
            unread: left > 0 || !is_fed,
        })
    }
}

/// Waits for the end of a command, and ends it when its time is over; `None` then.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Deadline::after(LIMIT);
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if deadline.passed() => {
                return child.kill().and_then(|()| child.wait()).map(|_| None)
            }
            None => thread::sleep(PAUSE),
        }
    }
}
