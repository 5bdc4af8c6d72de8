//! The attention layer, post-norm: `y = n(x + attention(x) Wo^T)`, where queries and keys are turned by their positions and
//! every segment attends to itself alone.
//!
//! First the rows of all segments are projected; then, segment by segment, keys and values are made ready and panels of rows go
//! through mixing, the output product and the norm. Kept for the gradient are the rotated projections, the mixed
//! values, the logarithms of the softmax sums and the norm's factors.

use std::ops::Range;

use rayon::prelude::*;

use super::head::{Bands, KeyValue, Mixed, STRIP, head_backward};
use super::lanes;
use super::weight_gradient::weight_gradient;
use super::{Engine, PANEL, Scratch, Section, View, apart, panel_rows};
use crate::clock::{Part, time};

/// What an attention layer keeps for its gradient.
#[derive(Debug)]
pub struct Kept {
    /// Rotated queries and keys, and values, `[N, 3D]`.
    pub projected: Scratch<f32>,
    /// The mixed values, `[N, D]`.
    pub mixed: Scratch<f32>,
    /// The logarithms of the softmax sums, `[N, H]`.
    pub logs: Scratch<f32>,
    /// The norm's factors, `[N]`.
    pub factors: Scratch<f32>,
}

/// The cosines and sines of each token's angles, `[N, d/2]` each.
#[derive(Clone, Copy, Debug)]
pub struct Angles<'a> {
    /// Cosines.
    pub cosine: &'a [f32],
    /// Sines.
    pub sine: &'a [f32],
}

/// Where the gradients of an attention layer go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of its input.
    pub x: &'a mut [f32],
    /// Of the projections of queries, keys and values.
    pub projection: &'a mut [f32],
    /// Of the output product.
    pub output: &'a mut [f32],
}

/// An attention layer with its weights ready for an engine.
pub trait AttentionLayer: Send + Sync {
    /// `rows <- y`, in place.
    ///
    /// # Shapes
    /// rows `[N, D]`, N the sum of the segments.
    fn apply(&self, rows: &mut [f32], segments: &[Range<usize>], angles: Option<Angles<'_>>);

    /// The same, and keeps what the gradient needs.
    fn forward(&self, rows: &mut [f32], segments: &[Range<usize>], angles: Option<Angles<'_>>) -> Kept;

    /// From the gradient of y the gradients of x and of both weights, each added to what is there. `gradient` is used up.
    ///
    /// # Shapes
    /// x, y, gradient, d_x `[N, D]`; d_projection `[3D, D]`; d_output `[D, D]`.
    #[expect(clippy::too_many_arguments, reason = "what went in, what came out, and where it lies")]
    fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        gradient: &mut [f32],
        segments: &[Range<usize>],
        angles: Option<Angles<'_>>,
        kept: &mut Kept,
        into: Gradients<'_>,
    );
}

/// The layer over one engine.
pub struct Attention<E: Engine> {
    engine: E,
    width: usize,
    heads: usize,
    projection: E::Right,
    output: E::Right,
    /// `projection` and `output` turned over, for the gradient.
    turned: Option<(E::Right, E::Right)>,
}

impl<E: Engine> Attention<E> {
    /// Makes the weights ready: `projection` is `[3D, D]` with queries over keys over values, `output` is `[D, D]`.
    pub fn new(engine: E, projection: &[f32], output: &[f32], width: usize, heads: usize, trained: bool) -> Self {
        assert!(projection.len() == 3 * width * width && output.len() == width * width && width.is_multiple_of(heads));
        let turned = trained.then(|| {
            let projection = engine.right(View::columns(projection, width, 3 * width, width));
            (projection, engine.right(View::columns(output, width, width, width)))
        });
        let projection = engine.right(View::rows(projection, 3 * width, width, width));
        let output = engine.right(View::rows(output, width, width, width));
        Self { engine, width, heads, projection, output, turned }
    }

