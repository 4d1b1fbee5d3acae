//! The certificate authorities that the system trusts, where they are not files: in the keychain of macOS and the stores of Windows.

/// Whether the system can judge certificates itself, with all of the administrator's rules.
pub const JUDGES_ITSELF: bool = cfg!(any(target_os = "macos", windows));

/// Returns the certificates in DER form, and what could not be read; `None` where the system has files.
#[cfg(any(target_os = "macos", windows))]
pub fn authorities() -> Option<(Vec<Vec<u8>>, Vec<String>)> {
    let found = rustls_native_certs::load_native_certs();
    let certificates = found.certs.iter().map(|der| der.to_vec()).collect();
    let ignored = found.errors.iter().map(ToString::to_string).collect();
    Some((certificates, ignored))
}

/// Returns the certificates in DER form, and what could not be read; `None` where the system has files.
#[cfg(not(any(target_os = "macos", windows)))]
pub fn authorities() -> Option<(Vec<Vec<u8>>, Vec<String>)> {
    None
}
