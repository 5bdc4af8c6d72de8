//! `Recipe`: everything that decides a training, as a TOML file; and `Trained`, what comes of it.
//!
//! A recipe is stored in the checkpoint that it makes. Together with the digests of its task sets it is all that a
//! training depends on: the same recipe gives the same weights, bit for bit on one kind of CPU, whatever the number of threads.

mod adapted;
mod check;
mod course;
mod cut;
mod import;
pub(crate) mod trained;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::augment::AugmentError;
use crate::checkpoint::CheckpointError;
use crate::dataset::{Colours, IdentifiersError, Sizes};
use crate::encode::Canvas;
use crate::files::{self, FileError};
use crate::model::{Config, ConfigError};
use crate::optim::Schedule;
use crate::task::{HELD_OUT, TaskError};
pub use adapted::{Adaptation, AdaptedTo, PLAN_OF_IMPORTED};
pub use course::{Course, Halting, Rows, Stage, Trunk};
pub use cut::Cut;
pub use import::{ImportError, Imported, NamesFrom, Published, PublishedTensors, Request, Summary, export, import};
pub use trained::{About, LOG_FILE, SetDigest, Trained, TrunkValues};

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
    /// A model that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
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

/// A training, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<Adaptation>,
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The variants of each task: a plan's name or path.
    pub plan: String,
    /// Whether colours are also permuted in the grids; by the plan alone, as the paper has it, when it is left out.
    #[serde(default)]
    pub colours: Colours,
    /// How grids are drawn.
    pub canvas: Canvas,
    /// The task sets.
    pub sources: Vec<SourceRecipe>,
    /// Sets whose test pairs are never learned, in whatever source they stand. Without it: the evaluation sets of both benchmarks
    /// and our own tasks, `held-out/concepts`.
    #[serde(default = "held_out_sets")]
    pub held_out: Vec<String>,
}

pub(crate) fn held_out_sets() -> Vec<String> {
    HELD_OUT.map(str::to_owned).to_vec()
}

/// A task set and what of it is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecipe {
    /// A set's name or path.
    pub tasks: String,
    /// True when its test pairs are learned too. Refused for a set that is held out.
    pub test_pairs: bool,
    /// Only tasks whose grids have at most this many rows and columns; 30 takes all.
    pub largest_side: usize,
    /// Only tasks that keep the size of a grid, or any.
    pub sizes: Sizes,
}

impl Recipe {
    /// The recipe of a name (`recipes/NAME.toml`) or of a path, checked.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn load(name: &str) -> Result<Self, RecipeError> {
        let recipe: Self = files::read_toml(&files::find_toml("recipes", name)?)?;
        recipe.check()?;
        recipe.check_sources()?;
        recipe.check_beginning()?;
        Ok(recipe)
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
