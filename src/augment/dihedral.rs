//! The eight symmetries of the square, with the ids of the published names.
//!
//! | id | map | numpy |
//! |---|---|---|
//! | 0 | identity | `a` |
//! | 1, 2, 3 | a quarter, a half, three quarters of a turn, counter-clockwise | `rot90(a, k)` |
//! | 4 | left and right swapped | `fliplr(a)` |
//! | 5 | top and bottom swapped | `flipud(a)` |
//! | 6 | mirrored on the diagonal | `a.T` |
//! | 7 | mirrored on the anti-diagonal | `fliplr(rot90(a))` |

use crate::grid::Grid;

/// A symmetry of the square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dihedral {
    /// 0: as it is.
    Identity,
    /// 1: a quarter turn counter-clockwise.
    Quarter,
    /// 2: a half turn.
    Half,
    /// 3: three quarter turns counter-clockwise.
    ThreeQuarters,
    /// 4: left and right swapped.
    FlipColumns,
    /// 5: top and bottom swapped.
    FlipRows,
    /// 6: mirrored on the diagonal.
    Transpose,
    /// 7: mirrored on the anti-diagonal.
    AntiTranspose,
}

use Dihedral::{AntiTranspose, FlipColumns, FlipRows, Half, Identity, Quarter, ThreeQuarters, Transpose};

impl Dihedral {
    /// All eight, in the order of their ids.
    pub const ALL: [Self; 8] =
        [Identity, Quarter, Half, ThreeQuarters, FlipColumns, FlipRows, Transpose, AntiTranspose];

    /// The published number, 0..=7.
    pub fn id(self) -> usize {
        self as usize
    }

    /// The map with this number.
    pub fn from_id(id: usize) -> Option<Self> {
        Self::ALL.get(id).copied()
    }

    /// The map that takes it back.
    pub fn inverse(self) -> Self {
        match self {
            Quarter => ThreeQuarters,
            ThreeQuarters => Quarter,
            own_inverse => own_inverse,
        }
    }

    /// True when rows become columns.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Quarter | ThreeQuarters | Transpose | AntiTranspose)
    }

    /// The mapped grid.
    pub fn apply(self, grid: &Grid) -> Grid {
        let (rows, columns) = (grid.rows(), grid.columns());
        let (new_rows, new_columns) = if self.swaps_sides() { (columns, rows) } else { (rows, columns) };
        Grid::from_fn(new_rows, new_columns, |r, c| match self {
            Identity => grid.at(r, c),
            Quarter => grid.at(c, columns - 1 - r),
            Half => grid.at(rows - 1 - r, columns - 1 - c),
            ThreeQuarters => grid.at(rows - 1 - c, r),
            FlipColumns => grid.at(r, columns - 1 - c),
            FlipRows => grid.at(rows - 1 - r, c),
            Transpose => grid.at(c, r),
            AntiTranspose => grid.at(rows - 1 - c, columns - 1 - r),
        })
    }
}
