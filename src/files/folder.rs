//! `NewFolder`: a folder that appears under its name only when it is whole.
//!
//! It is filled beside its place and renamed at the end. One that is dropped before is removed with all that is in it, and one whose program
//! was killed by the next that comes to its place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::FileError;
use super::durable::{flush_folder, make_folders};
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
            return Err(failed(io::Error::other("something stands there already; name a new folder")));
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
            let guard = File::open(folder.path())?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
