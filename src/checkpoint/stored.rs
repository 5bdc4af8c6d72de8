//! Tensors where they lie: a safetensors file of which only the header is held. A tensor is read when it is asked for, and of a
//! table that is larger than memory (the published ones have two gigabytes) one row at a time.
//!
//! What bites: the file stays open, so it may be moved or removed meanwhile; to be written over in place it may not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};

use super::{CheckpointError, LoadReport, Rows, numbers};
use crate::files::{self, FileError};

/// The header is at most this long, as the format says.
const MOST_HEADER: u64 = 100_000_000;

/// The tensors of a file.
#[derive(Clone, Debug)]
pub struct Stored {
    path: PathBuf,
    file: Arc<File>,
    size: u64,
    tensors: BTreeMap<String, Place>,
}

/// A tensor in the file.
#[derive(Clone, Debug)]
struct Place {
    shape: Vec<usize>,
    start: u64,
}

impl Stored {
    /// True for a file that begins as safetensors do: the length of a header, and a JSON object.
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub fn is_safetensors(path: &Path) -> Result<bool, FileError> {
        let mut start = Vec::new();
        let read = files::open(path)?.take(9).read_to_end(&mut start);
        read.map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let header = start.first_chunk().map(|&length| u64::from_le_bytes(length));
        Ok(start.get(8) == Some(&b'{') && header.is_some_and(|length| length <= MOST_HEADER))
    }

    /// Opens a file of float32 tensors.
    ///
    /// # Errors
    /// [`CheckpointError`], also for a file that is shorter than its header says and for another number type.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let unread = |source| FileError::Read { path: path.to_owned(), source };
        let broken = |fault: String| CheckpointError::Broken { path: path.to_owned(), fault };
        let file = files::open(path)?;
        let size = file.metadata().map_err(unread)?.len();
        let mut length = [0; 8];
        read_at(&file, &mut length, 0).map_err(|_| broken("it ends before its header".to_owned()))?;
        let header = u64::from_le_bytes(length);
        if header > MOST_HEADER || 8 + header > size {
            return Err(broken("it ends before its header".to_owned()));
        }
        let mut bytes = vec![0; header as usize];
        read_at(&file, &mut bytes, 8).map_err(unread)?;
        let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, info) in metadata.tensors() {
            if info.dtype != Dtype::F32 {
                let fault = format!("tensor {name} is {:?} and not F32; hint: convert it with .float()", info.dtype);
                return Err(broken(fault));
            }
            let (start, end) = info.data_offsets;
            let numbers = info.shape.iter().try_fold(size_of::<f32>(), |size, &side| size.checked_mul(side));
            if end.checked_sub(start).is_none_or(|bytes| Some(bytes) != numbers) {
                return Err(broken(format!("tensor {name} of {:?} has bytes {start} to {end}", info.shape)));
            }
            if end as u64 > size - 8 - header {
                return Err(broken(format!("it ends within tensor {name}")));
            }
            tensors.insert(name, Place { shape: info.shape.clone(), start: 8 + header + start as u64 });
        }
        Ok(Self { path: path.to_owned(), file: file.into(), size, tensors })
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Names and shapes of the tensors, in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, place)| (name.as_str(), place.shape.as_slice()))
    }

    /// Reads the whole file in one pass. Returns its SHA-256, and the first number that cannot be computed with as an error.
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub(super) fn examine(&self) -> Result<(String, Result<(), CheckpointError>), FileError> {
        let mut places: Vec<(&String, &Place)> = self.tensors.iter().collect();
        places.sort_unstable_by_key(|(_, place)| place.start);
        let (mut digest, mut fault, mut end) = (Sha256::new(), Ok(()), 0);
        let mut hash = |bytes: &[u8]| -> Result<(), FileError> {
            digest.update(bytes);
            Ok(())
        };
        let mut piece = vec![0.0; files::PIECE / size_of::<f32>()];
        for (name, place) in places {
            self.bytes(end..place.start, &mut hash)?;
            end = place.start;
            let (mut first, count) = (0, place.shape.iter().product::<usize>());
            while first < count {
                let values = &mut piece[..(count - first).min(files::PIECE / size_of::<f32>())];
                self.raw(values, end)?;
                hash(bytemuck::cast_slice(values))?;
                in_native_order(values);
                if fault.is_ok() {
                    fault = numbers::check(&self.path, name, first, values);
                }
                (first, end) = (first + values.len(), end + size_of_val(values) as u64);
            }
        }
        self.bytes(end..self.size, &mut hash)?;
        Ok((files::hex(&digest.finalize()), fault))
    }

    /// Hands the bytes of the file to `take`, piece by piece, also when it has lost its name meanwhile.
    ///
    /// # Errors
    /// [`FileError::Read`], or whatever `take` says.
    pub fn all_bytes<E: From<FileError>>(&self, take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.bytes(0..self.size, take)
    }

    fn bytes<E: From<FileError>>(
        &self,
        range: Range<u64>,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut piece = vec![0; files::PIECE.min(range.end.saturating_sub(range.start) as usize)];
        for start in range.clone().step_by(files::PIECE) {
            let bytes = &mut piece[..files::PIECE.min((range.end - start) as usize)];
            let failed = |source| FileError::Read { path: self.path.clone(), source };
            read_at(&self.file, bytes, start).map_err(failed)?;
            take(bytes)?;
        }
        Ok(())
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.shape.as_slice())
    }

    /// Makes sure that these are the tensors that are needed, all of them and no others.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] with the whole report.
    pub fn check(&self, needed: &[(String, Vec<usize>)]) -> Result<(), CheckpointError> {
        let shapes = self.tensors.iter().map(|(name, place)| (name.as_str(), place.shape.as_slice()));
        LoadReport::of(&shapes.collect(), needed).or_unfit(&self.path)
    }

    /// The values of a tensor, which must have passed the [`check`](Self::check).
    ///
    /// # Errors
    /// [`FileError::Read`].
    pub fn read(&self, name: &str) -> Result<Vec<f32>, FileError> {
        let place = self.place(name);
        self.numbers(place.start, place.shape.iter().product())
    }

    /// Hands the values of a tensor to `take`, piece by piece; it must have passed the [`check`](Self::check).
    ///
    /// # Errors
    /// [`FileError::Read`], or whatever `take` says.
    pub fn pieces<E: From<FileError>>(
        &self,
        name: &str,
        mut take: impl FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = self.place(name);
        let (mut start, mut left) = (place.start, place.shape.iter().product::<usize>());
        while left > 0 {
            let values = self.numbers(start, left.min(files::PIECE / size_of::<f32>()))?;
            take(&values)?;
            left -= values.len();
            start += size_of_val(values.as_slice()) as u64;
        }
        Ok(())
    }

    /// Hands the values of a tensor to `take` as [`pieces`](Self::pieces) does, each piece checked.
    ///
    /// # Errors
    /// [`CheckpointError::File`], [`CheckpointError::Number`], or whatever `take` says.
    pub fn checked_pieces(
        &self,
        name: &str,
        mut take: impl FnMut(&[f32]) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        let mut first = 0;
        self.pieces(name, |values| {
            numbers::check(&self.path, name, first, values)?;
            first += values.len();
            take(values)
        })
    }

    /// The rows of a matrix, which must have passed the [`check`](Self::check).
    pub fn rows(&self, name: &str) -> Rows {
        let Place { shape, start } = self.place(name);
        Rows::new(self.clone(), *start, shape[0], shape[1])
    }

    fn place(&self, name: &str) -> &Place {
        self.tensors.get(name).unwrap_or_else(|| panic!("tensor {name} was not checked before it was read"))
    }

    /// Reads numbers from a place in the file.
    pub(super) fn numbers(&self, start: u64, count: usize) -> Result<Vec<f32>, FileError> {
        let mut values = vec![0.0f32; count];
        self.raw(&mut values, start)?;
        in_native_order(&mut values);
        Ok(values)
    }

    /// Fills `values` with bytes as they stand in the file.
    fn raw(&self, values: &mut [f32], start: u64) -> Result<(), FileError> {
        let failed = |source| FileError::Read { path: self.path.clone(), source };
        read_at(&self.file, bytemuck::cast_slice_mut(values), start).map_err(failed)
    }
}

