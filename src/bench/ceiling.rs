//! The product ceiling: how fast this machine multiplies matrices, measured beside the work.
//!
//! One large product `x W^T` of the model's kind, `[4096, 512] x [1536, 512]^T`, several times; the best counts. The product is
//! `gemm` 0.19, which uses AVX-512 where the processor has it. A step that reaches 80% of this has little left to gain
//! but fewer operations. Call it inside the thread pool whose ceiling is asked for.

use std::time::Instant;

use crate::bench::operations;
use crate::device::{DeviceError, Precision};
use crate::units::{OperationRate, Seconds};

/// Rows, inner and outer width of the product.
pub const SHAPE: [usize; 3] = [4096, 512, 1536];

/// Products after the first, which warms up.
const REPEATS: usize = 16;

/// The fastest product of this precision on `threads` threads.
///
/// # Errors
/// [`DeviceError::Precision`] of a precision that this build does not compute in.
pub fn ceiling(precision: Precision, threads: usize) -> Result<OperationRate, DeviceError> {
    match precision.check()? {
        Precision::F32 => Ok(float32(threads)),
        Precision::Bf16 => unreachable!("the check refuses what has no product here"),
    }
}

fn float32(threads: usize) -> OperationRate {
    let [rows, inner, outer] = SHAPE;
    let numbers = |count: usize| (0..count).map(|i| (i % 17) as f32 - 8.0).collect::<Vec<f32>>();
    let (x, weight) = (numbers(rows * inner), numbers(outer * inner));
    let mut y = vec![0.0; rows * outer];
    best(|| linear(&x, &weight, &mut y, inner, threads))
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

/// `torch.nn.functional.linear` without a bias, in float32.
///
/// # Shapes
/// x `[N, inner]`, weight `[outer, inner]` -> y `[N, outer]`, all in row order.
#[allow(unsafe_code)]
fn linear(x: &[f32], weight: &[f32], y: &mut [f32], inner: usize, threads: usize) {
    let (rows, outer) = (x.len() / inner, weight.len() / inner);
    assert_eq!((rows * inner, outer * inner, rows * outer), (x.len(), weight.len(), y.len()), "the shapes fit");
    let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    let (inner_stride, outer_stride) = (inner as isize, outer as isize);
    // SAFETY: gemm reads and writes `rows`, `outer` and `inner` steps at these strides, which stay inside the three slices
    // by the assertion above; `y` is borrowed alone, and is initialised though gemm does not read it.
    unsafe {
        gemm::gemm(
            rows,
            outer,
            inner,
            y.as_mut_ptr(),
            1,
            outer_stride,
            false,
            x.as_ptr(),
            1,
            inner_stride,
            weight.as_ptr(),
            inner_stride,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_the_one_it_says() {
        let (rows, inner, outer) = (7, 5, 3);
        let numbers = |count: usize| (0..count).map(|i| (i * i % 11) as f32 - 5.0).collect::<Vec<f32>>();
        let (x, weight) = (numbers(rows * inner), numbers(outer * inner));
        for threads in [1, 2] {
            let mut y = vec![f32::NAN; rows * outer];
            linear(&x, &weight, &mut y, inner, threads);
            for (place, &found) in y.iter().enumerate() {
                let (row, column) = (&x[place / outer * inner..], &weight[place % outer * inner..]);
                let expected: f32 = row.iter().zip(column).take(inner).map(|(a, b)| a * b).sum();
                assert_eq!(found, expected, "{place}");
            }
        }
    }

    #[test]
    fn a_ceiling_is_a_speed_and_only_of_what_there_is() {
        let rate = ceiling(Precision::F32, 1).unwrap();
        assert!(rate > OperationRate(1e8) && rate < OperationRate(1e15), "{rate}");
        assert_eq!(ceiling(Precision::Bf16, 1), Err(DeviceError::Precision(Precision::Bf16)));
    }
}
