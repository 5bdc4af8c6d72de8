//! `Regression`: what a checkpoint solved on tasks that it never had a test pair of, kept in `reports/regression.json`, and what has
//! become of it since.
//!
//! A part is a task set. Where the checkpoint has rows for it, it is solved as it is; where not, the checkpoint is first adapted to the
//! demonstrations, in a number of steps and from a seed, so that the outcome is a matter of arithmetic and not of the clock.
//!
//! Arithmetic is the processor's: a part has an outcome for each that it was recorded on. A task that one of them solves and another misses
//! flips with rounding, and is listed as unsteady.

use std::path::Path;

use itertools::Itertools;
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
    /// The task sets.
    pub parts: Vec<Part>,
}

/// A task set and its outcomes.
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
    /// Number of tasks that are asked.
    pub asked: usize,
    /// Outcomes, one for each arithmetic; where levels of one arithmetic came to different tasks, one for each of them.
    pub outcomes: Vec<Outcome>,
    /// Tasks that some outcomes solve and others miss, in the order of the first outcome that has them.
    pub unsteady: Vec<String>,
}

/// Tasks of a part that were solved on one kind of processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The arithmetic of the products: number type, engine, architecture.
    pub arithmetic: String,
    /// The instruction-set levels that it was recorded on.
    pub levels: Vec<String>,
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

/// An outcome beside the recorded ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Tasks that were solved and are not.
    pub lost: Vec<String>,
    /// Missed now, on an arithmetic without a record, by rounding: no loss.
    pub flipped: Vec<String>,
    /// Tasks that were not solved and are.
    pub gained: Vec<String>,
    /// True when the score is below the recorded interval.
    pub is_below: bool,
    /// True when the record has an outcome of this very arithmetic.
    pub is_recorded: bool,
}

impl Standing {
    /// True when nothing is worse.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && !self.is_below
    }
}

impl Outcome {
    /// The outcome of `asked` tasks at a level of an arithmetic.
    pub fn new(score: &Score, arithmetic: &str, level: &str) -> Self {
        let asked = score.tasks as f64;
        Self {
            arithmetic: arithmetic.to_owned(),
            levels: vec![level.to_owned()],
            task_score: score.task_score,
            interval: wilson(score.task_score * asked, asked),
            solved: score.solved_tasks.clone(),
        }
    }
}

impl Part {
    /// Returns the outcome that another one is to be compared with: of the same level, else of the same arithmetic.
    pub fn outcome_like(&self, other: &Outcome) -> Option<&Outcome> {
        let same_level = |outcome: &&Outcome| other.levels.iter().any(|level| outcome.levels.contains(level));
        let of_arithmetic = || self.outcomes.iter().filter(|outcome| outcome.arithmetic == other.arithmetic);
        of_arithmetic().find(same_level).or_else(|| of_arithmetic().next())
    }

    /// Compares an outcome with the recorded one of its arithmetic. Where there is none, the lowest interval counts, and the tasks that every
    /// recorded arithmetic solves; after an adaptation, which ends in other weights, the interval alone.
    pub fn beside(&self, now: &Outcome) -> Standing {
        let without = |tasks: &[String], those: &[String]| -> Vec<String> {
            tasks.iter().filter(|task| !those.contains(task)).cloned().collect()
        };
        let recorded = self.outcome_like(now);
        let solved = recorded.or(self.outcomes.first()).map_or(&[][..], |outcome| &outcome.solved);
        let missed = without(solved, &now.solved);
        let lost = match (recorded, self.adapted) {
            (Some(_), _) => missed.clone(),
            (None, None) => without(&missed, &self.unsteady),
            (None, Some(_)) => Vec::new(),
        };
        let lows = self.outcomes.iter().map(|outcome| outcome.interval.0);
        let low = recorded.map_or_else(|| lows.fold(1.0, f64::min), |outcome| outcome.interval.0);
        Standing {
            flipped: without(&missed, &lost),
            lost,
            gained: without(&now.solved, solved),
            is_below: now.task_score < low,
            is_recorded: recorded.is_some(),
        }
    }

