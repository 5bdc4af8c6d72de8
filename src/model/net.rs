//! The net: post-norm blocks, `x = n(x + mix(x)); x = n(x + swiglu(x))`, without biases and without norm weights.
//!
//! In the token-MLP kind the mixing and its norm run along the tokens, on the transposed activations.

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};
use crate::model::weights::{Block, Weights};
use crate::model::{Config, Inputs, Mixer};
use crate::ops::{attention, linear, rms_norm, rows_of, swiglu};

/// The net opened for one supervision step: fused weights are cut once and shared by all passes.
pub(super) struct Net<D: Compute> {
    heads: usize,
    blocks: Vec<OpenBlock<D>>,
}

struct OpenBlock<D: Compute> {
    mix: Mix<D>,
    gate: Matrix<D>,
    value: Matrix<D>,
    down: Matrix<D>,
}

enum Mix<D: Compute> {
    Attention { query: Matrix<D>, key: Matrix<D>, value: Matrix<D>, output: Matrix<D> },
    Tokens { gate: Matrix<D>, value: Matrix<D>, down: Matrix<D> },
}

impl<D: Compute> Net<D> {
    /// Cuts the fused weights, on the tape.
    pub(super) fn open<T: Tape<f32, D>>(config: &Config, weights: &Weights<D>, mut tape: T) -> (Self, T) {
        let mut blocks = Vec::with_capacity(weights.blocks.len());
        for block in &weights.blocks {
            let (open, rest) = OpenBlock::open(config.mixer, block, tape);
            blocks.push(open);
            tape = rest;
        }
        (Self { heads: config.heads, blocks }, tape)
    }

    /// `net(x + injected)`; the injected state is added once, before the first block.
    ///
    /// # Shapes
    /// `[N, D]` -> `[N, D]`.
    pub(super) fn pass<T: Tape<f32, D>>(
        &self,
        x: Matrix<D, T>,
        injected: Matrix<D>,
        inputs: &Inputs<D>,
    ) -> Matrix<D, T> {
        self.blocks.iter().fold(x + injected, |x, block| block.forward(x, inputs, self.heads))
    }
}

fn triple<D: Compute>(parts: Vec<Matrix<D>>) -> [Matrix<D>; 3] {
    parts.try_into().expect("a weight was cut into three")
}

impl<D: Compute> OpenBlock<D> {
    fn open<T: Tape<f32, D>>(mixer: Mixer, block: &Block<D>, tape: T) -> (Self, T) {
        let (gate_up, tape) = rows_of(&block.gate_up, 2, tape);
        let [gate, value] = gate_up.try_into().expect("a weight was cut into two");
        let (mix, tape) = match mixer {
            Mixer::Attention => {
                let (qkv, tape) = rows_of(&block.mix_in, 3, tape);
                let [query, key, value] = triple(qkv);
                (Mix::Attention { query, key, value, output: block.mix_out.clone() }, tape)
            }
            Mixer::TokenMlp => {
                let (gate_up, tape) = rows_of(&block.mix_in, 2, tape);
                let [gate, value] = gate_up.try_into().expect("a weight was cut into two");
                (Mix::Tokens { gate, value, down: block.mix_out.clone() }, tape)
            }
        };
        (Self { mix, gate, value, down: block.down.clone() }, tape)
    }

    fn forward<T: Tape<f32, D>>(&self, x: Matrix<D, T>, inputs: &Inputs<D>, heads: usize) -> Matrix<D, T> {
        let x = match &self.mix {
            Mix::Attention { query, key, value, output } => {
                let (x, tape) = x.split_tape();
                let (q, tape) = turned(linear(x.clone().put_tape(tape), query), inputs).split_tape();
                let (k, tape) = turned(linear(x.clone().put_tape(tape), key), inputs).split_tape();
                let (v, tape) = linear(x.clone().put_tape(tape), value).split_tape();
                let mixed = attention(q, k, v, tape, &inputs.segments, heads);
                rms_norm(linear(mixed, output) + x)
            }
            Mix::Tokens { gate, value, down } => {
                let shape = *x.shape();
                let (count, width) = (inputs.segments.count(), shape.1);
                let length = shape.0 / count;
                let boards = x.reshape_like(&(count, length, width)).permute::<_, Axes3<0, 2, 1>>();
                let (across, tape) = boards.reshape_like(&(count * width, length)).split_tape();
                let mixed = rms_norm(swiglu(across.clone().put_tape(tape), gate, value, down) + across);
                mixed.reshape_like(&(count, width, length)).permute::<_, Axes3<0, 2, 1>>().reshape_like(&shape)
            }
        };
        let (x, tape) = x.split_tape();
        rms_norm(swiglu(x.clone().put_tape(tape), &self.gate, &self.value, &self.down) + x)
    }
}

fn turned<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, inputs: &Inputs<D>) -> Matrix<D, T> {
    match &inputs.rotation {
        Some(rotation) => rotation.apply(x),
        None => x,
    }
}
