//! The promise, of the program itself under `mpirun`: two processes train as one does, resume what one has begun, and end with one
//! error and a checkpoint to go on from when one of them is killed.
//!
//! Only in a build with the feature `mpi`; where there is no `mpirun`, each test says that it was skipped.

#![cfg(feature = "mpi")]

mod program;

use std::env;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use trm_arc::ranks::{self, Ranks, share};
use trm_arc::recipe::Recipe;

use program::Program;

const OPTIONS: [&str; 4] = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"];

/// mpirun with so many processes of `program`; `None` where there is none.
fn mpirun(count: usize, program: &Path) -> Option<Command> {
    if Command::new("mpirun").arg("--version").output().is_err() {
        // past the test runner, which keeps to itself what a passing test prints
        let _ = writeln!(std::io::stderr(), "skipped: there is no mpirun here");
        return None;
    }
    let mut command = Command::new("mpirun");
    command.args(["-n", &count.to_string()]).args(OPTIONS).arg(program).env("RAYON_NUM_THREADS", "1");
    Some(command)
}

/// The program in so many processes, or by itself when it is one.
fn train(program: &Program, count: usize, arguments: &[&str]) -> Option<Command> {
    let binary = Path::new(env!("CARGO_BIN_EXE_trm-arc"));
    let mut command = if count == 1 { Command::new(binary) } else { mpirun(count, binary)? };
    command.arg("train").args(arguments).current_dir(program.0.path());
    Some(command)
}

fn recipe(program: &Program, steps: usize) -> String {
    let mut recipe = Recipe::load("small-grids").unwrap();
    recipe.name = "test".into();
    recipe.data.tasks_mut().unwrap().sources.iter_mut().for_each(|source| source.largest_side = 5);
    (recipe.model.hidden, recipe.model.heads, recipe.model.puzzle_width) = (32, 2, 32);
    (recipe.training.batch, recipe.training.parts, recipe.training.steps) = (6, Some(2), steps);
    (recipe.training.warmup, recipe.training.log_every, recipe.training.checkpoint_every) = (2, 2, 4);
    program.write(&format!("of-{steps}.toml"), &toml::to_string(&recipe).unwrap())
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The log without the columns of time.
fn course(program: &Program, folder: &str) -> Vec<String> {
    let log = fs::read_to_string(program.path(&format!("{folder}/log.csv"))).unwrap();
    let keeps = |(column, _): &(usize, &str)| ![2, 7].contains(column);
    let row =
        |line: &str| line.split(',').enumerate().filter(keeps).map(|(_, text)| text).collect::<Vec<_>>().join(",");
    log.lines().map(row).collect()
}

fn same(program: &Program, a: &str, b: &str, step: usize) {
    assert_eq!(course(program, a), course(program, b));
    for kind in ["model", "state"] {
        let read = |folder: &str| fs::read(program.path(&format!("{folder}/{kind}-{step:06}.safetensors"))).unwrap();
        assert!(read(a) == read(b), "the {kind} of {a} and {b} differ");
    }
}

#[test]
fn two_processes_train_and_resume_as_one_does() {
    let program = Program::new();
    let recipe = recipe(&program, 40);
    let Some(mut two) = train(&program, 2, &[&recipe, "--output", "two"]) else { return };
    let output = two.output().unwrap();
    done(&output);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.matches("40 of 40 steps").count(), 1, "one process prints: {printed}");
    done(&train(&program, 1, &[&recipe, "--output", "one"]).unwrap().output().unwrap());
    same(&program, "one", "two", 40);

    // Stopped at once by its time limit, and gone on with by the other number of processes.
    for (first, then) in [(1, 2), (2, 1)] {
        let folder = format!("from-{first}");
        done(&train(&program, first, &[&recipe, "--output", &folder, "--time-limit", "1s"]).unwrap().output().unwrap());
        done(&train(&program, then, &["--resume", &folder]).unwrap().output().unwrap());
        same(&program, "one", &folder, 40);
    }
}

