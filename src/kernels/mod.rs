//! The operations on plain slices of host memory: one pass each, vectors of whatever width the processor has, all threads.

pub mod stable_max;
