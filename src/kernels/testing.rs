//! Every engine of the level in use, and the engine of bytes on emulated tiles, against float64, over odd sizes. `.ci/levels` runs these tests on each level of a machine.

use std::io::Write;

use super::*;
use crate::rng::Stream;

/// Engines of bfloat16 products. Where the level in use has none, says that the test is skipped; with `TRM_REQUIRE=bf16` that is a failure.
fn bfloat16_engines() -> Vec<Kind> {
    let engines = Kind::available(true);
    if engines.is_empty() {
        let required = std::env::var("TRM_REQUIRE").is_ok_and(|names| names.split(',').any(|name| name == "bf16"));
        assert!(!required, "no bfloat16 products at level {}", Level::in_use().unwrap());
        // past the test runner, which shows nothing of a test that passes
        let _ = writeln!(std::io::stderr(), "skipped: bfloat16 products need level {}", Level::Avx512Bf16);
    }
    engines
}

fn random(stream: &mut Stream, count: usize) -> Vec<f32> {
    (0..count).map(|_| stream.normal() as f32).collect()
}

fn exact(left: &[f32], right: &[f32], depth: usize) -> Vec<f64> {
    let row = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    left.chunks(depth).flat_map(|a| right.chunks(depth).map(move |b| row(a, b))).collect()
}

/// The largest error of a product, in units of the root of its depth: what the error of a term of size 1 would be.
fn error(kind: Kind, rows: usize, columns: usize, depth: usize) -> f64 {
    let mut stream = Stream::new(1, "product");
    let (left, right) = (random(&mut stream, rows * depth), random(&mut stream, columns * depth));
    let mut out = vec![f32::NAN; rows * columns];
    kind.product(&right, depth)(&left, &mut out);
    let errors = out.iter().zip(exact(&left, &right, depth)).map(|(&a, b)| (f64::from(a) - b).abs());
    errors.map(|error| if error.is_nan() { f64::INFINITY } else { error }).fold(0.0, f64::max) / (depth as f64).sqrt()
}

const SIZES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (1, 12, 5),
    (33, 17, 31),
    (12, 32, 64),
    (96, 64, 256),
    (97, 33, 257),
    (5, 300, 512),
    (130, 2, 700),
    (64, 64, 1536),
];

#[test]
fn float32_engines_are_as_exact_as_float32() {
    for kind in Kind::testable() {
        for (rows, columns, depth) in SIZES {
            let found = error(kind, rows, columns, depth);
            assert!(found < 3e-6, "{}: {rows} x {columns} x {depth}: {found}", kind.name());
        }
        println!("{}: error {:.1e} of a term at 256 x 256 x 512", kind.name(), error(kind, 256, 256, 512));
    }
}

#[test]
fn bfloat16_engines_are_as_exact_as_bfloat16() {
    for kind in bfloat16_engines() {
        for (rows, columns, depth) in SIZES {
            let found = error(kind, rows, columns, depth);
            assert!(found < 3e-2, "{}: {rows} x {columns} x {depth}: {found}", kind.name());
        }
    }
}

#[test]
fn what_is_no_number_is_not_lost() {
    for kind in Kind::testable().into_iter().chain(bfloat16_engines()) {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut left = vec![1.0; 40 * 8];
            left[3 * 8 + 2] = bad;
            let mut out = vec![0.0; 40 * 5];
            kind.product(&[1.0; 5 * 8], 8)(&left, &mut out);
            assert!(out[3 * 5..4 * 5].iter().all(|x| !x.is_finite()), "{}: {bad}", kind.name());
            assert!(
                out[..3 * 5].iter().chain(&out[4 * 5..]).all(|&x| (x - 8.0).abs() < 1e-5),
                "{}: {bad}",
                kind.name()
            );
        }
    }
}

#[test]
fn lines_of_zeros_and_of_tiny_numbers_are_products_too() {
    for kind in Kind::testable() {
        let left: Vec<f32> = (0..4 * 8).map(|i| [0.0, 1e-20, 1e-32, 1.0][i / 8]).collect();
        let mut out = vec![f32::NAN; 4];
        kind.product(&[2.0; 8], 8)(&left, &mut out);
        assert!(out[0] == 0.0 && (out[1] / 1.6e-19 - 1.0).abs() < 1e-6 && (out[3] - 16.0).abs() < 1e-5, "{out:?}");
        assert!(out[2] >= 0.0 && out[2] < 2e-31);
    }
}

#[test]
fn panels_are_whole_tiles_that_go_evenly_over_the_threads() {
    let on = |threads: usize, count, tile, most| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| panel_rows(count, tile, most))
    };
    // 306 tiles: 22 panels of 14, eleven for each; panels of 16 would leave one thread with ten and the other with nine
    assert_eq!(on(2, 3664, 12, 192), 14 * 12);
    for (count, tile, most) in [(0, 12, 192), (1, 12, 192), (100, 32, 96), (5, 32, 16), (4000, 6, 192)] {
        let panel = on(3, count, tile, most);
        assert!(panel > 0 && panel.is_multiple_of(tile) && panel <= most.max(tile), "{panel} rows of {count}");
    }
}

