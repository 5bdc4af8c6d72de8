//! Root-mean-square normalisation without a weight: `n(x) = x / sqrt(mean(x^2) + 1e-5)` over each row.

#[cfg(feature = "cuda")]
pub mod cuda;

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};

const EPSILON: f32 = 1e-5;

/// `x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)`.
///
/// The mean is a product with a column of `1/D`.
///
/// # Shapes
/// `[N, D]` -> `[N, D]`.
pub fn rms_norm<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>) -> Matrix<D, T> {
    let shape = *x.shape();
    let (rows, columns) = shape;
    let (x, tape) = x.split_tape();
    let device = x.device().clone();
    let averaging = device.tensor_from_vec(vec![1.0 / columns as f32; columns], (columns, 1));
    let mean = x.clone().put_tape(tape).square().matmul(averaging);
    let factor = (mean + EPSILON).sqrt().recip().reshape_like(&(rows,));
    factor.broadcast_like::<_, Axis<1>>(&shape) * x
}
