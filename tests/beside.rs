//! The promise: work of any size ends when it is told to, a checkpoint is read whole while a training replaces it, and of two imports into one
//! place one has it.

#![cfg(unix)]

mod program;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use program::{Program, Running, names_in, small_grids, tiny};

fn start(folder: &Program, arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(arguments);
    Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()))
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published").join(name).to_str().unwrap().to_owned()
}

/// The most variants that a task can be asked for: drawing them for a whole set takes hours.
const VARIANTS: [&str; 2] = ["--variants", "2903039"];

const TRAINING: [&str; 2] = ["--tasks", "arc-agi-1/training"];

#[test]
fn work_that_takes_hours_ends_at_the_first_signal() {
    let folder = Program::new();
    let plan = "variants = 2903040\ndihedral = \"dihedral\"\ncolours = \"permuted\"\ntranslate = true\nseed = 0\n";
    folder.write("plan.toml", plan);
    folder.write("r.toml", &small_grids(&[("plan = \"dihedral\"", "plan = \"plan.toml\"")], 1000));
    fs::create_dir(folder.path("data")).unwrap();
    folder.write("data/identifiers.json", "[]");
    let (file, config) = (fixture("attention/step_123"), fixture("attention/all_config.yaml"));
    let test_set = ["--test-set", "arc-agi-1/training"];
    let commands: [&[&[&str]]; 5] = [
        &[&["identifiers"], &TRAINING, &VARIANTS],
        &[&["dataset", "export", "--output", "new"], &TRAINING, &VARIANTS, &test_set],
        &[&["dataset", "check", "data"], &TRAINING, &VARIANTS, &test_set],
        &[&["import", &file, "--config", &config, "--output", "new"], &TRAINING, &VARIANTS],
        &[&["train", "r.toml", "--output", "run"]],
    ];
    for words in commands {
        let mut child = start(&folder, &words.concat());
        thread::sleep(Duration::from_secs(1));
        assert_eq!(child.try_wait().unwrap(), None, "{words:?} has ended by itself");
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let told = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(told.elapsed() < Duration::from_secs(20), "{words:?} goes on");
            thread::sleep(Duration::from_millis(10));
        };
        // a signal that comes before it is caught ends the program too
        assert!(status.code() == Some(130) || status.signal() == Some(2), "{words:?}: {status:?}");
        assert!(!folder.has("new") && !folder.has("run/manifest.json"), "{words:?}");
    }
}

#[test]
fn a_checkpoint_is_read_whole_while_a_training_replaces_it() {
    let folder = Program::new();
    let recipe = fs::read_to_string(tiny(folder.0.path(), 100_000)).unwrap();
    let every = recipe.lines().find(|line| line.starts_with("checkpoint_every")).unwrap();
    folder.write("often.toml", &recipe.replace(every, "checkpoint_every = 1"));
    let mut training = start(&folder, &["train", "often.toml", "--output", "run"]);
    let begun = Instant::now();
    while !folder.has("run/manifest.json") {
        assert!(begun.elapsed() < Duration::from_secs(60), "the training has written nothing");
        thread::sleep(Duration::from_millis(10));
    }
    for turn in 0..15 {
        let copy = format!("copy-{turn}");
        for arguments in [&["publish", "run", "--output", &copy][..], &["inspect", "run"], &["inspect", &copy]] {
            let ended = folder.run(arguments);
            assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        }
    }
    assert_eq!(training.try_wait().unwrap(), None, "the training has gone on all the while");
}

#[test]
fn of_two_imports_into_one_place_one_has_it() {
    let (file, config) = (fixture("attention/step_123"), fixture("attention/all_config.yaml"));
    let list = fixture("identifiers.json");
    for _ in 0..5 {
        let folder = Program::new();
        let import = ["import", &file, "--config", &config, "--identifiers", &list, "--output", "model"];
        let both = [start(&folder, &import), start(&folder, &import)].map(Running::output);
        let codes = both.each_ref().map(|output| output.status.code().unwrap());
        assert!(codes == [0, 2] || codes == [2, 0], "{codes:?}");
        let refused = both.iter().find(|output| !output.status.success()).unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.starts_with("error: ") && said.contains("model"), "{said}");
        assert!(["is there already", "another run"].iter().any(|part| said.contains(part)), "{said}");
        assert_eq!(folder.run(&["inspect", "model"]).code, 0);
        assert_eq!(names_in(folder.0.path()), ["model"]);
    }
}
