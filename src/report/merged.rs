//! The record of a run whose shards were solved apart, from the records of the shards.

use std::collections::{BTreeMap, HashSet};

use itertools::Itertools;

use super::begun::{Asked, Begun};
use super::{Record, Run, Status, TaskEntry};
use crate::prediction::Answers;
use crate::score::{self, PASS_AT, Score, ScoreError};
use crate::task::TaskSet;

/// The record of all shards, and what one was asked otherwise than another.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The record; what the shards differ in is joined, or left out where it cannot be.
    pub record: Record,
    /// Differences, in words.
    pub differences: Vec<String>,
}

impl Merged {
    /// Joins the records of the shards of a set; `answers` are those of all shards.
    ///
    /// # Errors
    /// [`ScoreError`], which a set with all solutions does not give.
    ///
    /// # Panics
    /// There is no shard.
    pub fn of(set: &TaskSet, shards: &[Run], answers: &Answers) -> Result<Self, ScoreError> {
        let records: Vec<&Record> = shards.iter().map(|run| &run.record).collect();
        let first = *records.first().expect("there is a shard");
        let joined =
            |text: fn(&Record) -> &str, between| records.iter().map(|record| text(record)).unique().join(between);
        let mut record = Record::new(
            &joined(|record| &record.name, " + "),
            &joined(|record| &record.solver, " + "),
            set,
            first.seed,
            "",
        );
        record.device = joined(|record| &record.device, "; ");
        record.version = joined(|record| &record.version, ", ");
        record.checkpoint = agreed(&records, |record| record.checkpoint.as_ref().map(|known| &known.digest))
            .then(|| first.checkpoint.clone())
            .flatten();
        record.views = first.views.filter(|_| agreed(&records, |record| record.views));
        record.steps = first.steps.filter(|_| agreed(&records, |record| record.steps));
        record.tokens_per_batch = first.tokens_per_batch.filter(|_| agreed(&records, |record| record.tokens_per_batch));
        record.precision = first.precision.clone().filter(|_| agreed(&records, |record| record.precision.as_ref()));
        record.repeats = first.repeats.clone().filter(|_| agreed(&records, |record| record.repeats.as_ref()));
        record.commit = first.commit.clone().filter(|_| agreed(&records, |record| record.commit.as_ref()));
        record.started_unix = records.iter().map(|record| record.started_unix).min().unwrap_or_default();
        record.seconds = records.iter().map(|record| record.seconds).sum();
        record.finished = records.iter().all(|record| record.finished);
        record.status =
            records.iter().map(|record| record.status).max_by_key(|status| severity(*status)).unwrap_or(first.status);
        record.answered = records.iter().map(|record| record.answered).sum();
        record.unanswered = records.iter().map(|record| record.unanswered).sum();
        let unseen: HashSet<&String> = records.iter().flat_map(|record| &record.unseen).collect();
        let mut entries: BTreeMap<&str, &TaskEntry> =
            records.iter().flat_map(|record| &record.entries).map(|entry| (entry.id.as_str(), entry)).collect();
        for task in &set.tasks {
            record.unseen.extend(unseen.get(&task.id).map(|id| (*id).clone()));
            record.entries.extend(entries.remove(task.id.as_str()).cloned());
        }
        if record.finished && set.has_solutions() {
            let pass_at = pass_at(&records);
            record.score = Some(Score { pass_at, ..score::score(answers, set, None)? });
        }
        Ok(Self { record, differences: differences(shards) })
    }
}

/// True when all shards say the same.
fn agreed<'a, T: PartialEq>(records: &[&'a Record], of: impl Fn(&'a Record) -> T) -> bool {
    records.iter().map(|record| of(record)).all_equal()
}

/// Rank of an end by how much of the run it leaves out.
fn severity(status: Status) -> u8 {
    match status {
        Status::Complete => 0,
        Status::TimeLimit => 1,
        Status::Interrupted => 2,
        Status::Running => 3,
    }
}

