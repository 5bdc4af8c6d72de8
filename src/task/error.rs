//! `TaskError`: what can be wrong with tasks, with file, task and place.

use std::path::PathBuf;

use thiserror::Error;

use crate::files::{FileError, one_line};
use crate::grid::GridError;

/// What can be wrong with tasks.
#[derive(Debug, Error)]
pub enum TaskError {
    /// A file could not be read, or is not JSON.
    #[error(transparent)]
    File(#[from] FileError),
    /// A task is not in the form of a task.
    #[error("{}: task {task}: {fault}", one_line(.path))]
    Task {
        /// The file.
        path: PathBuf,
        /// The task's id.
        task: String,
        /// What is wrong.
        fault: String,
    },
    /// A grid is no grid.
    #[error("{}: task {task}, {place}: {fault}", one_line(.path))]
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
    /// A form of tasks that is known and not read.
    #[error("{}: this looks like {what}; hint: {hint}", one_line(.path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The form.
        what: &'static str,
        /// The way to convert it.
        hint: String,
    },
    /// Several faults in one file or folder.
    #[error("{}: {count} faults{}", one_line(.path), listed(.faults, *.count))]
    Several {
        /// The file or folder.
        path: PathBuf,
        /// Number of faults.
        count: usize,
        /// The first of them.
        faults: Vec<String>,
    },
    /// A file or folder without a task.
    #[error("{}: no tasks here; {expected}", one_line(.path))]
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

/// Lists faults one a line, and counts those that are not named.
fn listed(faults: &[String], count: usize) -> String {
    let mut text: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    if faults.len() < count {
        text += &format!("\n  and {} more", count - faults.len());
    }
    text
}
