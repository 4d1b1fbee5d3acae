//! TCP connections: the addresses of a host are tried 250 ms apart, and the first connection is used.
//!
//! Spec: RFC 8305 (Happy Eyeballs), sections 4 and 5.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::time::{Duration as Limit, Instant as Moment};
use ureq::unversioned::transport::{ConnectionDetails, Connector, Either, NextTimeout, Transport};

use super::connector::note_opened;
use super::connector::ConnectError;
use super::stream::TcpTransport;
use crate::os::poll::{self, AsFd as _, OwnedFd, PollFlags};
use crate::os::socket;
use crate::os::sync::lock;

/// How long an address is given before the next one is tried beside it.
///
/// Spec: RFC 8305 section 5, the Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Most addresses that are remembered because they answered.
const MAX_REMEMBERED: usize = 64;

/// What the earlier connections of this run have shown.
static REMEMBERED: Mutex<AddressHistory> = Mutex::new(AddressHistory {
    answered: Vec::new(),
    family: None,
});

/// Opens TCP connections to the first address that answers, in place of ureq's `TcpConnector`.
#[derive(Debug, Default)]
pub struct HappyEyeballsConnector;

impl<In: Transport> Connector<In> for HappyEyeballsConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if chained.is_some() {
            return Ok(chained.map(Either::A));
        }
        let elapsed = match details.now {
            Moment::Exact(since) => since.elapsed(),
            Moment::AlreadyHappened | Moment::NotHappening => Duration::ZERO,
        };
        let stream = connect(&details.addrs, details.timeout, elapsed)?;
        stream.set_nodelay(details.config.no_delay())?;
        socket::notice_dead_peers(&stream, SILENCE, PROBE_INTERVAL);
        let transport = TcpTransport::new(stream, details);
        note_opened(transport.opened());
        Ok(Some(Either::B(transport)))
    }
}

/// How long a connection is silent before its other end is asked for a sign of life, and how long the answer may take.
const SILENCE: Duration = Duration::from_secs(5);
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Connects to one of these addresses within what is left of a time limit, and remembers which one it was.
///
/// # Errors
///
/// [`ureq::Error::Timeout`] when the time is over; otherwise the most informative error of all addresses.
pub fn connect(
    addresses: &[SocketAddr],
    limit: NextTimeout,
    elapsed: Duration,
) -> Result<TcpStream, ureq::Error> {
    let deadline = match limit.after {
        Limit::Exact(after) => Some(Instant::now() + after.saturating_sub(elapsed)),
        Limit::NotHappening => None,
    };
    let (stream, address, others) = connect_any(&order(addresses), deadline, limit.reason)?;
    lock(&REMEMBERED).note(address, &others);
    log::debug!("connected to {address}");
    Ok(stream)
}

/// Returns the addresses in the order in which they are tried.
pub fn order(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    lock(&REMEMBERED).order(addresses)
}

/// What answered before, in this run.
#[derive(Debug, Default)]
struct AddressHistory {
    answered: Vec<IpAddr>,
    /// Whether connections worked over IPv6 (`true`) or IPv4 when the other family was tried too and did not answer.
    family: Option<bool>,
}

impl AddressHistory {
    /// Returns the addresses in the order in which they are tried: those that answered before, then both families in
    /// turns. The family comes first that answered where the other did not; else that of the resolver's first address.
    ///
    /// Spec: RFC 8305 section 4.
    fn order(&self, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        let (mut ordered, rest): (Vec<_>, Vec<_>) = addresses
            .iter()
            .partition(|address| self.answered.contains(&address.ip()));
        let first_family = self
            .family
            .unwrap_or_else(|| rest.first().is_some_and(SocketAddr::is_ipv6));
        let (mut first, mut second): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|address| address.is_ipv6() == first_family);
        first.reverse();
        second.reverse();
        while !(first.is_empty() && second.is_empty()) {
            ordered.extend(first.pop());
            ordered.extend(second.pop());
        }
        ordered
    }

    /// Notes an address that answered, and those that were tried before it or beside it.
    fn note(&mut self, address: SocketAddr, others: &[SocketAddr]) {
        let address = address.ip();
        if !self.answered.contains(&address) && self.answered.len() < MAX_REMEMBERED {
            self.answered.push(address);
        }
        let is_other_family = |other: &SocketAddr| other.is_ipv6() != address.is_ipv6();
        if others.iter().any(is_other_family) {
            self.family = Some(address.is_ipv6());
        }
    }
}

