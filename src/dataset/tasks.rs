//! `TaskLessons`: the tasks of a recipe, their pairs and variants, and how one example is drawn.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{BLANK, Colours, Drawn, Identifiers, IdentifiersError, Movable};
use crate::augment::{Augmentation, ColourMap, Plan};
use crate::encode::{self, Canvas, Extent, Offset};
use crate::files;
use crate::grid::Grid;
use crate::rng::Stream;
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
pub struct TaskExample {
    /// The group.
    pub group: usize,
    /// Which of its variants.
    pub variant: usize,
    /// Which of its pairs.
    pub pair: usize,
    /// Where on the canvas.
    pub offset: Offset,
    /// What happens to the colours before the variant sees them.
    #[serde(default, skip_serializing_if = "ColourMap::is_identity")]
    pub colours: ColourMap,
}

/// A task with all that is learned from it.
#[derive(Clone, Debug)]
struct Group {
    /// Each with its canvas.
    pairs: Vec<(Pair, Extent)>,
    variants: Vec<(usize, Augmentation)>,
    movable: Movable,
}

/// The test pairs of held-out sets, by content. A pair of the same content is never learned, whatever set or task it stands in:
/// hundreds of ARC-AGI-1's evaluation answers also stand in ARC-AGI-2's training set.
#[derive(Clone, Debug, Default)]
pub struct HeldOut {
    pairs: HashSet<Pair>,
}

impl HeldOut {
    /// Holds out the test pairs of a set, as far as its solutions are known.
    pub fn add(&mut self, set: &TaskSet) {
        self.pairs.extend(set.tasks.iter().flat_map(test_pairs));
    }
}

