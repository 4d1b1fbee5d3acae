//! The file format: what survives a rewrite, and what is never overwritten.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::failure::{Code, Failure as _};

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn insert(path: &Path, account: &str, entry: &Value) -> Result<(), StoreError> {
    LoginsFile::update(path, soon(), |entries| entries.insert(account, entry))
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
    assert!(LoginsFile::read(&path).unwrap().is_none());
    assert!(!LoginsFile::update(&path, soon(), |entries| Ok(entries.remove("a"))).unwrap());
    assert!(!path.exists(), "a change of nothing makes no file");
    insert(&path, "https://a.example/\"", &json!({"n":1})).unwrap();
    insert(&path, "b", &json!({"n":2})).unwrap();
    insert(&path, "https://a.example/\"", &json!({"n":3})).unwrap();
    let expected = "{\"version\":1,\"logins\":{\n\"https://a.example/\\\"\": {\"n\":3},\n\"b\": {\"n\":2}\n}}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    let ledger = LoginsFile::read(&path).unwrap().unwrap();
    assert_eq!(ledger.get::<Value>("b").unwrap(), Some(json!({"n":2})));
    assert_eq!(ledger.get::<Value>("c").unwrap(), None);
    assert_eq!(ledger.all::<Value>().len(), 2);
    assert!(LoginsFile::update(&path, soon(), |entries| Ok(entries.remove("b"))).unwrap());
    assert!(LoginsFile::read(&path)
        .unwrap()
        .unwrap()
        .get::<Value>("b")
        .unwrap()
        .is_none());
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
        let read = LoginsFile::read(&path).and_then(|ledger| ledger.unwrap().get::<Value>("a"));
        assert_eq!(
            read.is_ok_and(|entry| entry == Some(json!({"n":1}))),
            known,
            "{text}"
        );
        for err in [
            insert(&path, "c", &json!(1)).unwrap_err(),
            LoginsFile::prove(&path, soon()).unwrap_err(),
        ] {
            assert!(
                matches!(err, StoreError::Newer { version: 2, .. }),
                "{err:?}"
            );
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "{\"version\":2,\"logins\":{\"b\":[]}}").unwrap();
    let changed_form = LoginsFile::read(&path)
        .unwrap()
        .unwrap()
        .get::<String>("b")
        .unwrap_err();
    assert!(matches!(changed_form, StoreError::Newer { .. }));
    assert_eq!(copies(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn d9_a_file_cut_at_any_byte_stays_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole.json");
    let entry = json!({"token":"canary".repeat(40)});
    (0..15).for_each(|number| {
        insert(&whole, &format!("https://{number}.example/mcp"), &entry).unwrap()
    });
    let whole = fs::read(&whole).unwrap();
    assert!(whole.len() > 4000);
    let path = home.path().join("credentials.json");
    // The last byte is a line break.
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        let read = LoginsFile::parse(Location::from(&path), &whole[..length]).unwrap_err();
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

#[test]
fn d9_broken_files_are_kept_and_copied_once() {
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
            LoginsFile::read(&path).map(drop).unwrap_err(),
            insert(&path, "a", &json!(1)).unwrap_err(),
            LoginsFile::prove(&path, soon()).unwrap_err(),
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
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !done.load(Ordering::Relaxed) {
                        let count = LoginsFile::read(&path)
                            .unwrap()
                            .map_or(0, |ledger| ledger.entries.members.0.len());
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
    let all: Result<Vec<Value>, _> = LoginsFile::read(&path)
        .unwrap()
        .unwrap()
        .all()
        .into_iter()
        .collect();
    assert_eq!(all.unwrap(), vec![entry; 64]);
}

/// Looks for a login by its line, without the whole file being read.
fn quick(path: &Path, account: &str) -> Option<Value> {
    let entry = line::find(fs::File::open(path).unwrap(), account).unwrap()?;
    serde_json::from_slice(&entry).ok()
}

#[test]
fn a_line_is_found_in_what_this_program_writes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    let accounts: Vec<String> = (0..300)
        .map(|number| format!("https://{number}.example/\"\u{fc}\\#{number}"))
        .collect();
    for many in [1, 2, 3, 300] {
        let entry =
            |number: usize| json!({"n": number, "pad": "x}},{\n\"".repeat(number * 7 % 900)});
        let fill = |entries: &mut Entries| {
            let mut numbers = (0..many).collect::<Vec<_>>().into_iter();
            numbers.try_for_each(|number| entries.insert(&accounts[number], &entry(number)))
        };
        LoginsFile::update(&path, soon(), fill).unwrap();
        for number in (0..many).step_by(13).chain([many - 1]) {
            assert_eq!(
                quick(&path, &accounts[number]),
                Some(entry(number)),
                "{number} of {many}"
            );
        }
        assert_eq!(quick(&path, "https://0.example/"), None);
        assert_eq!(
            LoginsFile::find::<Value>(&path, "https://0.example/").unwrap(),
            None
        );
    }
}

#[test]
fn in_doubt_the_whole_file_is_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    let long = format!("\"{}\"", "x".repeat(70_000));
    for (text, expected) in [
        ("{\"version\":1,\"logins\":{\n\"a\": {\"n\":1}\n}}\n".to_owned(), Some(json!({"n":1}))),
        ("{\"version\":1,\"later\":1,\"logins\":{\n\"a\": {\"n\":1}\n}}\n".to_owned(), None),
        ("{\"version\":2,\"logins\":{\n\"a\": {\"n\":1}\n}}\n".to_owned(), None),
        ("{\"version\":1,\"logins\":{\n\"a\": {\"n\":1}\n}}".to_owned(), None),
        ("{\"version\":1,\"logins\":{\n\"a\": {\"n\":1}\n}}\n\n".to_owned(), None),
        ("{\"version\":1,\"logins\":{\n\"a\": {\"n\":1}\n},\"later\":{\n}}\n".to_owned(), None),
        ("{\"version\":1,\"logins\":{\n\"b\": {\n\"a\": {\"n\":2}},\n\"a\": {\"n\":1}\n}}\n".to_owned(), None),
        ("{\"version\":1,\"logins\":{\n\"\\u0061\": {\"n\":1}\n}}\n".to_owned(), None),
        (format!("{{\"version\":1,\"logins\":{{\n\"a\": {{\"n\":1}},\n\"b\": {{\"x\":{long}}}\n}}}}\n"), None),
    ] {
        fs::write(&path, &text).unwrap();
        assert_eq!(quick(&path, "a"), expected, "{text:.90}");
        assert_eq!(LoginsFile::find::<Value>(&path, "a").unwrap(), Some(json!({"n":1})), "{text:.90}");
    }
    let twice = "{\"version\":1,\"logins\":{\n\"a\": {\"n\":1},\n\"a\": {\"n\":2}\n}}\n";
    for text in [
        twice,
        &twice[..20],
        &twice[..40],
        &twice[..twice.len() - 2],
        "",
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(
            LoginsFile::find::<Value>(&path, "a").unwrap_err().code(),
            Code::StoreCorrupt,
            "{text}"
        );
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 150, failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
    })]

    /// Wherever a file is damaged: if it can be read at all, its line says what the whole file says.
    #[test]
    fn d9_a_line_never_contradicts_the_file(
        accounts in proptest::collection::vec("[ab\"\\\\{},:\n]{0,3}", 1..5), place in 0_usize..200, with in "[ab\"\\\\{},:\n1 ]{0,3}",
    ) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.json");
        for (number, account) in accounts.iter().enumerate() {
            insert(&path, account, &json!({"n": number, "of": account})).unwrap();
        }
        for account in &accounts {
            assert!(quick(&path, account).is_some(), "what this program writes is found");
        }
        let mut text = fs::read_to_string(&path).unwrap();
        let place = place % text.len();
        text.replace_range(place..=place, &with);
        let whole = LoginsFile::parse(Location::from(&path), text.as_bytes());
        fs::write(&path, &text).unwrap();
        for account in &accounts {
            let expected = whole.as_ref().ok().and_then(|whole| whole.get::<Value>(account).ok());
            if let (Some(expected), Some(found)) = (expected, quick(&path, account)) {
                assert_eq!(expected, Some(found), "{text}");
            }
        }
    }
}
