//! The two scores, pass@K, and the interval around them.
//!
//! Kaggle's score is the mean over all test outputs. The task score, of the TRM paper and ARC Prize, is the mean over
//! tasks of the fraction of a task's outputs that are solved. What bites: the denominator is always the task set, never
//! what was submitted, so a missing task is a wrong one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::grid::Grid;
use crate::prediction::{Answers, Prediction};
use crate::task::{Task, TaskSet};
use crate::vote::{self, Candidate};

/// The numbers of candidates that pass@K looks at.
pub const PASS_AT: [usize; 6] = [1, 2, 5, 10, 100, 1000];

/// Why there is no score.
#[derive(Debug, Error)]
pub enum ScoreError {
    /// The right answers are not known.
    #[error(
        "{set} has no solution for test input {test} of task {task}, and {hidden} of its {outputs} test outputs have none in all; \
         hint: put the solutions file beside the challenges, since a score needs every solution"
    )]
    Hidden {
        /// The set.
        set: String,
        /// The first task without a solution.
        task: String,
        /// Its first test input without one.
        test: usize,
        /// The test outputs of the set without a solution.
        hidden: usize,
        /// The test outputs of the set.
        outputs: usize,
    },
}

/// How good a submission is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The tasks of the set.
    pub tasks: usize,
    /// The test outputs of the set.
    pub outputs: usize,
    /// The share of outputs that are solved, in 0..=1.
    pub kaggle_score: f64,
    /// The mean over tasks of the share of a task's outputs that are solved, in 0..=1.
    pub task_score: f64,
    /// How many outputs are solved.
    pub solved_outputs: usize,
    /// The tasks whose outputs are all solved, in the order of the set.
    pub solved_tasks: Vec<String>,
    /// For each K of [`PASS_AT`], the mean over tasks of the share of outputs whose truth is among the first K
    /// candidates; `None` when only a submission was judged.
    pub pass_at: Option<BTreeMap<usize, f64>>,
}

/// Where the right answers stand among the candidates: from (task, test input) to the place, from 0. An output that no
/// candidate solves has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranks(BTreeMap<(String, usize), usize>);

impl Ranks {
    /// The ranks of all predictions for a set.
    pub fn of(predictions: &[Prediction], set: &TaskSet) -> Self {
        let mut by_output: BTreeMap<(&str, usize), Vec<&Prediction>> = BTreeMap::new();
        for prediction in predictions {
            by_output.entry((&prediction.task, prediction.test)).or_default().push(prediction);
        }
        let mut ranks = Self::default();
        for task in &set.tasks {
            for test in 0..task.test.len() {
                if let Some(predictions) = by_output.remove(&(task.id.as_str(), test)) {
                    ranks.add(task, test, &vote::rank(predictions));
                }
            }
        }
        ranks
    }

    /// Takes note of where the right answer of a test input stands among its candidates.
    pub fn add(&mut self, task: &Task, test: usize, candidates: &[Candidate]) {
        let truth = task.test[test].output.as_ref();
        let place = truth.and_then(|truth| candidates.iter().position(|c| c.grid.as_ref() == Some(truth)));
        if let Some(place) = place {
            self.0.insert((task.id.clone(), test), place);
        }
    }

    fn is_within(&self, task: &Task, test: usize, first: usize) -> bool {
        self.0.get(&(task.id.clone(), test)).is_some_and(|&place| place < first)
    }
}