/// Why there is no training set of tasks.
#[derive(Debug, Error)]
pub enum LessonsError {
    /// A task whose id names no row.
    #[error(transparent)]
    Names(#[from] IdentifiersError),
    /// Ended by a signal.
    #[error("interrupted")]
    Interrupted,
}

/// Groups in the order of their sources, and the identifiers of all their variants.
#[derive(Clone, Debug)]
pub struct TaskLessons {
    groups: Vec<Group>,
    identifiers: Identifiers,
    translate: bool,
    withheld: usize,
}

impl TaskLessons {
    /// The training set of these sources. A task that stands in two sources counts once, as in the first that takes it. A pair that is held
    /// out is withheld; one that does not fit its canvas (a test output larger than what is shown leads one to expect) is left out.
    ///
    /// # Errors
    /// [`LessonsError`], also once `stop` says so.
    pub fn new(
        sources: &[Source],
        plan: &Plan,
        colours: Colours,
        canvas: Canvas,
        held_out: &HeldOut,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, LessonsError> {
        let mut names = vec![BLANK.to_owned()];
        let mut seen = HashSet::new();
        let (mut groups, mut withheld) = (Vec::new(), 0);
        for source in sources {
            for task in &source.set.tasks {
                let admitted = source.sizes.admit(task) && fits(task, source.largest_side);
                if !admitted || !seen.insert(task.id.clone()) {
                    continue;
                }
                let variants = plan.variants_until(task, stop).ok_or(LessonsError::Interrupted)?;
                let variants = variants.into_iter().map(|augmentation| {
                    names.push(augmentation.variant_name(&task.id));
                    (names.len() - 1, augmentation)
                });
                let variants = variants.collect();
                let tests = if source.with_test_pairs { test_pairs(task).collect() } else { Vec::new() };
                let (learned, held): (Vec<Pair>, Vec<Pair>) =
                    task.train.iter().cloned().chain(tests).partition(|pair| !held_out.pairs.contains(pair));
                withheld += held.len();
                groups.push(Group::new(task, learned, canvas, variants, Movable::of(task, colours)));
            }
        }
        Ok(Self { groups, identifiers: Identifiers::new(names)?, translate: plan.translate, withheld })
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

    /// The canvas of each pair.
    pub(super) fn extents(&self) -> impl Iterator<Item = Extent> + Clone {
        self.groups.iter().flat_map(|group| group.pairs.iter().map(|(_, extent)| *extent))
    }

    /// Pairs that were withheld because they are a held-out set's answers.
    pub fn withheld(&self) -> usize {
        self.withheld
    }

    /// True of a reference into this set.
    pub fn contains(&self, example: TaskExample) -> bool {
        let Some(group) = self.groups.get(example.group) else { return false };
        if example.variant >= group.variants.len() || example.pair >= group.pairs.len() {
            return false;
        }
        let (rows, columns) = self.room(example.group, example.variant, example.pair);
        example.offset.row <= rows && example.offset.column <= columns
    }

    /// SHA-256 over everything that is learned: pairs, canvases, variants, translation.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update([u8::from(self.translate)]);
        hash.update(self.identifiers.to_lines());
        for group in &self.groups {
            hash.update([group.pairs.len() as u8]);
            hash.update(group.movable.colours());
            for (Pair { input, output }, extent) in &group.pairs {
                hash.update([extent.rows as u8, extent.columns as u8]);
                for grid in [input, output] {
                    hash.update([grid.rows() as u8, grid.columns() as u8]);
                    hash.update(grid.cells());
                }
            }
        }
        files::hex(&hash.finalize())
    }

    /// All pairs of a group through one of its variants, drawn at random and in random order. All but one of them are moved about on the
    /// canvas, and where colours are permuted in the grids, each pair's are.
    pub(super) fn visit(&self, group: usize, stream: &mut Stream) -> Vec<TaskExample> {
        let Group { pairs, variants, movable } = &self.groups[group];
        let variant = stream.below(variants.len());
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        if order.is_empty() {
            return Vec::new();
        }
        let unmoved = stream.below(order.len());
        stream.shuffle(&mut order);
        let example = |pair| {
            let mut offset = Offset::default();
            if pair != unmoved {
                let (rows, columns) = self.room(group, variant, pair);
                offset = Offset { row: stream.below(rows + 1), column: stream.below(columns + 1) };
            }
            TaskExample { group, variant, pair, offset, colours: movable.draw(stream) }
        };
        order.into_iter().map(example).collect()
    }

    /// The rows and columns by which a pair may be moved; (0, 0) when the plan moves nothing.
    fn room(&self, group: usize, variant: usize, pair: usize) -> (usize, usize) {
        if !self.translate {
            return (0, 0);
        }
        let group = &self.groups[group];
        let (_, augmentation) = group.variants[variant];
        let (Pair { input, output }, extent) = &group.pairs[pair];
        let (rows, columns) = (input.rows().max(output.rows()), input.columns().max(output.columns()));
        let room = Extent { rows: extent.rows - rows, columns: extent.columns - columns };
        let room = room.turned(augmentation.dihedral);
        (room.rows, room.columns)
    }

    /// Draws an example.
    pub fn draw(&self, example: TaskExample) -> Drawn {
        let group = &self.groups[example.group];
        let (row, augmentation) = group.variants[example.variant];
        let (Pair { input, output }, extent) = &group.pairs[example.pair];
        let augmentation = augmentation.after(example.colours);
        let extent = extent.turned(augmentation.dihedral);
        let draw = |grid| encode::draw(&augmentation.apply(grid), extent, example.offset);
        let fits = "only pairs that fit their canvas are kept, and offsets stay within the room";
        let labels = encode::labels(&draw(output).expect(fits));
        Drawn { row, input: draw(input).expect(fits), labels }
    }
}

/// True when the tight canvases of a task, without their end-marker line, stay within the side.
fn fits(task: &Task, side: usize) -> bool {
    let extent = Canvas::Tight.largest(task);
    task.shown_side() <= side && extent.rows <= side + 1 && extent.columns <= side + 1
}

/// The test pairs of a task whose answers are known.
fn test_pairs(task: &Task) -> impl Iterator<Item = Pair> {
    task.test.iter().filter_map(|test| Some(Pair { input: test.input.clone(), output: test.output.clone()? }))
}

impl Group {
    fn new(
        task: &Task,
        pairs: Vec<Pair>,
        canvas: Canvas,
        variants: Vec<(usize, Augmentation)>,
        movable: Movable,
    ) -> Self {
        let drawn = pairs.into_iter().map(|pair| {
            let extent = canvas.extent(task, &pair.input);
            (pair, extent)
        });
        Self { pairs: drawn.filter(|(pair, extent)| extent.holds(&pair.output)).collect(), variants, movable }
    }
}
