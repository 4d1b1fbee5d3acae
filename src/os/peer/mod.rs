//! Whose program is at the other end of a loopback connection, and which one holds a port: asked of the kernel on Linux, and from the
//! system's tables on Windows.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows.rs"]
mod platform;

use std::net::SocketAddr;

/// The program that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// Returns whether the program at `peer`, connected to our socket at `local`, belongs to another user or has exited.
/// `false` where the system does not say, as on macOS.
///
/// Every user of a machine can read the state and the code challenge in the list of processes, so another user could send
/// us a code of their own for our challenge. Only the operating system knows who connects.
pub fn is_foreign(local: SocketAddr, peer: SocketAddr) -> bool {
    #[cfg(any(target_os = "linux", windows))]
    return platform::is_foreign(local, peer);
    #[cfg(not(any(target_os = "linux", windows)))]
    {
        let _ = (local, peer);
        false
    }
}

/// Returns the program of this user that listens on a TCP port; `None` if the system does not say.
pub fn holder(port: u16) -> Option<Holder> {
    #[cfg(any(target_os = "linux", windows))]
    return platform::holder(port);
    #[cfg(not(any(target_os = "linux", windows)))]
    {
        let _ = port;
        None
    }
}

#[cfg(any(target_os = "linux", windows))]
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}
