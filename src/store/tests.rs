//! The choice of a store, with stores that fail in every way.

use crate::failure::{About, Code, Failure as _, Hint};
use std::collections::BTreeMap;
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{symlink, PermissionsExt};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Returns the hint of a failure, which is a sentence.
pub(crate) fn hint(err: &StoreError) -> String {
    match err.hint(&About::default()) {
        Some(Hint::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

use super::file::FileBackend;
use super::index::Index;
use super::keyring::KeyringFault;
pub(crate) use super::save::rescue;
use super::*;
use crate::oauth::client::{ClientAuth, RegistrationKind};
use crate::oauth::secret::Secret;
use crate::oauth::token::TokenType;
use crate::os::clock::Time;
#[cfg(unix)]
use crate::os::places;
use serde_json::{Map, Value};

pub(crate) const SERVER: &str = "https://mcp.example/mcp";

pub(crate) fn sample(server: &str, generation: u64) -> Credentials {
    Credentials {
        server: server.to_owned(),
        profile: "default".to_owned(),
        generation,
        issuer: "https://as.example".to_owned(),
        resource: Some("https://mcp.example/mcp".to_owned()),
        grant: GrantType::AuthorizationCode.into(),
        registration: RegistrationKind::Dynamic.into(),
        client_id: "client".to_owned(),
        client_secret: None,
        client_secret_expires_at: None,
        client_key: None,
        token_type: TokenType::Bearer.into(),
        dpop_key: None,
        client_auth: ClientAuth::None.into(),
        redirect_uri: "http://127.0.0.1:4711/callback".to_owned(),
        token_endpoint: "https://as.example/token".to_owned(),
        revocation_endpoint: None,
        scopes_requested: vec!["mcp".to_owned()],
        scopes: vec!["mcp".to_owned()],
        account: None,
        access_token: Secret::new(format!("access canary {generation}")),
        refresh_token: Some(Secret::new("refresh canary")),
        obtained_at: Time::at(1_893_553_445),
        expires_at: Some(Time::at(1_893_557_045)),
        provider: None,
        needs_login: false,
        handed_over: None,
        id_token: None,
        unattended: Default::default(),
        options: LoginOptions::default(),
        rest: Map::from_iter([("later".to_owned(), Value::from(vec![1]))]),
    }
}

/// Returns credentials for a login, for the tests of others.
pub fn credentials(key: &StoredId) -> Credentials {
    Credentials {
        profile: key.profile.clone(),
        ..sample(&key.server, 1)
    }
}

/// Returns a store of these backends that has no index.
pub(crate) fn store_of(backends: &[Arc<Memory>], data_dir: &Path) -> Store {
    let boxed = |backend: &Arc<Memory>| Box::new(Arc::clone(backend)) as Box<dyn Backend>;
    Store::of(backends.iter().map(boxed).collect(), data_dir, None)
}

/// A backend in memory whose faults can be switched on.
pub(crate) struct Memory {
    name: &'static str,
    lock_dir: PathBuf,
    logins: Mutex<BTreeMap<String, Credentials>>,
    /// Answers nothing at all.
    down: AtomicBool,
    /// Is not there.
    absent: AtomicBool,
    /// Takes nothing more.
    full: AtomicBool,
    /// Cuts off the access token and says nothing.
    cuts: AtomicBool,
    pub(crate) reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Memory {
    fn new(name: &'static str) -> Arc<Self> {
        Self::with_locks(name, Path::new("/nowhere"))
    }

    /// Returns a backend whose locks are below `directory`.
    pub(crate) fn with_locks(name: &'static str, directory: &Path) -> Arc<Self> {
        let [down, absent, full, cuts] = Default::default();
        let [reads, writes] = Default::default();
        Arc::new(Self {
            name,
            lock_dir: directory.join(name),
            logins: Mutex::default(),
            down,
            absent,
            full,
            cuts,
            reads,
            writes,
        })
    }

    fn generation(&self) -> Option<u64> {
        self.logins
            .lock()
            .unwrap()
            .get(SERVER)
            .map(|found| found.generation)
    }

    pub(crate) fn set(&self, generation: Option<u64>) {
        let logins = generation.map(|generation| (SERVER.to_owned(), sample(SERVER, generation)));
        *self.logins.lock().unwrap() = logins.into_iter().collect();
    }

    fn check(&self) -> Result<(), StoreError> {
        match (
            self.down.load(Ordering::Relaxed),
            self.absent.load(Ordering::Relaxed),
        ) {
            (true, _) => Err(KeyringFault::Locked.into()),
            (_, true) => Err(KeyringFault::Absent.into()),
            (false, false) => Ok(()),
        }
    }
}

impl Backend for Arc<Memory> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.check()?;
        Ok(self.logins.lock().unwrap().get(&id.store_name()).cloned())
    }

    fn write(&self, credentials: &Credentials, replaces: Option<u64>) -> Result<bool, StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.check()?;
        if self.full.load(Ordering::Relaxed) {
            return Err(KeyringFault::Other("it takes no more than 2560 bytes".to_owned()).into());
        }
        let (name, mut credentials) = (credentials.key().store_name(), credentials.clone());
        if self.cuts.load(Ordering::Relaxed) {
            credentials.access_token = Secret::new("access");
        }
        let mut logins = self.logins.lock().unwrap();
        let found = logins.get(&name).map(|found| found.generation);
        if replaces.is_some() && replaces != found {
            return Ok(false);
        }
        logins.insert(name, credentials);
        Ok(true)
    }

    fn delete(&self, id: &StoredId) -> Result<bool, StoreError> {
        self.check()?;
        Ok(self
            .logins
            .lock()
            .unwrap()
            .remove(&id.store_name())
            .is_some())
    }

    fn prove(&self) -> Result<(), StoreError> {
        self.check()
    }

    fn lock_dir(&self) -> PathBuf {
        self.lock_dir.clone()
    }
}

/// Which of the backends of a [`Rig`] are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Auto,
    Keyring,
    File,
}

