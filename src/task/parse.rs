//! `Place`: one task out of its JSON, with file, task and place in every fault.
//!
//! `train` and `test`, `input` and `output` are the schema; other keys are counted and read over.

use std::path::Path;

use serde_json::{Map, Value};

use super::form::TASK_KEYS;
use super::ignored::Ignored;
use super::{Pair, Task, TaskError, Test};
use crate::files::Unrepeated;
use crate::grid::{self, Grid};
use crate::names;

const PAIR_KEYS: [&str; 2] = ["input", "output"];

/// The most bytes of a task: each grows many times when it is taken apart, so they are taken apart one at a time.
pub const MOST_TASK: usize = 1 << 20;

/// Where in a file a fault lies.
pub(super) struct Place<'a> {
    pub path: &'a Path,
    pub task: &'a str,
}

impl Place<'_> {
    pub fn fault(&self, fault: impl Into<String>) -> TaskError {
        let task = names::one_line(self.task).into_owned();
        TaskError::Task { path: self.path.to_owned(), task, fault: fault.into() }
    }

    fn grid(&self, value: &Value, place: impl Fn() -> String) -> Result<Grid, TaskError> {
        Grid::from_json(value).map_err(|fault| TaskError::Grid {
            path: self.path.to_owned(),
            task: names::one_line(self.task).into_owned(),
            place: place(),
            fault,
        })
    }

    /// Takes the text of an entry apart.
    pub fn parse(&self, text: &str) -> Result<Value, TaskError> {
        if text.len() > MOST_TASK {
            return Err(self.fault(format!("it has {} bytes; the most is {MOST_TASK}", text.len())));
        }
        let parsed = serde_json::from_str(text).map(|Unrepeated(value)| value);
        parsed.map_err(|fault| self.fault(format!("{} of the task's text", names::one_line(&fault.to_string()))))
    }

    /// Ids become the names of rows, lines and files, where these parts mean something else.
    pub fn check_id(&self) -> Result<(), TaskError> {
        let id = self.task;
        let fault = match id {
            "<blank>" => "is the name of the empty puzzle row",
            "." | ".." => "is the name of a folder",
            _ if id.contains("|||") => "contains |||, which separates a task from its variant",
            _ if id.contains(['/', '\\']) => "contains a path separator",
            _ => match names::fault(id) {
                Some(fault) => fault,
                None => return Ok(()),
            },
        };
        let quoted = format!("\"{id}\"");
        Err(Place { path: self.path, task: &quoted }.fault(format!("its id {fault}; hint: name it otherwise")))
    }

    /// Returns the words that name the key which was meant by one that is missing, where there is such a key.
    fn meant(&self, missing: &str, map: &Map<String, Value>, known: [&str; 2]) -> String {
        let others = map.keys().map(String::as_str).filter(|key| !known.contains(key));
        let nearest = names::nearest(missing, others);
        nearest.map_or_else(String::new, |key| format!("; hint: rename \"{key}\" to \"{missing}\""))
    }

    /// The list of objects under `key`; the task needs at least one.
    fn list<'v>(
        &self,
        task: &'v Map<String, Value>,
        key: &str,
        ignored: &mut Ignored,
    ) -> Result<Vec<&'v Map<String, Value>>, TaskError> {
        let missing = || self.fault(format!("\"{key}\" is missing{}", self.meant(key, task, TASK_KEYS)));
        let value = task.get(key).ok_or_else(missing)?;
        let items = value.as_array().ok_or_else(|| self.fault(format!("\"{key}\" is not a list")))?;
        if items.is_empty() {
            return Err(self.fault(format!("\"{key}\" is empty; a task needs at least one")));
        }
        let object = |(i, item): (usize, &'v Value)| {
            let map = item.as_object();
            let map = map.ok_or_else(|| self.fault(format!("\"{key}\" {i} is not an object with an \"input\"")))?;
            map.keys().filter(|key| !PAIR_KEYS.contains(&key.as_str())).for_each(|key| ignored.key(key));
            Ok(map)
        };
        items.iter().enumerate().map(object).collect()
    }

    /// One side of an entry of `key`, `None` when it is absent.
    fn side(&self, key: &str, i: usize, item: &Map<String, Value>, side: &str) -> Result<Option<Grid>, TaskError> {
        item.get(side).map(|value| self.grid(value, || format!("{key} pair {i}, {side}"))).transpose()
    }

    fn needed(&self, key: &str, i: usize, item: &Map<String, Value>, side: &str) -> Result<Grid, TaskError> {
        let missing = || self.fault(format!("{key} pair {i} has no \"{side}\"{}", self.meant(side, item, PAIR_KEYS)));
        self.side(key, i, item, side)?.ok_or_else(missing)
    }

    pub fn task(&self, value: &Value, ignored: &mut Ignored) -> Result<Task, TaskError> {
        let wrong_kind =
            || self.fault(format!("it is {}; a task is an object of train and test", grid::kind_of(value)));
        let value = value.as_object().ok_or_else(wrong_kind)?;
        value.keys().filter(|key| !TASK_KEYS.contains(&key.as_str())).for_each(|key| ignored.key(key));
        let mut train = Vec::new();
        for (i, item) in self.list(value, "train", ignored)?.into_iter().enumerate() {
            let (input, output) = (self.needed("train", i, item, "input")?, self.needed("train", i, item, "output")?);
            train.push(Pair { input, output });
        }
        let mut test = Vec::new();
        for (i, item) in self.list(value, "test", ignored)?.into_iter().enumerate() {
            let (input, output) = (self.needed("test", i, item, "input")?, self.side("test", i, item, "output")?);
            test.push(Test { input, output });
        }
        Ok(Task { id: self.task.to_owned(), train, test })
    }

    pub fn solve(&self, task: &mut Task, answers: &Value) -> Result<(), TaskError> {
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
