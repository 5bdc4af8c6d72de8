//! Hand-drawn grids, for the tests of this room.

use super::find;
use crate::grid::Grid;

/// The grid of rows of digits, black as a point: `"1.2 ..3"`.
pub(super) fn grid(text: &str) -> Grid {
    let rows: Vec<Vec<u8>> = text
        .split_whitespace()
        .map(|row| row.chars().map(|cell| if cell == '.' { 0 } else { cell.to_digit(10).unwrap() as u8 }).collect())
        .collect();
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
    Grid::new(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

/// What a rule's verifier makes of a grid drawn by hand is what was drawn by hand.
pub(super) fn assert_solves(rule: &str, input: &str, output: &str) {
    let rules = find(&[rule]).unwrap();
    assert_eq!(rules.len(), 1, "{rule}");
    assert_eq!(rules[0].solve(&grid(input)), Some(grid(output)), "{rule}");
}
