//! The readers: Kaggle's pair of files, and a folder of single-task files.
//!
//! - `X_challenges.json`: `{"id": {"train": [{"input", "output"}], "test": [{"input"}]}}`, with `X_solutions.json` beside it:
//!   `{"id": [output, ...]}`, one per test input in order.
//! - `folder/ID.json`: `{"train": [{"input", "output"}], "test": [{"input", "output"}]}`, read in the order of the paths, those of folders
//!   within it too. Such a file alone is a set of one task.
//!
//! What is no part of a task is counted as ignored: other keys, solutions of other tasks, and in a folder hidden files and JSON without a task.
//! All else that cannot be read is a fault: a repeated id, a grid that is none, a task without its solution.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::form::{self, Form, Object};
use super::ignored::Ignored;
use super::parse::Place;
use super::{Task, TaskError, TaskSet, folder};
use crate::files::{self, BYTE_ORDER_MARK};

/// The most faults of a file or folder that are named one by one.
const MAX_FAULTS: usize = 10;

/// Faults of one file or folder: all are counted, the first are named.
#[derive(Default)]
struct Faults {
    first: Option<TaskError>,
    count: usize,
    named: Vec<String>,
}

impl Faults {
    /// Keeps a fault and hands on what is sound.
    fn sound<T>(&mut self, result: Result<T, TaskError>) -> Option<T> {
        let fault = match result {
            Ok(sound) => return Some(sound),
            Err(fault) => fault,
        };
        self.count += 1;
        if self.named.len() < MAX_FAULTS {
            self.named.push(fault.to_string());
        }
        self.first.get_or_insert(fault);
        None
    }

    fn end(self, path: &Path) -> Result<(), TaskError> {
        match (self.first, self.count) {
            (None, _) => Ok(()),
            (Some(fault), 1) => Err(fault),
            (_, count) => Err(TaskError::Several { path: path.to_owned(), count, faults: self.named }),
        }
    }
}

/// Reads Kaggle's pair: the challenges at `path`, and the solutions beside it when they are there. The file of a single task is a set of one.
///
/// # Errors
/// [`TaskError`] with path, task and place.
pub fn read_kaggle(path: &Path, name: &str) -> Result<(TaskSet, Ignored), TaskError> {
    let bytes = files::read(path)?;
    let mut ignored = Ignored::default();
    let mut tasks = match form::read(path, &bytes)? {
        Form::Task(text) => vec![single(path, text, &mut ignored)?],
        Form::Challenges(challenges) => by_id(path, once(path, challenges)?, &mut ignored)?,
        Form::Other(what) => {
            let fault = format!("it is {what}, expected an object of tasks or a task of train and test");
            return Err(files::format_error(path, fault).into());
        }
    };
    if let Some(path) = solutions_beside(path).filter(|path| path.exists()) {
        solve(&mut tasks, &path, &mut ignored)?;
    }
    Ok((TaskSet { name: name.to_owned(), tasks }, ignored))
}

/// Reads the task of a file that holds no other; its id is the file's name.
fn single(path: &Path, text: &RawValue, ignored: &mut Ignored) -> Result<Task, TaskError> {
    let stem = path.file_stem().unwrap_or_default();
    let Some(id) = stem.to_str() else {
        let fault = "the name of the file is the task's id, and it is not UTF-8; hint: rename the file";
        return Err(files::format_error(path, fault).into());
    };
    let place = Place { path, task: id };
    place.check_id()?;
    place.task(&place.parse(text.get())?, ignored)
}

fn by_id(path: &Path, challenges: Object<'_>, ignored: &mut Ignored) -> Result<Vec<Task>, TaskError> {
    let mut faults = Faults::default();
    let mut tasks = Vec::with_capacity(challenges.0.len());
    for (id, text) in &challenges.0 {
        let place = Place { path, task: id };
        let value = place.check_id().and_then(|()| place.parse(text.get()));
        tasks.extend(faults.sound(value.and_then(|value| place.task(&value, ignored))));
    }
    faults.end(path)?;
    if tasks.is_empty() {
        return Err(TaskError::Nothing { path: path.to_owned(), expected: "the file is an empty object".to_owned() });
    }
    Ok(tasks)
}

