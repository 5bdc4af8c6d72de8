//! `Recipe`: everything that decides a training, as a TOML file; and `Trained`, what comes of it.
//!
//! A recipe is stored in the checkpoint that it makes. Together with the digests of its task sets it is all that a
//! training depends on: the same recipe gives the same weights, bit for bit on one kind of CPU, whatever the number of threads.

mod cut;
mod import;
pub(crate) mod trained;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::augment::AugmentError;
use crate::checkpoint::CheckpointError;
use crate::dataset::{IdentifiersError, Sizes};
use crate::encode::{Canvas, VOCABULARY};
use crate::files::{self, FileError};
use crate::grid::MAX_SIDE;
use crate::model::{Config, ConfigError, Mixer};
use crate::optim::{Adam, Schedule};
use crate::task::{SHIPPED, TaskError};
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
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The variants of each task: a plan's name or path.
    pub plan: String,
    /// How grids are drawn.
    pub canvas: Canvas,
    /// The task sets.
    pub sources: Vec<SourceRecipe>,
    /// Sets whose test pairs are never learned, in whatever source they stand. Without it: the evaluation sets of both benchmarks.
    #[serde(default = "evaluation_sets")]
    pub held_out: Vec<String>,
}

pub(crate) fn evaluation_sets() -> Vec<String> {
    SHIPPED.iter().filter(|name| name.ends_with("/evaluation")).map(|name| (*name).to_owned()).collect()
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

/// The course of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Examples in flight; one optimizer step is one supervision step of all of them.
    pub batch: usize,
    /// Parts of equally many examples that the batch is cut into, each run on its own; or instead of them `tokens_per_batch`. The
    /// gradients of the parts are summed in order, so the result depends on the cut and not on the threads. More parts need less memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<usize>,
    /// The most tokens of a part, so that its memory is bounded whatever the sizes of its examples; one that has more is a part of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_batch: Option<usize>,
    /// Optimizer steps.
    pub steps: usize,
    /// Steps of linear warm-up.
    pub warmup: usize,
    /// What is left of the learning rates at the end of the cosine; 1.0 keeps them constant.
    pub final_ratio: f64,
    /// The most supervision steps of one example.
    pub halt_max_steps: usize,
    /// The share of steps at which a slot must go on to a random number of steps, whatever the halting head says.
    pub exploration: f64,
    /// The halting logit's bias before the first step; -5 as in the paper when it is left out.
    #[serde(default = "paper_halt_bias")]
    pub halt_bias: f32,
    /// The decay of the moving average of the weights.
    pub ema: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
    /// Steps between rows of the log.
    pub log_every: usize,
}

fn paper_halt_bias() -> f32 {
    -5.0
}

/// The trunk's optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// The learning rate at its height.
    pub learning_rate: f64,
    /// The optimizer.
    pub optimizer: Adam,
}

