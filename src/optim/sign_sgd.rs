//! Sign-SGD for the puzzle rows: `row <- row * (1 - lr*wd) - lr * sign(g)`, where g is the sum of the gradients of all examples of the
//! batch that have this row. Each distinct row moves once; rows that are not in the batch do not move, not even by decay.

use std::collections::BTreeMap;

/// The gradients of a batch's rows, summed by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGradients {
    sums: BTreeMap<usize, Vec<f32>>,
}

impl RowGradients {
    /// Adds one example's gradient of its row.
    pub fn add(&mut self, row: usize, gradient: &[f32]) {
        let sum = self.sums.entry(row).or_insert_with(|| vec![0.0; gradient.len()]);
        sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
    }

    /// True while all are numbers.
    pub fn is_finite(&self) -> bool {
        self.sums.values().flatten().all(|value| value.is_finite())
    }
}

/// Moves the rows of a table.
///
/// # Shapes
/// table `[rows * width]`; every summed gradient `[width]`.
pub fn sign_sgd(table: &mut [f32], width: usize, gradients: &RowGradients, learning_rate: f64, weight_decay: f64) {
    let (keep, size) = ((1.0 - learning_rate * weight_decay) as f32, learning_rate as f32);
    for (&row, gradient) in &gradients.sums {
        for (value, &g) in table[row * width..(row + 1) * width].iter_mut().zip(gradient) {
            // `f32::signum` of 0 is 1; the sign of no gradient is 0
            let sign = if g == 0.0 { 0.0 } else { g.signum() };
            *value = *value * keep - size * sign;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_summed_before_the_sign_and_other_rows_stay() {
        let mut table = vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let mut gradients = RowGradients::default();
        gradients.add(2, &[3.0, -1.0]);
        gradients.add(0, &[0.0, -0.5]);
        gradients.add(2, &[-5.0, 0.5]);
        sign_sgd(&mut table, 2, &gradients, 0.5, 0.5);
        assert_eq!(table, [0.75, 1.25, 1.0, 1.0, 1.25, 1.25]);
    }
}
