//! The latent states between the steps of a training. They lie as the last step left them, part by part; the next step may be cut into
//! other parts, which take theirs from wherever they lie. What no part takes any more is dropped at once, so that a step that is cut like
//! the last one holds no state twice.

use std::collections::VecDeque;
use std::ops::Range;

use crate::model::{Carry, Inputs, Model};
use crate::ops::Operations;
use crate::ops::Segments;

/// The latent states of one part.
#[derive(Clone, Debug)]
pub struct Latent<D: Operations> {
    /// The slots, neighbours, that they belong to.
    pub slots: Range<usize>,
    /// A segment for each slot.
    pub segments: Segments,
    /// The states.
    pub carry: Carry<D>,
}

impl<D: Operations> Latent<D> {
    /// Those of two neighbouring parts as of one.
    fn followed_by(self, next: &Self) -> Self {
        let lengths = [self.segments.lengths(), next.segments.lengths()].concat();
        let carry = self.carry.followed_by(next.carry.clone());
        Self { slots: self.slots.start..next.slots.end, segments: Segments::new(lengths), carry }
    }
}

/// The latent states of all slots that this rank computes, in order.
#[derive(Clone, Debug)]
pub struct Latents<D: Operations> {
    parts: VecDeque<Latent<D>>,
}

impl<D: Operations> Latents<D> {
    /// No states: all slots begin.
    pub fn none() -> Self {
        Self { parts: VecDeque::new() }
    }

    /// Adds the states of the next slots.
    pub fn push(&mut self, latent: Latent<D>) {
        assert!(self.parts.back().is_none_or(|last| last.slots.end == latent.slots.start), "parts are neighbours");
        self.parts.push_back(latent);
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &Latent<D>> {
        self.parts.iter()
    }

    /// Drops the parts that have no slot from `slot` on.
    pub fn drop_before(&mut self, slot: usize) {
        while self.parts.front().is_some_and(|part| part.slots.end <= slot) {
            self.parts.pop_front();
        }
    }

    /// The states with which these slots, neighbours, go on; `begins` says which of them start anew instead.
    ///
    /// # Shapes
    /// begins `[B]` -> carry `[N, D]` over the segments of `inputs`.
    pub fn of(&self, model: &Model<D>, inputs: &Inputs<D>, slots: Range<usize>, begins: &[bool]) -> Carry<D> {
        let meets = |part: &&Latent<D>| part.slots.start < slots.end && slots.start < part.slots.end;
        let mut parts = self.parts.iter().filter(meets);
        let first = parts.next().filter(|_| begins.contains(&false));
        let Some(first) = first else { return model.start(inputs) };
        let before = parts.fold(first.clone(), Latent::followed_by);
        let source = |(slot, &begins): (usize, &bool)| (!begins).then(|| slot - before.slots.start);
        let sources: Vec<Option<usize>> = slots.zip(begins).map(source).collect();
        model.continue_with(before.carry, &before.segments, &inputs.segments, &sources)
    }
}

#[cfg(test)]
mod tests {
    use dfdx::prelude::{Cpu, TensorFromVec};

    use super::*;
    use crate::model::{Config, Example};
    use crate::rng::Stream;

    /// Slots have 2, 3, 4, 2 and 3 tokens; token t of slot s has the state 10 s + t, and its negative for z_L.
    const TOKENS: [usize; 5] = [2, 3, 4, 2, 3];

    fn states(slots: Range<usize>) -> Vec<f32> {
        slots.flat_map(|slot| (0..TOKENS[slot]).map(move |token| (10 * slot + token) as f32)).collect()
    }

    fn latent(slots: Range<usize>) -> Latent<Cpu> {
        let z = |sign: f32| {
            let values: Vec<f32> = states(slots.clone()).into_iter().flat_map(|state| [sign * state; 2]).collect();
            let rows = values.len() / 2;
            Cpu::default().tensor_from_vec(values, (rows, 2))
        };
        let segments = Segments::new(TOKENS[slots.clone()].to_vec());
        let carry = Carry { states: vec![z(1.0), z(-1.0)] };
        Latent { slots, segments, carry }
    }

    #[test]
    fn a_part_takes_its_states_from_wherever_they_lie() {
        let config = Config { hidden: 2, heads: 1, layers: 1, prefix: 1, puzzle_width: 2, ..Config::arc() };
        let model = Model::new(config, &Cpu::default(), &mut Stream::new(0, "weights")).unwrap();
        let [init_h, init_l] = [0, 1].map(|state| model.weights.inits[state].as_vec());
        let mut latents = Latents::none();
        [0..2, 2..3, 3..5].into_iter().for_each(|slots| latents.push(latent(slots)));

        let check = |latents: &Latents<Cpu>, slots: Range<usize>, begins: &[bool]| {
            // one token is the prefix's
            let cells: Vec<(Vec<u8>, Vec<u16>)> =
                TOKENS[slots.clone()].iter().map(|tokens| (vec![2; tokens - 1], vec![0; tokens - 1])).collect();
            let examples = cells.iter().map(|(cells, positions)| Example { cells, positions });
            let inputs = Inputs::new(&model, &examples.collect::<Vec<_>>());
            let carry = latents.of(&model, &inputs, slots.clone(), begins);
            let expected = |init: &[f32], sign: f32| -> Vec<f32> {
                let rows = |(slot, begins): (usize, &bool)| match begins {
                    true => init.repeat(TOKENS[slot]),
                    false => states(slot..slot + 1).iter().flat_map(|state| [sign * state; 2]).collect(),
                };
                slots.clone().zip(begins).flat_map(rows).collect()
            };
            assert_eq!(carry.states[0].as_vec(), expected(&init_h, 1.0), "{slots:?}");
            assert_eq!(carry.states[1].as_vec(), expected(&init_l, -1.0), "{slots:?}");
        };
        check(&latents, 0..5, &[false; 5]);
        check(&latents, 1..4, &[false, true, false]);
        check(&latents, 2..3, &[false]);
        check(&latents, 1..3, &[true, true]);
        latents.drop_before(3);
        assert_eq!(latents.parts().count(), 1);
        check(&latents, 3..5, &[true, false]);
        check(&latents, 4..5, &[false]);
        check(&Latents::none(), 0..2, &[true, true]);
    }
}