/// The means over the tasks of all shards; `None` where a shard has none.
fn pass_at(records: &[&Record]) -> Option<BTreeMap<usize, f64>> {
    let scores: Vec<&Score> = records.iter().map(|record| record.score.as_ref()).collect::<Option<_>>()?;
    let all: usize = scores.iter().map(|score| score.tasks).sum();
    let mean = |k: usize| {
        let sums = scores.iter().map(|score| Some(score.pass_at.as_ref()?.get(&k)? * score.tasks as f64));
        Some((k, sums.sum::<Option<f64>>()? / all as f64))
    };
    PASS_AT.into_iter().map(mean).collect()
}

/// Settings in which the shards differ, beside their tasks.
fn differences(shards: &[Run]) -> Vec<String> {
    let asked: Vec<Vec<Asked>> = shards.iter().map(|run| run.record.asked()).collect();
    let said = |what: usize| {
        let mut values =
            shards.iter().zip(&asked).map(|(run, asked)| (&run.source, &asked[what])).unique_by(|(_, asked)| &asked.1);
        let in_words = |(source, (what, value)): (&String, &Asked)| {
            format!("{what} {} in {source}", value.as_deref().unwrap_or("none"))
        };
        let first = values.next()?;
        let others: Vec<String> = values.map(in_words).collect();
        (!others.is_empty()).then(|| format!("{}, {}", in_words(first), others.join(", ")))
    };
    // the tasks come first, and are those of each shard
    (1..asked.first().map_or(0, Vec::len)).filter_map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{self, Shard};

    fn shard(set: &TaskSet, name: &str, pass: f64) -> Run {
        let part = name.parse::<Shard>().unwrap().of(set.clone());
        let mut record = Record::of_submission("trm", &part, &Answers::new()).unwrap();
        record.solver = "trm".into();
        record.score.as_mut().unwrap().pass_at = Some(PASS_AT.into_iter().map(|k| (k, pass)).collect());
        (record.seconds, record.started_unix, record.views) = (2.0, part.tasks.len() as u64, Some(3));
        record.entries = part
            .tasks
            .iter()
            .rev()
            .map(|task| TaskEntry { id: task.id.clone(), solved: Some(0), outputs: 1, seconds: 1.0, predictions: 1 })
            .collect();
        Run { source: name.into(), record }
    }

    #[test]
    fn the_records_of_shards_become_that_of_the_set() {
        let mut set = task::load("arc-agi-2/evaluation").unwrap();
        set.tasks.truncate(3);
        let mut shards = [shard(&set, "2/2", 0.75), shard(&set, "1/2", 0.0)];
        shards[1].record.device = "cuda:0".into();
        shards[1].record.views = Some(4);
        shards[1].record.status = Status::TimeLimit;
        let Merged { record, differences } = Merged::of(&set, &shards, &Answers::new()).unwrap();
        assert_eq!((record.tasks.digest.clone(), record.tasks.name.as_str()), (set.digest(), "arc-agi-2/evaluation"));
        assert_eq!((record.device.as_str(), record.seconds, record.started_unix), ("unknown; cuda:0", 4.0, 1));
        assert_eq!((record.views, record.status, record.finished), (None, Status::TimeLimit, true));
        assert!(
            record.entries.iter().map(|entry| &entry.id).eq(set.tasks.iter().map(|task| &task.id)),
            "the set's order"
        );
        let score = record.score.unwrap();
        assert_eq!((score.tasks, score.pass_at.unwrap()[&1]), (3, 0.25));
        assert_eq!(differences, ["views 3 in 2/2, views 4 in 1/2", "device unknown in 2/2, device cuda in 1/2"]);
    }

    #[test]
    fn a_shard_that_did_not_end_leaves_the_whole_without_a_score() {
        let set = task::load("arc-agi-2/evaluation").unwrap();
        let mut shards = [shard(&set, "1/2", 0.5), shard(&set, "2/2", 0.5)];
        (shards[0].record.finished, shards[0].record.status) = (false, Status::Running);
        let record = Merged::of(&set, &shards, &Answers::new()).unwrap().record;
        assert_eq!((record.score, record.finished, record.status), (None, false, Status::Running));
    }
}
