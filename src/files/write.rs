//! Writing: beside first, flushed to the disk, then renamed over the file, and the folder flushed, as else a loss of power may take the
//! new name back.
//!
//! What bites: a rename replaces whatever stands under the name. So a symbolic link is followed and its target replaced,
//! and what is no file (a pipe, a device, a stream of the process) is refused before the work starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::durable::{flush_folder, make_folders};
use super::leftovers::{guarded, remove_leftovers};
use super::{FileError, hex};

/// Symbolic links that are followed one after another before they are taken for a circle.
const MOST_LINKS: usize = 40;

/// Writes a file in one step: beside it first, flushed to the disk, then renamed over it. A file that was there keeps its
/// permissions, a new one has the usual ones. The folder is made when it is not there.
///
/// # Errors
/// [`FileError::Write`]; the file is then as it was before.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |sink| sink.write(bytes)).map(drop)
}

/// The same for what is too large to be held: `content` writes it piece by piece. Returns the SHA-256 of all of them.
///
/// # Errors
/// [`FileError::Write`] or whatever `content` says; the file is then as it was before.
pub fn write_with<E: From<FileError>>(
    path: &Path,
    content: impl FnOnce(&mut Sink) -> Result<(), E>,
) -> Result<String, E> {
    let written = write_beside(path, content)?;
    let sha256 = written.sha256.clone();
    written.finish(path)?;
    Ok(sha256)
}

/// The first half of it: what is to stand at `path` or beside it is whole and flushed, under no name yet.
///
/// # Errors
/// As of [`write_with`].
pub fn write_beside<E: From<FileError>>(
    path: &Path,
    content: impl FnOnce(&mut Sink) -> Result<(), E>,
) -> Result<Written, E> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let target = target(path).map_err(failed)?;
    let folder = folder_of(&target);
    make_folders(folder).map_err(failed)?;
    let mut sink = Sink { path: path.to_owned(), file: temporary(folder).map_err(failed)?, digest: Sha256::new() };
    content(&mut sink)?;
    let Sink { file, digest, .. } = sink;
    file.as_file().sync_all().map_err(failed)?;
    Ok(Written { file, sha256: hex(&digest.finalize()) })
}

/// A whole file without a name; removed when it is dropped.
#[derive(Debug)]
pub struct Written {
    file: tempfile::NamedTempFile,
    sha256: String,
}

impl Written {
    /// SHA-256 of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Gives it its name, in the folder that it was written for.
    ///
    /// # Errors
    /// [`FileError::Write`]; what stood under the name still does.
    pub fn finish(self, path: &Path) -> Result<(), FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        let target = target(path).map_err(failed)?;
        keep_permissions(self.file.as_file(), &target).map_err(failed)?;
        self.file.persist(&target).map_err(|e| failed(e.error))?;
        flush_folder(folder_of(&target)).map_err(failed)
    }
}

/// A file on its way.
#[derive(Debug)]
pub struct Sink {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    digest: Sha256,
}

impl Sink {
    /// Writes the next piece. Large pieces are as they come; many small ones are slow.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.digest.update(bytes);
        let failed = |source| FileError::Write { path: self.path.clone(), source };
        self.file.write_all(bytes).map_err(failed)
    }
}

/// An empty file, for what grows and cannot be written in one step, and where it lies. The folder is made when it is not there.
///
/// # Errors
/// [`FileError::Write`].
pub fn create(path: &Path) -> Result<(PathBuf, File), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let target = target(path).map_err(failed)?;
    make_folders(folder_of(&target)).map_err(failed)?;
    let file = File::create(&target).map_err(failed)?;
    Ok((target, file))
}

/// Makes the folder that a file is to lie in, when it is not there.
///
/// # Errors
/// [`FileError::Write`].
pub fn make_room_for(path: &Path) -> Result<(), FileError> {
    make_folders(folder_of(path)).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Finds out before the work starts that `path` can be written, and leaves nothing behind, not even what a killed writer left there.
///
/// # Errors
/// [`FileError::Write`].
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let target = target(path).map_err(failed)?;
    if target.exists() {
        OpenOptions::new().write(true).open(&target).map_err(failed)?;
    }
    // The nearest folder that is there; the others are made when there is something to put in.
    let mut folder = folder_of(&target);
    while fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        folder = folder_of(folder);
    }
    remove_leftovers(folder);
    temporary(folder).map_err(failed)?;
    Ok(())
}

