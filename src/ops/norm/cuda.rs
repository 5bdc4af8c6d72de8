//! A layer's end on CUDA: the sum with what went in, and its norm, in one pass; the bfloat16 copy for the next layer comes with it.

use std::sync::Arc;

use dfdx::prelude::*;

use crate::device::{Matrix, Precision};
use crate::ops::bridge::cuda::{Context, Launch, Memory, address, launch, place};
use crate::ops::linear::cuda::Numbers;

/// Rows that a block takes: a warp each.
const ROWS: usize = 8;

fn blocks(rows: usize) -> Launch {
    Launch::blocks(rows.div_ceil(ROWS), 32 * ROWS as u32)
}

/// `n(x + o)`, with the factor of each row where a gradient will be asked for.
///
/// # Shapes
/// x `[N, K]`, o `[N, K]` -> `[N, K]`, `[N]`.
pub fn residual_norm(
    x: &Matrix<Cuda>,
    o: &Numbers,
    precision: Precision,
    trained: bool,
) -> (Matrix<Cuda>, Option<Memory>) {
    let (context, (rows, width)) = (Context::of(x.device()), *x.shape());
    let y: Matrix<Cuda> = x.device().zeros_like(x.shape());
    let factors = trained.then(|| context.allocate(4 * rows));
    let twin = (precision == Precision::Bf16).then(|| Arc::new(context.allocate(2 * rows * width)));
    let name = match precision {
        Precision::F32 => "residual_norm_f32",
        Precision::Bf16 => "residual_norm_bf16",
    };
    launch!(context, Norm, name, blocks(rows);
        Address o.place(), Address address(x), Address address(&y), Address twin.as_ref().map_or(0, |twin| place(&**twin)),
        Address factors.as_ref().map_or(0, place), Long rows as i64, Int width as i32);
    context.keep_twin(&y, twin);
    (y, factors)
}

/// The gradient with respect to `o`; that with respect to x is the same, and is added at `d_x`.
///
/// # Shapes
/// dy, y `[N, K]`, factors `[N]` -> `[N, K]`.
pub fn residual_norm_backward(dy: u64, y: &Matrix<Cuda>, factors: &Memory, d_x: u64, precision: Precision) -> Numbers {
    let (context, (rows, width)) = (Context::of(y.device()), *y.shape());
    let d_o = Numbers::allocate(context, rows * width, precision);
    let name = match precision {
        Precision::F32 => "residual_norm_backward_f32",
        Precision::Bf16 => "residual_norm_backward_bf16",
    };
    launch!(context, Norm, name, blocks(rows);
        Address dy, Address address(y), Address place(factors), Address d_o.place(), Address d_x, Long rows as i64,
        Int width as i32);
    d_o
}

impl Context {
    /// Remembers the bfloat16 copy of a state that was just computed, or that it has none.
    pub fn keep_twin(&self, of: &Matrix<Cuda>, twin: Option<Arc<Memory>>) {
        *self.twin() = twin.map(|twin| (of.clone(), twin));
    }

    /// The bfloat16 copy of a state, if it is the one that was computed last.
    pub fn twin_of(&self, x: &Matrix<Cuda>) -> Option<Arc<Memory>> {
        let twin = self.twin();
        twin.as_ref().filter(|(of, _)| address(of) == address(x)).map(|(_, twin)| twin.clone())
    }

    /// Gives back the memory of the last state and its copy.
    pub fn drop_twin(&self) {
        *self.twin() = None;
    }
}
