//! The ranks of a command, and what it says when one of them ends too early.

use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use itertools::Itertools;

use super::{CliError, Exit, talk};
use crate::device::{Precision, computing_in};
use crate::ops::Operations;
use crate::ranks::{self, Ended, Ranks, RanksError};

/// How long the ranks that say nothing wait for the one that says why they end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The ranks of this process, which write to `output`. `None` where another process says why there are none.
pub fn begin(output: Option<&PathBuf>) -> Result<Option<Box<dyn Ranks>>, CliError> {
    let folder = output.map_or_else(|| "with its output folder".to_owned(), |output| output.display().to_string());
    match ranks::begin(move |ended| end(&ended, &folder)) {
        Ok(ranks) => Ok(Some(ranks)),
        Err(RanksError::NotBuilt { launch } | RanksError::Apart { launch, .. }) if launch.rank > 0 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Says on rank 0 what each rank computes on, in one line where it is the same for all.
pub fn introduce(ranks: &dyn Ranks, device: &impl Operations, precision: Precision) {
    if ranks.count() == 1 {
        return;
    }
    let way = device.way_between(ranks);
    let all = ranks.gather(computing_in(device, precision).as_bytes());
    if ranks.rank() > 0 {
        return;
    }
    let all: Vec<_> = all.iter().map(|text| String::from_utf8_lossy(text)).collect();
    match all.iter().all_equal_value() {
        Ok(text) => talk(format_args!("{} ranks, each on {text}; gradients are summed {way}", all.len())),
        Err(_) => {
            all.iter().enumerate().for_each(|(rank, text)| talk(format_args!("rank {rank} on {text}")));
            talk(format_args!("gradients are summed {way}"));
        }
    }
}

/// How a rank ends that leaves the word to another: not at once, for a launcher that sees it end ends all, also the one that still speaks.
pub fn silently() -> Exit {
    thread::sleep(PATIENCE);
    Exit::Usage
}

/// Ends this process because another one has ended: what it waits for never comes.
fn end(ended: &Ended, folder: &str) {
    if !ended.speaks {
        process::exit(silently().code().into());
    }
    let Ended { rank, process: number, machine, .. } = ended;
    talk(format_args!(
        "error: rank {rank} (process {number} on {machine}) has ended, so all do; what was saved last is whole: go on from it by \
         --resume {folder}"
    ));
    process::exit(Exit::Usage.code().into());
}
