//! Places of a login file that containers, services and administrators prepare, and files that are not ours at all.

use std::fs;
use std::os::unix::fs::{chown, symlink, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::browser::FakeBrowser;
use crate::support::copy_program;
use crate::support::fake::Fake;
use crate::support::program::{Finished, Program};
use crate::support::rotating::{Home, Rotating};
use crate::support::skip::{needs, needs_root, skip};

/// Prepares a command that keeps its logins in this file.
fn with_file(words: &[&str], file: &Path) -> Program {
    Program::new()
        .args(words)
        .arg("--store")
        .arg(format!("file:{}", file.display()))
}

/// Returns all names in a directory.
fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .expect("it")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    names.sort();
    names
}

#[apply(test)]
fn d8_d9_a_named_file_that_holds_something_else_is_left_as_it_is() {
    let fake = Fake::start();
    for (text, code) in [
        ("my notes", "store_corrupt"),
        ("\n", "store_corrupt"),
        ("{}", "store_corrupt"),
        ("{\"version\":1}", "store_corrupt"),
        ("[core]\n\teditor = vi\n", "store_corrupt"),
        (
            "{\"name\":\"a package\",\"version\":\"1.0.0\"}",
            "store_corrupt",
        ),
        ("{\"version\":7,\"logins\":[]}", "store_newer"),
    ] {
        for mode in [0o644, 0o664, 0o755, 0o600] {
            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("notes");
            fs::write(&file, text).expect("writing");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            let before = fs::metadata(&file).expect("it");
            let login = with_file(
                &["--json", "--no-browser", "--timeout", "60s", &fake.mcp()],
                &file,
            );
            let finished = login.run().expect_error(7, code);
            assert!(
                !finished.stdout.contains("authorization_url"),
                "{text}: {}",
                finished.stdout
            );
            for words in [
                &["token", &fake.mcp()][..],
                &["logout", &fake.mcp()],
                &["status"],
                &["doctor"],
            ] {
                with_file(words, &file).run();
            }
            let after = fs::metadata(&file).expect("it");
            assert_eq!(fs::read_to_string(&file).expect("it"), text);
            assert_eq!(
                (after.mode() & 0o7777, after.ino()),
                (mode, before.ino()),
                "{text}"
            );
            assert_eq!(
                (after.mtime(), after.ctime()),
                (before.mtime(), before.ctime()),
                "{text}"
            );
            assert_eq!(
                names(directory.path()),
                [file],
                "{text}: nothing is made beside it"
            );
        }
    }
}

#[apply(test)]
fn d9_an_empty_file_is_an_empty_store() {
    let fake = Fake::start();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("login.json");
    fs::write(&file, "").expect("writing");
    with_file(&["token", &fake.mcp()], &file).run().expect(3);
    assert!(with_file(&["status"], &file)
        .run()
        .expect(0)
        .stderr
        .contains("there are no logins"));
    with_file(
        &["--json", "--no-browser", "--timeout", "60s", &fake.mcp()],
        &file,
    )
    .agree()
    .expect(0);
    with_file(&["token", &fake.mcp()], &file).run().expect(0);
    assert_eq!(fs::metadata(&file).expect("it").mode() & 0o777, 0o600);
}

/// Returns a home whose credentials file holds an expired login, and one that lives.
fn home_with_both(servers: &Rotating) -> Home {
    let home = Home::expired(servers);
    let mut logins: Vec<_> = home.logins().into_iter().map(|(_, login)| login).collect();
    logins[1]["expires_at"] = "2126-01-01T00:00:00Z".into();
    home.put(&logins);
    home
}

const LIVE: &str = "https://other.example/mcp";

