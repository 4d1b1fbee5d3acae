//! The hand-over of a login to a client.

use std::path::PathBuf;
use std::process::ExitCode;

use super::stored::{find, print, use_context};
use super::LOST_OUTPUT;
use crate::cli::{Common, HandoverArgs, ModeChoice, PlaceArgs};
use crate::clients::{writer, Mode, Places, Target, TARGETS};
use crate::commands::handover::{hand_over, HandoverOptions, What};
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::os::terminal;
use crate::output::{self, Reporter};
use crate::refresh;
use crate::store::StoredId;

/// The variable for a token where the user named none.
const VARIABLE: &str = "MCP_LOGIN_BEARER";

/// `handover`
pub fn run_handover(args: &HandoverArgs, common: &Common) -> Result<ExitCode, Error> {
    if args.list {
        return Ok(list(common));
    }
    let client = args.to.ok_or_else(|| Error::Usage {
        message: "a login is handed over to a client, and none is named".to_owned(),
        hint: Some("name it with --to CLIENT; `mcp-login handover --list` names all".into()),
    })?;
    let context = use_context(common)?;
    let key = find(args.server.as_deref(), common, &context)?;
    let wish = HandoverOptions {
        client,
        mode: args.mode.map(|mode| match mode {
            ModeChoice::Access => Mode::Access,
            ModeChoice::Move => Mode::Move,
            ModeChoice::Copy => Mode::Copy,
        }),
        write: args.write,
        name: args.name.as_deref(),
        typed: args
            .server
            .as_deref()
            .filter(|it| !it.contains("://"))
            .map(|it| it.rsplit(':').next().unwrap_or(it)),
        variable: &args.env,
        helper: &helper(&key, &context),
    };
    let mut reporter = Reporter::new(common.json, false);
    give(&key, &wish, &args.places, &context, &mut reporter)
}

/// Hands a login over that has just been made.
pub fn give_new(
    key: &StoredId,
    client: &'static Target,
    places: &PlaceArgs,
    common: &Common,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    let helper = helper(key, &context);
    let wish = HandoverOptions {
        client,
        mode: None,
        write: true,
        name: None,
        typed: None,
        variable: VARIABLE,
        helper: &helper,
    };
    give(key, &wish, places, &context, reporter)
}

fn give(
    key: &StoredId,
    wish: &HandoverOptions,
    places: &PlaceArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    let given = hand_over(key, wish, context, &look(places)?)?;
    if let What::Product { text, append } = &given.what {
        let code = print(text);
        // What could not be masked is not shown to later steps either.
        if let (Some((path, lines)), true) = (append, code == ExitCode::SUCCESS) {
            let failed = |source| Error::HandOver {
                client: wish.client.name,
                source,
            };
            writer::append(path, lines).map_err(failed)?;
        }
        terminal::say(wish.client.note);
        return Ok(code);
    }
    reporter.handed_over(key, wish.client, &given);
    Ok(ExitCode::from(if reporter.lost_output {
        LOST_OUTPUT
    } else {
        Class::Success
    }))
}

/// Looks where the clients keep their things, or where the user says that they do.
fn look(args: &PlaceArgs) -> Result<Places, Error> {
    let mut places = Places::look().ok_or_else(|| Error::Usage {
        message: "cannot find the configurations of clients: HOME is not set to an absolute path"
            .to_owned(),
        hint: None,
    })?;
    let given = [
        ("WORKSPACE_MCP_CREDENTIALS_DIR", &args.credentials_dir),
        ("HERMES_HOME", &args.hermes_home),
        ("MCP_LOGIN_FASTMCP_DIR", &args.fastmcp_dir),
    ];
    for (variable, path) in given {
        if let Some(path) = path {
            places
                .variables
                .insert(variable.to_owned(), path.to_string_lossy().into_owned());
        }
    }
    Ok(places)
}

fn list(common: &Common) -> ExitCode {
    let text = match common.json {
        true => output::clients_json(TARGETS),
        false => output::clients_table(TARGETS),
    };
    print(text.trim_end())
}

/// Returns the command that prints the headers of a request wherever it is run: with each setting that the client's
/// environment might not have.
fn helper(key: &StoredId, context: &Context) -> String {
    let mut words = vec![program()];
    words.extend(refresh::Settings::of(context).options());
    words.extend(output::hint::profile(&key.profile));
    words.push("headers".to_owned());
    // A name of the user's own may begin with `-`.
    words.extend(key.server.starts_with('-').then(|| "--".to_owned()));
    words.push(key.server.clone());
    output::hint::shell(&words)
}

/// Returns our name where a shell finds us by it, else our path.
fn program() -> String {
    let (name, own) = (
        env!("CARGO_PKG_NAME"),
        std::env::current_exe().and_then(|path| path.canonicalize()),
    );
    let Ok(own) = own else { return name.to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    match first.and_then(|path: PathBuf| path.canonicalize().ok()) {
        Some(found) if found == own => name.to_owned(),
        _ => own.display().to_string(),
    }
}
