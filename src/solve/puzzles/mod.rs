//! Solving a table of Sudoku or mazes by a model that was trained on such.

mod learned;
mod run;
mod solver;

pub use learned::{NotKnown, Training};
pub use run::{PuzzlePlan, PuzzleProgress, PuzzleTrail, run_puzzles};
pub use solver::PuzzleSolver;
