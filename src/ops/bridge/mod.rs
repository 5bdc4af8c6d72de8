//! The one seam to dfdx: the numbers of a CPU tensor as a slice, and operations of our own on its tape.
//!
//! dfdx 0.13.0 hides the storage of its tensors. What its public surface gives: `Index` and `IndexMut` refer to a number of it,
//! `tensor_from_vec` takes a `Vec` as it is, and the gradients of a tape deref to `Vec`. The tests below fail at once should a
//! version change any of this.

#[cfg(feature = "cuda")]
pub mod cuda;
#[cfg(all(feature = "cuda", feature = "mpi"))]
pub mod nccl;

use dfdx::prelude::*;
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::device::Matrix;

/// The numbers of a tensor in row order, where they lie.
#[expect(unsafe_code, reason = "dfdx hides its storage")]
pub fn values<E: dfdx::dtypes::Unit, T>(tensor: &Tensor<(usize, usize), E, Cpu, T>) -> &[E] {
    let (rows, columns) = *tensor.shape();
    if rows * columns == 0 {
        return &[];
    }
    assert_dense(&tensor[[0, 0]], &tensor[[0, columns - 1]], columns);
    assert_dense(&tensor[[0, 0]], &tensor[[rows - 1, columns - 1]], rows * columns);
    // SAFETY: all numbers lie in one storage, the last as far from the first as the shape says. Note: dfdx gives no reference to the
    // whole storage, so the slice is wider than the reference that it is made from. Tree Borrows allows this within one allocation,
    // Stacked Borrows does not; no compiler makes use of the difference.
    unsafe { std::slice::from_raw_parts(&tensor[[0, 0]], rows * columns) }
}

/// The numbers of a tensor, to be changed: a copy of them when another tensor shares them.
#[expect(unsafe_code, reason = "dfdx hides its storage")]
pub fn values_mut<T>(tensor: &mut Matrix<Cpu, T>) -> &mut [f32] {
    let (rows, columns) = *tensor.shape();
    if rows * columns == 0 {
        return &mut [];
    }
    assert_dense(&tensor[[0, 0]], &tensor[[0, columns - 1]], columns);
    assert_dense(&tensor[[0, 0]], &tensor[[rows - 1, columns - 1]], rows * columns);
    // SAFETY: as in `values`; `IndexMut` has made the storage this tensor's own.
    unsafe { std::slice::from_raw_parts_mut(&mut tensor[[0, 0]], rows * columns) }
}

fn assert_dense<E>(first: *const E, last: *const E, count: usize) {
    let bytes = last as usize - first as usize;
    assert_eq!(bytes, (count - 1) * size_of::<E>(), "a tensor whose numbers do not lie in row order");
}

/// A copy of the numbers of a tensor, by all threads: one that zeroes or copies new memory takes longer than a layer's norm.
pub fn copied<T>(tensor: &Matrix<Cpu, T>) -> Vec<f32> {
    values(tensor).par_iter().with_min_len(1 << 14).copied().collect()
}

/// The whole numbers of an index.
#[expect(unsafe_code, reason = "dfdx hides its storage")]
pub fn indices(tensor: &Tensor<(usize,), usize, Cpu>) -> &[usize] {
    let (count,) = *tensor.shape();
    if count == 0 {
        return &[];
    }
    assert_dense(&tensor[[0]], &tensor[[count - 1]], count);
    // SAFETY: as in `values`.
    unsafe { std::slice::from_raw_parts(&tensor[[0]], count) }
}

/// A matrix of these numbers, which are not copied.
pub fn matrix(device: &Cpu, values: Vec<f32>, shape: (usize, usize)) -> Matrix<Cpu> {
    device.tensor_from_vec(values, shape)
}

