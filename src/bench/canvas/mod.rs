//! Real canvases: one supervision step forward over demonstrations of a task set, on tight canvases and on full boards.
//!
//! Every input of a training pair is an example; some are taken, spread evenly over the set, the same for each canvas. They keep
//! their order and are packed into batches by tokens, as solving packs its views. The batches run one after another, all threads
//! inside each. The canvases take turns, one pass each, so that a machine whose speed changes is unfair to neither; of each the best
//! pass counts. The weights are random and the boards real. Drawing and packing are not timed, the step is.
//!
//! Check, then time: a small model steps over a few of these very boards, packed and one by one.

mod report;

use std::ops::Range;
use std::time::{Duration, Instant};

use dfdx::prelude::Cpu;

use crate::bench::BenchError;
use crate::bench::ceiling;
use crate::bench::check::{BATCH, check_work, small};
use crate::bench::operations::of_step;
use crate::bench::run::{SEED, check_room, warm_up};
use crate::bench::work::{Sample, Work, model, row};
use crate::device::Precision;
use crate::encode::{self, Canvas, Offset};
use crate::grid::{Grid, MAX_SIDE};
use crate::model::{Config, Mixer, Model, pack};
use crate::ops::{Inside, Operations};
use crate::rng::Stream;
use crate::task::{Pair, Task, TaskSet};
use crate::units::Seconds;
pub use report::{Measured, Report};

/// Demonstrations that are taken unless another number is asked for.
pub const EXAMPLES: usize = 64;

/// Tokens of a batch unless another number is asked for: four full boards of the paper's model.
pub const TOKENS_PER_BATCH: usize = 4 * (16 + MAX_SIDE * MAX_SIDE);

/// What to time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The model; its cells are those of the full board, whatever is said here.
    pub config: Config,
    /// The number type of products.
    pub precision: Precision,
    /// Threads; as many as the program has without it.
    pub threads: Option<usize>,
    /// Timed passes on each canvas; at least 1.
    pub runs: usize,
    /// Demonstrations; all where the set has no more.
    pub examples: usize,
    /// Tokens of a batch; an example that has more is a batch of its own.
    pub tokens_per_batch: usize,
    /// The canvases, in the order of their turns.
    pub canvases: Vec<Canvas>,
}

/// A demonstration and the task that says how large its canvas is.
type Shown<'a> = (&'a Task, &'a Pair);

/// The examples of a pass.
struct Boards {
    canvas: Canvas,
    samples: Vec<Sample>,
    batches: Vec<Range<usize>>,
}

/// Checks that a model takes the canvases.
///
/// # Errors
/// [`BenchError::TightTokenMlp`].
pub fn check_canvases(config: &Config, canvases: &[Canvas]) -> Result<(), BenchError> {
    match config.mixer == Mixer::TokenMlp && canvases.contains(&Canvas::Tight) {
        true => Err(BenchError::TightTokenMlp),
        false => Ok(()),
    }
}

/// Checks and times the demonstrations of a set.
///
/// # Errors
/// [`BenchError`].
pub fn run<D: Operations>(plan: Plan, set: &TaskSet, device: &D) -> Result<Report, BenchError> {
    plan.config.check()?;
    check_canvases(&plan.config, &plan.canvases)?;
    D::precision(Some(plan.precision), false)?;
    let config = Config { cells: MAX_SIDE * MAX_SIDE, ..plan.config };
    let threads = plan.threads.unwrap_or_else(rayon::current_num_threads);
    let plan = Plan { config, ..plan };
    let all = plan.examples as f64 * plan.config.board_tokens() as f64;
    check_room(&plan.config, all.min(plan.tokens_per_batch.max(plan.config.board_tokens()) as f64), None, device)?;
    D::on_threads(Inside::CRATE, threads, || measure(plan, set, device, threads))?
}

