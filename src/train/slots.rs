//! `Slots`: one part of the batch. A slot holds an example until it halts, then takes the next one and starts anew.

use rayon::prelude::*;

use super::{Gradient, Losses, supervise};
use crate::dataset::{Drawn, ExampleRef, Sampler, TrainingSet};
use crate::device::Compute;
use crate::model::{Carry, Example, Inputs, Model};
use crate::ops::Segments;
use crate::optim::{RowGradients, add_in_order};
use crate::rng::Stream;

/// An example in flight.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Which example.
    pub example: ExampleRef,
    /// The example as it is learned.
    pub drawn: Drawn,
    /// Supervision steps so far.
    pub steps: usize,
    /// Where its latent state lies in the carry; `None` when it begins.
    pub source: Option<usize>,
}

/// One part of the batch.
#[derive(Clone, Debug)]
pub struct Slots<D: Compute> {
    /// The slots; an empty one takes the next example.
    pub slots: Vec<Option<Slot>>,
    /// The latent states after the last step, with the segments they lie in.
    pub carry: Option<(Segments, Carry<D>)>,
}

/// What a part's supervision step gives.
struct PartStep {
    losses: Losses,
    gradient: Gradient,
    answers: Vec<(bool, f32)>,
}

/// What a supervision step of the whole batch gives: the sums over its parts.
#[derive(Default)]
pub(super) struct BatchStep {
    pub(super) losses: Losses,
    /// For each tensor of the trunk; empty for the two that are never trained.
    pub(super) trunk: Vec<Vec<f32>>,
    trunk_is_finite: bool,
    pub(super) rows: RowGradients,
    /// For each part and slot: is its answer exact, and the halting logit.
    pub(super) answers: Vec<Vec<(bool, f32)>>,
}

impl BatchStep {
    /// Adds the next part, all but its trunk's gradient, which it returns. Its examples have these puzzle rows of `width` numbers.
    fn add(&mut self, part: PartStep, rows: &[usize], width: usize) -> Vec<Vec<f32>> {
        self.losses.cross_entropy += part.losses.cross_entropy;
        self.losses.halting += part.losses.halting;
        for (row, gradient) in rows.iter().zip(part.gradient.rows.chunks(width)) {
            self.rows.add(*row, gradient);
        }
        self.answers.push(part.answers);
        part.gradient.trunk
    }

    /// Adds the trunk's gradients of the next parts, in one pass over all of them.
    fn add_trunks(&mut self, parts: Vec<Vec<Vec<f32>>>) {
        let mut parts = parts.into_iter();
        if self.trunk.is_empty() {
            self.trunk = parts.next().unwrap_or_default();
        }
        let parts: Vec<_> = parts.collect();
        let of_tensor = |i: usize| parts.iter().map(|part| part[i].as_slice()).collect::<Vec<_>>();
        let tensors = self.trunk.par_iter_mut().enumerate();
        let finite = tensors.map(|(i, sums)| add_in_order(sums, &of_tensor(i)));
        self.trunk_is_finite = finite.reduce(|| true, |a, b| a && b);
    }

    /// True while loss and gradients are numbers. The cross entropy alone does not tell: dfdx's comparisons take a logit that is no
    /// number for 0.
    pub(super) fn is_finite(&self) -> bool {
        let losses = self.losses.halting.is_finite() && self.losses.cross_entropy.is_finite();
        losses && self.rows.is_finite() && self.trunk_is_finite
    }
}

impl<D: Compute> Slots<D> {
    /// Slots that wait for their first examples.
    pub fn new(count: usize) -> Self {
        Self { slots: vec![None; count], carry: None }
    }

