//! What is refused: bad usage, bad input, and outputs that would destroy something. Exit 2, one message with the way out, and
//! every file as it was.

mod program;

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(unix)]
use std::process::Command as Process;

use program::{Ended, Program, assert_refused, names_in, pair, task};
use serde_json::{Value, json};

/// `solve` with the copy solver, on a challenges file with this text.
fn solve_text(folder: &Program, text: &str) -> Ended {
    let path = folder.write("bad_challenges.json", text);
    folder.run(&["solve", &path, "--solver", "copy", "--submission", "out/submission.json"])
}

#[test]
fn an_unknown_flag_and_a_missing_argument_exit_2() {
    let folder = Program::new();
    assert_eq!(folder.run(&["solve", "arc-agi-2/evaluation", "--vews", "3"]).code, 2);
    assert_eq!(folder.run(&["score", "submission.json"]).code, 2);
    assert_eq!(folder.run(&["solve", "arc-agi-2/evaluation", "--views", "0"]).code, 2);
    assert_eq!(folder.run(&["solve", "arc-agi-2/evaluation", "--tokens-per-batch", "0"]).code, 2);
    assert_eq!(folder.run(&["compare", "--csv", "--json"]).code, 2);
    let device = folder.run(&["solve", "arc-agi-2/evaluation", "--device", "tpu"]);
    assert!(device.code == 2 && device.stderr.contains("no device \"tpu\""), "{}", device.stderr);
    let limit = folder.run(&["solve", "arc-agi-2/evaluation", "--time-limit", "soon"]);
    assert!(limit.code == 2 && limit.stderr.contains("20m"), "{}", limit.stderr);
}

#[test]
fn an_unknown_set_comes_back_with_the_right_name() {
    let folder = Program::new();
    let ended = folder.run(&["solve", "arc-agi-2/evalution", "--solver", "copy"]);
    assert_refused(&ended, &["did you mean \"arc-agi-2/evaluation\"?"]);
    assert!(!folder.has("submissions"));
}

#[test]
fn bad_tasks_are_refused_with_file_task_and_place_before_anything_is_written() {
    let folder = Program::new();
    let grid = |grid: Value| json!([{ "input": grid }]);
    assert_refused(&solve_text(&folder, "{\"x1\": "), &["bad_challenges.json", "line 1"]);
    assert_refused(
        &solve_text(&folder, &task(pair(), grid(json!(vec![[0]; 31])))),
        &["task x1, test pair 0", "31 rows"],
    );
    assert_refused(&solve_text(&folder, &task(pair(), grid(json!([[10]])))), &["task x1", "cell (0, 0) is 10"]);
    assert_refused(&solve_text(&folder, &task(pair(), grid(json!([])))), &["task x1", "the grid is empty"]);
    assert_refused(&solve_text(&folder, &task(pair(), json!([]))), &["task x1", "\"test\" is empty"]);
    assert!(!folder.has("out"));
}

#[test]
fn an_unwritable_output_is_found_before_the_work() {
    let folder = Program::new();
    folder.write("taken", "");
    for flag in ["--submission", "--predictions", "--record"] {
        let ended = folder.run(&["solve", "arc-agi-2/evaluation", "--solver", "copy", flag, "taken/file.json"]);
        assert_refused(&ended, &["taken/file.json"]);
        assert!(!folder.has("submissions/submission.json"), "{flag}");
    }
    let before_the_model = folder.run(&["solve", "arc-agi-2/evaluation", "--checkpoint", "no", "--record", "taken/r"]);
    assert_refused(&before_the_model, &["taken/r"]);
}

