//! Passes over rows: exponential, softmax, gate, norm, rotation. Plain loops, compiled once for every width of registers; which
//! one runs is found at run time.
//!
//! Sums run over a fixed number of lanes, so their value does not depend on the processor's width.

use super::level::by_level;

const LANES: usize = 16;

/// Added and taken away again, it rounds to a whole number, whose bits then lie lowest.
const ROUND: f32 = 12_582_912.0;

/// `exp(x)`, within 2 units in the last place; below -87 it stays at exp(-87), above 88 at exp(88). NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    // ln 2 in two pieces, so that the product with a whole number is exact
    let rest = whole.mul_add(-0.693_359_4, x);
    let rest = whole.mul_add(2.121_944_4e-4, rest);
    let series = 1.388_887_9e-3f32
        .mul_add(rest, 8.333_331e-3)
        .mul_add(rest, 4.166_667e-2)
        .mul_add(rest, 1.666_666_7e-1)
        .mul_add(rest, 0.5)
        .mul_add(rest, 1.0)
        .mul_add(rest, 1.0);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    series * power
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `sum(f(a, b))` over two rows.
#[inline(always)]
fn sum_over(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] += f(a[i], b[i]);
        }
    }
    for (i, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
        lanes[i] += f(*a, *b);
    }
    total(lanes)
}

#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `sum(a * b)`.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_over(a, b, |a, b| a * b)
}

/// The largest number of a row; a NaN is passed over (its exponential brings it back).
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    for (i, &x) in rest.iter().enumerate() {
        lanes[i] = if x > lanes[i] { x } else { lanes[i] };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// `row <- exp(scale * (row - max))`; returns the maximum and the sum.
#[inline(always)]
fn exponentials(row: &mut [f32], scale: f32) -> (f32, f32) {
    let most = largest(row);
    let offset = -most * scale;
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            let power = exp(chunk[i].mul_add(scale, offset));
            chunk[i] = power;
            lanes[i] += power;
        }
    }
    for (i, x) in rest.iter_mut().enumerate() {
        *x = exp(x.mul_add(scale, offset));
        lanes[i] += *x;
    }
    (most, total(lanes))
}

