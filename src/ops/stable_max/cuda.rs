//! Stable-max cross entropy on CUDA, in one pass over the logits.

use dfdx::prelude::*;

use super::{Judged, Label};
use crate::device::Matrix;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place};

/// Tokens of a block.
const THREADS: usize = 128;

/// The label of a token that has none.
const NO_LABEL: u8 = u8::MAX;

/// See [`super::composed`].
pub(in crate::ops) fn cuda(logits: &Matrix<Cuda>, labels: &[Option<Label>]) -> Judged<Cuda> {
    let (context, (tokens, vocabulary)) = (Context::of(logits.device()), *logits.shape());
    // the recursion is over: what it left for a next layer is not needed any more
    context.drop_twin();
    let kind = |label: &Option<Label>| label.map_or(NO_LABEL, |label| label.kind);
    let kinds = context.upload(&labels.iter().map(kind).collect::<Vec<_>>());
    let weight = |label: &Option<Label>| label.map_or(0.0, |label| label.weight);
    let weights = context.upload(&labels.iter().map(weight).collect::<Vec<f64>>());
    let gradient: Matrix<Cuda> = logits.device().zeros_like(logits.shape());
    let best = context.allocate(tokens);
    let losses = context.zeros::<f64>(tokens.div_ceil(THREADS));
    launch!(context, StableMax, "stable_max", Launch::blocks(tokens.div_ceil(THREADS), THREADS as u32);
        Address address(logits), Address place(&kinds), Address place(&weights), Address address(&gradient),
        Address place(&best), Address place(&losses), Long tokens as i64, Int vocabulary as i32);
    Judged { loss: context.download(&losses).iter().sum(), gradient, kinds: context.download(&best) }
}
