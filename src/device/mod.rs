//! Where tensors live: the choice of a device, the reason for it, and the tensor types of the whole wing.
//!
//! The model is generic over [`Compute`]. Asking for a device that this build or this machine does not have is an error and never
//! a silent fall-back.

#[cfg(feature = "cuda")]
pub mod cuda;
pub mod memory;

use std::fmt;
use std::str::FromStr;

use dfdx::prelude::{Cpu, Device, NoneTape, Synchronize, Tensor, TensorFromVec};
use thiserror::Error;

use crate::kernels::{Kind, LEVEL_VARIABLE, Level};
use crate::rng::Repeats;
use crate::units::Bytes;
pub use memory::{Needs, NoRoom, Room};

/// What the model asks of a device: float32 for the network, float64 for the loss, whole numbers for gathers.
pub trait Compute: Device<f32> + Device<f64> + TensorFromVec<usize> + Synchronize {
    /// Tokens of the views that are best answered as one batch.
    const TOKENS_PER_BATCH: usize;

    /// The precision of products, where this device computes in it, with gradients where they are asked for; its own choice
    /// where none is named.
    ///
    /// # Errors
    /// [`DeviceError::Precision`] or [`DeviceError::Training`].
    fn precision(asked: Option<Precision>, trained: bool) -> Result<Precision, DeviceError>;

    /// What computes: `cpu, 2 threads`.
    fn in_words(&self) -> String;

    /// Whether what is computed here comes out the same again.
    fn repeats() -> Repeats;

    /// Engine of the products on a CPU, each of which rounds in its own way; none on other devices.
    fn arithmetic(_precision: Precision) -> Option<&'static str> {
        None
    }

    /// Bytes that are free on a device with memory of its own.
    fn free_memory(&self) -> Option<Bytes>;

    /// What is left of the memory that it computes in, where that can be told.
    fn room(&self) -> Option<Room> {
        let own = |bytes| Room { bytes, of: "the device's memory" };
        self.free_memory().map(own).or_else(memory::of_host)
    }
}

impl Compute for Cpu {
    /// Few enough that the views of one small task give every thread a batch.
    const TOKENS_PER_BATCH: usize = 450;

    fn precision(asked: Option<Precision>, trained: bool) -> Result<Precision, DeviceError> {
        let precision = asked.unwrap_or_default();
        // what no processor does is refused first, so that the refusal is the same on all of them
        if trained && precision == Precision::Bf16 {
            return Err(DeviceError::Training(precision));
        }
        Kind::best(precision == Precision::Bf16).map(|_| precision).ok_or(DeviceError::Precision(precision))
    }

    fn in_words(&self) -> String {
        let threads = rayon::current_num_threads();
        format!("cpu, {threads} thread{}", if threads == 1 { "" } else { "s" })
    }

    fn repeats() -> Repeats {
        let because = "on a processor of this kind, with any number of threads: sums are taken in an order that the work alone decides";
        Repeats { bitwise: true, because: because.into() }
    }

    fn arithmetic(precision: Precision) -> Option<&'static str> {
        Kind::best(precision == Precision::Bf16).map(Kind::name)
    }

    fn free_memory(&self) -> Option<Bytes> {
        None
    }
}

/// The reason why there are no bfloat16 products.
fn lacking() -> String {
    match Level::in_use() {
        Ok(level) if level < Level::of_processor() => format!("{LEVEL_VARIABLE} is {level}, which has no AVX512-BF16"),
        _ => "this processor lacks AVX512-BF16".to_owned(),
    }
}

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
    /// `cuda:N`, or `cuda` for the first.
    Cuda(usize),
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
    #[error("no device \"{0}\"; there are cpu, cuda and cuda:N")]
    Unknown(String),
    /// CUDA, in a build without it.
    #[error(
        "this build has no CUDA; build one that has: source cuda/toolkit.sh && cargo build --release --features cuda"
    )]
    NotBuilt,
    /// CUDA, on a machine without it.
    #[error("no CUDA device: {0}; `trm-arc doctor` tells more")]
    NoCuda(String),
    /// A device that the machine does not have.
    #[error("no device cuda:{ordinal}: this machine has {count}, counted from 0")]
    NoSuchDevice {
        /// Its number.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// A second device in one process.
    #[error("this process already computes on cuda:{0}; start another process for another device")]
    SecondDevice(usize),
    /// A precision of another kind.
    #[error("no precision \"{0}\"; there are f32 and bf16")]
    UnknownPrecision(String),
    /// A precision that this build or this processor does not compute in.
    #[error("no products in {0}: {lacking}; hint: use --precision f32", lacking = lacking())]
    Precision(Precision),
    /// A precision that gradients are not computed in.
    #[error("training on the CPU is float32; {0} products have no gradients here (on CUDA they have)")]
    Training(Precision),
    /// More than there is memory for.
    #[error(transparent)]
    NoRoom(Box<NoRoom>),
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(name.to_owned());
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            None if name == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", ordinal)) => ordinal.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl DeviceChoice {
    /// The device that a rank takes, by its number among those of its machine: the first one this device, the others those after it, and
    /// from the first one on again where there are no more. A launcher may show each of them one device alone.
    pub fn of_rank(self, local_rank: usize) -> Self {
        match self {
            Self::Cpu => Self::Cpu,
            Self::Cuda(first) => Self::Cuda(ordinal_of_rank(first, local_rank, cuda_devices())),
        }
    }
}

