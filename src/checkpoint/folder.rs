//! `Folder`: the files of a checkpoint and the manifest that makes them one.
//!
//! What bites: the manifest is what a checkpoint is. Until a new one stands, no file that the standing one names is touched, so that the
//! program may be killed, or the power fail, between any two steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{CheckpointError, Content, Part};
use crate::files;

/// Name of the file that makes a folder a checkpoint.
pub const MANIFEST: &str = "manifest.json";

/// The version of the layout that this program writes and reads.
const FORMAT: u32 = 1;

/// A file of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) sha256: String,
}

/// What a checkpoint is. `M` is what its owner says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest<M> {
    format: u32,
    /// The program that wrote it.
    pub program: String,
    /// Optimizer steps so far.
    pub step: usize,
    /// What its owner says of it.
    pub about: M,
    pub(super) files: BTreeMap<Part, Entry>,
}

/// What of a manifest says whether the rest can be read.
#[derive(Deserialize)]
struct Layout {
    #[serde(default)]
    format: Option<Box<RawValue>>,
}

impl<M> Manifest<M> {
    /// One digest for the whole: that of the digests of model and identifiers.
    pub fn digest(&self) -> String {
        let parts = [Part::Model, Part::Identifiers];
        let digests: String = parts.iter().filter_map(|part| Some(self.files.get(part)?.sha256.as_str())).collect();
        files::sha256(digests.as_bytes())
    }
}

