//! The commands, as they are called: what they print, where, and how they end.

mod program;

use std::fs;
use std::io;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dfdx::prelude::Cpu;
use program::{Program, assert_refused, names_in, pair, task};
use serde_json::{Value, json};
use trm_arc::device::Compute;
use trm_arc::device::Precision;

#[test]
fn the_help_has_the_number_of_tokens_that_solve_takes_by_itself() {
    let help = Program::new().run(&["solve", "--help"]).stdout;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, after) = words.split_once("--tokens-per-batch").unwrap();
    assert!(after.contains(&format!("[default: {}", Cpu::TOKENS_PER_BATCH)), "{help}");
}

#[test]
fn the_copy_solver_goes_the_whole_way() {
    let folder = Program::new();
    let solved = folder.run(&[
        "solve",
        "arc-agi-2/evaluation",
        "--solver",
        "copy",
        "--submission",
        "out/submission.json",
        "--predictions",
        "out/predictions.jsonl",
    ]);
    assert_eq!(solved.code, 0, "{}", solved.stderr);
    for part in ["120 of 120 tasks answered", "kaggle score", "TRM-attention", "> copy", "out/submission.json"] {
        assert!(solved.stdout.contains(part), "no \"{part}\" in: {}", solved.stdout);
    }
    assert_eq!(names_in(&folder.0.path().join("out")), ["predictions.jsonl", "run.json", "submission.json"]);

    let valid = folder.run(&["validate", "out/submission.json", "--tasks", "arc-agi-2/evaluation"]);
    assert_eq!((valid.code, valid.stdout.as_str()), (0, "valid: 120 tasks, 172 outputs\n"));

    let arguments = ["score", "out/submission.json", "--tasks", "arc-agi-2/evaluation", "--json"];
    let score: Value = serde_json::from_str(&folder.run(&arguments).stdout).unwrap();
    assert_eq!((&score["tasks"], &score["outputs"]), (&json!(120), &json!(172)));
    assert_eq!((&score["kaggle_score"], &score["task_score"]), (&json!(0.0), &json!(0.0)));
    assert_eq!((&score["solved_tasks"], &score["pass_at"]), (&json!([]), &Value::Null));

    let with_predictions = [&arguments[..], &["--predictions", "out/predictions.jsonl"]].concat();
    let score: Value = serde_json::from_str(&folder.run(&with_predictions).stdout).unwrap();
    let keys: Vec<&String> = score["pass_at"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["1", "2", "5", "10", "100", "1000"]);

    let compared = folder.run(&["compare", "out", "--csv"]);
    assert_eq!(compared.stdout.lines().filter(|line| line.starts_with("true,copy,no-model,arc-agi-2")).count(), 1);
    assert!(!compared.stdout.contains("arc-agi-1"));
}

#[test]
fn the_random_solver_repeats_itself_with_its_seed() {
    let folder = Program::new();
    let solve = |seed: &str, file: &str| {
        let arguments = ["solve", "arc-agi-2/evaluation", "--solver", "random", "--seed", seed, "--submission", file];
        assert_eq!(folder.run(&[&arguments[..], &["--overwrite"]].concat()).code, 0);
        fs::read_to_string(folder.path(file)).unwrap()
    };
    let first = solve("1", "a.json");
    assert_eq!(first, solve("1", "b.json"));
    assert_ne!(first, solve("2", "c.json"));
}

