//! The promise: a training that was stopped and resumed is, bit for bit, the training that never stopped; the number of
//! threads changes nothing; and what is trained can be solved with.

mod smallest;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use dfdx::prelude::Cpu;
use smallest::{advance, begin, recipe, recipe_of_scales};
use trm_arc::augment::PuzzleView;
use trm_arc::checkpoint::CheckpointError;
use trm_arc::dataset::Sizes;
use trm_arc::device::Precision;
use trm_arc::encode::vocabulary_of;
use trm_arc::model::{Config, Local, Mixer, specs};
use trm_arc::optim::Optimizer;
use trm_arc::prediction::Solver;
use trm_arc::puzzle::{self, Kind, Wish};
use trm_arc::ranks::Alone;
use trm_arc::recipe::{Data, Generated, Halting, PuzzleData, PuzzleSource, Recipe, RecipeError, Trained, Trunk};
use trm_arc::solve::ModelSolver;
use trm_arc::task;
use trm_arc::train::{Ending, Progress, TrainError, Trainer, Training, train};

fn run(recipe: Option<Recipe>, resume: Option<&Path>, output: &Path) -> Result<Ending, TrainError> {
    let stop = AtomicBool::new(false);
    let resume = resume.map(Path::to_owned);
    let training = Training {
        recipe,
        resume,
        output: output.to_owned(),
        precision: Precision::F32,
        time_limit: None,
        stop: &stop,
        ranks: &Alone,
    };
    train(training, &Cpu::default(), |_| ()).map(|outcome| outcome.ending)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn assert_same(a: &Trainer<Cpu>, b: &Trainer<Cpu>) {
    assert_eq!((a.step, a.examples), (b.step, b.examples));
    assert_eq!(bits(a.table()), bits(b.table()), "the puzzle tables differ");
    for (a, b) in a.trunk().iter().zip(&b.trunk()) {
        assert_eq!(bits(a), bits(b), "the trunks differ");
    }
}

/// The same with grids of many sizes and its batch cut by tokens, so that parts move from step to step.
fn recipe_by_tokens(steps: usize) -> Recipe {
    let mut recipe = recipe(steps);
    recipe
        .data
        .tasks_mut()
        .unwrap()
        .sources
        .iter_mut()
        .for_each(|source| (source.largest_side, source.sizes) = (6, Sizes::Any));
    (recipe.training.parts, recipe.training.tokens_per_batch) = (None, Some(75));
    recipe
}

/// A model whose blocks mix neighbouring cells.
fn recipe_of_neighbours(steps: usize) -> Recipe {
    let mut recipe = recipe(steps);
    recipe.model.local = Local::Depthwise3x3;
    recipe
}

/// Puzzles of one kind and side instead of tasks.
fn recipe_of_puzzles(steps: usize, kind: Kind, side: usize, mixer: Mixer) -> Recipe {
    let recipe = recipe(steps);
    let source = PuzzleSource::Generated(Generated { count: 20, seed: 0, least_rating: None, least_clues: None });
    let variants = PuzzleView::most_variants(kind).unwrap_or(100);
    let data = Data::Puzzles(PuzzleData { kind, side, variants, source });
    let (vocabulary, cells) = (vocabulary_of(kind, side), side * side);
    Recipe { data, model: Config { vocabulary, cells, mixer, ..recipe.model.clone() }, ..recipe }
}

fn muon() -> Trunk {
    let optimizer =
        Optimizer::Muon { learning_rate: 0.02, momentum: 0.95, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
    Trunk { learning_rate: 3e-4, optimizer }
}

fn nor_muon() -> Trunk {
    let (learning_rate, momentum, row_beta) = (0.02, 0.95, 0.9);
    let optimizer =
        Optimizer::NorMuon { learning_rate, momentum, row_beta, beta_1: 0.9, beta_2: 0.95, weight_decay: 0.1 };
    Trunk { learning_rate: 3e-4, optimizer }
}

#[test]
fn a_resumed_training_is_bitwise_the_one_that_never_stopped() {
    resumes_bitwise(recipe);
}

#[test]
fn and_so_it_is_when_its_batch_is_cut_by_tokens() {
    resumes_bitwise(recipe_by_tokens);
}

#[test]
fn and_so_it_is_with_muon() {
    resumes_bitwise(|steps| Recipe { trunk: muon(), ..recipe(steps) });
}

#[test]
fn and_so_it_is_with_nor_muon() {
    resumes_bitwise(|steps| Recipe { trunk: nor_muon(), ..recipe(steps) });
}

#[test]
fn and_so_it_is_where_neighbours_are_mixed() {
    resumes_bitwise(recipe_of_neighbours);
}

#[test]
fn and_so_it_is_of_sudoku_and_mazes() {
    resumes_bitwise(|steps| recipe_of_puzzles(steps, Kind::Sudoku, 4, Mixer::TokenMlp));
    resumes_bitwise(|steps| recipe_of_puzzles(steps, Kind::Maze, 7, Mixer::Attention));
}

#[test]
fn a_training_is_not_resumed_with_another_table_than_it_began_with() {
    let place = tempfile::tempdir().unwrap();
    let (table, folder) = (place.path().join("a.csv"), place.path().join("run"));
    let wish = Wish::new(Kind::Sudoku, Some(4), None).unwrap();
    puzzle::write(&table, &wish.puzzles(0, 9, &|| false).unwrap()).unwrap();
    let mut recipe = recipe_of_puzzles(4, Kind::Sudoku, 4, Mixer::TokenMlp);
    let source = PuzzleSource::Table { file: table.to_str().unwrap().to_owned(), take: Some(5) };
    recipe.data = Data::Puzzles(PuzzleData { kind: Kind::Sudoku, side: 4, variants: 0, source });
    let mut trainer = Trainer::new(recipe.clone(), &Cpu::default()).unwrap();
    assert_eq!(trainer.set().pairs(), 5);
    advance(&mut trainer, 1);
    trainer.save(&folder, 0.0).unwrap();
    Trainer::resume(&folder, &Cpu::default()).unwrap();
    puzzle::write(&table, &wish.puzzles(1, 9, &|| false).unwrap()).unwrap();
    let fault = |folder: &Path| Trainer::resume(folder, &Cpu::default()).map(drop).unwrap_err().to_string();
    assert!(fault(&folder).contains("not what it was trained with"), "{}", fault(&folder));
    puzzle::write(&table, &Wish::new(Kind::Maze, Some(5), None).unwrap().puzzles(0, 9, &|| false).unwrap()).unwrap();
    assert!(
        fault(&folder).contains("a.csv: its puzzles are maze 5 x 5, and Sudoku 4 x 4 is asked for"),
        "{}",
        fault(&folder)
    );
}

#[test]
fn and_so_it_is_with_several_states_and_with_q_learning() {
    resumes_bitwise(recipe_of_scales);
    resumes_bitwise(|steps| {
        let mut recipe = recipe(steps);
        recipe.training.halting = Halting::HaltAndContinue;
        recipe
    });
}

fn resumes_bitwise(recipe: fn(usize) -> Recipe) {
    let place = tempfile::tempdir().unwrap();
    let mut whole = begin(recipe(12));
    let reports: Vec<_> = (0..12).map(|_| whole.advance().unwrap()).collect();
    assert!(whole.table().iter().any(|value| *value != 0.0), "the rows were never moved");
    let halted = |step: usize| reports[step].halted.len();
    assert!((1..4).contains(&halted(4)), "at the stop some slots have halted and others go on: {reports:?}");
    assert!(reports.iter().flat_map(|report| &report.halted).any(|(steps, _)| *steps == 1));
    assert!(reports.iter().flat_map(|report| &report.halted).any(|(steps, _)| *steps > 1));

    let mut first = begin(recipe(12));
    (0..5).for_each(|step| assert_eq!(first.advance().unwrap(), reports[step]));
    first.save(place.path(), 1.0).unwrap();
    drop(first);
    let (mut second, seconds) = Trainer::resume(place.path(), &Cpu::default()).unwrap();
    assert_eq!(seconds, 1.0);
    (5..12).for_each(|step| assert_eq!(second.advance().unwrap(), reports[step], "step {step}"));
    assert_same(&whole, &second);

    // The averaged weights go on as well: both save the same model, byte for byte.
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    whole.save(&a, 0.0).unwrap();
    second.save(&b, 0.0).unwrap();
    for file in ["model-000012.safetensors", "state-000012.safetensors", "identifiers.txt"] {
        assert!(std::fs::read(a.join(file)).unwrap() == std::fs::read(b.join(file)).unwrap(), "{file} differs");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let with = |threads: usize, mut recipe: Recipe| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            // wide enough for the products to be split over the threads
            (recipe.model.hidden, recipe.model.puzzle_width, recipe.training.batch) = (128, 128, 16);
            let mut trainer = begin(recipe);
            advance(&mut trainer, 3);
            trainer
        })
    };
    let muon = Recipe { trunk: nor_muon(), ..recipe(4) };
    for recipe in [recipe(4), recipe_by_tokens(4), muon, recipe_of_neighbours(4), recipe_of_scales(4)] {
        assert_same(&with(1, recipe.clone()), &with(2, recipe));
    }
}