/// Turns little-endian numbers into the machine's own.
fn in_native_order(values: &mut [f32]) {
    if cfg!(target_endian = "big") {
        values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().swap_bytes()));
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => (bytes, start) = (&mut bytes[count..], start + count as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Tensors;

    #[test]
    fn tensors_and_rows_are_read_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut tensors = Tensors::default();
        tensors.insert("b", &[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        tensors.insert("a", &[1], vec![-7.5]);
        let bytes = tensors.to_bytes();
        files::write(&path, &bytes).unwrap();
        let stored = Stored::open(&path).unwrap();
        stored.check(&[("a".into(), vec![1]), ("b".into(), vec![3, 2])]).unwrap();
        assert_eq!((stored.read("a").unwrap(), stored.shape("b")), (vec![-7.5], Some(&[3, 2][..])));
        let rows = stored.rows("b");
        assert_eq!((rows.count(), rows.width(), rows.row(1).unwrap()), (3, 2, vec![3.0, 4.0]));
        assert_eq!(rows.all().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let unfit = stored.check(&[("a".into(), vec![2])]).unwrap_err().to_string();
        assert!(unfit.contains("a is [1] and not [2]") && unfit.contains("unused: b"), "{unfit}");

        let (digest, numbers) = stored.examine().unwrap();
        assert!(digest == files::sha256(&bytes) && numbers.is_ok());
        let mut copied = Vec::new();
        files::write(&path, b"replaced").unwrap();
        let take = |piece: &[u8]| {
            copied.extend_from_slice(piece);
            Ok::<_, FileError>(())
        };
        stored.all_bytes(take).unwrap();
        assert_eq!(copied, bytes, "the file stays open");

        for cut in [0, 7, 20, bytes.len() - 1] {
            files::write(&path, &bytes[..cut]).unwrap();
            let error = Stored::open(&path).unwrap_err().to_string();
            assert!(error.contains("no whole safetensors file"), "{cut}: {error}");
        }
    }

    #[test]
    fn a_file_is_hashed_and_its_numbers_are_checked_in_one_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let count = files::PIECE / 4 + 3;
        for (place, value) in [(0, f32::NAN), (count - 1, 3e38), (5, f32::NEG_INFINITY)] {
            let mut values = vec![1.0; count];
            values[place] = value;
            let mut tensors = Tensors::default();
            tensors.insert("b", &[count], values);
            tensors.insert("a", &[1], vec![-7.5]);
            files::write(&path, &tensors.to_bytes()).unwrap();
            let (digest, numbers) = Stored::open(&path).unwrap().examine().unwrap();
            assert_eq!(digest, files::sha256(&tensors.to_bytes()));
            let fault = numbers.unwrap_err().to_string();
            assert!(fault.contains(&format!("number {place} of tensor b is {value}")), "{fault}");
        }
    }
}
