//! An engine that several machines share through a store helper: `tests/stores/directory`.

use std::fs;
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::Value;
use tempfile::TempDir;

use super::fake::Fake;
use super::program::Program;

/// The helper of the tests.
pub const HELPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/directory");

/// The engine: a directory.
pub struct Engine {
    directory: TempDir,
}

impl Engine {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Returns an engine that has a login to a fake.
    pub fn with_login(fake: &Fake) -> Self {
        let engine = Self::new();
        engine.log_in(fake);
        engine
    }

    /// Logs in on a machine of its own.
    pub fn log_in(&self, fake: &Fake) {
        let machine = tempfile::tempdir().expect("a directory");
        Program::new()
            .at_home(machine.path())
            .args(["--json", "--no-browser", "--force", "--store"])
            .arg(self.store(""))
            .arg(fake.mcp())
            .agree()
            .expect(0);
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the value of `--store`; `fault` is what goes wrong, as the helper takes it.
    pub fn store(&self, fault: &str) -> String {
        format!("exec:{HELPER} {} {fault}", self.path().display())
            .trim_end()
            .to_owned()
    }

    /// Prepares a command on the machine whose home this is.
    pub fn on(&self, machine: &Path, command: &str, fake: &Fake) -> Program {
        Program::new()
            .at_home(machine)
            .args([command, "--store", &self.store(""), &fake.mcp()])
    }

    /// Makes every call of the helper fail, or work again.
    pub fn set_down(&self, is_down: bool) {
        let file = self.path().join("down");
        match is_down {
            true => fs::write(file, "").expect("writing"),
            false => fs::remove_file(file).expect("removing"),
        }
    }

    /// Returns how often the helper was asked to do this.
    pub fn count(&self, verb: &str) -> usize {
        let log = fs::read_to_string(self.path().join("log")).unwrap_or_default();
        log.lines().filter(|line| *line == verb).count()
    }

    fn values(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path()).expect("a directory");
        let paths = files.map(|file| file.expect("a file").path());
        paths
            .filter(|path| path.extension().is_some_and(|it| it == "value"))
            .collect()
    }

    fn read(path: &Path) -> Value {
        let file = fs::read_to_string(path).expect("a value");
        let (_, value) = file.split_once('\n').expect("a revision before it");
        let value = STANDARD.decode(value).expect("base64");
        serde_json::from_slice(&value).expect("JSON")
    }

    /// Returns what the engine has, which is one value; null if there is none.
    pub fn value(&self) -> Value {
        let values = self.values();
        assert!(values.len() < 2, "{values:?}");
        values.first().map_or(Value::Null, |path| Self::read(path))
    }

    /// Returns the login that the engine has.
    pub fn login(&self) -> Value {
        self.value()["login"].clone()
    }

    /// Changes what the engine has, as another machine does.
    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let path = self.values().pop().expect("a value");
        let mut value = Self::read(&path);
        change(&mut value);
        self.put(&path, &value.to_string());
    }

    /// Adds copies of the login, each of a server of its own.
    pub fn multiply(&self, copies: usize) {
        let first = Self::read(&self.values().pop().expect("a value"));
        for number in 1..=copies {
            let mut value = first.clone();
            let server = first["login"]["server"].as_str().expect("a server");
            value["login"]["server"] = format!("{server}/{number}").into();
            let path = self.path().join(format!("copy-{number}.value"));
            self.put(&path, &value.to_string());
        }
    }

    /// Replaces the bytes of the value.
    pub fn put_text(&self, text: &str) {
        self.put(&self.values().pop().expect("a value"), text);
    }

    fn put(&self, path: &Path, text: &str) {
        let counter = self.path().join("counter");
        let count: u64 = fs::read_to_string(&counter)
            .expect("a number")
            .trim()
            .parse()
            .expect("a number");
        let next = (count + 1).to_string();
        let file = format!("{next}\n{}", STANDARD.encode(text));
        // A helper that reads meanwhile sees the old or the new value whole.
        let new = self.path().join("new");
        for (path, text) in [(path, file), (&counter, next)] {
            fs::write(&new, text).expect("writing");
            fs::rename(&new, path).expect("renaming");
        }
    }

    /// Lets the access token expire.
    pub fn expire(&self) {
        self.change(|value| {
            value["login"]["obtained_at"] = "2020-01-01T00:00:00Z".into();
            value["login"]["expires_at"] = "2020-01-01T01:00:00Z".into();
        });
    }
}

/// Returns the home of a machine that knows nothing yet.
pub fn machine() -> TempDir {
    tempfile::tempdir().expect("a directory")
}
