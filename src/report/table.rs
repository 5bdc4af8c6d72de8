//! Rows of one benchmark as a table, for the terminal and as Markdown.
//!
//! The terminal's table leaves out the kind and the note, which the other formats have, and puts interval and accuracy in
//! one column, so that it fits 120 columns.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Padding, Style, Width};

use super::comparison::Row;
use super::plain;
use crate::units::{Percent, Seconds};

/// The widest a system's name gets before it goes on in the next line, with its mark.
const NAME_WIDTH: usize = 28;

/// The widest a source gets before it goes on in the next line.
const SOURCE_WIDTH: usize = 20;

/// A title, and the rows with ours marked by `>`.
pub fn terminal(rows: &[Row]) -> String {
    let mut builder = Builder::new();
    builder.push_record(["system", "split", "accuracy", "solved", "params", "per task", "source", "date"]);
    for row in rows {
        let mark = if row.ours { "> " } else { "  " };
        builder.push_record([
            format!("{mark}{}", fold(&row.system, NAME_WIDTH - mark.len()).join("\n  ")),
            split(row),
            accuracy(row),
            solved(row),
            parameters(row),
            per_task(row),
            fold(&source(row), SOURCE_WIDTH).join("\n"),
            date(row),
        ]);
    }
    let mut table = builder.build();
    table
        .with(Style::empty().horizontals([(1, HorizontalLine::new('-'))]))
        .with(Padding::new(0, 1, 0, 0))
        .modify(Columns::new(2..6), Alignment::right())
        .modify(Rows::first(), Alignment::left())
        .modify(Columns::one(1), Width::wrap(20).keep_words(true));
    let benchmark = rows.first().map_or("", |row| &row.benchmark);
    let lines: String = table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect();
    format!("{benchmark}\n{lines}")
}

/// A heading, and every column.
pub fn markdown(rows: &[Row]) -> String {
    let mut builder = Builder::new();
    builder.push_record([
        "system",
        "kind",
        "split",
        "metric",
        "accuracy",
        "95% interval",
        "solved",
        "parameters",
        "USD per task",
        "time per task",
        "source",
        "date",
        "note",
    ]);
    for row in rows {
        let system = if row.ours { format!("**{}**", row.system) } else { row.system.clone() };
        let interval = interval(row).unwrap_or_default();
        let cost = row.cost_per_task_usd.map(|cost| format!("{cost}")).unwrap_or_default();
        let time = row.seconds_per_task.map(|seconds| Seconds(seconds).to_string()).unwrap_or_default();
        let fields = [
            system,
            row.kind.to_string(),
            row.split.clone(),
            row.metric.clone(),
            percent(row),
            interval,
            solved(row),
            parameters(row),
            cost,
            time,
            row.source.clone(),
            date(row),
            row.note.clone(),
        ];
        builder.push_record(fields.map(|field| plain(&field)));
    }
    let benchmark = rows.first().map_or("", |row| &row.benchmark);
    let benchmark = plain(benchmark);
    format!("## {benchmark}\n\n{}\n", builder.build().with(Style::markdown()))
}

/// Two attempts are the rule; only the exception is named.
fn split(row: &Row) -> String {
    let split = row.split.strip_suffix("-evaluation").unwrap_or(&row.split);
    if row.metric == "pass@2" { split.to_owned() } else { format!("{split} {}", row.metric) }
}

fn accuracy(row: &Row) -> String {
    let percent = percent(row);
    interval(row).map_or_else(|| percent.clone(), |interval| format!("{percent} ({interval})"))
}

/// One digit after the point; two for published figures that have them.
fn percent(row: &Row) -> String {
    let tenths = 10.0 * row.accuracy;
    let digits = if row.ours || (tenths - tenths.round()).abs() < 1e-9 { 1 } else { 2 };
    format!("{:.digits$}", Percent(row.accuracy))
}

fn interval(row: &Row) -> Option<String> {
    Some(format!("{:.1} to {:.1}", row.low?, row.high?))
}

fn solved(row: &Row) -> String {
    match (row.solved_tasks, row.tasks) {
        (Some(solved), Some(tasks)) => format!("{solved}/{tasks}"),
        _ => String::new(),
    }
}

/// Parameters in the unit that leaves one to three digits before the point.
fn parameters(row: &Row) -> String {
    let Some(parameters) = row.parameters else { return String::new() };
    let (scale, unit) = match parameters {
        0..1_000 => (1.0, ""),
        1_000..1_000_000 => (1e3, "K"),
        1_000_000..1_000_000_000 => (1e6, "M"),
        1_000_000_000..1_000_000_000_000 => (1e9, "B"),
        _ => (1e12, "T"),
    };
    let number = format!("{:.1}", parameters as f64 / scale);
    format!("{}{unit}", number.strip_suffix(".0").unwrap_or(&number))
}

/// What one task costs: dollars where published, time for our runs.
fn per_task(row: &Row) -> String {
    let cost = row.cost_per_task_usd.map(|cost| format!("${cost:.2}"));
    let time = row.seconds_per_task.map(|seconds| match seconds {
        0.0..1.0 => format!("{:.0} ms", 1000.0 * seconds),
        _ => Seconds(seconds).to_string(),
    });
    cost.into_iter().chain(time).collect::<Vec<_>>().join(", ")
}

fn date(row: &Row) -> String {
    if row.date.is_empty() { "undated".to_owned() } else { row.date.clone() }
}

fn source(row: &Row) -> String {
    row.source.replace("ARC Prize leaderboard", "ARC Prize")
}

/// Words in lines of at most `width` letters; a longer word goes on after a `/`, or is cut.
fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let parts = word.split_inclusive('/').map(|part| part.chars().collect::<Vec<char>>());
        let pieces: Vec<String> =
            parts.flat_map(|part| part.chunks(width).map(String::from_iter).collect::<Vec<_>>()).collect();
        for (i, piece) in pieces.into_iter().enumerate() {
            let line = lines.last_mut().expect("there is always a line");
            let gap = usize::from(i == 0 && !line.is_empty());
            if line.chars().count() + gap + piece.chars().count() <= width {
                line.push_str(&" "[..gap]);
                line.push_str(&piece);
            } else {
                lines.push(piece);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_then_after_a_slash_then_anywhere() {
        assert_eq!(fold("one two three", 7), ["one two", "three"]);
        assert_eq!(fold("runs/mine/run.json", 10), ["runs/mine/", "run.json"]);
        assert_eq!(fold("a/bcdefgh", 4), ["a/", "bcde", "fgh"]);
        assert_eq!(fold("", 4), [""]);
    }
}
