//! The ranks of a command, and what it says when one of them ends too early.

use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use super::{CliError, Exit, counted, talk};
use crate::ranks::{self, Ended, Ranks, RanksError};

/// How long the ranks that say nothing wait for the one that says why they end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The ranks of this process, which write to `output`. `None` where another process says why there are none.
pub fn begin(output: Option<&PathBuf>) -> Result<Option<Box<dyn Ranks>>, CliError> {
    let folder = output.map_or_else(|| "with its output folder".to_owned(), |output| output.display().to_string());
    match ranks::begin(move |ended| end(&ended, &folder)) {
        Ok(ranks) => {
            if ranks.rank() == 0 && ranks.count() > 1 {
                let threads = counted(rayon::current_num_threads(), "thread");
                talk(format_args!("{} ranks; this one computes in {threads}", ranks.count()));
            }
            Ok(Some(ranks))
        }
        Err(RanksError::NotBuilt { launch } | RanksError::Apart { launch, .. }) if launch.rank > 0 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ends this process because another one has ended: what it waits for never comes.
fn end(ended: &Ended, folder: &str) {
    if !ended.speaks {
        thread::sleep(PATIENCE);
        process::exit(Exit::Usage.code().into());
    }
    let Ended { rank, process: number, machine, .. } = ended;
    talk(format_args!(
        "error: rank {rank} (process {number} on {machine}) has ended, so all do; what was saved last is whole: go on from it by \
         --resume {folder}"
    ));
    process::exit(Exit::Usage.code().into());
}
