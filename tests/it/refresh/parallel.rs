//! Many processes at once: one refresh per expiry, and no login is lost whatever runs beside it.

use std::thread;

use crate::support::program::{until_done, Finished, Program};
use crate::support::rotating::{login, Home, Rotating};
use crate::support::{sample, tries_all};

/// How often the access token expires; each time as many processes as the next of [`PROCESSES`] ask for it.
const EXPIRIES: usize = 20;

/// How often all commands run at once.
const ROUNDS: usize = 20;

/// How many processes ask at once.
const PROCESSES: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// Runs a command so many times at once.
fn at_once(home: &Home, servers: &Rotating, words: &[&str], count: usize) -> Vec<Finished> {
    let command = || {
        let command = home.command(words[0], &words[1..]);
        command.arg(servers.fake.mcp())
    };
    let running: Vec<_> = (0..count).map(|_| command().start()).collect();
    running
        .into_iter()
        .map(|running| running.finish_or(command).expect(0))
        .collect()
}

#[apply(test)]
fn c1_b9_any_number_of_processes_refresh_once() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let other = home.logins()["https://other.example/mcp"].clone();
    let expiries = if tries_all() {
        EXPIRIES
    } else {
        PROCESSES.len()
    };
    for (expiry, count) in (1..=expiries).zip(PROCESSES.into_iter().rev().cycle()) {
        home.expire();
        let finished = at_once(&home, &servers, &["token"], count);
        let kept = home.kept(&servers.fake);
        for finished in &finished {
            assert_eq!(
                kept["access_token"],
                finished.stdout.as_str(),
                "expiry {expiry}, {count} processes"
            );
            assert!(finished.stderr.is_empty(), "{}", finished.stderr);
        }
        assert_eq!(servers.refreshes(), expiry, "{count} processes");
        assert!(
            servers.is_good(kept["refresh_token"].as_str().expect("a token")),
            "the family lives"
        );
    }
    assert!(!servers.was_reused());
    let mut left = home.logins()["https://other.example/mcp"].clone();
    for name in ["obtained_at", "expires_at"] {
        left[name] = other[name].clone();
    }
    assert_eq!(left, other, "the other login is as it was");
}

#[apply(test)]
fn c1_forced_refreshes_at_once_are_one() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let finished = at_once(&home, &servers, &["headers", "--refresh"], 8);
    // Who looks only after the first has stored asks for another; nobody spends the same token twice.
    assert!((1..=8).contains(&servers.refreshes()) && !servers.was_reused());
    let kept = home.kept(&servers.fake);
    let expected = format!(
        "{{\"Authorization\":\"Bearer {}\"}}",
        kept["access_token"].as_str().expect("a token")
    );
    assert!(finished.iter().any(|finished| finished.stdout == expected));
    assert!(servers.is_good(kept["refresh_token"].as_str().expect("a token")));
}

#[apply(test)]
fn c5_many_logins_are_refreshed_at_once_without_loss() {
    let servers: Vec<_> = (0..12).map(|_| Rotating::start()).collect();
    let home = Home::new();
    let of = |servers: &Rotating| {
        login(
            &servers.fake,
            serde_json::json!({"refresh_token": servers.family()}),
        )
    };
    home.put(&servers.iter().map(of).collect::<Vec<_>>());
    let running: Vec<_> = servers
        .iter()
        .flat_map(|servers| [0, 1].map(|_| (servers, home.at("token", &servers.fake).start())))
        .collect();
    for (servers, running) in running {
        let finished = running.finish_or(|| home.at("token", &servers.fake));
        finished.expect(0);
    }
    for servers in &servers {
        assert_eq!(servers.refreshes(), 1);
        assert!(servers.is_good(
            home.kept(&servers.fake)["refresh_token"]
                .as_str()
                .expect("a token")
        ));
    }
}

#[apply(test)]
fn c1_login_refresh_logout_status_and_token_at_once() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let other = home.logins()["https://other.example/mcp"].clone();
    let url = servers.fake.mcp();
    for round in sample(0..ROUNDS, 4) {
        let logins: Vec<_> = (0..2)
            .map(|_| {
                let login = Program::login(&servers.fake)
                    .arg("--force")
                    .at_home(home.path());
                thread::spawn(move || login.agree())
            })
            .collect();
        let mut running = Vec::new();
        for words in [
            &["token", "--refresh"][..],
            &["logout"],
            &["status", "--json"],
            &["token"],
            &["headers"],
            &["token", "--refresh"],
        ] {
            for _ in 0..2 {
                running.push((words, home.command(words[0], &words[1..]).arg(&url).start()));
            }
        }
        for login in logins {
            login.join().expect("a login").expect(0);
        }
        for (words, running) in running {
            let finished = running.finish();
            if finished.has_given_up() {
                continue;
            }
            let code = finished.code.unwrap_or(-1);
            let documented: &[i32] = if words[0] == "logout" { &[0] } else { &[0, 3] };
            assert!(
                documented.contains(&code),
                "round {round}, {words:?}: {code} {}",
                finished.stderr
            );
            let has_product = !finished.stdout.is_empty();
            assert!(
                has_product == (code == 0) || !["token", "headers"].contains(&words[0]),
                "{words:?}: {}",
                finished.stdout
            );
        }
        assert_eq!(
            home.logins()["https://other.example/mcp"],
            other,
            "the other login is as it was"
        );
        assert!(!servers.was_reused(), "round {round}");
        assert!(home.files_with(".tmp").is_empty() && home.files_with("rescued").is_empty());
    }
    Program::login(&servers.fake)
        .arg("--force")
        .at_home(home.path())
        .agree()
        .expect(0);
    until_done(|| home.command("token", &["--refresh", &url])).expect(0);
}

/// The lock lies beside a file that is named with its path: whoever uses the file, from whatever home, shares it.
#[apply(test)]
fn c1_one_file_from_several_homes_is_refreshed_once() {
    let servers = Rotating::start();
    let home = Home::expired(&servers);
    let store = format!("file:{}", home.credentials().display());
    let homes: Vec<_> = (0..6).map(|_| Home::new()).collect();
    let token = |home: &Home| {
        let words = ["token", "--store", &store, &servers.fake.mcp()];
        Program::new().at_home(home.path()).args(words)
    };
    let running: Vec<_> = homes.iter().map(|home| token(home).start()).collect();
    let tokens: Vec<_> = running
        .into_iter()
        .zip(&homes)
        .map(|(running, home)| running.finish_or(|| token(home)).expect(0).stdout)
        .collect();
    assert!(
        tokens
            .iter()
            .all(|token| home.kept(&servers.fake)["access_token"] == token.as_str()),
        "{tokens:?}"
    );
    assert_eq!((servers.refreshes(), servers.was_reused()), (1, false));
}
