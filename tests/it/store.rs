//! Where logins are kept, with everything that can be wrong with a disk; and that nothing is ever lost in silence.

use std::fs;
use std::os::unix::fs::{symlink, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{json, Value};

use crate::support::browser::FakeBrowser;
use crate::support::fake::{Fake, Reply};
use crate::support::program::{Finished, Program};
use crate::support::skip::{needs, needs_root, skip};
use crate::support::strace;
use crate::support::{parameter, sample, visit};

/// Prepares a home or a path for a login.
type Prepare = fn(&Path);

/// Another login in the file, with members of a version to come; it must survive as it is, byte for byte.
const OTHER: &str = r#""https://other.example/mcp": {"server":"https://other.example/mcp",  "future":{"a":[1,2.50]},"access_token":"keep"}"#;

fn data_dir(home: &Path) -> PathBuf {
    home.join(".local/share/mcp-login")
}

fn credentials(home: &Path) -> PathBuf {
    data_dir(home).join("credentials.json")
}

/// A home whose credentials file holds this text.
fn home_with(text: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(data_dir(home.path())).expect("directories");
    fs::write(credentials(home.path()), text).expect("writing");
    fs::set_permissions(credentials(home.path()), fs::Permissions::from_mode(0o600))
        .expect("a mode");
    home
}

fn file_with(entries: &str) -> String {
    format!("{{\"version\":1,\"logins\":{{\n{entries}\n}}}}\n")
}

/// Tries to log in with a browser that leaves a mark; fails with exit 7 before any browser was started.
#[track_caller]
fn refused(fake: &Fake, prepare: impl FnOnce(Program) -> Program, code: &str) -> Finished {
    let browser = FakeBrowser::new("");
    let login = Program::new()
        .args(["--json", "--store", "file", "--timeout", "60s"])
        .arg(fake.mcp());
    let finished = prepare(login.env("BROWSER", browser.path()))
        .run()
        .expect_error(7, code);
    assert!(
        !finished
            .events
            .iter()
            .any(|event| event["event"] == "authorization_url"),
        "{}",
        finished.stdout
    );
    assert!(!browser.was_started(), "a browser was started");
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    finished
}

#[apply(test)]
fn d5_unwritable_homes_are_detected_before_the_browser() {
    let fake = Fake::start();
    for home in ["/proc/nowhere", "/dev/null/x", "relative"] {
        refused(&fake, |login| login.env("HOME", home), "store_unusable");
    }
    let finished = refused(
        &fake,
        |login| login.env("HOME", "/etc/passwd"),
        "store_unusable",
    );
    assert!(
        finished.stderr.contains("caused by: it is not a directory"),
        "{}",
        finished.stderr
    );
    let without = |mut login: Program| {
        login.command().env_remove("HOME");
        login
    };
    let finished = refused(&fake, without, "store_unusable");
    assert!(
        finished.stderr.contains("--data-dir"),
        "{}",
        finished.stderr
    );
    // Another place is another way.
    let place = tempfile::tempdir().expect("a directory");
    let login = Program::new()
        .args(["--json", "--no-browser", "--store", "file"])
        .arg(fake.mcp());
    without(login.arg("--data-dir").arg(place.path()))
        .agree()
        .expect(0);
    assert!(place.path().join("credentials.json").exists());
}

/// Runs a login in a mount namespace of its own, in which `prepare` is done first.
fn in_a_namespace(login: Program, prepare: &str) -> Program {
    login.through(&[
        "unshare",
        "-m",
        "sh",
        "-c",
        &format!("{prepare} && exec \"$@\""),
        "sh",
    ])
}

fn needs_mounts() {
    needs_root();
    let works = Command::new("unshare")
        .args(["-m", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        skip("nothing can be mounted with unshare here");
    }
}

#[apply(test)]
fn d2_d5_disks_that_are_read_only_or_full() {
    needs_mounts();
    let fake = Fake::start();
    for mount in [
        "mount -t tmpfs -o ro tmpfs \"$HOME\"",
        "mount -t tmpfs -o size=16k tmpfs \"$HOME\"",
    ] {
        refused(
            &fake,
            |login| in_a_namespace(login, mount),
            "store_unusable",
        );
    }
    // With room enough it works in there.
    let login = in_a_namespace(
        Program::login(&fake),
        "mount -t tmpfs -o size=1m tmpfs \"$HOME\"",
    );
    login.agree().expect(0);
}

/// The login is as it was, the hint is what helps, and no copy of the tokens is left elsewhere.
#[apply(test)]
fn d2_a_disk_that_is_full_changes_no_stored_login() {
    needs_mounts();
    let fake = Fake::start();
    let login = Program::login(&fake).agree().expect(0);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let full = format!(
        "mount -t tmpfs -o size=512k tmpfs \"$HOME\" && cp -a '{}/.' \"$HOME\" && ! cat /dev/zero 2> /dev/null > \"$HOME/full\"",
        login.home().display()
    );
    for args in [
        &[
            "handover",
            "--to",
            "mcp-remote",
            "--write",
            "--name",
            "some",
        ][..],
        &[
            "handover",
            "--to",
            "claude-code",
            "--write",
            "--name",
            "some",
        ],
        &["refresh"],
        &["logout"],
    ] {
        let program = Program::new()
            .env("XDG_RUNTIME_DIR", elsewhere.path())
            .env("TMPDIR", elsewhere.path())
            .args(args);
        let finished = in_a_namespace(program, &full).run().expect(7);
        let hint = "hint: free some space there, and run the command again";
        assert!(finished.stderr.contains(hint), "{}", finished.stderr);
        let why = "No space left on device\n";
        assert!(finished.stderr.contains(why), "{}", finished.stderr);
        let copies = fs::read_dir(elsewhere.path()).expect("the directory");
        assert_eq!(copies.count(), 0, "{args:?}");
    }
    assert_eq!(fake.seen_at("/token").len(), 1, "nothing was spent");
}

#[apply(test)]
fn d6_d7_d8_places_that_others_could_have_prepared() {
    let fake = Fake::start();
    let cases: [(&str, Prepare); 9] = [
        ("a directory", |path| {
            fs::create_dir(path).expect("a directory")
        }),
        ("a FIFO", |path| {
            assert!(Command::new("mkfifo")
                .arg(path)
                .status()
                .expect("mkfifo")
                .success())
        }),
        ("a device behind a link", |path| {
            symlink("/dev/full", path).expect("a link")
        }),
        ("a loop", |path| symlink(path, path).expect("a link")),
        ("a link to a directory", |path| {
            fs::create_dir(path.with_extension("d")).expect("a directory");
            symlink(path.with_extension("d"), path).expect("a link");
        }),
        ("a second name", |path| {
            fs::write(path, "{}").expect("writing");
            fs::hard_link(path, path.with_extension("second")).expect("a link");
        }),
        ("a link to what others can write", |path| {
            let target = path.with_extension("target");
            fs::write(&target, file_with("")).expect("writing");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).expect("a mode");
            symlink(&target, path).expect("a link");
        }),
        ("a directory that all can write", |path| {
            let directory = path.parent().expect("a directory");
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).expect("a mode");
        }),
        ("a socket", |path| {
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"))
        }),
    ];
    for (what, prepare) in cases {
        let home = home_with("");
        fs::remove_file(credentials(home.path())).expect("removing");
        prepare(&credentials(home.path()));
        let finished = Program::login(&fake).at_home(home.path()).run().expect(7);
        assert!(
            !finished.stdout.contains("authorization_url"),
            "{what}: {}",
            finished.stdout
        );
        assert!(
            finished.stderr.contains("mcp-login"),
            "{what}: {}",
            finished.stderr
        );
        let names = fs::read_dir(data_dir(home.path()))
            .expect("it")
            .flatten()
            .map(|entry| entry.file_name());
        let locks: Vec<_> = names
            .filter(|name| name.to_string_lossy().ends_with(".lock"))
            .collect();
        assert!(locks.is_empty(), "{what}: beside it was made {locks:?}");
    }
    // The user's own link to the user's own file is common, and the file it leads to is replaced.
    let home = home_with("");
    let target = home.path().join("dotfiles.json");
    fs::write(&target, file_with(OTHER)).expect("writing");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::remove_file(credentials(home.path())).expect("removing");
    symlink(&target, credentials(home.path())).expect("a link");
    Program::login(&fake).at_home(home.path()).agree().expect(0);
    assert!(fs::symlink_metadata(credentials(home.path()))
        .expect("it")
        .file_type()
        .is_symlink());
    let text = fs::read_to_string(&target).expect("the target");
    assert!(text.contains(OTHER) && text.contains(&fake.mcp()), "{text}");
}

