//! The record of a submission that has none: somebody else's, of which only the answers are known.

use super::{Kind, Record, Status, TaskEntry};
use crate::grid::Grid;
use crate::prediction::Answers;
use crate::score::{self, ScoreError};
use crate::task::{Task, TaskSet};

/// Name of a solver and a device that are not known.
const UNKNOWN: &str = "unknown";

impl Record {
    /// Makes a record from what a submission says: its tasks, and their scores where the solutions are known.
    ///
    /// # Errors
    /// [`ScoreError`], which a set with all solutions does not give.
    pub fn of_submission(name: &str, set: &TaskSet, answers: &Answers) -> Result<Self, ScoreError> {
        let mut record = Self::new(name, UNKNOWN, set, 0, UNKNOWN);
        let (reached, missing): (Vec<&Task>, Vec<&Task>) =
            set.tasks.iter().partition(|task| answers.contains_key(&task.id));
        record.entries = reached.iter().map(|task| entry(task, &answers[&task.id])).collect();
        record.score = set.has_solutions().then(|| score::score(answers, set, None)).transpose()?;
        record.started_unix = 0;
        record.finished = true;
        record.status = Status::Complete;
        (record.answered, record.unanswered) = (reached.len(), missing.len());
        Ok(record)
    }

    /// Returns what kind of system the run was of.
    pub(super) fn kind(&self) -> Kind {
        match &self.checkpoint {
            Some(_) => Kind::Recursive,
            None if self.is_of_submission() => Kind::Unknown,
            None => Kind::NoModel,
        }
    }

    /// True of a record that was made from a submission: how that came about is not known.
    pub fn is_of_submission(&self) -> bool {
        self.solver == UNKNOWN
    }
}

fn entry(task: &Task, answers: &[Vec<Grid>]) -> TaskEntry {
    let is_solved = |(place, truth): (usize, &Grid)| answers.get(place).is_some_and(|grids| grids.contains(truth));
    let truths: Option<Vec<&Grid>> = task.test.iter().map(|test| test.output.as_ref()).collect();
    let solved = truths.map(|truths| truths.into_iter().enumerate().filter(|place| is_solved(*place)).count());
    TaskEntry { id: task.id.clone(), solved, outputs: task.test.len(), seconds: 0.0, predictions: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;

    #[test]
    fn the_record_of_a_submission_counts_what_it_solves_and_what_it_lacks() {
        let mut set = task::load("arc-agi-2/evaluation").unwrap();
        set.tasks.truncate(3);
        let right = |task: &Task| task.test.iter().map(|test| vec![test.output.clone().unwrap()]).collect();
        let answers = Answers::from([
            (set.tasks[0].id.clone(), right(&set.tasks[0])),
            (set.tasks[2].id.clone(), vec![vec![Grid::placeholder()]]),
        ]);
        let record = Record::of_submission("theirs", &set, &answers).unwrap();
        assert!(record.is_of_submission() && record.finished);
        assert_eq!((record.answered, record.unanswered, record.seconds_per_task()), (2, 1, None));
        assert_eq!(record.score.unwrap().solved_tasks, [set.tasks[0].id.clone()]);
        assert_eq!(
            record.entries.iter().map(|entry| entry.solved).collect::<Vec<_>>(),
            [Some(set.tasks[0].test.len()), Some(0)]
        );
        set.tasks[2].test[0].output = None;
        assert_eq!(Record::of_submission("theirs", &set, &answers).unwrap().score, None);
    }
}
