//! `Slots`: the batch. A slot holds an example until it halts, then takes the next one and starts anew.

use std::ops::Range;

use super::latent::{Latent, Latents};
use super::{Gradient, Losses, supervise};
use crate::dataset::{Drawn, ExampleRef, Sampler, TrainingSet};
use crate::device::Matrix;
use crate::model::{Example, Inputs, Model};
use crate::ops::{Inside, Operations};
use crate::optim::RowGradients;
use crate::ranks::Ranks;
use crate::recipe::Cut;
use crate::rng::Stream;

/// An example in flight.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Which example.
    pub example: ExampleRef,
    /// The example as it is learned.
    pub drawn: Drawn,
    /// Supervision steps so far; at 0 its latent state begins.
    pub steps: usize,
}

impl Slot {
    /// True when the step that it is about to take is the last of so many.
    fn is_at_last(&self, most: usize) -> bool {
        self.steps + 1 >= most
    }
}

/// The batch.
#[derive(Clone, Debug)]
pub struct Slots<D: Operations> {
    /// The slots; an empty one takes the next example.
    pub slots: Vec<Option<Slot>>,
    /// The latent states after the last step, of this rank's share of the slots.
    pub latents: Latents<D>,
}

/// What a part's supervision step gives.
struct PartStep<D: Operations> {
    latent: Latent<D>,
    losses: Losses,
    gradient: Gradient<D>,
    answers: Vec<(bool, f32)>,
}

/// What a supervision step of the whole batch gives: the sums over its parts, and over the ranks.
pub(super) struct BatchStep<D: Operations> {
    pub(super) losses: Losses,
    /// For each tensor of the trunk; `None` for those that are never trained.
    pub(super) trunk: Vec<Option<Matrix<D>>>,
    pub(super) trunk_is_finite: bool,
    /// For each slot the gradient of its puzzle row, `[B * puzzle_width]`.
    pub(super) slot_rows: Vec<f32>,
    /// The same, summed by row.
    pub(super) rows: RowGradients,
    /// For each slot: is its answer exact, and what speaks for halting.
    pub(super) answers: Vec<(bool, f32)>,
}

impl<D: Operations> BatchStep<D> {
    pub(super) fn new() -> Self {
        let (losses, rows) = (Losses::default(), RowGradients::default());
        let (trunk, slot_rows, answers) = (Vec::new(), Vec::new(), Vec::new());
        Self { losses, trunk, trunk_is_finite: true, slot_rows, rows, answers }
    }

    /// Adds the next part, all but its trunk's gradient.
    fn add(&mut self, part: &PartStep<D>) {
        self.losses.cross_entropy += part.losses.cross_entropy;
        self.losses.halting += part.losses.halting;
        self.slot_rows.extend_from_slice(&part.gradient.rows);
        self.answers.extend_from_slice(&part.answers);
    }

    /// Adds the trunk's gradients of the next parts, in one pass over all of them.
    fn add_trunks(&mut self, parts: Vec<Vec<Option<Matrix<D>>>>) {
        let mut parts = parts.into_iter();
        if self.trunk.is_empty() {
            self.trunk = parts.next().unwrap_or_default();
        }
        self.trunk_is_finite = D::add_in_order(&mut self.trunk, &parts.collect::<Vec<_>>());
    }

    /// True while loss and gradients are numbers. The cross entropy alone does not tell: dfdx's comparisons take a logit that is no
    /// number for 0.
    pub(super) fn is_finite(&self) -> bool {
        let losses = self.losses.halting.is_finite() && self.losses.cross_entropy.is_finite();
        losses && self.rows.is_finite() && self.trunk_is_finite
    }
}

impl<D: Operations> Slots<D> {
    /// Slots that wait for their first examples.
    pub fn new(count: usize) -> Self {
        Self { slots: vec![None; count], latents: Latents::none() }
    }

