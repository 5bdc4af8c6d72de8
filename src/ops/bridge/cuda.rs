//! The same seam on CUDA: the address of a tensor's numbers, launches of our kernels, and gradients on the device.
//!
//! What dfdx 0.13.0's public surface gives: the derived `Debug` text of a tensor begins with its address, `try_alloc_len` leads to dfdx's own
//! `CudaDevice`, and the storage of a gradient is a cudarc slice. There is one device in a process, and everything runs in order on
//! its default stream, so what was launched before has been read and written before what is launched next, and memory
//! may be given back while a kernel still reads it.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use cudarc::cublas::CudaBlas;
use cudarc::driver::{CudaDevice, CudaSlice, DevicePtr, DeviceRepr, result, sys};
use dfdx::prelude::*;

use crate::device::Matrix;

/// Device memory of no particular type: bytes that kernels read and write.
pub type Memory = CudaSlice<u8>;

/// The storage of a gradient.
pub type Slope = <Cuda as Storage<f32>>::Vec;

/// The compiled kernels of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `ops/adam/kernel.cu`; the others likewise.
    Adam,
    /// See [`crate::ops::attention`].
    Attention,
    /// See [`crate::ops::boards`].
    Boards,
    /// See [`crate::ops::embed`](crate::ops::embed()).
    Embed,
    /// See [`crate::ops::gated`].
    Gated,
    /// See [`crate::ops::gather`].
    Gather,
    /// Products.
    Linear,
    /// See [`crate::ops::local`].
    Local,
    /// The end of a layer.
    Norm,
    /// See [`crate::ops::stable_max`].
    StableMax,
    /// Sums of states.
    Sum,
}

impl Source {
    fn ptx(self) -> &'static str {
        macro_rules! made {
            ($name:literal) => {
                include_str!(concat!(env!("OUT_DIR"), "/", $name, ".ptx"))
            };
        }
        match self {
            Self::Adam => made!("adam"),
            Self::Attention => made!("attention"),
            Self::Boards => made!("boards"),
            Self::Embed => made!("embed"),
            Self::Gated => made!("gated"),
            Self::Gather => made!("gather"),
            Self::Linear => made!("linear"),
            Self::Local => made!("local"),
            Self::Norm => made!("norm"),
            Self::StableMax => made!("stable_max"),
            Self::Sum => made!("sum"),
        }
    }
}

/// An argument of a kernel, as `kernel.cu` declares it.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// Any pointer; 0 is null.
    Address(u64),
    /// `int`.
    Int(i32),
    /// `long long`.
    Long(i64),
    /// `float`.
    Float(f32),
}

impl Argument {
    fn place(&self) -> *mut c_void {
        match self {
            Self::Address(value) => (&raw const *value).cast_mut().cast(),
            Self::Int(value) => (&raw const *value).cast_mut().cast(),
            Self::Long(value) => (&raw const *value).cast_mut().cast(),
            Self::Float(value) => (&raw const *value).cast_mut().cast(),
        }
    }
}

/// How a kernel is launched.
#[derive(Clone, Copy, Debug)]
pub struct Launch {
    /// Blocks.
    pub grid: (u32, u32, u32),
    /// Threads of a block.
    pub block: (u32, u32, u32),
    /// Bytes of dynamic shared memory.
    pub shared: u32,
}

impl Launch {
    /// A row of blocks.
    pub fn blocks(count: usize, threads: u32) -> Self {
        Self { grid: (u32::try_from(count).expect("fewer than 2^32 blocks"), 1, 1), block: (threads, 1, 1), shared: 0 }
    }

    /// A thread for every group of `group` numbers.
    pub fn threads_for(numbers: usize, group: usize) -> Self {
        Self::blocks(numbers.div_ceil(group).div_ceil(256), 256)
    }
}

/// A kernel, found. The raw handle belongs to the device of the process, which lives as long as it.
#[derive(Clone, Copy)]
struct Function(sys::CUfunction);

/// The kernels of a source, compiled for the device. It is never unloaded.
#[derive(Clone, Copy)]
struct Module(sys::CUmodule);

/// A state with its bfloat16 copy.
type Twin = Option<(Matrix<Cuda>, Arc<Memory>)>;