/// The process of a rank, among the children of mpirun.
fn process_of(mpirun: &Child, rank: usize) -> u32 {
    let variable = format!("OMPI_COMM_WORLD_RANK={rank}");
    let is_rank = |process: u32| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
        let parent = read("status").lines().any(|line| line == format!("PPid:\t{}", mpirun.id()));
        parent && read("environ").split('\0').any(|entry| entry == variable)
    };
    let processes =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|&process| is_rank(process)).expect("mpirun has started the rank")
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < Duration::from_secs(60), "no {what} after a minute");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a rank in the middle of a training; returns how it ended and what was said.
fn signalled(program: &Program, signal: &str, rank: usize) -> Option<(Option<i32>, String)> {
    let recipe = recipe(program, 100_000);
    let mut command = train(program, 2, &[&recipe, "--output", "run"])?;
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("row of the log", || program.has("run/log.csv"));
    let process = process_of(&running, rank).to_string();
    assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    let mut said = String::new();
    running.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    Some((running.wait().unwrap().code(), said))
}

#[test]
fn a_killed_process_ends_the_training_with_one_error_and_a_checkpoint() {
    for rank in [0, 1] {
        let program = Program::new();
        let Some((code, said)) = signalled(&program, "-KILL", rank) else { return };
        assert!(code.is_some_and(|code| code != 0), "{code:?} {said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
        let missed = format!("error: rank {rank} (process ");
        assert!(said.contains(&missed) && said.contains("go on from it by --resume run"), "{said}");
        let resumed = train(&program, 1, &["--resume", "run", "--time-limit", "1s"]).unwrap().output().unwrap();
        done(&resumed);
    }
}

#[test]
fn a_signal_to_one_process_ends_all_in_order() {
    let program = Program::new();
    let Some((code, said)) = signalled(&program, "-TERM", 1) else { return };
    assert_eq!(code, Some(130), "{said}");
    assert!(!said.contains("error: "), "{said}");
    done(&train(&program, 2, &["--resume", "run", "--time-limit", "1s"]).unwrap().output().unwrap());
}

#[test]
fn what_all_processes_refuse_is_said_once() {
    let program = Program::new();
    let Some(mut command) = train(&program, 2, &["no-such-recipe"]) else { return };
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.matches("error: ").count()), (Some(2), 1), "{said}");
}

/// What each process of [`sums_and_messages_are_those_of_all_processes`] does.
const PART: &str = "TRM_ARC_TEST_PART";

#[test]
fn sums_and_messages_are_those_of_all_processes() {
    if env::var_os(PART).is_some() {
        return exchange(&*ranks::begin(|ended| panic!("{ended:?}")).unwrap());
    }
    let Some(mut command) = mpirun(3, &env::current_exe().unwrap()) else { return };
    command.args(["--exact", "sums_and_messages_are_those_of_all_processes", "--test-threads", "1"]).env(PART, "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn exchange(ranks: &dyn Ranks) {
    assert_eq!((ranks.count(), ranks.local_rank()), (3, ranks.rank()));
    let value = |rank: usize, i: usize| [1e8, 1.0, -1e8][rank] * ((i % 1000) as f32 + 0.1);
    // none, fewer than ranks, and more than are dealt at a time
    for length in [0, 1, 2, 5, 1000, (1 << 20) + 7] {
        let mut values: Vec<f32> = (0..length).map(|i| value(ranks.rank(), i)).collect();
        ranks.sum(&mut values);
        for (i, sum) in values.iter().enumerate() {
            assert_eq!(sum.to_bits(), ((value(0, i) + value(1, i)) + value(2, i)).to_bits(), "{i} of {length}");
        }
    }
    let given = |rank: usize| vec![rank as u8; [0, 7, 1][rank]];
    let expected: Vec<Vec<u8>> = (0..3).map(given).collect();
    assert_eq!(ranks.gather(&given(ranks.rank())), expected);
    assert_eq!(ranks.gather(&[]), [[0_u8; 0]; 3]);
    let first = ranks.gather_at_first(given(ranks.rank()));
    assert_eq!(first, if ranks.rank() == 0 { expected } else { Vec::new() });
    assert!(ranks.any(ranks.rank() == 2) && !ranks.any(false));
    assert_eq!(ranks.share(7), share(7, ranks.rank(), 3));
}
