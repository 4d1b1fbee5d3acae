//! What somebody meets who uses the program for the first time: the help, its words, and what comes after a login.

use std::fs;
use std::path::Path;

use serde_json::{json, Value};

use crate::names::{live, log_in, put, put_servers};
use crate::support::fake::Fake;
use crate::support::program::{Program, Running};
use crate::support::pty::Pty;
use crate::support::rotating::{login_to, Home, Rotating};
use crate::support::visit;

const COMMANDS: [&str; 14] = [
    "login",
    "status",
    "whoami",
    "token",
    "headers",
    "exec",
    "refresh",
    "logout",
    "handover",
    "check",
    "doctor",
    "providers",
    "demo",
    "completion",
];

#[apply(test)]
fn the_short_help_fits_a_screen_with_examples_first() {
    let help = |args: &[&str]| {
        let program = Program::new().args(args).env("COLUMNS", "80");
        program.arg("-h").run().expect(0).stdout
    };
    let main = help(&[]);
    let place = |text: &str| main.find(text).unwrap_or_else(|| panic!("{text}: {main}"));
    assert!(place("Examples:") < place("Commands:") && place("Commands:") < place("Options:"));
    for command in COMMANDS {
        place(&format!("\n  {command}  "));
    }
    for text in COMMANDS
        .map(|command| help(&[command]))
        .iter()
        .chain([&main])
    {
        assert!(text.lines().count() <= 40, "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
    assert!(help(&["login"]).contains("more with '--help'"));
    for option in ["--device", "--handover", "--no-browser"] {
        place(&format!("\n      {option}"));
    }
}

/// In a pipe too, where nothing tells the width.
#[apply(test)]
fn no_line_of_the_long_help_is_over_80_columns() {
    for args in [vec![]].into_iter().chain(COMMANDS.map(|it| vec![it])) {
        let program = Program::new().args(args).arg("--help");
        let text = program.run().expect(0).stdout;
        let long: Vec<_> = text
            .lines()
            .filter(|line| line.chars().count() > 80)
            .collect();
        assert!(long.is_empty(), "{long:?}");
    }
}

#[apply(test)]
fn words_of_other_programs_do_what_they_say_or_point_to_it() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[live(&fake)]);
    let of = |command: &str, args: &[&str]| home.command(command, args).run().expect(0).stdout;
    let status = of("status", &[]);
    assert!(status.contains(&fake.mcp()), "{status}");
    assert_eq!(of("list", &[]), status);
    assert_eq!(of("ls", &["--json"]), of("status", &["--json"]));
    let whoami = home.command("whoami", &[]).run().expect(0);
    assert_eq!(whoami.stdout, status);
    assert!(whoami.stderr.contains("no account"), "{}", whoami.stderr);
    let version = format!("mcp-login {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(of("version", &[]), version);
    let help = Program::new().args(["help", "exec"]).run().expect(0);
    assert!(
        help.stdout.contains("Usage: mcp-login exec"),
        "{}",
        help.stdout
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [
        ("bash", "mcp-login.bash"),
        ("zsh", "_mcp-login"),
        ("fish", "mcp-login.fish"),
        ("powershell", "_mcp-login.ps1"),
        ("elvish", "mcp-login.elv"),
    ] {
        let expected = fs::read_to_string(root.join(file)).expect("the script");
        assert_eq!(of("completion", &[shell]).trim_end(), expected.trim_end());
    }
    for (words, hint) in [
        (
            &["add", "https://mcp.example/mcp"][..],
            "mcp-login login SERVER",
        ),
        (&["auth", "login"], "mcp-login login SERVER"),
        (&["remove", "linear"], "mcp-login logout SERVER"),
        (&["config"], "mcp-login handover SERVER --to CLIENT"),
        (&["run", "linear"], "mcp-login exec SERVER -- COMMAND"),
        (&["wohami"], "mcp-login whoami"),
        (&["refrsh"], "mcp-login refresh"),
    ] {
        let refused = Program::new().args(words).run().expect(2);
        assert!(
            refused.stderr.contains(hint),
            "{words:?}: {}",
            refused.stderr
        );
    }
}

#[apply(test)]
fn a_refresh_prints_no_token() {
    let servers = Rotating::start();
    let home = Home::with(&servers.fake, json!({"refresh_token": servers.family()}));
    let refreshed = home.command("refresh", &[]).run().expect(0);
    assert_eq!(refreshed.stdout, "");
    let said = format!("got a new access token for {}", servers.fake.mcp());
    assert!(refreshed.stderr.contains(&said), "{}", refreshed.stderr);
    let token = home.kept(&servers.fake)["access_token"].clone();
    assert!(!refreshed.stderr.contains(token.as_str().expect("a token")));
    assert_eq!(servers.refreshes(), 1);
    let line = home.command("refresh", &["--json"]).run().expect(0);
    assert_eq!(line.events[0]["server"], servers.fake.mcp());
    assert!(line.events[0].get("access_token").is_none());
    assert_eq!(servers.refreshes(), 2);
    Home::new().command("refresh", &[]).run().expect(3);
}

#[apply(test)]
fn every_command_takes_the_only_login() {
    let fake = Rotating::start().fake;
    let home = Home::new();
    home.put(&[live(&fake)]);
    home.command("check", &[]).run().expect(0);
    assert!(!fake.seen_at("/mcp").is_empty());
    let out = home
        .command("exec", &["--", "sh", "-c", "echo $MCP_LOGIN_BEARER"])
        .run();
    assert_eq!(out.expect(0).stdout, "access-live");
    let shown = home.command("handover", &["--to", "codex"]).run().expect(0);
    assert!(shown.stdout.contains(&fake.mcp()), "{}", shown.stdout);
    home.command("logout", &[]).run().expect(0);
    home.command("logout", &[]).run().expect(0);

    home.put(&[
        live(&fake),
        login_to("https://two.example/mcp", &fake, json!({})),
    ]);
    for args in [
        &["check"][..],
        &["connect"],
        &["exec", "--", "true"],
        &["handover", "--to", "codex"],
        &["logout"],
        &["whoami"],
    ] {
        let refused = home.command(args[0], &args[1..]).run().expect(2);
        assert!(
            refused.stderr.contains("name the server"),
            "{args:?}: {}",
            refused.stderr
        );
    }
    assert_eq!(home.logins().len(), 2);
}

/// Completes the login whose address a terminal shows.
fn agree(pty: &mut Pty, login: &Running) {
    let shown = pty.wait_for("waiting for the browser");
    let start = shown
        .find("http://")
        .and_then(|_| shown.rfind("\nhttp://"))
        .expect("the address")
        + 1;
    let url = shown[start..].lines().next().expect("a line").trim();
    assert_eq!(visit(&login.redirect(url)).status, 200);
}

#[apply(test)]
fn without_a_server_the_clients_servers_are_there_to_pick_from() {
    let fake = Fake::start();
    let home = Home::new();
    fs::create_dir(home.path().join("work")).expect("a directory");
    let bare = |pty: Option<&Pty>| {
        let program = Program::new().at_home(home.path()).env("TERM", "xterm");
        let program = program.env("MCP_LOGIN_STORE", "file");
        let mut program = match pty {
            Some(pty) => program.on(pty),
            None => program,
        };
        program.command().current_dir(home.path().join("work"));
        program
    };
    let mut pty = Pty::open();
    let login = bare(Some(&pty)).start();
    pty.wait_for("Examples:");
    login.finish().expect(0);

    put_servers(
        &home,
        ".claude.json",
        json!({"lab": {"type": "http", "url": fake.mcp()}, "off": {"url": "https://x.example", "disabled": true}}),
    );
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"lab": {"url": fake.mcp()}, "zoo": {"url": "https://zoo.example/mcp"}}),
    );
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"team": {"url": "https://team.example/mcp"}}),
    );
    let mut pty = Pty::open();
    let login = bare(Some(&pty)).start();
    let shown = pty.wait_for("Enter for none) ");
    assert!(
        shown.contains("Examples:") && shown.contains("Commands:"),
        "{shown}"
    );
    let row = shown
        .lines()
        .find(|row| row.contains(&fake.mcp()))
        .expect("a row");
    assert!(
        row.contains("1  lab") && row.contains("claude-code, cursor"),
        "{row}"
    );
    let row = shown.lines().find(|row| row.contains("team.example"));
    assert!(
        row.is_some_and(|row| row.contains("by a file of this project")),
        "{shown}"
    );
    assert!(
        shown.contains("3  zoo") && !shown.contains("x.example"),
        "{shown}"
    );
    pty.type_in("1\n");
    agree(&mut pty, &login);
    login.finish().expect(0);

    let mut pty = Pty::open();
    let login = bare(Some(&pty)).start();
    let row = pty.wait_for("Enter for none) ");
    assert!(row.contains("live"), "{row}");
    pty.type_in("\n");
    login.finish().expect(0);

    let piped = bare(None).run().expect(2);
    assert!(piped.stderr.contains("Examples:"), "{}", piped.stderr);
    let json = bare(None).arg("--json").run().expect_error(2, "usage");
    assert!(!json.stderr.contains("Examples:"), "{}", json.stderr);
}

