//! Folders that outlast a loss of power: a file's name is part of its folder, which has to be flushed too.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::write::folder_of;

/// Flushes what a folder says of its files to the disk.
///
/// # Errors
/// Those of the system. A file system that cannot flush a folder is taken as it is.
pub(super) fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match open_folder(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// Makes a folder and those above it, each flushed where it was made. Returns those that are new, the deepest first.
///
/// # Errors
/// Those of the system.
pub(super) fn make_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<PathBuf> = folder.ancestors().take_while(is_new).map(Path::to_owned).collect();
    fs::create_dir_all(folder)?;
    new.iter().rev().try_for_each(|folder| flush_folder(folder_of(folder)))?;
    Ok(new)
}

/// Opens a folder, to lock it. Elsewhere than on Unix a folder cannot be opened as a file; what is opened there locks nothing.
///
/// # Errors
/// Those of the system.
pub(super) fn open_folder(folder: &Path) -> io::Result<File> {
    if cfg!(unix) { File::open(folder) } else { tempfile::tempfile() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_all_the_way_and_a_second_time_changes_nothing() {
        let around = tempfile::tempdir().unwrap();
        let deep = around.path().join("a/b/c");
        assert_eq!(make_folders(&deep).unwrap().len(), 3);
        assert!(make_folders(&deep).unwrap().is_empty());
        assert!(deep.is_dir());
        assert!(flush_folder(&around.path().join("gone")).is_err());
        fs::write(around.path().join("file"), "").unwrap();
        assert!(make_folders(&around.path().join("file/below")).is_err());
    }
}
