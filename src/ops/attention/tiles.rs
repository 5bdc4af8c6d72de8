//! How the work of attention is cut on CUDA: the numbers of `tiles.h`, kernels by name, and the list of tiles of a batch.

use crate::device::Precision;
use crate::ops::Segments;

/// The kernels for heads of one size, and how they are launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels {
    pub rope: &'static str,
    pub forward: &'static str,
    pub delta: &'static str,
    pub backward_keys: &'static str,
    pub backward_queries: &'static str,
    /// Rows of a segment that a block takes.
    pub rows_per_tile: usize,
    /// Bytes of dynamic shared memory, forward.
    pub forward_bytes: u32,
    /// The same backward.
    pub backward_bytes: u32,
}

impl Kernels {
    /// Threads of a block, in all of them.
    pub const THREADS: u32 = 128;

    /// The largest d.
    pub const LARGEST_HEAD: usize = 128;

    /// Those for heads of `size` coordinates.
    pub fn of(size: usize, precision: Precision) -> Self {
        assert!(
            (1..=Self::LARGEST_HEAD).contains(&size),
            "heads of {size} coordinates; at most {}",
            Self::LARGEST_HEAD
        );
        macro_rules! bfloat16 {
            ($head:literal, $rows:literal, $forward:literal, $backward:literal) => {
                Self {
                    rope: "rope_bf16",
                    forward: concat!("attention_forward_bf16_", $head),
                    delta: "attention_delta_bf16",
                    backward_keys: concat!("attention_backward_keys_bf16_", $head),
                    backward_queries: concat!("attention_backward_queries_bf16_", $head),
                    rows_per_tile: $rows,
                    forward_bytes: $forward,
                    backward_bytes: $backward,
                }
            };
        }
        match (precision, size) {
            (Precision::F32, _) => {
                let pitch = size.next_multiple_of(32) as u32;
                Self {
                    rope: "rope_f32",
                    forward: "attention_forward_f32",
                    delta: "attention_delta_f32",
                    backward_keys: "attention_backward_keys_f32",
                    backward_queries: "attention_backward_queries_f32",
                    rows_per_tile: 16,
                    forward_bytes: 192 * pitch + 2048,
                    backward_bytes: 256 * pitch + 4096,
                }
            }
            (Precision::Bf16, ..=16) => bfloat16!(16, 128, 8192, 9216),
            (Precision::Bf16, 17..=32) => bfloat16!(32, 128, 16384, 17408),
            (Precision::Bf16, 33..=64) => bfloat16!(64, 128, 32768, 33792),
            (Precision::Bf16, _) => bfloat16!(128, 64, 32768, 33280),
        }
    }
}

/// (first row of the segment, its length, first row of the tile within it, 0) of every tile; those of long segments come first, because
/// they take longest and what begins last should be short.
pub fn tiles(segments: &Segments, rows_per_tile: usize) -> Vec<[i32; 4]> {
    let mut tiles = Vec::new();
    for range in segments.ranges() {
        let of = |first: usize| [range.start as i32, range.len() as i32, first as i32, 0];
        tiles.extend((0..range.len()).step_by(rows_per_tile).map(of));
    }
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile[1]));
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_tile_and_long_segments_come_first() {
        let found = tiles(&Segments::new(vec![3, 20, 16, 1]), 16);
        assert_eq!(found, [[3, 20, 0, 0], [3, 20, 16, 0], [23, 16, 0, 0], [0, 3, 0, 0], [39, 1, 0, 0]]);
    }

    #[test]
    fn a_head_takes_the_smallest_kernel_that_holds_it() {
        let forward = |size| Kernels::of(size, Precision::Bf16).forward;
        let names = [2, 16, 18, 32, 34, 64, 66, 128].map(forward);
        let expected = [16, 16, 32, 32, 64, 64, 128, 128].map(|head| format!("attention_forward_bf16_{head}"));
        assert_eq!(names.map(str::to_owned), expected);
        assert_eq!(Kernels::of(40, Precision::F32).forward_bytes, 192 * 64 + 2048);
    }
}
