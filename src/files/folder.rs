//! `NewFolder`: a folder that appears under its name only when it is whole.
//!
//! It is filled beside its place and renamed at the end. One that is dropped before is removed with all that is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::FileError;

/// A folder on its way.
#[derive(Debug)]
pub struct NewFolder {
    beside: TempDir,
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
        fs::create_dir_all(above).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".trm-arc-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let beside = builder.tempdir_in(above).map_err(failed)?;
        Ok(Self { beside, place })
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
        let Self { beside, place } = self;
        fs::rename(beside.path(), &place).map_err(|source| FileError::Write { path: place, source })?;
        let _ = beside.keep();
        Ok(())
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
