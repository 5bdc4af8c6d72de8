//! `Change`: what a second run on the same tasks gained and lost against a first, task by task, and whether chance alone would do that.
//!
//! A task is solved when all its outputs are, as the score of the whole set counts them, so that gained and lost agree with the table: a task
//! that a run which ended early did not reach is not solved, and is named as such. McNemar's exact test looks at the n tasks that one run
//! alone solves. If the runs were equally good, each would fall to either like a fair coin:
//!
//! ```text
//! p = min(1, 2 * sum over i = 0..=min(gained, lost) of C(n, i) / 2^n)
//! ```
//!
//! What bites: p answers for these two runs on these tasks. Another seed of the same recipe is another run.

use std::collections::HashSet;
use std::f64::consts::LN_2;
use std::fmt::{self, Display};

use serde::Serialize;

use super::ReportError;
use super::record::{Run, Tasks};

/// Below it two equally good runs are called unlikely to differ so much.
const UNLIKELY: f64 = 0.05;

/// What a run gained and lost against another on the same tasks. Ids are in the set's order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The run that is compared with.
    pub before: Side,
    /// The run that is compared.
    pub after: Side,
    /// What both were asked.
    pub tasks: Tasks,
    /// Tasks that only `after` solves.
    pub gained: Vec<String>,
    /// Tasks that only `before` solves.
    pub lost: Vec<String>,
    /// Tasks that both solve.
    pub both: Vec<String>,
    /// How many tasks neither solves.
    pub neither: usize,
    /// McNemar's exact two-sided p.
    pub p: f64,
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The run's name.
    pub name: String,
    /// Where its record lies.
    pub source: String,
    /// Tasks that it did not reach; they count as not solved.
    pub unreached: usize,
}

impl Side {
    fn of(run: &Run) -> Self {
        Self { name: run.record.name.clone(), source: run.source.clone(), unreached: run.record.unanswered }
    }
}

impl Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.source)
    }
}

impl Change {
    /// What `after` gained and lost against `before`.
    ///
    /// # Errors
    /// [`ReportError::OtherTasks`] when they were asked different tasks, [`ReportError::NoScore`] when one has no score.
    pub fn between(before: &Run, after: &Run) -> Result<Self, ReportError> {
        let (first, second) = (&before.record, &after.record);
        if first.tasks.digest != second.tasks.digest {
            return Err(ReportError::OtherTasks {
                first: format!("{} was asked {}", Side::of(before), asked(&first.tasks)),
                second: format!("{} was asked {}", Side::of(after), asked(&second.tasks)),
            });
        }
        let (old, new) = (solved(before)?, solved(after)?);
        let (known, now): (HashSet<&String>, HashSet<&String>) = (old.iter().collect(), new.iter().collect());
        let gained: Vec<String> = new.iter().filter(|id| !known.contains(id)).cloned().collect();
        let lost: Vec<String> = old.iter().filter(|id| !now.contains(id)).cloned().collect();
        let both: Vec<String> = old.iter().filter(|id| now.contains(id)).cloned().collect();
        Ok(Self {
            before: Side::of(before),
            after: Side::of(after),
            tasks: first.tasks.clone(),
            neither: first.tasks.tasks.saturating_sub(gained.len() + lost.len() + both.len()),
            p: mcnemar(gained.len(), lost.len()),
            gained,
            lost,
            both,
        })
    }

    /// Which run is set against which.
    pub fn title(&self) -> String {
        format!("{} against {}", self.after, self.before)
    }

    /// The change in words, a fact a line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            listed("gained", &self.gained),
            listed("lost", &self.lost),
            format!("solved by both: {}, by neither: {}", self.both.len(), self.neither),
            format!("McNemar's exact p = {}: {}", probability(self.p), self.verdict()),
        ];
        for side in [&self.before, &self.after].into_iter().filter(|side| side.unreached > 0) {
            let unreached = counted(side.unreached);
            lines.push(format!("note: {side} did not reach {unreached}; what is not reached counts as not solved"));
        }
        lines
    }

    /// What p says of the tasks that one run alone solves.
    fn verdict(&self) -> String {
        let alone = self.gained.len() + self.lost.len();
        let tasks = counted(alone);
        if alone == 0 {
            "both solve the same tasks".into()
        } else if self.p < UNLIKELY {
            format!("two equally good runs would seldom divide {tasks} so unevenly")
        } else if mcnemar(alone, 0) >= UNLIKELY {
            format!("{tasks} would be too few to show a difference, however divided")
        } else {
            format!("two equally good runs could well divide {tasks} so unevenly")
        }
    }
}

