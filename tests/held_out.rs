//! The promise: `held-out/concepts` are tasks of our own that no training has seen. They come from rules whose generators and
//! verifiers agree, stand in no public set, and their answers are never learned.

mod program;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use dfdx::prelude::Cpu;
use program::{Program, assert_refused, names_in};
use trm_arc::concept::{self, CONCEPTS, Rule};
use trm_arc::dataset::Sizes;
use trm_arc::recipe::{Recipe, SourceRecipe};
use trm_arc::task::{self, Pair, Task, TaskSet};
use trm_arc::train::Trainer;

const NAME: &str = "held-out/concepts";

fn all() -> Vec<&'static Rule> {
    concept::rules().collect()
}

fn shipped() -> TaskSet {
    task::load(NAME).unwrap()
}

/// Demonstrations and tests, those with their answers.
fn pairs(task: &Task) -> Vec<Pair> {
    let tests = task.test.iter().map(|test| Pair { input: test.input.clone(), output: test.output.clone().unwrap() });
    task.train.iter().cloned().chain(tests).collect()
}

fn file(kind: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tasks/{NAME}_{kind}.json"));
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_shipped_files_are_those_of_seed_0_byte_for_byte() {
    let folder = Program::new();
    let ended = folder.run(&["tasks", "generate", "--output", "new/fresh"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(names_in(&folder.0.path().join("new/fresh")), ["concepts_challenges.json", "concepts_solutions.json"]);
    for kind in ["challenges", "solutions"] {
        let written = fs::read_to_string(folder.path(&format!("new/fresh/concepts_{kind}.json"))).unwrap();
        assert!(written == file(kind), "the {kind} differ");
    }
    assert!(ended.stdout.contains("48 tasks") && ended.stdout.contains(&shipped().digest()), "{}", ended.stdout);
}

#[test]
fn another_seed_gives_other_tasks_and_names_choose_among_them() {
    let folder = Program::new();
    let generate = |more: &[&str], output: &str| {
        let ended = folder.run(&[&["tasks", "generate", "--seed", "7", "--output", output], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        task::load(&folder.path(&format!("{output}/concepts_challenges.json"))).unwrap()
    };
    let whole = generate(&[], "whole");
    assert!(whole.has_solutions());
    let same = whole.tasks.iter().zip(shipped().tasks).filter(|(new, old)| **new == *old).count();
    assert_eq!((whole.tasks.len(), same), (all().len(), 0));
    let some = generate(&["gravity", "lines-join-equal-colours"], "some");
    assert_eq!(some.tasks.len(), 7);
    assert!(some.tasks.iter().all(|task| whole.task(&task.id).unwrap() == task), "a task depends on the others");
}

#[test]
fn what_cannot_be_generated_is_refused_and_nothing_is_written_over() {
    let folder = Program::new();
    assert_refused(&folder.run(&["tasks", "generate", "gravty"]), &["\"gravty\"", "did you mean \"gravity\"?"]);
    assert!(!folder.has("held-out"));
    assert_eq!(folder.run(&["tasks", "generate", "gravity"]).code, 0);
    let before = fs::read_to_string(folder.path("held-out/concepts_challenges.json")).unwrap();
    assert_refused(&folder.run(&["tasks", "generate", "lines"]), &["held-out", "name a new folder"]);
    assert_eq!(fs::read_to_string(folder.path("held-out/concepts_challenges.json")).unwrap(), before);
}

#[test]
fn the_set_has_all_concepts_and_most_of_its_tasks_keep_the_size() {
    let set = shipped();
    for concept in &CONCEPTS {
        let tasks = set.tasks.iter().filter(|task| task.id.starts_with(&format!("{}-", concept.name))).count();
        assert!(tasks >= 5, "{}: {tasks} tasks", concept.name);
    }
    let keeps = |Pair { input, output }: &Pair| (input.rows(), input.columns()) == (output.rows(), output.columns());
    let kept = set.tasks.iter().filter(|task| pairs(task).iter().all(keeps)).count();
    assert_eq!((kept, set.tasks.len()), (35, 48), "tasks/README.md has these numbers");
    assert!(set.tasks.iter().all(|task| task.shown_side() <= 12));
}

#[test]
fn every_task_is_what_its_verifier_says_and_no_two_pairs_of_it_are_alike() {
    for (task, rule) in shipped().tasks.iter().zip(all()) {
        assert_eq!(task.id, rule.name);
        assert!((3..=4).contains(&task.train.len()) && task.test.len() == 1, "{}", task.id);
        let (mut inputs, mut outputs) = (HashSet::new(), HashSet::new());
        for pair in pairs(task) {
            assert_eq!(rule.solve(&pair.input).as_ref(), Some(&pair.output), "{}", task.id);
            assert_ne!(pair.input, pair.output, "{}", task.id);
            assert!(inputs.insert(pair.input) && outputs.insert(pair.output), "{}", task.id);
        }
    }
}

#[test]
fn no_other_rule_explains_a_task_and_answers_it_otherwise() {
    let rules = all();
    for task in &shipped().tasks {
        let explains = |pair: &Pair, rule: &Rule| rule.solve(&pair.input).as_ref() == Some(&pair.output);
        let explaining: Vec<_> =
            rules.iter().filter(|rule| task.train.iter().all(|pair| explains(pair, rule))).collect();
        assert!(explaining.iter().any(|rule| rule.name == task.id), "{}", task.id);
        for rule in explaining {
            assert_eq!(rule.solve(&task.test[0].input), task.test[0].output, "{} and {}", rule.name, task.id);
        }
    }
}

#[test]
fn no_pair_stands_in_a_public_set() {
    let sets = task::PUBLIC.map(|name| task::load(name).unwrap());
    let public: HashSet<Pair> = sets.iter().flat_map(|set| &set.tasks).flat_map(pairs).collect();
    assert!(public.len() > 4000, "only {} pairs were found", public.len());
    for task in &shipped().tasks {
        assert!(pairs(task).iter().all(|pair| !public.contains(pair)), "{}", task.id);
    }
}

#[test]
fn no_recipe_learns_from_them_and_their_answers_are_withheld_by_default() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut recipes = 0;
    for entry in fs::read_dir(root.join("recipes")).unwrap() {
        let recipe = Recipe::load(entry.unwrap().path().to_str().unwrap()).unwrap();
        let Some(data) = recipe.data.tasks() else { continue };
        assert!(data.held_out.iter().any(|set| set == NAME), "{}", recipe.name);
        assert!(data.sources.iter().all(|source| source.tasks != NAME), "{}", recipe.name);
        recipes += 1;
    }
    assert!(recipes >= 3, "only {recipes} recipes were found");

    let mut recipe = Recipe::load("small-grids").unwrap();
    let source =
        |tasks: &str| SourceRecipe { tasks: tasks.into(), test_pairs: true, largest_side: 30, sizes: Sizes::Any };
    recipe.data.tasks_mut().unwrap().plan = "plain".into();
    recipe.data.tasks_mut().unwrap().sources = vec![source(NAME)];
    let error = recipe.check().unwrap_err().to_string();
    assert!(error.contains(NAME) && error.contains("never learned"), "{error}");
    // A copy under another name is caught by its content.
    let place = tempfile::tempdir().unwrap();
    for kind in ["challenges", "solutions"] {
        fs::write(place.path().join(format!("mine_{kind}.json")), file(kind)).unwrap();
    }
    recipe.data.tasks_mut().unwrap().sources =
        vec![source(place.path().join("mine_challenges.json").to_str().unwrap())];
    let trainer = Trainer::new(recipe, &Cpu::default()).unwrap();
    assert_eq!(trainer.set().withheld(), shipped().outputs());
}

#[test]
fn the_list_of_rules_in_the_readme_is_whole() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks/README.md")).unwrap();
    for rule in all() {
        let line = format!("| `{}` | {} |\n", rule.name, rule.sentence);
        assert!(readme.contains(&line), "tasks/README.md lacks: {line}");
    }
}
