//! A live token from a keyring.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::login::browser;
use crate::runs::{ratio, Runs};
use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::KEYRING;

const TOKENS: usize = 50;

/// A live token out of gnome-keyring, if it is there.
pub fn token_in_a_keyring() {
    let (home, script) = (
        tempfile::tempdir().expect("a directory"),
        "tests/real/keyring",
    );
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    command
        .arg("unlocked")
        .arg(std::env::current_exe().expect("a path"))
        .arg(KEYRING);
    command
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_RUNTIME_DIR", home.path());
    let rows = command
        .stderr(Stdio::null())
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    match String::from_utf8_lossy(&rows).trim() {
        "" => println!("| `token`, live, keyring | no gnome-keyring here | | | |"),
        row => println!("{row}"),
    }
}

/// The same in this session, in turns with a token from the file.
pub fn token_in_this_keyring() {
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").expect("a session bus");
    let fake = Fake::start();
    let login = |store: &str| {
        Program::new()
            .args(["--store", store, "--timeout", "60s"])
            .env("DBUS_SESSION_BUS_ADDRESS", &bus)
            .env("BROWSER", browser())
            .arg(fake.mcp())
            .run()
            .expect(0)
    };
    let homes = ["keyring", "file"].map(|store| (store, login(store)));
    let mut runs = [Runs::new(), Runs::new()];
    for _ in 0..TOKENS {
        for ((store, home), runs) in homes.iter().zip(&mut runs) {
            let token = Program::new()
                .args(["token", "--store", store])
                .arg(fake.mcp())
                .at_home(home.home());
            let token = token.env("DBUS_SESSION_BUS_ADDRESS", &bus);
            runs.time(|| token.run().expect(0));
        }
    }
    let [keyring, file] = &runs;
    keyring.row("`token`, live, keyring");
    ratio("the same / from the file, in turns", keyring, file);
}
