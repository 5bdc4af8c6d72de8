//! Writing: beside first, flushed to the disk, then renamed over the file, and the folder flushed, as else a loss of power may take the
//! new name back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::durable::{flush_folder, make_folders};
use super::leftovers::{guarded, remove_leftovers};
use super::plain::{LINK, open_plain};
use super::{FileError, hex};

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
    let mut sink = Sink::create(path)?;
    content(&mut sink)?;
    Ok(sink.seal()?)
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
        check_target(path).map_err(failed)?;
        keep_permissions(self.file.as_file(), path).map_err(failed)?;
        self.file.persist(path).map_err(|e| failed(e.error))?;
        flush_folder(folder_of(path)).map_err(failed)
    }
}

/// A file on its way; removed when it is dropped.
#[derive(Debug)]
pub struct Sink {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    digest: Sha256,
}

impl Sink {
    /// Begins a file that is to stand at `path`. The folder is made when it is not there.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        check_target(path).map_err(failed)?;
        make_folders(folder_of(path)).map_err(failed)?;
        let file = temporary(folder_of(path)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, digest: Sha256::new() })
    }

    /// Writes the next piece. Large pieces are as they come; many small ones are slow.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.digest.update(bytes);
        let failed = |source| FileError::Write { path: self.path.clone(), source };
        self.file.write_all(bytes).map_err(failed)
    }

    /// Takes back all that was written.
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn start_over(&mut self) -> Result<(), FileError> {
        self.digest = Sha256::new();
        let emptied = self.file.as_file().set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(|source| FileError::Write { path: self.path.clone(), source })
    }

    /// Flushes the whole file to the disk, and gives it its name.
    ///
    /// # Errors
    /// [`FileError::Write`]; what stood under the name still does.
    pub fn finish(self) -> Result<(), FileError> {
        let path = self.path.clone();
        self.seal()?.finish(&path)
    }

    fn seal(self) -> Result<Written, FileError> {
        let Self { path, file, digest } = self;
        file.as_file().sync_all().map_err(|source| FileError::Write { path, source })?;
        Ok(Written { file, sha256: hex(&digest.finalize()) })
    }
}

/// A new file in a folder that nobody else sees yet, for what grows and cannot be written in one step. The folder is made when it is not there.
///
/// # Errors
/// [`FileError::Write`], also when something stands there.
pub fn create(path: &Path) -> Result<File, FileError> {
    let create = || {
        make_folders(folder_of(path))?;
        OpenOptions::new().write(true).create_new(true).open(path)
    };
    create().map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Finds out before the work starts that `path` can be written, and leaves nothing behind, not even what a killed writer left there.
///
/// # Errors
/// [`FileError::Write`].
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    check_target(path).map_err(failed)?;
    match open_plain(path, OpenOptions::new().write(true)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // The nearest folder that is there; the others are made when there is something to put in.
    let mut folder = folder_of(path);
    while fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        folder = folder_of(folder);
    }
    remove_leftovers(folder);
    temporary(folder).map_err(failed)?;
    Ok(())
}

/// Refuses a path where no regular file can be put: a rename would replace whatever stands there.
fn check_target(path: &Path) -> io::Result<()> {
    // The streams of a process look like links to files; to replace those would leave the stream without its end.
    let folder = folder_of(path);
    if folder.canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) {
        return Err(no_file("it is a stream; hint: name a file"));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && folder == Path::new("/dev") => {
            Err(no_file("it is a stream; hint: name a file"))
        }
        Ok(found) if found.is_symlink() => Err(no_file(LINK)),
        Ok(found) if found.is_dir() => {
            Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; hint: name a file"))
        }
        Ok(found) if !found.is_file() => Err(no_file("it is a pipe or a device; hint: name a file")),
        _ if !ends_in_a_name(path) => Err(no_file("it ends without a file's name; hint: name a file")),
        _ => Ok(()),
    }
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
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_file() => file.set_permissions(found.permissions()),
        _ => Ok(()),
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
    fn a_file_that_starts_over_has_the_digest_of_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        write(&path, b"earlier").unwrap();
        let mut sink = Sink::create(&path).unwrap();
        sink.write(b"one and more").unwrap();
        sink.start_over().unwrap();
        sink.write(b"two").unwrap();
        assert_eq!(read_text(&path).unwrap(), "earlier");
        let written = sink.seal().unwrap();
        assert_eq!(written.sha256(), super::super::sha256(b"two"));
        written.finish(&path).unwrap();
        assert_eq!(read_text(&path).unwrap(), "two");
        drop(Sink::create(&path).unwrap());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "what did not come to its end leaves nothing behind"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_an_output_is_refused_and_its_target_stays() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write(&path("victim"), b"precious").unwrap();
        symlink(path("victim"), path("link")).unwrap();
        symlink(path("gone"), path("dangling")).unwrap();
        fs::create_dir(path("real")).unwrap();
        symlink(path("real"), path("folder")).unwrap();
        for name in ["link", "dangling"] {
            let faults = [check_writable(&path(name)), write(&path(name), b"new"), create(&path(name)).map(drop)];
            assert!(faults.iter().all(Result::is_err), "{name}");
            assert!(check_writable(&path(name)).unwrap_err().to_string().contains("hint: name the file"));
        }
        // planted while the file is on its way
        let sink = Sink::create(&path("later")).unwrap();
        symlink(path("victim"), path("later")).unwrap();
        assert!(sink.finish().is_err());
        write(&path("folder/file"), b"a folder's link is followed").unwrap();
        assert!(path("real/file").exists() && !path("gone").exists());
        assert_eq!(read_text(&path("victim")).unwrap(), "precious");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/null"), Path::new("/dev/stdout"), Path::new("/dev/fd/1")] {
            let fault = check_writable(path).unwrap_err().to_string();
            assert!(fault.contains("hint: name a file"), "{fault}");
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
