//! Certificates for fakes behind TLS.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

/// A certificate authority of the test's own, and where its certificate can be read.
pub struct Authority {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub place: TempDir,
}

impl Authority {
    /// Makes one, and writes its certificate into a file.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own: one that signs for its own name counts as self-signed elsewhere.
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"))
            .expect("an authority");
        let place = tempfile::tempdir().expect("a directory");
        fs::write(place.path().join("ca.pem"), issuer.pem()).expect("writing");
        Self { issuer, place }
    }

    /// Returns the file with its certificate.
    pub fn pem(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    /// Certifies a server for these names, until the year given.
    pub fn server(&self, names: &[&str], until: i32) -> Arc<rustls::ServerConfig> {
        let mut params = names_of(names);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        config(vec![certificate.der().clone()], &key)
    }
}

pub fn names_of(names: &[&str]) -> CertificateParams {
    CertificateParams::new(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    )
    .expect("parameters")
}

pub fn config(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: &KeyPair,
) -> Arc<rustls::ServerConfig> {
    config_of(
        chain,
        PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
    )
}

pub fn config_of(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(chain, key).expect("a certificate"))
}
