//! Attacks on what is believed of a file: its kind, its depth, its sizes, its numbers; most of them through the program.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::json;
use trm_arc::report::chart::{Curve, Panel, Scale, curves};

use crate::program::{Ended, Program, assert_refused, pair, small_grids, task};

/// The most memory of an attacked program, in kilobytes of address space: rooms for its threads, and none for what a file claims.
const MEMORY: usize = 4_000_000;

/// The program under a limit of memory and time; one that panics, aborts or hangs has no such code.
pub fn attacked(folder: &Program, arguments: &[&str]) -> Ended {
    within(MEMORY, folder, arguments)
}

fn within(memory: usize, folder: &Program, arguments: &[&str]) -> Ended {
    let program = env!("CARGO_BIN_EXE_trm-arc");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {memory}; exec \"$0\" \"$@\""), program]).args(arguments);
    let output = command.current_dir(folder.0.path()).timeout(Duration::from_secs(20)).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?} was ended: {stdout}{stderr}"));
    assert!([0, 1, 2].contains(&code), "{arguments:?} ended with {code}: {stdout}{stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Ended { code, stdout, stderr }
}

pub fn tiny(folder: &Program) -> String {
    folder.write("t_challenges.json", &task(pair(), json!([{"input": [[3]]}])))
}

pub const SOUND: &str = r#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#;

#[test]
fn a_device_in_place_of_a_file_is_refused_and_not_read() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let link = |name: &str| {
        fs::create_dir_all(Path::new(&folder.path(name)).parent().unwrap()).unwrap();
        symlink("/dev/zero", folder.path(name)).unwrap();
        folder.path(name)
    };
    let (json, csv, toml) = (link("z.json"), link("z.csv"), link("z.toml"));
    let (manifest, alone, record) = (link("checkpoint/manifest.json"), link("alone/a.json"), link("run/run.json"));
    let attacks: [(&[&str], &str); 13] = [
        (&["validate", &json, "--tasks", &tasks], "z.json"),
        (&["score", &json, "--tasks", &tasks], "z.json"),
        (&["merge", &json, "--tasks", &tasks, "--output", "m.json"], "z.json"),
        (&["tasks", "list", "/dev/zero"], "/dev/zero"),
        (&["tasks", "list", "alone"], &alone),
        (&["solve", &csv], "z.csv"),
        (&["puzzles", "show", &csv], "z.csv"),
        (&["inspect", "checkpoint"], &manifest),
        (&["import", &json, "--config", &json, "--tasks", &tasks, "--output", "o"], "z.json"),
        (&["plot", &csv], "z.csv"),
        (&["report", "run"], &record),
        (&["compare", "run"], &record),
        (&["train", &toml], "z.toml"),
    ];
    for (arguments, named) in attacks {
        let file = Path::new(named).file_name().unwrap().to_str().unwrap();
        assert_refused(&attacked(&folder, arguments), &["device", file]);
    }
}

#[test]
fn a_pipe_is_read_as_the_file_that_it_stands_for() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    folder.write("s.json", SOUND);
    let through = |command: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", command, env!("CARGO_BIN_EXE_trm-arc"), &tasks]).current_dir(folder.0.path());
        bash.timeout(Duration::from_secs(20)).output().unwrap()
    };
    for command in [
        "\"$0\" validate <(cat s.json) --tasks \"$1\"",
        "cat s.json | \"$0\" validate /dev/stdin --tasks \"$1\"",
        "\"$0\" validate s.json --tasks <(cat \"$1\")",
    ] {
        let ended = through(command);
        assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn deep_nesting_is_refused_by_every_format() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        let (json, toml) = (folder.write("d.json", &deep), folder.write("d.toml", &format!("variants = {deep}")));
        let yaml = folder.write("d.yaml", &format!("arch: {deep}"));
        fs::create_dir_all(folder.path("d")).unwrap();
        folder.write("d/manifest.json", &deep);
        folder.write("d/run.json", &deep);
        let attacks: [&[&str]; 8] = [
            &["validate", &json, "--tasks", &tasks],
            &["merge", &json, "--tasks", &tasks, "--output", "m.json"],
            &["tasks", "list", &json],
            &["inspect", "d"],
            &["report", "d"],
            &["train", &toml],
            &["import", &json, "--config", &yaml, "--tasks", &tasks, "--output", "o"],
            &["score", "s.json", "--tasks", &tasks, "--predictions", &json],
        ];
        folder.write("s.json", SOUND);
        for arguments in attacks {
            let ended = attacked(&folder, arguments);
            assert!(ended.code > 0 && ended.stdout.len() < 200, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stderr.len() < 10_000, "{arguments:?}: an error of {} bytes", ended.stderr.len());
        }
    }
}

