//! Claude Code: asks us for the headers of its requests, by its documented `headersHelper`.
//!
//! Its own store of logins is not written: the same file holds the user's subscription, and writes of two programs have
//! destroyed it before.

use std::iter;
use std::path::{Path, PathBuf, MAIN_SEPARATOR};

use serde_json::json;

use super::setting::{EntryPlace, Setting};
use super::{config, writer, Delivery, Handover, HandoverError, Mode, Places, Target};

/// Claude Code 2.1.
pub const TARGET: Target = Target {
    name: "claude-code",
    about: "runs `mcp-login headers` as its headersHelper",
    source: Some("claude-code"),
    asks_us: true,
    modes: &[Mode::Access],
    deliver,
    note: "Claude Code reads its configuration when it starts",
    ..Target::NEW
};

/// Returns how Claude Code may name the directory of a project: with slashes on Windows too, where a name with backslashes
/// is another one, and with the letter of the drive as it was started with, in either case.
pub fn project_names(directory: &Path) -> Vec<String> {
    let name = directory.display().to_string().replace(MAIN_SEPARATOR, "/");
    // What is canonical on Windows begins with `\\?\`.
    let name = name.strip_prefix("//?/").unwrap_or(&name);
    let drive = name.split_once(":/").map(|(drive, _)| drive);
    let drive = drive.filter(|it| it.len() == 1);
    let letters = drive.map(|it| [it.to_ascii_lowercase(), it.to_ascii_uppercase()]);
    let either = letters.into_iter().flatten().map(|it| it + &name[1..]);
    iter::once(name.to_owned())
        .chain(either.filter(|it| it != name))
        .collect()
}

/// Returns the directory under whose name Claude Code 2.1.332 keeps the servers of all directories of a Git repository: that
/// of its main worktree, or the repository itself if that is bare.
pub fn repository(directory: &Path) -> Option<PathBuf> {
    let mut links = directory.ancestors().map(|it| it.join(".git"));
    let link = links.find(|it| it.exists())?;
    main_worktree(&link).or_else(|| link.parent().map(Path::to_owned))
}

/// Returns what [`repository`] does, from the `.git` of a linked worktree.
fn main_worktree(link: &Path) -> Option<PathBuf> {
    let named_in = |path: &Path| {
        let text = writer::read_text(path, false).ok().flatten()?;
        let name = text.trim_start_matches("gitdir:").trim();
        path.parent()?.join(name).canonicalize().ok()
    };
    let own = named_in(link)?;
    let worktrees = own.parent().filter(|it| it.ends_with("worktrees"))?;
    let repository = worktrees.parent()?;
    // Anybody can write a link: the repository has to know it.
    let is_known = named_in(&own.join("gitdir"))? == link.canonicalize().ok()?;
    let main = match repository.ends_with(".git") {
        true => repository.parent()?,
        false => repository,
    };
    is_known.then(|| main.to_owned())
}

/// Returns the name that a project has in the configuration: the one that names the server, else one that is there.
fn project_name(path: &Path, directory: &Path, server: &str) -> String {
    let names = project_names(directory);
    let document = config::document(path, false, &[&["projects".to_owned()]]).unwrap_or_default();
    let rank = |name: &String| {
        let project = &document["projects"][name.as_str()];
        (project["mcpServers"][server].is_null(), project.is_null())
    };
    names.into_iter().min_by_key(rank).unwrap_or_default()
}

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    // A project's own file is shared, and not changed: the user's setting for the project wins over it.
    let path = places.path_or("CLAUDE_CONFIG_DIR", "").join(".claude.json");
    let helper = handover.command.shell("headers");
    if let Some(it) = handover
        .configured
        .filter(|it| !it.in_project && it.path != path)
    {
        let managed = it.path.display();
        return Err(HandoverError::unsuitable(
            format!(
                "Claude Code reads the servers of {managed} alone, which is the administrator's"
            ),
            format!("the entry there needs \"headersHelper\": {}", json!(helper)),
        ));
    }
    let mut keys = Vec::new();
    if let Some(directory) = handover.configured.and_then(|it| it.project.as_ref()) {
        let directory = repository(directory).unwrap_or_else(|| directory.clone());
        let name = project_name(&path, &directory, handover.name);
        keys.extend(["projects".to_owned(), name]);
    }
    keys.push("mcpServers".to_owned());
    let place = EntryPlace {
        path,
        keys,
        name: handover.name.to_owned(),
        is_list: false,
    };
    let setting = Setting {
        usual: json!({"type": "http", "url": handover.url}),
        members: json!({"headersHelper": helper}),
        ..Setting::new(handover, place)
    };
    Ok(Delivery::Setting(Box::new(setting), None))
}

#[cfg(test)]
mod tests {
    use super::super::sdk::tests::{configured, handover, login, places};
    use super::*;

    #[test]
    fn what_an_administrator_manages_is_left_to_him() {
        let login = login();
        let mut server = configured("claude-code", json!({}));
        for (path, is_refused) in [
            ("/home/ann/.claude.json", false),
            ("/etc/claude-code/managed-mcp.json", true),
        ] {
            server.path = path.into();
            let handover = Handover {
                configured: Some(&server),
                ..handover(&login, Mode::Access)
            };
            match deliver(&handover, &places(&[])) {
                Err(HandoverError::Unsuitable { message, hint }) if is_refused => {
                    assert!(message.contains(path), "{message}");
                    assert!(
                        hint.contains("\"headersHelper\": \"/opt/mcp-login headers x\""),
                        "{hint}"
                    );
                }
                delivered => assert!(delivered.is_ok() && !is_refused, "{path}"),
            }
        }
    }

    #[test]
    fn win7_a_project_is_found_by_either_case_of_its_drive() {
        for (directory, names) in [
            ("/home/ann/C:/work", &["/home/ann/C:/work"][..]),
            ("C:/Work", &["C:/Work", "c:/Work"]),
            ("c:/Work/Inner", &["c:/Work/Inner", "C:/Work/Inner"]),
            ("//server/C:/work", &["//server/C:/work"]),
        ] {
            assert_eq!(project_names(Path::new(directory)), names);
        }
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join(".claude.json");
        for (projects, name) in [
            (json!({}), "C:/Work"),
            (json!({"c:/Work": {}}), "c:/Work"),
            (json!({"C:/work": {}}), "C:/Work"),
            (json!({"c:/Work": {}, "C:/Work": {}}), "C:/Work"),
            (
                json!({"c:/Work": {"mcpServers": {"it": {}}}, "C:/Work": {"mcpServers": {"other": {}}}}),
                "c:/Work",
            ),
        ] {
            let text = json!({"projects": projects}).to_string();
            std::fs::write(&path, &text).expect("writing");
            let found = project_name(&path, Path::new("C:/Work"), "it");
            assert_eq!(found, name, "{text}");
        }
    }
}
