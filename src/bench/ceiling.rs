//! The product ceiling: how fast this machine multiplies matrices, measured beside the work.
//!
//! One large product `x W^T` of the model's kind, `[4096, 512] x [1536, 512]^T`, with the weight packed beforehand, several times on every engine
//! of the precision; the best counts. A step that reaches 80% of this has little left to gain but fewer operations. Call
//! it inside the thread pool whose ceiling is asked for.

use std::time::Instant;

use crate::bench::operations;
use crate::device::{DeviceError, Precision};
use crate::kernels::Kind;
use crate::units::{OperationRate, Seconds};

/// Rows, inner and outer width of the product.
pub const SHAPE: [usize; 3] = [4096, 512, 1536];

/// Products after the first, which warms up.
const REPEATS: usize = 16;

/// The fastest product of this precision on the threads of the pool at hand.
///
/// # Errors
/// [`DeviceError::Precision`] of a precision that this processor does not compute in.
pub fn ceiling(precision: Precision) -> Result<OperationRate, DeviceError> {
    let [rows, inner, outer] = SHAPE;
    let numbers = |count: usize| (0..count).map(|i| (i % 17) as f32 - 8.0).collect::<Vec<f32>>();
    let (x, weight) = (numbers(rows * inner), numbers(outer * inner));
    let mut y = vec![0.0; rows * outer];
    let engines = Kind::available(precision.check()? == Precision::Bf16).into_iter();
    let rates = engines.map(|engine| {
        let product = engine.product(&weight, inner);
        best(|| product(&x, &mut y))
    });
    Ok(rates.fold(OperationRate(0.0), |most, rate| if rate > most { rate } else { most }))
}

/// The best speed of a product of [`SHAPE`].
fn best(mut multiply: impl FnMut()) -> OperationRate {
    multiply();
    let mut best = Seconds(f64::INFINITY);
    for _ in 0..REPEATS {
        let begun = Instant::now();
        multiply();
        best = Seconds(best.0.min(begun.elapsed().as_secs_f64()));
    }
    let [rows, inner, outer] = SHAPE;
    operations::of_product(rows, inner, outer).in_time(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_a_speed() {
        let rate = ceiling(Precision::F32).unwrap();
        assert!(rate > OperationRate(1e8) && rate < OperationRate(1e15), "{rate}");
    }
}
