//! What the readers take, and what they refuse.

use std::fs;

use super::*;

fn read(challenges: &str, solutions: Option<&str>) -> Result<TaskSet, TaskError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine_challenges.json");
    fs::write(&path, challenges).unwrap();
    if let Some(text) = solutions {
        fs::write(folder.path().join("mine_solutions.json"), text).unwrap();
    }
    read_kaggle(&path, "mine").map(|(set, _)| set)
}

const ONE: &str = r#"{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]}"#;

const TASK: &str = r#"{"b": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]},
                       "a": {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]}}"#;

#[test]
fn the_order_of_the_file_is_kept_and_solutions_are_optional() {
    let set = read(TASK, None).unwrap();
    assert_eq!(set.tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(!set.has_solutions());
    let solved = read(TASK, Some(r#"{"a": [[[4]]], "b": [[[5]]]}"#)).unwrap();
    assert!(solved.has_solutions());
    assert_eq!(solved.tasks[0].test[0].output.as_ref().unwrap().at(0, 0), 5);
    assert_eq!(solved.digest(), set.digest());
}

#[test]
fn every_fault_names_file_task_and_place() {
    let message = |challenges: &str, solutions| read(challenges, solutions).unwrap_err().to_string();
    let task = |train: &str, test: &str| format!(r#"{{"x1": {{"train": {train}, "test": {test}}}}}"#);
    let pair = r#"[{"input": [[1]], "output": [[2]]}]"#;
    assert!(message("{", None).contains("line 1"));
    assert!(message(&task(pair, "[]"), None).contains("task x1: \"test\" is empty"));
    assert!(message(r#"{"x1": {"train": []}}"#, None).contains("task x1: \"train\" is empty"));
    assert!(message(&task(r#"[{"input": [[1]]}]"#, pair), None).contains("train pair 0 has no \"output\""));
    let ten = message(&task(r#"[{"input": [[1, 10]], "output": [[2]]}]"#, pair), None);
    assert!(ten.contains("mine_challenges.json") && ten.contains("task x1, train pair 0, input"), "{ten}");
    assert!(message(&task(pair, r#"[{"input": []}]"#), None).contains("test pair 0, input: the grid is empty"));
    let tall = format!(r#"[{{"input": {:?}}}]"#, vec![[0]; 31]);
    assert!(message(&task(pair, &tall), None).contains("31 rows"));
    assert!(message(TASK, Some(r#"{"b": []}"#)).contains("0 solutions for 1 test inputs"));
    assert!(message(r#"{"train": [], "test": []}"#, None).contains("task mine_challenges: \"train\" is empty"));
}

#[test]
fn a_misspelt_key_of_the_schema_is_named_with_the_right_one() {
    let message = |challenges: &str, solutions| read(challenges, solutions).unwrap_err().to_string();
    let tests = TASK.replacen("\"test\"", "\"tests\"", 1);
    let unknown = message(&tests, None);
    assert!(
        unknown.contains("task b: \"test\" is missing") && unknown.contains("rename \"tests\" to \"test\""),
        "{unknown}"
    );
    let pair = message(&TASK.replacen("\"output\"", "\"outptu\"", 1), None);
    assert!(pair.contains("train pair 0") && pair.contains("rename \"outptu\" to \"output\""), "{pair}");
    assert!(message(&TASK.replace("\"a\"", "\"b\""), None).contains("task b: it stands in the file more than once"));
    assert!(message(r#"{"x1": []}"#, None).contains("task x1: it is a list"));
}

#[test]
fn solutions_are_whole_or_an_error() {
    let message = |solutions| read(TASK, Some(solutions)).unwrap_err().to_string();
    let missing = message(r#"{"b": [[[4]]]}"#);
    assert!(missing.contains("mine_solutions.json: task a") && missing.contains("remove the file"), "{missing}");
    assert!(message(r#"{"a": [[[4]]], "b": [[[5]]], "a": [[[4]]]}"#).contains("more than once"));
}

#[test]
fn ids_that_mean_something_else_are_refused_by_every_reader() {
    for id in ["", "a|||b", "<blank>", "..", "../a", "a\\\\b", "a\\n", "a\u{2028}", "a\u{202e}b", "\u{2066}a"] {
        let message = read(&TASK.replace("\"a\"", &format!("\"{id}\"")), None).unwrap_err().to_string();
        assert!(message.contains("its id") && !message.contains('\n'), "{id}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("<blank>.json"), ONE).unwrap();
    assert!(read_folder(folder.path(), "mine").unwrap_err().to_string().contains("its id"));
}
/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn folders_within_a_folder_are_one_set_without_hidden_files_and_metadata() {
    let more = ONE.replacen('{', r#"{"name": "x", "#, 1).replacen("[2]]", r#"[2]], "level": 3"#, 1);
    let files = [
        ("b/b1.json", ONE),
        ("a/deep/a1.json", ONE),
        ("a.json", &more),
        ("b/._b1.json", "\u{0}"),
        (".git/c.json", ONE),
        ("b/metadata.json", r#"{"author": "me"}"#),
        ("readme.txt", "no task"),
    ];
    let folder = folder(&files);
    let (set, ignored) = read_folder(folder.path(), "mine").unwrap();
    assert_eq!(set.tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>(), ["a1", "a", "b1"]);
    let notes = ignored.notes("mine");
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert_eq!(notes[0], "mine: 2 keys beside train, test, input and output are ignored: name, level");
    assert!(
        notes[1].starts_with("mine: 1 JSON file without a task is ignored: ") && notes[1].ends_with("metadata.json")
    );
}

#[cfg(unix)]
#[test]
fn a_link_back_to_the_folder_is_followed_once() {
    let folder = folder(&[("a.json", ONE)]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("back")).unwrap();
    assert_eq!(read_folder(folder.path(), "mine").unwrap().0.tasks.len(), 1);
}

#[test]
fn all_bad_files_of_a_folder_are_named_at_once() {
    let names: Vec<String> = (10..22).map(|number| format!("t{number}.json")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), r#"{"train": []}"#)).collect();
    files.push(("good.json", ONE));
    let message = read_folder(folder(&files).path(), "mine").unwrap_err().to_string();
    assert!(message.contains(": 12 faults\n") && message.ends_with("\n  and 2 more"), "{message}");
    assert!(names[..10].iter().all(|name| message.contains(name.as_str())), "{message}");
    let message = read(&TASK.replace("[[3]]", "[[33]]"), None).unwrap_err().to_string();
    assert!(message.contains("2 faults") && message.contains("task b, test") && message.contains("task a, test"));
}

#[test]
fn one_id_in_two_folders_is_refused_with_both_files() {
    let folder = folder(&[("x/a.json", ONE), ("y/a.json", ONE)]);
    let message = read_folder(folder.path(), "mine").unwrap_err().to_string();
    assert!(message.contains("x/a.json has the same id") && message.contains("y/a.json: task a"), "{message}");
}

#[test]
fn the_file_of_a_single_task_is_a_set_of_one() {
    let folder = folder(&[("007.json", ONE)]);
    let (set, _) = read_kaggle(&folder.path().join("007.json"), "mine").unwrap();
    assert_eq!((set.tasks.len(), set.tasks[0].id.as_str(), set.hidden_outputs()), (1, "007", 1));
}

#[test]
fn solutions_of_other_tasks_are_counted_and_ignored() {
    let folder = folder(&[
        ("x_challenges.json", TASK),
        ("x_solutions.json", r#"{"a": [[[4]]], "zz": [[[1]]], "b": [[[5]]], "train": [[[6]]]}"#),
    ]);
    let (set, ignored) = read_kaggle(&folder.path().join("x_challenges.json"), "mine").unwrap();
    assert!(set.has_solutions());
    let note = "mine: 2 solutions of tasks that the challenges do not have are ignored: zz, train";
    assert_eq!(ignored.notes("mine"), [note]);
}

#[cfg(unix)]
#[test]
fn a_task_file_whose_name_is_no_text_is_refused_in_words() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[]);
    fs::write(folder.path().join(OsStr::from_bytes(b"a\xff.json")), ONE).unwrap();
    let message = read_folder(folder.path(), "mine").unwrap_err().to_string();
    assert!(message.contains("not UTF-8; hint: rename the file"), "{message}");
}
