//! What there is to learn from: puzzle identifiers, the groups of examples behind them, and the sampler.
//!
//! Every variant of every task has an identifier, its printed name, and with it a row in the puzzle table. Identifier 0 is `<blank>`, and the
//! one that all Sudoku and mazes share.

mod colours;
mod identifiers;
pub mod published;
mod puzzles;
mod sampler;
mod tasks;
mod training_set;

pub use colours::{Colours, LOOKS, Movable};
pub use identifiers::{BLANK, Identifiers, IdentifiersError};
pub use puzzles::{PuzzleExample, PuzzleLessons};
pub use sampler::{Sampler, SamplerState};
pub use tasks::{HeldOut, LessonsError, Sizes, Source, TaskExample, TaskLessons};
pub use training_set::{Drawn, ExampleRef, TrainingSet};
