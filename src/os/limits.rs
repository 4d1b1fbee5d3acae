//! What stops any work at all: limits of this process and of this machine, and rules that keep it from the network.

use std::error::Error;
use std::io::{self, ErrorKind};

#[cfg(unix)]
use rustix::io::Errno;

/// Returns what to do where this process or this machine has reached a limit, whatever it was doing; `None` if no error in the
/// chain says so.
pub fn hint(err: &(dyn Error + 'static)) -> Option<&'static str> {
    let own = err.downcast_ref().and_then(of_system);
    own.or_else(|| hint(err.source()?))
}

/// Returns what to do where this machine opens no connection, whoever is at its other end; `None` if that is not the reason.
pub fn connection_hint(err: &io::Error) -> Option<&'static str> {
    match err.kind() {
        ErrorKind::PermissionDenied => {
            Some("a sandbox or a firewall of this machine forbids the connection: run mcp-login outside of it, or allow it there")
        }
        _ => of_system(err),
    }
}

#[cfg(unix)]
fn of_system(err: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(err)? {
        Errno::MFILE => Some("this process may open no more files: allow it more with `ulimit -n 1024`, and run the command again"),
        Errno::NFILE => Some("this machine may open no more files: end some programs, and run the command again"),
        Errno::FBIG => Some("this process may write no larger file: allow it with `ulimit -f unlimited`, and run the command again"),
        _ => None,
    }
}

#[cfg(not(unix))]
fn of_system(_: &io::Error) -> Option<&'static str> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn r11_limits_have_hints_of_their_own() {
        for (errno, limit, network) in [
            (Errno::MFILE, Some("ulimit -n"), Some("ulimit -n")),
            (
                Errno::NFILE,
                Some("open no more files"),
                Some("open no more files"),
            ),
            (Errno::FBIG, Some("ulimit -f"), Some("ulimit -f")),
            // That passes.
            (Errno::NOMEM, None, None),
            (Errno::NOBUFS, None, None),
            // A file that may not be opened is no matter of a sandbox.
            (Errno::PERM, None, Some("sandbox")),
            (Errno::ACCESS, None, Some("sandbox")),
            (Errno::CONNREFUSED, None, None),
            (Errno::NETUNREACH, None, None),
            (Errno::NOSPC, None, None),
        ] {
            let err = io::Error::from(errno);
            let says = |hint: Option<&str>, word: Option<&str>| match (hint, word) {
                (Some(hint), Some(word)) => hint.contains(word),
                (hint, word) => hint == word,
            };
            assert!(says(connection_hint(&err), network), "{errno:?}");
            let wrapped = anyhow::Error::new(err).context("cannot open it");
            assert!(says(hint(wrapped.as_ref()), limit), "{errno:?}");
        }
    }
}