/// Refuses an object with a key twice.
fn once<'a>(path: &Path, entries: Object<'a>) -> Result<Object<'a>, TaskError> {
    match entries.repeated().first() {
        Some(id) => Err(Place { path, task: id }.fault("it stands in the file more than once; leave one")),
        None => Ok(entries),
    }
}

/// Adds the solutions at `path`: one entry for each task. Those of other tasks are ignored.
fn solve(tasks: &mut [Task], path: &Path, ignored: &mut Ignored) -> Result<(), TaskError> {
    let bytes = files::read(path)?;
    let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&bytes);
    let entries = serde_json::from_slice(text).map_err(|fault| files::not_json(path, text, &fault))?;
    let entries: Object<'_> = once(path, entries)?;
    let solutions: HashMap<&str, &RawValue> = entries.0.iter().map(|(id, text)| (id.as_str(), *text)).collect();
    let mut faults = Faults::default();
    for task in &mut *tasks {
        let id = task.id.clone();
        let place = Place { path, task: &id };
        let missing = || place.fault("the file has no solution for it; remove the file to solve without scoring");
        let answers = solutions.get(id.as_str()).ok_or_else(missing);
        let solved = answers.and_then(|answers| place.solve(task, &place.parse(answers.get())?));
        faults.sound(solved);
    }
    faults.end(path)?;
    let known: HashMap<&str, ()> = tasks.iter().map(|task| (task.id.as_str(), ())).collect();
    entries.0.iter().filter(|(id, _)| !known.contains_key(id.as_str())).for_each(|(id, _)| ignored.solution(id));
    Ok(())
}

/// `X_solutions.json` for `X_challenges.json`.
pub(super) fn solutions_beside(path: &Path) -> Option<PathBuf> {
    let (before, after) = path.file_name()?.to_str()?.rsplit_once("challenges")?;
    Some(path.with_file_name(format!("{before}solutions{after}")))
}

/// Reads a folder of `ID.json` files, and those of the folders within it, in the order of their paths.
///
/// # Errors
/// [`TaskError`] with path, task and place.
pub fn read_folder(path: &Path, name: &str) -> Result<(TaskSet, Ignored), TaskError> {
    let (mut tasks, mut ignored, mut faults) = (Vec::new(), Ignored::default(), Faults::default());
    let mut places: HashMap<String, PathBuf> = HashMap::new();
    for file in folder::json_files(path)? {
        let Some(task) = faults.sound(in_folder(&file, &mut ignored)).flatten() else { continue };
        match places.get(&task.id) {
            Some(first) => {
                let place = Place { path: &file, task: &task.id };
                let fault = format!("{} has the same id; hint: rename one, or give one folder", first.display());
                faults.sound(Err::<(), _>(place.fault(fault)));
            }
            None => {
                places.insert(task.id.clone(), file);
                tasks.push(task);
            }
        }
    }
    faults.end(path)?;
    if tasks.is_empty() {
        let mut expected = "looked for files named ID.json, one task each".to_owned();
        ignored.notes("hint").iter().for_each(|note| expected += &format!("; {note}"));
        return Err(TaskError::Nothing { path: path.to_owned(), expected });
    }
    Ok((TaskSet { name: name.to_owned(), tasks }, ignored))
}

/// Reads a file of a folder; `None` for JSON without a task.
fn in_folder(file: &Path, ignored: &mut Ignored) -> Result<Option<Task>, TaskError> {
    let bytes = files::read(file)?;
    match form::read(file, &bytes)? {
        Form::Task(text) => single(file, text, ignored).map(Some),
        Form::Challenges(entries) if form::holds_tasks(&entries) => {
            let fault = "the file holds tasks by id, and a folder has one task a file; hint: name this file as the set";
            Err(files::format_error(file, fault).into())
        }
        Form::Challenges(_) | Form::Other(_) => {
            ignored.file(file);
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert!(
            message(&TASK.replace("\"a\"", "\"b\""), None).contains("task b: it stands in the file more than once")
        );
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
            notes[1].starts_with("mine: 1 JSON file without a task is ignored: ")
                && notes[1].ends_with("metadata.json")
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
}
