//! What private files must withstand: other users, crashes, odd modes, locks.

use std::fs::Permissions;
use std::os::unix::fs::{chown, symlink, FileTypeExt, MetadataExt, PermissionsExt};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use super::checks::check_file;
use super::temporary::this_run;
use super::*;
use crate::os::clock::Deadline;

mod lock_tests;

/// Names the file that a test works on when it runs again in a child process.
const CHILD_PATH: &str = "MCP_LOGIN_TEST_CHILD_PATH";

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

fn is_insecure(path: &Path) -> bool {
    let read = open_private(path).map(drop);
    let written = write_cache(path, b"new");
    match (&read, &written) {
        (Err(DiskError::Insecure { .. }), Err(DiskError::Insecure { .. })) => true,
        (Ok(()), Ok(())) => false,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// Runs one of these tests again in a process of its own, below `wrapper`.
fn run_again(test: &str, wrapper: &[&str], path: &Path) -> Output {
    let (program, arguments) = wrapper.split_first().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test]);
    command.env(CHILD_PATH, path).output().unwrap()
}

fn have(program: &str) -> bool {
    Command::new(program)
        .args(["-f", "true"])
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn a_name_of_one_process_is_told_from_one_that_lasts() {
    for (path, expected) in [
        ("/dev/fd/63", true),
        ("/dev/stdin", true),
        ("/proc/self/fd/3", true),
        ("/dev/shm/client.key", false),
        ("/dev/fdx/client.key", false),
        ("client.key", false),
    ] {
        assert_eq!(given::is_transient(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn a_file_is_replaced_and_nothing_else_stays() {
    let home = home();
    let path = home.path().join("new/deep/credentials.json");
    assert!(open_private(&path).unwrap().is_none());
    for bytes in [&b"old"[..], b"new", b""] {
        write_atomically(&path, bytes).unwrap();
        assert_eq!(read_private(&path, 3).unwrap().unwrap().as_slice(), bytes);
    }
    prove_writable(&path).unwrap();
    assert_eq!(names(path.parent().unwrap()), ["credentials.json"]);
    assert_eq!(
        (
            mode(&path),
            mode(&home.path().join("new")),
            mode(&home.path().join("new/deep"))
        ),
        (0o600, 0o700, 0o700)
    );
    write_cache(&path, b"long").unwrap();
    assert!(matches!(
        read_private(&path, 3),
        Err(DiskError::TooLarge { .. })
    ));
}

#[test]
fn d1_sec10_leftovers_of_dead_runs_are_removed() {
    let home = home();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let (gone, us) = (gone.id(), std::process::id());
    let stale = [format!(".a.{gone}-77.x.tmp"), format!(".a.{us}-0.x.tmp")];
    let kept = [
        format!(".a.{}.x.tmp", this_run()),
        ".a.1-0.x.tmp".to_owned(),
        ".a.tmp".to_owned(),
        format!(".b.{gone}-77.x.tmp"),
        format!("a.{gone}-77.x.tmp"),
    ];
    for name in stale.iter().chain(&kept) {
        fs::write(home.path().join(name), b"secret").unwrap();
    }
    write_cache(&home.path().join("a"), b"").unwrap();
    let mut expected = kept.to_vec();
    expected.push("a".to_owned());
    expected.sort();
    assert_eq!(names(home.path()), expected);
}

#[test]
fn d2_a_failure_names_the_file_and_leaves_the_old_one() {
    let home = home();
    let file = home.path().join("file");
    write_atomically(&file, b"old").unwrap();
    let below = file.join("credentials.json");
    for err in [
        write_atomically(&below, b"new").unwrap_err(),
        prove_writable(&below).unwrap_err(),
        open_private(&below).map(drop).unwrap_err(),
        LockFile::acquire(&below, Deadline::after(Duration::ZERO))
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(matches!(&err, DiskError::Io(_)), "{err:?}");
        assert!(
            err.to_string().starts_with("cannot ") && err.to_string().contains("file"),
            "{err}"
        );
    }
    assert_eq!(fs::read(&file).unwrap(), b"old");
    assert!(write_atomically(Path::new("/proc/mcp-login/file"), b"new").is_err());
}

#[test]
fn d3_a_directory_that_cannot_be_synchronised_is_a_warning() {
    if let Some(path) = std::env::var_os(CHILD_PATH) {
        return write_atomically(Path::new(&path), b"new").unwrap();
    }
    if !have("strace") {
        return;
    }
    let home = home();
    for (nth, survives) in [("2", true), ("1", false)] {
        let path = home.path().join(nth);
        let inject = format!("inject=fsync:error=EIO:when={nth}");
        let test = "os::files::tests::d3_a_directory_that_cannot_be_synchronised_is_a_warning";
        let output = run_again(
            test,
            &["strace", "-f", "-e", "trace=fsync", "-e", &inject],
            &path,
        );
        assert_eq!(
            output.status.success(),
            survives,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(String::from_utf8_lossy(&output.stderr).contains("INJECTED"));
        assert_eq!(path.exists(), survives);
    }
    assert_eq!(names(home.path()), ["2"]);
}

#[test]
fn d6_links() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    write_cache(&at("real/file"), b"old").unwrap();
    write_cache(&at("open"), b"old").unwrap();
    fs::set_permissions(at("open"), Permissions::from_mode(0o620)).unwrap();
    for (name, target, refused) in [
        ("relative", "real/file", false),
        ("dangling", "real/missing", false),
        ("chain", "relative", false),
        ("up", "real/../real/./file", false),
        ("directory", "real", true),
        ("device", "/dev/full", true),
        ("others-write", "open", true),
        ("circle", "circle", true),
    ] {
        symlink(target, at(name)).unwrap();
        assert_eq!(is_insecure(&at(name)), refused, "{name}");
        assert!(
            fs::symlink_metadata(at(name)).unwrap().is_symlink(),
            "{name}: the target is replaced, not the link"
        );
    }
    assert_eq!(fs::read(at("real/file")).unwrap(), b"new");
    assert_eq!(fs::read(at("real/missing")).unwrap(), b"new");
    assert_eq!(mode(&at("open")), 0o620);
    symlink(at("real"), at("way")).unwrap();
    assert!(
        !is_insecure(&at("way/file")),
        "a directory may be reached through a link of ours"
    );
    assert!(fs::metadata("/dev/full")
        .unwrap()
        .file_type()
        .is_char_device());
}

#[test]
fn d6_a_link_to_nothing_is_written_through_where_only_the_user_could_have_made_it() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    for (mode, refused) in [
        (0o700, false),
        (0o755, false),
        (0o1777, true),
        (0o1770, false),
        (0o1773, true),
    ] {
        let directory = at(&format!("{mode:o}"));
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        let target = at(&format!("target-{mode:o}"));
        symlink(&target, directory.join("link")).unwrap();
        let written = write_cache(&directory.join("link"), b"new");
        let lock = LockFile::acquire(&directory.join("link"), Deadline::after(Duration::ZERO));
        assert_eq!(
            matches!(written, Err(DiskError::Insecure { .. })),
            refused,
            "{mode:o}: {written:?}"
        );
        assert_eq!(
            (target.exists(), lock.is_err()),
            (!refused, refused),
            "{mode:o}: {lock:?}"
        );
    }
}

#[test]
fn a12_directories_that_a_group_can_write() {
    if !geteuid().is_root() {
        return;
    }
    let home = home();
    for (mode, gid, refused) in [
        (0o770, 0, false),
        (0o775, 0, false),
        (0o770, 4242, true),
        (0o775, 4242, true),
        (0o2775, 4242, true),
        (0o1770, 4242, false),
        (0o750, 4242, false),
        (0o2755, 4242, false),
    ] {
        let directory = home.path().join(format!("{mode:o}-{gid}"));
        fs::create_dir(&directory).unwrap();
        chown(&directory, None, Some(gid)).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            is_insecure(&directory.join("file")),
            refused,
            "{mode:o} {gid}"
        );
        assert_eq!(
            is_insecure(&directory.join("deep/file")),
            refused,
            "{mode:o} {gid}"
        );
    }
}

#[test]
fn d6_d8_what_belongs_to_another_user_is_refused() {
    if !geteuid().is_root() {
        return;
    }
    let home = home();
    let at = |name: &str| home.path().join(name);
    for name in ["file", "directory/file", "target"] {
        write_cache(&at(name), b"old").unwrap();
    }
    symlink("target", at("link")).unwrap();
    symlink("directory", at("way")).unwrap();
    for name in ["link", "way"] {
        std::os::unix::fs::lchown(at(name), Some(1000), None).unwrap();
        assert!(is_insecure(&at("link")), "{name}");
    }
    assert!(is_insecure(&at("way/file")));
    for (name, path) in [
        ("file", "file"),
        ("directory", "directory/file"),
        ("directory", "directory/new/file"),
    ] {
        chown(at(name), Some(1000), None).unwrap();
        assert!(is_insecure(&at(path)), "{path}");
    }
    let err = open_private(&at("file")).unwrap_err().to_string();
    assert!(err.contains("another user (uid 1000)"), "{err}");
    assert_eq!(fs::read(at("file")).unwrap(), b"old");
}

#[test]
fn d7_only_regular_files_with_one_name() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    assert!(Command::new("mkfifo")
        .arg(at("fifo"))
        .status()
        .unwrap()
        .success());
    fs::create_dir(at("directory")).unwrap();
    fs::write(at("first"), b"old").unwrap();
    fs::hard_link(at("first"), at("second")).unwrap();
    for path in [
        at("fifo"),
        at("directory"),
        at("first"),
        at("second"),
        PathBuf::from("/dev/null"),
    ] {
        assert!(is_insecure(&path), "{}", path.display());
        let lock = LockFile::acquire(&path, Deadline::after(Duration::ZERO));
        assert!(lock.is_err(), "{}", path.display());
    }
    assert!(fs::symlink_metadata(at("fifo"))
        .unwrap()
        .file_type()
        .is_fifo());
    assert_eq!(fs::read(at("first")).unwrap(), b"old");
}

#[test]
fn d8_permissions_of_others_are_removed() {
    let home = home();
    let path = home.path().join("file");
    for (before, after) in [
        (0o600, 0o600),
        (0o644, 0o600),
        (0o666, 0o600),
        (0o640, 0o600),
        (0o400, 0o400),
        (0o444, 0o400),
    ] {
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        open_private(&path).unwrap().unwrap();
        assert_eq!(mode(&path), after, "{before:o}");
        fs::remove_file(&path).unwrap();
    }
    for (before, refused) in [
        (0o700, false),
        (0o755, false),
        (0o775, false),
        (0o1777, false),
        (0o777, true),
    ] {
        fs::set_permissions(home.path(), Permissions::from_mode(before)).unwrap();
        assert_eq!(is_insecure(&path), refused, "{before:o}");
    }
}

#[test]
fn d8_the_umask_changes_nothing() {
    if let Some(path) = std::env::var_os(CHILD_PATH) {
        let path = PathBuf::from(path);
        write_cache(&path, b"new").unwrap();
        let lock = LockFile::acquire(
            &path.with_extension("lock"),
            Deadline::after(Duration::ZERO),
        )
        .unwrap();
        return drop((
            lock,
            LockFile::acquire_by_marker(&path, Deadline::after(Duration::ZERO)).unwrap(),
        ));
    }
    let home = home();
    for umask in ["000", "022", "077", "0777"] {
        let directory = home.path().join(umask).join("deep");
        let script = format!("umask {umask} && exec \"$@\"");
        let test = "os::files::tests::d8_the_umask_changes_nothing";
        let output = run_again(test, &["sh", "-c", &script, "sh"], &directory.join("file"));
        assert!(
            output.status.success(),
            "{umask}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(
            (mode(&home.path().join(umask)), mode(&directory)),
            (0o700, 0o700),
            "{umask}"
        );
        let modes = ["file", "file.lock"].map(|name| mode(&directory.join(name)));
        assert_eq!(modes, [0o600, 0o600], "{umask}");
    }
}

#[test]
fn d7_c7_a_file_that_is_replaced_while_it_is_read_is_whole() {
    let home = home();
    let path = home.path().join("file");
    write_cache(&path, b"old").unwrap();
    let old = open_private(&path).unwrap().unwrap();
    write_cache(&path, b"new").unwrap();
    assert_eq!(check_file(&path, &old).unwrap().nlink(), 0);
    assert_eq!(io::read_to_string(old).unwrap(), "old");
}
