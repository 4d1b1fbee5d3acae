//! Running a command with a live token in its environment. This process becomes the command: signals, the terminal and
//! the exit status are the command's own.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::store::Credentials;

/// Becomes the command; returns only if that fails. The token never stands in an argument.
pub fn exec(kept: Credentials, variable: &str, command: &[OsString]) -> Error {
    let Some((program, arguments)) = command.split_first() else {
        return Error::Usage {
            message: "there is no command to run".to_owned(),
            hint: None,
        };
    };
    let token = Zeroizing::new(kept.access_token.expose().to_owned());
    drop(kept);
    let source = Command::new(program)
        .args(arguments)
        .env(variable, token.as_str())
        .exec();
    let program = program.to_string_lossy().into_owned();
    Error::Command {
        program,
        not_found: source.kind() == ErrorKind::NotFound,
        source,
    }
}
