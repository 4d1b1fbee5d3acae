//! The connection of a request: one that is open already, or a new one, through a proxy or direct, then TLS; whether any byte
//! was sent, and which socket it uses.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
    ShutdownHandle, SocksConnector, Transport,
};

use super::abort::{Abort, Socket};
use super::connect::HappyEyeballsConnector;
use super::open::{OpenConnections, Origin};
use super::tls::TlsConnector;
use super::HttpSettings;

/// The most that comes before a response has begun, interim responses included, in bytes.
///
/// Spec: RFC 9110 section 15.2: any number of them may come.
const MAX_HEADS_BYTES: usize = 1024 * 1024;

/// The end of the head of a request.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

// ureq makes a request in one thread.
thread_local! {
    /// The request that this thread makes.
    static REQUEST: RefCell<RequestState> = RefCell::default();
    /// This thread has written to a socket of ours.
    static WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// What is known of the request that a thread makes.
#[derive(Default)]
pub struct RequestState {
    id: u64,
    /// It has a body, without which the server cannot serve it.
    has_body: bool,
    /// It only opens a connection.
    is_ahead: bool,
    /// What can end it.
    abort: Option<Abort>,
    /// The socket that it opened last.
    opened: Option<Opened>,
    /// What the server needs to serve it may have been sent: the body, if it has one.
    pub sent: bool,
    /// Its connection was open before.
    pub reused: bool,
    /// How many bytes have come.
    received_bytes: usize,
}

/// Makes a request in this thread, which `abort` can end, and returns its outcome and how far it got.
pub fn observe<T>(
    has_body: bool,
    abort: Option<&Abort>,
    request: impl FnOnce() -> T,
) -> (T, RequestState) {
    let state = RequestState {
        has_body,
        abort: abort.cloned(),
        ..RequestState::default()
    };
    run(state, request)
}

/// Makes a request in this thread that ends with [`ConnectError::OpenedAhead`] once its connection is open. The connection
/// is used by a later request.
pub fn only_open<T>(request: impl FnOnce() -> T) -> T {
    let state = RequestState {
        is_ahead: true,
        ..RequestState::default()
    };
    run(state, request).0
}

fn run<T>(state: RequestState, request: impl FnOnce() -> T) -> (T, RequestState) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    REQUEST.set(RequestState { id, ..state });
    let outcome = request();
    (outcome, REQUEST.take())
}

/// A socket, as another thread may use it.
#[derive(Clone)]
pub struct Opened {
    /// Shuts it down.
    pub handle: Weak<dyn ShutdownHandle>,
    /// The socket itself, if we have opened it.
    pub stream: Option<Weak<TcpStream>>,
}

/// Notes the socket that this thread has opened.
pub fn note_opened(socket: Opened) {
    REQUEST.with_borrow_mut(|request| request.opened = Some(socket));
}

/// Notes that bytes were written to a socket that we have opened.
pub fn note_written() {
    WRITTEN.set(true);
}

/// Why there is no connection, where ureq has no error for it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not allowed.
    #[error("the address {0} is not a public one")]
    Forbidden(IpAddr),
    /// No local port is left.
    #[error("this computer has no free local port")]
    NoLocalPort,
    /// The proxy failed.
    #[error("{0}")]
    Proxy(ureq::Error),
    /// There is one, for a later request.
    #[error("the connection is open")]
    OpenedAhead,
}

impl From<ConnectError> for ureq::Error {
    fn from(err: ConnectError) -> Self {
        Self::Other(Box::new(err))
    }
}

/// Returns the connector of an agent, with a proxy or without one.
pub fn connector(
    settings: &HttpSettings,
    proxied: bool,
    open: &Arc<OpenConnections>,
) -> impl Connector<Out = impl Transport> {
    let proxy = ProxyConnector(SocksConnector::default().chain(ConnectProxyConnector::default()));
    let connection = ().chain(proxy).chain(HappyEyeballsConnector);
    ObservedConnector {
        connection: connection.chain(TlsConnector(settings.clone())),
        proxied,
        open: Arc::clone(open),
    }
}

/// Returns a copy of what a connector is told.
pub fn copy<'a>(details: &ConnectionDetails<'a>) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs: details.addrs.clone(),
        config: details.config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: details.now,
        timeout: details.timeout,
        current_time: Arc::clone(&details.current_time),
        run_connector: Arc::clone(&details.run_connector),
        register_shutdown: Arc::clone(&details.register_shutdown),
    }
}

/// Connects through the proxy, if there is one, and marks its errors.
#[derive(Debug)]
struct ProxyConnector(ChainedConnector<(), SocksConnector, ConnectProxyConnector>);

impl Connector for ProxyConnector {
    type Out = <ChainedConnector<(), SocksConnector, ConnectProxyConnector> as Connector>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let register = Arc::clone(&details.register_shutdown);
        let mut details = copy(details);
        details.register_shutdown = Arc::new(move |socket| {
            note_opened(Opened {
                handle: Weak::clone(&socket),
                stream: None,
            });
            register(socket)
        });
        self.0
            .connect(&details, chained)
            .map_err(|err| ConnectError::Proxy(err).into())
    }
}

/// Takes a connection that was opened ahead, or opens one, and notes when a request is written. Bytes for the proxy itself do
/// not count.
#[derive(Debug)]
struct ObservedConnector<C> {
    connection: C,
    proxied: bool,
    open: Arc<OpenConnections>,
}

