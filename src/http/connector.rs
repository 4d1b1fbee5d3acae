//! How a connection comes about: through a proxy or directly, then TLS; and whether anything was sent over it.

use std::cell::Cell;
use std::fmt;

use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
    RustlsConnector, SocksConnector, Transport,
};

use super::connect::HappyEyeballsConnector;

thread_local! {
    /// A byte of the request that this thread makes was handed to a connection. ureq makes a request in one thread.
    static SENT: Cell<bool> = const { Cell::new(false) };
}

/// Makes a request in this thread, and returns beside its outcome whether anything of the request may have left.
pub fn observe<T>(request: impl FnOnce() -> T) -> (T, bool) {
    SENT.set(false);
    let outcome = request();
    (outcome, SENT.get())
}

/// Something failed before the proxy had led to the server.
#[derive(Debug)]
pub struct ProxyError(pub ureq::Error);

impl fmt::Display for ProxyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for ProxyError {}

/// Returns what opens the connections of an agent, with a proxy or without one.
pub fn connector(proxied: bool) -> impl Connector<Out = impl Transport> {
    let proxy = ProxyConnector(SocksConnector::default().chain(ConnectProxyConnector::default()));
    let connection =
        ().chain(proxy)
            .chain(HappyEyeballsConnector)
            .chain(RustlsConnector::default());
    connection.chain(ObservedConnector { proxied })
}

/// Has the proxy lead to the server, if there is one, and marks what fails on the way.
#[derive(Debug)]
struct ProxyConnector(ChainedConnector<(), SocksConnector, ConnectProxyConnector>);

impl Connector for ProxyConnector {
    type Out = <ChainedConnector<(), SocksConnector, ConnectProxyConnector> as Connector>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        self.0
            .connect(details, chained)
            .map_err(|err| ureq::Error::Other(Box::new(ProxyError(err))))
    }
}

/// Notes when a request is written. What is said to the proxy itself, over a connection of its own, is none.
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
        Ok(chained.map(|transport| Observed {
            transport,
            to_proxy,
        }))
    }
}

#[derive(Debug)]
struct Observed<T> {
    transport: T,
    to_proxy: bool,
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if !self.to_proxy {
            SENT.set(true);
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
