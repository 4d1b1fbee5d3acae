//! The doctor: it foresees what a login ends with, says why, and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use crate::listener::network::in_network;
use crate::support::fake::{Fake, Reply};
use crate::support::leaks::{assert_hides, assert_plain};
use crate::support::program::{Finished, Program};
use crate::support::pty::Pty;
use crate::support::rotating::{login, Home, Rotating};
use crate::support::skip::needs;
use crate::support::strace;

/// Prepares an examination with the file as the store.
fn doctor(args: &[&str]) -> Program {
    Program::new()
        .args(["--store", "file", "doctor"])
        .args(args)
}

fn object(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|_| panic!("{} {}", finished.stdout, finished.stderr))
}

/// Returns the findings about a topic.
fn findings(object: &Value, topic: &str) -> Vec<Value> {
    let all = object["findings"].as_array().expect("findings");
    all.iter()
        .filter(|finding| finding["topic"] == topic)
        .cloned()
        .collect()
}

/// Checks the one finding about a topic.
#[track_caller]
fn assert_found(object: &Value, topic: &str, state: &str, what: &str) {
    let found = findings(object, topic);
    assert_eq!(found.len(), 1, "{topic}: {object:#}");
    assert_eq!(found[0]["state"], state, "{:#}", found[0]);
    assert!(
        found[0]["what"]
            .as_str()
            .is_some_and(|text| text.contains(what)),
        "{what:?}: {:#}",
        found[0]
    );
}

fn steps(object: &Value) -> Vec<(String, Value, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let steps = object["steps"].as_array().expect("steps").iter();
    steps
        .map(|step| {
            (
                text(&step["url"]),
                step["status"].clone(),
                text(&step["decided"]),
            )
        })
        .collect()
}

/// Returns all files below a directory, with what is in them.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).expect("a file"));
        }
    }
    found
}

#[apply(test)]
fn a_machine_without_a_server() {
    let finished = doctor(&["--json"]).run().expect(0);
    let object = object(&finished);
    for (topic, what) in [
        ("environment", "display"),
        (
            "callback",
            "http://127.0.0.1:PORT/callback, at any free port",
        ),
        ("data", "made when it is needed"),
        ("file", "can be made; logins are stored here"),
        ("logins", "0 logins"),
        ("refreshes", "none"),
        ("clock", "Z"),
        ("proxy", "none"),
    ] {
        assert_found(&object, topic, "ok", what);
    }
    assert_found(&object, "terminal", "warning", "cannot be pasted");
    assert_eq!(findings(&object, "loopback").len(), 2, "both families");
    assert!(
        findings(&object, "keyring").is_empty(),
        "it is not asked where it is not used"
    );
    assert_eq!(
        (&object["server"], &object["steps"], &object["exit"]),
        (&Value::Null, &json!([]), &json!(0))
    );
}

#[apply(test)]
fn a_server_that_is_well_step_by_step() {
    let fake = Fake::start();
    let object = object(&doctor(&["--json", &fake.mcp()]).run().expect(0));
    assert_eq!(object["server"], fake.mcp());
    let (origin, mcp) = (fake.origin(), fake.mcp());
    let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    let expected = json!([
        {"url": mcp, "status": 401,
         "decided": format!("the server wants a login: its challenge names metadata at {metadata} and scopes read")},
        {"url": metadata, "status": 200,
         "decided": format!("metadata of {mcp}; authorization server: {origin}; scopes read write")},
        {"url": format!("{origin}/.well-known/oauth-authorization-server"), "status": 200,
         "decided": format!("metadata of the issuer {origin}, as expected")},
    ]);
    assert_eq!(object["steps"], expected, "{object:#}");
    for (topic, what) in [
        ("login", "none is stored yet"),
        ("issuer", origin.as_str()),
        ("resource", mcp.as_str()),
        ("pkce", "S256"),
        ("endpoints", "/authorize"),
        ("registration", "dynamic registration is offered"),
        ("scopes", "read, as the server's challenge says"),
    ] {
        assert_found(&object, topic, "ok", what);
    }
    let paths: Vec<_> = fake.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        paths.len(),
        3,
        "nothing else is asked, and nothing registered: {paths:?}"
    );
}

