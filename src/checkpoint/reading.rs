//! Reading the files of a checkpoint by its manifest: digests are checked, and a checkpoint that a training replaces is read again.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::folder::{Folder, MANIFEST, Manifest};
use super::{CheckpointError, Part, Stored};
use crate::files;

/// Times that a checkpoint is read while a training replaces it: each takes as long as the training from one checkpoint to the next.
const MAX_READS: usize = 8;

fn undamaged(path: PathBuf, found: String, expected: &str) -> Result<PathBuf, CheckpointError> {
    match found == expected {
        true => Ok(path),
        false => Err(CheckpointError::Damaged { path, found, expected: expected.to_owned() }),
    }
}

impl Folder {
    /// The path and the bytes of a part, checked against its digest.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read<M>(&self, manifest: &Manifest<M>, part: Part) -> Result<(PathBuf, Vec<u8>), CheckpointError> {
        let (path, expected) = self.find(manifest, part)?;
        let bytes = files::read(&path)?;
        undamaged(path, files::sha256(&bytes), expected).map(|path| (path, bytes))
    }

    /// Opens a part of tensors, once its digest and its numbers are checked.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn tensors<M>(&self, manifest: &Manifest<M>, part: Part) -> Result<Stored, CheckpointError> {
        let (path, expected) = self.find(manifest, part)?;
        let stored = match Stored::open(&path) {
            Ok(stored) => stored,
            // a damaged file is called so, whatever its damage does to the reading
            Err(fault) => {
                undamaged(path.clone(), files::sha256_of(&path)?, expected)?;
                return Err(fault);
            }
        };
        let (found, numbers) = stored.examine()?;
        undamaged(path, found, expected)?;
        numbers.map(|()| stored)
    }

    /// Reads the checkpoint by its manifest, and again by the next one when a training has meanwhile put another checkpoint in its place:
    /// the files that the first manifest names are gone then, or others.
    ///
    /// # Errors
    /// Those of `read`, and [`CheckpointError`] of the manifest.
    pub fn read_by_manifest<M: DeserializeOwned, T, E: From<CheckpointError>>(
        &self,
        read: impl Fn(&Manifest<M>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut manifest = self.manifest()?;
        for _ in 1..MAX_READS {
            match read(&manifest) {
                Ok(value) => return Ok(value),
                Err(fault) => match self.manifest::<M>() {
                    Ok(next) if next.files != manifest.files => manifest = next,
                    _ => return Err(fault),
                },
            }
        }
        read(&manifest)
    }

    fn find<'a, M>(&self, manifest: &'a Manifest<M>, part: Part) -> Result<(PathBuf, &'a str), CheckpointError> {
        let missing = || CheckpointError::NoPart { path: self.path().to_owned(), part: part.name() };
        let entry = manifest.files.get(&part).ok_or_else(missing)?;
        let name = Path::new(&entry.file);
        if name.components().count() != 1 || name.file_name().is_none() {
            let fault = format!("the manifest names the file \"{}\" outside of the folder", entry.file);
            return Err(CheckpointError::Inconsistent { path: self.path().join(MANIFEST), fault });
        }
        Ok((self.path().join(name), &entry.sha256))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;
    use crate::checkpoint::Content;

    #[test]
    fn a_checkpoint_that_is_replaced_while_it_is_read_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        let write =
            |step| folder.write(step, (), vec![(Part::Model, Content::Bytes(step.to_string().into()))]).unwrap();
        write(1);
        let reads = Cell::new(0);
        let read_while = |replacements: usize| {
            reads.set(0);
            folder.read_by_manifest(|manifest: &Manifest<()>| {
                reads.set(reads.get() + 1);
                if reads.get() <= replacements {
                    write(manifest.step + 1);
                }
                folder.read(manifest, Part::Model).map(|(_, bytes)| (manifest.step, String::from_utf8(bytes).unwrap()))
            })
        };
        assert_eq!(read_while(3).unwrap(), (4, "4".to_owned()));
        assert_eq!(reads.get(), 4);
        let fault = read_while(usize::MAX).unwrap_err().to_string();
        assert!(fault.contains("cannot read") && reads.get() == MAX_READS, "{fault}");
        let standing = folder.manifest::<()>().unwrap();
        fs::remove_file(place.path().join(&standing.files[&Part::Model].file)).unwrap();
        assert!(read_while(0).is_err() && reads.get() == 1, "nothing else will come");
    }
}
