//! The record of a run on puzzles as a table for the terminal.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Padding, Style};

use super::{Group, PuzzleRecord};
use crate::report::Status;
use crate::units::{Count, Percent, Seconds};

/// The names of the columns.
pub(super) const COLUMNS: [&str; 5] = ["", "puzzles", "exact", "95% interval", "cells right"];

impl PuzzleRecord {
    /// What came of the run, as the terminal shows it.
    pub fn to_terminal(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        if !self.puzzles.has_answers {
            text += "\nNot scored: the table does not have all answers.\n";
        }
        let Some(score) = &self.score else { return text };
        let mut builder = Builder::new();
        builder.push_record(COLUMNS);
        score.groups().into_iter().for_each(|(name, group)| builder.push_record(line(&name, &group)));
        let mut table = builder.build();
        table
            .with(Style::empty().horizontals([(1, HorizontalLine::new('-'))]))
            .with(Padding::new(0, 2, 0, 0))
            .modify(Columns::new(1..), Alignment::right())
            .modify(Rows::first(), Alignment::right());
        text += "\n";
        text += &table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
        if score.learned.is_none() {
            text += "\nHow many questions stand in the training set is not known: it is not at hand.\n";
        }
        text
    }

    /// One sentence: who, on what, how many, how long.
    pub fn headline(&self) -> String {
        let table = &self.puzzles;
        let rate =
            self.puzzles_per_second().map(|rate| format!(" ({rate:.1} a second of solving)")).unwrap_or_default();
        let end = match self.status {
            Status::Complete | Status::Running => "",
            Status::TimeLimit => ", ended by the time limit",
            Status::Interrupted => ", interrupted",
        };
        format!(
            "{} on {}, {} of {} x {}: {} of {} puzzles answered in {}{rate}{end}",
            self.name,
            table.name,
            table.kind,
            table.side,
            table.side,
            Count(self.answered as u64),
            Count(table.count as u64),
            Seconds(self.seconds),
        )
    }
}

/// A group as the cells of a table.
pub(super) fn line(name: &str, group: &Group) -> [String; 5] {
    let none = || "-".to_owned();
    let [exact, interval, right] = if group.puzzles == 0 {
        [none(), none(), none()]
    } else {
        let [low, high] = [group.interval_95_percent.0, group.interval_95_percent.1].map(|share| 100.0 * share);
        [
            Percent::of(group.exact_share, 1.0).to_string(),
            format!("{low:.1} to {high:.1}"),
            Percent::of(group.accuracy, 1.0).to_string(),
        ]
    };
    [name.to_owned(), Count(group.puzzles as u64).to_string(), exact, interval, right]
}
