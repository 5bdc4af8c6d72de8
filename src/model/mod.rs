//! The Tiny Recursive Model, written once over dfdx tensors, tapes and gradients, generic over the device.
//!
//! One net of a few blocks serves both updates. A supervision step runs `h_cycles` times: `l_cycles` times
//! `z_L = net(z_L, z_H + x)`, then `z_H = net(z_H, z_L)`; gradients flow through the last of the `h_cycles` alone, all of its passes. The
//! switches `nets`, `gradient` and `latents` of a [`Config`] make of it what the paper compares it with.
//!
//! ```no_run
//! use dfdx::prelude::{Cpu, HasShape, NoneTape};
//! use trm_arc::model::{Config, Example, Inputs, Model};
//! use trm_arc::rng::Stream;
//!
//! let model = Model::new(Config::arc(), &Cpu::default(), &mut Stream::new(0, "weights")).unwrap();
//! let (cells, positions) = (vec![2; 900], (0..900).collect::<Vec<u16>>());
//! let inputs = Inputs::new(&model, &[Example { cells: &cells, positions: &positions }]);
//! let rows = model.rows(vec![0.0; 512]);
//! let step = model.supervise::<NoneTape>(&inputs, rows, model.start(&inputs));
//! assert_eq!(step.logits.shape(), &(916, 12));
//! ```

mod answer;
mod carry;
mod config;
mod config_error;
mod inputs;
mod limits;
mod net;
mod packing;
mod recursion;
mod size;
mod variants;
mod weights;

pub use answer::{Answer, answers};
pub use carry::{Carry, state_names};
pub use config::{Config, Local, Mixer, Positions};
pub use config_error::ConfigError;
pub use inputs::{Example, Inputs};
pub use limits::TooLarge;
pub use packing::pack;
pub use recursion::{CONTINUE, HALT, Model, Step};
pub use size::NUMBER;
pub use variants::{Backward, Latents, Nets, Passes};
pub use weights::{Init, Spec, Weights, specs};
