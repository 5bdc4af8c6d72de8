//! Products on CUDA: cuBLAS on float32 or bfloat16 numbers, summed in float32.
//!
//! cuBLAS reads matrices column by column, and a matrix in row order is its transpose in column order: `C = A B` is asked for as
//! `C^T = B^T A^T`, with the factors changed about and nothing moved.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cudarc::cublas::{result, sys};
use dfdx::prelude::*;

use crate::device::{Matrix, Precision};
use crate::ops::bridge::cuda::{Context, Launch, Memory, address, launch, place};

/// Numbers on the device as a product takes them.
#[derive(Clone, Debug)]
pub enum Numbers {
    /// Float32, those of a tensor.
    Tensor(Matrix<Cuda>),
    /// Float32.
    F32(Arc<Memory>),
    /// bfloat16.
    Bf16(Arc<Memory>),
}

impl Numbers {
    /// Room for so many numbers.
    pub fn allocate(context: &Context, count: usize, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32(Arc::new(context.allocate(4 * count))),
            Precision::Bf16 => Self::Bf16(Arc::new(context.allocate(2 * count))),
        }
    }

    /// A matrix in this precision: itself in float32; a copy in bfloat16, which may be there already.
    pub fn of(context: &Context, x: &Matrix<Cuda>, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::Tensor(x.clone()),
            Precision::Bf16 => Self::Bf16(context.twin_of(x).unwrap_or_else(|| Arc::new(context.narrow(x)))),
        }
    }

    /// Where they lie.
    pub fn place(&self) -> u64 {
        match self {
            Self::Tensor(tensor) => address(tensor),
            Self::F32(memory) | Self::Bf16(memory) => place(&**memory),
        }
    }

    fn kind(&self) -> sys::cudaDataType {
        match self {
            Self::Tensor(_) | Self::F32(_) => sys::cudaDataType::CUDA_R_32F,
            Self::Bf16(_) => sys::cudaDataType::CUDA_R_16BF,
        }
    }
}

/// A factor of a product: as it lies, or transposed.
#[derive(Clone, Copy, Debug)]
pub enum Factor<'a> {
    /// As it lies.
    Plain(&'a Numbers),
    /// Transposed.
    Turned(&'a Numbers),
}

impl Factor<'_> {
    /// (address, type, operation in column order).
    fn parts(self) -> (*const c_void, sys::cudaDataType, sys::cublasOperation_t, bool) {
        let (numbers, operation, turned) = match self {
            Factor::Plain(numbers) => (numbers, sys::cublasOperation_t::CUBLAS_OP_N, false),
            Factor::Turned(numbers) => (numbers, sys::cublasOperation_t::CUBLAS_OP_T, true),
        };
        (numbers.place() as *const c_void, numbers.kind(), operation, turned)
    }
}

/// Where a product goes.
#[derive(Clone, Copy, Debug)]
pub enum Into<'a> {
    /// In the place of whatever was there.
    Numbers(&'a Numbers),
    /// Added to the float32 numbers at this address.
    Added(u64),
}

/// `C = A B`, or `C += A B`.
///
/// # Shapes
/// A `[m, k]`, B `[k, n]`, as the factors are after turning -> `[m, n]`.
#[expect(unsafe_code, reason = "cuBLAS's interface")]
pub fn product(context: &Context, (m, n, k): (usize, usize, usize), a: Factor<'_>, b: Factor<'_>, into: Into<'_>) {
    let int = |size: usize| i32::try_from(size).expect("a side of a matrix is below 2^31");
    let (a_place, a_type, a_operation, a_turned) = a.parts();
    let (b_place, b_type, b_operation, b_turned) = b.parts();
    let (to, to_type, keep) = match into {
        Into::Numbers(numbers) => (numbers.place(), numbers.kind(), 0.0f32),
        Into::Added(place) => (place, sys::cudaDataType::CUDA_R_32F, 1.0),
    };
    let one = 1.0f32;
    // SAFETY: every matrix has the numbers that its shape says, of its type, and the two scalars live on the host until the call returns.
    let done = unsafe {
        result::gemm_ex(
            *context.blas.handle(),
            b_operation,
            a_operation,
            int(n),
            int(m),
            int(k),
            (&raw const one).cast(),
            b_place,
            b_type,
            int(if b_turned { k } else { n }),
            a_place,
            a_type,
            int(if a_turned { m } else { k }),
            (&raw const keep).cast(),
            to as *mut c_void,
            to_type,
            int(n),
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
        )
    };
    done.unwrap_or_else(|fault| panic!("a product of [{m}, {k}] and [{k}, {n}]: {fault:?}"));
}

/// Rows, inner and outer width of the product that a card is measured by: it fills a card of so many multiprocessors, 8192 at most.
pub fn large(device: &Cuda) -> [usize; 3] {
    [(64 * Context::of(device).multiprocessors()).clamp(128, 8192); 3]
}

/// Products that are timed together, and how often.
const TOGETHER: u32 = 5;
const REPEATS: usize = 5;

/// The best time of the product [`large`], of several that run one after another.
pub fn time_product(device: &Cuda, precision: Precision) -> Duration {
    let ([m, k, n], context) = (large(device), Context::of(device));
    // ones and zeros would run faster than numbers do
    let numbers = |count: usize| -> Matrix<Cuda> {
        device.tensor_from_vec((0..count).map(|i| ((i * 7919) % 1031) as f32 / 515.0 - 1.0).collect(), (1, count))
    };
    let (x, weight) = (numbers(m * k), numbers(n * k));
    let [x, weight] = [x, weight].map(|matrix| Numbers::of(context, &matrix, precision));
    let y = Numbers::allocate(context, m * n, precision);
    let multiply = || {
        for _ in 0..TOGETHER {
            product(context, (m, n, k), Factor::Plain(&x), Factor::Turned(&weight), Into::Numbers(&y));
        }
        device.synchronize();
    };
    multiply();
    let timed = || {
        let begun = Instant::now();
        multiply();
        begun.elapsed() / TOGETHER
    };
    (0..REPEATS).map(|_| timed()).min().expect("it is timed more than once")
}

impl Context {
    /// A copy in bfloat16.
    fn narrow(&self, x: &Matrix<Cuda>) -> Memory {
        let count = x.shape().0 * x.shape().1;
        let to = self.allocate(2 * count);
        launch!(self, Linear, "narrow", Launch::threads_for(count, 4);
            Address address(x), Address place(&to), Long count as i64);
        to
    }
}
