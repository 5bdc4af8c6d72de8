//! The gated layer: its composed form against differences, and every engine's fused form against the composed one.

use dfdx::prelude::*;

use super::cpu::Packed;
use super::{GatedOp, GatedWeights, composed};
use crate::device::Matrix;
use crate::kernels::Kind;
use crate::ops::testing::{check_forms, check_gradient, on_every_device, precisions, random};
use crate::ops::{Operations, Ready, bridge};
use crate::rng::Stream;

#[test]
fn the_composed_form_and_its_gradient() {
    let mut stream = Stream::new(6, "weights");
    let (up, down) = (random(&mut stream, 14, 4), random(&mut stream, 4, 7));
    check_gradient(3, 4, |x| composed(x, &up, &down));
}

#[test]
fn the_fused_form_equals_the_composed_one() {
    let sizes = [(1, 1, 1), (3, 4, 7), (5, 97, 512), (33, 32, 256), (100, 48, 300), (193, 64, 512), (600, 32, 40)];
    for kind in Kind::testable() {
        for (rows, width, inner) in sizes {
            let mut stream = Stream::new(7, "gated");
            let x = random(&mut stream, rows, width);
            let weights = [random(&mut stream, 2 * inner, width), random(&mut stream, width, inner)];
            let opened = |weights: &[Matrix<Cpu>]| {
                let (up, down) = (weights[0].clone(), weights[1].clone());
                let ready = Packed(kind.gated(bridge::values(&up), bridge::values(&down), width, true));
                GatedWeights::<Cpu> { up, down, ready }
            };
            let open = opened(&weights);
            let name = format!("{}, {rows} rows of {width}, inner {inner}", kind.name());
            check_forms(
                &Cpu::default(),
                &name,
                &x,
                &weights,
                &|x, w| Cpu::gated(x, &opened(w)),
                &|x, w| composed(x, &w[0], &w[1]),
                2e-5,
            );
            let (taped, _) = Cpu::gated(x.leaky_trace(), &open).split_tape();
            assert_eq!(Cpu::gated(x, &open).as_vec(), taped.as_vec(), "{name}: in place and on the tape are one");
        }
    }
}

/// On every device, in every precision that it trains in.
fn fused<D: Operations>(device: &D) {
    for (precision, tolerance) in precisions::<D>() {
        for (rows, width, inner) in [(1, 1, 1), (3, 4, 7), (5, 97, 12), (33, 32, 64), (20, 48, 130)] {
            let mut stream = Stream::new(7, "gated");
            let x = random(&mut stream, rows, width);
            // weights as a model has them: with larger ones eight bits say little
            let scale = |fan: usize| 1.0 / (fan as f32).sqrt();
            let up = random(&mut stream, 2 * inner, width) * scale(width);
            let weights = [up, random(&mut stream, width, inner) * scale(inner)];
            let ready = Ready { precision, trained: true };
            check_forms(
                device,
                &format!("{}, {precision}, {rows} rows of {width}, inner {inner}", device.in_words()),
                &x,
                &weights,
                &|x, w| D::gated(x, &GatedWeights::open(&w[0], &w[1], ready)),
                &|x, w| composed(x, &w[0], &w[1]),
                tolerance,
            );
        }
    }
}

#[test]
fn the_fused_form_of_every_device_equals_the_composed_one() {
    on_every_device!(fused);
}
