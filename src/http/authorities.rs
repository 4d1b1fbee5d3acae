//! Which certificate authorities are trusted.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use ureq::tls::{Certificate, PemItem, RootCerts};

use super::{HttpError, HttpSettings};
use crate::os::files;
use crate::os::trust;
use crate::warning::warn_user;

/// The most that is read of files of certificates: those of systems are a twentieth of it.
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
    pub ignored: Vec<String>,
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
    let mut reader = CertificateReader::new();
    reader.add(path).map_err(failed)?;
    found.file = reader.certificates();
    if found.file.is_empty() {
        return Err(failed("it holds no certificate in PEM form".to_owned()));
    }
    Ok(found)
}

/// Returns what is trusted: the system's authorities or, where there are none, Mozilla's; and the user's file beside
/// them.
pub(super) fn roots(settings: &HttpSettings) -> Result<RootCerts, HttpError> {
    if trust::JUDGES_ITSELF && settings.ca_file.is_none() {
        return Ok(RootCerts::PlatformVerifier);
    }
    let mut found = authorities(settings)?;
    for why in found.ignored {
        warn_user!(
            CertificateIgnored,
            "a certificate authority of the system is ignored: {why}"
        );
    }
    found.system.extend(found.file);
    Ok(if found.system.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::from(found.system)
    })
}

/// Returns what the system trusts, where that is in no files; but files that variables name count instead.
fn of_system() -> Authorities {
    if named("SSL_CERT_FILE").is_some() || named("SSL_CERT_DIR").is_some() {
        return of_files();
    }
    let Some((certificates, ignored)) = trust::authorities() else {
        return of_files();
    };
    Authorities {
        system: certificates
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect(),
        file: Vec::new(),
        ignored,
    }
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
    let is_named = file.is_some() || !directories.is_empty();
    if !is_named {
        let usual = openssl_probe::probe();
        (file, directories) = (usual.cert_file, usual.cert_dir);
    }
    let mut reader = CertificateReader::new();
    if let Some(file) = file {
        reader.add_file(&file);
        reader.has_bundle = !is_named && !reader.certificates.is_empty();
    }
    for directory in directories {
        reader.add_directory(&directory);
    }
    Authorities {
        ignored: std::mem::take(&mut reader.ignored),
        system: reader.certificates(),
        file: Vec::new(),
    }
}

/// Reads regular files, each once and only so much of all together, and collects the certificates in them.
#[derive(Default)]
struct CertificateReader {
    left_bytes: u64,
    /// What was read, by device and number.
    seen: BTreeSet<(u64, u64)>,
    certificates: Vec<Certificate<'static>>,
    ignored: Vec<String>,
    /// The bundle of the system was read.
    has_bundle: bool,
}

impl CertificateReader {
    fn new() -> Self {
        Self {
            left_bytes: MAX_AUTHORITIES_BYTES,
            ..Self::default()
        }
    }

    /// Adds the certificates of a directory's files; how they are called does not matter.
    fn add_directory(&mut self, directory: &Path) {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(err) => return self.ignore(directory, &err.to_string()),
        };
        let mut paths: Vec<_> = entries
            .take(MAX_ENTRIES + 1)
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        if paths.len() > MAX_ENTRIES {
            return self.ignore(directory, "it has too many entries");
        }
        paths.sort();
        for path in paths {
            let is_covered =
                self.has_bundle && std::fs::read_link(&path).is_ok_and(|to| is_in_bundle(&to));
            // A directory may hold other things than certificates, links that lead nowhere, and links to its other files.
            let is_new = |found: Metadata| {
                let identity = files::open::identity_in(&found);
                let is_read = identity.is_some_and(|it| self.seen.contains(&it));
                found.is_file() && found.len() > 0 && !is_read
            };
            if !is_covered && std::fs::metadata(&path).is_ok_and(is_new) {
                self.add_file(&path);
            }
            if self.left_bytes == 0 {
                return;
            }
        }
    }

    fn add_file(&mut self, path: &Path) {
        if let Err(why) = self.add(path) {
            self.ignore(path, &why);
        }
    }

    fn add(&mut self, path: &Path) -> Result<(), String> {
        let bytes = self.read(path)?;
        if let Some(certificates) = std::str::from_utf8(&bytes).ok().and_then(decode) {
            self.certificates.extend(certificates);
            return Ok(());
        }
        for item in ureq::tls::parse_pem(&bytes) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| "its PEM form is broken")? {
                self.certificates.push(certificate);
            }
        }
        Ok(())
    }

    fn ignore(&mut self, path: &Path, why: &str) {
        if self.ignored.len() < MAX_REASONS {
            self.ignored.push(format!("{}: {why}", path.display()));
        }
    }

    /// Reads a regular file; nothing if it was read before, by another name.
    fn read(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        // Without waiting: a pipe would wait for its writer.
        let file = files::open_without_waiting(path).map_err(|err| err.to_string())?;
        let found = file.metadata().map_err(|err| err.to_string())?;
        if !found.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let is_new = |identity| self.seen.insert(identity);
        if !files::open::identity(&file).is_none_or(is_new) {
            return Ok(Vec::new());
        }
        let mut bytes =
            files::read_bounded(file, self.left_bytes).map_err(|err| match err.kind() {
                std::io::ErrorKind::FileTooLarge => {
                    self.left_bytes = 0;
                    "it is too large".to_owned()
                }
                _ => err.to_string(),
            })?;
        self.left_bytes -= bytes.len() as u64;
        Ok(std::mem::take(&mut *bytes))
    }

    /// Returns the certificates, each once.
    fn certificates(mut self) -> Vec<Certificate<'static>> {
        let certificates = &mut self.certificates;
        certificates.sort_unstable_by(|one, other| one.der().cmp(other.der()));
        certificates.dedup_by(|one, other| one.der() == other.der());
        self.certificates
    }
}

