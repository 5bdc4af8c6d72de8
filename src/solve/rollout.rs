//! `ModelSolver`: a trained model as a solver. Each test input is seen through the variants that the checkpoint has a row
//! for, and where its recipe permutes colours in the grids, each variant under several permutations; every view is rolled out over the
//! supervision steps, read off its canvas and taken back.
//!
//! A test output is never looked at. A task without a row gets no prediction. Views are packed into batches by a budget of tokens,
//! so the answers depend neither on the number of threads nor on the other tasks.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dfdx::prelude::NoneTape;

use super::room::{check_room, tokens_at_once};
use crate::augment::Augmentation;
use crate::dataset::Movable;
use crate::device::DeviceError;
use crate::encode::{self, Drawing, Extent, Offset};
use crate::files::FileError;
use crate::model::{Answer, Example, Inputs, pack};
use crate::ops::{Inside, Operations};
use crate::prediction::{Prediction, Solved, Solver};
use crate::recipe::{RecipeError, TaskData, Trained};
use crate::task::Task;

/// The views of the task at hand, for those who watch: some tasks take hours.
#[derive(Debug, Default)]
pub struct Views {
    /// All of them.
    pub all: AtomicUsize,
    /// Those that are answered.
    pub answered: AtomicUsize,
}

/// Where the rounds after the first begin, by the number of a view.
const ROUNDS: [usize; 3] = [1, 8, 64];

/// A trained model that solves.
pub struct ModelSolver<D: Operations> {
    trained: Trained<D>,
    views: usize,
    steps: usize,
    tokens_per_batch: usize,
    watched: Arc<Views>,
    in_rounds: bool,
}

/// One test input through one variant.
struct View {
    test: usize,
    /// True for the first of its test input: its answers after the earlier steps are kept, to be looked at.
    is_first: bool,
    row: usize,
    augmentation: Augmentation,
    drawing: Drawing,
    extent: Extent,
}

impl<D: Operations> ModelSolver<D> {
    /// A solver with at most `views` views of each test input and `steps` supervision steps.
    ///
    /// # Errors
    /// [`RecipeError::NoTasks`] of a model that was trained on puzzles.
    pub fn new(trained: Trained<D>, views: usize, steps: usize) -> Result<Self, RecipeError> {
        trained.recipe.tasks()?;
        Ok(Self {
            trained,
            views,
            steps,
            tokens_per_batch: D::TOKENS_PER_BATCH,
            watched: Arc::default(),
            in_rounds: false,
        })
    }

    /// The same solver with batches of at most this many tokens; a view that has more is a batch of its own. More tokens take more memory.
    /// The answers are the same but for the rounding of sums.
    pub fn with_tokens_per_batch(self, tokens_per_batch: usize) -> Self {
        Self { tokens_per_batch, ..self }
    }

    /// The same solver in rounds: first a view of each test input, then up to 8, up to 64, and all. The answers are the same to the bit.
    pub fn in_rounds(self) -> Self {
        Self { in_rounds: true, ..self }
    }

    /// Makes sure that there is room for the answers to each of these tasks, before the first.
    ///
    /// # Errors
    /// [`DeviceError::NoRoom`].
    pub fn check_room(&self, tasks: &[Task]) -> Result<(), DeviceError> {
        let TaskData { canvas, .. } = *self.trained.recipe.data.tasks().expect("new found tasks there");
        let prefix = self.trained.model.config.prefix;
        let at_once = |task: &Task| {
            let views = self.most_views(task);
            let lengths: Vec<usize> =
                task.test.iter().map(|test| prefix + canvas.extent(task, &test.input).cells()).collect();
            tokens_at_once::<D>(
                views.saturating_mul(lengths.iter().sum::<usize>()),
                self.tokens_per_batch,
                lengths.into_iter().max().unwrap_or(0),
            )
        };
        check_room(&self.trained.model, tasks.iter().map(at_once).max().unwrap_or(0))
    }

    /// Bound of the views of each test input, told without a search for them.
    fn most_views(&self, task: &Task) -> usize {
        let TaskData { colours, .. } = *self.trained.recipe.data.tasks().expect("new found tasks there");
        let rows = self.trained.identifiers.of_task(&task.id).len();
        let looks = Movable::of(task, colours).most_looks(task, self.views.div_ceil(rows.max(1)));
        self.views.min(rows.saturating_mul(looks))
    }

    /// How far it is with the task at hand.
    pub fn watched(&self) -> Arc<Views> {
        self.watched.clone()
    }

