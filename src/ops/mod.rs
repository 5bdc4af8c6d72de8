//! The operations of the model. Each has a composed form in plain dfdx, which is its definition on every device; on the CPU a fused
//! form over `kernels`, and on CUDA (feature `cuda`) one over its `kernel.cu`, which the tests hold against it.
//!
//! Two facts of dfdx 0.13.0 bite in composed forms:
//! - the gradient of `slice` on the CPU assigns and does not add, so a tensor is only cut into pieces that do not
//!   overlap, it is never used beside its pieces, and it is cut once: a composed layer serves one pass of a tape;
//! - casting between number types is not differentiable, see [`stable_max`].

pub mod adam;
mod add;
pub mod attention;
pub mod boards;
mod bridge;
pub mod embed;
pub mod gated;
pub mod gather;
mod linear;
pub mod local;
pub mod muon;
mod norm;
mod rotation;
mod segments;
pub mod stable_max;
pub mod sum;

use std::time::Duration;

pub use adam::{Adam, AdamKind, AdamOp, Ema, Moments, Moved};
pub use attention::{AttentionOp, AttentionWeights};
pub use embed::{embed, prefix_tokens};
pub use gated::{GatedOp, GatedWeights};
pub use linear::{linear, rows_of};
pub use local::Neighbours;
pub use muon::{Muon, MuonRule, Stacked};
pub use norm::rms_norm;
pub use rotation::Rotation;
pub use segments::{Run, Segments};
pub use stable_max::{Judged, Label};
pub use sum::Addend;

#[cfg(feature = "cuda")]
use dfdx::prelude::Cuda;
use dfdx::prelude::{Cpu, Gradients, HasShape, Shape, Tape, Tensor, TensorFromVec};

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};

use crate::device::{Matrix, Precision};
use crate::kernels::Kind;
use crate::ranks::Ranks;

/// What the weights of a layer are made ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number type of products.
    pub precision: Precision,
    /// Whether gradients will be asked for.
    pub trained: bool,
}

impl Ready {
    /// The engine for it on this processor.
    fn engine(self) -> Kind {
        let bfloat16 = self.precision == Precision::Bf16;
        Kind::best(bfloat16).unwrap_or_else(|| panic!("no products in {} on this processor", self.precision))
    }
}

/// Says that a call comes from this crate. Work that goes to other threads captures what generic code cannot say may go there (see
/// `bridge::side_by_side`): it is looked at here, and nobody outside can send any.
#[derive(Clone, Copy, Debug)]
pub struct Inside(());

impl Inside {
    pub(crate) const CRATE: Self = Self(());
}

/// The operations of a device. Where there is no kernel the composed form serves.
pub trait Operations: AttentionOp + GatedOp + AdamOp {
    /// `sums[i] += parts[0][i]`, then `parts[1][i]` and so on in their order. True while every sum is a finite number; what is none in one
    /// part is none in the sum. `None` stands for a tensor without a gradient, in the sums and in every part. The sums are nobody else's:
    /// a device changes them where they lie.
    fn add_in_order(sums: &mut [Option<Matrix<Self>>], parts: &[Vec<Option<Matrix<Self>>>]) -> bool;

    /// How sums over ranks go from one device to another, in words; a device that has to be joined for it is joined here, by all ranks.
    fn way_between(&self, ranks: &dyn Ranks) -> String {
        let _ = ranks;
        "by MPI".into()
    }

    /// Replaces sums by those over all ranks; see [`Ranks::sum`]. `None` stands for a tensor without a gradient, on every rank.
    fn sum_over(sums: &mut [Option<Matrix<Self>>], ranks: &dyn Ranks) {
        sum_through_host(sums, ranks);
    }

    /// The gradient of a tensor, which is gone afterwards where that saves a copy; zeros when nothing has reached it.
    fn gradient<S: Shape>(gradients: &mut Gradients<f32, Self>, of: &Tensor<S, f32, Self>) -> Tensor<S, f32, Self>;

    /// The numbers of a matrix on the host, in row order: what `as_vec` gives, copied once.
    fn numbers(of: &Matrix<Self>) -> Vec<f32> {
        let mut numbers = vec![0.0; of.shape().0 * of.shape().1];
        of.copy_into(&mut numbers);
        numbers
    }

    /// How many parts of a batch are best computed side by side.
    fn parts_at_once() -> usize;

    /// Does this work on each item, as many side by side as suits the device, and gives the results in order.
    fn side_by_side<T: Sync, R>(_: Inside, items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
        items.iter().map(work).collect()
    }

