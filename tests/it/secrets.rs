//! Secrets stay where they belong: canaries are looked for in all that is printed, shown by the system, or on the disk.

use std::fs;
use std::os::unix::fs::{chown, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

use crate::support::fake::{Fake, Gate, Reply};
use crate::support::leaks::{self, assert_hides};
use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::rotating::Home;
use crate::support::skip::{is_root, needs};
use crate::support::{copy_program, parameter, visit, wait_for};

const CODE: &str = "c0de-5Zk1+/=~canary-Qa";
const ACCESS: &str = "acc3ss-6Yl2.canary-Wb";
const RENEWED: &str = "ren3wed-7Xm3.canary-Ec";
const REFRESH: &str = "refr3sh-8Wn4.canary-Rd";
const ROTATED: &str = "rot4ted-9Vo5.canary-Tf";
const SECRET: &str = "cl1ent-0Up6.canary-Yg";

/// Servers that give out canaries, and refresh once the gate is open.
fn servers(gate: Gate) -> Fake {
    Fake::with(move |seen, _| match seen.path.as_str() {
        "/authorize" => {
            let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
            let code: String = url::form_urlencoded::byte_serialize(CODE.as_bytes()).collect();
            Some(Reply::redirect(
                302,
                &format!("{uri}?code={code}&state={state}"),
            ))
        }
        "/token" => {
            let is_refresh = seen.parameter("grant_type").as_deref() == Some("refresh_token");
            let (access, refresh) = if is_refresh {
                gate.pass();
                (RENEWED, ROTATED)
            } else {
                (ACCESS, REFRESH)
            };
            Some(Reply::json(
                200,
                &json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh}),
            ))
        }
        "/revoke" => Some(Reply::status(503)),
        _ => None,
    })
}

/// Notes what the system shows of all processes that have to do with a home, again and again.
struct Watch {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<String>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    fn start() -> Self {
        let (stop, seen) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(Mutex::new(String::new())),
        );
        let (stopped, noted) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc")
                    .expect("processes")
                    .flatten()
                    .map(|entry| entry.path())
                {
                    let read = |name: &str| {
                        String::from_utf8_lossy(&fs::read(process.join(name)).unwrap_or_default())
                            .replace('\0', "\n")
                    };
                    let line = read("cmdline");
                    if line
                        .split('\n')
                        .next()
                        .is_some_and(|program| program.ends_with("/mcp-login"))
                    {
                        let shown = format!("{line}\n{}\n", read("environ"));
                        let mut noted = noted.lock().expect("notes");
                        if !noted.contains(&shown) {
                            noted.push_str(&shown);
                        }
                    }
                }
                thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        Self {
            stop,
            seen,
            thread: Some(thread),
        }
    }

    fn has_seen(&self, text: &str) -> bool {
        self.seen.lock().expect("notes").contains(text)
    }

    fn stop(mut self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watch");
        }
        let seen = self.seen.lock().expect("notes");
        seen.clone()
    }
}

/// Checks that no file of a home but the store and the client's own holds a secret.
fn check_disk(home: &Path, secrets: &[&str]) {
    let mut left = vec![home.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .expect("a directory")
                    .flatten()
                    .map(|entry| entry.path()),
            );
        } else if path
            .file_name()
            .is_some_and(|name| name != "credentials.json" && name != "client-secret")
        {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            secrets
                .iter()
                .for_each(|secret| assert_hides(&format!("{}: {text}", path.display()), secret));
        }
    }
}

