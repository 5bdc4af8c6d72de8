//! The sets that come with the project, and how a name or a path on the command line becomes tasks.
//!
//! `arc-agi-1/evaluation` is `tasks/arc-agi-1/evaluation_challenges.json`, looked for beside the working
//! directory, then beside the program and above it, then where the project was built.

use std::path::{Path, PathBuf};

use super::folder::{json_files, nested_tasks};
use super::read::{read_folder, read_kaggle, solutions_beside};
use super::{Ignored, TaskError, TaskSet};
use crate::files::{self, FileError};
use crate::names;

/// The names of the sets that come with the project.
pub const SHIPPED: [&str; 5] = [PUBLIC[0], PUBLIC[1], PUBLIC[2], PUBLIC[3], "held-out/concepts"];

/// Those of the public benchmarks. The others are our own work, and no published result is about them.
pub const PUBLIC: [&str; 4] =
    ["arc-agi-1/training", "arc-agi-1/evaluation", "arc-agi-2/training", "arc-agi-2/evaluation"];

/// Those whose answers no training learns, unless its recipe says otherwise.
pub const HELD_OUT: [&str; 3] = ["arc-agi-1/evaluation", "arc-agi-2/evaluation", "held-out/concepts"];

/// The most challenges files of a folder that are named.
const MAX_NAMED: usize = 10;

/// The digests of the shipped sets, in the same order.
const DIGESTS: [&str; 5] = [
    "aecb892c68ed3df7b4e3b9b90b0b8b34e341a3277bd79698936695b869a8c435",
    "ff3062031cdaa43c272c8ecabd83da666c02ddf970f082f98d55ba48310e1f74",
    "6eee55693c744e8168b0e8b61d5ac25140321f3ea5b7156001d0002c498f1980",
    "03ac55cd0f27f25146580f6cd0cceafae38ac58dea83f0bdae3c45af2c37b7ed",
    "3b32f41a00d2c79fd7b3f65fc550aade35ecf27be272a155d05297b7a03570d0",
];

/// The name of the shipped set with this digest: what a set is called says nothing of what is in it.
pub fn shipped_with(digest: &str) -> Option<&'static str> {
    SHIPPED.into_iter().zip(DIGESTS).find(|(_, known)| *known == digest).map(|(name, _)| name)
}

/// The tasks of a set's name, of a challenges file, of a task file, or of a folder of task files.
///
/// # Errors
/// [`TaskError`]; an unknown name comes back with the nearest known one.
pub fn load(name: &str) -> Result<TaskSet, TaskError> {
    Ok(load_noted(name)?.0)
}

/// Does what [`load`] does, and returns what was ignored too.
///
/// # Errors
/// As of [`load`].
pub fn load_noted(name: &str) -> Result<(TaskSet, Ignored), TaskError> {
    if SHIPPED.contains(&name) {
        return read_kaggle(&challenges_of(name), name);
    }
    let path = Path::new(name);
    if path.is_dir() {
        return match challenges_in(path)? {
            files if files.is_empty() => read_folder(path, name),
            files => Err(TaskError::Nothing {
                path: path.to_owned(),
                expected: format!("this folder holds challenges files; give one of them: {}", listed(&files)),
            }),
        };
    }
    // a pipe too; what cannot be read says so
    if path.exists() {
        return read_kaggle(path, name);
    }
    Err(TaskError::NoSuchSet { name: name.to_owned(), hint: names::hint(name, SHIPPED), known: SHIPPED.join(", ") })
}

/// What [`load`] reads for a name: the challenges and their solutions, or the folder of task files and those within it.
pub fn files_of(name: &str) -> Vec<PathBuf> {
    let path = if SHIPPED.contains(&name) { challenges_of(name) } else { name.into() };
    let others = if path.is_dir() { nested_tasks(&path) } else { Vec::from_iter(solutions_beside(&path)) };
    [path].into_iter().chain(others).collect()
}

/// A file of `tasks/`.
pub(super) fn shipped_file(relative: &str) -> PathBuf {
    let path = Path::new("tasks").join(relative);
    files::find(&path).unwrap_or(path)
}

fn challenges_of(name: &str) -> PathBuf {
    shipped_file(&format!("{name}_challenges.json"))
}

/// The challenges files of a folder and of those within it, those that come with the project by the names of their sets.
fn challenges_in(folder: &Path) -> Result<Vec<String>, FileError> {
    let shipped: Vec<_> = SHIPPED.iter().map(|name| (challenges_of(name).canonicalize().ok(), *name)).collect();
    let is_challenges = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(b"_challenges.json");
    let mut names: Vec<String> = json_files(folder)?
        .into_iter()
        .filter(is_challenges)
        .map(|path| {
            let real = path.canonicalize().ok();
            let known = shipped.iter().find(|(file, _)| file.is_some() && *file == real);
            known.map_or_else(|| files::one_line(&path), |(_, name)| (*name).to_owned())
        })
        .collect();
    names.sort();
    Ok(names)
}

/// The first of the names, and how many there are more.
fn listed(names: &[String]) -> String {
    match names.len().saturating_sub(MAX_NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..MAX_NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_sets_have_the_sizes_that_they_should() {
        let sizes = SHIPPED.map(|name| {
            let set = load(name).unwrap();
            assert!(set.has_solutions(), "{name}");
            assert_eq!(shipped_with(&set.digest()), Some(name));
            (set.tasks.len(), set.outputs())
        });
        assert_eq!(sizes, [(400, 416), (400, 419), (1000, 1076), (120, 172), (48, 48)]);
    }

    #[test]
    fn what_is_held_out_is_shipped() {
        assert!(HELD_OUT.iter().chain(&PUBLIC).all(|name| SHIPPED.contains(name)));
    }

    #[test]
    fn a_misspelt_set_names_the_right_one() {
        let message = load("arc-agi-1/evalution").unwrap_err().to_string();
        assert!(message.contains("did you mean \"arc-agi-1/evaluation\"?"), "{message}");
    }

    #[test]
    fn a_folder_of_challenges_names_them() {
        let message = load(shipped_file("arc-agi-1").to_str().unwrap()).unwrap_err().to_string();
        assert!(message.contains("give one of them: arc-agi-1/evaluation, arc-agi-1/training"), "{message}");
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("my_challenges.json"), b"{}").unwrap();
        let message = load(folder.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(message.contains("my_challenges.json"), "{message}");
    }

    #[test]
    fn the_files_of_a_set_are_its_challenges_and_solutions() {
        let files = files_of("arc-agi-1/evaluation");
        assert!(files.len() == 2 && files.iter().all(|path| path.is_file()), "{files:?}");
        assert_eq!(files_of("a/my_challenges.json")[1], Path::new("a/my_solutions.json"));
        assert_eq!(files_of("."), [Path::new(".")]);
    }
}
