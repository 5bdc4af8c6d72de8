//! The local layer of the CPU: one fused operation on the tape, in place where no gradient is asked for.

use dfdx::prelude::*;

use super::Neighbours;
use crate::device::Matrix;
use crate::kernels::local::{Gradients as Into, Local};
use crate::ops::bridge;

/// See [`super::composed`].
///
/// # Shapes
/// x `[N, D]`, weight `[9, D]`, neighbours of N tokens -> `[N, D]`.
pub(in crate::ops) fn cpu<T: Tape<f32, Cpu>>(
    x: Matrix<Cpu, T>,
    weight: &Matrix<Cpu>,
    neighbours: &Neighbours,
) -> Matrix<Cpu, T> {
    let (mut x, mut tape) = x.split_tape();
    assert_eq!(x.shape().0, neighbours.tokens(), "the neighbours of another batch");
    let layer = Local::new(bridge::values(weight), neighbours.table());
    if !T::OWNS_TAPE {
        layer.apply(bridge::values_mut(&mut x));
        return x.put_tape(tape);
    }
    let mut rows = bridge::copied(&x);
    let factors = layer.forward(bridge::values(&x), &mut rows);
    let y = bridge::matrix(x.device(), rows, *x.shape());
    let (result, weight, neighbours) = (y.clone(), weight.clone(), neighbours.clone());
    tape.add_backward_op(move |gradients| {
        let mut gradient = bridge::take(gradients, &result)?;
        let mut d_x = bridge::take(gradients, &x)?;
        let mut d_weight = bridge::take(gradients, &weight)?;
        let layer = Local::new(bridge::values(&weight), neighbours.table());
        let into = Into { x: &mut d_x, weight: &mut d_weight };
        layer.backward(bridge::values(&x), bridge::values(&result), &mut gradient, &factors, into);
        bridge::give(gradients, &x, d_x)?;
        bridge::give(gradients, &weight, d_weight)
    });
    y.put_tape(tape)
}
