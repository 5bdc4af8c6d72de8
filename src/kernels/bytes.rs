//! float32 products on tile registers: each number as three signed bytes of a fixed point that its whole line shares.
//!
//! A line is divided by `max|x| / 8355700`, rounded to a whole number of 24 bits and written as `2^16 a + 2^8 b + c` with a, b, c in
//! -128..=127. Of the nine products of two such numbers the six largest are summed, exactly, in 32-bit whole numbers:
//!
//! ```text
//! x . y = (2^16 s_x) (2^16 s_y) (aa' + 2^-8 (ab' + ba') + 2^-16 (ac' + bb' + ca'))
//! ```
//!
//! What is lost is rounding at 2^-24 of the line's largest number and the products below 2^-24: for lines
//! without outliers, as normed activations and their weights are, no more than a float32 sum loses on the way. A line
//! with one number far above the rest rounds the rest to its scale. Whole numbers add up the same in any order.

use super::amx::{self, Tiles};
use super::tiles::{Format, LINES, Operand, Side};
use super::view::fits;
use super::{DEPTH_BLOCK, Engine, Level, Section, View};
use crate::clock::{Part, time};

/// float32 by three bytes on tile registers.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(());

impl Bytes {
    /// The engine, where the processor has it.
    pub fn find() -> Option<Self> {
        (Level::Amx.is_in_use() || Level::is_emulating_tiles()).then_some(Self(()))
    }
}

/// Three bytes to a number.
#[derive(Clone, Copy, Debug)]
pub struct ThreeBytes;

/// The largest whole number of a line. Three signed bytes hold up to `127 * 2^16 + 127 * 2^8 + 127 = 8355711`; some room is left for the
/// rounding of the scale and of its inverse.
const MOST: f32 = 8_355_700.0;

/// The largest whole number that three signed bytes hold. A number beyond it would come back with the other sign, and a bound that is known
/// but for the rounding, as 1 is of `exp(x - max)`, is exceeded by it.
const EDGE: f32 = 8_355_711.0;

/// A line with no number above this counts as zeros.
const LEAST: f32 = 1e-30;

impl Format for ThreeBytes {
    const PLANES: usize = 3;
    const STEP: usize = 64;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn scales(lines: View<'_>, scales: &mut [f32]) {
        scales.fill(0.0);
        for (row, scale) in scales.iter_mut().enumerate().take(lines.lines()) {
            let most = lines.bound().unwrap_or_else(|| largest(lines.line(row)));
            // below the least a factor would overflow; such a line counts as zero
            *scale = match most < LEAST {
                true => 0.0,
                false if most.is_finite() => most / MOST,
                false => f32::NAN,
            };
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn encode(lines: View<'_>, start: usize, scales: &[f32], to: &mut [u8]) {
        use std::arch::x86_64::*;
        assert!(lines.lines() <= LINES && to.len() >= 3 * amx::TILE);
        let half = _mm512_set1_epi32(128);
        let (least, most) = (_mm512_set1_ps(-EDGE), _mm512_set1_ps(EDGE));
        for row in 0..lines.lines() {
            let line = lines.line(row).get(start..).unwrap_or(&[]);
            let scale = scales[row];
            let factor = _mm512_set1_ps(if scale == 0.0 { 0.0 } else { 1.0 / scale });
            for part in 0..4 {
                let count = line.len().saturating_sub(part * 16).min(16);
                let mask = ((1u32 << count) - 1) as u16;
                // SAFETY: the mask reads what the line has; row is below 16, so that its 64 bytes of every plane are in `to`.
                unsafe {
                    let values = _mm512_maskz_loadu_ps(mask, line.as_ptr().wrapping_add(part * 16));
                    let scaled = _mm512_mul_ps(values, factor);
                    let whole = _mm512_cvtps_epi32(_mm512_max_ps(least, _mm512_min_ps(most, scaled)));
                    // the low byte as a signed one; adding 128 carries what that took away
                    let upper = _mm512_srai_epi32::<8>(_mm512_add_epi32(whole, half));
                    let top = _mm512_srai_epi32::<8>(_mm512_add_epi32(upper, half));
                    let to = to.as_mut_ptr().add(row * 64 + part * 16);
                    _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(top));
                    _mm_storeu_si128(to.add(amx::TILE).cast(), _mm512_cvtepi32_epi8(upper));
                    _mm_storeu_si128(to.add(2 * amx::TILE).cast(), _mm512_cvtepi32_epi8(whole));
                }
            }
        }
    }
}

/// The largest magnitude of a line; NaN when it has one.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn largest(line: &[f32]) -> f32 {
    use std::arch::x86_64::*;
    // as whole numbers the magnitudes keep their order, and infinity and NaN come last
    let mut most = _mm512_setzero_si512();
    let magnitude = _mm512_set1_epi32(0x7fff_ffff);
    for chunk in line.chunks(16) {
        let mask = ((1u32 << chunk.len()) - 1) as u16;
        // SAFETY: the mask reads what the chunk has.
        let values = unsafe { _mm512_maskz_loadu_epi32(mask, chunk.as_ptr().cast()) };
        most = _mm512_max_epi32(most, _mm512_and_si512(values, magnitude));
    }
    f32::from_bits(_mm512_reduce_max_epi32(most) as u32)
}

