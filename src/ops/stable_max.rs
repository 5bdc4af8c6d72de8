//! Stable-max cross entropy in float64: `s(x) = x + 1 if x >= 0 else 1/(1 - x)`, `log p = log(s_label / sum s)`.
//!
//! `s(x) = max(x, 0) + 1/(1 + max(-x, 0))` is the same without a branch, in value and (as dfdx shares the slope of a tie) in
//! slope, which is 1 at 0. dfdx cannot differentiate a change of number type, so the
//! loss has its own float64 tape, and what comes back is its gradient: the caller hands it
//! to the float32 tape as the inner product `<logits, gradient>`, whose derivative it is.

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};

/// The weighted cross entropy `-sum(weight[i, v] * log p[i, v])` and its gradient with respect to the logits.
///
/// `weights` holds the weight of a token at its label's column and 0 elsewhere: `1 / known cells` for the mean over an example.
///
/// # Shapes
/// logits `[N, V]`, weights `[N * V]` -> a number and `[N, V]`.
pub fn cross_entropy<D: Compute>(logits: &Matrix<D>, weights: Vec<f64>) -> (f64, Matrix<D>) {
    let shape = *logits.shape();
    let device = logits.device().clone();
    let weights: Tensor<(usize, usize), f64, D> = device.tensor_from_vec(weights, shape);
    let x = logits.clone().to_dtype::<f64>();
    let zeros: Tensor<(usize, usize), f64, D> = device.zeros_like(&shape);
    let below = (x.leaky_trace().negate().maximum(zeros.clone()) + 1.0).recip();
    let s = below + x.leaky_trace().maximum(zeros);
    let (s, tape) = s.split_tape();
    let (sum, tape) = s.clone().put_tape(tape).sum::<(usize,), Axis<1>>().ln().split_tape();
    let log_p = s.put_tape(tape).ln() - sum.broadcast_like::<_, Axis<1>>(&shape);
    let loss = (log_p * weights).sum::<Rank0, _>().negate();
    let value = loss.as_vec()[0];
    let gradient = loss.backward().get(&x).to_dtype::<f32>();
    (value, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::stable_max::{self, Label};
    use crate::rng::Stream;

    #[test]
    fn the_kernel_is_the_composed_form() {
        let mut stream = Stream::new(11, "stable-max");
        for (tokens, vocabulary) in [(1, 1), (1, 12), (17, 12), (300, 12), (9, 5)] {
            let logits: Vec<f32> = (0..tokens * vocabulary)
                .map(|i| if i % 5 == 0 { 0.0 } else { 10.0 * stream.normal() as f32 })
                .collect();
            let mut weights = vec![0.0; tokens * vocabulary];
            let label = |token: usize| {
                let label = Label { kind: stream.below(vocabulary) as u8, weight: 1.0 / (2 + token) as f64 };
                (token % 4 != 1).then(|| {
                    weights[token * vocabulary + usize::from(label.kind)] = label.weight;
                    label
                })
            };
            let labels: Vec<Option<Label>> = (0..tokens).map(label).collect();
            let judged = stable_max::cross_entropy(&logits, vocabulary, &labels);
            let tensor = Cpu::default().tensor_from_vec(logits, (tokens, vocabulary));
            let (loss, gradient) = cross_entropy(&tensor, weights);
            assert!((judged.loss - loss).abs() <= 1e-13 * loss.abs(), "{} {loss}", judged.loss);
            for (found, expected) in judged.gradient.iter().zip(gradient.as_vec()) {
                assert!((found - expected).abs() <= 2e-7 * expected.abs(), "{found} {expected}");
            }
        }
    }
}
