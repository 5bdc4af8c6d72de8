//! Solvers without a model: they prove the harness before any training, and are the floor of every comparison.
//!
//! Each task draws from its own stream, so that an answer depends on the seed and the task alone, never on
//! which tasks came before.

use crate::augment::Augmentation;
use crate::grid::Grid;
use crate::prediction::{Prediction, Solved, Solver};
use crate::rng::Stream;
use crate::task::Task;

/// Answers every test input with the input itself.
#[derive(Clone, Debug, Default)]
pub struct Copy;

impl Solver for Copy {
    fn name(&self) -> &str {
        "copy"
    }

    fn solve(&mut self, task: &Task, _: &(dyn Fn() -> bool + Sync)) -> Solved {
        let answer = |(test, input): (usize, &Grid)| prediction(task, test, input.clone());
        Ok(task.test.iter().map(|test| &test.input).enumerate().map(answer).collect())
    }
}

/// Answers with grids of the input's shape, every cell a colour that the task shows.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    guesses: usize,
}

impl Random {
    /// `guesses` random grids per test input, two of which can be submitted.
    pub fn new(seed: u64, guesses: usize) -> Self {
        Self { seed, guesses }
    }
}

impl Solver for Random {
    fn name(&self) -> &str {
        "random"
    }

    fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        let mut stream = Stream::new(self.seed, &format!("random solver, task {}", task.id));
        let colours = colours(task);
        let mut predictions = Vec::new();
        for (i, test) in task.test.iter().enumerate() {
            for _ in 0..self.guesses {
                if stop() {
                    return Ok(predictions);
                }
                let grid = test.input.map(|_| colours[stream.below(colours.len())]);
                predictions.push(prediction(task, i, grid));
            }
        }
        Ok(predictions)
    }
}

/// The colours that occur in the grids a task shows, in order.
fn colours(task: &Task) -> Vec<u8> {
    let mut colours: Vec<u8> = task.shown_grids().flat_map(|grid| grid.cells().iter().copied()).collect();
    colours.sort_unstable();
    colours.dedup();
    colours
}

/// Without a model there is no halting probability: one half says so.
fn prediction(task: &Task, test: usize, grid: Grid) -> Prediction {
    let augmentation = Augmentation::IDENTITY.to_string();
    Prediction { task: task.id.clone(), test, augmentation, grid: Some(grid), halt: 0.5, earlier: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Pair, Test};

    fn task(id: &str) -> Task {
        let grid = |cells: [u8; 4]| Grid::new(2, 2, cells.to_vec()).unwrap();
        Task {
            id: id.into(),
            train: vec![Pair { input: grid([0, 1, 1, 0]), output: grid([0, 0, 4, 0]) }],
            test: vec![Test { input: grid([1, 1, 0, 1]), output: Some(grid([9, 9, 9, 9])) }; 2],
        }
    }

    #[test]
    fn copy_answers_with_the_input() {
        let task = task("a");
        let answers = Copy.solve(&task, &|| false).unwrap();
        assert_eq!(answers.len(), 2);
        assert_eq!((answers[1].test, answers[1].grid.as_ref()), (1, Some(&task.test[1].input)));
    }

    #[test]
    fn random_answers_depend_on_seed_and_task_alone() {
        let after = |before: &[&str], id, seed| {
            let mut solver = Random::new(seed, 3);
            before.iter().for_each(|id| drop(solver.solve(&task(id), &|| false)));
            solver.solve(&task(id), &|| false).unwrap()
        };
        assert_eq!(after(&[], "b", 1), after(&["a", "c"], "b", 1));
        let grids = |answers: Vec<Prediction>| answers.into_iter().map(|answer| answer.grid).collect::<Vec<_>>();
        assert_ne!(grids(after(&[], "b", 1)), grids(after(&[], "b", 2)));
        assert_ne!(grids(after(&[], "b", 1)), grids(after(&[], "a", 1)));
    }

    #[test]
    fn random_uses_only_shapes_and_colours_that_are_shown() {
        let answers = Random::new(0, 50).solve(&task("a"), &|| false).unwrap();
        assert_eq!(answers.len(), 100);
        let grids = || answers.iter().filter_map(|answer| answer.grid.as_ref());
        assert!(grids().all(|grid| (grid.rows(), grid.columns()) == (2, 2)));
        assert!(grids().all(|grid| grid.cells().iter().all(|colour| [0, 1, 4].contains(colour))));
        assert!(grids().any(|grid| grid.cells().contains(&4)));
    }

    #[test]
    fn random_stops_when_told() {
        assert!(Random::new(0, 2).solve(&task("a"), &|| true).unwrap().is_empty());
    }
}