by_level! {
    /// `row <- exp(scale * (row - max))` for every row of `length` numbers; rows lie `stride` apart. The sums go to `sums`, the logarithms of
    /// `sum(exp(scale * row))` to `logs` if asked for.
    pub fn softmax(
        rows: &mut [f32],
        stride: usize,
        length: usize,
        scale: f32,
        sums: &mut [f32],
        logs: Option<&mut [f32]>,
    ) {
        let mut logs = logs;
        for (i, row) in rows.chunks_mut(stride).enumerate() {
            let (most, sum) = exponentials(&mut row[..length], scale);
            sums[i] = sum;
            if let Some(logs) = &mut logs {
                logs[i] = most * scale + sum.ln();
            }
        }
    }

    /// From the scores of queries, one to a column, and the gradients of their weights: `scores <- p = exp(scale * score - log)`,
    /// `slopes <- scale * p * (slope - mean)`, where `mean = <out, d_out>` over the head's numbers. Rows lie `stride` apart.
    pub fn softmax_backward(
        scores: &mut [f32],
        slopes: &mut [f32],
        stride: usize,
        scale: f32,
        logs: &[f32],
        means: &[f32],
    ) {
        for (scores, slopes) in scores.chunks_mut(stride).zip(slopes.chunks_mut(stride)) {
            let queries = scores.iter_mut().zip(slopes).zip(logs.iter().zip(means));
            for ((score, slope), (&log, &mean)) in queries {
                *score = exp(score.mul_add(scale, -log));
                *slope = scale * *score * (*slope - mean);
            }
        }
    }

    /// `dots[i] = <a_i, b_i>` over the first `size` numbers of rows that lie `stride` apart.
    pub fn dots(a: &[f32], b: &[f32], stride: usize, size: usize, dots: &mut [f32]) {
        for (i, value) in dots.iter_mut().enumerate() {
            *value = dot(&a[i * stride..][..size], &b[i * stride..][..size]);
        }
    }

    /// `sums[i] = sum of row_i^2`, of rows of `width` numbers.
    pub fn squares(rows: &[f32], width: usize, sums: &mut [f32]) {
        for (row, sum) in rows.chunks_exact(width).zip(sums) {
            *sum = dot(row, row);
        }
    }

    /// `rows <- n(rows + added)`, row by row: `n(r) = r * f` with `f = 1 / sqrt(mean(r^2) + 1e-5)`, kept in `factors` if asked for. The rows of
    /// `added` lie `stride` apart.
    pub fn add_and_norm(rows: &mut [f32], added: &[f32], stride: usize, width: usize, factors: Option<&mut [f32]>) {
        let mut factors = factors;
        for (i, (row, added)) in rows.chunks_exact_mut(width).zip(added.chunks(stride)).enumerate() {
            for (x, &y) in row.iter_mut().zip(added) {
                *x += y;
            }
            let factor = 1.0 / (dot(row, row) / width as f32 + super::EPSILON).sqrt();
            for x in row.iter_mut() {
                *x *= factor;
            }
            if let Some(factors) = &mut factors {
                factors[i] = factor;
            }
        }
    }

    /// The gradient of [`add_and_norm`] with respect to the sum: `d <- f * (d - y * mean(y * d))`, row by row.
    pub fn norm_backward(gradient: &mut [f32], normed: &[f32], factors: &[f32], width: usize) {
        let rows = gradient.chunks_exact_mut(width).zip(normed.chunks_exact(width)).zip(factors);
        for ((gradient, normed), &factor) in rows {
            let mean = dot(gradient, normed) / width as f32;
            for (d, &y) in gradient.iter_mut().zip(normed) {
                *d = factor * (*d - y * mean);
            }
        }
    }

    /// `gate <- silu(gate) * value` in rows of `size` gates and as many values, which lie `stride` apart.
    pub fn gate(rows: &mut [f32], stride: usize, size: usize) {
        for row in rows.chunks_mut(stride) {
            let (gate, value) = row.split_at_mut(size);
            for (gate, &value) in gate.iter_mut().zip(value.iter()) {
                *gate *= sigmoid(*gate) * value;
            }
        }
    }

    /// From the gradient `d` of `h = silu(gate) * value`: `gate` and `value` become their gradients, `d` becomes h.
    pub fn gate_backward(d: &mut [f32], gate: &mut [f32], value: &mut [f32]) {
        for ((d, gate), value) in d.iter_mut().zip(gate).zip(value) {
            let (open, g, v) = (sigmoid(*gate), *gate, *value);
            let silu = g * open;
            *gate = *d * v * (open + silu * (1.0 - open));
            *value = *d * silu;
            *d = silu * v;
        }
    }

    /// Turns the pairs (i, i + half) of every head of a row by their angles; `direction` -1 turns them the other way.
    pub fn rotate(row: &mut [f32], cosine: &[f32], sine: &[f32], direction: f32) {
        let half = cosine.len();
        for head in row.chunks_exact_mut(2 * half) {
            let (low, high) = head.split_at_mut(half);
            for i in 0..half {
                let sine = direction * sine[i];
                let (a, b) = (low[i], high[i]);
                low[i] = a * cosine[i] - b * sine;
                high[i] = b * cosine[i] + a * sine;
            }
        }
    }

    /// `to <- to + from`.
    pub fn add(to: &mut [f32], from: &[f32]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to += from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_two_units() {
        let mut worst = 0.0f64;
        for i in -870_000..=880_000 {
            let x = i as f32 * 1e-4;
            let expected = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - expected).abs() / expected);
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst}");
        assert!(exp(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(0.0) == 1.0);
    }

    #[test]
    fn a_softmax_row_sums_to_one_with_any_length() {
        for length in [1usize, 15, 16, 17, 100] {
            let mut row: Vec<f32> = (0..length).map(|i| (i as f32 * 0.7).sin() * 50.0).collect();
            let expected: f64 = row.iter().map(|&x| (0.5 * f64::from(x)).exp()).sum();
            let (most, sum) = exponentials(&mut row, 0.5);
            let total = (0.5 * f64::from(most)).exp() * f64::from(sum);
            assert!((total / expected - 1.0).abs() < 1e-5);
            assert!((row.iter().sum::<f32>() - sum).abs() < 1e-4 * sum);
        }
        let mut row = [1.0, f32::NAN, 2.0];
        assert!(exponentials(&mut row, 1.0).1.is_nan(), "what is no number is not lost");
    }
}
