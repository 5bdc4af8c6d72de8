//! The promise: how many ranks train a model changes the rounding of sums and nothing else, also where a training is resumed by
//! another number of them; what ends one rank ends all, with one message, and leaves a checkpoint to go on from.
//!
//! Ranks are threads here, which need no launcher. `tests/mpirun.rs` runs the program itself under one.

mod program;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assert_cmd::Command;
use dfdx::prelude::Cpu;
use trm_arc::dataset::Sizes;
use trm_arc::device::Precision;
use trm_arc::model::Latents;
use trm_arc::ranks::{Alone, Ranks, Threads};
use trm_arc::recipe::{Halting, Recipe, RecipeError};
use trm_arc::train::{Ending, Progress, StepReport, TrainError, Trainer, Training, train};

use program::Program;

/// A small training with exploration and halting, whose slots begin and go on side by side.
fn recipe(batch: usize, parts: Option<usize>, tokens_per_batch: Option<usize>) -> Recipe {
    let mut recipe = Recipe::load("small-grids").unwrap();
    recipe.name = "test".into();
    recipe
        .data
        .tasks_mut()
        .unwrap()
        .sources
        .iter_mut()
        .for_each(|source| (source.largest_side, source.sizes) = (5, Sizes::Any));
    (recipe.model.hidden, recipe.model.heads, recipe.model.puzzle_width) = (32, 2, 32);
    (recipe.model.layers, recipe.model.l_cycles) = (1, 1);
    (recipe.training.batch, recipe.training.parts, recipe.training.tokens_per_batch) = (batch, parts, tokens_per_batch);
    (recipe.training.steps, recipe.training.warmup) = (12, 2);
    (recipe.training.log_every, recipe.training.checkpoint_every) = (2, 4);
    (recipe.training.exploration, recipe.training.halt_bias) = (0.5, 0.05);
    recipe
}

/// The same with several latent states and HRM's halting.
fn recipe_of_scales() -> Recipe {
    let mut recipe = recipe(6, Some(2), None);
    (recipe.model.l_cycles, recipe.model.latents) = (2, Latents::MultiScale);
    recipe.training.halting = Halting::HaltAndContinue;
    recipe
}

fn begin(recipe: &Recipe) -> Trainer<Cpu> {
    Trainer::new(recipe.clone(), &Cpu::default()).unwrap()
}

fn advance(trainer: &mut Trainer<Cpu>, steps: usize, ranks: &dyn Ranks) -> Vec<StepReport> {
    (0..steps).map(|_| trainer.advance_among(ranks).unwrap()).collect()
}

fn weights(trainer: &Trainer<Cpu>) -> Vec<u32> {
    trainer.trunk().concat().iter().chain(trainer.table()).map(|value| value.to_bits()).collect()
}

fn same_files(a: &Path, b: &Path) {
    for file in ["model-000012.safetensors", "state-000012.safetensors", "identifiers.txt"] {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file} differs");
    }
}

#[test]
fn two_ranks_of_one_part_give_the_bits_of_one_rank_of_two_parts() {
    two_ranks_are_two_parts(recipe(6, Some(2), None));
    two_ranks_are_two_parts(recipe_of_scales());
}

fn two_ranks_are_two_parts(recipe: Recipe) {
    let place = tempfile::tempdir().unwrap();
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    let mut alone = begin(&recipe);
    let reports = advance(&mut alone, 12, &Alone);
    assert!(reports.iter().any(|report| (1..6).contains(&report.halted.len())), "some slots begin where others go on");
    alone.save(&one, 0.0).unwrap();
    let ranks = Threads::run(2, |ranks| {
        let mut trainer = begin(&recipe);
        let reports = advance(&mut trainer, 12, ranks);
        trainer.save_among(ranks, &two, 0.0).unwrap();
        (reports, weights(&trainer))
    });
    for rank in ranks {
        assert!(rank == (reports.clone(), weights(&alone)));
    }
    same_files(&one, &two);
}

#[test]
fn any_number_of_ranks_gives_the_same_course_but_for_rounding() {
    for (parts, tokens) in [(Some(1), None), (Some(7), None), (None, Some(75))] {
        let recipe = recipe(7, parts, tokens);
        let mut alone = begin(&recipe);
        let whole = advance(&mut alone, 10, &Alone);
        for count in [2, 3] {
            let ranks = Threads::run(count, |ranks| {
                let mut trainer = begin(&recipe);
                (advance(&mut trainer, 10, ranks), weights(&trainer), trainer.trunk())
            });
            let (course, bits, trunk) = &ranks[0];
            assert!(ranks.iter().all(|(_, other, _)| other == bits), "{count} ranks have come apart");
            for (step, (a, b)) in course.iter().zip(&whole).enumerate() {
                assert_eq!(a.halted, b.halted, "{count} ranks, {parts:?} {tokens:?}, step {step}");
                let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * (1.0 + b.abs());
                let (a, b) = (a.losses, b.losses);
                let losses = near(a.cross_entropy, b.cross_entropy) && near(a.halting, b.halting);
                assert!(losses, "{count} ranks, {parts:?} {tokens:?}, step {step}: {a:?} {b:?}");
            }
            // AdamW moves a weight whose gradient is all rounding by the whole rate, so few may differ, and none by more than that.
            let (trunk, alone) = (trunk.concat(), alone.trunk().concat());
            let pairs = trunk.iter().zip(&alone);
            let apart: Vec<f32> = pairs.map(|(a, b)| (a - b).abs()).collect();
            let most = apart.iter().copied().fold(0.0, f32::max);
            let mean = apart.iter().sum::<f32>() / apart.len() as f32;
            assert!(most < 10.0 * 2.0 * 3e-4 && mean < 1e-6, "{count} ranks, {parts:?} {tokens:?}: {most} {mean}");
        }
    }
}