/// What our operations need of the device besides dfdx.
pub struct Context {
    device: Arc<CudaDevice>,
    /// Our own handle: its mode of arithmetic is ours to set.
    pub blas: CudaBlas,
    modules: Mutex<HashMap<Source, Module>>,
    functions: Mutex<HashMap<(Source, &'static str), Function>>,
    /// The last state that an operation of ours gave, with its bfloat16 copy: the next one takes it without reading the state again.
    /// It holds the state, so that its address is not another's meanwhile.
    twin: Mutex<Twin>,
}

/// What lives as long as the process, though the compiler cannot tell that threads may share it.
pub(super) struct Held<T>(pub T);

#[expect(unsafe_code, reason = "dfdx's device holds a raw stream")]
// SAFETY: dfdx's device is driven from one thread at a time: what it is used for is not side by side, see `Operations::side_by_side`.
unsafe impl<T> Send for Held<T> {}
#[expect(unsafe_code, reason = "as above")]
// SAFETY: as above; what changes is behind a lock.
unsafe impl<T> Sync for Held<T> {}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

impl Context {
    /// That of the process's device.
    pub fn of(device: &Cuda) -> &'static Self {
        static CONTEXT: OnceLock<Held<Context>> = OnceLock::new();
        let held = CONTEXT.get_or_init(|| {
            let slice: Slope = device.try_alloc_len(1).expect("the device has memory for one number");
            let device = slice.device();
            let blas = CudaBlas::new(device.clone()).expect("cuBLAS makes a handle");
            let (modules, functions, twin) = (Mutex::default(), Mutex::default(), Mutex::default());
            Held(Self { device, blas, modules, functions, twin })
        });
        &held.0
    }

    /// The device itself.
    #[cfg(feature = "mpi")]
    pub(super) fn device(&self) -> &CudaDevice {
        &self.device
    }

    /// Device memory for so many bytes, with anything in it.
    #[expect(unsafe_code, reason = "memory that nobody has written")]
    pub fn allocate(&self, bytes: usize) -> Memory {
        // SAFETY: bytes of any value are bytes; whoever allocates has them written by a kernel before one reads them.
        let allocated = || unsafe { self.device.alloc(bytes.max(1)) };
        let memory = allocated().or_else(|_| {
            // What was given back may be in use by launches that have not run yet; when they have, pieces can be put together.
            self.device.synchronize()?;
            allocated()
        });
        memory.unwrap_or_else(|fault| {
            panic!(
                "no {bytes} bytes of memory on the device: {fault}; take fewer tokens at a time (--tokens-per-batch)"
            )
        })
    }

    /// These numbers on the device.
    pub fn upload<T: DeviceRepr>(&self, values: &[T]) -> CudaSlice<T> {
        self.device.htod_sync_copy(values).expect("the device takes a copy")
    }

    /// The numbers of device memory, once everything before has run.
    pub fn download<T: DeviceRepr + Default + Clone>(&self, from: &CudaSlice<T>) -> Vec<T> {
        self.device.dtoh_sync_copy(from).expect("the device gives a copy")
    }

    /// Zeros.
    pub fn zeros<T: DeviceRepr + cudarc::driver::ValidAsZeroBits>(&self, count: usize) -> CudaSlice<T> {
        self.device.alloc_zeros(count).expect("the device has memory for zeros")
    }

    /// The multiprocessors of the device.
    pub fn multiprocessors(&self) -> usize {
        let count = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        self.device.attribute(count).map_or(1, |count| count as usize)
    }

    /// Copies bytes on the device.
    #[expect(unsafe_code, reason = "the driver's interface")]
    pub fn copy(&self, from: u64, to: u64, bytes: usize) {
        if bytes > 0 {
            // SAFETY: both places have so many bytes.
            let copied = unsafe { result::memcpy_dtod_async(to, from, bytes, *self.device.cu_stream()) };
            copied.unwrap_or_else(|fault| panic!("a copy of {bytes} bytes: {fault}"));
        }
    }