#[test]
fn the_cut_of_the_batch_changes_the_rounding_and_nothing_else() {
    cuts_change_rounding_alone(Halting::Halt);
    cuts_change_rounding_alone(Halting::HaltAndContinue);
}

fn cuts_change_rounding_alone(halting: Halting) {
    let with = |parts: Option<usize>, tokens_per_batch: Option<usize>| {
        let mut recipe = recipe_by_tokens(10);
        (recipe.training.batch, recipe.training.halting) = (8, halting);
        (recipe.training.parts, recipe.training.tokens_per_batch) = (parts, tokens_per_batch);
        let mut trainer = begin(recipe);
        (0..10).map(|_| trainer.advance().unwrap()).collect::<Vec<_>>()
    };
    let whole = with(Some(1), None);
    assert!(whole.iter().any(|report| (1..8).contains(&report.halted.len())), "some slots begin where others go on");
    for (parts, tokens) in [(Some(4), None), (None, Some(1)), (None, Some(75)), (None, Some(10_000))] {
        for (step, (cut, whole)) in with(parts, tokens).iter().zip(&whole).enumerate() {
            assert_eq!(cut.halted, whole.halted, "{parts:?} {tokens:?}, step {step}");
            let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * (1.0 + b.abs());
            let losses = near(cut.losses.cross_entropy, whole.losses.cross_entropy)
                && near(cut.losses.halting, whole.losses.halting);
            assert!(losses, "{parts:?} {tokens:?}, step {step}: {:?} {:?}", cut.losses, whole.losses);
        }
    }
}