#[test]
fn a_yaml_of_aliases_that_multiply_is_refused() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let mut yaml = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        yaml += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    let yaml = folder.write("bomb.yaml", &(yaml + "arch: *a9\n"));
    let ended = attacked(&folder, &["import", "x", "--config", &yaml, "--tasks", &tasks, "--output", "o"]);
    assert_refused(&ended, &["bomb.yaml"]);
}

#[test]
fn enormous_numbers_of_a_recipe_are_refused_by_name() {
    let folder = Program::new();
    let enormous = "9223372036854775807";
    let changes = [
        ("hidden = 128", "hidden"),
        ("heads = 4", "heads"),
        ("layers = 2", "layers"),
        ("h_cycles = 2", "h_cycles"),
        ("l_cycles = 3", "l_cycles"),
        ("prefix = 1", "prefix"),
        ("puzzle_width = 128", "puzzle_width"),
        ("batch = 16", "batch"),
        ("halt_max_steps = 4", "halt_max_steps"),
        ("expansion = 4.0", "expansion"),
        ("vocabulary = 12", "vocabulary"),
        ("cells = 900", "cells"),
    ];
    for (line, name) in changes {
        let number = if name == "expansion" { "1e300" } else { enormous };
        folder.write("r.toml", &small_grids(&[(line, &format!("{name} = {number}"))], 10));
        assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &[name, "at most"]);
    }
    let text =
        small_grids(&[("warmup = 100", "warmup = 0")], 10).replace("steps = 10\n", &format!("steps = {enormous}\n"));
    folder.write("r.toml", &text);
    assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &["steps", "at most"]);
    folder.write(
        "p.toml",
        &format!(
            "variants = {enormous}\ndihedral = \"dihedral\"\ncolours = \"permuted\"\ntranslate = true\nseed = 0\n"
        ),
    );
    folder.write(
        "r.toml",
        &small_grids(&[("plan = \"dihedral\"", "plan = \"p.toml\""), ("warmup = 100", "warmup = 0")], 10),
    );
    assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &["p.toml", "variants", "at most"]);
}

#[test]
fn numbers_of_a_recipe_that_leave_nothing_or_no_number_are_refused_by_name() {
    let folder = Program::new();
    for (line, value, parts) in [
        ("expansion = 4.0", "expansion = 0.001", ["expansion is 0.001", "an inner size of 0"]),
        ("rope_base = ", "rope_base = 1e-300 # ", ["rope_base is 0.000", "at least 1"]),
        ("heads = 4", "heads = 256", ["128 does not divide into 256 heads", "even size"]),
        ("parts = ", "parts = 32 # ", ["training.batch 16 does not divide", "training.parts 32"]),
        ("learning_rate = 3e-4", "learning_rate = 1e300", ["trunk.learning_rate is 1000", "from 0 to 1000000"]),
        ("warmup = 100", "warmup = 11", ["training.warmup 11", "training.steps 10"]),
        ("ema = ", "halt_bias = 3e38\nema = ", ["training.halt_bias is 3000", "between -1000000 and 1000000"]),
    ] {
        let changes: &[(&str, &str)] = if line.starts_with("warmup") {
            &[(line, value)]
        } else {
            &[("warmup = 100", "warmup = 0"), (line, value)]
        };
        folder.write("r.toml", &small_grids(changes, 10));
        assert_refused(&attacked(&folder, &["train", "r.toml", "--output", "o"]), &parts);
    }
}

