//! What the documents tell to type is what the program takes, and every option is in the manual.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::Command;
use mcp_login::commands;

/// Options of Docker and rustc that the documents explain.
const OF_OTHERS: [&str; 3] = ["--user", "--remap-path-prefix", "--platform"];

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the files below a directory whose names end so.
fn files(directory: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root(directory)).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.to_string_lossy().into_owned();
        match path.is_dir() {
            true => found.extend(files(&name, end)),
            false if name.ends_with(end) => found.push(path),
            false => {}
        }
    }
    found
}

/// Returns the documents: each name with the text in which commands are written as a shell takes them.
fn documents() -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a document");
        (path.display().to_string(), text)
    };
    let mut all: Vec<_> = [
        "README.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "contrib/stores/README.md",
    ]
    .map(root)
    .into_iter()
    .chain(files("docs", ".md"))
    .map(read)
    .map(|(name, text)| (name, code(&text)))
    .collect();
    all.extend(
        files("src", ".rs")
            .into_iter()
            .map(read)
            .map(|(name, text)| (name, spans(&text))),
    );
    all.extend(
        files("man", ".7")
            .into_iter()
            .map(read)
            .map(|(name, text)| {
                let text = text.replace("\\-", "-").replace("\\*(Aq", "'");
                (
                    name,
                    text.replace("\\fB", "")
                        .replace("\\fI", "")
                        .replace("\\fR", "`"),
                )
            }),
    );
    for command in with_subcommands() {
        let help = command.clone().render_long_help().to_string();
        // The explanation of an example follows two spaces.
        let examples = help
            .lines()
            .filter_map(|line| line.strip_prefix("  mcp-login "));
        let examples =
            examples.map(|line| format!("mcp-login {}", line.split("  ").next().unwrap_or(line)));
        all.push((
            format!("help of {}", command.get_name()),
            examples.collect::<Vec<_>>().join("\n"),
        ));
    }
    all
}

fn with_subcommands() -> Vec<Command> {
    let mut command = commands::command();
    command.build();
    let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
    std::iter::once(command).chain(subcommands).collect()
}

