//! The promise: answers stay out. An evaluation set's test pairs are learned from no file, a solver's answers do not depend on the
//! solutions, and a training goes on with the solutions that it began with.

mod smallest;

use dfdx::prelude::Cpu;
use smallest::{advance, recipe};
use trm_arc::dataset::Sizes;
use trm_arc::grid::Grid;
use trm_arc::prediction::Solver;
use trm_arc::recipe::{SourceRecipe, Trained};
use trm_arc::solve::ModelSolver;
use trm_arc::task;
use trm_arc::train::Trainer;

#[test]
fn the_answers_never_depend_on_the_solutions() {
    let place = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(recipe(2), &Cpu::default()).unwrap();
    advance(&mut trainer, 1);
    trainer.save(place.path(), 0.0).unwrap();
    let trained = Trained::load(place.path(), &Cpu::default()).unwrap();
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let task = set.tasks.iter().find(|task| !trained.identifiers.of_task(&task.id).is_empty()).unwrap();
    let mut hidden = task.clone();
    hidden.test.iter_mut().for_each(|test| test.output = None);
    let mut solver = ModelSolver::new(trained, 4, 2).unwrap();
    assert_eq!(solver.solve(task, &|| false).unwrap(), solver.solve(&hidden, &|| false).unwrap());
}

#[test]
fn an_evaluation_set_s_answers_are_withheld_wherever_they_stand() {
    let evaluation = task::load("arc-agi-1/evaluation").unwrap();
    let answers: Vec<&Grid> =
        evaluation.tasks.iter().flat_map(|task| &task.test).filter_map(|t| t.output.as_ref()).collect();
    // ARC-AGI-2's training set holds hundreds of ARC-AGI-1's evaluation tasks, answers included.
    let mut recipe = recipe(1);
    let source =
        SourceRecipe { tasks: "arc-agi-2/training".into(), test_pairs: true, largest_side: 30, sizes: Sizes::Any };
    recipe.data.tasks_mut().unwrap().sources = vec![source];
    recipe.data.tasks_mut().unwrap().plan = "plain".into();
    let careful = Trainer::new(recipe.clone(), &Cpu::default()).unwrap();
    assert!(careful.set().withheld() > 300, "{} pairs withheld of {} answers", careful.set().withheld(), answers.len());
    // A copy under another name is caught by its content.
    let place = tempfile::tempdir().unwrap();
    for kind in ["challenges", "solutions"] {
        let file = format!("{}/tasks/arc-agi-1/evaluation_{kind}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(file, place.path().join(format!("mine_{kind}.json"))).unwrap();
    }
    recipe.data.tasks_mut().unwrap().sources[0].tasks =
        place.path().join("mine_challenges.json").to_str().unwrap().into();
    let copied = Trainer::new(recipe.clone(), &Cpu::default()).unwrap();
    assert_eq!(copied.set().withheld(), evaluation.outputs());
    // Whoever holds out nothing gets everything, and has said so in the recipe.
    recipe.data.tasks_mut().unwrap().held_out.clear();
    assert_eq!(Trainer::new(recipe, &Cpu::default()).unwrap().set().withheld(), 0);
}

#[test]
fn a_training_is_not_resumed_with_other_solutions_than_it_began_with() {
    let place = tempfile::tempdir().unwrap();
    let file = |kind: &str| place.path().join(format!("mine_{kind}.json"));
    for kind in ["challenges", "solutions"] {
        let shipped = format!("{}/tasks/arc-agi-1/training_{kind}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(shipped, file(kind)).unwrap();
    }
    let mut recipe = recipe(8);
    let tasks = file("challenges").to_str().unwrap().to_owned();
    recipe.data.tasks_mut().unwrap().sources =
        vec![SourceRecipe { tasks, test_pairs: true, largest_side: 3, sizes: Sizes::Any }];
    let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
    advance(&mut trainer, 1);
    trainer.save(&place.path().join("run"), 0.0).unwrap();
    std::fs::remove_file(file("solutions")).unwrap();
    let error = Trainer::resume(&place.path().join("run"), &Cpu::default()).map(drop).unwrap_err().to_string();
    assert!(error.contains("not all of its solutions are there"), "{error}");
    let solutions =
        std::fs::read_to_string(format!("{}/tasks/arc-agi-1/training_solutions.json", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    std::fs::write(file("solutions"), solutions.replace("[0,", "[1,")).unwrap();
    let error = Trainer::resume(&place.path().join("run"), &Cpu::default()).map(drop).unwrap_err().to_string();
    assert!(error.contains("not what it was trained with"), "{error}");
}
