//! Kaggle's file: written, read back, and every fault of it named.

use serde_json::{Value, json};
use trm_arc::files;
use trm_arc::grid::Grid;
use trm_arc::prediction::Attempts;
use trm_arc::submission::{Submission, lint, read_answers};
use trm_arc::task::{Pair, Task, TaskSet, Test};

fn grid(colour: u8) -> Grid {
    Grid::from_fn(2, 2, |_, _| colour)
}

fn attempts(first: u8, second: u8) -> Attempts {
    Attempts { attempt_1: grid(first), attempt_2: grid(second) }
}

/// Two tasks, the second with two test inputs.
fn set() -> TaskSet {
    let task = |id: &str, tests| Task {
        id: id.into(),
        train: vec![Pair { input: grid(1), output: grid(2) }],
        test: vec![Test { input: grid(3), output: None }; tests],
    };
    TaskSet { name: "mine".into(), tasks: vec![task("b0b0b0b0", 1), task("a1a1a1a1", 2)] }
}

fn valid() -> Value {
    serde_json::from_str(&Submission::placeholders(&set()).to_json()).unwrap()
}

fn faults(value: &Value) -> Vec<String> {
    lint(&value.to_string(), &set()).unwrap().iter().map(ToString::to_string).collect()
}

/// The faults after one change of a valid submission.
fn faults_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = valid();
    change(&mut value);
    faults(&value)
}

fn assert_one(faults: &[String], parts: &[&str]) {
    assert_eq!(faults.len(), 1, "{faults:?}");
    parts.iter().for_each(|part| assert!(faults[0].contains(part), "\"{}\" lacks \"{part}\"", faults[0]));
}