/// Reads a PEM text whose lines are nothing but base64, as tools write them; `None` for any other. The library reads each as it
/// reads keys, without a branch on what it reads, which takes five times as long.
///
/// Spec: RFC 7468 section 3, `stricttextualmsg`.
fn decode(text: &str) -> Option<Vec<Certificate<'static>>> {
    let (mut certificates, mut base64, mut der) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while let Some((_, section)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
        // No base64 has a hyphen.
        let (lines, end) = section.split_at(section.find('-')?);
        rest = end.strip_prefix("-----END CERTIFICATE-----")?;
        let lines = lines.trim_start_matches(['\r', '\n']);
        // All lines but the last have the length of the first; an end of a line elsewhere is no base64.
        let length = lines.find('\n')? + 1;
        base64.clear();
        let lines = lines.as_bytes().chunks(length);
        lines.for_each(|line| base64.extend_from_slice(line.trim_ascii_end()));
        der.resize(der.len().max(base64.len()), 0);
        let length = STANDARD.decode_slice(&base64, &mut der).ok()?;
        certificates.push(Certificate::from_der(der.get(..length)?).to_owned());
    }
    Some(certificates)
}

/// Tells whether a link to there, in a directory of certificates, leads to what the bundle has too: the tools of systems make
/// the bundle and these links of the same files, and `openssl rehash` makes links to the links.
fn is_in_bundle(to: &Path) -> bool {
    let is_of_system = |part: &OsStr| part == "ca-certificates" || part == "ca-trust";
    to.file_name() == Some(to.as_os_str()) || to.iter().any(is_of_system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a21_only_so_much_is_read_of_regular_files() {
        let place = tempfile::tempdir().expect("a directory");
        let path = |name: &str| place.path().join(name);
        let fifo = path("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).expect("a pipe");
        std::os::unix::fs::symlink("/dev/zero", path("link")).expect("a link");
        for (name, mebibytes) in [("small", 1), ("other", 3), ("large", 5)] {
            std::fs::File::create(path(name))
                .and_then(|file| file.set_len(mebibytes << 20))
                .expect("a file");
        }
        let reason = |path: &Path| {
            CertificateReader::new()
                .read(path)
                .expect_err("it is refused")
        };
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
        let mut reader = CertificateReader::new();
        for name in ["small", "small", "other", "small"] {
            reader.read(&path(name)).expect(name);
        }
        assert_eq!(reader.left_bytes, 0);
        let mut reader = CertificateReader::new();
        reader.add_directory(place.path());
        assert_eq!(
            reader.ignored,
            [format!("{}: it is too large", path("large").display())]
        );
        assert_eq!(reader.left_bytes, 0, "nothing more is read after that");
    }

    #[test]
    fn a21_a_plain_pem_text_is_read_as_the_library_reads_it() {
        let of_library = |text: &str| {
            let items = ureq::tls::parse_pem(text.as_bytes());
            let certificates = items.filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
                _ => None,
            });
            certificates.collect::<Vec<_>>()
        };
        let section = |label: &str, lines: &str| {
            format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
        };
        let (one, two) = ("MAA=", "MDEy\r\nMDEyMw==\r");
        let plain = [
            section("CERTIFICATE", one),
            section("CERTIFICATE", one) + "# two\n" + &section("CERTIFICATE", two),
            section("X509 CRL", two) + &section("CERTIFICATE", one),
            section("TRUSTED CERTIFICATE", one),
            section("CERTIFICATE", "MA\nA=") + &section("CERTIFICATE", one),
            String::new(),
        ];
        for text in &plain {
            let found = decode(text).expect("certificates");
            let found: Vec<_> = found.iter().map(|it| it.der().to_vec()).collect();
            assert_eq!(found, of_library(text), "{text}");
        }
        for text in [
            section("CERTIFICATE", "MAA"),
            section("CERTIFICATE", " MAA="),
            section("CERTIFICATE", "MAA=\nMAA="),
            section("CERTIFICATE", "Comment: a header\n\nMAA="),
            section("CERTIFICATE", one).replace("END", "EN"),
        ] {
            assert!(decode(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn a21_a_link_to_what_the_bundle_has_is_not_followed() {
        for (to, expected) in [
            ("/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt", true),
            ("/usr/local/share/ca-certificates/ours.crt", true),
            ("../../ca-certificates/extracted/cadir/ours.pem", true),
            (
                "/etc/pki/ca-trust/extracted/pem/directory-hash/ours.pem",
                true,
            ),
            ("ISRG_Root_X1.pem", true),
            ("/opt/ours.pem", false),
            ("../ours.pem", false),
            ("..data/ours.pem", false),
        ] {
            assert_eq!(is_in_bundle(Path::new(to)), expected, "{to}");
        }
    }
}
