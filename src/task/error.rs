//! `TaskError`: what can be wrong with tasks, with file, task and place.

use std::path::PathBuf;

use thiserror::Error;

use crate::files::FileError;
use crate::grid::GridError;

/// What can be wrong with tasks.
#[derive(Debug, Error)]
pub enum TaskError {
    /// A file could not be read, or is not JSON.
    #[error(transparent)]
    File(#[from] FileError),
    /// A task is not in the form of a task.
    #[error("{path}: task {task}: {fault}")]
    Task {
        /// The file.
        path: PathBuf,
        /// The task's id.
        task: String,
        /// What is wrong.
        fault: String,
    },
    /// A grid is no grid.
    #[error("{path}: task {task}, {place}: {fault}")]
    Grid {
        /// The file.
        path: PathBuf,
        /// The task's id.
        task: String,
        /// Where in the task, as `train pair 2, input`.
        place: String,
        /// What is wrong.
        fault: GridError,
    },
    /// A file or folder without a task.
    #[error("{path}: no tasks here; {expected}")]
    Nothing {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for.
        expected: String,
    },
    /// A set that is not there.
    #[error("no task set \"{name}\"{hint}; name one of {known}, or give a challenges file or a folder of task files")]
    NoSuchSet {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: String,
        /// The sets that are there.
        known: String,
    },
    /// A task that is not in the set.
    #[error("no task \"{id}\" in {set}{hint}; `trm-arc tasks list {set}` lists them")]
    NoSuchTask {
        /// What was asked for.
        id: String,
        /// The set.
        set: String,
        /// The nearest id.
        hint: String,
    },
}
