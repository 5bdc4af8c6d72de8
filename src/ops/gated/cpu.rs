//! The gated layer of the CPU: one fused operation on the tape, in place where no gradient is asked for.

use std::fmt;
use std::sync::Arc;

use dfdx::prelude::*;

use super::{GatedOp, GatedWeights};
use crate::device::Matrix;
use crate::kernels::gated::{GatedLayer, Gradients as Into};
use crate::ops::{Ready, bridge};

/// The weights, packed for the processor.
#[derive(Clone)]
pub struct Packed(pub(super) Arc<dyn GatedLayer>);

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packed")
    }
}

impl GatedOp for Cpu {
    type ReadyGated = Packed;

    fn ready_gated(up: &Matrix<Cpu>, down: &Matrix<Cpu>, ready: Ready) -> Packed {
        let width = down.shape().0;
        Packed(ready.engine().gated(bridge::values(up), bridge::values(down), width, ready.trained))
    }

    fn gated<T: Tape<f32, Cpu>>(x: Matrix<Cpu, T>, weights: &GatedWeights<Cpu>) -> Matrix<Cpu, T> {
        let (mut x, mut tape) = x.split_tape();
        let layer = weights.ready.0.clone();
        if !T::OWNS_TAPE {
            layer.apply(bridge::values_mut(&mut x));
            return x.put_tape(tape);
        }
        let mut rows = bridge::copied(&x);
        let mut kept = layer.forward(&mut rows);
        let y = bridge::matrix(x.device(), rows, *x.shape());
        let (result, up, down) = (y.clone(), weights.up.clone(), weights.down.clone());
        tape.add_backward_op(move |gradients| {
            let mut gradient = bridge::take(gradients, &result)?;
            let mut d_x = bridge::take(gradients, &x)?;
            let mut d_up = bridge::take(gradients, &up)?;
            let mut d_down = bridge::take(gradients, &down)?;
            let into = Into { x: &mut d_x, up: &mut d_up, down: &mut d_down };
            layer.backward(bridge::values(&x), bridge::values(&result), &mut gradient, &mut kept, into);
            bridge::give(gradients, &x, d_x)?;
            bridge::give(gradients, &up, d_up)?;
            bridge::give(gradients, &down, d_down)
        });
        y.put_tape(tape)
    }
}
