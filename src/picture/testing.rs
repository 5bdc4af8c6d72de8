//! Small tasks for the tests of this room, and every shipped one with made-up attempts.

use crate::grid::Grid;
use crate::task;
use crate::task::{Pair, SHIPPED, Task, Test};

/// A grid from its rows, one digit a cell.
pub fn grid(rows: &[&str]) -> Grid {
    Grid::from_fn(rows.len(), rows[0].len(), |row, column| rows[row].as_bytes()[column] - b'0')
}

/// A task of one demonstration and one test input with this truth.
pub fn solved(truth: &Grid) -> Task {
    Task {
        id: "a".into(),
        train: vec![Pair { input: grid(&["01"]), output: grid(&["2", "3"]) }],
        test: vec![Test { input: grid(&["45"]), output: Some(truth.clone()) }],
    }
}

/// All tasks of the sets that come with the program.
pub fn shipped() -> Vec<Task> {
    SHIPPED.iter().flat_map(|name| task::load(name).unwrap().tasks).collect()
}

/// Attempts as they are shown.
pub fn borrowed(attempts: &[Grid; 2]) -> [Option<&Grid>; 2] {
    attempts.each_ref().map(Some)
}

/// For each test input an attempt with some wrong cells, and one of another shape.
pub fn made_up(task: &Task) -> Vec<[Grid; 2]> {
    let attempts = |test: &Test| {
        let truth = test.output.as_ref().unwrap();
        let near = Grid::from_fn(truth.rows(), truth.columns(), |row, column| match (row + 2 * column) % 7 {
            0 => (truth.at(row, column) + 1) % 10,
            _ => truth.at(row, column),
        });
        [near, Grid::from_fn(1, 30, |_, column| column as u8 % 10)]
    };
    task.test.iter().map(attempts).collect()
}
