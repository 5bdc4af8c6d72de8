//! A file that grows while a run goes on: `predictions.jsonl.partial` until the end, `predictions.jsonl` from then on.
//!
//! Rewriting a growing file after each task would cost the square of its size, so lines are appended, and only the
//! finished file takes the name that others read. A run that fails removes the partial file. After a kill it holds what had
//! reached the system by then, and its last line may be cut off.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};

/// Lines on their way to a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    is_finished: bool,
}

impl Journal {
    /// Starts over; what stands at `path` stays until [`Journal::finish`].
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        files::check_writable(path)?;
        let path = files::place(path)?;
        let (partial, file) = files::create(&partial_beside(&path))?;
        if let Ok(found) = fs::metadata(&path) {
            file.set_permissions(found.permissions()).map_err(|source| failed(&partial, source))?;
        }
        Ok(Self { path, partial, file, is_finished: false })
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn append(&mut self, lines: &str) -> Result<(), FileError> {
        self.file.write_all(lines.as_bytes()).map_err(|source| failed(&self.partial, source))
    }

    /// Takes back all lines, for the same in another order.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn start_over(&mut self) -> Result<(), FileError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(|source| failed(&self.partial, source))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn finish(mut self) -> Result<(), FileError> {
        self.file.sync_all().map_err(|source| failed(&self.partial, source))?;
        fs::rename(&self.partial, &self.path).map_err(|source| failed(&self.path, source))?;
        self.is_finished = true;
        Ok(())
    }
}

/// What did not come to its end leaves nothing behind.
impl Drop for Journal {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// The name that a file has while it grows.
pub fn partial_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".partial");
    path.with_file_name(name)
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
        journal.start_over().unwrap();
        journal.append("2\n").unwrap();
        journal.append("1\n").unwrap();
        journal.finish().unwrap();
        assert_eq!(files::read_text(&path).unwrap(), "2\n1\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_that_fails_leaves_the_earlier_file_and_no_partial_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        files::write(&path, b"earlier\n").unwrap();
        let mut journal = Journal::create(&path).unwrap();
        journal.append("one\n").unwrap();
        drop(journal);
        assert_eq!(files::read_text(&path).unwrap(), "earlier\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
