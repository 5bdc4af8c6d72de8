//! The promise: `trm-arc tasks show` draws tasks in the terminal and into files, alone or with the attempts of a submission.

mod program;

use std::fs;
use std::process::Command;

use program::{Program, assert_refused, names_in, pair, task};
use serde_json::json;
use trm_arc::task::{SHIPPED, load};

#[test]
fn several_tasks_are_drawn_one_after_another() {
    let shown = Program::new().run(&["tasks", "show", "007bbfb7", "00d62c1b"]);
    assert!(
        shown.stdout.starts_with("task 007bbfb7 of arc-agi-1/training, arc-agi-2/training\n\n"),
        "{}",
        shown.stdout
    );
    assert!(
        shown.stdout.contains("\n\ntask 00d62c1b of arc-agi-1/training, arc-agi-2/training\n\n"),
        "{}",
        shown.stdout
    );
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
}

#[test]
fn a_picture_goes_to_its_file_and_the_terminal_hears_how_large_it_is() {
    let folder = Program::new();
    let shown = folder.run(&["tasks", "show", "007bbfb7", "00d62c1b", "--svg", "new/a.svg", "--png", "a.png"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("new/a.svg, 2 tasks, "), "{}", shown.stdout);
    assert!(lines[1].starts_with("a.png, 2 tasks, ") && lines[1].ends_with(" KB"), "{}", shown.stdout);
    let svg = fs::read_to_string(folder.path("new/a.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">task 00d62c1b of "), "{svg}");
    assert!(fs::read(folder.path("a.png")).unwrap().starts_with(b"\x89PNG\r\n"));
}

#[test]
fn a_picture_takes_the_place_of_no_other_and_of_nothing_that_is_read() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[1]]}])));
    folder.write("submission.json", r#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#);
    let mine = ["tasks", "show", "x1", "--tasks", "mine_challenges.json", "--submission", "."];
    let wrong: [&[&str]; 4] = [
        &["--svg", "a", "--png", "./a"],
        &["--svg", "mine_challenges.json"],
        &["--png", "submission.json"],
        &["--svg", "nowhere/../."],
    ];
    for flags in wrong {
        assert_refused(&folder.run(&[&mine[..], flags].concat()), &[flags[flags.len() - 1]]);
    }
    assert_eq!(names_in(folder.0.path()), ["mine_challenges.json", "submission.json"]);
    let task = r#"{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[1]]}]}"#;
    fs::create_dir(folder.path("tasks")).unwrap();
    folder.write("tasks/x1.json", task);
    let one = ["tasks", "show", "x1", "--tasks", "tasks", "--png"];
    assert_refused(&folder.run(&[&one[..], &["tasks/x1.json"]].concat()), &["tasks/x1.json"]);
    assert_eq!(folder.run(&[&one[..], &["tasks/x1.png"]].concat()).code, 0);
    assert_eq!(folder.run(&[&one[..], &["tasks/x1.png"]].concat()).code, 0);
}

