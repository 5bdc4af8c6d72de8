//! The gated layer, post-norm: `y = n(x + swiglu(x))`, where `swiglu(x) = down(silu(gate) * value)`, gate = x Wg^T, value = x Wv^T and
//! silu(a) = a * sigmoid(a).

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod testing;

use dfdx::prelude::*;

use super::Ready;
use crate::device::{Compute, Matrix};

pub use composed::composed;

/// The weights of a gated layer, opened for the passes of one supervision step.
#[derive(Clone, Debug)]
pub struct GatedWeights<D: GatedOp> {
    /// Gate over value, `[2I, K]`.
    pub up: Matrix<D>,
    /// Down, `[K, I]`.
    pub down: Matrix<D>,
    ready: D::ReadyGated,
}

impl<D: GatedOp> GatedWeights<D> {
    /// Opens the weights.
    pub fn open(up: &Matrix<D>, down: &Matrix<D>, ready: Ready) -> Self {
        Self { up: up.clone(), down: down.clone(), ready: D::ready_gated(up, down, ready) }
    }
}

/// The gated layer on a device.
pub trait GatedOp: Compute {
    /// The weights in the device's own form.
    type ReadyGated: Clone + std::fmt::Debug;

    /// Puts the weights into that form.
    fn ready_gated(up: &Matrix<Self>, down: &Matrix<Self>, ready: Ready) -> Self::ReadyGated;

    /// See [`gated`].
    fn gated<T: Tape<f32, Self>>(x: Matrix<Self, T>, weights: &GatedWeights<Self>) -> Matrix<Self, T>;
}

/// `n(x + F.linear(F.silu(gate) * value, down))` with `gate, value = F.linear(x, up).chunk(2)`. [`composed`] is its definition.
///
/// # Shapes
/// `[N, K]` -> `[N, K]`.
pub fn gated<D: GatedOp, T: Tape<f32, D>>(x: Matrix<D, T>, weights: &GatedWeights<D>) -> Matrix<D, T> {
    D::gated(x, weights)
}
