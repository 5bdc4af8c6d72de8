//! `submission.json`, Kaggle's file: `{"id": [{"attempt_1": grid, "attempt_2": grid}, ...]}`, one entry per test input.
//!
//! A [`Submission`] is complete from its first moment: it begins with a copy of the input everywhere, and tasks are
//! replaced as they are solved. What bites: [`read_answers`] and [`read_attempts`] take what can be read and leave the rest
//! out (the score counts it as wrong); [`check`] names every fault.

mod form;
mod lint;
mod merge;

use std::collections::HashMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::files::{self, BYTE_ORDER_MARK, Entries, FileError};
use crate::grid::Grid;
use crate::names;
use crate::prediction::{Answers, Attempts};
use crate::task::{MOST_TASK, Task, TaskSet};
pub use form::file_in;
pub use lint::{Fault, lint};
pub use merge::{MergeError, merge};

/// Where a submission goes unless another place is asked for.
pub const DEFAULT_FILE: &str = "submissions/submission.json";

/// Where the record of a run on puzzles goes unless another place is asked for: they have no submission.
pub const PUZZLE_RECORD: &str = "submissions/puzzles/run.json";

/// The name of a submission, which a run's folder is looked through for.
pub const FILE_NAME: &str = "submission.json";

/// The keys of an output.
pub const ATTEMPTS: [&str; 2] = ["attempt_1", "attempt_2"];

/// What can be wrong with the attempts of a task.
#[derive(Debug, Error)]
pub enum SubmissionError {
    /// Attempts for a task that the submission does not have.
    #[error("no task \"{}\" in the submission{hint}", names::one_line(.task))]
    NoSuchTask {
        /// The task's id.
        task: String,
        /// The nearest id.
        hint: String,
    },
    /// Attempts for more or fewer test inputs than the task has.
    #[error("task {task}: attempts for {found} test inputs where it has {expected}")]
    Outputs {
        /// The task's id.
        task: String,
        /// How many came.
        found: usize,
        /// How many there are.
        expected: usize,
    },
}

/// Attempts for every test input of every task, in the order of the task set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    entries: Vec<(String, Vec<Attempts>)>,
    places: HashMap<String, usize>,
}

impl Submission {
    /// The submission before any work: both attempts are a copy of the input, which is valid everywhere and
    /// right now and then.
    pub fn placeholders(set: &TaskSet) -> Self {
        let copy = |grid: &Grid| Attempts { attempt_1: grid.clone(), attempt_2: grid.clone() };
        let entry = |task: &Task| (task.id.clone(), task.test.iter().map(|test| copy(&test.input)).collect());
        Self::of(set.tasks.iter().map(entry).collect())
    }

    fn of(entries: Vec<(String, Vec<Attempts>)>) -> Self {
        let places = entries.iter().enumerate().map(|(place, (task, _))| (task.clone(), place)).collect();
        Self { entries, places }
    }

    /// Replaces the attempts of a task, one per test input.
    ///
    /// # Errors
    /// [`SubmissionError::NoSuchTask`] or [`SubmissionError::Outputs`].
    pub fn set(&mut self, task: &str, attempts: Vec<Attempts>) -> Result<(), SubmissionError> {
        let Some(&place) = self.places.get(task) else {
            let hint = names::hint(task, self.places.keys().map(String::as_str));
            return Err(SubmissionError::NoSuchTask { task: task.to_owned(), hint });
        };
        let entry = &mut self.entries[place].1;
        if entry.len() != attempts.len() {
            let (found, expected) = (attempts.len(), entry.len());
            return Err(SubmissionError::Outputs { task: task.to_owned(), found, expected });
        }
        *entry = attempts;
        Ok(())
    }

    /// The attempts of a task.
    pub fn get(&self, task: &str) -> Option<&[Attempts]> {
        self.places.get(task).map(|&place| self.entries[place].1.as_slice())
    }

    /// The submission as what the score judges.
    pub fn answers(&self) -> Answers {
        let grids = |attempts: &Attempts| vec![attempts.attempt_1.clone(), attempts.attempt_2.clone()];
        self.entries.iter().map(|(task, entry)| (task.clone(), entry.iter().map(grids).collect())).collect()
    }

