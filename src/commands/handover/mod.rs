//! `handover`: give a login to an MCP client, in the way that the client documents.

mod options;
mod transfer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::Args;
use serde_json::json;

use crate::cli::{names, servers, values};
use crate::clients::config::ConfiguredServer;
use crate::clients::ours::{self, OwnCommand};
use crate::clients::writer::{self, WriteError};
use crate::clients::{targets, HandoverError, Mode, Places, Target};
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::oauth::text::printable;
use crate::os::terminal::question::{self, Answer};
use crate::os::terminal::{self, paste};
use crate::output::{self, Line, Reporter};
use crate::store::StoredId;
use crate::warning::warn_user;
use options::HandoverOptions;
pub use transfer::written;
use transfer::{hand_over, not_given, Consent, Delivered, Transfer};

/// Longest wait for an answer to a question.
const QUESTION_LIMIT: Duration = Duration::from_secs(300);

/// The options of a hand-over.
#[derive(Clone, Debug, Args)]
pub struct HandoverArgs {
    /// The server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    /// The client that gets the login
    #[arg(long, value_name = "CLIENT", value_parser = values::client())]
    pub to: Option<&'static Target>,

    /// List the clients
    #[arg(long)]
    pub list: bool,

    /// Who has the refresh token afterwards [default: what suits the client]
    #[arg(long, value_name = "MODE", value_parser = values::one_of(MODES))]
    pub mode: Option<Mode>,

    /// Write into the client's files without asking
    #[arg(long)]
    pub write: bool,

    /// Take out what --write wrote, and put back what was there
    #[arg(long, conflicts_with_all = ["write", "mode", "name"])]
    pub undo: bool,

    /// The server's name in the client's configuration [default: the name that it has there]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// The variable that holds the token, for dotenv and github-actions
    #[arg(long, value_name = "NAME", default_value = values::VARIABLE, value_parser = values::variable)]
    pub env: String,

    #[command(flatten)]
    pub places: PlaceArgs,
}

const MODES: values::Words<Mode> = values::words! {
    "access", "mcp-login: the client gets access tokens only" => Mode::Access;
    "move", "The client: mcp-login keeps no token of the login" => Mode::Move;
    "copy", "Both; only for Google, which never replaces a refresh token" => Mode::Copy;
};

/// Where clients keep their files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The client's files")]
pub struct PlaceArgs {
    /// The directory of workspace-mcp's credentials files
    #[arg(long, value_name = "DIR")]
    pub credentials_dir: Option<PathBuf>,

    /// The home directory of Hermes, or of one of its profiles
    #[arg(long, value_name = "DIR")]
    pub hermes_home: Option<PathBuf>,

    /// The directory of a FastMCP application's FileTreeStore
    #[arg(long, value_name = "DIR")]
    pub fastmcp_dir: Option<PathBuf>,
}

/// Hands a stored login over to a client.
///
/// # Errors
///
/// [`Error::HandOver`] if the client cannot have it; [`Error::NotLoggedIn`]; [`Error::Usage`].
pub fn run(args: &HandoverArgs, context: &Context) -> Result<ExitCode, Error> {
    let client = args.to.ok_or_else(|| {
        Error::usage(
            "which client? name it with --to",
            "`mcp-login handover --list` lists the clients",
        )
    })?;
    let server = args.server.as_deref();
    let key = servers::find(server, context)?;
    let mut reporter = Reporter::new(context.json, false);
    if args.undo {
        return take_back(&key, client, context, &mut reporter);
    }
    let options = HandoverOptions {
        client,
        mode: args.mode,
        name: args.name.as_deref(),
        typed: server
            .filter(|it| !it.contains("://"))
            .map(|it| names::source_of(it).map_or(it, |(_, name)| name)),
        variable: &args.env,
        command: &own_command(&key, context),
    };
    let consent = consent(args.write, context);
    report(
        &key,
        &options,
        consent,
        &args.places,
        (context, &mut reporter),
    )
}