#[apply(test)]
fn the_options_of_a_login_are_those_of_its_examination() {
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["client_id_metadata_document_supported"] = true.into();
        metadata["authorization_response_iss_parameter_supported"] = true.into();
        (seen.path == "/.well-known/oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    let document = "https://client.example/mcp-login.json";
    let examine = |args: &[&str]| {
        let program = doctor(&["--json", &fake.mcp()]).args(args);
        object(
            &program
                .env("MCP_LOGIN_CLIENT_SECRET", "cl1ent-0Up6.canary-Yg")
                .run()
                .expect(0),
        )
    };
    let by_document = examine(&[
        "--client-metadata-url",
        document,
        "--scope",
        "a b",
        "--no-resource",
        "--no-browser",
    ]);
    assert_found(
        &by_document,
        "registration",
        "ok",
        &format!("with the client metadata document {document}"),
    );
    assert_found(&by_document, "scopes", "ok", "a b, as you asked");
    assert_found(
        &by_document,
        "resource",
        "ok",
        "none is named, as you asked",
    );
    assert_found(
        &by_document,
        "issuer",
        "ok",
        "it names itself in its answers",
    );
    assert_found(&by_document, "browser", "ok", "as you asked");
    let by_hand = examine(&[
        "--client-id",
        "mine",
        "--redirect-host",
        "localhost",
        "--browser",
        "sh",
        "--paste",
    ]);
    assert_found(
        &by_hand,
        "registration",
        "ok",
        "with the client mine that you name",
    );
    assert_found(&by_hand, "callback", "ok", "http://localhost:PORT/callback");
    assert_found(&by_hand, "browser", "ok", "sh is opened");
    assert_found(&by_hand, "terminal", "ok", "can be pasted");
    assert!(!by_hand.to_string().contains("canary"), "{by_hand}");
    let challenge = format!(
        "Bearer resource_metadata=\"{}/x\", scope=\"admin\"",
        fake.origin()
    );
    let challenged = doctor(&["--json", &fake.mcp(), "--challenge", &challenge])
        .run()
        .expect(0);
    let (url, status, decided) = steps(&object(&challenged)).remove(0);
    assert_eq!((url, status), (fake.mcp(), Value::Null));
    assert!(
        decided.starts_with("not sent: ") && decided.ends_with("scopes admin"),
        "{decided}"
    );
    doctor(&["--port", "x"]).run().expect(2);
    doctor(&["mcp.example.com"]).run().expect(2);
}

/// A fake that differs in one member of a document.
fn with_member(path: &'static str, member: &'static str, value: Value) -> Fake {
    Fake::with(move |seen, fake| {
        let mut document = match path.contains("resource") {
            true => fake.resource_metadata(),
            false => fake.server_metadata(),
        };
        document[member] = value.clone();
        (seen.path == path).then(|| Reply::json(200, &document))
    })
}

const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
const SERVER: &str = "/.well-known/oauth-authorization-server";

#[apply(test)]
fn it_foresees_what_a_login_ends_with() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port().to_string();
    let home = tempfile::tempdir().expect("a directory");
    let (broken, nothing) = (
        home.path().join("broken.json"),
        home.path().join("nothing.pem"),
    );
    fs::write(&broken, "{ this is no ledger").expect("writing");
    let broken = format!("file:{}", broken.display());
    for (fake, args, topic) in [
        (
            with_member(SERVER, "issuer", json!("https://evil.example")),
            &[][..],
            "discovery",
        ),
        (
            with_member(RESOURCE, "resource", json!("https://evil.example/mcp")),
            &[],
            "discovery",
        ),
        (
            with_member(SERVER, "token_endpoint", json!("http://evil.example/token")),
            &[],
            "discovery",
        ),
        (
            with_member(SERVER, "code_challenge_methods_supported", json!(["plain"])),
            &[],
            "discovery",
        ),
        (
            with_member(SERVER, "code_challenge_methods_supported", Value::Null),
            &[],
            "discovery",
        ),
        (
            with_member(SERVER, "registration_endpoint", Value::Null),
            &[],
            "registration",
        ),
        (
            Fake::with(|_, _| Some(Reply::status(404))),
            &[],
            "discovery",
        ),
        (
            Fake::with(|_, _| Some(Reply::Raw(Vec::new()))),
            &[],
            "discovery",
        ),
        (
            Fake::with(|_, _| Some(Reply::json(200, &json!({})))),
            &[],
            "discovery",
        ),
        (
            Fake::start(),
            &["--issuer", "https://other.example"],
            "discovery",
        ),
        (Fake::start(), &["--registration", "cimd"], "registration"),
        (Fake::start(), &["--registration", "static"], "registration"),
        (Fake::start(), &["--port", &port], "callback"),
        (Fake::start(), &["--data-dir", "/proc/nowhere"], "file"),
        (Fake::start(), &["--store", &broken], "login"),
    ] {
        let store: &[&str] = if args.contains(&"--store") {
            &[]
        } else {
            &["--store", "file"]
        };
        let run = |command: &str| {
            Program::new()
                .args([command, "--json", "--no-browser"])
                .args(store)
                .args(args)
                .arg(fake.mcp())
                .run()
        };
        let examined = run("doctor");
        let login = run("login");
        assert_eq!(
            examined.code, login.code,
            "{args:?}: {}\n{}",
            examined.stdout, login.stdout
        );
        let failed = object(&examined);
        let failure = findings(&failed, topic)
            .into_iter()
            .find(|finding| finding["state"] == "failure");
        let failure = failure.unwrap_or_else(|| panic!("{args:?}: {failed:#}"));
        let error = login.event("error");
        assert_eq!(failure["code"], error["code"], "{args:?}: {failed:#}");
        assert_eq!(
            (&failure["hint"], &failed["exit"]),
            (&error["hint"], &error["exit"]),
            "{args:?}"
        );
    }
    // The file of authorities is read only for https, and then by both.
    let unreadable = nothing.display().to_string();
    doctor(&["--ca-file", &unreadable]).run().expect(2);
    doctor(&["--ca-file", &unreadable, &Fake::start().mcp()])
        .run()
        .expect(0);
}

