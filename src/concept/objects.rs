//! What a verifier sees in a grid: regions of cells that hang together, their bounds, colours and counts.

use std::collections::BTreeSet;

use super::colour::BLACK;
use super::scene::Cell;
use crate::grid::Grid;

/// Cells that hang together by their sides, in row order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) cells: Vec<Cell>,
}

/// The first and the last row and column of some cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) bottom: usize,
    pub(super) right: usize,
}

impl Object {
    pub(super) fn size(&self) -> usize {
        self.cells.len()
    }

    /// The colour of its first cell.
    pub(super) fn colour(&self, grid: &Grid) -> u8 {
        let (row, column) = self.cells[0];
        grid.at(row, column)
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds::of(&self.cells).expect("an object has cells")
    }

    pub(super) fn touches_edge(&self, grid: &Grid) -> bool {
        let Bounds { top, left, bottom, right } = self.bounds();
        top == 0 || left == 0 || bottom + 1 == grid.rows() || right + 1 == grid.columns()
    }
}

impl Bounds {
    /// `None` when there is no cell.
    pub(super) fn of(cells: &[Cell]) -> Option<Self> {
        Some(Self {
            top: cells.iter().map(|cell| cell.0).min()?,
            left: cells.iter().map(|cell| cell.1).min()?,
            bottom: cells.iter().map(|cell| cell.0).max()?,
            right: cells.iter().map(|cell| cell.1).max()?,
        })
    }

    /// Without the outermost rows and columns; `None` when nothing is left.
    pub(super) fn inner(self) -> Option<Self> {
        let Self { top, left, bottom, right } = self;
        let is_thick = bottom >= top + 2 && right >= left + 2;
        is_thick.then(|| Self { top: top + 1, left: left + 1, bottom: bottom - 1, right: right - 1 })
    }

    pub(super) fn contain(self, (row, column): Cell) -> bool {
        (self.top..=self.bottom).contains(&row) && (self.left..=self.right).contains(&column)
    }

    /// What a grid has there.
    pub(super) fn crop(self, grid: &Grid) -> Grid {
        let (rows, columns) = (self.bottom - self.top + 1, self.right - self.left + 1);
        Grid::from_fn(rows, columns, |row, column| grid.at(self.top + row, self.left + column))
    }
}

/// The regions of cells whose colours belong together with each other, in the order of their first cells.
fn connected(grid: &Grid, belong: impl Fn(u8, u8) -> bool) -> Vec<Object> {
    let mut seen = BTreeSet::new();
    let mut objects = Vec::new();
    for start in every_cell(grid) {
        let colour = grid.at(start.0, start.1);
        if !belong(colour, colour) || !seen.insert(start) {
            continue;
        }
        let mut cells = vec![start];
        let mut next = 0;
        while let Some(&cell) = cells.get(next) {
            next += 1;
            let here = grid.at(cell.0, cell.1);
            for side in beside(grid, cell) {
                if belong(here, grid.at(side.0, side.1)) && seen.insert(side) {
                    cells.push(side);
                }
            }
        }
        cells.sort_unstable();
        objects.push(Object { cells });
    }
    objects
}

/// Whatever is not black and hangs together, of one colour or of several.
pub(super) fn objects(grid: &Grid) -> Vec<Object> {
    connected(grid, |a, b| a != BLACK && b != BLACK)
}

/// Whatever is of one colour, not black, and hangs together.
pub(super) fn plain_objects(grid: &Grid) -> Vec<Object> {
    connected(grid, |a, b| a != BLACK && a == b)
}

/// Regions of this colour.
pub(super) fn regions_of(grid: &Grid, colour: u8) -> Vec<Object> {
    connected(grid, |a, b| a == colour && b == colour)
}

/// Regions of black that do not reach the grid's edge.
pub(super) fn enclosed(grid: &Grid) -> Vec<Object> {
    let mut regions = regions_of(grid, BLACK);
    regions.retain(|region| !region.touches_edge(grid));
    regions
}

/// The one that is larger than all others by this measure.
pub(super) fn largest<T>(items: impl IntoIterator<Item = T>, measure: impl Fn(&T) -> usize) -> Option<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_by_key(|item| std::cmp::Reverse(measure(item)));
    let is_alone = items.len() < 2 || measure(&items[0]) > measure(&items[1]);
    items.into_iter().next().filter(|_| is_alone)
}

/// All cells in row order.
pub(super) fn every_cell(grid: &Grid) -> impl Iterator<Item = Cell> + use<> {
    let (rows, columns) = (grid.rows(), grid.columns());
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

/// The cells of this colour in row order.
pub(super) fn cells_of(grid: &Grid, colour: u8) -> Vec<Cell> {
    every_cell(grid).filter(|&(row, column)| grid.at(row, column) == colour).collect()
}

pub(super) fn count(grid: &Grid, colour: u8) -> usize {
    grid.cells().iter().filter(|&&cell| cell == colour).count()
}

/// The colours that a grid has, without black, in the order of their numbers.
pub(super) fn colours_of(grid: &Grid) -> Vec<u8> {
    let colours: BTreeSet<u8> = grid.cells().iter().copied().filter(|&colour| colour != BLACK).collect();
    colours.into_iter().collect()
}

/// The up to four cells beside a cell.
fn beside(grid: &Grid, (row, column): Cell) -> impl Iterator<Item = Cell> + use<> {
    let (rows, columns) = (grid.rows(), grid.columns());
    let sides = [(row.wrapping_sub(1), column), (row + 1, column), (row, column.wrapping_sub(1)), (row, column + 1)];
    sides.into_iter().filter(move |&(r, c)| r < rows && c < columns)
}

#[cfg(test)]
mod tests {
    use super::super::testing::grid;
    use super::*;

    #[test]
    fn objects_hang_together_by_their_sides() {
        let grid = grid("11.2 ..31 .5..");
        let sizes = |objects: Vec<Object>| objects.iter().map(Object::size).collect::<Vec<_>>();
        assert_eq!(sizes(objects(&grid)), [2, 3, 1]);
        assert_eq!(sizes(plain_objects(&grid)), [2, 1, 1, 1, 1]);
        assert_eq!(colours_of(&grid), [1, 2, 3, 5]);
        assert_eq!(cells_of(&grid, 1), [(0, 0), (0, 1), (1, 3)]);
        assert_eq!(objects(&grid)[1].bounds(), Bounds { top: 0, left: 2, bottom: 1, right: 3 });
    }

    #[test]
    fn what_is_enclosed_does_not_reach_the_edge() {
        let inside = enclosed(&grid("111.. 1.1.1 1111. ...1."));
        assert_eq!(inside, [Object { cells: vec![(1, 1)] }]);
    }

    #[test]
    fn the_largest_is_alone_or_nothing() {
        assert_eq!(largest([3, 9, 4], |&n| n), Some(9));
        assert_eq!(largest([9, 3, 9], |&n| n), None);
        assert_eq!(largest(Vec::<usize>::new(), |&n| n), None);
    }
}
