//! `Answer`: what the heads say about one example, read back to the host.

use crate::device::Vector;
use crate::kernels::stable_max::first_largest;
use crate::model::{Inputs, Model, Step};
use crate::ops::Operations;

/// The model's answer to one example.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The most likely kind of each cell, `[S]`; of equals the first.
    pub cells: Vec<u8>,
    /// The halting logit: above 0 the model takes its answer for right.
    pub halt_logit: f32,
}

impl Answer {
    /// Returns the halting probability, in 0..=1; 0 where the logit is NaN: a state that overflowed is sure of nothing.
    pub fn halting_probability(&self) -> f64 {
        let logit = f64::from(self.halt_logit);
        if logit.is_nan() { 0.0 } else { 1.0 / (1.0 + (-logit).exp()) }
    }
}

impl<D: Operations, T> Step<D, T> {
    /// The answers of the batch, in order.
    pub fn answers(&self, model: &Model<D>, inputs: &Inputs<D>) -> Vec<Answer> {
        let kinds: Vec<u8> = self.logits.as_vec().chunks(model.config.vocabulary).map(first_largest).collect();
        answers(&kinds, &self.halt, model, inputs)
    }
}

/// The answers of a batch whose tokens are most likely of these kinds, in order.
///
/// # Shapes
/// kinds `[N]`, halt `[B]` -> B answers.
pub fn answers<D: Operations>(kinds: &[u8], halt: &Vector<D>, model: &Model<D>, inputs: &Inputs<D>) -> Vec<Answer> {
    let answer = |(range, halt_logit): (std::ops::Range<usize>, f32)| Answer {
        cells: kinds[range.start + model.config.prefix..range.end].to_vec(),
        halt_logit,
    };
    inputs.segments.ranges().zip(halt.as_vec()).map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halting_probability_of_any_logit_is_a_finite_number() {
        let halting = |halt_logit| Answer { cells: Vec::new(), halt_logit }.halting_probability();
        let found = [0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, f32::MAX, f32::MIN].map(halting);
        assert_eq!(found, [0.5, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }
}
