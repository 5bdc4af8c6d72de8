//! The gradient of a weight: `dW += dy^T x`, a product along all rows of a batch.

use gemm::Parallelism;
use rayon::prelude::*;

use crate::clock::{Part, time};

/// Rows of the weight that one task computes: fixed, so that the sums do not depend on the number of threads.
const ROWS: usize = 128;

/// `d_weight[m, k] += sum_n d_out[n, m] * input[n, k]`.
///
/// # Shapes
/// d_out `[N, M]`, input `[N, K]`, d_weight `[M, K]`.
pub fn weight_gradient(d_out: &[f32], outputs: usize, input: &[f32], inputs: usize, d_weight: &mut [f32]) {
    let count = d_out.len() / outputs;
    assert!(d_out.len() == count * outputs && input.len() == count * inputs && d_weight.len() == outputs * inputs);
    let task = |(task, d_weight): (usize, &mut [f32])| {
        let (rows, first) = (d_weight.len() / inputs, task * ROWS);
        // SAFETY: the lengths are asserted above; the strides are those of dense matrices in row order.
        unsafe {
            gemm::gemm(
                rows,
                inputs,
                count,
                d_weight.as_mut_ptr(),
                1,
                inputs as isize,
                true,
                d_out.as_ptr().add(first),
                outputs as isize,
                1,
                input.as_ptr(),
                1,
                inputs as isize,
                1.0f32,
                1.0f32,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    };
    let tasks = d_weight.par_chunks_mut(ROWS * inputs).enumerate();
    tasks.for_each(|piece| time(Part::WeightGradient, || task(piece)));
}
