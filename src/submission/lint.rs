//! The linter: every fault of a submission, each with its task, output and attempt.
//!
//! It works on the JSON as it stands and not on a [`super::Submission`], since a reader stops at the first fault.
//! Grids are checked row by row: one fault names one row, with all its bad cells.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ATTEMPTS;
use crate::files::{BYTE_ORDER_MARK, Entries};
use crate::grid::{self, COLOURS, MAX_SIDE, kind_of};
use crate::names;
use crate::task::{MOST_TASK, TaskSet};

/// Tasks that are not in the set that a nearest name is looked for.
const HINTS: usize = 100;

/// The most faults that are named one by one.
const MOST_FAULTS: usize = 10_000;

/// Something that Kaggle would refuse, or not score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The task's id; `None` when the whole file is meant.
    pub task: Option<String>,
    /// Which of its outputs, from 0.
    pub output: Option<usize>,
    /// Which attempt, as `attempt_1`.
    pub attempt: Option<String>,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "task {}", names::one_line(task))?,
            None => f.write_str("the file")?,
        }
        if let Some(output) = self.output {
            write!(f, ", output {output}")?;
        }
        if let Some(attempt) = &self.attempt {
            write!(f, ", {attempt}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// Every fault of a submission's text against its set, in the order of the file, then of the set.
///
/// # Errors
/// The text is not JSON; the error names line and column.
pub fn lint(text: &str, set: &TaskSet) -> Result<Vec<Fault>, serde_json::Error> {
    let mut linter = Linter::default();
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => {
            linter.fault("it begins with a byte order mark, which many readers refuse; save it as plain UTF-8");
            text
        }
        None => text,
    };
    let whole: &RawValue = serde_json::from_str(text)?;
    match whole.get().as_bytes().first() {
        Some(b'{') => linter.tasks(&serde_json::from_str(text)?, set)?,
        Some(b'[') => linter.fault("it is a list; a submission is an object of tasks"),
        _ => {
            linter.fault(format!("it is {}; a submission is an object of tasks", kind_of(&serde_json::from_str(text)?)))
        }
    }
    Ok(linter.faults)
}

/// The faults so far, and the place that is being looked at.
#[derive(Default)]
struct Linter {
    faults: Vec<Fault>,
    task: Option<String>,
    output: Option<usize>,
    attempt: Option<String>,
}

impl Linter {
    fn fault(&mut self, text: impl Into<String>) {
        match self.faults.len().cmp(&MOST_FAULTS) {
            Ordering::Less => {}
            Ordering::Equal => {
                let text = format!("it has more faults; these are the first {MOST_FAULTS}");
                return self.faults.push(Fault { task: None, output: None, attempt: None, text });
            }
            Ordering::Greater => return,
        }
        let (task, output, attempt) = (self.task.clone(), self.output, self.attempt.clone());
        self.faults.push(Fault { task, output, attempt, text: text.into() });
    }

    /// Equal keys are named first: readers keep the last of them. Tasks are taken apart one at a time, since each grows many times.
    fn tasks(&mut self, entries: &Entries<&RawValue>, set: &TaskSet) -> Result<(), serde_json::Error> {
        for task in entries.repeated() {
            self.task = Some(task.to_owned());
            self.fault("it stands in the file more than once; only the last would count");
        }
        let last: HashMap<&str, usize> =
            entries.0.iter().enumerate().map(|(place, (id, _))| (id.as_str(), place)).collect();
        let wanted: HashMap<&str, usize> = set.tasks.iter().map(|task| (task.id.as_str(), task.test.len())).collect();
        let mut strangers = 0;
        for (place, (id, text)) in entries.0.iter().enumerate() {
            if last[id.as_str()] != place {
                continue;
            }
            self.task = Some(id.clone());
            match wanted.get(id.as_str()) {
                Some(_) if text.get().len() > MOST_TASK => {
                    self.fault(format!("it has {} bytes; the most is {MOST_TASK}", text.get().len()));
                }
                Some(&outputs) => self.outputs(&serde_json::from_str(text.get())?, outputs),
                None => {
                    strangers += 1;
                    let lacking = || wanted.keys().copied().filter(|id| !last.contains_key(id));
                    let hint = if strangers <= HINTS { names::hint(id, lacking()) } else { String::new() };
                    self.fault(format!("no such task in {}{hint}", set.name));
                }
            }
        }
        for task in set.tasks.iter().filter(|task| !last.contains_key(task.id.as_str())) {
            self.task = Some(task.id.clone());
            self.fault("the task is missing");
        }
        Ok(())
    }

    fn outputs(&mut self, entry: &Value, wanted: usize) {
        let Some(outputs) = entry.as_array() else {
            return self.fault(format!("it is {}; a task needs a list with one entry per test input", kind_of(entry)));
        };
        if outputs.len() != wanted {
            self.fault(format!("{} outputs where the task has {wanted} test inputs", outputs.len()));
        }
        for (i, output) in outputs.iter().enumerate() {
            self.output = Some(i);
            self.attempts(output);
        }
        self.output = None;
    }

    fn attempts(&mut self, output: &Value) {
        let Some(attempts) = output.as_object() else {
            return self.fault(format!(
                "it is {}; an output is an object with {}",
                kind_of(output),
                ATTEMPTS.join(" and ")
            ));
        };
        for key in ATTEMPTS {
            self.attempt = Some(key.to_owned());
            match attempts.get(key) {
                Some(grid) => self.grid(grid),
                None => self.fault("the attempt is missing"),
            }
        }
        self.attempt = None;
        for key in attempts.keys().filter(|key| !ATTEMPTS.contains(&key.as_str())) {
            let hint = names::hint(key, ATTEMPTS);
            let key = names::one_line(key);
            self.fault(format!("unknown key \"{key}\"; an output has {}{hint}", ATTEMPTS.join(" and ")));
        }
    }

    fn grid(&mut self, grid: &Value) {
        let Some(rows) = grid.as_array() else {
            return self.fault(format!("it is {}; a grid is a list of rows", kind_of(grid)));
        };
        if rows.is_empty() {
            return self.fault(format!("the grid is empty; it needs 1 to {MAX_SIDE} rows"));
        }
        if rows.len() > MAX_SIDE {
            self.fault(format!("{} rows; the most is {MAX_SIDE}", rows.len()));
        }
        let width = rows.iter().filter_map(Value::as_array).map(Vec::len).find(|&width| width > 0).unwrap_or(0);
        if width > MAX_SIDE {
            self.fault(format!("{width} columns; the most is {MAX_SIDE}"));
        }
        for (r, row) in rows.iter().enumerate() {
            self.row(r, row, width);
        }
    }

    fn row(&mut self, r: usize, row: &Value, width: usize) {
        let Some(cells) = row.as_array() else {
            return self.fault(format!("row {r} is {}; a row is a list of whole numbers", kind_of(row)));
        };
        if cells.is_empty() {
            return self.fault(format!("row {r} is empty"));
        }
        if cells.len() != width {
            self.fault(format!("row {r} has {} cells where others have {width}; a grid is a rectangle", cells.len()));
        }
        let is_colour = |cell: &Value| grid::whole(cell).is_some_and(|value| value < u64::from(COLOURS));
        let bad: Vec<String> = cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| !is_colour(cell))
            .map(|(c, cell)| format!("cell ({r}, {c}) is {}", value(cell)))
            .collect();
        if !bad.is_empty() {
            self.fault(format!("{}; colours are whole numbers from 0 to 9", bad.join(", ")));
        }
    }
}

/// A cell as it stands when it is a number, else what it is.
fn value(cell: &Value) -> String {
    match cell {
        Value::Number(number) => number.to_string(),
        other => kind_of(other),
    }
}
