//! `begin`: the ranks that this process is one of, by what its launcher says.

use super::{Alone, Ended, Launch, Ranks, RanksError};

/// The ranks of this process: [`Alone`], unless a launcher has started several together. `ended` is told of a rank of this machine
/// that is missed, in a thread of its own, and must end the process: nothing else wakes those who wait for it.
///
/// # Errors
/// [`RanksError::NotBuilt`], [`RanksError::Apart`].
pub fn begin(ended: impl Fn(Ended) + Send + 'static) -> Result<Box<dyn Ranks>, RanksError> {
    match Launch::found() {
        None => Ok(Box::new(Alone)),
        Some(launch) => join(launch, ended),
    }
}

#[cfg(feature = "mpi")]
fn join(launch: Launch, ended: impl Fn(Ended) + Send + 'static) -> Result<Box<dyn Ranks>, RanksError> {
    Ok(Box::new(super::Mpi::join(launch, ended)?))
}

#[cfg(not(feature = "mpi"))]
fn join(launch: Launch, _: impl Fn(Ended) + Send + 'static) -> Result<Box<dyn Ranks>, RanksError> {
    Err(RanksError::NotBuilt { launch })
}
