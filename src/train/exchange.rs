//! What the ranks of a training give each other: after every step the sums of their shares of the batch, for a checkpoint their latent
//! states.
//!
//! All that decides the next step is the same on every rank afterwards. The shares are added in the order of the ranks, as one rank adds
//! its parts: two ranks of one part each give the bits of one rank of two parts.

use super::Losses;
use super::latent::{Latent, Latents};
use super::slots::BatchStep;
use crate::ops::Operations;
use crate::ranks::{Ranks, floats};

const FLOAT: usize = size_of::<f32>();
const LOSSES: usize = 2 * size_of::<f64>();

impl<D: Operations> BatchStep<D> {
    /// Makes of the step of this rank's share that of the whole batch.
    pub(super) fn exchange(&mut self, ranks: &dyn Ranks) {
        if ranks.count() == 1 {
            return;
        }
        D::sum_over(&mut self.trunk, ranks);
        // A sum may be too large where no share is.
        self.trunk_is_finite = D::add_in_order(&mut self.trunk, &[]);
        let shares = ranks.gather(&self.share_bytes());
        (self.losses, self.answers, self.slot_rows) = Default::default();
        shares.iter().for_each(|share| self.add_share(share));
    }

    /// How many slots, the losses, for each slot (exact, what speaks for halting), then the gradients of the puzzle rows.
    fn share_bytes(&self) -> Vec<u8> {
        let Losses { cross_entropy, halting } = self.losses;
        let exact = |exact: bool| f32::from(u8::from(exact));
        let answers: Vec<f32> = self.answers.iter().flat_map(|&(right, logit)| [exact(right), logit]).collect();
        let mut bytes = (self.answers.len() as u64).to_ne_bytes().to_vec();
        bytes.extend_from_slice(bytemuck::bytes_of(&[cross_entropy, halting]));
        bytes.extend_from_slice(bytemuck::cast_slice(&answers));
        bytes.extend_from_slice(bytemuck::cast_slice(&self.slot_rows));
        bytes
    }

    fn add_share(&mut self, bytes: &[u8]) {
        let (slots, rest) = number(bytes);
        let (losses, rest) = rest.split_at(LOSSES);
        let [cross_entropy, halting]: [f64; 2] = bytemuck::pod_read_unaligned(losses);
        self.losses.cross_entropy += cross_entropy;
        self.losses.halting += halting;
        let (answers, rows) = rest.split_at(slots * 2 * FLOAT);
        self.answers.extend(floats(answers).chunks_exact(2).map(|answer| (answer[0] != 0.0, answer[1])));
        self.slot_rows.extend(floats(rows));
    }
}

/// The latent states of one part as a checkpoint has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostLatent {
    /// The tokens of each slot.
    pub lengths: Vec<usize>,
    /// For each state `[N, D]` in row order.
    pub states: Vec<Vec<f32>>,
}

impl HostLatent {
    /// Those of all `slots` slots on rank 0; none on the others.
    pub fn gather<D: Operations>(latents: &Latents<D>, slots: usize, ranks: &dyn Ranks) -> Vec<Self> {
        let here: Vec<Self> = latents.parts().map(Self::of).collect();
        let held: usize = here.iter().map(|part| part.lengths.len()).sum();
        // Before its first step after a resumption every rank has those of all slots.
        if ranks.count() == 1 || held == slots {
            return here;
        }
        let bytes = here.iter().flat_map(Self::to_bytes).collect();
        drop(here);
        ranks.gather_at_first(bytes).iter().flat_map(|bytes| Self::all_of(bytes)).collect()
    }

    fn of<D: Operations>(Latent { segments, carry, .. }: &Latent<D>) -> Self {
        Self { lengths: segments.lengths().to_vec(), states: carry.states.iter().map(D::numbers).collect() }
    }

