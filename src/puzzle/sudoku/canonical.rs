//! The one form of all Sudoku that ask the same: two questions are a [`Shuffle`](super::Shuffle) of each other when their forms are equal.
//!
//! Every arrangement is tried, its digits named in the order in which they come: 128 of 4 x 4 and 3,456 of 6 x 6. Those of 9 x 9 are more
//! than three million, so there the form is the grid itself: a shuffle of a question is not found to be the same.

use std::cmp::Ordering;

use itertools::Itertools;

use super::{BLANK, Shape};
use crate::grid::Grid;

/// The smallest grid that a shuffle makes of this one; of 9 x 9 the grid as it is.
///
/// # Panics
/// When the side is not a Sudoku's.
pub fn canonical(grid: &Grid) -> Grid {
    let shape = Shape::of_side(grid.rows()).expect("a Sudoku has a side of 4, 6 or 9");
    if shape.side() == 9 {
        return grid.clone();
    }
    let rows = arrangements(shape.side(), shape.box_rows());
    let columns = arrangements(shape.side(), shape.box_columns());
    let turned = Grid::from_fn(grid.columns(), grid.rows(), |row, column| grid.at(column, row));
    let is_square = shape.box_rows() == shape.box_columns();
    let views = [Some(grid), Some(&turned).filter(|_| is_square)];
    let mut best: Option<Vec<u8>> = None;
    for (view, rows) in views.into_iter().flatten().cartesian_product(&rows) {
        for columns in &columns {
            let cells = rows.iter().flat_map(|&row| columns.iter().map(move |&column| view.at(row, column)));
            let named = named_in_order(cells);
            // most lose at an early cell, so no more of them is looked at
            if best.as_ref().is_none_or(|best| named.clone().cmp(best.iter().copied()) == Ordering::Less) {
                best = Some(named.collect());
            }
        }
    }
    let best = best.expect("there is at least one arrangement");
    Grid::from_fn(grid.rows(), grid.columns(), |row, column| best[row * grid.columns() + column])
}

/// The cells with the first digit that comes called 1, the next new one 2, and so on.
fn named_in_order(cells: impl Iterator<Item = u8> + Clone) -> impl Iterator<Item = u8> + Clone {
    let names = [BLANK; 10];
    cells.scan((names, 0), |(names, last), digit| {
        let name = &mut names[usize::from(digit)];
        if digit != BLANK && *name == BLANK {
            *last += 1;
            *name = *last;
        }
        Some(*name)
    })
}

/// Every order of lines in which groups of so many stay together.
fn arrangements(side: usize, in_group: usize) -> Vec<Vec<usize>> {
    let group = |group: usize| (group * in_group..(group + 1) * in_group).permutations(in_group);
    let groups = side / in_group;
    let orders = (0..groups).permutations(groups);
    orders
        .flat_map(|order| order.into_iter().map(group).multi_cartesian_product())
        .map(|lines| lines.concat())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Shuffle, generate};
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn every_shuffle_of_a_question_has_its_form() {
        let mut stream = Stream::new(0, "forms");
        for (side, draws) in [(4, 200), (6, 40)] {
            let question = generate(side, 0, &mut stream).unwrap().question;
            let form = canonical(&question);
            for _ in 0..draws {
                let shuffle = Shuffle::drawn(Shape::of_side(side).unwrap(), &mut stream);
                assert_eq!(canonical(&shuffle.apply(&question)), form);
            }
            assert_eq!(canonical(&form), form);
        }
    }

    #[test]
    fn the_form_is_itself_a_shuffle_of_the_question() {
        // No clue comes or goes: each digit stands as often as some digit of the question.
        let mut stream = Stream::new(1, "forms");
        let counts = |grid: &Grid| {
            let digits = (1..=6).map(|digit| grid.cells().iter().filter(|&&cell| cell == digit).count());
            digits.sorted().collect::<Vec<_>>()
        };
        for side in [4, 6] {
            let question = generate(side, 0, &mut stream).unwrap().question;
            assert_eq!(counts(&canonical(&question)), counts(&question));
        }
    }

    #[test]
    fn full_boards_have_as_many_forms_as_are_known() {
        // 288 full boards of 4 x 4 are 2 that differ.
        let mut stream = Stream::new(2, "forms");
        let forms: std::collections::BTreeSet<Grid> =
            (0..300).map(|_| canonical(&generate(4, 0, &mut stream).unwrap().answer)).collect();
        assert_eq!(forms.len(), 2);
    }

    #[test]
    fn arrangements_are_all_there_are() {
        assert_eq!([(4, 2), (6, 2), (6, 3)].map(|(side, group)| arrangements(side, group).len()), [8, 48, 72]);
        assert!(arrangements(6, 3).iter().all_unique());
    }
}
