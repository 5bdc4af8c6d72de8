//! `Wish`: which puzzles to make. Puzzle `index` of a seed depends on the wish, the seed and the index, and on nothing else.

use super::{Kind, Puzzle, PuzzleError, maze, sudoku};
use crate::rng::Stream;

/// Which puzzles to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    kind: Kind,
    side: usize,
    least_rating: u32,
}

impl Wish {
    /// Puzzles of this kind. Without a side they are 9 x 9 and 30 x 30; without a least rating, a Sudoku is any
    /// minimal one and the path of a maze is as long as [`maze::usual_steps`] says.
    ///
    /// # Errors
    /// [`PuzzleError::Side`].
    pub fn new(kind: Kind, side: Option<usize>, least_rating: Option<u32>) -> Result<Self, PuzzleError> {
        let (usual, is_made, known) = match kind {
            Kind::Sudoku => (9, side.is_none_or(|side| kind.has_side(side)), "the sides are 4, 6 and 9"),
            Kind::Maze => (30, side.is_none_or(|side| maze::SIDES.contains(&side)), "the sides are 5 to 30"),
        };
        let side = side.unwrap_or(usual);
        if !is_made {
            return Err(PuzzleError::Side { kind, side, known });
        }
        let least_rating = least_rating.unwrap_or_else(|| match kind {
            Kind::Sudoku => 0,
            Kind::Maze => maze::usual_steps(side),
        });
        Ok(Self { kind, side, least_rating })
    }

    /// What is made.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Rows, and columns.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Puzzle `index` of `seed`.
    ///
    /// # Errors
    /// [`PuzzleError::OutOfReach`].
    pub fn puzzle(&self, seed: u64, index: usize) -> Result<Puzzle, PuzzleError> {
        let Self { kind, side, least_rating } = *self;
        let mut stream = Stream::new(seed, &format!("{kind} {side} {index}"));
        let made = match kind {
            Kind::Sudoku => sudoku::generate(side, least_rating, &mut stream)?,
            Kind::Maze => maze::generate(side, least_rating, &mut stream)?,
        };
        Ok(Puzzle { source: format!("trm-arc seed {seed}"), ..made })
    }
}
