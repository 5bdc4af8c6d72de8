//! Full (non-causal) attention inside each segment: `softmax(q k^T / sqrt(d)) v` per head.
//!
//! Neighbouring segments of equal length share one batched product; the composed form keeps the L x L weights of a run.

use dfdx::prelude::*;

use super::Segments;
use crate::device::{Compute, Matrix};

/// `F.scaled_dot_product_attention(q, k, v)` for every segment on its own.
///
/// # Shapes
/// q, k, v `[N, D]` -> `[N, D]`; the heads lie side by side along D.
pub fn attention<D: Compute, T: Tape<f32, D>>(
    q: Matrix<D>,
    k: Matrix<D>,
    v: Matrix<D>,
    mut tape: T,
    segments: &Segments,
    heads: usize,
) -> Matrix<D, T> {
    let (tokens, width) = *q.shape();
    assert_eq!(tokens, segments.tokens(), "the segments do not cover the rows");
    let size = width / heads;
    let scale = 1.0 / (size as f32).sqrt();
    let mut outputs = Vec::new();
    for run in segments.runs() {
        let rows = run.count * run.length;
        let cut = |whole: &Matrix<D>, tape: T| {
            let taped = whole.clone().put_tape(tape);
            let rows = if rows == tokens { taped } else { taped.slice((run.start..run.start + rows, 0..width)) };
            rows.reshape_like(&(run.count, run.length, heads, size)).split_tape()
        };
        let (keys, next) = cut(&k, tape);
        let (values, next) = cut(&v, next);
        let (queries, next) = cut(&q, next);
        let queries = (queries.put_tape(next) * scale).permute::<_, Axes4<0, 2, 1, 3>>();
        let weights = queries.matmul(keys.permute::<_, Axes4<0, 2, 3, 1>>()).softmax::<Axis<3>>();
        let mixed = weights.matmul(values.permute::<_, Axes4<0, 2, 1, 3>>());
        let mixed = mixed.permute::<_, Axes4<0, 2, 1, 3>>().reshape_like(&(rows, width));
        let (mixed, next) = mixed.split_tape();
        outputs.push(mixed);
        tape = next;
    }
    join(outputs, tape)
}

/// All rows one after another. Neighbours are joined in pairs, so every row is copied log2(pieces) times and not `pieces`.
fn join<D: Compute, T: Tape<f32, D>>(mut pieces: Vec<Matrix<D>>, mut tape: T) -> Matrix<D, T> {
    while pieces.len() > 1 {
        let mut joined = Vec::with_capacity(pieces.len().div_ceil(2));
        let mut rest = pieces.into_iter();
        while let Some(first) = rest.next() {
            let Some(second) = rest.next() else {
                joined.push(first);
                break;
            };
            let (both, next) = (first.put_tape(tape), second).concat_along(Axis::<0>).split_tape();
            joined.push(both);
            tape = next;
        }
        pieces = joined;
    }
    pieces.remove(0).put_tape(tape)
}