#[apply(test)]
fn sec1_sec3_sec5_sec6_no_canary_is_seen_outside_the_store() {
    let gate = Gate::default();
    let fake = servers(gate.clone());
    let watch = Watch::start();
    let home = Home::new();
    let file = home.path().join("client-secret");
    fs::write(&file, SECRET).expect("writing");
    let client = [
        "--client-id",
        "mine",
        "--client-secret-file",
        file.to_str().expect("a path"),
    ];
    let mut login = Program::login(&fake)
        .args(client)
        .arg("-vv")
        .at_home(home.path())
        .start();
    let url = login.authorization_url();
    let state = parameter(&url, "state").expect("a state");
    visit(&login.redirect(&url));
    let login = login.finish().expect(0);
    let verifier = fake.seen_at("/token")[0]
        .parameter("code_verifier")
        .expect("a verifier");
    let tokens = [
        CODE,
        verifier.as_str(),
        ACCESS,
        RENEWED,
        REFRESH,
        ROTATED,
        SECRET,
    ];
    let all = [&tokens[..], &[state.as_str()]].concat();
    assert!(
        fs::read_to_string(home.credentials())
            .expect("the store")
            .contains(REFRESH),
        "the canaries are real"
    );

    let hides = |what: &str, text: &str, secrets: &[&str]| {
        secrets
            .iter()
            .for_each(|secret| assert_hides(&format!("{what}: {text}"), secret))
    };
    // The state stands in the authorization URL, which has to be shown.
    hides("login", &login.stdout, &tokens);
    hides("login", &login.stderr, &tokens);
    check_disk(home.path(), &all);
    let command = |words: &[&str]| {
        let command = home.command(words[0], &words[1..]);
        command.args(["-vv", &fake.mcp()])
    };
    for (words, product) in [
        (&["token"][..], ACCESS),
        (&["token", "--refresh"], RENEWED),
        (&["headers"], RENEWED),
        (&["token", "--json"], RENEWED),
    ] {
        let running = command(words).start();
        if words.contains(&"--refresh") {
            // It is held until the watch has seen who refreshes.
            wait_for("the watch", || watch.has_seen("__refresh").then_some(()));
            gate.open();
        }
        let finished = running.finish_or(|| command(words)).expect(0);
        assert!(finished.stdout.contains(product), "{words:?}");
        hides("stderr", &finished.stderr, &all);
        let others: Vec<_> = all
            .iter()
            .copied()
            .filter(|secret| *secret != product)
            .collect();
        hides("stdout", &finished.stdout, &others);
        check_disk(home.path(), &all);
    }
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["check"],
        &["logout", "--json"],
        &["token"],
        &["logout"],
    ] {
        let finished = command(words).run();
        hides("stdout", &finished.stdout, &all);
        hides("stderr", &finished.stderr, &all);
        check_disk(home.path(), &all);
    }
    let shown = watch.stop();
    assert!(
        shown.contains("__refresh") && shown.contains(&fake.mcp()),
        "the watch has seen the processes"
    );
    hides("what the system shows", &shown, &all);
}

#[apply(test)]
fn sec5_sec6_text_of_servers_leaks_no_secret() {
    // Servers that send secrets back, where a message quotes them.
    for (status, error) in [(400, "invalid_request"), (400, "invalid_grant"), (503, "x")] {
        let fake = Fake::with(move |seen, _| {
            let token = seen.parameter("refresh_token")?;
            Some(Reply::json(
                status,
                &json!({"error": error, "was": ACCESS, "note": token}),
            ))
        });
        let home = Home::with(&fake, json!({"refresh_token": REFRESH}));
        for words in [&["token", "-vv"][..], &["headers", "--json", "-vv"]] {
            let finished = home.command(words[0], &words[1..]).arg(fake.mcp()).run();
            assert!(finished.stdout.is_empty());
            assert_hides(&finished.stderr, REFRESH);
            assert_hides(&finished.stderr, ACCESS);
        }
        check_disk(home.path(), &[REFRESH, ACCESS]);
    }
}

#[apply(test)]
fn sec4_no_core_of_the_program_nor_of_its_refresher() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        (seen.path == "/token").then(|| held.pass())?;
        None
    });
    let home = Home::with(&fake, json!({}));
    let running = home
        .at("token", &fake)
        .through_shell("ulimit -c unlimited 2>/dev/null || true", "")
        .start();
    wait_for("the refresh", || {
        (!fake.seen_at("/token").is_empty()).then_some(())
    });
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.pid())).expect("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    running.process().signal(rustix::process::Signal::ABORT);
    let mut running = running;
    let status = running.child.wait().expect("its end");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    gate.open();
}

