//! `solve --adapt`: the checkpoint as it was answers first, an adaptation that has too little time takes no answer away, and a run that breaks
//! off anywhere ends with the files of one that did not.

#![cfg(unix)]

mod program;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use program::{Program, Running, assert_refused, names_in, tiny};
use serde_json::{Map, Value, json};
use trm_arc::task;

/// Evaluation tasks that the checkpoint that comes with the project solves whole.
const SOLVED: [&str; 6] = ["0c786b71", "0f63c0b9", "45737921", "4f537728", "59341089", "66e6c45b"];

/// A set of these tasks with their solutions; the path of its challenges.
fn set_of(folder: &Program, ids: &[&str]) -> String {
    let set = task::load("arc-agi-1/evaluation").unwrap();
    let (mut challenges, mut solutions) = (Map::new(), Map::new());
    for id in ids {
        let task = set.task(id).unwrap();
        let tests: Vec<Value> = task.test.iter().map(|test| json!({"input": test.input})).collect();
        challenges.insert(task.id.clone(), json!({"train": task.train, "test": tests}));
        let outputs: Vec<_> = task.test.iter().map(|test| &test.output).collect();
        solutions.insert(task.id.clone(), json!(outputs));
    }
    folder.write("known_solutions.json", &Value::from(solutions).to_string());
    folder.write("known_challenges.json", &Value::from(challenges).to_string())
}

fn json_of(folder: &Program, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(name)).unwrap()).unwrap()
}

