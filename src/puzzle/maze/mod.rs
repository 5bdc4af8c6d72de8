//! Mazes in the form of Maze-Hard: walls, free cells, a start and a goal; the answer marks the one shortest path.

mod generate;
mod path;

use super::Fault;
use crate::grid::Grid;
pub use generate::{SIDES, generate, usual_steps};
pub use path::{Distances, solve};

/// A cell that nobody enters.
pub const WALL: u8 = 0;
/// A cell to walk on.
pub const FREE: u8 = 1;
/// Where the path begins.
pub const START: u8 = 2;
/// Where it ends.
pub const GOAL: u8 = 3;
/// A cell of the path, in answers only.
pub const PATH: u8 = 4;

/// Checks that the answer is the question with a path on free cells.
///
/// # Errors
/// [`Fault::PathGiven`] or [`Fault::Disagrees`].
pub fn agrees(question: &Grid, answer: &Grid) -> Result<(), Fault> {
    for (position, (&given, &cell)) in question.cells().iter().zip(answer.cells()).enumerate() {
        let (row, column) = (position / answer.columns(), position % answer.columns());
        if given == PATH {
            return Err(Fault::PathGiven { row, column });
        }
        if cell != given && (given, cell) != (FREE, PATH) {
            return Err(Fault::Disagrees { row, column });
        }
    }
    Ok(())
}

/// Checks that the answer marks the question's one shortest path.
///
/// # Errors
/// [`Fault::Ends`], [`Fault::NoAnswer`], [`Fault::SeveralAnswers`] or [`Fault::WrongAnswer`].
pub fn verify(question: &Grid, answer: &Grid) -> Result<(), Fault> {
    let right = solve(question)?;
    let mut cells = right.cells().iter().zip(answer.cells());
    match cells.position(|(right, cell)| right != cell) {
        None => Ok(()),
        Some(position) => {
            Err(Fault::WrongAnswer { row: position / answer.columns(), column: position % answer.columns() })
        }
    }
}
