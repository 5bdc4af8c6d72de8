//! The sets that come with the project, and how a name or a path on the command line becomes tasks.
//!
//! `arc-agi-1/evaluation` is `tasks/arc-agi-1/evaluation_challenges.json`, looked for beside the working
//! directory, then beside the program and above it, then where the project was built.

use std::path::{Path, PathBuf};

use super::{TaskError, TaskSet, read_folder, read_kaggle};
use crate::files;
use crate::names;

/// The names of the sets that come with the project.
pub const SHIPPED: [&str; 4] =
    ["arc-agi-1/training", "arc-agi-1/evaluation", "arc-agi-2/training", "arc-agi-2/evaluation"];

/// The tasks of a set's name, of a challenges file, or of a folder of task files.
///
/// # Errors
/// [`TaskError`]; an unknown name comes back with the nearest known one.
pub fn load(name: &str) -> Result<TaskSet, TaskError> {
    if SHIPPED.contains(&name) {
        let file = format!("tasks/{name}_challenges.json");
        let path = files::find(Path::new(&file)).unwrap_or_else(|| PathBuf::from(&file));
        return read_kaggle(&path, name);
    }
    let path = Path::new(name);
    if path.is_dir() {
        return read_folder(path, name);
    }
    if path.is_file() {
        return read_kaggle(path, name);
    }
    Err(TaskError::NoSuchSet { name: name.to_owned(), hint: names::hint(name, SHIPPED), known: SHIPPED.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_sets_have_the_published_sizes() {
        let sizes = SHIPPED.map(|name| {
            let set = load(name).unwrap();
            assert!(set.has_solutions(), "{name}");
            (set.tasks.len(), set.outputs())
        });
        assert_eq!(sizes, [(400, 416), (400, 419), (1000, 1076), (120, 172)]);
    }

    #[test]
    fn a_misspelt_set_names_the_right_one() {
        let message = load("arc-agi-1/evalution").unwrap_err().to_string();
        assert!(message.contains("did you mean \"arc-agi-1/evaluation\"?"), "{message}");
    }
}
