//! What a login costs over a long line, in round trips: `cargo bench --bench line`.
//!
//! The servers speak TLS and are behind a proxy that delays each direction and a connection's first bytes, as a line with a
//! round-trip time of 100 ms would. All is done in turns, so that a busy machine does the same to all; the figures to trust
//! are the medians. If `codex` is on the path (or named by `CODEX`), its login is measured in the same turns. Both read the
//! certificate authorities of the system and one more, from one file.

#[path = "measure/peak.rs"]
mod peak;
#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike as _;
use serde_json::json;
use support::certificates::Authority;
use support::fake::{Fake, Reply, Seen};
use support::line::Line;
use support::program::{Program, Running};
use support::visit;

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// How long the person is in the browser.
const PERSON: Duration = Duration::from_millis(700);

/// How often everything is done.
const TURNS: usize = 7;

fn main() {
    let authority = Authority::new();
    let bundle = bundle(&authority);
    let turns = std::env::var("TURNS").map_or(TURNS, |turns| turns.parse().expect("a number"));
    let codex = codex();
    let (two, one) = (Servers::apart(&authority), Servers::together(&authority));
    let mut table = Table::default();
    for _ in 0..turns {
        for (servers, what) in [(&two, "two origins"), (&one, "one origin")] {
            ours(servers, what, &bundle, &mut table);
            if let Some((program, _)) = &codex {
                theirs(servers, what, &bundle, program, &mut table);
            }
        }
    }
    let version = codex.map_or("codex (not on the path)".to_owned(), |(_, version)| version);
    table.print(&version);
    memory(&bundle, [(&two, "two origins"), (&one, "one origin")]);
}

/// Returns a file with the authorities of the system and this one.
fn bundle(authority: &Authority) -> PathBuf {
    let path = authority.place.path().join("bundle.pem");
    let system = openssl_probe::probe().cert_file;
    let system = system.and_then(|file| fs::read_to_string(file).ok());
    let pem = authority.issuer.pem();
    fs::write(&path, system.unwrap_or_default() + &pem).expect("writing");
    path
}

/// Returns the path and the version of codex, if it is there.
fn codex() -> Option<(String, String)> {
    let program = std::env::var("CODEX").unwrap_or_else(|_| "codex".to_owned());
    let output = Command::new(&program).arg("--version").output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some((program, version))
}

/// A resource and its authorization server, each at the far end of a line.
struct Servers {
    resource: Fake,
    authorization: Fake,
}

impl Servers {
    /// Starts both at one origin.
    fn together(authority: &Authority) -> Self {
        let both = far_away(authority, |_, _| None);
        Self {
            resource: both.clone(),
            authorization: both,
        }
    }

    /// Starts them at two origins.
    fn apart(authority: &Authority) -> Self {
        let authorization = far_away(authority, |_, _| None);
        let issuer = authorization.origin();
        let resource = far_away(authority, move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["authorization_servers"] = json!([issuer]);
            match seen.path.as_str() {
                "/.well-known/oauth-protected-resource/mcp" => Some(Reply::json(200, &metadata)),
                "/mcp" => None,
                _ => Some(Reply::status(404)),
            }
        });
        Self {
            resource,
            authorization,
        }
    }

    /// Agrees for a person who has thought for a while; returns where the browser is sent.
    fn agree(&self, url: &str) -> String {
        thread::sleep(PERSON);
        let (path, query) = url.split_once('?').expect("a query");
        assert_eq!(path, format!("{}/authorize", self.authorization.origin()));
        let visit = Seen {
            connection: 0,
            method: "GET".to_owned(),
            path: "/authorize".to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        let Reply::Full { headers, .. } = self.authorization.behave(&visit) else {
            panic!("no redirect")
        };
        let mut headers = headers.into_iter();
        let location = headers.find(|(name, _)| name == "Location");
        location.expect("a redirect").1
    }
}

/// Starts servers behind TLS and a long line, which also refresh.
fn far_away(
    authority: &Authority,
    others: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
) -> Fake {
    let tls = authority.server(&["127.0.0.1"], 2099);
    let fake = Fake::secure(tls, move |seen, fake| {
        let is_refresh = seen.parameter("grant_type").as_deref() == Some("refresh_token");
        let tokens = is_refresh.then(|| Reply::json(200, &fake.tokens(0, None)));
        tokens.or_else(|| others(seen, fake))
    });
    let line = Line::to(fake.address(), ROUND_TRIP);
    fake.publish_at(line.address());
    fake
}

/// Logs in twice and refreshes.
fn ours(servers: &Servers, what: &str, bundle: &PathBuf, table: &mut Table) {
    let login = || Program::login(&servers.resource).env("SSL_CERT_FILE", bundle);
    let whole = |mut login: Running, first: bool, table: &mut Table| {
        let started = login.started;
        let url = login.authorization_url();
        let which = if first { "first" } else { "second" };
        table.note(
            &format!("{which} login to the URL, {what}"),
            Side::Ours,
            started.elapsed(),
        );
        let callback = servers.agree(&url);
        let answered = Instant::now();
        assert_eq!(visit(&callback).status, 200);
        let finished = login.finish().expect(0);
        table.note(
            &format!("from the browser's answer to the end, {what}"),
            Side::Ours,
            answered.elapsed(),
        );
        finished
    };
    let before = children_cpu();
    let home = whole(login().start(), true, table);
    table.note(
        &format!("processor time of a first login, {what}"),
        Side::Ours,
        children_cpu() - before,
    );
    whole(
        login().arg("--force").at_home(home.home()).start(),
        false,
        table,
    );
    let token = Program::new()
        .args(["token", "--refresh"])
        .arg(servers.resource.mcp());
    let token = token.env("SSL_CERT_FILE", bundle).at_home(home.home());
    let started = Instant::now();
    token.run().expect(0);
    table.note(
        &format!("`token` with a refresh, {what}"),
        Side::Ours,
        started.elapsed(),
    );
}

