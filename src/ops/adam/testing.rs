//! The step by hand, on every device.

use super::{Adam, AdamKind, AdamOp, Ema, Moments, Moved};
use crate::device::Matrix;
use crate::ops::testing::on_every_device;

/// Three numbers that begin at 1 and see these gradients; all end at the same value.
fn run<D: AdamOp>(device: &D, kind: AdamKind, gradients: &[f32]) -> f64 {
    let adam = Adam { kind, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
    let all = |value: f32| -> Matrix<D> { device.tensor_from_vec(vec![value; 3], (1, 3)) };
    let (mut parameters, mut average) = (all(1.0), all(0.0));
    let mut moments = Moments::of(&parameters);
    for (i, &g) in gradients.iter().enumerate() {
        let gradient = &all(g);
        let moved = Moved { parameters: &mut parameters, gradient, moments: &mut moments, average: &mut average };
        D::adam(moved, adam.rule(Ema::new(0.0), 0.01, i + 1));
    }
    let values = parameters.as_vec();
    assert_eq!(average.as_vec(), values, "an average without a memory is the value");
    assert_eq!(values, [values[0]; 3]);
    f64::from(values[0])
}

fn by_hand<D: AdamOp>(device: &D) {
    // t=1, g=2: m = 0.2, v = 0.2, atan2(0.2, sqrt(0.2)/sqrt(0.05)) = atan2(0.2, 2), size 0.01/0.1
    let one = 1.0f64 * 0.999 - 0.1 * (0.2f64).atan2(2.0);
    assert!((run(device, AdamKind::AdamAtan2, &[2.0]) - one).abs() < 1e-6);
    // t=2, g=-1: m = 0.2 + 0.1*(-1.2) = 0.08, v = 0.2 + 0.05*(1 - 0.2) = 0.24
    let scale = 0.24f64.sqrt() / (1.0 - 0.95f64.powi(2)).sqrt();
    let two = one * 0.999 - 0.01 / (1.0 - 0.81) * 0.08f64.atan2(scale);
    assert!((run(device, AdamKind::AdamAtan2, &[2.0, -1.0]) - two).abs() < 1e-6);

    assert!((run(device, AdamKind::AdamW, &[5.0]) - (0.999 - 0.01)).abs() < 1e-6, "the first step is the rate");
    assert!((run(device, AdamKind::AdamW, &[0.0]) - 0.999).abs() < 1e-7, "no gradient: decay alone");
    assert!((run(device, AdamKind::AdamAtan2, &[0.0]) - 0.999).abs() < 1e-7, "atan2(0, 0) is 0");
}

#[test]
fn steps_by_hand() {
    on_every_device!(by_hand);
}
