//! The attention layer: its composed form against differences, and every engine's fused form against the composed one.

use dfdx::prelude::*;

use super::cpu::Packed;
use super::{AttentionOp, AttentionWeights, composed};
use crate::device::{Matrix, Precision};
use crate::kernels::Kind;
use crate::ops::testing::{check_forms, check_gradient, on_every_device, precisions, random};
use crate::ops::{Operations, Ready, Rotation, Segments, bridge};
use crate::rng::Stream;

fn weights(stream: &mut Stream, width: usize) -> [Matrix<Cpu>; 2] {
    let scale = 1.0 / (width as f32).sqrt();
    [random(stream, 3 * width, width) * (2.0 * scale), random(stream, width, width) * scale]
}

fn opened(kind: Kind, weights: &[Matrix<Cpu>], heads: usize) -> AttentionWeights<Cpu> {
    let (projection, output) = (&weights[0], &weights[1]);
    let width = output.shape().0;
    let layer = kind.attention(bridge::values(projection), bridge::values(output), width, heads, true);
    AttentionWeights { projection: projection.clone(), output: output.clone(), heads, ready: Packed(layer) }
}

/// A layer and a batch for it.
struct Case {
    segments: Segments,
    x: Matrix<Cpu>,
    weights: [Matrix<Cpu>; 2],
    rotation: Option<Rotation>,
}

impl Case {
    fn draw(heads: usize, width: usize, lengths: &[usize], turned: bool) -> Self {
        let segments = Segments::new(lengths.to_vec());
        let mut stream = Stream::new(8, "attention");
        let weights = weights(&mut stream, width);
        let x = random(&mut stream, segments.tokens(), width);
        let positions: Vec<usize> = (0..segments.tokens()).map(|i| i * 7 % 900).collect();
        let rotation = turned.then(|| Rotation::along_line(&positions, width / heads, 10_000.0));
        Self { segments, x, weights, rotation }
    }
}

#[test]
fn the_composed_form_and_its_gradient() {
    let mut stream = Stream::new(9, "attention");
    let [projection, output] = weights(&mut stream, 8);
    let segments = Segments::new(vec![2, 2, 1, 3]);
    let rotation = Rotation::along_line(&[3, 40, 899, 0, 7, 1, 2, 5], 4, 10_000.0);
    check_gradient(8, 8, |x| composed(x, &projection, &output, 2, &segments, Some(&rotation)));
}

#[test]
fn scores_depend_on_distance_alone() {
    let mut stream = Stream::new(7, "rope");
    let weights = weights(&mut stream, 8);
    let x = random(&mut stream, 3, 8);
    for kind in Kind::testable() {
        let at = |first: usize| {
            let rotation = Rotation::along_line(&[first, first + 3, first + 11], 4, 10_000.0);
            Cpu::attention(x.clone(), &opened(kind, &weights, 2), &Segments::new(vec![3]), Some(&rotation)).as_vec()
        };
        let pairs = at(0).into_iter().zip(at(500));
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3), "{}", kind.name());
        assert_ne!(at(0), at(500), "positions do turn");
    }
}

#[test]
fn the_fused_form_equals_the_composed_one() {
    let cases = [
        (1, 2, vec![1]),
        (1, 4, vec![5, 5]),
        (2, 8, vec![1, 3, 3, 1, 97]),
        (2, 64, vec![40, 2, 129]),
        (4, 48, vec![100, 33]),
        (3, 96, vec![17, 200]),
    ];
    for kind in Kind::testable() {
        for (heads, width, lengths) in &cases {
            for turned in [false, true] {
                let (heads, width) = (*heads, *width);
                let Case { segments, x, weights, rotation } = Case::draw(heads, width, lengths, turned);
                let rotation = rotation.as_ref();
                let open = opened(kind, &weights, heads);
                let name = format!("{}, {heads} heads of {width}, segments {lengths:?}", kind.name());
                check_forms(
                    &Cpu::default(),
                    &name,
                    &x,
                    &weights,
                    &|x, w| Cpu::attention(x, &opened(kind, w, heads), &segments, rotation),
                    &|x, w| composed(x, &w[0], &w[1], heads, &segments, rotation),
                    5e-5,
                );
                let (taped, _) = Cpu::attention(x.leaky_trace(), &open, &segments, rotation).split_tape();
                let in_place = Cpu::attention(x, &open, &segments, rotation).as_vec();
                assert_eq!(in_place, taped.as_vec(), "{name}: in place and on the tape are one");
            }
        }
    }
}

#[test]
fn a_segment_attends_to_itself_alone() {
    let mut stream = Stream::new(10, "attention");
    let weights = weights(&mut stream, 8);
    let x = random(&mut stream, 9, 8);
    for kind in Kind::testable() {
        let open = opened(kind, &weights, 2);
        let run =
            |lengths: Vec<usize>, x: Matrix<Cpu>| Cpu::attention(x, &open, &Segments::new(lengths), None).as_vec();
        let whole = run(vec![3, 3, 1, 2], x.clone());
        for (from, to) in [(0, 3), (3, 6), (6, 7), (7, 9)] {
            let rows = Cpu::default().tensor_from_vec(bridge::values(&x)[from * 8..to * 8].to_vec(), (to - from, 8));
            let alone = run(vec![to - from], rows);
            assert!(alone.iter().zip(&whole[from * 8..]).all(|(a, b)| (a - b).abs() < 1e-5), "{}", kind.name());
        }
    }
}

/// On every device, in every precision that it trains in: heads of sizes that fill a kernel and that do not, segments that end within a tile.
fn fused<D: Operations>(device: &D) {
    let cases = [
        (1, 2, vec![1]),
        (1, 4, vec![5, 5]),
        (2, 8, vec![1, 3, 3, 1, 97]),
        (2, 48, vec![17, 64, 2]),
        (2, 128, vec![40, 2, 129]),
        (1, 72, vec![33, 70]),
    ];
    for (precision, tolerance) in precisions::<D>() {
        // the norm of a few numbers makes much of the eight bits of each
        let widest = if precision == Precision::Bf16 { 48 } else { 0 };
        for (heads, width, lengths) in cases.iter().filter(|(_, width, _)| *width >= widest) {
            for turned in [false, true] {
                let (heads, width) = (*heads, *width);
                let Case { segments, x, weights, rotation } = Case::draw(heads, width, lengths, turned);
                let rotation = rotation.as_ref();
                let ready = Ready { precision, trained: true };
                let words = device.in_words();
                check_forms(
                    device,
                    &format!("{words}, {precision}, {heads} heads of {width}, {lengths:?}, turned {turned}"),
                    &x,
                    &weights,
                    &|x, w| D::attention(x, &AttentionWeights::open(&w[0], &w[1], heads, ready), &segments, rotation),
                    &|x, w| composed(x, &w[0], &w[1], heads, &segments, rotation),
                    tolerance,
                );
            }
        }
    }
}

#[test]
fn the_fused_form_of_every_device_equals_the_composed_one() {
    on_every_device!(fused);
}
