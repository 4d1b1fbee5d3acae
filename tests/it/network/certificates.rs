//! Certificates that are no good, and files of them that cannot be read.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustix::fs::{mkfifoat, Mode, CWD};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::skip::needs;

use super::{answer, any_code, config, config_of, names_of, Authority};

/// What a refusal may need: much more would mean that something endless was read.
const LIMIT: Duration = Duration::from_secs(20);

#[apply(test)]
fn a21_files_of_certificates_are_regular_and_limited() {
    let authority = Authority::new();
    let fake = Fake::secure(authority.server(&["127.0.0.1"], 2099), any_code);
    let place = tempfile::tempdir().expect("a directory");
    let path = |name: &str| place.path().join(name);
    mkfifoat(CWD, path("fifo"), Mode::RWXU).expect("a pipe");
    std::os::unix::fs::symlink("/dev/zero", path("link")).expect("a link");
    fs::File::create(path("large"))
        .and_then(|file| file.set_len(5 << 20))
        .expect("a file");
    fs::create_dir(path("pipes")).expect("a directory");
    mkfifoat(CWD, path("pipes/01234567.0"), Mode::RWXU).expect("a pipe");
    let files = [
        Path::new("/dev/zero").to_owned(),
        path("fifo"),
        path("link"),
        path("large"),
        place.path().to_owned(),
    ];
    let limited = |program: Program| {
        // A bound of memory, so that what is endless does not take the machine with it.
        let started = Instant::now();
        let finished = program.through_shell("ulimit -v 1500000", "").run();
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        finished
    };
    for file in &files {
        let finished = limited(Program::login(&fake).arg("--ca-file").arg(file)).expect(2);
        assert!(
            finished.stderr.contains(&file.display().to_string()),
            "{}",
            finished.stderr
        );
        // The system's may be ignored; that is said, and what is named besides counts.
        let login = Program::login(&fake).env("SSL_CERT_FILE", file);
        let finished = limited(login).expect(6);
        let said = finished.stderr.contains("is ignored")
            && finished.stderr.contains(&file.display().to_string());
        assert!(said, "{}", finished.stderr);
        let doctor = Program::new()
            .args(["--store", "file", "doctor", &fake.mcp()])
            .env("SSL_CERT_FILE", file);
        let doctor = limited(doctor);
        assert!(doctor.stdout.contains("ignored"), "{}", doctor.stdout);
    }
    for directory in ["/proc", "/dev", path("pipes").to_str().expect("a path")] {
        limited(Program::login(&fake).env("SSL_CERT_DIR", directory)).expect(6);
    }
    let mut login = Program::login(&fake)
        .arg("--ca-file")
        .arg(authority.pem())
        .env("SSL_CERT_DIR", "/proc")
        .start();
    answer(&mut login);
    login.finish().expect(0);
    // Directories of certificates work, whatever the files are called.
    let directories = format!(
        "{}:{}",
        path("pipes").display(),
        authority.place.path().display()
    );
    let mut login = Program::login(&fake)
        .env("SSL_CERT_DIR", directories)
        .start();
    answer(&mut login);
    login.finish().expect(0);
}

#[apply(test)]
fn authorities_are_read_once_in_a_login_and_only_for_tls() {
    needs(&["strace"]);
    let authority = Authority::new();
    let secure = Fake::secure(authority.server(&["127.0.0.1"], 2099), any_code);
    for (fake, expected) in [(secure, 1), (Fake::with(any_code), 0)] {
        let trace = authority.place.path().join("trace");
        let path = trace.to_str().expect("a path");
        let wrapper = ["strace", "-f", "-qq", "-e", "trace=%file", "-o", path];
        let login = Program::login(&fake).env("SSL_CERT_FILE", authority.pem());
        let mut login = login.through(&wrapper).start();
        answer(&mut login);
        login.finish().expect(0);
        let trace = fs::read_to_string(&trace).expect("a trace");
        let opened = trace
            .lines()
            .filter(|line| line.contains(" open") && line.contains("ca.pem"));
        assert_eq!(opened.count(), expected, "{trace}");
    }
}

#[apply(test)]
fn p52_a_certificate_of_an_authority_is_not_one_of_a_server() {
    let key = KeyPair::generate().expect("a key");
    let mut params = names_of(&["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("a certificate");
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("cert.pem");
    fs::write(&file, authority.pem()).expect("writing");
    let fake = Fake::secure(config(vec![authority.der().clone()], &key), any_code);
    let finished = Program::login(&fake)
        .arg("--ca-file")
        .arg(&file)
        .run()
        .expect_error(6, "insecure_connection");
    let said = finished
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        said.contains("is the one of a certificate authority (CA:TRUE)"),
        "{said}"
    );
    assert!(
        !said.contains("--ca-file") && said.contains("openssl req -x509"),
        "{said}"
    );

    // The command makes one that serves.
    needs(&["openssl"]);
    let start = said.find("openssl req").expect("a command");
    let command: Vec<_> = said[start..]
        .split(' ')
        .take_while(|word| !word.starts_with('{'))
        .collect();
    let status = Command::new(command[0])
        .args(&command[1..])
        .current_dir(place.path())
        .output()
        .expect("running openssl");
    assert!(
        status.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&status.stderr)
    );
    let chain = vec![CertificateDer::from_pem_file(&file).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(place.path().join("key.pem")).expect("a key");
    let fake = Fake::secure(config_of(chain, key), any_code);
    let mut login = Program::login(&fake).arg("--ca-file").arg(&file).start();
    answer(&mut login);
    login.finish().expect(0);
}

/// Starts what answers without TLS, as web servers answer what is no request.
pub fn without_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    address
}

#[apply(test)]
fn p52_a_server_without_tls_is_not_reported_as_an_attack() {
    let address = without_tls();
    let finished = Program::login_at(&format!("https://{address}/mcp"))
        .run()
        .expect_error(2, "no_tls");
    let said = finished
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        said.contains("does not speak TLS") && said.contains("http://"),
        "{said}"
    );
}

#[apply(test)]
fn p52_a_certificate_for_other_hosts_names_them() {
    let authority = Authority::new();
    let key = KeyPair::generate().expect("a key");
    let nameless = CertificateParams::new(Vec::new()).expect("parameters");
    let nameless = nameless
        .signed_by(&key, &authority.issuer)
        .expect("a certificate");
    for (server, what, hint) in [
        (
            authority.server(&["other.example"], 2099),
            "is not for this host, but for other.example",
            "check the URL",
        ),
        (
            authority.server(
                &[
                    "a.example",
                    "b.example",
                    "c.example",
                    "d.example",
                    "e.example",
                ],
                2099,
            ),
            "and 2 more",
            "check the URL",
        ),
        (
            config(vec![nameless.der().clone()], &key),
            "it has no subjectAltName",
            "openssl req -x509",
        ),
    ] {
        let fake = Fake::secure(server, any_code);
        let login = Program::login(&fake).arg("--ca-file").arg(authority.pem());
        let finished = login.run().expect_error(6, "insecure_connection");
        let said = finished
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            said.contains(what) && said.contains(hint) && !said.contains("--ca-file"),
            "{said}"
        );
        assert_eq!(fake.seen().len(), 0);
    }
}
