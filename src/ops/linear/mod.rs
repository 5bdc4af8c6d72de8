//! Products with a weight, `y = x W^T`, and the cutting of a fused weight into its parts.

pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};

/// `torch.nn.functional.linear(x, weight)`.
///
/// # Shapes
/// x `[N, K]`, weight `[M, K]` -> `[N, M]`.
pub fn linear<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, weight: &Matrix<D>) -> Matrix<D, T> {
    x.matmul(weight.clone().permute::<_, Axes2<1, 0>>())
}

/// Cuts a fused weight into `parts` equal blocks of rows, `weight.chunk(parts, 0)`, on the tape.
///
/// The parts are disjoint and the whole must not be used beside them (dfdx's gradient of a slice assigns).
///
/// # Shapes
/// weight `[parts * M, K]` -> parts times `[M, K]`.
pub fn rows_of<D: Compute, T: Tape<f32, D>>(weight: &Matrix<D>, parts: usize, mut tape: T) -> (Vec<Matrix<D>>, T) {
    let (rows, columns) = *weight.shape();
    assert_eq!(rows % parts, 0, "{rows} rows do not cut into {parts} parts");
    let size = rows / parts;
    let mut pieces = Vec::with_capacity(parts);
    for part in 0..parts {
        let taped = weight.clone().put_tape(tape);
        let (piece, rest) = taped.slice((part * size..(part + 1) * size, 0..columns)).split_tape();
        pieces.push(piece);
        tape = rest;
    }
    (pieces, tape)
}
