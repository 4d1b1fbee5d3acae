//! Which certificate authorities are trusted.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use ureq::tls::{Certificate, PemItem, RootCerts};

use super::{HttpError, HttpSettings};
use crate::os::files;
use crate::warning::warn_user;

/// The most that is read of files of certificates: what systems bring is a twentieth of it.
const MAX_AUTHORITIES_BYTES: u64 = 4 * 1024 * 1024;

/// The most entries that are looked at in a directory of certificates; systems have some hundred.
const MAX_ENTRIES: usize = 10_000;

/// Most reasons for ignored certificates that are kept.
const MAX_REASONS: usize = 100;

/// The certificate authorities that are trusted.
#[derive(Debug, Default)]
pub struct Authorities {
    /// Those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub system: Vec<Certificate<'static>>,
    /// Those of the user's file.
    pub file: Vec<Certificate<'static>>,
    /// Why some of the system's are ignored.
    pub passed_over: Vec<String>,
}

/// Reads the certificate authorities: regular files only, and 4 MiB in all of the system's and of the user's.
///
/// # Errors
///
/// [`HttpError::Authorities`] if the user's file cannot be read or holds none.
pub fn authorities(settings: &HttpSettings) -> Result<Authorities, HttpError> {
    let mut found = of_system();
    let Some(path) = &settings.ca_file else {
        return Ok(found);
    };
    let failed = |why: String| HttpError::Authorities(format!("{}: {why}", path.display()));
    let pem = read(path, &mut ReadBudget::default()).map_err(failed)?;
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.file.push(certificate),
            Ok(_) => {}
            Err(err) => return Err(failed(err.to_string())),
        }
    }
    if found.file.is_empty() {
        return Err(failed("it holds no certificate in PEM form".to_owned()));
    }
    Ok(found)
}

/// Returns what is trusted: the system's authorities or, where there are none, Mozilla's; and the user's file beside
/// them.
pub(super) fn roots(settings: &HttpSettings) -> Result<RootCerts, HttpError> {
    if cfg!(target_os = "macos") && settings.ca_file.is_none() {
        return Ok(RootCerts::PlatformVerifier);
    }
    let Authorities {
        mut system,
        file,
        passed_over,
    } = authorities(settings)?;
    for why in passed_over {
        warn_user!(
            CertificateIgnored,
            "a certificate authority of the system is passed over: {why}"
        );
    }
    system.extend(file);
    Ok(if system.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::from(system)
    })
}

/// Returns what the keychain trusts, which is no file; but files that variables name count instead.
#[cfg(target_os = "macos")]
fn of_system() -> Authorities {
    if named("SSL_CERT_FILE").is_some() || named("SSL_CERT_DIR").is_some() {
        return of_files();
    }
    let system = rustls_native_certs::load_native_certs();
    Authorities {
        system: system
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect(),
        file: Vec::new(),
        passed_over: system.errors.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(not(target_os = "macos"))]
fn of_system() -> Authorities {
    of_files()
}

fn named(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// Reads the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name or, if neither is set, those where systems have them.
fn of_files() -> Authorities {
    let mut file = named("SSL_CERT_FILE").map(PathBuf::from);
    let directories = named("SSL_CERT_DIR").unwrap_or_default();
    let mut directories: Vec<_> = std::env::split_paths(&directories)
        .filter(|it| !it.as_os_str().is_empty())
        .collect();
    if file.is_none() && directories.is_empty() {
        let usual = openssl_probe::probe();
        (file, directories) = (usual.cert_file, usual.cert_dir);
    }
    let mut reading = CertificateReader::default();
    if let Some(file) = file {
        reading.take(&file);
    }
    for directory in directories {
        reading.take_all(&directory);
    }
    reading.end()
}

/// What was read so far.
#[derive(Default)]
struct CertificateReader {
    budget: ReadBudget,
    certificates: BTreeSet<Vec<u8>>,
    passed_over: Vec<String>,
}

impl CertificateReader {
    /// Takes the certificates of a directory's files; how they are called does not matter.
    fn take_all(&mut self, directory: &Path) {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(err) => return self.pass_over(directory, &err.to_string()),
        };
        let mut paths: Vec<_> = entries
            .take(MAX_ENTRIES + 1)
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        if paths.len() > MAX_ENTRIES {
            return self.pass_over(directory, "it has too many entries");
        }
        paths.sort();
        // A directory may hold other things than certificates, and links that lead nowhere.
        paths.retain(|path| {
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
        });
        for path in paths {
            self.take(&path);
            if self.budget.left_bytes == 0 {
                return;
            }
        }
    }

    fn take(&mut self, path: &Path) {
        let pem = match read(path, &mut self.budget) {
            Ok(pem) => pem,
            Err(why) => return self.pass_over(path, &why),
        };
        for item in ureq::tls::parse_pem(&pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => {
                    self.certificates.insert(certificate.der().to_vec());
                }
                Ok(_) => {}
                Err(err) => return self.pass_over(path, &err.to_string()),
            }
        }
    }

    fn pass_over(&mut self, path: &Path, why: &str) {
        if self.passed_over.len() < MAX_REASONS {
            self.passed_over.push(format!("{}: {why}", path.display()));
        }
    }

    fn end(self) -> Authorities {
        let system = self
            .certificates
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        Authorities {
            system,
            file: Vec::new(),
            passed_over: self.passed_over,
        }
    }
}

