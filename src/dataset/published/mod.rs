//! The published build's data set, drawn again bit for bit: the order of its identifiers, and its folder of arrays.
//!
//! A published checkpoint's table has one row for every name, in an order that only numpy's random numbers give; with the names in any
//! other order the table is worthless. `trm-arc`'s own training sets have nothing to do with this: they draw their own variants.

mod array;
mod build;
mod check;
mod names;
mod numpy;
mod order;
mod part;
mod variants;

use crate::augment::MOST_VARIANTS;

/// Variants of each task beside the plain one in the published ARC runs.
pub const VARIANTS: usize = 1000;

/// The seed of the published data sets.
pub const SEED: u32 = 42;

/// Most variants of a task beside the plain one: the eight dihedral maps with the permutations of nine colors tell no more apart.
pub const MAX_VARIANTS: usize = MOST_VARIANTS - 1;

pub use build::{PublishedBuild, PublishedError};
pub use check::is_data_folder;
pub use names::read_names;
pub use order::{OrderedTask, PublishedOrder, identifiers};
