//! `Prediction`: one answer to one test input seen through one augmentation; `Attempts`: the two that are submitted;
//! `Solver`: whoever makes predictions.
//!
//! In `predictions.jsonl` a prediction is one line: `{"task", "test", "augmentation", "grid", "halt"}`, the
//! grid with the augmentation undone, `halt` the sigmoid of the halting logit; the first of each test input also has `"earlier"`, its
//! grids after the supervision steps before the last, where there were any.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::grid::Grid;
use crate::names;
use crate::task::Task;

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// The task's id.
    pub task: String,
    /// Which of its test inputs, from 0.
    pub test: usize,
    /// The printed name of the augmentation it was seen through, as `t3|||0213456789`; `t0|||0123456789` is none.
    pub augmentation: String,
    /// The answer with the augmentation undone; `None` where the model drew no cell at all.
    pub grid: Option<Grid>,
    /// How sure the solver is, in 0..=1.
    pub halt: f64,
    /// The answers after the supervision steps before the last, in order: how the answer grew. Kept for the first view of a test input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Option<Grid>>,
}

/// The two answers that are submitted for a test input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// The best answer.
    pub attempt_1: Grid,
    /// The second best.
    pub attempt_2: Grid,
}

impl Attempts {
    /// True when either answer is right.
    pub fn solve(&self, output: &Grid) -> bool {
        self.attempt_1 == *output || self.attempt_2 == *output
    }
}

/// What is judged: per task, per test input in order, the grids that are submitted for it. A task, a test input or
/// an attempt that is not there counts as wrong.
pub type Answers = HashMap<String, Vec<Vec<Grid>>>;

/// What a solver says about a task, or the file that kept it from it.
pub type Solved = Result<Vec<Prediction>, FileError>;

/// Whoever answers tasks. `trm-arc solve` runs every solver through the same path.
pub trait Solver {
    /// The name that reports show.
    fn name(&self) -> &str;

    /// All predictions for all test inputs of one task, in order of arrival. No prediction for a test
    /// input means that the solver does not know the task. Long work asks `stop` now and then and, when it
    /// says true, returns what there is.
    ///
    /// # Errors
    /// [`FileError`] when what the solver knows lies in a file that cannot be read any more.
    fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved;

    /// In how many rounds over all tasks the predictions come: the first gives every task an answer, the others more votes.
    fn rounds(&self) -> usize {
        1
    }

    /// The predictions of one of the [`rounds`](Self::rounds); those of all rounds, by test input, are what [`solve`](Self::solve) says.
    ///
    /// # Errors
    /// As of [`solve`](Self::solve).
    fn solve_round(&mut self, task: &Task, _round: usize, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        self.solve(task, stop)
    }
}

/// The text of a predictions file.
pub fn to_lines(predictions: &[Prediction]) -> String {
    let line = |prediction| serde_json::to_string(prediction).expect("a prediction is plain data") + "\n";
    predictions.iter().map(line).collect()
}

/// Reads a predictions file.
///
/// # Errors
/// [`FileError`] with the line.
pub fn read(path: &Path) -> Result<Vec<Prediction>, FileError> {
    let text = files::read_text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parse = |(i, line)| {
        let fault = |e: serde_json::Error| {
            let e = names::one_line(&e.to_string()).into_owned();
            format!("line {} is no prediction: {e}; solve writes the file by --predictions", i + 1)
        };
        let prediction: Prediction = serde_json::from_str(line).map_err(|e| files::format_error(path, fault(e)))?;
        match names::fault(&prediction.task) {
            None => Ok(prediction),
            Some(fault) => {
                let task = names::one_line(&prediction.task);
                Err(files::format_error(path, format!("line {}: the id \"{task}\" of its task {fault}", i + 1)))
            }
        }
    };
    lines.map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_is_one_line_of_json() {
        let grid = Some(Grid::from_fn(1, 2, |_, c| c as u8));
        let one = Prediction {
            task: "a".into(),
            test: 0,
            augmentation: "t0|||0123456789".into(),
            grid,
            halt: 0.5,
            earlier: Vec::new(),
        };
        let lines = to_lines(std::slice::from_ref(&one));
        assert_eq!(
            lines,
            "{\"task\":\"a\",\"test\":0,\"augmentation\":\"t0|||0123456789\",\"grid\":[[0,1]],\"halt\":0.5}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.jsonl");
        files::write(&path, (lines.clone() + "{\"task\":1}\n").as_bytes()).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 2"));
        files::write(&path, lines.as_bytes()).unwrap();
        assert_eq!(read(&path).unwrap(), [one]);
    }
}
