//! Commands in the configurations of clients that run this program for a login, and the command that we write there.

use std::env::{self, consts::EXE_SUFFIX};

use serde_json::Value;

use super::config::{self, ConfiguredServer};
use super::{mcp_remote, Places};
use crate::os::programs;
use crate::os::shell::{quoted_in_setting, words_of_setting};
use crate::store::{StoredId, DEFAULT_PROFILE};

/// The command that is an MCP server itself.
pub const CONNECT: &str = "connect";

/// The commands that print a token, and the one that is an MCP server itself.
const COMMANDS: [&str; 3] = ["headers", "token", CONNECT];

/// How this program is run for a login wherever that is: with each setting that the client's environment might not have.
#[derive(Clone, Debug)]
pub struct OwnCommand {
    /// The absolute path of the running program.
    pub program: String,
    /// The options for the settings that are not the usual ones.
    pub options: Vec<String>,
    /// The login, as SERVER.
    pub server: String,
}

impl OwnCommand {
    /// Returns the arguments of [`CONNECT`].
    pub fn connect(&self) -> Vec<String> {
        let mut words = vec![CONNECT.to_owned()];
        // A name that the user chose may begin with `-`.
        if self.server.starts_with('-') {
            words.extend(self.options.iter().cloned());
            words.push("--".to_owned());
            words.push(self.server.clone());
        } else {
            words.push(self.server.clone());
            words.extend(self.options.iter().cloned());
        }
        words
    }

    /// Returns one of the other commands as a line for a shell.
    pub fn shell(&self, command: &str) -> String {
        let mut words = vec![self.program.as_str()];
        words.extend(self.options.iter().map(String::as_str));
        words.push(command);
        if self.server.starts_with('-') {
            words.push("--");
        }
        words.push(&self.server);
        in_shell(words)
    }
}

/// Returns the absolute path of the running program: the one on the PATH if it is the same program, because that path
/// outlives an update.
pub fn program() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Ok(own) = programs::own() else {
        return name.to_owned();
    };
    let (canonical, file) = (own.canonicalize().ok(), format!("{name}{EXE_SUFFIX}"));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file));
    let same = candidates.find(|path| canonical.is_some() && path.canonicalize().ok() == canonical);
    same.unwrap_or(own).display().to_string()
}

fn in_shell<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(quoted_in_setting).collect();
    words.join(" ")
}

fn is_program(word: &str) -> bool {
    programs::name(word) == env!("CARGO_PKG_NAME")
}

/// Returns the program that a command runs for a login, if it is this one.
fn program_of(command: &str) -> Option<String> {
    let mut words = words_of_setting(command).into_iter();
    let program = words.find(|word| is_program(word))?;
    words
        .any(|word| COMMANDS.contains(&word.as_str()))
        .then_some(program)
}

/// Returns whether a command for a shell runs this program for a token.
pub fn is_helper(command: &str) -> bool {
    program_of(command).is_some()
}

/// Returns whether an entry starts this program as its MCP server.
pub fn connects(entry: &Value) -> bool {
    let mut words = mcp_remote::words(entry);
    words.any(is_program) && words.any(|word| word == CONNECT)
}

/// Returns the commands of an entry that run this program for a login, for a shell.
fn commands(entry: &Value) -> Vec<String> {
    if connects(entry) {
        return vec![in_shell(mcp_remote::words(entry))];
    }
    let mut texts = Vec::new();
    collect(entry, &mut texts);
    texts.retain(|text| is_helper(text));
    texts.into_iter().map(str::to_owned).collect()
}

/// Returns the servers in the configurations of clients that run this program for this login.
pub fn that_ask_for(key: &StoredId, places: &Places) -> Vec<ConfiguredServer> {
    let mut found = config::scan(places, None).servers;
    found.retain(|it| asks_for(it, key));
    found
}

/// Returns whether an entry runs this program for this login.
pub fn asks_for(configured: &ConfiguredServer, key: &StoredId) -> bool {
    commands(&configured.entry).iter().any(|text| {
        let words = words_of_setting(text);
        has_profile(&words, key) && (key.is_for(&configured.url) || words.contains(&key.server))
    })
}

/// Returns the servers in the configurations of clients that run this program, each with the program as it is written
/// there, and whether the client finds it.
pub fn that_run_us(places: &Places) -> Vec<(ConfiguredServer, String, bool)> {
    let mut found = Vec::new();
    for server in config::scan(places, None).servers {
        let path = server.entry["env"]["PATH"].as_str();
        let path = path.or_else(|| places.variable("PATH")).unwrap_or_default();
        let programs = commands(&server.entry);
        let programs = programs.iter().filter_map(|text| program_of(text));
        let programs = programs.map(|program| (programs::is_there(&program, path), program));
        if let Some((is_there, program)) = programs.min() {
            found.push((server, program, is_there));
        }
    }
    found
}

