//! The promise: whatever a command writes, it writes alone, over nothing that it reads, through no link that somebody planted, and what a killed
//! run left there is gone afterwards while everything else stays.

mod program;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use program::{Program, assert_refused, names_in, pair, task, tiny};
use serde_json::json;
use trm_arc::files::{self, Output};

/// A checkpoint with its log in `run`, a set of one task, and a run on it in `solved`.
static MADE: LazyLock<Program> = LazyLock::new(|| {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[5]]}])));
    folder.write("mine_solutions.json", r#"{"x1": [[[5]]]}"#);
    tiny(folder.0.path(), 1);
    let solve = ["solve", "mine_challenges.json", "--solver", "copy"];
    let outputs = ["--submission", "solved/submission.json", "--predictions", "solved/predictions.jsonl"];
    for arguments in [&["train", "tiny.toml", "--output", "run"][..], &[&solve[..], &outputs[..]].concat()] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    }
    folder
});

/// A copy of all that was made, for one test.
fn made() -> Program {
    let folder = Program::new();
    copy(MADE.0.path(), folder.0.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

const COPY: [&str; 4] = ["solve", "mine_challenges.json", "--solver", "copy"];
const MERGE: [&str; 4] = ["merge", "solved/submission.json", "--tasks", "mine_challenges.json"];
const SHOW: [&str; 4] = ["tasks", "show", "x1", "--tasks"];

/// Every command that writes a file, up to the output's name.
fn files_written() -> Vec<Vec<&'static str>> {
    let report = ["report", "solved", "--output"];
    vec![
        [&COPY[..], &["--submission"]].concat(),
        [&COPY[..], &["--predictions"]].concat(),
        [&COPY[..], &["--record"]].concat(),
        [&MERGE[..], &["--output"]].concat(),
        vec!["plot", "run", "--output"],
        vec!["export", "run"],
        vec!["puzzles", "generate", "sudoku", "--side", "4", "--count", "3", "--output"],
        vec!["regress", "--record", "--checkpoint", "run", "--state"],
        [&SHOW[..], &["mine_challenges.json", "--svg"]].concat(),
        [&SHOW[..], &["mine_challenges.json", "--png"]].concat(),
        report.to_vec(),
        vec!["man", "--output"],
    ]
}

/// The output's name, and the file that the command then writes.
fn output_of(command: &[&str]) -> (&'static str, &'static str) {
    match command[0] {
        "report" => ("out", "out/report.html"),
        "man" => ("out", "out/trm-arc-solve.1"),
        _ => ("out/file", "out/file"),
    }
}

#[test]
fn no_command_writes_a_file_that_another_run_writes() {
    let folder = made();
    for command in files_written() {
        let (output, file) = output_of(&command);
        let held = files::claim(&[], &[Output::File(Path::new(&folder.path(file)))]).unwrap();
        let ended = folder.run(&[&command[..], &[output]].concat());
        assert_refused(&ended, &["another run is writing to", file, "hint: wait"]);
        drop(held);
        assert!(!folder.has("out") && !folder.has("submissions"), "{command:?}: something is left behind");
    }
}

#[test]
fn no_command_writes_to_a_folder_that_another_run_writes() {
    let folder = made();
    let identifiers = folder.write("identifiers.json", r#"["<blank>"]"#);
    let set = ["--tasks", "mine_challenges.json"];
    let commands: [(&[&str], bool); 7] = [
        (&["train", "tiny.toml", "--output"], false),
        (&["adapt", "run", "mine_challenges.json", "--steps", "1", "--output"], false),
        (&["publish", "run", "--output"], false),
        (&["solve", "mine_challenges.json", "--checkpoint", "run", "--adapt", "1s", "--adapted"], false),
        (&["import", "step_1", "--config", "c.yaml", "--identifiers", &identifiers, "--output"], true),
        (&["dataset", "export", set[0], set[1], "--test-set", set[1], "--output"], true),
        (&["tasks", "generate", "--output"], true),
    ];
    for (command, is_new) in commands {
        let path = folder.path("out");
        let output = if is_new { Output::NewFolder(Path::new(&path)) } else { Output::Folder(Path::new(&path), &[]) };
        let held = files::claim(&[], &[output]).unwrap();
        let ended = folder.run(&[command, &["out"]].concat());
        assert_refused(&ended, &["another run is writing to out", "hint: wait"]);
        drop(held);
        assert!(!folder.has("out"), "{command:?}: something is left behind");
    }
}

#[test]
fn no_command_writes_over_what_it_reads() {
    let folder = made();
    fs::create_dir(folder.path("recipe")).unwrap();
    fs::copy(folder.path("tiny.toml"), folder.path("recipe/log.csv")).unwrap();
    fs::create_dir(folder.path("set")).unwrap();
    fs::copy(folder.path("mine_challenges.json"), folder.path("set/manifest.json")).unwrap();
    let before: Vec<(String, Vec<u8>)> = files_in(folder.0.path());
    fs::hard_link(folder.path("mine_challenges.json"), folder.path("same.json")).unwrap();
    let model = "run/model-000001.safetensors";
    let with_model = ["solve", "mine_challenges.json", "--checkpoint", "run"];
    let commands: Vec<(Vec<&str>, &str)> = vec![
        ([&COPY[..], &["--submission"]].concat(), "mine_challenges.json"),
        ([&COPY[..], &["--predictions"]].concat(), "./mine_solutions.json"),
        ([&COPY[..], &["--record"]].concat(), "same.json"),
        ([&with_model[..], &["--submission"]].concat(), "run/manifest.json"),
        ([&with_model[..], &["--predictions"]].concat(), model),
        ([&with_model[..], &["--record"]].concat(), "run/log.csv"),
        ([&MERGE[..], &["--output"]].concat(), "solved/submission.json"),
        ([&MERGE[..], &["--output"]].concat(), "mine_challenges.json"),
        (vec!["plot", "run", "--output"], "run/log.csv"),
        (vec!["plot", "run", "--output"], "new/../run/log.csv"),
        (vec!["export", "run"], "run/manifest.json"),
        (vec!["export", "run"], model),
        (vec!["publish", "run", "--output"], "run"),
        (vec!["publish", "run", "--output"], "./run/../run"),
        (vec!["regress", "--record", "--checkpoint", "run", "--state"], "run/manifest.json"),
        ([&SHOW[..], &["mine_challenges.json", "--svg"]].concat(), "mine_challenges.json"),
        (vec!["adapt", "run", "set/manifest.json", "--steps", "1", "--output"], "set"),
        (vec!["train", "recipe/log.csv", "--output"], "recipe"),
    ];
    for (command, output) in commands {
        let ended = folder.run(&[&command[..], &[output]].concat());
        assert_refused(&ended, &["cannot write", output, "this command reads", "hint: "]);
    }
    fs::copy(folder.path("solved/run.json"), folder.path("solved/report.json")).unwrap();
    assert_refused(&folder.run(&["report", "solved/report.json"]), &["solved/report.json", "this command reads"]);
    fs::remove_file(folder.path("same.json")).unwrap();
    fs::remove_file(folder.path("solved/report.json")).unwrap();
    assert!(files_in(folder.0.path()) == before, "every file is as it was");
}

/// Every file below a folder with its bytes.
fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names_in(folder) {
        let path = folder.join(&name);
        if path.is_dir() { all.extend(files_in(&path)) } else { all.push((name, fs::read(path).unwrap())) }
    }
    all
}

#[cfg(unix)]
#[test]
fn no_command_follows_a_link_in_place_of_its_output() {
    use std::os::unix::fs::symlink;
    let folder = made();
    folder.write("victim", "precious");
    fs::create_dir(folder.path("out")).unwrap();
    for command in files_written() {
        let (output, file) = output_of(&command);
        for target in ["victim", "gone"] {
            symlink(folder.path(target), folder.path(file)).unwrap();
            let ended = folder.run(&[&command[..], &[output]].concat());
            assert_refused(&ended, &["cannot write", file, "it is a symbolic link, which is not followed"]);
            assert!(fs::symlink_metadata(folder.path(file)).unwrap().is_symlink(), "{command:?}");
            fs::remove_file(folder.path(file)).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(folder.path("victim")).unwrap(), "precious");
    assert!(!folder.has("gone") && names_in(Path::new(&folder.path("out"))).is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_under_a_name_that_solving_makes_itself_is_refused_or_not_touched() {
    use std::os::unix::fs::symlink;
    let folder = made();
    let solve = [&COPY[..], &["--submission", "out/s.json", "--predictions", "out/p.jsonl"]].concat();
    for name in ["run.json.progress", "p.jsonl.partial"] {
        folder.write("victim", "precious\nlines\n");
        fs::create_dir(folder.path("out")).unwrap();
        symlink(folder.path("victim"), folder.path(&format!("out/{name}"))).unwrap();
        for more in [&[][..], &["--resume"]] {
            let ended = folder.run(&[&solve[..], more].concat());
            match name {
                "run.json.progress" => assert_refused(&ended, &["run.json.progress", "symbolic link"]),
                _ => assert_eq!(ended.code, 0, "{}", ended.stderr),
            }
            assert_eq!(fs::read_to_string(folder.path("victim")).unwrap(), "precious\nlines\n", "{name}");
        }
        fs::remove_dir_all(folder.path("out")).unwrap();
    }
}

#[test]
fn the_next_run_removes_what_a_killed_one_left_and_nothing_that_a_user_named() {
    let folder = made();
    let left = [".trm-arc-tmp-4711-AbCdEfGhIjKl", ".trm-arc-lock-0123456789abcdef"];
    let kept = [".trm-arc-backup", ".trm-arc-tmp-notes", ".trm-arc-lock-mine", "p.jsonl.partial"];
    for command in files_written().into_iter().filter(|command| command[0] != "regress") {
        let (output, file) = output_of(&command);
        fs::create_dir(folder.path("out")).unwrap();
        left.iter().chain(&kept).for_each(|name| drop(folder.write(&format!("out/{name}"), "half")));
        let ended = folder.run(&[&command[..], &[output]].concat());
        assert_eq!(ended.code, 0, "{command:?}: {}", ended.stderr);
        assert!(folder.has(file), "{command:?}");
        let names = names_in(Path::new(&folder.path("out")));
        left.iter().for_each(|name| assert!(!names.iter().any(|found| found == name), "{command:?}: {names:?}"));
        kept.iter().for_each(|name| assert!(names.iter().any(|found| found == name), "{command:?}: {names:?}"));
        let ours = names.iter().filter(|name| name.starts_with(".trm-arc-")).count();
        assert_eq!(ours, 3, "{command:?} leaves something itself: {names:?}");
        for path in ["out", "submissions"] {
            let _ = fs::remove_dir_all(folder.path(path));
        }
    }
}