    /// Does this on a pool of so many threads, where the device computes on threads at all.
    ///
    /// # Errors
    /// When there cannot be so many.
    fn on_threads<R>(_: Inside, threads: usize, work: impl FnOnce() -> R) -> Result<R, ThreadPoolBuildError> {
        let _ = threads;
        Ok(work())
    }

    /// Rows, inner and outer width of the product that the device is measured by.
    fn large_product(device: &Self) -> [usize; 3];

    /// The best time of that product, `x W^T` with the weight ready beforehand; the precision is one that the device has.
    fn time_product(device: &Self, precision: Precision) -> Duration;

    /// `z + a (+ b)`; see [`sum`]. `learns` says whether the gradient of z is wanted. Without a tape z is given up: the sum may lie in its
    /// place.
    fn sum<T: Tape<f32, Self>>(z: Matrix<Self, T>, learns: bool, others: &[Addend<Self>]) -> Matrix<Self, T> {
        let _ = learns;
        sum::composed(z, others)
    }

    /// `table[index]`; see [`gather`].
    fn gather<T: Tape<f32, Self>>(table: Matrix<Self, T>, index: &Tensor<(usize,), usize, Self>) -> Matrix<Self, T> {
        gather::composed(table, index)
    }

    /// The rows of one matrix and then those of another; see [`embed::join`].
    fn join<T: Tape<f32, Self>>(top: Matrix<Self, T>, bottom: &Matrix<Self>) -> Matrix<Self, T> {
        embed::join(top, bottom)
    }

    /// Every row made longer by zeros; see [`embed::pad`].
    fn pad<T: Tape<f32, Self>>(x: Matrix<Self, T>, columns: usize) -> Matrix<Self, T> {
        embed::pad(x, columns)
    }

    /// The loss of logits, its gradient and their answers; see [`stable_max`].
    ///
    /// # Shapes
    /// logits `[N, V]`, labels `[N]`.
    fn judge(logits: &Matrix<Self>, labels: &[Option<Label>]) -> Judged<Self> {
        stable_max::composed(logits, labels)
    }

    /// Every board turned over; see [`boards`].
    fn turn_boards<T: Tape<f32, Self>>(x: Matrix<Self, T>, count: usize) -> Matrix<Self, T> {
        boards::composed(x, count)
    }

    /// The local layer; see [`local`]. Without a tape x is given up: the result may lie in its place.
    ///
    /// # Shapes
    /// x `[N, D]`, weight `[9, D]`, neighbours of N tokens -> `[N, D]`.
    fn local<T: Tape<f32, Self>>(
        x: Matrix<Self, T>,
        weight: &Matrix<Self>,
        neighbours: &Neighbours,
    ) -> Matrix<Self, T> {
        local::composed(x, weight, neighbours)
    }

    /// One step of Muon of these tensors and of their moving averages; see [`muon`].
    fn muon(tensors: Vec<Stacked<'_, Self>>, rule: MuonRule) {
        muon::composed(tensors, rule);
    }
}

impl Operations for Cpu {
    fn add_in_order(sums: &mut [Option<Matrix<Cpu>>], parts: &[Vec<Option<Matrix<Cpu>>>]) -> bool {
        add::cpu(sums, parts)
    }

    fn sum_over(sums: &mut [Option<Matrix<Cpu>>], ranks: &dyn Ranks) {
        sums.iter_mut().flatten().for_each(|sum| ranks.sum(bridge::values_mut(sum)));
    }

    fn gradient<S: Shape>(gradients: &mut Gradients<f32, Cpu>, of: &Tensor<S, f32, Cpu>) -> Tensor<S, f32, Cpu> {
        let values = bridge::take(gradients, of).expect("the CPU has memory for a gradient");
        of.device().tensor_from_vec(values, *of.shape())
    }

    fn parts_at_once() -> usize {
        rayon::current_num_threads()
    }

    fn side_by_side<T: Sync, R>(_: Inside, items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
        bridge::side_by_side(items, work)
    }

    fn on_threads<R>(_: Inside, threads: usize, work: impl FnOnce() -> R) -> Result<R, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
        Ok(bridge::on_pool(&pool, work))
    }

    fn large_product(_: &Cpu) -> [usize; 3] {
        linear::cpu::LARGE
    }

    fn time_product(_: &Cpu, precision: Precision) -> Duration {
        linear::cpu::time_product(precision)
    }

    fn sum<T: Tape<f32, Cpu>>(z: Matrix<Cpu, T>, learns: bool, others: &[Addend<Cpu>]) -> Matrix<Cpu, T> {
        sum::cpu(z, learns, others)
    }

    fn gather<T: Tape<f32, Cpu>>(table: Matrix<Cpu, T>, index: &Tensor<(usize,), usize, Cpu>) -> Matrix<Cpu, T> {
        gather::cpu(table, index)
    }

    fn judge(logits: &Matrix<Cpu>, labels: &[Option<Label>]) -> Judged<Cpu> {
        stable_max::cpu(logits, labels)
    }

    fn turn_boards<T: Tape<f32, Cpu>>(x: Matrix<Cpu, T>, count: usize) -> Matrix<Cpu, T> {
        boards::cpu(x, count)
    }

    fn local<T: Tape<f32, Cpu>>(x: Matrix<Cpu, T>, weight: &Matrix<Cpu>, neighbours: &Neighbours) -> Matrix<Cpu, T> {
        local::cpu(x, weight, neighbours)
    }

    fn muon(tensors: Vec<Stacked<'_, Cpu>>, rule: MuonRule) {
        muon::cpu(tensors, rule);
    }
}

