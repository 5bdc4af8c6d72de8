//! `TrainingSet`: whatever a training learns from, tasks or puzzles, and how one example of it is referred to and drawn.

use serde::{Deserialize, Serialize};

use super::{Identifiers, PuzzleExample, PuzzleLessons, TaskExample, TaskLessons};
use crate::encode::Drawing;
use crate::encode::Extent;
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

/// How many cells the examples of a set have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cells {
    /// On the average.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// At most.
    pub most: usize,
}

impl Cells {
    fn of(examples: impl Iterator<Item = usize> + Clone) -> Self {
        let count = examples.clone().count().max(1) as f64;
        let mean = examples.clone().sum::<usize>() as f64 / count;
        let squares = examples.clone().map(|cells| (cells as f64 - mean).powi(2)).sum::<f64>();
        Self { mean, deviation: (squares / count).sqrt(), most: examples.max().unwrap_or(0) }
    }
}

impl TrainingSet {
    /// The cells of its examples.
    pub fn cells(&self) -> Cells {
        match self {
            Self::Tasks(lessons) => Cells::of(lessons.extents().map(Extent::cells)),
            Self::Puzzles(lessons) => Cells::of(std::iter::once(lessons.cells())),
        }
    }

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
