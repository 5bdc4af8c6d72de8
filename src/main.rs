//! The program: parse, run, exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3, which its bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // A step frees what the next one needs: given back to the system in between, it would be cleared and mapped anew, which
    // takes a few per cent of the step. So nothing is given back before the end.
    // SAFETY: sets a number that the allocator reads; an option that is not there is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
    trm_arc::cli::main().into()
}
