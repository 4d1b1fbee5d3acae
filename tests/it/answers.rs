//! Answers of servers that are off in any way: none of them makes a stored login unreadable, neither their own nor another.

use serde_json::Value;

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::rotating::{login_to, Home};

/// Requires that every login of a home can be listed and given, and returns the servers.
#[track_caller]
fn all_work(home: &Home, what: &str) -> Vec<String> {
    let status = home.command("status", &["--json"]).run();
    assert_eq!(
        status.code,
        Some(0),
        "{what}: {} {}",
        status.stdout,
        status.stderr
    );
    assert!(
        !status.stderr.contains("cannot read"),
        "{what}: {}",
        status.stderr
    );
    let listed: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let logins = listed["logins"].as_array().expect("logins");
    let servers: Vec<_> = logins
        .iter()
        .map(|it| it["server"].as_str().expect("a server").to_owned())
        .collect();
    for server in &servers {
        let token = home.command("token", &[server]).run();
        assert!(
            matches!(token.code, Some(0 | 3 | 5)),
            "{what}: {server}: {:?} {}",
            token.code,
            token.stderr
        );
    }
    servers
}

/// Logs in to a fake that answers some requests so, beside a good login, and requires that everything works afterwards.
#[track_caller]
fn survives(
    what: &str,
    deviation: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
) -> Option<i32> {
    let (good, hostile) = (Fake::start(), Fake::with(deviation));
    let home = Home::new();
    Program::login(&good).at_home(home.path()).agree().expect(0);
    let finished = Program::login(&hostile).at_home(home.path()).agree();
    assert!(
        !matches!(finished.code, Some(7 | 70 | 101) | None),
        "{what}: {:?} {}",
        finished.code,
        finished.stderr
    );
    let servers = all_work(&home, what);
    assert_eq!(
        servers.len(),
        1 + usize::from(finished.code == Some(0)),
        "{what}: {}",
        finished.stderr
    );
    // The next login, also to the same server, and every logout.
    assert!(
        !matches!(
            Program::login(&hostile)
                .arg("--force")
                .at_home(home.path())
                .agree()
                .code,
            Some(7 | 70)
        ),
        "{what}"
    );
    for server in all_work(&home, what) {
        let logout = home.command("logout", &[&server]).run();
        assert!(
            matches!(logout.code, Some(0 | 5)),
            "{what}: {server}: {:?} {}",
            logout.code,
            logout.stderr
        );
    }
    assert_eq!(all_work(&home, what), Vec::<String>::new(), "{what}");
    finished.code
}

#[apply(test)]
fn e9_registrations_with_absurd_times() {
    for value in [
        "1893553445000",
        "253402300800",
        "9223372036854775807",
        "18446744073709551615",
        "1e400",
        "-5",
        "\"x\"",
    ] {
        let body = format!(
            r#"{{"client_id":"odd","client_secret":"s","client_secret_expires_at":{value}}}"#
        );
        let registers = move |seen: &Seen, _: &Fake| {
            (seen.path == "/register").then(|| Reply::text(201, "application/json", body.clone()))
        };
        assert_eq!(survives(value, registers), Some(0), "{value}");
    }
}

#[apply(test)]
fn e9_malformed_token_responses() {
    let long = format!("\"refresh_token\":\"{}\"", "r".repeat(200_000));
    let deep = format!("\"future\":{}{}", "[".repeat(100), "]".repeat(100));
    for members in [
        "\"expires_in\":253402300799",
        "\"expires_in\":1e300",
        "\"expires_in\":-9223372036854775808",
        "\"refresh_token\":\"\\u0000\\u001b[2J\\n\\ud83d\\ude00\"",
        "\"scope\":\"a\\u0000b \\u202e\"",
        "\"future\":1,\"future\":2",
        &long,
        &deep,
    ] {
        let body =
            format!("{{\"access_token\":\"odd-access\",\"token_type\":\"Bearer\",{members}}}");
        let gives = move |seen: &Seen, _: &Fake| {
            (seen.path == "/token").then(|| Reply::text(200, "application/json", body.clone()))
        };
        assert_eq!(
            survives(&members[..members.len().min(60)], gives),
            Some(0),
            "{members:.60}"
        );
    }
}

/// A store of an earlier version, in which one record has a year of five digits, and another cannot be read at all.
#[apply(test)]
fn e9_corrupted_records_are_named_and_kept() {
    let fake = Fake::start();
    let home = Home::new();
    let live = |server: &str, members: Value| {
        let mut login = login_to(server, &fake, members);
        login["expires_at"] = "2126-01-01T00:00:00Z".into();
        login
    };
    let far = serde_json::json!({"client_secret_expires_at": "+61974-03-12T17:23:20Z"});
    home.put(&[
        live("https://far.example/mcp", far),
        live("https://fine.example/mcp", serde_json::json!({})),
    ]);
    assert_eq!(all_work(&home, "far").len(), 2);

    let broken = live(
        "https://broken.example/mcp",
        serde_json::json!({"obtained_at": "at noon"}),
    );
    let mut logins: Vec<_> = home.logins().into_iter().map(|(_, login)| login).collect();
    logins.push(broken.clone());
    home.put(&logins);
    let status = home.command("status", &["--json"]).run().expect(0);
    let said = status
        .stderr
        .lines()
        .find(|line| line.contains("https://broken.example/mcp"))
        .expect("it is named");
    assert!(
        said.contains("mcp-login --force https://broken.example/mcp"),
        "{said}"
    );
    let listed: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let states: Vec<_> = listed["logins"]
        .as_array()
        .expect("logins")
        .iter()
        .map(|it| it["state"].clone())
        .collect();
    assert_eq!(states, ["needs_login", "live", "live"]);
    home.command("token", &["https://far.example/mcp"])
        .run()
        .expect(0);
    let refused = home
        .command("token", &["https://broken.example/mcp"])
        .run()
        .expect(7);
    assert!(
        refused.stderr.contains("hint: ") && refused.stdout.is_empty(),
        "{}",
        refused.stderr
    );
    home.command("logout", &["https://fine.example/mcp"]).run();
    assert_eq!(
        home.logins()["https://broken.example/mcp"],
        broken,
        "it is kept as it is"
    );
    let doctor = Program::new()
        .at_home(home.path())
        .args(["doctor", "--json", "--store", "file"])
        .run();
    assert!(
        doctor.stdout.contains("https://broken.example/mcp"),
        "{}",
        doctor.stdout
    );
    home.command("logout", &["https://broken.example/mcp"])
        .run()
        .expect(0);
    assert_eq!(home.logins().len(), 1);
}

#[apply(test)]
fn e9_malformed_metadata() {
    let deep = format!("\"future\":{}{}", "[".repeat(120), "]".repeat(120));
    let long = format!("\"service_documentation\":\"{}\"", "x".repeat(300_000));
    for members in [
        "\"future\":1e400",
        "\"future\":0.1234567890123456789",
        "\"service_documentation\":\"\\u0000\\u001b[2J\\ud83d\\ude00\"",
        "\"future\":\"\\ud800\"",
        "\"future\":1,\"future\":2",
        "\"issuer\":\"https://twice.example\"",
        &deep,
        &long,
    ] {
        let first = members.to_owned();
        let says = move |seen: &Seen, fake: &Fake| {
            let body = fake
                .server_metadata()
                .to_string()
                .replacen('{', &format!("{{{first},"), 1);
            seen.path
                .contains("oauth-authorization-server")
                .then(|| Reply::text(200, "application/json", body))
        };
        survives(&members[..members.len().min(60)], says);
    }
}
