//! The attention layer in plain dfdx: its definition, on every device.
//!
//! Neighbouring segments of equal length share one batched product; this form keeps the L x L weights of a run.
//! Rotate-half is a product with a signed permutation of the d coordinates, exact in floating point.

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};
use crate::ops::{Rotation, Segments, linear, rms_norm, rows_of};

/// See [`super::attention`].
///
/// # Shapes
/// x `[N, D]`, projection `[3D, D]`, output `[D, D]`, rotation `[N, d/2]` -> `[N, D]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    projection: &Matrix<D>,
    output: &Matrix<D>,
    heads: usize,
    segments: &Segments,
    rotation: Option<&Rotation>,
) -> Matrix<D, T> {
    let (x, tape) = x.split_tape();
    let (parts, tape) = rows_of(projection, 3, tape);
    let [query, key, value] = parts.try_into().expect("a weight was cut into three");
    let turn = rotation.map(|rotation| Turn::new(x.device(), rotation, heads));
    let (q, tape) = turned(linear(x.clone().put_tape(tape), &query), turn.as_ref()).split_tape();
    let (k, tape) = turned(linear(x.clone().put_tape(tape), &key), turn.as_ref()).split_tape();
    let (v, tape) = linear(x.clone().put_tape(tape), &value).split_tape();
    let mixed = mix(q, k, v, tape, segments, heads);
    rms_norm(linear(mixed, output) + x)
}

/// A rotation as tensors.
struct Turn<D: Compute> {
    /// cos, repeated for both halves of every head, `[N, D]`.
    cosine: Matrix<D>,
    /// sin likewise.
    sine: Matrix<D>,
    /// The signed permutation `x -> [-x2, x1]` of one head, `[d, d]`.
    half_turn: Matrix<D>,
}

impl<D: Compute> Turn<D> {
    fn new(device: &D, rotation: &Rotation, heads: usize) -> Self {
        let (size, half) = (rotation.size, rotation.size / 2);
        let shape = (rotation.positions.len(), heads * size);
        let repeated = |table: &[f32]| {
            let rows = table.chunks_exact(half).flat_map(|row| std::iter::repeat_n(row, 2 * heads).flatten());
            device.tensor_from_vec(rows.copied().collect(), shape)
        };
        let mut turn = vec![0.0; size * size];
        for i in 0..half {
            turn[(i + half) * size + i] = -1.0;
            turn[i * size + i + half] = 1.0;
        }
        let half_turn = device.tensor_from_vec(turn, (size, size));
        let angles = rotation.by_token();
        Self { cosine: repeated(&angles.cosine), sine: repeated(&angles.sine), half_turn }
    }
}

fn turned<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, turn: Option<&Turn<D>>) -> Matrix<D, T> {
    let Some(turn) = turn else { return x };
    let shape = *x.shape();
    let size = turn.half_turn.shape().0;
    let (x, tape) = x.split_tape();
    let per_head = x.clone().put_tape(tape).reshape_like(&(shape.0 * shape.1 / size, size));
    let turned = per_head.matmul(turn.half_turn.clone()).reshape_like(&shape) * turn.sine.clone();
    let (turned, tape) = turned.split_tape();
    x.put_tape(tape) * turn.cosine.clone() + turned
}

/// `F.scaled_dot_product_attention(q, k, v)` for every segment on its own.
///
/// # Shapes
/// q, k, v `[N, D]` -> `[N, D]`; the heads lie side by side along D.
fn mix<D: Compute, T: Tape<f32, D>>(
    q: Matrix<D>,
    k: Matrix<D>,
    v: Matrix<D>,
    mut tape: T,
    segments: &Segments,
    heads: usize,
) -> Matrix<D, T> {
    let (tokens, width) = *q.shape();
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
