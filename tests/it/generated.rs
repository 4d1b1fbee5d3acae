//! The committed completions and manual pages are what the program's own definitions give.
//!
//! After a change of the command line, `UPDATE=1 cargo test --test it generated` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use mcp_login::commands;
use mcp_login::failure::{Class, Code};
use mcp_login::os::places::DATA_DIR_AS_TYPED;
use mcp_login::warning::Warning;

use super::manual;

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
        let name = file
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let written = name.strip_suffix(".in").unwrap_or(&name);
        assert!(
            expected.iter().any(|(known, _)| known == written),
            "{name} is not made by anything any more"
        );
    }
}

#[apply(test)]
fn generated_completions_are_fresh() {
    let shells = [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::PowerShell,
        Shell::Elvish,
    ];
    let expected = shells.map(|shell| {
        let (mut command, mut text) = (hinted(commands::command()), Vec::new());
        clap_complete::generate(shell, &mut command, "mcp-login", &mut text);
        let name = clap_complete::Generator::file_name(&shell, "mcp-login");
        let text = fill_in(shell, &name, String::from_utf8(text).expect("UTF-8"));
        (name, text)
    });
    compare("completions", &expected);
}

/// Says what the values of options are, so that a shell offers files only where a file is meant.
fn hinted(command: Command) -> Command {
    let hint = |arg: Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        let hint = match (arg.get_value_hint(), names.first().map(|it| it.as_str())) {
            _ if arg.is_positional() || !arg.get_action().takes_values() => return arg,
            _ if !arg.get_possible_values().is_empty() => return arg,
            (_, Some("DIR")) => ValueHint::DirPath,
            (_, Some("COMMAND")) => ValueHint::CommandString,
            (ValueHint::Unknown, _) => ValueHint::Other,
            (known, _) => known,
        };
        arg.value_hint(hint)
    };
    command.mut_args(hint).mut_subcommands(hinted)
}

/// Fills in what is written by hand, in `completions/*.in`: the names of servers, which the generator cannot know. And
/// mends what it gets wrong for a program with a hyphen in its name (bash), and for one that has both positional arguments
/// and commands (zsh: the commands come first here, as words without `://`).
fn fill_in(shell: Shell, name: &str, text: String) -> String {
    let template = || {
        let path = root("completions").join(format!("{name}.in"));
        fs::read_to_string(path).expect("the part written by hand")
    };
    // These options are there only to be refused with the reason.
    let text: Vec<_> = text
        .trim_end()
        .lines()
        .filter(|line| !line.contains("Refused"))
        .collect();
    let text = text.join("\n");
    match shell {
        Shell::Bash => {
            let text = text.replace("mcp__subcmd__login__subcmd__", "mcp__login__subcmd__");
            let text = text
                .replace(" --client-secret ", " ")
                .replace(" --client-key ", " ");
            let text = text.replace(
                "complete -F _mcp__login ",
                "complete -F _mcp_login_with_servers ",
            );
            template()
                .replace("@WITHOUT@", &without_servers().join("|"))
                .replace("@VALUED@", &valued().join("|"))
                .replace("@GENERATED@", &text)
        }
        Shell::Zsh => {
            let text = mend_zsh(&text);
            let end = text.find("\nif [ \"$funcstack").expect("the end");
            template()
                .replace("@FUNCTIONS@", text[..end].trim_end())
                .replace("@COMMANDS@", &commands().join(" "))
                .replace("@CALL@", text[end..].trim())
        }
        Shell::Fish => template()
            .replace("@GENERATED@", &mend_fish(&text))
            .replace("@WITHOUT@", &without_servers().join(" ")),
        _ => format!("{text}\n"),
    }
}

/// Returns the commands.
fn commands() -> Vec<String> {
    let command = commands::command();
    let names = command
        .get_subcommands()
        .flat_map(|sub| sub.get_name_and_visible_aliases());
    names
        .map(str::to_owned)
        .chain(["help".to_owned()])
        .collect()
}

