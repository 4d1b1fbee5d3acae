//! `connect`: a stdio MCP server that is the remote one, with a live token.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use crate::bridge::{self, Person};
use crate::cli::{servers, values};
use crate::context::Context;
use crate::error::{Error, ErrorReport};
use crate::failure::Hint;
use crate::oauth::endpoint;
use crate::os::terminal;
use crate::output::{hint, Reporter};

/// The options of a bridge.
#[derive(Clone, Debug, Args)]
pub struct ConnectArgs {
    /// The MCP server, as at the login
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: String,
}

/// Bridges until the client ends it.
///
/// # Errors
///
/// [`Error::Usage`] if the server has no URL. What fails later is an answer to the client.
pub fn run(args: &ConnectArgs, context: Context) -> Result<ExitCode, Error> {
    let key = servers::find(Some(&args.server), &context)?;
    let url = endpoint::parse(&key.server).map_err(|_| {
        servers::usage(
            format!("{} is not an MCP server", args.server),
            "give the URL of the MCP server",
        )
    })?;
    let person = Stderr {
        json: context.json,
        server: key.server.clone(),
        last: Mutex::default(),
    };
    bridge::run(url, key, &Arc::new(context), Box::new(person))?;
    Ok(ExitCode::SUCCESS)
}

/// Most sentences that are remembered, so that each is shown once.
const MAX_REMEMBERED: usize = 16;

/// Tells the person what is wrong, on stderr.
struct Stderr {
    json: bool,
    server: String,
    last: Mutex<VecDeque<String>>,
}

impl Person for Stderr {
    fn tell(&self, report: &ErrorReport) -> (String, Option<String>) {
        let hint = report.hint.as_ref();
        let sentence = match hint {
            None => report.message.clone(),
            Some(Hint::Text(text)) => format!("{}; {text}", report.message),
            Some(Hint::Login(login)) => {
                format!("{}; run: {}", report.message, hint::command(login))
            }
            Some(other @ Hint::Else(..)) => format!("{}; {}", report.message, hint::hint(other)),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.contains(&sentence) {
            match self.json {
                true => Reporter::new(true, false)
                    .fail_on_stderr(Some(&self.server), &Error::Reported(report.clone())),
                false => terminal::insist_labelled(terminal::Label::Error, &sentence),
            }
            last.push_back(sentence.clone());
            if last.len() > MAX_REMEMBERED {
                last.pop_front();
            }
        }
        (sentence, hint.map(hint::hint))
    }
}
