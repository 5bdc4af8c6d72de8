//! Files of torch.save, read as they are published: a zip archive with a pickle of names and shapes and one file for each storage. No
//! code is run, and no tensor is held: the numbers are handed on piece by piece, as float32.
//!
//! What bites: the archive's folder is named after the file, and a state dict's names begin with whatever wrapped the model.

mod pickle;
mod program;
mod tensor;
mod value;

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{CheckpointError, numbers};
use crate::files::{self, FileError};
use tensor::Pickled;

/// How many times the bytes of the file its tensors may have: those that share a storage lie there once.
const MOST_SHARED: u64 = 4;

/// The largest pickle of names and shapes; those of state dicts are a few kilobytes.
const MOST_PICKLE: u64 = 1 << 26;

/// A file of torch.save that holds a state dict.
pub struct TorchFile {
    path: PathBuf,
    /// Its bytes.
    size: u64,
    archive: ZipArchive<BufReader<File>>,
    /// The folder inside the archive, with its slash.
    root: String,
    tensors: Vec<(String, Pickled)>,
}

impl fmt::Debug for TorchFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TorchFile").field("path", &self.path).field("tensors", &self.tensors).finish_non_exhaustive()
    }
}

impl TorchFile {
    /// Opens a file and reads its names and shapes.
    ///
    /// # Errors
    /// [`CheckpointError::Torch`] with what is wrong: no zip archive, cut off, or a pickle that is no state dict's.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let unread = |source| FileError::Read { path: path.to_owned(), source };
        let fault = |fault: String| CheckpointError::Torch { path: path.to_owned(), fault };
        let mut file = files::open(path)?;
        let size = file.metadata().map_err(unread)?.len();
        let mut start = Vec::new();
        (&mut file).take(2).read_to_end(&mut start).map_err(unread)?;
        if start == [0x80, 0x02] {
            let old = "it has the layout from before PyTorch 1.6; load it there and torch.save it again";
            return Err(fault(old.to_owned()));
        }
        if start != *b"PK" {
            return Err(fault("it is no zip archive, as torch.save writes, and no safetensors file".to_owned()));
        }
        let archive = ZipArchive::new(BufReader::with_capacity(files::PIECE, file))
            .map_err(|e| fault(format!("the archive is cut off or damaged ({e})")))?;
        let mut names = archive.file_names().flatten();
        let root = names.find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned));
        let root = root.ok_or_else(|| fault("there is no data.pkl in the archive".to_owned()))?;
        drop(names);
        let mut this = Self { path: path.to_owned(), size, archive, root, tensors: Vec::new() };
        this.check_byte_order()?;
        let program = this.small_entry("data.pkl")?.expect("data.pkl was found");
        this.tensors = pickle::state_dict(&program).map_err(fault)?;
        this.check_tensors()?;
        Ok(this)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names and shapes of its tensors, in the file's order.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
    }

    /// The number types of its tensors, each once.
    pub fn number_types(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.tensors.iter().map(|(_, tensor)| tensor.number.name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Hands the numbers of a tensor to `take`, piece by piece, as float32.
    ///
    /// # Errors
    /// [`CheckpointError::Torch`] when they are not all there or damaged (by the archive's checksum), [`CheckpointError::Number`].
    pub fn read(
        &mut self,
        name: &str,
        mut take: impl FnMut(&[f32]) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        let tensor = self.tensors.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor.clone());
        let tensor = tensor.unwrap_or_else(|| panic!("tensor {name} was not looked for before it was read"));
        let path = self.path.clone();
        let fault = |fault: String| CheckpointError::Torch { path: path.clone(), fault };
        let broken = |e: std::io::Error| fault(format!("tensor {name} is cut off or damaged ({e})"));
        let size = tensor.number.size();
        let entry = format!("{}data/{}", self.root, tensor.storage);
        let mut storage = self.archive.by_name(&entry).map_err(|e| fault(format!("tensor {name}: {entry}: {e}")))?;
        let skipped = std::io::copy(&mut (&mut storage).take((tensor.offset * size) as u64), &mut std::io::sink());
        skipped.map_err(broken)?;
        let (mut left, mut first) = (tensor.shape.iter().product::<usize>(), 0);
        let (mut bytes, mut values) = (vec![0; files::PIECE], Vec::new());
        while left > 0 {
            let piece = &mut bytes[..(left * size).min(files::PIECE)];
            storage.read_exact(piece).map_err(broken)?;
            values.clear();
            tensor.number.decode(piece, &mut values);
            numbers::check(&path, name, first, &values)?;
            take(&values)?;
            left -= values.len();
            first += values.len();
        }
        // to the end, where the checksum is compared
        std::io::copy(&mut storage, &mut std::io::sink()).map_err(broken)?;
        Ok(())
    }

    fn check_byte_order(&mut self) -> Result<(), CheckpointError> {
        match self.small_entry("byteorder")? {
            Some(order) if order != b"little" => {
                let order = String::from_utf8_lossy(&order).into_owned();
                Err(CheckpointError::Torch { path: self.path.clone(), fault: format!("its byte order is {order:?}") })
            }
            _ => Ok(()),
        }
    }

    /// Every tensor must be dense, in row order.
    fn check_tensors(&self) -> Result<(), CheckpointError> {
        let fault = |fault: String| Err(CheckpointError::Torch { path: self.path.clone(), fault });
        let mut claimed = 0u64;
        for (name, tensor) in &self.tensors {
            if !tensor.is_dense() {
                let (shape, strides) = (&tensor.shape, &tensor.strides);
                return fault(format!("tensor {name} of {shape:?} has strides {strides:?}; save it contiguous()"));
            }
            claimed = claimed.saturating_add(tensor.bytes());
        }
        // tensors may share a storage, but a few bytes must not become many
        if claimed > MOST_SHARED * self.size {
            return fault(format!("its tensors claim {claimed} bytes, and the file has {}", self.size));
        }
        Ok(())
    }

    fn small_entry(&mut self, name: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
        let fault = |fault: String| CheckpointError::Torch { path: self.path.clone(), fault };
        let mut entry = match self.archive.by_name(&format!("{}{name}", self.root)) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(e) => return Err(fault(format!("{name}: {e}"))),
        };
        if entry.size() > MOST_PICKLE {
            return Err(fault(format!("{name} has {} bytes, far more than a state dict needs", entry.size())));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| fault(format!("{name} is cut off or damaged ({e})")))?;
        Ok(Some(bytes))
    }
}
