//! The plan of a run: what to solve, where to write, when to end.
//!
//! [`Plan::check`] finds an output that cannot be written before any work begins.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::trail::trail_beside;
use crate::files::{self, Claim, FileError, Output};
use crate::report::RECORD_FILE;
use crate::score::ScoreError;
use crate::submission::SubmissionError;
use crate::task::TaskSet;

/// What ends a run early.
#[derive(Debug, Error)]
pub enum SolveError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The submission and the task set do not belong together.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// The solutions are there in part.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// What broke off is another run than the one that is to go on.
    #[error(
        "{path} is of a run that broke off with {before}, now it would be {now}; ask for what it was, or remove that file to begin anew"
    )]
    OtherRun {
        /// The trail.
        path: PathBuf,
        /// What was different, as it was.
        before: String,
        /// As it would be.
        now: String,
    },
}

/// What to solve and where to write.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The tasks.
    pub set: &'a TaskSet,
    /// The files and folders that the tasks were read from; no output may take their place.
    pub inputs: Vec<PathBuf>,
    /// Kaggle's file.
    pub submission: PathBuf,
    /// All predictions, when they are wanted.
    pub predictions: Option<PathBuf>,
    /// The record of the run.
    pub record: PathBuf,
    /// The run ends in order when this much time has passed since `started`.
    pub time_limit: Option<Duration>,
    /// When the clock began, so that loading a model counts too.
    pub started: Instant,
}

impl Plan<'_> {
    /// Finds out before any work that every output can be written and none takes the place of another or of the tasks,
    /// however the paths are spelled. `run` asks this itself; [claim](Self::claim) the outputs earlier when a model is loaded first.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn check(&self) -> Result<(), FileError> {
        self.outputs(|outputs| files::check_outputs(&self.inputs, outputs))
    }

    /// Checks the same, against more `inputs` too, and locks the outputs.
    ///
    /// # Errors
    /// [`FileError`], also when another run writes to one of them.
    pub fn claim(&self, inputs: &[PathBuf]) -> Result<Claim, FileError> {
        self.outputs(|outputs| files::claim(&[&self.inputs, inputs].concat(), outputs))
    }

    fn outputs<T>(&self, take: impl FnOnce(&[Output<'_>]) -> T) -> T {
        let trail = self.trail();
        let outputs = [Some(&self.submission), Some(&self.record), Some(&trail), self.predictions.as_ref()];
        take(&outputs.into_iter().flatten().map(|path| Output::File(path)).collect::<Vec<_>>())
    }

    /// Where the run keeps what is behind it until it is complete.
    pub fn trail(&self) -> PathBuf {
        trail_beside(&self.record)
    }

    /// True when the time limit has passed.
    pub fn is_over_time(&self) -> bool {
        self.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }
}

/// Where the record lies unless another place is asked for: beside the submission.
pub fn record_beside(submission: &Path) -> PathBuf {
    submission.with_file_name(RECORD_FILE)
}
