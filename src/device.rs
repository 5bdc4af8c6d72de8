//! Where tensors live: the choice of a device, the reason for it, and the tensor types of the whole wing.
//!
//! The model is generic over [`Compute`]. The CPU is the one device that this build offers; asking
//! for another is an error and never a silent fall-back.

use std::fmt;
use std::str::FromStr;

use dfdx::prelude::{Cpu, Device, NoneTape, Tensor, TensorFromVec};
use thiserror::Error;

use crate::kernels::Kind;

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

/// The number type of products. Whatever it is, states and norms stay float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Precision {
    /// `f32`: what the results are held to.
    #[default]
    F32,
    /// `bf16`: eight bits of each number, faster where the processor has it.
    Bf16,
}

impl Precision {
    /// What PyTorch calls it.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
        }
    }

    /// The precision, where this processor can compute in it.
    ///
    /// # Errors
    /// [`DeviceError::Precision`].
    pub fn check(self) -> Result<Self, DeviceError> {
        match Kind::best(self == Self::Bf16) {
            Some(_) => Ok(self),
            None => Err(DeviceError::Precision(self)),
        }
    }
}

impl FromStr for Precision {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            other => Err(DeviceError::UnknownPrecision(other.to_owned())),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

/// A device that cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// A device of another kind.
    #[error("no device \"{0}\" in this build; the one it has is cpu")]
    Unknown(String),
    /// A precision of another kind.
    #[error("no precision \"{0}\"; there are f32 and bf16")]
    UnknownPrecision(String),
    /// A precision that this build or this processor does not compute in.
    #[error("this processor has no products in {0} (it lacks AVX512-BF16); use --precision f32")]
    Precision(Precision),
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

impl DeviceChoice {
    /// The device as a record has it, with the number type of its products: `cpu, 2 threads, float32`.
    pub fn computing_in(self, precision: Precision) -> String {
        let Self::Cpu = self;
        let threads = rayon::current_num_threads();
        format!("cpu, {threads} thread{}, {}", if threads == 1 { "" } else { "s" }, precision.type_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_says_what_it_computes_in() {
        for (precision, end) in [(Precision::F32, ", float32"), (Precision::Bf16, ", bfloat16")] {
            let text = DeviceChoice::Cpu.computing_in(precision);
            assert!(text.starts_with("cpu, ") && text.ends_with(end), "{text}");
        }
    }

    #[test]
    fn precisions_are_read_as_they_are_written() {
        for precision in [Precision::F32, Precision::Bf16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        assert!("f16".parse::<Precision>().unwrap_err().to_string().contains("f32 and bf16"));
    }
}
