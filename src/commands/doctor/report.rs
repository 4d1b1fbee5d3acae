//! The report of the doctor on stdout: lines for people, one object for scripts.

use std::io;

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

/// Prints a diagnosis; with `quiet` only the problems.
///
/// # Errors
///
/// If stdout cannot be written to.
pub fn show(diagnosis: &Diagnosis, json: bool, quiet: bool) -> io::Result<()> {
    if json {
        return terminal::product(&json_line(diagnosis)?);
    }
    let is_shown = |finding: &&Finding| !quiet || finding.state != Severity::Ok;
    let say = |findings: &[Finding]| findings.iter().filter(is_shown).try_for_each(say_finding);
    let (machine, about_server) = diagnosis.findings.split_at(diagnosis.machine_findings);
    say(machine)?;
    if let Some(server) = diagnosis.server.filter(|_| !quiet) {
        terminal::product(&format!("\n{}", terminal::guard(server)))?;
        diagnosis.steps.iter().try_for_each(say_step)?;
        terminal::product("")?;
    }
    say(about_server)?;
    terminal::say(&match (diagnosis.exit, diagnosis.server) {
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
    let gap = " ".repeat(COLUMNS.0.saturating_sub(mark.len()));
    let indent = COLUMNS.0 + COLUMNS.1;
    terminal::product(&format!(
        "{}{gap}{:width$}{}",
        terminal::mark(mark, look),
        finding.topic,
        block(&finding.what, indent),
        width = COLUMNS.1
    ))?;
    let Some(hint) = &finding.hint else {
        return Ok(());
    };
    let hint = block(&format!("hint: {}", hint::hint(hint)), indent);
    terminal::product(&format!("{}{hint}", " ".repeat(indent)))
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
