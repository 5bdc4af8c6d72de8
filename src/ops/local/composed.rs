//! The local layer in plain dfdx: its definition, on every device.

use dfdx::prelude::*;

use super::Neighbours;
use crate::device::{Compute, Matrix};
use crate::kernels::local::PLACES;
use crate::ops::{embed, rms_norm};

/// `n(x + sum over places of weight[place] * neighbour at place)`; a neighbour that is not there is a row of zeros, which is joined to x.
///
/// # Shapes
/// x `[N, D]`, weight `[9, D]`, neighbours of N tokens -> `[N, D]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    weight: &Matrix<D>,
    neighbours: &Neighbours,
) -> Matrix<D, T> {
    let (x, tape) = x.split_tape();
    let (count, width) = *x.shape();
    assert_eq!(count, neighbours.tokens(), "the neighbours of another batch");
    let device = x.device().clone();
    let (rows, mut tape) = embed::join(x.clone().put_tape(tape), &device.zeros_like(&(1, width))).split_tape();
    let mut sum = x;
    for place in 0..PLACES {
        let index = neighbours.table().iter().map(|near| near[place] as usize).collect();
        let index = device.tensor_from_vec(index, (count,));
        let (near, rest) = rows.clone().put_tape(tape).gather(index).split_tape();
        let own = device.tensor_from_vec(vec![place; count], (count,));
        let weights = weight.clone().put_tape(rest).gather(own);
        (sum, tape) = (weights * near + sum).split_tape();
    }
    rms_norm(sum.put_tape(tape))
}
