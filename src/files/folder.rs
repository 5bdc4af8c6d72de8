//! `NewFolder`: a folder that appears under its name only when it is whole; and `Scratch`, one that never gets a name.
//!
//! It is filled beside its place and renamed at the end. One that is dropped before is removed with all that is in it, and one whose program
//! was killed by the next that comes to its place.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::FileError;
use super::durable::{flush_folder, make_folders, open_folder};
use super::leftovers::{guarded, remove_leftovers};

/// A folder on its way.
#[derive(Debug)]
pub struct NewFolder {
    beside: TempDir,
    /// Held while it is filled.
    guard: File,
    place: PathBuf,
}

impl NewFolder {
    /// An empty folder beside `place`. The folders above are made when they are not there.
    ///
    /// # Errors
    /// [`FileError::Write`], also when something stands at `place` already.
    pub fn begin(place: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: place.to_owned(), source };
        if fs::symlink_metadata(place).is_ok() {
            return Err(failed(io::Error::other("something stands there already; hint: name a new folder")));
        }
        let place = std::path::absolute(place).map_err(failed)?;
        let failed = |source| FileError::Write { path: place.clone(), source };
        let above = place.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        make_folders(above).map_err(failed)?;
        remove_leftovers(above);
        let made = guarded(|builder| {
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
            let folder = builder.tempdir_in(above)?;
            let guard = open_folder(folder.path())?;
            Ok((folder, guard))
        });
        let (beside, guard) = made.map_err(failed)?;
        Ok(Self { beside, guard, place })
    }

    /// Where it is filled.
    pub fn path(&self) -> &Path {
        self.beside.path()
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`FileError::Write`]; the folder is then removed.
    pub fn finish(self) -> Result<(), FileError> {
        let Self { beside, guard, place } = self;
        let failed = |source| FileError::Write { path: place.clone(), source };
        flush_folder(beside.path()).map_err(failed)?;
        fs::rename(beside.path(), &place).map_err(failed)?;
        drop((beside.keep(), guard));
        flush_folder(place.parent().expect("it was made in a folder")).map_err(failed)
    }
}

/// An empty folder in the system's folder for temporary files, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _guard: File,
}

impl Scratch {
    /// Makes one, and removes what killed programs left there.
    ///
    /// # Errors
    /// [`FileError::NoScratch`].
    pub fn new() -> Result<Self, FileError> {
        Self::new_in(&env::temp_dir())
    }

    fn new_in(place: &Path) -> Result<Self, FileError> {
        remove_leftovers(place);
        let made = guarded(|builder| {
            let folder = builder.tempdir_in(place)?;
            let guard = open_folder(folder.path())?;
            Ok((folder, guard))
        });
        let (folder, guard) = made.map_err(|source| FileError::NoScratch { path: place.to_owned(), source })?;
        Ok(Self { folder, _guard: guard })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_is_removed_and_a_place_without_one_is_named() {
        let around = tempfile::tempdir().unwrap();
        fs::create_dir(around.path().join(".trm-arc-tmp-12-abcdefABCD12")).unwrap();
        let scratch = Scratch::new_in(around.path()).unwrap();
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1, "what a killed one left is gone");
        fs::write(scratch.path().join("a"), "1").unwrap();
        remove_leftovers(around.path());
        assert!(scratch.path().join("a").exists(), "it is in use");
        drop(scratch);
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 0);
        let fault = Scratch::new_in(&around.path().join("gone")).unwrap_err().to_string();
        assert!(fault.contains("gone") && fault.contains("TMPDIR"), "{fault}");
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let around = tempfile::tempdir().unwrap();
        let place = around.path().join("deep/new");
        let folder = NewFolder::begin(&place).unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        assert!(!place.exists());
        drop(folder);
        assert_eq!(fs::read_dir(around.path().join("deep")).unwrap().count(), 0);
        let folder = NewFolder::begin(&place).unwrap();
        fs::write(folder.path().join("a"), "2").unwrap();
        folder.finish().unwrap();
        assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "2");
        assert_eq!(fs::read_dir(around.path().join("deep")).unwrap().count(), 1);
        assert!(NewFolder::begin(&place).unwrap_err().to_string().contains("name a new folder"));
    }
}
