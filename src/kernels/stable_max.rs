//! Stable-max cross entropy, its gradient and the answer of every token in one pass over the logits, in float64:
//!
//! ```text
//! s(x)  = x + 1 if x >= 0, else 1 / (1 - x)          s'(x) = 1 if x >= 0, else s(x)^2
//! loss  = - sum over labelled rows of weight * log(s(x[label]) / S)         S = the row's sum of s(x)
//! d loss / d x[v] = weight * s'(x[v]) * (1 / S - (1 / s(x[label]) where v is the label))
//! ```
//!
//! Its definition in dfdx operations is `ops::stable_max`, from which it differs in one thing: dfdx's comparisons take a logit that
//! is no number for 0, and here it makes the loss no number, in whatever row it stands.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::level::dispatch;

/// What a token should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// The column of its logit.
    pub kind: u8,
    /// Its weight in the loss: `1 / known cells` of its example for the mean over an example.
    pub weight: f64,
}

/// What the logits of a batch come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The weighted cross entropy; NaN where any logit is NaN.
    pub loss: f64,
    /// Its derivatives with respect to the logits, `[N * V]`; 0 in rows without a label.
    pub gradient: Vec<f32>,
    /// The most likely kind of each token, `[N]`.
    pub kinds: Vec<u8>,
}

/// Rows that a thread takes at a time. Each piece has its own sum, and the pieces are added in their order, so that the loss does not
/// depend on the threads.
const ROWS: usize = 256;

/// Judges logits by labels; a token without a label, as those of a prefix, has a kind and nothing else.
///
/// # Shapes
/// logits `[N * V]`, labels `[N]` -> a number, `[N * V]` and `[N]`.
///
/// # Panics
/// When the shapes do not fit, or a label is outside of the vocabulary, which has 1 to 256 kinds: the encoding makes none of these.
pub fn cross_entropy(logits: &[f32], vocabulary: usize, labels: &[Option<Label>]) -> Judged {
    assert!((1..=256).contains(&vocabulary), "a vocabulary of {vocabulary} kinds");
    assert_eq!(logits.len(), labels.len() * vocabulary, "one row of logits per token");
    let (mut gradient, mut kinds) = (vec![0.0; logits.len()], vec![0; labels.len()]);
    let rows = logits.par_chunks(ROWS * vocabulary).zip(gradient.par_chunks_mut(ROWS * vocabulary));
    let tokens = labels.par_chunks(ROWS).zip(kinds.par_chunks_mut(ROWS));
    let piece = |((logits, gradient), (labels, kinds))| dispatch(Piece { vocabulary, logits, labels, gradient, kinds });
    let losses: Vec<f64> = rows.zip(tokens).map(piece).collect();
    Judged { loss: losses.iter().sum(), gradient, kinds }
}

/// The first of the largest, as `torch.argmax`: the first NaN where there is one.
#[inline(always)]
pub fn first_largest(row: &[f32]) -> u8 {
    let mut best = 0;
    for (kind, logit) in row.iter().enumerate() {
        if *logit > row[best] || (logit.is_nan() && !row[best].is_nan()) {
            best = kind;
        }
    }
    best as u8
}

/// Some rows of a batch.
struct Piece<'a> {
    vocabulary: usize,
    logits: &'a [f32],
    labels: &'a [Option<Label>],
    gradient: &'a mut [f32],
    kinds: &'a mut [u8],
}

impl WithSimd for Piece<'_> {
    /// The loss of these rows.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut sizes = vec![0.0; self.vocabulary];
        let rows = self.logits.chunks(self.vocabulary).zip(self.gradient.chunks_mut(self.vocabulary));
        let mut loss = 0.0;
        for ((row, gradient), (label, kind)) in rows.zip(self.labels.iter().zip(self.kinds)) {
            *kind = first_largest(row);
            if row[usize::from(*kind)].is_nan() {
                loss = f64::NAN;
            }
            if let Some(label) = label {
                loss -= label.weight * log_likelihood(row, *label, &mut sizes, gradient);
            }
        }
        loss
    }
}

