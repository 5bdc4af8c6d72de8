//! The promise: the default checkpoint still solves what `reports/regression.json` says that it solved, on tasks of which no test pair
//! was ever trained on: those that it has rows for as it is, some of our own after an adaptation to their demonstrations.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use dfdx::prelude::Cpu;
use trm_arc::recipe::Trained;
use trm_arc::regress;
use trm_arc::report::{Outcome, Part, Record, Regression};
use trm_arc::task;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn state() -> Regression {
    Regression::read(&root().join("reports/regression.json")).unwrap()
}

fn solved_again(part: &Part) -> Outcome {
    let scratch = tempfile::tempdir().unwrap();
    let (checkpoint, device) = (root().join("checkpoints/default"), Cpu::default());
    regress::solve(part, &checkpoint, scratch.path(), &device, &AtomicBool::new(false), |_| ()).unwrap().unwrap()
}

#[test]
fn the_default_checkpoint_still_solves_what_it_solved() {
    let state = state();
    let quick: Vec<&Part> = state.parts.iter().filter(|part| part.is_quick).collect();
    assert!(quick.iter().any(|part| part.adapted.is_some()) && quick.iter().any(|part| part.adapted.is_none()));
    for part in quick {
        let now = solved_again(part);
        let standing = part.beside(&now);
        assert!(!standing.is_below, "{}: {} is below the recorded interval", part.tasks, now.task_score);
        assert!(standing.holds(), "{}, level {}: {standing:?}", part.tasks, regress::level());
    }
}

#[test]
fn the_state_the_record_and_the_checkpoint_are_of_one_kind() {
    let state = state();
    let record = Record::read(&root().join("reports/default.json")).unwrap();
    let trained = Trained::load(&root().join("checkpoints/default"), &Cpu::default()).unwrap();
    assert_eq!(
        state.checkpoint, trained.digest,
        "the state is not this checkpoint's; `trm-arc regress --record` makes a new one"
    );
    assert_eq!(record.checkpoint.as_ref().unwrap().digest, trained.digest, "the record is not this checkpoint's");
    let evaluation = &state.parts[0];
    let outcome =
        evaluation.outcomes.iter().find(|outcome| outcome.levels.iter().any(|level| level == "avx512")).unwrap();
    assert_eq!(record.score.as_ref().unwrap().solved_tasks, outcome.solved);
    for part in &state.parts {
        assert_eq!(task::load(&part.tasks).unwrap().digest(), part.digest, "{} has changed", part.tasks);
    }
    let whole = state.parts.iter().find(|part| part.adapted.is_some() && part.only.is_none()).unwrap();
    assert!(whole.asked >= 40, "{} tasks of our own", whole.asked);
    for part in &state.parts {
        assert!(part.outcomes.iter().all(|outcome| !outcome.solved.is_empty()), "{}", part.tasks);
    }
}

#[test]
fn a_lost_task_and_other_tasks_are_found() {
    let evaluation = &state().parts[0];
    let steady = evaluation.outcomes[0].solved.iter().find(|task| !evaluation.unsteady.contains(task)).unwrap().clone();
    let never = "00576224".to_owned();
    assert!(
        evaluation.outcomes.iter().all(|outcome| !outcome.solved.contains(&never)),
        "it is solved now; name another"
    );
    let mut part = Part { only: Some(vec![steady.clone(), never.clone()]), ..evaluation.clone() };
    part.outcomes.iter_mut().for_each(|outcome| outcome.solved = vec![steady.clone(), never.clone()]);
    let standing = part.beside(&solved_again(&part));
    assert_eq!((standing.lost, standing.gained), (vec![never], vec![]));
    part.digest.replace_range(0..1, "x");
    assert!(regress::tasks_of(&part).unwrap_err().to_string().contains("arc-agi-1/evaluation"));
}

#[test]
fn the_default_checkpoint_is_small_and_holds_no_training_state() {
    let folder = root().join("checkpoints/default");
    let sizes = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!(size < 30_000_000, "{size} bytes");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"state\": null"));
}
