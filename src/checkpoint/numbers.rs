//! The check of every number that a checkpoint holds: finite, and small enough to compute with.

use std::path::Path;

use super::CheckpointError;

/// Largest magnitude of a stored number: far beyond any weight, moment or state that a training leaves, and sums of billions of its squares
/// are finite in float32.
pub const MAX_MAGNITUDE: f32 = 1e12;

/// Checks a piece of a tensor that begins with its number `first`.
///
/// # Errors
/// [`CheckpointError::Number`].
pub(super) fn check(path: &Path, tensor: &str, first: usize, values: &[f32]) -> Result<(), CheckpointError> {
    // false for NaN too
    let is_usable = |value: &f32| value.abs() <= MAX_MAGNITUDE;
    // without a branch for each number, so that the pass runs at the speed of memory
    if values.iter().fold(true, |all, value| all & is_usable(value)) {
        return Ok(());
    }
    let place = values.iter().position(|value| !is_usable(value)).expect("one is not usable");
    let (path, tensor) = (path.to_owned(), tensor.to_owned());
    Err(CheckpointError::Number { path, tensor, place: first + place, value: values[place] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_cannot_be_computed_with_is_named_with_its_tensor_and_place() {
        let fault = |value: f32| {
            let checked = check(Path::new("m.safetensors"), "H_init", 100, &[0.0, -MAX_MAGNITUDE, value, f32::NAN]);
            checked.unwrap_err().to_string()
        };
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38, -2e12] {
            let fault = fault(value);
            let named = format!("m.safetensors: number 102 of tensor H_init is {value}");
            assert!(fault.starts_with(&named) && fault.contains("; hint: "), "{fault}");
        }
        assert!(fault(1e12).contains("number 103 of tensor H_init is NaN"));
        check(Path::new(""), "a", 0, &[-0.0, f32::MIN_POSITIVE, 1e-45, 1e12]).unwrap();
    }
}
