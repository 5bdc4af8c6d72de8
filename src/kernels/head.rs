//! One head of attention over one segment: `softmax(q k^T / sqrt(d)) v`, a panel of queries at a time.
//!
//! A panel's weights over all keys of the segment, `[panel, L]`, are all that is ever held of the L x L square; the gradient
//! computes them again from the logarithm of their sums.

use super::lanes;
use super::{Engine, Scratch, Section, View, apart};
use crate::clock::{Part, time};

/// Rows of a strip of weights, at most: with what is packed of it, it stays in the second-level cache.
pub const STRIP: usize = 96;

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
        let strip = apart(length);
        let mut weights = Scratch::<f32>::new(count * strip);
        let mut sums = Scratch::<f32>::new(count);
        let queries = engine.left(View::rows(&bands.band(0, head)[first * row..], count, size, row));
        engine.multiply(&queries, &self.keys, Section::whole(length).of_attention(), &mut weights, strip);
        time(Part::Softmax, || lanes::softmax(&mut weights, strip, length, scale, &mut sums, logs));
        // a row's largest exponential is that of 0
        let weights = engine.left(View::rows(&weights, count, length, strip).bounded(1.0));
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
///
/// It goes by panels of keys: the weights of a panel's keys over all queries are then rows, which the gradients of keys and values read
/// as they lie; that of the queries alone reads columns.
pub fn head_backward<E: Engine>(engine: E, bands: Bands<'_>, mixed: Mixed<'_>, head: usize) -> Scratch<f32> {
    let (length, width, size, scale) = (bands.length(), bands.width, bands.size, bands.scale());
    let row = 3 * width;
    let (query, key, value) = (bands.band(0, head), bands.band(1, head), bands.band(2, head));
    let (d_out, out) = (&mixed.gradient[head * size..], &mixed.out[head * size..]);
    let queries = engine.right(View::rows(query, length, size, row));
    let d_outs = engine.right(View::rows(d_out, length, size, width));
    let turned_queries = engine.right(View::columns(query, size, length, row));
    let turned_d_outs = engine.right(View::columns(d_out, size, length, width));
    let logs: Vec<f32> = mixed.logs.iter().skip(head).step_by(mixed.heads).copied().collect();
    let mut means = Scratch::<f32>::new(length);
    time(Part::Softmax, || lanes::dots(d_out, out, width, size, &mut means));
    let mut gradient = Scratch::new(3 * length * size);
    let (d_queries, rest) = gradient.split_at_mut(length * size);
    let (d_keys, d_values) = rest.split_at_mut(length * size);
    let stride = apart(length);
    let mut weights = Scratch::<f32>::new(STRIP * stride);
    let mut slopes = Scratch::<f32>::new(STRIP * stride);
    let over = |columns| Section::whole(columns).of_attention();
    for first in (0..length).step_by(STRIP) {
        let count = STRIP.min(length - first);
        let (weights, slopes) = (&mut weights[..count * stride], &mut slopes[..count * stride]);
        let (key, value) = (&key[first * row..], &value[first * row..]);
        let left = engine.left(View::rows(key, count, size, row));
        engine.multiply(&left, &queries, over(length), weights, stride);
        let left = engine.left(View::rows(value, count, size, row));
        engine.multiply(&left, &d_outs, over(length), slopes, stride);
        time(Part::Softmax, || lanes::softmax_backward(weights, slopes, stride, scale, &logs, &means));
        // a weight is at most 1
        let left = engine.left(View::rows(weights, count, length, stride).bounded(1.0));
        engine.multiply(&left, &turned_d_outs, over(size), &mut d_values[first * size..], size);
        let left = engine.left(View::rows(slopes, count, length, stride));
        engine.multiply(&left, &turned_queries, over(size), &mut d_keys[first * size..], size);
        let left = engine.left(View::columns(slopes, length, count, stride));
        let right = engine.right(View::columns(key, size, count, row));
        let section = Section { add: first > 0, ..over(size) };
        engine.multiply(&left, &right, section, d_queries, size);
    }
    gradient
}
