//! The promise: a checkpoint adapts to tasks that it has never seen, by their demonstrations alone, as exactly and as resumably as it was
//! trained, and within its time.

mod program;

use std::fs;
use std::path::Path;

use dfdx::prelude::Cpu;
use program::{Program, assert_refused};
use serde_json::{Map, Value, json};
use trm_arc::dataset::Identifiers;
use trm_arc::recipe::{AdaptedTo, Recipe, Trained};
use trm_arc::task;
use trm_arc::train::Trainer;

/// A checkpoint of the smallest model, on a handful of tasks.
fn base(folder: &Program) -> String {
    let mut recipe = Recipe::load("small-grids").unwrap();
    recipe.data.tasks_mut().unwrap().sources.iter_mut().for_each(|source| source.largest_side = 3);
    (recipe.model.hidden, recipe.model.heads, recipe.model.puzzle_width) = (32, 2, 32);
    (recipe.model.layers, recipe.model.l_cycles) = (1, 1);
    (recipe.training.batch, recipe.training.parts, recipe.training.steps) = (4, Some(2), 6);
    recipe.training.warmup = 1;
    let mut trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
    (0..6).for_each(|_| drop(trainer.advance().unwrap()));
    let path = folder.path("base");
    trainer.save(Path::new(&path), 1.0).unwrap();
    path
}

fn trained(path: &str) -> Trained<Cpu> {
    Trained::load(Path::new(path), &Cpu::default()).unwrap()
}

/// A set of the smallest evaluation tasks: one that the checkpoint knows, three that it does not. The path of the challenges; with their
/// solutions beside them where they are asked for.
fn tasks(folder: &Program, base: &str, name: &str, with_solutions: bool) -> String {
    let known = trained(base).identifiers;
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let is_known = |task: &&task::Task| !known.of_task(&task.id).is_empty();
    let small = |task: &&task::Task| task.shown_side() <= 5;
    let one = set.tasks.iter().find(is_known).expect("the checkpoint knows an evaluation task");
    let others = set.tasks.iter().filter(|task| !is_known(task)).filter(small).take(3);
    let (mut challenges, mut solutions) = (Map::new(), Map::new());
    for task in [one].into_iter().chain(others) {
        let tests: Vec<Value> = task.test.iter().map(|test| json!({"input": test.input})).collect();
        challenges.insert(task.id.clone(), json!({"train": task.train, "test": tests}));
        let outputs: Vec<_> = task.test.iter().map(|test| &test.output).collect();
        solutions.insert(task.id.clone(), json!(outputs));
    }
    assert_eq!(challenges.len(), 4);
    fs::create_dir_all(folder.path(name)).unwrap();
    let path = folder.write(&format!("{name}/x_challenges.json"), &Value::from(challenges).to_string());
    if with_solutions {
        folder.write(&format!("{name}/x_solutions.json"), &Value::from(solutions).to_string());
    }
    path
}

fn adapted_recipe(trained: &Trained<Cpu>, tasks: &str, steps: usize) -> Recipe {
    let to = AdaptedTo { tasks, only: None, steps, plan: None, seed: None, learning_rate: None };
    trained.adapted_recipe(to).unwrap()
}

fn adapting(trained: &Trained<Cpu>, tasks: &str, steps: usize) -> (Trainer<Cpu>, usize) {
    Trainer::adapting(adapted_recipe(trained, tasks, steps), trained, &Cpu::default()).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn all_bits(tensors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    tensors.iter().map(|values| bits(values)).collect()
}

fn manifest(path: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(path).join("manifest.json")).unwrap()).unwrap()
}

fn model_file(path: &str) -> Vec<u8> {
    let name = manifest(path)["files"]["model"]["file"].as_str().unwrap().to_owned();
    fs::read(Path::new(path).join(name)).unwrap()
}

#[test]
fn a_new_variant_begins_at_the_mean_row_and_a_known_one_keeps_its_own() {
    let folder = Program::new();
    let base = base(&folder);
    let (trained, tasks) = (trained(&base), tasks(&folder, &base, "set", true));
    let (trainer, kept) = adapting(&trained, &tasks, 8);
    let width = trained.table.width();
    let rows = trained.table.all().unwrap();
    let count = rows.len() / width - 1;
    let mean =
        |i: usize| rows[width..].iter().skip(i).step_by(width).map(|x| f64::from(*x)).sum::<f64>() / count as f64;
    let mean: Vec<f32> = (0..width).map(|i| mean(i) as f32).collect();
    assert!(mean.iter().any(|x| *x != 0.0), "the checkpoint's rows never moved");

    let identifiers = trainer.set().identifiers();
    let row = |row: usize| &trainer.table()[row * width..][..width];
    let mut found = 0;
    for (task, rows) in identifiers.by_task() {
        let known = trained.identifiers.of_task(task);
        for (new, augmentation) in rows {
            match known.iter().find(|(_, other)| other == augmentation) {
                Some((old, _)) => {
                    assert_eq!(bits(row(*new)), bits(&trained.table.row(*old).unwrap()));
                    found += 1;
                }
                None => assert_eq!(bits(row(*new)), bits(&mean), "{task}"),
            }
        }
    }
    assert!(found == kept && kept > 0 && kept < identifiers.count() - 1, "{found} {kept}");
    assert_eq!(identifiers.tasks(), 4, "the tasks of the set and no others");
    assert_eq!(all_bits(&trainer.trunk()), all_bits(&trainer.average()), "it goes on from the averaged weights");
}