/// The user without power who runs programs here if the tests are run by root.
const NOBODY: u32 = 65534;

/// Returns what starts a program as an ordinary user.
fn as_ordinary_user() -> &'static [&'static str] {
    if !is_root() {
        return &["env"];
    }
    needs(&["setpriv"]);
    &[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--no-new-privs",
    ]
}

/// Tells whether an ordinary user can open these of a process of their own.
fn can_open(ordinary: &[&str], process: u32, name: &str) -> bool {
    let mut look = Command::new(ordinary[0]);
    look.args(&ordinary[1..])
        .args(["sh", "-c", &format!(": < /proc/{process}/{name}")]);
    look.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("a look")
        .success()
}

#[apply(test)]
fn sec4_a_users_other_programs_cannot_look_into_the_program_nor_its_refresher() {
    let ordinary = as_ordinary_user();
    let gate = Gate::default();
    let held = gate.clone();
    let fake = Fake::with(move |seen, _| {
        (seen.path == "/token").then(|| held.pass())?;
        None
    });
    // The program where everybody may run it, and a home that is the user's.
    let place = tempfile::tempdir().expect("a directory");
    let program = place.path().join("mcp-login");
    copy_program(env!("CARGO_BIN_EXE_mcp-login"), &program);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let home = Home::with(&fake, json!({"refresh_token": REFRESH}));
    if ordinary[0] != "env" {
        let credentials = home.credentials();
        for path in credentials
            .ancestors()
            .take_while(|path| path.starts_with(home.path()))
        {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
    }
    let copy = program.to_str().expect("a path");
    let start = |command: Program| {
        let wrapper = [
            ordinary,
            &[
                "sh",
                "-c",
                "ulimit -c unlimited 2>/dev/null; shift; exec \"$0\" \"$@\"",
                copy,
            ],
        ]
        .concat();
        command.through(&wrapper).start()
    };
    let mut waiting =
        start(Program::login_at(&format!("{}/mcp?other", fake.origin())).at_home(home.path()));
    waiting.authorization_url();
    let refresh = start(home.at("token", &fake));
    wait_for("the refresh", || {
        (!fake.seen_at("/token").is_empty()).then_some(())
    });
    let refresher = crate::refresh::refresher(&home);
    let mut control = Command::new(ordinary[0])
        .args(&ordinary[1..])
        .args(["sleep", "60"])
        .spawn()
        .expect("a process");
    wait_for("the other program", || {
        can_open(ordinary, control.id(), "environ").then_some(())
    });
    for name in ["environ", "maps", "mem", "fd/1"] {
        let is_open = can_open(ordinary, control.id(), name);
        for process in [waiting.pid(), refresh.pid(), refresher] {
            assert!(!can_open(ordinary, process, name), "{name} of {process}");
        }
        assert!(
            is_open || name == "mem" || name == "fd/1",
            "{name} of any other program can be opened"
        );
    }
    control
        .kill()
        .and_then(|()| control.wait())
        .expect("its end");
    // A core would lie where the program was started, and be told.
    for mut running in [waiting, refresh] {
        running.process().signal(rustix::process::Signal::ABORT);
        let status = running.child.wait().expect("its end");
        assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    }
    let lives = !['X', 'Z'].contains(&Process(refresher).state());
    assert!(lives, "the refresher lives");
    gate.open();
}

#[apply(test)]
fn a_leak_is_seen_in_every_form() {
    let secret = "c4nary-5ecret-T0ken-Zq";
    for (name, form) in leaks::forms(secret) {
        let text = format!("before {form} after");
        assert!(leaks::find(&text, secret).is_some(), "{name}");
    }
    assert_eq!(leaks::find("nothing of it", secret), None);
}