#[apply(test)]
fn p53_a_mounted_file_is_detected_before_a_token_is_used() {
    needs_root();
    needs(&["unshare"]);
    let servers = Rotating::start();
    let home = home_with_both(&servers);
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("login.json");
    fs::write(&file, "").expect("writing");
    let mount = format!(
        "mount --bind '{}' '{}' && exec \"$@\"",
        home.credentials().display(),
        file.display()
    );
    let run = |words: &[&str]| {
        with_file(words, &file).through(&["unshare", "-m", "sh", "-c", &mount, "sh"])
    };
    assert_eq!(run(&["token", LIVE]).run().expect(0).stdout, "access-0");
    let check = |finished: Finished| {
        assert!(
            finished
                .stderr
                .contains("this file is a mount; mount its directory instead"),
            "{}",
            finished.stderr
        );
        assert!(
            !finished.stdout.contains("authorization_url"),
            "{}",
            finished.stdout
        );
    };
    let server = servers.fake.mcp();
    check(run(&["token", &server]).run().expect(7));
    check(run(&["token", "--refresh", &server]).run().expect(7));
    check(run(&["headers", &server]).run().expect(7));
    let browser = FakeBrowser::new("");
    let new = Fake::start();
    for words in [&["--json", "--force", &server][..], &["--json", &new.mcp()]] {
        check(run(words).env("BROWSER", browser.path()).run().expect(7));
    }
    assert!(!browser.was_started());
    assert_eq!((servers.refreshes(), servers.was_reused()), (0, false));
    assert!(run(&["doctor"])
        .run()
        .stdout
        .contains("this file is a mount"));
    assert_eq!(
        names(place.path()),
        std::slice::from_ref(&file),
        "nothing is made beside it"
    );
    // The directory is the way.
    let mount = format!(
        "mount --bind '{}' '{}' && exec \"$@\"",
        home.data().display(),
        place.path().display()
    );
    let file = place.path().join("credentials.json");
    with_file(&["token", &server], &file)
        .through(&["unshare", "-m", "sh", "-c", &mount, "sh"])
        .run()
        .expect(0);
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}

/// Runs a copy of the program, which every user can run, as another user.
fn as_another(program: Program, place: &Path) -> Program {
    let copy = place.join("mcp-login");
    if !copy.exists() {
        copy_program(env!("CARGO_BIN_EXE_mcp-login"), &copy);
    }
    let shell = "shift; exec setpriv --reuid 4711 --regid 4711 --clear-groups -- \"$0\" \"$@\"";
    program.through(&["sh", "-c", shell, copy.to_str().expect("a path")])
}

#[apply(test)]
fn p61_a_file_of_the_system_is_read_and_its_refresh_is_refused_before_a_token_is_used() {
    needs_root();
    needs(&["setpriv"]);
    let servers = Rotating::start();
    let server = servers.fake.mcp();
    let home = home_with_both(&servers);
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    // As systemd and Kubernetes lay it out: a read-only file, and links that lead to one.
    let secret = place.path().join("..2026/login.json");
    fs::create_dir(place.path().join("..2026")).expect("a directory");
    fs::copy(home.credentials(), &secret).expect("a copy");
    symlink("..2026", place.path().join("..data")).expect("a link");
    symlink("..data/login.json", place.path().join("login.json")).expect("a link");
    for (mode, group) in [(0o444, 0), (0o440, 4711), (0o644, 0), (0o640, 4711)] {
        chown(&secret, Some(0), Some(group)).expect("an owner");
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).expect("a mode");
        for file in [&secret, &place.path().join("login.json")] {
            let run = |words: &[&str]| as_another(with_file(words, file), place.path());
            let live = run(&["token", LIVE]).run().expect(0);
            assert_eq!(
                (live.stdout.as_str(), live.stderr.as_str()),
                ("access-0", ""),
                "{mode:o}"
            );
            run(&["status"]).run().expect(0);
            let any = run(&["handover", LIVE, "--to", "any"]).run().expect(0);
            assert!(any.stdout.contains("\"connect\""), "{}", any.stdout);
            let handover = ["handover", LIVE, "--to", "cursor", "--name", "x", "--write"];
            let refused = run(&handover).run().expect(7);
            assert!(
                refused.stderr.contains("cannot lock the login"),
                "{mode:o}: {}",
                refused.stderr
            );
            for words in [
                &["token", &server][..],
                &["token", "--refresh", &server],
                &["headers", &server],
            ] {
                let refused = run(words).run().expect(7);
                assert!(
                    refused.stderr.contains("cannot be written"),
                    "{mode:o}: {}",
                    refused.stderr
                );
                assert!(
                    !refused.stderr.contains("cannot read") && refused.stdout.is_empty(),
                    "{}",
                    refused.stderr
                );
            }
        }
        assert_eq!(fs::metadata(&secret).expect("it").mode() & 0o777, mode);
    }
    assert_eq!(servers.refreshes(), 0);
    // What others can write to is nobody's secret.
    for (mode, group) in [(0o666, 0), (0o660, 4711)] {
        chown(&secret, Some(0), Some(group)).expect("an owner");
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).expect("a mode");
        as_another(with_file(&["token", LIVE], &secret), place.path())
            .run()
            .expect(7);
    }
}