#[test]
fn what_is_written_is_read_back_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.json");
    let mut submission = Submission::placeholders(&set());
    submission.set("a1a1a1a1", vec![attempts(4, 5), attempts(6, 7)]).unwrap();
    submission.write(&path).unwrap();
    let text = files::read_text(&path).unwrap();
    assert_eq!(text.lines().nth(1), Some(r#""b0b0b0b0":[{"attempt_1":[[3,3],[3,3]],"attempt_2":[[3,3],[3,3]]}],"#));
    assert_eq!(text.lines().count(), 4);
    assert_eq!(read_answers(&path).unwrap(), submission.answers());
}

#[test]
fn placeholders_are_copies_of_the_input_and_valid() {
    let submission = Submission::placeholders(&set());
    assert_eq!(submission.get("a1a1a1a1"), Some(&[attempts(3, 3), attempts(3, 3)][..]));
    assert_eq!(faults(&valid()), Vec::<String>::new());
}

#[test]
fn attempts_for_a_stranger_or_for_too_few_inputs_are_refused() {
    let mut submission = Submission::placeholders(&set());
    let message = submission.set("a1a1a1a2", vec![]).unwrap_err().to_string();
    assert!(message.contains("did you mean \"a1a1a1a1\"?"), "{message}");
    let message = submission.set("a1a1a1a1", vec![attempts(1, 1)]).unwrap_err().to_string();
    assert!(message.contains("attempts for 1 test inputs where it has 2"), "{message}");
    assert_eq!(submission, Submission::placeholders(&set()));
}

#[test]
fn a_missing_task_is_named() {
    assert_one(&faults_after(|v| drop(v.as_object_mut().unwrap().remove("a1a1a1a1"))), &["a1a1a1a1", "missing"]);
}

#[test]
fn an_unknown_task_is_named_with_the_nearest_missing_one() {
    let faults = faults_after(|v| {
        let entry = v.as_object_mut().unwrap().remove("a1a1a1a1").unwrap();
        v["a1a1a1a2"] = entry;
    });
    assert_eq!(faults.len(), 2);
    assert!(faults[0].contains("task a1a1a1a2: no such task in mine; did you mean \"a1a1a1a1\"?"), "{faults:?}");
}

#[test]
fn a_task_that_stands_there_twice_is_named() {
    let text = valid().to_string().replacen('{', r#"{"b0b0b0b0": [],"#, 1);
    let faults: Vec<String> = lint(&text, &set()).unwrap().iter().map(ToString::to_string).collect();
    assert_one(&faults, &["task b0b0b0b0", "more than once"]);
}

#[test]
fn a_missing_and_an_unknown_attempt_are_named() {
    let faults = faults_after(|v| {
        let output = v["a1a1a1a1"][1].as_object_mut().unwrap();
        let grid = output.remove("attempt_2").unwrap();
        output.insert("attempt_3".into(), grid);
    });
    assert_eq!(
        faults,
        [
            "task a1a1a1a1, output 1, attempt_2: the attempt is missing",
            "task a1a1a1a1, output 1: unknown key \"attempt_3\"; an output has attempt_1 and attempt_2; \
             did you mean \"attempt_2\"?",
        ]
    );
}

#[test]
fn too_many_and_too_few_outputs_are_named() {
    let output = valid()["b0b0b0b0"][0].clone();
    assert_one(
        &faults_after(|v| v["b0b0b0b0"].as_array_mut().unwrap().push(output)),
        &["task b0b0b0b0", "2 outputs where the task has 1"],
    );
    assert_one(&faults_after(|v| v["a1a1a1a1"] = json!([])), &["task a1a1a1a1", "0 outputs where the task has 2"]);
}

#[test]
fn ragged_empty_and_foreign_rows_are_named() {
    let with = |grid: Value| faults_after(|v| v["a1a1a1a1"][1]["attempt_2"] = grid);
    let place = "task a1a1a1a1, output 1, attempt_2";
    assert_one(&with(json!([[1, 2], [1, 2, 3]])), &[place, "row 1 has 3 cells where others have 2"]);
    assert_one(&with(json!([[], [1, 2]])), &[place, "row 0 is empty"]);
    assert_one(&with(json!([[1], 7])), &[place, "row 1 is the number 7"]);
    assert_one(&with(json!([])), &[place, "the grid is empty"]);
    assert_one(&with(json!([[]])), &[place, "row 0 is empty"]);
    assert_one(&with(json!(null)), &[place, "it is null"]);
}

#[test]
fn values_that_are_no_colours_are_named_with_their_cells() {
    let with = |grid: Value| faults_after(|v| v["b0b0b0b0"][0]["attempt_1"] = grid);
    let place = "task b0b0b0b0, output 0, attempt_1";
    assert_one(&with(json!([[1, 10], [2, 3]])), &[place, "cell (0, 1) is 10"]);
    assert_one(&with(json!([[1], [-1]])), &[place, "cell (1, 0) is -1"]);
    assert_one(&with(json!([[1.5, "3", null]])), &["(0, 0) is 1.5", "(0, 1) is a text", "(0, 2) is null"]);
}

#[test]
fn more_than_thirty_rows_or_columns_are_named() {
    let with = |grid: Value| faults_after(|v| v["b0b0b0b0"][0]["attempt_1"] = grid);
    assert_one(&with(json!(vec![[0]; 31])), &["31 rows"]);
    assert_one(&with(json!([vec![0; 31]])), &["31 columns"]);
    assert_eq!(with(json!(vec![vec![0; 30]; 30])), Vec::<String>::new());
}

#[test]
fn entries_of_another_kind_are_named() {
    assert_one(&faults_after(|v| v["b0b0b0b0"] = json!({})), &["task b0b0b0b0", "it is an object"]);
    assert_one(&faults_after(|v| v["b0b0b0b0"][0] = json!([[1]])), &["output 0", "it is a list"]);
    assert_one(&faults(&json!([])), &["the file", "it is a list"]);
}

#[test]
fn one_pass_names_every_fault() {
    let faults = faults_after(|v| {
        v["b0b0b0b0"][0]["attempt_1"] = json!([[10], [11]]);
        v["b0b0b0b0"][0]["attempt_2"] = json!([[1, 2], [1]]);
        v["a1a1a1a1"] = json!([{"attempt_1": [[1]]}]);
        v["c2"] = json!([]);
    });
    assert_eq!(faults.len(), 6, "{faults:#?}");
}

#[test]
fn a_byte_order_mark_is_a_fault_and_hides_no_other() {
    let mut value = valid();
    value["b0b0b0b0"][0]["attempt_1"] = json!([[10]]);
    let faults = lint(&format!("\u{feff}{value}"), &set()).unwrap();
    assert!(faults.len() == 2 && faults[0].to_string().contains("the file: it begins with a byte order mark"));
}

#[test]
fn text_that_is_not_json_is_one_error_with_its_place() {
    assert!(lint("{\"b0b0b0b0\": [", &set()).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn a_faulty_submission_is_judged_by_what_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.json");
    let mut value = valid();
    value["a1a1a1a1"][0]["attempt_1"] = json!([[77]]);
    value["b0b0b0b0"] = json!("nothing");
    files::write(&path, value.to_string().as_bytes()).unwrap();
    let answers = read_answers(&path).unwrap();
    assert_eq!((answers["b0b0b0b0"].len(), answers["a1a1a1a1"][0].len()), (0, 1));
}
