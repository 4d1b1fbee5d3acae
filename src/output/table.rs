//! Tables: the logins, and the clients that they can be handed to.

use std::time::Duration;

use serde_json::json;

use crate::clients::{Mode, Target};
use crate::commands::status::{Login, LoginState};
use crate::oauth::text::{json_line, printable, scope_list};
use crate::os::clock::{in_words, Time};
use crate::os::terminal;
use crate::store::IndexEntry;

/// The widest column whose cells are aligned.
const MAX_WIDTH: usize = 400;

/// Returns the clients that a login can be handed to, for people.
pub fn clients_table(clients: &[&Target]) -> String {
    let width = clients
        .iter()
        .map(|client| client.name.len())
        .max()
        .unwrap_or_default();
    clients
        .iter()
        .map(|client| format!("{:width$}  {}\n", client.name, client.about))
        .collect()
}

/// Returns the clients that a login can be handed to, for scripts.
pub fn clients_json(clients: &[&Target]) -> String {
    let list = clients.iter().map(|client| {
        let modes: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
        json!({"client": client.name, "about": client.about, "modes": modes})
    });
    json_line(&json!({ "clients": list.collect::<Vec<_>>() })).unwrap_or_default()
}

/// Returns the logins as a table for people.
pub fn table(logins: &[Login]) -> String {
    if logins.is_empty() {
        return String::new();
    }
    let mut rows =
        vec![["SERVER", "PROFILE", "STATE", "EXPIRES", "KEPT IN", "SCOPES"].map(str::to_owned)];
    for Login { entry, state } in logins {
        rows.push([
            printable(&entry.server),
            entry.profile.clone(),
            state_in_words(*state).to_owned(),
            expiry_in_words(entry.expires_at),
            keeper(entry),
            scope_list(&entry.scopes),
        ]);
    }
    aligned(&rows)
}

pub(super) fn state_in_words(state: LoginState) -> &'static str {
    match state {
        LoginState::Live => "live",
        LoginState::RefreshDue => "refresh due",
        LoginState::NeedsLogin => "needs login",
        LoginState::HandedOver => "handed over",
    }
}

/// Returns where the tokens are: in a store of ours, or with the client that has them now.
pub(super) fn keeper(entry: &IndexEntry) -> String {
    entry.handed_over.as_ref().map_or_else(
        || entry.place.name().to_owned(),
        |handed_over| printable(&handed_over.to),
    )
}

pub(super) fn expiry_in_words(expires_at: Option<Time>) -> String {
    match expires_at.map(Time::seconds_left) {
        Some(left) if left > 0 => format!(
            "in {}",
            in_words(round(Duration::from_secs(left.unsigned_abs())))
        ),
        Some(left) => format!(
            "{} ago",
            in_words(round(Duration::from_secs(left.unsigned_abs())))
        ),
        None => "unknown".to_owned(),
    }
}

pub(super) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    let rows: Vec<_> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| terminal::guard(cell)))
        .collect();
    for row in &rows {
        widths
            .iter_mut()
            .zip(row)
            .for_each(|(width, cell)| *width = terminal::width(cell).max(*width));
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let gap = width.min(MAX_WIDTH).saturating_sub(terminal::width(cell));
            format!("{cell}{}", " ".repeat(gap))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Rounds a length of time to what a person wants to know of it.
pub(super) fn round(time: Duration) -> Duration {
    let unit = match time.as_secs() {
        0..120 => 1,
        120..7200 => 60,
        7200..172_800 => 3600,
        _ => 86_400,
    };
    Duration::from_secs((time.as_secs() + unit / 2) / unit * unit)
}