    fn bands<'a>(&self, values: &'a [f32]) -> Bands<'a> {
        Bands { values, width: self.width, size: self.width / self.heads }
    }

    /// Turns the queries and keys of rows from `first` on, back again when `direction` is -1.
    fn rotate(&self, rows: &mut [f32], first: usize, angles: Option<Angles<'_>>, direction: f32) {
        let Some(Angles { cosine, sine }) = angles else { return };
        let half = self.width / self.heads / 2;
        time(Part::Other, || {
            for (i, row) in rows.chunks_exact_mut(3 * self.width).enumerate() {
                let place = (first + i) * half..(first + i + 1) * half;
                lanes::rotate(&mut row[..2 * self.width], &cosine[place.clone()], &sine[place], direction);
            }
        });
    }

    fn project(&self, x: &[f32], projected: &mut [f32], angles: Option<Angles<'_>>) {
        let width = self.width;
        let panel = panel_rows(x.len() / width, self.engine.tile_rows(), PANEL);
        let panels = x.par_chunks(panel * width).zip(projected.par_chunks_mut(panel * 3 * width));
        panels.enumerate().for_each(|(i, (x, projected))| {
            let left = self.engine.left(View::rows(x, x.len() / width, width, width));
            self.engine.multiply(&left, &self.projection, Section::whole(3 * width), projected, 3 * width);
            self.rotate(projected, i * panel, angles, 1.0);
        });
    }

    fn segment(&self, rows: &mut [f32], bands: Bands<'_>, kept: Option<[&mut [f32]; 3]>) {
        let (engine, width, heads) = (self.engine, self.width, self.heads);
        let ready: Vec<_> = (0..heads).into_par_iter().map(|head| KeyValue::new(engine, bands, head)).collect();
        let panel = panel_rows(bands.length(), engine.tile_rows(), STRIP);
        let work = |i: usize, rows: &mut [f32], kept: Option<[&mut [f32]; 3]>| {
            let count = rows.len() / width;
            let mut mixed = Scratch::<f32>::new(count * width);
            let [kept_mixed, mut logs, factors] = kept.map_or([None, None, None], |kept| kept.map(Some));
            let mut head_logs = Scratch::<f32>::new(count);
            for (head, ready) in ready.iter().enumerate() {
                let out = &mut mixed[head * bands.size..];
                ready.mix(engine, bands, head, i * panel, count, out, width, logs.is_some().then_some(&mut head_logs));
                if let Some(logs) = &mut logs {
                    logs.iter_mut().skip(head).step_by(heads).zip(head_logs.iter()).for_each(|(to, log)| *to = *log);
                }
            }
            if let Some(kept) = kept_mixed {
                kept.copy_from_slice(&mixed);
            }
            let sum_stride = apart(width);
            let mut sum = Scratch::<f32>::new(count * sum_stride);
            let left = engine.left(View::rows(&mixed, count, width, width));
            engine.multiply(&left, &self.output, Section::whole(width), &mut sum, sum_stride);
            time(Part::Norm, || lanes::add_and_norm(rows, &sum, sum_stride, width, factors));
        };
        let panels = rows.par_chunks_mut(panel * width).enumerate();
        match kept {
            None => panels.for_each(|(i, rows)| work(i, rows, None)),
            Some([mixed, logs, factors]) => {
                let kept = mixed.par_chunks_mut(panel * width).zip(logs.par_chunks_mut(panel * heads));
                let kept = kept.zip(factors.par_chunks_mut(panel));
                panels.zip(kept).for_each(|((i, rows), ((mixed, logs), factors))| {
                    work(i, rows, Some([mixed, logs, factors]));
                });
            }
        }
    }
}

/// Cuts rows of `width` numbers at the segments.
fn cut<'a>(mut rows: &'a mut [f32], segments: &[Range<usize>], width: usize) -> Vec<&'a mut [f32]> {
    let mut pieces = Vec::with_capacity(segments.len());
    for segment in segments {
        let (piece, rest) = rows.split_at_mut(segment.len() * width);
        pieces.push(piece);
        rows = rest;
    }
    assert!(rows.is_empty(), "the segments do not cover the rows");
    pieces
}

impl<E: Engine> AttentionLayer for Attention<E> {
    fn apply(&self, rows: &mut [f32], segments: &[Range<usize>], angles: Option<Angles<'_>>) {
        let width = self.width;
        let mut projected = Scratch::<f32>::new(rows.len() * 3);
        self.project(rows, &mut projected, angles);
        let pieces = cut(rows, segments, width).into_par_iter().zip(cut(&mut projected, segments, 3 * width));
        pieces.for_each(|(rows, values)| self.segment(rows, self.bands(values), None));
    }

