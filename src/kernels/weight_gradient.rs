//! The gradient of a weight: `dW += dy^T x`, a product along all rows of a batch.

use rayon::prelude::*;

use super::{DEPTH_BLOCK, Engine, PANEL, Section, View, panel_rows};
use crate::clock::Part;

/// `d_weight[m, k] += sum_n d_out[n, m] * input[n, k]`, on all threads; the sums do not depend on their number.
///
/// # Shapes
/// d_out `[N, M]`, input `[N, K]`, d_weight `[M, K]`.
pub fn weight_gradient<E: Engine>(
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
    let panel = panel_rows(outputs, engine.tile_rows(), PANEL);
    d_weight.par_chunks_mut(panel * inputs).enumerate().for_each(|(task, d_weight)| {
        let rows = d_weight.len() / inputs;
        // a block of the depth at a time: its lines are turned over while they are in the second-level cache
        for first in (0..count).step_by(DEPTH_BLOCK) {
            let depth = DEPTH_BLOCK.min(count - first);
            let lines = View::columns(&d_out[first * outputs..], outputs, depth, outputs).some(task * panel, rows);
            let section = Section { part: Part::WeightGradient, ..Section::depth(first, inputs).added() };
            engine.multiply(&engine.left(lines), &right, section, d_weight, inputs);
        }
    });
}
