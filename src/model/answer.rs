//! `Answer`: what the heads say about one example, read back to the host.

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

impl<D: Operations, T> Step<D, T> {
    /// The answers of the batch, in order.
    pub fn answers(&self, model: &Model<D>, inputs: &Inputs<D>) -> Vec<Answer> {
        let logits = self.logits.as_vec();
        let (vocabulary, prefix) = (model.config.vocabulary, model.config.prefix);
        let answer = |(range, halt_logit): (std::ops::Range<usize>, f32)| {
            let cells = &logits[(range.start + prefix) * vocabulary..range.end * vocabulary];
            Answer { cells: cells.chunks(vocabulary).map(first_largest).collect(), halt_logit }
        };
        inputs.segments.ranges().zip(self.halt.as_vec()).map(answer).collect()
    }
}

/// `torch.argmax`: the first of the largest.
fn first_largest(logits: &[f32]) -> u8 {
    let mut best = 0;
    for (kind, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = kind;
        }
    }
    best as u8
}
