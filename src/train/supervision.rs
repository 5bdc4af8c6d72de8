//! One supervision step with its loss and every gradient.
//!
//! Per example: the stable-max cross entropy meaned over the cells that are not ignored, plus half the binary cross entropy of the
//! halting logit against "all of these cells are right". Summed over the batch and divided by the size of the whole batch, of which
//! this may be one part.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::model::{Answer, Carry, Inputs, Model, Step, answers, specs};
use crate::ops::{Judged, Label, Operations};
use crate::recipe::TrunkValues;

/// The sums over the examples of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Cross entropy, each example's mean over its cells.
    pub cross_entropy: f64,
    /// Binary cross entropy of the halting logit.
    pub halting: f64,
}

/// The derivatives of the loss.
#[derive(Clone, Debug)]
pub struct Gradient<D: Operations> {
    /// For each tensor of [`specs`] its derivatives, on the device; `None` for those that are never trained.
    pub trunk: Vec<Option<Matrix<D>>>,
    /// For each example those of its puzzle row, `[B * puzzle_width]`.
    pub rows: Vec<f32>,
}

impl<D: Operations> Gradient<D> {
    /// The derivatives of the trunk on the host, in row order; empty for those that are never trained.
    pub fn trunk_values(&self) -> TrunkValues {
        self.trunk.iter().map(|tensor| tensor.as_ref().map_or_else(Vec::new, |tensor| tensor.as_vec())).collect()
    }
}

/// Everything a supervision step gives to training.
pub struct Supervision<D: Operations> {
    /// The latent states after it.
    pub carry: Carry<D>,
    /// The answers, in order.
    pub answers: Vec<Answer>,
    /// For each example: are all its known cells right?
    pub exact: Vec<bool>,
    /// The losses.
    pub losses: Losses,
    /// The derivatives.
    pub gradient: Gradient<D>,
}

/// Runs one supervision step and differentiates `(cross_entropy + 0.5 * halting) / whole_batch`.
///
/// # Shapes
/// rows `[B * puzzle_width]`; labels B times `[S]`, `None` for ignored cells; carry `[N, D]`.
pub fn supervise<D: Operations>(
    model: &Model<D>,
    inputs: &Inputs<D>,
    rows: Vec<f32>,
    labels: &[&[Option<u8>]],
    carry: Carry<D>,
    whole_batch: usize,
) -> Supervision<D> {
    let rows = model.rows(rows);
    let step = model.supervise(inputs, rows.leaky_trace(), carry);
    let Step { carry, logits, halt, tape, .. } = step;
    let Judged { loss: cross_entropy, gradient: slope, kinds } =
        D::judge(&logits, &token_labels(labels, model.config.prefix));
    let answers = answers(&kinds, &halt, model, inputs);
    let exact: Vec<bool> = answers.iter().zip(labels).map(|(answer, labels)| is_exact(answer, labels)).collect();

    let (inner, tape) = (logits.put_tape(tape) * slope).sum::<Rank0, _>().split_tape();
    let targets = exact.iter().map(|&exact| f32::from(u8::from(exact))).collect();
    let targets = model.device().tensor_from_vec(targets, (labels.len(),));
    let (halting, tape) = halt.put_tape(tape).bce_with_logits(targets).sum::<Rank0, _>().split_tape();
    let losses = Losses { cross_entropy, halting: f64::from(halting.as_vec()[0]) };
    let objective = (halting.put_tape(tape) * 0.5 + inner) / whole_batch as f32;
    let mut gradients = objective.backward();

    let trunk = model.weights.tensors().into_iter().zip(specs(&model.config));
    let trunk = trunk.map(|(tensor, spec)| spec.trained.then(|| D::gradient(&mut gradients, tensor))).collect();
    let gradient = Gradient { trunk, rows: D::gradient(&mut gradients, &rows).as_vec() };
    Supervision { carry, answers, exact, losses, gradient }
}

/// True when every known cell is right; of no known cell all are.
pub fn is_exact(answer: &Answer, labels: &[Option<u8>]) -> bool {
    answer.cells.iter().zip(labels).all(|(cell, label)| label.is_none_or(|label| label == *cell))
}

/// For each token its label, with the weight `1 / known cells` of its example; none for prefix tokens and ignored cells. `[N]`.
fn token_labels(labels: &[&[Option<u8>]], prefix: usize) -> Vec<Option<Label>> {
    let mut tokens = Vec::with_capacity(labels.iter().map(|labels| prefix + labels.len()).sum());
    for labels in labels {
        let weight = 1.0 / labels.iter().flatten().count().max(1) as f64;
        tokens.extend(std::iter::repeat_n(None, prefix));
        tokens.extend(labels.iter().map(|label| label.map(|kind| Label { kind, weight })));
    }
    tokens
}
