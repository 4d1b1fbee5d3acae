//! What the manual page says beyond the options: how it works, files, environment, exit statuses, codes for scripts.
//!
//! The tables of docs/automation.md are made here too. Each list comes from the table that defines it.

use mcp_login::clients::config;
use mcp_login::failure::{Class, Code};
use mcp_login::providers::google;
use mcp_login::warning::Warning;

/// Returns the exit statuses and their meanings.
fn exit_statuses() -> Vec<(String, &'static str)> {
    let own = Class::ALL
        .iter()
        .map(|(class, meaning)| (class.exit().to_string(), *meaning));
    let signal = ("128+n".to_owned(), "ended by signal n");
    own.chain([signal]).collect()
}

/// Returns the exit statuses that a failure with this code can have, such as `2 or 5`.
fn exits(code: Code) -> String {
    let exits: Vec<_> = code
        .classes()
        .iter()
        .map(|it| it.exit().to_string())
        .collect();
    exits.join(" or ")
}

/// Returns names as a list in roff, such as `a, b and c`.
fn list(names: &[&str]) -> String {
    let text = match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    };
    text.replace('-', "\\-")
}

/// Returns the further sections of the main page, as roff.
pub fn extra_sections() -> String {
    let mut tools: Vec<_> = google::TOOLS.iter().map(|(name, ..)| *name).collect();
    tools.sort_unstable();
    let mut roff = SECTIONS
        .replace("@CLIENTS@", &list(&config::names().collect::<Vec<_>>()))
        .replace("@TOOLS@", &list(&tools));
    roff.push_str(".SH \"EXIT STATUS\"\n");
    for (exit, meaning) in exit_statuses() {
        roff.push_str(&format!(".TP\n\\fB{exit}\\fR\n{meaning}\n"));
    }
    roff.push_str(
        ".PP\nWith several servers: 0 if all are logged in, else the code of the first that failed.\n",
    );
    roff.push_str(
        ".SH \"ERROR CODES\"\nThe \\fBcode\\fR of an error event, with its exit status:\n",
    );
    for code in Code::ALL {
        let (exits, meaning) = (exits(*code), code.meaning());
        roff.push_str(&format!(".TP\n\\fB{code}\\fR ({exits})\n{meaning}\n"));
    }
    roff.push_str(".SH WARNINGS\nThe \\fBcode\\fR of a warning event:\n");
    for warning in Warning::ALL {
        let (word, meaning) = (warning.as_str(), warning.meaning());
        roff.push_str(&format!(".TP\n\\fB{word}\\fR\n{meaning}\n"));
    }
    roff.push_str(".SH \"SEE ALSO\"\n\\fBmcp\\-login\\-store\\fR(7), \\fBssh\\fR(1), \\fBsecret\\-tool\\fR(1)\n");
    roff
}

/// Returns the tables that documents hold between `<!-- NAME -->` and `<!-- end -->`, each by its name.
pub fn tables() -> [(&'static str, String); 3] {
    let exits_rows = exit_statuses()
        .into_iter()
        .map(|(exit, meaning)| format!("| {exit} | {meaning} |\n"));
    let code_rows = Code::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} | {} |\n", exits(*code), code.meaning()));
    let warning_rows = Warning::ALL
        .iter()
        .map(|it| format!("| `{}` | {} |\n", it.as_str(), it.meaning()));
    let table = |head: &str, rows: String| format!("{head}\n{rows}");
    [
        (
            "exit statuses",
            table("| exit | meaning |\n|---|---|", exits_rows.collect()),
        ),
        (
            "error codes",
            table(
                "| code | exit | meaning |\n|---|---|---|",
                code_rows.collect(),
            ),
        ),
        (
            "warnings",
            table("| code | meaning |\n|---|---|", warning_rows.collect()),
        ),
    ]
}

/// The sections that are written by hand.
const SECTIONS: &str = include_str!("manual.roff");
