//! `Task`, `Pair`, `TaskSet`: what ARC asks, as data.
//!
//! A task shows pairs of grids (`train`) and asks for the outputs of further inputs (`test`). A set keeps the order of its
//! file: identifiers, submissions and reports follow it. The digest of a set covers ids, grids and order.

mod error;
mod folder;
mod form;
mod ignored;
mod parse;
mod read;
mod shard;
mod shipped;
mod verify;
mod write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::files;
use crate::grid::Grid;
use crate::names;
pub use error::TaskError;
pub use ignored::Ignored;
pub use parse::MOST_TASK;
pub use read::{read_folder, read_kaggle};
pub use shard::Shard;
pub use shipped::{HELD_OUT, PUBLIC, SHIPPED, files_of, load, load_noted, shipped_with};
pub use verify::verify;
pub use write::{challenges, solutions};

/// An input with its output.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pair {
    /// What is given.
    pub input: Grid,
    /// What it becomes.
    pub output: Grid,
}

/// A test input, with its output where the solutions are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// What is given.
    pub input: Grid,
    /// The right answer; `None` for a hidden set.
    pub output: Option<Grid>,
}

/// One puzzle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its name, eight hexadecimal digits in the public sets.
    pub id: String,
    /// The demonstrations.
    pub train: Vec<Pair>,
    /// The questions.
    pub test: Vec<Test>,
}

/// Tasks in the order of their file.
#[derive(Clone, Debug)]
pub struct TaskSet {
    /// The set's name, or the path it was read from.
    pub name: String,
    /// The tasks.
    pub tasks: Vec<Task>,
}

impl Task {
    /// Every grid that is shown: the demonstrations' inputs and outputs and the tests' inputs. Never a test output.
    pub fn shown_grids(&self) -> impl Iterator<Item = &Grid> {
        let pairs = self.train.iter().flat_map(|pair| [&pair.input, &pair.output]);
        pairs.chain(self.test.iter().map(|test| &test.input))
    }

    /// Every input: the demonstrations', then the tests'.
    pub fn inputs(&self) -> impl Iterator<Item = &Grid> {
        self.train.iter().map(|pair| &pair.input).chain(self.test.iter().map(|test| &test.input))
    }

    /// The largest number of rows or columns among the grids that are shown.
    pub fn shown_side(&self) -> usize {
        self.shown_grids().map(|grid| grid.rows().max(grid.columns())).max().unwrap_or(0)
    }
}

impl TaskSet {
    /// The number of test inputs, which is the number of outputs asked for.
    pub fn outputs(&self) -> usize {
        self.tasks.iter().map(|task| task.test.len()).sum()
    }

    /// The task with this id.
    ///
    /// # Errors
    /// [`TaskError::NoSuchTask`] with the nearest id.
    pub fn task(&self, id: &str) -> Result<&Task, TaskError> {
        self.tasks.iter().find(|task| task.id == id).ok_or_else(|| TaskError::NoSuchTask {
            id: id.to_owned(),
            set: self.name.clone(),
            hint: names::hint(id, self.tasks.iter().map(|task| task.id.as_str())),
        })
    }

    /// True when every test output is known.
    pub fn has_solutions(&self) -> bool {
        self.tasks.iter().all(|task| task.test.iter().all(|test| test.output.is_some()))
    }

    /// The number of test outputs that are not known.
    pub fn hidden_outputs(&self) -> usize {
        self.tasks.iter().flat_map(|task| &task.test).filter(|test| test.output.is_none()).count()
    }

    /// SHA-256 over ids and grids in order. Test outputs do not count, so that the digest is
    /// the same with and without the solutions file.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for task in &self.tasks {
            hash.update(task.id.as_bytes());
            hash.update([0, task.train.len() as u8, task.test.len() as u8]);
            for grid in task.shown_grids() {
                hash.update([grid.rows() as u8, grid.columns() as u8]);
                hash.update(grid.cells());
            }
        }
        files::hex(&hash.finalize())
    }
}
