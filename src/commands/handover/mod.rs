//! `handover`: give a login to an MCP client, in the way that the client documents.

mod transfer;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::{servers, values};
use crate::clients::config::ConfiguredServer;
use crate::clients::{writer, Mode, Places, Target, TARGETS};
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::oauth::text::{json_line, printable};
use crate::os::terminal;
use crate::output::{self, Line, Reporter};
use crate::refresh;
use crate::store::StoredId;
use crate::warning::warn_user;
use transfer::{hand_over, HandoverOptions, Transfer, What};

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

    /// Write the setting into the client's configuration instead of printing it
    #[arg(long)]
    pub write: bool,

    /// The server's name in the client's configuration [default: the name that it has there]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The variable that holds the token, for dotenv and github-actions
    #[arg(long, value_name = "NAME", default_value = values::VARIABLE, value_parser = values::variable)]
    pub env: String,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub places: PlaceArgs,
}

const MODES: values::Words<Mode> = &[
    (
        &["access"],
        "mcp-login: the client gets access tokens only",
        Mode::Access,
    ),
    (
        &["move"],
        "The client: mcp-login keeps no token of the login",
        Mode::Move,
    ),
    (
        &["copy"],
        "Both; only for Google, which never replaces a refresh token",
        Mode::Copy,
    ),
];

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
        servers::usage(
            "which client? name it with --to",
            "`mcp-login handover --list` lists the clients",
        )
    })?;
    let server = args.server.as_deref();
    let key = servers::find(server, context)?;
    let options = HandoverOptions {
        client,
        mode: args.mode,
        write: args.write,
        name: args.name.as_deref(),
        typed: server
            .filter(|it| !it.contains("://"))
            .map(|it| it.rsplit(':').next().unwrap_or(it)),
        variable: &args.env,
        helper: &helper(&key, context),
    };
    let mut reporter = Reporter::new(context.json, false);
    report(&key, &options, &args.places, context, &mut reporter)
}

/// Hands a new login over to a client.
///
/// # Errors
///
/// Those of [`run`].
pub fn hand_over_new(
    key: &StoredId,
    client: &'static Target,
    places: &PlaceArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    let options = HandoverOptions {
        client,
        mode: None,
        write: true,
        name: None,
        typed: None,
        variable: values::VARIABLE,
        helper: &helper(key, context),
    };
    report(key, &options, places, context, reporter)
}

/// Hands a login over and says how it went.
fn report(
    key: &StoredId,
    options: &HandoverOptions,
    places: &PlaceArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<ExitCode, Error> {
    let client = options.client;
    let done = hand_over(key, options, context, &places.look()?)?;
    if let What::Product { text, append } = &done.what {
        let code = output::print(text);
        // What could not be masked is not shown to later steps either.
        if let (Some((path, lines)), true) = (append, code == ExitCode::SUCCESS) {
            writer::append(path, lines).map_err(|source| Error::HandOver {
                client: client.name,
                source,
            })?;
        }
        terminal::say(client.note);
        return Ok(code);
    }
    done.report(key, client, reporter);
    Ok(reporter.exit_code(Class::Success))
}

impl Transfer {
    /// Prints what the client has now, and what the user has to do.
    fn report(&self, key: &StoredId, client: &Target, reporter: &mut Reporter) {
        let shown = |path: &Path| path.display().to_string();
        let (written, setting, path) = match &self.what {
            What::Written(paths) => (paths.iter().map(|path| shown(path)).collect(), None, None),
            What::Shown { setting, path, .. } => (Vec::new(), Some(setting.as_str()), Some(path)),
            What::Imported | What::Product { .. } => (Vec::new(), None, None),
        };
        let name = client.name;
        if let What::Shown {
            setting,
            path,
            writable,
        } = &self.what
        {
            let or = match writable {
                true => ", or run the command again with --write",
                false => "",
            };
            terminal::say(&format!("put this into {}{or}:", shown(path)));
            if !reporter.is_json() {
                reporter.product(setting);
            }
        } else {
            terminal::say_good(&format!(
                "{name} has the login to {}, under the name {}",
                key.server,
                printable(&self.name)
            ));
            for path in &written {
                terminal::say(&format!("  written: {path}"));
            }
        }
        reporter.json(&Line::HandedOver {
            server: &key.server,
            profile: &key.profile,
            client: name,
            name: &self.name,
            mode: self.mode.to_string(),
            written,
            setting,
            path: path.map(|path| shown(path)),
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
        let mut places = Places::look().ok_or_else(|| Error::Usage {
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
    let text = if json {
        let clients = TARGETS.iter().map(|client| {
            let modes: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
            json!({"client": client.name, "about": client.about, "modes": modes})
        });
        json_line(&json!({ "clients": clients.collect::<Vec<_>>() })).unwrap_or_default()
    } else {
        let width = TARGETS.iter().map(|client| client.name.len()).max();
        let width = width.unwrap_or_default();
        let line = |client: &&Target| format!("{:width$}  {}", client.name, client.about);
        TARGETS.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    output::print(&text)
}

/// Returns the command that prints the headers of a request wherever it is run: with each setting that the client's
/// environment might not have.
fn helper(key: &StoredId, context: &Context) -> String {
    let mut words = vec![program()];
    words.extend(refresh::Settings::of(context).options());
    words.extend(output::hint::profile(&key.profile));
    words.push("headers".to_owned());
    // A name that the user chose may begin with `-`.
    if key.server.starts_with('-') {
        words.push("--".to_owned());
    }
    words.push(key.server.clone());
    output::hint::shell(&words)
}

/// Returns the name of this program where a shell finds it by that name, else its path.
fn program() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Ok(own) = env::current_exe().and_then(|path| path.canonicalize()) else {
        return name.to_owned();
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(name));
    let first = candidates.find(|path| path.is_file());
    match first.and_then(|path| path.canonicalize().ok()) {
        Some(found) if found == own => name.to_owned(),
        _ => own.display().to_string(),
    }
}