struct Rig {
    home: tempfile::TempDir,
    keyring: Arc<Memory>,
    file: Arc<Memory>,
}

impl Rig {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            keyring: Memory::new("keyring"),
            file: Memory::new("file"),
        }
    }

    fn store(&self, chosen: Chosen) -> Store {
        let backends = match chosen {
            Chosen::Auto => vec![&self.keyring, &self.file],
            Chosen::Keyring => vec![&self.keyring],
            Chosen::File => vec![&self.file],
        };
        let boxed = |it: &Arc<Memory>| Box::new(Arc::clone(it)) as Box<dyn Backend>;
        let backends = backends.into_iter().map(boxed).collect();
        Store::of(backends, self.home.path(), Some(self.index()))
    }

    fn index(&self) -> Index {
        Index::new(self.home.path(), Duration::from_secs(10))
    }

    fn generations(&self) -> (Option<u64>, Option<u64>) {
        (self.keyring.generation(), self.file.generation())
    }
}

fn place(name: &str) -> Place {
    Place {
        name: name.to_owned(),
        path: None,
    }
}

fn file_at(path: &Path) -> Place {
    Place {
        path: Some(path.to_owned()),
        ..place("file")
    }
}

fn key() -> StoredId {
    sample(SERVER, 1).key()
}

pub(crate) fn file_store(path: &Path) -> FileBackend {
    FileBackend::new(path, Duration::from_secs(10))
}

