//! Named float32 tensors in a safetensors file, read with a report: nothing missing, unused or of another shape goes unsaid.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use super::numbers;
use crate::files::{self, FileError};
use crate::names;

/// Missing tensors that a nearest name is looked for.
const HINTS: usize = 20;

/// What can be wrong with a checkpoint.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// A file could not be read or written, or its text is not in its format.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder without a manifest.
    #[error("{0} is no checkpoint: there is no manifest.json in it; `trm-arc train RECIPE --output {0}` makes one")]
    NoManifest(PathBuf),
    /// A file that is not what the manifest says.
    #[error(
        "{path} is damaged: its SHA-256 is {found} and not {expected} as the manifest has it; copy the checkpoint again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it was.
        expected: String,
    },
    /// A file that is cut off or no safetensors file.
    #[error("{path} is no whole safetensors file: {fault}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A number that cannot be computed with.
    #[error(
        "{path}: number {place} of tensor {tensor} is {value}, and a checkpoint holds finite numbers up to {most:e}; hint: the training has \
         diverged or the file is damaged: take an earlier checkpoint, or train with a lower learning rate",
        most = numbers::MAX_MAGNITUDE
    )]
    Number {
        /// The file or folder.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
        /// Place in row order, from 0.
        place: usize,
        /// The number.
        value: f32,
    },
    /// Stopped on the way, as it was told to.
    #[error("interrupted")]
    Stopped,
    /// A file of torch.save that cannot be read.
    #[error("{path} cannot be read as a file of torch.save: {fault}")]
    Torch {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Tensors that are not the model's.
    #[error("{path} does not fit the model: {report}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is missing, mismatched and unused.
        report: Box<LoadReport>,
    },
    /// A part that this checkpoint does not have.
    #[error("{path} has no {part}: it can be solved with, but a training cannot go on from it")]
    NoPart {
        /// The folder.
        path: PathBuf,
        /// The part.
        part: &'static str,
    },
    /// Anything else that the manifest and the files say of each other.
    #[error("{path}: {fault}")]
    Inconsistent {
        /// The folder or file.
        path: PathBuf,
        /// What does not fit.
        fault: String,
    },
}

/// How the tensors of a file fit those that a model needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Tensors of the right name, type and shape.
    pub applied: usize,
    /// Tensors that the model needs and the file has not, each with the nearest name that it has.
    pub missing: Vec<String>,
    /// Tensors of another type or shape, each with both.
    pub mismatched: Vec<String>,
    /// Tensors that the model has no place for.
    pub unused: Vec<String>,
}

impl LoadReport {
    /// Says how tensors of these names and shapes fit those that are needed; nothing goes unsaid.
    pub fn of(found: &BTreeMap<&str, &[usize]>, needed: &[(String, Vec<usize>)]) -> Self {
        let mut report = Self::default();
        let known: HashSet<&str> = needed.iter().map(|(name, _)| name.as_str()).collect();
        for (name, shape) in needed {
            match found.get(name.as_str()) {
                None => {
                    let unneeded = || found.keys().copied().filter(|name| !known.contains(name));
                    let hint = if report.missing.len() < HINTS { names::hint(name, unneeded()) } else { String::new() };
                    report.missing.push(format!("{name}{hint}"));
                }
                Some(found) if found != shape => {
                    report.mismatched.push(format!("{name} is {found:?} and not {shape:?}"));
                }
                Some(_) => report.applied += 1,
            }
        }
        report.unused = found.keys().filter(|name| !known.contains(**name)).map(|name| (*name).to_owned()).collect();
        report
    }

    /// Nothing when every tensor has its place.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] with this report on the file at `path`.
    pub fn or_unfit(self, path: &Path) -> Result<(), CheckpointError> {
        if self.fits() { Ok(()) } else { Err(CheckpointError::Unfit { path: path.to_owned(), report: self.into() }) }
    }

    /// True when every tensor has its place.
    pub fn fits(&self) -> bool {
        self.missing.is_empty() && self.mismatched.is_empty() && self.unused.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors fit", self.applied)?;
        for (what, names) in [("missing", &self.missing), ("mismatched", &self.mismatched), ("unused", &self.unused)] {
            if !names.is_empty() {
                // they come from a file, and an error is one line
                write!(f, "; {what}: {}", names::shown(&names.join(", ")).replace('\n', "\\n"))?;
            }
        }
        Ok(())
    }
}

