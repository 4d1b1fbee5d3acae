//! The browsers that a user names: one command, or the list of them in `BROWSER`.

use crate::os::programs;

/// Returns the commands that a value names, each as its words, in the order in which they are tried. The value of `BROWSER`
/// is a list with colons; `--browser` is one command. `is_program` tells whether a word is a program that is there.
///
/// A path may hold spaces and parentheses, as on a Windows drive; so what is there under the whole name is taken first,
/// then what is there under the longest beginning of it, and only then the words as a shell would read them.
pub fn commands(value: &str, is_list: bool, is_program: &dyn Fn(&str) -> bool) -> Vec<Vec<String>> {
    let whole = value.trim();
    if is_program(whole) {
        return vec![vec![whole.to_owned()]];
    }
    let parts = if is_list {
        split_unquoted(whole, SEPARATOR)
    } else {
        vec![whole]
    };
    // A `&` at the end, as a shell and Python's webbrowser take it, asks for what is done anyway.
    let parts = parts.into_iter().map(str::trim);
    let parts = parts.map(|part| part.strip_suffix(" &").unwrap_or(part));
    parts
        .map(|part| command(part, is_program))
        .filter(|command| command.first().is_some_and(|program| !program.is_empty()))
        .collect()
}

fn command(text: &str, is_program: &dyn Fn(&str) -> bool) -> Vec<String> {
    let ends = text
        .match_indices(' ')
        .map(|(at, _)| at)
        .chain([text.len()]);
    let paths = ends
        .map(|end| text.split_at(end))
        .filter(|(path, _)| is_path(path));
    match paths.filter(|(path, _)| is_program(path)).last() {
        Some((path, rest)) => [path.to_owned()].into_iter().chain(words(rest)).collect(),
        None => words(text),
    }
}

/// Tells whether a word can only be a path, which on Windows may begin with a drive.
fn is_path(word: &str) -> bool {
    word.starts_with(['/', '.', '~']) || (cfg!(windows) && programs::is_path(word))
}

/// What is between the commands of a list. A drive of Windows has a colon, and a path there backslashes, which escape nothing.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Splits at a character outside of quotes.
fn split_unquoted(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, _) if character == at => {
                parts.push(text.get(start..place).unwrap_or_default());
                start = place + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Reads words as a shell does: quotes and backslashes, and nothing else; on Windows, where paths have backslashes, only quotes.
///
/// Spec: POSIX.1-2024, Shell Command Language, section 2.2.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == character => quote = None,
            (None, '\\') if cfg!(unix) => word.get_or_insert_default().extend(characters.next()),
            (Some('"'), '\\')
                if cfg!(unix)
                    && characters
                        .peek()
                        .is_some_and(|next| "\"\\$`".contains(*next)) =>
            {
                word.get_or_insert_default().extend(characters.next());
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// Returns the arguments of a command for a URL: `%s` is replaced with it, `%c` for a colon and `%%` for a percent sign. Where no
/// `%s` occurs, the URL comes last.
pub fn arguments(command: &[String], url: &str) -> Vec<String> {
    let mut is_placed = false;
    let mut arguments: Vec<String> = command
        .iter()
        .skip(1)
        .map(|word| expand(word, url, &mut is_placed))
        .collect();
    if !is_placed {
        arguments.push(url.to_owned());
    }
    arguments
}

fn expand(word: &str, url: &str, is_placed: &mut bool) -> String {
    let (mut expanded, mut characters) = (String::new(), word.chars());
    while let Some(character) = characters.next() {
        if character != '%' {
            expanded.push(character);
            continue;
        }
        match characters.next() {
            Some('s') => {
                expanded.push_str(url);
                *is_placed = true;
            }
            Some('c') => expanded.push(':'),
            Some('%') => expanded.push('%'),
            other => expanded.extend(['%'].into_iter().chain(other)),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "/mnt/c/Program Files (x86)/Google/Chrome/Application/chrome.exe";

    #[test]
    fn p56_p63_which_browsers_a_value_names() {
        let there = |program: &str| {
            [CHROME, "/opt/my browser", "/usr/bin/firefox", "firefox"].contains(&program)
        };
        let check = |value: &str, is_list: bool, expected: &[&[&str]]| {
            assert_eq!(commands(value, is_list, &there), expected, "{value}");
        };
        for is_list in [true, false] {
            check(CHROME, is_list, &[&[CHROME]]);
            check(
                &format!("{CHROME} --incognito '%s'"),
                is_list,
                &[&[CHROME, "--incognito", "%s"]],
            );
            check(
                &format!("\"{CHROME}\" --profile-directory='Profile 1' %s"),
                is_list,
                &[&[CHROME, "--profile-directory=Profile 1", "%s"]],
            );
            check("firefox -P \"a b\"", is_list, &[&["firefox", "-P", "a b"]]);
            check("nosuch", is_list, &[&["nosuch"]]);
            check("firefox %s &", is_list, &[&["firefox", "%s"]]);
            check("firefox '&'", is_list, &[&["firefox", "&"]]);
            check("", is_list, &[]);
            check("  ", is_list, &[]);
            check(
                "sh -c 'echo \"$1\"' sh",
                is_list,
                &[&["sh", "-c", "echo \"$1\"", "sh"]],
            );
            check("open 'never closed", is_list, &[&["open", "never closed"]]);
        }
        let list = |text: &str| text.replace('|', &SEPARATOR.to_string());
        check(
            &list("firefox|chromium --new-window"),
            true,
            &[&["firefox"], &["chromium", "--new-window"]],
        );
        check(
            &list(&format!("nosuch|{CHROME}|")),
            true,
            &[&["nosuch"], &[CHROME]],
        );
        let quoted = list("'/a|b/c' -x|d");
        check(&quoted, true, &[&[&list("/a|b/c"), "-x"], &["d"]]);
        check("a:b", false, &[&["a:b"]]);
    }

    #[cfg(unix)]
    #[test]
    fn p56_p63_backslashes_in_a_command() {
        for (value, expected) in [
            ("/opt/my\\ browser -x", &["/opt/my browser", "-x"][..]),
            ("a \"b \\\" c\" '' d\\'e", &["a", "b \" c", "", "d'e"]),
        ] {
            assert_eq!(commands(value, false, &|_| false), [expected], "{value}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn win6_paths_in_a_command() {
        let there = |program: &str| [r"C:\My Apps\it.exe", r".\my it.cmd"].contains(&program);
        for (value, expected) in [
            (r"C:\My Apps\it.exe -x", &[r"C:\My Apps\it.exe", "-x"][..]),
            (r".\my it.cmd 'a b'", &[r".\my it.cmd", "a b"]),
            (r#""C:\No Apps\" \x"#, &[r"C:\No Apps\", r"\x"]),
            (
                r#""\\server\a b\it.exe" "c\\d""#,
                &[r"\\server\a b\it.exe", r"c\\d"],
            ),
        ] {
            assert_eq!(commands(value, false, &there), [expected], "{value}");
        }
    }

    #[test]
    fn p56_where_the_address_goes() {
        let url = "https://as.example/a?b=%2Fc&d=%s";
        for (command, expected) in [
            (&["x"][..], &[url][..]),
            (&["x", "-n"], &["-n", url]),
            (&["x", "%s", "-n"], &[url, "-n"]),
            (
                &["x", "--url=%s%%", "%c%x%"],
                &["--url=https://as.example/a?b=%2Fc&d=%s%", ":%x%"],
            ),
        ] {
            let command: Vec<_> = command.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(arguments(&command, url), expected);
        }
    }
}
