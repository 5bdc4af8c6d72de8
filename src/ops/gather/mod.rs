//! Rows of a table: `table[index]`. The gradient adds every row back to where it came from, in the order of the index.

#[cfg(feature = "cuda")]
pub(super) mod cuda;

use dfdx::prelude::*;
use rayon::prelude::*;

use super::bridge;
use crate::device::{Compute, Matrix};

/// Rows that one task copies.
const ROWS: usize = 64;

/// `table[index]` in plain dfdx.
///
/// # Shapes
/// table `[M, D]`, index `[N]` with numbers below M -> `[N, D]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(table: Matrix<D, T>, index: &Tensor<(usize,), usize, D>) -> Matrix<D, T> {
    table.gather(index.clone())
}

/// The same on the CPU, row by row.
pub(super) fn cpu<T: Tape<f32, Cpu>>(table: Matrix<Cpu, T>, index: &Tensor<(usize,), usize, Cpu>) -> Matrix<Cpu, T> {
    let (table, mut tape) = table.split_tape();
    let (width, count) = (table.shape().1, index.shape().0);
    let mut rows = vec![0.0; count * width];
    let from = bridge::values(&table);
    let copies = rows.par_chunks_mut(ROWS * width).zip(bridge::indices(index).par_chunks(ROWS));
    copies.for_each(|(rows, index)| {
        for (row, &i) in rows.chunks_exact_mut(width).zip(index) {
            row.copy_from_slice(&from[i * width..(i + 1) * width]);
        }
    });
    let result = bridge::matrix(table.device(), rows, (count, width));
    let (ghost, index) = (result.clone(), index.clone());
    tape.add_backward_op(move |gradients| {
        let gradient = bridge::take(gradients, &ghost)?;
        let mut to = bridge::take(gradients, &table)?;
        for (row, &i) in gradient.chunks_exact(width).zip(bridge::indices(&index)) {
            to[i * width..(i + 1) * width].iter_mut().zip(row).for_each(|(to, from)| *to += from);
        }
        bridge::give(gradients, &table, to)
    });
    result.put_tape(tape)
}
