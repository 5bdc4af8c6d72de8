//! `Recipe`: everything that decides a training, as a TOML file; and `Trained`, what comes of it.
//!
//! A recipe is stored in the checkpoint that it makes. Together with the digests of its task sets it is all that a
//! training depends on: the same recipe gives the same weights, bit for bit on one kind of CPU, whatever the number of threads.

mod adapted;
mod check;
mod check_data;
mod course;
mod cut;
mod data;
mod import;
pub(crate) mod trained;
mod written;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::augment::AugmentError;
use crate::checkpoint::CheckpointError;
use crate::dataset::{IdentifiersError, LessonsError};
use crate::device::DeviceError;
use crate::files::{self, FileError};
use crate::model::{Config, ConfigError};
use crate::optim::Schedule;
use crate::puzzle::{Kind, PuzzleError};
use crate::task::TaskError;
pub use adapted::{Adaptation, AdaptedTo, PLAN_OF_IMPORTED};
pub use course::{Course, Halting, Rows, Stage, Trunk};
pub use cut::Cut;
pub(crate) use data::held_out_sets;
pub use data::{Data, Generated, PuzzleData, PuzzleSource, SourceRecipe, TaskData};
pub use import::{ImportError, Imported, NamesFrom, Published, PublishedCheckpoint, PublishedTensors, Summary, export};
pub use trained::{About, LOG_FILE, SetDigest, Trained, TrunkValues, WRITTEN, arithmetic_of, checkpoint_files};
use written::Written;

/// What can be wrong with a recipe or what came of it.
#[derive(Debug, Error)]
pub enum RecipeError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A plan could not be read.
    #[error(transparent)]
    Plan(#[from] AugmentError),
    /// Tasks could not be read.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Puzzles could not be read or made.
    #[error(transparent)]
    Puzzle(PuzzleError),
    /// Names of rows that are none.
    #[error(transparent)]
    Names(Box<IdentifiersError>),
    /// Ended by a signal.
    #[error("interrupted")]
    Interrupted,
    /// Tasks are asked for where puzzles are learned.
    #[error("{recipe} learns {kind} of {side} x {side} and no tasks; its checkpoint solves a table of such puzzles")]
    NoTasks {
        /// The recipe's name.
        recipe: String,
        /// What it learns.
        kind: Kind,
        /// Their side.
        side: usize,
    },
    /// Puzzles are asked for where tasks are learned.
    #[error("{recipe} learns ARC tasks and no puzzles; name a checkpoint that was trained on such puzzles")]
    NoPuzzles {
        /// The recipe's name.
        recipe: String,
    },
    /// A model that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A device cannot do it, or has no room for it.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A checkpoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A published checkpoint cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Identifiers that are none.
    #[error("{path}: {source}")]
    Identifiers {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<IdentifiersError>,
    },
    /// A value that cannot be.
    #[error("recipe {recipe}: {fault}")]
    Value {
        /// The recipe's name.
        recipe: String,
        /// What is wrong, and what would be right.
        fault: String,
    },
}

impl From<PuzzleError> for RecipeError {
    fn from(fault: PuzzleError) -> Self {
        match fault {
            PuzzleError::Interrupted => Self::Interrupted,
            fault => Self::Puzzle(fault),
        }
    }
}

impl From<LessonsError> for RecipeError {
    fn from(fault: LessonsError) -> Self {
        match fault {
            LessonsError::Names(fault) => Self::Names(fault.into()),
            LessonsError::Interrupted => Self::Interrupted,
        }
    }
}

/// A training, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// The seed of all streams.
    pub seed: u64,
    /// What is learned from.
    pub data: Data,
    /// The model.
    pub model: Config,
    /// The course of the training.
    pub training: Course,
    /// The trunk's optimizer.
    pub trunk: Trunk,
    /// The puzzle rows' optimizer.
    pub rows: Rows,
    /// The checkpoint that it goes on from, and how; only `trm-arc adapt` writes this.
    pub adaptation: Option<Adaptation>,
}

impl Recipe {
    /// The recipe of a name (`recipes/NAME.toml`) or of a path, checked.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn load(name: &str) -> Result<Self, RecipeError> {
        let recipe: Self = files::read_toml(&Self::find(name)?)?;
        recipe.check()?;
        recipe.check_sources()?;
        recipe.check_beginning()?;
        Ok(recipe)
    }

    /// Returns the file of a recipe's name or path.
    ///
    /// # Errors
    /// [`FileError::Unknown`].
    pub fn find(name: &str) -> Result<PathBuf, FileError> {
        files::find_toml("recipes", name)
    }

    /// The tasks that it learns from.
    ///
    /// # Errors
    /// [`RecipeError::NoTasks`].
    pub fn tasks(&self) -> Result<&TaskData, RecipeError> {
        match &self.data {
            Data::Tasks(data) => Ok(data),
            Data::Puzzles(PuzzleData { kind, side, .. }) => {
                Err(RecipeError::NoTasks { recipe: self.name.clone(), kind: *kind, side: *side })
            }
        }
    }

    /// The puzzles that it learns from.
    ///
    /// # Errors
    /// [`RecipeError::NoPuzzles`].
    pub fn puzzles(&self) -> Result<&PuzzleData, RecipeError> {
        match &self.data {
            Data::Puzzles(data) => Ok(data),
            Data::Tasks(_) => Err(RecipeError::NoPuzzles { recipe: self.name.clone() }),
        }
    }

    /// The schedule of both learning rates.
    pub fn schedule(&self) -> Schedule {
        let Course { schedule, warmup, steps, final_ratio, .. } = self.training;
        Schedule { shape: schedule, warmup, steps, final_ratio }
    }

    /// How the batch is cut into parts.
    ///
    /// # Errors
    /// [`RecipeError::Value`].
    pub fn cut(&self) -> Result<Cut, RecipeError> {
        self.training.cut().map_err(|fault| RecipeError::Value { recipe: self.name.clone(), fault })
    }
}
