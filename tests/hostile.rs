//! The promise: whatever is fed to the program is answered or refused by one error that names the file; it never panics, aborts or hangs, does
//! not believe a size that a file claims, and nothing that a file says steers the terminal, leaves its folder or runs in a page.

#[cfg(unix)]
#[path = "hostile/attacks.rs"]
mod attacks;
#[cfg(unix)]
#[path = "hostile/checkpoints.rs"]
mod checkpoints;
#[path = "hostile/mutations.rs"]
mod mutations;
#[cfg(unix)]
#[path = "hostile/names.rs"]
mod names;
mod program;
#[path = "hostile/resumed.rs"]
mod resumed;
mod smallest;
