//! `Model` and its supervision step: the recursion of the paper, and the two heads that read its answer.

use dfdx::prelude::*;

use crate::device::{Matrix, Precision, Vector};
use crate::model::net::Net;
use crate::model::{Carry, Config, ConfigError, Inputs, Mixer, Spec, Weights, specs};
use crate::ops::{Addend, Operations, Ready, embed, linear, prefix_tokens};
use crate::rng::Stream;

/// A Tiny Recursive Model on a device.
#[derive(Clone, Debug)]
pub struct Model<D: Operations> {
    /// Its sizes.
    pub config: Config,
    /// Its trunk.
    pub weights: Weights<D>,
    /// The number type of products where no gradient is asked for; training is float32.
    pub precision: Precision,
    device: D,
}

/// What a supervision step gives.
pub struct Step<D: Operations, T> {
    /// The latent states after it, detached.
    pub carry: Carry<D>,
    /// One row of logits per token, `[N, V]`; the rows of prefix tokens mean nothing.
    pub logits: Matrix<D>,
    /// The halting logit of each example, `[B]`.
    pub halt: Vector<D>,
    /// The tape of everything above, for a loss to go on with.
    pub tape: T,
}

impl<D: Operations> Model<D> {
    /// A model with first values drawn from `stream`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: Config, device: &D, stream: &mut Stream) -> Result<Self, ConfigError> {
        Self::build(config, device, |spec| Ok(spec.draw(stream)))
    }

    /// A model whose values `values` gives, tensor by tensor in the order of [`specs`].
    ///
    /// # Errors
    /// [`ConfigError`], or whatever `values` says.
    pub fn build<E: From<ConfigError>>(
        config: Config,
        device: &D,
        values: impl FnMut(&Spec) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        config.check()?;
        let (size, most) = (config.hidden / config.heads, D::LARGEST_HEAD);
        if config.mixer == Mixer::Attention && size > most {
            return Err(ConfigError::LargeHeads { size, most }.into());
        }
        let weights = Weights::build(&config, device, values)?;
        Ok(Self { config, weights, precision: Precision::F32, device: device.clone() })
    }

    /// The device of its tensors.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The numbers of the trunk: what the paper calls the size of the model. Puzzle rows come on top.
    pub fn parameters(&self) -> usize {
        specs(&self.config).iter().map(Spec::len).sum()
    }

    /// Puzzle rows on the device.
    ///
    /// # Shapes
    /// values `[B * puzzle_width]` -> `[B, puzzle_width]`.
    pub fn rows(&self, values: Vec<f32>) -> Matrix<D> {
        let width = self.config.puzzle_width;
        let count = values.len() / width;
        self.device.tensor_from_vec(values, (count, width))
    }

    /// One supervision step. Gradients flow, when `rows` carries a tape, through the last of the H cycles alone.
    ///
    /// # Shapes
    /// rows `[B, puzzle_width]`, carry `[N, D]` -> [`Step`].
    pub fn supervise<T: Tape<f32, D>>(&self, inputs: &Inputs<D>, rows: Matrix<D, T>, carry: Carry<D>) -> Step<D, T> {
        let (config, weights) = (&self.config, &self.weights);
        let prefix = prefix_tokens(rows, config.prefix, config.hidden);
        let (x, tape) = embed(prefix, &weights.embedding, &inputs.index).split_tape();
        let net = Net::open(config, weights, Ready { precision: self.precision, trained: T::OWNS_TAPE });
        let mut carry = carry;
        for _ in 1..config.h_cycles {
            (carry, _) = self.cycle(&net, inputs, &x, carry, NoneTape);
        }
        let (carry, tape) = self.cycle(&net, inputs, &x, carry, tape);

        let (logits, tape) = linear(carry.z_h.clone().put_tape(tape), &weights.head).split_tape();
        let first = D::gather(carry.z_h.clone().put_tape(tape), &inputs.firsts);
        let (halt, tape) = self.halt(first).split_tape();
        Step { carry, logits, halt, tape }
    }

    /// n updates of z_L and one of z_H. Both come in detached: no gradient flows to the cycle before.
    fn cycle<T: Tape<f32, D>>(
        &self,
        net: &Net<D>,
        inputs: &Inputs<D>,
        x: &Matrix<D>,
        Carry { z_h, mut z_l }: Carry<D>,
        mut tape: T,
    ) -> (Carry<D>, T) {
        let injected = [Addend::Detached(&z_h), Addend::Learned(x)];
        for number in 0..self.config.l_cycles {
            (z_l, tape) = net.pass(z_l.put_tape(tape), number > 0, &injected, inputs).split_tape();
        }
        let (z_h, tape) = net.pass(z_h.put_tape(tape), false, &[Addend::Learned(&z_l)], inputs).split_tape();
        (Carry { z_h, z_l }, tape)
    }

    /// Row 0 of the halting head at each example's first token, `[B, D]` -> `[B]`. The column is picked by a product.
    fn halt<T: Tape<f32, D>>(&self, first: Matrix<D, T>) -> Vector<D, T> {
        let count = first.shape().0;
        let both = linear(first, &self.weights.halt);
        let (both, tape) = both.split_tape();
        let bias = self.weights.halt_bias.clone().put_tape(tape).reshape_like(&(2,));
        let (bias, tape) = bias.broadcast_like::<_, Axis<0>>(&(count, 2)).split_tape();
        let row_0 = self.device.tensor_from_vec(vec![1.0f32, 0.0], (2, 1));
        (both.put_tape(tape) + bias).matmul(row_0).reshape_like(&(count,))
    }
}
