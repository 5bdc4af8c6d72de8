//! The gated layer: its composed form against differences, and every engine's fused form against the composed one.

use dfdx::prelude::*;

use super::cpu::Packed;
use super::{GatedOp, GatedWeights, composed};
use crate::kernels::Kind;
use crate::ops::bridge;
use crate::ops::testing::{check_forms, check_gradient, random};
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
    for kind in Kind::available(false) {
        for (rows, width, inner) in sizes {
            let mut stream = Stream::new(7, "gated");
            let x = random(&mut stream, rows, width);
            let weights = [random(&mut stream, 2 * inner, width), random(&mut stream, width, inner)];
            let ready = Packed(kind.gated(bridge::values(&weights[0]), bridge::values(&weights[1]), width, true));
            let open = GatedWeights::<Cpu> { up: weights[0].clone(), down: weights[1].clone(), ready };
            let name = format!("{}, {rows} rows of {width}, inner {inner}", kind.name());
            check_forms(&name, &x, &weights, &|x, _| Cpu::gated(x, &open), &|x, w| composed(x, &w[0], &w[1]), 2e-5);
            let (taped, _) = Cpu::gated(x.leaky_trace(), &open).split_tape();
            assert_eq!(Cpu::gated(x, &open).as_vec(), taped.as_vec(), "{name}: in place and on the tape are one");
        }
    }
}