    /// Gives every empty slot the next example.
    pub(super) fn fill(&mut self, set: &TrainingSet, sampler: &mut Sampler) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_none()) {
            let example = sampler.next(set);
            *slot = Some(Slot { example, drawn: set.draw(example), steps: 0 });
        }
    }

    /// The tokens of all slots that are filled.
    pub(super) fn tokens(&self, prefix: usize) -> usize {
        self.slots.iter().flatten().map(|slot| prefix + slot.drawn.labels.len()).sum()
    }

    fn filled(&self, part: Range<usize>) -> impl Iterator<Item = &Slot> {
        self.slots[part].iter().map(|slot| slot.as_ref().expect("slots are filled before a step"))
    }

    /// One supervision step of all slots, which must be filled: this rank's share part by part, as many side by side as suit the
    /// device. The parts are added up in their order, so the sums do not depend on that, and only the gradients of one wave are held
    /// at a time. The shares of all ranks are added up after that. `most` is the most steps of a slot where going on is learned too.
    pub(super) fn step(
        &mut self,
        model: &Model<D>,
        table: &[f32],
        cut: Cut,
        most: Option<usize>,
        ranks: &dyn Ranks,
    ) -> BatchStep<D> {
        let prefix = model.config.prefix;
        let share = ranks.share(self.slots.len());
        assert!(!share.is_empty(), "there is a slot for each rank");
        let tokens: Vec<usize> = self.filled(share.clone()).map(|slot| prefix + slot.drawn.labels.len()).collect();
        let mut sum = BatchStep::new();
        let mut latents = Latents::none();
        for wave in cut.parts(&tokens).chunks(D::parts_at_once()) {
            let step = |part: &Range<usize>| {
                self.step_of(share.start + part.start..share.start + part.end, model, table, most)
            };
            let steps = D::side_by_side(Inside::CRATE, wave, step);
            let mut trunks = Vec::with_capacity(steps.len());
            for step in steps {
                sum.add(&step);
                self.latents.drop_before(step.latent.slots.end);
                latents.push(step.latent);
                trunks.push(step.gradient.trunk);
            }
            sum.add_trunks(trunks);
        }
        self.latents = latents;
        sum.exchange(ranks);
        let gradients = sum.slot_rows.chunks(model.config.puzzle_width);
        self.filled(0..self.slots.len())
            .zip(gradients)
            .for_each(|(slot, gradient)| sum.rows.add(slot.drawn.row, gradient));
        self.slots.iter_mut().flatten().for_each(|slot| slot.steps += 1);
        sum
    }

    fn step_of(&self, part: Range<usize>, model: &Model<D>, table: &[f32], most: Option<usize>) -> PartStep<D> {
        let width = model.config.puzzle_width;
        let slots: Vec<&Slot> = self.filled(part.clone()).collect();
        let inputs = slots.iter().map(|slot| &slot.drawn.input);
        let examples: Vec<Example<'_>> =
            inputs.map(|input| Example { cells: &input.cells, positions: &input.positions }).collect();
        let inputs = Inputs::new(model, &examples);
        let row = |slot: &&Slot| &table[slot.drawn.row * width..(slot.drawn.row + 1) * width];
        let rows = slots.iter().flat_map(row).copied().collect();
        let labels: Vec<&[Option<u8>]> = slots.iter().map(|slot| slot.drawn.labels.as_slice()).collect();
        let begins: Vec<bool> = slots.iter().map(|slot| slot.steps == 0).collect();
        let carry = self.latents.of(model, &inputs, part.clone(), &begins);
        let lasts: Option<Vec<bool>> = most.map(|most| slots.iter().map(|slot| slot.is_at_last(most)).collect());
        let result = supervise(model, &inputs, rows, &labels, carry, lasts.as_deref(), self.slots.len());
        let answers = result.exact.into_iter().zip(result.halts).collect();
        let latent = Latent { slots: part, segments: inputs.segments, carry: result.carry };
        PartStep { latent, losses: result.losses, gradient: result.gradient, answers }
    }

    /// Empties the slots that halt: at `most` steps, or when what speaks for halting is above 0 unless exploration makes the
    /// slot go on. Returns (steps, exact) of each that halted.
    pub(super) fn halt(
        &mut self,
        answers: &[(bool, f32)],
        most: usize,
        exploration: f64,
        stream: &mut Stream,
    ) -> Vec<(usize, bool)> {
        let mut halted = Vec::new();
        for (slot, &(exact, halts)) in self.slots.iter_mut().zip(answers) {
            let steps = slot.as_ref().map_or(0, |slot| slot.steps);
            // drawn at every step of every slot, as the published training does, whether it is needed or not
            let explores = stream.unit() < exploration;
            let least = if most > 1 { 2 + stream.below(most - 1) } else { 1 };
            let goes_on = explores && steps < least;
            if steps >= most || (halts > 0.0 && !goes_on) {
                halted.push((steps, exact));
                *slot = None;
            }
        }
        halted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PuzzleExample;
    use crate::encode::Drawing;
    use dfdx::prelude::Cpu;

    fn slots(steps: &[usize]) -> Slots<Cpu> {
        let slot = |&steps: &usize| {
            let example = ExampleRef::Puzzle(PuzzleExample { puzzle: 0, variant: 0 });
            let input = Drawing { cells: vec![2], positions: vec![0] };
            Some(Slot { example, drawn: Drawn { row: 1, input, labels: vec![None] }, steps })
        };
        Slots { slots: steps.iter().map(slot).collect(), latents: Latents::none() }
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
    fn the_last_step_is_the_one_after_which_a_slot_halts_whatever_it_says() {
        let mut part = slots(&[0, 1, 2, 3]);
        let lasts: Vec<bool> = part.filled(0..4).map(|slot| slot.is_at_last(3)).collect();
        assert_eq!(lasts, [false, false, true, true]);
        part.slots.iter_mut().flatten().for_each(|slot| slot.steps += 1);
        part.halt(&[(false, -1.0); 4], 3, 0.0, &mut Stream::new(0, "exploration"));
        assert_eq!(part.slots.iter().map(Option::is_none).collect::<Vec<_>>(), lasts);
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
