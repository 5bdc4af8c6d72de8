//! `Scene`: a grid while it is drawn on.

use super::chance::pick;
use super::colour::BLACK;
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

/// Row and column.
pub(super) type Cell = (usize, usize);

/// A grid while it is drawn on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) rows: usize,
    pub(super) columns: usize,
    cells: Vec<u8>,
}

impl Scene {
    pub(super) fn filled(rows: usize, columns: usize, colour: u8) -> Self {
        Self { rows, columns, cells: vec![colour; rows * columns] }
    }

    pub(super) fn black(rows: usize, columns: usize) -> Self {
        Self::filled(rows, columns, BLACK)
    }

    pub(super) fn of(grid: &Grid) -> Self {
        Self { rows: grid.rows(), columns: grid.columns(), cells: grid.cells().to_vec() }
    }

    pub(super) fn grid(&self) -> Grid {
        Grid::from_fn(self.rows, self.columns, |row, column| self.at((row, column)))
    }

    pub(super) fn at(&self, (row, column): Cell) -> u8 {
        self.cells[row * self.columns + column]
    }

    /// All cells in row order.
    pub(super) fn every_cell(&self) -> Vec<Cell> {
        (0..self.cells.len()).map(|i| (i / self.columns, i % self.columns)).collect()
    }

    pub(super) fn count(&self, colour: u8) -> usize {
        self.cells.iter().filter(|&&cell| cell == colour).count()
    }

    pub(super) fn has(&self, colour: u8) -> bool {
        self.cells.contains(&colour)
    }

    pub(super) fn paint(&mut self, cells: impl IntoIterator<Item = Cell>, colour: u8) {
        for (row, column) in cells {
            self.cells[row * self.columns + column] = colour;
        }
    }

    /// Puts another scene on this one, black cells too.
    pub(super) fn put(&mut self, (row, column): Cell, other: &Self) {
        for (r, c) in other.every_cell() {
            self.paint([(row + r, column + c)], other.at((r, c)));
        }
    }

    /// Where a shape can begin so that it lies inside and touches nothing, not even by a corner.
    fn room_for(&self, shape: &Shape) -> Vec<Cell> {
        let (down, right) =
            ((self.rows + 1).saturating_sub(shape.rows), (self.columns + 1).saturating_sub(shape.columns));
        let corners = (0..down).flat_map(|row| (0..right).map(move |column| (row, column)));
        corners.filter(|&corner| shape.at(corner).into_iter().all(|cell| self.is_lonely(cell))).collect()
    }

    fn is_lonely(&self, (row, column): Cell) -> bool {
        let (rows, columns) = (row.saturating_sub(1)..=row + 1, column.saturating_sub(1)..=column + 1);
        let mut around = rows.flat_map(|r| columns.clone().map(move |c| (r, c)));
        around.all(|(r, c)| r >= self.rows || c >= self.columns || self.at((r, c)) == BLACK)
    }

    /// A place by chance where a shape touches nothing; `None` when there is no room.
    pub(super) fn find(&self, stream: &mut Stream, shape: &Shape) -> Option<Vec<Cell>> {
        let room = self.room_for(shape);
        (!room.is_empty()).then(|| shape.at(pick(stream, &room)))
    }

    /// Paints a shape at such a place, and says which cells it has there.
    pub(super) fn place(&mut self, stream: &mut Stream, shape: &Shape, colour: u8) -> Option<Vec<Cell>> {
        let cells = self.find(stream, shape)?;
        self.paint(cells.iter().copied(), colour);
        Some(cells)
    }

    /// Turned by a quarter, as the clock goes.
    pub(super) fn turned(&self) -> Self {
        let mut turned = Self::black(self.columns, self.rows);
        for (row, column) in self.every_cell() {
            turned.paint([(column, self.rows - 1 - row)], self.at((row, column)));
        }
        turned
    }
}

/// Two scenes as a pair.
pub(super) fn pair(input: &Scene, output: &Scene) -> Pair {
    Pair { input: input.grid(), output: output.grid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_placed_touches_nothing() {
        let mut stream = Stream::new(0, "scene");
        for _ in 0..50 {
            let mut scene = Scene::black(7, 7);
            scene.place(&mut stream, &Shape::rectangle(3, 3), 1).unwrap();
            while let Some(cells) = scene.find(&mut stream, &Shape::rectangle(1, 2)) {
                assert!(cells.iter().all(|&cell| scene.is_lonely(cell)));
                scene.paint(cells, 2);
            }
            assert_eq!(scene.count(1), 9);
            assert!(scene.has(2));
        }
        assert_eq!(Scene::black(3, 3).find(&mut stream, &Shape::rectangle(4, 1)), None);
        let mut middle = Scene::black(3, 3);
        middle.paint([(1, 1)], 1);
        assert_eq!(middle.find(&mut stream, &Shape::rectangle(1, 1)), None);
    }

    #[test]
    fn a_quarter_turn_takes_the_first_row_to_the_last_column() {
        let mut scene = Scene::black(2, 3);
        scene.paint([(0, 0), (0, 1)], 7);
        assert_eq!(scene.turned().grid().to_string(), ".7\n.7\n..");
        assert_eq!(scene.turned().turned().turned().turned(), scene);
    }
}
