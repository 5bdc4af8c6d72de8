//! `Data`: what a recipe learns from: the tasks of `[data]`, or the puzzles of `[puzzles]`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::{Colours, Sizes};
use crate::encode::Canvas;
use crate::puzzle::{self, Kind, PuzzleError, PuzzleSet, Wish};
use crate::rng::Stream;
use crate::task::HELD_OUT;

/// What is learned from.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// ARC tasks: `[data]`.
    Tasks(TaskData),
    /// Sudoku or mazes: `[puzzles]`.
    Puzzles(PuzzleData),
}

/// ARC tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskData {
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

/// Sudoku or mazes of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleData {
    /// What they are.
    pub kind: Kind,
    /// Rows, and columns.
    pub side: usize,
    /// The variants of each puzzle beside itself, the same for every seed: shuffles of a Sudoku, of a maze at most 7.
    pub variants: usize,
    /// Where they come from.
    pub source: PuzzleSource,
}

/// Where puzzles come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PuzzleSource {
    /// A table in the published form.
    Table {
        /// Its path.
        file: String,
        /// So many of its puzzles, drawn by the recipe's seed; all when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        take: Option<usize>,
    },
    /// What `trm-arc puzzles generate` makes.
    Generated(Generated),
    /// What an imported checkpoint has learned; only `trm-arc import` writes this.
    Unknown,
}

/// Puzzles that are made when a training begins. What is tested on should come from another seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// How many.
    pub count: usize,
    /// Their seed.
    pub seed: u64,
    /// The least rating; that of `puzzles generate` when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_rating: Option<u32>,
    /// The fewest clues of a Sudoku; when it is left out none can be spared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_clues: Option<usize>,
}

impl Generated {
    /// Which puzzles they are.
    ///
    /// # Errors
    /// [`PuzzleError`] where there is no such puzzle.
    pub fn wish(&self, kind: Kind, side: usize) -> Result<Wish, PuzzleError> {
        let wish = Wish::new(kind, Some(side), self.least_rating)?;
        self.least_clues.map_or(Ok(wish), |clues| wish.with_clues(clues))
    }
}

impl PuzzleData {
    /// The puzzles, unless `stop` says that there is no time. `seed` is the recipe's.
    ///
    /// # Errors
    /// [`PuzzleError`].
    pub fn puzzles(&self, seed: u64, stop: &(dyn Fn() -> bool + Sync)) -> Result<PuzzleSet, PuzzleError> {
        match &self.source {
            PuzzleSource::Table { file, take } => {
                let path = Path::new(file);
                let set = match take {
                    Some(take) => puzzle::read_drawn(path, *take, &mut Stream::new(seed, "puzzles"), stop)?,
                    None => puzzle::read_unless(path, stop)?,
                };
                set.expecting(self.kind, self.side, path)
            }
            PuzzleSource::Unknown => Err(PuzzleError::Unknown),
            PuzzleSource::Generated(generated) => {
                generated.wish(self.kind, self.side)?.puzzles(generated.seed, generated.count, stop)
            }
        }
    }

    /// What a log or a checkpoint calls the source.
    pub fn name(&self) -> String {
        match &self.source {
            PuzzleSource::Table { file, .. } => file.clone(),
            PuzzleSource::Generated(Generated { count, seed, .. }) => format!("{count} generated, seed {seed}"),
            PuzzleSource::Unknown => "unknown".to_owned(),
        }
    }
}

impl Data {
    /// The tasks, where it is tasks that are learned from.
    pub fn tasks(&self) -> Option<&TaskData> {
        match self {
            Self::Tasks(data) => Some(data),
            Self::Puzzles(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn tasks_mut(&mut self) -> Option<&mut TaskData> {
        match self {
            Self::Tasks(data) => Some(data),
            Self::Puzzles(_) => None,
        }
    }

    /// The puzzles, where it is puzzles that are learned from.
    pub fn puzzles(&self) -> Option<&PuzzleData> {
        match self {
            Self::Tasks(_) => None,
            Self::Puzzles(data) => Some(data),
        }
    }
}
