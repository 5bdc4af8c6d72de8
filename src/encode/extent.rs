//! How large a canvas is: the full board, or what a task's grids need.
//!
//! A hidden output may be larger than every grid that is shown. When all demonstrations change the size by one ratio, the
//! tight canvas makes room for a test output of that ratio. It never looks at a test output.

use serde::{Deserialize, Serialize};

use crate::augment::Dihedral;
use crate::grid::{Grid, MAX_SIDE};
use crate::task::Task;

/// The kind of canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Canvas {
    /// 30 x 30, as the paper has it.
    Board,
    /// The rows and columns that a task's grids need, plus the end-marker line.
    Tight,
}

/// Rows and columns of a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// At most 30.
    pub rows: usize,
    /// At most 30.
    pub columns: usize,
}

impl Canvas {
    /// Its name: `board` or `tight`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Tight => "tight",
        }
    }

    /// The canvas on which all grids of a task are drawn, seen as it is.
    pub fn extent(self, task: &Task) -> Extent {
        if self == Self::Board {
            return Extent { rows: MAX_SIDE, columns: MAX_SIDE };
        }
        let shown = task.shown_grids().map(|grid| (grid.rows(), grid.columns()));
        let expected = task.test.iter().filter_map(|test| expected_size(task, &test.input));
        let (rows, columns) =
            shown.chain(expected).fold((0, 0), |(rows, columns), (r, c)| (rows.max(r), columns.max(c)));
        Extent { rows: (rows + 1).min(MAX_SIDE), columns: (columns + 1).min(MAX_SIDE) }
    }
}

impl Extent {
    /// The extent after a dihedral map.
    pub fn turned(self, dihedral: Dihedral) -> Self {
        if dihedral.swaps_sides() { Self { rows: self.columns, columns: self.rows } } else { self }
    }

    /// S, the cells.
    pub fn cells(self) -> usize {
        self.rows * self.columns
    }
}

/// The output size of a test input when all demonstrations have one ratio of output to input, rows and columns apart.
fn expected_size(task: &Task, input: &Grid) -> Option<(usize, usize)> {
    let side = |length: fn(&Grid) -> usize| {
        let first = task.train.first()?;
        let (from, to) = (length(&first.input), length(&first.output));
        let one_ratio = task.train.iter().all(|pair| length(&pair.output) * from == length(&pair.input) * to);
        (one_ratio && (length(input) * to).is_multiple_of(from)).then(|| length(input) * to / from)
    };
    let (rows, columns) = (side(Grid::rows)?, side(Grid::columns)?);
    (rows <= MAX_SIDE && columns <= MAX_SIDE).then_some((rows, columns))
}
