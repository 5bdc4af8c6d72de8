//! Training: deep supervision with halting slots, one optimizer step per supervision step; and the same from a checkpoint, for the tasks
//! at hand.

mod adapt;
mod broken_off;
mod exchange;
mod latent;
mod log;
mod memory;
mod pace;
mod run;
mod slots;
mod state;
mod supervision;
mod trainer;

pub use adapt::{Adapt, Adapted, Adapting, Checked, Length};
pub use broken_off::Behind;
pub use latent::{Latent, Latents};
pub use log::{LogRow, Window, read_log};
pub(crate) use memory::bytes_of_token;
pub use run::{Ending, Material, Outcome, Progress, TrainError, Training, train};
pub use slots::{Slot, Slots};
pub use state::HostState;
pub use supervision::{Gradient, Losses, Supervision, is_exact, supervise};
pub use trainer::{Diverged, StepReport, Trainer};
