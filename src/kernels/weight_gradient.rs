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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::fma::Fma;
    use crate::rng::Stream;

    /// Rows within one block of the depth, at its edge, and over several; columns of whole tiles and of parts.
    #[test]
    fn it_is_added_to_what_is_there_over_any_number_of_rows() {
        let mut stream = Stream::new(3, "weight gradient");
        let mut random = |count: usize| (0..count).map(|_| stream.normal() as f32).collect::<Vec<f32>>();
        for (count, outputs, inputs) in [(1, 1, 1), (255, 13, 33), (256, 12, 32), (257, 25, 5), (700, 40, 70)] {
            let (d_out, input, before) = (random(count * outputs), random(count * inputs), random(outputs * inputs));
            let mut found = before.clone();
            weight_gradient(Fma, &d_out, outputs, &input, inputs, &mut found);
            for (m, k) in (0..outputs).flat_map(|m| (0..inputs).map(move |k| (m, k))) {
                let term = |n: usize| f64::from(d_out[n * outputs + m]) * f64::from(input[n * inputs + k]);
                let expected = f64::from(before[m * inputs + k]) + (0..count).map(term).sum::<f64>();
                let error = (f64::from(found[m * inputs + k]) - expected).abs() / (count as f64).sqrt();
                assert!(error < 1e-5, "{count} rows, {outputs} x {inputs} at {m}, {k}: {error}");
            }
        }
    }
}
