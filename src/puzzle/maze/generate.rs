//! New mazes: a spanning tree over rooms, so that between two cells there is one way and no other.
//!
//! Rooms lie at the odd rows and columns of an odd square; walls lie between them and around them, and the tree opens the
//! walls that it crosses. It is drawn depth first, which winds and makes long ways. A side that is even has one line too
//! many: one line of walls across and one down, drawn by chance, are two thick, and what is open in them is open
//! through both. So no row is always wall but the outer ones, and 30 x 30 has 14 x 14 rooms.

use std::ops::RangeInclusive;

use super::path::Distances;
use super::{FREE, GOAL, START, WALL, solve};
use crate::grid::Grid;
use crate::puzzle::{Kind, Puzzle, PuzzleError};
use crate::rng::Stream;

/// The sides of the mazes that are made.
pub const SIDES: RangeInclusive<usize> = 5..=30;

/// The mazes that are drawn for one whose path is long enough.
const MOST_TRIES: u32 = 1_000;

/// The fewest steps of a path unless others are asked for: 110 on 30 x 30, as in Maze-Hard, and as many for each cell on others.
pub fn usual_steps(side: usize) -> u32 {
    (110 * side * side / 900) as u32
}

/// A maze with one path from start to goal, of at least `least_steps` steps; its rating is the steps.
///
/// The start is drawn among all free cells and the goal among those that are far enough from it. Where none is, the start goes to
/// the cell farthest from it, which is one end of the maze's longest way.
///
/// # Errors
/// [`PuzzleError::OutOfReach`] after 1,000 mazes.
pub fn generate(side: usize, least_steps: u32, stream: &mut Stream) -> Result<Puzzle, PuzzleError> {
    let mut best = 0;
    // A path has at least a step.
    let least_steps = least_steps.max(1);
    for _ in 0..MOST_TRIES {
        let maze = drawn(side, stream);
        let free: Vec<usize> = (0..side * side).filter(|&cell| maze.cells()[cell] == FREE).collect();
        let drawn_start = free[stream.below(free.len())];
        let steps = Distances::from(&maze, drawn_start).steps;
        let end = free.iter().copied().max_by_key(|&cell| steps[cell]).expect("a maze has free cells");
        for start in [drawn_start, end] {
            let steps = Distances::from(&maze, start).steps;
            let far: Vec<usize> = free.iter().copied().filter(|&cell| steps[cell] >= Some(least_steps)).collect();
            if far.is_empty() {
                best = best.max(steps.iter().flatten().copied().max().unwrap_or(0));
                continue;
            }
            let goal = far[stream.below(far.len())];
            let rating = steps[goal].expect("the goal is among the cells that are reached");
            return Ok(puzzle(&maze, start, goal, rating));
        }
    }
    Err(PuzzleError::OutOfReach { kind: Kind::Maze, side, wanted: least_steps, tries: MOST_TRIES, best })
}

fn puzzle(maze: &Grid, start: usize, goal: usize, rating: u32) -> Puzzle {
    let side = maze.rows();
    let question = Grid::from_fn(side, side, |row, column| match row * side + column {
        cell if cell == start => START,
        cell if cell == goal => GOAL,
        cell => maze.cells()[cell],
    });
    let answer = solve(&question).expect("a tree has one way between two cells");
    Puzzle { source: String::new(), question, answer, rating }
}

/// Walls and free cells.
fn drawn(side: usize, stream: &mut Stream) -> Grid {
    let rooms = (side - 1) / 2;
    let lattice = tree(rooms, stream);
    // An odd side has no line to spare: then the last one is "two thick" beyond the edge.
    let mut thick = || if side.is_multiple_of(2) { 2 * stream.below(rooms + 1) } else { side };
    let (thick_row, thick_column) = (thick(), thick());
    let folded = |line: usize, thick: usize| if line > thick { line - 1 } else { line };
    Grid::from_fn(side, side, |row, column| lattice.at(folded(row, thick_row), folded(column, thick_column)))
}

/// A spanning tree over `rooms` x `rooms` rooms, depth first.
fn tree(rooms: usize, stream: &mut Stream) -> Grid {
    let side = 2 * rooms + 1;
    let mut cells = vec![WALL; side * side];
    let at = |(row, column): (usize, usize)| row * side + column;
    let first = (2 * stream.below(rooms) + 1, 2 * stream.below(rooms) + 1);
    cells[at(first)] = FREE;
    let mut trail = vec![first];
    while let Some(&(row, column)) = trail.last() {
        let rooms_beside =
            [(row.wrapping_sub(2), column), (row, column.wrapping_sub(2)), (row, column + 2), (row + 2, column)];
        let is_new = |&(row, column): &(usize, usize)| row < side && column < side && cells[at((row, column))] == WALL;
        let new: Vec<(usize, usize)> = rooms_beside.into_iter().filter(is_new).collect();
        if new.is_empty() {
            trail.pop();
            continue;
        }
        let next = new[stream.below(new.len())];
        cells[at(((row + next.0) / 2, (column + next.1) / 2))] = FREE;
        cells[at(next)] = FREE;
        trail.push(next);
    }
    Grid::from_fn(side, side, |row, column| cells[at((row, column))])
}

#[cfg(test)]
mod tests {
    use super::super::PATH;
    use super::super::path::neighbours;
    use super::*;

    #[test]
    fn every_side_gives_a_tree_within_walls() {
        for side in SIDES {
            let maze = drawn(side, &mut Stream::new(side as u64, "maze"));
            let free: Vec<usize> = (0..side * side).filter(|&cell| maze.cells()[cell] == FREE).collect();
            let doors: usize = free.iter().map(|&cell| neighbours(&maze, cell).count()).sum();
            let reached = Distances::from(&maze, free[0]).steps.iter().flatten().count();
            assert_eq!((reached, doors / 2), (free.len(), free.len() - 1), "side {side} is no tree");
            let edge = |row, column| [0, side - 1].contains(&row) || [0, side - 1].contains(&column);
            let is_open = free.iter().any(|&cell| edge(cell / side, cell % side));
            assert!(!is_open, "side {side} has a hole in its outer wall");
        }
    }

    #[test]
    fn the_path_is_as_long_as_is_asked_and_the_rating_says_how_long() {
        let mut stream = Stream::new(0, "maze");
        for _ in 0..20 {
            let puzzle = generate(30, 110, &mut stream).unwrap();
            assert_eq!(puzzle.verify(Kind::Maze), Ok(()));
            let marked = puzzle.answer.cells().iter().filter(|&&cell| cell == PATH).count();
            assert_eq!(puzzle.rating as usize, marked + 1);
            assert!(puzzle.rating >= 110);
        }
        let fault = generate(5, 20, &mut stream).unwrap_err().to_string();
        assert!(fault.contains("no maze of side 5 with a rating of 20") && fault.contains("had 6"), "{fault}");
    }
}
