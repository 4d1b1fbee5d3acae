//! The connection of a request: through a proxy or direct, then TLS; whether any byte was sent, and which socket it uses.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
    ShutdownHandle, SocksConnector, Transport,
};

use super::abort::{Abort, Socket};
use super::connect::HappyEyeballsConnector;
use super::tls::TlsConnector;
use super::HttpSettings;

// ureq makes a request in one thread.
thread_local! {
    /// A byte of the request that this thread makes was handed to a connection.
    static SENT: Cell<bool> = const { Cell::new(false) };
    /// What can end the request that this thread makes.
    static ABORT: RefCell<Option<Abort>> = const { RefCell::new(None) };
    /// The socket that this thread opened last.
    static OPENED: RefCell<Option<Weak<dyn ShutdownHandle>>> = const { RefCell::new(None) };
}

/// Makes a request in this thread, which `abort` can end, and returns its outcome and whether bytes of the request may have
/// been sent.
pub fn observe<T>(abort: Option<&Abort>, request: impl FnOnce() -> T) -> (T, bool) {
    SENT.set(false);
    ABORT.set(abort.cloned());
    OPENED.set(None);
    let outcome = request();
    ABORT.set(None);
    (outcome, SENT.get())
}

/// Notes the socket that this thread has opened.
pub fn note_opened(socket: Weak<dyn ShutdownHandle>) {
    OPENED.set(Some(socket));
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
}

impl From<ConnectError> for ureq::Error {
    fn from(err: ConnectError) -> Self {
        Self::Other(Box::new(err))
    }
}

/// Returns the connector of an agent, with a proxy or without one.
pub fn connector(settings: &HttpSettings, proxied: bool) -> impl Connector<Out = impl Transport> {
    let proxy = ProxyConnector(SocksConnector::default().chain(ConnectProxyConnector::default()));
    let connection =
        ().chain(proxy)
            .chain(HappyEyeballsConnector)
            .chain(TlsConnector::new(settings));
    connection.chain(ObservedConnector { proxied })
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
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::new(move |socket| {
                note_opened(Weak::clone(&socket));
                register(socket)
            }),
        };
        self.0
            .connect(&details, chained)
            .map_err(|err| ConnectError::Proxy(err).into())
    }
}

/// Notes when a request is written. Bytes for the proxy itself do not count.
#[derive(Debug)]
struct ObservedConnector {
    proxied: bool,
}

impl<In: Transport> Connector<In> for ObservedConnector {
    type Out = Observed<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // The connection to a proxy is made with a configuration that names none.
        let to_proxy = self.proxied && details.config.proxy().is_none();
        let socket = OPENED.with_borrow(|opened| opened.clone().map(Socket::new));
        Ok(chained.map(|transport| Observed {
            transport,
            to_proxy,
            socket,
        }))
    }
}

#[derive(Debug)]
struct Observed<T> {
    transport: T,
    to_proxy: bool,
    socket: Option<Arc<Socket>>,
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if !self.to_proxy {
            SENT.set(true);
            if let Some(socket) = &self.socket {
                ABORT.with_borrow(|abort| Abort::take_over(socket, abort.as_ref()));
            }
        }
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}