    /// Gives every empty slot the next example.
    pub(super) fn fill(&mut self, set: &TrainingSet, sampler: &mut Sampler) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_none()) {
            let example = sampler.next(set);
            *slot = Some(Slot { example, drawn: set.draw(example), steps: 0, source: None });
        }
    }

    fn filled(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|slot| slot.as_ref().expect("slots are filled before a step"))
    }

    /// The puzzle rows of the slots.
    fn rows(&self) -> Vec<usize> {
        self.filled().map(|slot| slot.drawn.row).collect()
    }

    /// One supervision step of all slots, which must be filled.
    fn step(&mut self, model: &Model<D>, table: &[f32], whole_batch: usize) -> PartStep {
        let width = model.config.puzzle_width;
        let examples: Vec<Example<'_>> = self
            .filled()
            .map(|slot| Example { cells: &slot.drawn.input.cells, positions: &slot.drawn.input.positions })
            .collect();
        let inputs = Inputs::new(model, &examples);
        let rows = self.rows().iter().flat_map(|row| &table[row * width..(row + 1) * width]).copied().collect();
        let labels: Vec<&[Option<u8>]> = self.filled().map(|slot| slot.drawn.labels.as_slice()).collect();
        let sources: Vec<Option<usize>> = self.filled().map(|slot| slot.source).collect();
        let carry = match &self.carry {
            None => model.start(&inputs),
            Some((before, carry)) => model.continue_with(carry.clone(), before, &inputs.segments, &sources),
        };
        let result = supervise(model, &inputs, rows, &labels, carry, whole_batch);
        let answers = result.exact.iter().zip(&result.answers).map(|(&exact, answer)| (exact, answer.halt_logit));
        let answers = answers.collect();
        self.carry = Some((inputs.segments, result.carry));
        for (index, slot) in self.slots.iter_mut().flatten().enumerate() {
            slot.steps += 1;
            slot.source = Some(index);
        }
        PartStep { losses: result.losses, gradient: result.gradient, answers }
    }

    /// Empties the slots that halt: at `most` steps, or when the halting logit is above 0 unless exploration makes the
    /// slot go on. Returns (steps, exact) of each that halted.
    pub(super) fn halt(
        &mut self,
        answers: &[(bool, f32)],
        most: usize,
        exploration: f64,
        stream: &mut Stream,
    ) -> Vec<(usize, bool)> {
        let mut halted = Vec::new();
        for (slot, &(exact, halt_logit)) in self.slots.iter_mut().zip(answers) {
            let steps = slot.as_ref().map_or(0, |slot| slot.steps);
            // drawn at every step of every slot, as the published training does, whether it is needed or not
            let explores = stream.unit() < exploration;
            let least = if most > 1 { 2 + stream.below(most - 1) } else { 1 };
            let goes_on = explores && steps < least;
            if steps >= most || (halt_logit > 0.0 && !goes_on) {
                halted.push((steps, exact));
                *slot = None;
            }
        }
        halted
    }
}

/// One supervision step of all parts, as many side by side as there are threads. They are added up in their order, so the
/// sums do not depend on the threads, and only the gradients of one wave are held at a time.
pub(super) fn step_all<D: Compute>(
    parts: &mut [Slots<D>],
    model: &Model<D>,
    table: &[f32],
    whole_batch: usize,
) -> BatchStep {
    let mut sum = BatchStep::default();
    for wave in parts.chunks_mut(rayon::current_num_threads()) {
        let steps: Vec<PartStep> = wave.par_iter_mut().map(|part| part.step(model, table, whole_batch)).collect();
        let width = model.config.puzzle_width;
        let trunks = wave.iter().zip(steps).map(|(part, step)| sum.add(step, &part.rows(), width)).collect();
        sum.add_trunks(trunks);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Drawing, Offset};
    use dfdx::prelude::Cpu;

    fn slots(steps: &[usize]) -> Slots<Cpu> {
        let slot = |&steps: &usize| {
            let example = ExampleRef { group: 0, variant: 0, pair: 0, offset: Offset::default() };
            let input = Drawing { cells: vec![2], positions: vec![0] };
            Some(Slot { example, drawn: Drawn { row: 1, input, labels: vec![None] }, steps, source: Some(0) })
        };
        Slots { slots: steps.iter().map(slot).collect(), carry: None }
    }

    #[test]
    fn slots_halt_when_they_are_sure_or_out_of_steps() {
        let mut part = slots(&[1, 1, 4, 3]);
        let answers = [(true, 0.1), (true, 0.0), (false, -9.0), (false, 2.0)];
        let halted = part.halt(&answers, 4, 0.0, &mut Stream::new(0, "exploration"));
        assert_eq!(halted, [(1, true), (4, false), (3, false)], "halting is above 0, not from 0");
        assert_eq!(part.slots.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[test]
    fn exploration_keeps_a_sure_slot_going_but_never_past_the_end() {
        let mut stream = Stream::new(0, "exploration");
        let mut kept = 0;
        for _ in 0..1000 {
            let mut part = slots(&[1, 3, 4]);
            part.halt(&[(true, 5.0); 3], 4, 1.0, &mut stream);
            assert!(part.slots[2].is_none());
            assert!(part.slots[0].is_some(), "at least 2 steps");
            kept += usize::from(part.slots[1].is_some());
        }
        assert!((270..400).contains(&kept), "one of 2, 3, 4 is above 3: {kept} of 1000");
    }
}