/// The head of a safetensors file of float32 tensors that follow in this order, for what is too large to be held.
pub fn header(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut entries = serde_json::Map::new();
    let mut start = 0;
    for (name, shape) in tensors {
        let end = start + size_of::<f32>() * shape.iter().product::<usize>();
        entries.insert(name.clone(), serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}));
        start = end;
    }
    let mut text = serde_json::Value::Object(entries).to_string();
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// Numbers as a safetensors file has them.
pub fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Named float32 tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors {
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Tensors {
    /// Puts a tensor in.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "a tensor has as many numbers as its shape");
        self.tensors.insert(name.into(), (shape.to_vec(), values));
    }

    /// Makes sure that these are the tensors that are needed, all of them and no others.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] with the whole report.
    pub fn check(&self, needed: &[(String, Vec<usize>)]) -> Result<(), CheckpointError> {
        let shapes = self.tensors.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice()));
        LoadReport::of(&shapes.collect(), needed).or_unfit(&self.path)
    }

    /// Checks that every number can be computed with; `path` is for the error.
    ///
    /// # Errors
    /// [`CheckpointError::Number`].
    pub fn check_numbers(&self, path: &Path) -> Result<(), CheckpointError> {
        self.tensors.iter().try_for_each(|(name, (_, values))| numbers::check(path, name, 0, values))
    }

    /// Takes the values of a tensor out; it must have passed the [`check`](Self::check).
    pub fn take(&mut self, name: &str) -> Vec<f32> {
        self.tensors.remove(name).unwrap_or_else(|| panic!("tensor {name} was not checked before it was taken")).1
    }

    /// The file's bytes, tensors in the order of their names.
    pub fn to_bytes(&self) -> Vec<u8> {
        let raw: Vec<(&String, &Vec<usize>, Vec<u8>)> =
            self.tensors.iter().map(|(name, (shape, values))| (name, shape, to_bytes(values))).collect();
        let views = raw.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, (*shape).clone(), bytes);
            (*name, view.expect("the bytes of a tensor fit its shape"))
        });
        safetensors::serialize(views, None).expect("named float32 tensors can be written")
    }

    /// Reads a file's bytes; `path` is for the errors.
    ///
    /// # Errors
    /// [`CheckpointError::Broken`], also for another number type than float32, and [`CheckpointError::Number`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let broken = |fault: String| CheckpointError::Broken { path: path.to_owned(), fault };
        let file = SafeTensors::deserialize(bytes).map_err(|e| broken(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(broken(format!("tensor {name} is {:?} and not F32", view.dtype())));
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            tensors.insert(name, (view.shape().to_vec(), values.collect()));
        }
        let read = Self { path: path.to_owned(), tensors };
        read.check_numbers(path)?;
        Ok(read)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_bytes(path, &files::read(path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Tensors {
        let mut tensors = Tensors::default();
        tensors.insert("H_init", &[2], vec![1.0, -0.5]);
        tensors.insert("lm_head.weight", &[2, 1], vec![f32::MIN_POSITIVE, 3.0]);
        tensors
    }

    fn needed(names: [(&str, &[usize]); 2]) -> Vec<(String, Vec<usize>)> {
        names.map(|(name, shape)| (name.to_owned(), shape.to_vec())).to_vec()
    }

    #[test]
    fn tensors_come_back_bit_for_bit() {
        let mut back = Tensors::from_bytes(Path::new(""), &some().to_bytes()).unwrap();
        assert_eq!(back, some());
        back.check(&needed([("H_init", &[2]), ("lm_head.weight", &[2, 1])])).unwrap();
        assert_eq!(back.take("H_init"), [1.0, -0.5]);
    }

    #[test]
    fn a_head_and_its_numbers_are_a_file() {
        let tensors = [("b".to_owned(), vec![2, 1]), ("a".to_owned(), vec![1])];
        let bytes = [header(&tensors), to_bytes(&[1.0, 2.0, 3.0])].concat();
        let mut back = Tensors::from_bytes(Path::new(""), &bytes).unwrap();
        back.check(&tensors).unwrap();
        assert_eq!((back.take("a"), back.take("b")), (vec![3.0], vec![1.0, 2.0]));
    }

    #[test]
    fn a_file_that_does_not_fit_is_reported_whole() {
        let path = Path::new("model.safetensors");
        let bytes = some().to_bytes();
        let cut = Tensors::from_bytes(path, &bytes[..bytes.len() - 1]).unwrap_err().to_string();
        assert!(cut.contains("model.safetensors is no whole"), "{cut}");
        let back = Tensors::from_bytes(path, &bytes).unwrap();
        let report = back.check(&needed([("H_init", &[3]), ("lm_haed.weight", &[2, 1])])).unwrap_err().to_string();
        for part in [
            "0 tensors fit",
            "missing: lm_haed.weight; did you mean \"lm_head.weight\"?",
            "mismatched: H_init is [2] and not [3]",
            "unused: lm_head.weight",
        ] {
            assert!(report.contains(part), "{report}");
        }
        let unused = LoadReport { unused: vec!["a\n\u{202e}b".to_owned()], ..LoadReport::default() }.to_string();
        assert_eq!(unused, "0 tensors fit; unused: a\\n\\u{202e}b");
    }
}
