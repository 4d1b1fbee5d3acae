//! The committed completions and manual pages are what the program's own definitions give.
//!
//! After a change of the command line, `UPDATE=1 cargo test --test it generated` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use mcp_login::cli::{manual, Cli};

const UPDATE: &str = "UPDATE=1 cargo test --test it generated";

fn root(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)
}

/// Compares the files of a directory with what they have to be, or writes them.
fn compare(directory: &str, expected: &[(String, String)]) {
    let directory = root(directory);
    if std::env::var_os("UPDATE").is_some() {
        for (name, text) in expected {
            fs::write(directory.join(name), text).expect("writing");
        }
    }
    for (name, text) in expected {
        let found = fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert!(found == *text, "{name} is out of date; run: {UPDATE}");
    }
    for file in fs::read_dir(&directory).expect("a directory") {
        let name = file.expect("an entry").file_name().into_string().expect("a name");
        assert!(expected.iter().any(|(known, _)| *known == name), "{name} is not made by anything any more");
    }
}

#[test]
fn generated_completions_are_fresh() {
    let shells = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish];
    let expected = shells.map(|shell| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "mcp-login", &mut text);
        let name = clap_complete::Generator::file_name(&shell, "mcp-login");
        (name, mend(shell, String::from_utf8(text).expect("UTF-8")))
    });
    compare("completions", &expected);
}

/// Mends what the generator gets wrong for a program with a hyphen in its name (bash), and for one that has both
/// positional arguments and commands (zsh: the commands come first here, as words without `://`).
fn mend(shell: Shell, text: String) -> String {
    match shell {
        Shell::Bash => text.replace("mcp__subcmd__login__subcmd__", "mcp__login__subcmd__"),
        Shell::Zsh => {
            let mut lines: Vec<&str> = text.lines().collect();
            let commands = lines.iter().position(|line| line.contains(":_mcp-login_commands\"")).expect("the commands");
            assert!(lines[commands - 1].contains("servers"), "{}", lines[commands - 1]);
            lines.remove(commands - 1);
            lines.join("\n").replacen("$line[2]", "$line[1]", 3) + "\n"
        }
        _ => text,
    }
}

#[test]
fn generated_manual_pages_are_fresh() {
    let mut expected = Vec::new();
    let mut command = Cli::command();
    command.build();
    page(&command, "mcp-login", &mut expected);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub, &format!("mcp-login-{}", sub.get_name()), &mut expected);
    }
    compare("man", &expected);
}

/// Makes the page of one command; the main page also tells of files, exit codes and the words for scripts.
fn page(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone().display_name(name).after_help("").after_long_help(""))
        .title(name.to_uppercase())
        .manual("mcp-login");
    man.render(&mut text).expect("rendering");
    let mut text = String::from_utf8(text).expect("UTF-8");
    if name == "mcp-login" {
        text.push_str(&manual::extra_sections());
    }
    pages.push((format!("{name}.1"), text));
}
