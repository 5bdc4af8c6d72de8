//! The angle of (scale, mean) for Adam-atan2, without a branch: `torch.atan2(mean, scale)` for a scale that is not negative.
//!
//! ```text
//! r = smaller / larger of |mean|, scale          0 where both are 0, 1 where both are infinite
//! a = r + r^3 * P(r^2)                           atan of 0 to 1; P is the minimax polynomial of its relative error, 1.7e-8
//! |angle| = a, or pi/2 - a where |mean| > scale
//! ```
//!
//! The library's atan2 is a call per number and takes 16 ns; this is one division and ten multiply-adds, which LLVM turns into vectors.
//! The result is within 2 units in the last place of the exact angle, and NaN stays NaN.

/// `(atan(sqrt z) / sqrt z - 1) / z` over 0 to 1, from the constant up.
const POLYNOMIAL: [f32; 8] = [
    -3.333_315e-1,
    1.999_377_3e-1,
    -1.421_105_6e-1,
    1.066_600_5e-1,
    -7.552_215e-2,
    4.321_186_6e-2,
    -1.636_793e-2,
    2.920_693e-3,
];

/// pi/2 less the float32 nearest to it.
const REST_OF_QUARTER: f32 = -4.371_139e-8;

/// The angle, from -pi/2 to pi/2. The scale is at least 0.
#[inline(always)]
pub(super) fn atan2(mean: f32, scale: f32) -> f32 {
    let size = mean.abs();
    // Comparisons and not `min` and `max`, which would lose a NaN.
    let steep = size > scale;
    let (smaller, larger) = if steep { (scale, size) } else { (size, scale) };
    let ratio = smaller / if larger == 0.0 { 1.0 } else { larger };
    let ratio = if smaller == f32::INFINITY { 1.0 } else { ratio };
    let square = ratio * ratio;
    let beyond = POLYNOMIAL.iter().rev().fold(0.0f32, |sum, &factor| sum.mul_add(square, factor));
    let cube = ratio * square;
    let flat = cube.mul_add(beyond, ratio);
    let rest = std::f32::consts::FRAC_PI_2 - ratio + (-cube).mul_add(beyond, REST_OF_QUARTER);
    (if steep { rest } else { flat }).copysign(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance in units of the last place of the exact angle.
    fn error(mean: f32, scale: f32) -> f64 {
        let exact = f64::from(mean).atan2(f64::from(scale));
        let nearest = exact as f32;
        let unit = f64::from(nearest.abs().next_up()) - f64::from(nearest.abs());
        (f64::from(atan2(mean, scale)) - exact).abs() / unit
    }

    #[test]
    fn it_is_within_two_units_of_the_exact_angle() {
        let mut worst: f64 = 0.0;
        // Every ratio in steps of a few float32 numbers about each power of two, with both signs and at all sizes.
        for bits in (0x3000_0000u32..0x4f00_0000).step_by(1009) {
            let ratio = f32::from_bits(bits);
            for scale in [1.0f32, 3.0e-20, 0.7, 1.9e19] {
                worst = worst.max(error(ratio * scale, scale)).max(error(-ratio * scale, scale));
            }
        }
        // Tiny and huge numbers against each other, subnormal ones too.
        let sizes: Vec<f32> = (0..0x7f80_0000u32).step_by(0x0012_3457).map(f32::from_bits).collect();
        for &mean in &sizes {
            for &scale in &sizes {
                worst = worst.max(error(mean, scale)).max(error(-mean, scale));
            }
        }
        assert!(worst <= 2.0, "{worst} units in the last place");
    }

    #[test]
    fn the_corners_are_those_of_the_library() {
        let infinite = f32::INFINITY;
        let quarter = std::f32::consts::FRAC_PI_2;
        for (mean, scale, angle) in [
            (0.0, 0.0, 0.0),
            (0.0, 1.0, 0.0),
            (1e-45, 0.0, quarter),
            (-1e-45, 0.0, -quarter),
            (-f32::MAX, 0.0, -quarter),
            (5.0, infinite, 0.0),
            (infinite, 5.0, quarter),
        ] {
            assert_eq!(atan2(mean, scale), angle, "{mean} {scale}");
            assert_eq!(mean.atan2(scale), angle, "the library: {mean} {scale}");
        }
        assert!(error(-infinite, infinite) <= 2.0 && error(infinite, infinite) <= 2.0);
        assert!(atan2(-0.0, 0.0).is_sign_negative() && atan2(-0.0, 3.0).is_sign_negative());
        for (mean, scale) in [(f32::NAN, 0.0), (f32::NAN, 1.0), (0.0, f32::NAN), (1.0, f32::NAN), (f32::NAN, infinite)]
        {
            assert!(atan2(mean, scale).is_nan(), "{mean} {scale}");
        }
    }
}
