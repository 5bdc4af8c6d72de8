//! Answers and refusals do not depend on the processor: `TRM_ARC_CPU` runs every level that this one has.

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{Ended, Program, assert_refused, names_in, tiny};
use trm_arc::kernels::Level;

/// The levels of this processor, lowest first.
fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| *level <= Level::of_processor())
}

fn run_at(level: &str, folder: &Program, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    let output = command.current_dir(folder.0.path()).env("TRM_ARC_CPU", level).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The files of a folder whose names end so.
fn files(folder: &Path, ends: &[&str]) -> Vec<(String, Vec<u8>)> {
    let names = names_in(folder).into_iter().filter(|name| ends.iter().any(|end| name.ends_with(end)));
    names.map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap())).collect()
}

#[test]
fn float32_trains_and_solves_to_the_same_bytes_on_every_level_but_tiles() {
    let folder = Program::new();
    tiny(folder.0.path(), 2);
    let mut expected = None;
    for level in levels().filter(|level| *level < Level::Amx).map(Level::name) {
        let trained = run_at(level, &folder, &["train", "tiny.toml", "--output", level]);
        assert_eq!(trained.code, 0, "{}", trained.stderr);
        let submission = format!("{level}/submission.json");
        let predictions = format!("{level}/predictions.jsonl");
        let solve = ["solve", "arc-agi-1/evaluation", "--checkpoint", level, "--views", "2", "--steps", "1"];
        let out = ["--submission", &submission, "--predictions", &predictions];
        let solved = run_at(level, &folder, &[&solve[..], &out].concat());
        assert_eq!(solved.code, 0, "{}", solved.stderr);
        let found = files(Path::new(&folder.path(level)), &[".safetensors", "submission.json", "predictions.jsonl"]);
        assert!(found.len() >= 3, "{found:?}");
        let (first, expected) = expected.get_or_insert((level, found.clone()));
        for ((name, bytes), (_, of_first)) in found.iter().zip(&*expected) {
            assert!(bytes == of_first, "{name} differs between {first} and {level}");
        }
    }
}

#[test]
fn refusals_are_the_same_on_every_level() {
    let folder = Program::new();
    let calls: [&[&str]; 12] = [
        &["bench", "--heads", "7"],
        &["bench", "--heads", "7", "--precision", "bf16"],
        &["bench", "--cells", "65537", "--precision", "bf16"],
        &["bench", "--precision", "bf16", "--train"],
        &["bench", "--tasks", "nowhere", "--precision", "bf16"],
        &["bench", "--tasks", "arc-agi-1/evaluation", "--mlp-t", "--precision", "bf16"],
        &["train", "small-grids", "--precision", "bf16"],
        &["train", "nowhere", "--precision", "bf16"],
        &["adapt", "nowhere", "arc-agi-1/evaluation", "--precision", "bf16"],
        &["solve", "nowhere", "--precision", "bf16"],
        &["solve", "arc-agi-1/evaluation", "--checkpoint", "nowhere", "--precision", "bf16"],
        &["solve", "arc-agi-1/evaluation", "--views", "0", "--precision", "bf16"],
    ];
    for call in calls {
        let mut said = levels().map(|level| (level, run_at(level.name(), &folder, call)));
        let (_, first) = said.next().unwrap();
        assert!(first.code == 2 && first.stderr.contains("error: "), "{call:?}: {}", first.stderr);
        assert!(!first.stderr.contains("AVX512"), "{call:?}: {}", first.stderr);
        for (level, ended) in said {
            assert_eq!((ended.code, &ended.stderr), (2, &first.stderr), "{call:?} on {level}");
        }
    }
    assert_eq!(names_in(folder.0.path()), [""; 0]);
}

#[test]
fn bfloat16_is_refused_below_its_level_with_the_reason() {
    let folder = Program::new();
    let bench = ["bench", "--hidden", "32", "--cells", "9", "--runs", "1", "--precision", "bf16"];
    assert_refused(
        &run_at("baseline", &folder, &bench),
        &["no products in bf16", "AVX512-BF16", "hint: use --precision f32"],
    );
    for level in levels().filter(|level| *level >= Level::Avx512Bf16) {
        let ended = run_at(level.name(), &folder, &bench);
        assert_eq!(ended.code, 0, "{level}: {}", ended.stderr);
    }
}

#[test]
fn a_level_that_is_unknown_or_absent_is_refused() {
    let folder = Program::new();
    assert_refused(
        &run_at("avx3", &folder, &["tasks", "list"]),
        &["TRM_ARC_CPU is \"avx3\"", "hint: set it to baseline"],
    );
    for absent in Level::ALL.into_iter().filter(|level| *level > Level::of_processor()) {
        let ended = run_at(absent.name(), &folder, &["tasks", "list"]);
        assert_refused(&ended, &[&format!("TRM_ARC_CPU is {absent}, which this processor lacks"), "hint: set it to"]);
    }
    let doctor = run_at("baseline", &folder, &["doctor"]);
    assert!(doctor.stdout.contains(", baseline; products in f32; bf16 needs"), "{}", doctor.stdout);
    assert_eq!(run_at("", &folder, &["tasks", "list"]).code, 0, "an empty value is none");
}
