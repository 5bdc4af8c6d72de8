//! `TrainingSet`: whatever a training learns from, tasks or puzzles, and how one example of it is referred to and drawn.

use serde::{Deserialize, Serialize};

use super::{Identifiers, PuzzleExample, PuzzleLessons, TaskExample, TaskLessons};
use crate::encode::Drawing;
use crate::rng::Stream;

/// What is learned from.
#[derive(Clone, Debug)]
pub enum TrainingSet {
    /// ARC tasks.
    Tasks(TaskLessons),
    /// Sudoku or mazes.
    Puzzles(PuzzleLessons),
}

/// One example, by reference: small enough to be kept in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ExampleRef {
    /// A pair of a task.
    Task(TaskExample),
    /// A puzzle.
    Puzzle(PuzzleExample),
}

/// An example as it is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its row in the puzzle table.
    pub row: usize,
    /// The input.
    pub input: Drawing,
    /// For each cell of the output its kind, `None` for cells that are ignored. `[S]`
    pub labels: Vec<Option<u8>>,
}

impl TrainingSet {
    /// The names of the puzzle table's rows.
    pub fn identifiers(&self) -> &Identifiers {
        match self {
            Self::Tasks(lessons) => lessons.identifiers(),
            Self::Puzzles(lessons) => lessons.identifiers(),
        }
    }

    /// What an epoch visits, each once: tasks, or puzzles.
    pub fn groups(&self) -> usize {
        match self {
            Self::Tasks(lessons) => lessons.groups(),
            Self::Puzzles(lessons) => lessons.count(),
        }
    }

    /// Questions with their answers that there are to learn, without their variants.
    pub fn pairs(&self) -> usize {
        match self {
            Self::Tasks(lessons) => lessons.pairs(),
            Self::Puzzles(lessons) => lessons.count(),
        }
    }

    /// Pairs that were withheld because they are a held-out set's answers.
    pub fn withheld(&self) -> usize {
        match self {
            Self::Tasks(lessons) => lessons.withheld(),
            Self::Puzzles(_) => 0,
        }
    }

    /// True of a reference into this set.
    pub fn contains(&self, example: ExampleRef) -> bool {
        match (self, example) {
            (Self::Tasks(lessons), ExampleRef::Task(example)) => lessons.contains(example),
            (Self::Puzzles(lessons), ExampleRef::Puzzle(example)) => lessons.contains(example),
            _ => false,
        }
    }

    /// A digest of everything that can be drawn from it.
    pub fn digest(&self) -> String {
        match self {
            Self::Tasks(lessons) => lessons.digest(),
            Self::Puzzles(lessons) => lessons.digest(),
        }
    }

    /// The examples of one visit of a group.
    pub(super) fn visit(&self, group: usize, stream: &mut Stream) -> Vec<ExampleRef> {
        match self {
            Self::Tasks(lessons) => lessons.visit(group, stream).into_iter().map(ExampleRef::Task).collect(),
            Self::Puzzles(lessons) => vec![ExampleRef::Puzzle(lessons.visit(group, stream))],
        }
    }

    /// Draws an example.
    ///
    /// # Panics
    /// When it does not [contain](Self::contains) the example.
    pub fn draw(&self, example: ExampleRef) -> Drawn {
        match (self, example) {
            (Self::Tasks(lessons), ExampleRef::Task(example)) => lessons.draw(example),
            (Self::Puzzles(lessons), ExampleRef::Puzzle(example)) => lessons.draw(example),
            _ => panic!("an example of another training set"),
        }
    }
}
