//! What an imported checkpoint was trained on, as a recipe of ours tells it: by what its names were made of.

use super::NamesFrom;
use crate::dataset::{Colours, Sizes};
use crate::encode::Canvas;
use crate::grid::MAX_SIDE;
use crate::recipe::{Data, PuzzleData, PuzzleSource, SetDigest, SourceRecipe, TaskData, held_out_sets};

/// What the checkpoint was trained on, as far as it is known.
pub(super) fn data_of(names: &NamesFrom, sets: &[SetDigest]) -> Data {
    let plan = match names {
        NamesFrom::Order { variants, seed } => format!("published order, {variants} variants, seed {seed}"),
        NamesFrom::List { file } => format!("as listed in {file}"),
        NamesFrom::Puzzles { kind, side } => {
            let source = PuzzleSource::Unknown;
            return Data::Puzzles(PuzzleData { kind: *kind, side: *side, variants: 0, source });
        }
    };
    let held_out = held_out_sets();
    let source = |set: &SetDigest| SourceRecipe {
        tasks: set.name.clone(),
        test_pairs: !held_out.contains(&set.name),
        largest_side: MAX_SIDE,
        sizes: Sizes::Any,
    };
    let sources = sets.iter().map(source).collect();
    Data::Tasks(TaskData { plan, colours: Colours::ByVariant, canvas: Canvas::Board, sources, held_out })
}
