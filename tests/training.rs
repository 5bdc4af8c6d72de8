//! The promise: a training that was stopped and resumed is, bit for bit, the training that never stopped; the number of
//! threads changes nothing; and what is trained can be solved with.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use dfdx::prelude::Cpu;
use trm_arc::checkpoint::CheckpointError;
use trm_arc::prediction::Solver;
use trm_arc::recipe::{Recipe, RecipeError, Trained};
use trm_arc::solve::ModelSolver;
use trm_arc::task;
use trm_arc::train::{Ending, TrainError, Trainer, Training, train};

/// The smallest training that has everything: two parts, exploration, halting, translation, dozens of rows.
fn recipe(steps: usize) -> Recipe {
    let mut recipe = Recipe::load("small-grids").unwrap();
    recipe.name = "test".into();
    recipe.data.sources.iter_mut().for_each(|source| source.largest_side = 4);
    (recipe.model.hidden, recipe.model.heads, recipe.model.puzzle_width) = (32, 2, 32);
    (recipe.model.layers, recipe.model.l_cycles) = (1, 1);
    (recipe.training.batch, recipe.training.parts, recipe.training.steps) = (4, 2, steps);
    (recipe.training.warmup, recipe.training.log_every, recipe.training.checkpoint_every) = (2, 2, 4);
    recipe.training.exploration = 0.5;
    recipe
}

fn run(recipe: Option<Recipe>, resume: Option<&Path>, output: &Path) -> Result<Ending, TrainError> {
    let stop = AtomicBool::new(false);
    let resume = resume.map(Path::to_owned);
    let training = Training { recipe, resume, output: output.to_owned(), time_limit: None, stop: &stop };
    train(training, &Cpu::default(), |_| ()).map(|outcome| outcome.ending)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn assert_same(a: &Trainer<Cpu>, b: &Trainer<Cpu>) {
    assert_eq!((a.step, a.examples), (b.step, b.examples));
    assert_eq!(bits(a.table()), bits(b.table()), "the puzzle tables differ");
    for (a, b) in a.trunk().iter().zip(b.trunk()) {
        assert_eq!(bits(a), bits(b), "the trunks differ");
    }
}

#[test]
fn a_resumed_training_is_bitwise_the_one_that_never_stopped() {
    let place = tempfile::tempdir().unwrap();
    let mut whole = Trainer::new(recipe(12), &Cpu::default()).unwrap();
    let reports: Vec<_> = (0..12).map(|_| whole.advance()).collect();
    assert!(whole.table().iter().any(|value| *value != 0.0), "the rows were never moved");

    // Stopped at a step at which some slots have halted and others go on.
    let mut first = Trainer::new(recipe(12), &Cpu::default()).unwrap();
    (0..5).for_each(|step| assert_eq!(first.advance(), reports[step]));
    first.save(place.path(), 1.0).unwrap();
    drop(first);
    let (mut second, seconds) = Trainer::resume(place.path(), &Cpu::default()).unwrap();
    assert_eq!(seconds, 1.0);
    (5..12).for_each(|step| assert_eq!(second.advance(), reports[step], "step {step}"));
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
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut trainer = Trainer::new(recipe(4), &Cpu::default()).unwrap();
            (0..4).for_each(|_| drop(trainer.advance()));
            trainer
        })
    };
    assert_same(&with(1), &with(2));
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
    let stop = AtomicBool::new(true);
    let output = place.path().to_owned();
    let training = Training { recipe: Some(recipe(6)), resume: None, output, time_limit: None, stop: &stop };
    let outcome = train(training, &Cpu::default(), |_| ()).unwrap();
    assert_eq!((outcome.ending, outcome.step), (Ending::Interrupted, 0));
    assert_eq!(run(None, Some(place.path()), place.path()).unwrap(), Ending::Complete);
}

#[test]
fn what_is_trained_answers_the_tasks_it_has_rows_for_and_no_others() {
    let place = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(recipe(3), &Cpu::default()).unwrap();
    (0..3).for_each(|_| drop(trainer.advance()));
    trainer.save(place.path(), 0.0).unwrap();
    let trained = Trained::load(place.path(), &Cpu::default()).unwrap();
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let rows: Vec<usize> = set.tasks.iter().map(|task| trained.identifiers.of_task(&task.id).len()).collect();
    let known = rows.iter().position(|rows| *rows > 2).unwrap();
    let unknown = rows.iter().position(|rows| *rows == 0).unwrap();
    let mut solver = ModelSolver::new(trained, 3, 2);
    let predictions = solver.solve(&set.tasks[known], &|| false);
    assert_eq!(predictions.len(), 3 * set.tasks[known].test.len());
    assert!(predictions.iter().all(|prediction| (0.0..=1.0).contains(&prediction.halt)));
    assert_eq!(predictions, solver.solve(&set.tasks[known], &|| false), "the same answers every time");
    assert!(solver.solve(&set.tasks[unknown], &|| false).is_empty());
    assert!(solver.solve(&set.tasks[known], &|| true).is_empty(), "no time, no answer");
}

#[test]
fn the_answers_never_depend_on_the_solutions() {
    let place = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(recipe(2), &Cpu::default()).unwrap();
    trainer.advance();
    trainer.save(place.path(), 0.0).unwrap();
    let trained = Trained::load(place.path(), &Cpu::default()).unwrap();
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let task = set.tasks.iter().find(|task| !trained.identifiers.of_task(&task.id).is_empty()).unwrap();
    let mut hidden = task.clone();
    hidden.test.iter_mut().for_each(|test| test.output = None);
    let mut solver = ModelSolver::new(trained, 4, 2);
    assert_eq!(solver.solve(task, &|| false), solver.solve(&hidden, &|| false));
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
    assert!(shape.contains("the model needs"), "{shape}");
    std::fs::write(&manifest, text.replace("\"hidden\"", "\"hiden\"")).unwrap();
    assert!(load().unwrap_err().to_string().contains("hiden"));
    std::fs::write(&manifest, &text).unwrap();

    let model = place.path().join("model-000000.safetensors");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = load().unwrap_err();
    assert!(matches!(&damaged, RecipeError::Checkpoint(CheckpointError::Damaged { .. })), "{damaged}");
}
