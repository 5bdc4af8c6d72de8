//! Signals: the first one asks the work to end in order, the second ends the program at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CliError, Exit, talk};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Catches SIGINT and SIGTERM from now on; the flag is set by the first.
pub fn catch() -> Result<&'static AtomicBool, CliError> {
    catch_on(true)
}

/// The same on one of several ranks, of which one `talks`.
pub fn catch_on(talks: bool) -> Result<&'static AtomicBool, CliError> {
    ctrlc::set_handler(move || {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            process::exit(Exit::Interrupted.code().into());
        }
        if talks {
            talk("interrupted: finishing in order; once more to stop at once");
        }
    })
    .map_err(|error| {
        CliError::Usage(format!("cannot catch signals: {error}; hint: allow more processes (ulimit -u)"))
    })?;
    Ok(&INTERRUPTED)
}