#[test]
fn attempts_stand_beside_the_truth_where_it_is_known() {
    let folder = Program::new();
    folder.write("mine_challenges.json", &task(pair(), json!([{"input": [[5]]}, {"input": [[6]]}])));
    folder.write("submission.json", r#"{"x1": [{"attempt_1": [[1, 2]], "attempt_2": [["?"]]}, {"attempt_2": [[7]]}]}"#);
    let mine = ["tasks", "show", "x1", "--tasks", "mine_challenges.json", "--submission"];
    let unknown = folder.run(&[&mine[..], &["submission.json"]].concat());
    assert_eq!((unknown.code, unknown.stdout.matches("truth unknown").count()), (0, 2), "{}", unknown.stdout);
    folder.write("mine_solutions.json", r#"{"x1": [[[1, 3]], [[7]]]}"#);
    // The folder of a run holds its submission.
    let known = folder.run(&[&mine[..], &["."]].concat()).stdout;
    let (_, known) = known.split_once("test 1\n").unwrap();
    let expected = "\
input    output   attempt 1                  attempt 2
                  1 of 2 cells differs (*)   missing, or no grid
5     -> 1 3      1 2*

test 2
input    output   attempt 1             attempt 2
                  missing, or no grid   right
6     -> 7                              7
";
    assert_eq!(known, expected);
}

#[test]
fn a_task_that_the_submission_lacks_is_said() {
    let folder = Program::new();
    folder.write("submission.json", r#"{"007bbfb7": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#);
    let show = ["tasks", "show", "--tasks", "arc-agi-1/training", "--submission", "submission.json"];
    let one = folder.run(&[&show[..], &["007bbfb7", "00d62c1b"]].concat());
    assert_eq!((one.code, one.stdout.matches("attempt 1").count()), (0, 1), "{}", one.stdout);
    assert_eq!(one.stderr, "note: submission.json has no attempts at task 00d62c1b; it is shown alone\n");
    let none = folder.run(&[&show[..], &["00d62c1b"]].concat());
    assert_refused(&none, &["submission.json", "no attempts at 00d62c1b"]);
    assert_refused(&folder.run(&[&show[..], &["00d62c1c"]].concat()), &["did you mean \"00d62c1b\"?"]);
    assert_refused(&folder.run(&["tasks", "show", "007bbfb7", "--submission", "nowhere.json"]), &["nowhere.json"]);
}

#[test]
fn attempts_never_stand_beside_the_truth_of_another_input() {
    let folder = Program::new();
    let sets = SHIPPED.map(|name| load(name).unwrap());
    let (one, other) = (&sets[0], &sets[2]);
    let turned = one.tasks.iter().find(|task| other.task(&task.id).is_ok_and(|other| other.test != task.test)).unwrap();
    folder.write("submission.json", &json!({turned.id.as_str(): []}).to_string());
    let show = ["tasks", "show", &turned.id, "--submission", "submission.json"];
    assert_refused(&folder.run(&show), &["arc-agi-1/training", "arc-agi-2/training", "--tasks"]);
    let named = folder.run(&[&show[..], &["--tasks", "arc-agi-2/training"]].concat());
    assert_eq!((named.code, named.stderr.as_str()), (0, ""));
}

#[test]
fn a_title_names_the_sets_that_have_the_same_grids() {
    let shown = Program::new().run(&["tasks", "show", "ac0c5833"]);
    assert!(shown.stdout.starts_with("task ac0c5833 of arc-agi-1/evaluation\n"), "{}", shown.stdout);
    assert!(shown.stderr.starts_with("note: task ac0c5833 of arc-agi-2/training has other grids"), "{}", shown.stderr);
}

#[test]
fn colour_and_width_are_what_was_asked_for() {
    let show = |color: Option<&str>, variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trm-arc"));
        for name in ["COLUMNS", "COLORTERM", "NO_COLOR", "TERM"] {
            command.env_remove(name);
        }
        command.args(["tasks", "show", "007bbfb7"]).args(color.map(|color| ["--color", color]).into_iter().flatten());
        String::from_utf8(command.envs(variables.iter().copied()).output().unwrap().stdout).unwrap()
    };
    let (true_colour, of_256) = ("\u{1b}[48;2;255;133;27m", "\u{1b}[48;5;208m");
    assert!(show(Some("always"), &[("NO_COLOR", "1")]).contains(true_colour));
    assert!(show(Some("always"), &[("TERM", "xterm-256color")]).contains(of_256));
    assert!(show(Some("256"), &[]).contains(of_256));
    let plain = show(None, &[("COLORTERM", "truecolor")]);
    assert!(!plain.contains('\u{1b}') && plain == show(Some("never"), &[]));
    let longest = |text: String| text.lines().map(str::len).max();
    assert_eq!((longest(plain), longest(show(None, &[("COLUMNS", "40")]))), (Some(76), Some(36)));
    assert_eq!(longest(show(None, &[("COLUMNS", "wide")])), Some(76));
}
