//! The file format: what survives a rewrite, and what is never overwritten.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{json, Value};

use super::*;
use crate::failure::{Code, Failure as _};

fn at(path: &Path) -> LoginsFile {
    LoginsFile::new(path, Duration::from_secs(60))
}

fn insert(path: &Path, name: &str, entry: &Value) -> Result<(), StoreError> {
    at(path).update(|logins| logins.insert(name, entry))
}

fn copies(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.to_string_lossy().contains(".corrupt-"))
        .collect()
}

#[test]
fn one_login_a_line() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    assert!(!at(&path).exists().unwrap());
    assert!(!at(&path).update(|entries| Ok(entries.remove("a"))).unwrap());
    assert!(!path.exists(), "a change of nothing makes no file");
    insert(&path, "https://a.example/\"", &json!({"n":1})).unwrap();
    insert(&path, "b", &json!({"n":2})).unwrap();
    insert(&path, "https://a.example/\"", &json!({"n":3})).unwrap();
    let expected = "{\"version\":1,\"logins\":{\n\"https://a.example/\\\"\": {\"n\":3},\n\"b\": {\"n\":2}\n}}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(at(&path).get("b").unwrap(), Some(json!({"n":2})));
    assert_eq!(at(&path).get::<Value>("c").unwrap(), None);
    assert_eq!(at(&path).all::<Value>().unwrap().len(), 2);
    assert!(at(&path).update(|entries| Ok(entries.remove("b"))).unwrap());
    assert!(at(&path).get::<Value>("b").unwrap().is_none());
}

#[test]
fn d10_what_is_not_known_survives_a_rewrite() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    let strange = "{ \"z\" : 1.50, \"\\u0061\":[1e3] }";
    let text = format!(
        "\u{feff}{{\"later\": {strange},\r\n\"logins\":{{\"a\": {strange}, \"b\":{{\n\"n\": 1}}}},\"version\":1}}"
    );
    fs::write(&path, text).unwrap();
    insert(&path, "c", &json!(null)).unwrap();
    let expected = format!(
        "{{\"version\":1,\"later\":{strange},\"logins\":{{\n\"a\": {strange},\n\"b\": {{ \"n\": 1}},\n\"c\": null\n}}}}\n"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn d10_a_newer_file_is_read_and_never_changed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    for (text, known) in [
        (
            "{\"version\":2,\"logins\":{\"a\":{\"n\":1},\"b\":[]}}",
            true,
        ),
        ("{\"version\":2,\"logins\":[]}", false),
        ("{\"version\":2}", false),
    ] {
        fs::write(&path, text).unwrap();
        let read = at(&path).get::<Value>("a");
        assert_eq!(
            read.is_ok_and(|entry| entry == Some(json!({"n":1}))),
            known,
            "{text}"
        );
        for err in [
            insert(&path, "c", &json!(1)).unwrap_err(),
            at(&path).prove().unwrap_err(),
        ] {
            assert!(
                matches!(err, StoreError::Newer { version: 2, .. }),
                "{err:?}"
            );
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "{\"version\":2,\"logins\":{\"b\":[]}}").unwrap();
    let changed_form = at(&path).get::<String>("b").unwrap_err();
    assert!(matches!(changed_form, StoreError::Newer { .. }));
    assert_eq!(copies(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn d9_a_file_cut_at_any_byte_stays_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole.json");
    let entry = json!({"token":"canary".repeat(40)});
    (0..4).for_each(|number| {
        insert(&whole, &format!("https://{number}.example/mcp"), &entry).unwrap()
    });
    let whole = fs::read(&whole).unwrap();
    assert!(whole.len() > 1000);
    let path = home.path().join("credentials.json");
    // The last byte is a line break. Wine takes as long for each file as Linux for forty.
    for length in (0..whole.len() - 1).step_by(if cfg!(windows) { 25 } else { 1 }) {
        fs::write(&path, &whole[..length]).unwrap();
        let read = at(&path).parse(&whole[..length]).unwrap_err();
        assert!(matches!(read, StoreError::Corrupt { .. }), "{length}");
        assert!(!read.to_string().contains("canary"), "{read}");
        if length % 100 == 0 {
            assert!(
                matches!(
                    insert(&path, "new", &json!(1)),
                    Err(StoreError::Corrupt { .. })
                ),
                "{length}"
            );
        }
        assert_eq!(fs::read(&path).unwrap(), &whole[..length]);
        copies(home.path())
            .iter()
            .for_each(|copy| fs::remove_file(copy).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn d9_broken_files_stay_and_are_copied_once() {
    let deep = format!("{{\"version\":1,\"logins\":{}", "[".repeat(100_000));
    let broken: &[&[u8]] = &[
        b"",
        b"\n",
        b"null",
        b"[]",
        b"{}",
        b"\x00\xff\xfe",
        b"{\"version\":1}",
        b"{\"logins\":{}}",
        b"{\"version\":\"1\",\"logins\":{}}",
        b"{\"version\":-1,\"logins\":{}}",
        b"{\"version\":1,\"logins\":null}",
        b"{\"version\":1,\"logins\":{}}}",
        b"{\"version\":1,\"logins\":{},\"logins\":{}}",
        b"{\"version\":1,\"logins\":{\"a\":{},\"a\":{}}}",
        b"{\"version\":1,\"logins\":{\"\xff\":{}}}",
        deep.as_bytes(),
    ];
    for bytes in broken {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.json");
        fs::write(&path, bytes).unwrap();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        let errors = [
            at(&path).exists().unwrap_err(),
            insert(&path, "a", &json!(1)).unwrap_err(),
            at(&path).prove().unwrap_err(),
        ];
        assert!(
            errors
                .iter()
                .all(|err| matches!(err, StoreError::Corrupt { copy: Some(_), .. })),
            "{shown}"
        );
        assert_eq!(fs::read(&path).unwrap(), *bytes, "{shown}");
        let copies = copies(home.path());
        assert_eq!(copies.len(), 1, "{shown}");
        assert_eq!(fs::read(&copies[0]).unwrap(), *bytes, "{shown}");
        assert_eq!(
            fs::metadata(&copies[0]).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn d9_a_huge_file_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    fs::File::create(&path)
        .unwrap()
        .set_len(MAX_BYTES + 1)
        .unwrap();
    let err = insert(&path, "a", &json!(1)).unwrap_err();
    assert_eq!(err.code(), Code::StoreCorrupt);
    assert_eq!(fs::metadata(&path).unwrap().len(), MAX_BYTES + 1);
}

#[test]
fn c5_c7_sixty_four_writers_lose_nothing_and_readers_see_whole_files() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    let done = AtomicBool::new(false);
    let entry = json!({"filler":"x".repeat(2000)});
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !done.load(Ordering::Relaxed) {
                        let count = at(&path).read(|logins| logins.all::<Value>().len());
                        let count = count.unwrap().unwrap_or(0);
                        assert!(count >= seen);
                        seen = count;
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..64)
            .map(|number| {
                let (path, entry) = (&path, &entry);
                scope.spawn(move || insert(path, &number.to_string(), entry).unwrap())
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
    });
    let all: Result<Vec<Value>, _> = at(&path).all().unwrap().into_iter().collect();
    assert_eq!(all.unwrap(), vec![entry; 64]);
}
