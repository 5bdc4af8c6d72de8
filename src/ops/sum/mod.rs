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

/// What is added to a state.
#[derive(Debug)]
pub enum Addend<'a, D: Compute> {
    /// Its gradient is wanted.
    Learned(&'a Matrix<D>),
    /// Nobody reads its gradient, so it gets none.
    Detached(&'a Matrix<D>),
}

impl<'a, D: Compute> Addend<'a, D> {
    fn state(&self) -> &'a Matrix<D> {
        let (Self::Learned(state) | Self::Detached(state)) = self;
        state
    }

    /// Itself, where its gradient is wanted.
    fn learned(&self) -> Option<&'a Matrix<D>> {
        match self {
            Self::Learned(state) => Some(state),
            Self::Detached(_) => None,
        }
    }
}

/// `z + a + b` in plain dfdx. The gradient of what is detached is computed like every other one.
///
/// # Shapes
/// all `[N, D]`.
pub fn composed<D: Compute, T: Tape<f32, D>>(z: Matrix<D, T>, others: &[Addend<D>]) -> Matrix<D, T> {
    others.iter().fold(z, |sum, other| sum + other.state().clone())
}

/// The same on the CPU, in one pass.
pub(super) fn cpu<T: Tape<f32, Cpu>>(z: Matrix<Cpu, T>, learns: bool, others: &[Addend<Cpu>]) -> Matrix<Cpu, T> {
    let (mut z, mut tape) = z.split_tape();
    if !T::OWNS_TAPE {
        for other in others {
            add(bridge::values_mut(&mut z), bridge::values(other.state()));
        }
        return z.put_tape(tape);
    }
    let mut sum = bridge::copied(&z);
    for other in others {
        add(&mut sum, bridge::values(other.state()));
    }
    let result = bridge::matrix(z.device(), sum, *z.shape());
    let ghost = result.clone();
    let mut parts: Vec<Matrix<Cpu>> = others.iter().filter_map(|other| other.learned()).cloned().collect();
    parts.extend(learns.then_some(z));
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
