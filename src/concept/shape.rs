//! `Shape`: cells without a place and without a colour, as a generator puts them into a scene.

use super::chance::pick;
use super::scene::Cell;
use crate::rng::Stream;

/// The longest side of a blob.
const LONGEST: usize = 4;

/// Cells that begin in row 0 and in column 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    cells: Vec<Cell>,
}

impl Shape {
    /// These cells, at least one, moved to row 0 and column 0.
    pub(super) fn of(cells: impl IntoIterator<Item = Cell>) -> Self {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        let top = cells.iter().map(|cell| cell.0).min().expect("a shape has cells");
        let left = cells.iter().map(|cell| cell.1).min().expect("a shape has cells");
        cells.iter_mut().for_each(|cell| *cell = (cell.0 - top, cell.1 - left));
        cells.sort_unstable();
        cells.dedup();
        let bottom = cells.iter().map(|cell| cell.0).max().expect("a shape has cells");
        let right = cells.iter().map(|cell| cell.1).max().expect("a shape has cells");
        Self { rows: bottom + 1, columns: right + 1, cells }
    }

    pub(super) fn dot() -> Self {
        Self::rectangle(1, 1)
    }

    pub(super) fn rectangle(rows: usize, columns: usize) -> Self {
        Self::of((0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))))
    }

    /// The outermost cells of a rectangle.
    pub(super) fn outline(rows: usize, columns: usize) -> Self {
        let is_outer = |&(row, column): &Cell| row == 0 || column == 0 || row + 1 == rows || column + 1 == columns;
        Self::of(Self::rectangle(rows, columns).cells.into_iter().filter(is_outer))
    }

    /// `size` cells that hang together by their sides, at most [`LONGEST`] in a row or column.
    pub(super) fn blob(stream: &mut Stream, size: usize) -> Self {
        let mut blob = Self::dot();
        while blob.cells.len() < size {
            let (row, column) = pick(stream, &blob.cells);
            // one to the right and down, so that there is room above and to the left
            let (row, column) = (row + 1, column + 1);
            let neighbour = pick(stream, &[(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]);
            let shifted = blob.cells.iter().map(|&(row, column)| (row + 1, column + 1));
            let grown = Self::of(shifted.chain([neighbour]));
            if grown.rows <= LONGEST && grown.columns <= LONGEST {
                blob = grown;
            }
        }
        blob
    }

    /// Its cells when it begins at `corner`.
    pub(super) fn at(&self, corner: Cell) -> Vec<Cell> {
        self.cells.iter().map(|&(row, column)| (corner.0 + row, corner.1 + column)).collect()
    }

    /// Left and right changed.
    pub(super) fn mirrored(&self) -> Self {
        Self::of(self.cells.iter().map(|&(row, column)| (row, self.columns - 1 - column)))
    }

    /// Rows and columns changed.
    pub(super) fn transposed(&self) -> Self {
        Self::of(self.cells.iter().map(|&(row, column)| (column, row)))
    }

    /// True when no turn and no mirror image of it is the shape itself.
    pub(super) fn is_lopsided(&self) -> bool {
        let mut image = self.clone();
        // mirroring and transposing in turn goes through all eight images and comes back
        (0..7).all(|step| {
            image = if step % 2 == 0 { image.mirrored() } else { image.transposed() };
            image != *self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_have_their_size_and_hang_together() {
        let mut stream = Stream::new(0, "shape");
        for size in 1..=8 {
            for _ in 0..20 {
                let blob = Shape::blob(&mut stream, size);
                assert_eq!(blob.cells.len(), size);
                assert!(blob.rows <= LONGEST && blob.columns <= LONGEST);
                let hangs = |&(row, column): &Cell| {
                    let near = |&(r, c): &Cell| row.abs_diff(r) + column.abs_diff(c) == 1;
                    size == 1 || blob.cells.iter().any(near)
                };
                assert!(blob.cells.iter().all(hangs));
            }
        }
    }

    #[test]
    fn a_lopsided_shape_has_eight_images() {
        assert!(Shape::of([(0, 0), (1, 0), (1, 1), (1, 2)]).is_lopsided(), "an L");
        assert!(!Shape::of([(0, 0), (1, 0), (1, 1)]).is_lopsided(), "a corner");
        assert!(!Shape::of([(0, 0), (0, 1), (1, 1), (1, 2)]).is_lopsided(), "half a turn");
        assert!(!Shape::of([(0, 1), (1, 0), (1, 1), (1, 2)]).is_lopsided(), "upright");
    }

    #[test]
    fn an_outline_is_hollow() {
        let outline = Shape::outline(3, 4);
        assert_eq!(
            (outline.cells.len(), outline.cells.contains(&(1, 1)), outline.cells.contains(&(1, 0))),
            (10, false, true)
        );
    }
}
