//! Tile registers (Intel AMX): eight registers of 16 rows of 64 bytes, and products of two of them.
//!
//! In the crate's own tests a processor with AVX-512 and without tiles emulates the products of bytes, which are exact.
//!
//! Rust has no stable intrinsics for them, so a whole product of tiles is one block of assembly; the compiler
//! itself never touches these registers. Their shape is set on the way in and they are given back on the way out.

use std::arch::asm;
use std::marker::PhantomData;

use super::Level;

/// The bytes of a tile.
pub const TILE: usize = 1024;

/// True when the processor has tile registers for bytes and bfloat16, and the system grants them to this process.
pub(super) fn is_present() -> bool {
    processor_has_tiles() && system_grants_tiles()
}

fn processor_has_tiles() -> bool {
    // leaf 7: AMX-BF16, AMX-TILE and AMX-INT8
    let bits = std::arch::x86_64::__cpuid_count(7, 0).edx;
    bits >> 22 & 1 == 1 && bits >> 24 & 1 == 1 && bits >> 25 & 1 == 1
}

/// Linux keeps the tile registers from a process until it asks (`ARCH_REQ_XCOMP_PERM` for `XFEATURE_XTILEDATA`).
#[cfg(target_os = "linux")]
fn system_grants_tiles() -> bool {
    // SAFETY: the call takes two numbers and changes nothing but the permission.
    unsafe { libc::syscall(libc::SYS_arch_prctl, 0x1023, 18) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn system_grants_tiles() -> bool {
    false
}

#[repr(C, align(64))]
struct TileShapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// While it lives this thread's eight tile registers are 16 rows of 64 bytes. It stays on its thread.
#[derive(Debug)]
pub struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// Takes the registers of this thread.
    pub fn take() -> Self {
        if Level::is_emulating_tiles() {
            return Self(PhantomData);
        }
        assert!(Level::Amx.is_in_use(), "no tile registers");
        let mut shapes = TileShapes { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        shapes.row_bytes[..8].fill(64);
        shapes.rows[..8].fill(16);
        // SAFETY: the registers are there and granted; the description is 64 bytes long and lives until it is read.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &shapes, options(nostack, readonly)) };
        Self(PhantomData)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        if Level::is_emulating_tiles() {
            return;
        }
        // SAFETY: gives back what `take` took.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

impl Tiles {
    /// `out[2, 2] (+)= left[2] . right[2]` in bfloat16 with float32 sums, over `steps` tiles of 32 numbers of depth.
    ///
    /// # Safety
    /// `left` and `left + left_next` begin `steps` tiles of rows, `right` and `right + right_next` as many of
    /// columns, one after another; `out` has 32 rows of 32 numbers, `stride` bytes apart.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the operands of one block of assembly")]
    pub unsafe fn bfloat16(
        &self,
        steps: usize,
        left: *const u8,
        left_next: usize,
        right: *const u8,
        right_next: usize,
        out: *mut f32,
        stride: usize,
        add: bool,
    ) {
        // SAFETY: the caller vouches for the operands; the registers are this thread's.
        unsafe {
            let lower = out.byte_add(16 * stride);
            if add {
                asm!(
                    "tileloadd tmm0, [{out} + {stride}]",
                    "tileloadd tmm1, [{lower} + {stride}]",
                    "tileloadd tmm2, [{out} + {stride} + 64]",
                    "tileloadd tmm3, [{lower} + {stride} + 64]",
                    out = in(reg) out, lower = in(reg) lower, stride = in(reg) stride, options(nostack, readonly)
                );
            } else {
                asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
            }
            asm!(
                "2:",
                "tileloadd tmm4, [{left} + {row}]",
                "tileloadd tmm6, [{right} + {row}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{lower_left} + {row}]",
                "tdpbf16ps tmm1, tmm5, tmm6",
                "tileloadd tmm7, [{next_right} + {row}]",
                "tdpbf16ps tmm2, tmm4, tmm7",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {left}, 1024",
                "add {lower_left}, 1024",
                "add {right}, 1024",
                "add {next_right}, 1024",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{out} + {stride}], tmm0",
                "tilestored [{lower} + {stride}], tmm1",
                "tilestored [{out} + {stride} + 64], tmm2",
                "tilestored [{lower} + {stride} + 64], tmm3",
                left = inout(reg) left => _,
                lower_left = inout(reg) left.add(left_next) => _,
                right = inout(reg) right => _,
                next_right = inout(reg) right.add(right_next) => _,
                steps = inout(reg) steps => _,
                out = in(reg) out,
                lower = in(reg) lower,
                stride = in(reg) stride,
                row = in(reg) 64usize,
                options(nostack)
            );
        }
    }

    /// The three sums of products of byte planes, highest order first, of a tile of rows with one of columns:
    /// `[1.1, 1.2 + 2.1, 1.3 + 2.2 + 3.1]`, over `steps` triples of tiles of 64 bytes of depth.
    ///
    /// # Safety
    /// `left` and `right` begin `steps` triples of tiles each, one after another; `sums` has room for three tiles.
    #[inline(always)]
    pub unsafe fn bytes(&self, steps: usize, left: *const u8, right: *const u8, sums: *mut i32) {
        #[cfg(test)]
        if Level::is_emulating_tiles() {
            // SAFETY: as the caller vouches.
            return unsafe { emulated_bytes(steps, left.cast(), right.cast(), sums) };
        }
        // Every tile is loaded once: three registers are sums, three hold the planes of the left side, and the third plane of the
        // right side takes the place of the left's.
        // SAFETY: the caller vouches for the operands; the registers are this thread's.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "2:",
                "tileloadd tmm6, [{right} + {row}]",
                "tileloadd tmm3, [{left} + {row}]",
                "tdpbssd tmm0, tmm3, tmm6",
                "tileloadd tmm4, [{left} + {row} + 1024]",
                "tdpbssd tmm1, tmm4, tmm6",
                "tileloadd tmm5, [{left} + {row} + 2048]",
                "tdpbssd tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{right} + {row} + 1024]",
                "tdpbssd tmm1, tmm3, tmm7",
                "tileloadd tmm5, [{right} + {row} + 2048]",
                "tdpbssd tmm2, tmm4, tmm7",
                "tdpbssd tmm2, tmm3, tmm5",
                "add {left}, 3072",
                "add {right}, 3072",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{sums} + {row}], tmm0",
                "tilestored [{sums} + {row} + 1024], tmm1",
                "tilestored [{sums} + {row} + 2048], tmm2",
                left = inout(reg) left => _,
                right = inout(reg) right => _,
                steps = inout(reg) steps => _,
                sums = in(reg) sums,
                row = in(reg) 64usize,
                options(nostack)
            );
        }
    }
}