#[apply(test)]
fn a_login_ends_with_the_command_that_comes_next() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        ".claude.json",
        json!({"lab": {"type": "http", "url": fake.mcp()}}),
    );
    put(
        &home,
        ".codex/config.toml",
        &format!("[mcp_servers.lab]\nurl = \"{}\"\n", fake.mcp()),
    );
    let next = |args: &[&str]| {
        let finished = log_in(&home, args).agree().expect(0);
        let next = finished.event("logged_in")["next"].clone();
        match next.as_str() {
            Some(command) => assert!(
                finished
                    .stderr
                    .contains(&format!("mcp-login: next: {command}")),
                "{}",
                finished.stderr
            ),
            None => assert!(!finished.stderr.contains("next:"), "{}", finished.stderr),
        }
        next
    };
    let claude = "mcp-login handover claude-code:lab --to claude-code --write --store file";
    assert_eq!(next(&["lab"]), claude);
    assert_eq!(next(&["lab"]), claude, "a live login has it too");
    assert_eq!(
        next(&["codex:lab", "--profile", "work"]),
        "mcp-login handover codex:lab --to codex --write --store file --profile work"
    );
    let url = next(&[&fake.mcp(), "--force"]);
    assert!(
        url.as_str().is_some_and(|it| it.contains(&fake.mcp())),
        "{url}"
    );
    home.command("login", &[]).pasted(claude).run().expect(0);
    assert_eq!(next(&["lab"]), Value::Null, "the client uses it");
    let team = json!({"team": {"url": fake.mcp()}});
    put_servers(&home, "work/.cursor/mcp.json", team.clone());
    let crush = json!({ "mcp": team }).to_string();
    put(&home, "work/crush.json", &crush);
    for client in ["cursor", "crush"] {
        let command = next(&["team", "--from", client, "--force"]);
        let expected = format!("mcp-login handover {client}:team --to {client} --store file");
        assert_eq!(command, expected, "a file of a project is not changed");
        let mut program = home.command("login", &[]).pasted(&expected);
        program.command().current_dir(home.path().join("work"));
        let printed = program.run().expect(0);
        let printed = printed.event("handed_over")["setting"].to_string();
        assert!(printed.contains("team"), "{client}: {printed}");
    }
    let kept = fs::read_to_string(home.path().join("work/crush.json"));
    assert_eq!(kept.expect("a file"), crush);
}

