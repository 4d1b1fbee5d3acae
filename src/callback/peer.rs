//! Who is at the other end of a loopback connection, and who holds a port, as the operating system tells it.

use std::net::SocketAddr;

/// What is known of the peer of a loopback connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A program of this user, or of the administrator.
    Ours,
    /// A program of another user, or one that is gone already.
    Foreign,
    /// The system does not tell.
    Unknown,
}

/// The program that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// Tells whose program is at `peer`, connected to our socket at `local`.
///
/// State and code challenge can be read by every user of a machine in the list of processes, so another user could
/// send us a code of his own for our challenge. Only the operating system knows who is calling.
#[cfg(target_os = "linux")]
pub fn peer(local: SocketAddr, peer: SocketAddr) -> Peer {
    linux::peer(local, peer)
}

/// Tells whose program is at `peer`; only Linux tells, so nobody is refused elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn peer(_local: SocketAddr, _peer: SocketAddr) -> Peer {
    Peer::Unknown
}

/// Returns the program of this user that listens on a TCP port, if the system tells.
#[cfg(target_os = "linux")]
pub fn holder(port: u16) -> Option<Holder> {
    linux::holder(port)
}

/// Returns the program that listens on a port; only Linux tells.
#[cfg(not(target_os = "linux"))]
pub fn holder(_port: u16) -> Option<Holder> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::time::Duration;

    use rustix::net::netlink::{SocketAddrNetlink, SOCK_DIAG};
    use rustix::net::sockopt::{set_socket_timeout, Timeout};
    use rustix::net::{
        recv, sendto, socket_with, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
    };
    use rustix::process::getuid;

    use super::{Holder, Peer};

    /// One row of the kernel's table: who owns a socket. A socket that is closed has no inode any more.
    struct Row {
        uid: u32,
        inode: u32,
    }

    pub fn peer(local: SocketAddr, peer: SocketAddr) -> Peer {
        let row = match ask_kernel(peer, local) {
            Ok(row) => row,
            Err(_) => match read_tables(peer, local) {
                Some(row) => row,
                None => return Peer::Unknown,
            },
        };
        match row {
            // The administrator counts as ours: relays of WSL, containers and ssh run as root.
            Some(row) if row.inode != 0 && (row.uid == 0 || row.uid == getuid().as_raw()) => {
                Peer::Ours
            }
            Some(row) if row.inode != 0 && stands_for_others(row.uid) => Peer::Unknown,
            _ => Peer::Foreign,
        }
    }

    /// Tells whether this number stands for all users whom this user namespace does not know, among them perhaps the relay
    /// that brings the user's own browser here, as `kubectl port-forward` does.
    ///
    /// Spec: user_namespaces(7), "Unmapped user and group IDs".
    fn stands_for_others(uid: u32) -> bool {
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
        // All users but the one that stands for none. What cannot be read is no reason to trust anybody.
        let knows_all = known.is_none_or(|known| known == 0 || known >= u64::from(u32::MAX));
        !knows_all && overflow.trim().parse() == Ok(uid)
    }

    const REQUEST_BYTES: usize = 72;

    /// Asks for the one socket at `source` that is connected to `destination`; `None` if there is none.
    fn ask_kernel(source: SocketAddr, destination: SocketAddr) -> rustix::io::Result<Option<Row>> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(SOCK_DIAG),
        )?;
        set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_secs(1)))?;
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(
            &socket,
            &question(source, destination),
            SendFlags::empty(),
            &kernel,
        )?;
        let mut answer = [0; 1024];
        let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
        read_answer(answer.get(..length).unwrap_or_default()).ok_or(rustix::io::Errno::PROTO)
    }

    /// Builds `struct nlmsghdr` and `struct inet_diag_req_v2`, in the byte order of this machine.
    fn question(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
        const SOCK_DIAG_BY_FAMILY: u16 = 20;
        const NLM_F_REQUEST: u16 = 1;
        const AF_INET: u8 = 2;
        const AF_INET6: u8 = 10;
        const IPPROTO_TCP: u8 = 6;
        let mut bytes = Vec::with_capacity(REQUEST_BYTES);
        bytes.extend((REQUEST_BYTES as u32).to_ne_bytes());
        bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        bytes.extend(NLM_F_REQUEST.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend([
            if source.is_ipv4() { AF_INET } else { AF_INET6 },
            IPPROTO_TCP,
            0,
            0,
        ]);
        bytes.extend(u32::MAX.to_ne_bytes());
        bytes.extend(source.port().to_be_bytes());
        bytes.extend(destination.port().to_be_bytes());
        for address in [source.ip(), destination.ip()] {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets().iter().chain(&[0; 12])),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        bytes.extend([0; 4]);
        bytes.extend([0xff; 8]);
        bytes
    }

    /// Reads `struct nlmsghdr` and `struct inet_diag_msg`; `None` if it is neither a row nor "no such socket".
    fn read_answer(answer: &[u8]) -> Option<Option<Row>> {
        const NLMSG_ERROR: u16 = 2;
        const SOCK_DIAG_BY_FAMILY: u16 = 20;
        const ENOENT: u32 = 2;
        const LISTEN: u8 = 10;
        const UID_AT: usize = 80;
        const INODE_AT: usize = 84;
        let word = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
        match kind {
            SOCK_DIAG_BY_FAMILY if *answer.get(17)? == LISTEN => Some(None),
            SOCK_DIAG_BY_FAMILY => Some(Some(Row {
                uid: word(UID_AT)?,
                inode: word(INODE_AT)?,
            })),
            NLMSG_ERROR if word(16)?.wrapping_neg() == ENOENT => Some(None),
            _ => None,
        }
    }

    /// Looks the socket up in the tables under `/proc`; `None` if they cannot be read.
    fn read_tables(source: SocketAddr, destination: SocketAddr) -> Option<Option<Row>> {
        let mut readable = false;
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let Ok(table) = fs::read_to_string(table) else {
                continue;
            };
            readable = true;
            for line in table.lines().skip(1) {
                if let Some((from, to, _, row)) = read_row(line) {
                    if same(from, source) && same(to, destination) {
                        return Some(Some(row));
                    }
                }
            }
        }
        readable.then_some(None)
    }

    fn same(one: SocketAddr, other: SocketAddr) -> bool {
        one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
    }

    fn read_row(line: &str) -> Option<(SocketAddr, SocketAddr, u8, Row)> {
        let mut fields = line.split_ascii_whitespace();
        let (from, to) = (read_address(fields.nth(1)?)?, read_address(fields.next()?)?);
        let state = u8::from_str_radix(fields.next()?, 16).ok()?;
        let row = Row {
            uid: fields.nth(3)?.parse().ok()?,
            inode: fields.nth(1)?.parse().ok()?,
        };
        Some((from, to, state, row))
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

    pub fn holder(port: u16) -> Option<Holder> {
        const LISTEN: u8 = 10;
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
            .map(|table| fs::read_to_string(table).unwrap_or_default());
        let rows = tables
            .iter()
            .flat_map(|table| table.lines().skip(1))
            .filter_map(read_row);
        let mut listening =
            rows.filter(|(from, _, state, _)| *state == LISTEN && from.port() == port);
        listening.find_map(|(_, _, _, row)| process_with(row.inode))
    }

    /// Finds the process of this user that has the socket open.
    fn process_with(inode: u32) -> Option<Holder> {
        let wanted = format!("socket:[{inode}]");
        for process in fs::read_dir("/proc").ok()?.flatten() {
            let Some(pid) = process
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let Ok(files) = fs::read_dir(process.path().join("fd")) else {
                continue;
            };
            let has_it = |file: fs::DirEntry| {
                fs::read_link(file.path()).is_ok_and(|it| it.as_os_str() == wanted.as_str())
            };
            if files.flatten().any(has_it) {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                return Some(Holder {
                    pid,
                    name: name.trim().to_owned(),
                });
            }
        }
        None
    }

    #[cfg(test)]
    mod tests {
        use std::net::{Shutdown, TcpListener, TcpStream};

        use super::*;

        fn pair(address: &str) -> Option<(TcpStream, TcpStream)> {
            let listener = TcpListener::bind(address).ok()?;
            let client = TcpStream::connect(listener.local_addr().ok()?).ok()?;
            Some((client, listener.accept().ok()?.0))
        }

        fn verdict(accepted: &TcpStream) -> Peer {
            peer(
                accepted.local_addr().expect("an address"),
                accepted.peer_addr().expect("an address"),
            )
        }

        #[test]
        fn v10_our_own_peer_is_ours_until_it_has_gone() {
            for address in ["127.0.0.1:0", "[::1]:0"] {
                let Some((client, accepted)) = pair(address) else {
                    continue;
                };
                assert_eq!(verdict(&accepted), Peer::Ours);
                client.shutdown(Shutdown::Write).expect("half-closing");
                assert_eq!(verdict(&accepted), Peer::Ours, "half-closed");
                let addresses = (
                    accepted.local_addr().expect("ours"),
                    accepted.peer_addr().expect("theirs"),
                );
                drop(client);
                assert_eq!(peer(addresses.0, addresses.1), Peer::Foreign, "gone");
            }
        }

        #[test]
        fn v10_the_kernel_and_the_tables_agree() {
            let (client, accepted) = pair("127.0.0.1:0").expect("a pair");
            let (theirs, ours) = (
                client.local_addr().expect("theirs"),
                accepted.local_addr().expect("ours"),
            );
            let asked = ask_kernel(theirs, ours).ok().flatten().expect("a row");
            let read = read_tables(theirs, ours).flatten().expect("a row");
            assert_eq!((asked.uid, asked.inode), (read.uid, read.inode));
            assert!(ask_kernel(SocketAddr::new(theirs.ip(), 1), ours)
                .expect("an answer")
                .is_none());
        }

        #[test]
        fn v10_a_mapped_address_is_the_same_peer() {
            let (client, accepted) = pair("127.0.0.1:0").expect("a pair");
            let (theirs, ours) = (
                client.local_addr().expect("theirs"),
                accepted.local_addr().expect("ours"),
            );
            assert!(same(
                "[::ffff:127.0.0.1]:5".parse().expect("an address"),
                "127.0.0.1:5".parse().expect("one")
            ));
            assert_eq!(peer(ours, theirs), Peer::Ours);
        }

        #[test]
        fn p54_who_is_unknown_to_the_namespace() {
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
            let holder =
                holder(listener.local_addr().expect("an address").port()).expect("a holder");
            assert_eq!(holder.pid, std::process::id());
            assert!(!holder.name.is_empty());
        }
    }
}
