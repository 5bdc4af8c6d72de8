//! The promise: the default checkpoint still solves what its record in `reports/` says that it solved. No test pair of these
//! tasks was ever trained on.

use std::path::Path;

use dfdx::prelude::Cpu;
use trm_arc::prediction::Solver;
use trm_arc::recipe::Trained;
use trm_arc::report::Record;
use trm_arc::solve::ModelSolver;
use trm_arc::{task, vote};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_default_checkpoint_still_solves_what_it_solved() {
    let record = Record::read(&root().join("reports/default.json")).unwrap();
    let trained = Trained::load(&root().join("checkpoints/default"), &Cpu::default()).unwrap();
    let checkpoint = record.checkpoint.as_ref().unwrap();
    assert_eq!(trained.digest, checkpoint.digest, "the record is not this checkpoint's");
    let set = task::load(&record.tasks.name).unwrap();
    assert_eq!(set.digest(), record.tasks.digest, "the tasks have changed");

    let solved = &record.score.as_ref().unwrap().solved_tasks;
    let mut solver = ModelSolver::new(trained, record.views.unwrap(), record.steps.unwrap());
    let lost: Vec<_> = solved.iter().filter(|id| !solves(&mut solver, set.task(id).unwrap())).collect();
    assert!(lost.is_empty(), "of {} solved tasks these are lost: {lost:?}", solved.len());
}

fn solves(solver: &mut ModelSolver<Cpu>, task: &task::Task) -> bool {
    let predictions = solver.solve(task, &|| false).unwrap();
    task.test.iter().enumerate().all(|(i, test)| {
        let candidates = vote::rank(predictions.iter().filter(|prediction| prediction.test == i));
        vote::attempts(&candidates, &test.input).solve(test.output.as_ref().unwrap())
    })
}

#[test]
fn the_default_checkpoint_is_small_and_holds_no_training_state() {
    let folder = root().join("checkpoints/default");
    let sizes = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!(size < 20_000_000, "{size} bytes");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"state\": null"));
}
