//! The readers: Kaggle's pair of files, and a folder of single-task files.
//!
//! - `X_challenges.json`: `{"id": {"train": [{"input", "output"}], "test": [{"input"}]}}`, with `X_solutions.json` beside it:
//!   `{"id": [output, ...]}`, one per test input in order.
//! - `folder/ID.json`: `{"train": [{"input", "output"}], "test": [{"input", "output"}]}`, read in the order of the names.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use super::{Pair, Task, TaskSet, Test};
use crate::files::{self, FileError};
use crate::grid::{Grid, GridError};

/// What can be wrong with tasks.
#[derive(Debug, Error)]
pub enum TaskError {
    /// A file could not be read, or is not JSON.
    #[error(transparent)]
    File(#[from] FileError),
    /// A task is not in the form of a task.
    #[error("{path}: task {task}: {fault}")]
    Task {
        /// The file.
        path: PathBuf,
        /// The task's id.
        task: String,
        /// What is wrong.
        fault: String,
    },
    /// A grid is no grid.
    #[error("{path}: task {task}, {place}: {fault}")]
    Grid {
        /// The file.
        path: PathBuf,
        /// The task's id.
        task: String,
        /// Where in the task, as `train pair 2, input`.
        place: String,
        /// What is wrong.
        fault: GridError,
    },
    /// A file or folder without a task.
    #[error("{path}: no tasks here; {expected}")]
    Nothing {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// A set that is not there.
    #[error("no task set \"{name}\"{hint}; name one of {known}, or give a challenges file or a folder of task files")]
    NoSuchSet {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: String,
        /// The sets that are there.
        known: String,
    },
    /// A task that is not in the set.
    #[error("no task \"{id}\" in {set}{hint}; `trm-arc tasks list {set}` lists them")]
    NoSuchTask {
        /// What was asked for.
        id: String,
        /// The set.
        set: String,
        /// The nearest id.
        hint: String,
    },
}

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

    /// The list of objects under `key`; the task needs at least one.
    fn list<'v>(&self, task: &'v Value, key: &str) -> Result<Vec<&'v Map<String, Value>>, TaskError> {
        let value = task.get(key).ok_or_else(|| self.fault(format!("\"{key}\" is missing")))?;
        let items = value.as_array().ok_or_else(|| self.fault(format!("\"{key}\" is not a list")))?;
        if items.is_empty() {
            return Err(self.fault(format!("\"{key}\" is empty; a task needs at least one")));
        }
        let object = |(i, item): (usize, &'v Value)| {
            item.as_object().ok_or_else(|| self.fault(format!("\"{key}\" {i} is not an object with an \"input\"")))
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
    let challenges: Map<String, Value> = files::read_json(path)?;
    if challenges.contains_key("train") && challenges.contains_key("test") {
        return Err(TaskError::Nothing {
            path: path.to_owned(),
            expected: "this is the file of a single task; give the folder it lies in",
        });
    }
    let mut tasks = Vec::with_capacity(challenges.len());
    for (id, value) in &challenges {
        tasks.push(Place { path, task: id }.task(value)?);
    }
    if tasks.is_empty() {
        return Err(TaskError::Nothing { path: path.to_owned(), expected: "the file is an empty object" });
    }
    let beside = solutions_beside(path);
    if let Some(path) = beside.filter(|path| path.exists()) {
        let solutions: Map<String, Value> = files::read_json(&path)?;
        for task in &mut tasks {
            if let Some(answers) = solutions.get(&task.id) {
                let id = task.id.clone();
                Place { path: &path, task: &id }.solve(task, answers)?;
            }
        }
    }
    Ok(TaskSet { name: name.to_owned(), tasks })
}

/// `X_solutions.json` for `X_challenges.json`.
fn solutions_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    name.contains("challenges").then(|| path.with_file_name(name.replace("challenges", "solutions")))
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
        tasks.push(Place { path, task: id }.task(&files::read_json(path)?)?);
    }
    if tasks.is_empty() {
        let expected = "looked for files named ID.json, one task each";
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
        assert!(message(TASK, Some(r#"{"a": []}"#)).contains("0 solutions for 1 test inputs"));
        assert!(message(r#"{"train": [], "test": []}"#, None).contains("single task"));
    }
}
