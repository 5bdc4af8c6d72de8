//! `Shard`: one of n parts of a task set, for machines that share the work without talking to each other.
//!
//! Shard i of n has every n-th task from the i-th on, so that each gets easy and hard stretches of a set alike.

use std::fmt;
use std::str::FromStr;

use super::TaskSet;

/// What stands between a set's name and its shard in the name of the shard's tasks.
const NAMED: &str = ", shard ";

/// Shard `index` of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// The tasks of this shard, as a set of its own; the others are dropped.
    pub fn of(self, set: TaskSet) -> TaskSet {
        let name = format!("{}{NAMED}{self}", set.name);
        TaskSet { name, tasks: set.tasks.into_iter().skip(self.index - 1).step_by(self.count).collect() }
    }

    /// The set and the shard in the name that [`of`](Self::of) gives; any other name is a set's, whole.
    pub fn in_name(name: &str) -> (&str, Option<Self>) {
        let parts = name.rsplit_once(NAMED).and_then(|(set, shard)| Some((set, shard.parse().ok()?)));
        parts.map_or((name, None), |(set, shard)| (set, Some(shard)))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err("a shard looks like 2/4: the second of four".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;

    #[test]
    fn shards_are_a_set_cut_up() {
        let set = task::load("arc-agi-2/evaluation").unwrap();
        let mut ids: Vec<String> = Vec::new();
        for shard in ["1/3", "2/3", "3/3"] {
            let part = shard.parse::<Shard>().unwrap().of(set.clone());
            assert_eq!((part.tasks.len(), &part.name), (40, &format!("arc-agi-2/evaluation, shard {shard}")));
            let (set, found) = Shard::in_name(&part.name);
            assert_eq!((set, found.map(|shard| shard.to_string())), ("arc-agi-2/evaluation", Some(shard.to_owned())));
            ids.extend(part.tasks.into_iter().map(|task| task.id));
        }
        assert_eq!(ids[..2], [set.tasks[0].id.clone(), set.tasks[3].id.clone()]);
        ids.sort_unstable();
        let mut all: Vec<String> = set.tasks.iter().map(|task| task.id.clone()).collect();
        all.sort_unstable();
        assert_eq!(ids, all);
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["0/4", "5/4", "2", "a/4", "1/0", ""] {
            assert!(text.parse::<Shard>().unwrap_err().contains("2/4"), "{text}");
        }
    }
}
