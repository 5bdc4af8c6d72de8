//! Ranks: the processes that train one model together, each on one device.
//!
//! Every rank computes its own slots of the batch, and all of them take the same optimizer step from the sum of their
//! gradients. So what leaves [`Ranks::sum`] and [`Ranks::gather`] is the same on every rank, bit for bit; a rank that got
//! other bits would drift away unseen. All ranks must call the same methods in the same order: one that calls alone waits.
//!
//! [`Alone`] is one rank and costs nothing; `Mpi` (feature `mpi`) is what `mpirun` or `srun` started; [`Threads`] are ranks
//! in one process, for tests that need no launcher.

mod begin;
mod launch;
#[cfg(feature = "mpi")]
mod message;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg_attr(not(feature = "mpi"), allow(dead_code, reason = "only processes that MPI joins know each other"))]
mod peer;
mod threads;

use std::fmt::Display;
use std::ops::Range;

use thiserror::Error;

pub use begin::begin;
pub use launch::Launch;
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use peer::Ended;
pub use threads::Threads;

/// What keeps processes from training together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RanksError {
    /// This build has no MPI.
    #[error(
        "{0} processes were started together ({variable} is {0}), but this build trains in one; start one, or build with \
         --features mpi",
        .launch.count,
        variable = .launch.variable
    )]
    NotBuilt {
        /// What the launcher says.
        launch: Launch,
    },
    /// The launcher and MPI do not know each other.
    #[error(
        "{0} processes were started together ({variable} is {0}), but MPI joins {joined}; start them by the mpirun of the MPI that \
         this program was built with, or by srun --mpi=pmix",
        .launch.count,
        variable = .launch.variable
    )]
    Apart {
        /// What the launcher says.
        launch: Launch,
        /// The ranks that MPI joins.
        joined: usize,
    },
    /// What went wrong on another rank only.
    #[error("rank {rank}: {message}")]
    Elsewhere {
        /// The first rank that it went wrong on.
        rank: usize,
        /// What it says.
        message: String,
    },
}

/// Processes that work together. Messages to and from a process that has ended never come: see [`Ended`].
pub trait Ranks {
    /// The number of this one, from 0. Rank 0 alone writes and talks.
    fn rank(&self) -> usize;

    /// How many there are.
    fn count(&self) -> usize;

    /// The number of this one among those of its machine, from 0: the device that it takes there.
    fn local_rank(&self) -> usize;

    /// Replaces values by their sums over the ranks, added in the order of the ranks: the same bits on every rank.
    ///
    /// # Shapes
    /// values `[n]`, with the same n on every rank.
    fn sum(&self, values: &mut [f32]);

    /// What each rank gives, in the order of the ranks; less than 2 GiB in all.
    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;

    /// What each rank gives, of any size, for rank 0 alone; the others get nothing.
    fn gather_at_first(&self, bytes: Vec<u8>) -> Vec<Vec<u8>>;

    /// True on every rank when it is true on one of them.
    fn any(&self, here: bool) -> bool {
        self.gather(&[u8::from(here)]).contains(&vec![1])
    }

    /// The neighbours of so many items that this rank takes.
    fn share(&self, items: usize) -> Range<usize> {
        share(items, self.rank(), self.count())
    }
}

/// The neighbours of so many items that a rank of so many takes: as many as every other rank, or one more.
pub fn share(items: usize, rank: usize, count: usize) -> Range<usize> {
    items * rank / count..items * (rank + 1) / count
}

/// Ends the work on all ranks when it went wrong on one: a result is `Ok` on all of them or on none.
///
/// # Errors
/// The rank's own error, or else that of the first rank that has one, as [`RanksError::Elsewhere`].
pub fn agree<T, E: Display + From<RanksError>>(ranks: &dyn Ranks, result: Result<T, E>) -> Result<T, E> {
    if ranks.count() == 1 {
        return result;
    }
    // An error's own first byte, so that one without words is an error too.
    let said = result.as_ref().err().map_or_else(String::new, |error| format!("!{error}"));
    let said = ranks.gather(said.as_bytes());
    let value = result?;
    match said.iter().position(|said| !said.is_empty()) {
        None => Ok(value),
        Some(rank) => {
            let message = String::from_utf8_lossy(&said[rank][1..]).into_owned();
            Err(RanksError::Elsewhere { rank, message }.into())
        }
    }
}

/// The numbers whose bytes these are, as a rank has given them; all ranks run on machines of one byte order.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(size_of::<f32>()).map(bytemuck::pod_read_unaligned).collect()
}

/// One process, which waits for nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn count(&self) -> usize {
        1
    }

    fn local_rank(&self) -> usize {
        0
    }

    fn sum(&self, _: &mut [f32]) {}

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        vec![bytes.to_vec()]
    }

    fn gather_at_first(&self, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        vec![bytes]
    }

    fn any(&self, here: bool) -> bool {
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_neighbours_that_cover_everything_once() {
        for (items, count) in [(16, 2), (5, 2), (768, 7), (3, 3), (2, 3), (0, 2)] {
            let shares: Vec<Range<usize>> = (0..count).map(|rank| share(items, rank, count)).collect();
            assert_eq!((shares[0].start, shares[count - 1].end), (0, items));
            assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start), "{shares:?}");
            let (least, most) = (items / count, items.div_ceil(count));
            assert!(shares.iter().all(|share| (least..=most).contains(&share.len())), "{shares:?}");
        }
    }

    #[test]
    fn one_rank_agrees_with_itself() {
        assert_eq!(agree::<_, RanksError>(&Alone, Ok(7)), Ok(7));
        assert!(Alone.any(true) && !Alone.any(false));
        assert_eq!(Alone.gather(b"a"), [b"a"]);
        assert_eq!(Alone.share(9), 0..9);
    }
}
