//! The sockets of one login: bound once and held to its end, read within limits, answered without waiting.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::pages::Page;
use super::request::{MAX_FORM_BYTES, MAX_HEAD_BYTES};
use super::{is_refused_by_browsers, RedirectHost, RedirectTarget};
use crate::failure::{About, Code, Failure, Hint};
use crate::os::clock::Deadline;
use crate::os::limits;
use crate::os::poll::{AsFd as _, BorrowedFd, PollFlags};
use crate::os::shell;
use crate::os::socket::{self, has_no_family, is_taken};

/// Most connections that are open at once; an old one makes room for a new one.
const MAX_CONNECTIONS: usize = 128;

/// Most connections that are accepted before those at hand are read.
const ACCEPT_BATCH: usize = 16;

/// How many file descriptors strangers leave to the rest of the program: an accepted code has to be exchanged and stored
/// even if they take every connection they can get.
const RESERVED_DESCRIPTORS: u32 = 24;

/// Descriptors from this number on are not used, however many the system would give: the library that speaks to the
/// keyring cannot handle them.
const MAX_DESCRIPTORS: u32 = 1024;

/// Pause after the system could not give us one more connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How many free ports are tried until one is free for both address families.
const PAIR_ATTEMPTS: usize = 16;

/// How many free ports are tried until one is found that browsers open; there are fewer that they do not.
const PORT_ATTEMPTS: usize = 96;

/// Longest time for a connection to ourselves, which shows that loopback works at all.
const SELF_CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program holds the one port that will do.
    #[error("the port is already in use")]
    Taken(u16),
    /// No port is left: other programs use them all.
    #[error("no port of this machine is free")]
    UsedUp,
    /// The system has no socket for us, or loopback does not work.
    #[error("{0}")]
    Impossible(io::Error),
}

impl Failure for BindError {
    fn code(&self) -> Code {
        match self {
            Self::Taken(_) => Code::PortTaken,
            Self::UsedUp | Self::Impossible(_) => Code::CannotListen,
        }
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Taken(port) => format!(
                "leave out --port or --redirect-uri to take any free port, stop the program that holds port {port}, or \
                 allow pasting{}",
                shell::RESERVED_PORTS
            ),
            Self::UsedUp => {
                let command = shell::PORTS_COMMAND;
                format!(
                    "other programs use all ports of this machine (see `{command}`): end some, or run this in a \
                     terminal, or with --paste, and paste the answer"
                )
            }
            Self::Impossible(err) => limits::connection_hint(err)
                .unwrap_or("run this in a terminal, or with --paste, and paste the answer")
                .to_owned(),
        };
        Some(hint.into())
    }
}

/// Checks what has come of a request, and holds or answers its connection.
type OnRequest<'a> = dyn FnMut(&mut Connection, &RedirectTarget) + 'a;

/// The sockets of one login.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    redirect_uri: String,
    target: RedirectTarget,
    connections: Vec<Connection>,
    accept_again: Option<Deadline>,
    accept_failed: bool,
}

impl Listener {
    /// Binds the sockets. They stay bound until the login ends.
    ///
    /// # Errors
    ///
    /// [`BindError::Taken`] if a fixed port is held by another program.
    ///
    /// Spec: RFC 8252 sections 7.3 and 8.3.
    pub fn bind(redirect: &RedirectTarget) -> Result<Self, BindError> {
        let mut failure = BindError::Impossible(ErrorKind::AddrNotAvailable.into());
        let any = redirect.any_port.then_some(0);
        // A port that browsers refuse is used only if the user names it.
        let ports = redirect
            .ports
            .iter()
            .copied()
            .filter(|port| !redirect.any_port || !is_refused_by_browsers(*port));
        for port in ports.chain(any) {
            match bind_host(redirect.host, port) {
                Ok((sockets, host)) => {
                    return Self::new(sockets, host, redirect).map_err(|err| match err.kind() {
                        // The connection to ourselves takes a port too.
                        ErrorKind::AddrNotAvailable => BindError::UsedUp,
                        _ => BindError::Impossible(err),
                    });
                }
                Err(err) if is_taken(&err) && port != 0 => failure = BindError::Taken(port),
                Err(err) if is_taken(&err) => failure = BindError::UsedUp,
                Err(err) => failure = BindError::Impossible(err),
            }
        }
        Err(failure)
    }

    fn new(sockets: Vec<TcpListener>, host: &str, redirect: &RedirectTarget) -> io::Result<Self> {
        let mut port = 0;
        for socket in &sockets {
            let address = socket.local_addr()?;
            TcpStream::connect_timeout(&address, SELF_CONNECT_LIMIT)?;
            socket.set_nonblocking(true)?;
            port = address.port();
        }
        Ok(Self {
            sockets,
            redirect_uri: redirect.uri(host, port),
            target: redirect.clone(),
            connections: Vec::new(),
            accept_again: None,
            accept_failed: false,
        })
    }

