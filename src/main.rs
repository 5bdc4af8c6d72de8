//! The program: parse, run, exit code; and its allocator, which ends it in words where there is no memory left.

use std::alloc::{GlobalAlloc, Layout};
use std::io::{self, Write};
use std::process::ExitCode;

use mimalloc::MiMalloc;
use trm_arc::cli::Exit;

#[global_allocator]
static ALLOCATOR: OrEnd = OrEnd(MiMalloc);

/// `mi_option_purge_delay` of mimalloc 3, which its bindings do not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// What is asked for at once and is at least as large may be refused: whoever asks for so much (the text of a huge file) can say what for.
const LARGE: usize = 1 << 30;

/// An allocator that does not fail but ends the program: the standard library would abort it, with a trace of the calls and no exit code.
/// Every file is whole then, as after a kill.
struct OrEnd(MiMalloc);

impl OrEnd {
    fn or_end(block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() && size < LARGE {
            end(size);
        }
        block
    }
}

/// Allocates nothing itself.
#[cold]
fn end(size: usize) -> ! {
    let _ = writeln!(
        io::stderr(),
        "error: no memory is left, and {size} bytes more are asked for; what was written before stands. Take a smaller batch, more parts or \
         fewer --tokens-per-batch, or allow more memory (ulimit -v)"
    );
    // not `exit`: what runs at an exit may allocate, on a thread that is in the midst of it
    at_once(Exit::Usage.code().into())
}

#[expect(unsafe_code, reason = "a C function")]
fn at_once(code: i32) -> ! {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(code) }
}

// SAFETY: hands all calls on; what comes back is mimalloc's.
#[expect(unsafe_code, reason = "an allocator is")]
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        Self::or_end(unsafe { self.0.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        Self::or_end(unsafe { self.0.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        Self::or_end(unsafe { self.0.realloc(block, layout, size) }, size)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.dealloc(block, layout) }
    }
}

/// A file that grows beyond a limit (`ulimit -f`) is a fault like a full disk, and no signal that kills.
#[cfg(unix)]
#[expect(unsafe_code, reason = "a C function")]
fn take_no_signal_for_large_files() {
    // SAFETY: sets what a signal does, before there is a second thread.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(not(unix))]
fn take_no_signal_for_large_files() {}

fn main() -> ExitCode {
    take_no_signal_for_large_files();
    // A step frees what the next one needs: given back to the system in between, it would be cleared and mapped anew, which
    // takes a few per cent of the step. So nothing is given back before the end.
    // SAFETY: sets a number that the allocator reads; an option that is not there is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
    trm_arc::cli::main().into()
}
