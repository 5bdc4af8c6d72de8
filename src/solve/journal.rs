//! A file that grows while a run goes on: `predictions.jsonl.partial` until the end, `predictions.jsonl` from then on.
//!
//! Rewriting a growing file after each task would cost the square of its size, so lines are appended, and only the
//! finished file takes the name that others read. After a kill the partial file holds whole tasks.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};

/// Lines on their way to a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl Journal {
    /// Starts over; what stands at `path` stays until [`Journal::finish`].
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        files::check_writable(path)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(|source| failed(&partial, source))?;
        Ok(Self { path: path.to_owned(), partial, file })
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn append(&mut self, lines: &str) -> Result<(), FileError> {
        self.file.write_all(lines.as_bytes()).map_err(|source| failed(&self.partial, source))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn finish(self) -> Result<(), FileError> {
        self.file.sync_all().map_err(|source| failed(&self.partial, source))?;
        fs::rename(&self.partial, &self.path).map_err(|source| failed(&self.path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> FileError {
    FileError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_others_read_appears_only_when_the_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        files::write(&path, b"earlier\n").unwrap();
        let mut journal = Journal::create(&path).unwrap();
        journal.append("one\n").unwrap();
        assert_eq!(files::read_text(&path).unwrap(), "earlier\n");
        assert_eq!(files::read_text(&folder.path().join("lines.jsonl.partial")).unwrap(), "one\n");
        journal.append("two\n").unwrap();
        journal.finish().unwrap();
        assert_eq!(files::read_text(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
