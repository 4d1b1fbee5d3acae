//! The tables of TCP sockets in `/proc`, which have the owner of each.

mod diag;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::process::getuid;

use super::{is_same, Holder};

/// How often the table is read before a socket counts as closed: the kernel may leave out a row of a table that changes
/// while it is read.
const TABLE_READS: usize = 3;

/// A listening socket, in the third field of a row.
const LISTEN: u8 = 10;

/// One row of `/proc/net/tcp`: a socket and its owner. A socket that is closed has the inode 0.
///
/// Spec: proc_net_tcp in the documentation of Linux.
#[derive(Debug)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: u8,
    uid: u32,
    inode: u32,
}

pub(super) fn is_foreign(local: SocketAddr, peer: SocketAddr) -> bool {
    // Only the tables show that a socket is not there.
    if diag::find(peer, local).is_some_and(|row| is_trusted(&row)) {
        return false;
    }
    for _ in 0..TABLE_READS {
        let Some(mut rows) = read_rows(peer.port()) else {
            return false;
        };
        let is_peer = |row: &Row| is_same(row.local, peer) && is_same(row.remote, local);
        if let Some(row) = rows.find(is_peer) {
            return !is_trusted(&row);
        }
    }
    true
}

/// Returns whether a socket is open and belongs to this user, to the administrator (relays of WSL, containers and ssh run
/// as root), or to a user that this user namespace does not know.
fn is_trusted(row: &Row) -> bool {
    row.inode != 0 && (row.uid == 0 || row.uid == getuid().as_raw() || is_unmapped_user(row.uid))
}

/// Returns whether this is the number of all users whom this user namespace does not know, perhaps also that of a relay
/// between the user's own browser and this program, such as `kubectl port-forward`.
///
/// Spec: user_namespaces(7), "Unmapped user and group IDs".
fn is_unmapped_user(uid: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    is_overflow(
        uid,
        &read("/proc/sys/kernel/overflowuid"),
        &read("/proc/self/uid_map"),
    )
}

fn is_overflow(uid: u32, overflow: &str, map: &str) -> bool {
    let ranges = map
        .lines()
        .map(|line| line.split_ascii_whitespace().nth(2)?.parse::<u64>().ok());
    let known: Option<u64> = ranges.sum();
    // There are 2^32 - 1 users. What cannot be read is no reason to trust anybody.
    let knows_all = known.is_none_or(|known| known == 0 || known >= u64::from(u32::MAX));
    !knows_all && overflow.trim().parse() == Ok(uid)
}

/// Reads the TCP sockets with this port in this network namespace; `None` if the system does not show them. There may
/// be thousands of others, so they are never in memory at once, and only the digits of the port are looked for in them.
fn read_rows(port: u16) -> Option<impl Iterator<Item = Row>> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| File::open(path).ok());
    let is_shown = tables.iter().any(Option::is_some);
    let digits = format!(":{port:04X} ");
    let lines = |table| BufReader::new(table).lines().map_while(Result::ok);
    let lines = tables.into_iter().flatten().flat_map(lines);
    let rows = lines.filter(move |line| line.contains(&digits));
    is_shown.then(|| rows.filter_map(|line| read_row(&line)))
}

fn read_row(line: &str) -> Option<Row> {
    // Which sockets, state, queues, timer, retransmissions, owner, timeout, inode.
    let mut fields = line.split_ascii_whitespace().skip(1);
    Some(Row {
        local: read_address(fields.next()?)?,
        remote: read_address(fields.next()?)?,
        state: u8::from_str_radix(fields.next()?, 16).ok()?,
        uid: fields.nth(3)?.parse().ok()?,
        inode: fields.nth(1)?.parse().ok()?,
    })
}

/// Reads an address such as `0100007F:1F90`: words in the byte order of the machine, the port in plain hex.
fn read_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words = address.as_bytes().chunks(8).map(|word| {
        u32::from_str_radix(std::str::from_utf8(word).ok()?, 16)
            .ok()
            .map(u32::to_ne_bytes)
    });
    let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(address, port))
}

pub(super) fn holder(port: u16) -> Option<Holder> {
    read_rows(port)?
        .filter(|row| row.state == LISTEN && row.local.port() == port)
        .find_map(|row| process_with(row.inode))
}

