//! `Sampler`: the order of examples. An epoch visits every task or puzzle once, in random order, through one of its variants drawn at
//! random; of a task it takes all pairs of that variant. (The published build draws the moves of a task's pairs once for every variant;
//! here each visit draws anew.)

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{ExampleRef, TrainingSet};
use crate::rng::{Stream, StreamState};

/// The order of examples; endless.
#[derive(Clone, Debug)]
pub struct Sampler {
    stream: Stream,
    epoch: usize,
    waiting: VecDeque<usize>,
    ready: VecDeque<ExampleRef>,
}

/// Where a sampler stands, for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerState {
    stream: StreamState,
    epoch: usize,
    waiting: VecDeque<usize>,
    ready: VecDeque<ExampleRef>,
}

impl SamplerState {
    /// True when all that it waits for is in the set.
    pub fn fits(&self, set: &TrainingSet) -> bool {
        self.waiting.iter().all(|group| *group < set.groups())
            && self.ready.iter().all(|example| set.contains(*example))
    }
}

impl Sampler {
    /// A sampler at its beginning.
    pub fn new(seed: u64) -> Self {
        let stream = Stream::new(seed, "sampler");
        Self { stream, epoch: 0, waiting: VecDeque::new(), ready: VecDeque::new() }
    }

    /// Where it stands.
    pub fn state(&self) -> SamplerState {
        let (waiting, ready) = (self.waiting.clone(), self.ready.clone());
        SamplerState { stream: self.stream.state(), epoch: self.epoch, waiting, ready }
    }

    /// The sampler as it stood; `None` when the state is not one.
    pub fn restore(state: SamplerState) -> Option<Self> {
        let stream = Stream::restore(&state.stream)?;
        Some(Self { stream, epoch: state.epoch, waiting: state.waiting, ready: state.ready })
    }

    /// Epochs begun.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The next example. The set must have at least one pair.
    pub fn next(&mut self, set: &TrainingSet) -> ExampleRef {
        loop {
            if let Some(example) = self.ready.pop_front() {
                return example;
            }
            match self.waiting.pop_front() {
                Some(group) => self.ready.extend(set.visit(group, &mut self.stream)),
                None => self.begin_epoch(set),
            }
        }
    }

    fn begin_epoch(&mut self, set: &TrainingSet) {
        assert!(set.pairs() > 0, "there is nothing to learn from");
        let mut order: Vec<usize> = (0..set.groups()).collect();
        self.stream.shuffle(&mut order);
        self.waiting = order.into();
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Plan;
    use crate::dataset::{Colours, HeldOut, LessonsError, Sizes, Source, TaskLessons};
    use crate::encode::Canvas;
    use crate::task;

    fn set(with_test_pairs: bool) -> TrainingSet {
        let set = task::load("arc-agi-1/evaluation").unwrap();
        let source = Source { set, with_test_pairs, largest_side: 6, sizes: Sizes::Any };
        let plan = Plan::load("variants-32").unwrap();
        let held_out = HeldOut::default();
        let lessons = |stop: &(dyn Fn() -> bool + Sync)| {
            TaskLessons::new(std::slice::from_ref(&source), &plan, Colours::InGrids, Canvas::Tight, &held_out, stop)
        };
        assert!(matches!(lessons(&|| true), Err(LessonsError::Interrupted)));
        TrainingSet::Tasks(lessons(&|| false).unwrap())
    }

    fn group_and_pair(example: &ExampleRef) -> (usize, usize) {
        match example {
            ExampleRef::Task(example) => (example.group, example.pair),
            ExampleRef::Puzzle(_) => panic!("the set has tasks"),
        }
    }

    #[test]
    fn an_epoch_visits_every_task_once_with_all_its_pairs() {
        let set = set(false);
        let mut sampler = Sampler::new(0);
        let examples: Vec<_> = (0..set.pairs()).map(|_| sampler.next(&set)).collect();
        assert_eq!(sampler.epoch(), 1);
        let mut pairs: Vec<_> = examples.iter().map(group_and_pair).collect();
        pairs.sort();
        pairs.dedup();
        assert_eq!(pairs.len(), set.pairs());
        for example in &examples {
            let drawn = set.draw(*example);
            assert_eq!(drawn.input.cells.len(), drawn.labels.len());
            assert!(drawn.row < set.identifiers().count());
        }
        sampler.next(&set);
        assert_eq!(sampler.epoch(), 2);
    }

    #[test]
    fn a_restored_sampler_goes_on_with_the_same_examples() {
        let set = set(false);
        let mut sampler = Sampler::new(3);
        for _ in 0..101 {
            sampler.next(&set);
        }
        let mut again = Sampler::restore(sampler.state()).unwrap();
        assert!((0..500).all(|_| sampler.next(&set) == again.next(&set)));
    }

    #[test]
    fn test_outputs_are_learned_only_when_the_source_says_so() {
        assert!(set(true).pairs() > set(false).pairs());
        let mut hidden = task::load("arc-agi-1/evaluation").unwrap();
        for task in &mut hidden.tasks {
            task.test.iter_mut().for_each(|test| test.output = None);
        }
        let plan = Plan::load("variants-32").unwrap();
        let source = Source { set: hidden, with_test_pairs: false, largest_side: 6, sizes: Sizes::Any };
        let held_out = HeldOut::default();
        let blind = TaskLessons::new(&[source], &plan, Colours::InGrids, Canvas::Tight, &held_out, &|| false);
        let blind = TrainingSet::Tasks(blind.unwrap());
        let seeing = set(false);
        assert_eq!(blind.identifiers(), seeing.identifiers());
        let (mut a, mut b) = (Sampler::new(0), Sampler::new(0));
        for _ in 0..2 * seeing.pairs() {
            let example = a.next(&seeing);
            assert_eq!(example, b.next(&blind));
            assert_eq!(seeing.draw(example), blind.draw(example));
        }
    }
}
