//! The promise: a checkpoint that was trained on puzzles solves a table of them, says how well by rating, by step and apart from what it has
//! learned, and is refused where it means nothing. `report` draws what came of it.

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use assert_cmd::Command;
use program::{Ended, Program, assert_refused};
use serde_json::Value;

const RECIPE: &str = r#"
name = "small"
seed = 0
[puzzles]
kind = "sudoku"
side = 4
variants = 100
[puzzles.source.generated]
count = 40
seed = 0
least_clues = 10
[model]
vocabulary = 6
hidden = 32
heads = 2
layers = 1
expansion = 2.0
h_cycles = 1
l_cycles = 1
prefix = 1
puzzle_width = 32
cells = 16
mixer = "token-mlp"
positions = "none"
rope_base = 10000.0
[training]
batch = 16
parts = 1
steps = 45
warmup = 5
final_ratio = 1.0
halt_max_steps = 3
exploration = 0.1
ema = 0.9
checkpoint_every = 1000
log_every = 100
[trunk]
learning_rate = 3e-3
[trunk.optimizer]
kind = "adam-atan2"
beta_1 = 0.9
beta_2 = 0.95
weight_decay = 0.1
[rows]
learning_rate = 1e-3
weight_decay = 0.1
"#;

/// A folder with a checkpoint and two tables: `new.csv`, and `both.csv`, whose first 15 puzzles were learned.
struct Trained(Program);

static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = Program::new();
    folder.write("small.toml", RECIPE);
    let done = |ended: Ended| assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let made = |count, seed, name| {
        let sizes = ["puzzles", "generate", "sudoku", "--side", "4", "--min-clues", "10"];
        done(folder.run(&[&sizes[..], &["--count", count, "--seed", seed, "--output", name]].concat()));
    };
    made("250", "1", "new.csv");
    made("15", "0", "old.csv");
    done(folder.run(&["puzzles", "generate", "sudoku", "--count", "2", "--output", "nine.csv"]));
    done(folder.run(&["train", "small.toml", "--output", "model"]));
    // those that were learned in another form: each digit called by another name
    let renamed = |digit: char| "4123".chars().nth(digit as usize - '1' as usize).unwrap();
    let old = fs::read_to_string(folder.path("old.csv")).unwrap();
    let rows = old.lines().skip(1).map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        let grid =
            |text: &str| text.chars().map(|cell| if cell == '.' { cell } else { renamed(cell) }).collect::<String>();
        format!("<b>,{},{},{}\n", grid(fields[1]), grid(fields[2]), fields[3])
    });
    let new = fs::read_to_string(folder.path("new.csv")).unwrap();
    let both =
        format!("source,question,answer,rating\n{}{}", rows.collect::<String>(), new.split_once('\n').unwrap().1);
    folder.write("both.csv", &both);
    Trained(folder)
});

impl Trained {
    fn solve(&self, table: &str, place: &str, more: &[&str]) -> Ended {
        let predictions = format!("{place}/predictions.csv");
        let usual = ["solve", table, "--checkpoint", "model", "--predictions", &predictions];
        self.0.run(&[&usual, more].concat())
    }

    fn record(&self, place: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.0.path(&format!("{place}/run.json"))).unwrap()).unwrap()
    }

    /// The rows of the predictions, each by the names of its columns.
    fn predictions(&self, place: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.0.path(&format!("{place}/predictions.csv"))).unwrap();
        reader.deserialize().map(|row| row.unwrap()).collect()
    }
}

