//! `Model` and its supervision step: the recursion of the paper, and the two heads that read its answer.

use dfdx::prelude::*;

use crate::device::{Matrix, Precision, Vector};
use crate::model::net::Net;
use crate::model::weights::Block;
use crate::model::{Carry, Config, ConfigError, Inputs, Mixer, Passes, Spec, Weights, specs};
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
    /// Both logits of the halting head, `[B, 2]`; see [`HALT`] and [`CONTINUE`].
    pub halting: Matrix<D>,
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

    /// One supervision step. Gradients flow, when `rows` carries a tape, through the last passes alone: see [`Passes`].
    ///
    /// # Shapes
    /// rows `[B, puzzle_width]`, carry `[N, D]` -> [`Step`].
    pub fn supervise<T: Tape<f32, D>>(&self, inputs: &Inputs<D>, rows: Matrix<D, T>, carry: Carry<D>) -> Step<D, T> {
        let (config, weights) = (&self.config, &self.weights);
        let prefix = prefix_tokens(rows, config.prefix, config.hidden);
        let (x, mut tape) = embed(prefix, &weights.embedding, &inputs.index).split_tape();
        let ready = Ready { precision: self.precision, trained: T::OWNS_TAPE };
        let open = |blocks: &[Block<D>]| Net::open(config, blocks, ready);
        let of_answer = (!weights.answer_blocks.is_empty()).then(|| open(&weights.answer_blocks));
        let nets = Nets { first: open(&weights.blocks), of_answer };
        let passes = Passes::of(config);
        let mut states: Vec<State<D>> = carry.states.into_iter().map(|z| State { z, learned: false }).collect();
        for number in 0..passes.without_gradient {
            self.update(&nets, inputs, &x, &mut states, number, NoneTape);
        }
        for number in passes.without_gradient..passes.count() {
            tape = self.update(&nets, inputs, &x, &mut states, number, tape);
        }
        let carry = Carry { states: states.into_iter().map(|state| state.z).collect() };

        let z_h = || carry.states[0].clone();
        let (logits, tape) = linear(z_h().put_tape(tape), &weights.head).split_tape();
        let first = D::gather(z_h().put_tape(tape), &inputs.firsts);
        let (halting, tape) = self.halting(first).split_tape();
        let (halt, tape) = self.halting_logit(halting.clone().put_tape(tape), HALT).split_tape();
        Step { carry, logits, halt, halting, tape }
    }

    /// A pass of the net, that of this number in the step: one state becomes the net of the sum of all of them. The input is added but at
    /// the end of a cycle, where the state is that of the answer.
    fn update<T: Tape<f32, D>>(
        &self,
        nets: &Nets<D>,
        inputs: &Inputs<D>,
        x: &Matrix<D>,
        states: &mut Vec<State<D>>,
        number: usize,
        tape: T,
    ) -> T {
        let place = number % Passes::of_cycle(&self.config);
        let is_answer = place == self.config.l_cycles;
        let target = match states.len() - 1 {
            0 => 0,
            _ if is_answer => 0,
            others => 1 + place % others,
        };
        let State { z, learned } = states.remove(target);
        let input = (!is_answer).then_some(Addend::Learned(x));
        let injected: Vec<Addend<D>> = states.iter().map(State::addend).chain(input).collect();
        let net = nets.of(is_answer);
        let (z, tape) = net.pass(z.put_tape(tape), learned, &injected, inputs).split_tape();
        states.insert(target, State { z, learned: T::OWNS_TAPE });
        tape
    }

    /// Both rows of the halting head at each example's first token, `[B, D]` -> `[B, 2]`.
    fn halting<T: Tape<f32, D>>(&self, first: Matrix<D, T>) -> Matrix<D, T> {
        let count = first.shape().0;
        let both = linear(first, &self.weights.halt);
        let (both, tape) = both.split_tape();
        let bias = self.weights.halt_bias.clone().put_tape(tape).reshape_like(&(2,));
        let (bias, tape) = bias.broadcast_like::<_, Axis<0>>(&(count, 2)).split_tape();
        both.put_tape(tape) + bias
    }

    /// One of the two logits of the halting head, [`HALT`] or [`CONTINUE`], `[B, 2]` -> `[B]`. The column is picked by a product.
    pub fn halting_logit<T: Tape<f32, D>>(&self, halting: Matrix<D, T>, row: usize) -> Vector<D, T> {
        let count = halting.shape().0;
        let mut column = vec![0.0f32; 2];
        column[row] = 1.0;
        let column = self.device.tensor_from_vec(column, (2, 1));
        halting.matmul(column).reshape_like(&(count,))
    }
}

/// The row of the halting head whose logit speaks for halting.
pub const HALT: usize = 0;

/// The row whose logit speaks for going on, which only Q-learning reads.
pub const CONTINUE: usize = 1;

/// A state in a step.
struct State<D: Operations> {
    z: Matrix<D>,
    /// True once it comes from a pass with gradient.
    learned: bool,
}

impl<D: Operations> State<D> {
    fn addend(&self) -> Addend<'_, D> {
        if self.learned { Addend::Learned(&self.z) } else { Addend::Detached(&self.z) }
    }
}

/// The nets of a step.
struct Nets<D: Operations> {
    first: Net<D>,
    of_answer: Option<Net<D>>,
}

impl<D: Operations> Nets<D> {
    fn of(&self, is_answer: bool) -> &Net<D> {
        self.of_answer.as_ref().filter(|_| is_answer).unwrap_or(&self.first)
    }
}
