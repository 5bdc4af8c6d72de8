//! How large a canvas is: the full board, or what a pair needs.
//!
//! The tight canvas of a pair must hold an output that is not seen, so it goes by what the demonstrations say of one. When they all have one
//! ratio of output to input, or all the same output, a pair's canvas holds its input and the output that this leads one to expect; when they
//! have neither, all that the task shows. Rows and columns go apart. It never looks at the pair's own output, so that learning and solving
//! see the same canvas.

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
    /// The rows and columns that a pair needs, plus the end-marker line.
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

    /// The canvas on which an input of a task and its output are drawn, seen as they are.
    pub fn extent(self, task: &Task, input: &Grid) -> Extent {
        let side = |length: fn(&Grid) -> usize| match self {
            Self::Board => MAX_SIDE,
            Self::Tight => (length(input).max(output_room(task, input, length)) + 1).min(MAX_SIDE),
        };
        Extent { rows: side(Grid::rows), columns: side(Grid::columns) }
    }

    /// The canvas that holds those of all inputs of a task.
    pub fn largest(self, task: &Task) -> Extent {
        let extents = task.inputs().map(|input| self.extent(task, input));
        extents.fold(Extent { rows: 1, columns: 1 }, |a, b| Extent {
            rows: a.rows.max(b.rows),
            columns: a.columns.max(b.columns),
        })
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

    /// True when a grid of these sides can be drawn on it.
    pub fn holds(self, grid: &Grid) -> bool {
        grid.rows() <= self.rows && grid.columns() <= self.columns
    }
}

/// The side that the output of an input may have: what is expected of it, or else the longest that the task shows or leads one to expect.
fn output_room(task: &Task, input: &Grid, length: fn(&Grid) -> usize) -> usize {
    expected(task, input, length).unwrap_or_else(|| {
        let by_ratio = task.test.iter().filter_map(|test| by_ratio(task, &test.input, length));
        task.shown_grids().map(length).chain(by_ratio).max().unwrap_or(MAX_SIDE)
    })
}

/// The side that the demonstrations lead one to expect, by one ratio or by one length; the longer where they allow both.
fn expected(task: &Task, input: &Grid, length: fn(&Grid) -> usize) -> Option<usize> {
    let first = length(&task.train.first()?.output);
    let one_length = task.train.iter().all(|pair| length(&pair.output) == first);
    by_ratio(task, input, length).max(one_length.then_some(first))
}

/// The output's side when all demonstrations have one ratio of output to input.
fn by_ratio(task: &Task, input: &Grid, length: fn(&Grid) -> usize) -> Option<usize> {
    let first = task.train.first()?;
    let (from, to) = (length(&first.input), length(&first.output));
    let one_ratio = task.train.iter().all(|pair| length(&pair.output) * from == length(&pair.input) * to);
    let side = (one_ratio && (length(input) * to).is_multiple_of(from)).then(|| length(input) * to / from);
    side.filter(|&side| side <= MAX_SIDE)
}
