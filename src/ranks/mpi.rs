//! `Mpi`: ranks that `mpirun` or `srun` has started.
//!
//! A sum deals and collects: rank r gets the r-th piece of everybody's values, adds them in the order of the ranks, and gives its sums
//! to all. MPI's own all-reduce may add in any order, and in another one on every rank. Each rank sends and gets
//! `2 n (count - 1) / count` values, the least there can be.
//!
//! Every call comes from the thread that joined, and waits until all ranks have called. What the network loses ends the program
//! with MPI's own message: its default, which is kept, because a call that fails in silence would leave wrong sums.

use std::cell::RefCell;
use std::fmt;
use std::thread;

use ::mpi::Threading;
use ::mpi::datatype::{Partition, PartitionMut};
use ::mpi::environment::{self, Universe};
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::*;

use rayon::prelude::*;

use super::message::{Counts, blocks};
use super::peer::{Peer, Watch, local_rank};
use super::{Ended, Launch, Ranks, RanksError, share};
use crate::kernels::lanes;

/// The values that are dealt at a time: little enough that they are still in the cache when they are added.
const BLOCK: usize = 1 << 20;

/// The values that one thread adds at a time.
const CHUNK: usize = 1 << 14;

/// One of several processes that MPI joins.
pub struct Mpi {
    rank: usize,
    count: usize,
    local_rank: usize,
    /// What everybody gives of this rank's piece, `[count * piece]`.
    dealt: RefCell<Vec<f32>>,
    watch: Option<Watch>,
    world: SimpleCommunicator,
    /// Dropped last: it ends MPI.
    _universe: Universe,
}

impl Mpi {
    /// Joins the processes of a launch.
    ///
    /// # Errors
    /// [`RanksError::Apart`] when MPI does not join all of them.
    pub fn join(launch: Launch, ended: impl Fn(Ended) + Send + 'static) -> Result<Self, RanksError> {
        let (universe, _) =
            ::mpi::initialize_with_threading(Threading::Funneled).expect("a process joins its ranks once");
        let world = universe.world();
        let number = |number: i32| usize::try_from(number).expect("ranks are counted from 0");
        let (rank, count) = (number(world.rank()), number(world.size()));
        if count != launch.count {
            return Err(RanksError::Apart { launch, joined: count });
        }
        let dealt = RefCell::new(Vec::new());
        let mut ranks = Self { rank, count, local_rank: 0, dealt, watch: None, world, _universe: universe };
        let name = environment::processor_name().unwrap_or_else(|_| "a machine without a name".to_owned());
        let here = serde_json::to_vec(&Peer::here(name)).expect("a peer is plain data");
        let peer = |bytes: Vec<u8>| serde_json::from_slice(&bytes).expect("all ranks run one program");
        let peers: Vec<Peer> = ranks.gather(&here).into_iter().map(peer).collect();
        ranks.local_rank = local_rank(&peers, rank);
        ranks.watch = Some(Watch::over(&peers, rank, ended));
        Ok(ranks)
    }

    fn sum_block(&self, values: &mut [f32]) {
        let pieces: Vec<_> = (0..self.count).map(|rank| share(values.len(), rank, self.count)).collect();
        let pieces = Counts::of_ranges(&pieces);
        let piece = share(values.len(), self.rank, self.count).len();
        let mut dealt = self.dealt.borrow_mut();
        dealt.resize(self.count * piece, 0.0);
        let equal = Counts::of_lengths(&vec![piece; self.count]);
        let given = Partition::new(&*values, pieces.counts(), pieces.starts());
        let mut taken = PartitionMut::new(&mut dealt[..], equal.counts(), equal.starts());
        self.world.all_to_all_varcount_into(&given, &mut taken);
        let (sums, others) = dealt.split_at_mut(piece);
        sums.par_chunks_mut(CHUNK).enumerate().for_each(|(number, sums)| {
            let start = number * CHUNK;
            others.chunks_exact(piece).for_each(|other| lanes::add(sums, &other[start..start + sums.len()]));
        });
        let mut taken = PartitionMut::new(values, pieces.counts(), pieces.starts());
        self.world.all_gather_varcount_into(&*sums, &mut taken);
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpi").field("rank", &self.rank).field("count", &self.count).finish_non_exhaustive()
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn local_rank(&self) -> usize {
        self.local_rank
    }

    fn sum(&self, values: &mut [f32]) {
        values.chunks_mut(BLOCK).for_each(|block| self.sum_block(block));
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        // One byte more than is asked for: an empty slice of bytes lies at address 1, which is what Open MPI calls MPI_IN_PLACE.
        let padded = [bytes, &[0]].concat();
        let mut lengths = vec![0_u64; self.count];
        self.world.all_gather_into(&(padded.len() as u64), &mut lengths[..]);
        let lengths: Vec<usize> = lengths.into_iter().map(|length| length as usize).collect();
        let counts = Counts::of_lengths(&lengths);
        let mut all = vec![0_u8; lengths.iter().sum()];
        let mut taken = PartitionMut::new(&mut all[..], counts.counts(), counts.starts());
        self.world.all_gather_varcount_into(&padded[..], &mut taken);
        let mut rest = &all[..];
        let mut take = |length: usize| {
            let (bytes, after) = rest.split_at(length);
            rest = after;
            bytes[..length - 1].to_vec()
        };
        lengths.iter().map(|&length| take(length)).collect()
    }

    fn gather_at_first(&self, bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let lengths = self.gather(&(bytes.len() as u64).to_le_bytes());
        if self.rank != 0 {
            let first = self.world.process_at_rank(0);
            blocks(bytes.len()).for_each(|block| first.send(&bytes[block]));
            return Vec::new();
        }
        let mut all = vec![bytes];
        for (rank, length) in (0..).zip(&lengths).skip(1) {
            let length = u64::from_le_bytes(length.as_slice().try_into().expect("a length has 8 bytes")) as usize;
            let mut bytes = vec![0_u8; length];
            let other = self.world.process_at_rank(rank);
            for block in blocks(length) {
                other.receive_into(&mut bytes[block]);
            }
            all.push(bytes);
        }
        all
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        if thread::panicking() {
            // The others wait for this rank, and MPI cannot be left in order without them.
            self.world.abort(101);
        }
        // Nobody ends before all have come to their end, and nobody is missed after that.
        self.world.barrier();
        drop(self.watch.take());
        self.world.barrier();
    }
}
