//! The attention layer, post-norm: `y = n(x + attention(x) Wo^T)`; queries and keys turned by their positions, full
//! attention inside every segment.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod testing;
#[cfg(feature = "cuda")]
mod tiles;

use dfdx::prelude::*;

use super::{Ready, Rotation, Segments};
use crate::device::{Compute, Matrix};

pub use composed::composed;

/// The weights of an attention layer, opened for the passes of one supervision step.
#[derive(Clone, Debug)]
pub struct AttentionWeights<D: AttentionOp> {
    /// Queries over keys over values, `[3D, D]`.
    pub projection: Matrix<D>,
    /// The output product, `[D, D]`.
    pub output: Matrix<D>,
    /// H.
    pub heads: usize,
    ready: D::ReadyAttention,
}

impl<D: AttentionOp> AttentionWeights<D> {
    /// Opens the weights.
    pub fn open(projection: &Matrix<D>, output: &Matrix<D>, heads: usize, ready: Ready) -> Self {
        let ready = D::ready_attention(projection, output, heads, ready);
        Self { projection: projection.clone(), output: output.clone(), heads, ready }
    }
}

/// The attention layer on a device.
pub trait AttentionOp: Compute {
    /// The weights in the device's own form.
    type ReadyAttention: Clone + std::fmt::Debug;

    /// The most coordinates of a head that the device's kernels take.
    const LARGEST_HEAD: usize = usize::MAX;

    /// Puts the weights into that form.
    fn ready_attention(
        projection: &Matrix<Self>,
        output: &Matrix<Self>,
        heads: usize,
        ready: Ready,
    ) -> Self::ReadyAttention;

    /// See [`attention`].
    fn attention<T: Tape<f32, Self>>(
        x: Matrix<Self, T>,
        weights: &AttentionWeights<Self>,
        segments: &Segments,
        rotation: Option<&Rotation>,
    ) -> Matrix<Self, T>;
}

/// `n(x + F.linear(F.scaled_dot_product_attention(rope(q), rope(k), v), output))` with `q, k, v = F.linear(x, projection).chunk(3)`, for
/// every segment on its own. [`composed`] is its definition.
///
/// # Shapes
/// x `[N, D]`, rotation `[N, d/2]` -> `[N, D]`; the heads lie side by side along D.
pub fn attention<D: AttentionOp, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    weights: &AttentionWeights<D>,
    segments: &Segments,
    rotation: Option<&Rotation>,
) -> Matrix<D, T> {
    assert_eq!(x.shape().0, segments.tokens(), "the segments do not cover the rows");
    D::attention(x, weights, segments, rotation)
}
