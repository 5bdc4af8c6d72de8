//! The submissions of shards as one: in the set's order, byte for byte what one run over the whole set would have written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Submission, SubmissionError, Submitted};
use crate::files::{self, Entries, FileError};
use crate::prediction::Attempts;
use crate::task::TaskSet;

/// Missing tasks that are named.
const NAMED: usize = 3;

/// Why submissions cannot be merged.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that is no submission without faults.
    #[error("{0}; hint: name the submission of a shard; `trm-arc validate` names all that is wrong with one")]
    Unfit(FileError),
    /// A task that the set does not have, or other outputs than it has.
    #[error("{path}: {source}")]
    Submission {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SubmissionError,
    },
    /// A task in two files.
    #[error("task {task} is in {first} and in {second}; give each shard once")]
    Twice {
        /// The task.
        task: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Tasks in none of the files.
    #[error("{count} of {all} tasks are in none of the files, as {named}; give the submissions of all shards")]
    Missing {
        /// How many.
        count: usize,
        /// How many the set has.
        all: usize,
        /// Some of them.
        named: String,
    },
}

/// Merges submissions whose tasks together are those of the set, each once.
///
/// # Errors
/// [`MergeError`].
pub fn merge(set: &TaskSet, files: &[PathBuf]) -> Result<Submission, MergeError> {
    let mut merged = Submission::placeholders(set);
    let mut origin: HashMap<String, &Path> = HashMap::new();
    for path in files {
        let submitted = Submitted::read(path)?;
        submitted.check_ids(set)?;
        let entries: Entries<Vec<Attempts>> = submitted.entries().map_err(unfit)?;
        if let Some(task) = entries.repeated().first() {
            let fault = format!("task {task} stands in it more than once");
            return Err(unfit(files::format_error(path, fault)));
        }
        for (task, attempts) in entries.0 {
            if let Some(first) = origin.insert(task.clone(), path) {
                return Err(MergeError::Twice { task, first: first.to_owned(), second: path.clone() });
            }
            let fault = |source| MergeError::Submission { path: path.clone(), source };
            merged.set(&task, attempts).map_err(fault)?;
        }
    }
    let ids = set.tasks.iter().map(|task| task.id.as_str());
    let missing: Vec<&str> = ids.filter(|id| !origin.contains_key(*id)).collect();
    if missing.is_empty() {
        return Ok(merged);
    }
    let named = missing.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    Err(MergeError::Missing { count: missing.len(), all: set.tasks.len(), named })
}

fn unfit(fault: FileError) -> MergeError {
    match fault {
        FileError::Format { .. } => MergeError::Unfit(fault),
        other => MergeError::File(other),
    }
}
