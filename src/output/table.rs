//! Tables and durations for people.

use std::ops::Range;
use std::time::Duration;

use crate::os::clock::in_words;
use crate::os::terminal::{self, Look};

/// The widest column whose cells are aligned.
const MAX_WIDTH: usize = 400;

/// Returns rows as lines with aligned columns.
pub fn aligned(rows: &[impl AsRef<[String]>]) -> String {
    let guarded = rows
        .iter()
        .map(|row| row.as_ref().iter().map(|cell| terminal::guard(cell)));
    let rows: Vec<Vec<_>> = guarded.map(Iterator::collect).collect();
    let mut widths = vec![0; rows.iter().map(Vec::len).max().unwrap_or_default()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = terminal::width(cell).max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let gap = (*width)
                .min(MAX_WIDTH)
                .saturating_sub(terminal::width(cell));
            format!("{cell}{}", " ".repeat(gap))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Returns a table as wide as the terminal, its first row the heads, without columns that are empty. Where not all fits, the
/// cells of the last column go below their row, and then the cells of the first one above it. `important` is a cell that a
/// person has to see.
pub fn fitted(rows: &[Vec<String>], important: &str) -> String {
    let heads = rows.first().map(Vec::len).unwrap_or_default();
    let is_used = |column: &usize| rows.iter().skip(1).any(|row| !row[*column].is_empty());
    let used: Vec<_> = (0..heads).filter(is_used).collect();
    let cells = |row: &Vec<String>| used.iter().map(|column| row[*column].clone()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let width = terminal::columns().unwrap_or(usize::MAX);
    let fits = |table: &String| table.lines().all(|line| terminal::width(line) <= width);
    let whole = Some(aligned(&rows)).filter(fits);
    let table = whole.unwrap_or_else(|| {
        let last = used.len().saturating_sub(1);
        let table = Some(aligned(&columns(&rows, 0..last))).filter(fits);
        let is_split = table.is_none();
        let table = table.unwrap_or_else(|| aligned(&columns(&rows, 1..last)));
        let wrapped = |text: &str, indent: &str| {
            let text = terminal::wrap(text, width.saturating_sub(indent.len()), indent);
            format!("{indent}{text}\n")
        };
        let lines = rows.iter().zip(table.lines()).map(|(row, line)| {
            let note = terminal::guard(&row[last]);
            let note = match note.is_empty() {
                true => note,
                false => wrapped(&note, "    "),
            };
            match is_split {
                true => format!(
                    "{}\n{}{note}",
                    terminal::guard(&row[0]),
                    wrapped(line, "  ")
                ),
                false => format!("{line}\n{note}"),
            }
        });
        lines.collect()
    });
    table.replace(important, &terminal::mark(important, Look::Bad))
}

/// Returns some columns of rows.
fn columns(rows: &[Vec<String>], range: Range<usize>) -> Vec<&[String]> {
    let cells = rows
        .iter()
        .map(|row| row.get(range.clone()).unwrap_or_default());
    cells.collect()
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