#[apply(test)]
fn a_home_that_is_missing_and_a_server_that_is_down() {
    let mut homeless = doctor(&["--json"]);
    homeless.command().env_remove("HOME");
    let object_of_homeless = object(&homeless.run().expect(7));
    assert_found(&object_of_homeless, "data", "failure", "HOME is not set");
    let down = crate::support::closed_address();
    let url = format!("http://{down}/mcp");
    let down = object(&doctor(&["--json", &url]).run().expect(5));
    assert_found(&down, "discovery", "failure", "cannot reach");
    assert_eq!(steps(&down)[0].1, Value::Null, "{down:#}");
    // What comes first in a login decides: the data directory, then the server.
    let mut both = doctor(&["--json", &url]);
    both.command().env_remove("HOME");
    both.run().expect(7);
}

#[apply(test)]
fn a_port_in_use_is_a_warning_where_the_answer_can_be_pasted() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port().to_string();
    let refused = object(&doctor(&["--json", "--port", &port]).run().expect(8));
    assert_found(
        &refused,
        "callback",
        "failure",
        &format!("process {}", std::process::id()),
    );
    let borne = object(
        &doctor(&["--json", "--paste", "--port", &port])
            .run()
            .expect(0),
    );
    assert_found(&borne, "callback", "warning", "would have to be pasted");
}

#[apply(test)]
fn a_machine_without_ipv6_is_fine() {
    let setup = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1\nip link set lo up";
    if in_network(setup) {
        return;
    }
    let object = object(
        &doctor(&["--json", "--redirect-host", "localhost"])
            .run()
            .expect(0),
    );
    let found = findings(&object, "loopback");
    assert!(
        found.iter().all(|finding| finding["state"] == "ok"),
        "{found:?}"
    );
    assert!(
        found[1]["what"]
            .as_str()
            .is_some_and(|what| what.contains("can do without")),
        "{found:?}"
    );
}

#[apply(test)]
fn a_machine_without_loopback_needs_a_paste() {
    if in_network("true") {
        return;
    }
    let refused = object(&doctor(&["--json"]).run().expect(8));
    assert!(
        findings(&refused, "loopback")
            .iter()
            .any(|finding| finding["state"] == "warning"),
        "{refused:#}"
    );
    assert_eq!(findings(&refused, "callback")[0]["code"], "cannot_listen");
    doctor(&["--json", "--paste"]).run().expect(0);
}

const SECRETS: [&str; 4] = [
    "acc3ss-6Yl2.canary-Wb",
    "refr3sh-8Wn4.canary-Rd",
    "cl1ent-0Up6.canary-Yg",
    "pr0xy-1Tq7.canary-Uh",
];