#[apply(test)]
fn connect_in_a_terminal_says_whom_it_waits_for() {
    let (fake, mut pty) = (Fake::start(), Pty::open());
    let login = Program::login(&fake).agree().expect(0);
    let bridge = Program::new()
        .at_home(login.home())
        .args(["connect", &fake.mcp()])
        .on(&pty)
        .start();
    pty.wait_for("waiting for an MCP client on stdin");
    let words = format!("mcp-login handover {} --to CLIENT", fake.mcp());
    pty.wait_for(&words);
    pty.type_in("\u{4}");
    bridge.finish().expect(0);
}

#[apply(test)]
fn the_address_goes_to_a_clipboard_that_takes_it() {
    let fake = Fake::start();
    let copied = |term: &str, more: &[(&str, &str)], args: &[&str]| {
        let mut pty = Pty::open();
        let mut program = Program::login(&fake).args(args).env("TERM", term);
        for (name, value) in more {
            program = program.env(name, value);
        }
        let mut login = program.on(&pty).start();
        let url = login.authorization_url();
        pty.wait_for("waiting for the browser");
        let shown = pty.shown();
        assert_eq!(visit(&login.redirect(&url)).status, 200);
        login.finish().expect(0);
        use base64::Engine as _;
        let code = base64::engine::general_purpose::STANDARD.encode(&url);
        let is_copied = shown.contains(&format!("\u{1b}]52;c;{code}\u{7}"));
        assert_eq!(
            is_copied,
            shown.contains("copied to your clipboard"),
            "{shown}"
        );
        assert_eq!(is_copied, shown.contains("\u{1b}]52"), "{shown}");
        is_copied
    };
    assert!(copied("xterm-kitty", &[], &[]));
    assert!(!copied("xterm", &[], &["--force"]));
    assert!(!copied(
        "xterm-kitty",
        &[("TMUX", "/tmp/x,1,0")],
        &["--force"]
    ));
    assert!(!copied("xterm-kitty", &[], &["--force", "--no-clipboard"]));
    assert!(!copied(
        "xterm-kitty",
        &[("MCP_LOGIN_NO_CLIPBOARD", "1")],
        &["--force"]
    ));
    // Without a terminal nobody's clipboard is touched.
    let piped = Program::login(&fake)
        .env("TERM", "xterm-kitty")
        .agree()
        .expect(0);
    assert!(!piped.stderr.contains('\u{1b}'), "{}", piped.stderr);
}

