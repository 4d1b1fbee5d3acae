//! Sockets beyond what the standard library offers: a pair that wakes a loop, and connections that are made without waiting.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{sockopt, AddressFamily};

use super::poll::OwnedFd;

/// One end of a pair of connected sockets. Each end can be read, written and waited for.
#[cfg(unix)]
pub type PairSocket = std::os::unix::net::UnixStream;

/// One end of a pair of connected sockets. Each end can be read, written and waited for.
#[cfg(windows)]
pub type PairSocket = TcpStream;

/// Returns two sockets that are connected to one another.
///
/// # Errors
///
/// What the operating system reports.
#[cfg(unix)]
pub fn pair() -> io::Result<(PairSocket, PairSocket)> {
    PairSocket::pair()
}

/// Returns two sockets that are connected to one another.
///
/// # Errors
///
/// What the operating system reports.
#[cfg(windows)]
pub fn pair() -> io::Result<(PairSocket, PairSocket)> {
    use std::net::{Ipv4Addr, TcpListener};
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    ours.set_nodelay(true)?;
    // Any program of this machine can connect to the port; only our own connection is used.
    loop {
        let (accepted, peer) = listener.accept()?;
        if peer == ours.local_addr()? {
            accepted.set_nodelay(true)?;
            return Ok((ours, accepted));
        }
    }
}

/// Returns two sockets that are connected to one another, and that are never waited for.
///
/// # Errors
///
/// What the operating system reports.
pub fn nonblocking_pair() -> io::Result<(PairSocket, PairSocket)> {
    let (one, other) = pair()?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((one, other))
}

/// Begins to connect, without waiting. The connection is made, or has failed, once the socket can be written to.
///
/// # Errors
///
/// What the operating system reports.
pub fn begin_to_connect(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let socket = open(family)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR | Errno::WOULDBLOCK) => Ok(socket),
        Err(err) => Err(err.into()),
    }
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn open(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::{socket_with, SocketFlags, SocketType};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(family, SocketType::STREAM, flags, None)?)
}

#[cfg(target_vendor = "apple")]
fn open(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::{socket, SocketType};
    let socket = socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// No child inherits it: the standard library passes on only what a command names.
#[cfg(windows)]
fn open(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::{socket, SocketType};
    // A no-op after the first call; the standard library makes its own when it first needs a socket.
    let _ = rustix::net::wsa_startup();
    let socket = socket(family, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Returns how an attempt to connect has ended.
///
/// # Errors
///
/// Why there is no connection.
pub fn finish_connecting(socket: OwnedFd) -> io::Result<TcpStream> {
    sockopt::socket_error(&socket)??;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Lets the system end a connection soon after its other end or the network between has gone: it is asked for a sign of life
/// after `silence`, then each `interval`, and given up after two that were in vain.
///
/// Spec: RFC 9293 section 3.8.4; RFC 5482 section 3.
pub fn notice_dead_peers(stream: &TcpStream, silence: Duration, interval: Duration) {
    // Without it a dead connection is noticed later.
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, silence);
    let _ = sockopt::set_tcp_keepintvl(stream, interval);
    let _ = sockopt::set_tcp_keepcnt(stream, 2);
    #[cfg(target_os = "linux")]
    let _ = sockopt::set_tcp_user_timeout(stream, 8000);
}

/// Whether the system sets no time limit any more once the other end of a connection has closed.
pub const REFUSES_LIMITS_OF_THE_CLOSED: bool = cfg!(target_vendor = "apple");

/// Tells whether the other end of a connection gave no sign of life.
pub fn is_dead_peer(err: &io::Error) -> bool {
    err.raw_os_error() == Some(Errno::TIMEDOUT.raw_os_error())
}

/// Tells whether this machine lacks a whole family of addresses.
pub fn has_no_family(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::AddrNotAvailable
        || err.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

/// Tells whether a port cannot be bound because something else has it: another program or, on Windows, the system itself,
/// which reserves ranges for virtual machines and answers 10013.
pub fn is_taken(err: &io::Error) -> bool {
    is_taken_on(cfg!(windows), err.kind())
}

fn is_taken_on(is_windows: bool, kind: io::ErrorKind) -> bool {
    kind == io::ErrorKind::AddrInUse || is_windows && kind == io::ErrorKind::PermissionDenied
}

/// Returns whether this process has few descriptors left beside `highest` of the sockets that are open: the system gives the
/// lowest free number, so a high one shows that all below it are in use, by whatever part of the program.
#[cfg(unix)]
pub fn is_crowded<'a>(
    sockets: impl Iterator<Item = &'a TcpStream>,
    reserved: u32,
    most: u32,
) -> bool {
    use std::os::fd::AsRawFd as _;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let limit = limit.unwrap_or(most).min(most);
    let highest = sockets.map(|it| it.as_raw_fd()).max().unwrap_or(0);
    highest.unsigned_abs() + reserved >= limit
}

/// Returns whether this process has few descriptors left: never, because Windows limits them by memory only.
#[cfg(windows)]
pub fn is_crowded<'a>(_: impl Iterator<Item = &'a TcpStream>, _: u32, _: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn win8_a_port_that_windows_has_reserved_is_taken() {
        for (kind, on_unix, on_windows) in [
            (ErrorKind::AddrInUse, true, true),
            (ErrorKind::PermissionDenied, false, true),
            (ErrorKind::AddrNotAvailable, false, false),
        ] {
            assert_eq!(is_taken_on(false, kind), on_unix, "{kind}");
            assert_eq!(is_taken_on(true, kind), on_windows, "{kind}");
        }
        #[cfg(windows)]
        assert!(is_taken(&io::Error::from_raw_os_error(10013)));
    }
}
