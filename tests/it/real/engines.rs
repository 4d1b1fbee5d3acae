//! Real engines, with their helpers of `contrib/stores`: machines that share a login. `tests/fleet/run` is the large form for
//! etcd, with three nodes that are killed and cut off.

use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::bed::{self, Part};
use crate::support::engine::machine;
use crate::support::program::{Finished, Program};
use crate::support::rotating::Rotating;
use crate::support::skip::needs;
use crate::support::{closed_address, wait_for};

const STORES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/stores");

/// Lets the access token of a value expire, as time does.
const EXPIRED: &str = r#"base64 -d | sed 's/"expires_at":"[^"]*"/"expires_at":"2020-01-01T01:00:00Z"/; s/"obtained_at":"[^"]*"/"obtained_at":"2020-01-01T00:00:00Z"/' | base64 -w 0"#;

/// An engine that runs.
struct Engine {
    process: Child,
    /// Where its command line finds it.
    environment: Vec<(&'static str, String)>,
    helper: &'static str,
    /// Lets the access token of the login in it expire; `expired` does so with a value.
    expire: &'static str,
    _data: TempDir,
}

impl Engine {
    fn etcd() -> Self {
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
            environment: vec![
                ("ETCDCTL_API", "3".to_owned()),
                ("ETCDCTL_ENDPOINTS", endpoint),
            ],
            helper: "etcd",
            expire: "key=$(etcdctl get --prefix --keys-only mcp-login/ | head -n 1)
                value=$(etcdctl get --print-value-only -- \"$key\" | expired)
                printf %s \"$value\" | etcdctl put -- \"$key\"",
            _data: data,
        };
        etcd.wait("etcdctl endpoint health");
        etcd
    }

    /// Starts OpenBao as for development, which keeps all in memory and has version 2 of the KV engine at `secret`.
    fn openbao() -> Self {
        let data = machine();
        let address = closed_address().to_string();
        let program = bed::openbao();
        let process = Command::new(&program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .args(["-dev-root-token-id=root", "-dev-listen-address", &address])
            .env("HOME", data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting OpenBao");
        let directory = program.parent().expect("a directory").display();
        let bao = Self {
            process,
            environment: vec![
                ("BAO_ADDR", format!("http://{address}")),
                ("BAO_TOKEN", "root".to_owned()),
                ("PATH", format!("{directory}:/usr/bin:/bin")),
            ],
            helper: "vault -p bao",
            expire: "key=$(bao kv list -format=yaml -mount=secret mcp-login | sed -n 's/^- //p' | grep -v probe)
                value=$(bao kv get -field=value -mount=secret \"mcp-login/$key\" | expired)
                printf %s \"$value\" | bao kv put -mount=secret \"mcp-login/$key\" value=-",
            _data: data,
        };
        bao.wait("bao kv put -mount=secret elsewhere it=works");
        bao
    }

    fn wait(&self, script: &str) {
        wait_for(self.helper, || self.shell(script).then_some(()));
    }

    fn shell(&self, script: &str) -> bool {
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .envs(self.environment.iter().cloned());
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.expect("a shell").success()
    }

    fn expire(&self) {
        let script = format!("expired() {{ {EXPIRED}; }}\n{}", self.expire);
        assert!(self.shell(&script), "the value was not changed");
    }

    fn run(&self, home: &TempDir, words: &[&str]) -> Program {
        let store = format!("exec:{STORES}/{}", self.helper);
        let program = Program::new()
            .at_home(home.path())
            .env("MCP_LOGIN_STORE", store);
        let with =
            |program: Program, (name, value): &(&'static str, String)| program.env(name, value);
        self.environment.iter().fold(program, with).args(words)
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Lets machines share a login whose token expires, and then the engine go away.
    fn serves(mut self, machines: usize, expiries: usize) {
        let servers = Rotating::start();
        let url = servers.fake.mcp();
        let homes: Vec<_> = (0..machines).map(|_| machine()).collect();
        let doctor = self.run(&homes[0], &["doctor", "--json"]).run().expect(0);
        for said in [
            "8 that replace one revision at once",
            "no earlier revision of it is replaced",
            "0 logins",
        ] {
            assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
        }
        self.run(&homes[0], &["--json", "--no-browser", &url])
            .agree()
            .expect(0);
        let token = |engine: &Engine, home: &TempDir| engine.run(home, &["token", &url]);
        let mut given = Vec::new();
        for expiry in 1..=expiries {
            self.expire();
            let running: Vec<_> = homes
                .iter()
                .map(|home| token(&self, home).start())
                .collect();
            let finish =
                |(running, home): (crate::support::program::Running, &TempDir)| -> Finished {
                    let mut finished = running.finish();
                    // A busy machine may give up waiting, or on the engine: it says so, and has spent nothing.
                    while matches!(finished.code, Some(5 | 7)) {
                        finished = token(&self, home).run();
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
        let status = self.run(&homes[1], &["status"]).run().expect(0);
        assert!(status.stdout.contains(&url), "{}", status.stdout);
        self.end();
        let copy = token(&self, &homes[1]).run().expect(0);
        assert_eq!(copy.stdout, given[0]);
        token(&self, &homes[1]).arg("--refresh").run().expect(7);
        assert_eq!(servers.refreshes(), expiries);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// It starts an etcd and some hundred processes.
#[apply(long_test)]
fn es10_machines_share_a_login_in_a_real_etcd() {
    needs(&["etcd", "etcdctl", "base64"]);
    Engine::etcd().serves(8, 3);
}

/// Each call of `bao` takes a tenth of a second of processor time, and there are a hundred.
#[apply(long_test)]
fn es10_es14_machines_share_a_login_in_a_real_openbao() {
    needs(&["base64"]);
    let _bed = bed::Bed::with(&[Part::OpenBao]);
    let mut bao = Engine::openbao();
    let helper = bao.helper;
    // Version 1 of the KV engine takes each value, whatever was there.
    assert!(bao.shell("bao secrets enable -path=first kv"));
    bao.helper = "vault -p bao first/mcp-login";
    let first = bao.run(&machine(), &["doctor"]).run().expect(7);
    assert!(
        first.stdout.contains("first is version 1"),
        "{}",
        first.stdout
    );
    bao.helper = helper;
    bao.serves(3, 1);
}