    /// Returns the redirect URI, derived from the bound socket.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns what to wait for, in an order that [`Self::advance`] knows.
    pub fn interests(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let accepting = match self.accept_again {
            None => PollFlags::IN,
            Some(_) => PollFlags::empty(),
        };
        let sockets = self.sockets.iter();
        let connections = self.connections.iter();
        sockets
            .map(move |socket| (socket.as_fd(), accepting))
            .chain(connections.map(|it| (it.stream().as_fd(), it.interest())))
    }

    /// Returns the moment at which [`Self::advance`] has to be called even if nothing happens.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let deadlines = self.connections.iter().filter_map(Connection::deadline);
        deadlines.chain(self.accept_again).reduce(Deadline::min)
    }

    /// Accepts, reads and writes what is ready, in the order of [`Self::interests`], and closes what took too long.
    /// `on_request` is called for each connection of whose request more has come.
    pub fn advance(&mut self, ready: &[PollFlags], on_request: &mut OnRequest) {
        let limit = self.request_limit();
        let (sockets, connections) = ready.split_at(self.sockets.len().min(ready.len()));
        for (connection, flags) in self.connections.iter_mut().zip(connections) {
            if connection.deadline().is_some_and(Deadline::passed) {
                connection.expire();
            } else if !flags.is_empty() && connection.advance(limit) {
                on_request(connection, &self.target);
            }
        }
        self.connections.retain(|connection| !connection.is_over());
        if self.accept_again.is_some_and(Deadline::passed) {
            self.accept_again = None;
        }
        if sockets.iter().any(|flags| !flags.is_empty()) {
            self.accept(on_request);
        }
    }

    /// Returns the size of the largest request that is read, in bytes.
    fn request_limit(&self) -> usize {
        if self.target.forms {
            MAX_HEAD_BYTES + MAX_FORM_BYTES
        } else {
            MAX_HEAD_BYTES
        }
    }

    fn accept(&mut self, on_request: &mut OnRequest) {
        for index in 0..self.sockets.len() {
            for _ in 0..ACCEPT_BATCH {
                let Some(socket) = self.sockets.get(index) else {
                    break;
                };
                match socket.accept() {
                    Ok((stream, peer)) => {
                        self.accept_failed = false;
                        self.serve(stream, peer, on_request);
                    }
                    Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                    Err(err)
                        if matches!(
                            err.kind(),
                            ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                        ) => {}
                    Err(_) => {
                        // A failure that a pause cures closes no connection.
                        if self.accept_failed {
                            self.make_room(on_request);
                        }
                        self.accept_failed = true;
                        self.accept_again = Some(Deadline::after(ACCEPT_PAUSE));
                        return;
                    }
                }
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, peer: SocketAddr, on_request: &mut OnRequest) {
        let is_full = self.connections.len() >= MAX_CONNECTIONS || self.is_crowded(&stream);
        if is_full && !self.make_room(on_request) {
            return;
        }
        let Some(mut connection) = Connection::new(stream, peer, Arc::clone(&self.target.server))
        else {
            return;
        };
        if connection.advance(self.request_limit()) {
            on_request(&mut connection, &self.target);
        }
        if !connection.is_over() {
            self.connections.push(connection);
        }
    }

    /// Returns whether this process has few descriptors left for a new connection beside those there are.
    fn is_crowded(&self, new: &TcpStream) -> bool {
        let streams = self.connections.iter().map(Connection::stream).chain([new]);
        !self.connections.is_empty()
            && socket::is_crowded(streams, RESERVED_DESCRIPTORS, MAX_DESCRIPTORS)
    }

    /// Drops the oldest of the connections that have sent nothing, or the oldest of the others, whichever are more: no kind
    /// drives out the other, and a new one has time to send its request.
    fn make_room(&mut self, on_request: &mut OnRequest) -> bool {
        let limit = self.request_limit();
        loop {
            let expendable = self.connections.iter().filter(|it| it.is_expendable());
            let (silent, others): (Vec<_>, Vec<_>) = expendable.partition(|it| it.is_silent());
            let is_silent = silent.len() >= others.len();
            let is_next = |it: &Connection| it.is_expendable() && it.is_silent() == is_silent;
            let Some(oldest) = self.connections.iter().position(is_next) else {
                return false;
            };
            let connection = &mut self.connections[oldest];
            // What it has sent since the last look counts.
            if !is_silent || !connection.advance(limit) {
                self.connections.remove(oldest);
                return true;
            }
            on_request(connection, &self.target);
        }
    }

    /// Returns whether browsers wait for the page of the answer that was accepted.
    pub fn holds_browsers(&self) -> bool {
        self.connections.iter().any(Connection::is_held)
    }

    /// Sends their page to the browsers that wait for it.
    pub fn answer_held(&mut self, page: Page) {
        for connection in self.connections.iter_mut().filter(|it| it.is_held()) {
            connection.answer(page);
        }
    }
}

/// Listens on a loopback address and connects to it, to find out whether this machine can.
///
/// # Errors
///
/// The error of the system; `None` if the machine has no such address at all.
pub fn try_loopback(address: IpAddr) -> Result<(), Option<io::Error>> {
    let bound = TcpListener::bind(SocketAddr::new(address, 0));
    let socket = bound.map_err(|err| if has_no_family(&err) { None } else { Some(err) })?;
    TcpStream::connect_timeout(&socket.local_addr().map_err(Some)?, SELF_CONNECT_LIMIT)
        .map(drop)
        .map_err(Some)
}

/// Binds the sockets for a host and returns the host that the redirect URI has to name. A free port, for which 0 is given, is
/// one that browsers open.
fn bind_host(host: RedirectHost, port: u16) -> io::Result<(Vec<TcpListener>, &'static str)> {
    // Ports that browsers refuse are held until the search ends, so that the system does not give them again.
    let mut refused = Vec::new();
    for _ in 0..PORT_ATTEMPTS {
        let (sockets, name) = bind_once(host, port)?;
        let bound = sockets
            .first()
            .and_then(|socket| socket.local_addr().ok())
            .map_or(0, |address| address.port());
        if port != 0 || !is_refused_by_browsers(bound) {
            return Ok((sockets, name));
        }
        refused.push(sockets);
    }
    Err(ErrorKind::AddrInUse.into())
}

fn bind_once(host: RedirectHost, port: u16) -> io::Result<(Vec<TcpListener>, &'static str)> {
    let v4 = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let v6 = |port| TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    match host {
        RedirectHost::V4 => match v4(port) {
            Err(err) if has_no_family(&err) => Ok((vec![v6(port)?], "[::1]")),
            socket => Ok((vec![socket?], "127.0.0.1")),
        },
        RedirectHost::V6 => Ok((vec![v6(port)?], "[::1]")),
        RedirectHost::Localhost => bind_pair(port).map(|sockets| (sockets, "localhost")),
    }
}

/// Binds one port for both families, so that nobody else can receive what is meant for `localhost`.
fn bind_pair(port: u16) -> io::Result<Vec<TcpListener>> {
    let bind = |address: IpAddr, port| TcpListener::bind(SocketAddr::new(address, port));
    // Ports that are free for one family only are held until the search ends, so that the system does not give them again.
    let mut half_free = Vec::new();
    for _ in 0..PAIR_ATTEMPTS {
        let v4 = match bind(Ipv4Addr::LOCALHOST.into(), port) {
            Err(err) if has_no_family(&err) => {
                return Ok(vec![bind(Ipv6Addr::LOCALHOST.into(), port)?])
            }
            socket => socket?,
        };
        match bind(Ipv6Addr::LOCALHOST.into(), v4.local_addr()?.port()) {
            Ok(v6) => return Ok(vec![v4, v6]),
            Err(err) if has_no_family(&err) => return Ok(vec![v4]),
            Err(err) if is_taken(&err) && port == 0 => half_free.push(v4),
            Err(err) => return Err(err),
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(host: RedirectHost, ports: &[u16], any_port: bool) -> RedirectTarget {
        RedirectTarget {
            host,
            path: "/callback".into(),
            ports: ports.to_vec(),
            any_port,
            ..RedirectTarget::default()
        }
    }

    fn port_of(listener: &Listener) -> u16 {
        listener.sockets[0].local_addr().expect("an address").port()
    }

    #[test]
    fn na1_u3_the_redirect_uri_is_the_bound_socket() {
        let one = Listener::bind(&wanted(RedirectHost::V4, &[], true)).expect("a socket");
        let two = Listener::bind(&wanted(RedirectHost::V4, &[], true)).expect("a socket");
        assert_eq!(
            one.redirect_uri(),
            format!("http://127.0.0.1:{}/callback", port_of(&one))
        );
        assert_ne!(one.redirect_uri(), two.redirect_uri());
    }

    #[test]
    fn l1_a_taken_port_is_reported_and_a_remembered_one_is_optional() {
        let holder = Listener::bind(&wanted(RedirectHost::V4, &[], true)).expect("a socket");
        let port = port_of(&holder);
        let fixed = Listener::bind(&wanted(RedirectHost::V4, &[port], false));
        assert!(matches!(fixed, Err(BindError::Taken(taken)) if taken == port));
        let remembered =
            Listener::bind(&wanted(RedirectHost::V4, &[port], true)).expect("another port");
        assert_ne!(port_of(&remembered), port);
    }

    #[test]
    fn na3_localhost_holds_both_families_or_neither() {
        let Ok(v6) = TcpListener::bind("[::1]:0") else {
            return;
        };
        let port = v6.local_addr().expect("an address").port();
        let fixed = Listener::bind(&wanted(RedirectHost::Localhost, &[port], false));
        assert!(matches!(fixed, Err(BindError::Taken(_))));
        let free =
            Listener::bind(&wanted(RedirectHost::Localhost, &[port], true)).expect("another port");
        assert_eq!(free.sockets.len(), 2);
        assert_eq!(
            free.redirect_uri(),
            format!("http://localhost:{}/callback", port_of(&free))
        );
        assert!(TcpListener::bind(("::1", port_of(&free))).is_err());
    }
}
