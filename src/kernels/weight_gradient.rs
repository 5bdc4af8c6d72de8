//! The gradient of a weight: `dW += dy^T x`, a product along all rows of a batch.

use gemm::Parallelism;
use rayon::prelude::*;

use super::{Engine, Section, View};
use crate::clock::{Part, time};

/// Rows of the weight that one task computes: fixed, so that the sums do not depend on the number of threads.
const ROWS: usize = 128;

/// See [`Engine::weight_gradient`], as one product of an engine.
pub fn by_engine<E: Engine>(
    engine: E,
    d_out: &[f32],
    outputs: usize,
    input: &[f32],
    inputs: usize,
    d_weight: &mut [f32],
) {
    let count = d_out.len() / outputs;
    assert!(d_out.len() == count * outputs && input.len() == count * inputs && d_weight.len() == outputs * inputs);
    let right = engine.right(View::columns(input, inputs, count, inputs));
    d_weight.par_chunks_mut(ROWS * inputs).enumerate().for_each(|(task, d_weight)| {
        let lines = View::columns(d_out, outputs, count, outputs).some(task * ROWS, d_weight.len() / inputs);
        let section = Section { part: Part::WeightGradient, ..Section::whole(inputs).added() };
        engine.multiply(&engine.left(lines), &right, section, d_weight, inputs);
    });
}

/// See [`Engine::weight_gradient`], by `gemm`, which packs both sides as it goes.
pub fn by_gemm(d_out: &[f32], outputs: usize, input: &[f32], inputs: usize, d_weight: &mut [f32]) {
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
