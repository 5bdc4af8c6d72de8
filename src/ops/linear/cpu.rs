//! The product ceiling of the CPU.

use std::time::{Duration, Instant};

use crate::device::Precision;
use crate::kernels::Kind;

/// Rows, inner and outer width: a product of the model's kind.
pub const LARGE: [usize; 3] = [4096, 512, 1536];

/// Products after the first, which warms up.
const REPEATS: usize = 16;

/// The best time of [`LARGE`] on any engine of the precision, on the threads of the pool at hand.
pub fn time_product(precision: Precision) -> Duration {
    let [rows, inner, outer] = LARGE;
    let numbers = |count: usize| (0..count).map(|i| (i % 17) as f32 - 8.0).collect::<Vec<f32>>();
    let (x, weight) = (numbers(rows * inner), numbers(outer * inner));
    let mut y = vec![0.0; rows * outer];
    let engines = Kind::available(precision == Precision::Bf16).into_iter();
    let times = engines.map(|engine| {
        let product = engine.product(&weight, inner);
        let mut timed = || {
            let begun = Instant::now();
            product(&x, &mut y);
            begun.elapsed()
        };
        timed();
        (0..REPEATS).map(|_| timed()).min()
    });
    times.flatten().min().expect("a processor has an engine")
}