fn measure<D: Operations>(plan: Plan, set: &TaskSet, device: &D, threads: usize) -> Result<Report, BenchError> {
    let of_task = |task| move |pair| (task, pair);
    let all: Vec<Shown> = set.tasks.iter().flat_map(|task| task.train.iter().map(of_task(task))).collect();
    let shown = spread(&all, plan.examples);
    if shown.is_empty() {
        return Err(BenchError::NoDemonstrations(set.name.clone()));
    }
    let mut logits = 0.0f32;
    for &canvas in &plan.canvases {
        logits = logits.max(check(&plan, canvas, &spread(&shown, BATCH), device)?);
    }
    let mut model = model(plan.config.clone(), device, SEED)?;
    model.precision = plan.precision;
    let boards: Vec<Boards> = plan.canvases.iter().map(|&canvas| Boards::new(canvas, &shown, &plan)).collect();
    let before = ceiling(device, plan.precision);
    for boards in &boards {
        warm_up(&boards.work(&model, &boards.batches[0]), false)?;
    }
    let mut measured: Vec<_> = boards.iter().map(|boards| boards.unmeasured(&plan.config)).collect();
    for _ in 0..plan.runs {
        for (boards, measured) in boards.iter().zip(&mut measured) {
            measured.passes.push(boards.pass(&model));
        }
    }
    measured.iter_mut().for_each(|measured| measured.passes.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let after = ceiling(device, plan.precision);
    let ceiling = before.or_faster(after);
    let device = device.in_words();
    Ok(Report { tasks: set.name.clone(), device, demonstrations: all.len(), threads, logits, ceiling, measured, plan })
}

/// As many of these as are asked for, or all, at even distances.
fn spread<T: Copy>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    (0..count).map(|number| all[number * all.len() / count]).collect()
}

/// How far a small model's logits of these are from another way to compute them.
fn check<D: Operations>(plan: &Plan, canvas: Canvas, shown: &[Shown], device: &D) -> Result<f32, BenchError> {
    let config = Config { cells: plan.config.cells, ..small(&plan.config) };
    let samples = samples(canvas, shown, &config);
    let same = Work::of(model(config.clone(), &Cpu::default(), SEED)?, samples.clone());
    let work = Work::of(model(config, device, SEED)?, samples);
    Ok(check_work(work, &same, plan.precision, false)?.logits)
}

/// The demonstrations on a canvas, each with a random puzzle row, the same on every canvas.
fn samples(canvas: Canvas, shown: &[Shown], config: &Config) -> Vec<Sample> {
    let mut stream = Stream::new(SEED, "bench rows");
    let mut sample = |&(task, pair): &Shown| {
        let extent = canvas.extent(task, &pair.input);
        let draw =
            |grid: &Grid| encode::draw(grid, extent, Offset::default()).expect("a canvas holds its demonstration");
        let (input, output) = (draw(&pair.input), draw(&pair.output));
        let labels = encode::labels(&output);
        Sample { cells: input.cells, positions: input.positions, labels, row: row(config, &mut stream) }
    };
    shown.iter().map(&mut sample).collect()
}

impl Boards {
    fn new(canvas: Canvas, shown: &[Shown], plan: &Plan) -> Self {
        let samples = samples(canvas, shown, &plan.config);
        let lengths = samples.iter().map(|sample| plan.config.prefix + sample.cells.len());
        let batches = pack(lengths, plan.tokens_per_batch);
        Self { canvas, samples, batches }
    }

    /// What is known before the first pass.
    fn unmeasured(&self, config: &Config) -> Measured {
        let cells = || self.samples.iter().map(|sample| sample.cells.len());
        let of_example = |cells| of_step(&Config { cells, ..config.clone() }, 1, false);
        Measured {
            canvas: self.canvas,
            examples: self.samples.len(),
            tokens: cells().map(|cells| config.prefix + cells).sum(),
            batches: self.batches.len(),
            operations: cells().map(of_example).sum(),
            passes: Vec::new(),
        }
    }