    /// The last state that has a copy.
    pub fn twin(&self) -> MutexGuard<'_, Twin> {
        self.twin.lock().expect("nobody panics while holding it")
    }

    /// Launches a kernel, which runs when all that was launched before has run. The arguments are those that its source declares, in number,
    /// order and type: a wrong address is a fault of the device, not of this process.
    #[expect(unsafe_code, reason = "the driver's interface")]
    pub fn launch(&self, source: Source, name: &'static str, launch: Launch, arguments: &[Argument]) {
        let Launch { grid, block, shared } = launch;
        if grid.0 == 0 || grid.1 == 0 || grid.2 == 0 {
            return;
        }
        let function = self.function(source, name, shared);
        let mut places: Vec<*mut c_void> = arguments.iter().map(Argument::place).collect();
        // SAFETY: the handle is of this device's context, and every place holds its argument until the call has copied it.
        let launched =
            unsafe { result::launch_kernel(function.0, grid, block, shared, *self.device.cu_stream(), &mut places) };
        launched.unwrap_or_else(|fault| panic!("kernel {name}: {fault}"));
    }

    /// The kernels of a source, compiled for the device when one of them is first asked for.
    #[expect(unsafe_code, reason = "the driver's interface")]
    fn module(&self, source: Source) -> Module {
        let mut modules = self.modules.lock().expect("nobody panics while holding it");
        *modules.entry(source).or_insert_with(|| {
            let image = CString::new(source.ptx()).expect("PTX is text");
            // SAFETY: the image ends with a zero.
            let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
            Module(module.unwrap_or_else(|fault| panic!("the kernels {source:?}: {fault}")))
        })
    }

    /// A kernel's handle.
    #[expect(unsafe_code, reason = "the driver's interface")]
    fn function(&self, source: Source, name: &'static str, shared: u32) -> Function {
        let mut functions = self.functions.lock().expect("nobody panics while holding it");
        *functions.entry((source, name)).or_insert_with(|| {
            self.device.bind_to_thread().expect("the device's context is there");
            let module = self.module(source);
            // SAFETY: the module is never unloaded.
            let found = unsafe { result::module::get_function(module.0, CString::new(name).expect("a name")) };
            let function = found.unwrap_or_else(|fault| panic!("kernel {name}: {fault}"));
            if shared > 48 << 10 {
                let most = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
                // SAFETY: the handle was just made.
                let raised = unsafe { sys::cuFuncSetAttribute(function, most, shared as i32).result() };
                raised.unwrap_or_else(|fault| panic!("kernel {name} and {shared} bytes of shared memory: {fault}"));
            }
            Function(function)
        })
    }
}

/// Launches `$source::$name` with arguments of the types that its source declares.
macro_rules! launch {
    ($context:expr, $source:ident, $name:expr, $launch:expr; $($kind:ident $argument:expr),+ $(,)?) => {
        $context.launch(
            $crate::ops::bridge::cuda::Source::$source,
            $name,
            $launch,
            &[$($crate::ops::bridge::cuda::Argument::$kind($argument)),+],
        )
    };
}
pub(in crate::ops) use launch;

/// The address of a tensor's numbers, which lie in row order.
pub fn address<S: Shape, E: Unit>(tensor: &Tensor<S, E, Cuda>) -> u64
where
    Tensor<S, E, Cuda>: fmt::Debug,
{
    let mut finder = Finder::Before;
    // It stops the text at the address by an error, before the long rest is written.
    let _ = write!(finder, "{tensor:?}");
    match finder {
        Finder::Found(address) => address,
        _ => panic!("the text of a tensor has no address: is this another dfdx or cudarc?"),
    }
}

/// Waits for the address in a tensor's text, which comes in pieces: a field's name, a colon, its value.
enum Finder {
    Before,
    Named,
    Next,
    Found(u64),
}

impl Write for Finder {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        *self = match (&self, piece) {
            (Self::Before, "cu_device_ptr") => Self::Named,
            (Self::Before, _) => Self::Before,
            (Self::Named, ": ") => Self::Next,
            (Self::Next, digits) => Self::Found(digits.parse().map_err(|_| fmt::Error)?),
            (Self::Named | Self::Found(_), _) => return Err(fmt::Error),
        };
        Ok(())
    }
}

/// The address of device memory.
pub fn place<T>(memory: &impl DevicePtr<T>) -> u64 {
    *memory.device_ptr()
}

/// Takes the gradient of a tensor off the tape, zeros when nothing has reached it. What is taken is gone: an operation takes the
/// gradient of its result, which nobody reads after it, and so frees it early.
pub fn take<S: Shape>(gradients: &mut Gradients<f32, Cuda>, of: &Tensor<S, f32, Cuda>) -> Result<Slope, CudaError> {
    let nothing: Slope = of.device().try_alloc_len(1)?;
    Ok(std::mem::replace(gradients.get_or_alloc_mut(of)?, nothing))
}

/// The address of a tensor's gradient, to be added to; zeros when nothing has reached it.
pub fn slope<S: Shape>(gradients: &mut Gradients<f32, Cuda>, of: &Tensor<S, f32, Cuda>) -> Result<u64, CudaError> {
    Ok(place(gradients.get_or_alloc_mut(of)?))
}