    /// Records an outcome in place of an earlier one of its level.
    pub fn record(&mut self, now: Outcome) {
        for outcome in &mut self.outcomes {
            if outcome.arithmetic == now.arithmetic {
                outcome.levels.retain(|level| !now.levels.contains(level));
            }
        }
        self.outcomes.retain(|outcome| !outcome.levels.is_empty());
        let is_same = |outcome: &&mut Outcome| outcome.arithmetic == now.arithmetic && outcome.solved == now.solved;
        match self.outcomes.iter_mut().find(is_same) {
            Some(outcome) => outcome.levels.extend(now.levels),
            None => self.outcomes.push(now),
        }
        let is_steady = |task: &&String| self.outcomes.iter().all(|outcome| outcome.solved.contains(task));
        let solved = self.outcomes.iter().flat_map(|outcome| &outcome.solved);
        self.unsteady = solved.filter(|task| !is_steady(task)).unique().cloned().collect();
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
            let of_outcome = |outcome: &Outcome| [&outcome.solved[..], &outcome.levels].concat();
            let of_outcomes = part.outcomes.iter().flat_map(of_outcome);
            let ids =
                [part.only.as_deref().unwrap_or_default(), &part.unsteady, std::slice::from_ref(&part.tasks)].concat();
            let ids: Vec<String> = ids.into_iter().chain(of_outcomes).collect();
            if let Some((name, fault)) = ids.iter().find_map(|name| Some((name, names::fault(name)?))) {
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

    fn outcome(solved: &[&str], task_score: f64, arithmetic: &str, level: &str) -> Outcome {
        let score = Score {
            tasks: 100,
            outputs: 100,
            kaggle_score: task_score,
            task_score,
            solved_outputs: solved.len(),
            solved_tasks: solved.iter().map(|task| (*task).into()).collect(),
            pass_at: None,
        };
        Outcome::new(&score, arithmetic, level)
    }

    fn part(outcomes: Vec<Outcome>) -> Part {
        let mut part = Part {
            tasks: "mine".into(),
            digest: "00ff".into(),
            only: None,
            adapted: None,
            is_quick: true,
            views: 8,
            steps: 1,
            asked: 100,
            outcomes: Vec::new(),
            unsteady: Vec::new(),
        };
        outcomes.into_iter().for_each(|outcome| part.record(outcome));
        part
    }

    #[test]
    fn a_lost_task_fails_and_a_gained_one_does_not() {
        let on = |solved: &[&str]| outcome(solved, 0.3, "fused", "avx2");
        let before = part(vec![on(&["a", "b"])]);
        let standing = before.beside(&on(&["b", "c"]));
        assert_eq!(
            (standing.lost.as_slice(), standing.gained.as_slice()),
            (&["a".to_owned()][..], &["c".to_owned()][..])
        );
        assert!(!standing.holds() && before.beside(&on(&["b", "a", "c"])).holds());
    }

    #[test]
    fn a_score_below_the_interval_fails_and_one_within_it_does_not() {
        let on = |score: f64| outcome(&[], score, "fused", "avx2");
        let before = part(vec![on(0.3)]);
        // Wilson for 30 of 100: 0.2189 to 0.3958
        assert!(before.beside(&on(0.22)).holds());
        assert!(!before.beside(&on(0.21)).holds());
        assert!(before.beside(&on(0.9)).holds());
    }

    #[test]
    fn a_task_that_flips_between_arithmetics_is_listed_and_is_no_loss_on_a_third() {
        let part = part(vec![
            outcome(&["a", "b"], 0.3, "fused", "avx2"),
            outcome(&["a", "b"], 0.3, "fused", "avx512"),
            outcome(&["a", "c"], 0.3, "bytes", "amx"),
        ]);
        assert_eq!(part.outcomes.len(), 2);
        assert_eq!((part.outcomes[0].levels.join(" "), part.unsteady.join(" ")), ("avx2 avx512".into(), "b c".into()));
        let third = part.beside(&outcome(&["a"], 0.3, "neon", "baseline"));
        assert!(third.holds() && !third.is_recorded && third.flipped == ["b"], "{third:?}");
        assert_eq!(part.beside(&outcome(&["b"], 0.3, "neon", "baseline")).lost, ["a"]);
        let adapted = Part { adapted: Some(Adapted { steps: 3, seed: 0 }), ..part.clone() };
        assert!(adapted.beside(&outcome(&[], 0.3, "neon", "baseline")).holds());
        assert!(!adapted.beside(&outcome(&["a", "b"], 0.1, "neon", "baseline")).holds());
        // on a recorded arithmetic nothing is excused, whatever its level
        assert_eq!(part.beside(&outcome(&["a"], 0.3, "fused", "baseline")).lost, ["b"]);
    }

    #[test]
    fn recording_again_replaces_the_outcome_of_the_level() {
        let mut part = part(vec![outcome(&["a"], 0.3, "fused", "avx2"), outcome(&["a"], 0.3, "fused", "avx512")]);
        part.record(outcome(&["a", "b"], 0.4, "fused", "avx2"));
        assert_eq!(
            part.outcomes.iter().map(|outcome| outcome.levels.join(" ")).collect::<Vec<_>>(),
            ["avx512", "avx2"]
        );
        assert_eq!(part.unsteady, ["b"]);
        part.record(outcome(&["a", "b"], 0.4, "fused", "avx512"));
        assert!(part.outcomes.len() == 1 && part.unsteady.is_empty(), "{part:?}");
    }

    #[test]
    fn a_state_is_read_back_and_an_unknown_field_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regression.json");
        let state =
            Regression { checkpoint: "ab".into(), parts: vec![part(vec![outcome(&["a"], 0.01, "fused", "avx2")])] };
        state.write(&path).unwrap();
        assert_eq!(Regression::read(&path).unwrap(), state);
        let mut value = serde_json::to_value(&state).unwrap();
        value["sede"] = 1.into();
        files::write(&path, value.to_string().as_bytes()).unwrap();
        assert!(Regression::read(&path).unwrap_err().to_string().contains("sede"));
    }
}
