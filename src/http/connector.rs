//! The connection of a request: through a proxy or direct, then TLS; and whether any byte was sent.

use std::cell::Cell;

use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
    RustlsConnector, SocksConnector, Transport,
};

use super::connect::HappyEyeballsConnector;

thread_local! {
    /// A byte of the request that this thread makes was handed to a connection. ureq makes a request in one thread.
    static SENT: Cell<bool> = const { Cell::new(false) };
}

/// Makes a request in this thread, and returns its outcome and whether bytes of the request may have been sent.
pub fn observe<T>(request: impl FnOnce() -> T) -> (T, bool) {
    SENT.set(false);
    let outcome = request();
    (outcome, SENT.get())
}

/// The connection to the server through the proxy failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ProxyError(pub ureq::Error);

/// Returns the connector of an agent, with a proxy or without one.
pub fn connector(proxied: bool) -> impl Connector<Out = impl Transport> {
    let proxy = ProxyConnector(SocksConnector::default().chain(ConnectProxyConnector::default()));
    let connection =
        ().chain(proxy)
            .chain(HappyEyeballsConnector)
            .chain(RustlsConnector::default());
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
        self.0
            .connect(details, chained)
            .map_err(|err| ureq::Error::Other(Box::new(ProxyError(err))))
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