#[test]
fn choices_and_places_are_read() {
    for (text, choice) in [
        ("auto", StoreChoice::default()),
        ("keyring", StoreChoice::only("keyring", None)),
        ("file", StoreChoice::only("file", None)),
        ("file:/a b", FileBackend::choice(Path::new("/a b"))),
    ] {
        assert_eq!(text.parse(), Ok(choice.clone()), "{text}");
        let option = choice.option().unwrap_or("auto".to_owned());
        // A path that begins with a slash is on some drive of Windows.
        assert_eq!(option.replace(r"Z:\", "/").replace(r"C:\", "/"), text);
    }
    for text in [
        "",
        "file:",
        "files",
        "Auto",
        "/path",
        "auto:",
        "keyring:",
        "keyring:x",
    ] {
        assert!(text.parse::<StoreChoice>().is_err(), "{text}");
    }
    let json = serde_json::to_string(&IndexEntry::of(
        &sample(SERVER, 7),
        file_at(Path::new("/a")),
    ))
    .unwrap();
    assert!(
        json.contains("\"store\":\"file\",\"path\":\"/a\"") && !json.contains("canary"),
        "{json}"
    );
}

#[cfg(unix)]
#[test]
fn d5_the_data_directory() {
    for (xdg, home, expected) in [
        (
            None,
            Some("/home/me"),
            Some("/home/me/.local/share/mcp-login"),
        ),
        (Some("/data"), None, Some("/data/mcp-login")),
        (
            Some("data"),
            Some("/home/me"),
            Some("/home/me/.local/share/mcp-login"),
        ),
        (Some(""), None, None),
        (None, Some(""), None),
        (None, Some("home"), None),
        (None, None, None),
    ] {
        if cfg!(target_os = "macos") {
            continue;
        }
        let found = places::data_dir(xdg.map(Into::into), home.map(Into::into));
        assert_eq!(found, expected.map(PathBuf::from), "{xdg:?} {home:?}");
    }
    assert_eq!(
        data_dir(Some("/x".into()), &StoreChoice::default()).unwrap(),
        Path::new("/x")
    );
    assert_eq!(StoreError::NoHome.code(), Code::StoreUnusable);
    assert!(hint(&StoreError::NoHome).contains("--data-dir"));
}

#[cfg(unix)]
#[test]
fn d5_a_store_that_cannot_be_written_is_found_before_the_login() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "no logins").unwrap();
    symlink("/dev/full", home.path().join("full")).unwrap();
    for path in ["file/credentials.json", "full", "file"] {
        let choice = FileBackend::choice(&home.path().join(path));
        let err = Store::open(&choice, home.path(), Interaction::None)
            .err()
            .unwrap();
        assert!(
            err.to_string().starts_with("cannot ") && !hint(&err).is_empty(),
            "{err}"
        );
    }
    let choice = FileBackend::choice(&home.path().join("new/credentials.json"));
    let store = Store::open(&choice, home.path(), Interaction::None).unwrap();
    assert_eq!(store.load(&key()).unwrap(), None);
    assert_eq!(store.list().unwrap(), []);
    assert_eq!(store.notice, None);
    assert!(!home.path().join("new/credentials.json").exists());
}

