//! Sums of states: `z + a (+ b)`, in place where no gradient is asked for.

#[cfg(feature = "cuda")]
pub(super) mod cuda;

use dfdx::prelude::*;
use rayon::prelude::*;

use super::bridge;
use crate::clock::{Part, time};
use crate::device::{Compute, Matrix};
use crate::kernels::lanes;

/// Numbers that one task adds up.
const CHUNK: usize = 1 << 15;

/// `z + a + b` in plain dfdx.
///
/// # Shapes
/// all `[N, D]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(z: Matrix<D, T>, others: &[&Matrix<D>]) -> Matrix<D, T> {
    others.iter().fold(z, |sum, &other| sum + other.clone())
}

/// The same on the CPU, in one pass.
pub(super) fn cpu<T: Tape<f32, Cpu>>(z: Matrix<Cpu, T>, others: &[&Matrix<Cpu>]) -> Matrix<Cpu, T> {
    let (mut z, mut tape) = z.split_tape();
    if !T::OWNS_TAPE {
        for other in others {
            add(bridge::values_mut(&mut z), bridge::values(other));
        }
        return z.put_tape(tape);
    }
    let mut sum = bridge::copied(&z);
    for other in others {
        add(&mut sum, bridge::values(other));
    }
    let result = bridge::matrix(z.device(), sum, *z.shape());
    let (ghost, mut parts) = (result.clone(), vec![z]);
    parts.extend(others.iter().map(|&other| other.clone()));
    tape.add_backward_op(move |gradients| {
        let gradient = bridge::take(gradients, &ghost)?;
        for part in &parts {
            let mut to = bridge::take(gradients, part)?;
            add(&mut to, &gradient);
            bridge::give(gradients, part, to)?;
        }
        Ok(())
    });
    result.put_tape(tape)
}

fn add(to: &mut [f32], from: &[f32]) {
    assert_eq!(to.len(), from.len(), "states of one size");
    to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK)).for_each(|(to, from)| {
        time(Part::Other, || lanes::add(to, from));
    });
}