#[apply(test)]
fn p59_a_named_file_needs_no_home() {
    let servers = Rotating::start();
    let (fake, server) = (&servers.fake, servers.fake.mcp());
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("login.json");
    let run = |words: &[&str]| {
        let program = if words.contains(&"--") {
            Program::new().args(words)
        } else {
            with_file(words, &file)
        };
        let mut program = program;
        program
            .command()
            .env_remove("HOME")
            .env_remove("MCP_LOGIN_LOCK_DIR")
            .current_dir("/");
        program
    };
    servers.shorten_logins();
    run(&["--json", "--no-browser", "--timeout", "60s", &server])
        .agree()
        .expect(0);
    run(&["token", "--refresh", &server]).run().expect(0);
    assert!(run(&["status"]).run().expect(0).stdout.contains(&server));
    run(&["headers", &server]).run().expect(0);
    run(&[
        "exec",
        &server,
        "--store",
        &format!("file:{}", file.display()),
        "--",
        "true",
    ])
    .run()
    .expect(0);
    run(&["--json", "--no-browser", &server]).run().expect(0);
    assert_eq!(run(&["doctor"]).run().code, Some(0));
    run(&["logout", &server]).run().expect(0);
    let hint = run(&["token", &server]).run().expect(3).stderr;
    assert!(
        hint.contains(&format!("file:{}", file.display())) && !hint.contains("--data-dir"),
        "{hint}"
    );
    assert!(!fake.seen_at("/revoke").is_empty() && !servers.was_reused());
    let others: Vec<_> = names(place.path())
        .into_iter()
        .filter(|path| !path.starts_with(&file))
        .collect();
    assert!(
        others.iter().all(|path| path
            .display()
            .to_string()
            .starts_with(&file.display().to_string())),
        "{others:?}"
    );
    // Whatever needs the data directory says so, as before.
    let mut program = Program::new().args(["token", "--store", "file", &server]);
    program.command().env_remove("HOME");
    assert!(program.run().expect(7).stderr.contains("--store file:PATH"));
}

#[apply(test)]
fn a12_a_directory_that_a_group_of_others_can_write_is_refused() {
    needs_root();
    let fake = Fake::start();
    for (mode, gid, code) in [
        (0o770, 4242, 7),
        (0o2775, 4242, 7),
        (0o770, 0, 0),
        (0o750, 4242, 0),
    ] {
        let home = Home::with(&fake, json!({"expires_at": "2126-01-01T00:00:00Z"}));
        chown(home.data(), None, Some(gid)).expect("a group");
        fs::set_permissions(home.data(), fs::Permissions::from_mode(mode)).expect("a mode");
        let finished = home.token(&fake).expect(code);
        assert_eq!(
            finished.stderr.contains("group 4242 can write"),
            code == 7,
            "{mode:o}: {}",
            finished.stderr
        );
        Program::login(&fake)
            .arg("--force")
            .at_home(home.path())
            .agree()
            .expect(code);
    }
}

/// With an access control list, the bits of the group say what the list allows at most.
#[cfg(target_os = "linux")]
#[apply(test)]
fn a12_a_directory_whose_access_control_list_lets_others_write_is_refused() {
    use rustix::fs::{setxattr, XattrFlags};
    let fake = Fake::start();
    for (tag, id, permissions, said) in [
        (2, 4242, 7, Some("user 4242 can write")),
        (8, 4242, 7, Some("group 4242 can write")),
        (2, 4242, 5, None),
        (2, 0, 7, None),
    ] {
        let home = Home::with(&fake, json!({"expires_at": "2126-01-01T00:00:00Z"}));
        let no_id = u32::MAX;
        // The owner, the owner's group, the one who is named, the mask, and all others, in the order of their tags.
        let mut entries = [
            (1, 7, no_id),
            (4, 0, no_id),
            (tag, permissions, id),
            (16, 7, no_id),
            (32, 0, no_id),
        ];
        entries.sort_by_key(|entry| entry.0);
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            list.extend([tag, 0, permissions, 0]);
            list.extend(u32::to_le_bytes(id));
        }
        if let Err(err) = setxattr(
            home.data(),
            "system.posix_acl_access",
            &list,
            XattrFlags::empty(),
        ) {
            skip(format_args!("no access control lists here: {err}"));
        }
        let finished = home.token(&fake).expect(if said.is_some() { 7 } else { 0 });
        assert!(
            finished.stderr.contains(said.unwrap_or_default()),
            "{}",
            finished.stderr
        );
    }
}