#[cfg(unix)]
#[test]
fn a_file_store_keeps_what_it_is_given() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    let store = Store::open(
        &FileBackend::choice(&path),
        Path::new("/nowhere"),
        Interaction::None,
    )
    .unwrap();
    let mut credentials = sample(SERVER, 0);
    let mut other = Credentials {
        profile: "work".to_owned(),
        ..sample(SERVER, 0)
    };
    for expected in 1..4 {
        let saved = store.save(&mut credentials).unwrap();
        assert_eq!((saved.place, saved.notice), (file_at(&path), None));
        assert_eq!(credentials.generation, expected);
    }
    store.save(&mut other).unwrap();
    assert_eq!(store.load(&key()).unwrap().unwrap(), credentials);
    assert_eq!(store.load(&other.key()).unwrap().unwrap(), other);
    let listed: Vec<_> = store
        .list()
        .unwrap()
        .into_iter()
        .map(|entry| (entry.profile, entry.generation))
        .collect();
    assert_eq!(listed, [("default".to_owned(), 3), ("work".to_owned(), 1)]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(store.delete(&key()).unwrap());
    assert!(!store.delete(&key()).unwrap());
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn d9_an_unreadable_file_is_not_an_empty_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("credentials.json");
    for text in [
        "",
        "{\"version\":1,\"logins\":{\"https://mcp.example/mcp\":{\"access_token\":\"canary\"}}}",
    ] {
        fs::write(&path, text).unwrap();
        let err = file_store(&path).read(&key()).unwrap_err();
        assert_eq!(err.code(), Code::StoreCorrupt);
        assert!(
            !format!("{err:?} {err} {}", hint(&err)).contains("canary"),
            "{err:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn k1_auto_uses_a_working_keyring_and_warns_otherwise() {
    let rig = Rig::new();
    let store = rig.store(Chosen::Auto).prove().unwrap();
    assert_eq!(store.notice, None);
    assert_eq!(
        store.save(&mut sample(SERVER, 0)).unwrap().place,
        place("keyring")
    );
    assert_eq!(store.list().unwrap()[0].place, place("keyring"));

    rig.keyring.down.store(true, Ordering::Relaxed);
    assert_eq!(
        rig.store(Chosen::Keyring).prove().err().unwrap().code(),
        Code::KeyringLocked
    );
    assert!(
        rig.store(Chosen::Auto).load(&key()).is_err(),
        "the index knows that the login is in the keyring"
    );
    let store = rig.store(Chosen::Auto).prove().unwrap();
    let expected = format!(
        "cannot use the keyring: it is locked; logins are stored in {}",
        rig.file.place()
    );
    assert_eq!(store.notice.as_deref(), Some(expected.as_str()));
    assert_eq!(store.load(&key()).unwrap(), None);
    assert_eq!(
        store.save(&mut sample(SERVER, 0)).unwrap().place,
        place("file")
    );
    assert_eq!(rig.generations(), (Some(1), Some(2)));

    rig.keyring.down.store(false, Ordering::Relaxed);
    assert_eq!(
        rig.store(Chosen::Auto)
            .load(&key())
            .unwrap()
            .unwrap()
            .generation,
        2
    );
}

#[test]
fn k7_u27_what_comes_back_cut_is_not_stored() {
    let rig = Rig::new();
    rig.keyring.cuts.store(true, Ordering::Relaxed);
    let saved = rig
        .store(Chosen::Auto)
        .save(&mut sample(SERVER, 0))
        .unwrap();
    assert_eq!(rig.keyring.writes.load(Ordering::Relaxed), 2, "one retry");
    assert_eq!(saved.place, place("file"));
    assert!(saved
        .notice
        .unwrap()
        .contains("reading it back gave something else"));
    assert_eq!(
        rig.generations(),
        (None, Some(1)),
        "the cut copy is removed"
    );
}

#[test]
fn k6_what_the_keyring_does_not_take_goes_to_the_file() {
    let rig = Rig::new();
    rig.keyring.full.store(true, Ordering::Relaxed);
    let store = rig.store(Chosen::Auto).prove().unwrap();
    let saved = store.save(&mut sample(SERVER, 0)).unwrap();
    assert_eq!(saved.place, place("file"));
    assert!(saved.notice.unwrap().contains("2560 bytes"));
    assert_eq!(store.load(&key()).unwrap().unwrap().generation, 1);
}

#[test]
fn k8_of_two_copies_the_newer_is_used() {
    let generations = [None, Some(1), Some(2), Some(3)];
    for keyring in generations {
        for file in generations {
            for indexed in [
                None,
                Some((place("keyring"), keyring)),
                Some((place("file"), file)),
            ] {
                let rig = Rig::new();
                rig.keyring.set(keyring);
                rig.file.set(file);
                let mut expected = keyring.max(file);
                if let Some((place, Some(generation))) = indexed.clone() {
                    rig.index()
                        .put(&IndexEntry::of(&sample(SERVER, generation), place))
                        .unwrap();
                    expected = Some(generation);
                }
                let store = rig.store(Chosen::Auto);
                let found = store.load(&key()).unwrap().map(|found| found.generation);
                assert_eq!(found, expected, "{keyring:?} {file:?} {indexed:?}");

                let mut credentials = sample(SERVER, 0);
                store.save(&mut credentials).unwrap();
                assert_eq!(
                    Some(credentials.generation),
                    expected.map_or(Some(1), |expected| Some(expected + 1))
                );
                let copies = rig.generations();
                assert!(
                    copies.0.is_some() != copies.1.is_some(),
                    "one live copy: {copies:?}"
                );
                assert!(store.delete(&key()).unwrap());
                assert_eq!(
                    (rig.generations(), store.list().unwrap()),
                    ((None, None), vec![])
                );
            }
        }
    }
}

#[test]
fn k8_a_newer_copy_out_of_reach_is_not_replaced_by_an_old_one() {
    let rig = Rig::new();
    rig.file.set(Some(1));
    rig.keyring.down.store(true, Ordering::Relaxed);
    assert_eq!(
        rig.store(Chosen::Auto)
            .load(&key())
            .unwrap()
            .unwrap()
            .generation,
        1
    );
    rig.index()
        .put(&IndexEntry::of(&sample(SERVER, 2), place("keyring")))
        .unwrap();
    assert_eq!(
        rig.store(Chosen::Auto).load(&key()).unwrap_err().code(),
        Code::KeyringLocked
    );
    // Nor is it used if the user names its store, for its refresh token is spent; and it is no login there.
    let file = rig.store(Chosen::File);
    assert_eq!(
        (file.load(&key()).unwrap(), file.list().unwrap()),
        (None, vec![])
    );
    assert!(file.delete(&key()).unwrap(), "the old copy");
    assert!(rig.store(Chosen::Auto).delete(&key()).is_err());
    assert_eq!(
        rig.index().get(&key()).unwrap().place,
        place("keyring"),
        "the login itself stays"
    );
}

#[test]
fn d9_k1_without_a_keyring_the_file_decides() {
    let rig = Rig::new();
    rig.keyring.absent.store(true, Ordering::Relaxed);
    assert_eq!(rig.store(Chosen::Auto).load(&key()).unwrap(), None);
    assert!(!rig.store(Chosen::Auto).delete(&key()).unwrap());
    rig.file.down.store(true, Ordering::Relaxed);
    assert!(
        rig.store(Chosen::Auto).load(&key()).is_err(),
        "unreadable is not empty"
    );
    rig.file.down.store(false, Ordering::Relaxed);
    rig.file.set(Some(1));
    for (place, found) in [(place("file"), true), (place("keyring"), false)] {
        // The user put an older file back; or the login is in a keyring that is out of reach.
        rig.index()
            .put(&IndexEntry::of(&sample(SERVER, 2), place))
            .unwrap();
        assert_eq!(
            rig.store(Chosen::Auto)
                .load(&key())
                .is_ok_and(|login| login.is_some()),
            found
        );
    }
}

#[cfg(unix)]
#[test]
fn d4_credentials_that_no_store_takes_are_in_an_emergency_file() {
    for chosen in [Chosen::Auto, Chosen::Keyring, Chosen::File] {
        let rig = Rig::new();
        rig.keyring.full.store(true, Ordering::Relaxed);
        rig.file.full.store(true, Ordering::Relaxed);
        let mut credentials = sample(SERVER, 0);
        let err = rig.store(chosen).save(&mut credentials).unwrap_err();
        let writes = [&rig.keyring, &rig.file].map(|fake| fake.writes.load(Ordering::Relaxed));
        assert_eq!(
            writes,
            [
                2 * usize::from(chosen != Chosen::File),
                2 * usize::from(chosen != Chosen::Keyring)
            ]
        );
        let StoreError::NotStored {
            rescued: Some(path),
            ..
        } = &err
        else {
            panic!("{err:?}")
        };
        assert_eq!(path.parent(), Some(rig.home.path()));
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(hint(&err).contains(&format!("--store file:{}", path.display())));
        assert!(!format!("{err:?} {err}").contains("canary"));
        let rescued = Store::open_to_read(
            &FileBackend::choice(path),
            rig.home.path(),
            Interaction::None,
        );
        assert_eq!(rescued.load(&key()).unwrap(), Some(credentials));
    }
}

#[test]
fn d4_the_emergency_file_goes_where_there_is_room() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let directories = ["file", "file/below", "good"].map(|name| home.path().join(name));
    let path = rescue(&directories, &sample(SERVER, 1)).unwrap();
    assert_eq!(path.parent(), Some(directories[2].as_path()));
    assert_eq!(
        file_store(&path).read(&key()).unwrap(),
        Some(sample(SERVER, 1))
    );
    assert_eq!(rescue(&directories[..2], &sample(SERVER, 1)), None);
}

#[test]
fn a_corrupted_index_loses_only_the_list() {
    let rig = Rig::new();
    fs::write(rig.home.path().join("index.json"), "{").unwrap();
    let store = rig.store(Chosen::Auto);
    assert_eq!(
        store.save(&mut sample(SERVER, 0)).unwrap().place,
        place("keyring")
    );
    assert_eq!(store.load(&key()).unwrap().unwrap().generation, 1);
    assert_eq!(store.list().unwrap_err().code(), Code::StoreCorrupt);
    assert!(store.delete(&key()).unwrap());
}

/// What a new backend has to do is in its own file: the router needs nothing but its place in the list.
#[test]
fn a_backend_of_another_kind_is_used_like_the_others() {
    let home = tempfile::tempdir().unwrap();
    let (vault, file) = (Memory::new("vault"), Memory::new("file"));
    let store = |preferred: &[&Arc<Memory>]| {
        let boxed = |it: &&Arc<Memory>| Box::new(Arc::clone(it)) as Box<dyn Backend>;
        let backends = preferred.iter().map(boxed).collect();
        let index = Index::new(home.path(), Duration::from_secs(10));
        Store::of(backends, home.path(), Some(index))
    };
    let opened = store(&[&vault, &file]).prove().unwrap();
    let mut credentials = sample(SERVER, 0);
    assert_eq!(opened.save(&mut credentials).unwrap().place, place("vault"));
    assert_eq!(opened.load(&key()).unwrap(), Some(credentials));
    let listed = opened.list().unwrap();
    assert_eq!((listed.len(), &listed[0].place), (1, &place("vault")));
    let json = serde_json::to_value(&listed[0]).unwrap();
    assert_eq!(
        (&json["store"], json.get("path")),
        (&Value::from("vault"), None)
    );
    assert_eq!(
        opened
            .backend(&opened.find(&key()).unwrap().unwrap())
            .lock_dir(),
        Path::new("/nowhere/vault")
    );

    // Without it, the login is neither listed nor replaced by an older copy.
    file.set(Some(0));
    let without = store(&[&file]);
    assert_eq!(
        (without.load(&key()).unwrap(), without.list().unwrap()),
        (None, vec![])
    );

    vault.down.store(true, Ordering::Relaxed);
    let fallen_back = store(&[&vault, &file]).prove().unwrap();
    assert!(fallen_back
        .notice
        .as_deref()
        .unwrap()
        .ends_with("logins are stored in the file"));
    assert_eq!(
        fallen_back.save(&mut sample(SERVER, 0)).unwrap().place,
        place("file")
    );
    vault.down.store(false, Ordering::Relaxed);
    assert!(store(&[&vault, &file]).delete(&key()).unwrap());
    assert_eq!((vault.generation(), file.generation()), (None, None));
}

#[test]
fn a_login_is_replaced_only_if_it_is_unchanged() {
    let rig = Rig::new();
    let store = rig.store(Chosen::Auto);
    store.save(&mut sample(SERVER, 0)).unwrap();
    let found = store.find(&key()).unwrap().unwrap();
    let before = rig.keyring.reads.load(Ordering::Relaxed);
    assert!(store
        .replace(&found, &mut sample(SERVER, 0))
        .unwrap()
        .is_some());
    let reads = rig.keyring.reads.load(Ordering::Relaxed) - before;
    assert_eq!(reads, 1, "it is read back, and nothing else is read");
    assert_eq!(rig.generations(), (Some(2), None));
    // A new login came meanwhile, or a logout.
    assert!(store
        .replace(&found, &mut sample(SERVER, 0))
        .unwrap()
        .is_none());
    assert_eq!(rig.generations(), (Some(2), None));
    store.delete(&key()).unwrap();
    assert!(store
        .replace(&found, &mut sample(SERVER, 0))
        .unwrap()
        .is_none());
    assert_eq!(rig.generations(), (None, None));
    // It was moved while its own backend is out of reach.
    rig.keyring.down.store(true, Ordering::Relaxed);
    rig.file.set(Some(2));
    assert!(store
        .replace(&found, &mut sample(SERVER, 0))
        .unwrap()
        .is_none());
    rig.file.set(None);
    assert!(store
        .replace(&found, &mut sample(SERVER, 0))
        .unwrap()
        .is_some());
    assert_eq!(rig.file.generation(), Some(2));
}

#[test]
fn c5_c6_logins_at_once_are_all_stored() {
    let home = tempfile::tempdir().unwrap();
    let choice = StoreChoice::only("file", None);
    // Each waits for 5 s at most, in which Wine writes fewer files.
    let count = if cfg!(windows) { 16 } else { 64 };
    std::thread::scope(|scope| {
        for number in 0..count {
            let (choice, home) = (&choice, home.path());
            scope.spawn(move || {
                let store = Store::open_to_read(choice, home, Interaction::Allowed);
                store
                    .save(&mut sample(
                        &format!("https://{}.example/mcp", number / 2),
                        0,
                    ))
                    .unwrap();
            });
        }
    });
    let store = Store::open_to_read(&choice, home.path(), Interaction::Allowed);
    assert_eq!(store.list().unwrap().len(), count / 2);
}
