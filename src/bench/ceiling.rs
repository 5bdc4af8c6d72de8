//! The product ceiling: how fast this device multiplies matrices, measured beside the work.
//!
//! One large product `x W^T`, with the weight ready beforehand, several times; the best counts. A step that reaches 80% of this has
//! little left to gain but fewer operations. Call it inside the thread pool whose ceiling is asked for.

use crate::bench::operations;
use crate::device::Precision;
use crate::ops::Operations;
use crate::units::{OperationRate, Seconds};

/// The fastest product of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Its speed.
    pub rate: OperationRate,
    /// Rows, inner and outer width of the product.
    pub shape: [usize; 3],
}

impl Ceiling {
    /// The faster of two.
    pub(super) fn or_faster(self, other: Self) -> Self {
        if other.rate > self.rate { other } else { self }
    }
}

/// The fastest product of this precision, on the CPU on the threads of the pool at hand.
pub fn ceiling<D: Operations>(device: &D, precision: Precision) -> Ceiling {
    let shape = D::large_product(device);
    let [rows, inner, outer] = shape;
    let time = Seconds(D::time_product(device, precision).as_secs_f64());
    Ceiling { rate: operations::of_product(rows, inner, outer).in_time(time), shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::Cpu;

    #[test]
    fn a_ceiling_is_a_speed() {
        let rate = ceiling(&Cpu::default(), Precision::F32).rate;
        assert!(rate > OperationRate(1e8) && rate < OperationRate(1e15), "{rate}");
    }
}