#[test]
fn the_command_s_training_resumes_logs_and_refuses_a_taken_folder() {
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("run");
    assert_eq!(run(Some(recipe(6)), None, &output).unwrap(), Ending::Complete);
    let log = std::fs::read_to_string(output.join("log.csv")).unwrap();
    assert_eq!(log.lines().count(), 4, "a header and the windows of steps 2, 4 and 6: {log}");
    assert!(log.starts_with("step,examples,seconds,cross_entropy"));

    assert!(matches!(run(Some(recipe(6)), None, &output), Err(TrainError::Taken(_))));
    assert!(matches!(run(Some(recipe(8)), Some(&output), &output), Err(TrainError::OtherRecipe(_))));
    assert_eq!(run(None, Some(&output), &output).unwrap(), Ending::Complete, "nothing is left to do");
}

#[test]
fn an_interrupted_training_leaves_a_checkpoint_that_resumes() {
    let place = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let training = |output: &Path| Training {
        recipe: Some(recipe(6)),
        resume: None,
        output: output.to_owned(),
        precision: Precision::F32,
        time_limit: None,
        stop: &stop,
        ranks: &Alone,
    };
    let raise = |_: Progress<'_>| stop.store(true, Ordering::SeqCst);
    let outcome = train(training(place.path()), &Cpu::default(), raise).unwrap();
    assert_eq!((outcome.ending, outcome.step), (Ending::Interrupted, 1));
    // one that is interrupted while it reads what it learns from has nothing to go on from
    let ended = train(training(&place.path().join("new")), &Cpu::default(), |_| ());
    assert!(matches!(ended, Err(TrainError::Recipe(RecipeError::Interrupted))));
    assert!(!place.path().join("new").exists());
    assert_eq!(run(None, Some(place.path()), place.path()).unwrap(), Ending::Complete);
}

