//! The sum over ranks by NCCL: from one device's memory into the others', without a way through the host's.
//!
//! MPI tells the ranks of each other, rank 0 gives NCCL's key to all, and the sums run on the stream that everything else runs on, so
//! what was launched before has been written and nobody waits on the host. NCCL adds in an order of its own, but gives every rank the
//! same bits. It joins only devices that are distinct: where two ranks share one, or the library is missing on one rank, there is none, and
//! the sums go through host memory.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use cudarc::driver::{CudaDevice, sys as driver};
use cudarc::nccl::{result, sys};
use dfdx::prelude::{Cuda, HasShape};

use super::cuda::{Context, Held, address};
use crate::device::Matrix;
use crate::ranks::Ranks;

/// The ranks as NCCL joins them; it lives as long as the process.
pub struct Communicator(sys::ncclComm_t);

impl Communicator {
    /// That of the process's device, or why there is none. The first call is one of all ranks together.
    ///
    /// # Errors
    /// Why the sums have to go through host memory, on all ranks.
    pub fn of(device: &Cuda, ranks: &dyn Ranks) -> Result<&'static Self, &'static str> {
        static COMMUNICATOR: OnceLock<Held<Result<Communicator, &str>>> = OnceLock::new();
        COMMUNICATOR
            .get_or_init(|| Held(Self::join(Context::of(device).device(), ranks)))
            .0
            .as_ref()
            .map_err(|why| *why)
    }

    #[expect(unsafe_code, reason = "NCCL's interface")]
    fn join(device: &CudaDevice, ranks: &dyn Ranks) -> Result<Self, &'static str> {
        if ranks.any(!is_there()) {
            return Err("a rank finds no libnccl.so.2");
        }
        let mut devices = ranks.gather(&name_of(device));
        devices.sort_unstable();
        if devices.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("two ranks share a device");
        }
        let key =
            |first: bool| if first { result::get_uniqueid().map(|key| key.internal.to_vec()) } else { Ok(Vec::new()) };
        let key = key(ranks.rank() == 0).unwrap_or_else(|fault| panic!("NCCL makes no key: {:?}", fault.0));
        let key = ranks.gather(bytemuck::cast_slice::<c_char, u8>(&key)).swap_remove(0);
        let mut internal: [c_char; 128] = [0; 128];
        internal.copy_from_slice(bytemuck::cast_slice(&key));
        let number = |number: usize| i32::try_from(number).expect("fewer than 2^31 ranks");
        let mut joined = ptr::null_mut();
        let key = sys::ncclUniqueId { internal };
        // SAFETY: it writes the handle; the thread's device is that of the process, whose context dfdx has made current.
        unsafe { result::comm_init_rank(&mut joined, number(ranks.count()), key, number(ranks.rank())) }
            .unwrap_or_else(|fault| panic!("NCCL does not join the ranks: {:?}; NCCL_DEBUG=INFO tells more", fault.0));
        Ok(Self(joined))
    }

    /// Replaces sums by those over all ranks; see [`crate::ops::Operations::sum_over`].
    #[expect(unsafe_code, reason = "NCCL's interface")]
    pub fn sum_over(&self, sums: &[Option<Matrix<Cuda>>]) {
        let failed = |fault: result::NcclError| panic!("NCCL does not sum: {:?}; NCCL_DEBUG=INFO tells more", fault.0);
        // All tensors in one launch: most are small.
        result::group_start().unwrap_or_else(failed);
        for sum in sums.iter().flatten() {
            let (rows, columns) = *sum.shape();
            let place = address(sum) as *mut c_void;
            let stream = Context::of(sum.device()).device().cu_stream().cast();
            let (float, add) = (sys::ncclDataType_t::ncclFloat32, sys::ncclRedOp_t::ncclSum);
            // SAFETY: so many numbers lie there, in memory that nobody else changes before the stream comes to it.
            unsafe { result::all_reduce(place, place, rows * columns, float, add, self.0, stream) }
                .unwrap_or_else(failed);
        }
        result::group_end().unwrap_or_else(failed);
    }
}

/// What names a device among all of all machines.
#[expect(unsafe_code, reason = "the driver's interface")]
fn name_of(device: &CudaDevice) -> Vec<u8> {
    let mut name = driver::CUuuid { bytes: [0; 16] };
    // SAFETY: it writes 16 bytes.
    let named = unsafe { driver::cuDeviceGetUuid_v2(&mut name, *device.cu_device()).result() };
    named.unwrap_or_else(|fault| panic!("the device has no name: {fault}"));
    bytemuck::cast_slice::<c_char, u8>(&name.bytes).to_vec()
}

/// True when the shim of `cuda/toolkit.sh` can open the library. Without the shim it is linked, or the program would not have started.
#[cfg(cuda_shim)]
#[expect(unsafe_code, reason = "a C function")]
fn is_there() -> bool {
    unsafe extern "C" {
        safe fn cuda_shim_open_nccl() -> std::ffi::c_int;
    }
    cuda_shim_open_nccl() == 0
}

#[cfg(not(cuda_shim))]
fn is_there() -> bool {
    true
}
