//! Named float32 tensors in a safetensors file, read with a report: nothing missing, unused or of another shape goes unsaid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use crate::files::{self, FileError};
use crate::names;

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
    /// A tensor that is not there.
    #[error("{path}: tensor {name} is missing{hint}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The nearest name.
        hint: String,
    },
    /// A tensor of another shape or number type.
    #[error("{path}: tensor {name} is {found}, the model needs {expected}")]
    Mismatched {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// What was needed.
        expected: String,
    },
    /// Tensors that nothing asked for.
    #[error("{path}: the model has no place for {}", .names.join(", "))]
    Unused {
        /// The file.
        path: PathBuf,
        /// The tensors.
        names: Vec<String>,
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

    /// Takes a tensor of this shape out.
    ///
    /// # Errors
    /// [`CheckpointError::Missing`] or [`CheckpointError::Mismatched`].
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let (found, values) = self.take_any(name)?;
        if found != shape {
            let (path, name) = (self.path.clone(), name.to_owned());
            let (found, expected) = (format!("{found:?}"), format!("{shape:?}"));
            return Err(CheckpointError::Mismatched { path, name, found, expected });
        }
        Ok(values)
    }

    /// Takes a tensor of any shape out.
    ///
    /// # Errors
    /// [`CheckpointError::Missing`].
    pub fn take_any(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), CheckpointError> {
        self.tensors.remove(name).ok_or_else(|| CheckpointError::Missing {
            path: self.path.clone(),
            name: name.to_owned(),
            hint: names::hint(name, self.tensors.keys().map(String::as_str)),
        })
    }

    /// Says that everything was taken.
    ///
    /// # Errors
    /// [`CheckpointError::Unused`].
    pub fn finish(self) -> Result<(), CheckpointError> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        Err(CheckpointError::Unused { path: self.path, names: self.tensors.into_keys().collect() })
    }

    /// The file's bytes, tensors in the order of their names.
    pub fn to_bytes(&self) -> Vec<u8> {
        let raw: Vec<(&String, &Vec<usize>, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            .collect();
        let views = raw.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, (*shape).clone(), bytes);
            (*name, view.expect("the bytes of a tensor fit its shape"))
        });
        safetensors::serialize(views, None).expect("named float32 tensors can be written")
    }

    /// Reads a file's bytes; `path` is for the errors.
    ///
    /// # Errors
    /// [`CheckpointError::Broken`] or [`CheckpointError::Mismatched`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let broken = |fault: String| CheckpointError::Broken { path: path.to_owned(), fault };
        let file = SafeTensors::deserialize(bytes).map_err(|e| broken(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                let (found, expected) = (format!("{:?} {:?}", view.dtype(), view.shape()), "F32".to_owned());
                return Err(CheckpointError::Mismatched { path: path.to_owned(), name, found, expected });
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            tensors.insert(name, (view.shape().to_vec(), values.collect()));
        }
        Ok(Self { path: path.to_owned(), tensors })
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

    #[test]
    fn tensors_come_back_bit_for_bit() {
        let mut back = Tensors::from_bytes(Path::new(""), &some().to_bytes()).unwrap();
        assert_eq!(back, some());
        assert_eq!(back.take("H_init", &[2]).unwrap(), [1.0, -0.5]);
        let unused = back.finish().unwrap_err().to_string();
        assert!(unused.contains("lm_head.weight"), "{unused}");
    }

    #[test]
    fn every_fault_is_named() {
        let path = Path::new("model.safetensors");
        let bytes = some().to_bytes();
        let cut = Tensors::from_bytes(path, &bytes[..bytes.len() - 1]).unwrap_err().to_string();
        assert!(cut.contains("model.safetensors is no whole"), "{cut}");
        let mut back = Tensors::from_bytes(path, &bytes).unwrap();
        let missing = back.take("lm_haed.weight", &[2, 1]).unwrap_err().to_string();
        assert!(missing.contains("did you mean \"lm_head.weight\"?"), "{missing}");
        let shape = back.take("lm_head.weight", &[3, 1]).unwrap_err().to_string();
        assert!(shape.contains("[2, 1]") && shape.contains("[3, 1]"), "{shape}");
    }
}
