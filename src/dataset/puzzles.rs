//! `PuzzleLessons`: puzzles of one kind and side, each in variants that ask the same, and how one example is drawn.
//!
//! All share the one row of the puzzle table, `<blank>`: a puzzle says in its cells all that there is to know.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BLANK, Drawn, Identifiers};
use crate::augment::PuzzleView;
use crate::encode;
use crate::files;
use crate::puzzle::PuzzleSet;
use crate::rng::Stream;

/// One example, by reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PuzzleExample {
    /// Which puzzle.
    pub puzzle: usize,
    /// Which of its variants; 0 is the puzzle as it is.
    pub variant: usize,
}

/// Puzzles with their variants.
#[derive(Clone, Debug)]
pub struct PuzzleLessons {
    set: PuzzleSet,
    variants: usize,
    identifiers: Identifiers,
}

impl PuzzleLessons {
    /// Every puzzle of the set as it is and in so many variants: see [`PuzzleView::variant`].
    pub fn new(set: PuzzleSet, variants: usize) -> Self {
        let identifiers = Identifiers::new([BLANK]).expect("the blank name alone is a list of names");
        Self { set, variants, identifiers }
    }

    /// The puzzles.
    pub fn count(&self) -> usize {
        self.set.puzzles.len()
    }

    /// The cells of each puzzle.
    pub(super) fn cells(&self) -> usize {
        self.set.side * self.set.side
    }

    /// The names of the puzzle table's rows: the blank one.
    pub fn identifiers(&self) -> &Identifiers {
        &self.identifiers
    }

    /// True of a reference into this set.
    pub fn contains(&self, example: PuzzleExample) -> bool {
        example.puzzle < self.count() && example.variant <= self.variants
    }

    /// A digest of everything that can be drawn.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.set.digest());
        hash.update(self.variants.to_le_bytes());
        files::hex(&hash.finalize())
    }

    pub(super) fn visit(&self, puzzle: usize, stream: &mut Stream) -> PuzzleExample {
        PuzzleExample { puzzle, variant: stream.below(self.variants + 1) }
    }

    /// Draws an example.
    pub fn draw(&self, PuzzleExample { puzzle: number, variant }: PuzzleExample) -> Drawn {
        let PuzzleSet { kind, side, puzzles } = &self.set;
        let puzzle = &puzzles[number];
        let view = PuzzleView::variant(*kind, *side, number, variant);
        let labels = encode::puzzle(&view.apply(&puzzle.answer)).cells.into_iter().map(Some).collect();
        Drawn { row: 0, input: encode::puzzle(&view.apply(&puzzle.question)), labels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::{Kind, Puzzle, Wish};

    fn lessons(kind: Kind, side: usize, variants: usize) -> PuzzleLessons {
        let wish = Wish::new(kind, Some(side), None).unwrap();
        PuzzleLessons::new(wish.puzzles(0, 5, &|| false).unwrap(), variants)
    }

    #[test]
    fn every_example_is_a_puzzle_that_its_answer_solves() {
        for (kind, side) in [(Kind::Sudoku, 4), (Kind::Sudoku, 6), (Kind::Maze, 9)] {
            let most = PuzzleView::most_variants(kind).unwrap_or(50);
            let lessons = lessons(kind, side, most);
            let mut stream = Stream::new(0, "test");
            let mut variants = std::collections::BTreeSet::new();
            for number in 0..200 {
                let example = lessons.visit(number % 5, &mut stream);
                assert!(lessons.contains(example));
                variants.insert(example.variant);
                let drawn = lessons.draw(example);
                let cells: Vec<u8> = drawn.labels.iter().map(|label| label.unwrap()).collect();
                let read = |cells: &[u8]| encode::read_puzzle(kind, &lessons.set.puzzles[0].question, cells);
                let (question, answer) = (read(&drawn.input.cells), read(&cells));
                let puzzle = Puzzle { source: String::new(), question, answer, rating: 0 };
                assert_eq!((puzzle.verify(kind), drawn.row), (Ok(()), 0));
                assert_eq!(lessons.draw(example), drawn, "an example is what it refers to");
            }
            assert!(variants.len() > most * 4 / 5 && variants.len() <= most + 1, "{} variants", variants.len());
        }
    }

    #[test]
    fn variant_0_is_the_puzzle_as_it_is_and_more_variants_are_another_set() {
        let few = lessons(Kind::Sudoku, 4, 3);
        let drawn = few.draw(PuzzleExample { puzzle: 1, variant: 0 });
        assert_eq!(drawn.input, encode::puzzle(&few.set.puzzles[1].question));
        assert_ne!(few.draw(PuzzleExample { puzzle: 1, variant: 1 }), drawn);
        assert!(!few.contains(PuzzleExample { puzzle: 1, variant: 4 }));
        assert_ne!(few.digest(), lessons(Kind::Sudoku, 4, 4).digest());
        assert_eq!(few.identifiers().count(), 1);
    }
}