/// Tries the addresses one after another, without waiting more than [`ATTEMPT_DELAY`] for each before the next one is
/// tried as well. The other attempts are closed on return. Returns the connection, its address, and the addresses that were tried
/// before it or beside it.
fn connect_any(
    addresses: &[SocketAddr],
    deadline: Option<Instant>,
    reason: ureq::Timeout,
) -> Result<(TcpStream, SocketAddr, Vec<SocketAddr>), ureq::Error> {
    let mut untried = addresses.iter().copied();
    let mut attempts: Vec<(SocketAddr, OwnedFd)> = Vec::new();
    let mut failures = Vec::new();
    let mut next_attempt = Instant::now();
    loop {
        if attempts.is_empty() || Instant::now() >= next_attempt {
            if let Some(address) = untried.next() {
                match socket::begin_to_connect(address) {
                    Ok(socket) => {
                        attempts.push((address, socket));
                        next_attempt = Instant::now() + ATTEMPT_DELAY;
                    }
                    // Nothing is to be waited for: the next address has its turn at once.
                    Err(err) => failures.push((address, err)),
                }
                continue;
            }
            if attempts.is_empty() {
                return Err(most_informative(failures));
            }
        }
        let now = Instant::now();
        let until_attempt =
            (untried.len() > 0).then(|| next_attempt.saturating_duration_since(now));
        let until_deadline = deadline.map(|deadline| deadline.saturating_duration_since(now));
        if until_deadline.is_some_and(|left| left.is_zero()) {
            return Err(ureq::Error::Timeout(reason));
        }
        let limit = until_attempt.into_iter().chain(until_deadline).min();
        let Some(at) = wait(&attempts, limit)? else {
            continue;
        };
        let (address, attempt) = attempts.remove(at);
        match socket::finish_connecting(attempt) {
            Ok(stream) => {
                let tried = attempts.iter().map(|(address, _)| *address);
                let failed = failures.iter().map(|(address, _)| *address);
                return Ok((stream, address, tried.chain(failed).collect()));
            }
            Err(err) => {
                failures.push((address, err));
                next_attempt = Instant::now();
            }
        }
    }
}

/// Waits until an attempt has ended, and returns which; `None` if the time is over.
fn wait(attempts: &[(SocketAddr, OwnedFd)], limit: Option<Duration>) -> io::Result<Option<usize>> {
    let watched: Vec<_> = attempts
        .iter()
        .map(|(_, socket)| (socket.as_fd(), PollFlags::OUT))
        .collect();
    let ready = poll::wait(&watched, limit)?;
    Ok(ready.iter().position(|flags| !flags.is_empty()))
}

/// Returns the most informative error: a refusal by the host is more so than a family of addresses without a route.
fn most_informative(failures: Vec<(SocketAddr, io::Error)>) -> ureq::Error {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied,
        TimedOut,
    };
    let no_port = |(address, err): &(SocketAddr, io::Error)| {
        err.kind() == AddrNotAvailable && address.port() != 0 && has_source_address(*address)
    };
    if failures.iter().any(no_port) {
        return ConnectError::NoLocalPort.into();
    }
    let rank = |err: &io::Error| match err.kind() {
        ConnectionRefused => 1,
        TimedOut => 2,
        HostUnreachable => 3,
        PermissionDenied => 4,
        NetworkUnreachable | AddrNotAvailable => 5,
        _ => 0,
    };
    match failures.into_iter().map(|(_, err)| err).min_by_key(rank) {
        Some(err) => ureq::Error::Io(err),
        None => ureq::Error::HostNotFound,
    }
}

