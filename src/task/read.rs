//! The readers: Kaggle's pair of files, and a folder of single-task files.
//!
//! - `X_challenges.json`: `{"id": {"train": [{"input", "output"}], "test": [{"input"}]}}`, with `X_solutions.json` beside it:
//!   `{"id": [output, ...]}`, one per test input in order.
//! - `folder/ID.json`: `{"train": [{"input", "output"}], "test": [{"input", "output"}]}`, read in the order of the names.
//!
//! Nothing is passed over: an unknown key, a repeated id, a task without its solution or a solution without its task is an error.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Pair, Task, TaskError, TaskSet, Test};
use crate::files::{self, Entries, FileError, Unrepeated};
use crate::grid::{self, Grid};
use crate::names;

const TASK_KEYS: [&str; 2] = ["train", "test"];
const PAIR_KEYS: [&str; 2] = ["input", "output"];

/// The most bytes of an id: it names files, and is drawn above a task.
const MOST_ID: usize = 200;

/// The most bytes of a task: each grows many times when it is taken apart, so they are taken apart one at a time.
pub const MOST_TASK: usize = 1 << 20;

/// The entries of a file, not yet taken apart.
type Unread = Entries<Box<RawValue>>;

/// Where in a file a fault lies.
struct Place<'a> {
    path: &'a Path,
    task: &'a str,
}

impl Place<'_> {
    fn fault(&self, fault: impl Into<String>) -> TaskError {
        TaskError::Task { path: self.path.to_owned(), task: self.task.to_owned(), fault: fault.into() }
    }

    fn grid(&self, value: &Value, place: impl Fn() -> String) -> Result<Grid, TaskError> {
        Grid::from_json(value).map_err(|fault| TaskError::Grid {
            path: self.path.to_owned(),
            task: self.task.to_owned(),
            place: place(),
            fault,
        })
    }

    /// Takes the text of an entry apart.
    fn parse(&self, text: &str) -> Result<Value, TaskError> {
        if text.len() > MOST_TASK {
            return Err(self.fault(format!("it has {} bytes; the most is {MOST_TASK}", text.len())));
        }
        let parsed = serde_json::from_str(text).map(|Unrepeated(value)| value);
        parsed.map_err(|fault| self.fault(format!("{fault} of the task's text")))
    }

    /// Ids become the names of rows, lines and files, where these parts mean something else.
    fn check_id(&self) -> Result<(), TaskError> {
        let id = self.task;
        let fault = match id {
            "" => "is empty",
            "<blank>" => "is the name of the empty puzzle row",
            "." | ".." => "is the name of a folder",
            _ if id.len() > MOST_ID => "has more than 200 bytes",
            _ if id.contains("|||") => "contains |||, which separates a task from its variant",
            _ if id.contains(['/', '\\']) => "contains a path separator",
            _ if id.contains(char::is_control) => "contains a control character",
            _ => return Ok(()),
        };
        let shown = id.escape_debug().to_string();
        Err(Place { path: self.path, task: &format!("\"{shown}\"") }
            .fault(format!("its id {fault}; name it otherwise")))
    }

    fn check_keys(&self, place: &str, map: &Map<String, Value>, known: [&str; 2]) -> Result<(), TaskError> {
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let (hint, known) = (names::hint(key, known), known.join(" and "));
                Err(self.fault(format!("unknown key \"{key}\" in {place}, which has {known}{hint}")))
            }
        }
    }

    /// The list of objects under `key`; the task needs at least one.
    fn list<'v>(&self, task: &'v Map<String, Value>, key: &str) -> Result<Vec<&'v Map<String, Value>>, TaskError> {
        let value = task.get(key).ok_or_else(|| self.fault(format!("\"{key}\" is missing")))?;
        let items = value.as_array().ok_or_else(|| self.fault(format!("\"{key}\" is not a list")))?;
        if items.is_empty() {
            return Err(self.fault(format!("\"{key}\" is empty; a task needs at least one")));
        }
        let object = |(i, item): (usize, &'v Value)| {
            let map = item.as_object();
            let map = map.ok_or_else(|| self.fault(format!("\"{key}\" {i} is not an object with an \"input\"")))?;
            self.check_keys(&format!("{key} pair {i}"), map, PAIR_KEYS).map(|()| map)
        };
        items.iter().enumerate().map(object).collect()
    }

    /// One side of an entry of `key`, `None` when it is absent.
    fn side(&self, key: &str, i: usize, item: &Map<String, Value>, side: &str) -> Result<Option<Grid>, TaskError> {
        item.get(side).map(|value| self.grid(value, || format!("{key} pair {i}, {side}"))).transpose()
    }

    fn needed(&self, key: &str, i: usize, item: &Map<String, Value>, side: &str) -> Result<Grid, TaskError> {
        self.side(key, i, item, side)?.ok_or_else(|| self.fault(format!("{key} pair {i} has no \"{side}\"")))
    }

    fn task(&self, value: &Value) -> Result<Task, TaskError> {
        let wrong_kind =
            || self.fault(format!("it is {}; a task is an object of train and test", grid::kind_of(value)));
        let value = value.as_object().ok_or_else(wrong_kind)?;
        self.check_keys("the task", value, TASK_KEYS)?;
        let mut train = Vec::new();
        for (i, item) in self.list(value, "train")?.into_iter().enumerate() {
            let (input, output) = (self.needed("train", i, item, "input")?, self.needed("train", i, item, "output")?);
            train.push(Pair { input, output });
        }
        let mut test = Vec::new();
        for (i, item) in self.list(value, "test")?.into_iter().enumerate() {
            let (input, output) = (self.needed("test", i, item, "input")?, self.side("test", i, item, "output")?);
            test.push(Test { input, output });
        }
        Ok(Task { id: self.task.to_owned(), train, test })
    }

    fn solve(&self, task: &mut Task, answers: &Value) -> Result<(), TaskError> {
        let answers = answers.as_array().ok_or_else(|| self.fault("its solutions are not a list"))?;
        if answers.len() != task.test.len() {
            let (found, wanted) = (answers.len(), task.test.len());
            return Err(self.fault(format!("{found} solutions for {wanted} test inputs")));
        }
        for (i, (test, answer)) in task.test.iter_mut().zip(answers).enumerate() {
            test.output = Some(self.grid(answer, || format!("solution {i}"))?);
        }
        Ok(())
    }
}