/// The puzzle rows' optimizer, sign-SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The learning rate at its height.
    pub learning_rate: f64,
    /// The decay of the rows in the batch.
    pub weight_decay: f64,
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
        Ok(recipe)
    }

    /// The schedule of both learning rates.
    pub fn schedule(&self) -> Schedule {
        let Course { warmup, steps, final_ratio, .. } = self.training;
        Schedule { warmup, steps, final_ratio }
    }

    /// How the batch is cut into parts.
    ///
    /// # Errors
    /// [`RecipeError::Value`].
    pub fn cut(&self) -> Result<Cut, RecipeError> {
        self.training.cut().map_err(|fault| RecipeError::Value { recipe: self.name.clone(), fault })
    }

    /// Checks every value, also of a recipe that comes out of a checkpoint.
    ///
    /// # Errors
    /// [`RecipeError::Value`] or [`RecipeError::Config`], naming the value and what would be right.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.model.check()?;
        self.check_course()?;
        self.check_optimizers()?;
        self.check_data()
    }

    fn value(&self, fault: String) -> Result<(), RecipeError> {
        Err(RecipeError::Value { recipe: self.name.clone(), fault })
    }

    fn check_course(&self) -> Result<(), RecipeError> {
        let course = &self.training;
        let sizes = [
            ("batch", course.batch),
            ("steps", course.steps),
            ("halt_max_steps", course.halt_max_steps),
            ("checkpoint_every", course.checkpoint_every),
            ("log_every", course.log_every),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return self.value(format!("training.{name} is 0; it is at least 1"));
        }
        self.cut()?;
        let Course { warmup, steps, .. } = *course;
        if warmup > steps {
            return self.value(format!("training.warmup {warmup} is more than training.steps {steps}"));
        }
        if !course.halt_bias.is_finite() {
            return self.value(format!("training.halt_bias is {}; it is a number", course.halt_bias));
        }
        self.check_shares(&[
            ("training.exploration", course.exploration),
            ("training.ema", course.ema),
            ("training.final_ratio", course.final_ratio),
        ])
    }

    fn check_shares(&self, shares: &[(&str, f64)]) -> Result<(), RecipeError> {
        match shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, share)) => self.value(format!("{name} is {share}; it is between 0 and 1")),
            None => Ok(()),
        }
    }

    fn check_optimizers(&self) -> Result<(), RecipeError> {
        let Trunk { learning_rate, optimizer } = &self.trunk;
        let rates = [
            ("trunk.learning_rate", *learning_rate),
            ("trunk.optimizer.weight_decay", optimizer.weight_decay),
            ("rows.learning_rate", self.rows.learning_rate),
            ("rows.weight_decay", self.rows.weight_decay),
        ];
        if let Some((name, rate)) = rates.into_iter().find(|(_, rate)| !(rate.is_finite() && *rate >= 0.0)) {
            return self.value(format!("{name} is {rate}; it is a number from 0 up"));
        }
        let betas = [("trunk.optimizer.beta_1", optimizer.beta_1), ("trunk.optimizer.beta_2", optimizer.beta_2)];
        match betas.into_iter().find(|(_, beta)| !(0.0..1.0).contains(beta)) {
            Some((name, beta)) => self.value(format!("{name} is {beta}; it is from 0 up and below 1")),
            None => Ok(()),
        }
    }

    /// A recipe to train by has task sets; that of an imported checkpoint may have none.
    fn check_sources(&self) -> Result<(), RecipeError> {
        match self.data.sources.is_empty() {
            true => self.value("data.sources is empty; name at least one task set".to_owned()),
            false => Ok(()),
        }
    }

    fn check_data(&self) -> Result<(), RecipeError> {
        if self.name.is_empty()
            || !self.name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
            || self.name.starts_with('.')
        {
            let fault =
                "its name has letters, digits, - _ and . alone, and does not begin with a dot: it names a folder";
            return self.value(fault.to_owned());
        }
        if self.model.vocabulary != VOCABULARY {
            let found = self.model.vocabulary;
            return self.value(format!("model.vocabulary is {found}; ARC's cells have {VOCABULARY} kinds"));
        }
        if self.model.cells != MAX_SIDE * MAX_SIDE {
            let (found, board) = (self.model.cells, MAX_SIDE * MAX_SIDE);
            return self.value(format!("model.cells is {found}; ARC's board has {board}"));
        }
        if self.model.mixer == Mixer::TokenMlp && self.data.canvas != Canvas::Board {
            let fault = "a token-mlp model needs data.canvas = \"board\": its examples all have one size";
            return self.value(fault.to_owned());
        }
        let held_out = |source: &&SourceRecipe| source.test_pairs && self.data.held_out.contains(&source.tasks);
        match self.data.sources.iter().find(held_out) {
            Some(source) => {
                let set = &source.tasks;
                self.value(format!("test_pairs = true for {set}: the answers of a held-out set are never learned"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_recipes_load() {
        for name in ["paper-arc-agi-1", "small-grids"] {
            assert_eq!(Recipe::load(name).unwrap().name, name);
        }
    }

    #[test]
    fn impossible_values_are_named() {
        let fault = |change: fn(&mut Recipe)| {
            let mut recipe = Recipe::load("small-grids").unwrap();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        assert!(fault(|r| r.training.parts = Some(5)).contains("parts 5"));
        assert!(fault(|r| r.training.parts = Some(0)).contains("training.parts is 0"));
        assert!(fault(|r| r.training.parts = None).contains("neither parts nor tokens_per_batch"));
        assert!(fault(|r| r.training.tokens_per_batch = Some(9)).contains("both parts and tokens_per_batch"));
        let no_tokens = |r: &mut Recipe| (r.training.parts, r.training.tokens_per_batch) = (None, Some(0));
        assert!(fault(no_tokens).contains("tokens_per_batch is 0"));
        assert!(fault(|r| r.training.ema = 1.5).contains("training.ema is 1.5"));
        assert!(fault(|r| r.training.steps = 0).contains("training.steps is 0"));
        assert!(fault(|r| r.model.vocabulary = 11).contains("12 kinds"));
        assert!(fault(|r| r.trunk.learning_rate = f64::NAN).contains("trunk.learning_rate"));
        let mut empty = Recipe::load("small-grids").unwrap();
        empty.data.sources.clear();
        assert!(empty.check_sources().unwrap_err().to_string().contains("data.sources"));
        assert!(fault(|r| r.trunk.optimizer.beta_1 = 1.5).contains("beta_1 is 1.5"));
        assert!(fault(|r| r.rows.weight_decay = f64::NAN).contains("rows.weight_decay"));
        assert!(fault(|r| r.training.warmup = 1_000_000).contains("training.warmup"));
        assert!(fault(|r| r.name = "../../x".into()).contains("names a folder"));
        assert!(fault(|r| r.model.expansion = 0.0).contains("expansion"));
        let leak = fault(|r| r.data.sources.iter_mut().for_each(|source| source.test_pairs = true));
        assert!(leak.contains("never learned"), "{leak}");
    }
}
