//! The store against a Secret Service of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error as EntryError};

use self::fake::{Fake, User, SHORT};
use super::*;

mod fake;

fn entry(store: &Store) -> Entry {
    store.build("program", "me", None).unwrap()
}

/// Returns the error of this crate for which an entry cannot be used.
fn failure<T: std::fmt::Debug>(outcome: keyring_core::Result<T>) -> Error {
    let err = outcome.unwrap_err();
    Error::of(&err).unwrap_or_else(|| panic!("{err:?}")).clone()
}

#[test]
fn the_first_request_is_one_whose_answer_does_not_matter() {
    let fake = Fake::start();
    fake.connect(Access::Write).unwrap();
    let asked = [
        "ReadAlias keyring-secret-service",
        "ReadAlias default",
        "ReadAlias session",
        "Get org.freedesktop.Secret.Collection",
        "OpenSession dh-ietf1024-sha256-aes128-cbc-pkcs7",
    ];
    // One key in 256 is agreed on anew.
    assert_eq!(fake.service().asked[..asked.len()], asked);
}

#[test]
fn a_keyring_that_is_locked_is_not_searched_and_one_that_is_not_needs_one_question() {
    let fake = Fake::start();
    fake.connect(Access::Read).unwrap();
    let asked: Vec<_> = fake.service().asked.drain(..).take(3).collect();
    let expected = [
        "ReadAlias keyring-secret-service",
        "Get org.freedesktop.Secret.Collection",
        "OpenSession dh-ietf1024-sha256-aes128-cbc-pkcs7",
    ];
    assert_eq!(asked, expected);
    fake.service().locked = true;
    assert_eq!(fake.connect(Access::Read).err(), Some(Error::Locked));
    let is_search = |it: &String| it.starts_with("SearchItems");
    assert!(!fake.service().asked.iter().any(is_search));
}

