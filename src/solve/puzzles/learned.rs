//! Which questions a checkpoint has learned: its training set is made anew from its recipe and compared, up to symmetries.
//!
//! What bites: a table that was learned from may be gone, or another may stand in its place. The checkpoint has the digest of what it
//! learned, so nothing else is taken for it.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::augment::form_of;
use crate::grid::Grid;
use crate::ops::Operations;
use crate::puzzle::{PuzzleError, PuzzleSet};
use crate::recipe::{PuzzleData, PuzzleSource, RecipeError, Trained};

/// The questions that a checkpoint has learned.
#[derive(Clone, Debug)]
pub struct Training(HashSet<Grid>);

impl Training {
    /// Makes the training set of a checkpoint anew; why that cannot be is said.
    ///
    /// # Errors
    /// [`RecipeError::NoPuzzles`] of a model that was trained on tasks.
    pub fn of<D: Operations>(
        trained: &Trained<D>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Result<Self, String>, RecipeError> {
        let data = trained.recipe.puzzles()?;
        Ok(match made_anew(data, trained.recipe.seed, stop) {
            Err(fault) => Err(fault.to_string()),
            Ok(set) if trained.sets.iter().all(|learned| learned.digest != set.digest()) => {
                Err(format!("what is there now as {} is not what was learned", data.name()))
            }
            Ok(set) => Ok(Self(forms(&set).into_iter().collect())),
        })
    }

    /// Whether each puzzle asks what a learned one asks.
    pub(super) fn has(&self, set: &PuzzleSet) -> Vec<bool> {
        forms(set).iter().map(|form| self.0.contains(form)).collect()
    }
}

fn forms(set: &PuzzleSet) -> Vec<Grid> {
    set.puzzles.par_iter().map(|puzzle| form_of(set.kind, &puzzle.question)).collect()
}

/// The training set. To generate one may take long, so it can be stopped.
fn made_anew(data: &PuzzleData, seed: u64, stop: &(dyn Fn() -> bool + Sync)) -> Result<PuzzleSet, PuzzleError> {
    let PuzzleSource::Generated(generated) = &data.source else { return data.puzzles(seed) };
    let wish = generated.wish(data.kind, data.side)?;
    let puzzle = |index| if stop() { Err(PuzzleError::Interrupted) } else { wish.puzzle(generated.seed, index) };
    let puzzles = (0..generated.count).into_par_iter().map(puzzle).collect::<Result<_, _>>()?;
    Ok(PuzzleSet { kind: data.kind, side: data.side, puzzles })
}
