//! `Plan`: which variants of a task there are, as a small TOML file in `augmentations/`.
//!
//! The first variant is the plain task. The others are drawn from a stream of the plan's seed and the task's id, so
//! a task has the same variants whatever set it comes in. A draw whose grids are the same as an
//! earlier variant's is dropped; a symmetric task has fewer variants than the plan asks for.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{AugmentError, Augmentation, ColourMap, Dihedral};
use crate::files;
use crate::grid::COLOURS;
use crate::rng::Stream;
use crate::task::Task;

/// Draws per wanted variant before a task is taken to have no more: the published build's figure.
const DRAWS_PER_VARIANT: usize = 5;

/// The eight dihedral maps with the permutations of nine colours.
pub const MOST_VARIANTS: usize = 8 * 362_880;

/// What happens to the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colouring {
    /// They stay.
    Kept,
    /// 1..9 are permuted; 0, the background, stays.
    Permuted,
}

/// What happens to the orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turning {
    /// It stays.
    Kept,
    /// One of the eight dihedral maps.
    Dihedral,
}

/// A plan of variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The most variants of one task, the plain task included.
    pub variants: usize,
    /// The orientation.
    pub dihedral: Turning,
    /// The colours.
    pub colours: Colouring,
    /// True when training pairs are also moved about on their canvas (evaluation never is).
    pub translate: bool,
    /// The seed of the draws.
    pub seed: u64,
}

impl Plan {
    /// The plan of a name (`augmentations/NAME.toml`) or of a path.
    ///
    /// # Errors
    /// [`AugmentError`].
    pub fn load(name: &str) -> Result<Self, AugmentError> {
        let path = files::find_toml("augmentations", name)?;
        let plan: Self = files::read_toml(&path)?;
        if plan.variants == 0 {
            let fault = "variants is 0; the plain task counts as one, so the least is 1".to_owned();
            return Err(AugmentError::Plan { name: path.display().to_string(), fault });
        }
        if plan.variants > MOST_VARIANTS {
            let found = plan.variants;
            let fault = format!("variants is {found}; a task looks different in at most {MOST_VARIANTS} ways");
            return Err(AugmentError::Plan { name: path.display().to_string(), fault });
        }
        Ok(plan)
    }

    /// The task's variants, the plain task first, all distinct.
    pub fn variants(&self, task: &Task) -> Vec<Augmentation> {
        self.variants_until(task, &|| false).expect("nothing stops it")
    }

    /// The task's variants as [`variants`](Self::variants) has them; `None` once `stop` says so.
    pub fn variants_until(&self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Option<Vec<Augmentation>> {
        let mut stream = Stream::new(self.seed, &format!("variants of {}", task.id));
        let mut seen = HashSet::from([content(task, Augmentation::IDENTITY)]);
        let mut variants = vec![Augmentation::IDENTITY];
        for _ in 0..self.variants * DRAWS_PER_VARIANT {
            if variants.len() == self.variants {
                break;
            }
            if stop() {
                return None;
            }
            let variant = self.draw(&mut stream);
            if seen.insert(content(task, variant)) {
                variants.push(variant);
            }
        }
        Some(variants)
    }

    fn draw(&self, stream: &mut Stream) -> Augmentation {
        let dihedral = match self.dihedral {
            Turning::Kept => Dihedral::Identity,
            Turning::Dihedral => Dihedral::ALL[stream.below(Dihedral::ALL.len())],
        };
        let mut map = std::array::from_fn(|colour| colour as u8);
        if self.colours == Colouring::Permuted {
            stream.shuffle(&mut map[1..usize::from(COLOURS)]);
        }
        Augmentation { dihedral, colours: ColourMap::new(map).expect("a shuffled permutation is one") }
    }
}

/// What a variant shows: a digest of its demonstrations and test inputs. (The published build also hashes the
/// test outputs; a view of a hidden task cannot.)
fn content(task: &Task, augmentation: Augmentation) -> [u8; 32] {
    let mut hash = Sha256::new();
    for grid in task.shown_grids() {
        let grid = augmentation.apply(grid);
        hash.update([grid.rows() as u8, grid.columns() as u8]);
        hash.update(grid.cells());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;

    const PLAN: Plan =
        Plan { variants: 50, dihedral: Turning::Dihedral, colours: Colouring::Permuted, translate: true, seed: 42 };

    #[test]
    fn variants_are_distinct_repeatable_and_start_with_the_plain_task() {
        let set = task::load("arc-agi-1/training").unwrap();
        let variants = PLAN.variants(&set.tasks[0]);
        assert_eq!(variants.len(), 50);
        assert_eq!(variants[0], Augmentation::IDENTITY);
        assert_eq!(variants, PLAN.variants(&set.tasks[0]));
        assert!(variants.iter().all(|variant| variant.colours.apply(0) == 0));
        let contents: HashSet<_> = variants.iter().map(|&variant| content(&set.tasks[0], variant)).collect();
        assert_eq!(contents.len(), 50);
    }

    #[test]
    fn dihedral_maps_alone_give_at_most_eight() {
        let set = task::load("arc-agi-1/training").unwrap();
        let plan = Plan { colours: Colouring::Kept, ..PLAN };
        assert!(set.tasks.iter().take(20).all(|task| plan.variants(task).len() <= 8));
        let none = Plan { dihedral: Turning::Kept, ..plan };
        assert_eq!(none.variants(&set.tasks[0]), [Augmentation::IDENTITY]);
    }

    #[test]
    fn the_shipped_plans_load() {
        for name in ["plain", "dihedral", "variants-32", "variants-1000"] {
            assert!(Plan::load(name).unwrap().variants > 0, "{name}");
        }
    }
}