/// Returns the commands that take no servers.
fn without_servers() -> Vec<String> {
    let takes = |sub: &&Command| {
        let mut names = sub
            .get_positionals()
            .flat_map(|it| it.get_value_names().unwrap_or_default());
        !names.any(|name| name.as_str() == "SERVER")
    };
    let command = commands::command();
    let without = command
        .get_subcommands()
        .filter(takes)
        .map(|sub| sub.get_name().to_owned());
    without.chain(["help".to_owned()]).collect()
}

/// Returns the options that take a value.
fn valued() -> Vec<String> {
    let command = commands::command();
    let all = command
        .get_subcommands()
        .flat_map(Command::get_arguments)
        .chain(command.get_arguments());
    let valued = all.filter(|it| !it.is_positional() && it.get_action().takes_values());
    let names: BTreeSet<String> = valued
        .filter_map(|it| Some(format!("--{}", it.get_long()?)))
        .collect();
    names.into_iter().collect()
}

/// An option that still waits for its value is no failure.
fn mend_fish(text: &str) -> String {
    let parse =
        "argparse -s (__fish_mcp_login_global_optspecs) -- $cmd 2>/dev/null\n    or return\n";
    assert!(text.contains(parse), "the options before a command");
    let text = text.replacen(parse, &parse.replace("or return", "or return 0"), 1);
    // `help` itself is on the line, and would rule out everything that it can be followed by.
    let itself = " help\" -f -a ";
    assert!(text.contains(itself), "the commands behind help");
    let text = text.replace(itself, "\" -f -a ");
    // Behind a server, the options are those without a command.
    let first = "if set -q argv[1]\n";
    assert!(text.contains(first), "the first word");
    let is_command = format!(
        "if set -q argv[1]; and contains -- $argv[1] {}\n",
        commands().join(" ")
    );
    text.replacen(first, &is_command, 1)
}

fn mend_zsh(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let commands = lines
        .iter()
        .position(|line| line.contains(":_mcp-login_commands\""))
        .expect("the commands");
    assert!(
        lines[commands - 1].contains("servers"),
        "{}",
        lines[commands - 1]
    );
    lines.remove(commands - 1);
    // Beside a server that may be left out, every file would be offered as the command.
    let command = lines
        .iter()
        .position(|line| line.starts_with("'*::command"));
    let server = command
        .and_then(|it| it.checked_sub(1))
        .expect("the server of exec");
    let required = lines[server].replacen("'::server", "':server", 1);
    lines[server] = &required;
    let mended = lines.join("\n").replacen("$line[2]", "$line[1]", 3) + "\n";
    let mut text = String::new();
    for line in mended.lines() {
        let is_server = (line.starts_with("'*::servers")
            || line.starts_with("'::server")
            || line.starts_with("':server"))
            && line.ends_with(":_default' \\");
        match is_server {
            true => text += &line.replace(":_default'", ":_mcp-login_servers'"),
            false => text += line,
        }
        text.push('\n');
    }
    let first = "\":: :_mcp-login_commands\" \\";
    assert!(text.contains(first), "the first word");
    let text = text.replacen(first, "\":: :_mcp-login_first\" \\", 1);
    // Behind a server come further servers, and the options of a login.
    let text = text.replace("'*::servers", "'*:servers");
    let choice = "        words=($line[1] ";
    assert!(text.contains(choice), "the choice of a command");
    text.replacen(
        choice,
        &format!("        _mcp-login_usual_command\n{choice}"),
        1,
    )
}

#[apply(test)]
fn generated_manual_pages_are_fresh() {
    let mut expected = Vec::new();
    // `mcp-login help COMMAND` shows these pages' text; it needs none of its own.
    let mut command = commands::command().disable_help_subcommand(true);
    command.build();
    page(&command, "mcp-login", &mut expected);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub, &format!("mcp-login-{}", sub.get_name()), &mut expected);
    }
    // This one is written by hand.
    let protocol = "mcp-login-store.7";
    let text = fs::read_to_string(root("man").join(protocol)).expect("the protocol");
    expected.push((protocol.to_owned(), text));
    compare("man", &expected);
}

/// When the manual pages were last changed in more than the version.
const MANUAL_DATE: &str = "2026-11-28";

