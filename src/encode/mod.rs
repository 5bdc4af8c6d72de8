//! Grid <-> cells of the model's vocabulary. Of ARC: 0 is padding, 1 the end marker, 2..=11 the ten colours.
//!
//! A pair is drawn on two canvases of one extent. A grid at (r, c) has a line of end markers along its lower and its right edge, clipped at
//! the canvas. The board is the paper's: 30 x 30 for everything. The tight canvas has only the rows and columns that the pair needs, plus
//! the end-marker line; its cells keep the positions of the full board, so the same model reads both.

mod extent;
mod puzzle;

use serde::{Deserialize, Serialize};

use crate::grid::{COLOURS, Grid, MAX_SIDE};
pub use extent::{Canvas, Extent};
pub use puzzle::{puzzle, read_puzzle, vocabulary_of};

/// Outside of every grid.
pub const PAD: u8 = 0;
/// Just beyond a grid's edge.
pub const END: u8 = 1;
/// Colour 0; the others follow.
pub const FIRST_COLOUR: u8 = 2;
/// V of ARC.
pub const VOCABULARY: usize = 12;

/// Where a pair's top left corner lies on its canvas; input and output share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offset {
    /// Rows from the top.
    pub row: usize,
    /// Columns from the left.
    pub column: usize,
}

/// A canvas of cells, `[S]` in row order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The kind of each cell.
    pub cells: Vec<u8>,
    /// Its place on the full board, `row * 30 + column`.
    pub positions: Vec<u16>,
}

/// Draws a grid on a canvas; `None` when it does not fit there.
pub fn draw(grid: &Grid, extent: Extent, offset: Offset) -> Option<Drawing> {
    let (bottom, right) = (offset.row + grid.rows(), offset.column + grid.columns());
    if bottom > extent.rows || right > extent.columns {
        return None;
    }
    let cell = |row: usize, column: usize| {
        let (beside, above) = (row >= offset.row && row < bottom, column >= offset.column && column < right);
        if beside && above {
            FIRST_COLOUR + grid.at(row - offset.row, column - offset.column)
        } else if (row == bottom && above) || (column == right && beside) {
            END
        } else {
            PAD
        }
    };
    let places = || (0..extent.rows).flat_map(|row| (0..extent.columns).map(move |column| (row, column)));
    Some(Drawing {
        cells: places().map(|(row, column)| cell(row, column)).collect(),
        positions: places().map(|(row, column)| (row * MAX_SIDE + column) as u16).collect(),
    })
}

/// What a drawing of an output teaches: every cell but the padding, which is ignored.
pub fn labels(drawing: &Drawing) -> Vec<Option<u8>> {
    drawing.cells.iter().map(|&cell| (cell != PAD).then_some(cell)).collect()
}

/// Reads an answer: of the rectangles at the top left corner that hold nothing but colours the one with the largest
/// area (of equals the one with the fewest rows). `None` when the corner itself is no colour.
pub fn read(cells: &[u8], extent: Extent) -> Option<Grid> {
    let at = |row: usize, column: usize| cells[row * extent.columns + column];
    let is_colour = |cell: u8| (FIRST_COLOUR..FIRST_COLOUR + COLOURS).contains(&cell);
    let mut columns = extent.columns;
    let mut best = (0, 0);
    for row in 0..extent.rows {
        columns = (0..columns).position(|column| !is_colour(at(row, column))).unwrap_or(columns);
        if (row + 1) * columns > best.0 * best.1 {
            best = (row + 1, columns);
        }
    }
    (best.0 > 0).then(|| Grid::from_fn(best.0, best.1, |row, column| at(row, column) - FIRST_COLOUR))
}
