//! The start of the program, and a live token.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::json;

use crate::runs::{ratio, Runs};
use crate::support::engine;
use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::rotating::{login_to, Home};

const STARTS: usize = 50;
const TOKENS: usize = 50;
const MANY_LOGINS: usize = 1_000;
const TOKENS_AT_ONCE: usize = 64;

/// Starts the program in turns with a program that does nothing.
pub fn start() {
    let (mut ours, mut nothing) = (Runs::new(), Runs::new());
    for _ in 0..STARTS {
        let program = Program::new().arg("--version");
        ours.time(|| program.run().expect(0));
        let program = Program::of("/bin/true");
        nothing.time(|| program.run().expect(0));
    }
    ours.row("start (`--version`)");
    ratio("start / `/bin/true`, in turns", &ours, &nothing);
}

/// Returns a home with this many logins to servers of a name, of which the one in the middle is to the fake.
pub fn home_with(count: usize, fake: &Fake) -> Home {
    let login = |number| {
        let server = if number == count / 2 {
            fake.mcp()
        } else {
            format!("https://mcp-{number}.example/mcp")
        };
        login_to(
            &server,
            fake,
            json!({"expires_at": "2999-01-01T00:00:00Z", "access_token": "x".repeat(900)}),
        )
    };
    let home = Home::new();
    home.put(&(0..count).map(login).collect::<Vec<_>>());
    let entry = |(account, login): (&String, &serde_json::Value)| {
        let mut entry = json!({"refreshable": true, "store": "file", "path": home.credentials()});
        for name in [
            "server",
            "profile",
            "issuer",
            "client_id",
            "scopes",
            "expires_at",
            "generation",
        ] {
            entry[name] = login[name].clone();
        }
        format!("\"{account}\": {entry}")
    };
    let lines: Vec<_> = home.logins().iter().map(entry).collect();
    let index = format!(
        "{{\"version\":1,\"logins\":{{\n{}\n}}}}\n",
        lines.join(",\n")
    );
    fs::write(home.data().join("index.json"), index).expect("an index");
    home
}

/// A live token from the file, with one login in it and with a thousand, in turns; and many processes at once.
pub fn live_token() {
    let fake = Fake::start();
    let homes = [1, MANY_LOGINS].map(|count| home_with(count, &fake));
    let (mut one, mut many, mut cat) = (Runs::new(), Runs::new(), Runs::new());
    for _ in 0..TOKENS {
        one.time(|| homes[0].at("token", &fake).run().expect(0));
        cat.time(|| print(&homes[0].credentials()));
        many.time(|| homes[1].at("token", &fake).run().expect(0));
    }
    one.row("`token`, live, file store");
    ratio("the same / `cat credentials.json`, in turns", &one, &cat);
    many.row(&format!("the same, {MANY_LOGINS} logins stored"));
    ratio(
        &format!("{MANY_LOGINS} logins / one, in turns"),
        &many,
        &one,
    );
    let mut runs = Runs::new();
    for _ in 0..5 {
        let tokens: Vec<_> = (0..TOKENS_AT_ONCE)
            .map(|_| homes[0].at("token", &fake))
            .collect();
        runs.time(|| {
            let running: Vec<_> = tokens.into_iter().map(Program::start).collect();
            running
                .into_iter()
                .for_each(|running| drop(running.finish().expect(0)));
        });
    }
    runs.row(&format!("{TOKENS_AT_ONCE} at once, all of them"));
}

/// A live token through a helper that does nothing but answer, in turns with the helper alone and with the file store.
pub fn helper_token() {
    let fake = Fake::start();
    let (home, engine) = (home_with(1, &fake), engine::Engine::with_login(&fake));
    let value = STANDARD.encode(engine.value().to_string());
    let answer = json!({"version": 1, "revision": "1", "value": value});
    let helper = engine.path().join("nothing");
    fs::write(&helper, format!("#!/bin/sh\necho '{answer}'\n")).expect("writing");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).expect("a mode");
    let store = format!("exec:{}", helper.display());
    let token = || {
        let words = ["token", "--store", &store, &fake.mcp()];
        Program::new().at_home(home.path()).args(words)
    };
    let (mut ours, mut alone) = (Runs::new(), Runs::new());
    for _ in 0..TOKENS {
        ours.time(|| token().run().expect(0));
        alone.time(|| {
            Program::of(&helper).arg("get").run().expect(0);
            home.at("token", &fake).run().expect(0)
        });
    }
    ours.row("`token`, live, a helper that does nothing");
    ratio(
        "the same / the helper's own process and the file store, in turns",
        &ours,
        &alone,
    );
}

fn print(file: &Path) {
    Program::of("/bin/cat").arg(file).run().expect(0);
}