/// Makes the page of one command; the main page also tells of files, exit codes and the words for scripts.
fn page(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    let mut text = Vec::new();
    let usage = command
        .clone()
        .bin_name(name.replacen("mcp-login-", "mcp-login ", 1))
        .render_usage()
        .to_string();
    let command = command
        .clone()
        .override_usage(usage.trim_start_matches("Usage: ").to_owned());
    let nothing = || Resettable::Reset;
    let man = clap_mangen::Man::new(
        command
            .display_name(name)
            // What the short help leaves out would have no text.
            .mut_args(|arg| arg.hide_short_help(false))
            .after_help(nothing())
            .after_long_help(nothing()),
    )
    .title(name.to_uppercase())
    .manual("mcp-login");
    man.render(&mut text).expect("rendering");
    // The help names the directory of the system that it is made on, the pages are the same everywhere.
    let escaped = |path: &str| path.replace('-', "\\-");
    let text = String::from_utf8(text).expect("UTF-8");
    let text = text.replace(
        &escaped(DATA_DIR_AS_TYPED),
        &escaped("~/.local/share/mcp-login"),
    );
    // The generator leaves the date out unquoted, so that the version is taken for it; and it doubles paragraphs.
    let mut text = text
        .replace("\n.br\n\n.br\n", "\n.sp\n")
        .replace("\n\n.br\n", "\n.sp\n");
    let bare = text.split(".TP\n").find(|item| {
        let body = item.split_once('\n').map_or("", |(_, body)| body);
        body.trim().is_empty() || body.starts_with('\n') || body.starts_with(".sp\n")
    });
    assert_eq!(
        bare.filter(|it| !it.starts_with(".ie")),
        None,
        "{name}: an option without a text"
    );
    let start = text.find(".TH ").expect("a title");
    let end = start + text[start..].find('\n').expect("its end");
    let title = format!(
        ".TH {} 1 {MANUAL_DATE} \"mcp-login {}\" mcp-login",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    );
    text.replace_range(start..end, &title);
    if name == "mcp-login" {
        text.push_str(&manual::extra_sections());
    }
    pages.push((format!("{name}.1"), text));
}

/// Documents with tables that are made from the lists in the program, and the names of these tables.
const DOCUMENTS: [(&str, &[&str]); 1] = [(
    "docs/automation.md",
    &["exit statuses", "error codes", "warnings"],
)];

#[apply(test)]
fn generated_tables_are_fresh() {
    let tables = manual::tables();
    for (name, wanted) in DOCUMENTS {
        let path = root(name);
        let mut text = fs::read_to_string(&path).expect("the document");
        for table in wanted {
            let (_, rows) = tables
                .iter()
                .find(|(known, _)| known == table)
                .expect("a table of that name");
            let begin = format!("<!-- {table} -->\n");
            let (before, rest) = text.split_once(&begin).expect("the beginning of the table");
            let (_, after) = rest.split_once("<!-- end -->").expect("its end");
            text = format!("{before}{begin}{rows}<!-- end -->{after}");
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).expect("writing");
        }
        let found = fs::read_to_string(&path).expect("the document");
        assert!(found == text, "{name} is out of date; run: {UPDATE}");
    }
}

#[apply(test)]
fn every_code_is_in_the_manual_and_the_documents() {
    let man = fs::read_to_string(root("man").join("mcp-login.1")).expect("the manual page");
    let automation = fs::read_to_string(root("docs/automation.md")).expect("docs/automation.md");
    for (class, meaning) in Class::ALL {
        let exit = class.exit();
        assert!(
            man.contains(&format!("\\fB{exit}\\fR\n{meaning}\n")),
            "{exit}"
        );
        let row = format!("| {exit} | {meaning} |\n");
        assert!(automation.contains(&row), "{exit}");
    }
    for code in Code::ALL {
        assert!(man.contains(&format!("\\fB{code}\\fR (")), "{code}");
        assert!(automation.contains(&format!("| `{code}` | ")), "{code}");
    }
    for warning in Warning::ALL.iter().map(|it| it.as_str()) {
        assert!(man.contains(&format!("\\fB{warning}\\fR\n")), "{warning}");
        assert!(
            automation.contains(&format!("| `{warning}` | ")),
            "{warning}"
        );
    }
}
