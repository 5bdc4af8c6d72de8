//! `trm-arc`: train, run, judge and submit Tiny Recursive Models (arXiv 2510.04871) on ARC-AGI, Sudoku and mazes.
//!
//! Puzzles know no tensors. Tensors know no puzzles. The verdict knows neither tensors nor training.
//! Only `recipe`, `train`, `solve`, `bench` and `regress` see two wings.
//!
//! ```text
//! 10  cli                                         one file per command; main.rs parses, runs, sets the exit code
//!  9  bench · regress
//!  8  train · solve
//!     ------------------------------------------------------------------------------
//!  7                     recipe                   report
//!  6                                              score · submission
//!  5  dataset           optim                     vote · solver
//!  4  encode · overlap  model                     prediction
//!  3  augment           ops · checkpoint
//!     concept · picture
//!  2  task · puzzle     device · ranks
//!  1  grid              kernels
//!     puzzle wing       tensor wing               verdict wing (may read grid, task, puzzle, augment, picture)
//!     ------------------------------------------------------------------------------
//!  0  clock · files · names · rng · units
//! ```
//!
//! The law, asserted by `tests/layers.rs`: a room imports lower numbers of its own wing and the ground floor; rooms of
//! the same number never import each other, but those of the ground floor may; nobody imports `cli`. `bench` stands above
//! `train` because it times the very step that training takes.
//!
//! # Shape letters
//!
//! | letter | meaning |
//! |---|---|
//! | B | examples in a batch |
//! | P | puzzle-prefix tokens of an example |
//! | S | cells of an example |
//! | L | tokens of an example, P + S |
//! | N | tokens of a batch, the sum of L: activations are packed `[N, D]`, without padding and without a batch axis |
//! | D | hidden size |
//! | H | attention heads |
//! | I | inner size of a swiglu |
//! | V | vocabulary |

#![warn(missing_docs)]
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod augment;
pub mod bench;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod concept;
pub mod dataset;
pub mod device;
pub mod encode;
pub mod files;
pub mod grid;
pub mod kernels;
pub mod model;
pub mod names;
pub mod ops;
pub mod optim;
pub mod overlap;
pub mod picture;
pub mod prediction;
pub mod puzzle;
pub mod ranks;
pub mod recipe;
pub mod regress;
pub mod report;
pub mod rng;
pub mod score;
pub mod solve;
pub mod solver;
pub mod submission;
pub mod task;
pub mod train;
pub mod units;
pub mod vote;
