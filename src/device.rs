//! Where tensors live: the choice of a device, the reason for it, and the tensor types of the whole wing.
//!
//! The model is generic over [`Compute`]. The CPU is the one device that this build offers; asking
//! for another is an error and never a silent fall-back.

use std::fmt;
use std::str::FromStr;

use dfdx::prelude::{Cpu, Device, NoneTape, Tensor, TensorFromVec};
use thiserror::Error;

/// What the model asks of a device: float32 for the network, float64 for the loss, whole numbers for gathers.
pub trait Compute: Device<f32> + Device<f64> + TensorFromVec<usize> + Send + Sync {}

impl Compute for Cpu {}

/// A float32 matrix whose shape is known at run time. Activations are `[N, D]`.
pub type Matrix<D, T = NoneTape> = Tensor<(usize, usize), f32, D, T>;

/// A float32 vector whose length is known at run time.
pub type Vector<D, T = NoneTape> = Tensor<(usize,), f32, D, T>;

/// A device on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// `cpu`.
    #[default]
    Cpu,
}

/// A device that cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// A device of another kind.
    #[error("no device \"{0}\" in this build; the one it has is cpu")]
    Unknown(String),
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        match name {
            "cpu" => Ok(Self::Cpu),
            other => Err(DeviceError::Unknown(other.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = rayon::current_num_threads();
        write!(f, "cpu, {threads} thread{}, float32", if threads == 1 { "" } else { "s" })
    }
}
