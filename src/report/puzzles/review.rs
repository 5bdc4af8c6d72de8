//! `PuzzleReview`: a run on puzzles with its predictions, laid out as Markdown, CSV and JSON; the page is in [`page`](super::page).
//!
//! What bites: record and predictions may come from different runs, so they are held against each other before anything is shown.

use std::path::PathBuf;

use serde::Serialize;

use super::text::{COLUMNS, line};
use super::{Group, PuzzlePrediction, PuzzleRecord};
use crate::puzzle::PuzzleSet;
use crate::report::{ReportError, Status, ended, plain};
use crate::units::{Count, Seconds};

/// The puzzles that are drawn.
const DRAWN: usize = 24;

/// A run on puzzles.
#[derive(Debug)]
pub struct PuzzleReview<'a> {
    /// What it was.
    pub record: &'a PuzzleRecord,
    /// What was answered, in the order of the table; none where it was not kept.
    pub predictions: Vec<PuzzlePrediction>,
}

#[derive(Serialize)]
struct Json<'a> {
    run: &'a PuzzleRecord,
    groups: Vec<Line>,
}

/// A group of puzzles as a row of CSV and an object of JSON.
#[derive(Serialize)]
struct Line {
    group: String,
    puzzles: usize,
    exact: usize,
    exact_share: f64,
    low: f64,
    high: f64,
    accuracy: f64,
}

impl<'a> PuzzleReview<'a> {
    /// A run with its predictions, where they were kept.
    ///
    /// # Errors
    /// [`ReportError::NotThesePuzzles`].
    pub fn of(
        record: &'a PuzzleRecord,
        predictions: Option<(Vec<PuzzlePrediction>, PathBuf)>,
    ) -> Result<Self, ReportError> {
        let Some((predictions, path)) = predictions else { return Ok(Self { record, predictions: Vec::new() }) };
        let exact = predictions.iter().filter(|prediction| prediction.is_exact()).count();
        let recorded = record.score.as_ref().map_or(0, |score| score.all.exact);
        let puzzles = predictions.iter().map(|prediction| prediction.puzzle.clone()).collect();
        let asked = PuzzleSet { kind: record.puzzles.kind, side: record.puzzles.side, puzzles }.digest();
        let is_whole = record.status == Status::Complete;
        let is_same = (predictions.len(), exact) == (record.answered, recorded);
        match is_same && (!is_whole || asked == record.puzzles.digest) {
            true => Ok(Self { record, predictions }),
            false => Err(ReportError::NotThesePuzzles { path }),
        }
    }

    /// The puzzles that are drawn: those that are wrong first, and of equals those with the answers after every step.
    pub fn drawn(&self) -> Vec<&PuzzlePrediction> {
        let mut drawn: Vec<&PuzzlePrediction> = self.predictions.iter().collect();
        drawn.sort_by_key(|prediction| (prediction.is_exact(), prediction.earlier.is_empty()));
        drawn.truncate(DRAWN);
        drawn
    }

    /// What the run was, in pairs of name and value.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let PuzzleRecord { puzzles, checkpoint, .. } = self.record;
        let rate = self.record.puzzles_per_second();
        let rate = rate.map(|rate| format!(", {rate:.1} puzzles a second of solving")).unwrap_or_default();
        let left = format!("{} of {}", Count(self.record.answered as u64), Count(puzzles.count as u64));
        let recipe = checkpoint.recipe.as_ref().map(|recipe| format!("{recipe}, ")).unwrap_or_default();
        let commit = self.record.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        vec![
            ("Puzzles", format!("{}: {} of {} x {}", puzzles.name, puzzles.kind, puzzles.side, puzzles.side)),
            ("Answered", left),
            ("Time", format!("{}{rate}, {}", Seconds(self.record.seconds), ended(self.record.status))),
            ("Device", self.record.device.clone()),
            ("Supervision steps", self.record.steps.to_string()),
            ("Checkpoint", format!("{recipe}step {}, {}", Count(checkpoint.step), checkpoint.path.display())),
            ("Checkpoint digest", checkpoint.digest.clone()),
            ("Parameters", Count(checkpoint.parameters.saturating_add(checkpoint.puzzle_rows)).to_string()),
            ("Puzzle digest", puzzles.digest.clone()),
            ("Program", format!("trm-arc {}{commit}", self.record.version)),
        ]
    }

    /// The groups of the score, each with its name.
    pub(super) fn groups(&self) -> Vec<(String, Group)> {
        self.record.score.as_ref().map(|score| score.groups()).unwrap_or_default()
    }

    /// Markdown: the run and its score.
    pub fn to_markdown(&self) -> String {
        let row = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | "))
        };
        let mut text =
            format!("# {} on {}\n\n| | |\n|---|---|\n", plain(&self.record.name), plain(&self.record.puzzles.name));
        text.extend(self.facts().iter().map(|(name, value)| row(&[(*name).to_owned(), value.clone()])));
        text += &format!("\n{}|---|---:|---:|---:|---:|\n", row(&COLUMNS.map(str::to_owned)));
        text.extend(self.groups().iter().map(|(name, group)| row(&line(name, group))));
        text
    }

    /// CSV: a line for each group of puzzles.
    ///
    /// # Errors
    /// [`ReportError::Baselines`], should a row not fit in.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.lines().iter().try_for_each(|line| writer.serialize(line))?;
        let bytes = writer.into_inner().expect("memory takes every byte");
        Ok(String::from_utf8(bytes).expect("every field is text"))
    }

    /// JSON: the record, and an object for each group of puzzles.
    pub fn to_json(&self) -> String {
        let json = Json { run: self.record, groups: self.lines() };
        serde_json::to_string_pretty(&json).expect("a review is plain data") + "\n"
    }

    fn lines(&self) -> Vec<Line> {
        let line = |(group, of): (String, Group)| {
            let Group { puzzles, exact, exact_share, interval_95_percent: (low, high), accuracy } = of;
            Line { group, puzzles, exact, exact_share, low, high, accuracy }
        };
        self.groups().into_iter().map(line).collect()
    }
}
