//! Input tokens: `sqrt(D) * concat(prefix, embedding[cell])`, gathered into the packed order.

#[cfg(feature = "cuda")]
pub(super) mod cuda;

use dfdx::prelude::*;

use super::Operations;
use crate::device::{Compute, Matrix};

/// The rows of one matrix and then those of another, in plain dfdx.
///
/// # Shapes
/// top `[M, D]`, bottom `[N, D]` -> `[M + N, D]`.
pub fn join<D: Compute, T: Tape<f32, D>>(top: Matrix<D, T>, bottom: &Matrix<D>) -> Matrix<D, T> {
    (top, bottom.clone()).concat_along(Axis::<0>)
}

/// Every row made longer by zeros, in plain dfdx.
///
/// # Shapes
/// x `[N, K]` -> `[N, columns]`, more than K.
pub fn pad<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, columns: usize) -> Matrix<D, T> {
    let (rows, width) = *x.shape();
    let zeros = x.device().zeros_like(&(rows, columns - width));
    (x, zeros).concat_along(Axis::<1>)
}

/// Puzzle rows as prefix tokens: each row zero-padded to `P*D` numbers and cut into P tokens of D.
///
/// # Shapes
/// rows `[B, R]` with R at most P*D -> `[B*P, D]`.
pub fn prefix_tokens<D: Operations, T: Tape<f32, D>>(rows: Matrix<D, T>, prefix: usize, hidden: usize) -> Matrix<D, T> {
    let (count, width) = *rows.shape();
    assert!(width <= prefix * hidden, "a row of {width} numbers does not fit {prefix} tokens of {hidden}");
    let padded = if width == prefix * hidden { rows } else { D::pad(rows, prefix * hidden) };
    padded.reshape_like(&(count * prefix, hidden))
}

/// One gather from the stacked table `sqrt(D) * [embedding; prefix]`: token i of the batch is its row `index[i]`.
///
/// # Shapes
/// prefix `[B*P, D]`, embedding `[V, D]`, index `[N]` -> `[N, D]`.
pub fn embed<D: Operations, T: Tape<f32, D>>(
    prefix: Matrix<D, T>,
    embedding: &Matrix<D>,
    index: &Tensor<(usize,), usize, D>,
) -> Matrix<D, T> {
    let hidden = embedding.shape().1;
    let (prefix, tape) = prefix.split_tape();
    let table = D::join(embedding.clone().put_tape(tape), &prefix);
    D::gather(table * (hidden as f32).sqrt(), index)
}
