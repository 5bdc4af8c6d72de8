//! The plan of a run: what to solve, where to write, when to end.
//!
//! [`Plan::check`] finds an output that cannot be written before any work begins.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::journal::partial_beside;
use super::trail::trail_beside;
use crate::files::{self, FileError};
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
    /// Two outputs in the same place.
    #[error("{path} is named for two outputs; give each its own file")]
    SamePath {
        /// The path.
        path: PathBuf,
    },
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
    /// An output where the tasks lie.
    #[error("{path} is named for an output, but what is solved is read from there; write to another file")]
    Input {
        /// The path.
        path: PathBuf,
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
    /// however the paths are spelt. `run` asks this itself; ask it earlier when a model is loaded first.
    ///
    /// # Errors
    /// [`SolveError::File`], [`SolveError::SamePath`] or [`SolveError::Input`].
    pub fn check(&self) -> Result<(), SolveError> {
        let trail = self.trail();
        let outputs = [Some(&self.submission), Some(&self.record), Some(&trail), self.predictions.as_ref()];
        check_outputs(&self.inputs, &outputs, self.predictions.as_deref())
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

/// Every output can be written and none takes the place of another or of what is read; `growing` is the one that is a partial file until the end.
pub(super) fn check_outputs(
    inputs: &[PathBuf],
    outputs: &[Option<&PathBuf>],
    growing: Option<&Path>,
) -> Result<(), SolveError> {
    let inputs: Vec<PathBuf> = inputs.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let partial = growing.map(|path| files::place(path).map(|path| partial_beside(&path)));
    let mut taken = Vec::from_iter(partial.transpose()?);
    for path in outputs.iter().copied().flatten() {
        files::check_writable(path)?;
        let place = files::place(path)?;
        if place.parent().into_iter().chain([place.as_path()]).any(|place| inputs.iter().any(|path| path == place)) {
            return Err(SolveError::Input { path: path.clone() });
        }
        if taken.contains(&place) {
            return Err(SolveError::SamePath { path: path.clone() });
        }
        taken.push(place);
    }
    Ok(())
}

/// Where the record lies unless another place is asked for: beside the submission.
pub fn record_beside(submission: &Path) -> PathBuf {
    submission.with_file_name(RECORD_FILE)
}
