//! What is told of the logins there are.

use rustix::termios::{tcsetwinsize, Winsize};
use serde_json::{json, Value};

use crate::names::put_servers;
use crate::support::fake::Fake;
use crate::support::leaks::{assert_hides, assert_plain};
use crate::support::pty::Pty;
use crate::support::rotating::{login_to, Home};

const CANARIES: [(&str, &str); 3] = [
    ("access_token", "c4nary-access-Zq81xW"),
    ("refresh_token", "r3fresh-c4nary-Yp72vV"),
    ("client_secret", "s3cret-c4nary-Xo63uU"),
];

/// A home with a login in every state.
fn every_state(fake: &Fake) -> Home {
    let home = Home::new();
    let login = |server: &str, members: Value| {
        let mut login = login_to(server, fake, members);
        for (name, canary) in CANARIES {
            if !login[name].is_null() || name == "client_secret" {
                login[name] = canary.into();
            }
        }
        login
    };
    home.put(&[
        login(
            "https://live.example/mcp",
            json!({"expires_at": "2999-01-01T00:00:00Z", "scopes": ["read", "\u{1b}[31mred"]}),
        ),
        login(
            "https://lasting.example/mcp",
            json!({"expires_at": null, "refresh_token": null}),
        ),
        login("https://due.example/mcp", json!({})),
        login("https://marked.example/mcp", json!({"needs_login": true})),
        login(
            "https://over.example/mcp",
            json!({"refresh_token": null, "profile": "work"}),
        ),
    ]);
    home
}

const STATES: [(&str, &str, &str); 5] = [
    ("https://due.example/mcp", "default", "refresh_due"),
    ("https://lasting.example/mcp", "default", "live"),
    ("https://live.example/mcp", "default", "live"),
    ("https://marked.example/mcp", "default", "needs_login"),
    ("https://over.example/mcp", "work", "needs_login"),
];

#[apply(test)]
fn status_shows_every_state_and_no_secret() {
    let fake = Fake::start();
    let home = every_state(&fake);
    let finished = home.command("status", &["--json", "-vv"]).run().expect(0);
    let logins = finished.events[0]["logins"]
        .as_array()
        .expect("logins")
        .clone();
    let told: Vec<_> = logins
        .iter()
        .map(|login| {
            [&login["server"], &login["profile"], &login["state"]]
                .map(|text| text.as_str().expect("text"))
        })
        .collect();
    assert_eq!(
        told,
        STATES.map(|(server, profile, state)| [server, profile, state])
    );
    for name in [
        "issuer",
        "client_id",
        "scopes",
        "expires_at",
        "refreshable",
        "store",
        "path",
        "account",
        "grant",
        "client",
    ] {
        assert!(
            logins.iter().all(|login| login.get(name).is_some()),
            "{name}: {}",
            finished.stdout
        );
    }
    let table = home.command("status", &["-vv"]).run().expect(0);
    for (server, profile, state) in STATES {
        let row = table
            .stdout
            .lines()
            .find(|row| row.contains(server))
            .unwrap_or_else(|| panic!("{server}: {}", table.stdout));
        assert!(
            row.contains(&state.replace('_', " ")) && row.contains(profile),
            "{row}"
        );
    }
    assert!(
        table.stdout.contains(" ago") && table.stdout.contains("in "),
        "expiry in words: {}",
        table.stdout
    );
    for finished in [&finished, &table] {
        for (_, canary) in CANARIES {
            assert_hides(&finished.stdout, canary);
            assert_hides(&finished.stderr, canary);
        }
    }
    assert_plain(&table.stdout);
    assert_plain(&table.stderr);
    assert_eq!(fake.seen().len(), 0);
}

#[apply(test)]
fn status_of_a_named_login_sets_the_exit_code() {
    let fake = Fake::start();
    let home = every_state(&fake);
    for (servers, profile, code, rows) in [
        (&["https://live.example/mcp"][..], "default", 0, 1),
        (&["https://due.example/mcp"], "default", 0, 1),
        (
            &["https://live.example/mcp", "https://marked.example/mcp"],
            "default",
            3,
            2,
        ),
        (&["https://over.example/mcp"], "work", 3, 1),
        (&["https://over.example/mcp"], "default", 3, 0),
        (&["https://unknown.example/mcp"], "default", 3, 0),
    ] {
        let finished = home
            .command("status", &["--json", "--profile", profile])
            .args(servers)
            .run();
        assert_eq!(
            finished.code,
            Some(code),
            "{servers:?}: {}",
            finished.stderr
        );
        assert_eq!(
            finished.events[0]["logins"].as_array().map(Vec::len),
            Some(rows),
            "{}",
            finished.stdout
        );
        let table = home
            .command("status", &["--profile", profile])
            .args(servers)
            .run()
            .expect(code);
        assert_eq!(
            table.stderr.contains("mcp-login http"),
            rows == 0,
            "{}",
            table.stderr
        );
    }
}

#[apply(test)]
fn status_without_logins() {
    let home = Home::new();
    assert_eq!(
        home.command("status", &["--json"]).run().expect(0).stdout,
        "{\"logins\":[]}"
    );
    let table = home.command("status", &[]).run().expect(0);
    assert!(
        table.stdout.is_empty() && table.stderr.contains("there are no logins"),
        "{}",
        table.stderr
    );
    assert_eq!(home.all_files().len(), 0, "looking makes nothing");
}

