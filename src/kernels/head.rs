//! One head of attention over one segment: `softmax(q k^T / sqrt(d)) v`, a panel of queries at a time.
//!
//! A panel's weights over all keys of the segment, `[panel, L]`, are all that is ever held of the L x L square; the gradient
//! computes them again from the logarithm of their sums.

use super::lanes;
use super::{Engine, Scratch, Section, View};
use crate::clock::{Part, time};

/// The queries, keys and values of all heads, rotated: `[N, 3D]`, of which a head takes three bands of d columns.
#[derive(Clone, Copy, Debug)]
pub struct Bands<'a> {
    /// The rows of one segment, `[L, 3D]`.
    pub values: &'a [f32],
    /// D.
    pub width: usize,
    /// d.
    pub size: usize,
}

impl<'a> Bands<'a> {
    /// L.
    pub fn length(&self) -> usize {
        self.values.len() / (3 * self.width)
    }

    fn band(&self, which: usize, head: usize) -> &'a [f32] {
        &self.values[which * self.width + head * self.size..]
    }

    /// `1 / sqrt(d)`.
    pub fn scale(&self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }
}

/// Keys and values of one head, ready for its queries.
pub struct KeyValue<E: Engine> {
    keys: E::Right,
    values: E::Right,
}

impl<E: Engine> KeyValue<E> {
    /// Makes one head's ready.
    pub fn new(engine: E, bands: Bands<'_>, head: usize) -> Self {
        let (length, stride) = (bands.length(), 3 * bands.width);
        let keys = engine.right(View::rows(bands.band(1, head), length, bands.size, stride));
        let values = engine.right(View::columns(bands.band(2, head), bands.size, length, stride));
        Self { keys, values }
    }

    /// The mixed values of the queries `first..first + count`, into columns of `out`; the logarithms of the sums into `logs`.
    #[expect(clippy::too_many_arguments, reason = "a place in three matrices")]
    pub fn mix(
        &self,
        engine: E,
        bands: Bands<'_>,
        head: usize,
        first: usize,
        count: usize,
        out: &mut [f32],
        stride: usize,
        logs: Option<&mut [f32]>,
    ) {
        let (length, size, scale) = (bands.length(), bands.size, bands.scale());
        let row = 3 * bands.width;
        let mut weights = Scratch::<f32>::new(count * length);
        let mut sums = Scratch::<f32>::new(count);
        let queries = engine.left(View::rows(&bands.band(0, head)[first * row..], count, size, row));
        engine.multiply(&queries, &self.keys, Section::whole(length).of_attention(), &mut weights, length);
        time(Part::Softmax, || lanes::softmax(&mut weights, length, scale, &mut sums, logs));
        // a row's largest exponential is that of 0
        let weights = engine.left(View::rows(&weights, count, length, length).bounded(1.0));
        engine.multiply(&weights, &self.values, Section::whole(size).of_attention(), out, stride);
        for (out, sum) in out.chunks_mut(stride).zip(sums.iter()) {
            let factor = 1.0 / sum;
            out[..size].iter_mut().for_each(|x| *x *= factor);
        }
    }
}

/// What the gradient of one head reads: rows of one segment, `[L, D]` or `[L, H]`.
#[derive(Clone, Copy, Debug)]
pub struct Mixed<'a> {
    /// The mixed values of all heads.
    pub out: &'a [f32],
    /// Their gradient.
    pub gradient: &'a [f32],
    /// The logarithms of the sums, of all heads.
    pub logs: &'a [f32],
    /// H.
    pub heads: usize,
}

/// The gradients of one head's queries, keys and values, `[3, L, d]`.
pub fn head_backward<E: Engine>(engine: E, bands: Bands<'_>, mixed: Mixed<'_>, head: usize) -> Vec<f32> {
    let (length, width, size, scale) = (bands.length(), bands.width, bands.size, bands.scale());
    let row = 3 * width;
    let keys = engine.right(View::rows(bands.band(1, head), length, size, row));
    let turned_keys = engine.right(View::columns(bands.band(1, head), size, length, row));
    let values = engine.right(View::rows(bands.band(2, head), length, size, row));
    let mut gradient = vec![0.0; 3 * length * size];
    let (d_queries, rest) = gradient.split_at_mut(length * size);
    let (d_keys, d_values) = rest.split_at_mut(length * size);
    let panel = super::PANEL;
    let mut weights = Scratch::<f32>::new(panel * length);
    let mut slopes = Scratch::<f32>::new(panel * length);
    let mut means = Scratch::<f32>::new(panel);
    let logs: Vec<f32> = mixed.logs.iter().skip(head).step_by(mixed.heads).copied().collect();
    for first in (0..length).step_by(panel) {
        let count = panel.min(length - first);
        let (weights, slopes) = (&mut weights[..count * length], &mut slopes[..count * length]);
        let (means, logs) = (&mut means[..count], &logs[first..first + count]);
        let query = &bands.band(0, head)[first * row..];
        let (d_out, out) = (&mixed.gradient[first * width + head * size..], &mixed.out[first * width + head * size..]);
        let left = engine.left(View::rows(query, count, size, row));
        engine.multiply(&left, &keys, Section::whole(length).of_attention(), weights, length);
        let left = engine.left(View::rows(d_out, count, size, width));
        engine.multiply(&left, &values, Section::whole(length).of_attention(), slopes, length);
        time(Part::Softmax, || {
            lanes::dots(d_out, out, width, size, means);
            lanes::softmax_backward(weights, slopes, length, scale, logs, means);
        });
        let left = engine.left(View::rows(slopes, count, length, length));
        engine.multiply(&left, &turned_keys, Section::whole(size).of_attention(), &mut d_queries[first * size..], size);
        let add = Section { add: first > 0, ..Section::whole(size).of_attention() };
        let right = engine.right(View::columns(d_out, size, count, width));
        engine.multiply(&engine.left(View::columns(weights, length, count, length)), &right, add, d_values, size);
        let right = engine.right(View::columns(query, size, count, row));
        engine.multiply(&engine.left(View::columns(slopes, length, count, length)), &right, add, d_keys, size);
    }
    gradient
}