#[test]
fn a_secret_is_stored_encrypted_read_changed_and_deleted() {
    let fake = Fake::start();
    let store = fake.connect(Access::Write).unwrap();
    let entry = entry(&store);
    assert!(matches!(entry.get_secret(), Err(EntryError::NoEntry)));
    assert!(matches!(
        entry.delete_credential(),
        Err(EntryError::NoEntry)
    ));
    entry.set_secret(b"first").unwrap();
    assert_eq!(entry.get_secret().unwrap(), b"first");
    entry.set_secret(b"second").unwrap();
    {
        let service = fake.service();
        assert_eq!(service.items.len(), 1);
        let item = &service.items[&1];
        assert_eq!(item.label, "keyring:me@program");
        let attributes = [("service", "program"), ("username", "me")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(item.attributes, HashMap::from(attributes));
        assert_eq!((&*item.secret, item.encrypted.len()), (&b"second"[..], 16));
    }
    assert_eq!(entry.get_secret().unwrap(), b"second");
    entry.delete_credential().unwrap();
    assert!(fake.service().items.is_empty());
}

#[test]
fn entries_keep_the_rules_of_keyring_core() {
    let fake = Fake::start();
    let store = fake.connect(Access::Write).unwrap();
    let entry = entry(&store);
    let names = Some(("program".to_owned(), "me".to_owned()));
    assert_eq!(entry.get_specifiers(), names);
    assert!(matches!(entry.get_credential(), Err(EntryError::NoEntry)));
    entry.set_secret(b"secret").unwrap();
    let wrapper = entry.get_credential().unwrap();
    assert_eq!(wrapper.get_specifiers(), names);
    assert_eq!(wrapper.get_secret().unwrap(), b"secret");
    wrapper.delete_credential().unwrap();
    assert!(matches!(wrapper.get_secret(), Err(EntryError::NoEntry)));
    let modifiers = HashMap::from([("target", "default")]);
    assert!(matches!(
        store.build("program", "me", Some(&modifiers)),
        Err(EntryError::NotSupportedByStore(_))
    ));
    assert!(format!("{store:?} {entry:?}").contains("me"));
}

#[test]
fn several_items_with_the_same_attributes_are_distinguished() {
    let fake = Fake::start();
    let store = fake.connect(Access::Write).unwrap();
    let entry = entry(&store);
    entry.set_secret(b"first").unwrap();
    {
        let mut service = fake.service();
        let mut second = service.items[&1].clone();
        second.secret = b"second".to_vec();
        service.items.insert(2, second);
    }
    let EntryError::Ambiguous(all) = entry.get_secret().unwrap_err() else {
        panic!("not ambiguous");
    };
    let secrets: Vec<_> = all.iter().map(|one| one.get_secret().unwrap()).collect();
    assert_eq!(secrets, [b"first".to_vec(), b"second".to_vec()]);
    all[0].delete_credential().unwrap();
    assert_eq!(entry.get_secret().unwrap(), b"second");
}

#[test]
fn an_item_that_another_program_deletes_is_searched_for_again() {
    for (deletes, left) in [(1, 1), (2, 0)] {
        let fake = Fake::start();
        let store = fake.connect(Access::Write).unwrap();
        let entry = entry(&store);
        entry.set_secret(b"secret").unwrap();
        fake.service().deletes = deletes;
        // What is deleted meanwhile is created again when it is written, and is not there when it is read.
        entry.set_secret(b"new").unwrap();
        assert_eq!(fake.service().items.len(), 1);
        assert_eq!(entry.get_secret().is_ok(), left == 1);
        assert_eq!(fake.service().items.len(), left);
    }
}

#[test]
fn a_locked_keyring_does_not_prompt_unless_the_user_may_be_asked() {
    for access in [Access::Read, Access::Write] {
        let fake = Fake::start();
        fake.service().locked = true;
        assert_eq!(fake.connect(access).err(), Some(Error::Locked));
        assert!(!fake.service().asked.contains(&"Prompt".to_owned()));
    }
}

#[test]
fn an_open_wallet_that_counts_as_locked_is_unlocked_without_a_window() {
    for (is_open, expected) in [(true, None), (false, Some(Error::Locked))] {
        let fake = Fake::start();
        {
            let mut service = fake.service();
            (service.locked, service.wallet) = (true, Some(is_open));
            service.user = User::Agrees;
        }
        assert_eq!(fake.connect(Access::Read).err(), expected);
        assert_eq!(fake.service().locked, !is_open);
        let prompted = fake.service().asked.contains(&"Prompt".to_owned());
        assert_eq!(prompted, is_open);
    }
}

#[test]
fn items_that_are_locked_one_by_one_do_not_prompt_either() {
    let fake = Fake::start();
    let store = fake.connect(Access::Write).unwrap();
    let entry = entry(&store);
    entry.set_secret(b"secret").unwrap();
    fake.service().locked = true;
    let err = entry.get_secret().unwrap_err();
    assert!(matches!(err, EntryError::NoStorageAccess(_)), "{err:?}");
    assert_eq!(Error::of(&err), Some(&Error::Locked));
}

#[test]
fn a_prompt_is_announced_once_and_its_answer_counts() {
    for (dismissed, expected) in [(false, None), (true, Some(Error::Denied))] {
        let fake = Arc::new(Fake::start());
        fake.service().locked = true;
        let prompts = Arc::new(AtomicUsize::new(0));
        let (user, count) = (Arc::clone(&fake), Arc::clone(&prompts));
        let options = Options {
            on_prompt: Some(Box::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
                user.service().complete(dismissed);
            })),
            ..Options::default()
        };
        assert_eq!(fake.connect_with(options).err(), expected);
        assert_eq!(prompts.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn an_answer_at_once_counts_as_well() {
    for (user, expected) in [(User::Agrees, None), (User::Dismisses, Some(Error::Denied))] {
        let fake = Fake::start();
        {
            let mut service = fake.service();
            (service.locked, service.user) = (true, user);
        }
        let options = Options {
            on_prompt: Some(Box::new(|| {})),
            ..Options::default()
        };
        assert_eq!(fake.connect_with(options).err(), expected);
    }
}

#[test]
fn a_prompt_that_completes_by_itself_needs_no_answer() {
    let fake = Fake::start();
    let store = fake.connect(Access::Write).unwrap();
    {
        let mut service = fake.service();
        (service.prompts_for_items, service.user) = (true, User::Agrees);
    }
    entry(&store).set_secret(b"secret").unwrap();
    fake.service().user = User::Waits;
    let other = store.build("program", "another", None).unwrap();
    assert_eq!(failure(other.set_secret(b"secret")), Error::Locked);
    assert_eq!(fake.service().asked.last().unwrap(), "Dismiss");
}

#[test]
fn new_items_need_a_collection_that_lasts() {
    for (collection, expected) in [
        ("/", Error::NoCollection),
        ("/collection/session", Error::Volatile),
    ] {
        let fake = Fake::start();
        fake.service().collection = collection;
        assert_eq!(fake.connect(Access::Write).err(), Some(expected));
        let store = fake.connect(Access::Read).unwrap();
        assert!(matches!(
            entry(&store).get_secret(),
            Err(EntryError::NoEntry)
        ));
    }
    let fake = Fake::start();
    fake.service().collection = "/";
    let store = fake.connect(Access::Read).unwrap();
    assert_eq!(
        failure(entry(&store).set_secret(b"secret")),
        Error::NoCollection
    );
}

#[test]
fn a_key_that_anybody_can_guess_is_refused() {
    let fake = Fake::start();
    fake.service().bad_key = Some([vec![0; 127], vec![1]].concat());
    assert_eq!(fake.connect(Access::Read).err(), Some(Error::UnsafeKey));
    let sessions = fake
        .service()
        .asked
        .iter()
        .filter(|it| it.starts_with("OpenSession"))
        .count();
    assert_eq!(sessions, 4);
}

#[test]
fn a_service_that_does_not_answer_is_given_up() {
    let fake = Fake::start();
    fake.service().silent = true;
    let started = Instant::now();
    let options = Options {
        timeout: SHORT,
        ..Options::default()
    };
    assert_eq!(fake.connect_with(options).err(), Some(Error::TimedOut));
    assert!(started.elapsed() >= SHORT);
}

#[test]
fn errors_are_classified_by_their_names() {
    let reported = |name: &str| Error::Reported(name.to_owned());
    for (name, expected) in [
        ("org.freedesktop.DBus.Error.NoReply", Error::TimedOut),
        ("org.freedesktop.DBus.Error.Timeout", Error::TimedOut),
        ("org.freedesktop.Secret.Error.IsLocked", Error::Locked),
        ("org.freedesktop.DBus.Error.AccessDenied", Error::Denied),
        ("com.example.Other", reported("com.example.Other")),
    ] {
        assert_eq!(Error::of_name(name), expected);
    }
    assert_eq!(
        reported("com.example.Other").to_string(),
        "the Secret Service reported com.example.Other"
    );
    assert!(reported("org.freedesktop.DBus.Error.UnknownObject").is_no_such_object());
    assert!(!reported("com.example.Other").is_no_such_object());
}
