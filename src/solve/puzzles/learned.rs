//! Which questions a checkpoint has learned: its training set is made anew from its recipe and compared, up to symmetries.
//!
//! What bites: a table that was learned from may be gone, or another may stand in its place. The checkpoint has the digest of what it
//! learned, so nothing else is taken for it.

use std::collections::HashSet;

use rayon::prelude::*;
use thiserror::Error;

use crate::augment::form_of;
use crate::grid::Grid;
use crate::ops::Operations;
use crate::puzzle::{PuzzleError, PuzzleSet};
use crate::recipe::{PuzzleData, Trained};

/// The questions that a checkpoint has learned.
#[derive(Clone, Debug)]
pub struct Training(HashSet<Grid>);

/// Why it is not known which questions a checkpoint has learned.
#[derive(Debug, Error)]
pub enum NotKnown {
    /// They could not be read or made.
    #[error(transparent)]
    Puzzle(PuzzleError),
    /// There was no time to make them.
    #[error("there was no time to make them anew")]
    Stopped,
    /// They are others now.
    #[error("what is there now as {0} is not what was learned")]
    Other(String),
}

impl Training {
    /// Makes the puzzles that a checkpoint has learned anew, unless `stop` says that there is no time.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub fn of<D: Operations>(
        trained: &Trained<D>,
        data: &PuzzleData,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, NotKnown> {
        let set = data.puzzles(trained.recipe.seed, stop).map_err(|fault| match fault {
            PuzzleError::Interrupted => NotKnown::Stopped,
            fault => NotKnown::Puzzle(fault),
        })?;
        match trained.sets.iter().any(|learned| learned.digest == set.digest()) {
            true => Ok(Self(forms(&set).into_iter().collect())),
            false => Err(NotKnown::Other(data.name())),
        }
    }

    /// Whether each puzzle asks what a learned one asks.
    pub(super) fn has(&self, set: &PuzzleSet) -> Vec<bool> {
        forms(set).iter().map(|form| self.0.contains(form)).collect()
    }
}

fn forms(set: &PuzzleSet) -> Vec<Grid> {
    set.puzzles.par_iter().map(|puzzle| form_of(set.kind, &puzzle.question)).collect()
}
