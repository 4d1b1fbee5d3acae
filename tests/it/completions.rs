//! The completions in real shells: they know the servers, and nothing that a server is called is ever run.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::json;

use crate::support::command_without_environment;
use crate::support::fake::Fake;
use crate::support::pty::Pty;
use crate::support::rotating::{login_to, Home};
use crate::support::skip::needs;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");

/// A home with a stored login, servers in two configurations, and names that would do something in a shell.
fn home() -> Home {
    let home = Home::new();
    home.put(&[login_to(
        "https://stored.example/mcp",
        &Fake::start(),
        json!({}),
    )]);
    let codex =
        "[mcp_servers.linear]\nurl = 'https://linear.example/mcp'\n[mcp_servers.notion]\nurl = 'https://one.example'\n";
    fs::create_dir_all(home.path().join(".codex")).expect("a directory");
    fs::write(home.path().join(".codex/config.toml"), codex).expect("writing");
    let evil = [
        "$(touch ran)",
        "`touch ran`",
        "lin;touch ran",
        "lin\ntouch ran",
        "-rf",
        "lin ear",
        "\u{1b}[31mlin",
    ];
    let mut servers = json!({"notion": {"url": "https://two.example"}});
    for name in evil {
        servers[name] = json!({"url": "https://evil.example"});
    }
    fs::write(home.path().join("a-file.txt"), "").expect("writing");
    fs::write(
        home.path().join(".claude.json"),
        json!({ "mcpServers": servers }).to_string(),
    )
    .expect("writing");
    home
}

const NAMES: [&str; 4] = [
    "claude-code:notion",
    "codex:notion",
    "https://stored.example/mcp",
    "linear",
];

/// Prepares a program in such a home, for which `mcp-login` is ours.
fn command(program: &str, home: &Home) -> Command {
    let ours = Path::new(env!("CARGO_BIN_EXE_mcp-login"))
        .parent()
        .expect("a directory")
        .display();
    let mut command = command_without_environment(program);
    command
        .env("HOME", home.path())
        .env("TERM", "dumb")
        .env("MCP_LOGIN_STORE", "file");
    command
        .env(
            "PATH",
            format!("{ours}:{}", std::env::var("PATH").unwrap_or_default()),
        )
        .current_dir(home.path());
    command
}

#[apply(test)]
fn only_plain_names_are_printed() {
    let home = home();
    let run = |args: &[&str]| {
        command(env!("CARGO_BIN_EXE_mcp-login"), &home)
            .args(args)
            .output()
            .expect("running")
    };
    let output = run(&["__complete", "servers"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .collect::<Vec<_>>(),
        NAMES
    );
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(run(&["__complete", "other"]).stdout.is_empty());
    fs::write(home.path().join(".claude.json"), "{ broken").expect("writing");
    let output = run(&["__complete", "servers"]);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "https://stored.example/mcp\nlinear\nnotion\n"
    );
}

