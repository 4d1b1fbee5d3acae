//! `mcp-login` without a server: the help, and in a terminal the servers that the user's MCP clients name, to pick from.

use std::collections::{BTreeMap, BTreeSet};

use super::options::LoginArgs;
use crate::cli::names;
use crate::cli::servers::parse;
use crate::commands::status;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::text::printable;
use crate::os::terminal::{self, question};
use crate::output;

/// Lets the user pick a server; `None` if there is none to pick from, or none was picked.
///
/// # Errors
///
/// [`Error::Usage`] if nobody can be asked.
pub fn server(args: &LoginArgs, context: &Context) -> Result<Option<String>, Error> {
    let is_bare = std::env::args_os().len() == 1;
    if is_bare {
        let help = crate::commands::command().render_help().to_string();
        help.trim_end().lines().for_each(terminal::show);
    }
    if context.json || !question::can_be_asked() {
        return Err(Error::usage(
            "no SERVER is given",
            "`mcp-login URL` or `mcp-login NAME` logs in to one, `mcp-login --all` to all servers of your MCP clients",
        ));
    }
    let (words, rows): (Vec<_>, Vec<_>) = servers(args, context)?.into_iter().unzip();
    if words.is_empty() {
        return match is_bare {
            true => Ok(None),
            false => Err(Error::usage(
                "no SERVER is given, and your MCP clients name none",
                "give the URL of the MCP server, such as https://mcp.example.com/mcp",
            )),
        };
    }
    terminal::show("");
    terminal::show("Servers of your MCP clients:");
    output::aligned(&rows).lines().for_each(terminal::show);
    terminal::show("");
    let count = words.len();
    let question = format!("log in to which? (1 to {count}, a name or a URL; Enter for none)");
    let line = question::ask_line(&question, args.timeout()).unwrap_or_default();
    Ok(match line.parse::<usize>() {
        _ if line.is_empty() => None,
        Ok(number) => Some(words.get(number.wrapping_sub(1)).cloned().ok_or_else(|| {
            Error::usage(format!("{number} is not in the list"), "run this again")
        })?),
        Err(_) => Some(line),
    })
}

/// Returns the servers that a login can be made to: the word that names each, and its row of the list.
fn servers(args: &LoginArgs, context: &Context) -> Result<Vec<(String, [String; 5])>, Error> {
    let found = names::scan(args.from.as_deref())?.servers;
    let logins = status::list(context)?;
    let mut clients = BTreeMap::<_, Vec<_>>::new();
    for named in found.iter().filter(|named| named.skip().is_none()) {
        clients
            .entry((&named.name, &named.url))
            .or_default()
            .push(named);
    }
    let is_clear = |name: &str| clients.keys().filter(|(other, _)| *other == name).count() == 1;
    let rows = clients
        .iter()
        .zip(1..)
        .map(|(((name, url), named), number)| {
            let word = match is_clear(name) {
                true => (*name).clone(),
                false => named[0].full_name(),
            };
            let key = parse(url, context.profile.as_deref(), false)
                .ok()
                .map(|server| server.key);
            let login = logins.iter().find(|login| Some(login.entry.key()) == key);
            let names: BTreeSet<_> = named.iter().map(|named| named.source).collect();
            let clients = Vec::from_iter(names).join(", ");
            let clients = match named.iter().all(|named| named.in_project) {
                true => format!("{clients}, by a file of this project"),
                false => clients,
            };
            let row = [
                format!("{number:3}"),
                printable(&word),
                printable(&named[0].shown_url()),
                clients,
                login.map_or(String::new(), |login| login.state.in_words().to_owned()),
            ];
            (word, row)
        });
    Ok(rows.collect())
}
