//! `PuzzleView`: a way to look at a Sudoku or a maze that asks the same; the numbered variants of a puzzle; and the one form of all of them.

use super::Dihedral;
use crate::grid::Grid;
use crate::puzzle::Kind;
use crate::puzzle::sudoku::{Shape, Shuffle, canonical};
use crate::rng::Stream;

/// A way to look at a puzzle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PuzzleView {
    /// Digits, rows, columns, bands and stacks of a Sudoku change places.
    Sudoku(Shuffle),
    /// A maze is turned or mirrored.
    Maze(Dihedral),
}

impl PuzzleView {
    /// Variant `variant` of puzzle `puzzle` of a set; 0 is the puzzle as it is. A maze's are the dihedral maps by their ids, a Sudoku's are
    /// drawn, each from a stream of its own.
    ///
    /// # Panics
    /// When puzzles of this kind have no such side, or a maze no such variant.
    pub fn variant(kind: Kind, side: usize, puzzle: usize, variant: usize) -> Self {
        match kind {
            Kind::Maze => Self::Maze(Dihedral::from_id(variant).expect("a maze has 7 variants beside itself")),
            Kind::Sudoku => {
                let shape = Shape::of_side(side).expect("a Sudoku has a side of 4, 6 or 9");
                let mut stream = Stream::new(variant as u64, &format!("variants of puzzle {puzzle}"));
                Self::Sudoku(if variant == 0 { Shuffle::none(shape) } else { Shuffle::drawn(shape, &mut stream) })
            }
        }
    }

    /// The variants beside the puzzle itself, where they end.
    pub fn most_variants(kind: Kind) -> Option<usize> {
        match kind {
            Kind::Sudoku => None,
            Kind::Maze => Some(Dihedral::ALL.len() - 1),
        }
    }

    /// The grid as it is seen.
    pub fn apply(&self, grid: &Grid) -> Grid {
        match self {
            Self::Sudoku(shuffle) => shuffle.apply(grid),
            Self::Maze(map) => map.apply(grid),
        }
    }

    /// The grid that is seen as this one.
    pub fn undo(&self, grid: &Grid) -> Grid {
        match self {
            Self::Sudoku(shuffle) => shuffle.undo(grid),
            Self::Maze(map) => map.inverse().apply(grid),
        }
    }
}

/// The one form of all questions that ask the same as this one: of a maze over its eight views, of a Sudoku see [`canonical`].
pub fn form_of(kind: Kind, question: &Grid) -> Grid {
    match kind {
        Kind::Sudoku => canonical(question),
        Kind::Maze => Dihedral::ALL.iter().map(|map| map.apply(question)).min().expect("there are eight views"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::Wish;

    #[test]
    fn every_variant_has_the_form_of_its_puzzle() {
        for (kind, side) in [(Kind::Sudoku, 4), (Kind::Maze, 11)] {
            let wish = Wish::new(kind, Some(side), None).unwrap();
            let [one, other] = [0, 1].map(|index| wish.puzzle(0, index).unwrap().question);
            for variant in 0..8 {
                let seen = PuzzleView::variant(kind, side, 3, variant).apply(&one);
                assert_eq!(form_of(kind, &seen), form_of(kind, &one), "{kind} {variant}");
            }
            assert_ne!(form_of(kind, &one), form_of(kind, &other));
        }
    }

    #[test]
    fn every_variant_is_taken_back_and_the_first_changes_nothing() {
        let mut stream = Stream::new(0, "grids");
        for (kind, side) in [(Kind::Sudoku, 4), (Kind::Sudoku, 6), (Kind::Sudoku, 9), (Kind::Maze, 11)] {
            let grid = Grid::from_fn(side, side, |_, _| stream.below(kind.alphabet(side)) as u8);
            for variant in 0..8 {
                let view = PuzzleView::variant(kind, side, 3, variant);
                let seen = view.apply(&grid);
                assert_eq!(seen == grid, variant == 0, "{kind} {side} {variant}");
                assert_eq!(view.undo(&seen), grid, "{kind} {side} {variant}");
            }
        }
    }
}