/// Kaggle's pair: the challenges at `path`, and the solutions beside it when they are there.
///
/// # Errors
/// [`TaskError`] with path, task and place.
pub fn read_kaggle(path: &Path, name: &str) -> Result<TaskSet, TaskError> {
    let challenges = entries(path)?;
    if challenges.0.iter().any(|(key, value)| TASK_KEYS.contains(&key.as_str()) && value.get().starts_with('[')) {
        let expected = "this is the file of a single task; give the folder it lies in".to_owned();
        return Err(TaskError::Nothing { path: path.to_owned(), expected });
    }
    let read = |(id, text): &(String, Box<RawValue>)| {
        let place = Place { path, task: id };
        place.check_id()?;
        place.task(&place.parse(text.get())?)
    };
    let mut tasks: Vec<Task> = challenges.0.iter().map(read).collect::<Result<_, _>>()?;
    if tasks.is_empty() {
        return Err(TaskError::Nothing { path: path.to_owned(), expected: "the file is an empty object".to_owned() });
    }
    if let Some(path) = solutions_beside(path).filter(|path| path.exists()) {
        solve(&mut tasks, &path)?;
    }
    Ok(TaskSet { name: name.to_owned(), tasks })
}

/// The entries of a file, every id once.
fn entries(path: &Path) -> Result<Unread, TaskError> {
    let entries: Unread = files::read_json(path)?;
    match entries.repeated().first() {
        Some(id) => Err(Place { path, task: id }.fault("it stands in the file more than once; leave one")),
        None => Ok(entries),
    }
}

