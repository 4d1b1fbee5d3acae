//! The table of TCP connections, which has the process of each, and the owners of processes.

use std::net::{IpAddr, SocketAddr};

use netstat2::{
    iterate_sockets_info, AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, TcpSocketInfo,
    TcpState,
};

use super::{is_same, Holder};
use crate::os::process;

/// How often the table is read before a connection counts as closed.
const TABLE_READS: usize = 2;

/// The process to which Windows gives what belongs to none, such as connections that are closed. Wine gives it the open
/// connections of programs that do not run under it; Windows itself knows the program of each.
const NONE: u32 = 0;

pub(super) fn is_foreign(local: SocketAddr, peer: SocketAddr) -> bool {
    for _ in 0..TABLE_READS {
        let Some(rows) = read_rows(local.ip()) else {
            return false;
        };
        let is_peer = |row: &SocketRow| is_same(row.local, peer) && is_same(row.remote, local);
        if let Some(row) = rows.into_iter().find(is_peer) {
            log::debug!(
                "the connection from {peer} is that of process {:?}",
                row.pid
            );
            return match row.pid {
                Some(NONE) => !row.is_open,
                Some(pid) => !is_trusted(pid),
                None => true,
            };
        }
    }
    true
}

/// Returns whether a process belongs to this user. Of those of others the system does not say whose they are.
fn is_trusted(pid: u32) -> bool {
    let own = std::process::id();
    pid == own || process::owner(pid).is_some_and(|it| Some(it) == process::owner(own))
}

pub(super) fn holder(port: u16) -> Option<Holder> {
    let is_listening = |row: &SocketRow| row.is_listening && row.local.port() == port;
    let families = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0_u16; 8])];
    let rows = families.into_iter().filter_map(read_rows).flatten();
    let pid = rows.filter(is_listening).find_map(|row| row.pid)?;
    let name = process::name(pid)?;
    Some(Holder { pid, name })
}

struct SocketRow {
    local: SocketAddr,
    remote: SocketAddr,
    is_listening: bool,
    is_open: bool,
    pid: Option<u32>,
}

/// Returns the connections of the family of an address; `None` if the system does not show them.
fn read_rows(of: IpAddr) -> Option<Vec<SocketRow>> {
    let family = match of {
        IpAddr::V4(_) => AddressFamilyFlags::IPV4,
        IpAddr::V6(_) => AddressFamilyFlags::IPV6,
    };
    let found = iterate_sockets_info(family, ProtocolFlags::TCP).ok()?;
    let row = |(tcp, pids): (TcpSocketInfo, Vec<u32>)| SocketRow {
        local: SocketAddr::new(tcp.local_addr, tcp.local_port),
        remote: SocketAddr::new(tcp.remote_addr, tcp.remote_port),
        is_listening: tcp.state == TcpState::Listen,
        is_open: tcp.state == TcpState::Established,
        pid: pids.first().copied(),
    };
    let rows = found
        .flatten()
        .filter_map(|it| match it.protocol_socket_info {
            ProtocolSocketInfo::Tcp(tcp) => Some((tcp, it.associated_pids)),
            ProtocolSocketInfo::Udp(_) => None,
        });
    Some(rows.map(row).collect())
}
