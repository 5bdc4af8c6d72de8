//! `Regression`: what a checkpoint solved on tasks that it never had a test pair of, kept in `reports/regression.json`, and what has
//! become of it since.
//!
//! A part is a task set. Where the checkpoint has rows for it, it is solved as it is; where not, the checkpoint is first adapted to the
//! demonstrations, in a number of steps and from a seed, so that the outcome is a matter of arithmetic and not of the clock.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ReportError;
use crate::files::{self, FileError};
use crate::names;
use crate::score::{Score, wilson};

/// Where the state of the default checkpoint lies.
pub const REGRESSION_FILE: &str = "reports/regression.json";

/// What a checkpoint solved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// The digest of its weights.
    pub checkpoint: String,
    /// How products were computed: another arithmetic rounds in another way.
    pub arithmetic: String,
    /// The task sets.
    pub parts: Vec<Part>,
}

/// A task set and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The set's name.
    pub tasks: String,
    /// The set's digest.
    pub digest: String,
    /// The tasks of it that are asked, where they are not all.
    pub only: Option<Vec<String>>,
    /// How the checkpoint is adapted to them; `None` where it has rows for them.
    pub adapted: Option<Adapted>,
    /// Whether it is quick enough for the tests.
    pub is_quick: bool,
    /// Views of each test input.
    pub views: usize,
    /// Supervision steps of each view.
    pub steps: usize,
    /// How many tasks were asked.
    pub asked: usize,
    /// The mean over tasks of the share of outputs that were solved.
    pub task_score: f64,
    /// Wilson's 95% interval around it.
    pub interval: (f64, f64),
    /// The tasks that were solved, in the order of the set.
    pub solved: Vec<String>,
}

/// An adaptation whose outcome is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapted {
    /// Optimizer steps.
    pub steps: usize,
    /// The seed of all random streams.
    pub seed: u64,
}

/// How a part stands beside what is recorded of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Tasks that were solved and are not.
    pub lost: Vec<String>,
    /// Tasks that were not solved and are.
    pub gained: Vec<String>,
    /// True when the score is below the recorded interval.
    pub is_below: bool,
}

impl Standing {
    /// True when nothing is worse.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && !self.is_below
    }
}

impl Part {
    /// The same part with what came of it.
    pub fn with(&self, score: &Score) -> Self {
        let asked = score.tasks;
        let interval = wilson(score.task_score * asked as f64, asked as f64);
        Self { asked, task_score: score.task_score, interval, solved: score.solved_tasks.clone(), ..self.clone() }
    }

    /// How `now` stands beside this.
    pub fn beside(&self, now: &Self) -> Standing {
        let missing = |from: &Self, of: &Self| {
            let there: BTreeSet<&String> = from.solved.iter().collect();
            of.solved.iter().filter(|task| !there.contains(task)).cloned().collect()
        };
        let is_below = now.task_score < self.interval.0;
        Standing { lost: missing(now, self), gained: missing(self, now), is_below }
    }
}

impl Regression {
    /// Reads the state.
    ///
    /// # Errors
    /// [`ReportError::File`], also when a field is unknown.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let state: Self = files::read_json(path)?;
        for part in &state.parts {
            let ids = part.only.iter().flatten().chain(&part.solved).chain([&part.tasks]);
            if let Some((name, fault)) = ids.into_iter().find_map(|name| Some((name, names::fault(name)?))) {
                let name = names::one_line(name);
                return Err(files::format_error(path, format!("the name \"{name}\" {fault}")).into());
            }
        }
        Ok(state)
    }

    /// Writes the state in one step.
    ///
    /// # Errors
    /// [`FileError::Write`]; the file is then as it was before.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = serde_json::to_string_pretty(self).expect("a state is plain data") + "\n";
        files::write(path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(solved: &[&str], task_score: f64) -> Part {
        let score = Score {
            tasks: 100,
            outputs: 100,
            kaggle_score: task_score,
            task_score,
            solved_outputs: solved.len(),
            solved_tasks: solved.iter().map(|task| (*task).into()).collect(),
            pass_at: None,
        };
        Part {
            tasks: "mine".into(),
            digest: "00ff".into(),
            only: None,
            adapted: Some(Adapted { steps: 3, seed: 0 }),
            is_quick: true,
            views: 8,
            steps: 1,
            asked: 0,
            task_score: 0.0,
            interval: (0.0, 0.0),
            solved: Vec::new(),
        }
        .with(&score)
    }

    #[test]
    fn a_lost_task_fails_and_a_gained_one_does_not() {
        let before = part(&["a", "b"], 0.3);
        let standing = before.beside(&part(&["b", "c"], 0.3));
        assert_eq!(
            (standing.lost.as_slice(), standing.gained.as_slice()),
            (&["a".to_owned()][..], &["c".to_owned()][..])
        );
        assert!(!standing.holds() && before.beside(&part(&["b", "a", "c"], 0.3)).holds());
    }

    #[test]
    fn a_score_below_the_interval_fails_and_one_within_it_does_not() {
        let before = part(&[], 0.3);
        // Wilson for 30 of 100: 0.2189 to 0.3958
        assert!(before.beside(&part(&[], 0.22)).holds());
        assert!(!before.beside(&part(&[], 0.21)).holds());
        assert!(before.beside(&part(&[], 0.9)).holds());
    }

    #[test]
    fn a_state_is_read_back_and_an_unknown_field_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regression.json");
        let state =
            Regression { checkpoint: "ab".into(), arithmetic: "float32".into(), parts: vec![part(&["a"], 0.01)] };
        state.write(&path).unwrap();
        assert_eq!(Regression::read(&path).unwrap(), state);
        let mut value = serde_json::to_value(&state).unwrap();
        value["sede"] = 1.into();
        files::write(&path, value.to_string().as_bytes()).unwrap();
        assert!(Regression::read(&path).unwrap_err().to_string().contains("sede"));
    }
}
