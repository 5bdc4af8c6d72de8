//! Puzzles as data: Sudoku and mazes with one answer each, in the published form `source,question,answer,rating`.
//!
//! A cell is a number of its kind's alphabet (see [`Kind`]), so that cell + 1 is the published token and 0 is left for padding.
//! The generators draw from a seed alone; the checker finds every answer anew and believes no file.

mod drawing;
mod error;
mod kind;
pub mod maze;
pub mod sudoku;
mod table;
mod wish;
mod writer;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files;
use crate::grid::Grid;
pub use drawing::drawn;
pub use error::{Fault, PuzzleError};
pub use kind::Kind;
pub use table::{HEADER, Reader, Row, read, read_drawn, read_to_solve, read_until};
pub use wish::Wish;
pub use writer::{Writer, write};

/// A question with its one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// Where it comes from.
    pub source: String,
    /// What is given.
    pub question: Grid,
    /// The question, filled.
    pub answer: Grid,
    /// How hard it is: the larger, the harder. Generated ones say [`sudoku::Rater`] or the steps of the path.
    pub rating: u32,
}

/// Puzzles of one kind and one side, in the order of their file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PuzzleSet {
    /// What they are.
    pub kind: Kind,
    /// Rows, and columns.
    pub side: usize,
    /// The puzzles.
    pub puzzles: Vec<Puzzle>,
}

impl PuzzleSet {
    /// Makes sure that the puzzles of a file are of this kind and side.
    ///
    /// # Errors
    /// [`PuzzleError::Other`].
    pub fn expecting(self, wanted: Kind, wanted_side: usize, path: &Path) -> Result<Self, PuzzleError> {
        let Self { kind, side, .. } = self;
        match (kind, side) == (wanted, wanted_side) {
            true => Ok(self),
            false => Err(PuzzleError::Other { path: path.to_owned(), kind, side, wanted, wanted_side }),
        }
    }

    /// A SHA-256 of kind, questions and answers in their order.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.kind.to_string());
        for Puzzle { question, answer, .. } in &self.puzzles {
            hash.update([question.rows() as u8]);
            hash.update(question.cells());
            hash.update(answer.cells());
        }
        files::hex(&hash.finalize())
    }
}

impl Puzzle {
    /// Checks that the answer keeps what is given and fills the rest, without a look at the rules.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn agrees(&self, kind: Kind) -> Result<(), Fault> {
        match kind {
            Kind::Sudoku => sudoku::agrees(&self.question, &self.answer),
            Kind::Maze => maze::agrees(&self.question, &self.answer),
        }
    }

    /// Checks that the answer agrees with the question, keeps the rules and is the only one.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn verify(&self, kind: Kind) -> Result<(), Fault> {
        self.agrees(kind)?;
        match kind {
            Kind::Sudoku => sudoku::verify(&self.question, &self.answer),
            Kind::Maze => maze::verify(&self.question, &self.answer),
        }
    }

    /// What a kind's size is measured by: the clues of a Sudoku, the steps of a maze's path.
    pub fn extent(&self, kind: Kind) -> u32 {
        let count = |grid: &Grid, is_counted: fn(u8) -> bool| {
            grid.cells().iter().filter(|&&cell| is_counted(cell)).count() as u32
        };
        match kind {
            Kind::Sudoku => count(&self.question, |cell| cell != sudoku::BLANK),
            // The goal is a step too.
            Kind::Maze => count(&self.answer, |cell| cell == maze::PATH) + 1,
        }
    }
}
