//! The gated layer on CUDA: two products, the gate between them in one pass, and the layer's end in another.

use dfdx::prelude::*;

use super::{GatedOp, GatedWeights};
use crate::device::{Matrix, Precision};
use crate::ops::Ready;
use crate::ops::bridge::cuda::{Context, Launch, launch, place, slope, take};
use crate::ops::linear::cuda::{Factor, Into, Numbers, product};
use crate::ops::norm::cuda::{residual_norm, residual_norm_backward};

/// The weights as products take them.
#[derive(Clone, Debug)]
pub struct ReadyWeights {
    up: Numbers,
    down: Numbers,
    precision: Precision,
}

/// A block a row, a thread for every four numbers of it, 512 at most.
fn rows(count: usize, inner: usize) -> Launch {
    Launch::blocks(count, (inner.div_ceil(4).next_multiple_of(32) as u32).min(512))
}

impl GatedOp for Cuda {
    type ReadyGated = ReadyWeights;

    fn ready_gated(up: &Matrix<Cuda>, down: &Matrix<Cuda>, ready: Ready) -> ReadyWeights {
        let (context, precision) = (Context::of(up.device()), ready.precision);
        let of = |weight| Numbers::of(context, weight, precision);
        ReadyWeights { up: of(up), down: of(down), precision }
    }

    fn gated<T: Tape<f32, Cuda>>(x: Matrix<Cuda, T>, weights: &GatedWeights<Cuda>) -> Matrix<Cuda, T> {
        let (x, mut tape) = x.split_tape();
        let ready = weights.ready.clone();
        let (context, precision) = (Context::of(x.device()), ready.precision);
        let ((count, width), inner) = (*x.shape(), weights.down.shape().1);
        let narrow = Numbers::of(context, &x, precision);
        let both = Numbers::allocate(context, count * 2 * inner, precision);
        product(
            context,
            (count, 2 * inner, width),
            Factor::Plain(&narrow),
            Factor::Turned(&ready.up),
            Into::Numbers(&both),
        );
        let h = Numbers::allocate(context, count * inner, precision);
        let name = if precision == Precision::F32 { "gate_f32" } else { "gate_bf16" };
        launch!(context, Gated, name, rows(count, inner); Address both.place(), Address h.place(), Int inner as i32);
        let o = Numbers::allocate(context, count * width, precision);
        product(context, (count, width, inner), Factor::Plain(&h), Factor::Turned(&ready.down), Into::Numbers(&o));
        let (y, factors) = residual_norm(&x, &o, precision, T::OWNS_TAPE);
        let Some(factors) = factors else { return y.put_tape(tape) };

        let (result, up, down) = (y.clone(), weights.up.clone(), weights.down.clone());
        tape.add_backward_op(move |gradients| {
            let dy = take(gradients, &result)?;
            let (d_x, d_up, d_down) = (slope(gradients, &x)?, slope(gradients, &up)?, slope(gradients, &down)?);
            let d_o = residual_norm_backward(place(&dy), &result, &factors, d_x, precision);
            drop(dy);
            // d_h, in whose place the gate then puts h
            let h = Numbers::allocate(context, count * inner, precision);
            product(context, (count, inner, width), Factor::Plain(&d_o), Factor::Plain(&ready.down), Into::Numbers(&h));
            let name = if precision == Precision::F32 { "gate_backward_f32" } else { "gate_backward_bf16" };
            launch!(context, Gated, name, rows(count, inner); Address both.place(), Address h.place(), Int inner as i32);
            product(context, (width, inner, count), Factor::Turned(&d_o), Factor::Plain(&h), Into::Added(d_down));
            product(context, (2 * inner, width, count), Factor::Turned(&both), Factor::Plain(&narrow), Into::Added(d_up));
            product(context, (count, width, 2 * inner), Factor::Plain(&both), Factor::Plain(&ready.up), Into::Added(d_x));
            Ok(())
        });
        y.put_tape(tape)
    }
}
