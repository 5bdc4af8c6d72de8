//! The local layer on CUDA: one pass forward, which also writes the bfloat16 copy for attention's first product; backward the norm's own
//! kernel, then one pass for the gradient of x and two for that of the weights, whose sums have one order.

use std::sync::{Arc, Mutex};

use cudarc::driver::CudaSlice;
use dfdx::prelude::*;

use super::Neighbours;
use crate::device::{Matrix, Precision};
use crate::kernels::local::PLACES;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place, slope, take};
use crate::ops::norm::cuda::residual_norm_backward;

/// Rows that a block takes: a warp each.
const ROWS: usize = 8;

/// The least rows of a chunk, whose share of the weights' gradient one block adds up, and the most chunks.
const CHUNK: usize = 16;
const CHUNKS: usize = 512;

/// Neighbours on the device.
#[derive(Debug)]
struct Near {
    of: Neighbours,
    table: CudaSlice<u32>,
}

/// It is that of the batch at hand for all passes of a step, and so is what was uploaded last.
static NEAR: Mutex<Option<Arc<Near>>> = Mutex::new(None);

fn near(context: &Context, neighbours: &Neighbours) -> Arc<Near> {
    let mut last = NEAR.lock().expect("nobody panics while holding it");
    match &*last {
        // it holds the table, so that its place is not another's
        Some(near) if near.of.is(neighbours) => near.clone(),
        _ => {
            let table = context.upload(neighbours.table().as_flattened());
            last.insert(Arc::new(Near { of: neighbours.clone(), table })).clone()
        }
    }
}

/// See [`super::composed`].
///
/// # Shapes
/// x `[N, D]`, weight `[9, D]`, neighbours of N tokens -> `[N, D]`.
pub(in crate::ops) fn cuda<T: Tape<f32, Cuda>>(
    x: Matrix<Cuda, T>,
    weight: &Matrix<Cuda>,
    neighbours: &Neighbours,
) -> Matrix<Cuda, T> {
    let (x, mut tape) = x.split_tape();
    let (context, (rows, width)) = (Context::of(x.device()), *x.shape());
    assert_eq!(rows, neighbours.tokens(), "the neighbours of another batch");
    let near = near(context, neighbours);
    let y = x.device().zeros_like(x.shape());
    let factors = T::OWNS_TAPE.then(|| context.allocate(4 * rows));
    let twin = Arc::new(context.allocate(2 * rows * width));
    let over_rows = Launch::blocks(rows.div_ceil(ROWS), 32 * ROWS as u32);
    launch!(context, Local, "local_norm", over_rows;
        Address address(&x), Address address(weight), Address place(&near.table), Address address(&y), Address place(&*twin),
        Address factors.as_ref().map_or(0, place), Long rows as i64, Int width as i32);
    context.keep_twin(&y, Some(twin));
    let Some(factors) = factors else { return y.put_tape(tape) };

    let (result, weight) = (y.clone(), weight.clone());
    tape.add_backward_op(move |gradients| {
        let dy = take(gradients, &result)?;
        let (d_x, d_weight) = (slope(gradients, &x)?, slope(gradients, &weight)?);
        let d_h = residual_norm_backward(place(&dy), &result, &factors, d_x, Precision::F32);
        drop(dy);
        launch!(context, Local, "local_slopes", over_rows;
            Address d_h.place(), Address address(&weight), Address place(&near.table), Address d_x, Long rows as i64, Int width as i32);
        let rows_of_chunk = rows.div_ceil(CHUNKS).max(CHUNK);
        let (chunks, count) = (rows.div_ceil(rows_of_chunk), PLACES * width);
        let part = context.allocate(4 * chunks * count);
        let over_chunks = Launch::blocks(chunks, (width.div_ceil(4).next_multiple_of(32) as u32).min(128));
        launch!(context, Local, "local_products", over_chunks;
            Address d_h.place(), Address address(&x), Address place(&near.table), Address place(&part), Long rows as i64,
            Int rows_of_chunk as i32, Int width as i32);
        launch!(context, Local, "local_totals", Launch::threads_for(count, 1);
            Address place(&part), Address d_weight, Int chunks as i32, Long count as i64);
        Ok(())
    });
    y.put_tape(tape)
}
