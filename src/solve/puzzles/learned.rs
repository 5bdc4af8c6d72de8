//! Which questions a checkpoint has learned: its training set is made anew from its recipe and compared, up to symmetries.
//!
//! What bites: a table that was learned from may be gone, or another may stand in its place. The checkpoint has the digest of what it
//! learned, so nothing else is taken for it.

use std::collections::HashSet;

use rayon::prelude::*;
use thiserror::Error;

use crate::augment::form_of;
use crate::grid::Grid;
use crate::puzzle::{Kind, Puzzle, PuzzleError};
use crate::recipe::{PuzzleData, SetDigest};

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
    /// Makes the puzzles that a checkpoint has learned anew by its `data` and its recipe's `seed`, unless `stop` says that there is no time;
    /// `sets` are the digests that it keeps of them.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub fn of(
        sets: &[SetDigest],
        seed: u64,
        data: &PuzzleData,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, NotKnown> {
        let set = data.puzzles(seed, stop).map_err(|fault| match fault {
            PuzzleError::Interrupted => NotKnown::Stopped,
            fault => NotKnown::Puzzle(fault),
        })?;
        if !sets.iter().any(|learned| learned.digest == set.digest()) {
            return Err(NotKnown::Other(data.name()));
        }
        let form = |puzzle: &Puzzle| (!stop()).then(|| form_of(set.kind, &puzzle.question));
        let forms: Option<HashSet<Grid>> = set.puzzles.par_iter().map(form).collect();
        forms.map(Self).ok_or(NotKnown::Stopped)
    }

    /// Tells of each puzzle whether it asks what a learned one asks.
    pub(super) fn has(&self, kind: Kind, puzzles: &[&Puzzle]) -> Vec<bool> {
        puzzles.par_iter().map(|puzzle| self.0.contains(&form_of(kind, &puzzle.question))).collect()
    }
}
