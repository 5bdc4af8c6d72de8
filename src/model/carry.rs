//! `Carry`: z_H and z_L between supervision steps, detached.
//!
//! A halted slot takes the next example and its carry starts anew. Both are one gather from the table `[z; init]`:
//! a kept token takes its old row, a new one the last row, so lengths may change and nothing leaves the device.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::model::{Inputs, Model};
use crate::ops::{Operations, Segments};

/// The two latent states of a packed batch.
#[derive(Clone, Debug)]
pub struct Carry<D: Operations> {
    /// The answer state, `[N, D]`.
    pub z_h: Matrix<D>,
    /// The reasoning state, `[N, D]`.
    pub z_l: Matrix<D>,
}

impl<D: Operations> Carry<D> {
    /// The latent states of two batches as those of one.
    ///
    /// # Shapes
    /// `[N, D]`, next `[M, D]` -> `[N + M, D]`.
    pub fn followed_by(self, next: Self) -> Self {
        let join = |a: Matrix<D>, b: Matrix<D>| D::join(a, &b);
        Self { z_h: join(self.z_h, next.z_h), z_l: join(self.z_l, next.z_l) }
    }
}

impl<D: Operations> Model<D> {
    /// The carry of a batch whose examples all begin: every token at `H_init` and `L_init`.
    pub fn start(&self, inputs: &Inputs<D>) -> Carry<D> {
        let start = |init: &Matrix<D>| take(init.clone(), vec![0; inputs.segments.tokens()]);
        Carry { z_h: start(&self.weights.h_init), z_l: start(&self.weights.l_init) }
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
        let next = |z: Matrix<D>, init: &Matrix<D>| take(D::join(z, init), index.clone());
        Carry { z_h: next(carry.z_h, &self.weights.h_init), z_l: next(carry.z_l, &self.weights.l_init) }
    }
}

/// `table[index]`, `[M, D]` -> `[N, D]`.
fn take<D: Operations>(table: Matrix<D>, index: Vec<usize>) -> Matrix<D> {
    let length = index.len();
    let index: Tensor<(usize,), usize, D> = table.device().tensor_from_vec(index, (length,));
    D::gather(table, &index)
}