#[test]
fn a_repeated_key_is_refused_or_named() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let twice = folder.write("twice.json", &format!("{{{0}, {0}}}", &SOUND[1..SOUND.len() - 1]));
    let ended = attacked(&folder, &["validate", &twice, "--tasks", &tasks]);
    assert!(
        ended.code == 1 && ended.stdout.contains("x1") && ended.stdout.contains("more than once"),
        "{}",
        ended.stdout
    );
    let ended = attacked(&folder, &["merge", &twice, "--tasks", &tasks, "--output", "m.json"]);
    assert_refused(&ended, &["twice.json", "x1", "more than once"]);
    let grid = pair();
    let inner = format!("{{\"x1\": {{\"train\": {grid}, \"train\": {grid}, \"test\": {grid}}}}}");
    let ended = attacked(&folder, &["tasks", "list", &folder.write("inner_challenges.json", &inner)]);
    assert_refused(&ended, &["inner_challenges.json", "train", "more than once"]);
}

#[test]
fn a_log_s_numbers_stop_no_drawing() {
    let numbers = [
        f64::NAN,
        f64::INFINITY,
        -f64::INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1e-310,
        0.0,
        -0.0,
        1e300,
        1.0,
    ];
    for first in numbers {
        for second in numbers {
            let points = vec![(0.0, first), (second, second), (1.0, first), (first, second)];
            let panel = |scale| Panel {
                title: "a".into(),
                scale,
                curves: vec![Curve { name: "b".into(), points: points.clone() }],
            };
            let drawing = curves("c", "d", &[panel(Scale::Linear), panel(Scale::Logarithmic)]);
            assert!(
                drawing.len() < 50_000 && !drawing.contains("NaN") && !drawing.contains("inf"),
                "{first} {second}: {drawing}"
            );
        }
    }
}

/// Ten million bytes are answered or refused within half a gigabyte of addresses.
#[test]
fn a_long_file_takes_no_more_memory_than_its_bytes_allow() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let zeros = format!("[{}0]", "0,".repeat(5_000_000));
    let attempts = folder.write("long.json", &format!("{{\"x1\": {zeros}}}"));
    let long = folder.write("long_challenges.json", &format!("{{\"x1\": {{\"train\": {zeros}}}}}"));
    let toml = folder.write("long.toml", &format!("a = {zeros}\n"));
    let keys: Vec<String> = (0..500_000).map(|key| format!("\"{key}\":0")).collect();
    let keys = folder.write("keys.json", &format!("{{{}}}", keys.join(",")));
    let grid = folder.write(
        "long.jsonl",
        &format!("{{\"task\":\"a\",\"test\":0,\"augmentation\":\"\",\"halt\":0,\"grid\":{zeros}}}\n"),
    );
    folder.write("s.json", SOUND);
    let attacks: [(&[&str], &str); 7] = [
        (&["validate", &attempts, "--tasks", &tasks], "bytes; the most is"),
        (&["score", &attempts, "--tasks", &tasks], "no solution for test input 0"),
        (&["tasks", "list", &long], "bytes; the most is"),
        (&["train", &toml], "a file of settings has at most"),
        (&["validate", &keys, "--tasks", &tasks], "these are the first 10000"),
        (&["score", "s.json", "--tasks", &tasks, "--predictions", &grid], "line 1 is no prediction"),
        (&["compare", &attempts], "no run's record"),
    ];
    for (arguments, said) in attacks {
        let ended = within(MEMORY / 8, &folder, arguments);
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains(said), "{arguments:?}: {}", text.chars().take(500).collect::<String>());
    }
}