    /// The views that come together, by their numbers.
    fn view_ranges(&self) -> Vec<Range<usize>> {
        let starts: Vec<usize> = [0].into_iter().chain(ROUNDS).filter(|start| *start < self.views).collect();
        let ends = starts.iter().skip(1).copied().chain([self.views]);
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    fn views(&self, task: &Task, range: Range<usize>) -> Vec<View> {
        let rows = self.trained.identifiers.of_task(&task.id);
        let TaskData { canvas, colours, .. } = *self.trained.recipe.data.tasks().expect("new found tasks there");
        let looks_of = |views: usize| views.div_ceil(rows.len().max(1));
        let looks = Movable::of(task, colours).first_looks(task, looks_of(self.views), looks_of(range.end));
        // all rows with the colours as they are come first
        let seen = || looks.iter().flat_map(|look| rows.iter().map(|&(row, variant)| (row, variant.after(*look))));
        let view = |test: usize, (place, (row, augmentation)): (usize, (usize, Augmentation))| {
            let input = &task.test[test].input;
            let extent = canvas.extent(task, input).turned(augmentation.dihedral);
            let drawing = encode::draw(&augmentation.apply(input), extent, Offset::default());
            let drawing = drawing.expect("a canvas holds its input");
            View { test, is_first: place == 0, row, augmentation, drawing, extent }
        };
        let tests = 0..task.test.len();
        let range = &range;
        let seen = || seen().enumerate().take(range.end).skip(range.start);
        tests.flat_map(|test| seen().map(move |seen| view(test, seen))).collect()
    }

    /// The answers of a batch after each step, `[steps][views]`, those before the last where a view wants them; `None` when there was no time
    /// for all.
    fn roll_out(
        &self,
        views: &[View],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Vec<Vec<Answer>>>, FileError> {
        let model = &self.trained.model;
        let drawings = views.iter().map(|view| &view.drawing);
        let examples: Vec<_> =
            drawings.map(|drawing| Example { cells: &drawing.cells, positions: &drawing.positions }).collect();
        let inputs = Inputs::new(model, &examples);
        let rows: Vec<Vec<f32>> =
            views.iter().map(|view| self.trained.table.row(view.row)).collect::<Result<_, _>>()?;
        let rows = rows.concat();
        let mut carry = model.start(&inputs);
        let mut answers = Vec::new();
        let are_watched = views.iter().any(|view| view.is_first);
        for step in 1..=self.steps {
            if stop() {
                return Ok(None);
            }
            let result = model.supervise::<NoneTape>(&inputs, model.rows(rows.clone()), carry);
            if are_watched || step == self.steps {
                answers.push(result.answers(model, &inputs));
            }
            carry = result.carry;
        }
        Ok(Some(answers))
    }
}

impl View {
    /// What the answers after each step, of which this view's is at `place`, come to.
    fn prediction(&self, task: &Task, answers: &[Vec<Answer>], place: usize) -> Prediction {
        let grid = |answer: &Answer| encode::read(&answer.cells, self.extent).map(|grid| self.augmentation.undo(&grid));
        let (last, before) = answers.split_last().expect("there is at least one step");
        Prediction {
            task: task.id.clone(),
            test: self.test,
            augmentation: self.augmentation.to_string(),
            grid: grid(&last[place]),
            halt: last[place].halting_probability(),
            earlier: before.iter().filter(|_| self.is_first).map(|answers| grid(&answers[place])).collect(),
        }
    }
}

impl<D: Operations> Solver for ModelSolver<D> {
    fn name(&self) -> &str {
        "trm"
    }

    fn rounds(&self) -> usize {
        if self.in_rounds { self.view_ranges().len() } else { 1 }
    }

    fn solve_round(&mut self, task: &Task, round: usize, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        let ranges = self.view_ranges();
        self.answer(task, if self.in_rounds { &ranges[round..=round] } else { &ranges }, stop)
    }

    fn solve(&mut self, task: &Task, stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        self.answer(task, &self.view_ranges(), stop)
    }
}

impl<D: Operations> ModelSolver<D> {
    /// The predictions of the views in these ranges, by test input.
    fn answer(&self, task: &Task, ranges: &[Range<usize>], stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        // a piece of the views at a time, so that what they take of memory and of time before the next look at the clock is bounded
        let most = self.most_views(task);
        let pieces: Vec<Range<usize>> = ranges.iter().flat_map(|range| pieces(range, most)).collect();
        let of_task = |range: &Range<usize>| range.len() * task.test.len();
        self.watched.answered.store(0, Ordering::Relaxed);
        self.watched.all.store(pieces.iter().map(of_task).sum(), Ordering::Relaxed);
        let mut predictions: Vec<Prediction> = Vec::new();
        for pieces in pieces.chunk_by(|_, next| next.end <= PIECE) {
            if stop() {
                break;
            }
            predictions.extend(self.answer_piece(task, pieces, stop)?);
        }
        predictions.sort_by_key(|prediction| prediction.test);
        Ok(predictions)
    }

    fn answer_piece(&self, task: &Task, ranges: &[Range<usize>], stop: &(dyn Fn() -> bool + Sync)) -> Solved {
        let tokens = |view: &View| self.trained.model.config.prefix + view.drawing.cells.len();
        let (mut views, mut batches) = (Vec::new(), Vec::new());
        for range in ranges {
            // a batch stays within its range: the rounding of its answers is then the same whatever ranges come together
            let start = views.len();
            views.extend(self.views(task, range.clone()));
            let packed = pack(views[start..].iter().map(tokens), self.tokens_per_batch);
            batches.extend(packed.into_iter().map(|batch| start + batch.start..start + batch.end));
        }
        let answer = |batch: &Range<usize>| {
            let batch = &views[batch.clone()];
            let answers = self.roll_out(batch, stop)?;
            self.watched.answered.fetch_add(batch.len(), Ordering::Relaxed);
            Ok(answers.map(|answers| (batch, answers)))
        };
        let answered =
            D::side_by_side(Inside::CRATE, &batches, answer).into_iter().collect::<Result<Vec<_>, FileError>>()?;
        let predictions = |(batch, answers): (&[View], Vec<Vec<Answer>>)| {
            let all = batch.iter().enumerate().map(|(place, view)| view.prediction(task, &answers, place));
            all.collect::<Vec<_>>()
        };
        Ok(answered.into_iter().flatten().flat_map(predictions).collect())
    }
}

/// Views of a test input that are drawn together.
const PIECE: usize = 2048;

/// The pieces of a range of views, as far as there are so many.
fn pieces(range: &Range<usize>, most: usize) -> Vec<Range<usize>> {
    let end = range.end.min(most);
    (range.start..end).step_by(PIECE).map(|start| start..end.min(start + PIECE)).collect()
}
