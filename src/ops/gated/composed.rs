//! The gated layer in plain dfdx: its definition, on every device.

use dfdx::prelude::*;

use crate::device::{Compute, Matrix};
use crate::ops::{linear, rms_norm, rows_of};

/// See [`super::gated`].
///
/// # Shapes
/// x `[N, K]`, up `[2I, K]`, down `[K, I]` -> `[N, K]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(x: Matrix<D, T>, up: &Matrix<D>, down: &Matrix<D>) -> Matrix<D, T> {
    let (x, tape) = x.split_tape();
    let (parts, tape) = rows_of(up, 2, tape);
    let [gate, value] = parts.try_into().expect("a weight was cut into two");
    let (valued, tape) = linear(x.clone().put_tape(tape), &value).split_tape();
    let (gated, tape) = linear(x.clone().put_tape(tape), &gate).split_tape();
    let open = gated.clone().put_tape(tape).sigmoid();
    rms_norm(linear(open * gated * valued, down) + x)
}
