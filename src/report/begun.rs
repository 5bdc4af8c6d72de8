//! `Begun`: what both kinds of records say of a run, by which one that broke off is known again.

use super::{PuzzleRecord, Record, Status};

/// What was asked, and its value; `None` where the run has no such thing.
pub type Asked = (&'static str, Option<String>);

/// A run, whatever it solves.
pub trait Begun {
    /// How it stands, or how it ended.
    fn status(&self) -> Status;

    /// Everything that its answers depend on.
    fn asked(&self) -> Vec<Asked>;

    /// What was asked otherwise in `earlier`, as it was there and as it is here; `None` when both come to the same answers.
    fn difference(&self, earlier: &Self) -> Option<(String, String)> {
        let said = |(what, value): Asked| format!("{what} {}", value.as_deref().unwrap_or("none"));
        let mut both = earlier.asked().into_iter().zip(self.asked());
        both.find(|(there, here)| there != here).map(|(there, here)| (said(there), said(here)))
    }
}

/// The kind of a device: of two machines of a kind one may go on with what the other began.
fn kind(device: &str) -> Option<String> {
    Some(device.chars().take_while(char::is_ascii_alphanumeric).collect())
}

fn number(number: Option<usize>) -> Option<String> {
    number.map(|number| number.to_string())
}

impl Begun for Record {
    fn status(&self) -> Status {
        self.status
    }

    fn asked(&self) -> Vec<Asked> {
        let first = self.adaptation.as_ref().map(|adaptation| &adaptation.from);
        vec![
            ("tasks of the digest", Some(self.tasks.digest.clone())),
            ("solver", Some(self.solver.clone())),
            ("a checkpoint of the digest", first.or(self.checkpoint.as_ref()).map(|first| first.digest.clone())),
            ("an adaptation of", self.adaptation.as_ref().map(|adaptation| adaptation.length.clone())),
            ("seed", Some(self.seed.to_string())),
            ("views", number(self.views)),
            ("steps", number(self.steps)),
            ("tokens per batch", number(self.tokens_per_batch)),
            ("precision", self.precision.clone()),
            ("device", kind(&self.device)),
        ]
    }
}

impl Begun for PuzzleRecord {
    fn status(&self) -> Status {
        self.status
    }

    fn asked(&self) -> Vec<Asked> {
        vec![
            ("puzzles of the digest", Some(self.puzzles.digest.clone())),
            ("a checkpoint of the digest", Some(self.checkpoint.digest.clone())),
            ("steps", number(Some(self.steps))),
            ("tokens per batch", number(Some(self.tokens_per_batch))),
            ("precision", Some(self.precision.clone())),
            ("device", kind(&self.device)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskSet;

    #[test]
    fn threads_and_clocks_make_no_other_run_but_a_seed_does() {
        let set = TaskSet { name: "mine".into(), tasks: Vec::new() };
        let record = |seed, device| Record::new("copy", "copy", &set, seed, device);
        let earlier = Record { seconds: 3.0, started_unix: 4, ..record(7, "cpu, 2 threads, float32") };
        assert_eq!(record(7, "cpu, 16 threads, float32").difference(&earlier), None);
        let said = |record: Record| record.difference(&earlier).unwrap();
        assert_eq!(said(record(8, "cpu")), ("seed 7".into(), "seed 8".into()));
        assert_eq!(said(record(7, "cuda:0, a card")), ("device cpu".into(), "device cuda".into()));
        let views = Record { views: Some(3), ..earlier.clone() };
        assert_eq!(said(views), ("views none".into(), "views 3".into()));
    }
}