#[test]
fn a_spent_time_limit_leaves_a_valid_submission() {
    let folder = Program::new();
    let ended = folder.run(&["solve", "arc-agi-2/evaluation", "--solver", "copy", "--time-limit", "0s"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("120 not reached") && ended.stdout.contains("time limit"), "{}", ended.stdout);
    assert_eq!(names_in(&folder.0.path().join("submissions")), ["run.json", "submission.json"]);
    let valid = folder.run(&["validate", "submissions/submission.json", "--tasks", "arc-agi-2/evaluation"]);
    assert_eq!(valid.code, 0, "{}", valid.stdout);
    let record: Value =
        serde_json::from_str(&fs::read_to_string(folder.path("submissions/run.json")).unwrap()).unwrap();
    assert_eq!((&record["status"], &record["unanswered"]), (&json!("time-limit"), &json!(120)));
    assert_eq!((&record["unseen"], &record["finished"]), (&json!([]), &json!(true)));
}

#[cfg(unix)]
#[test]
fn an_interrupt_exits_130_with_every_file_whole() {
    let folder = Program::new();
    let views = ["--views", "100000", "--predictions", "submissions/predictions.jsonl"];
    let mut child = Process::new(env!("CARGO_BIN_EXE_trm-arc"))
        .current_dir(folder.0.path())
        .args(["solve", "arc-agi-1/evaluation", "--solver", "random"])
        .args(views)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !folder.has("submissions/run.json") {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run did not begin");
        thread::sleep(Duration::from_millis(20));
    }
    let signal = Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let results = folder.0.path().join("submissions");
    assert_eq!(names_in(&results), ["predictions.jsonl", "run.json", "submission.json"]);
    let record: Value = serde_json::from_str(&fs::read_to_string(results.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["status"], "interrupted");
    assert_eq!(folder.run(&["validate", "submissions/submission.json", "--tasks", "arc-agi-1/evaluation"]).code, 0);
}

#[test]
fn validate_names_every_fault_and_exits_1() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[1]]}, {"input": [[2]]}])));
    folder.write("submission.json", r#"{"x1": [{"attempt_1": [[10]]}], "x9": []}"#);
    let ended = folder.run(&["validate", "submission.json", "--tasks", "mine_challenges.json"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 4, "{}", ended.stdout);
    folder.write("submission.json", "{\"x1\": [");
    let ended = folder.run(&["validate", "submission.json", "--tasks", "mine_challenges.json"]);
    assert_refused(&ended, &["submission.json", "not JSON", "line 1"]);
}

#[test]
fn a_set_without_solutions_is_solved_but_not_scored() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[1]]}])));
    let ended = folder.run(&["solve", "mine_challenges.json", "--solver", "copy"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stdout.contains("kaggle score"));
    assert!(ended.stdout.contains("\nno score: 1 of 1 test outputs have no solution\n"), "{}", ended.stdout);
    let ended = folder.run(&["score", "submissions/submission.json", "--tasks", "mine_challenges.json"]);
    assert_refused(&ended, &["no solution for test input 0 of task x1"]);
    let ended = folder.run(&["compare", "submissions"]);
    assert!(ended.code == 0 && ended.stderr.contains("is left out: the solutions"), "{}", ended.stderr);
}

#[test]
fn solutions_beside_the_challenges_are_used() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[5]]}])));
    folder.write("mine_solutions.json", r#"{"x1": [[[5]]]}"#);
    let ended = folder.run(&["solve", "mine_challenges.json", "--solver", "copy"]);
    assert!(ended.stdout.contains("solved tasks  1: x1"), "{}", ended.stdout);
}

#[test]
fn tasks_are_listed_shown_and_verified() {
    let folder = Program::new();
    let sets = folder.run(&["tasks", "list"]);
    assert!(sets.stdout.lines().any(|line| line.contains("arc-agi-1/evaluation") && line.contains("419")));
    let list = folder.run(&["tasks", "list", "arc-agi-2/evaluation"]);
    assert_eq!(list.stdout.lines().count(), 121);
    let shown = folder.run(&["tasks", "show", "0934a4d8"]);
    assert!(
        shown.stdout.starts_with("task 0934a4d8 of arc-agi-1/evaluation, arc-agi-2/evaluation\n"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("demonstration 1\n") && !shown.stdout.contains('\u{1b}'));
    assert_refused(&folder.run(&["tasks", "show", "0934a4d9"]), &["did you mean \"0934a4d8\"?"]);
    let verified = folder.run(&["tasks", "verify"]);
    assert_eq!((verified.code, verified.stdout.lines().count()), (0, 5), "{}", verified.stdout);
    let broken = folder.write("broken_challenges.json", &task(json!([]), json!([])));
    let failed = folder.run(&["tasks", "verify", &broken]);
    assert!(failed.code == 1 && failed.stdout.starts_with("failed: "), "{}", failed.stdout);
}

#[test]
fn compare_without_a_run_shows_what_is_published() {
    let folder = Program::new();
    let ended = folder.run(&["compare"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.starts_with("arc-agi-1\n") && ended.stdout.contains("\narc-agi-2\n"), "{}", ended.stdout);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 120));
    assert_refused(&folder.run(&["compare", "nowhere"]), &["nowhere", "run.json"]);
}

