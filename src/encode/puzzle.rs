//! A Sudoku or a maze <-> cells of the model's vocabulary: what stands in a cell plus 1, for 0 is padding, which no puzzle has.

use super::{Drawing, PAD};
use crate::grid::Grid;
use crate::puzzle::{Kind, maze, sudoku};

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

/// The grid of these cells, as an answer to a question of its size. Padding, which no right answer has, reads as what cannot be right there:
/// as a blank of a Sudoku, as free where a maze has a wall, and as a wall elsewhere.
pub fn read_puzzle(kind: Kind, question: &Grid, cells: &[u8]) -> Grid {
    let columns = question.columns();
    Grid::from_fn(question.rows(), columns, |row, column| match cells[row * columns + column] {
        PAD => match (kind, question.at(row, column)) {
            (Kind::Sudoku, _) => sudoku::BLANK,
            (Kind::Maze, maze::WALL) => maze::FREE,
            (Kind::Maze, _) => maze::WALL,
        },
        token => token - 1,
    })
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
        assert_eq!(read_puzzle(Kind::Sudoku, &sudoku, &drawing.cells), sudoku);
        assert_eq!(puzzle(&Kind::Maze.parse("# SG").unwrap()).cells, [1, 2, 3, 4]);
        assert_eq!(
            [(Kind::Sudoku, 9), (Kind::Sudoku, 4), (Kind::Maze, 30)].map(|(k, s)| vocabulary_of(k, s)),
            [11, 6, 6]
        );
    }

    #[test]
    fn padding_is_right_nowhere() {
        for (kind, question, answer) in
            [(Kind::Sudoku, "1..4..2..3..4..1", "1324412323144231"), (Kind::Maze, "#S  ## #G", "#Soo##o#G")]
        {
            let [question, answer] = [question, answer].map(|text| kind.parse(text).unwrap());
            let read = read_puzzle(kind, &question, &vec![PAD; answer.cells().len()]);
            assert!(read.cells().iter().zip(answer.cells()).all(|(read, right)| read != right), "{kind}");
        }
    }
}