#[apply(test)]
fn fish_completes_servers() {
    needs(&["fish"]);
    let home = home();
    let complete = |line: &str| {
        let script = format!("source {SCRIPTS}/mcp-login.fish; complete -C '{line}'");
        let output = command("fish", &home)
            .args(["--no-config", "-c", &script])
            .output()
            .expect("running fish");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    for (line, value) in [
        ("mcp-login handover linear --to work", "workspace-mcp"),
        ("mcp-login linear --handover git", "github-actions"),
        ("mcp-login --provider entr", "entra"),
        ("mcp-login status --store key", "keyring"),
        ("mcp-login status --from openc", "opencode"),
        ("mcp-login help hand", "handover"),
        ("mcp-login completion pow", "powershell"),
        ("mcp-login linear --client-key-f", "--client-key-file"),
    ] {
        assert_eq!(complete(line), [value], "{line}");
    }
    for before in [
        "mcp-login",
        "mcp-login token",
        "mcp-login exec",
        "mcp-login linear",
        "mcp-login status -q",
    ] {
        assert_eq!(complete(&format!("{before} lin")), ["linear"], "{before}");
        assert_eq!(
            complete(&format!("{before} codex:")),
            ["codex:notion"],
            "{before}"
        );
    }
    for before in [
        "mcp-login demo",
        "mcp-login help",
        "mcp-login exec linear --",
    ] {
        assert!(
            !complete(&format!("{before} lin")).contains(&"linear".to_owned()),
            "{before}"
        );
    }
    assert_eq!(complete("mcp-login --all --from openc"), ["opencode"]);
    assert_eq!(complete("mcp-login tok"), ["token"]);
    // Files are offered only where one is meant.
    assert_eq!(
        complete("mcp-login linear --client-file a-fi"),
        ["a-file.txt"]
    );
    assert!(complete("mcp-login linear --scope a-fi").is_empty());
    let refused = ["--client-secret".to_owned(), "--client-key".to_owned()];
    let offered = complete("mcp-login linear --client-");
    assert!(
        !offered.iter().any(|it| refused.contains(it)),
        "{offered:?}"
    );
    assert!(!home.path().join("ran").exists());
}

/// A shell on a terminal: lines are completed as by hand.
struct Shell {
    pty: Pty,
    child: Child,
}

impl Shell {
    fn start(home: &Home, program: &[&str], prepare: &str) -> Self {
        let mut pty = Pty::open();
        let mut command = command("setsid", home);
        command.arg("--ctty").args(program).env("PS1", "PROMPT ");
        command
            .stdin(pty.stdio())
            .stdout(pty.stdio())
            .stderr(pty.stdio());
        let child = command.spawn().expect("starting a shell");
        pty.wait_for("PROMPT ");
        // What is typed is shown as well, but without the quotes.
        pty.type_in(&format!("mcp-login() {{ if [ \"$1\" = __complete ]; then command mcp-login \"$@\"; else echo \"got[$*]\"; fi }}; {prepare}; echo rea''dy\n"));
        pty.wait_for("ready");
        Self { pty, child }
    }

    /// Completes a line and runs it; the function in the place of the program prints what it was given.
    fn completes(&mut self, line: &str, expected: &str) {
        self.pty.type_in(&format!("{line}\t\n"));
        self.pty.wait_for(&format!("got[{expected}]"));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn completes_servers(shell: &mut Shell, home: &Home) {
    for (line, expected) in [
        ("mcp-login lin", "linear"),
        ("mcp-login token lin", "token linear"),
        (
            "mcp-login --timeout 5m exec lin",
            "--timeout 5m exec linear",
        ),
        ("mcp-login logout codex:no", "logout codex:notion"),
        (
            "mcp-login status https://sto",
            "status https://stored.example/mcp",
        ),
        ("mcp-login logout linear cod", "logout linear codex:notion"),
        ("mcp-login tok", "token"),
        ("mcp-login --all --from openc", "--all --from opencode"),
        (
            "mcp-login handover linear --to work",
            "handover linear --to workspace-mcp",
        ),
        (
            "mcp-login linear --handover git",
            "linear --handover github-actions",
        ),
        ("mcp-login --provider entr", "--provider entra"),
        ("mcp-login status --store key", "status --store keyring"),
        ("mcp-login completion fi", "completion fish"),
        ("mcp-login linear --devi", "linear --device"),
        ("mcp-login logout linear --forg", "logout linear --forget"),
        ("mcp-login demo lin", "demo lin"),
        ("mcp-login linear --scope a-fi", "linear --scope a-fi"),
        (
            "mcp-login linear --client-file a-fi",
            "linear --client-file a-file.txt",
        ),
    ] {
        // Some shells put a space behind a whole word; the function is given none.
        shell.completes(line, expected);
    }
    assert!(!home.path().join("ran").exists());
}

#[apply(test)]
fn bash_completes_servers() {
    needs(&["bash"]);
    let home = home();
    let prepare = format!("bind 'set bell-style none'; source {SCRIPTS}/mcp-login.bash");
    let mut shell = Shell::start(&home, &["bash", "--norc", "--noprofile", "-i"], &prepare);
    completes_servers(&mut shell, &home);
}

#[apply(test)]
fn zsh_completes_servers() {
    needs(&["zsh"]);
    let home = home();
    let prepare = format!("autoload -U compinit; compinit -u -D; source {SCRIPTS}/_mcp-login");
    let mut shell = Shell::start(&home, &["zsh", "-f", "-i"], &prepare);
    completes_servers(&mut shell, &home);
    shell.completes("mcp-login linear cod", "linear codex:notion");
}
