//! `Part`: the training or the test half of the published folder, and the stream of its examples.
//!
//! The training half holds all pairs of every task, of a test set's tasks the demonstrations only; the test half the tests of the test set.
//! Pairs of training are moved about on the board, all but one of each variant. What bites: the build draws which one also for the test
//! half, where nothing moves, and where a variant has one pair it draws nothing.

use serde_json::{Value, json};

use super::numpy::Numpy;
use super::order::OrderedTask;
use crate::augment::Augmentation;
use crate::encode::{self, Extent, Offset, PAD, VOCABULARY};
use crate::grid::{Grid, MAX_SIDE};
use crate::task::{Pair, Task};

/// Cells of a board.
pub(super) const CELLS: usize = MAX_SIDE * MAX_SIDE;

const BOARD: Extent = Extent { rows: MAX_SIDE, columns: MAX_SIDE };

/// Which half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// What is learned from.
    Train,
    /// What is asked.
    Test,
}

impl Half {
    /// In the order in which they are drawn.
    pub(super) const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// Its folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// One half of the folder.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Which.
    pub(super) half: Half,
    /// Its tasks, each with those of its pairs that belong here.
    pub(super) groups: Vec<(&'a OrderedTask<'a>, Vec<Pair>)>,
}

/// A drawn example.
#[derive(Debug)]
pub(super) struct Example<'a> {
    task: &'a Task,
    variant: Augmentation,
    pair: usize,
    /// The input's board. `[S]`
    pub(super) input: Vec<u8>,
    /// The output's board. `[S]`
    pub(super) labels: Vec<u8>,
}

impl Example<'_> {
    /// What it is, for a message.
    pub(super) fn name(&self) -> String {
        format!("pair {} of {}", self.pair, self.variant.variant_name(&self.task.id))
    }
}

impl Part<'_> {
    /// All variants of all tasks.
    pub(super) fn puzzles(&self) -> usize {
        self.groups.iter().map(|(task, _)| task.variants.len()).sum()
    }

    /// All pairs of all variants.
    pub(super) fn examples(&self) -> usize {
        self.groups.iter().map(|(task, pairs)| task.variants.len() * pairs.len()).sum()
    }

    /// The arrays of numbers by their names: each variant's row in the table, where its examples begin, where a task's variants begin.
    pub(super) fn numbers(&self) -> [(&'static str, Vec<i32>); 3] {
        let (mut rows, mut examples, mut puzzles) = (Vec::new(), vec![0], vec![0]);
        let mut example = 0;
        for (task, pairs) in &self.groups {
            for (row, _) in &task.variants {
                rows.push(*row as i32);
                example += pairs.len() as i32;
                examples.push(example);
            }
            puzzles.push(rows.len() as i32);
        }
        [("puzzle_identifiers", rows), ("puzzle_indices", examples), ("group_indices", puzzles)]
    }

    /// `dataset.json`, for a table of so many rows.
    pub(super) fn metadata(&self, rows: usize) -> Value {
        json!({
            "pad_id": PAD,
            "ignore_label_id": PAD,
            "blank_identifier_id": 0,
            "vocab_size": VOCABULARY,
            "seq_len": CELLS,
            "num_puzzle_identifiers": rows,
            "total_groups": self.groups.len(),
            "mean_puzzle_examples": self.examples() as f64 / self.puzzles() as f64,
            "total_puzzles": self.puzzles(),
            "sets": ["all"],
        })
    }

    /// Draws every example in order and hands it on, until one is refused.
    ///
    /// # Errors
    /// Those of `take`.
    pub(super) fn draw<E>(
        &self,
        numpy: &mut Numpy,
        mut take: impl FnMut(&Example<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (OrderedTask { task, variants, .. }, pairs) in &self.groups {
            for &(_, variant) in variants {
                let unmoved = numpy.below(pairs.len());
                for (pair, Pair { input, output }) in pairs.iter().enumerate() {
                    let (input, output) = (variant.apply(input), variant.apply(output));
                    let is_moved = self.half == Half::Train && pair != unmoved;
                    let offset = if is_moved { draw_offset(numpy, &input, &output) } else { Offset::default() };
                    let board = |grid| encode::draw(grid, BOARD, offset).expect("the offset stays on the board").cells;
                    take(&Example { task, variant, pair, input: board(&input), labels: board(&output) })?;
                }
            }
        }
        Ok(())
    }
}

fn draw_offset(numpy: &mut Numpy, input: &Grid, output: &Grid) -> Offset {
    let row = numpy.below(MAX_SIDE - input.rows().max(output.rows()) + 1);
    let column = numpy.below(MAX_SIDE - input.columns().max(output.columns()) + 1);
    Offset { row, column }
}