#[test]
fn tasks_that_there_is_no_time_to_adapt_to_keep_the_answers_of_the_checkpoint() {
    let folder = Program::new();
    let set = set_of(&folder, &SOLVED);
    let checkpoint = format!("{}/checkpoints/default", env!("CARGO_MANIFEST_DIR"));
    for (place, more) in [("a", &[][..]), ("b", &["--time-limit", "20s"])] {
        let submission = format!("{place}/s.json");
        let fixed = ["solve", &set, "--checkpoint", &checkpoint, "--adapt", "1s", "--submission", &submission];
        let ended = folder.run(&[&fixed[..], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("left out") && ended.stderr.contains("; all tasks need about "),
            "{}",
            ended.stderr
        );
        let record = json_of(&folder, &format!("{place}/run.json"));
        assert_eq!(record["score"]["solved_tasks"], json!(SOLVED), "{}", ended.stdout);
        assert_eq!((&record["answered"], &record["unseen"]), (&json!(6), &json!([])));
        let left_out = record["adaptation"]["left_out"].as_array().unwrap().len();
        assert!((1..6).contains(&left_out), "{left_out}");
        assert_eq!(record["adaptation"]["from"]["path"], json!(checkpoint));
        assert_eq!(record["checkpoint"]["path"], json!(format!("{place}/adapted")));
        assert_eq!(record["repeats"]["bitwise"], false);
        let manifest = json_of(&folder, &format!("{place}/adapted/manifest.json"));
        assert_eq!(
            manifest["step"], manifest["about"]["recipe"]["training"]["steps"],
            "the schedule has come to its end"
        );
    }
}

#[test]
fn an_adaptation_in_no_time_is_refused() {
    let folder = Program::new();
    for arguments in [
        &["solve", "arc-agi-1/evaluation", "--adapt", "0s"][..],
        &["adapt", "base", "arc-agi-1/evaluation", "--output", "o", "--time-limit", "0"],
    ] {
        let ended = folder.run(arguments);
        assert!(ended.code == 2 && ended.stderr.contains("leaves no time for the work"), "{}", ended.stderr);
    }
    assert!(names_in(folder.0.path()).is_empty());
}

/// A run that adapts in a number of steps, into a folder.
fn adapting(out: &str) -> Vec<String> {
    let (submission, predictions) = (format!("{out}/s.json"), format!("{out}/p.jsonl"));
    let fixed = ["solve", "arc-agi-1/evaluation", "--checkpoint", "model", "--shard", "1/80", "--steps", "1"];
    let places = ["--adapt-steps", "60", "--submission", &submission, "--predictions", &predictions];
    fixed.into_iter().chain(places).map(str::to_owned).collect()
}

fn start(folder: &Program, arguments: &[String]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(arguments);
    Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
}

fn run(folder: &Program, arguments: &[String], more: &[&str]) -> program::Ended {
    let all: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    folder.run(&all)
}

/// Waits for a moment, which may have passed before it was seen: then the program has ended.
fn wait_for(child: &mut Running, moment: impl Fn() -> bool) {
    let begun = Instant::now();
    while !moment() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the moment never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a run leaves that does not depend on the clock.
fn left(folder: &Program, out: &str) -> (Vec<u8>, Vec<u8>, Value, Vec<u8>) {
    let record = json_of(folder, &format!("{out}/run.json"));
    assert_eq!(record["status"], "complete");
    let read = |name: &str| fs::read(folder.path(&format!("{out}/{name}"))).unwrap();
    let model = read("adapted/model-000060.safetensors");
    (read("s.json"), read("p.jsonl"), json!([record["score"], record["answered"], record["unseen"]]), model)
}

#[test]
fn a_run_that_breaks_off_before_while_or_after_it_adapts_ends_with_the_same_files() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 3);
    assert_eq!(folder.run(&["train", recipe.to_str().unwrap(), "--output", "model"]).code, 0);
    let reference = run(&folder, &adapting("reference"), &[]);
    assert_eq!(reference.code, 0, "{}", reference.stderr);
    let expected = left(&folder, "reference");
    assert!(expected.1.iter().filter(|byte| **byte == b'\n').count() > 9, "there are predictions");
    assert_eq!(json_of(&folder, "reference/run.json")["repeats"]["bitwise"], true);

    let journal = |out: &str| fs::read_to_string(folder.path(&format!("{out}/run.json.progress"))).unwrap_or_default();
    let step = |out: &str| {
        let text = fs::read(folder.path(&format!("{out}/adapted/manifest.json"))).unwrap_or_default();
        serde_json::from_slice(&text).map_or(0, |manifest: Value| manifest["step"].as_u64().unwrap())
    };
    type Moment<'a> = (&'a str, &'a str, &'a dyn Fn(&str) -> bool);
    let moments: [Moment<'_>; 5] = [
        ("before", "-KILL", &|out| journal(out).lines().count() > 2),
        ("begun", "-KILL", &|out| folder.has(&format!("{out}/adapted/manifest.json"))),
        ("midst", "-KILL", &|out| step(out) > 12),
        ("interrupted", "-INT", &|out| step(out) > 12),
        ("after", "-KILL", &|out| journal(out).contains("\"round\":1000,")),
    ];
    let mut broken_off = 0;
    for (out, signal, moment) in moments {
        let mut child = start(&folder, &adapting(out));
        wait_for(&mut child, || moment(out));
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        drop(child.output());
        if !folder.has(&format!("{out}/run.json.progress")) {
            continue;
        }
        broken_off += 1;
        let validated = folder.run(&["validate", &format!("{out}/s.json"), "--tasks", "arc-agi-1/evaluation"]);
        assert!(!validated.stdout.contains("not JSON"), "{}", validated.stdout);
        assert_refused(&run(&folder, &adapting(out), &[]), &["broke off with ", "--resume"]);
        if out == "after" {
            // as a kill between the end of the adaptation and the first answer after it
            let before: String =
                journal(out).split_inclusive('\n').filter(|line| !line.contains("\"round\":1000,")).collect();
            fs::write(folder.path("after/run.json.progress"), before).unwrap();
        }
        let ended = run(&folder, &adapting(out), &["--resume"]);
        assert_eq!(ended.code, 0, "{out}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.contains("going on with adapting"),
            ["begun", "midst", "interrupted"].contains(&out),
            "{out}: {}",
            ended.stderr
        );
        assert!(left(&folder, out) == expected, "{out}: the end is another one");
        assert!(!folder.has(&format!("{out}/run.json.progress")));
    }
    assert!(broken_off >= 3, "only {broken_off} runs broke off: is the test blind?");

    let again = run(&folder, &adapting("midst"), &["--resume"]);
    assert!(again.code == 0 && again.stderr.contains("nothing is left to do"), "{}", again.stderr);
}

#[test]
fn an_adaptation_of_another_checkpoint_is_not_gone_on_with() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 3);
    let recipe = recipe.to_str().unwrap();
    assert_eq!(folder.run(&["train", recipe, "--output", "model"]).code, 0);
    let mut child = start(&folder, &adapting("out"));
    wait_for(&mut child, || folder.has("out/adapted/manifest.json"));
    child.kill().unwrap();
    drop(child.output());
    let path = folder.path("out/adapted/manifest.json");
    let mut manifest = json_of(&folder, "out/adapted/manifest.json");
    manifest["about"]["recipe"]["adaptation"]["from"] = json!("00");
    fs::write(path, manifest.to_string()).unwrap();
    let ended = run(&folder, &adapting("out"), &["--resume"]);
    assert_refused_after_work(&ended, &["cannot go on with the adaptation in out/adapted", "hint: remove out/adapted"]);
}

/// Bad input that is found when the run has begun.
fn assert_refused_after_work(ended: &program::Ended, parts: &[&str]) {
    assert!(ended.code == 2 && ended.stdout.is_empty(), "{}{}", ended.stdout, ended.stderr);
    parts.iter().for_each(|part| assert!(ended.stderr.contains(part), "no \"{part}\" in: {}", ended.stderr));
}
