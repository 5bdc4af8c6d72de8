//! Pictures of tasks: in the terminal, as SVG and as PNG; and of Sudoku and mazes, as SVG within a page ([`PuzzleBoard`]).
//!
//! What is shown is one type, [`Shown`]. Each demonstration and each test input is a figure of it, its grids in a row, the
//! attempts of a submission beside the truth. [`to_terminal`] writes figures as text; a [`Scene`] places them on a page, which
//! [`Scene::to_svg`] and [`Scene::to_png`] write.
//!
//! Nothing is said by colour alone: whether an attempt is right stands in words, and a cell that differs bears a mark.

mod block;
mod figure;
mod flow;
mod ink;
mod page;
mod palette;
mod png;
mod puzzle;
mod scene;
mod svg;
mod terminal;
#[cfg(test)]
mod testing;

use crate::grid::Grid;
use crate::task::Task;
pub use ink::Ink;
pub use palette::{Colour, PALETTE};
pub use puzzle::{PUZZLE_STYLE, PuzzleBoard};
pub use scene::Scene;
pub use terminal::to_terminal;

/// A task to be seen, with what was answered where that is wanted.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// What stands above it, as `task 007bbfb7 of arc-agi-1/training`.
    pub title: String,
    /// The task.
    pub task: &'a Task,
    /// For each test input the two attempts; `None` shows the task alone.
    pub answers: Option<Vec<Attempts<'a>>>,
}

/// The two attempts at a test input; `None` for one that is not there or is no grid.
pub type Attempts<'a> = [Option<&'a Grid>; 2];