/// Judges answers against a set with solutions; with ranks also pass@K.
///
/// # Errors
/// [`ScoreError::Hidden`].
pub fn score(answers: &Answers, set: &TaskSet, ranks: Option<&Ranks>) -> Result<Score, ScoreError> {
    let mut solved = Vec::with_capacity(set.tasks.len());
    for task in &set.tasks {
        solved.push(solved_outputs(task, answers.get(&task.id).map_or(&[], Vec::as_slice), set)?);
    }
    let outputs = set.outputs();
    let solved_outputs: usize = solved.iter().sum();
    let complete = set.tasks.iter().zip(&solved).filter(|(task, solved)| **solved == task.test.len());
    let pass_at = |ranks: &Ranks| {
        let within = |task: &Task, k| (0..task.test.len()).filter(|&test| ranks.is_within(task, test, k)).count();
        PASS_AT.iter().map(|&k| (k, task_mean(set, set.tasks.iter().map(|task| within(task, k))))).collect()
    };
    Ok(Score {
        tasks: set.tasks.len(),
        outputs,
        kaggle_score: solved_outputs as f64 / outputs.max(1) as f64,
        task_score: task_mean(set, solved.iter().copied()),
        solved_outputs,
        solved_tasks: complete.map(|(task, _)| task.id.clone()).collect(),
        pass_at: ranks.map(pass_at),
    })
}

/// How many outputs of a task are among its answers.
fn solved_outputs(task: &Task, answers: &[Vec<Grid>], set: &TaskSet) -> Result<usize, ScoreError> {
    let mut solved = 0;
    for (i, test) in task.test.iter().enumerate() {
        let truth = test.output.as_ref().ok_or_else(|| ScoreError::Hidden {
            set: set.name.clone(),
            task: task.id.clone(),
            test: i,
            hidden: set.hidden_outputs(),
            outputs: set.outputs(),
        })?;
        solved += usize::from(answers.get(i).is_some_and(|grids| grids.contains(truth)));
    }
    Ok(solved)
}

/// The mean over tasks of the share of their outputs that `counts` holds.
fn task_mean(set: &TaskSet, counts: impl Iterator<Item = usize>) -> f64 {
    let shares = set.tasks.iter().zip(counts).map(|(task, count)| count as f64 / task.test.len() as f64);
    shares.sum::<f64>() / set.tasks.len().max(1) as f64
}

/// Wilson's 95% interval for a share of which `successes` of `trials` were seen; (0, 1) when nothing was tried.
/// `successes` need not be whole: a task with one of two outputs solved counts as one half.
pub fn wilson(successes: f64, trials: f64) -> (f64, f64) {
    if trials <= 0.0 {
        return (0.0, 1.0);
    }
    let z = 1.959_963_984_540_054_f64;
    let share = successes / trials;
    let scale = 1.0 + z * z / trials;
    let centre = share + z * z / (2.0 * trials);
    let reach = z * (share * (1.0 - share) / trials + z * z / (4.0 * trials * trials)).sqrt();
    (((centre - reach) / scale).max(0.0), ((centre + reach) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    #[test]
    fn wilson_gives_the_published_intervals() {
        let rounded = |successes, trials| {
            let (low, high) = wilson(successes, trials);
            format!("{low:.4} {high:.4}")
        };
        assert_eq!(rounded(81.0, 263.0), "0.2553 0.3662");
        assert_eq!(rounded(15.0, 148.0), "0.0624 0.1605");
        assert_eq!(rounded(0.0, 20.0), "0.0000 0.1611");
        assert_eq!(rounded(1.0, 29.0), "0.0061 0.1718");
    }

    #[test]
    fn the_score_of_no_task_is_a_number_that_a_record_can_hold() {
        let set = TaskSet { name: "none".into(), tasks: Vec::new() };
        let score = score(&Answers::new(), &set, Some(&Ranks::default())).unwrap();
        assert_eq!((score.kaggle_score, score.task_score, score.pass_at.clone().unwrap()[&1]), (0.0, 0.0, 0.0));
        let text = serde_json::to_string(&score).unwrap();
        assert_eq!(serde_json::from_str::<Score>(&text).unwrap(), score);
    }

    #[test]
    fn wilson_stays_within_the_whole() {
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
        for trials in 1..=400 {
            let (all, nothing) = (wilson(f64::from(trials), f64::from(trials)), wilson(0.0, f64::from(trials)));
            assert!(all.1 <= 1.0 && all.1 > 1.0 - 1e-12 && all.0 < 1.0, "{trials}: {all:?}");
            assert!(nothing.0 >= 0.0 && nothing.0 < 1e-12 && nothing.1 > 0.0, "{trials}: {nothing:?}");
        }
    }
}
