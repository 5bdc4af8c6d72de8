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
mod tests;