/// A checkpoint's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The checkpoint at `path`, there or not.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True when a checkpoint stands there.
    pub fn exists(&self) -> bool {
        self.path.join(MANIFEST).is_file()
    }

    /// Returns the files that make up the checkpoint: the manifest, and what it names where it can be read.
    pub fn files(&self) -> Vec<PathBuf> {
        let parts = self.standing().into_values().map(|entry| self.path.join(entry.file));
        [self.path.join(MANIFEST)].into_iter().chain(parts).collect()
    }

    /// The manifest.
    ///
    /// # Errors
    /// [`CheckpointError`], also for a layout of another version.
    pub fn manifest<M: DeserializeOwned>(&self) -> Result<Manifest<M>, CheckpointError> {
        let path = self.path.join(MANIFEST);
        if self.path.is_file() {
            return Err(CheckpointError::File(files::format_error(&self.path, "a checkpoint is a folder; name that")));
        }
        if !path.exists() {
            return Err(CheckpointError::NoManifest(self.path.clone()));
        }
        let Layout { format } = files::read_json(&path)?;
        let format: serde_json::Number =
            format.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or(0.into());
        if format.as_u64() != Some(u64::from(FORMAT)) {
            let fault = format!("layout {format} is not the {FORMAT} that this program reads");
            return Err(CheckpointError::Inconsistent { path, fault });
        }
        Ok(files::read_json(&path)?)
    }

    /// Writes a whole checkpoint: its files, then the manifest, then the files that no manifest names any more are removed.
    ///
    /// # Errors
    /// [`CheckpointError::File`]; the checkpoint that stood there before still does.
    pub fn write<M: Serialize>(
        &self,
        step: usize,
        about: M,
        parts: Vec<(Part, Content<'_>)>,
    ) -> Result<(), CheckpointError> {
        files::remove_leftovers(&self.path);
        let standing = self.standing();
        let mut entries = BTreeMap::new();
        for (part, content) in parts {
            entries.insert(part, self.write_part(part, step, content, &standing)?);
        }
        let program = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let manifest = Manifest { format: FORMAT, program, step, about, files: entries };
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data") + "\n";
        files::write(&self.path.join(MANIFEST), text.as_bytes())?;
        self.remove_old(&manifest.files);
        Ok(())
    }

    /// The files of the manifest that stands; none where it is none of ours.
    fn standing(&self) -> BTreeMap<Part, Entry> {
        self.manifest::<serde::de::IgnoredAny>().map_or_else(|_| BTreeMap::new(), |manifest| manifest.files)
    }

    /// Writes a part under a name that the standing manifest does not use. A file of it that is the same already stays as it is.
    fn write_part(
        &self,
        part: Part,
        step: usize,
        content: Content<'_>,
        standing: &BTreeMap<Part, Entry>,
    ) -> Result<Entry, CheckpointError> {
        let is_free = |name: &String| standing.values().all(|entry| entry.file != *name);
        let file = part.file_names(step).find(is_free).expect("a manifest names a few files");
        let path = self.path.join(&file);
        let written = files::write_beside(&path, |sink| match content {
            Content::Bytes(bytes) => Ok(sink.write(&bytes)?),
            Content::Pieces(write) => write(sink),
        })?;
        let is_same = |entry: &&Entry| {
            entry.sha256 == written.sha256()
                && files::sha256_of(&self.path.join(&entry.file)).is_ok_and(|found| found == entry.sha256)
        };
        if let Some(entry) = standing.get(&part).filter(is_same) {
            return Ok(entry.clone());
        }
        let sha256 = written.sha256().to_owned();
        written.finish(&path)?;
        Ok(Entry { file, sha256 })
    }

    /// Removes files of earlier checkpoints. One that cannot be removed costs space and no more.
    fn remove_old(&self, kept: &BTreeMap<Part, Entry>) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if Part::is_name(&name) && !kept.values().any(|entry| entry.file == name) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Tensors;

    #[test]
    fn a_new_checkpoint_replaces_the_old_one_whole() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(&place.path().join("run"));
        assert!(matches!(folder.manifest::<String>(), Err(CheckpointError::NoManifest(_))));
        let parts = |text: &str| {
            let names = Content::Bytes(b"<blank>\n".to_vec());
            vec![(Part::Model, Content::Bytes(text.into())), (Part::Identifiers, names)]
        };
        folder.write(1, "first".to_owned(), parts("one")).unwrap();
        folder.write(2, "second".to_owned(), parts("two")).unwrap();
        let manifest = folder.manifest::<String>().unwrap();
        assert_eq!((manifest.step, manifest.about.as_str()), (2, "second"));
        assert_eq!(folder.read(&manifest, Part::Model).unwrap().1, b"two");
        assert!(!folder.path().join("model-000001.safetensors").exists());
        let missing = folder.read(&manifest, Part::State).unwrap_err().to_string();
        assert!(missing.contains("no training state"), "{missing}");
    }

    #[test]
    fn no_file_of_the_standing_checkpoint_is_written_over_before_the_next_stands() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        let parts = |model: &str, names: &str| {
            let content = |text: &str| Content::Bytes(text.into());
            vec![(Part::Identifiers, content(names)), (Part::Model, content(model))]
        };
        folder.write(5, (), parts("one", "a\n")).unwrap();
        // at the same step again, and cut off between two files
        let mut cut = parts("two", "a\nb\n");
        let fault = || CheckpointError::NoManifest("cut off".into());
        cut.push((Part::State, Content::Pieces(Box::new(move |_| Err(fault())))));
        assert!(folder.write(5, (), cut).is_err());
        let read = |part| {
            let manifest = folder.manifest::<()>().unwrap();
            String::from_utf8(folder.read(&manifest, part).unwrap().1).unwrap()
        };
        assert_eq!((read(Part::Model), read(Part::Identifiers)), ("one".into(), "a\n".into()));
        folder.write(5, (), parts("two", "a\n")).unwrap();
        assert_eq!((read(Part::Model), read(Part::Identifiers)), ("two".into(), "a\n".into()));
        let mut names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["identifiers.txt", "manifest.json", "model-000005.2.safetensors"]);
    }

    #[test]
    fn a_layout_of_another_version_says_so_whatever_else_it_holds() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("manifest.json"), r#"{"format": 2, "new": true}"#).unwrap();
        let error = Folder::new(place.path()).manifest::<()>().unwrap_err().to_string();
        assert!(error.contains("layout 2 is not the 1"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_found_by_its_digest() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        let mut tensors = Tensors::default();
        tensors.insert("a", &[2], vec![1.0, f32::NAN]);
        let bytes = tensors.to_bytes();
        folder.write(3, (), vec![(Part::Model, Content::Bytes(bytes.clone()))]).unwrap();
        let manifest = folder.manifest::<()>().unwrap();
        let fault = || folder.tensors(&manifest, Part::Model).unwrap_err().to_string();
        assert!(fault().contains("number 1 of tensor a is NaN"), "{}", fault());
        // cut off, and no NaN any more: damage is said before all that follows from it
        for damaged in [bytes[..bytes.len() - 1].to_vec(), [&bytes[..bytes.len() - 4], &[0; 4]].concat()] {
            fs::write(place.path().join("model-000003.safetensors"), damaged).unwrap();
            let error = folder.read(&manifest, Part::Model).unwrap_err().to_string();
            assert!(error.contains("model-000003.safetensors is damaged"), "{error}");
            assert_eq!(fault(), error);
        }
    }
}