/// The ordinal among `count` devices; that of the first rank where there are none, for what opens it to say so.
fn ordinal_of_rank(first: usize, local_rank: usize, count: usize) -> usize {
    if local_rank == 0 || count == 0 { first } else { (first + local_rank) % count }
}

#[cfg(feature = "cuda")]
fn cuda_devices() -> usize {
    cuda::found().map_or(0, |(_, devices)| devices.len())
}

#[cfg(not(feature = "cuda"))]
fn cuda_devices() -> usize {
    0
}

/// A device as a record has it, with the number type of its products: `cpu, 2 threads, float32`.
pub fn computing_in(device: &impl Compute, precision: Precision) -> String {
    format!("{}, {}", device.in_words(), precision.type_name())
}

/// Evaluates an expression with a variable that is the chosen device: a type of its own for each kind.
///
/// The expression is of one type on all devices, and `?` of a [`DeviceError`] is taken in the function around it.
macro_rules! on_device {
    ($choice:expr, |$device:ident| $body:expr) => {
        match $choice {
            $crate::device::DeviceChoice::Cpu => {
                let $device = &dfdx::prelude::Cpu::default();
                $body
            }
            #[cfg(feature = "cuda")]
            $crate::device::DeviceChoice::Cuda(ordinal) => {
                let $device = &$crate::device::cuda::open(ordinal)?;
                $body
            }
            #[cfg(not(feature = "cuda"))]
            $crate::device::DeviceChoice::Cuda(_) => Err($crate::device::DeviceError::NotBuilt)?,
        }
    };
}
pub(crate) use on_device;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranks_of_a_machine_take_its_devices_one_after_another() {
        let ordinals = |first: usize, count: usize| [0, 1, 2, 3].map(|rank| ordinal_of_rank(first, rank, count));
        assert_eq!(ordinals(0, 8), [0, 1, 2, 3]);
        assert_eq!(ordinals(2, 4), [2, 3, 0, 1]);
        assert_eq!(ordinals(0, 1), [0; 4], "each rank may see a device of its own as the only one");
        assert_eq!(ordinals(9, 8)[0], 9, "what is not there is refused and not replaced");
        assert_eq!(ordinals(1, 0), [1; 4]);
        assert_eq!(DeviceChoice::Cpu.of_rank(3), DeviceChoice::Cpu);
    }

    #[test]
    fn a_device_says_what_it_computes_in() {
        for (precision, end) in [(Precision::F32, ", float32"), (Precision::Bf16, ", bfloat16")] {
            let text = computing_in(&Cpu::default(), precision);
            assert!(text.starts_with("cpu, ") && text.ends_with(end), "{text}");
        }
    }

    #[test]
    fn devices_are_read_and_others_refused() {
        let read = |name: &str| name.parse::<DeviceChoice>();
        assert_eq!(read("cpu"), Ok(DeviceChoice::Cpu));
        assert_eq!((read("cuda"), read("cuda:3")), (Ok(DeviceChoice::Cuda(0)), Ok(DeviceChoice::Cuda(3))));
        for name in ["gpu", "cuda:", "cuda:x", "cpu:0", ""] {
            assert_eq!(read(name), Err(DeviceError::Unknown(name.into())));
        }
    }

    #[test]
    fn the_cpu_trains_in_float32_alone() {
        assert_eq!(Cpu::precision(None, true), Ok(Precision::F32));
        assert_eq!(Cpu::precision(Some(Precision::Bf16), true), Err(DeviceError::Training(Precision::Bf16)));
    }

    #[test]
    fn precisions_are_read_as_they_are_written() {
        for precision in [Precision::F32, Precision::Bf16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        assert!("f16".parse::<Precision>().unwrap_err().to_string().contains("f32 and bf16"));
    }
}
