//! The operations of the model, each in its composed form: plain dfdx, any device, differentiable.
//!
//! The composed form is the definition that faster kernels are tested against. Two facts of dfdx 0.13.0 bite here:
//! - the gradient of `slice` on the CPU assigns and does not add, so a tensor is only cut into pieces that do not
//!   overlap, and it is never used beside its pieces;
//! - casting between number types is not differentiable, see [`stable_max`].

mod attention;
mod embed;
mod linear;
mod norm;
mod rope;
mod segments;
pub mod stable_max;
mod swiglu;

pub use attention::attention;
pub use embed::{embed, prefix_tokens};
pub use linear::{linear, rows_of};
pub use norm::rms_norm;
pub use rope::Rotation;
pub use segments::{Run, Segments};
pub use swiglu::swiglu;

#[cfg(test)]
mod testing;
