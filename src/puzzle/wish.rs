//! `Wish`: which puzzles to make. Puzzle `index` of a seed depends on the wish, the seed and the index, and on nothing else.

use rayon::prelude::*;

use super::{Kind, Puzzle, PuzzleError, PuzzleSet, maze, sudoku};
use crate::rng::Stream;

/// Which puzzles to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    kind: Kind,
    side: usize,
    least_rating: u32,
    least_clues: usize,
}

impl Wish {
    /// Puzzles of this kind. Without a side they are 9 x 9 and 30 x 30; without a least rating, a Sudoku is any
    /// minimal one and the path of a maze is as long as [`maze::usual_steps`] says.
    ///
    /// # Errors
    /// [`PuzzleError::Side`].
    pub fn new(kind: Kind, side: Option<usize>, least_rating: Option<u32>) -> Result<Self, PuzzleError> {
        let side = side.unwrap_or(kind.usual_side());
        let (is_made, known) = match kind {
            Kind::Sudoku => (kind.has_side(side), "the sides are 4, 6 and 9"),
            Kind::Maze => (maze::SIDES.contains(&side), "the sides are 5 to 30"),
        };
        if !is_made {
            return Err(PuzzleError::Side { kind, side, known });
        }
        let least_rating = least_rating.unwrap_or_else(|| match kind {
            Kind::Sudoku => 0,
            Kind::Maze => maze::usual_steps(side),
        });
        Ok(Self { kind, side, least_rating, least_clues: 0 })
    }

    /// The same with at least so many clues: more clues make a Sudoku easier.
    ///
    /// # Errors
    /// [`PuzzleError::Clues`] of a maze, or where the board has no blank then.
    pub fn with_clues(self, least_clues: usize) -> Result<Self, PuzzleError> {
        let Self { kind, side, .. } = self;
        match kind == Kind::Sudoku && least_clues < side * side {
            true => Ok(Self { least_clues, ..self }),
            false => Err(PuzzleError::Clues { kind, side, clues: least_clues }),
        }
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
        let Self { kind, side, least_rating, least_clues } = *self;
        let mut stream = Stream::new(seed, &format!("{kind} {side} {index}"));
        let made = match kind {
            Kind::Sudoku if least_clues > 0 => sudoku::generate_easy(side, least_clues, least_rating, &mut stream)?,
            Kind::Sudoku => sudoku::generate(side, least_rating, &mut stream)?,
            Kind::Maze => maze::generate(side, least_rating, &mut stream)?,
        };
        Ok(Puzzle { source: format!("trm-arc seed {seed}"), ..made })
    }

    /// The first `count` puzzles of a seed.
    ///
    /// # Errors
    /// [`PuzzleError::OutOfReach`], or [`PuzzleError::Interrupted`] when `stop` says so.
    pub fn puzzles(&self, seed: u64, count: usize, stop: &(dyn Fn() -> bool + Sync)) -> Result<PuzzleSet, PuzzleError> {
        let puzzle = |index| if stop() { Err(PuzzleError::Interrupted) } else { self.puzzle(seed, index) };
        let puzzles = (0..count).into_par_iter().map(puzzle).collect::<Result<_, _>>()?;
        Ok(PuzzleSet { kind: self.kind, side: self.side, puzzles })
    }
}