    fn forward(&self, rows: &mut [f32], segments: &[Range<usize>], angles: Option<Angles<'_>>) -> Kept {
        let (width, heads) = (self.width, self.heads);
        let count = rows.len() / width;
        let mut kept = Kept {
            projected: Scratch::new(count * 3 * width),
            mixed: Scratch::new(count * width),
            logs: Scratch::new(count * heads),
            factors: Scratch::new(count),
        };
        self.project(rows, &mut kept.projected, angles);
        let rows = cut(rows, segments, width).into_par_iter().zip(cut(&mut kept.projected, segments, 3 * width));
        let logs = cut(&mut kept.logs, segments, heads).into_par_iter().zip(cut(&mut kept.factors, segments, 1));
        let keeping = cut(&mut kept.mixed, segments, width).into_par_iter().zip(logs);
        rows.zip(keeping).for_each(|((rows, values), (mixed, (logs, factors)))| {
            self.segment(rows, self.bands(values), Some([mixed, logs, factors]));
        });
        kept
    }

    fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        gradient: &mut [f32],
        segments: &[Range<usize>],
        angles: Option<Angles<'_>>,
        kept: &mut Kept,
        into: Gradients<'_>,
    ) {
        let (engine, width, heads) = (self.engine, self.width, self.heads);
        let (count, size) = (x.len() / width, width / heads);
        let (projection, output) = self.turned.as_ref().expect("the layer was made to be trained");
        let panel = panel_rows(count, self.engine.tile_rows(), PANEL);
        let mut d_mixed = Scratch::<f32>::new(count * width);
        let rows = gradient.par_chunks_mut(panel * width).zip(d_mixed.par_chunks_mut(panel * width));
        let outputs = y.par_chunks(panel * width).zip(kept.factors.par_chunks(panel));
        rows.zip(outputs).for_each(|((gradient, d_mixed), (y, factors))| {
            time(Part::Norm, || lanes::norm_backward(gradient, y, factors, width));
            let left = engine.left(View::rows(gradient, gradient.len() / width, width, width));
            engine.multiply(&left, output, Section::whole(width), d_mixed, width);
        });
        weight_gradient(self.engine, gradient, width, &kept.mixed, width, into.output);

        let d_mixed: &[f32] = &d_mixed;
        let tasks: Vec<_> = segments.iter().flat_map(|segment| (0..heads).map(move |head| (segment, head))).collect();
        let heads_of = |(segment, head): (&Range<usize>, usize)| {
            let part = |width: usize| segment.start * width..segment.end * width;
            let bands = Bands { values: &kept.projected[part(3 * width)], width, size };
            let (out, gradient) = (&kept.mixed[part(width)], &d_mixed[part(width)]);
            let mixed = Mixed { out, gradient, logs: &kept.logs[part(heads)], heads };
            head_backward(engine, bands, mixed, head)
        };
        let of_heads: Vec<Scratch<f32>> = tasks.par_iter().map(|&task| heads_of(task)).collect();
        // the projections are read no more: their memory takes their gradient
        let d_projected = &mut kept.projected;
        let pieces = cut(d_projected, segments, 3 * width);
        pieces.into_par_iter().zip(of_heads.par_chunks(heads)).zip(segments).for_each(|((rows, of_heads), segment)| {
            let length = segment.len();
            for (i, row) in rows.chunks_exact_mut(3 * width).enumerate() {
                for which in 0..3 {
                    for (head, values) in of_heads.iter().enumerate() {
                        let from = &values[(which * length + i) * size..][..size];
                        row[which * width + head * size..][..size].copy_from_slice(from);
                    }
                }
            }
            self.rotate(rows, segment.start, angles, -1.0);
        });
        drop(of_heads);
        let panels = d_projected.par_chunks(panel * 3 * width).zip(into.x.par_chunks_mut(panel * width));
        panels.zip(gradient.par_chunks(panel * width)).for_each(|((d_projected, d_x), gradient)| {
            let rows = d_x.len() / width;
            let mut sum = Scratch::<f32>::new(rows * width);
            let left = engine.left(View::rows(d_projected, rows, 3 * width, 3 * width));
            engine.multiply(&left, projection, Section::whole(width), &mut sum, width);
            time(Part::Other, || {
                lanes::add(d_x, gradient);
                lanes::add(d_x, &sum);
            });
        });
        weight_gradient(self.engine, d_projected, 3 * width, x, width, into.projection);
    }
}
