//! The gated layer, post-norm: `y = n(x + (silu(x Wg^T) * (x Wv^T)) Wd^T)`, a panel of rows at a time.
//!
//! A panel goes through the inner width in chunks: gate and value of a chunk, their product, and its share of the result never
//! leave the second-level cache. Kept for the gradient are gate and value before the product, and the norm's factors.

use rayon::prelude::*;

use super::lanes;
use super::weight_gradient::weight_gradient;
use super::{DEPTH_BLOCK, Engine, PANEL, Scratch, Section, View, apart, panel_rows};
use crate::clock::{Part, time};

/// What a gated layer keeps for its gradient.
#[derive(Debug)]
pub struct Kept {
    /// Gate and value, `[N, 2I]`.
    pub inner: Scratch<f32>,
    /// The norm's factor of each row, `[N]`.
    pub factors: Scratch<f32>,
}

/// A gated layer with its weights ready for an engine.
pub trait GatedLayer: Send + Sync {
    /// `rows <- y`, in place.
    ///
    /// # Shapes
    /// rows `[N, K]`.
    fn apply(&self, rows: &mut [f32]);

    /// The same, and keeps what the gradient needs.
    fn forward(&self, rows: &mut [f32]) -> Kept;

    /// From the gradient of y the gradients of x and of both weights, each added to what is there. `gradient` and `kept`
    /// are used up.
    ///
    /// # Shapes
    /// x, y, gradient, d_x `[N, K]`; d_up `[2I, K]`; d_down `[K, I]`.
    fn backward(&self, x: &[f32], y: &[f32], gradient: &mut [f32], kept: &mut Kept, into: Gradients<'_>);
}

/// Where the gradients of a gated layer go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of its input.
    pub x: &'a mut [f32],
    /// Of gate and value.
    pub up: &'a mut [f32],
    /// Of down.
    pub down: &'a mut [f32],
}

/// The layer over one engine.
pub struct Gated<E: Engine> {
    engine: E,
    width: usize,
    inner: usize,
    gate: E::Right,
    value: E::Right,
    down: E::Right,
    /// The three turned over, for the gradient.
    turned: Option<[E::Right; 3]>,
}

impl<E: Engine> Gated<E> {
    /// Makes the weights ready: `up` is `[2I, K]` with gate over value, `down` is `[K, I]`.
    pub fn new(engine: E, up: &[f32], down: &[f32], width: usize, trained: bool) -> Self {
        let inner = down.len() / width;
        assert_eq!(up.len(), 2 * inner * width, "up and down do not fit each other");
        let (gate, value) = up.split_at(inner * width);
        let turned = trained.then(|| {
            let [gate, value] = [gate, value].map(|up| engine.right(View::columns(up, width, inner, width)));
            [gate, value, engine.right(View::columns(down, inner, width, inner))]
        });
        let [gate, value] = [gate, value].map(|up| engine.right(View::rows(up, inner, width, width)));
        let down = engine.right(View::rows(down, width, inner, inner));
        Self { engine, width, inner, gate, value, down, turned }
    }

    /// The chunks of the inner width: (first, count).
    fn chunks(&self) -> impl Iterator<Item = (usize, usize)> {
        let inner = self.inner;
        (0..inner).step_by(DEPTH_BLOCK).map(move |first| (first, DEPTH_BLOCK.min(inner - first)))
    }

    fn panel(&self, rows: &mut [f32], kept: Option<(&mut [f32], &mut [f32])>) {
        let (engine, width, inner) = (self.engine, self.width, self.inner);
        let count = rows.len() / width;
        let mut both = Scratch::<f32>::new(count * apart(2 * DEPTH_BLOCK));
        let sum_stride = apart(width);
        let mut sum = Scratch::<f32>::new(count * sum_stride);
        let (mut kept, factors) = kept.unzip();
        let left = engine.left(View::rows(rows, count, width, width));
        for (first, size) in self.chunks() {
            let stride = apart(2 * size);
            engine.multiply(&left, &self.gate, Section::columns(first, size), &mut both, stride);
            engine.multiply(&left, &self.value, Section::columns(first, size), &mut both[size..], stride);
            if let Some(kept) = &mut kept {
                for (both, kept) in both.chunks_exact(stride).zip(kept.chunks_exact_mut(2 * inner)) {
                    kept[first..first + size].copy_from_slice(&both[..size]);
                    kept[inner + first..][..size].copy_from_slice(&both[size..2 * size]);
                }
            }
            time(Part::Gate, || lanes::gate(&mut both[..count * stride], stride, size));
            let gated = engine.left(View::rows(&both, count, size, stride));
            engine.multiply(&gated, &self.down, Section::depth(first, width), &mut sum, sum_stride);
        }
        drop(left);
        time(Part::Norm, || lanes::add_and_norm(rows, &sum, sum_stride, width, factors));
    }

