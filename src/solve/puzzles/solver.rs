//! `PuzzleSolver`: a trained model that answers puzzles. Each is one view and one example: all share the one row of the puzzle table, and what
//! is asked stands in the cells.

use std::ops::Range;

use dfdx::prelude::NoneTape;

use crate::device::DeviceError;
use crate::encode::{self, Drawing};
use crate::grid::Grid;
use crate::model::{Answer, Example, Inputs, pack};
use crate::ops::Operations;
use crate::puzzle::{Kind, Puzzle};
use crate::recipe::{RecipeError, Trained};
use crate::solve::room::{check_room, tokens_at_once};

/// A trained model that answers puzzles.
pub struct PuzzleSolver<D: Operations> {
    trained: Trained<D>,
    kind: Kind,
    /// The row of the puzzle table that all puzzles share.
    row: Vec<f32>,
    steps: usize,
    tokens_per_batch: usize,
}

/// What was answered to one puzzle.
pub(super) struct Answered {
    /// The grid after each supervision step.
    pub grids: Vec<Grid>,
    /// The halting probability after the last.
    pub halt: f64,
}

impl<D: Operations> PuzzleSolver<D> {
    /// A solver of so many supervision steps, in batches of at most so many tokens.
    ///
    /// # Errors
    /// [`RecipeError::NoPuzzles`] of a model that was trained on tasks, or when its row cannot be read.
    pub fn new(trained: Trained<D>, steps: usize, tokens_per_batch: usize) -> Result<Self, RecipeError> {
        let kind = trained.recipe.puzzles()?.kind;
        let row = trained.table.row(0)?;
        Ok(Self { trained, kind, row, steps, tokens_per_batch })
    }

    /// Supervision steps.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// The puzzles that run together, by their numbers.
    pub(super) fn batches(&self, puzzles: &[Puzzle]) -> Vec<Range<usize>> {
        let prefix = self.trained.model.config.prefix;
        pack(puzzles.iter().map(|puzzle| prefix + puzzle.question.cells().len()), self.tokens_per_batch)
    }

    /// Makes sure that there is room for the answers to these puzzles, before the first.
    ///
    /// # Errors
    /// [`DeviceError::NoRoom`].
    pub fn check_room(&self, puzzles: &[Puzzle]) -> Result<(), DeviceError> {
        let length = |puzzle: &Puzzle| self.trained.model.config.prefix + puzzle.question.cells().len();
        let (all, largest) = (puzzles.iter().map(length).sum(), puzzles.iter().map(length).max().unwrap_or(0));
        check_room(&self.trained.model, tokens_at_once::<D>(all, self.tokens_per_batch, largest))
    }

    /// The answers to a batch, in order; `None` when there was no time for all steps.
    pub(super) fn answer(&self, puzzles: &[Puzzle], stop: &(dyn Fn() -> bool + Sync)) -> Option<Vec<Answered>> {
        let model = &self.trained.model;
        let drawings: Vec<Drawing> = puzzles.iter().map(|puzzle| encode::puzzle(&puzzle.question)).collect();
        let examples: Vec<Example> =
            drawings.iter().map(|drawing| Example { cells: &drawing.cells, positions: &drawing.positions }).collect();
        let inputs = Inputs::new(model, &examples);
        let rows = self.row.repeat(puzzles.len());
        let mut carry = model.start(&inputs);
        let mut by_step: Vec<Vec<Answer>> = Vec::new();
        for _ in 0..self.steps {
            if stop() {
                return None;
            }
            let result = model.supervise::<NoneTape>(&inputs, model.rows(rows.clone()), carry);
            by_step.push(result.answers(model, &inputs));
            carry = result.carry;
        }
        let last = by_step.last()?;
        let read = |question: &Grid, answer: &Answer| encode::read_puzzle(self.kind, question, &answer.cells);
        let answered = |(place, last): (usize, &Answer)| Answered {
            grids: by_step.iter().map(|answers| read(&puzzles[place].question, &answers[place])).collect(),
            halt: last.halting_probability(),
        };
        Some(last.iter().enumerate().map(answered).collect())
    }
}
