//! The report of the doctor on stdout: lines for people, one object for scripts.

use std::io;

use serde::Serialize;

use super::{Diagnosis, Finding, Severity};
use crate::discovery::Step;
use crate::oauth::text::json_line;
use crate::os::terminal::{self, Look};
use crate::output::hint;

/// Width of the report for people, in characters.
const WIDTH: usize = 80;

/// Widths of the columns of states and of topics.
const COLUMNS: (usize, usize) = (9, 14);

/// Column in which the decisions of steps begin.
const STEP_INDENT: usize = 5;

/// What scripts read. The order of its members is part of the contract.
#[derive(Serialize)]
struct Object<'a> {
    findings: Vec<&'a Finding>,
    server: Option<&'a str>,
    steps: &'a [Step],
    exit: u8,
}

/// Prints a diagnosis; with `quiet` only the problems.
///
/// # Errors
///
/// If stdout cannot be written to.
pub fn show(
    diagnosis: &Diagnosis,
    server: Option<&str>,
    json: bool,
    quiet: bool,
) -> io::Result<()> {
    let exit = diagnosis.class().exit();
    if json {
        let findings = diagnosis.findings().collect();
        return terminal::product(&json_line(&Object {
            findings,
            server,
            steps: &diagnosis.steps,
            exit,
        })?);
    }
    let is_shown = |finding: &&Finding| !quiet || finding.state != Severity::Ok;
    diagnosis
        .machine
        .iter()
        .filter(is_shown)
        .try_for_each(say_finding)?;
    if let Some(server) = server {
        if !quiet {
            terminal::product(&format!("\n{}", terminal::guard(server)))?;
            diagnosis.steps.iter().try_for_each(say_step)?;
            terminal::product("")?;
        }
        diagnosis
            .server
            .iter()
            .filter(is_shown)
            .try_for_each(say_finding)?;
    }
    terminal::say(&match (exit, server) {
        (0, Some(server)) => {
            format!("a login to {server} would get as far as the authorization page")
        }
        (0, None) => "this machine can log in".to_owned(),
        (exit, _) => format!("a login would fail, with exit status {exit}"),
    });
    Ok(())
}

fn say_finding(finding: &Finding) -> io::Result<()> {
    let (mark, look) = match finding.state {
        Severity::Ok => ("ok", Look::Good),
        Severity::Warning => ("warning", Look::Warning),
        Severity::Failure => ("failure", Look::Bad),
    };
    let indent = COLUMNS.0 + COLUMNS.1;
    let topic = serde_json::to_value(finding.topic)?;
    let head = format!("{:1$}", topic.as_str().unwrap_or_default(), COLUMNS.1);
    let gap = " ".repeat(COLUMNS.0.saturating_sub(mark.len()));
    terminal::product(&format!(
        "{}{gap}{head}{}",
        terminal::mark(mark, look),
        block(&finding.what, indent)
    ))?;
    let hint = finding
        .hint
        .as_ref()
        .map(|hint| block(&format!("hint: {}", hint::hint(hint)), indent));
    hint.map_or(Ok(()), |hint| {
        terminal::product(&format!("{}{hint}", " ".repeat(indent)))
    })
}

fn say_step(step: &Step) -> io::Result<()> {
    let status = step
        .status
        .map_or("-".to_owned(), |status| status.to_string());
    let url = terminal::guard(&step.url);
    let decided = block(&step.decided, STEP_INDENT);
    terminal::product(&format!(
        "{status:<0$}{url}\n{1}{decided}",
        STEP_INDENT,
        " ".repeat(STEP_INDENT)
    ))
}

/// Breaks a text into lines; the further ones begin below the first.
fn block(text: &str, indent: usize) -> String {
    terminal::wrap(
        &terminal::guard(text),
        WIDTH.saturating_sub(indent),
        &" ".repeat(indent),
    )
}
