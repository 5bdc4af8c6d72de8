//! The promise: a signal ends a run in order, with the way on printed; what broke off is gone on with by that very command, by one program at
//! a time, and not written over by mistake.

#![cfg(unix)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use program::{Program, Running, assert_refused, names_in, tiny};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_trm-arc");

fn start(folder: &Program, arguments: &[&str]) -> Running {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder.0.path()).args(arguments);
    Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Waits for a moment that comes soon; a program that ends before it has said why.
fn wait_for(child: &mut Child, moment: impl Fn() -> bool) {
    let begun = Instant::now();
    while !moment() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(begun.elapsed() < Duration::from_secs(180), "the moment never came");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(name: &str, child: Running) -> Output {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    child.output()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The rest of the line that begins so.
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no \"{start}\" in: {text}"));
    rest.lines().next().unwrap().trim()
}

/// A command as a person copies it into a shell.
fn copy_into_a_shell(folder: &Program, command: &str) -> Output {
    let place = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", place.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.current_dir(folder.0.path()).env("PATH", path).args(["-c", command]).output().unwrap()
}

const SOLVE: [&str; 8] =
    ["solve", "arc-agi-1/evaluation", "--solver", "random", "--views", "50", "--submission", "an out/submission.json"];

/// A run that a signal ended after its first answer.
fn interrupted(folder: &Program, name: &str) -> Output {
    let mut child = start(folder, &SOLVE);
    let trail = folder.0.path().join("an out/run.json.progress");
    wait_for(&mut child, || fs::read_to_string(&trail).is_ok_and(|text| text.matches('\n').count() > 1));
    signal(name, child)
}

#[test]
fn a_signal_ends_a_solving_in_order_and_the_printed_command_goes_on_with_it() {
    let reference = Program::new();
    assert_eq!(reference.run(&SOLVE).code, 0);
    let submission = |folder: &Program| fs::read(folder.path("an out/submission.json")).unwrap();
    for name in ["-INT", "-TERM"] {
        let folder = Program::new();
        let ended = interrupted(&folder, name);
        assert_eq!(ended.status.code(), Some(130), "{}", text(&ended.stderr));
        assert!(text(&ended.stderr).contains("interrupted: finishing in order"), "{}", text(&ended.stderr));
        let command = text(&ended.stdout);
        let command = after(&command, "go on ");
        assert!(command.ends_with("'an out/submission.json' --resume"), "{command}");
        let ended = copy_into_a_shell(&folder, command);
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        assert!(submission(&folder) == submission(&reference), "the end is another one");
        assert_eq!(names_in(&folder.0.path().join("an out")), ["run.json", "submission.json"]);
        let again = copy_into_a_shell(&folder, command);
        assert!(again.status.success() && text(&again.stderr).contains("complete, and nothing is left to do"));
    }
}

#[test]
fn a_signal_ends_a_training_in_order_and_the_printed_command_goes_on_with_it() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 150);
    let recipe = recipe.to_str().unwrap();
    assert_eq!(folder.run(&["train", recipe, "--output", "reference"]).code, 0);
    for name in ["-INT", "-TERM"] {
        let run = format!("run{name}");
        let mut child = start(&folder, &["train", recipe, "--output", &run]);
        wait_for(&mut child, || folder.has(&format!("{run}/log.csv")));
        let ended = signal(name, child);
        assert_eq!(ended.status.code(), Some(130), "{}", text(&ended.stderr));
        let step: Value =
            serde_json::from_slice(&fs::read(folder.path(&format!("{run}/manifest.json"))).unwrap()).unwrap();
        assert!((1..150).contains(&step["step"].as_u64().unwrap()), "{}", step["step"]);
        let ended = copy_into_a_shell(&folder, after(&text(&ended.stdout), "go on with it: "));
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        for part in ["model", "state"] {
            let read = |run: &str| fs::read(folder.path(&format!("{run}/{part}-000150.safetensors"))).unwrap();
            assert!(read(&run) == read("reference"), "{part}");
        }
    }
}