/// Finds the process of this user that has the socket open.
fn process_with(inode: u32) -> Option<Holder> {
    let socket = format!("socket:[{inode}]");
    let is_socket = |file: fs::DirEntry| {
        fs::read_link(file.path()).is_ok_and(|it| it.as_os_str() == socket.as_str())
    };
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.any(is_socket).then(|| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let name = name.trim().to_owned();
            Holder { pid, name }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    fn pair(address: &str) -> Option<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(address).ok()?;
        let client = TcpStream::connect(listener.local_addr().ok()?).ok()?;
        Some((client, listener.accept().ok()?.0))
    }

    /// Waits until only this process has a socket, or nobody if it was closed: a process that another test starts has a copy of
    /// it until it runs its own program.
    fn wait_until(is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "still in another process"
            );
            std::thread::yield_now();
        }
    }

    #[test]
    fn v10_our_own_peer_is_trusted_while_it_is_connected() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Some((client, accepted)) = pair(address) else {
                continue;
            };
            let local = accepted.local_addr().expect("an address");
            let peer = accepted.peer_addr().expect("an address");
            assert!(!is_foreign(local, peer));
            client.shutdown(Shutdown::Write).expect("half-closing");
            assert!(!is_foreign(local, peer), "half-closed");
            drop(client);
            wait_until(|| is_foreign(local, peer));
        }
    }

    #[test]
    fn v10_the_kernel_and_its_tables_show_the_same_socket() {
        let (client, accepted) = pair("127.0.0.1:0").expect("a connection");
        let local = accepted.local_addr().expect("an address");
        let peer = accepted.peer_addr().expect("an address");
        let shown = |row: Row| (row.local, row.remote, row.state, row.uid, row.inode);
        let in_table = || {
            let mut rows = read_rows(peer.port()).expect("a table");
            rows.find(|row| is_same(row.local, peer) && is_same(row.remote, local))
        };
        // A kernel may lack this.
        if let Some(found) = diag::find(peer, local) {
            assert_eq!(Some(shown(found)), in_table().map(shown));
        }
        drop(client);
        wait_until(|| !diag::find(peer, local).is_some_and(|row| is_trusted(&row)));
        // Nobody is connected to a socket that listens.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let listens = listener.local_addr().expect("an address");
        assert!(diag::find(listens, local).is_none());
    }

    #[test]
    fn v10_a_mapped_address_is_the_same_peer() {
        let parse = |text: &str| text.parse().expect("an address");
        assert!(is_same(parse("[::ffff:127.0.0.1]:5"), parse("127.0.0.1:5")));
        assert!(!is_same(parse("127.0.0.2:5"), parse("127.0.0.1:5")));
    }

    #[test]
    fn v10_a_row_names_the_socket_and_its_owner() {
        let row = "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1";
        let row = read_row(row).expect("a row");
        assert_eq!(row.local.to_string(), "127.0.0.1:8080");
        assert_eq!(row.remote.to_string(), "127.0.0.1:50000");
        assert_eq!((row.state, row.uid, row.inode), (1, 1000, 4242));
        assert!(read_row("garbage").is_none());
    }

    #[test]
    fn p54_users_outside_the_user_namespace() {
        let (everybody, pod) = (
            "         0          0 4294967295\n",
            "         0     100000      65536\n",
        );
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        for (uid, overflow, map, expected) in [
            (65534, "65534\n", pod, true),
            (65534, "65534\n", rootless, true),
            (65534, "65534\n", everybody, false),
            (1000, "65534\n", pod, false),
            (65534, "65533\n", pod, false),
            (65534, "", pod, false),
            (65534, "65534\n", "", false),
            (65534, "65534\n", "garbage\n", false),
        ] {
            assert_eq!(
                is_overflow(uid, overflow, map),
                expected,
                "{uid} {overflow:?} {map:?}"
            );
        }
    }

    #[test]
    fn l1_the_holder_of_a_port_has_a_name() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // A process that another test starts holds it too, until it runs its own program.
        wait_until(|| holder(port).is_some_and(|holder| holder.pid == std::process::id()));
        assert!(holder(port).is_some_and(|holder| !holder.name.is_empty()));
    }
}