/// A set by its name and the beginning of its digest, which tells sets of one name apart.
fn asked(tasks: &Tasks) -> String {
    let digits: String = tasks.digest.chars().take(12).collect();
    format!("{} (digest {digits})", tasks.name)
}

/// The tasks whose outputs are all solved.
fn solved(run: &Run) -> Result<&[String], ReportError> {
    let no_score = || ReportError::NoScore { run: Side::of(run).to_string(), reason: run.record.why_unscored() };
    run.record.score.as_ref().map(|score| score.solved_tasks.as_slice()).ok_or_else(no_score)
}

/// `1 task`, `2 tasks`.
fn counted(tasks: usize) -> String {
    if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") }
}

/// `gained 2: id id`.
fn listed(word: &str, ids: &[String]) -> String {
    if ids.is_empty() { format!("{word} 0") } else { format!("{word} {}: {}", ids.len(), ids.join(" ")) }
}

/// Three digits after the point, or two that count where those would all be 0.
fn probability(p: f64) -> String {
    if p < 0.001 { format!("{p:.1e}") } else { format!("{p:.3}") }
}

/// McNemar's exact two-sided p for so many tasks that one run alone solves and so many that the other alone does.
///
/// The sum begins with its largest term as one, and the logarithm of what that stands for comes last, so that 2^n never overflows.
fn mcnemar(gained: usize, lost: usize) -> f64 {
    let (few, all) = (gained.min(lost), gained + lost);
    let mut largest = -(all as f64) * LN_2;
    for i in 1..=few {
        largest += ((all - few + i) as f64 / i as f64).ln();
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for i in (1..=few).rev() {
        term *= i as f64 / (all - i + 1) as f64;
        sum += term;
    }
    (LN_2 + largest + f64::ln(sum)).exp().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Record;
    use crate::score::{self, Score};
    use crate::task::{self, TaskSet};

    fn set() -> TaskSet {
        let mut set = task::load("arc-agi-2/evaluation").unwrap();
        set.tasks.truncate(10);
        set
    }

    /// A run that solves the tasks at these places of the set.
    fn run(source: &str, set: &TaskSet, places: &[usize]) -> Run {
        let mut record = Record::new("trm", "trm", set, 0, "cpu");
        let mut score = score::score(&Default::default(), set, None).unwrap();
        score.solved_tasks = ids(set, places);
        (record.score, record.finished, record.unanswered) = (Some(score), true, 0);
        Run { source: source.into(), record }
    }

    fn ids(set: &TaskSet, places: &[usize]) -> Vec<String> {
        places.iter().map(|&place| set.tasks[place].id.clone()).collect()
    }

    #[test]
    fn tasks_gained_and_lost_come_by_id_in_the_order_of_the_set() {
        let set = set();
        let change = Change::between(&run("a", &set, &[0, 3, 5, 8]), &run("b", &set, &[1, 3, 4, 7, 8, 9])).unwrap();
        assert_eq!(change.gained, ids(&set, &[1, 4, 7, 9]));
        assert_eq!(change.lost, ids(&set, &[0, 5]));
        assert_eq!((change.both, change.neither), (ids(&set, &[3, 8]), 2));
        // n = 6, min = 2: 2 * (1 + 6 + 15) / 64.
        assert_eq!(probability(change.p), "0.688");
    }

    #[test]
    fn the_words_say_what_the_numbers_allow() {
        let set = set();
        let said = |before: &[usize], after: &[usize]| {
            Change::between(&run("a", &set, before), &run("b", &set, after)).unwrap().lines()
        };
        let lines = said(&[2, 6], &[2, 3]);
        let (three, six) = (&set.tasks[3].id, &set.tasks[6].id);
        let expected = [
            format!("gained 1: {three}"),
            format!("lost 1: {six}"),
            "solved by both: 1, by neither: 7".into(),
            "McNemar's exact p = 1.000: 2 tasks would be too few to show a difference, however divided".into(),
        ];
        assert_eq!(lines, expected);
        assert!(said(&[1], &[1])[3].ends_with("p = 1.000: both solve the same tasks"));
        assert!(said(&[], &[4])[3].contains("1 task would be too few"));
        let all_but_one: Vec<usize> = (1..9).collect();
        assert!(said(&[0], &all_but_one)[3].contains("p = 0.039: two equally good runs would seldom divide 9 tasks"));
        assert!(said(&[0, 1], &[2, 3, 4, 5])[3].contains("p = 0.688: two equally good runs could well divide 6 tasks"));
    }

    #[test]
    fn tasks_that_a_run_did_not_reach_are_named_as_such() {
        let set = set();
        let mut after = run("b", &set, &[1]);
        after.record.unanswered = 4;
        let lines = Change::between(&run("a", &set, &[1]), &after).unwrap().lines();
        assert_eq!(lines[4..], ["note: trm (b) did not reach 4 tasks; what is not reached counts as not solved"]);
    }

    #[test]
    fn runs_on_other_tasks_are_refused_with_both_sets() {
        let (set, mut other) = (set(), set());
        other.tasks.swap(0, 1);
        let message = Change::between(&run("a", &set, &[]), &run("b", &other, &[])).unwrap_err().to_string();
        for part in ["trm (a)", "trm (b)", &set.digest()[..12], &other.digest()[..12], "trm-arc solve"] {
            assert!(message.contains(part), "no {part} in: {message}");
        }
        let mut renamed = run("b", &set, &[]);
        renamed.record.tasks.name = "the same tasks".into();
        assert!(Change::between(&run("a", &set, &[]), &renamed).is_ok(), "a name says nothing");
    }

    #[test]
    fn a_run_without_a_score_is_refused_with_the_reason() {
        let set = set();
        let mut blind = run("b", &set, &[]);
        blind.record.score = None::<Score>;
        let message = |run_b: &Run| Change::between(&run("a", &set, &[]), run_b).unwrap_err().to_string();
        assert!(message(&blind).contains("trm (b)") && message(&blind).contains("solutions"), "{}", message(&blind));
        blind.record.finished = false;
        assert!(message(&blind).contains("killed"), "{}", message(&blind));
    }

    #[test]
    fn p_is_what_it_is_by_hand_and_in_published_tables() {
        let is = |gained, lost, expected: f64| {
            for found in [mcnemar(gained, lost), mcnemar(lost, gained)] {
                assert!((found / expected - 1.0).abs() < 1e-12, "{gained} and {lost}: {found}, not {expected}");
            }
        };
        is(0, 0, 1.0);
        is(7, 7, 1.0);
        is(8, 1, 2.0 * 10.0 / 512.0);
        is(6, 0, 2.0 / 64.0);
        is(12, 5, 2.0 * (1.0 + 17.0 + 136.0 + 680.0 + 2380.0 + 6188.0) / 131_072.0);
        // Tables of the cumulative binomial have 0.0216 for at most 7 of 25 at one half.
        assert_eq!(format!("{:.4}", mcnemar(18, 7) / 2.0), "0.0216");
    }

    #[test]
    fn p_holds_for_hundreds_of_tasks() {
        // By exact fractions; the first is Agresti's table of approval before and after, 150 against 86.
        let exact =
            [(150, 86, 3.715936139571442e-5), (400, 0, 7.745183829698637e-121), (700, 600, 0.006_015_793_861_044_953)];
        for (gained, lost, expected) in exact {
            let found = mcnemar(gained, lost);
            assert!((found / expected - 1.0).abs() < 1e-10, "{gained} and {lost}: {found}, not {expected}");
        }
        assert_eq!([0.2265625, 0.0004, 0.000_037].map(probability), ["0.227", "4.0e-4", "3.7e-5"]);
    }
}