#[apply(test)]
fn no_secret_is_shown_and_nothing_is_changed() {
    let servers = Rotating::start();
    let fake = &servers.fake;
    let kept = json!({"access_token": SECRETS[0], "refresh_token": SECRETS[1], "client_secret": SECRETS[2],
        "client_auth": "client_secret_basic"});
    let home = Home::new();
    home.put(&[login(fake, kept)]);
    Program::new()
        .at_home(home.path())
        .args(["--store", "file", "status"])
        .run()
        .expect(0);
    let proxy = format!("http://ada:{}@127.0.0.1:9", SECRETS[3]);
    let before = contents(&home.data());
    for format in ["--json", "--quiet", "-v", "-vv"] {
        for server in [fake.mcp(), "https://mcp.invalid/mcp".to_owned()] {
            let program = home
                .command("doctor", &[format, &server])
                .env("HTTPS_PROXY", &proxy);
            let program = program
                .env("MCP_LOGIN_CLIENT_SECRET", SECRETS[2])
                .env("NO_PROXY", "intranet.example");
            let finished = program
                .run()
                .expect(if server == fake.mcp() { 0 } else { 5 });
            for text in [&finished.stdout, &finished.stderr] {
                SECRETS.iter().for_each(|secret| assert_hides(text, secret));
                assert_plain(text);
            }
        }
    }
    let after = contents(&home.data());
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(text))
        .collect();
    // The proof of the file takes its lock, which stays.
    assert!(
        changed
            .iter()
            .all(|(path, _)| path.ends_with("credentials.json.lock")),
        "{changed:?}"
    );
    assert!(
        before.keys().all(|path| after.contains_key(path)),
        "{before:?} {after:?}"
    );
    assert_eq!(servers.refreshes(), 0, "no token is spent");
    assert!(fake.seen_at("/register").is_empty() && fake.seen_at("/authorize").is_empty());
}

#[apply(test)]
fn what_the_doctor_says_of_stored_logins() {
    let fake = Fake::start();
    let home = Home::with(&fake, json!({"needs_login": true}));
    let refresh = home.data().join("refresh");
    fs::create_dir(&refresh).expect("a directory");
    let note = json!({"account": fake.mcp(), "refresh_token_sha256": "00", "started_at": "2020-01-01T00:00:00Z"});
    fs::write(refresh.join("0123456789abcdef.json"), note.to_string()).expect("writing");
    let examine = || object(&home.at("doctor", &fake).arg("--json").run().expect(0));
    let object = examine();
    assert_found(&object, "logins", "ok", "1 login, 1 needs a new login");
    assert_found(&object, "login", "ok", "a new one is needed");
    assert_found(
        &object,
        "file",
        "ok",
        "mode 0600, only you can read it; logins are stored here",
    );
    assert_found(
        &object,
        "refreshes",
        "warning",
        &format!("{} started at 2020-01-01", fake.mcp()),
    );
    home.put(&[login(
        &fake,
        json!({"handed_over": {"to": "hermes", "at": "2020-01-01T00:00:00Z"}}),
    )]);
    assert_found(&examine(), "login", "ok", "handed over to hermes");
}

#[apply(test)]
fn the_registration_of_an_earlier_login_is_found_on_its_port() {
    let fake = Fake::start();
    let finished = Program::login(&fake).agree().expect(0);
    let home = finished.home().to_owned();
    let before = fake.seen_at("/register").len();
    let examined = doctor(&["--json", &fake.mcp()])
        .at_home(&home)
        .run()
        .expect(0);
    let object = object(&examined);
    assert_found(
        &object,
        "registration",
        "ok",
        "with the registration of an earlier login, client-1",
    );
    assert_found(&object, "login", "ok", "stored, with a live access token");
    let uri = finished.event("listening")["redirect_uri"]
        .as_str()
        .expect("a URI")
        .to_owned();
    assert_found(&object, "callback", "ok", &uri);
    assert_eq!(
        steps(&object).len(),
        3,
        "what is remembered does not stand in for the servers"
    );
    assert_eq!(fake.seen_at("/register").len(), before);
}

