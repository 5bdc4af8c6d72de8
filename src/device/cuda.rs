//! CUDA devices: what there is, and the one that this process computes on.
//!
//! cudarc aborts when it is asked for anything before the driver is there, so `cuInit` comes first. dfdx keeps no memory that it gives back
//! (its own cache is off); the driver's stream-ordered pool does, and is told here to keep all of it: memory of any shape then comes back
//! in a microsecond, and what the pool holds is bounded by the largest step, whatever lengths the batches have.

use std::ffi::{CStr, c_int};
use std::sync::Mutex;

use cudarc::driver::{result, sys};
use dfdx::prelude::{Cuda, Storage};

use super::{Compute, DeviceError, Precision};
use crate::rng::Repeats;
use crate::units::Bytes;

/// A device of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its number.
    pub ordinal: usize,
    /// Its name.
    pub name: String,
    /// Its compute capability, as (9, 0).
    pub capability: (i32, i32),
    /// Its memory.
    pub memory: Bytes,
    /// Its multiprocessors.
    pub multiprocessors: i32,
}

impl Found {
    /// The least compute capability that the kernels are compiled for.
    pub const LEAST: (i32, i32) = (8, 0);

    /// True when the kernels run on it.
    pub fn is_enough(&self) -> bool {
        self.capability >= Self::LEAST
    }
}

/// The driver's version, as (13, 0), and all devices.
///
/// # Errors
/// [`DeviceError::NoCuda`] with the reason.
pub fn found() -> Result<((i32, i32), Vec<Found>), DeviceError> {
    initialize()?;
    let count = result::device::get_count().map_err(failed)?;
    let devices = (0..count as usize).map(look).collect::<Result<_, _>>()?;
    Ok((driver_version()?, devices))
}

/// Opens the driver.
fn initialize() -> Result<(), DeviceError> {
    result::init().map_err(|fault| {
        let reason = match fault.0 {
            // without a driver nothing of it may be called, not even for an error's text
            sys::CUresult::CUDA_ERROR_NO_DEVICE => shim_fault(),
            other => Some(format!("{other:?}")),
        };
        DeviceError::NoCuda(reason.unwrap_or_else(|| "the driver finds none".into()))
    })
}

/// Why the shim of `cuda/toolkit.sh` could not open the driver or cuBLAS; `None` when it could, or is not linked.
#[cfg(cuda_shim)]
#[expect(unsafe_code, reason = "a C function")]
fn shim_fault() -> Option<String> {
    unsafe extern "C" {
        safe fn cuda_shim_fault() -> *const std::ffi::c_char;
    }
    // SAFETY: the shim's text ends with a zero and is never freed.
    let fault = unsafe { CStr::from_ptr(cuda_shim_fault()) }.to_string_lossy().into_owned();
    Some(fault.trim().to_owned()).filter(|fault| !fault.is_empty())
}

#[cfg(not(cuda_shim))]
fn shim_fault() -> Option<String> {
    None
}

fn failed(fault: result::DriverError) -> DeviceError {
    DeviceError::NoCuda(format!("{fault}"))
}

#[expect(unsafe_code, reason = "the driver's interface")]
fn driver_version() -> Result<(i32, i32), DeviceError> {
    let mut version: c_int = 0;
    // SAFETY: it writes one number.
    unsafe { sys::cuDriverGetVersion(&mut version).result() }.map_err(failed)?;
    Ok((version / 1000, version % 1000 / 10))
}

#[expect(unsafe_code, reason = "the driver's interface")]
fn look(ordinal: usize) -> Result<Found, DeviceError> {
    use sys::CUdevice_attribute_enum as Attribute;
    let device = result::device::get(ordinal as c_int).map_err(failed)?;
    let mut name = [0; 256];
    // SAFETY: it writes a text that ends with a zero into at most so many bytes.
    unsafe { sys::cuDeviceGetName(name.as_mut_ptr(), name.len() as c_int, device).result() }.map_err(failed)?;
    // SAFETY: the driver has ended the text.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
    // SAFETY: the device is one of the driver's.
    let attribute = |attribute| unsafe { result::device::get_attribute(device, attribute) }.map_err(failed);
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let multiprocessors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    // SAFETY: as above.
    let memory = unsafe { result::device::total_mem(device) }.map_err(failed)?;
    Ok(Found { ordinal, name, capability: (major, minor), memory: Bytes(memory as u64), multiprocessors })
}

/// The device that this process computes on: one, because the operations keep their kernels and tables for one.
///
/// # Errors
/// [`DeviceError`].
pub fn open(ordinal: usize) -> Result<Cuda, DeviceError> {
    static OPENED: Mutex<Option<usize>> = Mutex::new(None);
    let (_, devices) = found()?;
    let Some(device) = devices.get(ordinal) else {
        return Err(DeviceError::NoSuchDevice { ordinal, count: devices.len() });
    };
    if !device.is_enough() {
        let ((major, minor), (least, _)) = (device.capability, Found::LEAST);
        let fault = format!("{} has compute capability {major}.{minor}, the kernels need {least}.0", device.name);
        return Err(DeviceError::NoCuda(fault));
    }
    let mut opened = OPENED.lock().expect("nobody panics while holding it");
    if opened.is_some_and(|opened| opened != ordinal) {
        return Err(DeviceError::SecondDevice(opened.unwrap_or_default()));
    }
    let cuda = Cuda::try_build(ordinal, 0).map_err(|fault| DeviceError::NoCuda(format!("{fault}")))?;
    keep_memory(ordinal)?;
    *opened = Some(ordinal);
    Ok(cuda)
}

/// Has the pool of the device keep what is given back to it.
#[expect(unsafe_code, reason = "the driver's interface")]
fn keep_memory(ordinal: usize) -> Result<(), DeviceError> {
    let device = result::device::get(ordinal as c_int).map_err(failed)?;
    let mut pool = std::ptr::null_mut();
    let mut all = u64::MAX;
    // SAFETY: the first writes the pool's handle, the second reads one number.
    unsafe {
        sys::cuDeviceGetDefaultMemPool(&mut pool, device)
            .result()
            .and_then(|()| {
                let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
                sys::cuMemPoolSetAttribute(pool, threshold, (&raw mut all).cast()).result()
            })
            .map_err(failed)
    }
}

impl Compute for Cuda {
    /// Enough to fill the card, few enough that the activations are small beside its memory.
    const TOKENS_PER_BATCH: usize = 1 << 17;

    fn precision(asked: Option<Precision>, _trained: bool) -> Result<Precision, DeviceError> {
        Ok(asked.unwrap_or(Precision::Bf16))
    }

    fn in_words(&self) -> String {
        let slice: <Self as Storage<f32>>::Vec = self.try_alloc_len(1).expect("the device has memory for one number");
        let ordinal = slice.device().ordinal();
        let name = look(ordinal).map_or_else(|_| "unknown".to_owned(), |found| found.name);
        format!("cuda:{ordinal}, {name}")
    }

    /// The kernels here add in a fixed order, without atomics. But cuBLAS chooses its algorithm, and with it the order of a product's sums, by
    /// card, version and free memory, and the parts of a training batch are cut by the memory that is free.
    fn repeats() -> Repeats {
        let because = "cuBLAS chooses how to add up a product by card and version, and a training batch is cut by the memory that is free";
        Repeats { bitwise: false, because: because.into() }
    }

    fn free_memory(&self) -> Option<Bytes> {
        let (free, _) = result::mem_get_info().ok()?;
        Some(Bytes(free as u64))
    }
}
