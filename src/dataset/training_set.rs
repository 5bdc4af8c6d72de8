//! `TrainingSet`: the tasks of a recipe, their pairs and variants, and how one example is drawn.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{BLANK, Identifiers};
use crate::augment::{Augmentation, Plan};
use crate::encode::{self, Canvas, Drawing, Extent, Offset};
use crate::grid::Grid;
use crate::task::{Pair, Task, TaskSet};

/// Which tasks of a set are learned from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The set.
    pub set: TaskSet,
    /// True when the test pairs are learned too. Never for a set that is evaluated.
    pub with_test_pairs: bool,
    /// Only tasks whose shown grids, and the outputs they lead one to expect, have at most this many rows and columns.
    pub largest_side: usize,
    /// Which tasks by what they do to the size of a grid.
    pub sizes: Sizes,
}

/// What a task does to the size of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// Anything.
    Any,
    /// Every demonstration's output has the size of its input.
    Kept,
}

impl Sizes {
    fn admit(self, task: &Task) -> bool {
        let keeps = |pair: &Pair| {
            let size = |grid: &Grid| (grid.rows(), grid.columns());
            size(&pair.input) == size(&pair.output)
        };
        self == Self::Any || task.train.iter().all(keeps)
    }
}

/// One example, by reference: small enough to be kept in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleRef {
    /// The group.
    pub group: usize,
    /// Which of its variants.
    pub variant: usize,
    /// Which of its pairs.
    pub pair: usize,
    /// Where on the canvas.
    pub offset: Offset,
}

/// An example as it is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its row in the puzzle table.
    pub row: usize,
    /// The input.
    pub input: Drawing,
    /// For each cell of the output its kind, `None` for cells that are ignored. `[S]`
    pub labels: Vec<Option<u8>>,
}

/// A task with all that is learned from it.
#[derive(Clone, Debug)]
struct Group {
    pairs: Vec<Pair>,
    extent: Extent,
    variants: Vec<(usize, Augmentation)>,
}

/// Groups in the order of their sources, and the identifiers of all their variants.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    groups: Vec<Group>,
    identifiers: Identifiers,
    translate: bool,
}

impl TrainingSet {
    /// The training set of these sources. A task that stands in two sources counts once, as in the first. A pair that does not
    /// fit the canvas of its task (a test output larger than anything shown) is left out.
    pub fn new(sources: &[Source], plan: &Plan, canvas: Canvas) -> Self {
        let mut names = vec![BLANK.to_owned()];
        let mut seen = HashSet::new();
        let mut groups = Vec::new();
        for source in sources {
            for task in &source.set.tasks {
                let admitted = source.sizes.admit(task) && fits(task, source.largest_side);
                if !admitted || !seen.insert(task.id.clone()) {
                    continue;
                }
                let variants = plan.variants(task).into_iter().map(|augmentation| {
                    names.push(augmentation.variant_name(&task.id));
                    (names.len() - 1, augmentation)
                });
                let variants = variants.collect();
                groups.push(Group::new(task, source.with_test_pairs, canvas, variants));
            }
        }
        let identifiers = Identifiers::new(names).expect("variants of distinct tasks have distinct names");
        Self { groups, identifiers, translate: plan.translate }
    }

    /// The rows of the puzzle table.
    pub fn identifiers(&self) -> &Identifiers {
        &self.identifiers
    }

    /// Tasks.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Pairs of all tasks, each counted once whatever its variants.
    pub fn pairs(&self) -> usize {
        self.groups.iter().map(|group| group.pairs.len()).sum()
    }

    pub(super) fn variants_of(&self, group: usize) -> usize {
        self.groups[group].variants.len()
    }

    pub(super) fn pairs_of(&self, group: usize) -> usize {
        self.groups[group].pairs.len()
    }

    /// The rows and columns by which a pair may be moved; (0, 0) when the plan moves nothing.
    pub(super) fn room(&self, group: usize, variant: usize, pair: usize) -> (usize, usize) {
        if !self.translate {
            return (0, 0);
        }
        let group = &self.groups[group];
        let (_, augmentation) = group.variants[variant];
        let Pair { input, output } = &group.pairs[pair];
        let (rows, columns) = (input.rows().max(output.rows()), input.columns().max(output.columns()));
        let room = Extent { rows: group.extent.rows - rows, columns: group.extent.columns - columns };
        let room = room.turned(augmentation.dihedral);
        (room.rows, room.columns)
    }

    /// Draws an example.
    pub fn draw(&self, example: ExampleRef) -> Drawn {
        let group = &self.groups[example.group];
        let (row, augmentation) = group.variants[example.variant];
        let extent = group.extent.turned(augmentation.dihedral);
        let draw = |grid| encode::draw(&augmentation.apply(grid), extent, example.offset);
        let Pair { input, output } = &group.pairs[example.pair];
        let fits = "only pairs that fit their canvas are kept, and offsets stay within the room";
        let labels = encode::labels(&draw(output).expect(fits));
        Drawn { row, input: draw(input).expect(fits), labels }
    }
}

/// True when the tight canvas of a task, without its end-marker line, stays within the side.
fn fits(task: &Task, side: usize) -> bool {
    let extent = Canvas::Tight.extent(task);
    task.shown_side() <= side && extent.rows <= side + 1 && extent.columns <= side + 1
}

impl Group {
    fn new(task: &Task, with_test_pairs: bool, canvas: Canvas, variants: Vec<(usize, Augmentation)>) -> Self {
        let extent = canvas.extent(task);
        let tests = task.test.iter().filter(|_| with_test_pairs);
        let tests = tests.filter_map(|test| Some(Pair { input: test.input.clone(), output: test.output.clone()? }));
        let fits = |pair: &Pair| {
            [&pair.input, &pair.output]
                .iter()
                .all(|grid| grid.rows() <= extent.rows && grid.columns() <= extent.columns)
        };
        let pairs = task.train.iter().cloned().chain(tests).filter(fits).collect();
        Self { pairs, extent, variants }
    }
}
