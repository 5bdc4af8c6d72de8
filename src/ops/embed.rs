//! Input tokens: `sqrt(D) * concat(prefix, embedding[cell])`, gathered into the packed order.

use dfdx::prelude::*;

use super::Operations;
use crate::device::{Compute, Matrix};

/// Puzzle rows as prefix tokens: each row zero-padded to `P*D` numbers and cut into P tokens of D.
///
/// # Shapes
/// rows `[B, R]` with R at most P*D -> `[B*P, D]`.
pub fn prefix_tokens<D: Compute, T: Tape<f32, D>>(rows: Matrix<D, T>, prefix: usize, hidden: usize) -> Matrix<D, T> {
    let (count, width) = *rows.shape();
    assert!(width <= prefix * hidden, "a row of {width} numbers does not fit {prefix} tokens of {hidden}");
    let device = rows.device().clone();
    let padded = match prefix * hidden - width {
        0 => rows,
        missing => (rows, device.zeros_like(&(count, missing))).concat_along(Axis::<1>),
    };
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
    let table = (embedding.clone().put_tape(tape), prefix).concat_along(Axis::<0>);
    D::gather(table * (hidden as f32).sqrt(), index)
}