/// It waits for a session bus that does not answer, 3 s each time.
#[apply(waiting_test)]
fn sessions_that_do_not_answer_and_those_that_are_not_there() {
    let home = tempfile::tempdir().expect("a directory");
    let bus = home.path().join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&bus).expect("a bus");
    let address = format!("unix:path={}", bus.display());
    let desktop = Program::new()
        .args(["--json", "--store", "file", "doctor"])
        .env("DISPLAY", ":0");
    let finished = desktop
        .env("DBUS_SESSION_BUS_ADDRESS", &address)
        .run()
        .expect(0);
    assert_eq!(
        findings(&object(&finished), "browser").len(),
        1,
        "a desktop that hangs does not hold us up"
    );
    for (store, bus, code, state, what) in [
        (
            "auto",
            "unix:path=/nonexistent",
            0,
            "warning",
            "no keyring service is running",
        ),
        (
            "keyring",
            "unix:path=/nonexistent",
            7,
            "failure",
            "no keyring service is running",
        ),
        (
            "auto",
            address.as_str(),
            0,
            "warning",
            "did not answer in time",
        ),
    ] {
        let program = Program::new().args(["--json", "--store", store, "doctor"]);
        let finished = program
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .run()
            .expect(code);
        let what = match cfg!(feature = "keyring") {
            true => what,
            false => "this build of mcp-login has no keyring support",
        };
        assert_found(&object(&finished), "keyring", state, what);
    }
}

#[cfg(feature = "keyring")]
#[apply(test)]
fn a_keyring_that_cannot_be_asked_is_not_for_too_many_files() {
    needs(&["strace"]);
    for (error, what) in [
        ("EPERM", "this process may make no Unix socket"),
        ("EAFNOSUPPORT", "this process may make no Unix socket"),
        ("EMFILE", "too many files are open"),
    ] {
        let inject = format!("socket:error={error}");
        let finished = strace::traced(
            Program::new().args(["--json", "doctor"]),
            "socket",
            "/dev/null",
            Some(&inject),
        );
        assert_found(&object(&finished), "keyring", "warning", what);
    }
}

#[apply(test)]
fn proxies_certificates_and_clocks() {
    let proxied = |variables: &[(&str, &str)], server: &str| {
        let program = doctor(&["--json", server]);
        object(
            &variables
                .iter()
                .fold(program, |program, (name, value)| program.env(name, value))
                .run(),
        )
    };
    let proxy = ("https_proxy", "http://ada:c4nary@127.0.0.1:9");
    let fake = Fake::start();
    assert_found(
        &proxied(&[proxy], "https://mcp.invalid/mcp"),
        "proxy",
        "ok",
        "https_proxy names http://127.0.0.1:9; the server is asked through http://127.0.0.1:9",
    );
    assert_found(
        &proxied(&[proxy], &fake.mcp()),
        "proxy",
        "ok",
        "the server is asked directly",
    );
    let excepted = proxied(
        &[proxy, ("NO_PROXY", ".invalid")],
        "https://mcp.invalid/mcp",
    );
    assert_found(&excepted, "proxy", "ok", "the server is asked directly");
    assert_found(
        &proxied(&[("HTTPS_PROXY", "://c4nary")], &fake.mcp()),
        "proxy",
        "warning",
        "HTTPS_PROXY",
    );

    let missing = doctor(&["--json"])
        .env("SSL_CERT_FILE", "/nonexistent/ca.pem")
        .run()
        .expect(0);
    assert_found(
        &object(&missing),
        "certificates",
        "warning",
        "/nonexistent/ca.pem",
    );

    let dated = |date: &'static str| {
        Fake::with(move |seen, fake| {
            Some(fake.behave(seen).with("Date", date)).filter(|_| seen.method == "POST")
        })
    };
    let early = object(
        &doctor(&["--json", &dated("Thu, 01 Jan 2026 00:00:00 GMT").mcp()])
            .run()
            .expect(0),
    );
    assert_found(&early, "clock", "warning", "ahead of the server's clock");
    let late = object(
        &doctor(&["--json", &dated("Fri, 01 Jan 2100 00:00:00 GMT").mcp()])
            .run()
            .expect(0),
    );
    assert_found(&late, "clock", "warning", "behind the server's clock");
}

