//! The gated inner layer: `down(silu(gate) * value)` with gate = x Wg^T, value = x Wv^T, silu(a) = a * sigmoid(a).

use dfdx::prelude::*;

use super::linear;
use crate::device::{Compute, Matrix};

/// `F.linear(F.silu(F.linear(x, gate)) * F.linear(x, value), down)`.
///
/// # Shapes
/// x `[N, K]`, gate and value `[I, K]`, down `[K, I]` -> `[N, K]`.
pub fn swiglu<D: Compute, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    gate: &Matrix<D>,
    value: &Matrix<D>,
    down: &Matrix<D>,
) -> Matrix<D, T> {
    let (x, tape) = x.split_tape();
    let (valued, tape) = linear(x.clone().put_tape(tape), value).split_tape();
    let (gated, tape) = linear(x.put_tape(tape), gate).split_tape();
    let open = gated.clone().put_tape(tape).sigmoid();
    linear(open * gated * valued, down)
}