/// Where a path leads: one and the same for all ways to spell it, also when nothing is there yet.
///
/// # Errors
/// [`FileError::Write`] when it cannot be a file.
pub fn place(path: &Path) -> Result<PathBuf, FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let target = std::path::absolute(target(path).map_err(failed)?).map_err(failed)?;
    let there = target.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let (ancestor, mut place) = there.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    for component in target.strip_prefix(ancestor).expect("an ancestor is a prefix").components() {
        match component {
            Component::ParentDir => drop(place.pop()),
            other => place.push(other),
        }
    }
    Ok(place)
}

/// The path itself, or what its symbolic links lead to; an error when no file can be there.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        // The streams of a process look like links to files; to replace those would leave the stream without its end.
        if folder_of(&target).canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) {
            return Err(no_file("it is a stream; name a file"));
        }
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_symlink() => target = folder_of(&target).join(fs::read_link(&target)?),
            Ok(found) if found.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file"));
            }
            Ok(found) if !found.is_file() => return Err(no_file("it is a pipe or a device; name a file")),
            _ if !ends_in_a_name(&target) => return Err(no_file("it ends without a file's name; name a file")),
            _ => return Ok(target),
        }
    }
    Err(no_file("its symbolic links go round in a circle"))
}

/// False for `..` and for what ends with a separator.
fn ends_in_a_name(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last().copied();
    path.file_name().is_some() && !last.is_some_and(|byte| std::path::is_separator(byte.into()))
}

fn no_file(fault: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, fault)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file without a lasting name, removed when it is dropped, with the permissions that new files have.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    guarded(|builder| {
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        let guard = file.as_file().try_clone()?;
        Ok((file, guard))
    })
    .map(|(file, _)| file)
}

/// Gives a file the permissions of the one that it will replace.
fn keep_permissions(file: &File, target: &Path) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(found) => file.set_permissions(found.permissions()),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_text;
    use super::*;

    #[test]
    fn writing_replaces_the_whole_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/result.json");
        write(&path, b"a long first text").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(read_text(&path).unwrap(), "short");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("taken"), b"").unwrap();
        let error = check_writable(&folder.path().join("taken/submission.json")).unwrap_err().to_string();
        assert!(error.contains("taken/submission.json"), "{error}");
        assert!(check_writable(&folder.path().join("taken/deeper/submission.json")).is_err());
        assert!(check_writable(folder.path()).is_err());
    }

    #[test]
    fn checking_leaves_no_folder_and_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("new/deep/submission.json")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let plain = place(&folder.path().join("new/a.json")).unwrap();
        assert_eq!(place(&folder.path().join("./new/../new/./a.json")).unwrap(), plain);
        assert_ne!(place(&folder.path().join("a.json")).unwrap(), plain);
        assert_eq!(place(Path::new("a.json")).unwrap(), place(Path::new("./src/../a.json")).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_target_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (link, end) = (folder.path().join("link.json"), folder.path().join("elsewhere/end.json"));
        std::os::unix::fs::symlink("elsewhere/end.json", &link).unwrap();
        write(&link, b"first").unwrap();
        write(&link, b"second").unwrap();
        assert!(link.is_symlink());
        assert_eq!(read_text(&end).unwrap(), "second");
        assert_eq!(place(&link).unwrap(), place(&end).unwrap());
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::os::unix::fs::symlink("a", &b).unwrap();
        std::os::unix::fs::symlink("b", &a).unwrap();
        assert!(check_writable(&a).unwrap_err().to_string().contains("circle"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/null"), Path::new("/dev/stdout"), Path::new("/dev/fd/1")] {
            assert!(check_writable(path).is_err(), "{}", path.display());
        }
        // Only here: on a day when this test fails, the machine should keep its devices.
        assert!(write(&pipe, b"").is_err());
        assert!(!fs::symlink_metadata(pipe).unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (kept, new, usual) = (folder.path().join("kept"), folder.path().join("new"), folder.path().join("usual"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        File::create(&usual).unwrap();
        write(&kept, b"1").unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
        write(&kept, b"2").unwrap();
        write(&new, b"1").unwrap();
        assert_eq!((mode(&kept), mode(&new)), (0o640, mode(&usual)));
    }
}
