//! Reports: the record of a run, the published results, and the two in one table.
//!
//! Two runs on the same tasks are also set against each other, task by task, and one run is laid out as a page ([`review`]). `run.json` is
//! written by a run and read by `trm-arc compare` and `report`; `reports/baselines.csv` is part of the program.

mod baselines;
mod begun;
mod change;
pub mod chart;
mod comparison;
mod merged;
mod puzzles;
mod record;
mod regression;
pub mod review;
mod submitted;
mod table;

use std::path::PathBuf;

use thiserror::Error;

use crate::files::FileError;
use crate::names;
pub use baselines::{Baseline, Kind, baselines};
pub use begun::Begun;
pub use change::{Change, Side};
pub use comparison::{Comparison, Row};
pub use merged::Merged;
pub use puzzles::{
    Asked, Band, Group, Judged, KEPT, Learned, PuzzlePrediction, PuzzleRecord, PuzzleReview, PuzzleScore, PuzzleTable,
    prediction_header, prediction_lines, read_predictions,
};
pub use record::{Checkpoint, RECORD_FILE, Record, RecordedAdaptation, Run, Status, TaskEntry, Tasks};
pub use regression::{Adapted, Outcome, Part, REGRESSION_FILE, Regression, Standing};

/// What can be wrong with reports.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A record could not be read or written, or is not in the form of one.
    #[error(transparent)]
    File(#[from] FileError),
    /// Neither a record nor a folder with one.
    #[error("{path}: no run here; name a run's {RECORD_FILE} or the folder it lies in")]
    NoRun {
        /// What was asked for.
        path: PathBuf,
    },
    /// A submission where a record is asked for.
    #[error("{path}: this is a submission, and a run's record is asked for; hint: {hint}")]
    Submission {
        /// What was asked for.
        path: PathBuf,
        /// The way out: the record beside it, where there is one.
        hint: String,
    },
    /// A run on puzzles where one on tasks is asked for.
    #[error(
        "{path}: this run solved a table of puzzles, and one on ARC tasks is asked for; `trm-arc report` lays a run on puzzles out"
    )]
    Puzzles {
        /// What was asked for.
        path: PathBuf,
    },
    /// Another file where a record is asked for.
    #[error("{path}: this is no run's record; `trm-arc solve` writes it beside the submission as {RECORD_FILE}")]
    NoRecord {
        /// What was asked for.
        path: PathBuf,
    },
    /// Two runs that were asked different tasks.
    #[error(
        "{first}, {second}: tasks gained and lost are those of one set; compare each run alone, or `trm-arc solve` one set with both"
    )]
    OtherTasks {
        /// The first run, with its set.
        first: String,
        /// The second run, with its set.
        second: String,
    },
    /// A run without a score among several.
    #[error("{run} has no score: {reason}; leave it out, or solve tasks with solutions to the end")]
    NoScore {
        /// The run.
        run: String,
        /// Why it has none.
        reason: &'static str,
    },
    /// Tasks that are not those of the run.
    #[error("run \"{run}\" was on {tasks}, and {name} holds other tasks; name the tasks of the run by --tasks")]
    NotItsTasks {
        /// The run's name.
        run: String,
        /// The name that its tasks had.
        tasks: String,
        /// What was found.
        name: String,
    },
    /// A submission that does not lead to what the record says.
    #[error(
        "{path}: this is not the submission of the run: the record has another result for task {task}; name the run's by --submission"
    )]
    NotItsSubmission {
        /// The submission.
        path: PathBuf,
        /// The first task that differs.
        task: String,
    },
    /// Predictions whose vote is not what was submitted.
    #[error(
        "{path}: these are not the predictions of the run: their vote for task {task} is not what was submitted; \
         name the run's by --predictions, or move them away"
    )]
    NotItsPredictions {
        /// The predictions.
        path: PathBuf,
        /// The first task that differs.
        task: String,
    },
    /// Predictions that are not what the record of a run on puzzles counts.
    #[error(
        "{path}: these are not the predictions of the run: their puzzles or the exact ones among them are others than the record's; \
         name the run's by --predictions, or move them away"
    )]
    NotThesePuzzles {
        /// The predictions.
        path: PathBuf,
    },
    /// The table of published results does not parse.
    #[error("reports/baselines.csv: {0}")]
    Baselines(#[from] csv::Error),
}

/// A text as it may stand in Markdown, in a table or out of it: a name comes from a file, and what shows Markdown runs the HTML in it.
fn plain(text: &str) -> String {
    let one_line = names::one_line(text);
    one_line.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|")
}

/// How a run ended, in words.
fn ended(status: Status) -> &'static str {
    match status {
        Status::Running => "did not end in order",
        Status::Complete => "complete",
        Status::TimeLimit => "ended by the time limit",
        Status::Interrupted => "interrupted",
    }
}