#[apply(test)]
fn what_is_waited_for_is_shown() {
    let fakes: Vec<_> = (0..3).map(|_| Fake::start()).collect();
    let mut pty = Pty::open();
    let mut program = Program::login(&fakes[0]).env("TERM", "xterm");
    for fake in &fakes[1..] {
        program = program.arg(fake.mcp());
    }
    let mut login = program.on(&pty).start();
    pty.wait_for("contacting 3 servers");
    for open in [3, 2, 1] {
        pty.wait_for(&format!("waiting ({open} of 3 open) for "));
        let url = login.authorization_url();
        assert_eq!(visit(&login.redirect(&url)).status, 200);
    }
    let finished = login.finish().expect(0);
    let uri = &finished.event("authorization_url")["redirect_uri"];
    let shown = pty.shown();
    let advice = shown.matches("if the last page does not load").count();
    assert_eq!(advice, 1, "{shown}");
    assert!(
        shown.contains(&format!(
            "redirect URI:         {}",
            uri.as_str().expect("text")
        )),
        "{shown}"
    );
}

#[apply(test)]
fn a_missing_keyring_is_said_once() {
    let fake = Fake::start();
    let home = Home::new();
    let warnings = |args: &[&str]| {
        let program = Program::new()
            .at_home(home.path())
            .args(["--json", "--no-browser"]);
        let finished = program.args(args).arg(fake.mcp()).agree().expect(0);
        let codes: Vec<_> = finished
            .events
            .iter()
            .filter(|it| it["event"] == "warning")
            .collect();
        codes.len()
    };
    assert_eq!(warnings(&[]), 1);
    assert_eq!(warnings(&["--force"]), 0);
    assert_eq!(warnings(&["--profile", "work"]), 0);
}
