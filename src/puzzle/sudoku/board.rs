//! `Shape`: the sides of a Sudoku and of its boxes. `Board`: cells with the digits that their rows, columns and boxes have, as bits.

use crate::grid::Grid;
use crate::puzzle::Fault;

/// A cell without a digit.
pub const BLANK: u8 = 0;

const MOST_CELLS: usize = 81;
const MOST_SIDE: usize = 9;

/// The sides of a Sudoku and of its boxes.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    box_rows: usize,
    box_columns: usize,
    /// The row, the column and the box of each cell.
    units: [[u8; 3]; MOST_CELLS],
}

static SHAPES: [Shape; 3] = [Shape::new(2, 2), Shape::new(2, 3), Shape::new(3, 3)];

impl Shape {
    const fn new(box_rows: usize, box_columns: usize) -> Self {
        let side = box_rows * box_columns;
        let mut units = [[0; 3]; MOST_CELLS];
        let mut cell = 0;
        while cell < side * side {
            let (row, column) = (cell / side, cell % side);
            // There are as many boxes beside each other as a box has rows.
            let in_box = row / box_rows * box_rows + column / box_columns;
            units[cell] = [row as u8, column as u8, in_box as u8];
            cell += 1;
        }
        Self { box_rows, box_columns, units }
    }

    /// The shape of this side: 4, 6 or 9.
    pub fn of_side(side: usize) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.side() == side)
    }

    /// Rows, columns, boxes, and digits.
    pub fn side(&self) -> usize {
        self.box_rows * self.box_columns
    }

    /// The rows of a box.
    pub fn box_rows(&self) -> usize {
        self.box_rows
    }

    /// The columns of a box.
    pub fn box_columns(&self) -> usize {
        self.box_columns
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.side() * self.side()
    }
}

/// A Sudoku, full or not, in which no digit stands twice in a row, column or box.
#[derive(Clone, Debug)]
pub struct Board {
    shape: &'static Shape,
    cells: [u8; MOST_CELLS],
    /// The digits of the rows, of the columns and of the boxes: digit d is bit d.
    taken: [[u16; MOST_SIDE]; 3],
}

impl Board {
    /// Nothing but blanks.
    pub fn empty(shape: &'static Shape) -> Self {
        Self { shape, cells: [BLANK; MOST_CELLS], taken: [[0; MOST_SIDE]; 3] }
    }

    /// The board of a grid of digits, whose side is one of a Sudoku's.
    ///
    /// # Errors
    /// [`Fault::Clash`] at the first digit that its row, column or box has already.
    pub fn new(grid: &Grid) -> Result<Self, Fault> {
        let shape = Shape::of_side(grid.rows()).expect("a Sudoku has a side of 4, 6 or 9");
        let mut board = Self::empty(shape);
        for (cell, &digit) in grid.cells().iter().enumerate().filter(|(_, digit)| **digit != BLANK) {
            if board.candidates(cell) & (1 << digit) == 0 {
                return Err(Fault::Clash { row: cell / grid.columns(), column: cell % grid.columns(), digit });
            }
            board.place(cell, digit);
        }
        Ok(board)
    }

    /// The sides.
    pub fn shape(&self) -> &'static Shape {
        self.shape
    }

    /// The digit of a cell, or [`BLANK`].
    pub fn at(&self, cell: usize) -> u8 {
        self.cells[cell]
    }

    /// The digits that a blank cell may have: digit d is bit d.
    pub fn candidates(&self, cell: usize) -> u16 {
        let [row, column, in_box] = self.shape.units[cell].map(usize::from);
        let every = (1 << (self.shape.side() + 1)) - 2;
        every & !(self.taken[0][row] | self.taken[1][column] | self.taken[2][in_box])
    }

    /// Puts one of its candidates into a blank cell.
    pub fn place(&mut self, cell: usize, digit: u8) {
        self.cells[cell] = digit;
        self.flip(cell, digit);
    }

    /// Makes a cell blank again, and says what it had.
    pub fn take(&mut self, cell: usize) -> u8 {
        let digit = std::mem::replace(&mut self.cells[cell], BLANK);
        self.flip(cell, digit);
        digit
    }

    fn flip(&mut self, cell: usize, digit: u8) {
        for (taken, unit) in self.taken.iter_mut().zip(self.shape.units[cell]) {
            taken[usize::from(unit)] ^= 1 << digit;
        }
    }

    /// The board as a grid.
    pub fn grid(&self) -> Grid {
        let side = self.shape.side();
        Grid::from_fn(side, side, |row, column| self.cells[row * side + column])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_two_rows_and_three_columns_lie_where_they_should() {
        let shape = Shape::of_side(6).unwrap();
        let boxes: Vec<u8> = (0..36).map(|cell| shape.units[cell][2]).collect();
        assert_eq!(boxes[..6], [0, 0, 0, 1, 1, 1]);
        assert_eq!(boxes[6..12], boxes[..6]);
        assert_eq!(boxes[12..18], [2, 2, 2, 3, 3, 3]);
        assert_eq!(boxes[30..], [4, 4, 4, 5, 5, 5]);
    }

    #[test]
    fn what_is_taken_back_is_free_again() {
        let mut board = Board::empty(Shape::of_side(4).unwrap());
        assert_eq!(board.candidates(5), 0b11110);
        board.place(0, 3);
        board.place(7, 1);
        assert_eq!(board.candidates(5), 0b10100);
        assert_eq!((board.take(0), board.take(7)), (3, 1));
        assert_eq!(board.candidates(5), 0b11110);
    }
}
