//! A Sudoku or a maze <-> cells of the model's vocabulary: what stands in a cell plus 1, for 0 is padding, which no puzzle has.

use super::Drawing;
use crate::grid::Grid;
use crate::puzzle::Kind;

/// V of puzzles of this kind and side: 11 for a Sudoku of 9 x 9, 6 for a maze.
pub fn vocabulary_of(kind: Kind, side: usize) -> usize {
    1 + kind.alphabet(side)
}

/// The whole grid; the place of a cell is its number in row order.
///
/// # Shapes
/// `[S]`, where S is the rows times the columns.
pub fn puzzle(grid: &Grid) -> Drawing {
    let cells: Vec<u8> = grid.cells().iter().map(|cell| cell + 1).collect();
    Drawing { positions: (0..cells.len() as u16).collect(), cells }
}

/// The square grid of these cells. Padding, which no right answer has, reads as 0.
///
/// # Panics
/// When the cells fill no square.
pub fn read_puzzle(cells: &[u8]) -> Grid {
    let side = cells.len().isqrt();
    assert_eq!(side * side, cells.len(), "the cells of a puzzle fill a square");
    Grid::from_fn(side, side, |row, column| cells[row * side + column].saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_published_ones() {
        let sudoku = Kind::Sudoku.parse("1..4..2..3..4..1").unwrap();
        let drawing = puzzle(&sudoku);
        assert_eq!(drawing.cells[..4], [2, 1, 1, 5]);
        assert_eq!(drawing.positions[14..], [14, 15]);
        assert_eq!(read_puzzle(&drawing.cells), sudoku);
        assert_eq!(puzzle(&Kind::Maze.parse("# SG").unwrap()).cells, [1, 2, 3, 4]);
        assert_eq!(
            [(Kind::Sudoku, 9), (Kind::Sudoku, 4), (Kind::Maze, 30)].map(|(k, s)| vocabulary_of(k, s)),
            [11, 6, 6]
        );
    }
}
