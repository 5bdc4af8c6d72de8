//! The promise: `--device cuda` computes what the CPU does, through the real program: training, solving, timing. Where this build or this
//! machine has no CUDA device, or its stand-in, the tests say that they were skipped, and what is refused is tested instead.

mod program;

use std::fs;
use std::io::Write;
use std::path::Path;

use program::{Program, small_grids};
use serde_json::Value;

/// What the log says of a training at its steps.
fn curve(folder: &Path) -> Vec<[f64; 2]> {
    let mut log = csv::Reader::from_path(folder.join("log.csv")).unwrap();
    let columns = log.headers().unwrap().clone();
    let place = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let places = ["cross_entropy", "halting"].map(place);
    log.records().map(|row| places.map(|place| row.as_ref().unwrap()[place].parse().unwrap())).collect()
}

/// A small model on small tasks, learning from its first step.
fn recipe(folder: &Program, steps: usize) {
    recipe_with(folder, steps, "rope_base = 10000.0");
}

/// The same with these lines of the model in place of its last.
fn recipe_with(folder: &Program, steps: usize, model: &str) {
    let changes = [
        ("rope_base = 10000.0", model),
        ("hidden = 128", "hidden = 32"),
        ("puzzle_width = 128", "puzzle_width = 40"),
        ("prefix = 1", "prefix = 2"),
        ("heads = 4", "heads = 2"),
        ("l_cycles = 3", "l_cycles = 1"),
        ("largest_side = 10", "largest_side = 4"),
        ("largest_side = 7", "largest_side = 3"),
        ("batch = 16", "batch = 4"),
        ("warmup = 100", "warmup = 0"),
        ("log_every = 100", "log_every = 1"),
    ];
    folder.write("tiny.toml", &small_grids(&changes, steps));
}

/// True when there is a device; says so when there is none.
fn has_device(folder: &Program) -> bool {
    let found: Value = serde_json::from_str(&folder.run(&["doctor", "--json"]).stdout).unwrap();
    let usable = found["cuda"]["devices"].as_array().unwrap().iter().any(|device| device["usable"] == true);
    if !usable {
        assert!(std::env::var_os("TRM_NEED_CUDA").is_none(), "no CUDA device");
        // past the test runner, which keeps to itself what a passing test prints
        let _ = writeln!(std::io::stderr(), "skipped on CUDA: {}", found["cuda"]["missing"]);
    }
    usable
}

fn train(folder: &Program, output: &str, device: &[&str]) -> Vec<[f64; 2]> {
    let ended = folder.run(&[&["train", "tiny.toml", "--output", output], device].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    curve(Path::new(&folder.path(output)))
}

fn solve(folder: &Program, checkpoint: &str, name: &str, device: &[&str]) -> Vec<Value> {
    let predictions = format!("{name}/predictions.jsonl");
    let files = ["--submission", &format!("{name}/submission.json"), "--predictions", &predictions];
    let flags = ["solve", "arc-agi-1/evaluation", "--checkpoint", checkpoint, "--steps", "2", "--views", "2"];
    let ended = folder.run(&[&flags[..], &files, device].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(folder.path(&predictions)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Trains by both devices, into the folders `cpu`, `f32` and `bf16`, and holds their losses against each other.
fn follows(folder: &Program) {
    let cpu = train(folder, "cpu", &[]);
    for (name, precision, allowed) in [("f32", "f32", 2e-4), ("bf16", "bf16", 3e-2)] {
        let cuda = train(folder, name, &["--device", "cuda", "--precision", precision]);
        assert_eq!(cpu.len(), cuda.len());
        for (step, (cpu, cuda)) in cpu.iter().zip(&cuda).enumerate() {
            for (expected, found) in cpu.iter().zip(cuda) {
                let apart = (found - expected).abs() / expected.abs();
                assert!(apart < allowed, "{precision}, step {step}: {found}, on the CPU {expected}");
            }
        }
    }
}

#[test]
fn and_so_it_does_where_neighbours_are_mixed() {
    let folder = Program::new();
    if has_device(&folder) {
        recipe_with(&folder, 6, "rope_base = 10000.0\nlocal = \"depthwise-3x3\"");
        follows(&folder);
    }
}

#[test]
fn a_training_on_the_device_follows_the_cpu_s() {
    let folder = Program::new();
    if !has_device(&folder) {
        return;
    }
    recipe(&folder, 6);
    follows(&folder);
    // a checkpoint of the device goes on where it was on the CPU, and the other way round
    for (from, device) in [("f32", vec![]), ("cpu", vec!["--device", "cuda"])] {
        let ended =
            folder.run(&[&["train", "--resume", from, "--output", &format!("{from}-on")], &device[..]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let cpu = solve(&folder, "cpu", "on-cpu", &[]);
    let cuda = solve(&folder, "cpu", "on-cuda", &["--device", "cuda", "--precision", "f32"]);
    assert!(cpu.len() >= 8 && cpu.len() == cuda.len(), "{} predictions", cpu.len());
    for (cpu, cuda) in cpu.iter().zip(&cuda) {
        assert_eq!(
            (&cpu["task"], &cpu["augmentation"], &cpu["grid"]),
            (&cuda["task"], &cuda["augmentation"], &cuda["grid"])
        );
        assert!((cpu["halt"].as_f64().unwrap() - cuda["halt"].as_f64().unwrap()).abs() < 1e-4);
    }
    let record = fs::read_to_string(folder.path("on-cuda/run.json")).unwrap();
    assert!(record.contains("cuda:0, ") && record.contains("float32"), "{record}");
}

#[test]
fn a_step_is_checked_against_the_cpu_before_it_is_timed() {
    let folder = Program::new();
    if !has_device(&folder) {
        return;
    }
    let small = ["--cells", "20", "--hidden", "32", "--heads", "2", "--batch", "2", "--l-cycles", "1", "--runs", "1"];
    for flags in [&["--precision", "f32", "--train"][..], &["--train"], &["--mlp-t", "--train"], &["--prefix", "0"]] {
        let ended = folder.run(&[&["bench", "--device", "cuda", "--json"], &small[..], flags].concat());
        if flags == ["--prefix", "0"] {
            assert_eq!(ended.code, 2, "{}", ended.stderr);
            continue;
        }
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let found: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(found["device"], "cuda:0");
        assert!(found["gradients_differ_by"].as_f64().unwrap() > 0.0, "{found}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    let folder = Program::new();
    let refused = |flags: &[&str], part: &str| {
        let ended = folder.run(flags);
        assert!(ended.code == 2 && ended.stderr.contains(part), "{flags:?}: {}", ended.stderr);
    };
    refused(&["solve", "arc-agi-1/evaluation", "--device", "gpu"], "there are cpu, cuda and cuda:N");
    refused(&["train", "small-grids", "--precision", "bf16"], "training on the CPU is float32");
    if !cfg!(feature = "cuda") {
        refused(&["bench", "--device", "cuda"], "cargo build --release --features cuda");
    } else if has_device(&folder) {
        refused(&["bench", "--device", "cuda:99"], "no device cuda:99");
        refused(&["bench", "--device", "cuda", "--heads", "2"], "heads of 256 coordinates");
        // the stand-in has 2 GB, a card more than a test should fill
        if folder.run(&["doctor"]).stdout.contains("stand-in") {
            refused(
                &["bench", "--device", "cuda", "--batch", "600"],
                "of the device's memory are left; take a smaller --batch",
            );
        }
    } else {
        refused(&["bench", "--device", "cuda"], "trm-arc doctor");
    }
}
