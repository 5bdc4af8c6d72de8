//! The promise: tasks and submissions are read as people have them, or named for what they are with the way out.

mod program;

use std::fs;

use program::{Ended, Program, assert_refused, pair};
use serde_json::{Value, json};

/// A task with two test inputs, the second of which has its output.
fn task_of(extra: &[(&str, Value)]) -> Value {
    let mut task = json!({"train": pair(), "test": [{"input": [[3]], "output": [[4]]}]});
    extra.iter().for_each(|(key, value)| task[*key] = value.clone());
    task
}

/// Two tasks with three test outputs, and their solutions.
fn two_tasks() -> Program {
    let folder = Program::new();
    let task = |inputs: Value| json!({"train": pair(), "test": inputs});
    let tasks = json!({"a1": task(json!([{"input": [[1]]}])), "b2": task(json!([{"input": [[2]]}, {"input": [[3]]}]))});
    folder.write("t_challenges.json", &tasks.to_string());
    folder.write("t_solutions.json", r#"{"a1": [[[5]]], "b2": [[[6]], [[7]]]}"#);
    folder
}

const SET: [&str; 2] = ["--tasks", "t_challenges.json"];

fn score(folder: &Program, submission: &str, flags: &[&str]) -> Ended {
    folder.run(&[&["score", submission], &SET[..], flags].concat())
}

fn both(first: u8, second: u8) -> Value {
    json!({"attempt_1": [[first]], "attempt_2": [[second]]})
}

#[test]
fn keys_beside_the_schema_are_one_note_and_refused_by_verify_strict_alone() {
    let folder = Program::new();
    fs::create_dir_all(folder.path("set/deep")).unwrap();
    folder.write("set/a.json", &task_of(&[("name", json!("a")), ("uuid", json!("b"))]).to_string());
    folder.write("set/deep/b.json", &task_of(&[("name", json!("b"))]).to_string());
    folder.write("set/._a.json", "\u{5}");
    let note = "note: set: 3 keys beside train, test, input and output are ignored: name (2), uuid\n";
    let ended = folder.run(&["tasks", "list", "set"]);
    assert_eq!((ended.code, ended.stdout.lines().count(), ended.stderr.as_str()), (0, 3, note));
    let solved = folder.run(&["solve", "set", "--solver", "copy", "--submission", "out/submission.json"]);
    assert_eq!((solved.code, solved.stderr.as_str()), (0, note), "{}", solved.stdout);
    assert_eq!(folder.run(&["tasks", "verify", "set"]).code, 0);
    let strict = folder.run(&["tasks", "verify", "set", "--strict"]);
    assert!(strict.code == 1 && strict.stdout.starts_with("failed: set: 3 keys beside"), "{}", strict.stdout);
    folder.write("set/metadata.json", r#"{"author": "me"}"#);
    let strict = folder.run(&["tasks", "verify", "set", "--strict"]).stdout;
    assert!(strict.contains("failed: set: 1 JSON file without a task is ignored: set/metadata.json\n"), "{strict}");
}

#[test]
fn no_output_takes_the_place_of_a_task_in_a_folder_within_the_set() {
    let folder = Program::new();
    fs::create_dir_all(folder.path("set/deep")).unwrap();
    let task = folder.write("set/deep/a.json", &task_of(&[]).to_string());
    let ended = folder.run(&["solve", "set", "--solver", "copy", "--submission", "set/deep/a.json"]);
    assert_refused(&ended, &["set/deep/a.json", "this command reads"]);
    assert_eq!(fs::read_to_string(task).unwrap(), task_of(&[]).to_string());
}

#[test]
fn the_file_of_a_single_task_is_a_set_wherever_one_is_taken() {
    let folder = Program::new();
    folder.write("one.json", &task_of(&[]).to_string());
    folder.write("s.json", &json!({"one": [both(4, 0)]}).to_string());
    let calls: [&[&str]; 5] = [
        &["tasks", "list", "one.json"],
        &["tasks", "verify", "one.json"],
        &["tasks", "show", "one", "--tasks", "one.json"],
        &["validate", "s.json", "--tasks", "one.json"],
        &["solve", "one.json", "--solver", "copy"],
    ];
    for call in calls {
        let ended = folder.run(call);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{call:?}: {}", ended.stdout);
    }
    let scored = folder.run(&["score", "s.json", "--tasks", "one.json"]);
    assert!(scored.stdout.starts_with("kaggle score  100.0% (1 of 1 outputs)\n"), "{}{}", scored.stdout, scored.stderr);
}

#[test]
fn outputs_known_in_part_say_why_there_is_no_score() {
    let folder = Program::new();
    fs::create_dir(folder.path("set")).unwrap();
    let tests = json!([{"input": [[1]]}, {"input": [[2]], "output": [[3]]}]);
    folder.write("set/aa.json", &task_of(&[("test", tests)]).to_string());
    let solved = folder.run(&["solve", "set", "--solver", "copy"]);
    assert!(solved.code == 0 && solved.stdout.contains("\nno score: 1 of 2 test outputs have no solution\n"));
    let scored = folder.run(&["score", "submissions", "--tasks", "set"]);
    assert_refused(&scored, &["set has no solution for test input 0 of task aa", "1 of its 2 test outputs"]);
}

#[test]
fn the_faults_of_a_submission_stand_in_its_scores_and_strictly_exit_1() {
    let folder = two_tasks();
    let rest = json!([both(6, 0), both(0, 7)]).to_string();
    let tall = json!(vec![[0]; 31]).to_string();
    for (grid, fault) in [("[[10]]", "(0, 0) is 10"), (&tall, "31 rows"), ("[[1, 2], [3]]", "a grid is a rectangle")] {
        let text = format!(r#"{{"a1": [{{"attempt_1": [[5]], "attempt_2": {grid}}}], "b2": {rest}}}"#);
        folder.write("s.json", &text);
        let ended = score(&folder, "s.json", &[]);
        assert!(ended.code == 0 && ended.stdout.contains("\nfaults        1; "), "{}", ended.stdout);
        assert!(ended.stdout.contains("  task a1, output 0, attempt_2: ") && ended.stdout.contains(fault));
        let json: Value = serde_json::from_str(&score(&folder, "s.json", &["--json"]).stdout).unwrap();
        assert_eq!((&json["solved_outputs"], &json["faults"][0]["attempt"]), (&json!(3), &json!("attempt_2")));
        assert!(json["faults"][0]["text"].as_str().unwrap().contains(fault), "{json}");
        assert_eq!(score(&folder, "s.json", &["--strict", "--json"]).code, 1);
        let at_fault = text.replace("[[5]]", grid);
        folder.write("s.json", &at_fault);
        let json: Value = serde_json::from_str(&score(&folder, "s.json", &["--json"]).stdout).unwrap();
        assert_eq!(json["solved_outputs"], 2, "what is at fault is wrong");
    }
    let one = json!([both(5, 0)]);
    folder.write("s.json", &format!(r#"{{"a1": {one}, "a1": {one}, "b2": {rest}}}"#));
    assert!(score(&folder, "s.json", &[]).stdout.contains("task a1: it stands in the file more than once"));
    folder.write("s.json", &format!(r#"{{"a1": {one}, "b2": {rest}}}"#));
    let json: Value = serde_json::from_str(&score(&folder, "s.json", &["--strict", "--json"]).stdout).unwrap();
    assert_eq!((score(&folder, "s.json", &["--strict"]).code, &json["faults"]), (0, &json!([])));
}

#[test]
fn submissions_in_other_forms_are_named_by_every_command_with_the_way_to_convert_them() {
    let folder = two_tasks();
    let answer = |colour: u8| json!({"attempt_1": {"answer": [[colour]]}, "attempt_2": null});
    let merged = json!({"a1": [answer(5)], "b2": [answer(6), answer(7)]});
    fs::create_dir(folder.path("bench")).unwrap();
    folder.write("bench/a1.json", &merged["a1"].to_string());
    folder.write("bench/b2.json", &merged["b2"].to_string());
    folder.write("merged.json", &merged.to_string());
    folder.write("s.csv", "output_id,output\na1_0,|5| |0| |0| \nb2_0,|6| \nb2_1,|7| \n");
    let ids = json!({"a1_0": [both(5, 0)], "b2_0": [both(6, 0)], "b2_1": [both(7, 0)]});
    folder.write("ids.json", &ids.to_string());
    folder.write("lists.json", &json!({"a1": [[[[5]], [[0]]]], "b2": [[[[6]]], [[[7]]]]}).to_string());
    folder.write("grids.json", &json!({"a1": [[[5]]], "b2": [[[6]], [[7]]]}).to_string());
    let forms = [
        ("bench", "a submission of arc-agi-benchmarking, with one file for each task"),
        ("bench/a1.json", "a submission of arc-agi-benchmarking, with one file for each task"),
        ("merged.json", "a merged submission of arc-agi-benchmarking"),
        ("s.csv", "the table of attempts of the 2019 competition"),
        ("ids.json", "a submission by output, with the number of the output behind each task's id"),
        ("lists.json", "a submission with a list of grids for each output"),
        ("grids.json", "a submission with one grid for each output"),
    ];
    for (file, form) in forms {
        let calls: [&[&str]; 5] = [
            &["score", file],
            &["validate", file],
            &["merge", file, "--output", "m.json"],
            &["compare", file],
            &["report", file],
        ];
        for call in calls {
            let ended = folder.run(&[call, &SET[..]].concat());
            assert_refused(&ended, &[&format!("{file}: this looks like {form}"), "hint: convert it by `jq"]);
        }
    }
    assert!(!folder.has("m.json"));
}

#[test]
fn a_submission_without_a_record_is_compared_and_reported_under_a_name() {
    let folder = two_tasks();
    folder.write("theirs.json", &json!({"a1": [both(5, 0)], "b2": [both(0, 0), both(7, 0)]}).to_string());
    folder.write("short.json", &json!({"b2": [both(6, 0), both(7, 0)]}).to_string());
    let ended = folder.run(&[&["compare", "theirs.json"], &SET[..], &["--name", "theirs"]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let line = ended.stdout.lines().find(|line| line.starts_with("> theirs")).unwrap();
    assert!(line.contains("75.0%") && line.contains("1/2") && line.ends_with("undated"), "{line}");
    let names = ["--name", "theirs", "--name", "short"];
    let ended = folder.run(&[&["compare", "theirs.json", "short.json"], &SET[..], &names].concat());
    assert!(ended.stdout.contains("short (short.json) against theirs (theirs.json)\ngained 1: b2\nlost 1: a1\n"));
    assert!(ended.stderr.contains("short.json has 1 fault"), "{}", ended.stderr);
    let left = folder.run(&[&["compare", "theirs.json"], &SET[..], &names].concat());
    assert_refused(&left, &["--name \"short\" is left over"]);

    let call = ["report", "short.json", "--name", "short & sweet", "--output", "page"];
    let ended = folder.run(&[&call[..], &SET].concat());
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 4), "{}", ended.stderr);
    let read = |name: &str| fs::read_to_string(folder.path(&format!("page/{name}"))).unwrap();
    assert!(read("report.html").contains("short &amp; sweet on t_challenges.json"));
    let markdown = read("report.md");
    assert!(markdown.contains("a submission without the record of a run") && markdown.contains("\n1 solved: b2\n"));
    assert!(["| Time |", "| Device |", "| Seed |"].iter().all(|fact| !markdown.contains(fact)), "{markdown}");

    assert_eq!(folder.run(&["solve", SET[1], "--solver", "copy", "--submission", "own/submission.json"]).code, 0);
    let mixed = folder.run(&[&["compare", "own", "theirs.json"], &SET[..]].concat());
    assert!(
        mixed.stdout.contains("theirs.json (theirs.json) against copy (own)\n"),
        "{}{}",
        mixed.stdout,
        mixed.stderr
    );
    let named = folder.run(&[&["report", "own", "--name", "mine"], &SET[..]].concat());
    assert_refused(&named, &["--name belongs to a submission without a record"]);
}

#[test]
fn the_folder_of_a_run_stands_for_its_submission() {
    let folder = two_tasks();
    assert_eq!(folder.run(&["solve", SET[1], "--solver", "copy", "--submission", "run/submission.json"]).code, 0);
    for command in ["score", "validate"] {
        let of = |path: &str| folder.run(&[&[command, path], &SET[..]].concat());
        let (by_folder, by_file) = (of("run"), of("run/submission.json"));
        assert_eq!((by_folder.code, by_folder.stdout), (0, by_file.stdout), "{command}");
    }
    let merged = folder.run(&[&["merge", "run", "--output", "m.json"], &SET[..]].concat());
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(fs::read(folder.path("m.json")).unwrap(), fs::read(folder.path("run/submission.json")).unwrap());
}

#[cfg(unix)]
#[test]
fn a_checkpoint_whose_path_is_no_text_leaves_a_record_that_is_read_back() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = Program::new();
    program::tiny(folder.0.path(), 1);
    assert_eq!(folder.run(&["train", "tiny.toml", "--output", "run"]).code, 0);
    fs::rename(folder.path("run"), folder.0.path().join(OsStr::from_bytes(b"r\xffn"))).unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).args(["solve", "arc-agi-1/evaluation", "--time-limit", "1s", "--checkpoint"]);
    let output = command.arg(OsStr::from_bytes(b"r\xffn")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compared = folder.run(&["compare", "submissions"]);
    assert_eq!(compared.code, 0, "{}", compared.stderr);
    let record = fs::read_to_string(folder.path("submissions/run.json")).unwrap();
    assert!(record.contains(r#""path": "r\\xffn""#), "{record}");
}