    /// How many slots and their lengths, how many states and numbers of each, and the numbers.
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.states.first().map_or(0, Vec::len);
        debug_assert!(self.states.iter().all(|state| state.len() == numbers));
        let counts = [&[self.lengths.len()], self.lengths.as_slice(), &[self.states.len(), numbers]].concat();
        let mut bytes: Vec<u8> = counts.into_iter().flat_map(|count| (count as u64).to_ne_bytes()).collect();
        self.states.iter().for_each(|state| bytes.extend_from_slice(bytemuck::cast_slice(state)));
        bytes
    }

    fn all_of(bytes: &[u8]) -> Vec<Self> {
        let (mut parts, mut bytes) = (Vec::new(), bytes);
        let next = |bytes: &mut &[u8]| {
            let (number, rest) = number(bytes);
            *bytes = rest;
            number
        };
        while !bytes.is_empty() {
            let slots = next(&mut bytes);
            let lengths = (0..slots).map(|_| next(&mut bytes)).collect();
            let (states, numbers) = (next(&mut bytes), next(&mut bytes));
            let (values, rest) = bytes.split_at(states * numbers * FLOAT);
            bytes = rest;
            parts.push(Self { lengths, states: values.chunks_exact(numbers * FLOAT).map(floats).collect() });
        }
        parts
    }
}

/// The number that bytes begin with, and what follows it.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let (number, rest) = bytes.split_at(size_of::<u64>());
    (bytemuck::pod_read_unaligned::<u64>(number) as usize, rest)
}

#[cfg(test)]
mod tests {
    use dfdx::prelude::{Cpu, TensorFromVec};

    use super::*;
    use crate::device::Matrix;
    use crate::ranks::Threads;

    fn matrix(row: [f32; 2]) -> Matrix<Cpu> {
        Cpu::default().tensor_from_vec(row.to_vec(), (1, 2))
    }

    #[test]
    fn a_step_is_put_together_in_the_order_of_the_slots() {
        let steps = Threads::run(3, |ranks| {
            let slots: Vec<f32> = ranks.share(7).map(|slot| slot as f32).collect();
            let mut step = BatchStep {
                losses: Losses { cross_entropy: slots.len() as f64, halting: 0.25 },
                trunk: vec![Some(matrix([slots[0], 1.0])), None],
                slot_rows: slots.iter().flat_map(|slot| [*slot, -slot]).collect(),
                answers: slots.iter().map(|slot| (slot % 2.0 == 0.0, *slot)).collect(),
                ..BatchStep::new()
            };
            step.exchange(ranks);
            assert!(step.is_finite() && step.trunk[1].is_none());
            let trunk = step.trunk[0].as_ref().map(|sum| sum.as_vec());
            (step.losses, trunk, step.answers, step.slot_rows)
        });
        for (losses, trunk, answers, slot_rows) in steps {
            assert_eq!(losses, Losses { cross_entropy: 7.0, halting: 0.75 });
            assert_eq!(trunk.unwrap(), [6.0, 3.0], "shares begin at 0, 2 and 4");
            assert_eq!(answers, [0, 1, 2, 3, 4, 5, 6].map(|slot| (slot % 2 == 0, slot as f32)));
            assert_eq!(slot_rows[8..12], [4.0, -4.0, 5.0, -5.0]);
        }
    }

    #[test]
    fn a_sum_that_is_too_large_is_found_on_every_rank() {
        let finite = Threads::run(2, |ranks| {
            let mut step = BatchStep { trunk: vec![Some(matrix([f32::MAX, 0.0]))], ..BatchStep::new() };
            step.exchange(ranks);
            step.is_finite()
        });
        assert_eq!(finite, [false, false]);
    }

    #[test]
    fn latent_states_are_told_and_understood() {
        let part = |length: usize| HostLatent {
            lengths: vec![length, 1],
            states: vec![(0..2 * (length + 1)).map(|i| i as f32).collect(), vec![-0.5; 2 * (length + 1)]],
        };
        let parts = [part(3), part(1)];
        assert_eq!(HostLatent::all_of(&parts.iter().flat_map(HostLatent::to_bytes).collect::<Vec<_>>()), parts);
        assert!(HostLatent::all_of(&[]).is_empty());
    }
}
