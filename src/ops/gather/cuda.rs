//! Rows of a table on CUDA. The gradient is summed in a fixed order: the takers of each row one after another, by chunks.

use dfdx::prelude::*;

use crate::device::Matrix;
use crate::ops::bridge::cuda::{Context, Launch, address, launch, place, slope, take};

/// Takers that one block adds up.
const CHUNK: usize = 128;

/// The takers of every table row, sorted by row and cut into chunks.
#[derive(Debug, PartialEq, Eq)]
struct Takers {
    /// The takers, `[N]`.
    order: Vec<u32>,
    /// Where each chunk begins in the order, and where the last one ends, `[C + 1]`.
    starts: Vec<u32>,
    /// The first chunk of each table row, and the end of all, `[M + 1]`.
    firsts: Vec<u32>,
}

impl Takers {
    /// Those of an index into a table of so many rows.
    fn of(index: &[usize], rows: usize) -> Self {
        let mut counts = vec![0usize; rows];
        index.iter().for_each(|&row| counts[row] += 1);
        let (mut starts, mut firsts) = (vec![], vec![]);
        let mut places = Vec::with_capacity(rows);
        let mut place = 0;
        for &count in &counts {
            firsts.push(starts.len() as u32);
            places.push(place);
            starts.extend((place..place + count).step_by(CHUNK).map(|start| start as u32));
            place += count;
        }
        firsts.push(starts.len() as u32);
        starts.push(place as u32);
        let mut order = vec![0; index.len()];
        for (taker, &row) in index.iter().enumerate() {
            order[places[row]] = taker as u32;
            places[row] += 1;
        }
        Self { order, starts, firsts }
    }
}

fn rows(count: usize, width: usize) -> Launch {
    Launch::blocks(count, (width.next_multiple_of(32) as u32).min(256))
}

/// See [`super::composed`].
pub(in crate::ops) fn cuda<T: Tape<f32, Cuda>>(
    table: Matrix<Cuda, T>,
    index: &Tensor<(usize,), usize, Cuda>,
) -> Matrix<Cuda, T> {
    let (table, mut tape) = table.split_tape();
    let context = Context::of(table.device());
    let ((height, width), count) = (*table.shape(), index.shape().0);
    let taken: Matrix<Cuda> = table.device().zeros_like(&(count, width));
    launch!(context, Gather, "gather_rows", rows(count, width);
        Address address(&table), Address address(index), Address address(&taken), Int width as i32);
    if !T::OWNS_TAPE {
        return taken.put_tape(tape);
    }
    let takers = Takers::of(&index.as_vec(), height);
    let ghost = taken.clone();
    tape.add_backward_op(move |gradients| {
        let gradient = take(gradients, &ghost)?;
        let to = slope(gradients, &table)?;
        let chunks = takers.starts.len() - 1;
        let part = context.allocate(4 * chunks * width);
        let [order, starts, firsts] = [&takers.order, &takers.starts, &takers.firsts].map(|list| context.upload(list));
        launch!(context, Gather, "sum_rows", rows(chunks, width);
            Address place(&gradient), Address place(&order), Address place(&starts), Address place(&part), Int width as i32);
        launch!(context, Gather, "sum_parts", rows(height, width);
            Address place(&part), Address place(&firsts), Address to, Int width as i32);
        Ok(())
    });
    taken.put_tape(tape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takers_are_sorted_by_row_and_cut() {
        let takers = Takers::of(&[2, 0, 2, 3, 2], 5);
        assert_eq!(takers.order, [1, 0, 2, 4, 3]);
        assert_eq!(takers.starts, [0, 1, 4, 5]);
        assert_eq!(takers.firsts, [0, 1, 1, 2, 3, 3]);
        let many = Takers::of(&vec![1; 2 * CHUNK + 1], 2);
        assert_eq!(many.starts, [0, 128, 256, 257]);
        assert_eq!(many.firsts, [0, 0, 3]);
    }
}
