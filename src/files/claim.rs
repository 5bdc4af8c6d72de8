//! Claims: what a command will write is checked against what it reads, and locked before the work begins.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::FileError;
use super::durable::{make_folders, open_folder};
use super::hold::{LockFile, hold};
use super::leftovers::{lock_name, remove_leftovers};
use super::place::{is_same, place};
use super::plain::is_at;
use super::write::{check_writable, folder_of};

/// A place that a command writes to.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// A file.
    File(&'a Path),
    /// A folder, made when it is not there, and the names of files that are replaced in it.
    Folder(&'a Path, &'a [&'a str]),
    /// A folder that is not there yet and appears when it is whole.
    NewFolder(&'a Path),
}

impl Output<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path, _) | Self::NewFolder(path) => path,
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        !matches!(self, Self::File(_)) && path == self.path()
    }

    /// The files that are written, and the folder itself.
    fn written(&self) -> Vec<PathBuf> {
        let inside: &[&str] = if let Self::Folder(_, names) = self { names } else { &[] };
        inside.iter().map(|name| self.path().join(name)).chain([self.path().to_owned()]).collect()
    }
}

/// The outputs of a command, locked until this is dropped. Folders that were made for a lock and are still empty are removed then.
#[derive(Debug, Default)]
pub struct Claim {
    files: Vec<LockFile>,
    folders: Vec<File>,
    made: Vec<PathBuf>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.files.clear();
        self.made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Checks the outputs of a command as [`check_outputs`] does, and locks each: no other run writes there until the claim is dropped. Also removes
/// what killed runs left there.
///
/// # Errors
/// [`FileError::Busy`] when another run writes there, and those of [`check_outputs`].
pub fn claim(inputs: &[PathBuf], outputs: &[Output<'_>]) -> Result<Claim, FileError> {
    check_outputs(inputs, outputs)?;
    let mut claim = Claim::default();
    for output in outputs {
        claim.add(output)?;
    }
    Ok(claim)
}

impl Claim {
    fn add(&mut self, output: &Output<'_>) -> Result<(), FileError> {
        let path = output.path();
        let failed = |source| FileError::Write { path: path.to_owned(), source };
        let folder = if let Output::Folder(..) = output { path } else { folder_of(path) };
        loop {
            let mut made = make_folders(folder).map_err(failed)?;
            made.reverse();
            self.made.extend(made);
            remove_leftovers(folder);
            if !matches!(output, Output::Folder(..)) {
                let name = path.file_name().unwrap_or_default();
                self.files.push(LockFile::take(folder.join(lock_name(name)), path)?);
                return Ok(());
            }
            let file = open_folder(folder).map_err(failed)?;
            hold(&file, path)?;
            // The run that had it may have removed it in between.
            if folder.canonicalize().is_ok_and(|folder| is_at(&file, &folder)) {
                self.folders.push(file);
                return Ok(());
            }
        }
    }
}

/// Finds out before the work that every output can be written, and that none takes the place of another or of an input, nor lies in a folder
/// that is read as a whole, however the paths are spelled.
///
/// # Errors
/// [`FileError::Write`], [`FileError::OverInput`] and [`FileError::SamePlace`].
pub fn check_outputs(inputs: &[PathBuf], outputs: &[Output<'_>]) -> Result<(), FileError> {
    let read: Vec<(&PathBuf, PathBuf)> = inputs.iter().filter_map(|path| Some((path, place(path).ok()?))).collect();
    let mut taken: Vec<PathBuf> = Vec::new();
    for output in outputs {
        for path in output.written() {
            if !output.is_folder(&path) {
                check_writable(&path)?;
            }
            let written = place(&path)?;
            let lies_in =
                |place: &Path| !output.is_folder(&path) && place.is_dir() && is_same(folder_of(&written), place);
            let replaces = |place: &Path| is_same(&written, place) || lies_in(place);
            if let Some((input, _)) = read.iter().find(|(_, place)| replaces(place)) {
                return Err(FileError::OverInput { path, input: (*input).clone() });
            }
            if taken.iter().any(|other| is_same(other, &written)) {
                return Err(FileError::SamePlace { path });
            }
            taken.push(written);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(inputs: &[PathBuf], outputs: &[Output<'_>]) -> String {
        claim(inputs, outputs).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn an_output_is_claimed_by_one_run_at_a_time_and_nothing_is_left_behind() {
        let around = tempfile::tempdir().unwrap();
        let path = |name: &str| around.path().join(name);
        let (file, other, folder, new) = (path("a/b/file"), path("a/b/other"), path("a/c"), path("d/new"));
        let outputs = [Output::File(&file), Output::Folder(&folder, &[]), Output::NewFolder(&new)];
        let held = claim(&[], &outputs).unwrap();
        for output in outputs {
            let said = fault(&[], &[Output::File(&other), output]);
            assert!(said.contains("another run is writing to") && said.contains("hint: "), "{said}");
            assert!(said.contains(output.path().to_str().unwrap()), "{said}");
        }
        assert!(folder.is_dir() && !new.exists());
        drop(claim(&[], &[Output::File(&other)]).unwrap());
        drop(held);
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 0);
        drop(claim(&[], &outputs).unwrap());
    }

    #[test]
    fn a_folder_that_was_made_for_a_lock_stays_when_something_is_in_it() {
        let around = tempfile::tempdir().unwrap();
        let file = around.path().join("new/file");
        let held = claim(&[], &[Output::File(&file)]).unwrap();
        super::super::write(&file, b"1").unwrap();
        drop(held);
        let names: Vec<_> =
            fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["file"]);
    }

    #[test]
    fn no_output_takes_the_place_of_an_input_or_of_another_output() {
        let around = tempfile::tempdir().unwrap();
        let path = |name: &str| around.path().join(name);
        fs::create_dir(path("set")).unwrap();
        ["read", "set/a", "model"].iter().for_each(|name| fs::write(path(name), "precious").unwrap());
        fs::hard_link(path("read"), path("hard")).unwrap();
        let inputs = ["read", "set", "model", "gone"].map(path);
        for name in ["read", "./new/../read", "hard", "set/a", "set/new", "gone"] {
            let said = fault(&inputs, &[Output::File(&path(name))]);
            assert!(said.contains("this command reads") && said.contains("hint: "), "{name}: {said}");
        }
        assert!(fault(&inputs, &[Output::Folder(around.path(), &["model"])]).contains("this command reads"));
        let twice = [Output::File(&path("new/a")), Output::File(&path("new/deep/../a"))];
        assert!(fault(&inputs, &twice).contains("two outputs"));
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 4, "nothing is left behind");
        claim(&inputs, &[Output::Folder(around.path(), &["other"]), Output::File(&path("new"))]).unwrap();
    }
}