#[repr(align(64))]
struct Sums([i32; 3 * 256]);

/// Columns whose tiles stay in the second-level cache while the rows go by.
const COLUMNS_AT_A_TIME: usize = 256;

impl Engine for Bytes {
    type Left<'a> = Operand<ThreeBytes>;
    type Right = Operand<ThreeBytes>;

    fn name(self) -> &'static str {
        "float32 as three bytes on tile registers"
    }

    fn left<'a>(self, lines: View<'a>) -> Self::Left<'a> {
        time(Part::Packing, || Operand::pack(lines, Side::Left))
    }

    fn right(self, lines: View<'_>) -> Self::Right {
        time(Part::Packing, || Operand::pack(lines, Side::Right))
    }

    fn multiply(self, left: &Self::Left<'_>, right: &Self::Right, section: Section, out: &mut [f32], stride: usize) {
        time(section.part, || multiply(left, right, section, out, stride));
    }
}

fn multiply(left: &Operand<ThreeBytes>, right: &Operand<ThreeBytes>, section: Section, out: &mut [f32], stride: usize) {
    assert!(section.first_depth.is_multiple_of(DEPTH_BLOCK) && section.first_column.is_multiple_of(LINES));
    assert!(section.lies_within(left.depth, right.lines, right.depth));
    assert!(fits(out.len(), left.lines, section.columns, stride));
    let tiles = Tiles::take();
    let mut sums = Sums([0; 3 * 256]);
    for block in 0..left.depth.div_ceil(DEPTH_BLOCK) {
        let right_block = section.first_depth / DEPTH_BLOCK + block;
        let steps = left.steps(block);
        let add = section.add || block > 0;
        for chunk in (0..section.columns).step_by(COLUMNS_AT_A_TIME) {
            let end = (chunk + COLUMNS_AT_A_TIME).min(section.columns);
            for pair in (0..left.lines).step_by(2 * LINES) {
                for column in (chunk..end).step_by(LINES) {
                    let place = section.first_column + column;
                    let columns = right.tile(right_block, place / LINES);
                    // two tiles of rows stay in the first-level cache, and a tile of columns while both go by
                    for row in (pair..left.lines.min(pair + 2 * LINES)).step_by(LINES) {
                        let rows = left.tile(block, row / LINES);
                        assert!(rows.len() <= columns.len());
                        // SAFETY: each operand holds `steps` triples of tiles or more, the sums three tiles.
                        unsafe { tiles.bytes(steps, rows.as_ptr(), columns.as_ptr(), sums.0.as_mut_ptr()) };
                        let scales = (&left.scales[row..][..LINES], &right.scales[place..][..LINES]);
                        let size = (LINES.min(left.lines - row), LINES.min(end - column));
                        let out = &mut out[row * stride + column..];
                        // SAFETY: tile registers come with AVX-512.
                        unsafe {
                            match add {
                                true => combine::<true>(&sums, scales, out, stride, size),
                                false => combine::<false>(&sums, scales, out, stride, size),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The float32 result of three tiles of sums, `rows` by `columns` of it.
#[target_feature(enable = "avx512f")]
#[inline]
fn combine<const ADD: bool>(
    sums: &Sums,
    (left, right): (&[f32], &[f32]),
    out: &mut [f32],
    stride: usize,
    (rows, columns): (usize, usize),
) {
    use std::arch::x86_64::*;
    assert!(rows <= LINES && columns <= LINES && left.len() >= LINES && right.len() >= LINES);
    assert!(fits(out.len(), rows, columns, stride));
    let mask = ((1u32 << columns) - 1) as u16;
    // SAFETY: both slices hold sixteen scales; sums holds three tiles; the mask keeps to the rows of `out`.
    unsafe {
        // 2^32 over both sides' 2^16
        let right = _mm512_mul_ps(_mm512_loadu_ps(right.as_ptr()), _mm512_set1_ps(4_294_967_296.0));
        let (second, third) = (_mm512_set1_ps(1.0 / 256.0), _mm512_set1_ps(1.0 / 65536.0));
        let (mut from, mut to) = (sums.0.as_ptr(), out.as_mut_ptr());
        for scale in &left[..rows] {
            let order = |i: usize| _mm512_cvtepi32_ps(_mm512_load_si512(from.add(i * 256).cast()));
            let sum = _mm512_fmadd_ps(order(2), third, _mm512_fmadd_ps(order(1), second, order(0)));
            let scale = _mm512_mul_ps(right, _mm512_set1_ps(*scale));
            let result = match ADD {
                true => _mm512_fmadd_ps(sum, scale, _mm512_maskz_loadu_ps(mask, to)),
                false => _mm512_mul_ps(sum, scale),
            };
            _mm512_mask_storeu_ps(to, mask, result);
            from = from.add(LINES);
            to = to.wrapping_add(stride);
        }
    }
}
