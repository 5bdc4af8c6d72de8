//! The promise: what will not fit in memory is refused before anything of it is there or written, in one error with what is needed, what is
//! left and what would take less; what fits is not refused.
#![cfg(target_os = "linux")]

mod program;

use std::path::Path;
use std::process::Command;

use program::{Ended, Program, assert_refused, names_in, small_grids, tiny};

/// The program with so many kilobytes of addresses, as `ulimit -v` has them.
fn with_addresses(folder: &Program, kilobytes: usize, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_trm-arc")]);
    let output = command.args(arguments).env("RAYON_NUM_THREADS", "1").current_dir(folder.0.path()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A recipe for the smallest grids with a model of this width.
fn wide(folder: &Program, name: &str, hidden: usize) -> String {
    let (hidden, width) = (format!("hidden = {hidden}"), format!("puzzle_width = {hidden}"));
    let changes = [
        ("hidden = 128", hidden.as_str()),
        ("puzzle_width = 128", width.as_str()),
        ("largest_side = 10", "largest_side = 3"),
        ("largest_side = 7", "largest_side = 3"),
        ("batch = 16", "batch = 4"),
        ("warmup = 100", "warmup = 0"),
    ];
    folder.write(name, &small_grids(&changes, 1))
}

#[test]
fn a_model_larger_than_any_memory_is_refused_with_all_that_it_takes() {
    let folder = Program::new();
    let recipe = wide(&folder, "wide.toml", 65_536);
    let parts = [
        "training by the recipe small-grids takes about",
        "for weights",
        "for puzzle rows",
        "for latent states",
        "are left",
    ];
    // a limit, so that the test does not depend on the memory of the machine
    let ended = with_addresses(&folder, 4_000_000, &["train", &recipe, "--output", "run"]);
    assert_refused(&ended, &parts);
    assert_refused(&ended, &["smaller training.batch", "--tokens-per-batch", "hidden"]);
    let beyond = wide(&folder, "beyond.toml", 1_000_000_000_000);
    assert_refused(
        &folder.run(&["train", &beyond, "--output", "run"]),
        &["hidden is 1000000000000; it is at most 65536"],
    );
    let text = std::fs::read_to_string(&recipe).unwrap().replace("layers = 2", "layers = 100000000000");
    let deep = folder.write("deep.toml", &text.replace("= 65536\n", "= 128\n"));
    assert_refused(&folder.run(&["train", &deep, "--output", "run"]), &["layers is 100000000000; it is at most 256"]);
    assert_eq!(names_in(folder.0.path()), ["beyond.toml", "deep.toml", "wide.toml"], "nothing is written");
}

#[test]
fn a_batch_of_bench_and_of_solve_larger_than_any_memory_is_refused() {
    let folder = Program::new();
    let bench = |more: &[&str]| with_addresses(&folder, 4_000_000, &[&["bench", "--runs", "1"], more].concat());
    assert_refused(&bench(&["--batch", "1000000000"]), &["this step takes about", "smaller --batch"]);
    assert_refused(&bench(&["--batch", "100000000", "--train"]), &["for gradients", "smaller --batch"]);
    assert_refused(&bench(&["--hidden", "65536"]), &["for weights", "smaller --hidden"]);
    assert_refused(&bench(&["--hidden", "8000000000000"]), &["hidden is 8000000000000; it is at most 65536"]);
}

#[test]
fn limits_of_the_process_count_in_training_going_on_adapting_and_solving() {
    let folder = Program::new();
    let recipe = wide(&folder, "wide.toml", 512);
    let refused = |kilobytes: usize, arguments: &[&str], parts: &[&str]| {
        let before = names_in(folder.0.path());
        let ended = with_addresses(&folder, kilobytes, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        // of an adaptation something is said before
        let fault = ended.stderr.lines().last().unwrap_or_default();
        assert!(fault.starts_with("error: "), "{}", ended.stderr);
        let room = ["of the addresses that its limit allows (ulimit -v) are left"];
        room.iter().chain(parts).for_each(|part| assert!(fault.contains(part), "no \"{part}\" in: {fault}"));
        assert_eq!(names_in(folder.0.path()), before, "nothing is written");
    };
    refused(250_000, &["train", &recipe, "--output", "run"], &["training by the recipe small-grids"]);
    let ended = with_addresses(&folder, 2_000_000, &["train", &recipe, "--output", "run"]);
    assert_eq!(ended.code, 0, "what fits is not refused: {}", ended.stderr);

    let state = || {
        names_in(Path::new(&folder.path("run")))
            .into_iter()
            .map(|name| std::fs::read(folder.path(&format!("run/{name}"))).unwrap())
    };
    let before: Vec<Vec<u8>> = state().collect();
    refused(250_000, &["train", "--resume", "run"], &["training by the recipe small-grids"]);
    assert!(state().eq(before), "the checkpoint is as it was");
    refused(
        250_000,
        &["adapt", "run", "arc-agi-1/evaluation", "--output", "adapted", "--steps", "1"],
        &["training by the recipe"],
    );
    refused(
        250_000,
        &["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--adapt", "5s", "--submission", "out/s.json"],
        &[" takes about "],
    );
    // what a manifest says of a model is not believed before there is room for it
    let path = folder.path("run/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"hidden\": 512", "\"hidden\": 65536")).unwrap();
    let solve = folder.run(&["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--submission", "out/s.json"]);
    assert_refused(&solve, &["the checkpoint of the recipe small-grids", "machine with more memory"]);
    assert!(!folder.has("out"));
}

#[test]
fn a_batch_of_solve_is_refused_where_it_does_not_fit_and_a_smaller_one_goes() {
    let folder = Program::new();
    let changes = [
        ("hidden = 128", "hidden = 32"),
        ("puzzle_width = 128", "puzzle_width = 32"),
        ("heads = 4", "heads = 2"),
        ("warmup = 100", "warmup = 0"),
        ("batch = 16", "batch = 4"),
    ];
    folder.write(
        "small.toml",
        &small_grids(
            &[&changes[..], &[("largest_side = 10", "largest_side = 3"), ("largest_side = 7", "largest_side = 3")]]
                .concat(),
            1,
        ),
    );
    assert_eq!(folder.run(&["train", "small.toml", "--output", "run"]).code, 0);
    // one task of many test inputs that the checkpoint has rows for
    let names = std::fs::read_to_string(folder.path("run/identifiers.txt")).unwrap();
    let id = names.lines().nth(1).unwrap().split("|||").next().unwrap().to_owned();
    let cells = vec![vec![1; 30]; 30];
    let pair = serde_json::json!({"input": cells, "output": cells});
    let tests = vec![serde_json::json!({"input": cells}); 40];
    folder.write("many_challenges.json", &serde_json::json!({id: {"train": [pair], "test": tests}}).to_string());
    let solve = |tokens: &str, views: &str| {
        let outputs = ["--submission", "out/s.json", "--steps", "1", "--tokens-per-batch", tokens, "--views", views];
        with_addresses(
            &folder,
            200_000,
            &[&["solve", "many_challenges.json", "--checkpoint", "run"], &outputs[..]].concat(),
        )
    };
    assert_refused(
        &solve("100000000", "8"),
        &["answering takes about", "tokens at a time", "fewer --tokens-per-batch"],
    );
    assert!(!folder.has("out"));
    let ended = solve("2000", "1");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// Whatever is not told beforehand (here: the tasks themselves) ends in one line all the same, and with the exit code of an error.
#[test]
fn memory_that_ends_in_the_midst_of_work_ends_the_program_in_words() {
    let folder = Program::new();
    tiny(folder.0.path(), 1);
    let mut ends = Vec::new();
    for kilobytes in [20_000, 24_000, 28_000, 40_000, 80_000, 320_000, 1_280_000] {
        let ended = with_addresses(&folder, kilobytes, &["tasks", "list", "arc-agi-2/training"]);
        assert!(
            ended.code == 0 || ended.stderr.lines().last().unwrap().starts_with("error: no memory is left"),
            "{kilobytes}: {} {}",
            ended.code,
            ended.stderr
        );
        ends.push(ended.code);
    }
    assert!(ends.contains(&2) && ends.contains(&0), "{ends:?}");
}