#[apply(test)]
fn d6_d8_what_belongs_to_another_user() {
    needs_root();
    let fake = Fake::start();
    for own_directory in [false, true] {
        let home = home_with(&file_with(OTHER));
        let path = if own_directory {
            data_dir(home.path())
        } else {
            credentials(home.path())
        };
        std::os::unix::fs::chown(&path, Some(65534), Some(65534)).expect("giving away");
        let before = fs::read(credentials(home.path())).expect("the file");
        let finished = Program::login(&fake)
            .at_home(home.path())
            .run()
            .expect_error(7, "store_insecure");
        assert!(
            finished.stderr.contains("another user"),
            "{}",
            finished.stderr
        );
        assert_eq!(
            fs::read(credentials(home.path())).expect("the file"),
            before
        );
        assert_eq!(fs::metadata(&path).expect("it").uid(), 65534);
        let sudo = Program::login(&fake)
            .at_home(home.path())
            .env("SUDO_UID", "65534")
            .run()
            .expect(7);
        assert!(sudo.stderr.contains("sudo"), "{}", sudo.stderr);
    }
}

#[apply(test)]
fn d8_modes_and_umasks() {
    let fake = Fake::start();
    for umask in ["000", "022", "077", "0777"] {
        for mode in [0o600, 0o644, 0o666, 0o640] {
            let home = home_with(&file_with(OTHER));
            fs::set_permissions(credentials(home.path()), fs::Permissions::from_mode(mode))
                .expect("a mode");
            let login = Program::login(&fake).at_home(home.path());
            let login = login.through(&["sh", "-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
            let finished = login.agree().expect(0);
            assert_eq!(
                finished.stderr.contains("others could read"),
                mode != 0o600,
                "{umask} {mode:o}"
            );
            for file in fs::read_dir(data_dir(home.path()))
                .expect("the directory")
                .flatten()
            {
                let found = file.metadata().expect("it");
                let expected = if found.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(
                    found.permissions().mode() & 0o777,
                    expected,
                    "{umask} {}",
                    file.path().display()
                );
            }
        }
    }
    // A new home under any umask: nothing that others can look into.
    for umask in ["000", "0777"] {
        let login = Program::login(&fake).through(&[
            "sh",
            "-c",
            &format!("umask {umask}; exec \"$@\""),
            "sh",
        ]);
        let finished = login.agree().expect(0);
        let directory = fs::metadata(data_dir(finished.home())).expect("the directory");
        assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    }
}

#[apply(test)]
fn d9_a_broken_file_stays_and_is_copied() {
    let fake = Fake::start();
    let good = file_with(OTHER);
    let doubled = good.replacen("\n\"https", &format!("\n{OTHER},\n\"https"), 1);
    for text in [
        "",
        "\0\0\0\0",
        "not json",
        "[]",
        "{}",
        "null",
        "{\"version\":1}",
        "{\"version\":\"one\",\"logins\":{}}",
        "{\"version\":1,\"logins\":[]}",
        &good[..good.len() / 2],
        &good[..good.len() - 3],
        &format!("{good}{good}"),
        &good.replace('{', "["),
        &doubled,
    ] {
        let home = home_with(text);
        let finished = Program::login(&fake)
            .at_home(home.path())
            .run()
            .expect_error(7, "store_corrupt");
        assert_eq!(
            fs::read_to_string(credentials(home.path())).expect("the file"),
            text
        );
        let names: Vec<_> = fs::read_dir(data_dir(home.path()))
            .expect("it")
            .flatten()
            .map(|it| it.path())
            .collect();
        let copies: Vec<_> = names
            .iter()
            .filter(|path| path.display().to_string().contains("corrupt-"))
            .collect();
        assert_eq!(copies.len(), 1, "{text:.40}: {names:?}");
        assert_eq!(fs::read_to_string(copies[0]).expect("the copy"), text);
        assert_eq!(
            fs::metadata(copies[0]).expect("it").permissions().mode() & 0o777,
            0o600
        );
        assert!(finished.stderr.contains("corrupt-"), "{}", finished.stderr);
    }
    // What editors do to a file is no damage.
    let deep = good.replacen(
        "\n\"https",
        &format!(
            "\n\"deep\": {}{},\n\"https",
            "[".repeat(10_000),
            "]".repeat(10_000)
        ),
        1,
    );
    for text in [format!("\u{feff}{good}"), good.replace('\n', "\r\n"), deep] {
        let home = home_with(&text);
        Program::login(&fake).at_home(home.path()).agree().expect(0);
        assert!(fs::read_to_string(credentials(home.path()))
            .expect("it")
            .contains("\"future\":{\"a\":[1,2.50]}"));
    }
}

#[apply(test)]
fn d10_a_newer_file_is_read_and_not_written() {
    let fake = Fake::start();
    let newer = file_with(OTHER).replace("\"version\":1", "\"version\":2");
    let home = home_with(&newer);
    Program::login(&fake)
        .at_home(home.path())
        .run()
        .expect_error(7, "store_newer");
    Program::new()
        .at_home(home.path())
        .args(["--store", "file", "check", &fake.mcp()])
        .run()
        .expect(3);
    assert_eq!(
        fs::read_to_string(credentials(home.path())).expect("the file"),
        newer
    );
    // Members that this version does not know survive a rewrite, and so does every other login, byte for byte.
    let text = file_with(OTHER).replace("\"version\":1,", "\"version\":1,\"later\":{ \"x\" : 1 },");
    let home = home_with(&text);
    Program::login(&fake).at_home(home.path()).agree().expect(0);
    let after = fs::read_to_string(credentials(home.path())).expect("the file");
    assert!(
        after.contains(OTHER) && after.contains("\"later\":{ \"x\" : 1 }"),
        "{after}"
    );
}

/// It waits for the lock as long as a login does, 10 s.
#[apply(waiting_test)]
fn d12_a_held_lock_names_its_holder() {
    let fake = Fake::start();
    let home = home_with(&file_with(OTHER));
    let lock = data_dir(home.path()).join("credentials.json.lock");
    let file = fs::File::create(&lock).expect("a file");
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).expect("a mode");
    // A process of this machine, since its last start.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("an id");
    let host = rustix::system::uname();
    let (boot, host) = (boot.trim(), host.nodename().to_string_lossy());
    let holder = format!("{} {boot} {host} -\n", std::process::id());
    fs::write(&lock, holder).expect("writing");
    file.lock().expect("the lock");
    let finished = Program::login(&fake)
        .at_home(home.path())
        .run()
        .expect_error(7, "store_locked");
    assert!(
        finished.stderr.contains(&std::process::id().to_string()),
        "{}",
        finished.stderr
    );
    drop(file);
    Program::login(&fake).at_home(home.path()).agree().expect(0);
}

#[apply(test)]
fn d4_a_store_that_breaks_while_the_user_agrees_loses_nothing() {
    let (runtime, temporary) = (
        tempfile::tempdir().expect("a directory"),
        tempfile::tempdir().expect("a directory"),
    );
    // What breaks; where the emergency file is then.
    let cases: [(Prepare, &str); 3] = [
        (
            |home| fs::create_dir(credentials(home)).expect("a directory"),
            "beside",
        ),
        (
            |home| {
                fs::remove_dir_all(data_dir(home)).expect("removing");
                fs::write(data_dir(home), "").expect("writing");
            },
            "runtime",
        ),
        (
            |home| {
                fs::remove_dir_all(home.join(".local")).expect("removing");
                symlink("/proc", home.join(".local")).expect("a link");
            },
            "runtime",
        ),
    ];
    for (break_it, place) in cases {
        let fake = Fake::start();
        let login = Program::login(&fake)
            .env("XDG_RUNTIME_DIR", runtime.path())
            .env("TMPDIR", temporary.path());
        let mut login = login.start();
        let url = login.authorization_url();
        break_it(login.home());
        let page = visit(&login.redirect(&url));
        let finished = login.finish().expect_error(7, "not_stored");
        assert!(!page.body.contains("You are logged in"), "{}", page.body);
        let rescued = finished
            .stderr
            .split_whitespace()
            .find(|word| word.contains("credentials.rescued-"));
        let rescued =
            PathBuf::from(rescued.unwrap_or_else(|| panic!("no file: {}", finished.stderr)));
        let directory = if place == "beside" {
            data_dir(finished.home())
        } else {
            runtime.path().to_owned()
        };
        assert_eq!(
            rescued.parent(),
            Some(directory.as_path()),
            "{}",
            finished.stderr
        );
        assert_eq!(
            fs::metadata(&rescued)
                .expect("the file")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        let kept: Value =
            serde_json::from_slice(&fs::read(&rescued).expect("the file")).expect("JSON");
        assert_eq!(kept["logins"][fake.mcp()]["access_token"], "access-1");
        assert!(!format!("{}{}", finished.stdout, finished.stderr).contains("access-1"));
        // The hint works as it stands.
        let check = Program::new()
            .arg("--store")
            .arg(format!("file:{}", rescued.display()));
        check.args(["check", &fake.mcp()]).run().expect(0);
    }
}

#[apply(test)]
fn a_warning_says_why_the_list_of_logins_was_not_changed() {
    let fake = Fake::start();
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(data_dir(home.path()).join("index.json.lock")).expect("a directory");
    let finished = Program::login(&fake).at_home(home.path()).agree().expect(0);
    let warning = finished.event("warning")["message"].to_string();
    assert!(
        warning.contains("index.json.lock: Is a directory"),
        "{warning}"
    );
}

#[apply(test)]
fn several_profiles_and_an_index_without_secrets() {
    let fake = Fake::start();
    let first = Program::login(&fake).agree().expect(0);
    let home = first.home();
    Program::login(&fake)
        .at_home(home)
        .args(["--profile", "work"])
        .agree()
        .expect(0);
    let third = Program::login(&fake)
        .at_home(home)
        .env("MCP_LOGIN_PROFILE", "a.b_c@d+e-1")
        .agree()
        .expect(0);
    assert_eq!(third.event("logged_in")["profile"], "a.b_c@d+e-1");
    let file: Value =
        serde_json::from_slice(&fs::read(credentials(home)).expect("the file")).expect("JSON");
    let names: Vec<_> = file["logins"]
        .as_object()
        .expect("logins")
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        names,
        [
            fake.mcp(),
            format!("{}#a.b_c@d+e-1", fake.mcp()),
            format!("{}#work", fake.mcp())
        ]
    );
    assert_eq!(file["logins"][&names[0]]["access_token"], "access-1");
    assert_eq!(file["logins"][&names[2]]["access_token"], "access-2");
    let index = fs::read_to_string(data_dir(home).join("index.json")).expect("the index");
    for name in &names {
        assert!(index.contains(name), "{index}");
    }
    let found = Command::new("grep")
        .args(["-rlE", "access-[0-9]|refresh-[0-9]"])
        .arg(home)
        .output()
        .expect("grep");
    assert_eq!(
        String::from_utf8_lossy(&found.stdout).trim(),
        credentials(home).display().to_string()
    );
    for wrong in ["", "a b", "a/b", "a#b", &"x".repeat(65), "\u{e9}"] {
        Program::login(&fake)
            .args([&format!("--profile={wrong}")])
            .run()
            .expect_error(2, "usage");
    }
}

#[apply(test)]
fn places_by_option_and_by_environment() {
    let fake = Fake::start();
    let place = tempfile::tempdir().expect("a directory");
    let at = |name: &str| place.path().join(name);
    let login = || {
        Program::new()
            .args(["--json", "--no-browser", "--timeout", "60s"])
            .arg(fake.mcp())
    };
    let kept = |finished: &Finished, path: PathBuf| {
        assert_eq!(
            finished.event("logged_in")["path"],
            path.display().to_string()
        );
        assert_eq!(finished.event("logged_in")["store"], "file");
        let file: Value =
            serde_json::from_slice(&fs::read(&path).expect("the file")).expect("JSON");
        assert!(
            file["logins"][fake.mcp()]["access_token"].is_string(),
            "{}",
            path.display()
        );
        assert_eq!(
            fs::read_dir(finished.home()).expect("the home").count(),
            0,
            "something stands in the home"
        );
    };
    let file = |name: &str| format!("file:{}", at(name).display());
    kept(
        &login()
            .args(["--store", "file"])
            .arg("--data-dir")
            .arg(at("a"))
            .agree()
            .expect(0),
        at("a/credentials.json"),
    );
    kept(
        &login()
            .args(["--store", "file"])
            .env("MCP_LOGIN_DATA_DIR", at("b"))
            .agree()
            .expect(0),
        at("b/credentials.json"),
    );
    kept(
        &login()
            .env("MCP_LOGIN_STORE", "file")
            .env("XDG_DATA_HOME", at("c"))
            .agree()
            .expect(0),
        at("c/mcp-login/credentials.json"),
    );
    let both = login()
        .arg("--store")
        .arg(file("d.json"))
        .env("MCP_LOGIN_DATA_DIR", at("d"));
    kept(
        &both.env("MCP_LOGIN_STORE", "keyring").agree().expect(0),
        at("d.json"),
    );
    let both = login()
        .env("MCP_LOGIN_STORE", file("e.json"))
        .arg("--data-dir")
        .arg(at("e"));
    kept(
        &both.env("MCP_LOGIN_DATA_DIR", "/nowhere").agree().expect(0),
        at("e.json"),
    );
    for wrong in ["", "file:", "nothing", "FILE"] {
        login().args(["--store", wrong]).run().expect(2);
    }
}

#[apply(test)]
fn k1_auto_reports_the_fallback_to_the_file_in_one_line() {
    let fake = Fake::start();
    let login = |store: &str| {
        Program::new()
            .args(["--json", "--no-browser", "--store", store])
            .arg(fake.mcp())
    };
    let finished = login("auto").agree().expect(0);
    assert_eq!(finished.event("logged_in")["store"], "file");
    assert_eq!(
        finished
            .stderr
            .lines()
            .filter(|line| line.contains("keyring"))
            .count(),
        1,
        "{}",
        finished.stderr
    );
    let finished = login("keyring").run().expect(7);
    assert!(
        !finished.stdout.contains("authorization_url"),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stderr.contains("--store file"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn c5_32_logins_at_once_are_all_stored() {
    let home = tempfile::tempdir().expect("a directory");
    let fakes: Vec<_> = (0..32).map(|_| Fake::start()).collect();
    let mut running: Vec<_> = fakes
        .iter()
        .map(|fake| Program::login(fake).at_home(home.path()).start())
        .collect();
    let backs: Vec<_> = running
        .iter_mut()
        .map(|login| {
            let url = login.authorization_url();
            login.redirect(&url)
        })
        .collect();
    let browsers: Vec<_> = backs
        .into_iter()
        .map(|back| std::thread::spawn(move || visit(&back).status))
        .collect();
    for browser in browsers {
        assert_eq!(browser.join().expect("the browser"), 200);
    }
    for login in running {
        login.finish().expect(0);
    }
    let file: Value =
        serde_json::from_slice(&fs::read(credentials(home.path())).expect("the file"))
            .expect("JSON");
    let index: Value = serde_json::from_slice(
        &fs::read(data_dir(home.path()).join("index.json")).expect("the index"),
    )
    .expect("JSON");
    for fake in &fakes {
        assert_eq!(file["logins"][fake.mcp()]["issuer"], fake.origin());
        assert_eq!(index["logins"][fake.mcp()]["issuer"], fake.origin());
    }
}

/// It logs in to 32 servers.
#[apply(long_test)]
fn c5_32_servers_in_one_run_are_all_stored() {
    let fakes: Vec<_> = (0..32).map(|_| Fake::start()).collect();
    let login = Program::new().args([
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--timeout",
        "60s",
    ]);
    let mut login = login.args(fakes.iter().map(Fake::mcp)).start();
    for _ in &fakes {
        assert_eq!(login.agree().status, 200);
    }
    let finished = login.finish().expect(0);
    for fake in &fakes {
        assert_eq!(finished.kept(&fake.mcp())["access_token"], "access-1");
    }
}

fn needs_strace() {
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        skip("strace cannot be used here");
    }
}

/// Logs in while a system call fails, and checks that a login is never lost in silence.
fn with_a_fault(calls: &str, fault: &str, persistent: bool, first: u32) -> &'static str {
    let fake = Fake::start();
    let home = home_with(&file_with(OTHER));
    let temporary = tempfile::tempdir().expect("a directory");
    let inject = format!(
        "inject={calls}:error={fault}:when={first}{}",
        if persistent { "+" } else { "" }
    );
    let login = Program::login(&fake)
        .args(["--client-id", "mine"])
        .at_home(home.path())
        .env("TMPDIR", temporary.path());
    let login = login.through(&[
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={calls}"),
        "-e",
        &inject,
    ]);
    let mut login = login.start();
    if let Some(event) = login.next_event("authorization_url") {
        let url = event["url"].as_str().expect("a URL");
        // A visit that is not answered is part of what may happen.
        let uri = parameter(url, "redirect_uri").expect("a URI");
        if std::net::TcpStream::connect(
            uri.trim_start_matches("http://")
                .split('/')
                .next()
                .unwrap_or_default(),
        )
        .is_ok()
        {
            visit(&login.redirect(url));
        }
    }
    let finished = login.finish();
    let context = format!(
        "{inject}: {:?} {}\n{}",
        finished.code, finished.stdout, finished.stderr
    );
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let stored = read(&credentials(home.path()));
    assert!(
        stored.contains(OTHER),
        "another login was lost: {stored}; {context}"
    );
    assert!(
        !finished.stderr.contains("panicked") && finished.code != Some(101),
        "{context}"
    );
    let given = fake.seen_at("/token").len();
    let is_stored = stored.contains("\"access-1\"");
    let rescued = [data_dir(home.path()), temporary.path().to_owned()]
        .iter()
        .any(|directory| {
            let files = fs::read_dir(directory)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path());
            files
                .filter(|path| path.display().to_string().contains("rescued"))
                .any(|path| read(&path).contains("access-1"))
        });
    match finished.code {
        Some(0) => assert!(is_stored, "nothing is stored: {context}"),
        _ if given == 0 => assert!(!is_stored, "{context}"),
        Some(7) => assert!(
            is_stored || rescued || finished.stderr.contains("it is lost"),
            "{context}"
        ),
        _ => assert!(!finished.stdout.contains("\"logged_in\""), "{context}"),
    }
    match (finished.code, given) {
        (Some(0), _) => "kept",
        (_, 0) => "before",
        _ => "after",
    }
}

/// It runs a login for each fault.
#[apply(long_test)]
fn d2_d4_no_fault_of_the_disk_loses_a_login_in_silence() {
    needs_strace();
    let mut cases = Vec::new();
    for fault in ["ENOSPC", "EIO", "EROFS"] {
        cases.extend([1, 2, 3, 4].map(|first| ("rename,renameat,renameat2", fault, true, first)));
        cases.extend([1, 2, 3].map(|first| ("fsync,fdatasync", fault, true, first)));
    }
    cases.extend([1, 2, 3, 5].map(|first| ("rename,renameat,renameat2", "EIO", false, first)));
    cases.extend([20, 30, 40, 50, 60, 80, 100].map(|first| ("openat", "EMFILE", true, first)));
    cases.extend([10, 25, 35, 45, 55, 70, 90].map(|first| ("openat", "EACCES", false, first)));
    cases.extend([4, 8, 12, 16, 20, 24].map(|first| ("write", "ENOSPC", false, first)));
    let results: Vec<_> = sample(cases, 2)
        .into_iter()
        .map(|(calls, fault, persistent, first)| with_a_fault(calls, fault, persistent, first))
        .collect();
    // The faults hit before the browser, after the code, and where it does not matter; so no check stands idle.
    for kind in ["kept", "before", "after"] {
        assert!(results.contains(&kind), "{kind}: {results:?}");
    }
}

#[apply(test)]
fn d3_a_directory_that_cannot_be_synchronised_is_a_warning() {
    needs_strace();
    // strace can look at the paths of this program only as root.
    needs_root();
    let fake = Fake::with(|seen, _| (seen.path == "/nothing").then(|| Reply::status(404)));
    let home = tempfile::tempdir().expect("a directory");
    let directory = data_dir(home.path());
    fs::create_dir_all(&directory).expect("directories");
    let login = Program::login(&fake).at_home(home.path()).through(&[
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        &directory.display().to_string(),
        "-e",
        "inject=fsync:error=EIO",
    ]);
    let finished = login.agree().expect(0);
    assert!(
        finished.stderr.contains("may not survive a power cut"),
        "{}",
        finished.stderr
    );
    assert_eq!(finished.event("logged_in")["scopes"], json!(["read"]));
}

/// The calls that change what is on the disk: the cache, the credentials and the index.
const CHANGES: &str =
    "rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,linkat,ftruncate,mkdir";

/// It runs a login for each call.
#[apply(long_test)]
fn d1_killed_at_each_call_of_storing_a_login() {
    needs(&["strace", "curl"]);
    let (fake, other) = (Fake::start(), Fake::start());
    let home_with_both = || {
        let home = Program::login(&other).agree().expect(0);
        Program::login(&fake).at_home(home.home()).agree().expect(0);
        home
    };
    let again = |home: &Path| {
        let login = Program::new()
            .at_home(home)
            .env("BROWSER", "curl -sL -o /dev/null %s");
        login
            .args(["--json", "--store", "file", "--force", "--timeout", "90s"])
            .arg(fake.mcp())
    };
    let home = home_with_both();
    // Each run has a copy of it.
    let prepared = fs::read_to_string(home.credentials_path()).expect("the credentials file");
    let calls = strace::calls(again(home.home()), CHANGES, home.home());
    assert!(
        calls
            .iter()
            .any(|call| call.line.contains("credentials.json")),
        "{calls:#?}"
    );
    for call in &calls {
        let home = home_with(&prepared);
        let path = credentials(home.path());
        let line = |server: &str| {
            let text = fs::read_to_string(&path).expect("the credentials file");
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{server:?}")))
                .map(str::to_owned);
            line.unwrap_or_else(|| panic!("{call:?}: no login to {server} in {text}"))
        };
        let kept = line(&other.mcp());
        let finished = strace::inject(again(home.path()), call, "signal=KILL");
        assert!(
            finished.signal == Some(9) || finished.code == Some(137),
            "{call:?}: {:?}",
            finished.code
        );
        // The file is whole, the other login untouched, and this one the old one or a new one.
        assert_eq!(
            line(&other.mcp()).trim_end_matches(','),
            kept.trim_end_matches(','),
            "{call:?}"
        );
        let text = fs::read_to_string(&path).expect("the credentials file");
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|err| panic!("{call:?}: {err}: {text}"));
        let member = |name: &str| {
            file["logins"][fake.mcp()][name]
                .as_str()
                .expect("a token")
                .to_owned()
        };
        let (access, refresh) = (member("access_token"), member("refresh_token"));
        assert_eq!(
            access.strip_prefix("access-"),
            refresh.strip_prefix("refresh-"),
            "{call:?}: of two answers"
        );
        // The next login works.
        Program::login(&fake)
            .arg("--force")
            .at_home(home.path())
            .agree()
            .expect(0);
        assert!(
            !line(&fake.mcp()).contains(&format!("{access:?}")),
            "{call:?}: the old login is still there"
        );
    }
}