/// How much may still be read, and what was read already, by device and number.
struct ReadBudget {
    left_bytes: u64,
    seen: BTreeSet<(u64, u64)>,
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self {
            left_bytes: MAX_AUTHORITIES_BYTES,
            seen: BTreeSet::new(),
        }
    }
}

/// Reads a regular file; nothing if it was read before, by another name.
fn read(path: &Path, budget: &mut ReadBudget) -> Result<Vec<u8>, String> {
    use std::os::unix::fs::MetadataExt as _;
    // Without waiting: a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|err| std::io::Error::from(err).to_string())?);
    let found = file.metadata().map_err(|err| err.to_string())?;
    if !found.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if !budget.seen.insert((found.dev(), found.ino())) {
        return Ok(Vec::new());
    }
    let read = files::read_bounded(file, budget.left_bytes);
    let mut bytes = read.map_err(|err| match err.kind() {
        std::io::ErrorKind::FileTooLarge => {
            budget.left_bytes = 0;
            "it is too large".to_owned()
        }
        _ => err.to_string(),
    })?;
    budget.left_bytes -= bytes.len() as u64;
    Ok(std::mem::take(&mut *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a21_only_so_much_is_read_of_regular_files() {
        let place = tempfile::tempdir().expect("a directory");
        let path = |name: &str| place.path().join(name);
        let fifo = path("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).expect("a pipe");
        std::os::unix::fs::symlink("/dev/zero", path("link")).expect("a link");
        for (name, mebibytes) in [("small", 1), ("other", 3), ("large", 5)] {
            File::create(path(name))
                .and_then(|file| file.set_len(mebibytes << 20))
                .expect("a file");
        }
        let reason =
            |path: &Path| read(path, &mut ReadBudget::default()).expect_err("it is refused");
        for path in [&fifo, &path("link"), Path::new("/dev/zero"), place.path()] {
            assert_eq!(
                reason(path),
                "it is not a regular file",
                "{}",
                path.display()
            );
        }
        assert_eq!(reason(&path("large")), "it is too large");
        // The limit is one for all files together; a file that was read already costs nothing.
        let mut budget = ReadBudget::default();
        for name in ["small", "small", "other", "small"] {
            read(&path(name), &mut budget).expect(name);
        }
        assert_eq!(budget.left_bytes, 0);
        let mut reading = CertificateReader::default();
        reading.take_all(place.path());
        assert_eq!(
            reading.passed_over,
            [format!("{}: it is too large", path("large").display())]
        );
        assert_eq!(
            reading.budget.left_bytes, 0,
            "nothing more is read after that"
        );
    }
}
