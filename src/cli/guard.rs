//! What ends the work on a device: dfdx and our operations panic where it has no memory left or a kernel faults. To a user that is
//! one error like any other.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use super::{CliError, Exit, talk};
use crate::device::DeviceChoice;

/// Does the work. On a device of its own what panics there is said in one line, and ends with the exit code of an error; what was saved before
/// still stands.
pub fn guarded(device: DeviceChoice, work: impl FnOnce() -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    if device == DeviceChoice::Cpu {
        return work();
    }
    // The line is written by the hook and not after it: a fault of the device lets the release of its memory fail too, which ends the
    // process.
    panic::set_hook(Box::new(|fault: &PanicHookInfo<'_>| talk(format_args!("error: {}", in_words(fault.payload())))));
    let ended = panic::catch_unwind(AssertUnwindSafe(work));
    drop(panic::take_hook());
    ended.unwrap_or(Ok(Exit::Usage))
}

fn in_words(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("no reason is given");
    match text.contains("OUT_OF_MEMORY") {
        true => "the device has no memory left; take fewer tokens at a time (--tokens-per-batch), of bench a smaller --batch".into(),
        false => format!("the device failed: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_in_words() {
        let memory: Box<dyn Any> = Box::new("DriverError(CUDA_ERROR_OUT_OF_MEMORY)".to_owned());
        assert!(in_words(&*memory).contains("fewer tokens"));
        let other: Box<dyn Any> = Box::new("kernel gate_bf16: an illegal access");
        assert_eq!(in_words(&*other), "the device failed: kernel gate_bf16: an illegal access");
    }
}
