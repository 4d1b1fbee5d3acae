//! Locks that stay taken, are waited for, removed, abandoned or broken.

use super::*;

#[test]
fn d12_a_lock_that_is_held_names_its_holder() {
    let home = home();
    let path = home.path().join("deep/file.lock");
    let soon = || Deadline::after(Duration::from_millis(30));
    for acquire in [LockFile::acquire, LockFile::acquire_by_marker] {
        let held = acquire(&path, soon()).unwrap();
        let err = (0..4).find_map(|_| {
            let started = Instant::now();
            let err = std::thread::scope(|scope| {
                let thread = scope.spawn(|| acquire(&path, soon()).unwrap_err());
                thread.join().unwrap()
            });
            // A busy machine may hold it up once.
            (started.elapsed() < Duration::from_secs(5)).then_some(err)
        });
        let err = err.expect("an end in time");
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(
            matches!(&err, DiskError::Locked { holder: Some(holder), .. } if *holder == pid),
            "{err}"
        );
        assert!(
            err.to_string().contains(&format!("process {pid} holds it")),
            "{err}"
        );
        drop(held);
        drop(acquire(&path, soon()).unwrap());
    }
    assert_eq!(names(path.parent().unwrap()), ["file.lock"]);
}

#[test]
fn d12_a_waiting_lock_is_had_when_it_is_free() {
    let home = home();
    let path = home.path().join("file.lock");
    let held = LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope
            .spawn(|| LockFile::acquire(&path, Deadline::after(Duration::from_secs(60))).map(drop));
        drop(held);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn d12_a_removed_lock_file_does_not_lock() {
    let home = home();
    let path = home.path().join("file.lock");
    let _old = LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
    fs::remove_file(&path).unwrap();
    let _new = LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
    assert!(LockFile::acquire(&path, Deadline::after(Duration::ZERO)).is_err());
}

#[test]
fn d12_markers_of_dead_holders_are_broken_and_others_are_not() {
    let home = home();
    let path = home.path().join("file.lock");
    let marker = home.path().join("file.lock.held");
    drop(LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap());
    let ours = fs::read_to_string(&path).unwrap();
    let [us, boot, host, started] = ours
        .split_whitespace()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let gone = gone.id();
    for (holder, broken) in [
        (format!("{gone} {boot} {host}"), true),
        (format!("1 earlier-boot {host}"), true),
        (format!("1 {boot} {host}"), false),
        (format!("{gone} {boot} another-machine"), false),
        (format!("{gone} other-boot another-machine"), false),
        (String::new(), false),
        ("killed while it wrote".to_owned(), false),
        (format!("{us} {boot} {host} {started}"), false),
        (format!("{us} {boot} {host} -"), false),
        // The process has the number of one that is gone.
        (format!("{us} {boot} {host} 1"), true),
    ] {
        fs::write(&marker, &holder).unwrap();
        let taken = LockFile::acquire_by_marker(&path, Deadline::after(Duration::from_millis(5)));
        assert_eq!(taken.is_ok(), broken, "{holder}: {taken:?}");
    }
}

#[test]
fn d12_a_marker_of_another_machine_is_named_and_not_its_process() {
    let home = home();
    let path = home.path().join("file.lock");
    let marker = home.path().join("file.lock.held");
    fs::write(&marker, "4711 other-boot another-machine 1").unwrap();
    let err = LockFile::acquire_by_marker(&path, Deadline::after(Duration::ZERO)).unwrap_err();
    assert!(
        matches!(err, DiskError::Locked { holder: None, .. }),
        "{err}"
    );
    let Some(Hint::Text(hint)) = err.hint(&About::default()) else {
        panic!("{err}")
    };
    let advice = format!("remove {}", marker.display());
    assert!(hint.ends_with(&advice), "{hint}");
}

/// Its maker was killed between two system calls, and the clock has been set since.
#[test]
fn d13_an_unsigned_marker_is_abandoned_on_whichever_side_of_now_it_is() {
    let home = home();
    let path = home.path().join("file.lock");
    let marker = home.path().join("file.lock.held");
    let (now, hour) = (std::time::SystemTime::now(), Duration::from_secs(3600));
    for (at, is_abandoned) in [(now - hour, true), (now, false), (now + hour, true)] {
        let file = File::create(&marker).unwrap();
        file.set_modified(at).unwrap();
        let taken = LockFile::acquire_by_marker(&path, Deadline::after(Duration::ZERO));
        assert_eq!(taken.is_ok(), is_abandoned, "{at:?}");
    }
}

#[test]
fn a11_a_killed_process_that_was_breaking_a_lock_does_not_block_it() {
    let home = home();
    let path = home.path().join("file.lock");
    let (marker, breaking) = (
        home.path().join("file.lock.held"),
        home.path().join("file.lock.held.breaking"),
    );
    drop(LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap());
    let ours = fs::read_to_string(&path).unwrap();
    let [us, boot, host, started] = ours
        .split_whitespace()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let gone = format!("{} {boot} {host} 1\n", gone.id());
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    for (holder, breaker, is_old, taken) in [
        (gone.as_str(), gone.as_str(), false, true),
        (&gone, "", false, false),
        (&gone, "", true, true),
        ("", &gone, true, true),
        ("", "", true, true),
        ("", "", false, false),
        (&gone, &format!("{us} {boot} {host} {started}"), true, false),
        (&gone, "4711 other-boot another-machine", true, false),
    ] {
        for (file, text) in [(&marker, holder), (&breaking, breaker)] {
            fs::write(file, text).unwrap();
            let time = if is_old {
                old
            } else {
                std::time::SystemTime::now()
            };
            File::options()
                .write(true)
                .open(file)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        let lock = LockFile::acquire_by_marker(&path, Deadline::after(Duration::from_millis(5)));
        assert_eq!(
            lock.is_ok(),
            taken,
            "{holder:?} {breaker:?} {is_old}: {lock:?}"
        );
        drop(lock);
        let left: Vec<_> = names(home.path())
            .into_iter()
            .filter(|name| name != "file.lock")
            .collect();
        assert_eq!(left.is_empty(), taken, "{left:?}");
        for file in [&marker, &breaking] {
            let _ = fs::remove_file(file);
        }
    }
}

/// Many find the same two markers of the dead at the same moment: one at a time gets the lock, and all of them do.
#[test]
fn a11_waiters_at_once_break_no_lock_of_each_other() {
    let home = home();
    let path = home.path().join("file.lock");
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    drop(LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap());
    let ours = fs::read_to_string(&path).unwrap();
    let (_, place) = ours.trim_end().split_once(' ').unwrap();
    for round in 0..20 {
        for name in ["file.lock.held", "file.lock.held.breaking"] {
            fs::write(home.path().join(name), format!("{} {place}", gone.id())).unwrap();
        }
        let holders = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let lock = LockFile::acquire_by_marker(
                        &path,
                        Deadline::after(Duration::from_secs(30)),
                    )
                    .unwrap();
                    assert_eq!(
                        holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst),
                        0,
                        "round {round}"
                    );
                    std::thread::yield_now();
                    holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(lock);
                });
            }
        });
        assert_eq!(names(home.path()), ["file.lock"]);
    }
}

#[test]
fn d12_without_locks_in_the_file_system_a_marker_replaces_them() {
    if let Some(path) = std::env::var_os(CHILD_PATH) {
        let path = PathBuf::from(path);
        let _lock = LockFile::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
        assert!(with_held(&path).exists());
        let second = LockFile::acquire(&path, Deadline::after(Duration::ZERO));
        return assert!(matches!(second, Err(DiskError::Locked { .. })));
    }
    if !have("strace") {
        return;
    }
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        let home = home();
        let path = home.path().join("file.lock");
        let inject = format!("inject=flock:error={error}");
        let test =
            "os::files::tests::lock_tests::d12_without_locks_in_the_file_system_a_marker_replaces_them";
        let output = run_again(
            test,
            &["strace", "-f", "-e", "trace=flock", "-e", &inject],
            &path,
        );
        assert!(
            output.status.success(),
            "{error}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(!with_held(&path).exists());
    }
}

fn with_held(path: &Path) -> PathBuf {
    path.with_extension("lock.held")
}
