//! Opening a regular file by its own name: nothing that another user planted in a shared folder is followed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::FileError;
use super::durable::{flush_folder, make_folders};
use super::write::folder_of;

/// Refusal of a symbolic link where a file is written.
pub(super) const LINK: &str =
    "it is a symbolic link, which is not followed; hint: name the file that it leads to, or remove the link";

/// Opens a regular file. A symbolic link, a pipe or a device in its place is an error, and none of them is waited for.
///
/// # Errors
/// Those of the system, and [`io::ErrorKind::InvalidInput`] for anything but a regular file.
pub(super) fn open_plain(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, LINK));
    }
    // A link that is planted after the look above is not followed either.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file; hint: name a file")),
    }
}

/// Opens a regular file to lock it: for writing too where that is allowed, as some network file systems lock nothing else.
///
/// # Errors
/// As of [`open_plain`].
pub(super) fn open_to_lock(path: &Path) -> io::Result<File> {
    match open_plain(path, OpenOptions::new().read(true).write(true)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            open_plain(path, OpenOptions::new().read(true))
        }
        result => result,
    }
}

/// Opens a file that grows over several runs, for reading and writing; `None` when it is not there.
///
/// # Errors
/// [`FileError::Read`], also for a symbolic link.
pub fn open_grown(path: &Path) -> Result<Option<File>, FileError> {
    match open_plain(path, OpenOptions::new().read(true).write(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
        Ok(file) => Ok(Some(file)),
    }
}

/// Opens such a file, and makes it and its folder when they are not there.
///
/// # Errors
/// [`FileError::Write`], also for a symbolic link.
pub fn open_growing(path: &Path) -> Result<File, FileError> {
    let open = || {
        make_folders(folder_of(path))?;
        let file = open_plain(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        flush_folder(folder_of(path))?;
        Ok(file)
    };
    open().map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// True when `path` is the name of this open file, and not of another one by now.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(found)) => number(file) == number(found),
        _ => false,
    }
}

/// True when `path` is there: elsewhere than on Unix a file keeps its name while it is open.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_link_or_a_pipe_in_place_of_a_growing_file_is_refused_and_its_target_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("victim"), "precious").unwrap();
        symlink(path("victim"), path("link")).unwrap();
        symlink(path("gone"), path("dangling")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for name in ["link", "dangling", "pipe"] {
            let faults = [open_grown(&path(name)).unwrap_err(), open_growing(&path(name)).unwrap_err()];
            faults.iter().for_each(|fault| assert!(fault.to_string().contains("hint: name"), "{fault}"));
        }
        assert!(!path("gone").exists());
        assert_eq!(fs::read_to_string(path("victim")).unwrap(), "precious");
        assert!(open_grown(&path("new/file")).unwrap().is_none());
        assert!(is_at(&open_growing(&path("new/file")).unwrap(), &path("new/file")));
    }
}