/// Hands a new login over to a client; `typed` is the name by which the user called the server.
///
/// # Errors
///
/// Those of [`run`].
pub fn hand_over_new(
    key: &StoredId,
    (client, typed, write): (&'static Target, Option<&str>, bool),
    places: &PlaceArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    // Nothing else reads the terminal any more.
    paste::restore();
    let options = HandoverOptions {
        client,
        mode: None,
        name: None,
        typed,
        variable: values::VARIABLE,
        command: &own_command(key, context),
    };
    let consent = consent(write, context);
    report(key, &options, consent, places, (context, reporter))
}

/// Returns what is done without asking: everything with `--write`; in a terminal the user is asked; without one, a setting
/// is printed, and a client that refreshes tokens itself gets the login.
fn consent(write: bool, context: &Context) -> Consent {
    let is_asked = || !context.json && question::can_be_asked();
    match write {
        true => Consent::Write,
        false if is_asked() => Consent::Nothing,
        false => Consent::Move,
    }
}

/// Shows what would be done, and asks.
fn is_agreed(planned: &Transfer, client: &Target, reporter: &mut Reporter) -> bool {
    let shown = |path: &Path| printable(&path.display().to_string());
    let question = match &planned.delivered {
        Delivered::Shown {
            setting,
            path,
            writable: true,
        } => {
            terminal::say(&format!("this would be put into {}:", shown(path)));
            reporter.product(setting);
            format!("write it for {}?", client.name)
        }
        Delivered::Planned(paths) => {
            for path in paths {
                terminal::say(&format!("this file would be changed: {}", shown(path)));
            }
            if planned.mode == Mode::Move {
                terminal::say(&format!(
                    "{} would refresh the login from then on, and mcp-login keep no token of it",
                    client.name
                ));
            }
            format!("give the login to {}?", client.name)
        }
        _ => return true,
    };
    question::ask(&question, QUESTION_LIMIT) == Answer::Yes
}

/// Takes back what was written into the configuration of a client.
fn take_back(
    key: &StoredId,
    client: &'static Target,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    for (place, restored) in transfer::take_back(key, client, context)? {
        let (path, name) = (place.path.display().to_string(), printable(&place.name));
        terminal::say_good(&match restored {
            true => format!("{path} has its old entry {name} again"),
            false => format!("the entry {name} is taken out of {path}"),
        });
        reporter.json(&Line::TakenBack {
            server: &key.server,
            profile: &key.profile,
            client: client.name,
            name: &place.name,
            path,
            restored,
        });
    }
    Ok(reporter.exit_code(Class::Success))
}

/// Takes back what was written into the configurations of all clients, and names what was changed there since.
pub fn take_back_all(context: &Context, reporter: &mut Reporter) {
    for (client, key) in written(context) {
        let client = Target::find(&client);
        if let Some(Err(err)) = client.map(|it| take_back(&key, it, context, reporter)) {
            warn_user!(TokenEnded, "{}", err.one_line());
        }
    }
}

/// Hands a login over and says how it went.
fn report(
    key: &StoredId,
    options: &HandoverOptions,
    consent: Consent,
    places: &PlaceArgs,
    (context, reporter): (&Context, &mut Reporter),
) -> Result<ExitCode, Error> {
    let (client, places) = (options.client, places.look()?);
    let hand_over = |consent| hand_over(key, options, consent, context, &places);
    let show_instead = |failure: &Error, reporter: &mut Reporter| {
        if cannot_change(failure) {
            show_setting(hand_over(Consent::Nothing), context.json, reporter);
        }
    };
    let mut done = hand_over(consent).inspect_err(|err| show_instead(err, reporter))?;
    if consent == Consent::Nothing && done.is_planned() {
        if !is_agreed(&done, client, reporter) {
            terminal::say("nothing was written");
            return Ok(reporter.exit_code(Class::LoginNeeded));
        }
        done = hand_over(Consent::Write).inspect_err(|err| show_instead(err, reporter))?;
    }
    if let Delivered::Product { text, append } = &done.delivered {
        let code = output::print(text);
        // What could not be masked is not shown to later steps either.
        if let (Some((path, lines)), true) = (append, code == ExitCode::SUCCESS) {
            writer::append(path, lines).map_err(|source| not_given(client, source))?;
        }
        terminal::say(client.note);
        return Ok(code);
    }
    done.report(key, client, reporter);
    Ok(reporter.exit_code(Class::Success))
}

/// Tells whether a file could not be changed, because of its form or of where it is.
fn cannot_change(failure: &Error) -> bool {
    use HandoverError::UnknownFormat;
    let Error::HandOver { source, .. } = failure else {
        return false;
    };
    matches!(
        source,
        WriteError::Refused(UnknownFormat { .. }) | WriteError::Disk(_)
    )
}