    fn work<D: Operations>(&self, model: &Model<D>, batch: &Range<usize>) -> Work<D> {
        Work::of(model.clone(), self.samples[batch.clone()].to_vec())
    }

    /// The time of a first supervision step of every batch.
    fn pass<D: Operations>(&self, model: &Model<D>) -> Seconds {
        let mut time = Duration::ZERO;
        for batch in &self.batches {
            let work = self.work(model, batch);
            let carry = work.start();
            let begun = Instant::now();
            drop(work.forward(carry));
            model.device().synchronize();
            time += begun.elapsed();
        }
        time.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;
    use crate::units::Operations as Count;

    fn plan() -> Plan {
        let config = Config { hidden: 8, heads: 2, prefix: 1, puzzle_width: 8, h_cycles: 1, ..Config::arc() };
        Plan {
            config: Config { l_cycles: 1, ..config },
            precision: Precision::F32,
            threads: Some(1),
            runs: 2,
            examples: 5,
            tokens_per_batch: 2000,
            canvases: vec![Canvas::Tight, Canvas::Board],
        }
    }

    #[test]
    fn what_is_taken_is_spread_evenly_and_never_twice() {
        assert_eq!(spread(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3), [0, 3, 6]);
        assert_eq!(spread(&[0, 1, 2], 2), [0, 1]);
        assert_eq!(spread(&[0, 1, 2], 7), [0, 1, 2]);
        assert!(spread(&[0; 0], 7).is_empty());
    }

    #[test]
    fn the_same_demonstrations_are_timed_on_both_canvases() {
        let set = task::load("arc-agi-1/evaluation").unwrap();
        let report = run(plan(), &set, &Cpu::default()).unwrap();
        let [tight, board] = report.measured.as_slice() else { panic!("two canvases") };
        assert_eq!((tight.canvas, board.canvas), (Canvas::Tight, Canvas::Board));
        assert_eq!((tight.examples, board.examples), (5, 5));
        assert_eq!((board.tokens, board.batches), (5 * 901, 3), "two boards fit into a batch");
        assert!(tight.tokens < board.tokens && tight.batches <= board.batches);
        assert_eq!(board.operations, of_step(&Config { cells: 900, ..plan().config }, 5, false));
        assert!(tight.operations < board.operations && tight.operations > Count(0));
        assert!(report.measured.iter().all(|one| one.passes.len() == 2 && one.passes.is_sorted()));
    }

    #[test]
    fn an_example_is_the_same_on_every_canvas_but_for_its_room() {
        let set = task::load("arc-agi-1/evaluation").unwrap();
        let shown: Vec<Shown> = set.tasks[..9].iter().map(|task| (task, &task.train[0])).collect();
        let of = |canvas| samples(canvas, &shown, &plan().config);
        let (tight, board) = (of(Canvas::Tight), of(Canvas::Board));
        assert!(tight.iter().any(|sample| sample.cells.len() < 200));
        for (tight, board) in tight.iter().zip(&board) {
            assert_eq!((board.cells.len(), &tight.row), (900, &board.row));
            for ((cell, label), &position) in tight.cells.iter().zip(&tight.labels).zip(&tight.positions) {
                let place = usize::from(position);
                assert_eq!((cell, label), (&board.cells[place], &board.labels[place]));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let set = TaskSet { name: "mine".into(), tasks: Vec::new() };
        let refused = |plan| run(plan, &set, &Cpu::default()).unwrap_err().to_string();
        assert_eq!(refused(plan()), "mine has no demonstrations");
        let config = Config { mixer: Mixer::TokenMlp, ..plan().config };
        assert!(refused(Plan { config, ..plan() }).contains("--canvas board"));
        assert!(refused(Plan { config: Config { heads: 3, ..plan().config }, ..plan() }).contains("3 heads"));
    }
}
