//! The net: post-norm blocks, `x = n(x + mix(x)); x = n(x + swiglu(x))`, without biases and without norm weights.
//!
//! Where the configuration has it a block begins with a layer that mixes neighbouring cells, `x = n(x + local(x))`.
//!
//! In the token-MLP kind the mixing and its norm run along the tokens, on the transposed activations.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::model::weights::Block;
use crate::model::{Config, Inputs, Mixer};
use crate::ops::attention::attention;
use crate::ops::gated::gated;
use crate::ops::{Addend, AttentionWeights, GatedWeights, Operations, Ready};

/// The net opened for one supervision step: its weights are made ready once and shared by all passes.
pub(super) struct Net<D: Operations> {
    blocks: Vec<OpenBlock<D>>,
}

struct OpenBlock<D: Operations> {
    local: Option<Matrix<D>>,
    mix: Mix<D>,
    inner: GatedWeights<D>,
}

enum Mix<D: Operations> {
    Attention(AttentionWeights<D>),
    Tokens(GatedWeights<D>),
}

impl<D: Operations> Net<D> {
    /// Makes the weights ready.
    pub(super) fn open(config: &Config, blocks: &[Block<D>], ready: Ready) -> Self {
        let open = |block: &Block<D>| OpenBlock {
            local: block.local.clone(),
            mix: match config.mixer {
                Mixer::Attention => {
                    Mix::Attention(AttentionWeights::open(&block.mix_in, &block.mix_out, config.heads, ready))
                }
                Mixer::TokenMlp => Mix::Tokens(GatedWeights::open(&block.mix_in, &block.mix_out, ready)),
            },
            inner: GatedWeights::open(&block.gate_up, &block.down, ready),
        };
        Self { blocks: blocks.iter().map(open).collect() }
    }

    /// `net(z + injected)`; the injected states are added once, before the first block. `learns` is false where nobody reads the gradient of z.
    ///
    /// # Shapes
    /// `[N, D]` -> `[N, D]`.
    pub(super) fn pass<T: Tape<f32, D>>(
        &self,
        z: Matrix<D, T>,
        learns: bool,
        injected: &[Addend<D>],
        inputs: &Inputs<D>,
    ) -> Matrix<D, T> {
        // a device adds two states at a time; what comes of the first two is wanted by whoever wants them
        let sum = injected.chunks(2).enumerate().fold(z, |z, (number, two)| D::sum(z, learns || number > 0, two));
        self.blocks.iter().fold(sum, |x, block| block.forward(x, inputs))
    }
}

impl<D: Operations> OpenBlock<D> {
    fn forward<T: Tape<f32, D>>(&self, x: Matrix<D, T>, inputs: &Inputs<D>) -> Matrix<D, T> {
        let x = match (&self.local, &inputs.neighbours) {
            (None, _) => x,
            (Some(weight), Some(neighbours)) => D::local(x, weight, neighbours),
            (Some(_), None) => panic!("the inputs of a model without neighbours"),
        };
        let mixed = match &self.mix {
            Mix::Attention(weights) => attention(x, weights, &inputs.segments, inputs.rotation.as_ref()),
            Mix::Tokens(weights) => {
                let (boards, width) = (inputs.segments.count(), x.shape().1);
                let across = gated(D::turn_boards(x, boards), weights);
                debug_assert_eq!(across.shape().0, boards * width);
                D::turn_boards(across, boards)
            }
        };
        gated(mixed, &self.inner)
    }
}
