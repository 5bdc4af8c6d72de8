//! `Rows`: a matrix on the disk, of which one row is read at a time.

use super::Stored;
use crate::files::FileError;

/// A matrix on the disk, row by row.
#[derive(Clone, Debug)]
pub struct Rows {
    stored: Stored,
    start: u64,
    count: usize,
    width: usize,
}

impl Rows {
    /// A matrix of so many rows of this width, which begins at `start` of the file.
    pub(super) fn new(stored: Stored, start: u64, count: usize, width: usize) -> Self {
        Self { stored, start, count, width }
    }

    /// The file that they lie in.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A row.
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub fn row(&self, row: usize) -> Result<Vec<f32>, FileError> {
        assert!(row < self.count, "row {row} of {}", self.count);
        self.stored.numbers(self.start + (row * self.width * size_of::<f32>()) as u64, self.width)
    }

    /// All rows, one after another.
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub fn all(&self) -> Result<Vec<f32>, FileError> {
        self.stored.numbers(self.start, self.count * self.width)
    }
}
