//! `PublishedOrder`: which row of a published table is whose.
//!
//! The sets in order; the tasks of each set, shuffled; of each task the plain one, then its variants as they were drawn. A name that was
//! there before keeps its first row. What bites: one stream of random numbers runs through all of it, so an order holds only for the same
//! sets in the same order, the same number of variants and the same seed; but the sets that come first do not depend on those that follow.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use super::PublishedError;
use super::numpy::Numpy;
use super::variants;
use crate::augment::Augmentation;
use crate::dataset::BLANK;
use crate::grid::Grid;
use crate::task::{Pair, Task, TaskSet, Test};

/// A task in the published order.
#[derive(Clone, Debug)]
pub struct OrderedTask<'a> {
    /// Which of the sets it comes from.
    pub set: usize,
    /// The task.
    pub task: &'a Task,
    /// Its row in the table and the augmentation of each of its variants, the plain task first.
    pub variants: Vec<(usize, Augmentation)>,
}

/// The tasks of the sets in the published order, and the rows of their variants.
#[derive(Clone, Debug)]
pub struct PublishedOrder<'a> {
    /// The tasks in order.
    pub tasks: Vec<OrderedTask<'a>>,
    count: usize,
    wanted: usize,
    /// Where the stream stands after the last task: the arrays of the published folder draw on from there.
    pub(super) numpy: Numpy,
}

/// The published order of these sets: what `build_arc_dataset.py` gives for as many augmentations and this seed.
///
/// `variants` does not count the plain task. A test without a known output counts as one whose output is a single black cell, as in the
/// published build.
///
/// # Errors
/// [`PublishedError::Interrupted`] once `stop` is raised, [`PublishedError::TooMany`] for more rows than the format can count.
pub fn identifiers<'a>(
    sets: &'a [TaskSet],
    variants: usize,
    seed: u32,
    stop: &AtomicBool,
) -> Result<PublishedOrder<'a>, PublishedError> {
    let mut order = PublishedOrder { tasks: Vec::new(), count: 1, wanted: variants, numpy: Numpy::new(seed) };
    let mut rows = HashMap::new();
    for (set, TaskSet { tasks, .. }) in sets.iter().enumerate() {
        let mut tasks: Vec<&Task> = tasks.iter().collect();
        order.numpy.shuffle(&mut tasks);
        for task in tasks {
            order.push(set, task, &mut rows, stop)?;
            if i32::try_from(order.count).is_err() {
                return Err(PublishedError::TooMany(order.count));
            }
        }
    }
    Ok(order)
}

impl<'a> PublishedOrder<'a> {
    /// Draws a task's variants and gives each its row.
    fn push(
        &mut self,
        set: usize,
        task: &'a Task,
        rows: &mut HashMap<&'a str, HashMap<Augmentation, usize>>,
        stop: &AtomicBool,
    ) -> Result<(), PublishedError> {
        let pairs: Vec<Pair> = task.train.iter().cloned().chain(task.test.iter().map(answered)).collect();
        let rows = rows.entry(&task.id).or_default();
        let drawn = variants::draw(&mut self.numpy, &pairs, self.wanted, stop).ok_or(PublishedError::Interrupted)?;
        let drawn = drawn.into_iter().map(|variant| {
            let row = *rows.entry(variant).or_insert(self.count);
            self.count += usize::from(row == self.count);
            (row, variant)
        });
        let variants = drawn.collect();
        self.tasks.push(OrderedTask { set, task, variants });
        Ok(())
    }

    /// The rows of the table, the blank one included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The names of the rows, one after another, `<blank>` first.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let mut next = 1;
        let of_tasks = self.tasks.iter().flat_map(|OrderedTask { task, variants, .. }| {
            variants.iter().map(|(row, variant)| (*row, *variant, task.id.as_str()))
        });
        let names = of_tasks.filter_map(move |(row, variant, task)| {
            let is_new = row == next;
            next += usize::from(is_new);
            is_new.then(|| variant.variant_name(task))
        });
        [BLANK.to_owned()].into_iter().chain(names)
    }

    /// The tasks that have fewer distinct variants than were asked for.
    pub fn short(&self) -> usize {
        self.tasks.iter().filter(|task| task.variants.len() <= self.wanted).count()
    }
}

/// A test as a pair.
pub(super) fn answered(test: &Test) -> Pair {
    Pair { input: test.input.clone(), output: test.output.clone().unwrap_or_else(Grid::placeholder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers(sets: &[TaskSet], variants: usize, seed: u32) -> PublishedOrder<'_> {
        super::identifiers(sets, variants, seed, &AtomicBool::new(false)).unwrap()
    }

    fn set(ids: &[&str]) -> TaskSet {
        let grid = |cells: &[u8]| Grid::new(1, 3, cells.to_vec()).unwrap();
        let task = |id: &&str| Task {
            id: (*id).to_owned(),
            train: vec![Pair { input: grid(&[0, 1, 2]), output: grid(&[3, 4, 5]) }],
            test: vec![Test { input: grid(&[1, 1, 2]), output: None }],
        };
        TaskSet { name: ids.join(","), tasks: ids.iter().map(task).collect() }
    }

    #[test]
    fn a_name_that_was_there_keeps_its_first_row() {
        let sets = [set(&["a", "b"]), set(&["b", "c"])];
        let order = identifiers(&sets, 2, 42);
        let names: Vec<String> = order.names().collect();
        assert_eq!((names[0].as_str(), names.len()), (BLANK, order.count()));
        assert_eq!(order.count(), 1 + 4 * 3 - 1, "only the plain b is in both: its variants were drawn anew");
        for OrderedTask { task, variants, .. } in &order.tasks {
            for (row, variant) in variants {
                assert_eq!(names[*row], variant.variant_name(&task.id));
            }
        }
        assert_eq!(order.short(), 0);
    }

    #[test]
    fn what_comes_first_does_not_depend_on_what_follows() {
        let (both, one) = ([set(&["a", "b"]), set(&["c"])], [set(&["a", "b"])]);
        let (both, one) = (identifiers(&both, 3, 0), identifiers(&one, 3, 0));
        assert!(one.names().eq(both.names().take(one.count())));
    }

    #[test]
    fn the_drawing_ends_when_it_is_told_to() {
        let sets = [set(&["a"])];
        let ended = super::identifiers(&sets, usize::MAX, 0, &AtomicBool::new(true));
        assert!(matches!(ended, Err(PublishedError::Interrupted)));
    }

    #[test]
    fn a_missing_output_is_a_single_black_cell() {
        let set = set(&["a"]);
        assert_eq!(answered(&set.tasks[0].test[0]).output, Grid::placeholder());
    }
}
