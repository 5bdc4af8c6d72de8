//! `Index`: the pairs of a set by their form, to look others up in.

use std::collections::HashMap;

use super::form::Form;
use super::{Evidence, Likeness, Part, Place};
use crate::grid::Grid;
use crate::task::{Task, TaskSet};

/// A pair of a set: which task's, and which of its pairs, demonstrations first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) task: usize,
    pub(super) pair: usize,
}

impl Position {
    /// With names in place of numbers.
    pub(super) fn in_words(self, set: &TaskSet) -> Place {
        let task = &set.tasks[self.task];
        let (part, index) = match self.pair.checked_sub(task.train.len()) {
            None => (Part::Train, self.pair),
            Some(index) => (Part::Test, index),
        };
        Place { task: task.id.clone(), part, index }
    }
}

/// Input and output of each pair of a task, the demonstrations, then the tests.
pub(super) fn pairs(task: &Task) -> impl Iterator<Item = (&Grid, Option<&Grid>)> {
    let train = task.train.iter().map(|pair| (&pair.input, Some(&pair.output)));
    train.chain(task.test.iter().map(|test| (&test.input, test.output.as_ref())))
}

/// Where a pair was found; nowhere when `places` is empty.
pub(super) struct Found {
    pub(super) places: Vec<Position>,
    pub(super) by: Evidence,
}

/// The pairs of a set by their form.
pub(super) struct Index {
    likeness: Likeness,
    /// Pairs with a known output.
    whole: HashMap<Form, Vec<Position>>,
    /// Inputs of the pairs without one.
    hidden: HashMap<Form, Vec<Position>>,
    /// Inputs of all pairs.
    inputs: HashMap<Form, Vec<Position>>,
}

impl Index {
    pub(super) fn new(set: &TaskSet, likeness: Likeness) -> Self {
        let (whole, hidden, inputs) = Default::default();
        let mut index = Self { likeness, whole, hidden, inputs };
        for (task, content) in set.tasks.iter().enumerate() {
            for (pair, (input, output)) in pairs(content).enumerate() {
                let (position, shown) = (Position { task, pair }, Form::of(&[input], likeness));
                match output {
                    Some(output) => {
                        index.whole.entry(Form::of(&[input, output], likeness)).or_default().push(position);
                    }
                    None => index.hidden.entry(shown.clone()).or_default().push(position),
                }
                index.inputs.entry(shown).or_default().push(position);
            }
        }
        index
    }

    /// Where this pair stands: by the whole pair, or by its input alone where an output is not known here or there.
    pub(super) fn find(&self, (input, output): (&Grid, Option<&Grid>)) -> Found {
        let at = |forms: &HashMap<Form, Vec<Position>>, grids: &[&Grid]| {
            forms.get(&Form::of(grids, self.likeness)).cloned().unwrap_or_default()
        };
        let (whole, alone) = match output {
            Some(output) => (at(&self.whole, &[input, output]), at(&self.hidden, &[input])),
            None => (Vec::new(), at(&self.inputs, &[input])),
        };
        let by = if whole.is_empty() { Evidence::Input } else { Evidence::Pair };
        let mut places = [whole, alone].concat();
        places.sort_unstable();
        Found { places, by }
    }
}