#[test]
fn another_number_of_ranks_resumes_where_one_has_stopped() {
    resumes_among_others(recipe(6, Some(2), None));
    resumes_among_others(recipe_of_scales());
}

fn resumes_among_others(recipe: Recipe) {
    let place = tempfile::tempdir().unwrap();
    let (one, two, end) = (place.path().join("one"), place.path().join("two"), place.path().join("end"));
    let mut alone = begin(&recipe);
    advance(&mut alone, 5, &Alone);
    alone.save(&one, 1.0).unwrap();
    advance(&mut alone, 7, &Alone);
    alone.save(&place.path().join("whole"), 0.0).unwrap();
    Threads::run(2, |ranks| {
        let mut trainer = Trainer::resume(&one, &Cpu::default()).unwrap().0;
        advance(&mut trainer, 2, ranks);
        trainer.save_among(ranks, &two, 1.0).unwrap();
    });
    // At once every rank has the states of all slots; a step later those of its own alone.
    Threads::run(2, |ranks| {
        let mut trainer = Trainer::resume(&two, &Cpu::default()).unwrap().0;
        trainer.save_among(ranks, &two, 1.0).unwrap();
        advance(&mut trainer, 1, ranks);
        trainer.save_among(ranks, &two, 1.0).unwrap();
    });
    let mut last = Trainer::resume(&two, &Cpu::default()).unwrap().0;
    assert_eq!(last.step, 8);
    advance(&mut last, 4, &Alone);
    last.save(&end, 0.0).unwrap();
    same_files(&place.path().join("whole"), &end);
}

fn run(ranks: &dyn Ranks, recipe: Recipe, output: &Path) -> Result<(Ending, usize), TrainError> {
    run_until(ranks, recipe, output, &AtomicBool::new(false), |_| ())
}

fn run_until(
    ranks: &dyn Ranks,
    recipe: Recipe,
    output: &Path,
    stop: &AtomicBool,
    progress: impl Fn(usize),
) -> Result<(Ending, usize), TrainError> {
    let (recipe, output) = (Some(recipe), output.to_owned());
    let training = Training { recipe, resume: None, output, precision: Precision::F32, time_limit: None, stop, ranks };
    let told = |now: Progress<'_>| {
        assert_eq!(ranks.rank(), 0);
        progress(now.step);
    };
    train(training, &Cpu::default(), told).map(|outcome| (outcome.ending, outcome.step))
}

#[test]
fn what_ends_one_rank_ends_all() {
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("interrupted");
    // rank 1 is interrupted after the first step, or while it reads
    let stops = [AtomicBool::new(false), AtomicBool::new(false)];
    let interrupted = |ranks: &Threads, output: &Path| {
        let raise = |_| stops[1].store(true, Ordering::SeqCst);
        run_until(ranks, recipe(4, Some(2), None), output, &stops[ranks.rank()], raise)
    };
    let ended = Threads::run(2, |ranks| interrupted(ranks, &output).unwrap());
    assert!(ended == [(Ending::Interrupted, 1); 2] || ended == [(Ending::Interrupted, 2); 2], "{ended:?}");
    assert_eq!(Trainer::resume(&output, &Cpu::default()).unwrap().0.step, ended[0].1);
    let read = place.path().join("read");
    for ended in Threads::run(2, |ranks| interrupted(ranks, &read)) {
        assert!(matches!(ended, Err(TrainError::Recipe(RecipeError::Interrupted))));
    }
    assert!(!read.exists());

    let texts = |results: Vec<Result<_, TrainError>>| results.into_iter().map(|result| result.unwrap_err().to_string());
    let output = |ranks: &Threads| place.path().join(if ranks.rank() == 1 { "interrupted" } else { "new" });
    let refused = Threads::run(2, |ranks| run(ranks, recipe(4, Some(2), None), &output(ranks)));
    let refused: Vec<String> = texts(refused).collect();
    assert!(refused[0].starts_with("rank 1: ") && refused[0].contains("already holds a checkpoint"), "{refused:?}");
    assert!(refused[1].contains("already holds a checkpoint"), "{refused:?}");

    let output = place.path().join("new");
    for text in texts(Threads::run(3, |ranks| run(ranks, recipe(2, Some(2), None), &output))) {
        assert!(text.contains("3 ranks for a batch of 2"), "{text}");
    }
    let of_seed = |seed: usize| Recipe { seed: seed as u64, ..recipe(4, Some(2), None) };
    for text in texts(Threads::run(2, |ranks| run(ranks, of_seed(ranks.rank()), &output))) {
        assert!(text.contains("rank 1 does not have the recipe"), "{text}");
    }
    assert!(!output.exists(), "nothing is written before all agree");
}

#[test]
fn processes_of_a_launcher_never_train_beside_each_other_unseen() {
    let program = Program::new();
    // With MPI in the program, but no launcher that it knows, MPI joins one process where four were started.
    for rank in ["0", "3"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
        command.current_dir(program.0.path()).args(["train", "small-grids", "--output", "run"]);
        command.env("SLURM_STEP_NUM_TASKS", "4").env("SLURM_PROCID", rank).timeout(Duration::from_secs(60));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!program.has("run"));
        match rank {
            "0" => assert!(said.contains("4 processes were started together (SLURM_STEP_NUM_TASKS is 4)"), "{said}"),
            _ => assert!(!said.contains("error"), "one process says it for all: {said}"),
        }
    }
}
