//! Attacks by what a file is called or calls something: names that are HTML, that steer a terminal, that leave their folder, that have no end.

use std::fs;

use serde_json::{Value, json};

use crate::attacks::{SOUND, attacked, tiny};
use crate::checkpoints::checkpoint;
use crate::mutations::{PUZZLE_RECORD, RECORD};
use crate::program::{Ended, Program, assert_refused, pair, small_grids, task};

const IMAGE: &str = "<img src=x onerror=alert(1)>";

#[test]
fn what_looks_like_html_runs_in_no_report() {
    let folder = Program::new();
    let challenges = task(pair(), json!([{"input": [[3]]}])).replace("x1", IMAGE);
    let tasks = folder.write("t_challenges.json", &challenges);
    folder.write("t_solutions.json", &json!({IMAGE: [[[3]]]}).to_string());
    let solve = [
        "solve",
        &tasks,
        "--solver",
        "copy",
        "--submission",
        "o/submission.json",
        "--predictions",
        "o/predictions.jsonl",
    ];
    assert_eq!(folder.run(&solve).code, 0);
    let mut record: Value = serde_json::from_str(&fs::read_to_string(folder.path("o/run.json")).unwrap()).unwrap();
    record["name"] = format!("</title><script>alert(2)</script>{IMAGE}").into();
    record["device"] = "</script><script>alert(3)</script>".into();
    folder.write("o/run.json", &record.to_string());
    let ended = folder.run(&["report", "o"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for page in ["o/report.html", "o/report.md"] {
        let text = fs::read_to_string(folder.path(page)).unwrap();
        assert!(text.contains("img src=x") && !text.contains("<img"), "{page}");
        assert!(!text.contains("<script>alert"), "{page}");
    }
    for page in [folder.run(&["compare", "o", "--markdown"]), folder.run(&["compare", "o", "o", "--markdown"])] {
        assert!(page.stdout.contains("img src=x") && !page.stdout.contains("<img"), "{}", page.stdout);
    }
    let mut record: Value = serde_json::from_str(PUZZLE_RECORD).unwrap();
    (record["name"], record["device"]) = (IMAGE.into(), "<script>alert(4)</script>".into());
    fs::create_dir(folder.path("p")).unwrap();
    folder.write("p/run.json", &record.to_string());
    assert_eq!(folder.run(&["report", "p"]).code, 0);
    for page in ["p/report.html", "p/report.md"] {
        let text = fs::read_to_string(folder.path(page)).unwrap();
        assert!(text.contains("img src=x") && !text.contains("<img") && !text.contains("<script>alert"), "{page}");
    }
}

const ESCAPES: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\u{202e}b";

/// Nothing but lines and tabs.
fn assert_still(ended: &Ended, what: &str) {
    let steers = |letter: char| letter != '\n' && letter != '\t' && (letter.is_control() || letter == '\u{202e}');
    for (text, stream) in [(&ended.stdout, "stdout"), (&ended.stderr, "stderr")] {
        assert!(!text.contains(steers), "{what}, {stream}: {text:?}");
    }
    assert!(
        ended.stdout.contains("owned") || ended.stderr.contains("owned"),
        "{what} does not come to it: {}{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn no_name_of_a_file_steers_the_terminal() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    (record["name"], record["solver"], record["tasks"]["name"]) = (ESCAPES.into(), ESCAPES.into(), ESCAPES.into());
    record["score"]["solved_tasks"] = json!([ESCAPES]);
    let scored = folder.write("run.json", &record.to_string());
    record["score"] = Value::Null;
    let unscored = folder.write("unscored.json", &record.to_string());
    let submission =
        folder.write("s.json", &SOUND.replace("x1", "x2").replace("{\"x2", &format!("{{{}: 1, \"x1", json!(ESCAPES))));
    let key = folder.write("key.json", &json!({"x1": {ESCAPES: 1, "train": pair(), "test": pair()}}).to_string());
    let id = folder.write("id.json", &json!({ESCAPES: {"train": pair(), "test": pair()}}).to_string());
    let sound = folder.write("sound.json", SOUND);
    let predicted = json!({"task": ESCAPES, "test": 0, "augmentation": "t0|||0123456789", "grid": [[1]], "halt": 0.5});
    let predictions = folder.write("p.jsonl", &format!("{predicted}\n"));
    let recipe = folder.write("r.toml", &small_grids(&[("name = \"small-grids\"", "name = \"a\\u001b[2Jowned\"")], 1));
    let table = folder.write(
        "t.csv",
        &format!("source,question,answer,rating\n{},1.3434122.434321,1234341221434321,3\n", ESCAPES.replace('\r', "")),
    );
    let named = checkpoint(&folder, "c", |manifest| manifest["about"]["sets"][0]["name"] = ESCAPES.into());
    let part =
        checkpoint(&folder, "d", |manifest| manifest["files"]["identifiers"]["file"] = format!("../{ESCAPES}").into());
    let path = format!("{}\u{1b}[2Jowned.json", folder.path(""));
    let attacks: [&[&str]; 13] = [
        &["compare", &scored],
        &["compare", &scored, &scored, "--markdown"],
        &["compare", &unscored],
        &["validate", &submission, "--tasks", &tasks],
        &["score", &sound, "--tasks", &tasks, "--predictions", &predictions],
        &["tasks", "list", &key],
        &["tasks", "list", &id],
        &["tasks", "verify", &id],
        &["train", &recipe, "--output", "o"],
        &["puzzles", "show", &table],
        &["inspect", &named],
        &["inspect", &part],
        &["validate", &path, "--tasks", &tasks],
    ];
    folder.write("t_solutions.json", &json!({"x1": [[[3]]]}).to_string());
    for arguments in attacks {
        assert_still(&attacked(&folder, arguments), &format!("{arguments:?}"));
    }
}

#[test]
fn no_name_of_a_manifest_begins_a_line_of_its_own() {
    let folder = Program::new();
    let named = checkpoint(&folder, "c", |manifest| manifest["about"]["sets"][0]["name"] = "a\nstep        1".into());
    let ended = attacked(&folder, &["inspect", &named]);
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("step ")).count(), 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("a\\u{a}step"), "{}", ended.stdout);
}

#[test]
fn no_task_s_id_leaves_its_folder_or_goes_on_without_end() {
    let folder = Program::new();
    let long = "x".repeat(100_000);
    for id in ["../../x", "/etc/passwd", "..", ".", "a\\b", "a\nb", long.as_str()] {
        let file = folder.write("t_challenges.json", &json!({id: {"train": pair(), "test": pair()}}).to_string());
        let solve = ["solve", &file, "--solver", "copy", "--submission", "o/submission.json"];
        let ended = attacked(&folder, &solve);
        assert_refused(&ended, &["t_challenges.json", "its id"]);
        assert!(ended.stderr.len() < 10_000 && !folder.has("o"), "{} bytes", ended.stderr.len());
    }
}

#[test]
fn a_long_error_is_cut_and_says_so() {
    let folder = Program::new();
    let long = "k".repeat(1_000_000);
    let file = folder.write("t_challenges.json", &json!({&long: {"train": pair(), "test": pair()}}).to_string());
    let ended = attacked(&folder, &["tasks", "list", &file]);
    assert_refused(&ended, &["t_challenges.json", "bytes are left out", "its id has more than 200 bytes"]);
    assert!(ended.stderr.len() < 10_000, "{} bytes", ended.stderr.len());
    let key = json!({"x1": {"train": pair(), "test": pair(), long: 1}}).to_string();
    let ended = attacked(&folder, &["tasks", "list", &folder.write("t_challenges.json", &key)]);
    assert!(ended.code == 0 && ended.stderr.contains("1 key beside train"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 1_000, "{} bytes", ended.stderr.len());
}

/// A name of two lines, of which the second is turned round.
const LINES: &str = "two\nlines\u{202e}owned\u{2028}end";

#[test]
fn no_name_of_a_file_breaks_a_line() {
    let folder = Program::new();
    let tasks = tiny(&folder);
    folder.write("t_solutions.json", &json!({"x1": [[[3]]]}).to_string());
    let mut record: Value = serde_json::from_str(RECORD).unwrap();
    (record["name"], record["device"], record["tasks"]["name"]) = (LINES.into(), LINES.into(), LINES.into());
    let named = folder.write("run.json", &record.to_string());
    let mut ids = record.clone();
    ids["unseen"] = json!([LINES]);
    let ids = folder.write("ids.json", &ids.to_string());
    let mut puzzles: Value = serde_json::from_str(PUZZLE_RECORD).unwrap();
    (puzzles["name"], puzzles["puzzles"]["name"]) = (LINES.into(), LINES.into());
    fs::create_dir(folder.path("p")).unwrap();
    folder.write("p/run.json", &puzzles.to_string());
    let entry = json!([{"attempt_1": [[3]], "attempt_2": [[3]], LINES: 1}]);
    let submission = folder.write("s.json", &json!({"x1": entry, LINES: 1}).to_string());
    let predicted = json!({"task": LINES, "test": 0, "augmentation": "t0|||0123456789", "grid": [[1]], "halt": 0.5});
    let predictions = folder.write("p.jsonl", &format!("{predicted}\n"));
    let both = format!("{{{0}: 1, {0}: 1}}", json!(LINES));
    let twice = folder.write("twice_challenges.json", &both);
    let list = folder.write("list_challenges.json", &json!({LINES: {"train": pair(), "test": pair()}}).to_string());
    let key = json!({"x1": {"train": pair(), "test": pair(), LINES: 1}});
    let key = folder.write("key_challenges.json", &key.to_string());
    let table = format!("source,question,answer,rating\n\"{LINES}\",1.3434122.434321,1234341221434321,3\n");
    let table = folder.write("t.csv", &table);
    let checkpoint = checkpoint(&folder, "c", |manifest| manifest["about"]["sets"][0]["name"] = LINES.into());
    fs::create_dir(folder.path("set")).unwrap();
    folder.write(&format!("set/{LINES}.json"), "{");
    let attacks: [&[&str]; 14] = [
        &["compare", &named],
        &["compare", &named, &named, "--markdown"],
        &["compare", &named, "--csv"],
        &["compare", &ids],
        &["validate", &submission, "--tasks", &tasks],
        &["score", &submission, "--tasks", &tasks],
        &["merge", &submission, "--tasks", &tasks, "--output", "m.json"],
        &["score", &submission, "--tasks", &tasks, "--predictions", &predictions],
        &["tasks", "list", &twice],
        &["tasks", "list", &list],
        &["tasks", "list", &key],
        &["tasks", "list", "set"],
        &["puzzles", "show", &table],
        &["inspect", &checkpoint],
    ];
    let breaks = |text: &str| text.contains("two\nlines") || text.contains(['\u{202e}', '\u{2028}']);
    for arguments in attacks {
        let ended = attacked(&folder, arguments);
        let text = ended.stdout + &ended.stderr;
        assert!(!breaks(&text) && text.contains("two\\u{a}lines"), "{arguments:?}: {text:?}");
    }
    assert_eq!(folder.run(&["report", "p"]).code, 0);
    for page in ["p/report.html", "p/report.md"] {
        let text = fs::read_to_string(folder.path(page)).unwrap();
        assert!(!breaks(&text) && text.contains("two\\u{a}lines"), "{page}");
    }
}
