//! The sum of the gradients of a batch's parts, and whether it is one.

use dfdx::prelude::Cpu;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{CHUNK, bridge};
use crate::device::Matrix;
use crate::kernels::dispatch;

/// See [`Operations::add_in_order`](super::Operations::add_in_order); on the CPU, all tensors side by side.
pub(super) fn cpu(sums: &mut [Option<Matrix<Cpu>>], parts: &[Vec<Option<Matrix<Cpu>>>]) -> bool {
    let tensors = sums.par_iter_mut().enumerate().filter_map(|(i, sum)| sum.as_mut().map(|sum| (i, sum)));
    let finite = tensors.map(|(i, sum)| {
        let parts: Vec<&[f32]> = parts.iter().filter_map(|part| part[i].as_ref()).map(bridge::values).collect();
        add_in_order(bridge::values_mut(sum), &parts)
    });
    finite.reduce(|| true, |a, b| a && b)
}

/// `sums[i] += parts[0][i]`, then `parts[1][i]` and so on in their order, in one pass over all of them. Returns true while every sum is a
/// finite number; what is none in one part is none in the sum.
///
/// # Shapes
/// sums `[n]`, every part `[n]`.
fn add_in_order(sums: &mut [f32], parts: &[&[f32]]) -> bool {
    assert!(parts.iter().all(|part| part.len() == sums.len()), "all parts have one length");
    let largest = sums
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(number, sums)| dispatch(Chunk { sums, parts, start: number * CHUNK }));
    largest.max().is_none_or(|largest| largest < f32::INFINITY.to_bits())
}

/// A piece of the sums, which begins at `start`.
struct Chunk<'a> {
    sums: &'a mut [f32],
    parts: &'a [&'a [f32]],
    start: usize,
}

impl WithSimd for Chunk<'_> {
    /// The bits of the largest size: those of NaN are above those of infinity, and those above all numbers'.
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let Self { sums, parts, start } = self;
        for part in parts {
            sums.iter_mut().zip(&part[start..]).for_each(|(sum, value)| *sum += value);
        }
        sums.iter().fold(0, |largest, sum| largest.max(sum.abs().to_bits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_in_their_order() {
        let length = CHUNK + 3;
        let part = |scale: f32| -> Vec<f32> { (0..length).map(|i| scale * (i as f32).sin()).collect() };
        let (first, parts) = (part(1.0), [part(1e-4), part(-1.0), part(3e3)]);
        let mut sums = first.clone();
        assert!(add_in_order(&mut sums, &parts.each_ref().map(Vec::as_slice)));
        for (i, sum) in sums.iter().enumerate() {
            assert_eq!(sum.to_bits(), (((first[i] + parts[0][i]) + parts[1][i]) + parts[2][i]).to_bits());
        }
        assert!(add_in_order(&mut [], &[]));
    }

    #[test]
    fn what_is_no_number_is_found_wherever_it_stands() {
        for fault in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 17, CHUNK, CHUNK + 2] {
                let (mut sums, mut part) = (vec![1.0; CHUNK + 3], vec![f32::MAX; CHUNK + 3]);
                assert!(add_in_order(&mut sums, &[]));
                part[place] = fault;
                assert!(!add_in_order(&mut sums, &[&part]), "{fault} at {place}");
                assert!(!add_in_order(&mut sums, &[]), "{fault} at {place}");
            }
        }
        assert!(!add_in_order(&mut [f32::MAX], &[&[f32::MAX]]), "a sum that is too large");
    }
}