/// Adds the solutions at `path`: one entry for each task, and none for another.
fn solve(tasks: &mut [Task], path: &Path) -> Result<(), TaskError> {
    let mut solutions: HashMap<String, Box<RawValue>> = entries(path)?.0.into_iter().collect();
    for task in &mut *tasks {
        let id = task.id.clone();
        let place = Place { path, task: &id };
        let missing = || place.fault("the file has no solution for it; remove the file to solve without scoring");
        let answers = solutions.remove(&id).ok_or_else(missing);
        place.solve(task, &place.parse(answers?.get())?)?;
    }
    match solutions.keys().min() {
        None => Ok(()),
        Some(id) => {
            let hint = names::hint(id, tasks.iter().map(|task| task.id.as_str()));
            Err(Place { path, task: id }.fault(format!("the challenges have no such task{hint}")))
        }
    }
}

/// `X_solutions.json` for `X_challenges.json`.
pub(super) fn solutions_beside(path: &Path) -> Option<PathBuf> {
    let (before, after) = path.file_name()?.to_str()?.rsplit_once("challenges")?;
    Some(path.with_file_name(format!("{before}solutions{after}")))
}

/// A folder of `ID.json` files, in the order of their names.
///
/// # Errors
/// [`TaskError`] with path, task and place.
pub fn read_folder(path: &Path, name: &str) -> Result<TaskSet, TaskError> {
    let unreadable = |source| FileError::Read { path: path.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut tasks = Vec::with_capacity(paths.len());
    for path in &paths {
        let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let place = Place { path, task: id };
        place.check_id()?;
        let text: Box<RawValue> = files::read_json(path)?;
        tasks.push(place.task(&place.parse(text.get())?)?);
    }
    if tasks.is_empty() {
        let expected = "looked for files named ID.json, one task each".to_owned();
        return Err(TaskError::Nothing { path: path.to_owned(), expected });
    }
    Ok(TaskSet { name: name.to_owned(), tasks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(challenges: &str, solutions: Option<&str>) -> Result<TaskSet, TaskError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine_challenges.json");
        fs::write(&path, challenges).unwrap();
        if let Some(text) = solutions {
            fs::write(folder.path().join("mine_solutions.json"), text).unwrap();
        }
        read_kaggle(&path, "mine")
    }

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
        assert!(message(r#"{"train": [], "test": []}"#, None).contains("single task"));
    }

    #[test]
    fn nothing_is_passed_over() {
        let message = |challenges: &str, solutions| read(challenges, solutions).unwrap_err().to_string();
        let tests = TASK.replacen("\"test\"", "\"tests\"", 1);
        let unknown = message(&tests, None);
        assert!(
            unknown.contains("task b: unknown key \"tests\"") && unknown.contains("did you mean \"test\"?"),
            "{unknown}"
        );
        let pair = message(&TASK.replacen("\"output\"", "\"outptu\"", 1), None);
        assert!(pair.contains("train pair 0") && pair.contains("did you mean \"output\"?"), "{pair}");
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
        let unknown = message(r#"{"a": [[[4]]], "b": [[[5]]], "a1": [[[6]]]}"#);
        assert!(unknown.contains("task a1: ") && unknown.contains("did you mean \"a\"?"), "{unknown}");
        assert!(message(r#"{"a": [[[4]]], "b": [[[5]]], "a": [[[4]]]}"#).contains("more than once"));
    }

    #[test]
    fn ids_that_mean_something_else_are_refused_by_every_reader() {
        for id in ["", "a|||b", "<blank>", "..", "../a", "a\\\\b", "a\\n"] {
            let message = read(&TASK.replace("\"a\"", &format!("\"{id}\"")), None).unwrap_err().to_string();
            assert!(message.contains("its id") && !message.contains('\n'), "{id}: {message}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("<blank>.json"), "{}").unwrap();
        assert!(read_folder(folder.path(), "mine").unwrap_err().to_string().contains("its id"));
    }
}