/// Sets of three tasks, of which the copy solver solves one, and runs of two solvers on the first.
fn two_runs() -> Program {
    let folder = Program::new();
    let asked = |colour: u8| json!({"train": pair(), "test": [{"input": [[colour, 1, 2, 3]]}]});
    folder.write("mine_challenges.json", &json!({"x1": asked(4), "x2": asked(5), "x3": asked(6)}).to_string());
    folder.write("other_challenges.json", &json!({"x1": asked(4), "x2": asked(5), "x3": asked(7)}).to_string());
    for set in ["mine", "other"] {
        folder.write(&format!("{set}_solutions.json"), r#"{"x1": [[[4]]], "x2": [[[5, 1, 2, 3]]], "x3": [[[6]]]}"#);
    }
    for (set, solver, output) in [("mine", "random", "a"), ("mine", "copy", "b"), ("other", "copy", "c")] {
        let (set, output) = (format!("{set}_challenges.json"), format!("{output}/submission.json"));
        let ended = folder.run(&["solve", &set, "--solver", solver, "--seed", "1", "--submission", &output]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    folder
}

#[test]
fn two_runs_on_one_set_are_set_against_each_other() {
    let folder = two_runs();
    let ended = folder.run(&["compare", "a", "b"]);
    let below = "\ncopy (b) against random (a)\ngained 1: x2\nlost 0\nsolved by both: 0, by neither: 2\n\
                 McNemar's exact p = 1.000: 1 task would be too few to show a difference, however divided\n";
    assert!(ended.code == 0 && ended.stdout.ends_with(below), "{}{}", ended.stdout, ended.stderr);
    let back = folder.run(&["compare", "b", "a/run.json", "b", "--markdown"]).stdout;
    assert!(back.contains("## random (a/run.json) against copy (b)\n\n- gained 0\n- lost 1: x2\n"), "{back}");
    assert!(back.contains("## copy (b) against copy (b)\n") && back.contains("both solve the same tasks"), "{back}");
    let json = |runs: &[&str]| -> Value {
        serde_json::from_str(&folder.run(&[&["compare", "--json"], runs].concat()).stdout).unwrap()
    };
    let change = &json(&["a", "b"])["changes"][0];
    assert_eq!(
        (&change["gained"], &change["neither"], &change["after"]["source"]),
        (&json!(["x2"]), &json!(2), &json!("b"))
    );
    let alone = json(&["a"]);
    assert_eq!((alone["rows"].as_array().unwrap().len(), &alone["changes"]), (1, &json!([])));
    assert_eq!(folder.run(&["compare", "a", "b", "--csv"]).stdout.lines().count(), 3);
}

#[test]
fn runs_on_other_tasks_or_without_a_score_are_not_set_against_each_other() {
    let folder = two_runs();
    for format in [&[][..], &["--json"], &["--csv"], &["--markdown"]] {
        let ended = folder.run(&[&["compare", "b", "c"], format].concat());
        let parts =
            ["copy (b) was asked mine_challenges.json (digest ", "copy (c) was asked other_challenges.json (digest "];
        assert_refused(&ended, &[&parts[..], &["compare each run alone"]].concat());
    }
    fs::remove_file(folder.path("mine_solutions.json")).unwrap();
    folder.run(&["solve", "mine_challenges.json", "--solver", "copy", "--submission", "d/submission.json"]);
    assert_refused(&folder.run(&["compare", "b", "d"]), &["copy (d) has no score", "solutions"]);
}

#[test]
fn a_leak_is_named_with_its_places_and_exits_1() {
    let folder = Program::new();
    let ended = folder.run(&["leaks", "arc-agi-1/evaluation", "arc-agi-2/evaluation"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    for part in [
        "same id, same content    6: ",
        "demonstrations shared    24 of 358\n",
        "test pairs leaked        6 of 172\n",
        "  0934a4d8 test 0        is 0934a4d8 test 0\n",
    ] {
        assert!(ended.stdout.contains(part), "no \"{part}\" in: {}", ended.stdout);
    }
    let clean = folder.run(&["leaks", "arc-agi-2/training", "arc-agi-2/evaluation"]);
    assert!(clean.code == 0 && clean.stdout.ends_with("test pairs leaked        0 of 172\n"), "{}", clean.stdout);
    let found: Value = serde_json::from_str(
        &folder.run(&["leaks", "arc-agi-1/training", "arc-agi-1/evaluation", "--up-to-symmetry", "--json"]).stdout,
    )
    .unwrap();
    assert_eq!(found["likeness"], "up-to-symmetry");
    assert_eq!(found["renamed"][0], json!({"second": "070dd51e", "first": "40853293"}));
}

#[test]
fn tests_without_solutions_leak_by_their_inputs() {
    let folder = Program::new();
    folder.write("hidden_challenges.json", &task(pair(), json!([{"input": [[3, 1]]}])));
    folder.write(
        "other_challenges.json",
        &task(json!([{"input": [[3, 1]], "output": [[9]]}]), json!([{"input": [[7]]}])),
    );
    let ended = folder.run(&["leaks", "other_challenges.json", "hidden_challenges.json"]);
    assert!(ended.code == 1 && ended.stdout.ends_with("is x1 train 0, by its input\n"), "{}", ended.stdout);
    assert_eq!(ended.stderr.matches("compared by their inputs").count(), 2, "{}", ended.stderr);
}

/// Without a listener `eprintln!` panics, and a panic would end the work.
#[cfg(unix)]
#[test]
fn the_work_is_finished_when_nobody_listens_to_stderr() {
    let folder = Program::new();
    let (listener, stderr) = io::pipe().unwrap();
    drop(listener);
    let mut command = Process::new(env!("CARGO_BIN_EXE_trm-arc"));
    command.current_dir(folder.0.path()).stdout(Stdio::null()).stderr(stderr);
    // `--views` is good for a note before the work begins.
    let status = command.args(["solve", "arc-agi-2/evaluation", "--solver", "copy", "--views", "3"]).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(names_in(&folder.0.path().join("submissions")), ["run.json", "submission.json"]);
}

#[test]
fn what_changes_nothing_is_said() {
    let folder = Program::new();
    let solve = ["solve", "arc-agi-2/evaluation", "--solver", "copy"];
    let flags =
        [("--views", "3"), ("--steps", "3"), ("--tokens-per-batch", "3"), ("--seed", "3"), ("--precision", "bf16")];
    for (flag, value) in flags {
        let ended = folder.run(&[&solve[..], &[flag, value]].concat());
        assert!(ended.code == 0 && ended.stderr.contains(&format!("note: {flag}")), "{}", ended.stderr);
    }
    assert_eq!(folder.run(&solve).stderr, "");
}

#[test]
fn a_model_solves_in_the_precision_that_is_asked_for_and_the_record_says_so() {
    let folder = Program::new();
    folder.write("one_challenges.json", &a_task_that_the_default_checkpoint_knows());
    let solve = |flags: &[&str]| {
        folder.run(&[&["solve", "one_challenges.json", "--views", "1", "--steps", "1", "--overwrite"], flags].concat())
    };
    let recorded = || {
        let text = fs::read_to_string(folder.path("submissions/run.json")).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(record["answered"], 1);
        (record["precision"].clone(), record["device"].as_str().unwrap().rsplit_once(", ").unwrap().1.to_owned())
    };
    let refused = solve(&["--precision", "f16"]);
    assert!(refused.code == 2 && refused.stderr.contains("no precision \"f16\""), "{}", refused.stderr);
    let ended = solve(&["--precision", "bf16"]);
    if Cpu::precision(Some(Precision::Bf16), false).is_ok() {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(recorded(), (json!("bf16"), "bfloat16".to_owned()));
    } else {
        // Before the tasks and the checkpoint are looked for, so that those which are not there do not matter.
        let no = ["solve", "nowhere", "--checkpoint", "nowhere", "--precision", "bf16"];
        for ended in [ended, folder.run(&no)] {
            assert_refused(&ended, &["no products in bf16", "--precision f32"]);
        }
        assert!(!folder.has("submissions"));
    }
    for flags in [&[][..], &["--precision", "f32"]] {
        let ended = solve(flags);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(recorded(), (json!("f32"), "float32".to_owned()));
    }
}

/// A challenges file of one task of the evaluation set.
fn a_task_that_the_default_checkpoint_knows() -> String {
    let set = trm_arc::task::load("arc-agi-1/evaluation").unwrap();
    let known = set.task("6ea4a07e").unwrap();
    let test: Vec<_> = known.test.iter().map(|test| json!({"input": test.input})).collect();
    json!({"6ea4a07e": {"train": known.train, "test": test}}).to_string()
}

#[test]
fn one_fault_is_one_fault() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[1]]}])));
    folder.write("mine_solutions.json", r#"{"x1": [[[5]]]}"#);
    folder.write("submission.json", r#"{"x1": [{"attempt_1": [[5]]}]}"#);
    let ended = folder.run(&["validate", "submission.json", "--tasks", "mine_challenges.json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "submission.json: 1 fault\n"));
    let ended = folder.run(&["score", "submission.json", "--tasks", "mine_challenges.json"]);
    assert!(ended.code == 0 && ended.stdout.contains("\nfaults        1; an attempt"), "{}", ended.stdout);
}