    /// The gradient of the sum under the norm, then through both products. `gradient` becomes the former, `both` (gate and value) their
    /// gradients, and `gated` is filled with their product.
    fn panel_backward(&self, gradient: &mut [f32], d_x: &mut [f32], both: &mut [f32], gated: &mut [f32]) {
        let (engine, width, inner) = (self.engine, self.width, self.inner);
        let [up_gate, up_value, down] = self.turned.as_ref().expect("the layer was made to be trained");
        let count = gradient.len() / width;
        let left = engine.left(View::rows(gradient, count, width, width));
        let mut chunk_gradient = Scratch::<f32>::new(count * DEPTH_BLOCK);
        let mut sum = Scratch::<f32>::new(count * width);
        for (first, size) in self.chunks() {
            engine.multiply(&left, down, Section::columns(first, size), &mut chunk_gradient, size);
            time(Part::Gate, || {
                let rows = chunk_gradient.chunks_exact_mut(size).zip(both.chunks_exact_mut(2 * inner));
                for ((d, both), gated) in rows.zip(gated.chunks_exact_mut(inner)) {
                    let (gate, value) = both.split_at_mut(inner);
                    lanes::gate_backward(d, &mut gate[first..][..size], &mut value[first..][..size]);
                    gated[first..][..size].copy_from_slice(d);
                }
            });
            let gate = engine.left(View::rows(&both[first..], count, size, 2 * inner));
            engine.multiply(&gate, up_gate, Section::depth(first, width), &mut sum, width);
            let value = engine.left(View::rows(&both[inner + first..], count, size, 2 * inner));
            engine.multiply(&value, up_value, Section::depth(first, width).added(), &mut sum, width);
        }
        time(Part::Other, || {
            lanes::add(d_x, gradient);
            lanes::add(d_x, &sum);
        });
    }
}

impl<E: Engine> GatedLayer for Gated<E> {
    fn apply(&self, rows: &mut [f32]) {
        let panel = panel_rows(rows.len() / self.width, self.engine.tile_rows(), PANEL) * self.width;
        rows.par_chunks_mut(panel).for_each(|rows| self.panel(rows, None));
    }

    fn forward(&self, rows: &mut [f32]) -> Kept {
        let (width, inner) = (self.width, self.inner);
        let count = rows.len() / width;
        let panel = panel_rows(count, self.engine.tile_rows(), PANEL);
        let mut kept = Kept { inner: Scratch::new(count * 2 * inner), factors: Scratch::new(count) };
        let keeping = kept.inner.par_chunks_mut(panel * 2 * inner).zip(kept.factors.par_chunks_mut(panel));
        rows.par_chunks_mut(panel * width).zip(keeping).for_each(|(rows, kept)| self.panel(rows, Some(kept)));
        kept
    }

    fn backward(&self, x: &[f32], y: &[f32], gradient: &mut [f32], kept: &mut Kept, into: Gradients<'_>) {
        let (width, inner) = (self.width, self.inner);
        let count = x.len() / width;
        let panel = panel_rows(count, self.engine.tile_rows(), PANEL);
        let mut gated = Scratch::<f32>::new(count * inner);
        let rows = gradient.par_chunks_mut(panel * width).zip(into.x.par_chunks_mut(panel * width));
        let inside = kept.inner.par_chunks_mut(panel * 2 * inner).zip(gated.par_chunks_mut(panel * inner));
        let outputs = y.par_chunks(panel * width).zip(kept.factors.par_chunks(panel));
        rows.zip(inside).zip(outputs).for_each(|(((gradient, d_x), (both, gated)), (y, factors))| {
            time(Part::Norm, || lanes::norm_backward(gradient, y, factors, width));
            self.panel_backward(gradient, d_x, both, gated);
        });
        weight_gradient(self.engine, gradient, width, &gated, inner, into.down);
        weight_gradient(self.engine, &kept.inner, 2 * inner, x, width, into.up);
    }
}