/// [`Tiles::bytes`] without tile registers. The right tiles hold four bytes of depth of sixteen columns in each row.
///
/// # Safety
/// As of [`Tiles::bytes`].
#[cfg(test)]
unsafe fn emulated_bytes(steps: usize, left: *const i8, right: *const i8, sums: *mut i32) {
    // SAFETY: the caller vouches for as many tiles, and whole numbers have no other invalid values.
    let (left, right, sums) = unsafe {
        let triples = steps * 3 * TILE;
        (
            std::slice::from_raw_parts(left, triples),
            std::slice::from_raw_parts(right, triples),
            std::slice::from_raw_parts_mut(sums, 3 * 256),
        )
    };
    sums.fill(0);
    for (left, right) in left.chunks_exact(3 * TILE).zip(right.chunks_exact(3 * TILE)) {
        for (a, b) in [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)] {
            let (rows, columns) = (&left[a * TILE..][..TILE], &right[b * TILE..][..TILE]);
            for (row, sums) in rows.chunks_exact(64).zip(sums[(a + b) * 256..].chunks_exact_mut(16)) {
                for (four, columns) in row.chunks_exact(4).zip(columns.chunks_exact(64)) {
                    for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(4)) {
                        *sum += four.iter().zip(column).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
                    }
                }
            }
        }
    }
}
