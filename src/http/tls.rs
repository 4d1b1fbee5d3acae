//! TLS: what is trusted is read once in a process, while the server's name is looked up and connected to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{ConnectionDetails, Connector, RustlsConnector, Transport};
use ureq::Agent;

use super::connector::copy;
use super::pool::BUFFER_BYTES;
use super::{authorities, HttpError, HttpSettings};
use crate::os::sync::{lock, start_thread};

/// What this process trusts, by the user's file of certificate authorities.
static TRUST: Mutex<BTreeMap<Option<PathBuf>, Arc<Trust>>> = Mutex::new(BTreeMap::new());

/// What is trusted, and the connector that has it: both are made for the first connection with TLS.
#[derive(Debug, Default)]
struct Trust {
    config: OnceLock<Config>,
    reading: Mutex<()>,
    connector: RustlsConnector,
    /// The connector has made what its connections share.
    shared: OnceLock<()>,
}

impl Trust {
    fn of(settings: &HttpSettings) -> Arc<Self> {
        let mut all = lock(&TRUST);
        Arc::clone(all.entry(settings.ca_file.clone()).or_default())
    }

    /// Returns the configuration for TLS; reads the certificate authorities unless that was done. An error is not kept: the
    /// file may be there later.
    fn config(&self, settings: &HttpSettings) -> Result<&Config, HttpError> {
        let _reading = lock(&self.reading);
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let tls = TlsConfig::builder().root_certs(authorities::roots(settings)?);
        let config = Agent::config_builder()
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .tls_config(tls.build());
        Ok(self.config.get_or_init(|| config.build()))
    }
}

/// Begins to read what is trusted, in a thread of its own, for a request that is about to be sent.
///
/// # Errors
///
/// Those of [`authorities::authorities`] for the user's file, which is read at once.
pub fn prepare(settings: &HttpSettings) -> Result<(), HttpError> {
    let trust = Trust::of(settings);
    if settings.ca_file.is_some() {
        return trust.config(settings).map(drop);
    }
    if trust.config.get().is_none() {
        let settings = settings.clone();
        // Without a thread, the connection that needs them reads them.
        let _ = start_thread("certificates", move || drop(trust.config(&settings)));
    }
    Ok(())
}

/// Speaks TLS over a connection, if its URL wants it, with these settings.
#[derive(Debug)]
pub struct TlsConnector(pub HttpSettings);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if !details.needs_tls() {
            return RustlsConnector::default().connect(details, chained);
        }
        let (trust, nobody) = (Trust::of(&self.0), Uri::from_static("https://."));
        let config = trust.config(&self.0);
        let mut inner = copy(details);
        inner.config = config.map_err(|err| ureq::Error::Other(Box::new(err)))?;
        inner.request_level = false;
        inner.uri = &nobody;
        // The first connections come at once, and each would make what all share. It is made once, for a name that no server has.
        let make = || drop(trust.connector.connect(&inner, Some(())));
        trust.shared.get_or_init(make);
        inner.uri = details.uri;
        trust.connector.connect(&inner, chained)
    }
}