#[cfg(feature = "cuda")]
impl Operations for Cuda {
    fn add_in_order(sums: &mut [Option<Matrix<Cuda>>], parts: &[Vec<Option<Matrix<Cuda>>>]) -> bool {
        sum::cuda::add_in_order(sums, parts)
    }

    #[cfg(feature = "mpi")]
    fn way_between(&self, ranks: &dyn Ranks) -> String {
        match bridge::nccl::Communicator::of(self, ranks) {
            Ok(_) => "by NCCL".into(),
            Err(why) => format!("through host memory, because {why}"),
        }
    }

    #[cfg(feature = "mpi")]
    fn sum_over(sums: &mut [Option<Matrix<Cuda>>], ranks: &dyn Ranks) {
        let Some(device) = sums.iter().flatten().next().map(|sum| sum.device().clone()) else { return };
        match bridge::nccl::Communicator::of(&device, ranks) {
            Ok(communicator) => communicator.sum_over(sums),
            Err(_) => sum_through_host(sums, ranks),
        }
    }

    fn gradient<S: Shape>(gradients: &mut Gradients<f32, Cuda>, of: &Tensor<S, f32, Cuda>) -> Tensor<S, f32, Cuda> {
        gradients.try_alloc_for(of).expect("the device has memory for a gradient");
        gradients.get(of)
    }

    fn parts_at_once() -> usize {
        1
    }

    fn large_product(device: &Cuda) -> [usize; 3] {
        linear::cuda::large(device)
    }

    fn time_product(device: &Cuda, precision: Precision) -> Duration {
        linear::cuda::time_product(device, precision)
    }

    fn sum<T: Tape<f32, Cuda>>(z: Matrix<Cuda, T>, learns: bool, others: &[Addend<Cuda>]) -> Matrix<Cuda, T> {
        sum::cuda::cuda(z, learns, others)
    }

    fn gather<T: Tape<f32, Cuda>>(table: Matrix<Cuda, T>, index: &Tensor<(usize,), usize, Cuda>) -> Matrix<Cuda, T> {
        gather::cuda::cuda(table, index)
    }

    fn join<T: Tape<f32, Cuda>>(top: Matrix<Cuda, T>, bottom: &Matrix<Cuda>) -> Matrix<Cuda, T> {
        embed::cuda::join(top, bottom)
    }

    fn pad<T: Tape<f32, Cuda>>(x: Matrix<Cuda, T>, columns: usize) -> Matrix<Cuda, T> {
        embed::cuda::pad(x, columns)
    }

    fn judge(logits: &Matrix<Cuda>, labels: &[Option<Label>]) -> Judged<Cuda> {
        stable_max::cuda::cuda(logits, labels)
    }

    fn turn_boards<T: Tape<f32, Cuda>>(x: Matrix<Cuda, T>, count: usize) -> Matrix<Cuda, T> {
        boards::cuda::cuda(x, count)
    }

    fn local<T: Tape<f32, Cuda>>(
        x: Matrix<Cuda, T>,
        weight: &Matrix<Cuda>,
        neighbours: &Neighbours,
    ) -> Matrix<Cuda, T> {
        local::cuda::cuda(x, weight, neighbours)
    }
}

/// [`Operations::sum_over`] for a device that has no way of its own to others.
fn sum_through_host<D: Operations>(sums: &mut [Option<Matrix<D>>], ranks: &dyn Ranks) {
    for sum in sums.iter_mut().flatten() {
        let mut values = sum.as_vec();
        ranks.sum(&mut values);
        sum.copy_from(&values);
    }
}

/// Numbers of a trunk's tensor that a thread takes at a time: long enough to pay for handing them out, short enough that one tensor keeps
/// all threads busy. Every number is computed alone, so neither this nor the number of threads changes a bit.
const CHUNK: usize = 1 << 14;

#[cfg(test)]
mod testing;
