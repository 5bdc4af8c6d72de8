//! One supervision step with its loss and every gradient.
//!
//! Per example: the stable-max cross entropy meaned over the cells that are not ignored, plus half the binary cross entropy of the
//! halting logit against "all of these cells are right". Where going on is learned too, that of its logit against what the next step comes
//! to, as a chance: the halting logit there, or the logit of going on where that is larger and another step is left. Summed over the batch
//! and divided by the size of the whole batch, of which this may be one part.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::model::{Answer, CONTINUE, Carry, HALT, Inputs, Model, Step, answers, specs};
use crate::ops::{Judged, Label, Operations};
use crate::recipe::TrunkValues;

/// The sums over the examples of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Cross entropy, each example's mean over its cells.
    pub cross_entropy: f64,
    /// Binary cross entropy of the halting logit, and of that of going on where it is learned.
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
    /// For each example what speaks for halting: above 0 it halts.
    pub halts: Vec<f32>,
    /// The losses.
    pub losses: Losses,
    /// The derivatives.
    pub gradient: Gradient<D>,
}

/// Runs one supervision step and differentiates `(cross_entropy + 0.5 * halting) / whole_batch`. `lasts` says for each example whether this is
/// its last step; where there is none, going on is not learned.
///
/// # Shapes
/// rows `[B * puzzle_width]`; labels B times `[S]`, `None` for ignored cells; carry `[N, D]`; lasts `[B]`.
pub fn supervise<D: Operations>(
    model: &Model<D>,
    inputs: &Inputs<D>,
    rows: Vec<f32>,
    labels: &[&[Option<u8>]],
    carry: Carry<D>,
    lasts: Option<&[bool]>,
    whole_batch: usize,
) -> Supervision<D> {
    let rows = model.rows(rows);
    let step = model.supervise(inputs, rows.leaky_trace(), carry);
    let Step { carry, logits, halt, halting: both, tape } = step;
    let chances = lasts.map(|lasts| chances_ahead(model, inputs, &rows, &carry, lasts));
    let Judged { loss: cross_entropy, gradient: slope, kinds } =
        D::judge(&logits, &token_labels(labels, model.config.prefix));
    let answers = answers(&kinds, &halt, model, inputs);
    let exact: Vec<bool> = answers.iter().zip(labels).map(|(answer, labels)| is_exact(answer, labels)).collect();

    let (inner, tape) = (logits.put_tape(tape) * slope).sum::<Rank0, _>().split_tape();
    let on_device = |values: Vec<f32>| model.device().tensor_from_vec(values, (labels.len(),));
    let targets = on_device(exact.iter().map(|&exact| f32::from(u8::from(exact))).collect());
    let (mut halting, mut tape) = halt.put_tape(tape).bce_with_logits(targets).sum::<Rank0, _>().split_tape();
    let mut halts: Vec<f32> = answers.iter().map(|answer| answer.halt_logit).collect();
    if let Some(chances) = chances {
        let (goes_on, rest) = model.halting_logit(both.put_tape(tape), CONTINUE).split_tape();
        halts.iter_mut().zip(goes_on.as_vec()).for_each(|(halt, goes_on)| *halt -= goes_on);
        let continuing = goes_on.put_tape(rest).bce_with_logits(on_device(chances)).sum::<Rank0, _>();
        (halting, tape) = (continuing + halting).split_tape();
    }
    let losses = Losses { cross_entropy, halting: f64::from(halting.as_vec()[0]) };
    let objective = (halting.put_tape(tape) * 0.5 + inner) / whole_batch as f32;
    let mut gradients = objective.backward();

    let trunk = model.weights.tensors().into_iter().zip(specs(&model.config));
    let trunk = trunk.map(|(tensor, spec)| spec.trained.then(|| D::gradient(&mut gradients, tensor))).collect();
    let gradient = Gradient { trunk, rows: D::gradient(&mut gradients, &rows).as_vec() };
    Supervision { carry, answers, exact, halts, losses, gradient }
}

/// What the next step comes to, as a chance, with the weights of this one and without gradient, `[B]`.
fn chances_ahead<D: Operations>(
    model: &Model<D>,
    inputs: &Inputs<D>,
    rows: &Matrix<D>,
    carry: &Carry<D>,
    lasts: &[bool],
) -> Vec<f32> {
    let next = model.supervise::<NoneTape>(inputs, rows.clone(), carry.copied()).halting.as_vec();
    let best = |(next, &is_last): (&[f32], &bool)| match is_last {
        true => next[HALT],
        false => next[HALT].max(next[CONTINUE]),
    };
    next.chunks(2).zip(lasts).map(best).map(|logit| 1.0 / (1.0 + (-logit).exp())).collect()
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