/// Prints the peak memory of a first login.
fn memory(bundle: &PathBuf, all: [(&Servers, &str); 2]) {
    println!("\n| peak memory of a first login | |\n|---|---|");
    if !peak::is_measurable() {
        return;
    }
    for (servers, what) in all {
        let mut peaks: Vec<_> = (0..TURNS).map(|_| peak_of_login(servers, bundle)).collect();
        peaks.sort_by(f64::total_cmp);
        let (least, median, most) = (peaks[0], peaks[TURNS / 2], peaks[TURNS - 1]);
        println!("| {what} | {median:.1} MiB, {least:.1} to {most:.1} |");
    }
}

fn peak_of_login(servers: &Servers, bundle: &PathBuf) -> f64 {
    let login = Program::login(&servers.resource).env("SSL_CERT_FILE", bundle);
    peak::of(login, |program| {
        let mut login = program.start();
        let url = login.authorization_url();
        assert_eq!(visit(&servers.agree(&url)).status, 200);
        login.finish().expect(0);
    })
}

/// Lets codex log in.
fn theirs(servers: &Servers, what: &str, bundle: &PathBuf, program: &str, table: &mut Table) {
    let home = tempfile::tempdir().expect("a directory");
    let url = servers.resource.mcp();
    let config =
        format!("mcp_oauth_credentials_store = \"file\"\n[mcp_servers.fake]\nurl = \"{url}\"\n");
    fs::write(home.path().join("config.toml"), config).expect("a configuration");
    let mut codex = Program::of(program)
        .args(["mcp", "login", "fake"])
        .env("BROWSER", "true");
    for variable in ["SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"] {
        codex = codex.env(variable, bundle);
    }
    let before = children_cpu();
    let mut codex = codex.env("CODEX_HOME", home.path()).start();
    let url = loop {
        let line = codex
            .next_line()
            .unwrap_or_else(|| panic!("codex: {:?}", codex.stderr_so_far()));
        if line.starts_with("https://") {
            break line;
        }
    };
    table.note(
        &format!("first login to the URL, {what}"),
        Side::Codex,
        codex.started.elapsed(),
    );
    let callback = servers.agree(&url);
    let answered = Instant::now();
    visit(&callback);
    codex.finish().expect(0);
    table.note(
        &format!("from the browser's answer to the end, {what}"),
        Side::Codex,
        answered.elapsed(),
    );
    table.note(
        &format!("processor time of a first login, {what}"),
        Side::Codex,
        children_cpu() - before,
    );
}

fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).expect("not negative"))
}

#[derive(Clone, Copy)]
enum Side {
    Ours,
    Codex,
}

/// What was measured, in the order in which it came.
#[derive(Default)]
struct Table(Vec<(String, [Vec<Duration>; 2])>);

impl Table {
    fn note(&mut self, what: &str, side: Side, time: Duration) {
        let at = self.0.iter().position(|(known, _)| known == what);
        let at = at.unwrap_or_else(|| {
            self.0
                .push((what.to_owned(), <[Vec<Duration>; 2]>::default()));
            self.0.len() - 1
        });
        self.0[at].1[side as usize].push(time);
    }

    fn print(&mut self, codex: &str) {
        let version = env!("CARGO_PKG_VERSION");
        let date = Command::new("date")
            .arg("-u")
            .arg("+%Y-%m-%d")
            .stderr(Stdio::null())
            .output();
        let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        println!(
            "over TLS, {} ms per round trip, {}; round trips, or ms of processor time\n",
            ROUND_TRIP.as_millis(),
            date.unwrap_or_default()
        );
        println!("| what | mcp-login {version}: median | least to most | {codex}: median | least to most | ratio |");
        println!("|---|---|---|---|---|---|");
        for (what, [ours, theirs]) in &mut self.0 {
            ours.sort();
            theirs.sort();
            let unit = if what.starts_with("processor") {
                Duration::from_millis(1)
            } else {
                ROUND_TRIP
            };
            let figure = |time: Option<&Duration>| {
                time.map_or("-".to_owned(), |time| {
                    format!("{:.2}", time.as_secs_f64() / unit.as_secs_f64())
                })
            };
            let median = |times: &[Duration]| times.get(times.len() / 2).copied();
            let row = |times: &[Duration]| {
                format!(
                    "{} | {} to {}",
                    figure(median(times).as_ref()),
                    figure(times.first()),
                    figure(times.last())
                )
            };
            let ratio = median(ours)
                .zip(median(theirs))
                .map(|(ours, theirs)| format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64()));
            println!(
                "| {what} | {} | {} | {} |",
                row(ours),
                row(theirs),
                ratio.unwrap_or("-".to_owned())
            );
        }
    }
}