/// Takes the gradient of a tensor off the tape, zeros when nothing has reached it. What is taken is gone: an operation takes the
/// gradient of its result, which nobody reads after it, and so frees it early.
pub fn take<S: Shape>(
    gradients: &mut Gradients<f32, Cpu>,
    of: &Tensor<S, f32, Cpu>,
) -> Result<Vec<f32>, <Cpu as HasErr>::Err> {
    Ok(std::mem::take(&mut **gradients.get_or_alloc_mut(of)?))
}

/// Puts the gradient of a tensor back onto the tape.
pub fn give<S: Shape>(
    gradients: &mut Gradients<f32, Cpu>,
    of: &Tensor<S, f32, Cpu>,
    values: Vec<f32>,
) -> Result<(), <Cpu as HasErr>::Err> {
    **gradients.get_or_alloc_mut(of)? = values;
    Ok(())
}

/// What goes over to another thread though the compiler cannot tell that it may.
struct Shared<T>(T);

#[expect(
    unsafe_code,
    reason = "whether tensors may be shared depends on the device, and generic code cannot name that"
)]
// SAFETY: see `side_by_side`.
unsafe impl<T> Send for Shared<T> {}
#[expect(unsafe_code, reason = "as above")]
// SAFETY: see `side_by_side`.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> &T {
        &self.0
    }

    fn into_inner(self) -> T {
        self.0
    }
}

/// Does the work on all threads and gives the results in order.
///
/// Code that is generic over the device cannot say that its models and tensors may be shared: those of CUDA may not. This is the CPU's way
/// alone, whose tensors may; besides them and plain host data nothing is captured by the work that comes here, nor given by it.
pub fn side_by_side<T: Sync, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    let work = Shared(work);
    let done: Vec<Shared<R>> = items.par_iter().map(|item| Shared(work.get()(item))).collect();
    done.into_iter().map(Shared::into_inner).collect()
}

/// Does the work on a pool. What it captures and gives goes over as in [`side_by_side`].
pub fn on_pool<R>(pool: &ThreadPool, work: impl FnOnce() -> R) -> R {
    let work = Shared(work);
    pool.install(move || Shared(work.into_inner()())).into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_s_numbers_are_read_and_changed_in_place() {
        let device = Cpu::default();
        let numbers = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let place = numbers.as_ptr();
        let mut tensor = matrix(&device, numbers, (2, 3));
        assert_eq!(values(&tensor), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(values(&tensor).as_ptr(), place, "a vector becomes a tensor without a copy");
        values_mut(&mut tensor)[4] = 7.0;
        assert_eq!(values(&tensor).as_ptr(), place, "an unshared tensor is changed in place");
        let shared = tensor.clone();
        values_mut(&mut tensor)[0] = 9.0;
        assert_eq!((shared[[0, 0]], tensor[[0, 0]], tensor[[1, 1]]), (1.0, 9.0, 7.0), "a shared one is copied first");
    }

    #[test]
    #[should_panic(expected = "row order")]
    fn a_turned_tensor_is_refused() {
        values(&matrix(&Cpu::default(), vec![0.0; 6], (2, 3)).permute::<_, Axes2<1, 0>>());
    }

    #[test]
    fn gradients_are_taken_and_given() {
        let device = Cpu::default();
        let x = matrix(&device, vec![1.0, 2.0], (1, 2));
        let (taped, mut tape) = x.leaky_trace().split_tape();
        let (input, y) = (taped.clone(), matrix(&device, vec![3.0, 6.0], (1, 2)));
        let result = y.clone();
        tape.add_backward_op(move |gradients| {
            let d_y = take(gradients, &result)?;
            let mut d_x = take(gradients, &input)?;
            d_x.iter_mut().zip(&d_y).for_each(|(to, from)| *to += 3.0 * from);
            give(gradients, &input, d_x)
        });
        let gradients = (y.put_tape(tape) * 2.0).sum::<Rank0, _>().backward();
        assert_eq!(gradients.get(&x).as_vec(), [6.0, 6.0]);
    }
}
