//! Places of a login file that containers, services and administrators prepare, and files that are not ours at all.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::support::fake::Fake;
use crate::support::program::Program;

/// Prepares a command that keeps its logins in this file.
fn with_file(words: &[&str], file: &Path) -> Program {
    Program::new().args(words).arg("--store").arg(format!("file:{}", file.display()))
}

/// Returns all names in a directory.
fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(directory).expect("it").flatten().map(|entry| entry.path()).collect();
    names.sort();
    names
}

#[test]
fn d8_d9_a_named_file_that_holds_something_else_is_left_as_it_is() {
    let fake = Fake::start();
    for (text, code) in [
        ("my notes", "store_corrupt"),
        ("\n", "store_corrupt"),
        ("{}", "store_corrupt"),
        ("{\"version\":1}", "store_corrupt"),
        ("[core]\n\teditor = vi\n", "store_corrupt"),
        ("{\"name\":\"a package\",\"version\":\"1.0.0\"}", "store_corrupt"),
        ("{\"version\":7,\"logins\":[]}", "store_newer"),
    ] {
        for mode in [0o644, 0o664, 0o755, 0o600] {
            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("notes");
            fs::write(&file, text).expect("writing");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            let before = fs::metadata(&file).expect("it");
            let login = with_file(&["--json", "--no-browser", "--timeout", "60s", &fake.mcp()], &file);
            let finished = login.run().expect_error(7, code);
            assert!(!finished.stdout.contains("authorization_url"), "{text}: {}", finished.stdout);
            for words in [&["token", &fake.mcp()][..], &["logout", &fake.mcp()], &["status"], &["doctor"]] {
                with_file(words, &file).run();
            }
            let after = fs::metadata(&file).expect("it");
            assert_eq!(fs::read_to_string(&file).expect("it"), text);
            assert_eq!((after.mode() & 0o7777, after.ino()), (mode, before.ino()), "{text}");
            assert_eq!((after.mtime(), after.ctime()), (before.mtime(), before.ctime()), "{text}");
            assert_eq!(names(directory.path()), [file], "{text}: nothing is made beside it");
        }
    }
}

#[test]
fn d9_an_empty_file_is_an_empty_store() {
    let fake = Fake::start();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("login.json");
    fs::write(&file, "").expect("writing");
    with_file(&["token", &fake.mcp()], &file).run().expect(3);
    assert!(with_file(&["status"], &file).run().expect(0).stderr.contains("there are no logins"));
    with_file(&["--json", "--no-browser", "--timeout", "60s", &fake.mcp()], &file).agree().expect(0);
    with_file(&["token", &fake.mcp()], &file).run().expect(0);
    assert_eq!(fs::metadata(&file).expect("it").mode() & 0o777, 0o600);
}
