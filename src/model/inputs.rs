//! `Inputs`: a batch of examples, packed and on the device, with everything that depends on the batch alone.

use dfdx::prelude::Tensor;

use crate::model::{Config, Local, Mixer, Model, Positions};
use crate::ops::{Neighbours, Operations, Rotation, Segments};

/// One example as the model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The kind of each cell, `[S]`.
    pub cells: &'a [u8],
    /// The place of each cell on the full board, `[S]`: row * 30 + column for ARC.
    pub positions: &'a [u16],
}

/// A packed batch: for each example P prefix tokens, then its cells.
#[derive(Clone, Debug)]
pub struct Inputs<D: Operations> {
    /// The tokens of each example.
    pub segments: Segments,
    /// For each token its row in the stacked table of cell kinds and prefix tokens, `[N]`.
    pub(super) index: Tensor<(usize,), usize, D>,
    /// The first token of each example, `[B]`: the halting head reads it.
    pub(super) firsts: Tensor<(usize,), usize, D>,
    /// The rotation of queries and keys; `None` without positions.
    pub(super) rotation: Option<Rotation>,
    /// Which cells lie side by side; `None` where that is not asked.
    pub(super) neighbours: Option<Neighbours>,
}

impl<D: Operations> Inputs<D> {
    /// Packs a batch for a model.
    ///
    /// # Panics
    /// When there is no example, a cell is not in the vocabulary, or a token-MLP model gets another number of cells than its own:
    /// the encoding makes none of these.
    pub fn new(model: &Model<D>, examples: &[Example<'_>]) -> Self {
        let (config, device) = (&model.config, model.device());
        let segments = Segments::new(examples.iter().map(|example| config.prefix + example.cells.len()).collect());
        let (mut index, mut positions) = (Vec::new(), Vec::new());
        for (number, example) in examples.iter().enumerate() {
            check(config, example);
            let first = config.vocabulary + number * config.prefix;
            index.extend(first..first + config.prefix);
            index.extend(example.cells.iter().map(|&cell| usize::from(cell)));
            positions.extend(0..config.prefix);
            positions.extend(example.positions.iter().map(|&position| config.prefix + usize::from(position)));
        }
        let rotation = if config.mixer == Mixer::Attention { rotation(config, &positions) } else { None };
        let places = examples.iter().map(|example| example.positions);
        let neighbours = match config.local {
            Local::None => None,
            Local::Depthwise3x3 => Some(Neighbours::new(places, config.prefix, config.board_side())),
        };
        let tokens = index.len();
        Self {
            index: device.tensor_from_vec(index, (tokens,)),
            firsts: device.tensor_from_vec(segments.starts(), (segments.count(),)),
            rotation,
            neighbours,
            segments,
        }
    }
}

/// In a plane the cells begin at row 1 and column 1, and the prefix tokens stand side by side in row 0.
fn rotation(config: &Config, positions: &[usize]) -> Option<Rotation> {
    let (size, base, side) = (config.hidden / config.heads, config.rope_base, config.board_side());
    let place = |position: usize| match position.checked_sub(config.prefix) {
        None => [0, position],
        Some(cell) => [1 + cell / side, 1 + cell % side],
    };
    match config.positions {
        Positions::None => None,
        Positions::Rope => Some(Rotation::along_line(positions, size, base)),
        Positions::Rope2d => Some(Rotation::in_plane(positions, place, size, base)),
    }
}

fn check(config: &Config, example: &Example<'_>) {
    assert_eq!(example.cells.len(), example.positions.len(), "every cell has a place");
    assert!(example.cells.iter().all(|&cell| usize::from(cell) < config.vocabulary), "a cell outside the vocabulary");
    if config.mixer == Mixer::TokenMlp {
        let (found, needed) = (example.cells.len(), config.cells);
        assert_eq!(found, needed, "the token-MLP kind needs every example at its full {needed} cells");
    }
}