#[test]
fn the_record_counts_what_the_predictions_say() {
    let ended = TRAINED.solve("both.csv", "counted", &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("trm small on both.csv, Sudoku of 4 x 4: 265 of 265 puzzles answered in "),
        "{}",
        ended.stdout
    );
    let (record, rows) = (TRAINED.record("counted"), TRAINED.predictions("counted"));
    assert_eq!((rows.len(), &record["answered"], &record["status"]), (265, &265.into(), &"complete".into()));
    let right = |answer: &str, grid: &str| answer.chars().zip(grid.chars()).filter(|(a, b)| a == b).count();
    let mut steps = [(0, 0); 3];
    for (number, row) in rows.iter().enumerate() {
        let (answer, last) = (&row["answer"], &row["prediction"]);
        assert_eq!(
            (&row["exact"], &row["cells_right"]),
            (&(answer == last).to_string(), &right(answer, last).to_string())
        );
        assert_eq!(row["earlier"].split('|').filter(|grid| !grid.is_empty()).count(), if number < 200 { 2 } else { 0 });
        if number < 200 {
            for (step, grid) in row["earlier"].split('|').chain([last.as_str()]).enumerate() {
                steps[step] = (steps[step].0 + usize::from(grid == answer), steps[step].1 + right(answer, grid));
            }
        }
    }
    let score = &record["score"];
    let exact = |rows: &[BTreeMap<String, String>]| rows.iter().filter(|row| row["exact"] == "true").count();
    let cells: usize = rows.iter().map(|row| row["cells_right"].parse::<usize>().unwrap()).sum();
    let all = exact(&rows);
    assert!(0 < all && all < 265, "{all} of 265 exact: the counts are blind");
    assert_eq!((&score["all"]["exact"], &score["all"]["puzzles"]), (&all.into(), &265.into()));
    assert!((score["all"]["accuracy"].as_f64().unwrap() - cells as f64 / (265.0 * 16.0)).abs() < 1e-9);
    // all of the training set's questions are met in another form, and hardly one of the others
    let [learned, unlearned] = ["learned", "unlearned"].map(|name| &score["learned"][name]);
    let more = learned["puzzles"].as_u64().unwrap() as usize;
    assert!((15..40).contains(&more), "{more} were learned");
    assert_eq!(unlearned["puzzles"], 265 - more);
    assert_eq!(learned["exact"].as_u64().unwrap() + unlearned["exact"].as_u64().unwrap(), all as u64);
    assert!(learned["exact"].as_u64().unwrap() >= exact(&rows[..15]) as u64);
    let by_rating = score["by_rating"].as_array().unwrap();
    assert_eq!(by_rating.iter().map(|band| band["group"]["exact"].as_u64().unwrap()).sum::<u64>(), all as u64);
    // the answers after each step are kept of the first 200 alone
    assert_eq!(TRAINED.solve("both.csv", "first", &["--steps", "1"]).code, 0);
    let first = TRAINED.record("first");
    assert_eq!(first["score"]["by_step"].as_array().unwrap().len(), 1);
    assert_eq!(first["score"]["all"], score["by_step"][0]);
    let rows = TRAINED.predictions("first");
    let of_first_200 = rows[..200].iter().map(|row| row["cells_right"].parse::<usize>().unwrap());
    assert_eq!(of_first_200.sum::<usize>(), steps[0].1);
}

#[test]
fn answers_depend_neither_on_threads_nor_on_batches() {
    let mut files = Vec::new();
    for (place, threads, tokens) in [("a", "1", "450"), ("b", "4", "450"), ("c", "4", "17"), ("d", "1", "100000")] {
        let predictions = format!("same-{place}/predictions.csv");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
        command.current_dir(TRAINED.0.0.path()).env("RAYON_NUM_THREADS", threads);
        let arguments = ["solve", "new.csv", "--checkpoint", "model", "--tokens-per-batch", tokens];
        command.args(arguments).args(["--predictions", &predictions]).assert().success();
        files.push(fs::read_to_string(TRAINED.0.path(&predictions)).unwrap());
    }
    assert_eq!(files[0].lines().count(), 251);
    assert!(files.iter().all(|file| *file == files[0]));
}