    /// The file's text: compact JSON, one task a line.
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\n");
        for (place, (task, attempts)) in self.entries.iter().enumerate() {
            let separator = if place == 0 { "" } else { ",\n" };
            let attempts = serde_json::to_string(attempts).expect("attempts are plain data");
            write!(text, "{separator}{}:{attempts}", Value::from(task.as_str())).expect("a text grows");
        }
        text + "\n}\n"
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// [`FileError::Write`]; the file is then as it was before.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write(path, self.to_json().as_bytes())
    }
}

/// The file of a submission as it was read, once, so that it may be a pipe.
#[derive(Debug)]
pub struct Submitted {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Submitted {
    /// Reads a submission's file, or that of a run's folder.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, or has a form that is known and not Kaggle's.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self { path: file_in(path), bytes: form::read(path)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Parses its object of tasks.
    fn entries<'a, V: Deserialize<'a>>(&'a self) -> Result<Entries<V>, FileError> {
        let text = self.bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&self.bytes);
        serde_json::from_slice(text).map_err(|fault| files::not_json(&self.path, text, &fault))
    }

    /// Refuses ids that are those of the set and more.
    fn check_ids(&self, set: &TaskSet) -> Result<(), FileError> {
        let Entries(entries) = self.entries::<IgnoredAny>().unwrap_or_default();
        let ids: Vec<&str> = entries.iter().map(|(id, _)| id.as_str()).collect();
        form::check_ids(&self.path, &ids, set)
    }

    /// Returns what can be judged: an attempt that is no grid is left out.
    ///
    /// # Errors
    /// [`FileError`] when it is not JSON, or is no object of tasks.
    pub fn answers(&self) -> Result<Answers, FileError> {
        let grids = |attempts: [Option<Grid>; 2]| attempts.into_iter().flatten().collect();
        let task = |(task, outputs): (String, Vec<_>)| (task, outputs.into_iter().map(grids).collect());
        Ok(self.attempts()?.into_iter().map(task).collect())
    }

    /// Returns the same with each attempt in its place, for who must tell the first from the second.
    ///
    /// # Errors
    /// As of [`answers`](Self::answers).
    pub fn attempts(&self) -> Result<Attempted, FileError> {
        let grids = |entry: &Value| ATTEMPTS.map(|key| entry.get(key).and_then(|grid| Grid::from_json(grid).ok()));
        // one task at a time: each grows many times when it is taken apart
        let Entries(entries): Entries<&RawValue> = self.entries()?;
        let task = |(task, text): (String, &RawValue)| {
            let is_of_a_task = text.get().len() <= MOST_TASK;
            let value: Value =
                is_of_a_task.then(|| serde_json::from_str(text.get()).ok()).flatten().unwrap_or_default();
            (task, value.as_array().map(|list| list.iter().map(grids).collect()).unwrap_or_default())
        };
        Ok(entries.into_iter().map(task).collect())
    }

    /// Returns every fault; none means that Kaggle takes it for this set.
    ///
    /// # Errors
    /// [`FileError`] when it is not JSON, or has a form that is known and not Kaggle's.
    pub fn faults(&self, set: &TaskSet) -> Result<Vec<Fault>, FileError> {
        let not_text = |fault| FileError::Read {
            path: self.path.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, fault),
        };
        let text = str::from_utf8(&self.bytes).map_err(not_text)?;
        self.check_ids(set)?;
        lint(text, set).map_err(|fault| files::not_json(&self.path, text.as_bytes(), &fault))
    }
}

/// What can be judged in a submission that may have faults: an attempt that is no grid is left out.
///
/// # Errors
/// [`FileError`] when the file cannot be read, is not JSON, or is no object of tasks.
pub fn read_answers(path: &Path) -> Result<Answers, FileError> {
    Submitted::read(path)?.answers()
}

/// Per task, per test input in order, the two attempts; `None` for one that is not there or is no grid.
pub type Attempted = HashMap<String, Vec<[Option<Grid>; 2]>>;

/// The same with each attempt in its place, for who must tell the first from the second.
///
/// # Errors
/// [`FileError`] when the file cannot be read, is not JSON, or is no object of tasks.
pub fn read_attempts(path: &Path) -> Result<Attempted, FileError> {
    Submitted::read(path)?.attempts()
}

/// Every fault of the submission at `path`; none means that Kaggle takes it for this set.
///
/// # Errors
/// [`FileError`] when the file cannot be read or is not JSON.
pub fn check(path: &Path, set: &TaskSet) -> Result<Vec<Fault>, FileError> {
    Submitted::read(path)?.faults(set)
}
