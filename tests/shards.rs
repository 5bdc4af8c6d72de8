//! The promise: shards of a set, solved apart and merged, are byte for byte the submission of one run.

mod program;

use std::fs;

use program::{Program, assert_refused};

const SET: &str = "arc-agi-2/evaluation";

fn solve(folder: &Program, shard: Option<&str>, submission: &str) {
    let call = ["solve", SET, "--solver", "random", "--seed", "7", "--submission", submission];
    let shard = shard.map_or(Vec::new(), |shard| vec!["--shard", shard]);
    let ended = folder.run(&[&call[..], &shard].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn merge(folder: &Program, files: &[&str], output: &str) -> program::Ended {
    folder.run(&[&["merge"], files, &["--tasks", SET, "--output", output]].concat())
}

#[test]
fn merged_shards_are_the_submission_of_one_run() {
    let folder = Program::new();
    solve(&folder, None, "whole/submission.json");
    let shards = ["1/submission.json", "2/submission.json", "3/submission.json"];
    for (number, file) in shards.iter().enumerate() {
        solve(&folder, Some(&format!("{}/3", number + 1)), file);
    }
    let ended = merge(&folder, &[shards[2], shards[0], shards[1]], "merged.json");
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "merged.json, 120 tasks, 172 outputs of 3 shards\nrun.json, record of 3 shards\n")
    );
    let [whole, merged] = ["whole/submission.json", "merged.json"].map(|file| fs::read(folder.path(file)).unwrap());
    assert_eq!(whole, merged);
    let record = fs::read_to_string(folder.path("2/run.json")).unwrap();
    assert!(record.contains("arc-agi-2/evaluation, shard 2/3") && record.contains("\"tasks\": 40"), "{record}");
}

#[test]
fn what_cannot_be_merged_is_named_and_nothing_is_written() {
    let folder = Program::new();
    solve(&folder, Some("1/2"), "1.json");
    let refused = |files: &[&str], parts: &[&str]| {
        assert_refused(&merge(&folder, files, "merged.json"), parts);
        assert!(!folder.has("merged.json"));
    };
    refused(&["1.json"], &["60 of 120 tasks are in none of the files", "all shards"]);
    refused(&["1.json", "1.json"], &["is in 1.json and in 1.json", "each shard once"]);
    folder.write("other.json", r#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#);
    refused(&["1.json", "other.json"], &["other.json", "no task \"x1\""]);
    folder.write("broken.json", r#"{"0934a4d8": [{"attempt_1": [[1]]}]}"#);
    refused(&["broken.json"], &["broken.json", "attempt_2"]);
    fs::create_dir(folder.path("a")).unwrap();
    fs::copy(folder.path("1.json"), folder.path("a/submission.json")).unwrap();
    let over = merge(&folder, &["a"], "a/submission.json");
    assert_refused(&over, &["cannot write a/submission.json: this command reads", "hint: name another place"]);
    let call = ["solve", SET, "--solver", "copy", "--submission", "s.json", "--shard"];
    let shard = |shard: &str| folder.run(&[&call[..], &[shard]].concat());
    assert!(shard("3/2").stderr.contains("a shard looks like 2/4") && shard("3/2").code == 2);
    assert_refused(&shard("200/200"), &["shard 200/200 has no task"]);
}

#[test]
fn merged_shards_have_a_record_and_so_a_report_and_a_comparison() {
    let folder = Program::new();
    let call = ["solve", SET, "--solver", "random", "--seed", "7", "--submission"];
    for (shard, views) in [("1/2", "2"), ("2/2", "3")] {
        let (submission, predictions) = (format!("{}/submission.json", &shard[..1]), format!("{}.jsonl", &shard[..1]));
        let more = [&submission, "--shard", shard, "--views", views, "--predictions", &predictions];
        assert_eq!(folder.run(&[&call[..], &more].concat()).code, 0);
    }
    let ended = merge(&folder, &["2", "1"], "whole/submission.json");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the shards differ: views 3 in 2/run.json, views 2 in 1/run.json"),
        "{}",
        ended.stderr
    );
    let lines = ["1.jsonl", "2.jsonl"].map(|file| fs::read_to_string(folder.path(file)).unwrap()).concat();
    folder.write("whole/predictions.jsonl", &lines);
    let ended = folder.run(&["report", "whole"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let compared = folder.run(&["compare", "whole", "--json"]);
    assert!(compared.code == 0 && compared.stdout.contains("\"tasks\": 120"), "{}", compared.stdout);
}

#[test]
fn shards_without_records_are_merged_and_the_lack_is_said() {
    let folder = Program::new();
    for shard in ["1/2", "2/2"] {
        solve(&folder, Some(shard), &format!("{}/submission.json", &shard[..1]));
    }
    // the record of other tasks is none of this submission's
    fs::copy(folder.path("1/run.json"), folder.path("2/run.json")).unwrap();
    let ended = merge(&folder, &["1", "2"], "whole/submission.json");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no record is written") && ended.stderr.contains("2/submission.json"),
        "{}",
        ended.stderr
    );
    assert!(folder.has("whole/submission.json") && !folder.has("whole/run.json"));
    let call = ["report", "whole", "--tasks", SET, "--name", "both"];
    assert_eq!(folder.run(&call).code, 0, "the hint leads on");
}
