//! Tables and durations for people.

use std::ops::Range;
use std::time::Duration;

use crate::os::clock::in_words;
use crate::os::terminal::{self, Look};

/// The widest column whose cells are aligned.
const MAX_WIDTH: usize = 400;

/// Returns rows as lines with aligned columns.
pub fn aligned(rows: &[impl AsRef<[String]>]) -> String {
    let guarded = |row: &[String]| row.iter().map(|cell| terminal::guard(cell)).collect();
    let rows: Vec<Vec<_>> = rows.iter().map(|row| guarded(row.as_ref())).collect();
    let mut widths = vec![0; rows.iter().map(Vec::len).max().unwrap_or_default()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = terminal::width(cell).max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let gap = (*width).min(MAX_WIDTH);
            let gap = gap.saturating_sub(terminal::width(cell));
            format!("{cell}{}", " ".repeat(gap))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Returns a table as wide as the terminal, its first row the heads, without columns that are empty. Where not all fits, the
/// cells of the last column go below their row, then the cells of the first one above it, then each cell into a line of its
/// own. `important` is a cell that a person has to see. Heads alone are no table: the text is empty.
pub fn fitted(rows: &[Vec<String>], important: &str) -> String {
    let rows = rows.get(1).map_or(&[][..], |_| rows);
    let heads = rows.first().map(Vec::len).unwrap_or_default();
    let is_used = |column: &usize| rows.iter().skip(1).any(|row| !row[*column].is_empty());
    let used: Vec<_> = (0..heads).filter(is_used).collect();
    let cells = |row: &Vec<String>| used.iter().map(|column| row[*column].clone()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let width = terminal::columns().unwrap_or(usize::MAX);
    let last = used.len().saturating_sub(1);
    let fitting = |table: String, indent: usize| {
        let mut lines = table.lines();
        let fits = lines.all(|line| terminal::width(line) + indent <= width);
        fits.then_some(table)
    };
    let wrapped = |text: &str, indent: &str| {
        let (text, width) = (terminal::guard(text), width.saturating_sub(indent.len()));
        format!("{indent}{}\n", terminal::wrap(&text, width, indent))
    };
    let beside = |first: usize| {
        let table = fitting(aligned(&columns(&rows, first..last)), 2 * first)?;
        let lines = rows.iter().zip(table.lines()).map(|(row, line)| {
            let above = row[..first].iter().map(|it| terminal::guard(it) + "\n  ");
            let below = row[last..].iter().filter(|it| !it.is_empty());
            let below: String = below.map(|it| wrapped(it, "    ")).collect();
            format!("{}{line}\n{below}", above.collect::<String>())
        });
        Some(lines.collect())
    };
    let one_by_one = || {
        let cells = rows.iter().skip(1).flat_map(|row| rows[0].iter().zip(row));
        let cells = cells.filter(|(_, cell)| !cell.is_empty());
        let lines = cells.map(|(head, cell)| match *head == rows[0][0] {
            true => terminal::guard(cell) + "\n",
            false => wrapped(&format!("{}: {cell}", head.to_lowercase()), "  "),
        });
        lines.collect()
    };
    let whole = fitting(aligned(&rows), 0);
    let table = whole.or_else(|| beside(0)).or_else(|| beside(1));
    let table: String = table.unwrap_or_else(one_by_one);
    table.replace(important, &terminal::mark(important, Look::Bad))
}

/// Returns some columns of rows.
fn columns<'a>(rows: &'a [Vec<String>], range: Range<usize>) -> Vec<&'a [String]> {
    let cells = |row: &'a Vec<String>| row.get(range.clone()).unwrap_or_default();
    rows.iter().map(cells).collect()
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