/// Returns the blocks and spans of code of a document, each on lines of its own.
fn code(text: &str) -> String {
    let parts = text.split("```");
    let texts = parts.enumerate().map(|(number, part)| match number % 2 {
        0 => spans(part),
        _ => part.to_owned(),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Returns what is between single backticks, each on a line.
fn spans(text: &str) -> String {
    let all = text.split('`').skip(1).step_by(2);
    let lines = all.map(|span| {
        let words = span.split_whitespace().filter(|word| *word != "\\");
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the commands of a text: the words behind each `mcp-login`, as a shell splits them.
fn commands_in(text: &str) -> Vec<Vec<String>> {
    let parts = text.split("\\\n").map(|part| part.trim_matches(' '));
    let text = parts.collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for line in text.lines() {
        let mut from = 0;
        while let Some(at) = line[from..].find("mcp-login ") {
            let start = from + at;
            from = start + "mcp-login ".len();
            let before = &line[..start];
            let is_word = before.is_empty() || before.ends_with([' ', '(', '\'', '"', '`']);
            let is_installed = ["install ", "--bin ", "-p "]
                .iter()
                .any(|it| before.ends_with(it));
            if is_word && !is_installed {
                found.push(words(&line[start..]));
            }
        }
    }
    found
}

/// Splits a line as a shell does, up to the end of the command: there, in drawings too, more than one space may follow.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '<' | '>' | ')' | '`') => break,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// A value that stands for another one, as in `--to CLIENT`, or is left out.
fn is_placeholder(word: &str) -> bool {
    let is_name = word
        .chars()
        .all(|it| it.is_ascii_uppercase() || "_:-".contains(it));
    is_name && word.chars().any(|it| it.is_ascii_uppercase())
        || word.contains(['{', '…', '$'])
        || word.contains("...")
}

#[apply(test)]
fn every_command_in_the_documents_is_one() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, text) in documents() {
        for words in commands_in(&text) {
            count += 1;
            let Err(err) = commands::command().try_get_matches_from(&words) else {
                continue;
            };
            let is_fine = match err.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
                ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                    words.iter().any(|word| is_placeholder(word))
                }
                ErrorKind::MissingRequiredArgument => true,
                _ => false,
            };
            if !is_fine {
                wrong.push(format!("{name}: {words:?}: {err}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "{count} commands");
}

#[apply(test)]
fn every_option_in_the_documents_exists_and_is_in_the_manual() {
    let manual: Vec<_> = files("man", ".1")
        .iter()
        .map(|path| fs::read_to_string(path).expect("a page"))
        .collect();
    let manual = manual.join("\n");
    let mut known = vec!["--help".to_owned(), "--version".to_owned()];
    for command in with_subcommands() {
        for option in command.get_arguments() {
            let Some(long) = option.get_long() else {
                continue;
            };
            let aliases = option.get_all_aliases().unwrap_or_default();
            known.extend(aliases.iter().map(|alias| format!("--{alias}")));
            known.push(format!("--{long}"));
            if option.is_hide_set() {
                continue;
            }
            let written = format!("\\fB\\-\\-{}\\fR", long.replace('-', "\\-"));
            let name = command.get_name();
            assert!(
                manual.contains(&written),
                "--{long} of {name} is not in the manual"
            );
        }
    }
    let mut wrong = Vec::new();
    for (name, text) in documents() {
        // Spans of code that begin with an option are about ours.
        let options = text.lines().filter(|line| line.starts_with("--"));
        for option in options.filter_map(|line| line.split([' ', '=', '[', ',']).next()) {
            let is_known = known.iter().any(|it| it == option) || OF_OTHERS.contains(&option);
            if !is_known && option != "--" {
                wrong.push(format!("{name}: {option}"));
            }
        }
    }
    assert!(wrong.is_empty(), "no such options: {}", wrong.join("\n"));
}

/// Returns the names of the variants of the events in a source, but those that only people see.
fn events_in(source: &str) -> Vec<String> {
    let source = fs::read_to_string(root(source)).expect("a source");
    let events = source.split("#[serde(tag = \"event\"").nth(1);
    let events = events.and_then(|it| it.split("\n}").next());
    let mut lines = events.expect("an enum of events").lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line == "    #[serde(skip)]" {
            lines.next();
        } else if line.starts_with("    ") && line[4..].starts_with(char::is_uppercase) {
            let name = line.trim().split(|it: char| !it.is_alphanumeric()).next();
            let name = name.unwrap_or_default().chars();
            let in_words = name.flat_map(|it| match it.is_uppercase() {
                true => vec!['_', it.to_ascii_lowercase()],
                false => vec![it],
            });
            found.push(in_words.collect::<String>()[1..].to_owned());
        }
    }
    found
}

#[apply(test)]
fn every_event_is_in_the_manual() {
    let manual = fs::read_to_string(root("man/mcp-login.1")).expect("the manual");
    let mut all = events_in("src/login/event.rs");
    all.extend(events_in("src/output/line.rs"));
    assert!(all.len() > 12, "{all:?}");
    for event in all {
        assert!(manual.contains(&format!("\\fB{event}\\fR (")), "{event}");
    }
}

/// Returns the blocks of code in a language, of all documents.
fn blocks(language: &str) -> Vec<(String, String)> {
    let documents = files("docs", ".md").into_iter().chain([root("README.md")]);
    let mut found = Vec::new();
    for path in documents {
        let text = fs::read_to_string(&path).expect("a document");
        for block in text.split("```").skip(1).step_by(2) {
            if let Some(code) = block.strip_prefix(&format!("{language}\n")) {
                found.push((path.display().to_string(), code.to_owned()));
            }
        }
    }
    found
}

/// Asserts that a shell takes a script.
#[cfg(unix)]
fn assert_shell_takes(script: &str, name: &str) {
    let mut shell = std::process::Command::new("sh");
    let checked = shell.args(["-n", "-c", script]).output().expect("a shell");
    let complaint = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success(), "{name}: {complaint}{script}");
}

#[cfg(unix)]
#[apply(test)]
fn the_examples_for_other_programs_are_in_their_formats() {
    let mut scripts = blocks("sh");
    for (name, text) in blocks("yaml") {
        let found: serde_json::Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|err| panic!("{name}: {err}: {text}"));
        assert!(found.is_object(), "{name}: {text}");
        let steps = [&found["steps"], &found["jobs"]["tools"]["steps"]];
        let steps = steps.into_iter().filter_map(|it| it.as_array()).flatten();
        let steps = steps.filter_map(|step| step["run"].as_str());
        let lines = found["tools"]["script"].as_array().into_iter().flatten();
        let lines = lines.filter_map(|line| line.as_str());
        scripts.extend(steps.chain(lines).map(|it| (name.clone(), it.to_owned())));
    }
    for (name, script) in &scripts {
        assert_shell_takes(script, name);
    }
    assert!(scripts.len() > 8, "{scripts:?}");
    for (name, text) in blocks("json") {
        let found = serde_json::from_str::<serde_json::Value>(&text);
        assert!(found.is_ok(), "{name}: {found:?}: {text}");
    }
    let units = blocks("ini");
    assert!(units.len() > 2, "{units:?}");
    for (name, text) in units {
        for line in text.replace("\\\n", " ").lines() {
            let is_fine = line.is_empty()
                || line.starts_with(['#', '['])
                || line.split_once('=').is_some_and(|(key, _)| {
                    !key.is_empty() && key.chars().all(|it| it.is_ascii_alphanumeric())
                });
            assert!(is_fine, "{name}: {line}");
        }
    }
}
