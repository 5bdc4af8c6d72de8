//! The exponential moving average of the weights, which evaluation and published checkpoints use.

/// `average <- decay * average + (1 - decay) * value`, number by number.
pub fn average(average: &mut [f32], values: &[f32], decay: f64) {
    let (keep, take) = (decay as f32, (1.0 - decay) as f32);
    for (average, value) in average.iter_mut().zip(values) {
        *average = keep * *average + take * value;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_moves_by_its_share() {
        let mut shadow = [1.0, 0.0];
        super::average(&mut shadow, &[2.0, 4.0], 0.75);
        assert_eq!(shadow, [1.25, 1.0]);
    }
}
