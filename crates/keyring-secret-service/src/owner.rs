//! Who owns the session bus: a shell that `su` started keeps the address of the bus of the previous user.
//!
//! Spec: D-Bus Specification, Server Addresses.

use std::env;
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;

use percent_encoding::percent_decode_str;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

/// What the kernel shows for a user that has no number in our user namespace.
const OVERFLOW_UID: u32 = 65_534;

/// Tells whether the bus that the environment names is another user's.
pub(crate) fn is_foreign() -> bool {
    let named = env::var("DBUS_SESSION_BUS_ADDRESS")
        .ok()
        .filter(|address| !address.is_empty());
    let usual = || {
        Some(format!(
            "unix:path={}/bus",
            env::var("XDG_RUNTIME_DIR").ok()?
        ))
    };
    let address = named.or_else(usual).unwrap_or_default();
    address.split(';').filter_map(socket).any(|socket| {
        match socket.and_then(|socket| owner(&socket)) {
            Ok(uid) => uid != geteuid().as_raw() && uid != OVERFLOW_UID,
            Err(err) => err.kind() == ErrorKind::PermissionDenied,
        }
    })
}

/// Returns the socket of an address, if it is one of this machine.
fn socket(address: &str) -> Option<io::Result<SocketAddr>> {
    address.strip_prefix("unix:")?.split(',').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value: Vec<u8> = percent_decode_str(value).collect();
        match name {
            "path" => Some(SocketAddr::from_pathname(Path::new(
                std::ffi::OsStr::from_bytes(&value),
            ))),
            "abstract" => Some(SocketAddr::from_abstract_name(&value)),
            _ => None,
        }
    })
}

/// Returns the user who listens at a socket.
fn owner(socket: &SocketAddr) -> io::Result<u32> {
    Ok(socket_peercred(UnixStream::connect_addr(socket)?)?
        .uid
        .as_raw())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_kernel_names_the_owner_of_a_bus() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a b");
        let _bus = UnixListener::bind(&path).expect("a socket");
        let address = format!("unix:path={}/a%20b,guid=0123", directory.path().display());
        let found = socket(&address).expect("a socket").expect("an address");
        assert_eq!(owner(&found).expect("an owner"), geteuid().as_raw());
        assert!(socket("unix:abstract=/tmp/dbus-x,guid=1")
            .expect("a socket")
            .is_ok());
        for none in [
            "",
            "tcp:host=localhost,port=1",
            "unix:",
            "unix:runtime=yes",
            "unixexec:path=/bin/true",
        ] {
            assert!(socket(none).is_none(), "{none}");
        }
    }
}
