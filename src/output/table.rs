//! Tables and durations for people.

use std::time::Duration;

use crate::os::clock::in_words;
use crate::os::terminal;

/// The widest column whose cells are aligned.
const MAX_WIDTH: usize = 400;

/// Returns rows as lines with aligned columns.
pub fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
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

/// Returns a duration as people say it, rounded to what they want to know.
pub fn duration_in_words(seconds: u64) -> String {
    let unit = match seconds {
        0..120 => 1,
        120..7200 => 60,
        7200..172_800 => 3600,
        _ => 86_400,
    };
    in_words(Duration::from_secs((seconds + unit / 2) / unit * unit))
}
