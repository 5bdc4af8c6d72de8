//! The attention layer on CUDA: two products by cuBLAS, and between them our kernels, which never hold an L x L array.

use std::sync::{Arc, Mutex};

use cudarc::driver::CudaSlice;
use dfdx::prelude::*;

use super::tiles::{Kernels, tiles};
use super::{AttentionOp, AttentionWeights};
use crate::device::{Matrix, Precision};
use crate::ops::bridge::cuda::{Context, Launch, Memory, launch, place, slope, take};
use crate::ops::linear::cuda::{Factor, Into, Numbers, product};
use crate::ops::norm::cuda::{residual_norm, residual_norm_backward};
use crate::ops::{Ready, Rotation, Segments};

/// The weights as products take them, and the kernels for heads of their size.
#[derive(Clone, Debug)]
pub struct ReadyWeights {
    projection: Numbers,
    output: Numbers,
    precision: Precision,
    kernels: Kernels,
}

/// The rows of a batch as the kernels want them.
#[derive(Debug)]
struct Work {
    segments: Segments,
    rows_per_tile: usize,
    tiles: CudaSlice<i32>,
    count: usize,
}

/// A rotation on the device.
#[derive(Debug)]
struct Turn {
    of: Rotation,
    cosine: CudaSlice<f32>,
    sine: CudaSlice<f32>,
    positions: CudaSlice<u32>,
}

/// Both are those of the batch at hand for all passes of a step, and so is what was uploaded last.
static WORK: Mutex<Option<Arc<Work>>> = Mutex::new(None);
static TURN: Mutex<Option<Arc<Turn>>> = Mutex::new(None);

fn work(context: &Context, segments: &Segments, rows_per_tile: usize) -> Arc<Work> {
    let mut last = WORK.lock().expect("nobody panics while holding it");
    match &*last {
        Some(work) if work.rows_per_tile == rows_per_tile && work.segments == *segments => work.clone(),
        _ => {
            let list = tiles(segments, rows_per_tile);
            let (tiles, count) = (context.upload(list.as_flattened()), list.len());
            last.insert(Arc::new(Work { segments: segments.clone(), rows_per_tile, tiles, count })).clone()
        }
    }
}

fn turn(context: &Context, rotation: &Rotation) -> Arc<Turn> {
    let mut last = TURN.lock().expect("nobody panics while holding it");
    match &*last {
        // it holds the rotation, so that its place is not another's
        Some(turn) if Arc::ptr_eq(&turn.of.positions, &rotation.positions) => turn.clone(),
        _ => {
            let (cosine, sine) = (context.upload(&rotation.table.cosine), context.upload(&rotation.table.sine));
            let positions = context.upload(&rotation.positions);
            last.insert(Arc::new(Turn { of: rotation.clone(), cosine, sine, positions })).clone()
        }
    }
}

/// What all launches of a layer share.
#[derive(Clone)]
struct Layer {
    context: &'static Context,
    kernels: Kernels,
    work: Arc<Work>,
    turn: Option<Arc<Turn>>,
    tokens: usize,
    width: usize,
    heads: usize,
}

impl Layer {
    fn over_tiles(&self, shared: u32) -> Launch {
        let grid = (self.work.count as u32, self.heads as u32, 1);
        Launch { grid, block: (Kernels::THREADS, 1, 1), shared }
    }

    fn size(&self) -> i32 {
        (self.width / self.heads) as i32
    }

    /// Turns queries and keys in place, or their gradients back.
    fn rotate(&self, qkv: &Numbers, direction: i32) {
        let Some(turn) = &self.turn else { return };
        launch!(self.context, Attention, self.kernels.rope, Launch::blocks(self.tokens.div_ceil(4), Kernels::THREADS);
            Address qkv.place(), Address place(&turn.cosine), Address place(&turn.sine), Address place(&turn.positions), Long self.tokens as i64,
            Int self.width as i32, Int self.heads as i32, Int direction);
    }

    fn forward(&self, qkv: &Numbers, mixed: &Numbers, log_sum: Option<&Memory>) {
        launch!(self.context, Attention, self.kernels.forward, self.over_tiles(self.kernels.forward_bytes);
            Address qkv.place(), Address mixed.place(), Address log_sum.map_or(0, place), Address place(&self.work.tiles),
            Long self.tokens as i64, Int self.width as i32, Int self.size());
    }

