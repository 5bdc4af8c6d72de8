//! The pool of threads: bounded, and one thread where no more can be started. The number of threads changes no answer.

use std::env;
use std::io;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use rayon::ThreadPoolBuilder;

use super::{CliError, counted, talk};

/// The variable that names the number of threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Threads for each processor that may be asked for.
const MAX_PER_PROCESSOR: usize = 4;

/// Threads that may be asked for on any machine.
const MAX_ANYWHERE: usize = 64;

/// Threads beside the pool: one waits for signals, one draws a bar.
const BESIDE: usize = 2;

/// Time between two drawings of a bar.
const TICK: Duration = Duration::from_millis(500);

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the most threads that may be asked for here.
fn max_threads() -> usize {
    MAX_ANYWHERE.max(MAX_PER_PROCESSOR * processors())
}

/// Parses the value of a `--threads` flag.
pub fn parse(text: &str) -> Result<usize, String> {
    let most = max_threads();
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("on this machine it is a number from 1 to {most}"))
}

/// Starts the pool: as many threads as the environment asks for, within bounds, or one for each processor.
///
/// # Errors
/// [`CliError::Usage`] where not even one can be had.
pub fn start() -> Result<(), CliError> {
    let asked = env::var(VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|count| *count > 0);
    let count = asked.unwrap_or_else(processors).min(max_threads());
    if asked.is_some_and(|asked| asked > count) {
        talk(format_args!("note: {VARIABLE} asks for more threads than help on this machine; {count} are started"));
    }
    let builder = match can_start(count + BESIDE) {
        Ok(()) => ThreadPoolBuilder::new().num_threads(count),
        Err(error) => {
            talk(format_args!(
                "note: cannot start {}: {error}; one does all the work; hint: allow more processes (ulimit -u) or memory (ulimit -v)",
                counted(count, "thread")
            ));
            ThreadPoolBuilder::new().num_threads(1).use_current_thread()
        }
    };
    builder
        .build_global()
        .map_err(|error| CliError::Usage(format!("cannot start threads: {error}; hint: set {VARIABLE}=1")))
}

/// Starts so many threads at once, and ends them. The pool itself is no trial: when it fails there is no second one.
fn can_start(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let closed = gate.lock();
        let started = (0..count).try_for_each(|_| {
            let thread = thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()));
            thread.map(drop)
        });
        drop(closed);
        started
    })
}

/// Draws a bar anew from time to time, where there is a thread for that.
pub fn tick(bar: &ProgressBar) {
    if can_start(1).is_ok() {
        bar.enable_steady_tick(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_threads_is_taken_within_bounds() {
        assert_eq!((parse("1"), parse("64")), (Ok(1), Ok(64)));
        for wrong in ["0", "-1", "many", "99999999999999999999", &(max_threads() + 1).to_string()] {
            assert!(parse(wrong).unwrap_err().contains("from 1 to "), "{wrong}");
        }
    }

    #[test]
    fn threads_are_tried_all_at_once() {
        can_start(0).unwrap();
        can_start(16).unwrap();
    }
}
