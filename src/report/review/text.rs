//! The same review as Markdown, CSV and JSON.

use itertools::Itertools;
use serde::Serialize;

use super::html::Price;
use super::{Output, Review, Reviewed, Verdict};
use crate::grid::Grid;
use crate::report::{ReportError, Row, plain};

/// One test output as a row of CSV and an object of JSON. What is not known is empty.
#[derive(Debug, Serialize)]
struct Line<'a> {
    task: &'a str,
    /// From 0.
    test: usize,
    verdict: &'static str,
    /// 1 or 2: the attempt that is right.
    right_attempt: Option<usize>,
    /// The cells in which the first attempt differs from the truth, where both have one shape.
    wrong_cells: Option<usize>,
    predictions: usize,
    candidates: usize,
    /// The votes for the first candidate.
    votes: Option<usize>,
    /// The mean halting probability of the first candidate.
    halt: Option<f64>,
    /// The place of the truth among the candidates, from 1.
    truth_place: Option<usize>,
    /// Of the whole task.
    task_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Json<'a> {
    run: &'a crate::report::Record,
    interval_95_percent: Option<(f64, f64)>,
    comparison: Vec<Row>,
    outputs: Vec<Line<'a>>,
}

impl Review<'_> {
    /// Markdown: the run, the comparison, the tasks by how they ended.
    ///
    /// # Errors
    /// [`ReportError::Baselines`].
    pub fn to_markdown(&self, price: Price) -> Result<String, ReportError> {
        let record = self.record;
        let mut text = format!("# {} on {}\n\n| | |\n|---|---|\n", plain(&record.name), plain(&record.tasks.name));
        if let (Some(score), Some((low, high))) = (&record.score, self.interval()) {
            let accuracy = 100.0 * score.task_score;
            text += &format!("| Accuracy at two attempts | {accuracy:.1}% (95% interval {low:.1} to {high:.1}) |\n");
        }
        for (name, value) in self.facts(price) {
            text += &format!("| {name} | {} |\n", plain(&value));
        }
        if record.score.is_some() {
            text += &format!("\n{}", self.comparison()?.to_markdown());
        }
        text += "\n## Tasks\n";
        for verdict in Verdict::ALL {
            let ids = self.tasks.iter().filter(|task| task.verdict == verdict).map(|task| task.task.id.as_str());
            let ids: Vec<&str> = ids.collect();
            if !ids.is_empty() {
                text += &format!("\n{} {}: {}\n", ids.len(), verdict.name(), plain(&ids.join(" ")));
            }
        }
        Ok(text)
    }

    /// CSV: a line for each test output.
    ///
    /// # Errors
    /// [`ReportError::Baselines`], should a row not fit in.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.lines().iter().try_for_each(|line| writer.serialize(line))?;
        let bytes = writer.into_inner().expect("memory takes every byte");
        Ok(String::from_utf8(bytes).expect("every field is text"))
    }

    /// JSON: the record, the comparison, and an object for each test output.
    ///
    /// # Errors
    /// [`ReportError::Baselines`].
    pub fn to_json(&self, price: Price) -> Result<String, ReportError> {
        let json = Json {
            run: self.record,
            interval_95_percent: self.interval(),
            comparison: self.rows(price)?,
            outputs: self.lines(),
        };
        Ok(serde_json::to_string_pretty(&json).expect("a review is plain data") + "\n")
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let line = |(task, (test, output))| line(task, test, output);
        self.tasks
            .iter()
            .flat_map(|task| task.outputs.iter().enumerate().map(move |output| (task, output)))
            .map(line)
            .collect()
    }
}

fn line<'a>(task: &'a Reviewed<'_>, test: usize, output: &Output) -> Line<'a> {
    let truth = task.task.test[test].output.as_ref();
    let first = output.candidates.first();
    Line {
        task: &task.task.id,
        test,
        verdict: task.verdict.name(),
        right_attempt: output.right.map(|place| place + 1),
        wrong_cells: truth.zip(output.attempts.first()).and_then(|(truth, attempt)| wrong_cells(attempt, truth)),
        predictions: output.candidates.iter().map(|candidate| candidate.votes).sum(),
        candidates: output.candidates.len(),
        votes: first.map(|candidate| candidate.votes),
        halt: first.map(|candidate| candidate.halt),
        truth_place: output.place.map(|place| place + 1),
        task_seconds: task.entry.map(|entry| entry.seconds),
    }
}

/// The number of cells in which two grids of one shape differ.
fn wrong_cells(attempt: &Grid, truth: &Grid) -> Option<usize> {
    let have_one_shape = (attempt.rows(), attempt.columns()) == (truth.rows(), truth.columns());
    have_one_shape.then(|| attempt.cells().iter().zip_eq(truth.cells()).filter(|(a, b)| a != b).count())
}