    /// The gradient with respect to the turned queries and keys, and to the values.
    fn backward(&self, qkv: &Numbers, mixed: &Numbers, d_mixed: &Numbers, log_sum: &Memory, d_qkv: &Numbers) {
        let delta = self.context.allocate(4 * self.heads * self.tokens);
        let rows = (self.tokens * self.heads).div_ceil(16);
        launch!(self.context, Attention, self.kernels.delta, Launch::blocks(rows, Kernels::THREADS);
            Address mixed.place(), Address d_mixed.place(), Address place(&delta), Long self.tokens as i64,
            Int self.width as i32, Int self.size());
        for name in [self.kernels.backward_keys, self.kernels.backward_queries] {
            launch!(self.context, Attention, name, self.over_tiles(self.kernels.backward_bytes);
                Address qkv.place(), Address d_mixed.place(), Address place(log_sum), Address place(&delta),
                Address d_qkv.place(), Address place(&self.work.tiles), Long self.tokens as i64, Int self.width as i32,
                Int self.size());
        }
    }
}

impl AttentionOp for Cuda {
    type ReadyAttention = ReadyWeights;

    const LARGEST_HEAD: usize = Kernels::LARGEST_HEAD;

    fn ready_attention(projection: &Matrix<Cuda>, output: &Matrix<Cuda>, heads: usize, ready: Ready) -> ReadyWeights {
        let (context, precision) = (Context::of(output.device()), ready.precision);
        let of = |weight| Numbers::of(context, weight, precision);
        let kernels = Kernels::of(output.shape().0 / heads, precision);
        ReadyWeights { projection: of(projection), output: of(output), precision, kernels }
    }

    fn attention<T: Tape<f32, Cuda>>(
        x: Matrix<Cuda, T>,
        weights: &AttentionWeights<Cuda>,
        segments: &Segments,
        rotation: Option<&Rotation>,
    ) -> Matrix<Cuda, T> {
        let (x, mut tape) = x.split_tape();
        let ReadyWeights { projection: project, output: combine, precision, kernels } = weights.ready.clone();
        let (context, (tokens, width)) = (Context::of(x.device()), *x.shape());
        let work = work(context, segments, kernels.rows_per_tile);
        let turn = rotation.map(|rotation| turn(context, rotation));
        let layer = Layer { context, kernels, work, turn, tokens, width, heads: weights.heads };
        let square = (tokens, width, width);

        let narrow = Numbers::of(context, &x, precision);
        let qkv = Numbers::allocate(context, tokens * 3 * width, precision);
        let wide = (tokens, 3 * width, width);
        product(context, wide, Factor::Plain(&narrow), Factor::Turned(&project), Into::Numbers(&qkv));
        layer.rotate(&qkv, 1);
        let mixed = Numbers::allocate(context, tokens * width, precision);
        let log_sum = T::OWNS_TAPE.then(|| context.allocate(4 * weights.heads * tokens));
        layer.forward(&qkv, &mixed, log_sum.as_ref());
        let o = Numbers::allocate(context, tokens * width, precision);
        product(context, square, Factor::Plain(&mixed), Factor::Turned(&combine), Into::Numbers(&o));
        let (y, factors) = residual_norm(&x, &o, precision, T::OWNS_TAPE);
        let (Some(factors), Some(log_sum)) = (factors, log_sum) else { return y.put_tape(tape) };

        let (result, projection, output) = (y.clone(), weights.projection.clone(), weights.output.clone());
        tape.add_backward_op(move |gradients| {
            let dy = take(gradients, &result)?;
            let d_x = slope(gradients, &x)?;
            let (d_projection, d_output) = (slope(gradients, &projection)?, slope(gradients, &output)?);
            let d_o = residual_norm_backward(place(&dy), &result, &factors, d_x, precision);
            drop(dy);
            let d_mixed = Numbers::allocate(context, tokens * width, precision);
            product(context, square, Factor::Plain(&d_o), Factor::Plain(&combine), Into::Numbers(&d_mixed));
            let weight = (width, width, tokens);
            product(context, weight, Factor::Turned(&d_o), Factor::Plain(&mixed), Into::Added(d_output));
            let d_qkv = Numbers::allocate(context, tokens * 3 * width, precision);
            layer.backward(&qkv, &mixed, &d_mixed, &log_sum, &d_qkv);
            layer.rotate(&d_qkv, -1);
            let weight = (3 * width, width, tokens);
            product(context, weight, Factor::Turned(&d_qkv), Factor::Plain(&narrow), Into::Added(d_projection));
            let back = (tokens, width, 3 * width);
            product(context, back, Factor::Plain(&d_qkv), Factor::Plain(&project), Into::Added(d_x));
            Ok(())
        });
        y.put_tape(tape)
    }
}
