//! `Work`: the fixed work. A model with random weights, and a batch of random boards, labels and puzzle rows.
//!
//! The numbers are drawn as `tests/oracle/trm_torch.py` draws them, so that both time the same work: weights of deviation
//! `1 / sqrt(columns)`, first states of deviation 1, 100 puzzle rows of deviation 0.5, cells and labels of any kind, 30% of the
//! labels ignored. They come from another generator, so the numbers themselves differ.

use dfdx::prelude::{NoneTape, Tensor};

use crate::model::{Carry, Config, ConfigError, Example, Inputs, Model, Spec, Step};
use crate::ops::Operations;
use crate::rng::Stream;
use crate::train::{self, Supervision};

/// Puzzle rows to draw an example's from.
const PUZZLES: usize = 100;

/// The share of the labels that are ignored.
const IGNORED: f64 = 0.3;

/// One example.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The kind of each cell, `[S]`.
    pub cells: Vec<u8>,
    /// The place of each cell on the full board, `[S]`.
    pub positions: Vec<u16>,
    /// What each cell is to become, `[S]`; `None` where it does not matter.
    pub labels: Vec<Option<u8>>,
    /// Its puzzle row, `[puzzle_width]`.
    pub row: Vec<f32>,
}

/// A model and a batch for it.
#[derive(Clone, Debug)]
pub struct Work<D: Operations> {
    /// The model.
    pub model: Model<D>,
    /// The packed batch.
    pub inputs: Inputs<D>,
    samples: Vec<Sample>,
}

impl<D: Operations> Work<D> {
    /// The work of a seed: `batch` full boards.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: Config, batch: usize, device: &D, seed: u64) -> Result<Self, ConfigError> {
        let model = model(config, device, seed)?;
        let mut stream = Stream::new(seed, "bench batch");
        let samples = samples(&model.config, batch, &mut stream);
        Ok(Self::of(model, samples))
    }

    /// These examples as one batch.
    pub(super) fn of(model: Model<D>, samples: Vec<Sample>) -> Self {
        let examples: Vec<_> =
            samples.iter().map(|sample| Example { cells: &sample.cells, positions: &sample.positions }).collect();
        let inputs = Inputs::new(&model, &examples);
        Self { model, inputs, samples }
    }

    /// Each example as work of its own, on the same model.
    pub fn one_by_one(&self) -> impl Iterator<Item = Self> {
        self.samples.iter().map(|sample| Self::of(self.model.clone(), vec![sample.clone()]))
    }

    /// B, the examples.
    pub fn batch(&self) -> usize {
        self.samples.len()
    }

    /// The carry before the first step.
    pub fn start(&self) -> Carry<D> {
        self.model.start(&self.inputs)
    }

    /// One supervision step forward, without a tape.
    pub fn forward(&self, carry: Carry<D>) -> Step<D, NoneTape> {
        self.model.supervise::<NoneTape>(&self.inputs, self.model.rows(self.rows()), carry)
    }

    /// One supervision step with its loss and every gradient, as a part of `whole_batch` examples.
    pub fn train(&self, carry: Carry<D>, whole_batch: usize) -> Supervision<D> {
        let labels: Vec<&[Option<u8>]> = self.samples.iter().map(|sample| sample.labels.as_slice()).collect();
        train::supervise(&self.model, &self.inputs, self.rows(), &labels, carry, None, whole_batch)
    }

    /// The logits of the cells, `[B * S * V]`: the rows of prefix tokens mean nothing.
    pub fn cell_logits(&self, logits: &Tensor<(usize, usize), f32, D>) -> Vec<f32> {
        let (all, config) = (logits.as_vec(), &self.model.config);
        let (vocabulary, prefix) = (config.vocabulary, config.prefix);
        let cells = |range: std::ops::Range<usize>| &all[(range.start + prefix) * vocabulary..range.end * vocabulary];
        self.inputs.segments.ranges().flat_map(cells).copied().collect()
    }

    fn rows(&self) -> Vec<f32> {
        self.samples.iter().flat_map(|sample| &sample.row).copied().collect()
    }
}

/// The random model of a seed.
pub(super) fn model<D: Operations>(config: Config, device: &D, seed: u64) -> Result<Model<D>, ConfigError> {
    let mut stream = Stream::new(seed, "bench weights");
    Model::build(config, device, |spec| Ok(weights(spec, &mut stream)))
}

/// Random values of a tensor. Those of [`Model::new`] would leave the halting head at zero.
fn weights(spec: &Spec, stream: &mut Stream) -> Vec<f32> {
    let (_, columns) = spec.matrix_shape();
    let deviation = match spec.name.as_str() {
        name if name.ends_with("_init") => 1.0,
        "q_head.bias" => 0.3,
        _ => 1.0 / (columns as f64).sqrt(),
    };
    (0..spec.len()).map(|_| (stream.normal() * deviation) as f32).collect()
}

/// A random puzzle row.
pub(super) fn row(config: &Config, stream: &mut Stream) -> Vec<f32> {
    (0..config.puzzle_width).map(|_| (0.5 * stream.normal()) as f32).collect()
}

fn samples(config: &Config, batch: usize, stream: &mut Stream) -> Vec<Sample> {
    let table: Vec<Vec<f32>> = (0..PUZZLES).map(|_| row(config, stream)).collect();
    let kind = |stream: &mut Stream| stream.below(config.vocabulary) as u8;
    let mut sample = || Sample {
        cells: (0..config.cells).map(|_| kind(stream)).collect(),
        positions: (0..=u16::MAX).take(config.cells).collect(),
        labels: (0..config.cells).map(|_| Some(kind(stream)).filter(|_| stream.unit() >= IGNORED)).collect(),
        row: table[stream.below(PUZZLES)].clone(),
    };
    (0..batch).map(|_| sample()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::Cpu;

    fn work(seed: u64) -> Work<Cpu> {
        let config = Config { hidden: 8, heads: 2, cells: 50, prefix: 2, puzzle_width: 8, ..Config::arc() };
        Work::new(config, 20, &Cpu::default(), seed).unwrap()
    }

    #[test]
    fn a_seed_is_one_work() {
        let (a, again, b) = (work(0), work(0), work(1));
        let logits = |work: &Work<Cpu>| work.cell_logits(&work.forward(work.start()).logits);
        assert_eq!(logits(&a), logits(&again));
        assert_ne!(logits(&a), logits(&b));
        assert_eq!(logits(&a).len(), 20 * 50 * 12);
    }

    #[test]
    fn boards_and_labels_are_of_every_kind_and_some_labels_are_ignored() {
        let work = work(0);
        let (cells, labels): (Vec<_>, Vec<_>) =
            work.samples.iter().map(|sample| (sample.cells.clone(), sample.labels.clone())).unzip();
        let (cells, labels) = (cells.concat(), labels.concat());
        assert!((0..12).all(|kind| cells.contains(&kind) && labels.contains(&Some(kind))));
        let ignored = labels.iter().filter(|label| label.is_none()).count() as f64 / labels.len() as f64;
        assert!((ignored - IGNORED).abs() < 0.06, "{ignored}");
        assert!(work.model.weights.halt.as_vec().iter().all(|&weight| weight != 0.0));
    }
}
