//! A real etcd, with the helper of `contrib/stores`: machines that share a login. `tests/fleet/run` is the large form, with
//! three nodes that are killed and cut off.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::engine::machine;
use crate::support::program::{Finished, Program};
use crate::support::rotating::Rotating;
use crate::support::skip::needs;
use crate::support::{closed_address, wait_for};

const HELPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/stores/etcd");
const MACHINES: usize = 8;
const EXPIRIES: usize = 3;

struct Etcd {
    process: Child,
    endpoint: String,
    _data: TempDir,
}

impl Etcd {
    fn start() -> Self {
        let data = machine();
        let [endpoint, peers] = [(); 2].map(|()| format!("http://{}", closed_address()));
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(data.path())
            .args([
                "--listen-client-urls",
                &endpoint,
                "--advertise-client-urls",
                &endpoint,
            ])
            .args([
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
            ])
            .args(["--initial-cluster", &format!("default={peers}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting etcd");
        let etcd = Self {
            process,
            endpoint,
            _data: data,
        };
        wait_for("etcd", || {
            etcd.shell("etcdctl endpoint health").then_some(())
        });
        etcd
    }

    fn shell(&self, script: &str) -> bool {
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .env("ETCDCTL_API", "3")
            .env("ETCDCTL_ENDPOINTS", &self.endpoint);
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.expect("a shell").success()
    }

    /// Lets the access token expire, as time does.
    fn expire(&self) {
        let script = "key=$(etcdctl get --prefix --keys-only mcp-login/ | head -n 1)
            value=$(etcdctl get --print-value-only -- \"$key\" | base64 -d | sed 's/\"expires_at\":\"[^\"]*\"/\"expires_at\":\"2020-01-01T01:00:00Z\"/; s/\"obtained_at\":\"[^\"]*\"/\"obtained_at\":\"2020-01-01T00:00:00Z\"/' | base64 -w 0)
            printf %s \"$value\" | etcdctl put -- \"$key\"";
        assert!(self.shell(script), "the value was not changed");
    }

    fn run(&self, home: &TempDir, words: &[&str]) -> Program {
        Program::new()
            .at_home(home.path())
            .env("ETCDCTL_ENDPOINTS", &self.endpoint)
            .env("MCP_LOGIN_STORE", format!("exec:{HELPER}"))
            .args(words)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// It starts an etcd and some hundred processes.
#[apply(long_test)]
fn es10_machines_share_a_login_in_a_real_etcd() {
    needs(&["etcd", "etcdctl", "base64"]);
    let servers = Rotating::start();
    let url = servers.fake.mcp();
    let mut etcd = Etcd::start();
    let homes: Vec<_> = (0..MACHINES).map(|_| machine()).collect();
    let doctor = etcd.run(&homes[0], &["doctor", "--json"]).run().expect(0);
    assert!(doctor
        .stdout
        .contains("8 that replace one revision at once"));
    etcd.run(&homes[0], &["--json", "--no-browser", &url])
        .agree()
        .expect(0);
    let token = |etcd: &Etcd, home: &TempDir| etcd.run(home, &["token", &url]);
    let mut given = Vec::new();
    for expiry in 1..=EXPIRIES {
        etcd.expire();
        let running: Vec<_> = homes
            .iter()
            .map(|home| token(&etcd, home).start())
            .collect();
        let finish = |(running, home): (crate::support::program::Running, &TempDir)| -> Finished {
            let mut finished = running.finish();
            // A busy machine may give up waiting, or on etcd: it says so, and has spent nothing.
            while matches!(finished.code, Some(5 | 7)) {
                finished = token(&etcd, home).run();
            }
            finished.expect(0)
        };
        let tokens = running
            .into_iter()
            .zip(&homes)
            .map(finish)
            .map(|it| it.stdout);
        given = tokens.collect();
        assert!(given.iter().all(|it| *it == given[0]), "{given:?}");
        assert_eq!((servers.refreshes(), servers.was_reused()), (expiry, false));
    }
    let _ = etcd.process.kill();
    let _ = etcd.process.wait();
    let copy = token(&etcd, &homes[1]).run().expect(0);
    assert_eq!(copy.stdout, given[0]);
    token(&etcd, &homes[1]).arg("--refresh").run().expect(7);
    assert_eq!(servers.refreshes(), EXPIRIES);
}
