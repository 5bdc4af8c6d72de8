//! The JSON files of a folder and of those within it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::form::{self, Form};
use crate::files::{self, FileError};

/// The most folders that a set is spread over: more are no set, but somebody's disk.
const MAX_FOLDERS: usize = 10_000;

/// Lists the JSON files of a folder and of those within it, in the order of their paths. Hidden files and folders are passed over.
pub(super) fn json_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let (mut left, mut seen, mut found) = (vec![folder.to_owned()], HashSet::new(), Vec::new());
    while let Some(folder) = left.pop() {
        let unreadable = |source| FileError::Read { path: folder.clone(), source };
        // a link may lead back to a folder above it
        if !seen.insert(folder.canonicalize().map_err(unreadable)?) {
            continue;
        }
        if seen.len() > MAX_FOLDERS {
            let fault = format!("more than {MAX_FOLDERS} folders lie in it; hint: name the folder of one set");
            return Err(files::format_error(&folder, fault));
        }
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Lists the task files of the folders within a folder, which no output may take the place of.
pub(super) fn nested_tasks(folder: &Path) -> Vec<PathBuf> {
    let is_nested = |path: &PathBuf| path.parent() != Some(folder);
    let is_task =
        |path: &PathBuf| files::read(path).is_ok_and(|bytes| matches!(form::read(path, &bytes), Ok(Form::Task(_))));
    json_files(folder).unwrap_or_default().into_iter().filter(is_nested).filter(is_task).collect()
}
