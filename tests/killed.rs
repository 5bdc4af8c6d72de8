//! The promise: nothing is lost. The program is killed at random moments of training and solving, and whatever the moment, what stands on the
//! disk is whole, the next start goes on, and the end is that of a run that was never stopped, byte for byte.
//!
//! `TRM_ARC_KILLS=200 cargo test --release --test killed -- --nocapture` kills so many times and prints where it struck.

#![cfg(unix)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use program::{Program, names_in, tiny};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use trm_arc::files;

/// Kills of each kind of run.
fn kills() -> usize {
    std::env::var("TRM_ARC_KILLS").map_or(6, |kills| kills.parse().unwrap())
}

/// Other moments each time, and a line by which they can be had again.
fn moments(what: &str) -> ChaCha8Rng {
    let given = std::env::var("TRM_ARC_SEED").map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|_| UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
    println!("{what}: TRM_ARC_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

fn start(folder: &Program, arguments: &[&str], threads: usize) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(arguments).env("RAYON_NUM_THREADS", threads.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What became of a run that was to be killed after `moment`.
fn kill_after(mut child: Child, moment: Duration) -> Output {
    thread::sleep(moment);
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}

fn was_killed(output: &Output) -> bool {
    assert!(output.status.signal() == Some(9) || output.status.success(), "{}", text(&output.stderr));
    output.status.signal().is_some()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Counts the places where kills struck.
#[derive(Default)]
struct Struck(BTreeMap<&'static str, usize>);

impl Struck {
    fn at(&mut self, place: &'static str) {
        *self.0.entry(place).or_default() += 1;
    }

    fn print(&self, what: &str, ends: usize) {
        let all: usize = self.0.values().sum();
        println!("{what}: {all} kills, {ends} times through to the end; {:?}", self.0);
    }
}

fn manifest(folder: &Path) -> Option<Value> {
    let bytes = fs::read(folder.join("manifest.json")).ok()?;
    Some(serde_json::from_slice(&bytes).expect("a manifest is whole or not there"))
}

/// Every file that the manifest names is there and what it says. Returns the manifest without clocks and names of files.
fn whole(folder: &Path) -> Option<Value> {
    let mut manifest = manifest(folder)?;
    for (part, entry) in manifest["files"].as_object_mut().unwrap() {
        let entry = entry.as_object_mut().unwrap();
        let file = entry.remove("file").unwrap();
        let found = files::sha256_of(&folder.join(file.as_str().unwrap())).unwrap();
        assert_eq!(entry["sha256"], found, "{part}");
    }
    manifest["about"].as_object_mut().unwrap().remove("seconds");
    manifest["about"]["state"]["window"].as_object_mut().unwrap().remove("seconds");
    Some(manifest)
}

/// The smallest recipe, with a checkpoint at each of so many steps.
fn recipe(folder: &Program, steps: usize) -> String {
    let path = tiny(folder.0.path(), steps);
    let text = fs::read_to_string(&path).unwrap();
    let often = text.replace("checkpoint_every = 1000", "checkpoint_every = 1");
    assert_ne!(often, text);
    fs::write(&path, often).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Where a training was when it was killed, by what it left.
fn moment_of_training(run: &Path, step_before: Option<u64>) -> &'static str {
    if !run.exists() {
        return "before the first file";
    }
    let names = names_in(run);
    if names.iter().any(|name| name.starts_with(".trm-arc-tmp-")) {
        return "in a write";
    }
    let Some(manifest) = manifest(run) else { return "before the first checkpoint" };
    let named: Vec<&str> =
        manifest["files"].as_object().unwrap().values().map(|e| e["file"].as_str().unwrap()).collect();
    let is_part = |name: &String| name.ends_with(".safetensors") || name.starts_with("identifiers");
    match names.iter().filter(|name| is_part(name)).any(|name| !named.contains(&name.as_str())) {
        true => "between the files of a checkpoint",
        false if step_before == manifest["step"].as_u64() => "before the first step",
        false => "in a step",
    }
}

#[test]
fn a_training_that_is_killed_anywhere_goes_on_and_ends_with_the_same_bytes() {
    let folder = Program::new();
    let recipe = recipe(&folder, 24);
    let begun = Instant::now();
    let reference = start(&folder, &["train", &recipe, "--output", "reference"], 2).wait_with_output().unwrap();
    assert!(reference.status.success(), "{}", text(&reference.stderr));
    let takes = begun.elapsed();
    let expected = whole(Path::new(&folder.path("reference"))).unwrap();
    let (run, mut moments, mut struck) = (folder.0.path().join("run"), moments("training"), Struck::default());
    let (mut left, mut ends) = (kills(), 0);
    while left > 0 {
        let step = manifest(&run).and_then(|manifest| manifest["step"].as_u64());
        let arguments: &[&str] = match step {
            Some(_) => &["train", "--resume", "run"],
            None => &["train", &recipe, "--output", "run"],
        };
        let moment = takes.mul_f64(moments.random_range(0.0..1.1));
        let output = kill_after(start(&folder, arguments, moments.random_range(1..=2)), moment);
        let stands = whole(&run);
        if was_killed(&output) {
            struck.at(moment_of_training(&run, step));
            left -= 1;
        } else {
            assert_eq!(stands.as_ref(), Some(&expected), "the end is another one");
            assert_eq!(names_in(&run).len(), 5, "{:?}", names_in(&run));
            fs::remove_dir_all(&run).unwrap();
            ends += 1;
        }
    }
    let arguments: &[&str] = if run.join("manifest.json").exists() {
        &["train", "--resume", "run"]
    } else {
        &["train", &recipe, "--output", "run"]
    };
    let last = start(&folder, arguments, 1).wait_with_output().unwrap();
    assert!(last.status.success(), "{}", text(&last.stderr));
    assert_eq!(whole(&run).unwrap(), expected);
    assert_eq!(names_in(&run).len(), 5, "{:?}", names_in(&run));
    struck.print("training", ends + 1);
}

/// Submission, predictions and score, which do not depend on the clock.
fn answers(out: &Path) -> (Vec<u8>, Vec<u8>, Value) {
    let record: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["status"], "complete");
    let read = |name: &str| fs::read(out.join(name)).unwrap();
    (read("submission.json"), read("predictions.jsonl"), record["score"].clone())
}

/// The rounds and places of tasks that a run has behind it, whole lines alone.
fn behind(out: &Path) -> Vec<(u64, u64)> {
    let trail = fs::read_to_string(out.join("run.json.progress")).unwrap_or_default();
    let whole = trail.split_inclusive('\n').skip(1).filter(|line| line.ends_with('\n'));
    let step = |line: &str| {
        let step: Value = serde_json::from_str(line).unwrap();
        (step["round"].as_u64().unwrap(), step["place"].as_u64().unwrap())
    };
    whole.map(step).collect()
}

fn moment_of_solving(out: &Path) -> &'static str {
    if !out.exists() {
        return "before the first file";
    }
    let names = names_in(out);
    match () {
        // the predictions grow in one of their own
        () if names.iter().filter(|name| name.starts_with(".trm-arc-tmp-")).count() > 1 => "in a write",
        () if behind(out).is_empty() => "before the first answer",
        () if !names.iter().any(|name| name.starts_with(".trm-arc-tmp-")) => "at the end",
        () => "in a task",
    }
}

fn solving_survives(what: &str, more: &[&str], checkpoint: bool) {
    let folder = Program::new();
    if checkpoint {
        let recipe = recipe(&folder, 2);
        let trained = start(&folder, &["train", &recipe, "--output", "model"], 2).wait_with_output().unwrap();
        assert!(trained.status.success(), "{}", text(&trained.stderr));
    }
    let solve = |out: &str, last: &[&str]| {
        let places = [format!("{out}/submission.json"), format!("{out}/predictions.jsonl")];
        let fixed = ["solve", "arc-agi-1/evaluation", "--submission", &places[0], "--predictions", &places[1]];
        [&fixed[..], more, last].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let begin = |out: &str, last: &[&str], threads| {
        let arguments = solve(out, last);
        start(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), threads)
    };
    let begun = Instant::now();
    let reference = begin("reference", &[], 2).wait_with_output().unwrap();
    assert!(reference.status.success(), "{}", text(&reference.stderr));
    let takes = begun.elapsed();
    let expected = answers(Path::new(&folder.path("reference")));
    let (out, mut moments, mut struck) = (folder.0.path().join("out"), moments(what), Struck::default());
    let (mut left, mut ends, mut before) = (kills(), 0, Vec::new());
    while left > 0 {
        let moment = takes.mul_f64(moments.random_range(0.0..1.1));
        let output = kill_after(begin("out", &["--resume"], moments.random_range(1..=2)), moment);
        if was_killed(&output) {
            let now = behind(&out);
            if out.join("run.json.progress").exists() {
                assert!(now.starts_with(&before), "an answer was lost or asked again");
                let mut once = now.clone();
                once.dedup();
                assert_eq!(once, now);
                before = now;
            }
            if out.join("submission.json").exists() {
                let ended = folder.run(&["validate", "out/submission.json", "--tasks", "arc-agi-1/evaluation"]);
                assert_eq!(ended.code, 0, "{}", ended.stdout);
            }
            struck.at(moment_of_solving(&out));
            left -= 1;
        } else {
            assert!(answers(&out) == expected, "the end is another one");
            assert_eq!(names_in(&out), ["predictions.jsonl", "run.json", "submission.json"]);
            fs::remove_dir_all(&out).unwrap();
            (ends, before) = (ends + 1, Vec::new());
        }
    }
    let last = begin("out", &["--resume"], 1).wait_with_output().unwrap();
    assert!(last.status.success(), "{}", text(&last.stderr));
    assert!(answers(&out) == expected, "the end is another one");
    assert_eq!(names_in(&out), ["predictions.jsonl", "run.json", "submission.json"]);
    struck.print(what, ends + 1);
}

#[test]
fn a_run_without_a_model_that_is_killed_anywhere_goes_on_and_ends_with_the_same_bytes() {
    solving_survives("solving", &["--solver", "random", "--views", "60"], false);
}

#[test]
fn a_run_of_a_model_in_rounds_that_is_killed_anywhere_goes_on_and_ends_with_the_same_bytes() {
    let flags = ["--checkpoint", "model", "--time-limit", "2h", "--steps", "2"];
    solving_survives("solving in rounds", &flags, true);
}