#[test]
fn a_time_limit_ends_in_order_with_what_was_solved() {
    let ended = TRAINED.solve("new.csv", "cut", &["--time-limit", "0s"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let record = TRAINED.record("cut");
    assert_eq!((&record["status"], &record["finished"]), (&"time-limit".into(), &true.into()));
    assert_eq!((&record["answered"], &record["unanswered"], &record["score"]), (&0.into(), &250.into(), &Value::Null));
    assert!(TRAINED.predictions("cut").is_empty());
    // so many steps take minutes; what is answered by then is counted
    let ended =
        TRAINED.solve("new.csv", "partly", &["--time-limit", "2s", "--steps", "20000", "--tokens-per-batch", "17"]);
    assert!(ended.stdout.contains(", ended by the time limit"), "{}", ended.stdout);
    let record = TRAINED.record("partly");
    let answered = TRAINED.predictions("partly").len();
    assert!(answered < 250 && record["seconds"].as_f64().unwrap() >= 2.0, "{record}");
    assert_eq!((&record["status"], &record["answered"]), (&"time-limit".into(), &answered.into()));
}

#[test]
fn what_means_nothing_for_puzzles_is_refused() {
    let solve = |more: &[&str]| TRAINED.solve("new.csv", "refused", more);
    for (arguments, reason) in [
        (["--submission", "s.json"], "puzzles have none"),
        (["--views", "3"], "seen as it is"),
        (["--shard", "1/2"], "cut the table"),
        (["--adapt", "10s"], "no demonstrations"),
        (["--solver", "copy"], "only a trained model"),
    ] {
        assert_refused(&solve(&arguments), &[arguments[0], "new.csv is a table of puzzles", reason]);
    }
    let folder = &TRAINED.0;
    assert_refused(
        &TRAINED.solve("nine.csv", "refused", &[]),
        &["nine.csv has Sudoku of 9 x 9", "small has learned Sudoku of 4 x 4"],
    );
    let of_tasks = folder.run(&["solve", "new.csv", "--record", "refused/run.json"]);
    assert_refused(&of_tasks, &["learns ARC tasks and no puzzles"]);
    let tasks =
        folder.run(&["solve", "arc-agi-1/evaluation", "--checkpoint", "model", "--submission", "refused/s.json"]);
    assert_refused(&tasks, &["learns Sudoku of 4 x 4 and no tasks"]);
    assert_refused(&folder.run(&["solve", "gone.csv", "--checkpoint", "model"]), &["gone.csv"]);
    let over =
        folder.run(&["solve", "new.csv", "--checkpoint", "model", "--predictions", "new.csv", "--record", "r.json"]);
    assert_refused(&over, &["cannot write new.csv: this command reads new.csv"]);
    assert!(!folder.has("refused") && !folder.has("submissions"), "a refusal left something behind");
}

#[test]
fn a_training_set_that_is_gone_is_said_to_be_unknown() {
    let folder = Program::new();
    let table = TRAINED.0.path("new.csv");
    fs::copy(table, folder.path("new.csv")).unwrap();
    let (start, rest) = RECIPE.split_once("[puzzles.source.generated]").unwrap();
    let rest = rest.split_once("[model]").unwrap().1;
    let recipe =
        format!("{start}[puzzles.source.table]\nfile = \"new.csv\"\n[model]{rest}").replace("steps = 45", "steps = 5");
    folder.write("small.toml", &recipe);
    assert_eq!(folder.run(&["train", "small.toml", "--output", "model"]).code, 0);
    let solve = || folder.run(&["solve", "other.csv", "--checkpoint", "model", "--record", "run.json"]);
    fs::copy(folder.path("new.csv"), folder.path("other.csv")).unwrap();
    let told = solve().stdout;
    let line = told.lines().find(|line| line.starts_with("in training")).unwrap();
    assert_eq!(line.split_whitespace().nth(2), Some("250"), "{told}");
    let half: String =
        fs::read_to_string(folder.path("new.csv")).unwrap().lines().take(9).map(|row| format!("{row}\n")).collect();
    folder.write("new.csv", &half);
    let ended = solve();
    assert!(ended.stderr.contains("what is there now as new.csv is not what was learned"), "{}", ended.stderr);
    fs::remove_file(folder.path("new.csv")).unwrap();
    let ended = solve();
    assert!(ended.stderr.contains("cannot read new.csv") && ended.stdout.contains("is not known"), "{}", ended.stderr);
    let record: Value = serde_json::from_str(&fs::read_to_string(folder.path("run.json")).unwrap()).unwrap();
    assert_eq!(record["score"]["learned"], Value::Null);
}

#[test]
fn a_report_draws_the_wrong_ones_first_and_believes_no_other_predictions() {
    let folder = &TRAINED.0;
    assert_eq!(TRAINED.solve("both.csv", "told", &[]).code, 0);
    let ended = folder.run(&["report", "told"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    let read = |name: &str| fs::read_to_string(folder.path(&format!("told/report.{name}"))).unwrap();
    let (page, record) = (read("html"), TRAINED.record("told"));
    assert!(!page.contains("<b>") && !page.contains("<script") && !page.contains("src="), "a source is shown as it is");
    let wrong = TRAINED.predictions("told").iter().filter(|row| row["exact"] == "false").count();
    let drawn: Vec<bool> = page.split("<h3>").skip(1).map(|puzzle| !puzzle.starts_with("exact")).collect();
    assert_eq!((drawn.len(), drawn.iter().filter(|wrong| **wrong).count()), (24, wrong.min(24)));
    assert!(drawn.is_sorted_by(|a, b| a >= b), "the wrong ones come first");
    let json: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(json["run"], record);
    let csv = read("csv");
    assert!(csv.starts_with("group,puzzles,exact,exact_share,low,high,accuracy\nall,265,"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + json["groups"].as_array().unwrap().len());
    assert!(read("md").contains("| after step 3 | 265 |"), "{}", read("md"));
    let path = folder.path("told/predictions.csv");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.lines().take(200).map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    assert_refused(&folder.run(&["report", "told"]), &["told/predictions.csv", "not the predictions of the run"]);
    // the same predictions in another order are not this run's either
    let (head, rows) = whole.split_once('\n').unwrap();
    let backwards: String = rows.lines().rev().map(|row| format!("{row}\n")).collect();
    fs::write(&path, format!("{head}\n{backwards}")).unwrap();
    assert_refused(&folder.run(&["report", "told"]), &["told/predictions.csv", "not the predictions of the run"]);
    fs::write(&path, whole.replacen("source", "sauce", 1)).unwrap();
    assert_refused(&folder.run(&["report", "told"]), &["told/predictions.csv", "no predictions of puzzles"]);
    assert_refused(&folder.run(&["report", "told", "--tasks", "x"]), &["--tasks belongs to runs on ARC tasks"]);
}

#[test]
fn other_commands_refuse_a_run_on_puzzles_by_name() {
    let folder = &TRAINED.0;
    assert_eq!(TRAINED.solve("new.csv", "other", &[]).code, 0);
    for arguments in [&["compare", "other"][..], &["compare", "other/run.json", "other"]] {
        assert_refused(&folder.run(arguments), &["run.json: this run solved a table of puzzles", "trm-arc report"]);
    }
    let run = "other/run.json";
    for arguments in [
        &["score", run, "--tasks", "arc-agi-1/evaluation"][..],
        &["validate", run, "--tasks", "arc-agi-1/evaluation"],
        &["plot", run],
        &["merge", run, "--tasks", "arc-agi-1/evaluation", "--output", "merged.json"],
    ] {
        let ended = folder.run(arguments);
        assert!([1, 2].contains(&ended.code) && !ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.stderr);
    }
    assert_refused(
        &folder.run(&["regress", "--record", "--state", "state.json", "--checkpoint", "model"]),
        &["small learns Sudoku", "no tasks"],
    );
}

#[test]
fn a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes() {
    let slowly = ["--steps", "400", "--tokens-per-batch", "17"];
    assert_eq!(TRAINED.solve("new.csv", "whole", &slowly).code, 0);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_trm-arc"))
        .current_dir(TRAINED.0.0.path())
        .args(["solve", "new.csv", "--checkpoint", "model", "--predictions", "killed/predictions.csv"])
        .args(slowly)
        .spawn()
        .unwrap();
    let trail = TRAINED.0.path("killed/run.json.progress");
    let behind = || fs::read_to_string(&trail).map_or(0, |text| text.matches('\n').count().saturating_sub(1));
    while behind() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!((1..4).contains(&behind()), "{} pieces are behind it", behind());
    assert_refused(
        &TRAINED.solve("new.csv", "killed", &slowly),
        &["killed/run.json.progress", "broke off", "--resume"],
    );
    let fewer = ["--steps", "399", "--tokens-per-batch", "17", "--resume"];
    assert_refused(&TRAINED.solve("new.csv", "killed", &fewer), &["steps 400, now it would be steps 399"]);
    let whole = fs::read_to_string(&trail).unwrap();
    let resumed = || TRAINED.solve("new.csv", "killed", &[&slowly[..], &["--resume"]].concat());
    for (from, to) in [("{\"number\":3,", "{\"number\":300,"), ("\"right\":[", "\"right\":[1,")] {
        fs::write(&trail, whole.replacen(from, to, 1)).unwrap();
        assert_refused(&resumed(), &["run.json.progress: line 2", "its answers are not", "begin anew"]);
    }
    fs::write(&trail, whole).unwrap();
    let ended = resumed();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!TRAINED.0.has("killed/run.json.progress"));
    let read = |place: &str| fs::read(TRAINED.0.path(&format!("{place}/predictions.csv"))).unwrap();
    assert!(read("killed") == read("whole"), "the end is another one");
    let [killed, whole] = ["killed", "whole"].map(|place| TRAINED.record(place));
    assert_eq!((&killed["score"], &killed["answered"]), (&whole["score"], &whole["answered"]));
    let again = TRAINED.solve("new.csv", "killed", &[&slowly[..], &["--resume"]].concat());
    assert!(again.code == 0 && again.stderr.contains("complete, and nothing is left to do"), "{}", again.stderr);
}

#[test]
fn a_table_without_answers_is_solved_and_not_scored() {
    let folder = &TRAINED.0;
    let table = fs::read_to_string(folder.path("new.csv")).unwrap();
    let questions: String = table.lines().map(|row| row.split(',').nth(1).unwrap().to_owned() + "\n").collect();
    folder.write("questions.csv", &questions);
    for (name, place) in [("new.csv", "answered"), ("questions.csv", "unanswered")] {
        let ended = TRAINED.solve(name, place, &[]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(ended.stdout.contains("Not scored: the table does not have all answers."), name == "questions.csv");
    }
    let record = TRAINED.record("unanswered");
    assert!(
        record["score"].is_null() && record["puzzles"]["has_answers"] == false && record["answered"] == 250,
        "{record}"
    );
    let (with, without) = (TRAINED.predictions("answered"), TRAINED.predictions("unanswered"));
    let grids =
        |rows: &[BTreeMap<String, String>]| rows.iter().map(|row| row["prediction"].clone()).collect::<Vec<_>>();
    assert_eq!(grids(&with), grids(&without), "the answers of a table change nothing");
    assert!(without.iter().all(|row| ["answer", "exact", "cells_right"].iter().all(|column| row[*column].is_empty())));
    let page = folder.run(&["report", "unanswered"]);
    assert_eq!(page.code, 0, "{}", page.stderr);
    assert!(fs::read_to_string(folder.path("unanswered/report.html")).unwrap().contains("Not scored"));
}
