//! `connect`: a stdio MCP server that is the remote one, with a live token.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{Args, FromArgMatches as _};

use super::grant::UnattendedArgs;
use super::login::request::requests;
use super::login::servers::requested;
use crate::bridge::{self, Person};
use crate::cli::{servers, values};
use crate::context::Context;
use crate::error::{Error, ErrorReport};
use crate::failure::{Hint, LoginCommand};
use crate::login::{self, Event, Outcome, UserOptions};
use crate::os::process::EnvironmentSecrets;
use crate::os::sync::lock;
use crate::os::terminal::{self, question::can_be_asked};
use crate::output::{self, hint, Reporter};

/// The options of a bridge.
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// The MCP server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    /// Open the browser once if a login is needed
    #[arg(long)]
    pub login: bool,

    #[command(flatten)]
    pub unattended: UnattendedArgs,
}

/// Bridges until the client ends it.
///
/// # Errors
///
/// [`Error::Usage`] if the server has no URL. What fails later is an answer to the client.
pub fn run(args: &ConnectArgs, mut context: Context) -> Result<ExitCode, Error> {
    let (key, url) = servers::find_mcp_server(args.server.as_deref(), &context)?;
    args.unattended.check_dpop()?;
    args.unattended.apply(&key, &mut context)?;
    let person = Stderr {
        json: context.json,
        server: key.server.clone(),
        may_log_in: args.login,
        last: Mutex::default(),
    };
    if can_be_asked() {
        let words = ["handover", &key.server, "--to", "CLIENT"];
        let to = hint::for_login(&words, &key, &context.settings);
        terminal::say(&format!(
            "waiting for an MCP client on stdin (Ctrl-D ends it); let your client start it: {to}"
        ));
    }
    bridge::run(url, key, &Arc::new(context), Box::new(person))?;
    Ok(ExitCode::SUCCESS)
}

/// Most sentences that are remembered, so that each is shown once.
const MAX_REMEMBERED: usize = 16;

/// Tells the person what is wrong, on stderr.
struct Stderr {
    json: bool,
    server: String,
    may_log_in: bool,
    last: Mutex<VecDeque<String>>,
}

impl Person for Stderr {
    fn tell(&self, report: &ErrorReport) -> (String, Option<String>) {
        let hint = report.hint.as_ref();
        let advice = match hint {
            None => String::new(),
            Some(Hint::Login(login)) => format!("; run: {}", hint::command(login)),
            Some(other) => format!("; {}", hint::hint(other)),
        };
        let sentence = format!("{}{advice}", report.message);
        let mut last = lock(&self.last);
        if !last.contains(&sentence) {
            match self.json {
                true => {
                    output::fail_on_stderr(Some(&self.server), &Error::Reported(report.clone()))
                }
                false => terminal::insist_labelled(terminal::Label::Error, &sentence),
            }
            last.push_back(sentence.clone());
            if last.len() > MAX_REMEMBERED {
                last.pop_front();
            }
        }
        (sentence, hint.map(hint::hint))
    }

    fn may_log_in(&self) -> bool {
        self.may_log_in
    }

    fn log_in(&self, command: &LoginCommand) -> Result<(), Error> {
        let matches = super::command().try_get_matches_from(hint::words(command));
        let cli = matches.and_then(|matches| super::Cli::from_arg_matches(&matches));
        let cli = cli.map_err(|err| Error::usage(err.to_string(), "log in by hand"))?;
        let (context, args) = (Arc::new(cli.global.context(false)?), cli.login);
        let method = &args.method;
        let meant = requested(&args.servers, None, method, || context.stored_ids())?;
        let mut requests = requests(
            method,
            &meant,
            false,
            context.profile.as_deref(),
            &EnvironmentSecrets::default(),
        )?;
        for request in &mut requests {
            request.force = args.force;
        }
        // Stdin is the client's.
        let options = UserOptions {
            browser: method.browser(),
            paste: None,
            timeout: args.timeout(),
        };
        let mut reporter = Reporter::new(false, false);
        let outcome = login::run(requests, context, options, &mut |event| match event {
            // The client is told, and with it the person.
            Event::Failed { .. } => {}
            event => reporter.show(&event),
        })?;
        match outcome {
            Outcome::Done(results) => results.into_iter().try_for_each(|result| result.map(drop)),
            Outcome::Signal(_) => Err(Error::Busy(self.server.clone())),
        }
    }
}
