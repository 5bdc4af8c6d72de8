//! `Shuffle`: what may be done to a Sudoku without a change of what it asks.
//!
//! Digits change names; bands change places and so do the rows of a band; stacks change places and so do the columns of a
//! stack; rows become columns where the boxes are square. The cell that comes to (row, column) is the one at
//! (`rows[row]`, `columns[column]`), or with the transpose the one at (`columns[column]`, `rows[row]`).

use super::Shape;
use crate::grid::Grid;
use crate::rng::Stream;

/// One way to look at a Sudoku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// What each digit becomes; a blank stays blank.
    digits: Vec<u8>,
    rows: Vec<usize>,
    columns: Vec<usize>,
    transposes: bool,
}

impl Shuffle {
    /// The shuffle that changes nothing.
    pub fn none(shape: &Shape) -> Self {
        let lines: Vec<usize> = (0..shape.side()).collect();
        Self { digits: (0..=shape.side() as u8).collect(), rows: lines.clone(), columns: lines, transposes: false }
    }

    /// A shuffle by chance.
    pub fn drawn(shape: &Shape, stream: &mut Stream) -> Self {
        let mut digits: Vec<u8> = (0..=shape.side() as u8).collect();
        stream.shuffle(&mut digits[1..]);
        let rows = lines(shape.side(), shape.box_rows(), stream);
        let columns = lines(shape.side(), shape.box_columns(), stream);
        let is_square = shape.box_rows() == shape.box_columns();
        Self { digits, rows, columns, transposes: is_square && stream.below(2) == 1 }
    }

    /// The grid as seen through this shuffle.
    pub fn apply(&self, grid: &Grid) -> Grid {
        let digit = |(row, column)| self.digits[usize::from(grid.at(row, column))];
        Grid::from_fn(grid.rows(), grid.columns(), |row, column| digit(self.origin(row, column)))
    }

    /// The grid that [`apply`](Self::apply) would have made into this one.
    pub fn undo(&self, grid: &Grid) -> Grid {
        self.inverse().apply(grid)
    }

    /// The shuffle that takes this one back.
    pub fn inverse(&self) -> Self {
        let mut digits = vec![0; self.digits.len()];
        self.digits.iter().enumerate().for_each(|(digit, &becomes)| digits[usize::from(becomes)] = digit as u8);
        let (rows, columns) = (inverse(&self.rows), inverse(&self.columns));
        // After a transpose the lines that were drawn as rows come back as columns.
        let (rows, columns) = if self.transposes { (columns, rows) } else { (rows, columns) };
        Self { digits, rows, columns, transposes: self.transposes }
    }

    /// Where the cell at (row, column) comes from.
    fn origin(&self, row: usize, column: usize) -> (usize, usize) {
        let (row, column) = (self.rows[row], self.columns[column]);
        if self.transposes { (column, row) } else { (row, column) }
    }
}

/// The lines of a side in groups of so many: groups change places, and lines within their group.
fn lines(side: usize, in_group: usize, stream: &mut Stream) -> Vec<usize> {
    let mut groups: Vec<Vec<usize>> = (0..side / in_group)
        .map(|group| {
            let mut lines: Vec<usize> = (group * in_group..(group + 1) * in_group).collect();
            stream.shuffle(&mut lines);
            lines
        })
        .collect();
    stream.shuffle(&mut groups);
    groups.concat()
}

fn inverse(lines: &[usize]) -> Vec<usize> {
    let mut back = vec![0; lines.len()];
    lines.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    back
}

#[cfg(test)]
mod tests {
    use super::super::{BLANK, Board, Order, generate, search};
    use super::*;
    use crate::puzzle::{Kind, Puzzle};

    #[test]
    fn undoing_takes_every_shuffle_back() {
        let mut stream = Stream::new(0, "shuffles");
        let mut transposed = 0;
        for draw in 0..200 {
            let side = [4, 6, 9][draw % 3];
            let shuffle = Shuffle::drawn(Shape::of_side(side).unwrap(), &mut stream);
            let grid = Grid::from_fn(side, side, |_, _| stream.below(side + 1) as u8);
            let shuffled = shuffle.apply(&grid);
            assert_ne!(shuffled, grid);
            assert_eq!(shuffle.undo(&shuffled), grid);
            assert_eq!(shuffle.inverse().inverse(), shuffle);
            transposed += usize::from(shuffle.transposes);
        }
        assert!((50..90).contains(&transposed), "{transposed} of 133 with square boxes");
    }

    #[test]
    fn a_shuffled_puzzle_is_as_right_as_it_was() {
        let mut stream = Stream::new(1, "shuffles");
        for side in [4, 6, 9] {
            let puzzle = generate(side, 0, &mut stream).unwrap();
            for _ in 0..20 {
                let shuffle = Shuffle::drawn(Shape::of_side(side).unwrap(), &mut stream);
                let (question, answer) = (shuffle.apply(&puzzle.question), shuffle.apply(&puzzle.answer));
                assert_eq!(Puzzle { question, answer, ..puzzle.clone() }.verify(Kind::Sudoku), Ok(()));
            }
        }
    }

    #[test]
    fn the_effort_is_the_same_when_the_order_is_shuffled_along() {
        let mut stream = Stream::new(2, "shuffles");
        let shape = Shape::of_side(9).unwrap();
        let mut question = generate(9, 5, &mut stream).unwrap().question;
        for draw in 0..20 {
            let shuffle = Shuffle::drawn(shape, &mut stream);
            let order = Order::drawn(shape, &mut stream);
            let back = shuffle.inverse();
            let carried = |cell: usize| {
                let (row, column) = back.origin(cell / 9, cell % 9);
                row * 9 + column
            };
            let cells = order.cells.iter().map(|&cell| carried(cell)).collect();
            let digits = order.digits.iter().map(|&digit| shuffle.digits[usize::from(digit)]).collect();
            let shuffled = shuffle.apply(&question);
            let found = |grid: &Grid, order: &Order| search(&mut Board::new(grid).unwrap(), order, 2);
            let (plain, moved) = (found(&question, &order), found(&shuffled, &Order { cells, digits }));
            assert_eq!((plain.answers, plain.backtracks), (moved.answers, moved.backtracks));
            assert!(draw > 0 || plain.backtracks > 0, "the question needs no guess: the test is blind");
            question = shuffled;
        }
        assert!(question.cells().contains(&BLANK));
    }
}
