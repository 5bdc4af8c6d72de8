//! Boards turned over: the rows of each board become its columns, so that a layer runs along the tokens.

#[cfg(feature = "cuda")]
pub(super) mod cuda;

use dfdx::prelude::*;

use super::bridge;
use crate::device::{Compute, Matrix};
use crate::kernels::transpose_boards;

/// `x.view(B, R, C).transpose(1, 2).reshape(B * C, R)` in plain dfdx.
///
/// # Shapes
/// `[B * R, C]` -> `[B * C, R]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, boards: usize) -> Matrix<D, T> {
    let (rows, columns) = (x.shape().0 / boards, x.shape().1);
    let boards_first = x.reshape_like(&(boards, rows, columns)).permute::<_, Axes3<0, 2, 1>>();
    boards_first.reshape_like(&(boards * columns, rows))
}

/// The same on the CPU.
pub(super) fn cpu<T: Tape<f32, Cpu>>(x: Matrix<Cpu, T>, boards: usize) -> Matrix<Cpu, T> {
    let (x, mut tape) = x.split_tape();
    let (rows, columns) = (x.shape().0 / boards, x.shape().1);
    let mut turned = vec![0.0; boards * rows * columns];
    transpose_boards(bridge::values(&x), &mut turned, rows, columns);
    let result = bridge::matrix(x.device(), turned, (boards * columns, rows));
    let ghost = result.clone();
    tape.add_backward_op(move |gradients| {
        let gradient = bridge::take(gradients, &ghost)?;
        let mut back = vec![0.0; gradient.len()];
        transpose_boards(&gradient, &mut back, columns, rows);
        let mut to = bridge::take(gradients, &x)?;
        to.iter_mut().zip(&back).for_each(|(to, from)| *to += from);
        bridge::give(gradients, &x, to)
    });
    result.put_tape(tape)
}