/// Returns whether the words of a command name the profile of a login.
fn has_profile(words: &[String], key: &StoredId) -> bool {
    let profile = key.profile.as_str();
    let is_named = words.contains(&format!("--profile={profile}"))
        || words.windows(2).any(|it| *it == ["--profile", profile]);
    let is_usual = || !words.iter().any(|it| it.starts_with("--profile"));
    is_named || profile == DEFAULT_PROFILE && is_usual()
}

/// Collects all text of an entry.
fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f1_f4_our_own_helpers() {
        for (command, program) in [
            (
                "mcp-login headers https://mcp.example.com/mcp",
                Some("mcp-login"),
            ),
            (
                "/opt/x y/mcp-login --store file headers linear",
                Some("y/mcp-login"),
            ),
            (
                "'/opt/x y/mcp-login' --profile work headers linear",
                Some("/opt/x y/mcp-login"),
            ),
            #[cfg(unix)]
            (
                "'/opt/o'\\''x/mcp-login' headers linear",
                Some("/opt/o'x/mcp-login"),
            ),
            (
                "Bearer $(mcp-login token https://mcp.example.com/mcp)",
                Some("mcp-login"),
            ),
            (
                "Bearer $(\"/opt/x y/mcp-login\" token linear)",
                Some("/opt/x y/mcp-login"),
            ),
            ("mcp-login status", None),
            ("another headers https://mcp.example.com/mcp", None),
            ("get-headers --via mcp-login-proxy", None),
            ("/opt/mcp-login/other headers x", None),
            ("other headers --for mcp-login", None),
        ] {
            assert_eq!(program_of(command).as_deref(), program, "{command}");
            assert_eq!(is_helper(command), program.is_some(), "{command}");
        }
        let of = |profile: &str| StoredId {
            server: "s".to_owned(),
            profile: profile.to_owned(),
        };
        for (command, profile, is_meant) in [
            ("mcp-login headers s", "default", true),
            ("mcp-login headers s", "work", false),
            ("mcp-login --profile work headers s", "work", true),
            ("mcp-login --profile=-x headers s", "-x", true),
            ("mcp-login --profile work headers s", "default", false),
            ("mcp-login --profile workshop headers s", "work", false),
            ("mcp-login --profile default headers s", "default", true),
        ] {
            assert_eq!(
                has_profile(&words_of_setting(command), &of(profile)),
                is_meant,
                "{command} {profile}"
            );
        }
    }

    #[test]
    fn entries_that_start_this_program() {
        for (entry, is_ours) in [
            (
                json!({"command": "mcp-login", "args": ["connect", "https://a.example"]}),
                true,
            ),
            (
                json!({"cmd": "/o p/mcp-login", "args": ["connect", "x"]}),
                true,
            ),
            (
                json!({"command": ["/o/mcp-login", "--store", "file", "connect", "x"]}),
                true,
            ),
            (json!({"command": "mcp-login", "args": ["status"]}), false),
            (
                json!({"command": "npx", "args": ["mcp-remote", "https://a.example"]}),
                false,
            ),
            (
                json!({"url": "https://a.example/mcp-login", "headers": {"A": "connect"}}),
                false,
            ),
        ] {
            assert_eq!(connects(&entry), is_ours, "{entry}");
            assert_eq!(commands(&entry).len(), usize::from(is_ours), "{entry}");
        }
    }

    #[test]
    fn the_command_names_the_login_and_each_setting() {
        let command = |server: &str| OwnCommand {
            program: "/o p/mcp-login".to_owned(),
            options: vec!["--store".to_owned(), "file".to_owned()],
            server: server.to_owned(),
        };
        let linear = command("https://mcp.linear.app/mcp");
        assert_eq!(
            linear.connect(),
            ["connect", "https://mcp.linear.app/mcp", "--store", "file"]
        );
        let quote = if cfg!(windows) { '"' } else { '\'' };
        assert_eq!(
            linear.shell("headers"),
            format!("{quote}/o p/mcp-login{quote} --store file headers https://mcp.linear.app/mcp")
        );
        assert_eq!(
            command("-x").connect(),
            ["connect", "--store", "file", "--", "-x"]
        );
        assert_eq!(
            command("-x").shell("token"),
            format!("{quote}/o p/mcp-login{quote} --store file token -- -x")
        );
    }
}