#[apply(test)]
fn where_the_browser_is_not() {
    let found = |name: &str, value: &str| {
        object(
            &doctor(&["--json"])
                .env("DISPLAY", ":0")
                .env(name, value)
                .run()
                .expect(0),
        )
    };
    let ssh = found("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.5 22");
    assert_found(&ssh, "environment", "ok", "a remote shell (ssh)");
    assert_found(&ssh, "browser", "warning", "remote shell");
    assert!(findings(&ssh, "browser")[0]["hint"]
        .as_str()
        .is_some_and(|hint| hint.contains("come back here")));
    let ci = found("CI", "true");
    assert_found(&ci, "environment", "ok", "a CI job");
    assert_found(&ci, "browser", "warning", "CI job");
    assert_found(
        &found("BROWSER", "sh -c :"),
        "browser",
        "ok",
        "sh is opened",
    );
    let missing = doctor(&["--json", "--browser", "no-such-browser"])
        .run()
        .expect(0);
    assert_found(
        &object(&missing),
        "browser",
        "warning",
        "there is no browser no-such-browser",
    );
    let empty = doctor(&["--json"])
        .env("DISPLAY", ":0")
        .env("PATH", "/nonexistent")
        .run()
        .expect(0);
    assert_found(
        &object(&empty),
        "browser",
        "warning",
        "no program here opens a browser",
    );
}

#[apply(test)]
fn for_people_it_fits_into_a_narrow_window() {
    let fake = with_member(
        SERVER,
        "issuer",
        json!("https://evil.example/\u{1b}[31mred"),
    );
    let finished = doctor(&[&fake.mcp()]).run().expect(6);
    assert_plain(&finished.stdout);
    let lines: Vec<_> = finished.stdout.lines().collect();
    for line in &lines {
        // A word that is longer than the window, such as an address, stands alone.
        assert!(
            line.len() <= 80 || line.split_whitespace().any(|word| word.len() > 40),
            "{line}"
        );
    }
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("ok       loopback      127.0.0.1 can be")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("failure  discovery     cannot find out")),
        "{lines:#?}"
    );
    let hint = format!("{}hint: report this to", " ".repeat(23));
    assert!(
        lines.iter().any(|line| line.starts_with(&hint)),
        "{lines:#?}"
    );
    let step = lines
        .iter()
        .position(|line| *line == format!("401  {}", fake.mcp()))
        .expect("the step");
    assert!(
        lines[step + 1].starts_with("     the server wants a login"),
        "{lines:#?}"
    );
    assert!(
        finished
            .stderr
            .contains("a login would fail, with exit status 6"),
        "{}",
        finished.stderr
    );

    let quiet = doctor(&["--quiet", &fake.mcp()]).run().expect(6);
    assert_eq!(quiet.stderr, "");
    assert!(
        quiet.stdout.lines().all(|line| !line.starts_with("ok")),
        "{}",
        quiet.stdout
    );
    assert!(
        quiet.stdout.contains("failure  discovery"),
        "{}",
        quiet.stdout
    );

    let coloured = doctor(&["--color", "always"]).run().expect(0);
    assert!(
        coloured
            .stdout
            .contains("\u{1b}[32mok\u{1b}[0m       loopback"),
        "{:?}",
        coloured.stdout
    );
}

#[apply(test)]
fn in_a_terminal_the_answer_can_be_pasted() {
    let pty = Pty::open();
    let before = pty.settings();
    let finished = doctor(&["--json"]).on(&pty).run().expect(0);
    assert_found(&object(&finished), "terminal", "ok", "can be pasted here");
    assert_eq!(pty.settings(), before);
}

/// A server that sends byte after byte is left after the time of one request, however much there is to ask:
/// 30 seconds.
/// It waits for the longest time that the servers may take together, 30 s.
#[apply(waiting_test)]
fn a_slow_server_times_out_and_is_not_reported_as_open() {
    let pause = Duration::from_millis(500);
    let head =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
            .to_vec();
    let fake = Fake::with(move |_, _| {
        Some(Reply::Endless {
            head: head.clone(),
            again: b" ".to_vec(),
            pause,
        })
    });
    let started = Instant::now();
    let finished = doctor(&["--json", "--no-browser", "--paste", &fake.mcp()]).run();
    assert!(
        started.elapsed() < Duration::from_secs(50),
        "{:?}",
        started.elapsed()
    );
    let found = findings(&object(&finished), "discovery");
    assert_eq!(found[0]["state"], "failure", "{found:?}");
    assert!(
        found[0]["what"]
            .as_str()
            .is_some_and(|what| what.contains("there is no time left")),
        "{found:?}"
    );
    assert!(
        !found[0]["hint"].to_string().contains("without a login"),
        "{found:?}"
    );
}