#[test]
fn the_rows_move_alone_for_the_first_quarter_and_then_everything() {
    let folder = Program::new();
    let base = base(&folder);
    let (trained, tasks) = (trained(&base), tasks(&folder, &base, "set", true));
    let (mut trainer, _) = adapting(&trained, &tasks, 12);
    let (trunk, table) = (all_bits(&trainer.trunk()), bits(trainer.table()));
    for _ in 0..3 {
        assert_eq!(trainer.advance().unwrap().learning_rate, 0.0);
        assert_eq!(all_bits(&trainer.trunk()), trunk);
        assert_eq!(all_bits(&trainer.average()), trunk);
    }
    assert_ne!(bits(trainer.table()), table);
    let before = trainer.trunk();
    let rate = trainer.advance().unwrap().learning_rate;
    assert_eq!(rate, 2.0 * trained.recipe.trunk.learning_rate, "twice the checkpoint's, from the trunk's first step");
    let after = trainer.trunk();
    let moved = before.iter().flatten().zip(after.iter().flatten()).map(|(a, b)| f64::from((a - b).abs()));
    let most = moved.fold(0.0, f64::max);
    // AdamW's first step is its rate and a decay; a count of steps from the beginning would make it a fraction of that
    assert!((0.9 * rate..1.5 * rate).contains(&most), "the trunk's first step is {most} at the rate {rate}");
    assert_ne!(all_bits(&trainer.average()), trunk);
}

#[test]
fn an_adaptation_resumes_bitwise_before_and_after_the_rows_have_moved_alone() {
    let folder = Program::new();
    let base = base(&folder);
    let (trained, tasks) = (trained(&base), tasks(&folder, &base, "set", true));
    let whole = folder.path("whole");
    let (mut trainer, _) = adapting(&trained, &tasks, 12);
    (0..12).for_each(|_| drop(trainer.advance().unwrap()));
    trainer.save(Path::new(&whole), 0.0).unwrap();
    for stop in [1, 3, 7] {
        let part = folder.path(&format!("part{stop}"));
        let (mut trainer, _) = adapting(&trained, &tasks, 12);
        (0..stop).for_each(|_| drop(trainer.advance().unwrap()));
        trainer.save(Path::new(&part), 0.0).unwrap();
        let ended = folder.run(&["train", "--resume", &part]);
        assert!(ended.code == 0 && ended.stdout.contains("12 of 12 steps"), "{}", ended.stderr);
        for file in ["model-000012.safetensors", "state-000012.safetensors", "identifiers.txt"] {
            let read = |path: &str| fs::read(Path::new(path).join(file)).unwrap();
            assert!(read(&whole) == read(&part), "stopped at {stop}: {file} differs");
        }
    }
}