/// Tells whether this computer has an address from which the other can be reached. The system reports the same error if no
/// local port is left; a UDP socket, which sends nothing, tells the two apart.
fn has_source_address(address: SocketAddr) -> bool {
    let unspecified = if address.is_ipv6() {
        "[::]:0"
    } else {
        "0.0.0.0:0"
    };
    let socket = UdpSocket::bind(unspecified);
    socket.and_then(|socket| socket.connect(address)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        let parse = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), 443);
        text.split_whitespace().map(parse).collect()
    }

    #[test]
    fn p65_both_families_are_tried_in_turns() {
        for (answered, family, given, expected) in [
            ("", None, "", ""),
            ("", None, "1.1.1.1 1.1.1.2", "1.1.1.1 1.1.1.2"),
            ("", None, "2::1 2::2 2::3 1.1.1.1", "2::1 1.1.1.1 2::2 2::3"),
            (
                "",
                None,
                "2::1 2::2 1.1.1.1 1.1.1.2",
                "2::1 1.1.1.1 2::2 1.1.1.2",
            ),
            ("", None, "1.1.1.1 1.1.1.2 2::1", "1.1.1.1 2::1 1.1.1.2"),
            ("", Some(false), "2::1 2::2 1.1.1.1", "1.1.1.1 2::1 2::2"),
            ("", Some(true), "1.1.1.1 2::1", "2::1 1.1.1.1"),
            ("", Some(false), "2::1 2::2", "2::1 2::2"),
            (
                "1.1.1.2",
                None,
                "2::1 1.1.1.1 1.1.1.2",
                "1.1.1.2 2::1 1.1.1.1",
            ),
            ("9.9.9.9", None, "2::1 1.1.1.1", "2::1 1.1.1.1"),
        ] {
            let answered = addresses(answered).iter().map(SocketAddr::ip).collect();
            let remembered = AddressHistory { answered, family };
            assert_eq!(
                remembered.order(&addresses(given)),
                addresses(expected),
                "{given}"
            );
        }
    }

    #[test]
    fn p65_a_family_is_preferred_when_the_other_did_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        for (others, expected) in [("", None), ("1.1.1.1", None), ("2::1", Some(false))] {
            let mut remembered = AddressHistory::default();
            remembered.note(address, &addresses(others));
            assert_eq!(remembered.family, expected, "{others}");
            assert_eq!(remembered.answered, [address.ip()]);
        }
    }

    #[test]
    fn p65_after_a_failure_the_next_address_is_tried_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let good = listener.local_addr().expect("an address");
        // Nobody listens at this port of old, and nobody is given it.
        let closed = SocketAddr::from(([127, 0, 0, 1], 1));
        let reason = ureq::Timeout::Connect;
        let addresses = [closed, closed, closed, closed, good];
        let time = || {
            let started = Instant::now();
            let deadline = Some(started + Duration::from_secs(60));
            let connected = connect_any(&addresses, deadline, reason);
            let (_, address, others) = connected.expect("a connection");
            assert_eq!((address, others.len()), (good, 4));
            started.elapsed()
        };
        // A busy machine holds up some of many.
        let shortest = std::iter::repeat_with(time).take(20).min();
        assert!(shortest < Some(ATTEMPT_DELAY), "{shortest:?}");
        let Err(ureq::Error::Io(err)) = connect_any(&[closed, closed], None, reason) else {
            panic!("nobody is there")
        };
        assert_eq!(err.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn p65_the_most_specific_error_is_reported() {
        use io::ErrorKind::{
            ConnectionRefused, HostUnreachable, NetworkUnreachable, Other, PermissionDenied,
        };
        for (kinds, expected) in [
            (
                &[NetworkUnreachable, ConnectionRefused][..],
                ConnectionRefused,
            ),
            (&[ConnectionRefused, NetworkUnreachable], ConnectionRefused),
            (&[NetworkUnreachable, HostUnreachable], HostUnreachable),
            (&[NetworkUnreachable, PermissionDenied], PermissionDenied),
            (&[ConnectionRefused, Other], Other),
        ] {
            let address = SocketAddr::from(([127, 0, 0, 1], 1));
            let failures = kinds
                .iter()
                .map(|kind| (address, io::Error::from(*kind)))
                .collect();
            let ureq::Error::Io(err) = most_informative(failures) else {
                panic!("{kinds:?}")
            };
            assert_eq!(err.kind(), expected, "{kinds:?}");
        }
        // Without a source address, a local port is not what is missing.
        let not_available = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(matches!(
            most_informative(vec![(loopback, not_available())]),
            ureq::Error::Other(_)
        ));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        assert!(matches!(
            most_informative(vec![(nowhere, not_available())]),
            ureq::Error::Io(_)
        ));
    }
}
