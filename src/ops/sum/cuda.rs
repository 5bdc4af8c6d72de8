//! Sums of states on CUDA, in one pass that also writes the bfloat16 copy for the first product of the pass; in the place of z where no
//! gradient is asked for.

use std::sync::Arc;

use dfdx::prelude::*;

use super::Addend;
use crate::device::Matrix;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place, slope, take};

/// See [`super::composed`].
pub(in crate::ops) fn cuda<T: Tape<f32, Cuda>>(
    z: Matrix<Cuda, T>,
    learns: bool,
    others: &[Addend<Cuda>],
) -> Matrix<Cuda, T> {
    let [first, rest @ ..] = others else { return z };
    assert!(rest.len() <= 1, "a state takes one or two others");
    let (z, mut tape) = z.split_tape();
    let context = Context::of(z.device());
    let count = z.shape().0 * z.shape().1;
    let sum = if T::OWNS_TAPE { z.device().zeros_like(z.shape()) } else { z.clone() };
    let twin = Arc::new(context.allocate(2 * count));
    launch!(context, Sum, "sum_states", Launch::threads_for(count, 4);
        Address address(&z), Address address(first.state()), Address rest.first().map_or(0, |other| address(other.state())),
        Address address(&sum), Address place(&*twin), Long count as i64);
    context.keep_twin(&sum, Some(twin));
    if !T::OWNS_TAPE {
        return sum.put_tape(tape);
    }
    let ghost = sum.clone();
    let mut parts: Vec<Matrix<Cuda>> = others.iter().filter_map(|other| other.learned()).cloned().collect();
    parts.extend(learns.then_some(z));
    tape.add_backward_op(move |gradients| {
        let gradient = take(gradients, &ghost)?;
        for part in &parts {
            add_to(context, slope(gradients, part)?, place(&gradient), count);
        }
        Ok(())
    });
    sum.put_tape(tape)
}

/// `to += from`, so many numbers.
pub(in crate::ops) fn add_to(context: &Context, to: u64, from: u64, count: usize) {
    launch!(context, Sum, "add_to", Launch::threads_for(count, 4); Address to, Address from, Long count as i64);
}

/// See [`crate::ops::Operations::add_in_order`].
pub(in crate::ops) fn add_in_order(sums: &mut [Option<Matrix<Cuda>>], parts: &[Vec<Option<Matrix<Cuda>>>]) -> bool {
    let Some(context) = sums.iter().flatten().next().map(|sum| Context::of(sum.device())) else { return true };
    let largest = context.zeros::<u32>(1);
    for (i, sum) in sums.iter().enumerate() {
        let Some(sum) = sum else { continue };
        let count = sum.shape().0 * sum.shape().1;
        for part in parts.iter().filter_map(|part| part[i].as_ref()) {
            add_to(context, address(sum), address(part), count);
        }
        // a thread looks at some 16 numbers
        launch!(context, Sum, "largest_size", Launch::threads_for(count, 16);
            Address address(sum), Long count as i64, Address place(&largest));
    }
    context.download(&largest)[0] < f32::INFINITY.to_bits()
}