#[test]
fn what_is_trained_answers_the_tasks_it_has_rows_for_and_no_others() {
    let place = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(recipe(3), &Cpu::default()).unwrap();
    advance(&mut trainer, 3);
    trainer.save(place.path(), 0.0).unwrap();
    let trained = Trained::load(place.path(), &Cpu::default()).unwrap();
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let rows: Vec<usize> = set.tasks.iter().map(|task| trained.identifiers.of_task(&task.id).len()).collect();
    let known = rows.iter().position(|rows| *rows > 2).unwrap();
    let unknown = rows.iter().position(|rows| *rows == 0).unwrap();
    let mut solver = ModelSolver::new(trained, 3, 2).unwrap();
    let predictions = solver.solve(&set.tasks[known], &|| false).unwrap();
    assert_eq!(predictions.len(), 3 * set.tasks[known].test.len());
    assert!(predictions.iter().all(|prediction| (0.0..=1.0).contains(&prediction.halt)));
    assert_eq!(predictions, solver.solve(&set.tasks[known], &|| false).unwrap(), "the same answers every time");
    assert!(solver.solve(&set.tasks[unknown], &|| false).unwrap().is_empty());
    assert!(solver.solve(&set.tasks[known], &|| true).unwrap().is_empty(), "no time, no answer");
}

#[test]
fn a_checkpoint_that_is_not_whole_or_not_its_recipe_s_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(recipe(3), &Cpu::default()).unwrap();
    trainer.save(place.path(), 0.0).unwrap();
    let load = || Trained::load(place.path(), &Cpu::default()).map(drop);
    load().unwrap();

    let manifest = place.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"hidden\": 32", "\"hidden\": 64")).unwrap();
    let shape = load().unwrap_err().to_string();
    assert!(shape.contains("mismatched: ") && shape.contains("H_init is [32] and not [64]"), "{shape}");
    std::fs::write(&manifest, text.replace("\"hidden\"", "\"hiden\"")).unwrap();
    assert!(load().unwrap_err().to_string().contains("hiden"));
    std::fs::write(&manifest, &text).unwrap();

    let model = place.path().join("model-000000.safetensors");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = load().unwrap_err();
    assert!(matches!(&damaged, RecipeError::Checkpoint(CheckpointError::Damaged { .. })), "{damaged}");
}

