//! A file that grows while a run goes on and takes the name that others read when it is whole.
//!
//! Rewriting a growing file after each task would cost the square of its size, so lines are appended. A run that fails leaves nothing; what a
//! killed one leaves is removed by the next. What was answered by then is in the trail.

use std::path::Path;

use crate::files::{self, FileError, Sink};

/// Lines on their way to a file.
#[derive(Debug)]
pub struct Journal(Sink);

impl Journal {
    /// Starts over; what stands at `path` stays until [`Journal::finish`].
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        files::check_writable(path)?;
        Ok(Self(Sink::create(path)?))
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn append(&mut self, lines: &str) -> Result<(), FileError> {
        self.0.write(lines.as_bytes())
    }

    /// Takes back all lines, for the same in another order.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn start_over(&mut self) -> Result<(), FileError> {
        self.0.start_over()
    }

    /// Gives the file its name, and flushes it and its folder to the disk.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn finish(self) -> Result<(), FileError> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_name_that_others_read_appears_only_when_the_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.jsonl");
        files::write(&path, b"earlier\n").unwrap();
        let mut journal = Journal::create(&path).unwrap();
        journal.append("one\n").unwrap();
        assert_eq!(files::read_text(&path).unwrap(), "earlier\n");
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
