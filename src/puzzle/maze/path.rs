//! Breadth first: how far every cell is, in how many shortest ways it is reached, and the path.

use std::collections::VecDeque;

use super::{FREE, GOAL, PATH, START, WALL};
use crate::grid::Grid;
use crate::puzzle::Fault;

/// The steps and the shortest ways from one cell to all others.
#[derive(Clone, Debug)]
pub struct Distances {
    /// The steps to each cell; `None` where no way leads.
    pub steps: Vec<Option<u32>>,
    /// In how many shortest ways each cell is reached; as many as can be counted where there are more.
    pub ways: Vec<u64>,
}

impl Distances {
    /// From this cell over all that is no wall.
    pub fn from(grid: &Grid, start: usize) -> Self {
        let mut steps = vec![None; grid.cells().len()];
        let mut ways = vec![0_u64; grid.cells().len()];
        (steps[start], ways[start]) = (Some(0), 1);
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((cell, far)) = queue.pop_front() {
            for next in neighbours(grid, cell) {
                if steps[next].is_none() {
                    steps[next] = Some(far + 1);
                    queue.push_back((next, far + 1));
                }
                if steps[next] == Some(far + 1) {
                    ways[next] = ways[next].saturating_add(ways[cell]);
                }
            }
        }
        Self { steps, ways }
    }
}

/// The cells beside a cell that are no walls.
pub(super) fn neighbours(grid: &Grid, cell: usize) -> impl Iterator<Item = usize> {
    let (row, column) = (cell / grid.columns(), cell % grid.columns());
    let beside = [
        (row > 0).then(|| cell - grid.columns()),
        (column > 0).then(|| cell - 1),
        (column + 1 < grid.columns()).then(|| cell + 1),
        (row + 1 < grid.rows()).then(|| cell + grid.columns()),
    ];
    beside.into_iter().flatten().filter(|&next| grid.cells()[next] != WALL)
}

/// The answer of a maze: its one shortest path, marked on free cells.
///
/// # Errors
/// [`Fault::Ends`], [`Fault::NoAnswer`] or [`Fault::SeveralAnswers`].
pub fn solve(question: &Grid) -> Result<Grid, Fault> {
    let all = |wanted| (0..question.cells().len()).filter(|&cell| question.cells()[cell] == wanted).collect::<Vec<_>>();
    let (starts, goals) = (all(START), all(GOAL));
    let (&[start], &[goal]) = (&starts[..], &goals[..]) else {
        return Err(Fault::Ends { starts: starts.len(), goals: goals.len() });
    };
    let Distances { steps, ways } = Distances::from(question, start);
    let far = steps[goal].ok_or(Fault::NoAnswer)?;
    if ways[goal] > 1 {
        return Err(Fault::SeveralAnswers);
    }
    let mut cells = question.cells().to_vec();
    let mut cell = goal;
    for left in (1..far).rev() {
        let nearer = neighbours(question, cell).find(|&next| steps[next] == Some(left));
        cell = nearer.expect("a cell so many steps away has a neighbour one step nearer");
        debug_assert_eq!(cells[cell], FREE);
        cells[cell] = PATH;
    }
    Ok(Grid::from_fn(question.rows(), question.columns(), |row, column| cells[row * question.columns() + column]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::Kind;

    fn solved(maze: &str) -> Result<String, Fault> {
        solve(&Kind::Maze.parse(maze).unwrap()).map(|answer| Kind::Maze.text(&answer))
    }

    #[test]
    fn the_path_is_the_shortest_one() {
        let maze = ["S   ", " ## ", " #  ", "  G "].concat();
        assert_eq!(solved(&maze), Ok(["S   ", "o## ", "o#  ", "ooG "].concat()));
    }

    #[test]
    fn several_shortest_paths_and_none_are_told_apart() {
        assert_eq!(solved("S   #   G"), Err(Fault::SeveralAnswers));
        assert_eq!(solved("S ### # G"), Err(Fault::NoAnswer));
        assert_eq!(solved("S  ## ##G"), Ok("Soo##o##G".to_owned()));
    }

    #[test]
    fn a_maze_has_one_start_and_one_goal() {
        assert_eq!(solved("S  S    G"), Err(Fault::Ends { starts: 2, goals: 1 }));
        assert_eq!(solved("S        "), Err(Fault::Ends { starts: 1, goals: 0 }));
    }
}