#[test]
fn the_same_tasks_with_and_without_their_solutions_give_the_same_checkpoint() {
    let folder = Program::new();
    let base = base(&folder);
    let seeing = tasks(&folder, &base, "seeing", true);
    let blind = tasks(&folder, &base, "blind", false);
    for (name, tasks) in [("a", &seeing), ("b", &blind)] {
        let ended = folder.run(&["adapt", &base, tasks, "--output", name, "--steps", "10"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let other = folder.run(&["adapt", &base, &blind, "--output", "c", "--steps", "10", "--seed", "1"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    let [a, b, c] = ["a", "b", "c"].map(|name| model_file(&folder.path(name)));
    assert!(a == b, "the solutions changed something");
    assert!(a != c, "the seed changes nothing: is the test blind?");
    let of_base = trained(&base);
    let about = &manifest(&folder.path("a"))["about"]["recipe"];
    assert_eq!(about["adaptation"], json!({"from": of_base.digest, "rows_alone": 2}));
    assert_eq!(about["data"]["sources"].as_array().unwrap().len(), 1);
    assert_eq!(about["data"]["sources"][0]["test_pairs"], false);
}

#[test]
fn a_task_never_seen_has_answers_after_the_adaptation_and_none_before() {
    let folder = Program::new();
    let base = base(&folder);
    let tasks = tasks(&folder, &base, "set", true);
    let solve = |checkpoint: &str, record: &str| {
        let flags = ["--steps", "1", "--submission", "s.json", "--record", record];
        let ended = folder.run(&[&["solve", &tasks, "--checkpoint", checkpoint][..], &flags].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let record: Value = serde_json::from_slice(&fs::read(folder.path(record)).unwrap()).unwrap();
        (record["answered"].as_u64().unwrap(), record["unseen"].as_array().unwrap().len())
    };
    assert_eq!(solve(&base, "before.json"), (1, 3));
    let ended = folder.run(&["adapt", &base, &tasks, "--output", "adapted", "--steps", "4"]);
    assert!(ended.code == 0 && ended.stdout.contains("4 of 4 steps on 4 tasks"), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(solve("adapted", "after.json"), (4, 0));
    let inspected = folder.run(&["inspect", "adapted"]).stdout;
    assert!(
        inspected.contains("the rows alone for 1 steps") && inspected.contains("small-grids-adapted"),
        "{inspected}"
    );
    let identifiers = fs::read_to_string(folder.path("adapted/identifiers.txt")).unwrap();
    assert_eq!(Identifiers::from_lines(&identifiers).unwrap().tasks(), 4);
}

#[test]
fn a_time_too_short_takes_the_smallest_tasks_and_ends_with_a_checkpoint() {
    let folder = Program::new();
    let base = base(&folder);
    let ended = folder.run(&["adapt", &base, "arc-agi-1/evaluation", "--output", "adapted", "--time-limit", "5s"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(text.contains("no time for the largest, ") && text.contains(" more"), "{text}");
    }
    let adapted = trained(&folder.path("adapted"));
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let taken = |task: &&task::Task| !adapted.identifiers.of_task(&task.id).is_empty();
    let side = |task: &task::Task| task.shown_side();
    let (largest, count) = (set.tasks.iter().filter(taken).map(side).max(), set.tasks.iter().filter(taken).count());
    assert!(
        largest.is_some_and(|side| side < 10) && count == adapted.identifiers.tasks(),
        "{largest:?}, {count} tasks"
    );
    let only = adapted.recipe.adaptation.as_ref().unwrap().only.as_ref().unwrap();
    assert_eq!(only.len(), count);
    assert!(adapted.step > 0 && adapted.recipe.training.steps >= adapted.step);
    let resumed = folder.run(&["train", "--resume", "adapted", "--output", "on", "--time-limit", "0s"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
}

#[test]
fn what_cannot_be_adapted_is_refused_with_a_way_out() {
    let folder = Program::new();
    let base = base(&folder);
    let set = tasks(&folder, &base, "set", false);
    let adapt = |arguments: &[&str]| folder.run(&[&["adapt"], arguments, &["--steps", "2"]].concat());
    assert_refused(&adapt(&["nothing", &set, "--output", "new"]), &["nothing is no checkpoint"]);
    assert_refused(
        &adapt(&[&base, "arc-agi-1/evalution", "--output", "new"]),
        &["did you mean \"arc-agi-1/evaluation\"?"],
    );
    assert_refused(&adapt(&[&base, &set, "--output", &base]), &["already holds a checkpoint", "another --output"]);
    let plan = adapt(&[&base, &set, "--output", "new", "--plan", "variants-99"]);
    assert_refused(&plan, &["base", "\"variants-99\"", "name another by --plan"]);
    let rate = adapt(&[&base, &set, "--output", "new", "--learning-rate", "NaN"]);
    assert_refused(&rate, &["trunk.learning_rate is NaN"]);
    let both = adapt(&[&base, &set, "--output", "new", "--time-limit", "1m"]);
    assert!(both.code == 2 && both.stderr.contains("cannot be used with"), "{}", both.stderr);

    let path = Path::new(&base).join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"arc-agi-2/evaluation\"", "\"gone/set\"")).unwrap();
    let gone = adapt(&[&base, &set, "--output", "new"]);
    assert_refused(&gone, &["never learns the answers of gone/set", "the folder tasks beside the program"]);
    fs::write(&path, text.replace("\"hidden\": 32", "\"hidden\": 64")).unwrap();
    assert_refused(
        &adapt(&[&base, &set, "--output", "new"]),
        &["does not fit the model", "H_init is [32] and not [64]"],
    );
    assert!(!folder.has("new"));
}

#[test]
fn a_published_checkpoint_is_adapted_by_a_plan_that_is_here() {
    let folder = Program::new();
    let fixture = |name: &str| format!("{}/tests/published/{name}", env!("CARGO_MANIFEST_DIR"));
    let [alpha, beta] = ["alpha", "beta"].map(|set| fixture(&format!("tiny/arc-agi_{set}_challenges.json")));
    let (file, config) = (fixture("attention/step_123"), fixture("attention/all_config.yaml"));
    let names = ["--tasks", &alpha, "--tasks", &beta, "--variants", "8", "--output", "model"];
    let imported = folder.run(&[&["import", &file, "--config", &config][..], &names].concat());
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let ended = folder.run(&["adapt", "model", &beta, "--output", "adapted", "--steps", "1", "--plan", "dihedral"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (from, to) = (trained(&folder.path("model")), trained(&folder.path("adapted")));
    assert_eq!(to.recipe.model, from.recipe.model);
    assert_eq!((to.identifiers.count(), to.imported.is_none()), (to.table.count(), true));
    // the plain variant is in every plan, so the checkpoint's row of it is kept
    assert!(!ended.stdout.contains(", 0 of them its own"), "{}", ended.stdout);
    let usual = folder.run(&["adapt", "model", &beta, "--output", "usual", "--steps", "1"]);
    assert!(usual.code == 0 && usual.stderr.contains("drawn by the plan variants-1000"), "{}", usual.stderr);
}