/// Shows the setting that a user has to write into a file that cannot be changed here.
fn show_setting(planned: Result<Transfer, Error>, json: bool, reporter: &mut Reporter) {
    if let Ok(Delivered::Shown { setting, path, .. }) = planned.map(|it| it.delivered) {
        let path = printable(&path.display().to_string());
        terminal::say(&format!("put this into {path} by hand:"));
        // With `--json`, stdout is for events.
        match json {
            true => setting.lines().for_each(terminal::show),
            false => reporter.product(&setting),
        }
    }
}

impl Transfer {
    /// Tells whether something would be written, if the user agrees.
    fn is_planned(&self) -> bool {
        matches!(
            self.delivered,
            Delivered::Planned(_) | Delivered::Shown { writable: true, .. }
        )
    }

    /// Prints what the client has now, and what the user has to do.
    fn report(&self, key: &StoredId, client: &Target, reporter: &mut Reporter) {
        let shown = |path: &Path| path.display().to_string();
        let name = client.name;
        let (mut written, mut to_write) = (Vec::new(), None);
        if let Delivered::Shown {
            setting,
            path,
            writable,
        } = &self.delivered
        {
            let or = match writable {
                true => ", or run the command again with --write",
                false => "",
            };
            terminal::say(&format!("put this into {}{or}:", shown(path)));
            if !reporter.json {
                reporter.product(setting);
            }
            to_write = Some((setting.as_str(), shown(path)));
        } else {
            terminal::say_good(&format!(
                "{name} has the login to {}, under the name {}",
                key.server,
                printable(&self.name)
            ));
            if let Delivered::Written(paths) = &self.delivered {
                written.extend(paths.iter().map(|path| shown(path)));
            }
            for path in &written {
                terminal::say(&format!("  written: {path}"));
            }
        }
        let (setting, path) = to_write.unzip();
        reporter.json(&Line::HandedOver {
            server: &key.server,
            profile: &key.profile,
            client: name,
            name: &self.name,
            mode: self.mode.to_string(),
            written,
            setting,
            path,
            cut_off: self
                .cut_off
                .iter()
                .map(ConfiguredServer::full_name)
                .collect(),
            note: client.note,
        });
        match self.mode {
            Mode::Move => terminal::say(&format!(
                "  {name} refreshes it from now on; mcp-login keeps no token of it"
            )),
            Mode::Copy => terminal::say(
                "  mcp-login keeps its copy: this provider never replaces a refresh token",
            ),
            Mode::Access => {}
        }
        for other in &self.cut_off {
            warn_user!(
                TokenEnded,
                "{} ({}) asks mcp-login for the token of this login, and gets none any more",
                printable(&other.full_name()),
                printable(&shown(&other.path))
            );
        }
        terminal::say(&format!("  {}", client.note));
    }
}

impl PlaceArgs {
    /// Returns where the clients keep their files, unless the user says otherwise.
    fn look(&self) -> Result<Places, Error> {
        let mut places = Places::detect().ok_or_else(|| Error::Usage {
            message:
                "cannot find the configurations of clients: HOME is not set to an absolute path"
                    .to_owned(),
            hint: None,
        })?;
        let given = [
            ("WORKSPACE_MCP_CREDENTIALS_DIR", &self.credentials_dir),
            ("HERMES_HOME", &self.hermes_home),
            ("MCP_LOGIN_FASTMCP_DIR", &self.fastmcp_dir),
        ];
        for (variable, path) in given {
            if let Some(path) = path {
                let path = path.to_string_lossy().into_owned();
                places.variables.insert(variable.to_owned(), path);
            }
        }
        Ok(places)
    }
}

/// Lists the clients.
pub fn list(json: bool) -> ExitCode {
    if json {
        let clients = targets().map(|client| {
            let modes: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
            json!({"client": client.name, "about": client.about, "modes": modes})
        });
        return output::print_json(&json!({ "clients": clients.collect::<Vec<_>>() }));
    }
    let row = |client: &Target| {
        let about = terminal::wrap(client.about, 64, &" ".repeat(16));
        format!("{:<16}{about}", client.name)
    };
    output::print(&targets().map(row).collect::<Vec<_>>().join("\n"))
}

/// Returns how a client runs this program for a login: with each setting that the client's environment might not have.
fn own_command(key: &StoredId, context: &Context) -> OwnCommand {
    let mut options = context.settings.options();
    options.extend(output::hint::profile(&key.profile));
    OwnCommand {
        program: ours::program(),
        options,
        server: key.server.clone(),
    }
}
