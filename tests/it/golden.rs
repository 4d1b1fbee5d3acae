//! Files as the first versions of this program wrote them. They are read for ever, and no member of a record is lost.
//!
//! `tests/golden/` holds what commit fcc168b wrote: a login with a registered client, one with a client of the user's, and
//! one that was handed over. Tokens, times and paths were replaced.

use std::fs;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply};
use crate::support::rotating::Home;

/// The servers, the credentials file and the expiry that the files name.
const ORIGIN: &str = "http://127.0.0.1:4711";
const PATH: &str = "/home/ann/.local/share/mcp-login/credentials.json";
const EXPIRY: &str = "2024-01-01T01:00:00Z";

/// Returns a home with the files, whose servers are this fake.
fn home(fake: &Fake, expiry: &str) -> Home {
    let home = Home::new();
    fs::create_dir_all(home.data()).expect("a directory");
    for name in ["credentials.json", "index.json"] {
        let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path)
            .expect("the file")
            .replace(ORIGIN, &fake.origin())
            .replace(PATH, &home.credentials().display().to_string())
            .replace(EXPIRY, expiry);
        fs::write(home.data().join(name), text).expect("writing");
    }
    home
}

fn refreshing() -> Fake {
    Fake::with(|seen, _| {
        let answer = |number: &str| {
            let tokens = json!({"access_token": format!("new-access-{number}"), "token_type": "Bearer",
                "expires_in": 3600, "refresh_token": format!("new-refresh-{number}")});
            Some(Reply::json(200, &tokens))
        };
        let basic =
            seen.header("authorization") == Some("Basic Z29sZGVuLXN0YXRpYzpnb2xkZW4tc2VjcmV0");
        match (
            seen.path.as_str(),
            seen.parameter("refresh_token").as_deref(),
        ) {
            ("/token", Some("golden-refresh-1"))
                if seen.parameter("client_id").as_deref() == Some("golden-client") =>
            {
                answer("1")
            }
            ("/token", Some("golden-refresh-2")) if basic => answer("2"),
            ("/token", _) => Some(Reply::json(400, &json!({"error": "invalid_grant"}))),
            _ => None,
        }
    })
}

#[apply(test)]
fn d11_a_record_of_the_first_format_is_shown_and_used() {
    let fake = refreshing();
    let home = home(&fake, "2999-01-01T00:00:00Z");
    let status = home.command("status", &["--json"]).run().expect(0);
    let states: Vec<_> = status.events[0]["logins"]
        .as_array()
        .expect("logins")
        .iter()
        .map(|login| {
            let member = |name: &str| login[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                (member("store"), member("path")),
                ("file".into(), home.credentials().display().to_string())
            );
            [member("client_id"), member("profile"), member("state")].join(" ")
        })
        .collect();
    assert_eq!(
        states,
        [
            "golden-client default handed_over",
            "golden-client default live",
            "golden-static work live"
        ]
    );
    assert_eq!(home.token(&fake).expect(0).stdout, "golden-access-1");
    let work = home.command("token", &["--profile", "work", &fake.mcp()]);
    assert_eq!(work.run().expect(0).stdout, "golden-access-2");
    let given = home.command("token", &[&format!("{}/given", fake.origin())]);
    assert!(given.run().expect(3).stderr.contains("hermes"));
    assert!(
        fake.seen().iter().all(|seen| seen.path != "/token"),
        "nothing is due"
    );
}

#[apply(test)]
fn d11_a_record_of_the_first_format_is_refreshed_and_keeps_its_members() {
    let fake = refreshing();
    let home = home(&fake, EXPIRY);
    let before = home.logins();
    assert_eq!(home.token(&fake).expect(0).stdout, "new-access-1");
    let work = home.command("token", &["--profile", "work", &fake.mcp()]);
    assert_eq!(work.run().expect(0).stdout, "new-access-2");

    let after = home.logins();
    assert_eq!(before.len(), after.len());
    for (name, old) in &before {
        let new = &after[name];
        if name.ends_with("/given") {
            assert_eq!(new, old, "another login stays as it is");
            continue;
        }
        let changed = [
            "access_token",
            "refresh_token",
            "obtained_at",
            "expires_at",
            "generation",
        ];
        for (member, value) in old.as_object().expect("a record") {
            assert_eq!(
                &new[member] == value,
                !changed.contains(&member.as_str()),
                "{name}: {member}"
            );
        }
        let added: Vec<_> = new
            .as_object()
            .expect("a record")
            .keys()
            .filter(|member| old.get(member.as_str()).is_none())
            .collect();
        assert_eq!(added, ["grant"]);
        assert_eq!(new["grant"], "authorization_code");
    }
}

/// What a newer version writes: words and members that this one does not know.
#[apply(test)]
fn d10_a_record_of_a_newer_version_keeps_its_members() {
    let fake = refreshing();
    let home = home(&fake, EXPIRY);
    let mut login = home.kept(&fake);
    for (member, word) in [
        ("grant", "urn:example:later"),
        ("registration", "later"),
        ("client_auth", "later"),
        ("later", "a member"),
    ] {
        login[member] = Value::from(word);
    }
    home.put(&[login.clone()]);
    assert_eq!(home.token(&fake).expect(0).stdout, "new-access-1");
    let after = home.kept(&fake);
    for member in ["grant", "registration", "client_auth", "later"] {
        assert_eq!(after[member], login[member], "{member}");
    }
}