/// A set of one task, and `solve` on it.
fn own_set() -> (Program, [&'static str; 4]) {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[5]]}])));
    folder.write("mine_solutions.json", r#"{"x1": [[[5]]]}"#);
    (folder, ["solve", "mine_challenges.json", "--solver", "copy"])
}

#[test]
fn no_output_takes_the_place_of_the_tasks() {
    let (folder, solve) = own_set();
    let read = |name: &str| fs::read_to_string(folder.path(name)).unwrap();
    let before = (read("mine_challenges.json"), read("mine_solutions.json"));
    for flag in ["--submission", "--predictions", "--record"] {
        for file in ["mine_challenges.json", "./mine_solutions.json", "new/../mine_challenges.json"] {
            assert_refused(&folder.run(&[&solve[..], &[flag, file]].concat()), &[file, "this command reads"]);
        }
    }
    assert_eq!((read("mine_challenges.json"), read("mine_solutions.json")), before);
    assert_eq!(names_in(folder.0.path()), ["mine_challenges.json", "mine_solutions.json"], "nothing is left behind");
}

#[test]
fn two_outputs_in_one_place_are_refused_however_they_are_spelt() {
    let (folder, solve) = own_set();
    for (first, second) in [("a.json", "a.json"), ("a.json", "./a.json"), ("new/a.json", "new/deep/../a.json")] {
        let ended = folder.run(&[&solve[..], &["--submission", first, "--record", second]].concat());
        assert_refused(&ended, &[second, "two outputs"]);
    }
    let trail = folder.run(&[&solve[..], &["--predictions", "r.progress", "--record", "r"]].concat());
    assert_refused(&trail, &["r.progress", "two outputs"]);
    assert_eq!(names_in(folder.0.path()).len(), 2, "nothing is left behind");
}

#[cfg(unix)]
#[test]
fn a_folder_s_link_is_followed_and_a_file_s_link_and_a_pipe_are_refused() {
    let (folder, solve) = own_set();
    fs::create_dir(folder.path("real")).unwrap();
    symlink("real", folder.path("linked")).unwrap();
    let ended = folder.run(&[&solve[..], &["--submission", "linked/s.json", "--record", "linked/run.json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(folder.has("real/s.json"));
    symlink("mine_challenges.json", folder.path("tasks.json")).unwrap();
    let ended = folder.run(&[&solve[..], &["--submission", "tasks.json"]].concat());
    assert_refused(&ended, &["tasks.json", "symbolic link"]);
    let ended = folder.run(&["solve", "tasks.json", "--solver", "copy", "--submission", "mine_challenges.json"]);
    assert_refused(&ended, &["mine_challenges.json", "this command reads tasks.json"]);
    assert!(Process::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    for file in ["pipe", "out/"] {
        for flag in ["--submission", "--predictions", "--record"] {
            assert_refused(&folder.run(&[&solve[..], &[flag, file]].concat()), &[file, "name a file"]);
        }
    }
    assert!(!folder.has("submissions"));
}

#[test]
fn keys_ids_and_solutions_that_do_not_fit_are_refused_with_the_nearest_name() {
    let folder = Program::new();
    let tests = task(pair(), json!([{"input": [[1]]}])).replace("\"test\"", "\"tests\"");
    assert_refused(&solve_text(&folder, &tests), &["task x1", "\"test\" is missing", "rename \"tests\" to \"test\""]);
    let one = task(pair(), json!([{"input": [[1]]}]));
    let twice = format!("{},{}", &one[..one.len() - 1], &one[1..]);
    assert_refused(&solve_text(&folder, &twice), &["task x1", "more than once"]);
    assert_refused(&solve_text(&folder, &one.replace("x1", "../x1")), &["../x1", "path separator"]);
    folder.write("bad_solutions.json", r#"{"x2": [[[5]]]}"#);
    assert_refused(&solve_text(&folder, &one), &["bad_solutions.json", "task x1", "without scoring"]);
    assert!(!folder.has("out"));
    folder.write("bad_solutions.json", "\u{feff}{\"x1\": [[[5]]]}");
    assert_eq!(solve_text(&folder, &format!("\u{feff}{one}")).code, 0, "a byte order mark is passed over");
}

#[test]
fn one_file_in_the_place_of_another_is_told_apart() {
    let (folder, solve) = own_set();
    assert_eq!(folder.run(&solve).code, 0);
    let score = |file: &str| folder.run(&["score", file, "--tasks", "mine_challenges.json"]);
    assert_refused(
        &score("submissions/run.json"),
        &["submissions/run.json: no task of mine_challenges.json", "its submission is submissions/submission.json"],
    );
    assert_eq!(score("submissions/submission.json").code, 0);
    let compared = folder.run(&["compare", "submissions/submission.json"]);
    assert_refused(&compared, &["this is a submission", "hint: its record is submissions/run.json"]);
    fs::remove_file(folder.path("submissions/run.json")).unwrap();
    for run in ["submissions/submission.json", "submissions"] {
        for command in ["compare", "report"] {
            let ended = folder.run(&[command, run]);
            assert_refused(&ended, &["submissions/submission.json: this is a submission", "by --tasks"]);
            assert!(!ended.stderr.contains("is submissions/run.json"), "it names no file that is not there");
        }
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_names_the_file() {
    let (folder, _) = own_set();
    assert_refused(&folder.run(&["tasks", "list", "."]), &["challenges files", "mine_challenges.json"]);
    assert_refused(&folder.run(&["train", "."]), &["a folder", "--output"]);
    folder.write("manifest.json", "{}");
    assert_refused(&folder.run(&["train", "."]), &["--resume ."]);
}

/// A folder with one file of every kind that a newcomer takes for another.
fn a_folder_of_everything() -> Program {
    let (folder, solve) = own_set();
    assert_eq!(folder.run(&[&solve[..], &["--predictions", "predictions.jsonl"]].concat()).code, 0);
    for (name, bytes) in [("picture.json", &b"\x89PNG\r\n\x1a\n"[..]), ("empty.json", b""), ("list.json", b"[]")] {
        fs::write(folder.path(name), bytes).unwrap();
    }
    fs::create_dir(folder.path("hollow")).unwrap();
    folder
}

#[test]
fn a_wrong_file_or_folder_is_named_with_the_way_out() {
    let folder = a_folder_of_everything();
    let set = ["--tasks", "mine_challenges.json"];
    let cases: [(&[&str], &[&str]); 38] = [
        (&["solve", "arc-agi-1"], &["no task set", "did you mean \"arc-agi-1/training\"?"]),
        (&["solve", "picture.json"], &["picture.json: this is not JSON"]),
        (&["solve", "empty.json"], &["empty.json: the file is empty"]),
        (&["solve", "list.json"], &["list.json", "expected an object of tasks"]),
        (&["solve", "hollow"], &["hollow: no tasks here", "ID.json"]),
        (&["solve", "submissions/submission.json"], &["task x1", "a task is an object of train and test"]),
        (&["solve", "mine_challenges.json", "--checkpoint", "hollow"], &["hollow is no checkpoint", "manifest.json"]),
        (&["solve", "mine_challenges.json", "--checkpoint", "list.json"], &["list.json: a checkpoint is a folder"]),
        (&["solve", "mine_challenges.json", "--solver", "copy", "--submission", "hollow"], &["hollow", "name a file"]),
        (&["solve", "mine_challenges.json", "--solver", "copy", "--shard", "2/2"], &["take fewer shards"]),
        (&["solve", "mine_challenges.json", "--solver", "copy", "--adapt", "9s"], &["--adapt belongs to --solver trm"]),
        (&["score", "nowhere.json", set[0], set[1]], &["cannot read nowhere.json"]),
        (&["score", "hollow", set[0], set[1]], &["hollow", "no submission.json", "hint: name the submission's file"]),
        (&["score", "picture.json", set[0], set[1]], &["picture.json: this is not JSON"]),
        (&["score", "list.json", set[0], set[1]], &["list.json", "expected an object of tasks"]),
        (
            &["score", "submissions/submission.json", set[0], set[1], "--predictions", "submissions/submission.json"],
            &["line 1 is no prediction", "--predictions"],
        ),
        (&["score", "submissions/submission.json", set[0], "nowhere"], &["no task set \"nowhere\""]),
        (&["validate", "empty.json", set[0], set[1]], &["empty.json: the file is empty"]),
        (&["validate", "picture.json", set[0], set[1]], &["picture.json", "this is not text"]),
        (&["validate", "hollow", set[0], set[1]], &["hollow", "no submission.json"]),
        (&["merge", "submissions/run.json", set[0], set[1], "--output", "m.json"], &["run.json", "trm-arc validate"]),
        (&["merge", "hollow", set[0], set[1], "--output", "m.json"], &["hollow", "no submission.json"]),
        (&["compare", "picture.json"], &["picture.json: this is not JSON"]),
        (&["compare", "empty.json"], &["empty.json: the file is empty"]),
        (&["compare", "list.json"], &["list.json: this is no run's record", "run.json"]),
        (&["compare", "mine_challenges.json"], &["this is no run's record", "run.json"]),
        (&["compare", "predictions.jsonl"], &["this is no run's record", "run.json"]),
        (&["leaks", "arc-agi-1/training", "arc-agi-2/evalution"], &["did you mean \"arc-agi-2/evaluation\"?"]),
        (&["leaks", "list.json", "arc-agi-2/evaluation"], &["list.json", "expected an object of tasks"]),
        (&["tasks", "show", "007bbfb"], &["did you mean \"007bbfb7\"?"]),
        (&["inspect", "hollow"], &["hollow is no checkpoint", "manifest.json"]),
        (&["inspect", "picture.json"], &["picture.json: a checkpoint is a folder"]),
        (&["publish", "nowhere", "--output", "out"], &["nowhere is no checkpoint"]),
        (&["export", "hollow", "weights"], &["hollow is no checkpoint"]),
        (&["train", "two-coers"], &["did you mean \"two-cores\"?"]),
        (&["train", "--resume", "nowhere"], &["nowhere is no checkpoint"]),
        (&["adapt", "mine_challenges.json", "hollow", "--output", "out"], &["a checkpoint is a folder"]),
        (&["identifiers", "--tasks", "arc-agi-1/trainin"], &["did you mean \"arc-agi-1/training\"?"]),
    ];
    let before = names_in(folder.0.path());
    for (call, parts) in cases {
        assert_refused(&folder.run(call), parts);
    }
    assert_eq!(names_in(folder.0.path()), before, "nothing is left behind");
}

/// What the definitions of the command line refuse themselves: exit 2, and the flag or the command that was meant.
#[test]
fn misspelt_commands_flags_and_values_come_back_with_what_was_meant() {
    let folder = Program::new();
    let cases: [(&[&str], &str); 14] = [
        (&["slove", "arc-agi-1/training"], "'solve'"),
        (&["tasks", "shw", "007bbfb7"], "'show'"),
        (&["score", "a.json", "--task", "arc-agi-1/training"], "'--tasks'"),
        (&["doctor", "--jso"], "'--json'"),
        (&["leaks", "arc-agi-1/training"], "<B>"),
        (&["leaks", "a", "b", "--up-to-symetry"], "'--up-to-symmetry'"),
        (&["solve", "a", "--solver", "coppy"], "'copy'"),
        (&["solve", "a", "--shard", "5/4"], "a shard looks like 2/4"),
        (&["solve", "a", "--views", "-1"], "invalid value '-1' for '--views <N>'"),
        (&["solve", "a", "--seed", "-1"], "invalid value '-1' for '--seed <N>'"),
        (&["dataset", "check", "a", "--tasks", "b", "--test-set", "b", "--variants", "-1"], "invalid value '-1'"),
        (&["solve", "a", "--time-limit", "5x"], "90s, 20m or 2h"),
        (&["train", "a", "--precision", "f15"], "there are f32 and bf16"),
        (&["export", "a"], "<FILE>"),
    ];
    for (call, part) in cases {
        let ended = folder.run(call);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{call:?}");
        assert!(ended.stderr.contains(part), "no \"{part}\" in: {}", ended.stderr);
    }
}

/// A folder that may be entered and not written to; a superuser may, and then there is nothing to see.
#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_is_found_before_the_work() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, solve) = own_set();
    fs::create_dir(folder.path("locked")).unwrap();
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path("locked/probe"), "").is_ok() {
        eprintln!("skipped: this user may write anywhere");
        return;
    }
    let ended = folder.run(&[&solve[..], &["--submission", "locked/submission.json"]].concat());
    assert_refused(&ended, &["locked/submission.json", "choose a folder you may write to"]);
}