#[test]
fn what_broke_off_is_not_written_over_and_not_gone_on_with_as_another_run() {
    let folder = Program::new();
    let begins =
        folder.run(&["solve", "arc-agi-1/evaluation", "--solver", "copy", "--submission", "o/s.json", "--resume"]);
    assert!(begins.code == 0 && begins.stderr.contains("note: o has no run to go on with"), "{}", begins.stderr);
    interrupted(&folder, "-INT");
    let run = |more: &[&str]| folder.run(&[&SOLVE[..], more].concat());
    assert_refused(&run(&[]), &["an out/run.json.progress is of a run that broke off", "--resume"]);
    assert_refused(&run(&["--seed", "3", "--resume"]), &["broke off with seed 0, now it would be seed 3"]);
    let other = ["arc-agi-1/training", "--solver", "random", "--views", "50", "--submission", "an out/submission.json"];
    assert_refused(&folder.run(&[&["solve"], &other[..], &["--resume"]].concat()), &["tasks of the digest"]);
    let trail = folder.path("an out/run.json.progress");
    let whole = fs::read_to_string(&trail).unwrap();
    let first = whole.split_inclusive('\n').next().unwrap().len();
    fs::write(&trail, [&whole[..first], "{\"round\": 0}\n", &whole[first..]].concat()).unwrap();
    assert_refused(&run(&["--resume"]), &["run.json.progress: line 2", "remove this file to begin anew"]);
    let steps: Vec<&str> = whole[first..].split_inclusive('\n').collect();
    fs::write(&trail, [&whole[..first], steps[0], steps[0]].concat()).unwrap();
    assert_refused(&run(&["--resume"]), &["run.json.progress: line 3", "it is step (0, 0), and (0, 1) comes here"]);
    fs::write(&trail, format!("{whole}{{\"round\":0,\"pla")).unwrap();
    assert_eq!(run(&["--resume"]).code, 0, "a line that is cut off is asked again");
    assert_eq!(run(&[]).code, 0, "a complete run is written over");
}

#[test]
fn a_run_that_its_limit_ended_goes_on_where_it_is_asked_to_and_is_else_written_over() {
    let folder = Program::new();
    let mut limited = start(&folder, &[&SOLVE[..], &["--time-limit", "1s"]].concat());
    let _ = limited.wait();
    let record: Value = serde_json::from_slice(&fs::read(folder.path("an out/run.json")).unwrap()).unwrap();
    // a machine that solves all of them within a second has nothing to go on with
    if record["status"] == "time-limit" {
        assert!(folder.has("an out/run.json.progress"));
        let ended = folder.run(&[&SOLVE[..], &["--time-limit", "1h", "--resume"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let anew = folder.run(&SOLVE);
    assert_eq!(anew.code, 0, "{}", anew.stderr);
    assert!(!folder.has("an out/run.json.progress"));
}

#[test]
fn one_program_at_a_time_writes_to_a_place() {
    let folder = Program::new();
    let mut first = start(&folder, &[&SOLVE[..5], &["100000"], &SOLVE[6..]].concat());
    wait_for(&mut first, || folder.has("an out/run.json.progress"));
    for more in [&[][..], &["--resume"]] {
        assert_refused(&folder.run(&[&SOLVE[..], more].concat()), &["another run is writing to", "submission.json"]);
    }
    first.kill().unwrap();
    let recipe = tiny(folder.0.path(), 100_000);
    let recipe = recipe.to_str().unwrap();
    let mut first = start(&folder, &["train", recipe, "--output", "run"]);
    wait_for(&mut first, || folder.has("run/manifest.json"));
    for arguments in [&["train", recipe, "--output", "run"][..], &["train", "--resume", "run"]] {
        assert_refused(&folder.run(arguments), &["another run is writing to run"]);
    }
    first.kill().unwrap();
}

#[test]
fn an_adapted_run_that_broke_off_goes_on_without_adapting_again() {
    let folder = Program::new();
    let recipe = tiny(folder.0.path(), 3);
    assert_eq!(folder.run(&["train", recipe.to_str().unwrap(), "--output", "run"]).code, 0);
    let solve = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--steps", "64", "--submission", "o/s.json"];
    let adapting = [&solve[..], &["--adapt", "2s"]].concat();
    let mut child = start(&folder, &adapting);
    wait_for(&mut child, || {
        fs::read_to_string(folder.path("o/run.json.progress")).is_ok_and(|text| text.contains("\"round\":1000,"))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_refused(&folder.run(&adapting), &["broke off"]);
    let adapted = fs::read(folder.path("o/adapted/manifest.json")).unwrap();
    for end in ["adapted     o/adapted", ""] {
        let ended = folder.run(&[&adapting[..], &["--resume"]].concat());
        assert!(ended.code == 0 && ended.stdout.contains(end), "{}", ended.stderr);
        assert!(!ended.stderr.contains("adapting"), "{}", ended.stderr);
        assert!(fs::read(folder.path("o/adapted/manifest.json")).unwrap() == adapted);
    }
}
