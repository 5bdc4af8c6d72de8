//! Backtracking: the first cell that is forced, else the one with the fewest candidates, digit after digit.
//!
//! A cell is forced when it has one candidate or none. Among cells with equally many the first of the [`Order`] is taken. A
//! backtrack is a digit that was chosen among several and taken back.

use super::{BLANK, Board, Shape};
use crate::grid::Grid;
use crate::rng::Stream;

/// What settles ties: which cell comes first, and which digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub(super) cells: Vec<usize>,
    pub(super) digits: Vec<u8>,
}

impl Order {
    /// Row by row, from 1 up.
    pub fn plain(shape: &Shape) -> Self {
        Self { cells: (0..shape.cells()).collect(), digits: (1..=shape.side() as u8).collect() }
    }

    /// By chance.
    pub fn drawn(shape: &Shape, stream: &mut Stream) -> Self {
        let mut order = Self::plain(shape);
        stream.shuffle(&mut order.cells);
        stream.shuffle(&mut order.digits);
        order
    }
}

/// What a search has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The answers, up to the limit.
    pub answers: usize,
    /// The first of them.
    pub first: Option<Grid>,
    /// The digits that were guessed and taken back before the search ended.
    pub backtracks: u32,
}

/// Looks for the answers of a board until there are `limit` of them. The board is left as it was.
pub fn search(board: &mut Board, order: &Order, limit: usize) -> Found {
    let blanks: Vec<usize> = order.cells.iter().copied().filter(|&cell| board.at(cell) == BLANK).collect();
    let mut search = Search { board, blanks, digits: &order.digits, limit, found: Found::default() };
    search.descend();
    search.found
}

struct Search<'a> {
    board: &'a mut Board,
    blanks: Vec<usize>,
    digits: &'a [u8],
    limit: usize,
    found: Found,
}

impl Search<'_> {
    /// True when there is nothing more to look for.
    fn descend(&mut self) -> bool {
        let Some((cell, candidates)) = self.next_cell() else {
            self.found.first.get_or_insert_with(|| self.board.grid());
            self.found.answers += 1;
            return self.found.answers == self.limit;
        };
        let is_guess = candidates.count_ones() > 1;
        for &digit in self.digits.iter().filter(|&&digit| candidates & (1 << digit) != 0) {
            self.board.place(cell, digit);
            let is_done = self.descend();
            self.board.take(cell);
            if is_done {
                return true;
            }
            self.found.backtracks += u32::from(is_guess);
        }
        false
    }

    /// The first forced cell, else the first of those with the fewest candidates; `None` when the board is full.
    fn next_cell(&self) -> Option<(usize, u16)> {
        let mut fewest = None;
        let mut count = u32::MAX;
        for &cell in self.blanks.iter().filter(|&&cell| self.board.at(cell) == BLANK) {
            let candidates = self.board.candidates(cell);
            if candidates.count_ones() < count {
                count = candidates.count_ones();
                fewest = Some((cell, candidates));
            }
            if count <= 1 {
                break;
            }
        }
        fewest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_board_has_as_many_answers_as_are_known() {
        let shape = Shape::of_side(4).unwrap();
        let mut board = Board::empty(shape);
        let found = search(&mut board, &Order::plain(shape), usize::MAX);
        assert_eq!(found.answers, 288);
        // The board is as it was.
        assert!(board.grid().cells().iter().all(|&cell| cell == BLANK));
    }

    #[test]
    fn a_chosen_digit_that_is_taken_back_is_a_backtrack() {
        // The last two cells of rows 1 and 3 can exchange 1 and 2; the first two of row 0 are forced.
        let grid = Grid::new(4, 4, vec![0, 0, 3, 4, 3, 4, 0, 0, 2, 1, 4, 3, 4, 3, 0, 0]).unwrap();
        let mut board = Board::new(&grid).unwrap();
        let order = Order::plain(board.shape());
        let one = search(&mut board, &order, 1);
        assert_eq!((one.answers, one.backtracks), (1, 0));
        let all = search(&mut board, &order, usize::MAX);
        assert_eq!((all.answers, all.backtracks), (2, 2));
    }
}
