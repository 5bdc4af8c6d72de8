//! The writer of Kaggle's pair of files: one task a line, in the order of the set, as the files of `tasks/` are.

use serde_json::{Value, json};

use super::{Task, TaskSet};
use crate::grid::Grid;

/// The challenges file of a set: everything but the answers.
pub fn challenges(set: &TaskSet) -> String {
    lines(set, |task| {
        let tests: Vec<Value> = task.test.iter().map(|test| json!({ "input": test.input })).collect();
        json!({ "train": task.train, "test": tests })
    })
}

/// The solutions file of a set: the answers of every task, as far as they are known.
pub fn solutions(set: &TaskSet) -> String {
    lines(set, |task| {
        let answers: Vec<&Grid> = task.test.iter().filter_map(|test| test.output.as_ref()).collect();
        json!(answers)
    })
}

/// A JSON object with one entry a line.
fn lines(set: &TaskSet, entry: impl Fn(&Task) -> Value) -> String {
    let lines: Vec<String> = set.tasks.iter().map(|task| format!("{}: {}", json!(task.id), entry(task))).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::super::{PUBLIC, files_of, load};
    use super::*;
    use crate::files;

    #[test]
    fn the_public_sets_are_written_as_they_were_read() {
        for name in PUBLIC {
            let set = load(name).unwrap();
            let paths = files_of(name);
            assert!(challenges(&set) == files::read_text(&paths[0]).unwrap(), "{}", paths[0].display());
            assert!(solutions(&set) == files::read_text(&paths[1]).unwrap(), "{}", paths[1].display());
        }
    }
}
