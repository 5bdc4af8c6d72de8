//! The promise: a run can be looked at. Its report is whole, of this run alone, and written by the real program; so are the curves.

mod program;

use std::collections::BTreeSet;
use std::fs;

use program::{Program, assert_refused, names_in, tiny};
use serde_json::Value;

/// A model trained for some steps, and a run of it: two views of three supervision steps, in `out/`.
fn solved() -> Program {
    let folder = Program::new();
    tiny(folder.0.path(), 6);
    assert_eq!(folder.run(&["train", "tiny.toml", "--output", "run"]).code, 0);
    solve(&folder, "out", "3");
    folder
}

fn solve(folder: &Program, name: &str, steps: &str) -> Vec<Value> {
    let [submission, predictions] = ["submission.json", "predictions.jsonl"].map(|file| format!("{name}/{file}"));
    let solve = ["solve", "arc-agi-1/evaluation", "--checkpoint", "run", "--views", "2", "--steps", steps];
    let ended = folder.run(&[&solve[..], &["--submission", &submission, "--predictions", &predictions]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let lines = fs::read_to_string(folder.path(&predictions)).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_first_view_keeps_what_it_would_have_answered_after_fewer_steps() {
    let folder = solved();
    let three = solve(&folder, "three", "3");
    let (one, two) = (solve(&folder, "one", "1"), solve(&folder, "two", "2"));
    let mut seen = BTreeSet::new();
    let mut grown = 0;
    for (i, line) in three.iter().enumerate() {
        let is_first = seen.insert((line["task"].to_string(), line["test"].to_string()));
        if is_first {
            assert_eq!(line["earlier"], serde_json::json!([one[i]["grid"], two[i]["grid"]]), "{line}");
            grown += usize::from(line["earlier"][0] != line["grid"]);
        } else {
            assert!(line.get("earlier").is_none(), "{line}");
        }
    }
    assert!(grown > 0 && seen.len() < three.len(), "no answer changed: is the test blind?");
}

#[test]
fn a_report_is_four_files_that_agree_with_the_record() {
    let folder = solved();
    let ended = folder.run(&["report", "out", "--price-per-hour", "2"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout.lines().count(), 4);
    let read = |name: &str| fs::read_to_string(folder.path(&format!("out/{name}"))).unwrap();
    let record: Value = serde_json::from_str(&read("run.json")).unwrap();
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report["run"], record);
    assert_eq!((report["outputs"].as_array().unwrap().len(), read("report.csv").lines().count()), (419, 420));
    let html = read("report.html");
    for part in ["at two attempts", "TRM-attention", "<svg", record["tasks"]["digest"].as_str().unwrap()] {
        assert!(html.contains(part), "the page has no {part}");
    }
    assert!(html.len() < 10_000_000, "{} bytes", html.len());
    let commit = record["commit"].as_str();
    assert!(commit.is_none_or(|commit| html.contains(commit) && read("report.md").contains(commit)));
}

#[test]
fn files_of_another_run_are_refused_and_nothing_is_written() {
    let folder = solved();
    solve(&folder, "other", "1");
    let ended = folder.run(&["report", "out", "--predictions", "other/predictions.jsonl"]);
    assert_refused(&ended, &["other/predictions.jsonl", "not the predictions of the run"]);
    let ended = folder.run(&["report", "out", "--tasks", "arc-agi-1/training"]);
    assert_refused(&ended, &["arc-agi-1/training holds other tasks", "--tasks"]);
    let ended = folder.run(&["report", "run"]);
    assert_refused(&ended, &["run", "run.json"]);
    assert_eq!(names_in(&folder.0.path().join("out")), ["predictions.jsonl", "run.json", "submission.json"]);
    fs::rename(folder.path("out/run.json"), folder.path("out/report.json")).unwrap();
    assert_refused(&folder.run(&["report", "out/report.json"]), &["out/report.json", "this command reads", "hint: "]);
}

#[test]
fn a_report_without_predictions_says_what_it_lacks() {
    let folder = Program::new();
    assert_eq!(folder.run(&["solve", "arc-agi-2/evaluation", "--solver", "copy"]).code, 0);
    let ended = folder.run(&["report", "submissions", "--output", "page"]);
    assert!(ended.code == 0 && ended.stderr.contains("--predictions"), "{}", ended.stderr);
    assert_eq!(names_in(&folder.0.path().join("page")), ["report.csv", "report.html", "report.json", "report.md"]);
}

#[test]
fn a_shard_has_a_report_of_its_own_tasks() {
    let folder = Program::new();
    assert_eq!(folder.run(&["solve", "arc-agi-2/evaluation", "--solver", "copy", "--shard", "2/4"]).code, 0);
    let ended = folder.run(&["report", "submissions"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path("submissions/report.json")).unwrap()).unwrap();
    assert_eq!(
        report["outputs"].as_array().unwrap().len(),
        report["run"]["tasks"]["outputs"].as_u64().unwrap() as usize
    );
}

#[test]
fn the_curves_of_trainings_are_drawn_together() {
    let folder = solved();
    let ended = folder.run(&["plot", "run", "run/log.csv", "--output", "curves.svg", "--over", "time"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "curves.svg\n"), "{}", ended.stderr);
    let svg = fs::read_to_string(folder.path("curves.svg")).unwrap();
    assert_eq!((svg.matches("<polyline").count(), svg.contains("minutes of training")), (8, true));
    assert_refused(&folder.run(&["plot", "nowhere"]), &["nowhere"]);
    assert_refused(&folder.run(&["plot", "out/submission.json"]), &["out/submission.json"]);
}
