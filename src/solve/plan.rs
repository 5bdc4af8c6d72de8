//! The plan of a run: what to solve, where to write, when to end.
//!
//! [`Plan::check`] finds an output that cannot be written before any work begins.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::files::{self, FileError};
use crate::report::RECORD_FILE;
use crate::score::ScoreError;
use crate::submission::SubmissionError;
use crate::task::TaskSet;

/// What ends a run early.
#[derive(Debug, Error)]
pub enum SolveError {
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The submission and the task set do not belong together.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// The solutions are there in part.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// Two outputs with the same path.
    #[error("{path} is named for two outputs; give each its own file")]
    SamePath {
        /// The path.
        path: PathBuf,
    },
}

/// What to solve and where to write.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The tasks.
    pub set: &'a TaskSet,
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
    /// Finds out before any work that every output can be written. `run` asks this itself; ask it earlier when a
    /// model is loaded first.
    ///
    /// # Errors
    /// [`SolveError::File`] or [`SolveError::SamePath`].
    pub fn check(&self) -> Result<(), SolveError> {
        let outputs: Vec<&PathBuf> = [&self.submission, &self.record].into_iter().chain(&self.predictions).collect();
        for (i, path) in outputs.iter().enumerate() {
            if outputs[..i].contains(path) {
                return Err(SolveError::SamePath { path: path.to_path_buf() });
            }
            files::check_writable(path)?;
        }
        Ok(())
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