/// An attention layer whose scores go up to hundreds, and a batch of one segment for it.
struct SharpAttention {
    x: Vec<f32>,
    projection: Vec<f32>,
    output: Vec<f32>,
    /// Weights of a sum over the layer's output, whose gradient is checked.
    slopes: Vec<f32>,
}

impl SharpAttention {
    const WIDTH: usize = 16;
    const HEADS: usize = 2;
    const TOKENS: usize = 27;

    fn random() -> Self {
        let mut stream = Stream::new(2, "sharp scores");
        let mut numbers = |count: usize, size: f32| -> Vec<f32> {
            random(&mut stream, count).iter().map(|number| size * number).collect()
        };
        let (width, tokens) = (Self::WIDTH, Self::TOKENS);
        let projection = numbers(3 * width * width, 1.5);
        let output = numbers(width * width, 0.25);
        Self { projection, output, x: numbers(tokens * width, 1.0), slopes: numbers(tokens * width, 1.0) }
    }

    /// Output without and with kept values, then the gradients of input, projections and output product, on an engine.
    fn on(&self, kind: Kind) -> [Vec<f32>; 5] {
        let layer = kind.attention(&self.projection, &self.output, Self::WIDTH, Self::HEADS, true);
        let segments = &std::iter::once(0..Self::TOKENS).collect::<Vec<_>>();
        let (mut applied, mut y) = (self.x.clone(), self.x.clone());
        layer.apply(&mut applied, segments, None);
        let mut kept = layer.forward(&mut y, segments, None);
        let zeros = |like: &[f32]| vec![0.0; like.len()];
        let [mut d_x, mut d_projection, mut d_output] = [zeros(&self.x), zeros(&self.projection), zeros(&self.output)];
        let into = attention::Gradients { x: &mut d_x, projection: &mut d_projection, output: &mut d_output };
        layer.backward(&self.x, &y, &mut self.slopes.clone(), segments, None, &mut kept, into);
        [applied, y, d_x, d_projection, d_output]
    }

    /// Those numbers by the definition in float64: `n(x + softmax(q k^T / sqrt(d)) v Wo^T)`, and central differences.
    fn exact(&self) -> [Vec<f64>; 5] {
        let inputs = [&self.x, &self.projection, &self.output].map(|values| double(values));
        let slopes = double(&self.slopes);
        let sum =
            |inputs: &[Vec<f64>; 3]| -> f64 { Self::forward(inputs).iter().zip(&slopes).map(|(y, c)| y * c).sum() };
        let derivatives = |which: usize| -> Vec<f64> {
            let moved = |i: usize, by: f64| {
                let mut inputs = inputs.clone();
                inputs[which][i] += by;
                sum(&inputs)
            };
            (0..inputs[which].len()).map(|i| (moved(i, 1e-6) - moved(i, -1e-6)) / 2e-6).collect()
        };
        let y = Self::forward(&inputs);
        [y.clone(), y, derivatives(0), derivatives(1), derivatives(2)]
    }

    fn forward([x, projection, output]: &[Vec<f64>; 3]) -> Vec<f64> {
        let (width, size) = (Self::WIDTH, Self::WIDTH / Self::HEADS);
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let projected: Vec<Vec<f64>> =
            x.chunks(width).map(|x| projection.chunks(width).map(|row| dot(x, row)).collect()).collect();
        let mut y = x.clone();
        for (query, y) in projected.iter().zip(y.chunks_mut(width)) {
            let mut mixed = vec![0.0; width];
            for head in 0..Self::HEADS {
                let of = |token: &[f64], part: usize| token[part * width + head * size..][..size].to_vec();
                let scores = projected.iter().map(|key| dot(&of(query, 0), &of(key, 1)) / (size as f64).sqrt());
                let scores: Vec<f64> = scores.collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                for (score, token) in scores.iter().zip(&projected) {
                    let weight = (score - most).exp() / total;
                    let into = &mut mixed[head * size..][..size];
                    into.iter_mut().zip(of(token, 2)).for_each(|(mixed, value)| *mixed += weight * value);
                }
            }
            y.iter_mut().zip(output.chunks(width)).for_each(|(y, row)| *y += dot(&mixed, row));
            let root = (dot(y, y) / width as f64 + f64::from(EPSILON)).sqrt();
            y.iter_mut().for_each(|y| *y /= root);
        }
        y
    }
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// A weight of softmax is 1 but for the rounding of its score, which may be a little above; no engine may take it for anything else.
#[test]
fn every_engine_mixes_by_sharp_scores() {
    let layer = SharpAttention::random();
    let expected = layer.exact();
    for kind in Kind::testable() {
        for (name, (found, expected)) in
            ["applied", "y", "d_x", "d_projection", "d_output"].iter().zip(layer.on(kind).iter().zip(&expected))
        {
            let largest = expected.iter().fold(0.0f64, |most, number| most.max(number.abs()));
            let errors = found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).abs());
            // `max` passes over NaN, a comparison does not
            let error = errors.fold(0.0, |most, error| if error <= most { most } else { error }) / largest;
            println!("{}: {name} differs by {error:.1e} of its largest", kind.name());
            assert!(error < 5e-3, "{}: {name} differs by {error} of its largest", kind.name());
        }
    }
}