/// `log(s(x[label]) / S)` of one row; writes the row's gradient. `sizes` is for s(x), so that it is divided once.
#[inline(always)]
fn log_likelihood(row: &[f32], label: Label, sizes: &mut [f64], gradient: &mut [f32]) -> f64 {
    for (size, &x) in sizes.iter_mut().zip(row) {
        let x = f64::from(x);
        // both halves without a branch; NaN is not below 0 and goes on through `above`
        let below = if x < 0.0 { 1.0 - x } else { 1.0 };
        let above = if x < 0.0 { 0.0 } else { x };
        *size = above + 1.0 / below;
    }
    let sum: f64 = sizes.iter().sum();
    let labelled = sizes[usize::from(label.kind)];
    let share = label.weight / sum;
    let slope = |x: f32, size: f64| if x < 0.0 { size * size } else { 1.0 };
    for ((derivative, &x), &size) in gradient.iter_mut().zip(row).zip(&*sizes) {
        *derivative = (share * slope(x, size)) as f32;
    }
    let kind = usize::from(label.kind);
    gradient[kind] = ((share - label.weight / labelled) * slope(row[kind], labelled)) as f32;
    (labelled / sum).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn label(kind: u8, weight: f64) -> Option<Label> {
        Some(Label { kind, weight })
    }

    fn s(x: f64) -> f64 {
        if x >= 0.0 { x + 1.0 } else { 1.0 / (1.0 - x) }
    }

    /// Logits with exact zeros among them, and labels for two tokens of three.
    fn batch(rows: usize, vocabulary: usize) -> (Vec<f32>, Vec<Option<Label>>) {
        let mut stream = Stream::new(3, "stable-max");
        let logits = (0..rows * vocabulary).map(|i| if i % 7 == 0 { 0.0 } else { 4.0 * stream.normal() as f32 });
        let logits = logits.collect();
        let labels = (0..rows).map(|row| match row % 3 {
            0 => None,
            _ => label(stream.below(vocabulary) as u8, 1.0 / (1 + row % 5) as f64),
        });
        (logits, labels.collect())
    }

    #[test]
    fn three_rows_by_hand() {
        let logits = [1.0, -1.0, 0.0, 9.0, 9.0, 8.0, -3.0, 0.0, 2.0];
        let judged = cross_entropy(&logits, 3, &[label(0, 0.5), None, label(1, 2.0)]);
        // s = 2, 1/2, 1 with the sum 7/2, and 1/4, 1, 3 with the sum 17/4
        let loss = -0.5 * (4.0f64 / 7.0).ln() - 2.0 * (4.0f64 / 17.0).ln();
        assert!((judged.loss - loss).abs() < 1e-15, "{} {loss}", judged.loss);
        assert_eq!(judged.kinds, [0, 0, 2], "the first of the largest");
        let (a, b) = (0.5 / 3.5, 2.0 / 4.25);
        let expected = [a - 0.25, a * 0.25, a, 0.0, 0.0, 0.0, b * 0.0625, b - 2.0, b];
        assert_eq!(judged.gradient, expected.map(|value| value as f32), "the slope at 0 is 1");
    }

    #[test]
    fn the_gradient_is_the_loss_s_differences() {
        for vocabulary in [1, 2, 12, 13] {
            let (logits, labels) = batch(11, vocabulary);
            // In float64, so that the step can be small; a zero has the same slope from both sides.
            let loss = |place: usize, by: f64| -> f64 {
                let x = |i: usize| f64::from(logits[i]) + if i == place { by } else { 0.0 };
                let row = |row: usize| (row * vocabulary..(row + 1) * vocabulary).map(|i| s(x(i))).sum::<f64>();
                let labels = labels.iter().enumerate().filter_map(|(i, label)| Some((i, (*label)?)));
                let place = |i: usize, label: Label| i * vocabulary + usize::from(label.kind);
                labels.map(|(i, label)| -label.weight * (s(x(place(i, label))) / row(i)).ln()).sum()
            };
            let judged = cross_entropy(&logits, vocabulary, &labels);
            assert!((judged.loss - loss(0, 0.0)).abs() < 1e-12);
            for (i, &found) in judged.gradient.iter().enumerate() {
                let expected = (loss(i, 1e-6) - loss(i, -1e-6)) / 2e-6;
                assert!((f64::from(found) - expected).abs() < 1e-6, "{i} of {vocabulary}: {found} {expected}");
            }
        }
    }

    #[test]
    fn neither_threads_nor_neighbours_change_a_bit() {
        let (logits, labels) = batch(2 * ROWS + 5, 12);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| cross_entropy(&logits, 12, &labels))
        };
        let judged = with(1);
        assert_eq!(judged, with(3));
        let alone = logits.chunks(12).zip(&labels).map(|(row, label)| cross_entropy(row, 12, &[*label]));
        let alone: Vec<Judged> = alone.collect();
        assert_eq!(judged.gradient, alone.iter().flat_map(|row| row.gradient.clone()).collect::<Vec<_>>());
        assert_eq!(judged.kinds, alone.iter().flat_map(|row| row.kinds.clone()).collect::<Vec<_>>());
        let loss: f64 = alone.iter().map(|row| row.loss).sum();
        assert!((judged.loss - loss).abs() < 1e-10);
        let nothing = cross_entropy(&[], 12, &[]);
        assert!(nothing.loss == 0.0 && nothing.gradient.is_empty() && nothing.kinds.is_empty());
    }

    #[test]
    fn a_logit_that_is_no_number_makes_the_loss_none() {
        for place in [0, 2, 3, 5] {
            let mut logits = [0.5, 1.0, 0.25, 3.0, 2.0, 1.0];
            logits[place] = f32::NAN;
            let judged = cross_entropy(&logits, 3, &[None, label(1, 1.0)]);
            assert!(judged.loss.is_nan(), "NaN at {place}");
            assert_eq!(judged.kinds[place / 3], (place % 3) as u8, "the first NaN is the largest");
        }
        assert_eq!(first_largest(&[1.0, f32::NAN, f32::NAN, f32::INFINITY]), 1);
        let infinite = cross_entropy(&[1.0, f32::INFINITY], 2, &[label(0, 1.0)]);
        assert_eq!((infinite.loss, infinite.kinds[0]), (f64::INFINITY, 1));
    }
}
