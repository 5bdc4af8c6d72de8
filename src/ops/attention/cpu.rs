//! The attention layer of the CPU: one fused operation on the tape, in place where no gradient is asked for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use dfdx::prelude::*;

use super::{AttentionOp, AttentionWeights};
use crate::device::Matrix;
use crate::kernels::attention::{Angles, AttentionLayer, Gradients as Into};
use crate::ops::{Ready, Rotation, Segments, bridge};

/// The weights, packed for the processor.
#[derive(Clone)]
pub struct Packed(pub(super) Arc<dyn AttentionLayer>);

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packed")
    }
}

fn angles(rotation: &Option<Rotation>) -> Option<Angles<'_>> {
    let by_token = rotation.as_ref()?.by_token();
    Some(Angles { cosine: &by_token.cosine, sine: &by_token.sine })
}

impl AttentionOp for Cpu {
    type ReadyAttention = Packed;

    fn ready_attention(projection: &Matrix<Cpu>, output: &Matrix<Cpu>, heads: usize, ready: Ready) -> Packed {
        let width = output.shape().0;
        let (projection, output) = (bridge::values(projection), bridge::values(output));
        Packed(ready.engine().attention(projection, output, width, heads, ready.trained))
    }

    fn attention<T: Tape<f32, Cpu>>(
        x: Matrix<Cpu, T>,
        weights: &AttentionWeights<Cpu>,
        segments: &Segments,
        rotation: Option<&Rotation>,
    ) -> Matrix<Cpu, T> {
        let (mut x, mut tape) = x.split_tape();
        let layer = weights.ready.0.clone();
        let segments: Vec<Range<usize>> = segments.ranges().collect();
        let rotation = rotation.cloned();
        if !T::OWNS_TAPE {
            layer.apply(bridge::values_mut(&mut x), &segments, angles(&rotation));
            return x.put_tape(tape);
        }
        let mut rows = bridge::copied(&x);
        let mut kept = layer.forward(&mut rows, &segments, angles(&rotation));
        let y = bridge::matrix(x.device(), rows, *x.shape());
        let (result, projection, output) = (y.clone(), weights.projection.clone(), weights.output.clone());
        tape.add_backward_op(move |gradients| {
            let mut gradient = bridge::take(gradients, &result)?;
            let mut d_x = bridge::take(gradients, &x)?;
            let mut d_projection = bridge::take(gradients, &projection)?;
            let mut d_output = bridge::take(gradients, &output)?;
            let into = Into { x: &mut d_x, projection: &mut d_projection, output: &mut d_output };
            let (x_values, y_values) = (bridge::values(&x), bridge::values(&result));
            layer.backward(x_values, y_values, &mut gradient, &segments, angles(&rotation), &mut kept, into);
            bridge::give(gradients, &x, d_x)?;
            bridge::give(gradients, &projection, d_projection)?;
            bridge::give(gradients, &output, d_output)
        });
        y.put_tape(tape)
    }
}
