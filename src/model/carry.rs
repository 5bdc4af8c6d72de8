//! `Carry`: the latent states between supervision steps, detached: the paper's are z_H and z_L.
//!
//! A halted slot takes the next example and its carry starts anew. Both are one gather from the table `[z; init]`:
//! a kept token takes its old row, a new one the last row, so lengths may change and nothing leaves the device.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::model::{Config, Inputs, Latents, Model};
use crate::ops::{Operations, Segments};

/// The latent states of a packed batch.
#[derive(Clone, Debug)]
pub struct Carry<D: Operations> {
    /// Each `[N, D]`. The answer state, z_H, comes first; what there is beside it [`Latents`](crate::model::Latents) says.
    pub states: Vec<Matrix<D>>,
}

impl<D: Operations> Carry<D> {
    /// The latent states of two batches as those of one.
    ///
    /// # Shapes
    /// `[N, D]`, next `[M, D]` -> `[N + M, D]`.
    pub fn followed_by(self, next: Self) -> Self {
        let states = self.states.into_iter().zip(&next.states);
        Self { states: states.map(|(state, next)| D::join(state, next)).collect() }
    }

    /// The same states in a place of their own: a step may change those that it gets where they lie.
    pub fn copied(&self) -> Self {
        let copy = |z: &Matrix<D>| take(z.clone(), (0..z.shape().0).collect());
        Self { states: self.states.iter().map(copy).collect() }
    }
}

/// The names of the states of a [`Carry`], in their order.
pub fn state_names(config: &Config) -> Vec<String> {
    let others = match config.latents {
        Latents::Two => vec!["z_l".into()],
        Latents::MultiScale => (1..=config.l_cycles).map(|number| format!("z_l{number}")).collect(),
        Latents::Single | Latents::None => Vec::new(),
    };
    std::iter::once("z_h".into()).chain(others).collect()
}

impl<D: Operations> Model<D> {
    /// The carry of a batch whose examples all begin: every token at `H_init` and `L_init`, or what else its states begin at.
    pub fn start(&self, inputs: &Inputs<D>) -> Carry<D> {
        let start = |init: &Matrix<D>| take(init.clone(), vec![0; inputs.segments.tokens()]);
        Carry { states: self.weights.inits.iter().map(start).collect() }
    }

    /// The carry of the next batch. `sources[i]` is the segment of `before` that slot i goes on with, or `None` where it begins anew.
    ///
    /// # Shapes
    /// carry `[N, D]` over `before` -> `[N', D]` over `after`.
    pub fn continue_with(
        &self,
        carry: Carry<D>,
        before: &Segments,
        after: &Segments,
        sources: &[Option<usize>],
    ) -> Carry<D> {
        let init = before.tokens();
        let ranges: Vec<_> = before.ranges().collect();
        let mut index = Vec::with_capacity(after.tokens());
        for (&length, &source) in after.lengths().iter().zip(sources) {
            match source {
                None => index.extend(std::iter::repeat_n(init, length)),
                Some(segment) => {
                    assert_eq!(ranges[segment].len(), length, "a slot that goes on keeps its length");
                    index.extend(ranges[segment].clone());
                }
            }
        }
        let states = carry.states.into_iter().zip(&self.weights.inits);
        Carry { states: states.map(|(z, init)| take(D::join(z, init), index.clone())).collect() }
    }
}

/// `table[index]`, `[M, D]` -> `[N, D]`.
fn take<D: Operations>(table: Matrix<D>, index: Vec<usize>) -> Matrix<D> {
    let length = index.len();
    let index: Tensor<(usize,), usize, D> = table.device().tensor_from_vec(index, (length,));
    D::gather(table, &index)
}
