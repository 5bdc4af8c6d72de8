//! Every engine on this processor against float64, over odd sizes.

use super::*;
use crate::rng::Stream;

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
    for kind in Kind::available(false) {
        for (rows, columns, depth) in SIZES {
            let found = error(kind, rows, columns, depth);
            assert!(found < 3e-6, "{}: {rows} x {columns} x {depth}: {found}", kind.name());
        }
        println!("{}: error {:.1e} of a term at 256 x 256 x 512", kind.name(), error(kind, 256, 256, 512));
    }
}

#[test]
fn bfloat16_engines_are_as_exact_as_bfloat16() {
    for kind in Kind::available(true) {
        for (rows, columns, depth) in SIZES {
            let found = error(kind, rows, columns, depth);
            assert!(found < 3e-2, "{}: {rows} x {columns} x {depth}: {found}", kind.name());
        }
    }
}

#[test]
fn what_is_no_number_is_not_lost() {
    for kind in Kind::available(false).into_iter().chain(Kind::available(true)) {
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
    for kind in Kind::available(false) {
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

/// One attention layer whose scores go up to hundreds: its answer, and the gradients of input, projections and output for a gradient of ones.
fn sharp_attention(kind: Kind) -> Vec<Vec<f32>> {
    let (width, heads, tokens) = (16, 2, 27);
    let mut stream = Stream::new(2, "sharp scores");
    let mut numbers = |count: usize, size: f32| -> Vec<f32> {
        random(&mut stream, count).iter().map(|number| size * number).collect()
    };
    let (projection, output) = (numbers(3 * width * width, 1.5), numbers(width * width, 0.25));
    let (x, mut gradient) = (numbers(tokens * width, 1.0), numbers(tokens * width, 1.0));
    let layer = kind.attention(&projection, &output, width, heads, true);
    let (mut applied, mut y) = (x.clone(), x.clone());
    let segments = &std::iter::once(0..tokens).collect::<Vec<_>>();
    layer.apply(&mut applied, segments, None);
    let mut kept = layer.forward(&mut y, segments, None);
    let [mut d_x, mut d_projection, mut d_output] =
        [tokens * width, 3 * width * width, width * width].map(|count| vec![0.0; count]);
    let into = attention::Gradients { x: &mut d_x, projection: &mut d_projection, output: &mut d_output };
    layer.backward(&x, &y, &mut gradient, segments, None, &mut kept, into);
    vec![applied, y, d_x, d_projection, d_output]
}

/// A weight of softmax is 1 but for the rounding of its score, which may be a little above; no engine may take it for anything else.
#[test]
fn every_engine_mixes_by_sharp_scores() {
    let expected = sharp_attention(Kind::Fma);
    for kind in Kind::available(false) {
        for (place, (found, expected)) in sharp_attention(kind).iter().zip(&expected).enumerate() {
            let largest = expected.iter().fold(0.0f32, |most, number| most.max(number.abs()));
            let errors = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
            let error = errors.fold(0.0f32, f32::max) / largest;
            assert!(error < 5e-3, "{}: number {place} differs by {error} of its largest", kind.name());
        }
    }
}