/// A logout that ended between the file and the index.
#[apply(test)]
fn d1_status_does_not_list_removed_logins() {
    let fake = Fake::start();
    let home = every_state(&fake);
    // A real change makes the index.
    home.command("logout", &["https://live.example/mcp"]).run();
    home.command("logout", &["https://due.example/mcp"]).run();
    let index = home.data().join("index.json");
    let marked = home.logins()["https://marked.example/mcp"].clone();
    let entry = json!({
        "server": "https://gone.example/mcp", "profile": "default", "issuer": "https://as.example", "client_id": "c",
        "scopes": [], "expires_at": "2999-01-01T00:00:00Z", "refreshable": true, "store": "file",
        "path": home.credentials(), "generation": 3,
    });
    home.put(&[marked]);
    std::fs::write(
        index,
        format!("{{\"version\":1,\"logins\":{{\n\"https://gone.example/mcp\": {entry}\n}}}}\n"),
    )
    .expect("writing");
    let finished = home.command("status", &["--json"]).run().expect(0);
    assert_eq!(
        finished.events[0]["logins"].as_array().map(Vec::len),
        Some(1),
        "{}",
        finished.stdout
    );
    home.command("status", &["https://gone.example/mcp"])
        .run()
        .expect(3);
    home.command("token", &["https://gone.example/mcp"])
        .run()
        .expect(3);
    home.command("logout", &["https://gone.example/mcp"])
        .run()
        .expect(0);
}

#[apply(test)]
fn status_fits_a_terminal_and_shows_whose_login_it_is_and_who_uses_it() {
    let fake = Fake::start();
    let home = Home::new();
    let (calendar, account) = (
        "https://calendar.example.com/mcp/v1",
        "annabelle.longname@example.com",
    );
    let scopes: Vec<_> = (0..6)
        .map(|it| format!("https://www.example.com/auth/scope{it}"))
        .collect();
    home.put(&[
        login_to(
            calendar,
            &fake,
            json!({"account": account, "scopes": scopes, "needs_login": true}),
        ),
        login_to(
            "https://two.example/mcp",
            &fake,
            json!({"account": "bob", "expires_at": null}),
        ),
    ]);
    let helper = "mcp-login --store file headers https://two.example/mcp";
    put_servers(
        &home,
        ".claude.json",
        json!({"two": {"url": "https://two.example/mcp", "headersHelper": helper}}),
    );
    let logins = home.command("status", &["--json"]).run().expect(0).events[0]["logins"].clone();
    assert_eq!(
        (&logins[0]["account"], &logins[0]["client"]),
        (&json!(account), &Value::Null)
    );
    assert_eq!(
        (&logins[1]["account"], &logins[1]["client"]),
        (&json!("bob"), &json!("claude-code:two"))
    );
    assert_eq!(logins[1]["grant"], "authorization_code");

    let on_terminal = |columns: u16, args: &[&str]| {
        let mut pty = Pty::open();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(pty.end(), size).expect("a size");
        let mut program = home.command("status", args).env("TERM", "xterm").on(&pty);
        program.command().stdout(pty.stdio());
        program.run().expect(0);
        let shown = pty.shown().replace('\r', "");
        assert!(
            shown.contains("\u{1b}[31m\u{1b}[1mneeds login\u{1b}[0m"),
            "{shown}"
        );
        shown
            .replace("\u{1b}[31m\u{1b}[1m", "")
            .replace("\u{1b}[0m", "")
    };
    let narrow = on_terminal(90, &[]);
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 90),
        "{narrow}"
    );
    let rows: Vec<_> = narrow
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .collect();
    let column = |text: &str| {
        rows.iter()
            .find_map(|row| row.find(text))
            .unwrap_or_else(|| panic!("{text}: {narrow}"))
    };
    assert_eq!(column("STATE"), column("needs login"));
    assert_eq!(column("ACCOUNT"), column(account));
    assert_eq!(column("CLIENT"), column("claude-code:two"));
    assert!(
        scopes.iter().all(|scope| narrow.contains(scope.as_str())),
        "{narrow}"
    );
    // Where the columns do not fit, each cell has its line.
    let narrowest = on_terminal(80, &[]);
    for line in [
        calendar,
        "  state: needs login",
        "  client: claude-code:two",
        "  stored in: file",
    ] {
        assert!(
            narrowest.lines().any(|it| it == line),
            "{line}: {narrowest}"
        );
    }
    assert!(
        narrowest.lines().all(|line| line.chars().count() <= 80),
        "{narrowest}"
    );
    let wide = on_terminal(500, &[]);
    let row = wide
        .lines()
        .find(|row| row.starts_with(calendar))
        .expect("a row");
    assert!(
        row.contains(account) && row.ends_with(scopes.join(" ").as_str()),
        "{wide}"
    );
    // No colours in a pipe.
    let piped = home
        .command("status", &[])
        .env("TERM", "xterm")
        .run()
        .expect(0);
    assert_eq!(piped.stdout.trim_end(), wide.trim_end());
}