impl<C: Connector> Connector for ObservedConnector<C> {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // The connection to a proxy is made with a configuration that names none.
        let to_proxy = self.proxied && details.config.proxy().is_none();
        let origin = Origin::of(details.uri);
        let is_ahead = REQUEST.with_borrow(|request| request.is_ahead);
        if !to_proxy && !is_ahead {
            if let Some(transport) = self.open.take(&origin) {
                log::debug!("using a connection that was opened ahead");
                return Ok(Some(transport));
            }
        }
        let Some(transport) = self.connection.connect(details, chained)? else {
            return Ok(None);
        };
        let (id, opened) = REQUEST.with_borrow(|request| (request.id, request.opened.clone()));
        let stream = opened.as_ref().and_then(|opened| opened.stream.clone());
        let observed = Observed {
            transport,
            to_proxy,
            request: id,
            is_ours: stream.is_some(),
            socket: opened.map(|opened| Socket::new(opened.handle)),
        };
        if to_proxy {
            return Ok(Some(Box::new(observed)));
        }
        self.open.note(&origin, stream);
        if is_ahead {
            self.open.put(origin, Box::new(observed));
            return Err(ConnectError::OpenedAhead.into());
        }
        Ok(Some(Box::new(observed)))
    }
}

#[derive(Debug)]
struct Observed<T> {
    transport: T,
    to_proxy: bool,
    /// The request that opened it.
    request: u64,
    /// Writing to its socket is noted.
    is_ours: bool,
    socket: Option<Arc<Socket>>,
}

impl<T: Transport> Observed<T> {
    /// Notes what is about to be written; returns whether that is a part of a request which alone asks for nothing.
    fn note_request(&mut self, amount: usize) -> Result<bool, ureq::Error> {
        let is_head = is_only_head(self.transport.buffers().output().get(..amount));
        REQUEST.with_borrow_mut(|request| {
            if request.is_ahead {
                // A connection was open after all: it is given up, and nothing is sent on it.
                return Err(ConnectError::OpenedAhead.into());
            }
            request.reused = request.id != self.request;
            if let Some(socket) = &self.socket {
                Abort::take_over(socket, request.abort.as_ref());
            }
            Ok(request.has_body && is_head)
        })
    }
}

/// Returns whether these bytes are the head of a request, and nothing of its body.
fn is_only_head(bytes: Option<&[u8]>) -> bool {
    let Some(bytes) = bytes else { return false };
    let end = bytes
        .windows(END_OF_HEAD.len())
        .position(|window| window == END_OF_HEAD);
    end.is_some_and(|end| end + END_OF_HEAD.len() == bytes.len())
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.to_proxy || self.note_request(amount)? {
            return self.transport.transmit_output(amount, timeout);
        }
        WRITTEN.set(false);
        let before = REQUEST.with_borrow_mut(|request| std::mem::replace(&mut request.sent, true));
        let transmitted = self.transport.transmit_output(amount, timeout);
        if transmitted.is_err() && self.is_ours && !WRITTEN.get() {
            REQUEST.with_borrow_mut(|request| request.sent = before);
        }
        transmitted
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let before = self.buffers().input().len();
        let has_more = self.transport.await_input(timeout)?;
        let came = self.buffers().input().len().saturating_sub(before);
        let most = MAX_HEADS_BYTES;
        REQUEST.with_borrow_mut(|request| {
            // The body of a response is read when its request is over.
            request.received_bytes += if request.id == 0 { 0 } else { came };
            let is_endless = request.received_bytes > most;
            let err = || ureq::Error::LargeResponseHeader(most, most);
            (!is_endless).then_some(has_more).ok_or_else(err)
        })
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::unversioned::transport::LazyBuffers;

    /// A connection that breaks while it is written to, after it has taken bytes or before.
    #[derive(Debug)]
    struct Breaking {
        buffers: LazyBuffers,
        takes_bytes: bool,
    }

    impl Transport for Breaking {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
            if self.takes_bytes {
                note_written();
            }
            Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    #[test]
    fn p68_a_request_was_sent_once_bytes_of_its_body_were_written() {
        let (head, body) = ("POST /token HTTP/1.1\r\nHost: a\r\n\r\n", "code=x");
        let both = format!("{head}{body}");
        for (bytes, has_body, takes_bytes, is_ours, expected) in [
            (head, true, true, true, false),
            (head, true, false, false, false),
            (head, false, true, true, true),
            (head, false, false, true, false),
            (body, true, true, true, true),
            (body, true, false, true, false),
            (body, true, false, false, true),
            (both.as_str(), true, true, true, true),
            ("code=x\r\n\r\n&more", true, true, true, true),
        ] {
            let mut connection = Observed {
                transport: Breaking {
                    buffers: LazyBuffers::new(64, 64),
                    takes_bytes,
                },
                to_proxy: false,
                request: 0,
                is_ours,
                socket: None,
            };
            let output = connection.buffers().output();
            output[..bytes.len()].copy_from_slice(bytes.as_bytes());
            let write = || connection.transmit_output(bytes.len(), NextTimeout::default());
            let (written, progress) = observe(has_body, None, write);
            assert!(written.is_err() && progress.reused);
            assert_eq!(
                progress.sent, expected,
                "{bytes:?} {has_body} {takes_bytes} {is_ours}"
            );
        }
    }
}
