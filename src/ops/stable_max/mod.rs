//! Stable-max cross entropy in float64: `s(x) = x + 1 if x >= 0 else 1/(1 - x)`, `log p = log(s_label / sum s)`.
//!
//! `s(x) = max(x, 0) + 1/(1 + max(-x, 0))` is the same without a branch, in value and (as dfdx shares the slope of a tie) in
//! slope, which is 1 at 0. dfdx cannot differentiate a change of number type, so the
//! loss has its own float64 tape, and what comes back is its gradient: the caller hands it
//! to the float32 tape as the inner product `<logits, gradient>`, whose derivative it is.

#[cfg(feature = "cuda")]
pub(super) mod cuda;

use dfdx::prelude::*;

use super::bridge;
use crate::clock::{Part, time};
use crate::device::{Compute, Matrix};
use crate::kernels::stable_max::{cross_entropy as judge, first_largest};

pub use crate::kernels::stable_max::Label;

/// What the logits of a batch come to.
#[derive(Clone, Debug)]
pub struct Judged<D: Compute> {
    /// The weighted cross entropy.
    pub loss: f64,
    /// Its derivatives, `[N, V]`.
    pub gradient: Matrix<D>,
    /// The most likely kind of each token, `[N]`.
    pub kinds: Vec<u8>,
}

/// Judges logits by labels, in plain dfdx.
///
/// # Shapes
/// logits `[N, V]`, labels `[N]`.
pub fn composed<D: Compute>(logits: &Matrix<D>, labels: &[Option<Label>]) -> Judged<D> {
    let vocabulary = logits.shape().1;
    let mut weights = vec![0.0; labels.len() * vocabulary];
    for (token, label) in labels.iter().enumerate() {
        if let Some(label) = label {
            weights[token * vocabulary + usize::from(label.kind)] = label.weight;
        }
    }
    let (loss, gradient) = cross_entropy(logits, weights);
    let kinds = logits.as_vec().chunks(vocabulary).map(first_largest).collect();
    Judged { loss, gradient, kinds }
}

/// The same on the CPU, in one pass over the logits.
pub(super) fn cpu(logits: &Matrix<Cpu>, labels: &[Option<Label>]) -> Judged<Cpu> {
    let shape = *logits.shape();
    let judged = time(Part::Loss, || judge(bridge::values(logits), shape.1, labels));
    let gradient = bridge::matrix(logits.device(), judged.gradient, shape);
    Judged { loss: judged.loss, gradient, kinds: judged.kinds }
}

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
    use crate::ops::Operations;
    use crate::ops::testing::on_every_device;
    use crate::rng::Stream;

    fn judged<D: Operations>(device: &D) {
        let mut stream = Stream::new(11, "stable-max");
        for (tokens, vocabulary) in [(1, 1), (1, 12), (17, 12), (300, 12), (9, 5)] {
            let logits: Vec<f32> = (0..tokens * vocabulary)
                .map(|i| if i % 5 == 0 { 0.0 } else { 10.0 * stream.normal() as f32 })
                .collect();
            let label = |token: usize| {
                let label = Label { kind: stream.below(vocabulary) as u8, weight: 1.0 / (2 + token) as f64 };
                (token % 4 != 1).then_some(label)
            };
            let labels: Vec<Option<Label>> = (0..tokens).map(label).collect();
            let here = Cpu::default().tensor_from_vec(logits.clone(), (tokens, vocabulary));
            let there = device.tensor_from_vec(logits, (tokens, vocabulary));
            let (judged, expected) = (D::judge(&there, &labels), composed(&here, &labels));
            assert!((judged.loss - expected.loss).abs() <= 1e-13 * expected.loss.abs(), "{judged:?} {expected:?}");
            assert_eq!(judged.kinds, expected.kinds);
            let judged_and_expected = judged.gradient.as_vec().into_iter().zip(expected.gradient.as_vec());
            for (found, expected) in judged_and_expected {
                assert!((found - expected).abs() <= 2e-7 * expected.abs(), "{found} {expected}");
            }
        }
        let broken: Matrix<D> = device.tensor_from_vec(vec![1.0, f32::NAN, 3.0, 3.0, 5.0, f32::INFINITY], (2, 3));
        let judged = D::judge(&broken, &[None, None]);
        assert!(judged.loss.is_nan() && judged.kinds == [1, 2], "{judged:?}");
    }

    #[test]
    fn the_kernel_is_the_composed_form() {
        on_every_device!(judged);
    }
}