#[test]
fn the_first_step_moves_everything_by_its_rule() {
    let mut recipe = recipe(8);
    recipe.training.warmup = 4;
    recipe.rows.weight_decay = 0.0;
    recipe.trunk.optimizer = Optimizer::AdamW { beta_1: 0.9, beta_2: 0.95, weight_decay: 0.0 };
    let (rate, rows_rate) = (recipe.trunk.learning_rate / 4.0, recipe.rows.learning_rate / 4.0);
    let (ema, width) = (recipe.training.ema as f32, recipe.model.puzzle_width);
    let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
    let before = trainer.trunk();
    assert_eq!(trainer.advance().unwrap().learning_rate, rate, "the counter is raised before the rate is read");

    // AdamW's first step is the learning rate, against the gradient's sign, wherever there is a gradient.
    for (i, (old, new)) in before.iter().zip(&trainer.trunk()).enumerate() {
        let moved: Vec<f64> = old.iter().zip(new).map(|(old, new)| f64::from((new - old).abs())).collect();
        let most = moved.iter().copied().fold(0.0, f64::max);
        let expected = if i < 2 { 0.0 } else { rate };
        assert!((most - expected).abs() < 0.01 * rate, "tensor {i} moved by {most}, expected {expected}");
        // the average takes its share of the step; H_init and L_init are never averaged away
        for ((old, new), average) in old.iter().zip(new).zip(&trainer.average()[i]) {
            assert!((average - (ema * old + (1.0 - ema) * new)).abs() < 1e-7);
        }
    }
    // The rows of the batch moved by exactly their rate, all others not at all; 0 is <blank>, which no example has.
    let moved: Vec<usize> =
        trainer.table().chunks(width).map(|row| row.iter().filter(|x| **x != 0.0).count()).collect();
    let touched = moved.iter().filter(|count| **count > 0).count();
    assert!((1..=4).contains(&touched) && moved[0] == 0, "{touched} rows moved by a batch of 4");
    assert!(trainer.table().iter().all(|x| *x == 0.0 || (f64::from(x.abs()) - rows_rate).abs() < 1e-8));
}

#[test]
fn muon_moves_the_products_inside_the_blocks_and_adam_w_the_rest() {
    for trunk in [muon(), nor_muon()] {
        let mut recipe = recipe(8);
        (recipe.training.warmup, recipe.trunk) = (4, trunk);
        let (specs, ema) = (specs(&recipe.model), recipe.training.ema as f32);
        let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
        let before = trainer.trunk();
        assert_eq!(trainer.advance().unwrap().learning_rate, 3e-4 / 4.0);
        for (i, (spec, (old, new))) in specs.iter().zip(before.iter().zip(&trainer.trunk())).enumerate() {
            let Some(products) = spec.products else {
                // AdamW: its learning rate and a decay of as much of the number
                let most = old.iter().zip(new).map(|(old, new)| (new - old).abs()).fold(0.0, f32::max);
                let expected = if i < 2 { 0.0 } else { 3e-4 / 4.0 };
                assert!((most - expected).abs() <= 0.6 * expected, "{}: {most}", spec.name);
                continue;
            };
            let (rows, columns) = (spec.shape[0] / products, spec.shape[1]);
            let (rate, decay) = (0.02 / 4.0, 0.02 / 4.0 * 0.1);
            for (old, new) in old.chunks(rows * columns).zip(new.chunks(rows * columns)) {
                let moved = old.iter().zip(new).map(|(old, new)| f64::from(*new) - f64::from(*old) * (1.0 - decay));
                let size = moved.map(|moved| moved * moved).sum::<f64>().sqrt();
                // singular values of about 1, as many as the shorter side has
                let stretch = (rows as f64 / columns as f64).max(1.0).sqrt();
                let share = size / (rate * stretch * (rows.min(columns) as f64).sqrt());
                assert!((0.5..1.2).contains(&share), "{}: {share} of the rate", spec.name);
            }
            for ((old, new), average) in old.iter().zip(new).zip(&trainer.average()[i]) {
                assert!((average - (ema * old + (1.0 - ema) * new)).abs() < 1e-6, "{}", spec.name);
            }
        }
    }
}

#[test]
fn a_training_that_diverges_says_so_and_moves_nothing() {
    let mut recipe = recipe(8);
    recipe.trunk.learning_rate = 1e30;
    recipe.training.warmup = 0;
    let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
    let diverged = (0..8).find_map(|_| {
        let before = trainer.trunk();
        trainer.advance().err().map(|error| (error, before))
    });
    let (error, before) = diverged.expect("weights of 1e30 give no numbers");
    assert!(error.to_string().contains("lower the learning rate"), "{error}");
    assert!(trainer.trunk().iter().zip(&before).all(|(a, b)| bits(a) == bits(b)));
}
