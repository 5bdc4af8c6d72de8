//! `Neighbours`: for each token of a batch the tokens of the 3 x 3 cells around it.
//!
//! Who is a neighbour is read from the places on the full board, not from the order of tokens, so any set of cells will do: a canvas, a board,
//! or cells with gaps between them.

use std::sync::Arc;

use crate::kernels::local::PLACES;

/// The neighbours of a batch's tokens: it depends on the places alone, so all passes of a step share it.
#[derive(Clone, Debug)]
pub struct Neighbours(Arc<[[u32; PLACES]]>);

impl Neighbours {
    /// Those of examples that begin with `prefix` tokens, which have none, and go on with cells at these places, `row * side + column` of a
    /// board of so many rows and columns.
    ///
    /// # Shapes
    /// places B times `[S]` -> N tokens.
    ///
    /// # Panics
    /// When a place is not on the board, or two cells of an example have the same.
    pub fn new<'a>(places: impl IntoIterator<Item = &'a [u16]> + Clone, prefix: usize, side: usize) -> Self {
        let tokens: usize = places.clone().into_iter().map(|places| prefix + places.len()).sum();
        let none = u32::try_from(tokens).expect("fewer than 2^32 tokens");
        let mut table = Vec::with_capacity(tokens);
        // a board with a margin of one cell, on which nobody ever is
        let margin = side + 2;
        let mut board = vec![none; margin * margin];
        for places in places {
            table.extend(std::iter::repeat_n([none; PLACES], prefix));
            let first = table.len();
            let seat = |place: u16| {
                let (row, column) = (usize::from(place) / side, usize::from(place) % side);
                assert!(row < side, "place {place} is not on a board of {side} x {side} cells");
                (row + 1) * margin + column + 1
            };
            for (number, &place) in places.iter().enumerate() {
                let seat = &mut board[seat(place)];
                assert_eq!(*seat, none, "two cells at place {place}");
                *seat = (first + number) as u32;
            }
            table.extend(places.iter().map(|&place| {
                let corner = seat(place) - margin - 1;
                std::array::from_fn(|number| board[corner + number / 3 * margin + number % 3])
            }));
            places.iter().for_each(|&place| board[seat(place)] = none);
        }
        Self(table.into())
    }

    /// For each token its neighbours, the one i rows down and j columns to the right at place `3 (i + 1) + (j + 1)`; N where there
    /// is none, as if a row of zeros lay behind the last.
    pub fn table(&self) -> &[[u32; PLACES]] {
        &self.0
    }

    /// True when both are one table, not only equal ones.
    #[cfg(feature = "cuda")]
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// N.
    pub fn tokens(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_by_one_row_or_column_of_the_board() {
        // on a board of 4 x 4: 2 x 3 cells that begin in a corner, then a single cell
        let neighbours = Neighbours::new([[0, 1, 2, 4, 5, 6].as_slice(), &[15]], 1, 4);
        assert_eq!(neighbours.tokens(), 9);
        let n = 9;
        let none = [n; PLACES];
        let expected = [
            none,
            [n, n, n, n, 1, 2, n, 4, 5],
            [n, n, n, 1, 2, 3, 4, 5, 6],
            [n, n, n, 2, 3, n, 5, 6, n],
            [n, 1, 2, n, 4, 5, n, n, n],
            [1, 2, 3, 4, 5, 6, n, n, n],
            [2, 3, n, 5, 6, n, n, n, n],
            none,
            [n, n, n, n, 8, n, n, n, n],
        ];
        assert_eq!(neighbours.table(), expected);
    }

    #[test]
    fn a_row_s_end_is_no_neighbour_of_the_next_row_s_beginning_and_order_does_not_matter() {
        let table = |places: &[u16]| Neighbours::new([places], 0, 3).table().to_vec();
        let n = 2;
        assert_eq!(table(&[2, 3]), [[n, n, n, n, 0, n, n, n, n], [n, n, n, n, 1, n, n, n, n]]);
        assert_eq!(table(&[4, 0]), [[1, n, n, n, 0, n, n, n, n], [n, n, n, n, 1, n, n, n, 0]]);
    }

    #[test]
    #[should_panic(expected = "two cells at place 7")]
    fn two_cells_at_one_place_are_refused() {
        Neighbours::new([[7, 7].as_slice()], 0, 3);
    }

    #[test]
    #[should_panic(expected = "place 9 is not on a board of 3 x 3")]
    fn a_place_beside_the_board_is_refused() {
        Neighbours::new([[9].as_slice()], 0, 3);
    }
}
